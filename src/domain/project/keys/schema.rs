//! The table of keys as a JSON Schema, for editors that complete and underline.

use serde_json::{Map, Value, json};

use super::{Key, Shape, TOP, Table};

/// What names of pipelines, environments and services look like.
const NAME: &str = "^[a-z0-9][a-z0-9-]{0,39}$";

/// The whole schema, draft 7, because that is what editors of TOML read.
pub fn schema() -> Value {
    let mut root = table(&TOP);
    if let Value::Object(root) = &mut root {
        root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("title".to_owned(), json!("fairway.toml"));
    }
    root
}

fn table(table: &Table) -> Value {
    let properties: Map<String, Value> = table.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !table.all.is_empty() {
        object["required"] = json!(table.all);
    }
    if !table.one.is_empty() {
        object["oneOf"] = table.one.iter().map(|name| json!({ "required": [name] })).collect();
    }
    object
}

fn property(key: &Key) -> Value {
    let mut value = shape(key.shape);
    value["description"] = json!(key.doc);
    value
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Text(pattern) => text(pattern),
        Shape::OneOf(words) => json!({ "type": "string", "enum": words }),
        Shape::Texts(pattern) => json!({ "type": "array", "items": text(pattern), "maxItems": 100 }),
        Shape::SomeOf(words) => {
            json!({ "type": "array", "items": { "type": "string", "enum": words }, "minItems": 1 })
        }
        Shape::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Env => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["string", "integer", "boolean"] },
        }),
        Shape::Table(inner) => table(inner),
        Shape::Named(inner) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": table(inner),
        }),
        Shape::Matched(inner) => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z0-9*-]{1,40}$" },
            "additionalProperties": table(inner),
        }),
        Shape::Who => json!({
            "oneOf": [
                { "type": "string", "enum": ["write", "maintain", "admin"] },
                { "type": "array", "items": { "type": "string", "pattern": "^@[^/]+/[^/]+$" }, "minItems": 1 },
            ],
        }),
        Shape::WordOr(words, inner) => json!({ "oneOf": [{ "type": "string", "enum": words }, table(inner)] }),
        Shape::TextOrTexts(pattern) => {
            json!({ "oneOf": [text(pattern), { "type": "array", "items": text(pattern), "maxItems": 100 }] })
        }
        Shape::Free => json!({ "type": "object" }),
        Shape::Lists => json!({
            "type": "object",
            "additionalProperties": { "type": "array", "items": { "type": "string" }, "maxItems": 100 },
        }),
    }
}

fn text(pattern: &str) -> Value {
    if pattern.is_empty() { json!({ "type": "string" }) } else { json!({ "type": "string", "pattern": pattern }) }
}

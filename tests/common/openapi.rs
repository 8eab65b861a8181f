//! GitHub's own description of its API, as a judge of what we send and of what the
//! playground answers.
//!
//! The description is OpenAPI 3.0, which is almost but not quite JSON Schema: `nullable` and
//! most `format`s are translated once, at load. It is stricter than GitHub in one place on
//! purpose: a key in a request that GitHub does not know is an error here, since GitHub
//! would drop it in silence and a misspelt key would never be found.

#![allow(dead_code, reason = "each test crate uses its own part")]

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Parameters whose value may hold slashes.
const LONG_PARAMETERS: [&str; 4] = ["{path}", "{ref}", "{branch}", "{basehead}"];

/// How many errors of one body are told.
const TOLD: usize = 5;

/// The description, with one compiled schema for each thing that was asked.
pub struct Contract {
    description: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// Reads `tests/contract/openapi.json`.
    pub fn load() -> Contract {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/openapi.json");
        let text = std::fs::read_to_string(path).expect("the description is in the repository");
        let mut description: Value = serde_json::from_str(&text).expect("the description is JSON");
        translate(&mut description);
        Contract { description, compiled: Mutex::new(HashMap::new()) }
    }

    /// Whether GitHub describes `method` on `path`: a template (`/repos/{owner}/...`) or a
    /// real path, with or without a query, an Enterprise prefix or a host.
    pub fn knows(&self, method: &str, path: &str) -> bool {
        self.operation(method, path).is_ok()
    }

    /// Checks the JSON body of a request; `Null` stands for no body.
    ///
    /// # Errors
    /// Every reason found (at most five), one a line, after the operation's name.
    pub fn check_request(&self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let (name, operation) = self.operation(method, path)?;
        let described = operation.get("requestBody").map(|found| self.resolve(found));
        let schema = described.and_then(json_schema);
        let is_required = described.and_then(|d| d["required"].as_bool()).unwrap_or(false);
        let is_empty = body.is_null() || body.as_object().is_some_and(Map::is_empty);
        match schema {
            None if is_empty || described.is_some() => Ok(()),
            None => Err(format!("{name}: takes no body, got {}", short(body))),
            Some(_) if is_empty && !is_required => Ok(()),
            Some(schema) => {
                let mut errors = self.errors(&format!("{name} request"), schema, body);
                self.unknown_keys(schema, body, "", &mut errors);
                told(&format!("{name} request"), errors)
            }
        }
    }

    /// Checks the JSON body of an answer; `Null` stands for no body. Refusals that GitHub
    /// does not describe for this operation need its usual error body; what a gateway says
    /// (500 and up) is not checked.
    ///
    /// # Errors
    /// As [`Contract::check_request`].
    pub fn check_response(&self, method: &str, path: &str, status: u16, body: &Value) -> Result<(), String> {
        let (name, operation) = self.operation(method, path)?;
        let name = format!("{name} answer {status}");
        let described = operation["responses"].get(status.to_string()).map(|found| self.resolve(found));
        match (described, status) {
            (_, 500..) => Ok(()),
            (None, 304) => told(&name, unwanted(body)),
            (None, 400..) => {
                let usual = json!({"$ref": "#/components/schemas/basic-error", "required": ["message"]});
                told(&name, self.errors("usual error", &usual, body))
            }
            (None, _) => Err(format!("{name}: GitHub does not describe this status here")),
            (Some(described), _) => match json_schema(described) {
                Some(schema) => told(&name, self.errors(&name, schema, body)),
                None if described.get("content").is_some() => Ok(()),
                None => told(&name, unwanted(body)),
            },
        }
    }

    /// The operation and its name, `METHOD template`.
    fn operation(&self, method: &str, path: &str) -> Result<(String, &Value), String> {
        let method = method.to_lowercase();
        let path = plain_path(path);
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let paths = self.description["paths"].as_object().expect("paths is an object");
        let best = paths
            .iter()
            .filter_map(|(template, operations)| Some((template, operations.get(&method)?)))
            .filter_map(|(template, operation)| {
                let pattern: Vec<&str> = template.trim_matches('/').split('/').collect();
                Some((fit(&pattern, &parts)?, template, operation))
            })
            .max_by_key(|(fit, _, _)| *fit);
        match best {
            Some((_, template, operation)) => Ok((format!("{} {template}", method.to_uppercase()), operation)),
            None => Err(format!("{} {path}: GitHub describes no such operation", method.to_uppercase())),
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(pointer) => {
                self.description.pointer(pointer.trim_start_matches('#')).map_or(value, |found| self.resolve(found))
            }
            None => value,
        }
    }

    fn errors(&self, name: &str, schema: &Value, body: &Value) -> Vec<String> {
        let validator = self.validator(name, schema);
        let tell = |error: jsonschema::ValidationError<'_>| {
            let place = match error.instance_path().to_string() {
                top if top.is_empty() => "/".to_owned(),
                place => place,
            };
            format!("{place}: {}", shorten(&error.to_string()))
        };
        validator.iter_errors(body).map(tell).collect()
    }

    fn validator(&self, name: &str, schema: &Value) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().expect("no test panics while it compiles");
        let make = || {
            let mut document = schema.clone();
            document["components"] = self.needed(schema);
            let built = jsonschema::draft202012::options().should_validate_formats(true).build(&document);
            Arc::new(built.unwrap_or_else(|error| panic!("{name}: the schema is refused: {error}")))
        };
        Arc::clone(compiled.entry(name.to_owned()).or_insert_with(make))
    }

    /// The components that `schema` leads to, so that each compiled schema stays small.
    fn needed(&self, schema: &Value) -> Value {
        let mut names = BTreeSet::new();
        let mut todo = vec![schema];
        let schemas = &self.description["components"]["schemas"];
        while let Some(value) = todo.pop() {
            let mut pointers = Vec::new();
            references(value, &mut pointers);
            for name in pointers.iter().filter_map(|p| p.strip_prefix("#/components/schemas/")) {
                if names.insert(name.to_owned()) {
                    todo.extend(schemas.get(name));
                }
            }
        }
        let kept: Map<String, Value> = names.into_iter().map(|n| (n.clone(), schemas[&n].clone())).collect();
        json!({ "schemas": kept })
    }

    /// Notes every key of `body` that no branch of `schema` knows.
    fn unknown_keys(&self, schema: &Value, body: &Value, place: &str, errors: &mut Vec<String>) {
        match body {
            Value::Array(items) => {
                let Some(schema) = self.branches(schema).into_iter().find_map(|b| b.get("items")) else {
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    self.unknown_keys(schema, item, &format!("{place}/{index}"), errors);
                }
            }
            Value::Object(object) => {
                let branches = self.branches(schema);
                let is_open = |b: &&Value| !matches!(b.get("additionalProperties"), None | Some(Value::Bool(false)));
                let lists = branches.iter().filter(|b| b.get("properties").is_some()).count();
                if lists == 0 || branches.iter().any(is_open) {
                    return;
                }
                for (key, value) in object {
                    match branches.iter().find_map(|b| b["properties"].get(key)) {
                        Some(schema) => self.unknown_keys(schema, value, &format!("{place}/{key}"), errors),
                        None => errors.push(format!("{place}/{key}: GitHub does not know this key and would drop it")),
                    }
                }
            }
            _ => {}
        }
    }

    /// `schema` and all that it is put together from.
    fn branches<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolve(schema);
        let mut branches = vec![schema];
        for word in ["allOf", "anyOf", "oneOf"] {
            for part in schema[word].as_array().into_iter().flatten() {
                branches.extend(self.branches(part));
            }
        }
        branches
    }
}

/// `nullable` becomes a type of its own, and formats that GitHub itself does not keep to
/// (`uri` on templates, `email` on empty text) go; `date-time` stays.
fn translate(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(translate),
        Value::Object(object) => {
            for (key, inner) in object.iter_mut() {
                // A list under `enum` is data, not schema.
                if !(inner.is_array() && key == "enum") {
                    translate(inner);
                }
            }
            if object.get("format").is_some_and(|f| f.is_string() && f != "date-time") {
                object.remove("format");
            }
            if let Some(Value::Bool(nullable)) = object.get("nullable") {
                let nullable = *nullable;
                object.remove("nullable");
                if nullable {
                    let inner = Value::Object(std::mem::take(object));
                    object.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
                }
            }
        }
        _ => {}
    }
}

fn references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Object(object) => {
            into.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|inner| references(inner, into));
        }
        _ => {}
    }
}

fn json_schema(described: &Value) -> Option<&Value> {
    described.get("content")?.get("application/json")?.get("schema")
}

fn unwanted(body: &Value) -> Vec<String> {
    if body.is_null() {
        return Vec::new();
    }
    vec![format!("/: GitHub sends no body here, got {}", short(body))]
}

/// The path alone: no host, no `/api/v3`, no query.
fn plain_path(path: &str) -> String {
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.strip_prefix("/api/v3").unwrap_or(path).to_owned()
}

/// How well `parts` fit `pattern`: literal parts first, then the fewer taken by long
/// parameters; `None` when they do not.
fn fit(pattern: &[&str], parts: &[&str]) -> Option<(usize, isize)> {
    let Some((first, rest)) = pattern.split_first() else {
        return parts.is_empty().then_some((0, 0));
    };
    let longest = if LONG_PARAMETERS.contains(first) { parts.len() } else { parts.len().min(1) };
    let tries = (1..=longest).filter_map(|taken| {
        let literal = fit_part(first, parts[0])?;
        let (literals, spread) = fit(rest, &parts[taken..])?;
        Some((literals + literal, spread - isize::try_from(taken).unwrap_or(isize::MAX)))
    });
    tries.max()
}

/// 2 for the same text, 1 for a parameter with text around it, 0 for a parameter.
fn fit_part(pattern: &str, part: &str) -> Option<usize> {
    if pattern == part {
        return Some(2);
    }
    if let Some((_, after)) = pattern.split_once("}") {
        let literal = after.split('{').next().unwrap_or_default();
        return match (part.is_empty(), literal.is_empty()) {
            (true, _) => None,
            (false, true) => Some(0),
            (false, false) => part.contains(literal).then_some(1),
        };
    }
    None
}

fn told(name: &str, errors: Vec<String>) -> Result<(), String> {
    if errors.is_empty() {
        return Ok(());
    }
    let more = errors.len().saturating_sub(TOLD);
    let mut text = format!("{name}:");
    for error in errors.iter().take(TOLD) {
        text.push_str(&format!("\n  {error}"));
    }
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    Err(text)
}

fn short(value: &Value) -> String {
    shorten(&value.to_string())
}

/// A whole object may stand in an error; its two ends say enough.
fn shorten(text: &str) -> String {
    let count = text.chars().count();
    if count <= 240 {
        return text.to_owned();
    }
    let start: String = text.chars().take(120).collect();
    let end: String = text.chars().skip(count - 110).collect();
    format!("{start} ... {end}")
}

//! The shape of the one GraphQL request that Fairway makes, and of GitHub's answers to it. GitHub's description of its
//! REST API does not have it, so it is said here, from the reference of `minimizeComment` and from answers that people
//! have shown in reports.

use serde_json::{Value, json};

/// What is wrong with a request or with its answer; `None` when GitHub would take the one and say the other.
pub fn objection(request: &Value, status: u16, answer: &Value) -> Option<String> {
    let asked = first(&asked(), request).map(|error| format!("request: {error}"));
    let query = request["query"].as_str().unwrap_or_default().split_whitespace().collect::<String>();
    let mutation = "mutation($input:MinimizeCommentInput!){minimizeComment(input:$input){minimizedComment{";
    let asked = asked.or_else(|| (!query.starts_with(mutation)).then(|| format!("request: not the mutation: {query}")));
    let answered = match status {
        200 => first(&answered(), answer),
        500.. => None,
        // Credentials and rate limits are refused as everywhere.
        401 | 403 | 429 => first(&json!({ "type": "object", "required": ["message"] }), answer),
        other => Some(format!("GraphQL never answers {other}")),
    };
    asked.or(answered.map(|error| format!("answer {status}: {error}")))
}

fn first(schema: &Value, body: &Value) -> Option<String> {
    let validator = jsonschema::draft202012::new(schema).expect("the schema is one");
    validator.iter_errors(body).next().map(|error| format!("{}: {error}", error.instance_path()))
}

fn asked() -> Value {
    let classifiers = ["SPAM", "ABUSE", "OFF_TOPIC", "OUTDATED", "DUPLICATE", "RESOLVED"];
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["query", "variables"],
        "properties": {
            "query": { "type": "string" },
            "variables": {
                "type": "object",
                "additionalProperties": false,
                "required": ["input"],
                "properties": { "input": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["subjectId", "classifier"],
                    "properties": {
                        "subjectId": { "type": "string", "minLength": 1 },
                        "classifier": { "enum": classifiers },
                        "clientMutationId": { "type": "string" },
                    },
                } },
            },
        },
    })
}

/// Data, or errors; with errors the mutation's own field is null or there is no data at all.
fn answered() -> Value {
    let reasons = ["spam", "abuse", "off-topic", "outdated", "duplicate", "resolved"];
    let comment = json!({
        "type": "object",
        "required": ["isMinimized", "minimizedReason"],
        "properties": { "isMinimized": { "const": true }, "minimizedReason": { "enum": reasons } },
    });
    let payload =
        json!({ "type": "object", "required": ["minimizedComment"], "properties": { "minimizedComment": comment } });
    let data = |inner: Value| json!({ "type": "object", "required": ["minimizeComment"], "properties": { "minimizeComment": inner } });
    let error = json!({
        "type": "object",
        "required": ["message", "locations"],
        "properties": {
            "message": { "type": "string" },
            "type": { "enum": ["NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE", "RATE_LIMITED"] },
            "path": { "type": "array" },
            "locations": { "type": "array", "items": { "type": "object", "required": ["line", "column"] } },
        },
    });
    let errors = json!({ "type": "array", "minItems": 1, "items": error });
    json!({ "oneOf": [
        { "required": ["data"], "properties": { "data": data(payload), "errors": false } },
        { "required": ["errors"], "properties": { "errors": errors, "data": data(json!({ "type": "null" })) } },
    ] })
}

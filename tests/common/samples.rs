//! GitHub's examples of webhooks, as a measure for the playground's.

use std::path::PathBuf;

use serde_json::Value;

/// Settings of a repository, of which the playground has none.
const SETTINGS: &[&str] = &[
    "allow_merge_commit",
    "allow_rebase_merge",
    "allow_squash_merge",
    "custom_properties",
    "delete_branch_on_merge",
    "web_commit_signoff_required",
];

/// What GitHub's example has and the playground's payload has not, or has as something else; one line each. `None` when
/// there is no example of this event.
pub fn objections(event: &str, ours: &Value) -> Option<Vec<String>> {
    let action = ours["action"].as_str().map(|action| format!(".{action}")).unwrap_or_default();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract/webhooks");
    let text = std::fs::read_to_string(folder.join(format!("{event}{action}.json"))).ok()?;
    let example = serde_json::from_str(&text).expect("examples are JSON");
    let mut found = Vec::new();
    compare(&format!("{event}{action}"), (&example, ours), &mut found);
    Some(found)
}

fn compare(at: &str, (example, ours): (&Value, &Value), found: &mut Vec<String>) {
    match (example, ours) {
        (Value::Object(example), Value::Object(ours)) => {
            for (name, value) in example.iter().filter(|(name, _)| !SETTINGS.contains(&name.as_str())) {
                match ours.get(name) {
                    Some(our) => compare(&format!("{at}/{name}"), (value, our), found),
                    None => found.push(format!("{at}/{name} is missing")),
                }
            }
        }
        (Value::Array(example), Value::Array(ours)) => {
            for (value, our) in example.iter().zip(ours) {
                compare(&format!("{at}/0"), (value, our), found);
            }
        }
        // What may be null in one may be something in the other.
        (Value::Null, _) | (_, Value::Null) => {}
        _ if std::mem::discriminant(example) == std::mem::discriminant(ours) => {}
        _ => found.push(format!("{at} is {ours}, GitHub's is {example}")),
    }
}

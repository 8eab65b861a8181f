//! Texts of many files in one query, the only query that is known.

use serde_json::{Map, Value, json};

use super::{answer_errors, refusal};
use crate::playground::auth::{Caller, holds};
use crate::playground::rest::answer::Answer;
use crate::playground::rest::call::{Call, Reply, broken};
use crate::playground::world::FaultKind;

/// GitHub gives out at most this much of a text.
const TEXT: usize = 512 * 1024;

/// Alias and variable of each file, if the query is this one.
pub fn parse(query: &str) -> Option<Vec<(String, String)>> {
    let flat = query.split_whitespace().collect::<Vec<_>>().join(" ");
    let (head, body) = flat.strip_prefix("query(")?.split_once(") { repository(owner: $owner, name: $name) { ")?;
    let known: Vec<&str> = head.split(", ").map(|one| one.strip_suffix(": String!")).collect::<Option<_>>()?;
    let mut fields = Vec::new();
    let mut rest = body.strip_suffix(" } }")?;
    while !rest.is_empty() {
        let (field, more) = rest.split_once(" { ... on Blob { byteSize isTruncated text } }")?;
        let (alias, argument) = field.split_once(": object(expression: ")?;
        let variable = argument.strip_suffix(')')?;
        if !known.contains(&variable) {
            return None;
        }
        fields.push((alias.trim().to_owned(), variable.trim_start_matches('$').to_owned()));
        rest = more.trim_start();
    }
    Some(fields)
}

/// Answers it.
pub fn answer(call: &mut Call<'_>, fields: &[(String, String)]) -> Reply {
    let variable = |name: &str| call.body["variables"][name].as_str().map(str::to_owned);
    let (Some(owner), Some(name)) = (variable("owner"), variable("name")) else {
        return Ok(refusal(json!({}), "Variable $owner of type String! was provided invalid value"));
    };
    let Caller::Installation(token) = &call.caller else { return Ok(super::forbidden()) };
    let found = call.world.repo(&format!("{owner}/{name}")).filter(|repo| {
        let own = call.world.installation_of(repo).is_some_and(|installation| installation.id == token.installation);
        own && token.repos.as_ref().is_none_or(|ids| ids.contains(&repo.id))
    });
    let Some(repo) = found.map(|repo| repo.id) else {
        let message = format!("Could not resolve to a Repository with the name '{owner}/{name}'.");
        return Ok(answer_errors("repository", "NOT_FOUND", &message));
    };
    if !holds(&token.permissions, "contents:read") {
        call.world.fault(FaultKind::Permission, format!("reading files of {owner}/{name} needs contents:read"));
        return Ok(super::forbidden());
    }
    let git = call.world.git_of(repo).map_err(broken)?;
    let mut objects = Map::new();
    for (alias, name) in fields {
        let Some(expression) = variable(name) else {
            return Ok(refusal(json!({}), &format!("Variable ${name} of type String! was provided invalid value")));
        };
        let sha = git.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &expression]).ok();
        let bytes = sha.and_then(|sha| git.read_blob(sha.trim()).ok());
        objects.insert(alias.clone(), bytes.map_or(Value::Null, |bytes| blob(&bytes)));
    }
    Ok(Answer::ok(json!({ "data": { "repository": objects } })))
}

fn blob(bytes: &[u8]) -> Value {
    // What looks binary to git has no text.
    let text = (!bytes.contains(&0)).then(|| String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT)]).into_owned());
    json!({ "byteSize": bytes.len(), "isTruncated": bytes.len() > TEXT, "text": text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_that_query_is_known() {
        let good = "query($owner: String!, $name: String!, $p0: String!, $p1: String!) { repository(owner: $owner, \
                    name: $name) { f0: object(expression: $p0) { ... on Blob { byteSize isTruncated text } } f1: \
                    object(expression: $p1) { ... on Blob { byteSize isTruncated text } } } }";
        let both = [("f0".to_owned(), "p0".to_owned()), ("f1".to_owned(), "p1".to_owned())];
        assert_eq!(parse(good).as_deref(), Some(both.as_slice()));
        for (from, to) in
            [("query", "mutation"), ("$p1)", "$p2)"), ("isTruncated text } } } }", "isTruncated text } } } viewer }")]
        {
            assert_eq!(parse(&good.replace(from, to)), None, "{to}");
        }
    }
}

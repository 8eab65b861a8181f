//! GraphQL, as far as it is needed: the mutations that fold a comment away and that put a pull request into the merge queue,
//! and the one query that reads files. Whatever
//! else is asked is recorded.

mod blobs;
mod queue;

use serde_json::{Value, json};

use crate::playground::auth::{Caller, holds};
use crate::playground::rest::answer::Answer;
use crate::playground::rest::call::{Call, Reply};
use crate::playground::shapes::of_node_id;
use crate::playground::world::FaultKind;

const CLASSIFIERS: &[&str] = &["SPAM", "ABUSE", "OFF_TOPIC", "OUTDATED", "DUPLICATE", "RESOLVED"];
const FIELDS: &[&str] = &["isMinimized", "minimizedReason", "viewerCanMinimize", "__typename"];

/// What GraphQL refuses it says with status 200.
pub fn answer(call: &mut Call<'_>) -> Reply {
    let query = call.text("query").unwrap_or_default().to_owned();
    if let Some(fields) = blobs::parse(&query) {
        return blobs::answer(call, &fields);
    }
    if queue::parse(&query) {
        return queue::answer(call);
    }
    let Some((variable, fields)) = minimise(&query) else {
        eprintln!("playground: UNKNOWN GRAPHQL {query}");
        call.world.fault(FaultKind::UnknownRoute, format!("POST /graphql {query}"));
        let message =
            "The playground knows minimizeComment, enqueuePullRequest and a query for files, and nothing else";
        return Ok(refusal(json!({ "extensions": { "code": "undefinedField" } }), message));
    };
    let input = call.body["variables"][variable].clone();
    let (subject, classifier) = (input["subjectId"].as_str(), input["classifier"].as_str());
    let known = |name: &String| matches!(name.as_str(), "subjectId" | "classifier" | "clientMutationId");
    let (Some(subject), Some(classifier), true) = (
        subject,
        classifier.filter(|c| CLASSIFIERS.contains(c)),
        input.as_object().is_some_and(|o| o.keys().all(known)),
    ) else {
        let message = format!("Variable ${variable} of type MinimizeCommentInput! was provided invalid value");
        return Ok(refusal(json!({ "extensions": { "value": input } }), &message));
    };
    let found = of_node_id("IssueComment", subject).and_then(|id| Some((call.world.repo_of_comment(id)?, id)));
    let Some((repo, id)) = found else {
        let message = format!("Could not resolve to a node with the global id of '{subject}'");
        return Ok(failed("NOT_FOUND", &message));
    };
    if !may(call, repo) {
        let what = format!("minimizeComment {id} needs issues:write or pull_requests:write in repository {repo}");
        call.world.fault(FaultKind::Permission, what);
        return Ok(forbidden());
    }
    let reason = classifier.to_lowercase().replace('_', "-");
    call.world.minimise_comment(repo, id, &reason);
    let all = json!({
        "isMinimized": true, "minimizedReason": reason, "viewerCanMinimize": true, "__typename": "IssueComment",
    });
    let comment: Value = fields.iter().map(|field| ((*field).to_owned(), all[*field].clone())).collect();
    Ok(Answer::ok(json!({ "data": { "minimizeComment": { "minimizedComment": comment } } })))
}

/// The variable that holds the input, and the fields that are asked for, of the one mutation that is known.
fn minimise(query: &str) -> Option<(&str, Vec<&str>)> {
    let (head, rest) = query.trim().strip_prefix("mutation")?.split_once('{')?;
    let (_, variable) = head.trim().strip_suffix(')')?.split_once("($")?;
    let (variable, kind) = variable.split_once(':')?;
    let (field, rest) = rest.split_once('{')?;
    let argument = field.trim().strip_prefix("minimizeComment(")?.strip_suffix(')')?;
    let (name, value) = argument.split_once(':')?;
    let (object, rest) = rest.split_once('{')?;
    let (fields, end) = rest.split_once('}')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let fits = kind.trim() == "MinimizeCommentInput!"
        && name.trim() == "input"
        && value.trim().strip_prefix('$') == Some(variable)
        && object.trim() == "minimizedComment"
        && !fields.is_empty()
        && fields.iter().all(|field| FIELDS.contains(field))
        && end.split_whitespace().collect::<String>() == "}}";
    fits.then_some((variable, fields))
}

/// Whether the token reaches the repository and may write there.
fn may(call: &Call<'_>, repo: u64) -> bool {
    ["issues:write", "pull_requests:write"].iter().any(|need| may_all(call, repo, &[need]))
}

/// The same for what needs each of these permissions.
fn may_all(call: &Call<'_>, repo: u64, needs: &[&str]) -> bool {
    let Caller::Installation(token) = &call.caller else {
        return false;
    };
    let Some(at) = call.world.repos.get(&repo) else {
        return false;
    };
    let own = call.world.installation_of(at).is_some_and(|installation| installation.id == token.installation);
    let narrowed = token.repos.as_ref().is_none_or(|ids| ids.contains(&repo));
    own && narrowed && needs.iter().all(|need| holds(&token.permissions, need))
}

/// The App may not do this.
pub fn forbidden() -> Answer {
    failed("FORBIDDEN", "Resource not accessible by integration")
}

/// The mutation was understood and came to nothing.
fn failed(kind: &str, message: &str) -> Answer {
    answer_errors("minimizeComment", kind, message)
}

/// One field came to nothing.
fn answer_errors(field: &str, kind: &str, message: &str) -> Answer {
    let error = json!({
        "type": kind, "path": [field], "locations": [{ "line": 2, "column": 3 }], "message": message,
    });
    Answer::ok(json!({ "data": { field: null }, "errors": [error] }))
}

/// The request itself was not understood: there is no data at all.
fn refusal(mut error: Value, message: &str) -> Answer {
    error["message"] = json!(message);
    error["locations"] = json!([{ "line": 1, "column": 10 }]);
    Answer::ok(json!({ "errors": [error] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_that_mutation_is_known() {
        let good = "mutation Fold($i: MinimizeCommentInput!) {\n minimizeComment(input: $i) { minimizedComment { isMinimized } } }";
        assert_eq!(minimise(good), Some(("i", vec!["isMinimized"])));
        for (from, to) in [
            ("mutation", "query"),
            ("minimizeComment(", "unminimizeComment("),
            ("input: $i", "input: $j"),
            ("MinimizeCommentInput!", "MinimizeCommentInput"),
            ("isMinimized", "isMinimised"),
            ("} } }", "} } viewer { login } }"),
        ] {
            assert_eq!(minimise(&good.replace(from, to)), None, "{to}");
        }
    }
}

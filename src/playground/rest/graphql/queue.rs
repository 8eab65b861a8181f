//! The mutation that puts a pull request into the merge queue.

use serde_json::json;

use super::{answer_errors, may_all, refusal};
use crate::playground::rest::answer::Answer;
use crate::playground::rest::call::{Call, Reply, broken};
use crate::playground::shapes::of_node_id;
use crate::playground::world::FaultKind;

const FIELD: &str = "enqueuePullRequest";

/// Whether it is that mutation, with one input and the place in the queue asked for.
pub fn parse(query: &str) -> bool {
    let text: String = query.split_whitespace().collect();
    text == "mutation($input:EnqueuePullRequestInput!){enqueuePullRequest(input:$input){mergeQueueEntry{positionstate}}}"
}

pub fn answer(call: &mut Call<'_>) -> Reply {
    let input = call.body["variables"]["input"].clone();
    let known =
        |name: &String| matches!(name.as_str(), "pullRequestId" | "expectedHeadOid" | "jump" | "clientMutationId");
    let fits = input.as_object().is_some_and(|fields| fields.keys().all(known));
    let Some(node) = input["pullRequestId"].as_str().filter(|_| fits) else {
        let message = "Variable $input of type EnqueuePullRequestInput! was provided invalid value";
        return Ok(refusal(json!({ "extensions": { "value": input } }), message));
    };
    let found = of_node_id("PullRequest", node).and_then(|id| {
        let all = call.world.repos.values().flat_map(|repo| repo.pulls.values().map(move |pull| (repo, pull)));
        all.into_iter().find(|(_, pull)| pull.id == id).map(|(repo, pull)| (repo.id, pull.number))
    });
    let Some((repo, number)) = found else {
        return Ok(answer_errors(
            FIELD,
            "NOT_FOUND",
            &format!("Could not resolve to a node with the global id of '{node}'"),
        ));
    };
    if !may_all(call, repo, &["contents:write", "pull_requests:write"]) {
        call.world.fault(FaultKind::Permission, format!("{FIELD} needs contents:write and pull_requests:write"));
        return Ok(answer_errors(FIELD, "FORBIDDEN", "Resource not accessible by integration"));
    }
    if let Some(why) = objection(call, (repo, number), input["expectedHeadOid"].as_str()) {
        return Ok(answer_errors(FIELD, "UNPROCESSABLE", &why));
    }
    let by = call.login();
    call.world.enqueue(repo, number, &by).map_err(broken)?;
    let position = call.world.repos.get(&repo).map_or(0, |repo| repo.queue.len());
    let entry = json!({ "position": position, "state": "AWAITING_CHECKS" });
    Ok(Answer::ok(json!({ "data": { FIELD: { "mergeQueueEntry": entry } } })))
}

fn objection(call: &Call<'_>, (repo, number): (u64, u64), head: Option<&str>) -> Option<String> {
    let repo = call.world.repos.get(&repo)?;
    let pull = repo.pulls.get(&number)?;
    if !repo.queues() {
        return Some("Pull request The merge queue is not enabled for this branch".to_owned());
    }
    if repo.queue.values().any(|group| group.number == number) {
        return Some("Pull request is already in the queue".to_owned());
    }
    if head.is_some_and(|head| head != pull.head_sha) {
        return Some("expectedHeadOid does not match the head of the pull request".to_owned());
    }
    let missing = repo.missing_checks(&pull.head_sha);
    missing.first().map(|name| format!("Pull request Required status check \"{name}\" is expected."))
}

//! Check runs and check suites, with GitHub's limits.

mod rules;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Reply, broken};
use crate::playground::shapes::from_iso;
use crate::playground::world::{Action, Annotation, CheckRun, CheckSuite, FaultKind};
use rules::wrong;

fn run<'a>(call: &'a Call<'_>) -> Result<&'a CheckRun, Answer> {
    call.repo()?.checks.get(&call.number(0)?).ok_or_else(Answer::not_found)
}

fn find_suite<'a>(call: &'a Call<'_>) -> Result<&'a CheckSuite, Answer> {
    call.repo()?.suites.get(&call.number(0)?).ok_or_else(Answer::not_found)
}

pub fn create(call: &mut Call<'_>) -> Reply {
    let name = call.need("CheckRun", "name")?.to_owned();
    let head = call.need("CheckRun", "head_sha")?.to_owned();
    let git = call.git()?;
    let known = head.len() == 40 && git.resolve(&head).is_some();
    if !known {
        return Err(Answer::unprocessable(&format!("No commit found for SHA: {head}")));
    }
    inspect(call, true)?;
    let (repo, now) = (call.repo, call.world.now());
    let suite = call.world.suite_for(repo, &head, None, None).map_err(broken)?;
    let id = call.world.id();
    let details_url = format!("{}/apps/{}", call.world.url, call.world.app.slug);
    let check = CheckRun {
        id,
        suite,
        name,
        head_sha: head,
        external_id: String::new(),
        details_url,
        status: "queued".into(),
        conclusion: None,
        started_at: Some(now),
        completed_at: None,
        title: None,
        summary: None,
        text: None,
        annotations: Vec::new(),
        actions: Vec::new(),
        updates: 0,
    };
    call.repo_mut()?.checks.insert(id, check);
    write(call, id)?;
    let by = call.login();
    call.world.tell_check((repo, id), "created", &by, json!({}));
    tell_completed(call, id, false)?;
    let repo = call.repo()?;
    Ok(Answer::created(call.world.check_json(repo, repo.checks.get(&id).ok_or_else(Answer::not_found)?)))
}

pub fn read(call: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(call.world.check_json(call.repo()?, run(call)?)))
}

pub fn update(call: &mut Call<'_>) -> Reply {
    let (id, done) = run(call).map(|check| (check.id, check.status == "completed"))?;
    inspect(call, false)?;
    write(call, id)?;
    tell_completed(call, id, done)?;
    Ok(Answer::ok(call.world.check_json(call.repo()?, run(call)?)))
}

/// Sends `check_run.completed`, and `check_suite.completed` when it was the last one.
fn tell_completed(call: &mut Call<'_>, id: u64, was_completed: bool) -> Result<(), Answer> {
    let (repo, by) = (call.repo, call.login());
    let check = call.repo()?.checks.get(&id).ok_or_else(Answer::not_found)?;
    if was_completed || check.status != "completed" {
        return Ok(());
    }
    let suite = check.suite;
    call.world.tell_check((repo, id), "completed", &by, json!({}));
    let at = call.repo()?;
    let all = at.suites.get(&suite).is_some_and(|suite| call.world.suite_state(at, suite).0 == "completed");
    if all { call.world.tell_suite(repo, suite, "completed", &by).map_err(broken) } else { Ok(()) }
}

/// Refuses what GitHub refuses. A limit that was passed is a fault too: the App should have known.
fn inspect(call: &mut Call<'_>, creating: bool) -> Result<(), Answer> {
    let refusal = wrong(&call.body, creating);
    refusal.map_or(Ok(()), |(limit, answer)| {
        if limit {
            let what = format!("{}: {}", call.path, call.body["name"].as_str().unwrap_or("check run"));
            call.world.fault(FaultKind::Limit, format!("{what} is larger than GitHub takes"));
        }
        Err(answer)
    })
}

/// Writes the body's fields into a run. Annotations are appended, all else is replaced.
fn write(call: &mut Call<'_>, id: u64) -> Result<(), Answer> {
    let (body, now) = (call.body.clone(), call.world.now());
    let repo = call.repo_mut()?;
    let check = repo.checks.get_mut(&id).ok_or_else(Answer::not_found)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let time = |value: &Value| value.as_str().and_then(from_iso);
    check.updates += 1;
    for (field, place) in
        [("name", &mut check.name), ("external_id", &mut check.external_id), ("details_url", &mut check.details_url)]
    {
        if let Some(value) = text(&body[field]) {
            *place = value;
        }
    }
    if let Some(status) = text(&body["status"]) {
        if status != "completed" {
            check.conclusion = None;
            check.completed_at = None;
        }
        check.status = status;
    }
    if let Some(conclusion) = text(&body["conclusion"]) {
        check.conclusion = Some(conclusion);
        check.status = "completed".into();
        check.completed_at = time(&body["completed_at"]).or(check.completed_at).or(Some(now));
    }
    check.started_at = time(&body["started_at"]).or(check.started_at);
    let output = &body["output"];
    if output.is_object() {
        check.title = text(&output["title"]).or(check.title.take());
        check.summary = text(&output["summary"]);
        check.text = text(&output["text"]).or(check.text.take());
        check.annotations.extend(output["annotations"].as_array().into_iter().flatten().map(annotation));
    }
    if let Some(actions) = body["actions"].as_array() {
        let field = |action: &Value, name: &str| action[name].as_str().unwrap_or_default().to_owned();
        let action = |action| Action {
            label: field(action, "label"),
            description: field(action, "description"),
            identifier: field(action, "identifier"),
        };
        check.actions = actions.iter().map(action).collect();
    }
    let suite = check.suite;
    if let Some(suite) = repo.suites.get_mut(&suite) {
        suite.requeued = false;
        suite.updated_at = now;
    }
    Ok(())
}

fn annotation(json: &Value) -> Annotation {
    let text = |field: &str| json[field].as_str().map(str::to_owned);
    Annotation {
        path: text("path").unwrap_or_default(),
        start_line: json["start_line"].as_u64().unwrap_or(1),
        end_line: json["end_line"].as_u64().unwrap_or(1),
        columns: json["start_column"].as_u64().map(|start| (start, json["end_column"].as_u64().unwrap_or(start))),
        level: text("annotation_level").unwrap_or_default(),
        title: text("title"),
        message: text("message").unwrap_or_default(),
        raw_details: text("raw_details"),
    }
}

/// A bare array, unlike the other lists of checks.
pub fn annotations(call: &mut Call<'_>) -> Reply {
    let (repo, check) = (call.repo()?, run(call)?);
    Ok(call
        .page(check.annotations.iter().map(|annotation| call.world.annotation_json(repo, check, annotation)).collect()))
}

pub fn rerequest(call: &mut Call<'_>) -> Reply {
    let (repo, id, by) = (call.repo, run(call)?.id, call.login());
    call.world.rerequest(repo, id, &by).map_err(broken)?;
    Ok(Answer::created(json!({})))
}

pub fn of_commit(call: &mut Call<'_>) -> Reply {
    let sha = call.git()?.resolve(call.arg(0)).ok_or_else(|| Answer::unprocessable("No commit found for SHA"))?;
    list(call, |check| check.head_sha == sha)
}

pub fn of_suite(call: &mut Call<'_>) -> Reply {
    let id = find_suite(call)?.id;
    list(call, |check| check.suite == id)
}

/// Newest first; only the newest of each name unless `filter=all`.
fn list(call: &Call<'_>, of: impl Fn(&CheckRun) -> bool) -> Reply {
    let repo = call.repo()?;
    let mut names = std::collections::BTreeSet::new();
    let every = call.query("filter") == Some("all");
    let found = repo
        .checks
        .values()
        .rev()
        .filter(|check| of(check))
        .filter(|check| names.insert(check.name.clone()) || every)
        .filter(|check| call.query("check_name").is_none_or(|name| name == check.name))
        .filter(|check| call.query("status").is_none_or(|status| status == check.status));
    Ok(call.page_in("check_runs", found.map(|check| call.world.check_json(repo, check)).collect()))
}

pub fn suite(call: &mut Call<'_>) -> Reply {
    let (repo, suite) = (call.repo()?, find_suite(call)?);
    let commit = call.git()?.read_commit(&suite.head_sha).map_err(broken)?;
    Ok(Answer::ok(call.world.suite_json(repo, suite, &commit)))
}

pub fn suites_of_commit(call: &mut Call<'_>) -> Reply {
    let (repo, git) = (call.repo()?, call.git()?);
    let sha = git.resolve(call.arg(0)).ok_or_else(|| Answer::unprocessable("No commit found for SHA"))?;
    let commit = git.read_commit(&sha).map_err(broken)?;
    let found = repo.suites.values().filter(|suite| suite.head_sha == sha);
    Ok(call.page_in("check_suites", found.map(|suite| call.world.suite_json(repo, suite, &commit)).collect()))
}

pub fn rerequest_suite(call: &mut Call<'_>) -> Reply {
    let (repo, sha, by) = (call.repo, find_suite(call)?.head_sha.clone(), call.login());
    call.world.rerequest_suite(repo, &sha, &by).map_err(broken)?;
    Ok(Answer::created(json!({})))
}

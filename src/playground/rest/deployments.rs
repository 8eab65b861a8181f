//! Deployments with the defaults that bite.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Reply, broken};
use crate::playground::world::{Deployment, DeploymentStatus, Pull, What};

const STATES: &[&str] = &["error", "failure", "inactive", "in_progress", "queued", "pending", "success"];

fn deployment<'a>(call: &'a Call<'_>) -> Result<&'a Deployment, Answer> {
    call.repo()?.deployments.get(&call.number(0)?).ok_or_else(Answer::not_found)
}

pub fn list(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let fits = |field: &str, value: &str| call.query(field).is_none_or(|wanted| wanted == value);
    let found = repo.deployments.values().rev().filter(|at| {
        fits("sha", &at.sha)
            && fits("ref", &at.reference)
            && fits("task", &at.task)
            && fits("environment", &at.environment)
    });
    Ok(call.page(found.map(|at| call.world.deployment_json(repo, at)).collect()))
}

pub fn read(call: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(call.world.deployment_json(call.repo()?, deployment(call)?)))
}

pub fn create(call: &mut Call<'_>) -> Reply {
    let reference = call.need("Deployment", "ref")?.to_owned();
    let git = call.git()?;
    let sha = git
        .resolve(&reference)
        .ok_or_else(|| Answer::invalid("Deployment", "ref", "invalid", &format!("No ref found for: {reference}")))?;
    let repo = call.repo()?;
    // Both defaults are on: a forgotten field merges the default branch in, or waits for every status.
    if call.body["auto_merge"].as_bool().unwrap_or(true) {
        let default = repo.branch(&repo.default_branch).unwrap_or(&sha).to_owned();
        if repo.branch(&reference).is_some() && !git.is_ancestor(&default, &sha) {
            return auto_merge(call, &reference, (&default, &sha));
        }
    }
    contexts(call, &sha)?;
    let text = |field: &str, default: &str| call.text(field).unwrap_or(default).to_owned();
    let (task, environment) = (text("task", "deploy"), text("environment", "production"));
    let production = call.body["production_environment"].as_bool().unwrap_or(environment == "production");
    let payload = if call.body["payload"].is_null() { json!({}) } else { call.body["payload"].clone() };
    let (transient, description) =
        (call.body["transient_environment"].as_bool().unwrap_or(false), call.text("description").map(str::to_owned));
    let (id, now, creator) = (call.world.id(), call.world.now(), call.login());
    let new = Deployment {
        id,
        sha: sha.clone(),
        reference,
        task,
        environment,
        payload,
        description,
        transient,
        production,
        creator: creator.clone(),
        statuses: Vec::new(),
        created_at: now,
    };
    let here = call.repo;
    call.repo_mut()?.deployments.insert(id, new);
    tell_pulls(call, (id, &sha), &creator)?;
    let repo = call.repo()?;
    let json = call.world.deployment_json(repo, repo.deployments.get(&id).ok_or_else(Answer::not_found)?);
    call.world.emit(here, "deployment", &creator, json!({ "action": "created", "deployment": json }));
    Ok(Answer::created(json))
}

/// Every pull request that has the commit gets a line in its conversation.
fn tell_pulls(call: &mut Call<'_>, (id, sha): (u64, &str), creator: &str) -> Result<(), Answer> {
    let here = call.repo;
    let concerned = |pull: &&Pull| pull.head_sha == sha || pull.merged.as_ref().is_some_and(|merged| merged.sha == sha);
    let pulls: Vec<u64> = call.repo()?.pulls.values().filter(concerned).map(|pull| pull.number).collect();
    for number in pulls {
        call.world.happened(here, number, creator, What::Deployed(id));
    }
    Ok(())
}

fn auto_merge(call: &mut Call<'_>, branch: &str, (default, head): (&str, &str)) -> Reply {
    let (git, login) = (call.git()?, call.login());
    let conflict = || Answer::error(409, "Conflict merging the default branch into the requested ref");
    let tree = git.merge_tree(head, default).ok_or_else(conflict)?;
    let who = call.world.person(&login);
    let message = format!("Merge the default branch into {branch}");
    let sha =
        git.write_commit(&tree, &[head.to_owned(), default.to_owned()], (&who, &who), &message).map_err(broken)?;
    git.set_ref(&format!("refs/heads/{branch}"), &sha).map_err(broken)?;
    call.world.notice_refs(call.repo, &login).map_err(broken)?;
    Ok(Answer::json(202, json!({ "message": format!("Auto-merged the default branch into {branch} on deployment.") })))
}

/// 409 unless every status asked for is green; all of them when nothing was said.
fn contexts(call: &Call<'_>, sha: &str) -> Result<(), Answer> {
    let repo = call.repo()?;
    let asked = call.body["required_contexts"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>());
    let green = |name: &str| {
        let status = repo.statuses.iter().rev().find(|status| status.sha == sha && status.context == name);
        let check = repo.checks_of(sha).filter(|check| check.name == name).last();
        status.is_some_and(|status| status.state == "success")
            || check.is_some_and(|check| matches!(check.conclusion.as_deref(), Some("success" | "neutral" | "skipped")))
    };
    let all = || {
        repo.statuses
            .iter()
            .filter(|status| status.sha == sha)
            .map(|status| status.context.clone())
            .chain(repo.checks_of(sha).map(|check| check.name.clone()))
    };
    let wanted: Vec<String> = asked.unwrap_or_else(|| all().collect());
    if wanted.iter().all(|name| green(name)) {
        Ok(())
    } else {
        Err(Answer::error(409, &format!("Conflict: Commit status checks failed for {sha}.")))
    }
}

pub fn remove(call: &mut Call<'_>) -> Reply {
    let (id, inactive) =
        deployment(call).map(|at| (at.id, at.statuses.last().is_some_and(|status| status.state == "inactive")))?;
    let repo = call.repo_mut()?;
    if !inactive && repo.deployments.len() > 1 {
        return Err(Answer::unprocessable(
            "We cannot delete an active deployment unless it is the only deployment in a given environment.",
        ));
    }
    repo.deployments.remove(&id);
    Ok(Answer::empty(204))
}

pub fn statuses(call: &mut Call<'_>) -> Reply {
    let (repo, at) = (call.repo()?, deployment(call)?);
    Ok(call.page(at.statuses.iter().rev().map(|status| call.world.deployment_status_json(repo, at, status)).collect()))
}

pub fn create_status(call: &mut Call<'_>) -> Reply {
    let id = deployment(call)?.id;
    let state = call.need("DeploymentStatus", "state")?.to_owned();
    if !STATES.contains(&state.as_str()) {
        return Err(Answer::invalid("DeploymentStatus", "state", "invalid", "state is not included in the list"));
    }
    let text = |field: &str| call.text(field).unwrap_or_default().to_owned();
    let description = text("description");
    if description.chars().count() > 140 {
        return Err(Answer::invalid(
            "DeploymentStatus",
            "description",
            "custom",
            "description is too long (maximum is 140 characters)",
        ));
    }
    let environment = call
        .text("environment")
        .map_or_else(|| deployment(call).map(|at| at.environment.clone()), |name| Ok(name.to_owned()))?;
    let log_url = call.text("log_url").or(call.text("target_url")).unwrap_or_default().to_owned();
    let environment_url = text("environment_url");
    let inactivate = state == "success" && call.body["auto_inactive"].as_bool().unwrap_or(true);
    let (new, now, creator) = (call.world.id(), call.world.now(), call.login());
    let status = DeploymentStatus {
        id: new,
        state,
        description,
        environment: environment.clone(),
        log_url,
        environment_url,
        creator: creator.clone(),
        created_at: now,
    };
    let here = call.repo;
    if inactivate {
        retire(call, id, &environment)?;
    }
    let at = call.repo_mut()?.deployments.get_mut(&id).ok_or_else(Answer::not_found)?;
    at.environment = environment;
    at.statuses.push(status.clone());
    let (repo, at) = (call.repo()?, deployment(call)?);
    let json = call.world.deployment_status_json(repo, at, &status);
    let payload =
        json!({ "action": "created", "deployment_status": json, "deployment": call.world.deployment_json(repo, at) });
    call.world.emit(here, "deployment_status", &creator, payload);
    Ok(Answer::created(json))
}

/// `auto_inactive` touches only earlier, successful, non-transient, non-production deployments of the environment.
fn retire(call: &mut Call<'_>, id: u64, environment: &str) -> Result<(), Answer> {
    let (now, creator) = (call.world.now(), call.login());
    let old: Vec<u64> = call
        .repo()?
        .deployments
        .values()
        .filter(|at| at.id < id && at.environment == environment && !at.transient && !at.production)
        .filter(|at| at.statuses.last().is_some_and(|status| status.state == "success"))
        .map(|at| at.id)
        .collect();
    for id in old {
        let status = call.world.id();
        if let Some(at) = call.repo_mut()?.deployments.get_mut(&id) {
            let environment = at.environment.clone();
            at.statuses.push(DeploymentStatus {
                id: status,
                state: "inactive".into(),
                description: String::new(),
                environment,
                log_url: String::new(),
                environment_url: String::new(),
                creator: creator.clone(),
                created_at: now,
            });
        }
    }
    Ok(())
}

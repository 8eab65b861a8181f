//! Repositories, branches, commits with their statuses, and who may do what.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Reply, broken};
use crate::playground::git::Git;
use crate::playground::people::NewRepo;
use crate::playground::world::Status;

pub fn repo(call: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(call.world.repo_json(call.repo()?)))
}

/// Makes an empty repository in an organisation.
pub fn create(call: &mut Call<'_>) -> Reply {
    let name = call.need("Repository", "name")?.to_owned();
    let full_name = format!("{}/{name}", call.arg(0));
    if !call.world.orgs.contains_key(call.arg(0)) {
        return Err(Answer::not_found());
    }
    if call.world.repo(&full_name).is_some() {
        return Err(Answer::unprocessable("Repository creation failed.: name already exists on this account"));
    }
    let (by, private) = (call.login(), call.body["private"].as_bool().unwrap_or(false));
    let new = NewRepo { full_name: &full_name, by: &by, private, files: &[] };
    let id = call.world.create_repo(&new).map_err(broken)?;
    let repo = call.world.repos.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(201, call.world.repo_json(repo)))
}

pub fn branches(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let url = call.world.repo_url(repo);
    let heads = repo.refs.iter().filter_map(|(name, sha)| Some((name.strip_prefix("refs/heads/")?, sha)));
    let list = heads.map(|(name, sha)| {
        json!({ "name": name, "commit": { "sha": sha, "url": format!("{url}/commits/{sha}") }, "protected": false })
    });
    Ok(call.page(list.collect()))
}

pub fn branch(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let name = call.arg(0);
    let sha = repo.branch(name).ok_or_else(|| Answer::error(404, "Branch not found"))?;
    let commit = call.git()?.read_commit(sha).map_err(broken)?;
    let url = format!("{}/branches/{name}", call.world.repo_url(repo));
    Ok(Answer::ok(json!({
        "name": name,
        "commit": call.world.commit_json(repo, &commit),
        "_links": { "self": url, "html": format!("{}/{}/tree/{name}", call.world.url, repo.full_name()) },
        "protected": false,
        "protection": { "enabled": false },
        "protection_url": format!("{url}/protection"),
    })))
}

/// `permission` in the old words, `role_name` in the true ones. A stranger has `read` on a public repository and
/// `none` on a private one; only a login that nobody has is 404.
pub fn permission(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let user = call
        .world
        .users
        .get(call.arg(0))
        .or_else(|| call.world.users.values().find(|user| user.login.eq_ignore_ascii_case(call.arg(0))));
    let user = user.ok_or_else(Answer::not_found)?;
    let role = call.world.role(repo, &user.login);
    let (permission, role_name) = role.map_or(("none", "none"), |role| (role.legacy(), role.name()));
    let mut json = call.world.user_json(&user.login);
    json["role_name"] = json!(role_name);
    let can = |least| role.is_some_and(|role| role >= least);
    use crate::playground::world::Role::{Admin, Maintain, Read, Triage, Write};
    json["permissions"] = json!({ "pull": can(Read), "triage": can(Triage), "push": can(Write), "maintain": can(Maintain), "admin": can(Admin) });
    Ok(Answer::ok(json!({ "permission": permission, "role_name": role_name, "user": json })))
}

pub fn commits(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    if repo.refs.is_empty() {
        return Err(Answer::empty_repository());
    }
    let git = call.git()?;
    let start = git.resolve(call.query("sha").unwrap_or(&repo.default_branch)).ok_or_else(Answer::not_found)?;
    let mut args = vec!["-n", "1000", start.as_str()];
    if let Some(path) = call.query("path") {
        args.extend_from_slice(&["--", path]);
    }
    let list = git.log(&args).map_err(broken)?;
    Ok(call.page(list.iter().map(|commit| call.world.commit_json(repo, commit)).collect()))
}

pub fn commit(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    if repo.refs.is_empty() {
        return Err(Answer::empty_repository());
    }
    let git = call.git()?;
    let name = call.arg(0);
    let sha = git.resolve(name).ok_or_else(|| Answer::unprocessable(&format!("No commit found for SHA: {name}")))?;
    if call.accept.contains("sha") {
        return Ok(Answer::raw(sha.into_bytes(), "application/vnd.github.sha"));
    }
    let commit = git.read_commit(&sha).map_err(broken)?;
    let parent = commit.parents.first().map_or(crate::playground::git::ZERO, String::as_str);
    let files = git.diff(parent, &sha).map_err(broken)?;
    let mut json = call.world.commit_json(repo, &commit);
    let additions: u64 = files.iter().map(|file| file.additions).sum();
    let deletions: u64 = files.iter().map(|file| file.deletions).sum();
    json["stats"] = json!({ "additions": additions, "deletions": deletions, "total": additions + deletions });
    json["files"] = files.iter().take(300).map(|file| call.world.file_json(repo, &sha, file)).collect();
    Ok(Answer::ok(json))
}

pub fn compare(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let git = call.git()?;
    let (base_name, head_name) = call.arg(0).split_once("...").ok_or_else(Answer::not_found)?;
    let base = end(call, &git, base_name)?;
    let head = end(call, &git, head_name)?;
    let ancestor = git.merge_base(&base, &head).ok_or_else(|| Answer::error(404, "No common ancestor"))?;
    let ahead = git.between(&base, &head).map_err(broken)?;
    let behind = git.between(&head, &base).map_err(broken)?;
    let status = match (ahead.is_empty(), behind.is_empty()) {
        (true, true) => "identical",
        (false, true) => "ahead",
        (true, false) => "behind",
        (false, false) => "diverged",
    };
    let files = git.diff(&ancestor, &head).map_err(broken)?;
    let html = format!("{}/{}/compare/{base}...{head}", call.world.url, repo.full_name());
    let read = |sha: &str| git.read_commit(sha).map(|commit| call.world.commit_json(repo, &commit)).map_err(broken);
    Ok(Answer::ok(json!({
        "url": format!("{}/compare/{base}...{head}", call.world.repo_url(repo)),
        "html_url": html,
        "permalink_url": html,
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "base_commit": read(&base)?,
        "merge_base_commit": read(&ancestor)?,
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind.len(),
        "total_commits": ahead.len(),
        "commits": ahead.iter().take(250).map(|commit| call.world.commit_json(repo, commit)).collect::<Vec<Value>>(),
        "files": files.iter().take(300).map(|file| call.world.file_json(repo, &head, file)).collect::<Vec<Value>>(),
    })))
}

/// A SHA, branch, tag, or `owner:branch` of a fork whose commits are here by a pull request.
fn end(call: &Call<'_>, git: &Git, name: &str) -> Result<String, Answer> {
    let found = match name.split_once(':') {
        Some((owner, branch)) => {
            let fork = call
                .world
                .repos
                .values()
                .find(|other| other.owner == owner && (other.id == call.repo || other.fork_of == Some(call.repo)));
            fork.and_then(|fork| fork.branch(branch)).and_then(|sha| git.resolve(sha))
        }
        None => git.resolve(name),
    };
    found.ok_or_else(Answer::not_found)
}

pub fn create_commit_status(call: &mut Call<'_>) -> Reply {
    let sha = call.git()?.resolve(call.arg(0)).ok_or_else(|| Answer::unprocessable("No commit found for SHA"))?;
    let state = call.need("Status", "state")?.to_owned();
    let text = |field: &str| call.text(field).map(str::to_owned);
    let (context, description, target_url) =
        (text("context").unwrap_or_else(|| "default".into()), text("description"), text("target_url"));
    let (id, created_at, creator) = (call.world.id(), call.world.now(), call.login());
    let status = Status { id, sha, state, context, description, target_url, creator, created_at };
    call.repo_mut()?.statuses.push(status.clone());
    Ok(Answer::created(call.world.status_json(call.repo()?, &status)))
}

pub fn commit_statuses(call: &mut Call<'_>) -> Reply {
    let sha = call.git()?.resolve(call.arg(0)).ok_or_else(Answer::not_found)?;
    let repo = call.repo()?;
    let found = repo.statuses.iter().rev().filter(|status| status.sha == sha);
    Ok(call.page(found.map(|status| call.world.status_json(repo, status)).collect()))
}

pub fn combined_status(call: &mut Call<'_>) -> Reply {
    let sha = call.git()?.resolve(call.arg(0)).ok_or_else(Answer::not_found)?;
    let repo = call.repo()?;
    let mut newest = std::collections::BTreeMap::new();
    for status in repo.statuses.iter().filter(|status| status.sha == sha) {
        newest.insert(status.context.as_str(), status);
    }
    let bad = newest.values().any(|status| matches!(status.state.as_str(), "failure" | "error"));
    let green = !newest.is_empty() && newest.values().all(|status| status.state == "success");
    let url = call.world.repo_url(repo);
    Ok(Answer::ok(json!({
        "state": if bad { "failure" } else if green { "success" } else { "pending" },
        "sha": sha,
        "total_count": newest.len(),
        "statuses": newest.values().map(|status| call.world.status_json(repo, status)).collect::<Vec<Value>>(),
        "repository": call.world.repo_json(repo),
        "commit_url": format!("{url}/commits/{sha}"),
        "url": format!("{url}/commits/{sha}/status"),
    })))
}

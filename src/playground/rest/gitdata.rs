//! The Git Data API: blobs, trees, commits and refs, with git's own SHAs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Reply, broken};
use super::contents::named;
use crate::playground::git::{Git, TreeEdit};

/// The repository on disk; 409 while it is empty, as on GitHub.
fn filled(call: &Call<'_>) -> Result<Git, Answer> {
    if call.repo()?.refs.is_empty() { Err(Answer::empty_repository()) } else { call.git() }
}

fn is_sha(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}

pub fn create_blob(call: &mut Call<'_>) -> Reply {
    let git = filled(call)?;
    let content = call.need("Blob", "content")?;
    let bytes = if call.text("encoding") == Some("base64") {
        let flat: String = content.split_whitespace().collect();
        STANDARD.decode(flat).map_err(|_| Answer::unprocessable("content is not valid Base64"))?
    } else {
        content.as_bytes().to_vec()
    };
    let sha = git.write_blob(&bytes).map_err(broken)?;
    let url = format!("{}/git/blobs/{sha}", call.world.repo_url(call.repo()?));
    Ok(Answer::created(json!({ "sha": sha, "url": url })))
}

pub fn blob(call: &mut Call<'_>) -> Reply {
    let (git, sha) = (filled(call)?, call.arg(0));
    let bytes =
        Some(sha).filter(|sha| is_sha(sha)).and_then(|sha| git.read_blob(sha).ok()).ok_or_else(Answer::not_found)?;
    if call.accept.contains("raw") {
        return Ok(Answer::raw(bytes, "application/vnd.github.raw+json; charset=utf-8"));
    }
    Ok(Answer::ok(json!({
        "sha": sha,
        "node_id": crate::playground::shapes::node_id("Blob", call.repo),
        "url": format!("{}/git/blobs/{sha}", call.world.repo_url(call.repo()?)),
        "size": bytes.len(),
        "content": STANDARD.encode(&bytes),
        "encoding": "base64",
    })))
}

pub fn create_tree(call: &mut Call<'_>) -> Reply {
    let git = filled(call)?;
    let mut edits = Vec::new();
    for entry in call.body["tree"]
        .as_array()
        .ok_or_else(|| Answer::invalid("Tree", "tree", "missing_field", "tree wasn't supplied"))?
    {
        let text = |field: &str| entry[field].as_str().map(str::to_owned);
        let sha = match (text("sha"), text("content")) {
            (Some(_), Some(_)) => {
                return Err(Answer::unprocessable("Must supply either tree.sha or tree.content, not both"));
            }
            (Some(sha), None) => Some(sha),
            (None, Some(content)) => Some(git.write_blob(content.as_bytes()).map_err(broken)?),
            (None, None) => None,
        };
        let mode = text("mode").unwrap_or_else(|| "100644".into());
        if !matches!(mode.as_str(), "100644" | "100755" | "040000" | "160000" | "120000") {
            return Err(Answer::unprocessable(&format!("tree.mode {mode} is not a valid mode")));
        }
        edits.push(TreeEdit { mode, path: text("path").unwrap_or_default(), sha });
    }
    let base = call.text("base_tree").map(str::to_owned);
    let sha = git.write_tree(base.as_deref(), &edits).map_err(|error| Answer::unprocessable(&format!("{error:#}")))?;
    tree_json(call, &git, &sha, false).map(Answer::created)
}

pub fn tree(call: &mut Call<'_>) -> Reply {
    let (git, name) = (filled(call)?, call.arg(0));
    let sha = match git.resolve(name) {
        Some(commit) => git.read_commit(&commit).map_err(broken)?.tree,
        None if is_sha(name) => name.to_owned(),
        None => return Err(Answer::not_found()),
    };
    tree_json(call, &git, &sha, call.query.contains_key("recursive")).map(Answer::ok)
}

/// GitHub lists 100,000 entries at most and says `truncated` beyond.
const ENTRIES: usize = 100_000;

fn tree_json(call: &Call<'_>, git: &Git, sha: &str, recursive: bool) -> Result<Value, Answer> {
    let entries = git.read_tree(sha, recursive).map_err(|_| Answer::not_found())?;
    let url = call.world.repo_url(call.repo()?);
    let shape = |entry: &crate::playground::git::Entry| {
        let kind = if entry.kind == "tree" { "trees" } else { "blobs" };
        let mut json = json!({ "path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha, "url": format!("{url}/git/{kind}/{}", entry.sha) });
        if let Some(size) = entry.size {
            json["size"] = json!(size);
        }
        json
    };
    let list: Vec<Value> = entries.iter().take(ENTRIES).map(shape).collect();
    Ok(
        json!({ "sha": sha, "url": format!("{url}/git/trees/{sha}"), "tree": list, "truncated": entries.len() > ENTRIES }),
    )
}

pub fn create_commit(call: &mut Call<'_>) -> Reply {
    let git = filled(call)?;
    let message = call.need("Commit", "message")?.to_owned();
    let tree = call.need("Commit", "tree")?.to_owned();
    let parents: Vec<String> =
        call.body["parents"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if !is_sha(&tree) || git.read_tree(&tree, false).is_err() {
        return Err(Answer::unprocessable("Tree SHA does not exist"));
    }
    if parents.iter().any(|sha| !is_sha(sha) || git.resolve(sha).is_none()) {
        return Err(Answer::unprocessable("Parent SHA does not exist or is not a commit object"));
    }
    let own = call.world.person(&call.login());
    let author = named(call, "author").unwrap_or(own);
    let committer = named(call, "committer").unwrap_or_else(|| author.clone());
    let sha = git.write_commit(&tree, &parents, (&author, &committer), &message).map_err(broken)?;
    let commit = git.read_commit(&sha).map_err(broken)?;
    Ok(Answer::created(call.world.git_commit_json(call.repo()?, &commit)))
}

pub fn commit(call: &mut Call<'_>) -> Reply {
    let git = filled(call)?;
    let sha =
        Some(call.arg(0)).filter(|sha| is_sha(sha)).and_then(|sha| git.resolve(sha)).ok_or_else(Answer::not_found)?;
    let commit = git.read_commit(&sha).map_err(broken)?;
    Ok(Answer::ok(call.world.git_commit_json(call.repo()?, &commit)))
}

pub fn reference(call: &mut Call<'_>) -> Reply {
    let (git, name) = (filled(call)?, format!("refs/{}", call.arg(0)));
    let sha =
        git.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).map_err(|_| Answer::not_found())?;
    Ok(Answer::ok(call.world.ref_json(call.repo()?, &name, &sha)))
}

pub fn matching(call: &mut Call<'_>) -> Reply {
    let (git, prefix) = (filled(call)?, format!("refs/{}", call.arg(0)));
    let all = git.run(&["for-each-ref", "--format=%(objectname) %(refname)"]).map_err(broken)?;
    let repo = call.repo()?;
    let found = all.lines().filter_map(|line| line.split_once(' ')).filter(|(_, name)| name.starts_with(&prefix));
    Ok(call.page(found.map(|(sha, name)| call.world.ref_json(repo, name, sha)).collect()))
}

pub fn create_ref(call: &mut Call<'_>) -> Reply {
    let git = filled(call)?;
    let (name, sha) = (call.need("Reference", "ref")?.to_owned(), call.need("Reference", "sha")?.to_owned());
    if !git.valid_ref(&name) {
        return Err(Answer::unprocessable("Reference name is not valid"));
    }
    if git.run(&["show-ref", "--verify", "--quiet", &name]).is_ok() {
        return Err(Answer::unprocessable("Reference already exists"));
    }
    set(call, &git, &name, &sha).map(Answer::created)
}

pub fn update_ref(call: &mut Call<'_>) -> Reply {
    let (git, name) = (filled(call)?, format!("refs/{}", call.arg(0)));
    let sha = call.need("Reference", "sha")?.to_owned();
    let old = git.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name]);
    let old = old.map_err(|_| Answer::unprocessable("Reference does not exist"))?;
    if !call.body["force"].as_bool().unwrap_or(false) && is_sha(&sha) && !git.is_ancestor(&old, &sha) {
        return Err(Answer::unprocessable("Update is not a fast forward"));
    }
    let repo = call.repo()?;
    if repo.queues() && name == format!("refs/heads/{}", repo.default_branch) {
        return Err(Answer::unprocessable(super::pulls::QUEUED));
    }
    set(call, &git, &name, &sha).map(Answer::ok)
}

fn set(call: &mut Call<'_>, git: &Git, name: &str, sha: &str) -> Result<Value, Answer> {
    if !is_sha(sha) || git.run(&["cat-file", "-e", sha]).is_err() {
        return Err(Answer::unprocessable("Object does not exist"));
    }
    git.set_ref(name, sha).map_err(|error| Answer::unprocessable(&format!("{error:#}")))?;
    let login = call.login();
    call.world.notice_refs(call.repo, &login).map_err(broken)?;
    Ok(call.world.ref_json(call.repo()?, name, sha))
}

pub fn delete_ref(call: &mut Call<'_>) -> Reply {
    let (git, name) = (filled(call)?, format!("refs/{}", call.arg(0)));
    if git.run(&["show-ref", "--verify", "--quiet", &name]).is_err() {
        return Err(Answer::unprocessable("Reference does not exist"));
    }
    git.delete_ref(&name).map_err(broken)?;
    let login = call.login();
    call.world.notice_refs(call.repo, &login).map_err(broken)?;
    Ok(Answer::empty(204))
}

//! Files through the contents API.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Reply, broken};
use crate::playground::git::{Change, Entry, Person};

/// GitHub gives content inline up to this size.
const INLINE: u64 = 1024 * 1024;

pub fn read(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    if repo.refs.is_empty() {
        return Err(Answer::error(404, "This repository is empty."));
    }
    let git = call.git()?;
    let at = call.query("ref").unwrap_or(&repo.default_branch);
    let sha = git.resolve(at).ok_or_else(|| Answer::error(404, &format!("No commit found for the ref {at}")))?;
    let path = call.arg(0).trim_matches('/').to_owned();
    let entry = if path.is_empty() { None } else { Some(git.entry(&sha, &path).ok_or_else(Answer::not_found)?) };
    match entry {
        Some(entry) if entry.kind == "blob" => {
            let bytes = git.read_blob(&entry.sha).map_err(broken)?;
            if call.accept.contains("raw") {
                return Ok(Answer::raw(bytes, "application/vnd.github.raw+json; charset=utf-8"));
            }
            let mut json = shape(call, &entry, at);
            let inline = entry.size.unwrap_or(0) <= INLINE;
            json["content"] = json!(if inline { wrapped(&bytes) } else { String::new() });
            json["encoding"] = json!(if inline { "base64" } else { "none" });
            if entry.mode == "120000" {
                json["target"] = json!(String::from_utf8_lossy(&bytes));
            }
            Ok(Answer::ok(json))
        }
        Some(entry) if entry.kind == "commit" => {
            let mut json = shape(call, &entry, at);
            json["submodule_git_url"] = Value::Null;
            Ok(Answer::ok(json))
        }
        directory => {
            let tree = directory.map_or_else(|| sha.clone(), |entry| entry.sha);
            let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
            let entries = git.read_tree(&tree, false).map_err(broken)?;
            let list = entries.into_iter().map(|entry| Entry { path: format!("{prefix}{}", entry.path), ..entry });
            Ok(Answer::ok(list.map(|entry| shape(call, &entry, at)).collect()))
        }
    }
}

/// Base64 in lines of 60, as GitHub sends it.
fn wrapped(bytes: &[u8]) -> String {
    let flat = STANDARD.encode(bytes);
    let lines: Vec<&str> = flat.as_bytes().chunks(60).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn shape(call: &Call<'_>, entry: &Entry, at: &str) -> Value {
    let Ok(repo) = call.repo() else {
        return Value::Null;
    };
    let url = call.world.repo_url(repo);
    let html = format!("{}/{}", call.world.url, repo.full_name());
    let kind = match (entry.kind.as_str(), entry.mode.as_str()) {
        ("tree", _) => "dir",
        ("commit", _) => "submodule",
        (_, "120000") => "symlink",
        _ => "file",
    };
    let path = percent_encoding::utf8_percent_encode(&entry.path, percent_encoding::NON_ALPHANUMERIC).to_string();
    let own = format!("{url}/contents/{path}?ref={at}");
    let object = if kind == "dir" { "trees" } else { "blobs" };
    let git = format!("{url}/git/{object}/{}", entry.sha);
    let page = format!("{html}/blob/{at}/{path}");
    json!({
        "name": entry.path.rsplit('/').next().unwrap_or_default(),
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size.unwrap_or(0),
        "url": own,
        "html_url": page,
        "git_url": git,
        "download_url": if kind == "dir" { Value::Null } else { json!(format!("{html}/raw/{at}/{path}")) },
        "type": kind,
        "_links": { "self": own, "git": git, "html": page },
    })
}

pub fn write(call: &mut Call<'_>) -> Reply {
    let encoded: String = call.need("Content", "content")?.split_whitespace().collect();
    let content = STANDARD.decode(encoded).map_err(|_| Answer::unprocessable("content is not valid Base64"))?;
    change(call, Some(content))
}

pub fn remove(call: &mut Call<'_>) -> Reply {
    call.need("Content", "sha")?;
    change(call, None)
}

/// Puts or deletes one file by a commit on a branch; makes the first commit of an empty repository.
fn change(call: &mut Call<'_>, content: Option<Vec<u8>>) -> Reply {
    let message = call.need("Content", "message")?.to_owned();
    let path = call.arg(0).trim_matches('/').to_owned();
    if path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | ".." | ".git")) {
        return Err(Answer::unprocessable("path contains a malformed path component"));
    }
    let (repo, git, login) = (call.repo()?, call.git()?, call.login());
    let branch = call.text("branch").unwrap_or(&repo.default_branch).to_owned();
    let parent = repo.branch(&branch).map(str::to_owned);
    if parent.is_none() && !repo.refs.is_empty() {
        return Err(Answer::error(404, &format!("Branch {branch} not found")));
    }
    let old = parent.as_ref().and_then(|sha| git.entry(sha, &path));
    match (&old, call.text("sha")) {
        (Some(_), None) => {
            return Err(Answer::unprocessable("Invalid request.\n\n\"sha\" wasn't supplied."));
        }
        (Some(old), Some(sha)) if old.sha != sha => {
            return Err(Answer::error(409, &format!("{path} does not match {sha}")));
        }
        (None, _) if content.is_none() => return Err(Answer::not_found()),
        _ => {}
    }
    let author = named(call, "author").unwrap_or_else(|| call.world.person(&login));
    let change =
        Change { branch: &branch, parent, author, message: &message, files: vec![(&path, content.as_deref())] };
    let sha = git.commit(&change).map_err(broken)?;
    call.world.notice_refs(call.repo, &login).map_err(broken)?;
    let commit = git.read_commit(&sha).map_err(broken)?;
    let file = git.entry(&sha, &path).map_or(Value::Null, |entry| shape(call, &entry, &branch));
    let json = json!({ "content": file, "commit": call.world.git_commit_json(call.repo()?, &commit) });
    Ok(Answer::json(if old.is_none() { 201 } else { 200 }, json))
}

/// A person in the body.
pub fn named(call: &Call<'_>, field: &str) -> Option<Person> {
    let json = &call.body[field];
    let at = json["date"].as_str().and_then(crate::playground::shapes::from_iso).unwrap_or_else(|| call.world.now());
    Some(Person { name: json["name"].as_str()?.to_owned(), email: json["email"].as_str()?.to_owned(), at: at / 1000 })
}

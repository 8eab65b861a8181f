//! Pull requests.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Reply, broken, refused};
use crate::playground::people::NewPull;
use crate::playground::world::{Pull, What};

/// What GitHub says where a branch has a merge queue.
pub const QUEUED: &str = "Repository rule violations found\n\nChanges must be made through the merge queue\n\n";

fn pull<'a>(call: &'a Call<'_>) -> Result<&'a Pull, Answer> {
    call.repo()?.pulls.get(&call.number(0)?).ok_or_else(Answer::not_found)
}

fn answer(call: &Call<'_>, number: u64) -> Result<Value, Answer> {
    let repo = call.repo()?;
    Ok(call.world.pull_json(repo, repo.pulls.get(&number).ok_or_else(Answer::not_found)?))
}

pub fn list(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let state = call.query("state").unwrap_or("open");
    let owner = |pull: &Pull| call.world.repos.get(&pull.head_repo).map(|head| head.owner.clone()).unwrap_or_default();
    let mut pulls: Vec<&Pull> = repo
        .pulls
        .values()
        .filter(|pull| state == "all" || (state == "open") == pull.open)
        .filter(|pull| call.query("base").is_none_or(|base| base == pull.base_ref))
        .filter(|pull| call.query("head").is_none_or(|head| head == format!("{}:{}", owner(pull), pull.head_ref)))
        .collect();
    let ascending =
        call.query("direction").map_or(call.query("sort").is_some_and(|sort| sort != "created"), |way| way == "asc");
    if call.query("sort") == Some("updated") {
        pulls.sort_by_key(|pull| pull.updated_at);
    }
    if !ascending {
        pulls.reverse();
    }
    Ok(call.page(pulls.into_iter().map(|pull| call.world.pull_json(repo, pull)).collect()))
}

pub fn read(call: &mut Call<'_>) -> Reply {
    let number = pull(call)?.number;
    answer(call, number).map(Answer::ok)
}

pub fn of_commit(call: &mut Call<'_>) -> Reply {
    let repo = call.repo()?;
    let git = call.git()?;
    let sha = git.resolve(call.arg(0)).ok_or_else(|| Answer::unprocessable("No commit found for SHA"))?;
    let has = |pull: &&Pull| {
        let merged = pull.merged.as_ref().is_some_and(|merged| merged.sha == sha);
        merged || git.is_ancestor(&sha, &pull.head_sha) && !git.is_ancestor(&sha, &pull.base_sha)
    };
    Ok(call.page(repo.pulls.values().filter(has).map(|pull| call.world.pull_json(repo, pull)).collect()))
}

pub fn create(call: &mut Call<'_>) -> Reply {
    let (repo, author) = (call.repo, call.login());
    let head = call.need("PullRequest", "head")?.to_owned();
    let base = call.need("PullRequest", "base")?.to_owned();
    let title = call.need("PullRequest", "title")?.to_owned();
    let body = call.text("body").unwrap_or_default().to_owned();
    if body.chars().count() > 65_536 {
        return Err(Answer::invalid("PullRequest", "body", "custom", "body is too long (maximum is 65536 characters)"));
    }
    let draft = call.body["draft"].as_bool().unwrap_or(false);
    let new = NewPull { author: &author, head: &head, base: &base, title: &title, body: &body, draft };
    let number = call.world.open_pull(repo, &new).map_err(|error| refused("PullRequest", &error))?;
    answer(call, number).map(Answer::created)
}

pub fn update(call: &mut Call<'_>) -> Reply {
    let (repo, number, by) = (call.repo, pull(call)?.number, call.login());
    let (title, body) = (call.text("title").map(str::to_owned), call.text("body").map(str::to_owned));
    let (was_open, old_title) = pull(call).map(|pull| (pull.open, pull.title.clone()))?;
    let edited = title.is_some() || body.is_some();
    if let Some(pull) = call.world.pull_mut(repo, number) {
        if let Some(title) = &title {
            pull.title.clone_from(title);
        }
        if let Some(body) = body {
            pull.body = body;
        }
    }
    if let Some(title) = title.filter(|title| *title != old_title) {
        call.world.happened(repo, number, &by, What::Renamed(title));
    }
    if edited {
        call.world.tell_pull((repo, number), "edited", &by, json!({ "changes": {} }));
    }
    let done = match (call.text("state"), was_open) {
        (Some("closed"), true) => call.world.close_pull(repo, number, &by),
        (Some("open"), false) => call.world.reopen_pull(repo, number, &by),
        _ => Ok(()),
    };
    done.map_err(|error| refused("PullRequest", &error))?;
    answer(call, number).map(Answer::ok)
}

pub fn files(call: &mut Call<'_>) -> Reply {
    let pull = pull(call)?;
    let git = call.git()?;
    let from = git.merge_base(&pull.base_sha, &pull.head_sha).unwrap_or_else(|| pull.base_sha.clone());
    let files = git.diff(&from, &pull.head_sha).map_err(broken)?;
    let repo = call.repo()?;
    // GitHub lists 3,000 files at most.
    Ok(call.page(files.iter().take(3000).map(|file| call.world.file_json(repo, &pull.head_sha, file)).collect()))
}

pub fn commits(call: &mut Call<'_>) -> Reply {
    let pull = pull(call)?;
    let commits = call.git()?.between(&pull.base_sha, &pull.head_sha).map_err(broken)?;
    let repo = call.repo()?;
    // GitHub lists 250 commits at most.
    Ok(call.page(commits.iter().take(250).map(|commit| call.world.commit_json(repo, commit)).collect()))
}

pub fn reviews(call: &mut Call<'_>) -> Reply {
    let (repo, pull) = (call.repo()?, pull(call)?);
    Ok(call.page(pull.reviews.iter().map(|review| call.world.review_json(repo, pull, review)).collect()))
}

pub fn merge(call: &mut Call<'_>) -> Reply {
    let (repo, by) = (call.repo, call.login());
    let (number, head, open) = pull(call).map(|pull| (pull.number, pull.head_sha.clone(), pull.open))?;
    if call.text("sha").is_some_and(|sha| sha != head) {
        return Err(Answer::error(409, "Head branch was modified. Review and try the merge again."));
    }
    if !open {
        return Err(Answer::error(405, "Pull Request is not mergeable"));
    }
    if call.repo()?.queue.values().any(|group| group.number == number) {
        return Err(Answer::error(405, "Pull Request is in the merge queue"));
    }
    if call.repo()?.queues() {
        return Err(Answer::error(405, QUEUED));
    }
    let sha = call.world.merge_pull(repo, number, &by).map_err(|error| Answer::error(405, &format!("{error:#}")))?;
    Ok(Answer::ok(json!({ "sha": sha, "merged": true, "message": "Pull Request successfully merged" })))
}

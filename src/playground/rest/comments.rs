//! Comments of pull requests, and reactions to them.

use super::answer::Answer;
use super::call::{Call, Reply, refused};
use crate::playground::shapes::{REACTIONS, from_iso};
use crate::playground::world::{Comment, Pull};
use serde_json::Value;

fn pull<'a>(call: &'a Call<'_>) -> Result<&'a Pull, Answer> {
    call.repo()?.pulls.get(&call.number(0)?).ok_or_else(Answer::not_found)
}

fn comment<'a>(call: &'a Call<'_>) -> Result<&'a Comment, Answer> {
    call.repo()?.comments.get(&call.number(0)?).ok_or_else(Answer::not_found)
}

fn answer(call: &Call<'_>, id: u64) -> Result<Value, Answer> {
    let repo = call.repo()?;
    Ok(call.world.comment_json(repo, repo.comments.get(&id).ok_or_else(Answer::not_found)?))
}

fn body(call: &Call<'_>) -> Result<String, Answer> {
    let body = call.need("IssueComment", "body")?;
    if body.trim().is_empty() {
        return Err(Answer::invalid("IssueComment", "body", "missing", "body can't be blank"));
    }
    if body.chars().count() > 65_536 {
        return Err(Answer::invalid(
            "IssueComment",
            "body",
            "custom",
            "body is too long (maximum is 65536 characters)",
        ));
    }
    Ok(body.to_owned())
}

pub fn issue(call: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(call.world.issue_json(call.repo()?, pull(call)?)))
}

fn since(call: &Call<'_>) -> i64 {
    call.query("since").and_then(from_iso).unwrap_or(i64::MIN)
}

pub fn list(call: &mut Call<'_>) -> Reply {
    let (repo, number, since) = (call.repo()?, pull(call)?.number, since(call));
    let found = repo.comments_of(number).filter(|comment| comment.updated_at >= since);
    Ok(call.page(found.map(|comment| call.world.comment_json(repo, comment)).collect()))
}

pub fn all(call: &mut Call<'_>) -> Reply {
    let (repo, since) = (call.repo()?, since(call));
    let mut found: Vec<&Comment> = repo.comments.values().filter(|comment| comment.updated_at >= since).collect();
    match call.query("sort") {
        Some("updated") => found.sort_by_key(|comment| (comment.updated_at, comment.id)),
        _ => found.sort_by_key(|comment| (comment.created_at, comment.id)),
    }
    // The direction is ignored without a sort, as on GitHub.
    if call.query("sort").is_some() && call.query("direction") == Some("desc") {
        found.reverse();
    }
    Ok(call.page(found.into_iter().map(|comment| call.world.comment_json(repo, comment)).collect()))
}

pub fn create(call: &mut Call<'_>) -> Reply {
    let (repo, number, by) = (call.repo, pull(call)?.number, call.login());
    let body = body(call)?;
    let id = call.world.comment(repo, number, &by, &body).map_err(|error| refused("IssueComment", &error))?;
    answer(call, id).map(Answer::created)
}

pub fn read(call: &mut Call<'_>) -> Reply {
    let id = comment(call)?.id;
    answer(call, id).map(Answer::ok)
}

pub fn update(call: &mut Call<'_>) -> Reply {
    let (repo, id, by) = (call.repo, comment(call)?.id, call.login());
    let body = body(call)?;
    call.world.edit_comment(repo, id, &by, &body).map_err(|error| refused("IssueComment", &error))?;
    answer(call, id).map(Answer::ok)
}

pub fn remove(call: &mut Call<'_>) -> Reply {
    let (repo, id, by) = (call.repo, comment(call)?.id, call.login());
    call.world.delete_comment(repo, id, &by).map_err(|error| refused("IssueComment", &error))?;
    Ok(Answer::empty(204))
}

pub fn reactions(call: &mut Call<'_>) -> Reply {
    let found = comment(call)?
        .reactions
        .iter()
        .filter(|reaction| call.query("content").is_none_or(|content| content == reaction.content));
    Ok(call.page(found.map(|reaction| call.world.reaction_json(reaction)).collect()))
}

/// 201 the first time, 200 again.
pub fn react(call: &mut Call<'_>) -> Reply {
    let (repo, id, by) = (call.repo, comment(call)?.id, call.login());
    let content = call.need("Reaction", "content")?.to_owned();
    if !REACTIONS.contains(&content.as_str()) {
        return Err(Answer::invalid("Reaction", "content", "invalid", "content is no reaction"));
    }
    let (new, reaction) = call.world.react(repo, id, &by, &content).map_err(|error| refused("Reaction", &error))?;
    Ok(Answer::json(if new { 201 } else { 200 }, call.world.reaction_json(&reaction)))
}

pub fn unreact(call: &mut Call<'_>) -> Reply {
    let (id, reaction) = (comment(call)?.id, call.number(1)?);
    let comment = call.repo_mut()?.comments.get_mut(&id).ok_or_else(Answer::not_found)?;
    let had = comment.reactions.len();
    comment.reactions.retain(|at| at.id != reaction);
    if comment.reactions.len() == had { Err(Answer::not_found()) } else { Ok(Answer::empty(204)) }
}

//! Commands about environments: bound to the commit that was shown, and handed on to whom they concern.

use super::{Change, PullState};
use crate::domain::ask::Ask;
use crate::domain::command::{self, Order, Ordered, Typed, Verb};
use crate::domain::event::Comment;
use crate::domain::facts::{Facts, ProjectAt};
use crate::domain::speech::environment as speech;

/// Asks the environment. Words are an answer already; without them it answers itself. The error is a refusal.
pub fn ask(
    state: &mut PullState,
    (comment, line): (&Comment, &str),
    typed: &Typed,
    (facts, changes): (&Facts, &mut Vec<Change>),
) -> Result<Option<String>, String> {
    let (known, no_file) = match &facts.home {
        Some(ProjectAt::Found(project)) => (project.environments.as_slice(), None),
        other => (&[][..], Some(speech::no_file(matches!(other, Some(ProjectAt::Broken(_)))))),
    };
    let mut names: Vec<&str> = known.iter().map(|environment| environment.name.as_str()).collect();
    // What this pull request was ever released to can be steered and rescued, whatever became of the file.
    let met: Vec<String> = state.environments.iter().filter(|met| !names.contains(&met.as_str())).cloned().collect();
    names.extend(met.iter().map(String::as_str));
    let Ordered { environment, order } = match no_file {
        Some(words) if names.is_empty() => return Err(words),
        _ => command::order(typed, &names)?,
    };
    let sha = meant_commit(state, comment, (&order, line))?;
    let ask = Ask {
        repo: state.repo.clone(),
        pull: Some(state.pull.number),
        comment: Some(comment.id),
        by: comment.author.clone(),
        line: line.to_owned(),
        verb: typed.command,
        at: comment.created_at,
        sha,
        merged: state.pull.merged,
        order,
    };
    match environment {
        Some(name) => {
            state.meets(&name);
            changes.push(Change::Do(ask.of(name)));
            Ok(None)
        }
        None => {
            let freezes = typed.command == Verb::Freeze;
            changes.extend(
                names.iter().map(|name| Change::Do(Ask { comment: None, ..ask.clone() }.of((*name).to_owned()))),
            );
            Ok(Some(speech::all(freezes, &names)))
        }
    }
}

/// The head that the author looked at, or the merge commit. What only steers or rescues is not about a commit.
fn meant_commit(state: &PullState, comment: &Comment, (order, line): (&Order, &str)) -> Result<String, String> {
    let pull = &state.pull;
    let merged = pull.merge_commit_sha.as_ref().filter(|_| pull.merged);
    let sha = merged.unwrap_or(&pull.head_sha).clone();
    if order.steers() {
        return Ok(sha);
    }
    if merged.is_none() {
        if !pull.open {
            return Err(speech::closed(line));
        }
        if pull.fork {
            return Err(speech::fork(line));
        }
        if state.head_at(comment.created_at).is_none_or(|seen| seen.sha != sha) {
            return Err(speech::head_unknown(&sha, line));
        }
    }
    match order {
        Order::Deploy { sha: Some(named), .. } if !sha.starts_with(named.as_str()) => {
            Err(speech::other_commit(named, &sha, line))
        }
        _ => Ok(sha),
    }
}

/// What waits anywhere for this pull request is not wanted any more.
pub fn withdraw(state: &PullState, comment: &Comment, changes: &mut Vec<Change>) {
    for environment in &state.environments {
        let ask = Ask {
            repo: state.repo.clone(),
            pull: Some(state.pull.number),
            comment: None,
            by: comment.author.clone(),
            line: String::new(),
            verb: Verb::Cancel,
            at: comment.created_at,
            sha: state.pull.head_sha.clone(),
            merged: state.pull.merged,
            order: Order::Withdraw,
        };
        changes.push(Change::Do(ask.of(environment.clone())));
    }
}

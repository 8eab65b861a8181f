//! An environment: one rollout at a time, a queue behind it, and what closes it. Rescue passes everything.

mod advance;
mod gate;
mod news;
mod orders;
mod state;

pub use state::{Closed, Ended, EnvState, Going, Held, Stands, Waiting};

use super::Change;
use crate::domain::ask::{Answered, Ask, Said};
use crate::domain::command::Order;
use crate::domain::facts::EnvFacts;
use crate::domain::task::{Event, Key, Task};

/// Decides for an environment. Gives the new state and what to commit; `None` when there is nothing to remember.
pub fn environment(state: Option<EnvState>, event: &Event, facts: &EnvFacts) -> (Option<EnvState>, Vec<Change>) {
    let mut changes = Vec::new();
    let state = match event {
        Event::Ask(ask) => Some(asked(state, ask, facts, &mut changes)),
        Event::RunFinished { run, conclusion, found } => state.map(|mut state| {
            for checks in state.queue.iter_mut().filter_map(|waiting| waiting.checks.as_mut()) {
                checks.finished(run, (*conclusion, found), &mut changes);
            }
            state
        }),
        Event::Rollout { number, news } => state.map(|mut state| {
            news::news(&mut state, (*number, news), facts, &mut changes);
            state
        }),
        _ => state,
    };
    let state = state.map(|mut state| {
        advance::advance(&mut state, facts, &mut changes);
        show(&state, &mut changes);
        state
    });
    (state, changes)
}

fn asked(state: Option<EnvState>, ask: &Ask, facts: &EnvFacts, changes: &mut Vec<Change>) -> EnvState {
    let name = &facts.name;
    let mut state = state.unwrap_or_else(|| EnvState::new(&ask.repo, name));
    state.repo = ask.repo.clone();
    match &ask.order {
        Order::Deploy { .. } => advance::admit(&mut state, ask, facts, changes),
        Order::Weight(_) if state.going.is_none() => advance::admit(&mut state, ask, facts, changes),
        _ => orders::obey(&mut state, ask, facts, changes),
    }
    state
}

/// Everything that speaks of this environment is brought up to date; what did not change is not sent.
fn show(state: &EnvState, changes: &mut Vec<Change>) {
    for number in state.pulls() {
        changes.push(Change::Do(Task::SyncSticky { key: Key::Pull(state.repo.id, number) }));
    }
}

/// Answers a command, or says how it stands.
fn answer(ask: &Ask, outcome: Said, words: String, changes: &mut Vec<Change>) {
    let (Some(comment), Some(pull)) = (ask.comment, ask.pull) else { return };
    let answered = Answered {
        comment,
        author: ask.by.clone(),
        line: ask.line.clone(),
        verb: ask.verb,
        sha: ask.sha.clone(),
        outcome,
        words,
    };
    changes.push(Change::Do(Task::tell(Key::Pull(ask.repo.id, pull), Event::Answered(answered))));
}

#[cfg(test)]
mod tests;

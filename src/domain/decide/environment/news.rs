//! Where a rollout got to: what is live now, what must not come back, and who is answered.

use super::state::{Ended, EnvState, Held};
use super::{Change, answer, orders};
use crate::domain::ask::Said;
use crate::domain::facts::EnvFacts;
use crate::domain::release::{Kind, News, Version};
use crate::domain::speech::steering;
use crate::domain::task::Task;

/// Notes it. News of an earlier rollout change nothing.
pub fn news(state: &mut EnvState, (number, news): (i64, &News), facts: &EnvFacts, changes: &mut Vec<Change>) {
    if let News::Reverted { pull } = news {
        return reverted(state, number, *pull);
    }
    if state.going.as_ref().is_none_or(|going| going.number != number) {
        return;
    }
    match news {
        News::Reverted { .. } => {}
        News::Full => full(state, changes),
        News::Live => {
            full(state, changes);
            // Who wanted it taken back was promised that, and was heard too late by a hair: now it is a way back from what is live,
            // before anything else begins.
            let owed = state.going.as_mut().map(|going| std::mem::take(&mut going.asked)).unwrap_or_default();
            end(state, (true, String::new()), facts.now, changes);
            for ask in owed {
                orders::keep_word(state, ask, facts, changes);
            }
        }
        News::Gone { words, fault, was_full } => gone(state, (words, *fault, *was_full), facts, changes),
    }
}

/// The way out of the hold has a number now, unless the hold is over or another one by now.
fn reverted(state: &mut EnvState, number: i64, pull: i64) {
    let last = state.last.as_ref().map(|last| last.number);
    let going = state.going.as_ref().map(|going| going.number);
    if [last, going].contains(&Some(number))
        && let Some(held) = state.held.as_mut()
    {
        held.revert = Some(pull);
    }
}

/// All traffic goes there now. Told twice, it is done once.
fn full(state: &mut EnvState, changes: &mut Vec<Change>) {
    let Some(going) = state.going.as_mut().filter(|going| !going.full) else { return };
    going.full = true;
    let (version, ask, kind) = (going.version.clone(), going.ask.clone(), going.kind);
    let before = state.live.replace(version.clone());
    going.before.clone_from(&before);
    let number = going.number;
    if going.ends_hold {
        state.held = None;
    }
    if kind == Kind::Rollback && before.as_ref().is_some_and(|bad| bad.merged && bad.pull.is_some()) {
        changes.push(Change::Revert { number });
    }
    if let Some(before) = before.filter(|before| kind != Kind::Rollback && before.sha != version.sha) {
        state.was_good(before);
    }
    let words = match kind {
        Kind::Rollback => steering::is_back(&state.name, &version, state.held.as_ref()),
        _ => steering::is_full(&state.name, &version),
    };
    answer(&ask, Said::Done, words, changes);
}

fn gone(
    state: &mut EnvState,
    (words, fault, was_full): (&str, bool, bool),
    facts: &EnvFacts,
    changes: &mut Vec<Change>,
) {
    let Some(going) = state.going.clone() else { return };
    if was_full {
        // The old version took over again without having stopped.
        let known = state.good.pop_if(|good| going.before.as_ref().is_none_or(|before| before.sha == good.sha));
        state.live = going.before.clone().or(known);
    }
    let holds = ((fault && going.version.merged) || was_full) && going.kind != Kind::Rollback;
    if !was_full {
        let next = steering::NextTry { fault, held: holds, pull: going.version.pull };
        answer(&going.ask, Said::Refused, steering::came_to_nothing(&state.name, words, next), changes);
    }
    // Who pushes on top of it mends it; the same commit once more would only be the same again.
    let exact = !holds && fault && going.kind != Kind::Rollback;
    if holds || (exact && state.held.as_ref().is_none_or(|held| held.exact)) {
        let by = going.asked.last().map(|ask| ask.by.clone()).unwrap_or_default();
        let Version { sha, pull, merged, .. } = going.version.clone();
        state.held = Some(Held { bad: sha, pull, by, at: facts.now, exact, merged, revert: None });
        if holds && going.version.merged && going.version.pull.is_some() {
            changes.push(Change::Revert { number: going.number });
        }
    }
    for ask in &going.asked {
        let words = steering::taken_back(&state.name, state.live.as_ref(), words);
        answer(ask, Said::Done, words, changes);
    }
    end(state, (false, words.to_owned()), facts.now, changes);
}

fn end(state: &mut EnvState, (stayed, words): (bool, String), now: i64, changes: &mut Vec<Change>) {
    let Some(going) = state.going.take() else { return };
    state.shelve(going.version.clone(), going.keep);
    changes.push(Change::Do(Task::SyncShelf { key: state.key() }));
    state.last =
        Some(Ended { number: going.number, sha: going.version.sha, pull: going.version.pull, words, stayed, at: now });
}

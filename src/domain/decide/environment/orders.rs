//! What steers a rollout that is on its way, goes back, or closes the environment: done at once, past every queue.

use super::advance::{go, leave};
use super::gate;
use super::state::{Closed, EnvState, Held};
use super::{Change, answer};
use crate::domain::ask::{Ask, Said};
use crate::domain::command::Order;
use crate::domain::facts::EnvFacts;
use crate::domain::release::{Kind, RolloutSpec, Version, excuses};
use crate::domain::rollout::Steer;
use crate::domain::speech::environment as speech;
use crate::domain::speech::steering;

type Done = Result<String, String>;

/// Obeys, and answers.
pub fn obey(state: &mut EnvState, ask: &Ask, facts: &EnvFacts, changes: &mut Vec<Change>) {
    if ask.order == Order::Withdraw {
        return withdraw(state, ask, changes);
    }
    // What takes load off is answered again when it took effect.
    let (said, done) = match gate::allowed(&state.name, ask, facts) {
        Err(words) => (Said::Refused, Err(words)),
        Ok(()) if matches!(ask.order, Order::Rollback { .. } | Order::Abort { .. }) => {
            (Said::Pending, take_back(state, ask, facts, changes))
        }
        Ok(()) => (Said::Done, simple(state, ask, facts, changes)),
    };
    match done {
        Ok(words) => answer(ask, said, words, changes),
        Err(words) => answer(ask, Said::Refused, words, changes),
    }
}

fn simple(state: &mut EnvState, ask: &Ask, facts: &EnvFacts, changes: &mut Vec<Change>) -> Done {
    let closed = |reason: &str, for_ms: Option<i64>| Closed {
        by: ask.by.clone(),
        reason: reason.to_owned(),
        at: facts.now,
        until: for_ms.map(|ms| facts.now.saturating_add(ms)),
    };
    match &ask.order {
        Order::Show => Ok(steering::shows(state, facts.now)),
        Order::Lock { reason, for_ms } => {
            let lock = closed(reason, *for_ms);
            let words = steering::locks(&state.name, &lock, facts.now);
            state.lock = Some(lock);
            Ok(words)
        }
        Order::Freeze { reason, for_ms } => {
            let freeze = closed(reason, *for_ms);
            let words = steering::freezes(&state.name, &freeze, facts.now);
            state.freeze = Some(freeze);
            Ok(words)
        }
        Order::Unlock => match (state.lock.take(), state.held.take()) {
            (None, None) => Err(steering::not_locked(&state.name)),
            (lock, held) => Ok(steering::unlocks(&state.name, lock.as_ref(), held.as_ref())),
        },
        Order::Unfreeze => match state.freeze.take() {
            None => Err(steering::not_frozen(&state.name)),
            Some(_) => Ok(steering::unfreezes(&state.name)),
        },
        _ => steer(state, ask, changes),
    }
}

/// Promote, pause, resume, and a share by hand.
fn steer(state: &mut EnvState, ask: &Ask, changes: &mut Vec<Change>) -> Done {
    let Some(going) = &state.going else { return Err(steering::nothing_rolls(&state.name, ask)) };
    if going.kind == Kind::Rollback {
        return Err(steering::goes_back(&state.name));
    }
    if going.full {
        return Err(steering::has_all(&state.name, going));
    }
    // Who sees another pull request steers what stands there.
    if ask.pull != going.ask.pull && !ask.order.rescues() {
        return Err(steering::elsewhere(&state.name, going, ask));
    }
    let (steer, words) = match &ask.order {
        Order::Promote => (Steer::Promote, steering::promotes(&state.name)),
        Order::Pause => (Steer::Pause, steering::pauses(&state.name)),
        Order::Resume => (Steer::Resume, steering::resumes(&state.name)),
        Order::Weight(_) if state.live.is_none() => return Err(steering::serves_alone(&state.name)),
        Order::Weight(weight) => (Steer::Weight(*weight), steering::shifts(&state.name, *weight)),
        _ => return Err(steering::nothing_rolls(&state.name, ask)),
    };
    changes.push(Change::Steer { number: going.number, steer, by: ask.by.clone() });
    Ok(words)
}

/// A rollout stayed before a promise to take it back reached it. Who may ask was judged when it was promised.
pub fn keep_word(state: &mut EnvState, mut ask: Ask, facts: &EnvFacts, changes: &mut Vec<Change>) {
    if let Order::Abort { reason } = ask.order {
        ask.order = Order::Rollback { reason };
    }
    match take_back(state, &ask, facts, changes) {
        Ok(words) => answer(&ask, Said::Pending, words, changes),
        Err(words) => answer(&ask, Said::Refused, words, changes),
    }
}

/// Aborts what is on its way, or goes back from what is live. The words are told again when it took effect.
fn take_back(state: &mut EnvState, ask: &Ask, facts: &EnvFacts, changes: &mut Vec<Change>) -> Done {
    let reason = match &ask.order {
        Order::Abort { reason } | Order::Rollback { reason } => reason.clone(),
        _ => String::new(),
    };
    let name = state.name.clone();
    if let Some(going) = state.going.as_mut() {
        if going.kind == Kind::Rollback {
            return Err(steering::goes_back(&name));
        }
        going.asked.push(ask.clone());
        let steer = Steer::Abort { reason: reason.clone(), by: ask.by.clone() };
        changes.push(Change::Steer { number: going.number, steer, by: ask.by.clone() });
        return Ok(steering::takes_back(&name, &going.version));
    }
    if matches!(ask.order, Order::Abort { .. }) {
        return Err(steering::nothing_rolls(&name, ask));
    }
    let environment = match (&facts.definition, &facts.last) {
        (Ok(found), _) => (*found.1).clone(),
        (Err(_), Some(last)) => (**last).clone(),
        (Err(words), None) => return Err(words.clone()),
    };
    let Some(live) = state.live.clone() else { return Err(steering::never_deployed(&name)) };
    let Some(back) = state.good.pop() else { return Err(steering::nothing_before(&name, &live)) };
    let (bad, by) = (live.sha.clone(), ask.by.clone());
    state.held =
        Some(Held { bad, pull: live.pull, by, at: facts.now, exact: false, merged: live.merged, revert: None });
    // It is started as the file says now, and what is live is known by how it was started.
    let version = Version { definition: environment.digest(), ..back.clone() };
    let spec = RolloutSpec {
        repo: state.repo.clone(),
        environment,
        kind: Kind::Rollback,
        version,
        base: Some(live),
        hold_at: None,
        by: ask.by.clone(),
        fixes: None,
        approvals: Vec::new(),
        pull: ask.pull,
        built_at: facts.now,
        excused: excuses(&reason),
    };
    let words = steering::takes_back_to(&name, &back);
    go(state, (ask.clone(), false), spec, facts.now, changes);
    Ok(words)
}

/// The pull request does not want what it waits for any more.
fn withdraw(state: &mut EnvState, ask: &Ask, changes: &mut Vec<Change>) {
    let old: Vec<_> = state.queue.extract_if(.., |old| old.ask.pull == ask.pull).collect();
    for old in old {
        let words = speech::withdrawn(&state.name, &ask.by);
        leave(state, old, (Said::Refused, words), changes);
    }
}

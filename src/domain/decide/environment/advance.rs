//! The queue: who is admitted, and when the first of it starts.

use super::gate::{self, Gate};
use super::state::{EnvState, Going, Waiting};
use super::{Change, answer};
use crate::domain::ask::{Ask, Said};
use crate::domain::command::Order;
use crate::domain::facts::{EnvFacts, Front};
use crate::domain::release::{RolloutSpec, Version};
use crate::domain::speech::environment as speech;
use crate::domain::task::{Event, Key, Task};

/// Waiting requests of one environment; more would only be an accident.
const QUEUE: usize = 100;

/// Takes a request into the queue. A newer one of the same pull request replaces its older one.
pub fn admit(state: &mut EnvState, ask: &Ask, facts: &EnvFacts, changes: &mut Vec<Change>) {
    if let Err(words) = may(state, ask, facts) {
        return answer(ask, Said::Refused, words, changes);
    }
    // Whoever types it again keeps the place.
    let place = state.queue.iter().position(|old| replaces(ask, &old.ask));
    let old: Vec<Waiting> = state.queue.extract_if(.., |old| replaces(ask, &old.ask)).collect();
    for old in old {
        leave(state, old, (Said::Refused, speech::replaced(&ask.line)), changes);
    }
    let waiting = Waiting { ask: ask.clone(), checks: None, told: String::new() };
    state.queue.insert(place.unwrap_or(state.queue.len()), waiting);
}

/// The pull request behind a merge shows what becomes of it, though nobody typed anything there.
fn follow(state: &EnvState, number: i64, changes: &mut Vec<Change>) {
    let event = Event::Follows { environment: state.name.clone() };
    changes.push(Change::Do(Task::tell(Key::Pull(state.repo.id, number), event)));
}

/// Of one pull request only the newest command counts, and of merges only the newest: it has the others in it.
fn replaces(new: &Ask, old: &Ask) -> bool {
    match (new.comment, old.comment) {
        (None, None) => true,
        (Some(_), Some(_)) => new.pull == old.pull,
        _ => false,
    }
}

fn may(state: &EnvState, ask: &Ask, facts: &EnvFacts) -> Result<(), String> {
    if let Err(words) = &facts.definition {
        return Err(words.clone());
    }
    gate::allowed(&state.name, ask, facts)?;
    let same = state.going.as_ref().filter(|going| going.version.sha == ask.sha && !going.full);
    if same.is_some() {
        return Err(speech::on_its_way(&state.name, &ask.sha));
    }
    if state.queue.len() >= QUEUE {
        return Err(speech::too_many(&state.name));
    }
    Ok(())
}

/// Takes a request out of the queue and says why.
pub fn leave(state: &EnvState, mut old: Waiting, (outcome, words): (Said, String), changes: &mut Vec<Change>) {
    if let Some(checks) = old.checks.as_mut() {
        let by = state.name.clone();
        checks.drop_live(&crate::domain::decide::Why::Cancelled { by }, changes);
    }
    answer(&old.ask, outcome, words, changes);
}

/// Starts the first of the queue when all gates are open, and tells everybody else what they wait for.
pub fn advance(state: &mut EnvState, facts: &EnvFacts, changes: &mut Vec<Change>) {
    while state.going.is_none() {
        let Some(first) = state.queue.first() else { break };
        let Some(front) =
            facts.front.as_ref().filter(|front| front.ask.same(&first.ask) && facts.standing.login == first.ask.by)
        else {
            // These facts, or what the asker may do, are about another one: look again.
            changes.push(Change::Do(Task::tell(state.key(), Event::Due)));
            return tell(state, facts, changes);
        };
        let mut first = state.queue.remove(0);
        if first.ask.pull.is_none()
            && let Some(number) = front.ask.pull
        {
            first.ask.pull = Some(number);
            follow(state, number, changes);
        }
        match gate::gate(state, &mut first, (front, facts), changes) {
            Gate::Open(open) => start(state, first, (front, *open), facts, changes),
            Gate::Refused(words) => leave(state, first, (Said::Refused, words), changes),
            Gate::Wait { words, until } => {
                if let Some(at) = until {
                    changes.push(Change::At(at, Task::Ring { key: state.key() }));
                }
                said(&mut first, words, changes);
                state.queue.insert(0, first);
                break;
            }
        }
    }
    tell(state, facts, changes);
}

/// What stands behind the first waits for those before it.
fn tell(state: &mut EnvState, facts: &EnvFacts, changes: &mut Vec<Change>) {
    let ahead = state.going.as_ref().map(|going| speech::rolls_out(&state.name, going, facts.now));
    let (name, skip) = (state.name.clone(), usize::from(ahead.is_none()));
    let first = state.queue.first().map(|first| first.ask.clone());
    for (i, waiting) in state.queue.iter_mut().enumerate().skip(skip) {
        let words = match (&ahead, &first) {
            (Some(ahead), _) => speech::waits(&name, i + 1, ahead),
            (None, Some(first)) => speech::waits(&name, i + 1, &speech::first_in_line(first)),
            (None, None) => continue,
        };
        said(waiting, words, changes);
    }
}

fn said(waiting: &mut Waiting, words: String, changes: &mut Vec<Change>) {
    if waiting.told != words {
        answer(&waiting.ask, Said::Pending, words.clone(), changes);
        waiting.told = words;
    }
}

fn start(
    state: &mut EnvState,
    first: Waiting,
    (front, open): (&Front, gate::Opened),
    facts: &EnvFacts,
    changes: &mut Vec<Change>,
) {
    let ask = first.ask;
    let hold_at = if let Order::Weight(weight) = &ask.order { Some(*weight) } else { None };
    let (name, sha) = (state.name.clone(), ask.sha.clone());
    answer(&ask, Said::Pending, speech::starts(&name, &sha, hold_at), changes);
    let version = Version {
        sha,
        release: open.release,
        pull: ask.pull,
        merged: ask.merged,
        definition: open.environment.digest(),
    };
    let approvals = front.approvals.clone();
    let spec = RolloutSpec {
        repo: state.repo.clone(),
        environment: open.environment,
        kind: open.kind,
        version,
        base: state.live.clone(),
        hold_at,
        by: ask.by.clone(),
        fixes: if let Order::Deploy { fixes, .. } = &ask.order { *fixes } else { None },
        approvals,
        pull: ask.pull,
        built_at: open.built_at,
        excused: false,
    };
    // What lacks the bad commit may go there, and leaves the hold as it is: the next merge could still bring it.
    let ends_hold = state.held.as_ref().is_some_and(|held| held.exact || spec.fixes.is_some() || front.reverts);
    go(state, (ask, ends_hold), spec, facts.now, changes);
}

/// Begins a rollout: from here on the environment is busy until its end is told.
pub fn go(state: &mut EnvState, (ask, ends_hold): (Ask, bool), spec: RolloutSpec, now: i64, changes: &mut Vec<Change>) {
    state.count += 1;
    state.going = Some(Going {
        number: state.count,
        version: spec.version.clone(),
        kind: spec.kind,
        full: false,
        before: None,
        keep: spec.environment.keep,
        ends_hold,
        asked: Vec::new(),
        ask: ask.clone(),
    });
    changes.push(Change::Roll { number: state.count, at: ask.at.min(now), spec: Box::new(spec) });
}

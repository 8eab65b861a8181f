//! What must be true before a rollout starts. Each gate says what it waits for, or refuses with the next line to type.

use super::Change;
use super::state::{EnvState, Waiting};
use crate::domain::ask::Ask;
use crate::domain::command::Order;
use crate::domain::decide::checks;
use crate::domain::facts::{EnvFacts, Foreign, Front, Lineage, Proof};
use crate::domain::project::{Environment, Project, needed};
use crate::domain::release::Kind;
use crate::domain::speech::environment as speech;
use crate::domain::task::Trust;

/// Checks of others are looked at again after this long: nobody tells us of them.
const LOOK_AGAIN_MS: i64 = 15_000;

/// What the gates say of a request.
pub enum Gate {
    /// It may start.
    Open(Box<Opened>),
    /// Not yet.
    Wait {
        /// For what.
        words: String,
        /// When to look again though nothing happened; Unix milliseconds.
        until: Option<i64>,
    },
    /// No.
    Refused(String),
}

/// All that a start needs.
pub struct Opened {
    /// As the default branch and the policies define it.
    pub environment: Environment,
    /// Digest of what is released.
    pub release: String,
    /// When that was built; Unix milliseconds.
    pub built_at: i64,
    /// What sort of change it is.
    pub kind: Kind,
}

type Step = Result<(), Gate>;

fn refuse(words: String) -> Step {
    Err(Gate::Refused(words))
}

/// Whether this person may do this here, as of now.
pub fn allowed(name: &str, ask: &Ask, facts: &EnvFacts) -> Result<(), String> {
    let standing = &facts.standing;
    // A merge was allowed by whoever merged.
    if ask.by.is_empty() || standing.allowed || (ask.order.rescues() && standing.writes) {
        return Ok(());
    }
    Err(speech::not_allowed(name, ask, standing))
}

/// Goes through all gates in the order in which people can do something about them.
pub fn gate(
    state: &EnvState,
    waiting: &mut Waiting,
    (front, facts): (&Front, &EnvFacts),
    changes: &mut Vec<Change>,
) -> Gate {
    let (project, environment) = match &facts.definition {
        Ok(found) => (&found.0, &found.1),
        Err(words) => return Gate::Refused(words.clone()),
    };
    // A merge asks for nothing that the file, or a policy, does not let follow merges any more.
    if waiting.ask.by.is_empty() && !environment.follows_merges() {
        return Gate::Refused(String::new());
    }
    let steps = still_meant(state, &waiting.ask, front)
        .and_then(|()| allowed(&state.name, &waiting.ask, facts).or_else(refuse))
        .and_then(|()| closed(state, (&waiting.ask, environment), facts))
        .and_then(|()| lineage(state, (&waiting.ask, environment), front))
        .and_then(|()| before(environment, &waiting.ask, front))
        .and_then(|()| proven((waiting, front), (project, environment), facts.now, changes))
        .and_then(|()| approved(&state.name, (&waiting.ask, environment), front))
        .and_then(|()| facts.host.clone().or_else(refuse));
    if let Err(gate) = steps {
        return gate;
    }
    let Some((release, built_at)) = front.release(&environment.release) else {
        return Gate::Refused(speech::nothing_exported(&environment.release));
    };
    let same = state.live.as_ref().is_some_and(|live| live.sha == waiting.ask.sha);
    let kind = match &waiting.ask.order {
        Order::Deploy { hotfix: Some(_), .. } => Kind::Hotfix,
        _ if same => Kind::Config,
        _ => Kind::Planned,
    };
    Gate::Open(Box::new(Opened { environment: (**environment).clone(), release, built_at, kind }))
}

/// The pull request is still what it was when the command was typed.
fn still_meant(state: &EnvState, ask: &Ask, front: &Front) -> Step {
    let Some(pull) = front.pull.as_ref().filter(|_| ask.comment.is_some()) else { return Ok(()) };
    if ask.merged {
        return Ok(());
    }
    if pull.merged {
        return refuse(speech::merged_meanwhile(&state.name));
    }
    if !pull.open {
        return refuse(speech::closed(&ask.line));
    }
    if pull.fork {
        return refuse(speech::fork(&ask.line));
    }
    if pull.head_sha != ask.sha {
        return refuse(speech::head_moved(&state.name, ask, &pull.head_sha));
    }
    Ok(())
}

/// Locks, freezes, and what a rollback holds.
fn closed(state: &EnvState, (ask, environment): (&Ask, &Environment), facts: &EnvFacts) -> Step {
    let now = facts.now;
    let wait = |words, until| Err(Gate::Wait { words, until });
    if let Some(lock) = state.lock.as_ref().filter(|lock| lock.until.is_none_or(|until| until > now)) {
        return wait(speech::locked(&state.name, lock, now), lock.until);
    }
    let hotfix = matches!(&ask.order, Order::Deploy { hotfix: Some(_), .. });
    if !hotfix {
        if let Some(freeze) = state.freeze.as_ref().filter(|freeze| freeze.until.is_none_or(|until| until > now)) {
            return wait(speech::frozen(&state.name, freeze, now), freeze.until);
        }
        if let Some(frozen) = environment.frozen(now) {
            return wait(speech::frozen_by_file(environment, &frozen, now), Some(frozen.until));
        }
    }
    Ok(())
}

/// What is live there must not get lost, and what was taken back must not come back by accident.
fn lineage(state: &EnvState, (ask, environment): (&Ask, &Environment), front: &Front) -> Step {
    if let Some(held) = &state.held {
        let fixes = matches!(&ask.order, Order::Deploy { fixes: Some(_), .. });
        let same = held.bad == ask.sha;
        let has_it = same || front.held != Some(Lineage::Lacks);
        if if held.exact { same } else { has_it && !fixes && !front.reverts } {
            return refuse(speech::held(&state.name, held, ask));
        }
    }
    let Some(live) = &state.live else { return Ok(()) };
    if live.sha == ask.sha {
        let same = live.definition == environment.digest();
        return if same { refuse(speech::live_already(&state.name, live)) } else { Ok(()) };
    }
    match front.live {
        Some(Lineage::Contains) | None => Ok(()),
        Some(Lineage::Behind) => refuse(speech::older(&state.name, live, ask)),
        Some(Lineage::Lacks) => refuse(speech::lacks(&state.name, live, ask)),
    }
}

/// The environment that comes first has this very commit.
fn before(environment: &Environment, ask: &Ask, front: &Front) -> Step {
    let Some(first) = &environment.needs.environment else { return Ok(()) };
    if front.elsewhere.as_deref() == Some(ask.sha.as_str()) {
        return Ok(());
    }
    refuse(speech::first_there(&environment.name, first, ask))
}

/// Every check that the environment needs has passed on this commit, by the default branch's definition.
fn proven(
    (waiting, front): (&mut Waiting, &Front),
    (project, environment): (&Project, &Environment),
    now: i64,
    changes: &mut Vec<Change>,
) -> Step {
    let own: Vec<String> = needed(project, environment);
    let proof = |name: &str| front.proofs.iter().find(|proof| proof.pipeline == name);
    let failed: Vec<&Proof> = own.iter().filter_map(|name| proof(name)).filter(|proof| proof.failed()).collect();
    if !failed.is_empty() {
        return refuse(speech::checks_failed(&environment.name, &failed, &waiting.ask));
    }
    let foreign: Vec<(&str, Foreign)> = environment
        .checks()
        .into_iter()
        .filter(|name| project.pipeline(name).is_none())
        .map(|name| (name, front.foreign.get(name).copied().unwrap_or(Foreign::Missing)))
        .collect();
    let bad: Vec<&str> = foreign.iter().filter(|(_, state)| *state == Foreign::Failed).map(|(name, _)| *name).collect();
    if !bad.is_empty() {
        return refuse(speech::others_failed(&environment.name, &bad, &waiting.ask));
    }
    let open: Vec<&str> =
        own.iter().filter(|name| !proof(name).is_some_and(Proof::passed)).map(String::as_str).collect();
    if !open.is_empty() {
        let trust = if waiting.ask.merged { Trust::Protected } else { Trust::Pr };
        let wanted = checks::Wanted { sha: &waiting.ask.sha, trust, names: &own, proofs: &front.proofs };
        checks::bring(&mut waiting.checks, &wanted, project, changes);
        return Err(Gate::Wait { words: speech::waits_for_checks(&environment.name, &open), until: None });
    }
    let missing: Vec<&str> =
        foreign.iter().filter(|(_, state)| *state != Foreign::Passed).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let words = speech::waits_for_checks(&environment.name, &missing);
        return Err(Gate::Wait { words, until: Some(now + LOOK_AGAIN_MS) });
    }
    Ok(())
}

/// Enough people, none of them the author, approved this very commit.
fn approved(name: &str, (ask, environment): (&Ask, &Environment), front: &Front) -> Step {
    let hotfix = matches!(&ask.order, Order::Deploy { hotfix: Some(_), .. });
    let (approvals, floor) = environment.approvals();
    let wanted = approvals as usize + usize::from(hotfix);
    if front.approvals.len() >= wanted {
        return Ok(());
    }
    let rule = speech::rule(environment, floor);
    refuse(speech::approvals(name, &rule, (wanted, front.approvals.len()), ask))
}

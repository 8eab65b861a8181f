//! A repository's onboarding: one pull request, once, unless somebody asks again.

use super::Change;
use crate::domain::facts::OnboardFacts;
use crate::domain::ids::Repo;
use crate::domain::onboard::{OnboardState, Proposal, Skip, Stage, skip};
use crate::domain::task::{Event, Task};

/// Decides for a repository. Gives the new state and what to commit; `None` when there is nothing to remember.
pub fn onboard(
    state: Option<OnboardState>,
    event: &Event,
    facts: &OnboardFacts,
) -> (Option<OnboardState>, Vec<Change>) {
    let mut changes = Vec::new();
    let state = match event {
        Event::Consider { repo, asked } => Some(considered(state, (repo, *asked), facts, &mut changes)),
        Event::Begin { repo, .. } => {
            let mut state = state.unwrap_or_else(|| OnboardState::new(repo, facts.now));
            if let Some(proposal) = facts.live.as_ref().and_then(|live| live.proposal.clone()) {
                wanted(&mut state, proposal, facts, &mut changes);
            }
            Some(state)
        }
        Event::Opened { pull, tip } => state.map(|mut state| {
            state.pull = Some(*pull);
            state.tip = Some(tip.clone());
            if state.stage == Stage::Wanted {
                come(&mut state, Stage::Open, facts);
            }
            state
        }),
        Event::Blocked { why } => state.map(|mut state| {
            if state.stage == Stage::Wanted {
                come(&mut state, Stage::Blocked, facts);
                state.why.clone_from(why);
            }
            state
        }),
        Event::Pull { repo, pull, .. } => state.map(|mut state| {
            state.repo = repo.clone();
            if state.pull == Some(pull.number) {
                let stage = match (pull.open, pull.merged) {
                    (true, _) => Stage::Open,
                    (false, true) => Stage::Done,
                    (false, false) => Stage::Declined,
                };
                come(&mut state, stage, facts);
                show(&state, &mut changes);
            }
            state
        }),
        _ => state,
    };
    (state, changes)
}

fn considered(
    state: Option<OnboardState>,
    (repo, asked): (&Repo, bool),
    facts: &OnboardFacts,
    changes: &mut Vec<Change>,
) -> OnboardState {
    let mut state = state.unwrap_or_else(|| OnboardState::new(repo, facts.now));
    let Some(live) = &facts.live else {
        if !matches!(state.stage, Stage::Done | Stage::Declined) {
            come(&mut state, Stage::Idle(Skip::Gone), facts);
        }
        return state;
    };
    state.repo = live.repo.clone();
    if live.sight.lock {
        changes.push(Change::Do(Task::Follow { repo: live.repo.clone() }));
    }
    if live.sight.file {
        come(&mut state, Stage::Done, facts);
        return state;
    }
    match state.stage {
        // Decided already; what was asked of GitHub may have been lost on the way.
        Stage::Wanted => show(&state, changes),
        Stage::Open => {}
        Stage::Declined | Stage::Done | Stage::Blocked if !asked => {}
        _ => match skip(&live.sight, &facts.rules, (&live.repo.name, asked)) {
            Some(why) => come(&mut state, Stage::Idle(why), facts),
            None => {
                if let Some(proposal) = &live.proposal {
                    wanted(&mut state, proposal.clone(), facts, changes);
                }
            }
        },
    }
    state
}

/// A pull request with this is to be opened, in place of the one before.
fn wanted(state: &mut OnboardState, proposal: Proposal, facts: &OnboardFacts, changes: &mut Vec<Change>) {
    state.round += 1;
    state.proposal = Some(proposal);
    (state.pull, state.tip) = (None, None);
    state.why.clear();
    come(state, Stage::Wanted, facts);
    show(state, changes);
}

fn come(state: &mut OnboardState, stage: Stage, facts: &OnboardFacts) {
    if state.stage != stage {
        state.stage = stage;
        state.since = facts.now;
    }
}

fn show(state: &OnboardState, changes: &mut Vec<Change>) {
    changes.push(Change::Do(Task::SyncOnboarding { repo: state.repo.clone() }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Pull;
    use crate::domain::facts::LiveRepo;
    use crate::domain::onboard::{Rules, Sight};

    fn repo() -> Repo {
        Repo { installation: 1, id: 2, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() }
    }

    fn facts(file: bool) -> OnboardFacts {
        let sight = Sight { head: Some("aaa".into()), file, ..Sight::default() };
        let proposal = Proposal {
            base: "aaa".into(),
            tree: "ttt".into(),
            files: Vec::new(),
            found: String::new(),
            checks: String::new(),
            left_out: String::new(),
            rules: String::new(),
            missing: Vec::new(),
        };
        let live = LiveRepo { repo: repo(), sight, proposal: Some(proposal) };
        OnboardFacts { now: 5, rules: Rules::default(), live: Some(live) }
    }

    /// The stage after each event, and how many effects it has.
    fn story(events: &[Event], facts: &OnboardFacts) -> Vec<(Stage, i64, usize)> {
        let mut state = None;
        let step = |event: &Event| {
            let (next, changes) = onboard(state.take(), event, facts);
            state = next;
            let now = state.as_ref().expect("it is remembered");
            (now.stage, now.round, changes.len())
        };
        events.iter().map(step).collect()
    }

    fn consider(asked: bool) -> Event {
        Event::Consider { repo: repo(), asked }
    }

    fn closed(open: bool, merged: bool) -> Event {
        let pull = Pull { number: 7, open, merged, ..Pull::default() };
        Event::Pull { repo: repo(), pull, seen: 5 }
    }

    fn opened() -> Event {
        Event::Opened { pull: 7, tip: "bbb".into() }
    }

    #[test]
    fn one_pull_request_and_closed_means_no_until_somebody_asks() {
        let events =
            [consider(false), consider(false), opened(), consider(false), closed(false, false), consider(false)];
        let expected = [
            (Stage::Wanted, 1, 1),
            (Stage::Wanted, 1, 1),
            (Stage::Open, 1, 0),
            (Stage::Open, 1, 0),
            (Stage::Declined, 1, 1),
            (Stage::Declined, 1, 0),
        ];
        assert_eq!(story(&events, &facts(false)), expected);
        let again = [&events[..], &[consider(true), opened(), closed(false, true), consider(false)]].concat();
        let last = [(Stage::Wanted, 2, 1), (Stage::Open, 2, 0), (Stage::Done, 2, 1), (Stage::Done, 2, 0)];
        assert_eq!(story(&again, &facts(false))[6..], last);
    }

    #[test]
    fn a_file_that_is_there_ends_it_and_a_refusal_waits_for_a_word() {
        assert_eq!(story(&[consider(false)], &facts(true)), [(Stage::Done, 0, 0)]);
        let refused = Event::Blocked { why: "a rule".into() };
        let events = [consider(false), refused, consider(false), consider(true)];
        let told: Vec<Stage> = story(&events, &facts(false)).into_iter().map(|(stage, ..)| stage).collect();
        assert_eq!(told, [Stage::Wanted, Stage::Blocked, Stage::Blocked, Stage::Wanted]);
        let gone = OnboardFacts { live: None, ..facts(false) };
        assert_eq!(story(&[consider(false)], &gone), [(Stage::Idle(Skip::Gone), 0, 0)]);
    }

    #[test]
    fn a_reopened_one_is_open_again_and_another_pull_request_is_none_of_its_business() {
        let other = Event::Pull { repo: repo(), pull: Pull { number: 8, ..Pull::default() }, seen: 5 };
        let events = [consider(false), opened(), other, closed(false, false), closed(true, false)];
        let told: Vec<Stage> = story(&events, &facts(false)).into_iter().map(|(stage, ..)| stage).collect();
        assert_eq!(told, [Stage::Wanted, Stage::Open, Stage::Open, Stage::Declined, Stage::Open]);
    }
}

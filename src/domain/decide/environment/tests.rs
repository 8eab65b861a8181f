//! An environment's decisions one after the other: what is asked and told, and where that leaves it.

use super::*;
use crate::domain::command::Verb;
use crate::domain::facts::{Front, Lineage, Proof, Standing};
use crate::domain::ids::Repo;
use crate::domain::project::{self, Environment, Project};
use crate::domain::release::{Kind, News, RolloutSpec};
use crate::domain::rollout::Weight;
use crate::domain::run::Conclusion;

const FILE: &str = "[pipeline.image]\nrun = [\"i\"]\nexport = \"dist/\"\n[environment.production]\nrelease = \"image\"\nstart = \"./shop\"\nport = 8080\n";

/// The environment `production`, whose file can be edited.
struct Desk {
    state: Option<EnvState>,
    project: Project,
    environment: Environment,
    said: Vec<String>,
    begun: Vec<RolloutSpec>,
    merged: bool,
}

impl Desk {
    fn new() -> Desk {
        let project = project::parse(FILE).expect("the file is right");
        let environment = project.environments[0].clone();
        Desk { state: None, project, environment, said: Vec::new(), begun: Vec::new(), merged: true }
    }

    fn types(&mut self, order: Order, sha: &str) -> &mut Desk {
        let repo =
            Repo { installation: 1, id: 5, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() };
        let ask = Ask {
            repo,
            pull: Some(7),
            comment: Some(1),
            by: "bob".into(),
            line: "/line".into(),
            verb: Verb::Deploy,
            at: 1,
            sha: sha.into(),
            merged: self.merged,
            order,
        };
        self.event(&Event::Ask(ask))
    }

    fn deploys(&mut self, sha: &str) -> &mut Desk {
        self.types(Order::Deploy { sha: None, hotfix: None, fixes: None }, sha)
    }

    fn rolled(&mut self, news: News) -> &mut Desk {
        let number = self.state.as_ref().expect("it rolls").count;
        self.event(&Event::Rollout { number, news })
    }

    fn stays(&mut self) -> &mut Desk {
        self.rolled(News::Full).rolled(News::Live)
    }

    fn event(&mut self, event: &Event) -> &mut Desk {
        let facts = self.facts(event);
        let (state, changes) = environment(self.state.take(), event, &facts);
        self.state = state;
        for change in changes {
            match change {
                Change::Roll { spec, .. } => self.begun.push(*spec),
                Change::Do(Task::Event { event, .. }) => match *event {
                    Event::Answered(said) => self.said.push(format!("{}: {}", said.outcome.as_str(), said.words)),
                    event => drop(self.event(&event)),
                },
                _ => {}
            }
        }
        self
    }

    fn facts(&self, event: &Event) -> EnvFacts {
        let queued = self.state.as_ref().and_then(|state| state.queue.first()).map(|waiting| &waiting.ask);
        let front = if let Event::Ask(ask) = event { Some(ask) } else { queued };
        let front = front.map(|ask| Front {
            ask: ask.clone(),
            pull: None,
            approvals: Vec::new(),
            live: Some(Lineage::Contains),
            held: None,
            reverts: true,
            proofs: vec![Proof {
                pipeline: "image".into(),
                attempt: 1,
                conclusion: Some(Conclusion::Success),
                export: Some("export".into()),
                lost: false,
                ended_at: 1,
            }],
            foreign: Default::default(),
            elsewhere: None,
        });
        EnvFacts {
            now: 1,
            name: "production".into(),
            definition: Ok((Box::new(self.project.clone()), Box::new(self.environment.clone()))),
            last: None,
            standing: Standing { login: "bob".into(), allowed: true, writes: true, ..Standing::default() },
            front,
            host: Ok(()),
        }
    }

    fn live(&self) -> &str {
        self.state.as_ref().and_then(|state| state.live.as_ref()).map_or("nothing", |live| &live.sha)
    }

    fn last(&self) -> &str {
        self.said.last().map_or("", String::as_str)
    }
}

fn gone() -> News {
    News::Gone { words: "it is worse".into(), fault: true, was_full: true }
}

#[test]
fn the_first_version_shares_with_nobody() {
    let mut desk = Desk::new();
    desk.deploys("one").types(Order::Weight(Weight::of(2_500)), "one");
    assert!(desk.last().starts_with("refused: Not done: nothing else serves in `production` yet"), "{}", desk.last());
    desk.stays().deploys("two").types(Order::Weight(Weight::of(2_500)), "two");
    assert!(desk.last().starts_with("done: `production` shifts to 25 %"), "{}", desk.last());
}

#[test]
fn a_way_back_that_was_promised_too_late_is_gone_at_once_before_anything_else_begins() {
    for order in [Order::Rollback { reason: String::new() }, Order::Abort { reason: String::new() }] {
        let mut desk = Desk::new();
        desk.deploys("one").stays().deploys("two").rolled(News::Full).types(order, "two");
        assert_eq!(desk.last(), "pending: Taking `two` back from `production`.");
        // Its end was on the way already.
        desk.rolled(News::Live);
        assert_eq!(desk.last(), "pending: Taking `production` back to `one`.");
        let begun = desk.begun.last().expect("it goes back");
        assert_eq!((begun.kind, begun.version.sha.as_str()), (Kind::Rollback, "one"));
        desk.stays();
        assert_eq!(desk.live(), "one");
        assert!(desk.last().starts_with("done: `production` is back on `one`."), "{}", desk.last());
    }
}

#[test]
fn where_there_is_nothing_to_go_back_to_the_promise_is_taken_back_in_words() {
    let mut desk = Desk::new();
    desk.deploys("one").rolled(News::Full).types(Order::Rollback { reason: String::new() }, "one").rolled(News::Live);
    assert!(desk.last().starts_with("refused: Not done: there is no good version before `one`"), "{}", desk.last());
}

#[test]
fn what_is_live_after_a_way_back_is_what_was_live_before() {
    let mut desk = Desk::new();
    desk.deploys("one").stays().deploys("two").stays();
    // The same commit with another definition; the old definition is what serves again.
    let before = desk.state.as_ref().and_then(|state| state.live.clone());
    desk.environment.start = "./shop --fast".into();
    desk.deploys("two").rolled(News::Full).rolled(gone());
    assert_eq!(desk.begun.last().map(|spec| spec.kind), Some(Kind::Config));
    assert_eq!(desk.state.as_ref().and_then(|state| state.live.clone()), before);
    // And the one before that is still there to go back to.
    desk.types(Order::Rollback { reason: String::new() }, "two").rolled(News::Full);
    assert_eq!(desk.live(), "one");
    // A way back that turns out to be sick leaves what it came from.
    desk.rolled(gone());
    assert_eq!(desk.live(), "two");
}

#[test]
fn a_version_that_is_back_is_known_by_how_it_was_started() {
    let mut desk = Desk::new();
    desk.deploys("one").stays().deploys("two").stays();
    desk.environment.start = "./shop --fast".into();
    desk.types(Order::Rollback { reason: String::new() }, "two").stays();
    let begun = desk.begun.len();
    desk.types(Order::Unlock, "one").deploys("one");
    assert!(desk.last().contains("`one` is live in `production` already"), "{}", desk.last());
    assert_eq!(desk.begun.len(), begun, "the very same release would never end its rollout");
}

#[test]
fn a_hold_outlasts_what_comes_to_nothing_and_ends_with_what_mends_it() {
    let failed = || News::Gone { words: "it never got traffic".into(), fault: false, was_full: false };
    let mut desk = Desk::new();
    desk.deploys("one").stays().deploys("two").stays();
    desk.types(Order::Rollback { reason: String::new() }, "two").stays();
    let bad = |desk: &Desk| desk.state.as_ref().and_then(|state| state.held.as_ref()).map(|held| held.bad.clone());
    assert_eq!(bad(&desk).as_deref(), Some("two"));
    // A mend that does not start leaves the hold as it was.
    desk.types(Order::Deploy { sha: None, hotfix: None, fixes: Some(7) }, "three").rolled(failed());
    assert_eq!(bad(&desk).as_deref(), Some("two"));
    desk.types(Order::Deploy { sha: None, hotfix: None, fixes: Some(7) }, "four").stays();
    assert_eq!((bad(&desk), desk.live()), (None, "four"));
}

#[test]
fn a_commit_that_was_taken_back_unmerged_does_not_come_back_and_the_next_one_may() {
    let worse = || News::Gone { words: "it is worse".into(), fault: true, was_full: false };
    let mut desk = Desk::new();
    desk.merged = false;
    desk.deploys("one").stays().deploys("two").rolled(worse());
    assert!(desk.last().contains("Mend it, push, and type `/deploy production` again."), "{}", desk.last());
    for order in [Order::Deploy { sha: None, hotfix: None, fixes: None }, Order::Weight(Weight::of(2_500))] {
        desk.types(order, "two");
        assert_eq!(
            desk.last(),
            "refused: Not deployed: Fairway took `two` of #7 back from `production`. Mend it, push, and type `/deploy production`; `/unlock production` lets it in again as it is."
        );
    }
    desk.deploys("three").stays();
    assert_eq!((desk.live(), desk.state.as_ref().map(|state| state.held.is_none())), ("three", Some(true)));
    // Whoever knows better may say so.
    desk.deploys("four").rolled(worse()).types(Order::Unlock, "four").deploys("four").stays();
    assert_eq!(desk.live(), "four");
}

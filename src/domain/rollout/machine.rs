//! What is known of a rollout, what is seen of it, and what may be done about it.

use serde::{Deserialize, Serialize};

use super::counts::{Counts, Probed, Signal, Timed};
use super::judge::Evidence;
use super::stage::Stage;
use super::weight::Weight;

/// What a rollout goes by; it does not change on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In order; the last has all.
    pub stages: Vec<Stage>,
    /// A stage that is still undecided after this long; milliseconds.
    pub stage_max_ms: i64,
    /// What happens then.
    pub undecided: Undecided,
    /// After the last stage the old version stays warm this long; milliseconds.
    pub watch_ms: i64,
    /// Going back by itself would do more harm.
    pub irreversible: bool,
    /// Shift there and stay.
    pub hold_at: Option<Weight>,
    /// Whether there is an old version to compare with and to go back to.
    pub base: bool,
    /// Whether it only has to be healthy: a version that was live before.
    pub back: bool,
    /// An answer that begins later than this is slow, and slowness is judged too; milliseconds. Absent in what an older
    /// Fairway wrote.
    #[serde(default)]
    pub slow_ms: Option<i64>,
}

/// What happens to a stage that is still undecided at the end of its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undecided {
    /// Stay, and ask.
    #[default]
    Hold,
    /// Go on.
    Advance,
    /// Ask both versions oneself until it can be told.
    Probe,
}

/// What people may say to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Steer {
    /// This share, and stay there.
    Weight(Weight),
    /// The next stage, now.
    Promote,
    /// Stay.
    Pause,
    /// Go on by the stages.
    Resume,
    /// Take it back.
    Abort {
        /// Why, if told.
        reason: String,
        /// Login.
        by: String,
    },
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It stays.
    Live,
    /// Taken back by itself.
    AbortedAuto,
    /// Taken back by somebody.
    AbortedManual,
    /// It never became healthy.
    FailedBeforeTraffic,
    /// Somebody took it back before it had traffic.
    Cancelled,
}

impl Outcome {
    /// The word in the `outcome` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Live => "live",
            Outcome::AbortedAuto => "aborted_auto",
            Outcome::AbortedManual => "aborted_manual",
            Outcome::FailedBeforeTraffic => "failed_before_traffic",
            Outcome::Cancelled => "cancelled",
        }
    }
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The candidate starts, without traffic.
    Preparing,
    /// It has its share, and is compared.
    Baking,
    /// It has everything; the old version stays warm.
    Warm,
    /// It is taken out of the traffic.
    Ending(Outcome),
    /// It is over.
    Done(Outcome),
}

/// How the candidate's process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not there, or not answering yet.
    Starting,
    /// Its probe answers well.
    Ready,
    /// So many probes in a row failed.
    Failing(u32),
    /// It ends again and again; in words.
    Crashing(String),
}

/// What was seen just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Unix milliseconds.
    pub now: i64,
    /// The candidate's share as the proxy has it; `None` when the proxy does not have this candidate.
    pub weight: Option<Weight>,
    /// Which life of the proxy the counters belong to.
    pub boot: String,
    /// How the candidate is.
    pub health: Health,
    /// The candidate's counters since then.
    pub candidate: Counts,
    /// Stable's.
    pub stable: Counts,
    /// What Fairway asked them itself; in neither of the counters.
    pub probed: Probed,
    /// After how many milliseconds an answer counts as slow there; `None` where nobody looks at that.
    pub slow_ms: Option<i64>,
}

/// What is to be done now. Doing it twice does nothing the second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Have the candidate run, without traffic.
    Prepare,
    /// Give it this share.
    Write(Weight),
    /// It is what is stable from now on; the old version may go.
    Adopt,
    /// The candidate may go.
    Retire,
    /// Ask both versions once. Twice is once more, and is counted.
    Probe,
}

/// A rollout on its way. All times are its own milliseconds: they stand still while nobody looks, so that a clock that
/// jumps neither skips a stage nor holds one for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// What it goes by.
    pub plan: Plan,
    /// Where it stands.
    pub phase: Phase,
    /// The share it should have.
    pub target: Weight,
    /// The stage that comes next, from 0.
    pub next: usize,
    /// The shortest stay where it is.
    pub stay_ms: i64,
    /// How long it has been where it is.
    pub stayed_ms: i64,
    /// Since it began to have traffic.
    pub age_ms: i64,
    /// Somebody holds it.
    pub paused: bool,
    /// It stayed its longest without a decision.
    pub undecided: bool,
    /// Orders that were heard, counted from the first.
    pub heard: usize,
    /// The last look: Unix milliseconds, the proxy's life, both counters, the share.
    pub looked: Option<Looked>,
    /// Of the candidate, since it began to have traffic.
    pub candidate: Counts,
    /// Of stable, since then and until the candidate had everything.
    pub stable: Counts,
    /// Of the candidate, where it is now.
    pub here: Counts,
    /// Of stable, meanwhile.
    pub here_stable: Counts,
    /// Evidence against the candidate from while both had traffic.
    pub evidence: Evidence,
    /// The same of slowness, from while answers were timed by the plan's bound.
    #[serde(default)]
    pub timed: Timed,
    /// Unix milliseconds.
    pub first_traffic_at: Option<i64>,
    /// Unix milliseconds.
    pub full_at: Option<i64>,
    /// Unix milliseconds at which the judge or somebody decided to take it back.
    pub failed_at: Option<i64>,
    /// The first bad request or failed probe since it began to have traffic, or since it has all; Unix milliseconds.
    #[serde(default)]
    pub bad_since: Option<i64>,
    /// What Fairway asked the candidate itself; `candidate` has it too.
    #[serde(default)]
    pub probes: u64,
    /// Most of what it had.
    pub most: Weight,
    /// Basis points times milliseconds.
    pub exposure: i64,
    /// Why it ends, for people.
    pub why: Why,
}

/// The last look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Unix milliseconds.
    pub at: i64,
    /// The proxy's life.
    pub boot: String,
    /// The candidate's counters.
    pub candidate: Counts,
    /// Stable's.
    pub stable: Counts,
    /// The share.
    pub weight: Weight,
    /// Fairway's own.
    #[serde(default)]
    pub probed: Probed,
    /// What counted as slow there; milliseconds.
    #[serde(default)]
    pub slow_ms: Option<i64>,
}

/// Why a rollout is taken back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Why {
    /// It is not.
    #[default]
    Nothing,
    /// It is worse: the evidence, and its limit.
    Worse {
        /// At what.
        #[serde(default)]
        signal: Signal,
        /// How many times better "it is worse" explains it.
        evidence: f64,
        /// From where on it goes back.
        limit: f64,
        /// The share it had.
        at: Weight,
    },
    /// It is not healthy; in words.
    Sick(String),
    /// It never became healthy; in words.
    NeverReady(String),
    /// Somebody said so.
    Asked {
        /// Login.
        by: String,
        /// Why, if told.
        reason: String,
    },
}

impl Rollout {
    /// One that begins.
    pub fn new(plan: Plan) -> Rollout {
        Rollout {
            plan,
            phase: Phase::Preparing,
            target: Weight::ZERO,
            next: 0,
            stay_ms: 0,
            stayed_ms: 0,
            age_ms: 0,
            paused: false,
            undecided: false,
            heard: 0,
            looked: None,
            candidate: Counts::default(),
            stable: Counts::default(),
            here: Counts::default(),
            here_stable: Counts::default(),
            evidence: Evidence::default(),
            timed: Timed::default(),
            first_traffic_at: None,
            full_at: None,
            failed_at: None,
            bad_since: None,
            probes: 0,
            most: Weight::ZERO,
            exposure: 0,
            why: Why::Nothing,
        }
    }

    /// How it ended, once it has.
    pub fn ended(&self) -> Option<Outcome> {
        if let Phase::Done(outcome) = self.phase { Some(outcome) } else { None }
    }

    /// Whether it is decided how it ends, though it may still be on its way there.
    pub fn over(&self) -> bool {
        matches!(self.phase, Phase::Ending(_) | Phase::Done(_))
    }

    /// Whether people are asked for a word.
    pub fn asks(&self) -> bool {
        self.phase == Phase::Baking && self.undecided && !self.paused
    }
}

//! Runs pipelines: steps in, a stream of events out, an outcome at the end. What runs them stands behind one trait.

pub mod dagger;
mod harvest;
mod left;
pub mod local;
mod mask;
pub mod scripted;

pub use harvest::kept_bytes;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::project::{Call, Pipeline, Report, ReportKind, Service};
use crate::settings::Secret;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct RunSpec {
    /// Our run id.
    pub run_id: i64,
    /// The job's fence: grows each time somebody takes the run.
    pub attempt: i64,
    /// owner/name.
    pub repo: String,
    /// Git over HTTP.
    pub clone_url: String,
    /// A directory whose files are taken as they stand, instead of a commit of `clone_url`.
    pub checkout: Option<PathBuf>,
    /// Reads that one repository; never lies in a checkout.
    pub token: Option<Secret>,
    /// The commit.
    pub sha: String,
    /// Shell lines; each is a step.
    pub steps: Vec<String>,
    /// A call of the repository's own Dagger module instead of steps.
    pub call: Option<Call>,
    /// The image name to publish under.
    pub publish: Option<String>,
    /// Plain values.
    pub env: BTreeMap<String, String>,
    /// Secret values by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Directories that are kept from run to run.
    pub caches: Vec<String>,
    /// Who shares them: repository id and trust.
    pub cache_scope: String,
    /// For all steps together.
    pub timeout: Duration,
    /// What to collect afterwards.
    pub reports: Vec<Report>,
    /// File or directory to keep by content.
    pub export: Option<String>,
    /// A stranger's code.
    pub fork: bool,
    /// Container image, for an engine that has containers.
    pub image: Option<String>,
    /// Containers beside the steps, by host name; likewise.
    pub services: BTreeMap<String, Service>,
    /// Engine troubles that this run has met so far; each asks for another engine.
    pub failures: i64,
    /// From this step on nothing may come from an engine's cache, by this word: an earlier try failed there.
    pub fresh: Option<(usize, String)>,
}

impl RunSpec {
    /// A run of nothing, to be filled in.
    pub fn new(run_id: i64, repo: &str) -> RunSpec {
        RunSpec {
            run_id,
            attempt: 1,
            repo: repo.to_owned(),
            clone_url: String::new(),
            checkout: None,
            token: None,
            sha: String::new(),
            steps: Vec::new(),
            call: None,
            publish: None,
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            caches: Vec::new(),
            cache_scope: String::new(),
            timeout: Duration::from_secs(30 * 60),
            reports: Vec::new(),
            export: None,
            fork: false,
            image: None,
            services: BTreeMap::new(),
            failures: 0,
            fresh: None,
        }
    }

    /// Hides the run's secrets.
    fn mask(&self) -> mask::Mask {
        mask::Mask::new(self.secrets.values().chain(&self.token).map(|secret| secret.reveal()))
    }
}

/// Whoever cannot read a repository now, cannot in a minute: the token was made for this run. `words`: git's.
fn no_access(words: &str) -> Outcome {
    Outcome::Impossible(format!(
        "Fairway has no access to the repository, or it is gone ({words}); look whether the App is still installed there"
    ))
}

/// An engine that the operator named, as it stands.
#[derive(Clone, Debug)]
pub struct Station {
    /// Where it listens.
    pub address: String,
    /// How it came to be one of the operator's.
    pub origin: Origin,
    /// The name that it was found by does not mean it any more: it gets no new runs, and goes when the last one ended.
    pub leaving: bool,
    /// For the own modules of these repositories alone; `None`: for everybody's steps.
    pub modules: Option<String>,
    /// Whether it answers.
    pub state: StationState,
    /// It gets no new runs, because the operator said so.
    pub drained: bool,
    /// Runs on it now, of this process.
    pub live: usize,
    /// The most there may be.
    pub limit: usize,
    /// Runs since this process started.
    pub sessions: u64,
    /// Runs that it spoilt.
    pub failures: u64,
    /// What its cache takes on disk.
    pub cache_bytes: Option<u64>,
    /// The last thing that went wrong, and how long ago.
    pub last_error: Option<(String, Duration)>,
}

impl Station {
    /// A name that stands for no engine now.
    fn name(name: &str, state: StationState) -> Station {
        Station {
            address: name.to_owned(),
            origin: Origin::Name,
            leaving: false,
            modules: None,
            state,
            drained: false,
            live: 0,
            limit: 0,
            sessions: 0,
            failures: 0,
            cache_bytes: None,
            last_error: None,
        }
    }
}

/// How an engine came to be one of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator named it.
    Listed,
    /// It was found by this name.
    Found(String),
    /// It is no engine, but a name that stands for none now; its state says why.
    Name,
}

/// Whether an engine answers.
#[derive(Clone, Debug)]
pub enum StationState {
    /// Nobody has asked yet.
    Unknown,
    /// It does.
    Up {
        /// Its version.
        version: String,
    },
    /// It does not.
    Down {
        /// A sentence.
        why: String,
        /// For how long.
        age: Duration,
    },
}

/// What happens in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// An engine has the run.
    Begun,
    /// A step begins.
    StepStarted {
        /// From 0.
        index: usize,
    },
    /// Output, both streams in the order of arrival, secrets masked.
    Log {
        /// Whose, from 0.
        step: usize,
        /// As printed.
        bytes: Vec<u8>,
    },
    /// A step ended.
    StepFinished {
        /// From 0.
        index: usize,
        /// How.
        exit: StepExit,
        /// How long it took.
        millis: i64,
        /// It did not have to run: the engine had the result.
        cached: bool,
    },
    /// A report file was found.
    Report {
        /// What wrote it.
        kind: ReportKind,
        /// Relative to the checkout.
        path: String,
        /// Where the checkout stood for the steps; reports name files below it.
        root: String,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// The export is kept.
    Exported {
        /// sha256 over its files, hexadecimal.
        digest: String,
    },
    /// An image was pushed; its name with its digest.
    Published {
        /// `registry/name:tag@sha256:...`.
        reference: String,
    },
    /// A function of the repository's module returned this text.
    Answer(String),
    /// The repository's module has these checks.
    Found(Vec<String>),
    /// A sentence for the reader of the check.
    Note(String),
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepExit {
    /// With this exit code; 128 + N for signal N.
    Code(i32),
    /// Its time was up.
    TimedOut,
    /// It was stopped.
    Cancelled,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps passed.
    Success,
    /// One did not.
    Failed,
    /// The time was up.
    TimedOut,
    /// Stopped from outside.
    Cancelled,
    /// This engine does not run it: what, why, and what to do.
    Refused(String),
    /// The run cannot be had, however often it is tried: an unknown commit, an export that leads out of the checkout.
    Impossible(String),
    /// The engine failed, not the code; it may be tried again.
    Broken(String),
    /// No engine can take it now: why. It has not begun.
    NotNow(String),
}

/// An export as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Of its content.
    pub digest: String,
    /// When a run last made it, Unix milliseconds.
    pub made_at: i64,
}

/// Something that runs pipelines.
pub trait Engine: Send + Sync {
    /// Its word in settings and rows.
    fn name(&self) -> &'static str;

    /// How it keeps steps apart, in one sentence for the check; empty when there is nothing to say.
    fn isolation(&self) -> String;

    /// Why it never runs a fork's code, as a sentence; `None` when it does.
    fn refuses_forks(&self) -> Option<String>;

    /// What of the engine's own decides how a pipeline ends, for example its image's digest, as one word. `None`:
    /// cannot be said now, and then no earlier success is taken for this one.
    fn fingerprint<'a>(&'a self, pipeline: &'a Pipeline) -> BoxFuture<'a, Option<String>>;

    /// Where what was exported under this digest is kept on this machine, if it can still be had.
    fn kept(&self, digest: &str) -> Option<PathBuf>;

    /// What is kept on this machine.
    fn exports(&self) -> Vec<Export> {
        Vec::new()
    }

    /// Nobody needs what was exported under this digest any more.
    fn forget(&self, _digest: &str) {}

    /// The engines that the operator named.
    fn stations(&self) -> Vec<Station> {
        Vec::new()
    }

    /// These addresses get no new runs; all others do.
    fn drain(&self, _addresses: &[String]) {}

    /// Keeps an eye on its engines until `stop`.
    fn attend(&self, _stop: CancellationToken) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Runs one. The sender is dropped when everything was said.
    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome>;
}

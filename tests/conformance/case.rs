//! One case: what is run, what must come of it, and the comparison of the two.

use std::collections::BTreeMap;
use std::fmt::Debug;

use fairway::engine::{Outcome, StepExit};

use crate::faults::{Fault, Kind, Phase};
use crate::lab::Said;

/// An engine that cases are run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Local,
    Fake,
    Real,
}

/// When somebody stops the run.
#[derive(Clone, Debug)]
pub enum Cancel {
    Never,
    Before,
    /// A moment later, whatever it does then.
    Soon,
    /// When this stands in the log.
    AtLog(&'static str),
    /// When this step has ended.
    AfterStep(usize),
    /// When the engine was asked for the part in which the fault is.
    AtFault,
}

/// What is run. Built with the words below; the defaults are those of most cases.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    /// Of the playground; `mute`: a server that never answers; `closed`: none at all.
    pub repo: &'static str,
    pub token: Option<&'static str>,
    pub sha: Option<&'static str>,
    pub steps: Vec<String>,
    pub env: Vec<(&'static str, String)>,
    pub secrets: Vec<(&'static str, &'static str)>,
    pub caches: Vec<&'static str>,
    pub scope: &'static str,
    pub seconds: u64,
    pub reports: Vec<&'static str>,
    pub export: Option<&'static str>,
    pub image: Option<&'static str>,
    pub services: Vec<(&'static str, &'static str, Option<u16>)>,
    pub fork: bool,
    /// Whether the engine may take from its cache what equal runs of this case gave.
    pub known: bool,
    pub cancel: Cancel,
    pub fault: Option<Fault>,
    /// A run before this one, which must go as it says too.
    pub first: Option<Box<Case>>,
    pub want: Want,
    not_on: Vec<(On, &'static str)>,
}

/// What must come of it.
#[derive(Clone, Debug)]
pub struct Want {
    pub end: End,
    pub exits: Vec<StepExit>,
    /// Which steps are said to come from the engine's cache, if that is asked for.
    pub cached: Option<Vec<bool>>,
    pub logs: Vec<(usize, Log)>,
    pub notes: Vec<&'static str>,
    pub reports: Vec<(&'static str, &'static str)>,
    /// Path and content, all that there is; a link's content is `-> TARGET`, an executable file's begins with `#!`.
    pub export: Option<Vec<(&'static str, &'static str)>>,
}

/// How it must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Success,
    Failed,
    TimedOut,
    Cancelled,
    /// With these words in it; so the next ones.
    Refused(&'static str),
    Impossible(&'static str),
    Broken(&'static str),
    /// No engine takes it, which says these words.
    NotNow(&'static str),
}

/// What a step's log must be.
#[derive(Clone, Debug)]
pub enum Log {
    /// This and nothing else.
    Is(String),
    Has(&'static str),
    Lacks(&'static str),
    /// These lines, in any order.
    Lines(Vec<&'static str>),
    /// So many bytes.
    Bytes(usize),
}

/// A run of these steps, each of which must pass.
pub fn case(name: impl Into<String>, steps: &[&str]) -> Case {
    let exits = steps.iter().map(|_| StepExit::Code(0)).collect();
    let want = Want {
        end: End::Success,
        exits,
        cached: None,
        logs: Vec::new(),
        notes: Vec::new(),
        reports: Vec::new(),
        export: None,
    };
    Case {
        name: name.into(),
        repo: "acme/shop",
        token: None,
        sha: None,
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        env: Vec::new(),
        secrets: Vec::new(),
        caches: Vec::new(),
        scope: "pr-1",
        seconds: 60,
        reports: Vec::new(),
        export: None,
        image: None,
        services: Vec::new(),
        fork: false,
        known: false,
        cancel: Cancel::Never,
        fault: None,
        first: None,
        want,
        not_on: Vec::new(),
    }
}

impl Case {
    /// The last of these exit codes is the failure; no step after it runs.
    pub fn fails(mut self, exits: &[i32]) -> Case {
        self.want.end = End::Failed;
        self.want.exits = exits.iter().map(|code| StepExit::Code(*code)).collect();
        self
    }

    /// So many steps pass, then it ends so; a step that is stopped says so too.
    pub fn ends(mut self, end: End, passed: usize) -> Case {
        self.want.end = end;
        self.want.exits = vec![StepExit::Code(0); passed];
        self
    }

    /// So many steps pass, and in the next one its time is up.
    pub fn times_out(mut self, passed: usize) -> Case {
        self = self.ends(End::TimedOut, passed);
        self.want.exits.push(StepExit::TimedOut);
        self
    }

    /// So many steps pass, and in the next one somebody stops it.
    pub fn cancelled(mut self, when: Cancel, passed: usize) -> Case {
        self = self.ends(End::Cancelled, passed);
        self.want.exits.push(StepExit::Cancelled);
        self.cancel = when;
        self
    }

    pub fn log(mut self, step: usize, log: Log) -> Case {
        self.want.logs.push((step, log));
        self
    }

    /// The log of the first step, whole.
    pub fn says(self, text: &str) -> Case {
        self.log(0, Log::Is(text.to_owned()))
    }

    pub fn note(mut self, words: &'static str) -> Case {
        self.want.notes.push(words);
        self
    }

    pub fn env(mut self, name: &'static str, value: &str) -> Case {
        self.env.push((name, value.to_owned()));
        self
    }

    pub fn secret(mut self, name: &'static str, value: &'static str) -> Case {
        self.secrets.push((name, value));
        self
    }

    pub fn cache(mut self, path: &'static str) -> Case {
        self.caches.push(path);
        self
    }

    pub fn seconds(mut self, seconds: u64) -> Case {
        self.seconds = seconds;
        self
    }

    /// With these patterns, these files.
    pub fn reports(mut self, patterns: &[&'static str], found: &[(&'static str, &'static str)]) -> Case {
        self.reports = patterns.to_vec();
        self.want.reports = found.to_vec();
        self
    }

    pub fn export(mut self, what: &'static str) -> Case {
        self.export = Some(what);
        self
    }

    pub fn exported(mut self, files: &[(&'static str, &'static str)]) -> Case {
        self.want.export = Some(files.to_vec());
        self
    }

    pub fn service(mut self, name: &'static str, image: &'static str, port: Option<u16>) -> Case {
        self.services.push((name, image, port));
        self.not(On::Local, "it ignores services, and says so")
    }

    /// Of the fake engine alone, with a trouble.
    pub fn fault(mut self, phase: Phase, kind: Kind) -> Case {
        self.fault = Some(Fault { phase, kind });
        self.only_fake("a real engine cannot be made to do this")
    }

    /// Where the engine knows equal steps, these come from its cache.
    pub fn cached(mut self, steps: &[bool]) -> Case {
        self.known = true;
        self.want.cached = Some(steps.to_vec());
        self.not(On::Local, "it has no cache of steps")
    }

    pub fn only_fake(self, why: &'static str) -> Case {
        self.not(On::Local, why).not(On::Real, why)
    }

    pub fn after(mut self, first: Case) -> Case {
        self.first = Some(Box::new(first));
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Case)) -> Case {
        change(&mut self);
        self
    }

    pub fn not(mut self, on: On, why: &'static str) -> Case {
        self.not_on.push((on, why));
        self
    }

    /// Whether it only waits; such a case takes nobody's turn.
    pub fn waits(&self) -> bool {
        let kind = self.fault.filter(|fault| fault.phase == Phase::Start).map(|fault| fault.kind);
        matches!(kind, Some(Kind::Mute | Kind::Hang | Kind::Stays))
    }

    /// Whether it, or what runs before it, has a cache.
    pub fn keeps_something(&self) -> bool {
        !self.caches.is_empty() || self.first.as_ref().is_some_and(|first| first.keeps_something())
    }

    pub fn is_for(&self, on: On) -> bool {
        self.not_on.iter().all(|(not, _)| *not != on)
    }
}

/// What is not as it must be; empty when all is well.
pub fn compare(case: &Case, said: &Said) -> Vec<String> {
    let want = &case.want;
    let mut wrong = Vec::new();
    if !ends_so(want.end, &said.outcome) {
        wrong.push(format!("it must end as {:?}, it ended as {:?}", want.end, said.outcome));
    }
    // Between two steps an engine may have begun the next one, or not.
    let began = said.exits.last() == Some(&StepExit::Cancelled);
    let short = matches!(case.cancel, Cancel::AfterStep(_)) && !began;
    same(&mut wrong, "exits", &want.exits[..want.exits.len() - usize::from(short)], &said.exits);
    // The feed that says what was cached may be late, and then nobody says it; what ran is never called cached.
    let mut cached = want.cached.iter().flatten().zip(&said.cached);
    if cached.any(|(may_be, is)| *is && !may_be) {
        wrong.push(format!("cached: may be {:?}, is {:?}", want.cached, said.cached));
    }
    for (step, log) in &want.logs {
        let bytes = said.logs.get(step).map(Vec::as_slice).unwrap_or_default();
        if let Some(why) = unlike(log, bytes) {
            wrong.push(format!("log of step {step}: {why}"));
        }
    }
    for words in &want.notes {
        if !said.notes.iter().any(|note| note.contains(words)) {
            wrong.push(format!("no note says {words:?}: {:?}", said.notes));
        }
    }
    if want.notes.is_empty() && !said.notes.is_empty() {
        wrong.push(format!("nobody asked for these notes: {:?}", said.notes));
    }
    let reports: Vec<(String, String)> = want.reports.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    same(&mut wrong, "reports", &reports, &said.reports);
    let export = want.export.as_ref().map(|files| {
        files.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect::<BTreeMap<_, _>>()
    });
    same(&mut wrong, "export", &export, &said.export);
    wrong.extend(said.wrong.iter().cloned());
    if let Outcome::Refused(why) | Outcome::Impossible(why) | Outcome::Broken(why) | Outcome::NotNow(why) =
        &said.outcome
    {
        // It goes into a row, where a NUL is refused, and onto a page.
        if why.chars().any(|c| c.is_control() && c != '\n') || why.chars().count() > 1_000 {
            wrong.push(format!("not fit to be read: {why:?}"));
        }
    }
    for (name, value) in case.secrets.iter().copied().chain(case.token.map(|token| ("the token", token))) {
        // What is shorter is not hidden: it would hide half of the log.
        if value.len() >= 4 && said.shows(value) {
            wrong.push(format!("{name} can be read in what the run says"));
        }
    }
    wrong
}

fn same<T: PartialEq + Debug + ?Sized>(wrong: &mut Vec<String>, what: &str, want: &T, is: &T) {
    if want != is {
        wrong.push(format!("{what}: must be {want:?}, is {is:?}"));
    }
}

fn ends_so(end: End, outcome: &Outcome) -> bool {
    match (end, outcome) {
        (End::Success, Outcome::Success)
        | (End::Failed, Outcome::Failed)
        | (End::TimedOut, Outcome::TimedOut)
        | (End::Cancelled, Outcome::Cancelled) => true,
        (End::Refused(words), Outcome::Refused(why))
        | (End::Impossible(words), Outcome::Impossible(why))
        | (End::NotNow(words), Outcome::NotNow(why))
        | (End::Broken(words), Outcome::Broken(why)) => why.contains(words),
        _ => false,
    }
}

fn unlike(log: &Log, bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let short: String = text.chars().take(400).collect();
    let (fits, must) = match log {
        Log::Is(whole) => (text == whole.as_str(), format!("be {:?}", whole.chars().take(400).collect::<String>())),
        Log::Has(part) => (text.contains(part), format!("have {part:?}")),
        Log::Lacks(part) => (!text.contains(part), format!("not have {part:?}")),
        Log::Bytes(count) => (bytes.len() == *count, format!("have {count} bytes and not {}", bytes.len())),
        Log::Lines(lines) => {
            let (mut want, mut is): (Vec<&str>, Vec<&str>) = (lines.clone(), text.lines().collect());
            want.sort_unstable();
            is.sort_unstable();
            (want == is, format!("have the lines {lines:?}"))
        }
    };
    (!fits).then(|| format!("it must {must}, it is {short:?} ({} bytes)", bytes.len()))
}

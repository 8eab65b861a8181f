//! The checks of one commit for one aggregate: which run, which wait, which are over. Pull requests, branches and merge-queue entries share it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Change, FILE_CHECK, First, Why};
use crate::domain::facts::{Facts, ProjectAt, Proof};
use crate::domain::project::{self, Applies, Pipeline, Project, Selected, Trigger};
use crate::domain::run::Conclusion;
use crate::domain::task::{RunKey, Trust};

/// The checks of one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// The commit.
    pub sha: String,
    /// What its runs may see.
    pub trust: Trust,
    /// One entry for each check run, in the file's order.
    pub items: Vec<Item>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Pipeline name, or `fairway.toml`.
    pub pipeline: String,
    /// Digest of its definition.
    pub digest: String,
    /// The newest try.
    pub attempt: i64,
    /// Pipelines that must succeed first.
    pub needs: Vec<String>,
    /// Where it stands.
    pub phase: Phase,
}

/// Where a check stands, as far as its aggregate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// For its needs.
    Waiting,
    /// Handed to the workers.
    Started,
    /// Over.
    Done(Conclusion),
    /// Over without having begun, because a need did not pass; GitHub's word for it is `failure`.
    NotRun,
}

impl Item {
    /// Whether it has not ended.
    pub fn live(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Started)
    }

    /// Whether it ended in a way that `/retry` means.
    pub fn failed(&self) -> bool {
        match self.phase {
            Phase::Done(conclusion) => !conclusion.passes() && conclusion != Conclusion::Neutral,
            Phase::NotRun => true,
            Phase::Waiting | Phase::Started => false,
        }
    }
}

impl Checks {
    /// The identity of an item's newest run.
    pub fn key(&self, item: &Item) -> RunKey {
        RunKey {
            sha: self.sha.clone(),
            pipeline: item.pipeline.clone(),
            digest: item.digest.clone(),
            trust: self.trust,
            attempt: item.attempt,
        }
    }

    /// The most tries that any of them had.
    pub fn tries(&self) -> i64 {
        self.items.iter().map(|item| item.attempt).max().unwrap_or(0)
    }

    /// Stops wanting everything that still runs.
    pub fn drop_live(&mut self, why: &Why, changes: &mut Vec<Change>) -> usize {
        let live: Vec<usize> = (0..self.items.len()).filter(|&i| self.items[i].live()).collect();
        for &i in &live {
            changes.push(Change::Cancel(self.key(&self.items[i]), why.clone()));
            self.items[i].phase = Phase::Done(Conclusion::Cancelled);
        }
        live.len()
    }

    /// Notes the end of a run, plans what it found, and lets those that waited for it go on. `false` when it is not
    /// ours any more.
    pub fn finished(
        &mut self,
        run: &RunKey,
        (conclusion, found): (Conclusion, &[Pipeline]),
        changes: &mut Vec<Change>,
    ) -> bool {
        let Some(i) = self.items.iter().position(|item| item.live() && self.key(item) == *run) else {
            return false;
        };
        self.items[i].phase = Phase::Done(conclusion);
        for pipeline in found {
            self.found(pipeline, run.attempt, changes);
        }
        self.advance(changes);
        true
    }

    /// Starts a check that another run found; anew when it was there before.
    fn found(&mut self, pipeline: &Pipeline, attempt: i64, changes: &mut Vec<Change>) {
        let old = self.items.iter().position(|item| item.pipeline == pipeline.name);
        if old.is_some_and(|i| self.items[i].live()) {
            return;
        }
        let item = Item {
            pipeline: pipeline.name.clone(),
            digest: project::digest(pipeline),
            attempt: old.map_or(attempt, |i| attempt.max(self.items[i].attempt + 1)),
            needs: Vec::new(),
            phase: Phase::Started,
        };
        let (run, again) = (self.key(&item), old.is_some());
        changes.push(Change::Plan { run, pipeline: Some(Box::new(pipeline.clone())), first: First::Start, again });
        match old {
            Some(i) => self.items[i] = item,
            None => self.items.push(item),
        }
    }

    /// Starts what may start and ends what never can. Each pass settles at least one item, so it ends.
    fn advance(&mut self, changes: &mut Vec<Change>) {
        loop {
            let next = (0..self.items.len()).find_map(|i| {
                let item = &self.items[i];
                (item.phase == Phase::Waiting).then(|| self.verdict(item)).flatten().map(|v| (i, v))
            });
            let Some((i, verdict)) = next else { return };
            let key = self.key(&self.items[i]);
            match verdict {
                None => {
                    self.items[i].phase = Phase::Started;
                    changes.push(Change::Start(key));
                }
                Some(need) => {
                    self.items[i].phase = Phase::NotRun;
                    changes.push(Change::Conclude(key, Conclusion::Failure, Why::NotRun { need }));
                }
            }
        }
    }

    /// Of a waiting item: `None` = still waits; `Some(None)` = may start; `Some(Some(need))` = never can.
    #[expect(clippy::option_option, reason = "three answers, and only `advance` asks")]
    fn verdict(&self, item: &Item) -> Option<Option<String>> {
        let mut met = true;
        for need in &item.needs {
            for other in self.items.iter().filter(|other| project::means(need, &other.pipeline)) {
                match other.phase {
                    Phase::Done(c) if c.passes() => {}
                    Phase::Done(_) | Phase::NotRun => return Some(Some(other.pipeline.clone())),
                    _ => met = false,
                }
            }
        }
        met.then_some(None)
    }
}

/// What a commit is to be checked for.
pub struct Ask<'a> {
    /// The commit.
    pub sha: &'a str,
    /// What its runs may see.
    pub trust: Trust,
    /// Which pipelines are meant.
    pub trigger: Trigger,
    /// Tries made of this commit before; a new run must be a new try.
    pub tries: i64,
    /// A fork's code without anybody's word runs nothing.
    pub hold: Option<Why>,
}

/// Plans the checks of a commit from its `fairway.toml`.
pub fn plan(ask: &Ask<'_>, facts: &Facts, changes: &mut Vec<Change>) -> Checks {
    let mut checks = Checks { sha: ask.sha.to_owned(), trust: ask.trust, items: Vec::new() };
    match facts.project.as_ref() {
        None | Some(ProjectAt::Missing) => {
            // A branch without the file is nobody's business; a pull request is where people ask why nothing happens.
            if ask.trigger == Trigger::PullRequest {
                notice(&mut checks, ask, (Conclusion::Neutral, Why::NoFile), changes);
            }
        }
        Some(ProjectAt::Broken(problems)) => {
            let why = Why::Broken { problems: problems.clone() };
            notice(&mut checks, ask, (Conclusion::Failure, why), changes);
        }
        Some(ProjectAt::Found(project)) => plan_project(&mut checks, ask, project, facts, changes),
    }
    checks
}

fn plan_project(checks: &mut Checks, ask: &Ask<'_>, project: &Project, facts: &Facts, changes: &mut Vec<Change>) {
    let selected = project::select(project, ask.trigger, facts.changed.as_deref());
    let wanted: Vec<&Selected<'_>> =
        selected.iter().filter(|s| s.applies != Applies::NotForTrigger || ask.trigger == Trigger::MergeGroup).collect();
    if wanted.is_empty() {
        if ask.trigger == Trigger::PullRequest {
            notice(checks, ask, (Conclusion::Neutral, Why::NothingSelected), changes);
        }
        return;
    }
    let names: Vec<&str> = wanted.iter().map(|s| s.pipeline.name.as_str()).collect();
    for s in &wanted {
        // A need that this event does not select cannot be waited for.
        let needs = s.pipeline.needs.iter().filter(|n| names.contains(&n.as_str())).cloned().collect();
        add(checks, ask, (s, needs), changes);
    }
    checks.advance(changes);
}

fn add(checks: &mut Checks, ask: &Ask<'_>, (selected, needs): (&Selected<'_>, Vec<String>), changes: &mut Vec<Change>) {
    let pipeline = selected.pipeline;
    let (phase, first) = match (selected.applies, &ask.hold) {
        (Applies::SkippedByPaths, _) => conclude(Conclusion::Skipped, Why::Paths),
        (Applies::NotForTrigger, _) => conclude(Conclusion::Skipped, Why::NotForQueue),
        (Applies::Run, Some(why)) => conclude(Conclusion::ActionRequired, why.clone()),
        (Applies::Run, None) if needs.is_empty() => (Phase::Started, First::Start),
        (Applies::Run, None) => (Phase::Waiting, First::Wait(needs.clone())),
    };
    let item = Item {
        pipeline: pipeline.name.clone(),
        digest: project::digest(pipeline),
        attempt: ask.tries + 1,
        needs,
        phase,
    };
    push(checks, item, (Some(Box::new(pipeline.clone())), first), changes);
}

fn notice(checks: &mut Checks, ask: &Ask<'_>, (conclusion, why): (Conclusion, Why), changes: &mut Vec<Change>) {
    let (phase, first) = conclude(conclusion, why);
    let item = Item {
        pipeline: FILE_CHECK.to_owned(),
        digest: String::new(),
        attempt: ask.tries + 1,
        needs: Vec::new(),
        phase,
    };
    push(checks, item, (None, first), changes);
}

fn conclude(conclusion: Conclusion, why: Why) -> (Phase, First) {
    (Phase::Done(conclusion), First::Conclude(conclusion, why))
}

fn push(checks: &mut Checks, item: Item, (pipeline, first): (Option<Box<Pipeline>>, First), changes: &mut Vec<Change>) {
    changes.push(Change::Plan { run: checks.key(&item), pipeline, first, again: false });
    checks.items.push(item);
}

/// Runs the named pipelines again, and those that were not run because of them. Gives the names, in order.
pub fn again(checks: &mut Checks, names: &[String], project: &Project, changes: &mut Vec<Change>) -> Vec<String> {
    let mut wanted: Vec<String> = names.to_vec();
    loop {
        let more = checks.items.iter().find(|item| {
            !wanted.contains(&item.pipeline)
                && item.failed()
                && item.needs.iter().any(|n| wanted.iter().any(|w| project::means(n, w)))
        });
        let Some(item) = more else { break };
        wanted.push(item.pipeline.clone());
    }
    let mut started = Vec::new();
    for i in 0..checks.items.len() {
        let name = checks.items[i].pipeline.clone();
        let Some(pipeline) = project.pipeline(&name).map(Cow::into_owned) else { continue };
        if !wanted.contains(&name) || checks.items[i].live() {
            continue;
        }
        let item = &mut checks.items[i];
        item.attempt += 1;
        item.digest = project::digest(&pipeline);
        item.phase = Phase::Waiting;
        let first = First::Wait(item.needs.clone());
        let run = checks.key(&checks.items[i]);
        changes.push(Change::Plan { run, pipeline: Some(Box::new(pipeline)), first, again: true });
        started.push(name);
    }
    checks.advance(changes);
    started
}

/// What an environment needs to have passed on a commit.
pub struct Wanted<'a> {
    /// The commit.
    pub sha: &'a str,
    /// What its runs may see.
    pub trust: Trust,
    /// Pipelines, each behind those it needs.
    pub names: &'a [String],
    /// What is known of them already.
    pub proofs: &'a [Proof],
}

/// Joins what runs and starts what is missing. What it started before is left alone.
pub fn bring(checks: &mut Option<Checks>, wanted: &Wanted<'_>, project: &Project, changes: &mut Vec<Change>) {
    if checks.as_ref().is_some_and(|checks| checks.items.iter().any(Item::live)) {
        return;
    }
    let mut fresh = Checks { sha: wanted.sha.to_owned(), trust: wanted.trust, items: Vec::new() };
    for name in wanted.names {
        let Some(pipeline) = project.pipeline(name).map(Cow::into_owned) else { continue };
        let proof = wanted.proofs.iter().find(|proof| proof.pipeline == *name);
        let needs: Vec<String> = pipeline.needs.iter().filter(|n| wanted.names.contains(n)).cloned().collect();
        let attempt = proof.map_or(1, |proof| proof.attempt + i64::from(proof.lost));
        let (phase, first) = match proof {
            Some(proof) if proof.passed() => (Phase::Done(Conclusion::Success), None),
            Some(proof) if !proof.lost => (Phase::Started, Some(First::Start)),
            _ => (Phase::Waiting, Some(First::Wait(needs.clone()))),
        };
        let item = Item { pipeline: name.clone(), digest: project::digest(&pipeline), attempt, needs, phase };
        if let Some(first) = first {
            let again = proof.is_some_and(|proof| proof.lost);
            changes.push(Change::Plan { run: fresh.key(&item), pipeline: Some(Box::new(pipeline)), first, again });
        }
        fresh.items.push(item);
    }
    fresh.advance(changes);
    *checks = Some(fresh);
}

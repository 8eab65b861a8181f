//! `needs` as a graph: what can start now, and what can no longer start at all.

use std::collections::{BTreeMap, BTreeSet};

use super::pipeline::Pipeline;

/// Pipelines that need each other, in order; the last one needs the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<String>);

impl std::fmt::Display for Cycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for name in &self.0 {
            write!(f, "`{name}` needs ")?;
        }
        write!(f, "`{}`", self.0.first().map_or("", String::as_str))
    }
}

/// Every pipeline after all that it needs; equals keep the order of the file. Unknown needs are ignored.
pub fn order(pipelines: &[Pipeline]) -> Result<Vec<&Pipeline>, Cycle> {
    let known: BTreeSet<&str> = pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    let mut ordered = Vec::new();
    while ordered.len() < pipelines.len() {
        let next = pipelines.iter().find(|pipeline| {
            let free = |need: &String| !known.contains(need.as_str()) || placed.contains(need.as_str());
            !placed.contains(pipeline.name.as_str()) && pipeline.needs.iter().all(free)
        });
        match next {
            Some(pipeline) => {
                placed.insert(&pipeline.name);
                ordered.push(pipeline);
            }
            None => return Err(cycle(pipelines, &placed)),
        }
    }
    Ok(ordered)
}

/// Every pipeline left over needs another left over one, so walking along `needs` must come round.
fn cycle(pipelines: &[Pipeline], placed: &BTreeSet<&str>) -> Cycle {
    let left = |name: &str| pipelines.iter().find(|p| p.name == name && !placed.contains(name));
    let mut walked: Vec<&str> = Vec::new();
    let mut at = pipelines.iter().find(|pipeline| !placed.contains(pipeline.name.as_str()));
    while let Some(pipeline) = at {
        if let Some(start) = walked.iter().position(|name| *name == pipeline.name) {
            return Cycle(walked.iter().skip(start).map(|name| (*name).to_owned()).collect());
        }
        walked.push(&pipeline.name);
        at = pipeline.needs.iter().find_map(|need| left(need));
    }
    Cycle(walked.into_iter().map(str::to_owned).collect())
}

/// What the ends so far mean for the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness<'p> {
    /// Not ended, and all needs have passed. Includes what has already been started.
    pub ready: Vec<&'p Pipeline>,
    /// Can never start, each with the need that stands in its way: that need failed, or cannot start either.
    pub unmet: Vec<(&'p Pipeline, &'p str)>,
}

/// Looks at one set of pipelines. `finished` says of each ended one whether its need counts as met
/// (success, or `skipped` by paths); needs outside the set count as met.
pub fn ready<'p>(pipelines: &'p [Pipeline], finished: &BTreeMap<String, bool>) -> Readiness<'p> {
    let mut readiness = Readiness::default();
    let mut lost: BTreeSet<&str> = finished.iter().filter(|(_, met)| !**met).map(|(name, _)| name.as_str()).collect();
    for pipeline in order(pipelines).unwrap_or_default() {
        if finished.contains_key(&pipeline.name) {
            continue;
        }
        if let Some(need) = pipeline.needs.iter().find(|need| lost.contains(need.as_str())) {
            lost.insert(&pipeline.name);
            readiness.unmet.push((pipeline, need));
            continue;
        }
        let outside = |need: &String| pipelines.iter().all(|other| other.name != *need);
        if pipeline.needs.iter().all(|need| finished.contains_key(need) || outside(need)) {
            readiness.ready.push(pipeline);
        }
    }
    readiness
}

/// Whether a need means this pipeline: the one of that name, or one of the checks that it found.
pub fn means(need: &str, pipeline: &str) -> bool {
    pipeline.strip_prefix(need).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

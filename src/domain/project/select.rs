//! Which pipelines an event starts. Every pipeline of the file gets an answer, so no required check waits for ever.

use std::collections::BTreeSet;

use globset::{Glob, GlobBuilder, GlobMatcher};

use super::graph;
use super::pipeline::{Pipeline, Project, Trigger};

/// What an event means for one pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// It runs.
    Run,
    /// None of its `paths` was changed, and nothing that runs needs it: the check is `skipped` at once.
    SkippedByPaths,
    /// Its `on` does not name the event.
    NotForTrigger,
}

/// A pipeline with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected<'p> {
    /// The pipeline.
    pub pipeline: &'p Pipeline,
    /// The answer.
    pub applies: Applies,
}

/// One answer for each pipeline, in the order of the file. `changed_files` are paths relative to the root;
/// `None` means that they are not known, and then everything runs. What a running pipeline needs runs too,
/// whatever its `paths` say, because its export may be wanted.
pub fn select<'p>(project: &'p Project, trigger: Trigger, changed_files: Option<&[String]>) -> Vec<Selected<'p>> {
    let first = |pipeline: &Pipeline| {
        if !pipeline.on.contains(&trigger) {
            Applies::NotForTrigger
        } else if changed_files.is_none_or(|files| touches(pipeline, files)) {
            Applies::Run
        } else {
            Applies::SkippedByPaths
        }
    };
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for pipeline in graph::order(&project.pipelines).unwrap_or_default().into_iter().rev() {
        let runs = first(pipeline) == Applies::Run
            || (wanted.contains(pipeline.name.as_str()) && pipeline.on.contains(&trigger));
        if runs {
            wanted.insert(&pipeline.name);
            wanted.extend(pipeline.needs.iter().map(String::as_str));
        }
    }
    let answer = |pipeline: &'p Pipeline| match first(pipeline) {
        Applies::SkippedByPaths if wanted.contains(pipeline.name.as_str()) => Applies::Run,
        other => other,
    };
    project.pipelines.iter().map(|pipeline| Selected { pipeline, applies: answer(pipeline) }).collect()
}

fn touches(pipeline: &Pipeline, files: &[String]) -> bool {
    if pipeline.paths.is_empty() {
        return true;
    }
    let globs: Vec<GlobMatcher> =
        pipeline.paths.iter().filter_map(|pattern| compile(pattern).ok()).map(|glob| glob.compile_matcher()).collect();
    files.iter().any(|file| globs.iter().any(|glob| glob.is_match(file)))
}

/// `*` stays within one folder, as in GitHub's own path filters; a pattern that ends in `/` means all below.
pub(super) fn compile(pattern: &str) -> Result<Glob, globset::Error> {
    let below = if pattern.ends_with('/') { format!("{pattern}**") } else { pattern.to_owned() };
    GlobBuilder::new(below.strip_prefix("./").unwrap_or(&below)).literal_separator(true).build()
}

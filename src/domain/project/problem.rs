//! A problem with the place where a person mends it, ready to become an annotation.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What is wrong in `fairway.toml`. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Dotted key, for example `pipeline.test.run`; empty when the whole file is meant.
    pub key: String,
    /// One sentence that says what is wrong and what the rule is.
    pub message: String,
    /// What to type instead, when that can be told.
    pub hint: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fairway.toml:{}:{}: {}", self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " {hint}"),
            None => Ok(()),
        }
    }
}

/// More problems than this help nobody, and an attack should not cost more.
const MAX_PROBLEMS: usize = 50;

/// Collects problems while the file is read to its end, so that a person mends all of them at once.
pub(in crate::domain) struct Problems<'a> {
    text: &'a str,
    starts: Vec<usize>,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(in crate::domain) fn new(text: &'a str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Problems { text, starts: std::iter::once(0).chain(after_newlines).collect(), found: Vec::new() }
    }

    pub(in crate::domain) fn add(&mut self, span: Option<Range<usize>>, key: &str, message: impl Into<String>) {
        self.add_with_hint(span, key, message, None);
    }

    pub(in crate::domain) fn add_with_hint(
        &mut self,
        span: Option<Range<usize>>,
        key: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        if self.full() {
            return;
        }
        let (line, column) = self.place(span.map_or(0, |span| span.start));
        self.found.push(Problem { line, column, key: key.to_owned(), message: message.into(), hint });
    }

    pub(in crate::domain) fn full(&self) -> bool {
        self.found.len() >= MAX_PROBLEMS
    }

    /// Whether this very key has a problem already, so that a second one would only repeat it.
    pub(in crate::domain) fn has(&self, key: &str) -> bool {
        self.found.iter().any(|problem| problem.key == key)
    }

    pub(in crate::domain) fn line(&self, span: Option<Range<usize>>) -> u32 {
        self.place(span.map_or(0, |span| span.start)).0
    }

    /// All that was found, in the order of the file.
    pub(in crate::domain) fn finish(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.found
    }

    fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        (to_u32(line.max(1)), to_u32(before.chars().count() + 1))
    }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The known word that a person most likely meant, if one is near.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word: String = word.chars().take(64).collect::<String>().to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= limit || (word.len() >= 3 && candidate.starts_with(&word)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A person's own text, made safe to repeat in a sentence: one line, no control characters, not long.
pub(in crate::domain) fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control() && *c != '`').take(60).collect();
    format!("`{plain}`")
}

//! The steps from nothing to everything.

use serde::{Deserialize, Serialize};

use super::weight::Weight;
use crate::domain::project::duration;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The candidate's share.
    pub weight: Weight,
    /// The shortest stay, in milliseconds; 0 for the last.
    pub stay_ms: i64,
}

/// What a file gets that says nothing: 10 % for 30 s, 50 % for 30 s, all.
pub fn default_stages() -> Vec<Stage> {
    let stage = |points, stay_ms| Stage { weight: Weight::of(points), stay_ms };
    vec![stage(1_000, 30_000), stage(5_000, 30_000), stage(10_000, 0)]
}

/// Reads `["10% 30s", "50% 30s", "100%"]`.
///
/// # Errors
/// The place of the first bad entry, from 0, and the rule that it breaks.
pub fn parse_stages(entries: &[&str]) -> Result<Vec<Stage>, (usize, String)> {
    let mut stages: Vec<Stage> = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let stage = parse(entry).ok_or_else(|| {
            (
                i,
                format!(
                    "`{entry}` is no stage. Write a share and its shortest stay, such as `10% 30s`; the last is `100%`."
                ),
            )
        })?;
        if stages.last().is_some_and(|before| before.weight >= stage.weight) {
            return Err((i, "Every stage must be larger than the one before it.".to_owned()));
        }
        stages.push(stage);
    }
    match stages.last() {
        Some(last) if last.weight == Weight::ALL => Ok(stages),
        Some(_) => Err((stages.len() - 1, "The last stage must be `100%`.".to_owned())),
        None => Err((0, "There must be at least one stage, the last of them `100%`.".to_owned())),
    }
}

fn parse(entry: &str) -> Option<Stage> {
    let mut words = entry.split_whitespace();
    let weight = Weight::parse(words.next()?).ok()?;
    let stay_ms = match words.next() {
        Some(text) => duration(text)?,
        None if weight == Weight::ALL => 0,
        None => return None,
    };
    words.next().is_none().then_some(Stage { weight, stay_ms })
}

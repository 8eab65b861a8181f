//! The two shapes of every number: a spread of times, and a share.

use serde::Serialize;

/// Times in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many were measured.
    pub n: usize,
    /// The median, linearly interpolated; `None` when nothing was measured.
    pub p50: Option<f64>,
    /// The 90th percentile, linearly interpolated.
    pub p90: Option<f64>,
    /// How many could not be measured, because they end before they begin or a time is missing.
    pub excluded: usize,
}

/// Collects times for a [`Spread`].
#[derive(Debug, Default)]
pub(super) struct Times {
    seconds: Vec<f64>,
    excluded: usize,
}

impl Times {
    /// From one instant to another, Unix milliseconds. A negative time is excluded.
    pub(super) fn add(&mut self, from_ms: i64, to_ms: i64) {
        match to_ms.checked_sub(from_ms) {
            Some(ms) if ms >= 0 => self.seconds.push(ms as f64 / 1000.0),
            _ => self.excluded += 1,
        }
    }

    /// The same; a missing instant is excluded.
    pub(super) fn add_known(&mut self, from_ms: Option<i64>, to_ms: Option<i64>) {
        match (from_ms, to_ms) {
            (Some(from), Some(to)) => self.add(from, to),
            _ => self.exclude(),
        }
    }

    /// One that is known not to be measurable.
    pub(super) fn exclude(&mut self) {
        self.excluded += 1;
    }

    pub(super) fn spread(mut self) -> Spread {
        self.seconds.sort_by(f64::total_cmp);
        Spread {
            n: self.seconds.len(),
            p50: percentile(&self.seconds, 0.5),
            p90: percentile(&self.seconds, 0.9),
            excluded: self.excluded,
        }
    }
}

/// Linear interpolation between the two nearest of the sorted values: position `p x (n - 1)`.
fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = p * last as f64;
    let low = sorted.get(at.floor() as usize)?;
    let high = sorted.get(at.ceil() as usize)?;
    Some(low + (high - low) * at.fract())
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rate {
    /// Those that are so.
    pub part: usize,
    /// All that could be.
    pub whole: usize,
    /// The share, 0 to 1; `None` when there are none at all.
    pub share: Option<f64>,
}

impl Rate {
    pub(super) fn of(part: usize, whole: usize) -> Rate {
        Rate { part, whole, share: (whole > 0).then(|| part as f64 / whole as f64) }
    }
}

//! A share of the traffic.

use serde::{Deserialize, Serialize};

use crate::domain::speech::rollout as speech;

/// A share of an environment's traffic, in basis points: 0 to 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(u16);

impl Weight {
    /// Nothing.
    pub const ZERO: Weight = Weight(0);
    /// All of it.
    pub const ALL: Weight = Weight(10_000);

    /// Of so many basis points; more than 10,000 count as all.
    pub fn of(basis_points: u16) -> Weight {
        Weight(basis_points.min(10_000))
    }

    /// 0 to 10,000.
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Reads what a person types: `25%`, with at most two digits behind the point.
    ///
    /// # Errors
    /// A sentence that says what to type instead: for no share at all, for nothing (which is an abort), for a number
    /// without `%`, and for digits of other scripts, which nobody can tell apart at a glance.
    pub fn parse(text: &str) -> Result<Weight, String> {
        let (number, percent) = match text.strip_suffix('%') {
            Some(number) => (number, true),
            None => (text, false),
        };
        match basis_points(number) {
            Some(1..=10_000) if !percent => Err(speech::without_percent(number)),
            Some(0) if percent => Err(speech::nothing()),
            Some(points @ 1..=10_000) => Ok(Weight(points as u16)),
            _ => Err(speech::no_weight(text)),
        }
    }
}

/// Of `25`, `2.5` or `0.01`; `None` for everything else.
fn basis_points(number: &str) -> Option<u32> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole, 3) || !digits(part, 2) {
        return None;
    }
    let part: u32 = format!("{part:0<2}").parse().ok()?;
    Some(whole.parse::<u32>().ok()? * 100 + part)
}

impl std::fmt::Display for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        match part {
            0 => write!(f, "{whole} %"),
            part if part % 10 == 0 => write!(f, "{whole}.{} %", part / 10),
            part => write!(f, "{whole}.{part:02} %"),
        }
    }
}

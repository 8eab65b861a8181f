//! What `fairway simulate` says of a rollout that never was.

use super::environment::spell;
use super::rollout::{counted, ended, progress};
use crate::domain::rollout::Rollout;
use crate::domain::simulate::{Drawn, Mark, Trouble};

/// What is wrong with a record, and what it should look like.
pub fn trouble(trouble: &Trouble) -> String {
    let shape = "a line is {\"time\": 10, \"version\": \"stable\", \"total\": 900, \"bad\": 1}, or the file begins with the line time,version,total,bad";
    match trouble {
        Trouble::Empty => format!("it holds no traffic: {shape}"),
        Trouble::Shape(line) => format!("line {line} cannot be read: {shape}; times are seconds"),
        Trouble::TooBad(line) => {
            format!("line {line} has more bad requests than requests: `total` counts the bad ones too")
        }
    }
}

/// Nobody in the record is the candidate.
pub fn no_candidate(name: &str, others: &[&str]) -> String {
    format!("no line is of the version `{name}`: --candidate says which one is new; there is {}", others.join(", "))
}

/// The traffic that is drawn.
pub fn drawn(drawn: &Drawn) -> String {
    let rate = |share: f64| format!("{} %", (share * 1e6).round() / 1e4);
    let from = if drawn.from_ms > 0 { format!(" from {} on", spell(drawn.from_ms)) } else { String::new() };
    format!(
        "{} requests/s; {} of stable's fail, {} of the candidate's{from}",
        drawn.per_second,
        rate(drawn.stable_bad),
        rate(drawn.candidate_bad)
    )
}

/// A line of what would have happened: the share it has then, and why.
pub fn happened(mark: &Mark) -> (String, String) {
    match mark {
        Mark::Share { to, from, .. } if from.basis_points() == 0 => (to.to_string(), "starts".to_owned()),
        Mark::Share { to, candidate, stable, .. } => {
            (to.to_string(), format!("goes on: {}", counted(*candidate, *stable)))
        }
        Mark::Asks(rollout) => (
            rollout.target.to_string(),
            format!(
                "holds and asks: undecided after {}, {}",
                spell(rollout.stayed_ms),
                counted(rollout.here, rollout.here_stable)
            ),
        ),
        Mark::Ended(rollout) => (rollout.target.to_string(), ended(rollout)),
    }
}

/// Time or traffic is over before it is.
pub fn unfinished(rollout: &Rollout) -> String {
    format!("not over yet when the traffic ends: {}", progress(rollout))
}

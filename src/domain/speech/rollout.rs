//! What is said about a rollout: how far it is, and why it ended as it did. With the numbers, never adjectives.

use super::command::{capital, tick};
use super::environment::spell;
use crate::domain::decide::EnvState;
use crate::domain::event::Pull;
use crate::domain::ids::short;
use crate::domain::release::Version;
use crate::domain::rollout::{Counts, Outcome, Phase, Rollout, Signal, Undecided, Why};
use crate::domain::run::escape_md;

/// A number where a share was meant.
pub fn without_percent(number: &str) -> String {
    format!(
        "Not done: `{}` could be anything. Type `{}%` if you mean that share of the traffic.",
        tick(number),
        tick(number)
    )
}

/// No traffic at all.
pub fn nothing() -> String {
    "Not done: 0 % is no rollout. To take it out of the traffic, type `/rollout abort`.".to_owned()
}

/// Not a share.
pub fn no_weight(text: &str) -> String {
    let text: String = tick(text).chars().take(20).collect();
    format!(
        "Not done: `{text}` is no share of the traffic. Type one from `0.01%` to `100%` with the digits 0 to 9, for example `/rollout 25%`."
    )
}

/// `25 % · 3 min · 0 bad`: what fits into a Deployment's description.
pub fn progress(rollout: &Rollout) -> String {
    match &rollout.phase {
        Phase::Preparing => "starting".to_owned(),
        Phase::Baking | Phase::Warm => {
            let weight = rollout.looked.as_ref().map_or(rollout.target, |looked| looked.weight);
            let slow = rollout.plan.slow_ms.map(|_| format!(" · {} slow", rollout.timed.candidate.slow));
            let slow = slow.unwrap_or_default();
            format!("{weight} · {} · {} bad{slow}", spell(rollout.age_ms), rollout.candidate.bad)
        }
        Phase::Ending(_) | Phase::Done(_) => ended(rollout),
    }
}

/// What it is waiting for where it is, or an empty text.
pub fn waits(rollout: &Rollout, name: &str) -> String {
    match rollout.phase {
        Phase::Preparing => "Its release is starting and has no traffic yet.".to_owned(),
        Phase::Baking if rollout.paused => {
            format!("Paused. `/rollout {name} resume` goes on, `/rollout {name} abort` takes it back.")
        }
        Phase::Baking if rollout.plan.hold_at.is_some() => {
            format!(
                "Held there. `/rollout {name} resume` goes on by the stages, `/rollout {name} promote` to the next one, `/rollout {name} abort` takes it back."
            )
        }
        Phase::Baking if rollout.undecided && rollout.plan.undecided == Undecided::Probe => format!(
            "Too little traffic to tell after {}, so Fairway asks both versions itself: {}.{} `/rollout {name} promote` goes on, `/rollout {name} abort` takes it back.",
            spell(rollout.stayed_ms),
            with_probes(rollout, counted_by_each(rollout, Rollout::here)),
            untimed(rollout)
        ),
        Phase::Baking if rollout.undecided => format!(
            "Undecided after {}: {}.{} `/rollout {name} promote` goes on, `/rollout {name} abort` takes it back.",
            spell(rollout.stayed_ms),
            counted_by_each(rollout, Rollout::here),
            untimed(rollout)
        ),
        Phase::Baking => {
            let counted = capital(&with_probes(rollout, counted_by_each(rollout, Rollout::compared)));
            let rule =
                if rollout.plan.slow_ms.is_some() { "that neither fail nor are slow" } else { "without a failure" };
            match rollout.wanted() {
                _ if rollout.untimed() => format!("{counted}.{}", untimed(rollout)),
                Some(more) if more > 0 => format!("{counted}. {} more {rule} and it goes on.", thousands(more)),
                _ => format!("{counted}."),
            }
        }
        Phase::Warm => format!(
            "The old version stays warm for another {}; `/rollback {name}` takes it back.",
            spell(rollout.plan.watch_ms - rollout.stayed_ms)
        ),
        Phase::Ending(_) | Phase::Done(_) => String::new(),
    }
}

pub(super) fn counted(candidate: Counts, stable: Counts) -> String {
    if candidate.requests == 0 {
        return "it has had no request yet".to_owned();
    }
    let versus = if stable.requests == 0 { String::new() } else { format!(" vs {} on stable", of(stable)) };
    format!("{} requests failed{versus}", of(candidate))
}

/// By each signal that it is judged by.
fn counted_by_each(rollout: &Rollout, of: impl Fn(&Rollout, Signal) -> (Counts, Counts)) -> String {
    let (candidate, stable) = of(rollout, Signal::Bad);
    let failed = counted(candidate, stable);
    let (timed, stable) = of(rollout, Signal::Slow);
    match rollout.plan.slow_ms {
        Some(bound) if candidate.requests > 0 && timed.requests > 0 => {
            let versus = if stable.requests == 0 { String::new() } else { format!(" vs {}", slow_of(stable)) };
            format!("{failed}; {} were slower than {}{versus}", slow_of(timed), bound_of(bound))
        }
        _ => failed,
    }
}

/// The slow ones alone.
fn slower(bound: i64, (candidate, stable): (Counts, Counts)) -> String {
    let versus = if stable.requests == 0 { String::new() } else { format!(" vs {} on stable", slow_of(stable)) };
    format!("{} requests were slower than {}{versus}", slow_of(candidate), bound_of(bound))
}

/// `800 ms`, `2 s`.
fn bound_of(ms: i64) -> String {
    if ms % 1_000 == 0 { format!("{} s", ms / 1_000) } else { format!("{} ms", thousands(ms.unsigned_abs())) }
}

/// Why slowness cannot be judged, or an empty text.
fn untimed(rollout: &Rollout) -> &'static str {
    match rollout.untimed() {
        true => {
            " How fast they are is not known, because the host is older than Fairway and does not time answers: start this version of `fairway host` with `--take-over`."
        }
        false => "",
    }
}

/// How many of them Fairway made itself.
fn with_probes(rollout: &Rollout, words: String) -> String {
    match rollout.probes {
        0 => words,
        probes => format!("{words}; {} of them were Fairway's own", thousands(probes)),
    }
}

fn of(counts: Counts) -> String {
    format!("{} of {}", thousands(counts.bad), thousands(counts.requests))
}

fn slow_of(counts: Counts) -> String {
    format!("{} of {}", thousands(counts.slow), thousands(counts.requests))
}

/// `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The verdict, one sentence without its first capital and full stop.
pub fn ended(rollout: &Rollout) -> String {
    let outcome = match rollout.phase {
        Phase::Ending(outcome) | Phase::Done(outcome) => outcome,
        _ => return progress(rollout),
    };
    let (at, after) = (rollout.most, spell(rollout.age_ms));
    match (&rollout.why, outcome) {
        (Why::Worse { signal, evidence, limit, at }, _) => format!(
            "aborted at {at} after {after}: {} (evidence {}x, limit {limit:.0}x)",
            match (signal, rollout.full_at) {
                (Signal::Slow, _) => slower(rollout.plan.slow_ms.unwrap_or_default(), rollout.compared(Signal::Slow)),
                (Signal::Bad, Some(_)) => counted(rollout.here, rollout.stable),
                (Signal::Bad, None) => with_probes(rollout, counted(rollout.candidate, rollout.stable)),
            },
            if *evidence < 1e6 { thousands(*evidence as u64) } else { "over 1,000,000".to_owned() }
        ),
        (Why::Sick(words), _) => format!("aborted at {at} after {after}: {words}"),
        (Why::NeverReady(words), _) => format!("it never got traffic: {words}"),
        (Why::Asked { by, reason }, _) => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({})", escape_md(reason)) };
            let where_it_was = if outcome == Outcome::Cancelled {
                "before it had traffic".to_owned()
            } else {
                format!("at {at} after {after}")
            };
            format!("{} took it back {where_it_was}{reason}", escape_md(by))
        }
        (Why::Nothing, _) => {
            let own = |rollout: &Rollout, signal| match signal {
                Signal::Bad => (rollout.candidate, Counts::default()),
                Signal::Slow => (rollout.timed.candidate, Counts::default()),
            };
            format!("live; {}", with_probes(rollout, counted_by_each(rollout, own)))
        }
    }
}

/// Title and summary of a rollout's check run.
pub fn page(name: &str, version: &Version, rollout: Option<&Rollout>) -> (String, String) {
    let sha = short(&version.sha);
    let Some(rollout) = rollout else { return ("Starting".to_owned(), format!("`{sha}` goes to `{name}`.")) };
    let verdict = match rollout.phase {
        Phase::Ending(_) | Phase::Done(_) => ended(rollout),
        _ => progress(rollout),
    };
    let mut summary = String::new();
    if rollout.ended().is_none() {
        summary.push_str(&waits(rollout, name));
        summary.push_str("\n\n");
    }
    summary.push_str("| Stage | Shortest stay | |\n|---|---|---|\n");
    for (i, stage) in rollout.plan.stages.iter().enumerate() {
        let stay = if stage.stay_ms > 0 { spell(stage.stay_ms) } else { "-".to_owned() };
        let state = if rollout.most >= stage.weight {
            "reached"
        } else if i == rollout.next && rollout.ended().is_none() {
            "next"
        } else {
            ""
        };
        summary.push_str(&format!("| {} | {stay} | {state} |\n", stage.weight));
    }
    (capital(&verdict), summary)
}

/// Title and body of the pull request that takes a change back.
pub fn revert(pull: &Pull, name: &str, verdict: &str) -> (String, String) {
    let title = format!("Revert \"{}\"", pull.title);
    let body = format!(
        "Reverts #{}\n\nFairway took it back from `{name}`: {verdict}.\n\nUntil this is merged, or a commit that mends it is deployed with `/deploy {name} --fixes #{}`, nothing that has it goes to `{name}` again.\n",
        pull.number, pull.number
    );
    (title, body)
}

/// Why a version that was live is taken back in git, where somebody had `/rollback` take it out of the traffic.
pub fn rolled_back_by(login: &str) -> String {
    format!("{} typed `/rollback`", escape_md(login))
}

/// A row of the sticky comment: the environment, what is there, and the next line to type.
pub fn row(state: &EnvState, rollout: Option<&Rollout>) -> String {
    let name = &state.name;
    let live = state.live.as_ref().map_or_else(|| "nothing".to_owned(), |live| format!("`{}`", short(&live.sha)));
    let (now, next) = match (&state.going, rollout) {
        (Some(going), Some(rollout)) => {
            let what = format!("`{}` · {}", short(&going.version.sha), progress(rollout));
            (if going.full { what } else { format!("{what}; the rest: {live}") }, waits(rollout, name))
        }
        (Some(going), None) => (format!("`{}` · starting; live: {live}", short(&going.version.sha)), String::new()),
        (None, _) => {
            let next = match (&state.held, &state.last) {
                (Some(held), _) => {
                    let ended = state.last.as_ref().filter(|last| !last.stayed && last.sha == held.bad);
                    let words = ended.map_or_else(|| "taken back".to_owned(), |last| last.words.clone());
                    format!("`{}`: {words}. {}.", short(&held.bad), super::way_out::way_out(name, held))
                }
                (None, Some(last)) if !last.stayed => format!("`{}`: {}.", short(&last.sha), last.words),
                _ => String::new(),
            };
            (live, next)
        }
    };
    let mut closed = String::new();
    for (word, by) in [("locked", &state.lock), ("frozen", &state.freeze)] {
        if let Some(by) = by {
            let reason = if by.reason.is_empty() { String::new() } else { format!(" ({})", escape_md(&by.reason)) };
            closed.push_str(&format!(" {} by {}{reason}.", capital(word), escape_md(&by.by)));
        }
    }
    format!("| `{name}` | {now} | {}{closed} |\n", next.replace('|', "\\|"))
}

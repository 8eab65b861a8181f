//! The numbers as an aligned table, with the goals and what others reach beside them.

use jiff::Timestamp;

use super::rollout::thousands;
use crate::domain::ids::short;
use crate::domain::metrics::{Metrics, Rate, Recovery, Repository, Service, Span, Spread};

/// What is aimed at. The defaults are Fairway's yardstick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goals {
    /// Merged pull requests that reach everybody, a week.
    pub pulls_per_week: f64,
    /// Median lead time, seconds.
    pub lead_s: f64,
    /// Change fail rate, 0 to 1.
    pub change_fail: f64,
    /// Median time to recover, seconds.
    pub restore_s: f64,
    /// Median build, seconds.
    pub build_s: f64,
    /// Median time from there to 100 %, seconds.
    pub deploy_s: f64,
}

impl Default for Goals {
    fn default() -> Goals {
        Goals {
            pulls_per_week: 100.0,
            lead_s: 120.0,
            change_fail: 0.05,
            restore_s: 300.0,
            build_s: 60.0,
            deploy_s: 120.0,
        }
    }
}

/// Means of DORA's Quick Check, 2025.
const MEAN_CHANGE_FAIL: f64 = 0.19;
const MEAN_REWORK: f64 = 0.22;

const FOOT: &str = "\
– means that nothing was measured. (+2) means that two more could not be: a time is missing, or it ends before it begins.
Industry means: DORA Quick Check 2025.
";

/// The whole text of `fairway metrics`: a block for each service, then one for each repository.
pub fn show(metrics: &Metrics, goals: &Goals) -> String {
    let mut text = String::new();
    for service in &metrics.services {
        let head = format!("{} in {}, {}", service.service, service.environment, service.repository);
        text.push_str(&block(&head, metrics.span, &service_lines(service, goals)));
        text.push_str(&notes(service));
        text.push('\n');
    }
    for repository in &metrics.repositories {
        text.push_str(&block(&repository.repository, metrics.span, &repository_lines(repository)));
        text.push('\n');
    }
    if text.is_empty() {
        return format!("Nothing was measured {}.\n", from_to(metrics.span));
    }
    text.push_str(FOOT);
    text
}

/// name, value, p90, n, goal, industry mean.
type Line = [String; 6];

fn service_lines(service: &Service, goals: &Goals) -> Vec<Line> {
    let (lead, recovery, deploy) = (&service.lead_time, &service.recovery, &service.deploy_time);
    let goal = |value: f64| seconds(Some(value));
    vec![
        counted("deployments", per(service.deployments_per_day, "a day"), service.deployments),
        with(
            counted("pull requests shipped", per(service.pulls_per_week, "a week"), shipped(service)),
            [&per(Some(goals.pulls_per_week), "a week"), ""],
        ),
        with(timed("change lead time", &lead.commit_to_live), [&goal(goals.lead_s), ""]),
        timed("  merge to live", &lead.merge_to_live),
        timed("  command to live", &lead.command_to_live),
        with(timed("recovery", &recovery.whole), [&goal(goals.restore_s), ""]),
        timed("  detect", &recovery.detect),
        timed("  decide", &recovery.decide),
        timed("  restore", &recovery.restore),
        with(
            shared("change fail rate", &service.change_fail),
            [&percent(Some(goals.change_fail)), &percent(Some(MEAN_CHANGE_FAIL))],
        ),
        with(shared("rework rate", &service.rework), ["", &percent(Some(MEAN_REWORK))]),
        shared("failed before traffic", &service.deploy_fail),
        with(timed("build", &deploy.build), [&goal(goals.build_s), ""]),
        with(timed("deploy after build", &deploy.after_build), [&goal(goals.deploy_s), ""]),
        timed("command to first traffic", &deploy.to_traffic),
        timed("command to 100 %", &deploy.to_full),
    ]
}

fn shipped(service: &Service) -> usize {
    service.lead_time.merge_to_live.n + service.lead_time.merge_to_live.excluded
}

fn repository_lines(repository: &Repository) -> Vec<Line> {
    let (ci, pulls) = (&repository.ci, &repository.pulls);
    vec![
        timed("CI time", &ci.whole),
        timed("  queue", &ci.queue),
        timed("  run", &ci.run),
        shared("  run again", &ci.rerun),
        shared("  flaky", &ci.flaky),
        timed("review turnaround", &pulls.to_review),
        timed("  to approval", &pulls.to_approval),
        shared("  never reviewed", &pulls.never_reviewed),
        timed("first commit to pull request", &pulls.to_open),
        timed("newcomer to first merge", &pulls.newcomer),
        counted("pushes", per(repository.pushes_per_active_day, "an active day"), repository.pushes),
        timed("  gap between pushes", &repository.push_gap),
    ]
}

fn timed(name: &str, spread: &Spread) -> Line {
    [
        name.to_owned(),
        seconds(spread.p50),
        seconds(spread.p90),
        if spread.excluded > 0 { format!("{} (+{})", spread.n, spread.excluded) } else { spread.n.to_string() },
        String::new(),
        String::new(),
    ]
}

fn shared(name: &str, rate: &Rate) -> Line {
    let of = if rate.whole > 0 { format!("{} of {}", rate.part, rate.whole) } else { "0".to_owned() };
    [name.to_owned(), percent(rate.share), String::new(), of, String::new(), String::new()]
}

fn counted(name: &str, value: String, n: usize) -> Line {
    [name.to_owned(), value, String::new(), n.to_string(), String::new(), String::new()]
}

fn with(line: Line, [goal, mean]: [&str; 2]) -> Line {
    let [name, value, p90, n, _, _] = line;
    [name, value, p90, n, goal.to_owned(), mean.to_owned()]
}

/// What does not fit a row.
fn notes(service: &Service) -> String {
    let mut notes = Vec::new();
    if service.change_fail.part > 0 {
        notes.push(format!(
            "The failures had as much traffic as there is in {} minutes, and answered {} requests badly.",
            number(service.exposure_weight_minutes),
            service.exposure_bad
        ));
    }
    if service.lead_time.base_unknown > 0 {
        let n = service.lead_time.base_unknown;
        let (rollouts, have) = if n == 1 { ("rollout", "has") } else { ("rollouts", "have") };
        notes.push(format!("{n} {rollouts} {have} no commits to measure: nothing was live before, or git lost it."));
    }
    notes.extend(open(&service.recovery));
    notes.into_iter().map(|note| format!("  {note}\n")).collect()
}

fn open(recovery: &Recovery) -> impl Iterator<Item = String> {
    recovery.open.iter().map(|open| {
        let why = open.decision.as_ref().map_or_else(String::new, |words| format!(": {words}"));
        format!("Still open since {}: rollout {} of {}{why}.", day_time(open.since_ms), open.rollout, short(&open.sha))
    })
}

fn block(head: &str, span: Span, lines: &[Line]) -> String {
    let titles = ["", "p50", "p90", "n", "goal", "industry mean"].map(str::to_owned);
    let rows: Vec<&Line> = std::iter::once(&titles).chain(lines).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = format!("{head}, {}\n", from_to(span));
    for row in rows {
        let cell = |(at, (cell, width)): (usize, (&String, usize))| match at {
            1..=3 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        };
        let cells: Vec<String> = row.iter().zip(widths).enumerate().map(cell).collect();
        text.push_str(format!("  {}", cells.join("  ")).trim_end());
        text.push('\n');
    }
    text
}

fn from_to(span: Span) -> String {
    let days = number(span.days());
    let unit = if days == "1" { "day" } else { "days" };
    format!("{} to {} ({days} {unit})", day_time(span.since_ms), day_time(span.until_ms))
}

fn day_time(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms)
        .map_or_else(|_| NOTHING.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// What stands where nothing was measured; never a 0.
const NOTHING: &str = "–";

/// Seconds, so that all numbers of a column can be compared: `0.85 s`, `4.2 s`, `1,234 s`; `–` for nothing.
fn seconds(seconds: Option<f64>) -> String {
    match seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) {
        None => NOTHING.to_owned(),
        Some(seconds) if seconds >= 100.0 => format!("{} s", thousands(seconds.round() as u64)),
        Some(seconds) if seconds >= 10.0 => format!("{} s", number(seconds)),
        Some(seconds) => {
            let text = format!("{seconds:.2}");
            format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// A share as `4.8 %`, without the part after the point when it is 0.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| NOTHING.to_owned(), |share| format!("{} %", number(share * 100.0)))
}

/// One digit after the point, if it is not 0; two below 0.1.
fn number(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 0.1 { format!("{value:.2}") } else { format!("{value:.1}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A number with what it counts, or `–`.
fn per(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| format!("{} {unit}", number(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_stand_in_a_column() {
        let table = [
            (None, "–"),
            (Some(0.0), "0 s"),
            (Some(0.854), "0.85 s"),
            (Some(4.2), "4.2 s"),
            (Some(59.96), "60 s"),
            (Some(125.4), "125 s"),
            (Some(1_234_567.0), "1,234,567 s"),
            (Some(f64::NAN), "–"),
        ];
        for (value, want) in table {
            assert_eq!(seconds(value), want, "{value:?}");
        }
        assert_eq!([percent(Some(0.05)), percent(Some(1.0 / 3.0)), percent(None)], ["5 %", "33.3 %", "–"]);
    }
}

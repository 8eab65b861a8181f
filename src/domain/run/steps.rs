//! The table of steps, and times as people say them.

use super::markdown::code;
use super::result::{StepResult, StepState};

/// `850 ms`, `4.2 s`, `1 m 05 s`, `2 h 03 m`; a negative time is none.
pub fn human_time(ms: i64) -> String {
    let ms = ms.max(0);
    let seconds = ms / 1000;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds / 60 % 60),
    }
}

/// At most this many rows; a table of hundreds helps nobody.
const MAX_ROWS: usize = 100;

pub(super) fn table(steps: &[StepResult]) -> String {
    let mut table = String::from("| step | result | time |\n|---|---|---|\n");
    for step in steps.iter().take(MAX_ROWS) {
        let time = match step.state {
            StepState::Waiting | StepState::NotRun => String::new(),
            _ => human_time(step.millis),
        };
        // Even in code a bar ends the cell unless it is escaped.
        let command = code(&short(&step.name)).replace('|', "\\|");
        let cached = if step.cached { ", cached" } else { "" };
        table.push_str(&format!("| {command} | {}{cached} | {time} |\n", word(&step.state)));
    }
    if steps.len() > MAX_ROWS {
        table.push_str(&format!("| ... and {} more | | |\n", steps.len() - MAX_ROWS));
    }
    table
}

fn word(state: &StepState) -> String {
    match state {
        StepState::Waiting => "waiting".to_owned(),
        StepState::Running => "running".to_owned(),
        StepState::Passed => "passed".to_owned(),
        StepState::Failed { exit } => format!("**failed**, exit code {exit}"),
        StepState::TimedOut => "**timed out**".to_owned(),
        StepState::Cancelled => "cancelled".to_owned(),
        StepState::NotRun => "not run".to_owned(),
    }
}

/// A command for a sentence or a cell: its first line, at most 120 characters.
pub(super) fn short(command: &str) -> String {
    let mut lines = command.trim().lines();
    let first = lines.next().unwrap_or("");
    let cut: String = first.chars().take(120).collect();
    if cut.len() < first.len() || lines.next().is_some() { format!("{cut} ...") } else { cut }
}

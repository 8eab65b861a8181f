//! A recorded traffic history as text: JSON lines, or CSV with a header.

use serde::Deserialize;

/// What one version answered since the time before.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The end of the span, in milliseconds of any clock.
    pub at_ms: i64,
    /// Its name.
    pub version: String,
    /// Requests.
    pub total: u64,
    /// Of these, bad ones.
    pub bad: u64,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It has no line.
    Empty,
    /// A line, from 1, that is neither JSON nor CSV of this shape.
    Shape(usize),
    /// A line, from 1, with more bad requests than requests.
    TooBad(usize),
}

#[derive(Deserialize)]
struct Entry {
    time: f64,
    version: String,
    total: u64,
    bad: u64,
}

const HEADER: [&str; 4] = ["time", "version", "total", "bad"];

/// Reads `{"time": 0, "version": "stable", "total": 900, "bad": 1}` a line, or `time,version,total,bad` with a header.
/// Times are seconds, of any clock; empty lines count for nothing.
///
/// # Errors
/// The first line that is wrong, or that there is none.
pub fn parse(text: &str) -> Result<Vec<Line>, Trouble> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty()).peekable();
    let (_, first) = lines.peek().ok_or(Trouble::Empty)?;
    let json = first.starts_with('{');
    let mut columns = HEADER.map(Some);
    if !json {
        let (number, header) = lines.next().ok_or(Trouble::Empty)?;
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        for column in &mut columns {
            *column = column.filter(|name| names.contains(name));
        }
        if columns.contains(&None) {
            return Err(Trouble::Shape(number));
        }
        return all(lines.map(|(number, line)| (number, csv(&names, line))));
    }
    all(lines.map(|(number, line)| (number, serde_json::from_str(line).ok())))
}

fn csv(names: &[&str], line: &str) -> Option<Entry> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let cell = |name: &str| cells.get(names.iter().position(|n| *n == name)?).copied();
    Some(Entry {
        time: cell("time")?.parse().ok()?,
        version: cell("version")?.to_owned(),
        total: cell("total")?.parse().ok()?,
        bad: cell("bad")?.parse().ok()?,
    })
}

fn all(entries: impl Iterator<Item = (usize, Option<Entry>)>) -> Result<Vec<Line>, Trouble> {
    let mut lines = Vec::new();
    for (number, entry) in entries {
        let Entry { time, version, total, bad } = entry.ok_or(Trouble::Shape(number))?;
        // Beyond this a clock is no clock, and milliseconds would overflow.
        if !time.is_finite() || time.abs() > 1e12 {
            return Err(Trouble::Shape(number));
        }
        if bad > total {
            return Err(Trouble::TooBad(number));
        }
        lines.push(Line { at_ms: (time * 1_000.0).round() as i64, version, total, bad });
    }
    if lines.is_empty() { Err(Trouble::Empty) } else { Ok(lines) }
}

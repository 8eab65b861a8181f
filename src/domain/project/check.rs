//! The small rules that values must keep. Each answers with the rule in words when it is broken.

use super::duration::duration;
use super::pipeline::{MAX_TIMEOUT_MS, Report, ReportKind};
use super::problem::quoted;
use crate::domain::onboard::Opens;

/// More processors no machine has that this is meant for; a thousandth of one each.
const MAX_CPU: u32 = 1_024_000;

/// Longer than this nobody waits for an answer, and the host gives up on it before long.
const MAX_SLOW_MS: i64 = 30_000;

/// Whether a name can be a pipeline's: `[a-z0-9][a-z0-9-]{0,39}`.
pub fn pipeline_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= 40 && name.bytes().next().is_some_and(plain) && name.bytes().all(|b| plain(b) || b == b'-')
}

pub(super) fn timeout(text: &str) -> Result<i64, String> {
    match duration(text) {
        Some(ms) if (1000..=MAX_TIMEOUT_MS).contains(&ms) => Ok(ms),
        Some(_) => Err("`timeout` must be between `1s` and `6h`.".to_owned()),
        None => Err(format!("{} is not a time. Write `90s`, `10m` or `1h30m`.", quoted(text))),
    }
}

/// A length of time that is not a pipeline's: up to a hundred days.
pub(super) fn span(text: &str) -> Result<i64, String> {
    duration(text).ok_or_else(|| format!("{} is not a time. Write `90s`, `10m` or `1h30m`.", quoted(text)))
}

/// Milliseconds of `800ms` or `2s`: how long somebody waits for an answer.
pub(super) fn latency(text: &str) -> Result<i64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match text.get(digits..) {
        Some("ms") => 1,
        Some("s") => 1_000,
        _ => return Err(format!("{} is no time to answer in. Write `800ms` or `2s`.", quoted(text))),
    };
    let number = text.get(..digits).and_then(|digits| digits.parse::<i64>().ok());
    number
        .and_then(|number| number.checked_mul(unit))
        .filter(|ms| (1..=MAX_SLOW_MS).contains(ms))
        .ok_or_else(|| "`slow` must be between `1ms` and `30s`.".to_owned())
}

/// Thousandths of a processor, of `1.5` or `0.25`. The kernel counts hundredths.
pub(super) fn processors(text: &str) -> Result<u32, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return Err(format!("{} is no number of processors. Write `0.5`, `1` or `1.25`.", quoted(text)));
    }
    let hundredths = format!("{whole}{part:0<2}").parse::<u32>().ok();
    hundredths
        .and_then(|hundredths| hundredths.checked_mul(10))
        .filter(|cpu| (10..=MAX_CPU).contains(cpu))
        .ok_or_else(|| "`cpu` must be between `0.01` and `1024`.".to_owned())
}

/// Bytes of `512MB` or `2GB`; units are powers of ten.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match text.get(digits..).map(str::trim) {
        Some("MB") => 1_000_000,
        Some("GB") => 1_000_000_000,
        _ => 0,
    };
    let number = text.get(..digits).and_then(|digits| digits.parse::<u64>().ok()).filter(|n| (1..=100_000).contains(n));
    match number.and_then(|n| n.checked_mul(unit)).filter(|bytes| *bytes > 0) {
        Some(bytes) => Ok(bytes),
        None => Err(format!("{} is no size. Write `512MB` or `2GB`.", quoted(text))),
    }
}

pub(super) fn env_name(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let good = name.len() <= 128
        && name.bytes().next().is_some_and(|b| plain(b) && !b.is_ascii_digit())
        && name.bytes().all(plain);
    if good {
        return Ok(());
    }
    Err(format!("{} cannot be the name of a variable. Use letters, digits and `_`, not a digit first.", quoted(name)))
}

/// A path inside the checkout: relative, without `..`, with plain slashes.
pub(super) fn inside(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("The path is empty. Write one relative to the repository's root.".to_owned());
    }
    if path.chars().any(char::is_control) {
        return Err("A path cannot hold control characters.".to_owned());
    }
    let windows = path.contains('\\') || path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || path.starts_with('~') || windows {
        return Err(format!("{} must be relative to the repository's root, with `/` between names.", quoted(path)));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(format!("{} leaves the repository. A path cannot hold `..`.", quoted(path)));
    }
    Ok(())
}

pub(super) fn cache_dir(path: &str) -> Result<(), String> {
    inside(path.strip_prefix('/').unwrap_or(path))
}

pub(super) fn report(entry: &str) -> Result<Report, String> {
    let Some((kind, path)) = entry.split_once(':') else {
        return Err(format!("{} lacks its format. Write `junit:target/junit.xml`.", quoted(entry)));
    };
    let kind = match kind {
        "junit" => ReportKind::Junit,
        "sarif" => ReportKind::Sarif,
        "cargo-json" => ReportKind::CargoJson,
        _ => {
            let known = "Known are `junit`, `sarif` and `cargo-json`.";
            return Err(format!("{} is not a report format. {known}", quoted(kind)));
        }
    };
    inside(path)?;
    Ok(Report { kind, path: path.to_owned() })
}

/// A glob as `paths` takes it: relative to the root, not negated, and one that compiles.
pub(super) fn glob(pattern: &str) -> Result<(), String> {
    if pattern.starts_with('!') {
        return Err(format!("{} begins with `!`. `paths` only names what counts, it cannot exclude.", quoted(pattern)));
    }
    if pattern.len() > 256 {
        return Err("A pattern is at most 256 characters long.".to_owned());
    }
    inside(pattern)?;
    super::select::compile(pattern)
        .map(|_| ())
        .map_err(|error| format!("{} is not a valid pattern: {}.", quoted(pattern), error.kind()))
}

pub(super) fn image(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > 512 || name.starts_with('-') || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("{} is not the name of a container image. Write `rust:1.95-bookworm`.", quoted(name)));
    }
    Ok(())
}

pub(super) fn shell(command: &str) -> Result<(), String> {
    if command.trim().is_empty() {
        return Err("The command is empty.".to_owned());
    }
    if command.contains('\0') {
        return Err("A command cannot hold a NUL character.".to_owned());
    }
    if command.len() > 16 * 1024 {
        return Err("A command is at most 16 kB long. Put a long one in a script.".to_owned());
    }
    Ok(())
}

/// How old something must be: also in days, or not at all.
pub(super) fn age(text: &str) -> Result<(), String> {
    let days = text.strip_suffix('d').is_some_and(|days| days.parse::<u16>().is_ok());
    if days || text == "0" || duration(text).is_some() {
        return Ok(());
    }
    Err(format!("{} is not a time. Write `3d` or `12h`, or `0` for none.", quoted(text)))
}

/// When updates begin.
pub(super) fn schedule(word: &str) -> Result<(), String> {
    match word {
        "daily" | "weekdays" | "weekly" | "monthly" | "off" => Ok(()),
        _ => Err(format!("{} is none of `daily`, `weekdays`, `weekly`, `monthly` and `off`.", quoted(word))),
    }
}

/// What is merged by itself.
pub(super) fn automerge(word: &str) -> Result<(), String> {
    match word {
        "security" | "patch" | "none" => Ok(()),
        _ if word.strip_prefix("group:").is_some_and(|name| !name.is_empty()) => Ok(()),
        _ => Err(format!("{} is none of `security`, `patch`, `group:NAME` and `none`.", quoted(word))),
    }
}

/// A word that says whether repositories are onboarded.
pub(super) fn opens(word: &str) -> Result<(), String> {
    match Opens::parse(word) {
        Some(_) => Ok(()),
        None => Err(format!("{} is none of `off`, `ask` and `all`.", quoted(word))),
    }
}

/// A pattern of names.
pub(super) fn pattern(text: &str) -> Result<(), String> {
    globset::Glob::new(text).map(drop).map_err(|error| format!("{} is no pattern: {}.", quoted(text), error.kind()))
}

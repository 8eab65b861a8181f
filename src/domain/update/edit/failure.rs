//! What a client said last, as one sentence for people.

/// The most characters of it.
const LONGEST: usize = 300;

/// A client's last words, as a sentence that says what happened, who holds it and what to do.
pub fn failure(said: &str) -> String {
    let plain = plain(said);
    let lines: Vec<&str> = plain.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let told = cargo(&lines);
    let last = || lines.last().copied().unwrap_or("the ecosystem's client failed and did not say why").to_owned();
    cut(&told.unwrap_or_else(last))
}

/// Cargo's errors.
fn cargo(lines: &[&str]) -> Option<String> {
    let error = lines.iter().rev().find_map(|line| line.strip_prefix("error: "))?;
    let quoted = |text: &str| text.split('`').nth(1).map(str::to_owned);
    let after = |begin: &str| lines.iter().rev().find_map(|line| line.strip_prefix(begin)).and_then(quoted);
    if error.starts_with("failed to select a version for") {
        let what = quoted(error)?;
        let holder = after("required by package").map(|by| format!("; {by} requires it")).unwrap_or_default();
        let found = lines.iter().find_map(|line| line.strip_prefix("candidate versions found which didn't match: "));
        let found = found.map(|found| format!(", and {found} is no such")).unwrap_or_default();
        return Some(format!("cargo finds no version for `{what}`{found}{holder}"));
    }
    if error.starts_with("package ID specification") {
        let what = quoted(error)?;
        return Some(format!("the lock does not have {what} any more; the next look finds what it has"));
    }
    Some(format!("cargo says: {error}"))
}

/// Without colours and other signs for terminals.
fn plain(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    let mut chars = said.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.next() == Some('[') => drop(chars.by_ref().find(|c| ('@'..='~').contains(c))),
            '\r' => out.push('\n'),
            c if c.is_control() && c != '\n' => {}
            c => out.push(c),
        }
    }
    out
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

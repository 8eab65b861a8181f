//! A requirement that takes a version which it did not take, written as its authors write.

use crate::domain::update::model::Ecosystem;
use crate::domain::update::rules;

/// What to write instead of `old`, so that it takes `to`: the same sign, as many numbers, the same blanks.
///
/// # Errors
/// Why there is no such thing: the end of a sentence that begins with where it stands and what.
pub fn raise(ecosystem: Ecosystem, old: &str, to: &str) -> Result<String, String> {
    let by_hand = || format!("which Fairway does not know how to rewrite; write {to} there by hand");
    match ecosystem {
        // Which of several ways is meant to go on, only a person knows.
        Ecosystem::Npm | Ecosystem::Python if old.contains('|') => Err(by_hand()),
        Ecosystem::Cargo | Ecosystem::Npm | Ecosystem::Python => {
            let first = rewritten(old, to, false);
            let fits = |new: &String| new != old && rules::admits(ecosystem, new, to);
            [first, rewritten(old, to, true)].into_iter().find(fits).ok_or_else(by_hand)
        }
        Ecosystem::Actions if is_commit(old) => {
            Err(format!("a commit, and nobody knows here which commit {to} is; write it there by hand"))
        }
        Ecosystem::Image if old.contains('@') => {
            Err(format!("which a digest pins, and nobody knows here the digest of {to}; write it there by hand"))
        }
        Ecosystem::Toolchain => Ok(to.trim_start_matches('v').to_owned()),
        Ecosystem::Actions | Ecosystem::Image | Ecosystem::Go => Ok(to.to_owned()),
    }
}

fn is_commit(reference: &str) -> bool {
    reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Every version behind a sign that promises (`^`, `~`, `=`, none) becomes `to`. A floor stays, and a bound above it goes up
/// only where `bounds` says so.
fn rewritten(old: &str, to: &str, bounds: bool) -> String {
    let mut out = String::with_capacity(old.len() + to.len());
    let mut rest = old;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let ends = from.find(|c: char| !(c.is_ascii_alphanumeric() || ".-+*!".contains(c))).unwrap_or(from.len());
        let (version, after) = from.split_at(ends);
        let sign = before.trim_end_matches('v').trim_end();
        out.push_str(before);
        let new = match sign.chars().next_back() {
            Some('<') => bounds.then(|| above(version, to)).flatten(),
            _ if sign.ends_with("<=") => bounds.then(|| shortened(version, to)),
            Some('>') => None,
            _ if sign.ends_with(">=") || sign.ends_with("!=") => None,
            _ => Some(shortened(version, to)),
        };
        out.push_str(new.as_deref().unwrap_or(version));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `to` with as many numbers as `like` has; all of it where `like` has three or says more than numbers.
fn shortened(like: &str, to: &str) -> String {
    let parts: Vec<&str> = like.split('.').collect();
    let wild = |part: &&str| matches!(*part, "x" | "X" | "*");
    let numbers = parts.iter().take_while(|part| part.bytes().all(|byte| byte.is_ascii_digit())).count();
    let plain = to.split(['-', '+']).next().unwrap_or(to);
    if numbers + parts.iter().filter(|part| wild(part)).count() < parts.len() || (numbers > 2 && numbers == parts.len())
    {
        // What follows a `+` has no place in a requirement.
        return to.split('+').next().unwrap_or(to).to_owned();
    }
    let taken: Vec<&str> = plain.split('.').take(numbers).collect();
    taken.into_iter().chain(parts.into_iter().skip(numbers)).collect::<Vec<_>>().join(".")
}

/// The next bound above `to`, with as many numbers as the old one: `<2.5` becomes `<3.2` for 3.1.4.
fn above(bound: &str, to: &str) -> Option<String> {
    let count = bound.split('.').count();
    let significant = bound.split('.').enumerate().filter(|(_, part)| *part != "0").last().map_or(0, |(at, _)| at);
    let numbers: Option<Vec<u64>> = to.split(['-', '+']).next()?.split('.').map(|part| part.parse().ok()).collect();
    let numbers = numbers?;
    let next = |at: usize| {
        let number = numbers.get(at).copied().unwrap_or(0);
        match at.cmp(&significant) {
            std::cmp::Ordering::Less => number,
            std::cmp::Ordering::Equal => number + 1,
            std::cmp::Ordering::Greater => 0,
        }
    };
    Some((0..count).map(|at| next(at).to_string()).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_keeps_its_sign_its_length_and_its_blanks() {
        let cases = [
            (Ecosystem::Cargo, "1", "2.3.4", "2"),
            (Ecosystem::Cargo, "0.7", "0.8.5", "0.8"),
            (Ecosystem::Cargo, "1.2.3", "2.0.1", "2.0.1"),
            (Ecosystem::Cargo, "^0.7.1", "0.8.5", "^0.8.5"),
            (Ecosystem::Cargo, "~1.2", "1.3.4", "~1.3"),
            (Ecosystem::Cargo, "= 1.2.3", "1.2.4", "= 1.2.4"),
            (Ecosystem::Cargo, "1.*", "2.3.4", "2.*"),
            (Ecosystem::Cargo, "3.0.0-beta.5", "4.0.0", "4.0.0"),
            (Ecosystem::Cargo, ">=1.2, <2", "2.3.4", ">=1.2, <3"),
            (Ecosystem::Cargo, ">=0.4.1, <0.9.0", "0.9.3", ">=0.4.1, <0.10.0"),
            (Ecosystem::Cargo, "1.2.3", "2.0.1+spec-1", "2.0.1"),
            (Ecosystem::Npm, "^17.0.2", "18.2.0", "^18.2.0"),
            (Ecosystem::Npm, "~7.3", "7.5.1", "~7.5"),
            (Ecosystem::Npm, "2.0.0", "2.1.3", "2.1.3"),
            (Ecosystem::Npm, "16.x", "18.2.0", "18.x"),
            (Ecosystem::Npm, ">=1 <2", "2.1.3", ">=1 <3"),
            (Ecosystem::Npm, "v1.2.3", "2.0.0", "v2.0.0"),
            (Ecosystem::Python, "==3.2.1", "4.0", "==4.0"),
            (Ecosystem::Python, ">= 5 , < 6", "6.1", ">= 5 , < 7"),
            (Ecosystem::Python, "~=1.4", "2.3.1", "~=2.3"),
            (Ecosystem::Python, "==1.4.*", "1.6.2", "==1.6.*"),
            (Ecosystem::Python, "^1.4", "2.3.1", "^2.3"),
            (Ecosystem::Image, "20-alpine", "22-alpine", "22-alpine"),
            (Ecosystem::Toolchain, "1.78.0", "v1.95.0", "1.95.0"),
        ];
        for (ecosystem, old, to, new) in cases {
            assert_eq!(raise(ecosystem, old, to).as_deref(), Ok(new), "{old} to {to}");
        }
    }

    #[test]
    fn what_cannot_be_rewritten_is_said() {
        let commit = "0123456789012345678901234567890123456789";
        for (ecosystem, old, to) in [
            (Ecosystem::Npm, "latest", "2.0.0"),
            (Ecosystem::Npm, "^1 || latest", "2.0.0"),
            (Ecosystem::Cargo, "*", "2.0.0"),
            (Ecosystem::Actions, commit, "v5"),
            (Ecosystem::Image, "22@sha256:aa", "23"),
        ] {
            let why = raise(ecosystem, old, to).expect_err(old);
            assert!(why.ends_with("there by hand"), "{why}");
        }
    }
}

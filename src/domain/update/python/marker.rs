//! Markers of PEP 508: where a requirement holds. Only the version of Python and extras are known here; whatever else a marker
//! asks counts as so, because a lock is for every machine. Nothing in a marker negates what it holds, so that is never too little.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::requirement::normal;
use crate::domain::update::model::Ecosystem;
use crate::domain::update::rules;

/// Brackets in brackets; nobody writes that many, and each is a call on the stack.
const DEEPEST: usize = 40;
/// The minor versions of Python 3 that are tried: those of two decades.
const MINORS: std::ops::Range<u32> = 0..40;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Where<'w> {
    /// What the repository promises to run on, as `requires-python` has it; `None`: anything.
    pub python: Option<&'w str>,
    /// Extras that somebody asks for, as indexes compare them; `None`: it is not known which, so all of them.
    pub extras: Option<&'w [String]>,
}

/// Whether a requirement with this marker may hold somewhere. One that cannot be read may.
pub fn may_hold(marker: &str, at: Where<'_>) -> bool {
    let tokens = tokens(marker);
    let holds = |python: &Version| {
        let mut reader = Reader { tokens: &tokens, at: 0, depth: 0, python, extras: at.extras };
        let said = reader.any();
        if reader.at == tokens.len() { said.unwrap_or(true) } else { true }
    };
    pythons(at.python).iter().any(holds)
}

/// The first and a late patch of every minor version that is promised; all of them where a promise cannot be read.
fn pythons(promise: Option<&str>) -> Vec<Version> {
    let all = MINORS.flat_map(|minor| [0, 99].map(|patch| Version::new([3, u64::from(minor), patch])));
    let all: Vec<Version> = std::iter::once(Version::new([2, 7, 18])).chain(all).collect();
    let Some(promise) = promise else { return all };
    let admitted = |python: &&Version| rules::admits(Ecosystem::Python, promise, &python.to_string());
    let promised: Vec<Version> = all.iter().filter(admitted).cloned().collect();
    if promised.is_empty() { all } else { promised }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    Text(&'t str),
    Word(&'t str),
    Sign(&'t str),
}

fn tokens(marker: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' | '\'' => {
                let end = rest[1..].find(first).map_or(rest.len(), |end| end + 1);
                (Token::Text(&rest[1..end]), (end + 1).min(rest.len()))
            }
            '(' | ')' => (Token::Sign(&rest[..1]), 1),
            '<' | '>' | '=' | '!' | '~' => {
                let end = rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len());
                (Token::Sign(&rest[..end]), end)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || "()<>=!~\"'".contains(c);
                let end = rest.find(ends).unwrap_or(rest.len());
                (Token::Word(&rest[..end]), end)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    tokens
}

struct Reader<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
    depth: usize,
    python: &'t Version,
    extras: Option<&'t [String]>,
}

/// `None`: it is no marker.
impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        self.at += 1;
        self.tokens.get(self.at - 1).copied()
    }

    fn takes(&mut self, token: Token<'_>) -> bool {
        let here = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(here);
        here
    }

    fn any(&mut self) -> Option<bool> {
        let mut so = self.all()?;
        while self.takes(Token::Word("or")) {
            so |= self.all()?;
        }
        Some(so)
    }

    fn all(&mut self) -> Option<bool> {
        let mut so = self.one()?;
        while self.takes(Token::Word("and")) {
            so &= self.one()?;
        }
        Some(so)
    }

    fn one(&mut self) -> Option<bool> {
        if !self.takes(Token::Sign("(")) {
            return self.comparison();
        }
        self.depth += 1;
        let inner = if self.depth > DEEPEST { None } else { self.any() };
        self.depth -= 1;
        inner.filter(|_| self.takes(Token::Sign(")")))
    }

    fn comparison(&mut self) -> Option<bool> {
        let left = self.next()?;
        let sign = match self.next()? {
            Token::Sign(sign) => sign,
            Token::Word("in") => "in",
            Token::Word("not") if self.takes(Token::Word("in")) => "not in",
            _ => return None,
        };
        match (left, self.next()?) {
            (Token::Word(name), Token::Text(value)) => Some(self.holds(name, sign, value)),
            (Token::Text(value), Token::Word(name)) => Some(self.holds(name, turned(sign), value)),
            (Token::Text(_), Token::Text(_)) | (Token::Word(_), Token::Word(_)) => Some(true),
            _ => None,
        }
    }

    fn holds(&self, name: &str, sign: &str, value: &str) -> bool {
        match (name, sign) {
            ("extra", "==") => self.extras.is_none_or(|extras| extras.contains(&normal(value))),
            ("python_version" | "python_full_version", "in" | "not in") => {
                let listed = value.split([',', ' ', '|']).filter_map(|one| Version::from_str(one).ok());
                let minor = Version::new(self.python.release().iter().take(2).copied());
                listed.into_iter().any(|one| one == *self.python || one == minor) == (sign == "in")
            }
            ("python_version", _) => {
                let minor = Version::new(self.python.release().iter().take(2).copied());
                compared(&minor, sign, value)
            }
            ("python_full_version", _) => compared(self.python, sign, value),
            _ => true,
        }
    }
}

fn compared(python: &Version, sign: &str, value: &str) -> bool {
    VersionSpecifiers::from_str(&format!("{sign}{value}")).map_or(true, |wanted| wanted.contains(python))
}

/// A comparison read from its other end.
fn turned(sign: &str) -> &str {
    match sign {
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Where, may_hold};

    #[test]
    fn what_holds_on_no_promised_python_or_without_its_extra_does_not_count() {
        let extras = ["socks".to_owned()];
        let at = Where { python: Some(">=3.9,<4"), extras: Some(&extras) };
        let holds = [
            "python_version >= '3.10'",
            "python_version<\"3.10\" or extra == 'none'",
            "python_full_version < '3.9.1'",
            "'3.9' <= python_version",
            "sys_platform == 'win32' and python_version not in '3.9, 3.10'",
            "extra == \"Socks\"",
            "(extra == 'socks' and (os_name == 'nt')) and implementation_name != 'x'",
            "python_version ~= '3.9'",
            "no marker at all",
            "python_version < '3.9' )",
            "",
        ];
        for marker in holds {
            assert!(may_hold(marker, at), "{marker}");
        }
        let not = [
            "python_version < '3.9'",
            "python_version == '2.7'",
            "'3.8' >= python_version",
            "python_full_version <= '3.8.99'",
            "python_version in '2.7, 3.8'",
            "extra == 'tests'",
            "(extra == 'tests' or python_version < '3') and sys_platform == 'win32'",
        ];
        for marker in not {
            assert!(!may_hold(marker, at), "{marker}");
        }
        assert!(may_hold("extra == 'tests'", Where { extras: None, ..at }));
        assert!(may_hold("python_version < '3'", Where { python: None, ..at }));
        let deep = format!("{}python_version < '3'{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(may_hold(&deep, at));
    }
}

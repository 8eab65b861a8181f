//! What a person does not want: `serde`, `aws-*`, `tokio@2`, `npm:react@>=19`.

use globset::{Glob, GlobMatcher};

use super::model::{Declared, Ecosystem, Proposal};
use super::rules;

/// One rule.
#[derive(Clone, Debug)]
pub struct Ignore {
    /// As written.
    pub text: String,
    ecosystem: Option<Ecosystem>,
    name: GlobMatcher,
    /// Only the versions that this takes; all without.
    versions: Option<String>,
}

impl PartialEq for Ignore {
    fn eq(&self, other: &Ignore) -> bool {
        self.text == other.text
    }
}

impl Eq for Ignore {}

const PREFIXES: [(&str, Ecosystem); 3] =
    [("cargo:", Ecosystem::Cargo), ("npm:", Ecosystem::Npm), ("python:", Ecosystem::Python)];

impl Ignore {
    /// Reads a rule; the error says what is wrong with it and how one looks.
    pub fn parse(text: &str) -> Result<Ignore, String> {
        let bad =
            |why: &str| format!("`{text}` is no rule to ignore something: {why}; write `serde`, `aws-*` or `tokio@2`");
        let text = text.trim();
        let prefix = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix));
        let (rest, ecosystem) = match prefix {
            Some((prefix, ecosystem)) => (&text[prefix.len()..], Some(*ecosystem)),
            None => (text, None),
        };
        // `@scope/name` begins with the sign that elsewhere begins the versions.
        let at = rest.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
        let (name, versions) = match at {
            Some(at) => (&rest[..at], Some(rest[at + 1..].trim().to_owned())),
            None => (rest, None),
        };
        if name.is_empty() || versions.as_deref() == Some("") {
            return Err(bad("a part of it is empty"));
        }
        let name = Glob::new(name).map_err(|_| bad("its name is no pattern"))?.compile_matcher();
        Ok(Ignore { text: text.to_owned(), ecosystem, name, versions })
    }

    /// Whether it speaks of this package, in whichever version.
    pub fn names(&self, proposal: &Proposal) -> bool {
        self.ecosystem.is_none_or(|ecosystem| ecosystem == proposal.ecosystem) && self.name.is_match(&proposal.name)
    }

    /// Whether it speaks of this version of what a line asks for.
    pub fn covers(&self, declared: &Declared, version: &str) -> bool {
        self.ecosystem.is_none_or(|ecosystem| ecosystem == declared.ecosystem)
            && self.name.is_match(&declared.name)
            && self.versions.as_deref().is_none_or(|versions| rules::admits(declared.ecosystem, versions, version))
    }
}

//! Advisories: what is known to be wrong with which versions, read from several databases into one shape, held against a lock,
//! and the smallest change of the lock that ends what can be ended.

mod audit;
mod book;
pub mod fix;
mod github;
mod order;
mod osv;
mod reach;
mod rustsec;
mod severity;
mod span;
mod told;

pub use audit::{Audit, Finding, Unjudged, audit};
pub use book::{Book, concerns, read};
pub use github::{documents, github, word};
pub use reach::{Reach, Sources, language, languages};
pub use severity::Severity;
pub use span::Span;
pub use told::{Name, Question, Told};

use super::model::Ecosystem;

/// What somebody published about a package. The shape is OSV's, without what nobody here asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advisory {
    /// The database's own name for it: `RUSTSEC-2022-0043`, `GHSA-...`, `CVE-...`.
    pub id: String,
    /// Other databases' names for the same thing.
    pub aliases: Vec<String>,
    /// One line; empty where the database has none.
    pub title: String,
    /// Where to read more.
    pub url: Option<String>,
    /// How bad; `None`: the database does not say, or in a way that is not understood.
    pub severity: Option<Severity>,
    /// A date or a time in RFC 3339, as the database writes it.
    pub published: Option<String>,
    /// Why it is no vulnerability: `unmaintained`, `unsound`, `notice`.
    pub informational: Option<String>,
    /// Taken back by those who published it.
    pub withdrawn: bool,
    /// The packages.
    pub affected: Vec<Affected>,
}

/// Which versions of a package an advisory is about: those in a span or enumerated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Whose package.
    pub ecosystem: Ecosystem,
    /// Its name, as the ecosystem compares names.
    pub package: String,
    /// Ranges.
    pub spans: Vec<Span>,
    /// Single versions.
    pub versions: Vec<String>,
    /// What must be called to be touched by it; empty where the database does not say.
    pub functions: Vec<String>,
}

/// An advisory that cannot be held against anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Its name, or its file's where it has none.
    pub id: String,
    /// Its file.
    pub file: String,
    /// Whom it is about, as far as that can be read.
    pub packages: Vec<(Ecosystem, String)>,
    /// What is wrong with it.
    pub why: String,
}

/// An advisory, or one that cannot be used.
pub type Document = Result<Advisory, Unusable>;

/// A package's name as its ecosystem compares it: Python takes `Foo.Bar` and `foo_bar` for one (PEP 503).
pub fn canonical(ecosystem: Ecosystem, name: &str) -> String {
    if ecosystem != Ecosystem::Python {
        return name.to_owned();
    }
    let parts: Vec<String> =
        name.split(['-', '_', '.']).filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect();
    parts.join("-")
}

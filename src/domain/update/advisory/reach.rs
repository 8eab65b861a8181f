//! Whether a repository's own code names what an advisory is about: a hint, which hides nothing and proves nothing.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::Finding;
use crate::domain::update::model::Ecosystem;
use crate::domain::update::source::{Files, foreign};

/// Places that are remembered of one advisory.
const PLACES: usize = 20;

/// Whether an advisory's functions are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// In these places, `src/main.rs:12`, the first of each file.
    Used(Vec<String>),
    /// In no file; all of them were read.
    NotUsed,
    /// The advisory names no function, or not all files were read and those do not name one.
    #[default]
    Unknown,
}

/// The code of a repository, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Path to text.
    pub texts: Files,
    /// Whether that is all of it.
    pub whole: bool,
}

/// In whose packages' language a file is written by hand; `None`: in none that is looked up.
pub fn language(path: &str) -> Option<Ecosystem> {
    let (name, end) = path.rsplit_once('.')?;
    match end {
        _ if foreign(path) || name.ends_with(".min") => None,
        "rs" => Some(Ecosystem::Cargo),
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte" | "astro" => {
            Some(Ecosystem::Npm)
        }
        "py" => Some(Ecosystem::Python),
        "go" => Some(Ecosystem::Go),
        _ => None,
    }
}

/// The languages in which code is worth reading for these: others' advisories name no function.
pub fn languages<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> BTreeSet<Ecosystem> {
    let named = findings.into_iter().filter(|finding| !finding.functions.is_empty());
    named.map(|finding| finding.ecosystem).collect()
}

impl Sources {
    /// Whether this code names what an advisory is about.
    pub fn reach(&self, finding: &Finding) -> Reach {
        let letter = |c: char| c.is_alphanumeric() || c == '_';
        // `tokio::io::split` in Rust, `Decoder.Decode` in Go.
        let last = |path: &'_ String| path.rsplit(|c| !letter(c)).find(|word| !word.is_empty()).map(str::to_owned);
        let names: HashSet<String> = finding.functions.iter().filter_map(last).collect();
        if names.is_empty() {
            return Reach::Unknown;
        }
        let named = |line: &str| line.split(|c| !letter(c)).any(|word| names.contains(word));
        let place = |(path, text): (&String, &String)| {
            let at = text.lines().position(named)? + 1;
            Some(format!("{path}:{at}"))
        };
        let own = self.texts.iter().filter(|(path, _)| language(path) == Some(finding.ecosystem));
        let places: Vec<String> = own.filter_map(place).take(PLACES).collect();
        match places.is_empty() {
            false => Reach::Used(places),
            true if self.whole => Reach::NotUsed,
            true => Reach::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About 1.0.0 of it, by functions.
    fn finding(ecosystem: Ecosystem, functions: &[&str]) -> Finding {
        Finding {
            ids: vec!["X-1".to_owned()],
            title: String::new(),
            url: None,
            severity: None,
            published: None,
            informational: None,
            functions: functions.iter().map(|name| (*name).to_owned()).collect(),
            ecosystem,
            file: String::new(),
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            place: 0,
            chain: Vec::new(),
        }
    }

    fn sources(whole: bool, files: &[(&str, &str)]) -> Sources {
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Sources { texts: texts.collect(), whole }
    }

    #[test]
    fn a_name_is_found_as_a_word_in_the_packages_own_language() {
        let code = sources(
            true,
            &[
                ("src/a.rs", "use tokio::io;\n\nlet (r, w) = io::split(pipe);\nio::split(x);\n"),
                ("src/b.rs", "text.splitn(2, ' ');\n"),
                ("web/a.ts", "text.split(',')\n"),
                ("vendor/tokio/io.rs", "pub fn split() {}\n"),
            ],
        );
        assert_eq!(code.reach(&finding(Ecosystem::Cargo, &[])), Reach::Unknown, "it names no function");
        let split = finding(Ecosystem::Cargo, &["tokio::io::split"]);
        assert_eq!(code.reach(&split), Reach::Used(vec!["src/a.rs:3".to_owned()]));
        let copy = finding(Ecosystem::Cargo, &["tokio::io::copy"]);
        assert_eq!(code.reach(&copy), Reach::NotUsed);
        let half = Sources { whole: false, ..code };
        assert_eq!(half.reach(&copy), Reach::Unknown, "it may stand in what was not read");
    }

    #[test]
    fn code_is_read_only_for_languages_whose_advisories_name_functions() {
        let cargo = finding(Ecosystem::Cargo, &[]);
        let go = finding(Ecosystem::Go, &["Decoder.Decode"]);
        assert_eq!(languages([&cargo, &go]), BTreeSet::from([Ecosystem::Go]));
        let main = sources(true, &[("main.go", "d := new(Decoder)\nd.Decode()\n")]);
        assert_eq!(main.reach(&go), Reach::Used(vec!["main.go:2".to_owned()]));
    }
}

//! What GitHub told of advisories so far. Its list holds those of all the world, so it is asked about packages by name, once
//! for all repositories that have them, and then for what changed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Book, Document, github};
use crate::domain::update::model::Ecosystem;

/// A package's ecosystem and its name.
pub type Name = (Ecosystem, String);

/// So many names stand in one question; GitHub takes a thousand, and servers addresses of eight thousand letters.
const NAMES: usize = 100;
const LETTERS: usize = 4_000;

/// Packages of one ecosystem to be asked about in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose packages.
    pub ecosystem: Ecosystem,
    /// Their names.
    pub names: Vec<String>,
}

/// All that was told.
#[derive(Default)]
pub struct Told {
    /// When a package was asked about; Unix milliseconds.
    asked: BTreeMap<Name, i64>,
    /// Packages that somebody wanted to know about and that no answer came about yet.
    missed: BTreeSet<Name>,
    known: BTreeMap<String, Document>,
}

impl Told {
    /// What is to be asked to know all about these packages: those that were not asked about since `since`, Unix milliseconds.
    pub fn open<'a>(&self, names: impl Iterator<Item = &'a Name>, since: i64) -> Vec<Question> {
        let mut open: Vec<&Name> = names
            .filter(|(ecosystem, name)| github::word(*ecosystem).is_some() && plain(name))
            .filter(|name| self.asked.get(*name).is_none_or(|at| *at <= since))
            .collect();
        open.sort_unstable();
        open.dedup();
        let mut questions: Vec<Question> = Vec::new();
        let mut letters = 0;
        for (ecosystem, name) in open {
            let fits = |last: &&mut Question| {
                last.ecosystem == *ecosystem && last.names.len() < NAMES && letters + name.len() < LETTERS
            };
            match questions.last_mut().filter(fits) {
                Some(last) => {
                    last.names.push(name.clone());
                    letters += name.len() + 1;
                }
                None => {
                    questions.push(Question { ecosystem: *ecosystem, names: vec![name.clone()] });
                    letters = name.len() + 1;
                }
            }
        }
        questions
    }

    /// Whether nobody asked about anything yet.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Whether somebody was told something without knowing what GitHub says of these packages.
    pub fn lacks<'a>(&self, mut names: impl Iterator<Item = &'a Name>) -> bool {
        names.any(|name| self.missed.contains(name))
    }

    /// Nobody answered this.
    pub fn unanswered(&mut self, question: &Question) {
        let names = question.names.iter().map(|name| (question.ecosystem, name.clone()));
        self.missed.extend(names.filter(|name| !self.asked.contains_key(name)));
    }

    /// All that there is about the packages of a question. Gives those of which something else was said before; what was never
    /// asked about is no news, unless somebody went without it.
    pub fn answered(&mut self, question: &Question, documents: Vec<Document>, now: i64) -> BTreeSet<Name> {
        let names: BTreeSet<Name> = question.names.iter().map(|name| (question.ecosystem, name.clone())).collect();
        let fresh: BTreeSet<Name> = names
            .iter()
            .filter(|name| !self.asked.contains_key(*name) && !self.missed.contains(*name))
            .cloned()
            .collect();
        let listed: BTreeSet<&str> = documents.iter().map(id).collect();
        // What is not in the answer any more is about them no more.
        let about = |document: &Document| packages(document).iter().any(|package| names.contains(package));
        let gone = |(id, document): &(&String, &Document)| !listed.contains(id.as_str()) && about(document);
        let gone: Vec<String> = self.known.iter().filter(gone).map(|(id, _)| id.clone()).collect();
        let mut changed = BTreeSet::new();
        for id in gone {
            changed.extend(self.known.remove(&id).iter().flat_map(packages));
        }
        for document in documents {
            changed.extend(self.put(document));
        }
        for name in names {
            self.missed.remove(&name);
            self.asked.insert(name, now);
        }
        changed.retain(|name| !fresh.contains(name) && self.asked.contains_key(name));
        changed
    }

    /// What changed lately, whomever it is about. Gives the packages of which something else was said before.
    pub fn changed(&mut self, documents: Vec<Document>) -> BTreeSet<Name> {
        let mut changed = BTreeSet::new();
        for document in documents {
            let ours = packages(&document).iter().any(|package| self.asked.contains_key(package));
            if ours || self.known.contains_key(id(&document)) {
                changed.extend(self.put(document));
            }
        }
        changed.retain(|name| self.asked.contains_key(name));
        changed
    }

    /// More changed than anybody lists: everything is asked anew.
    pub fn doubt(&mut self) {
        self.asked.values_mut().for_each(|at| *at = i64::MIN);
    }

    /// As a database of its own.
    pub fn book(&self) -> Book {
        let (mut advisories, mut unusable) = (Vec::new(), Vec::new());
        for document in self.known.values() {
            match document {
                Ok(advisory) => advisories.push(advisory.clone()),
                Err(one) => unusable.push(one.clone()),
            }
        }
        Book::new(advisories, unusable)
    }

    /// Keeps it. Gives the packages that it is about now and was before, if it says something else.
    fn put(&mut self, document: Document) -> Vec<Name> {
        let mut about = packages(&document);
        match self.known.insert(id(&document).to_owned(), document.clone()) {
            Some(old) if old == document => Vec::new(),
            Some(old) => {
                about.extend(packages(&old));
                about
            }
            None => about,
        }
    }
}

fn id(document: &Document) -> &str {
    match document {
        Ok(advisory) => &advisory.id,
        Err(one) => &one.id,
    }
}

fn packages(document: &Document) -> Vec<Name> {
    match document {
        Ok(advisory) => {
            advisory.affected.iter().map(|affected| (affected.ecosystem, affected.package.clone())).collect()
        }
        Err(one) => one.packages.clone(),
    }
}

/// Whether a name is one that can stand in a list with commas, and after which an `@` would name a version. Names come from
/// locks, where anything may stand.
fn plain(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+' | '~');
    let rest = name.strip_prefix('@').unwrap_or(name);
    !rest.is_empty() && name.len() <= 250 && rest.chars().all(letter)
}

#[cfg(test)]
mod tests {
    use super::super::{Advisory, Affected, Span};
    use super::*;

    fn name(name: &str) -> Name {
        (Ecosystem::Npm, name.to_owned())
    }

    fn about(id: &str, package: &str) -> Document {
        let span = Span { from: std::ops::Bound::Unbounded, to: std::ops::Bound::Unbounded };
        let affected = Affected {
            ecosystem: Ecosystem::Npm,
            package: package.to_owned(),
            spans: vec![span],
            versions: Vec::new(),
            functions: Vec::new(),
        };
        Ok(Advisory { id: id.to_owned(), affected: vec![affected], ..Advisory::default() })
    }

    fn withdrawn(id: &str) -> Document {
        Ok(Advisory { id: id.to_owned(), withdrawn: true, ..Advisory::default() })
    }

    fn ask(told: &Told, names: &[&str], since: i64) -> Vec<Question> {
        let names: Vec<Name> = names.iter().copied().map(name).collect();
        told.open(names.iter(), since)
    }

    #[test]
    fn a_package_is_asked_about_once_and_only_what_changes_is_news() {
        let mut told = Told::default();
        let questions = ask(&told, &["ant", "bee", "ant"], 0);
        assert_eq!(questions.len(), 1);
        let first = told.answered(&questions[0], vec![about("GHSA-1", "ant")], 10);
        assert!(first.is_empty(), "what was there is no news");
        assert!(ask(&told, &["ant", "bee"], 9).is_empty());
        assert_eq!(ask(&told, &["ant"], 10).len(), 1, "after a while it is asked again");
        assert_eq!(told.changed(vec![about("GHSA-1", "ant"), about("GHSA-9", "fly")]), BTreeSet::new());
        assert_eq!(told.book().read, 1, "others' packages are not kept");
        assert_eq!(told.changed(vec![about("GHSA-2", "bee")]), BTreeSet::from([name("bee")]));
        assert_eq!(told.changed(vec![withdrawn("GHSA-2")]), BTreeSet::from([name("bee")]));
        assert_eq!((told.book().read, told.book().withdrawn), (2, 1));
        // A list that has it no more says the same.
        let again = told.answered(&questions[0], vec![], 20);
        assert_eq!(again, BTreeSet::from([name("ant")]));
        assert_eq!(told.book().withdrawn, 1, "what nobody can be open to may stay");
    }

    #[test]
    fn what_somebody_went_without_is_news_when_it_comes() {
        let mut told = Told::default();
        let question = ask(&told, &["ant"], 0).remove(0);
        told.unanswered(&question);
        assert!(told.lacks([name("ant")].iter()) && !told.lacks([name("bee")].iter()));
        assert_eq!(told.answered(&question, vec![about("GHSA-1", "ant")], 10), BTreeSet::from([name("ant")]));
        assert!(!told.lacks([name("ant")].iter()));
        told.unanswered(&question);
        assert!(!told.lacks([name("ant")].iter()), "an older answer is one");
        told.doubt();
        assert_eq!(ask(&told, &["ant"], 0).len(), 1);
    }

    #[test]
    fn a_question_has_a_hundred_names_of_one_ecosystem_and_none_that_would_mean_something_else() {
        let told = Told::default();
        let mut names: Vec<Name> = (0..250).map(|n| name(&format!("p{n:03}"))).collect();
        names.push((Ecosystem::Cargo, "serde".to_owned()));
        names.push((Ecosystem::Image, "alpine".to_owned()));
        names.extend(["@scope/x", "a,b", "a@1.0.0", "a b", "", "@", "ä"].map(name));
        let questions = told.open(names.iter(), 0);
        let sizes: Vec<(Ecosystem, usize)> = questions.iter().map(|q| (q.ecosystem, q.names.len())).collect();
        assert_eq!(sizes, [(Ecosystem::Cargo, 1), (Ecosystem::Npm, 100), (Ecosystem::Npm, 100), (Ecosystem::Npm, 51)]);
        assert_eq!(questions[1].names[0], "@scope/x");
        let long: Vec<Name> = (0..60).map(|n| name(&format!("{}{n:02}", "x".repeat(200)))).collect();
        assert_eq!(told.open(long.iter(), 0).len(), 4);
    }
}

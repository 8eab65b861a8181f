//! What a look at a checkout says of advisories: with a registry in memory.

use std::sync::{Arc, Mutex};

use fairway::domain::speech::updates::security::sure;
use fairway::domain::update::advisory::Book;
use fairway::domain::update::{Answers, Ecosystem, Files, Found, Looked, Package, Policy, Release};
use fairway::registry::cure::{Cured, cures};
use fairway::registry::databases::Refreshed;
use fairway::registry::{How, Packages};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::world::{book, found, offers};

/// Answers from lines, and remembers what was asked.
struct Shelf {
    releases: Vec<(Package, Vec<Release>)>,
    asked: Mutex<Vec<String>>,
}

impl Shelf {
    /// From lines `name version: name requirement; name requirement`.
    fn of(ecosystem: Ecosystem, lines: &[&str]) -> Shelf {
        let releases = offers(lines).into_iter().map(|(name, offers)| {
            let of = offers.into_iter().map(|offer| Release {
                version: offer.version,
                published: Some(0),
                dependencies: offer.needs,
                ..Release::default()
            });
            (Package { ecosystem, registry: None, name }, of.collect())
        });
        Shelf { releases: releases.collect(), asked: Mutex::default() }
    }
}

impl Packages for Shelf {
    fn look_up<'a>(&'a self, packages: &'a [Package], _how: How) -> BoxFuture<'a, Answers> {
        self.asked.lock().expect("a list").extend(packages.iter().map(|package| package.name.clone()));
        let answer = |package: &Package| {
            let known = self.releases.iter().find(|(other, _)| other == package);
            let failed = || Looked::Not("nobody is there".to_owned());
            (package.clone(), known.map_or_else(failed, |(_, releases)| Looked::Releases(releases.clone())))
        };
        let answers: Answers = packages.iter().map(answer).collect();
        std::future::ready(answers).boxed()
    }

    fn book(&self) -> Arc<Book> {
        Arc::default()
    }

    fn refresh(&self, _now: i64) -> BoxFuture<'_, Refreshed> {
        std::future::ready(Refreshed::default()).boxed()
    }
}

async fn look(shelf: &Shelf, found: &Found, book: Book) -> Cured {
    cures(shelf, found, (&Arc::new(book), &Policy::at(0)), &Files::new()).await
}

/// `name version: why it stays`.
fn stays(cured: &Cured) -> Vec<String> {
    cured.exposed.iter().map(|one| format!("{} {} in {}: {}", one.name, one.version, one.file, one.stays)).collect()
}

#[tokio::test]
async fn what_stays_is_said_where_nothing_can_be_changed_also_of_the_second_lock() {
    // Two locks with the same package; the second one's numbers are not those of the first.
    let mut both = found(&["a 1.0.0: b 1.0.0", "b 1.0.0"], &["a 1"]);
    let mut other = found(&["b 1.0.0"], &["b =1.0.0"]);
    for locked in &mut other.locked {
        locked.file = "tools/Cargo.lock".to_owned();
        locked.needs.iter_mut().for_each(|need| *need += both.locked.len());
    }
    other.declared.iter_mut().for_each(|declared| declared.file = "tools/Cargo.toml".to_owned());
    both.locked.extend(other.locked);
    both.declared.extend(other.declared);
    let shelf = Shelf::of(Ecosystem::Cargo, &["a 1.0.0: b =1.0.0", "b 1.0.0", "b 1.1.0"]);
    let cured = look(&shelf, &both, book(&["RUSTSEC-1 b: >=1.1.0"])).await;
    assert_eq!(cured.cures.len(), 0);
    assert_eq!(
        stays(&cured),
        [
            "b 1.0.0 in Cargo.lock: a 1.0.0 requires b =1.0.0, and the manifest requires a 1; b 1.1.0 is free of it",
            "b 1.0.0 in tools/Cargo.lock: the manifest requires b =1.0.0; b 1.1.0 is free of it",
        ]
    );
}

#[tokio::test]
async fn what_is_added_and_removed_is_told_apart_from_what_changes() {
    let lock = found(&["a 1.0.0: old 1.0.0", "old 1.0.0", "other 1.0.0"], &["a 1", "other 1"]);
    let lines = ["a 1.0.0: old ^1", "a 1.1.0: new ^1", "old 1.0.0", "new 1.0.0", "new 1.2.0", "other 1.0.0"];
    let shelf = Shelf::of(Ecosystem::Cargo, &lines);
    let cured = look(&shelf, &lock, book(&["RUSTSEC-1 old:"])).await;
    let [cure] = cured.cures.as_slice() else { panic!("{:?}", cured.cures) };
    let items: Vec<&str> = cure.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(items, ["a"], "what is added comes by itself");
    let said = sure(cure.proof.expect("it was searched"), &cure.extent);
    assert_eq!(said, "1 version changes, 1 is added and 1 is removed; nothing smaller does");
    assert_eq!(cure.extent.added, [("new".to_owned(), "1.2.0".to_owned())]);
    assert!(!shelf.asked.lock().expect("a list").contains(&"other".to_owned()), "nothing rests on it");
}

#[tokio::test]
async fn what_registries_do_not_answer_holds_up_nothing_else_and_is_not_made_up() {
    let lock = found(&["a 1.0.0", "b 1.0.0"], &["a 1", "b 1"]);
    let shelf = Shelf::of(Ecosystem::Cargo, &["a 1.0.0", "a 1.1.0"]);
    let cured = look(&shelf, &lock, book(&["RUSTSEC-1 a: >=1.1.0", "RUSTSEC-2 b: >=1.1.0"])).await;
    let [cure] = cured.cures.as_slice() else { panic!("{:?}", cured.cures) };
    assert_eq!((cure.items.len(), cure.fixed.len()), (1, 1));
    assert!(sure(cure.proof.expect("it was searched"), &cure.extent).contains("not found out"));
    assert_eq!(stays(&cured)[1], "b 1.0.0 in Cargo.lock: what it takes could not be looked up");
}

//! The smallest change, on locks that people have.

use fairway::domain::update::Found;
use fairway::domain::update::Why;
use fairway::domain::update::advisory::fix::{Against, Blocker, EFFORT, Fix, Offers, Proof, fix, missing};
use fairway::domain::update::advisory::{Book, read};

use crate::world::{all, book, found, offers};

fn run(found: &Found, book: &Book, offers: &Offers) -> Fix {
    fix(found, "Cargo.lock", all(book), offers, EFFORT)
}

fn changes(fix: &Fix) -> Vec<String> {
    let from = |from: &Option<String>| from.clone().unwrap_or_else(|| "nothing".to_owned());
    fix.changes.iter().map(|c| format!("{} {} > {}", c.name, from(&c.from), c.to)).collect()
}

/// `who requires what`, the nearest first.
fn chain(fix: &Fix, at: usize) -> Vec<String> {
    let Blocker::Chain(links) = &fix.left[at].blocker else { panic!("{:?}", fix.left[at].blocker) };
    links
        .iter()
        .map(|link| {
            let by = link.by.as_ref().map_or("manifest".to_owned(), |(name, version)| format!("{name} {version}"));
            format!("{by} requires {} {}", link.package, link.requirement)
        })
        .collect()
}

#[test]
fn one_package_locked_twice_has_two_fixes() {
    let path = "crates/tower-http/RUSTSEC-2022-0043.md";
    let book = read([(path, include_str!("../data/advisories/RUSTSEC-2022-0043.md"))].into_iter());
    let lock = found(
        &["axum 0.3.4: tower-http 0.1.2", "tower-http 0.1.2", "tower-http 0.2.0"],
        &["axum 0.3", "tower-http 0.2.0"],
    );
    let registry = offers(&[
        "axum 0.3.4: tower-http ^0.1",
        "axum 0.8.0: tower-http ^0.6",
        "tower-http 0.1.2",
        "tower-http 0.1.3",
        "tower-http 0.2.0",
        "tower-http 0.2.1",
        "tower-http 0.2.5",
        "tower-http 0.6.0",
    ]);
    let fix = run(&lock, &book, &registry);
    assert_eq!(changes(&fix), ["tower-http 0.1.2 > 0.1.3", "tower-http 0.2.0 > 0.2.1"]);
    assert_eq!((fix.fixed.len(), fix.left.len(), fix.proof), (2, 0, Proof::Smallest));
}

/// As cargo does it: `cargo update --package d@0.1.1 --precise 1.1.0` leaves one of two where the manifest takes either.
#[test]
fn who_is_met_by_another_locked_version_is_told_so() {
    let lock = found(&["a 0.1.0: b 1.0.0", "b 1.0.0", "d 0.1.1: a 0.1.0, d 1.1.0", "d 1.1.0"], &["d *"]);
    let registry = offers(&["a 0.1.0: b ^1", "b 1.0.0", "d 0.1.0", "d 0.1.1: d ^1; a *", "d 1.1.0"]);
    let fix = run(&lock, &book(&["RUSTSEC-0 a: >=1.1.0"]), &registry);
    assert_eq!((changes(&fix).len(), fix.fixed.len(), fix.left.len(), fix.proof), (0, 1, 0, Proof::Smallest));
    let gone: Vec<&str> = fix.removed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(gone, ["a", "b", "d"]);
    let moved: Vec<String> = fix.moved.iter().map(|c| format!("{} {:?} > {}", c.name, c.from, c.to)).collect();
    assert_eq!(moved, ["d Some(\"0.1.1\") > 1.1.0"]);
}

#[test]
fn the_nearest_of_several_patched_ranges_is_taken() {
    let path = "crates/tokio/RUSTSEC-2023-0001.md";
    let book = read([(path, include_str!("../data/advisories/RUSTSEC-2023-0001.md"))].into_iter());
    let versions = ["1.14.0", "1.17.0", "1.18.3", "1.18.6", "1.19.0", "1.20.3", "1.23.1", "1.40.0"];
    let lines: Vec<String> = versions.iter().map(|version| format!("tokio {version}")).collect();
    let registry = offers(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let lock = found(&["tokio 1.14.0"], &["tokio 1.14"]);
    assert_eq!(changes(&run(&lock, &book, &registry)), ["tokio 1.14.0 > 1.18.6"]);
    // Where something else needs 1.19 at least, the next range is.
    let lock = found(&["tokio 1.14.0", "h 1.0.0: tokio 1.14.0"], &["tokio 1.14", "h 1"]);
    let mut registry = registry;
    registry.extend(offers(&["h 1.0.0: tokio >=1.14, <1.18", "h 1.1.0: tokio ^1.19"]));
    assert_eq!(changes(&run(&lock, &book, &registry)), ["h 1.0.0 > 1.1.0", "tokio 1.14.0 > 1.20.3"]);
}

#[test]
fn a_transitive_one_is_ended_by_one_change_far_above_it() {
    // remove_dir_all goes with tempfile's next version; nothing else has to move.
    let path = "crates/remove_dir_all/RUSTSEC-2023-0018.md";
    let book = read([(path, include_str!("../data/advisories/RUSTSEC-2023-0018.md"))].into_iter());
    let lock = found(
        &["native-tls 0.2.8: tempfile 3.2.0", "tempfile 3.2.0: remove_dir_all 0.5.3", "remove_dir_all 0.5.3"],
        &["native-tls 0.2"],
    );
    let registry = offers(&[
        "native-tls 0.2.8: tempfile ^3.1",
        "native-tls 0.2.11: tempfile ^3.1",
        "tempfile 3.2.0: remove_dir_all ^0.5",
        "tempfile 3.3.0: remove_dir_all ^0.5",
        "tempfile 3.4.0",
        "tempfile 3.5.0",
        "remove_dir_all 0.5.3",
        "remove_dir_all 0.8.0",
    ]);
    let fix = run(&lock, &book, &registry);
    assert_eq!(changes(&fix), ["tempfile 3.2.0 > 3.4.0"]);
    assert_eq!(fix.removed, [("remove_dir_all".to_owned(), "0.5.3".to_owned())]);
    assert_eq!(fix.proof, Proof::Smallest);
    let edges: Vec<usize> = fix.lock.iter().filter(|l| l.name == "tempfile").flat_map(|l| l.needs.clone()).collect();
    assert_eq!(edges, Vec::<usize>::new(), "the new lock is the new version's");
}

#[test]
fn what_a_feature_brings_in_a_newer_version_counts_where_the_lock_shows_that_it_is_on() {
    // As tokio's `net` brings socket2 from 1.17 on, and hyper's requirement holds an older one.
    let lock = found(
        &["hyper 1.0.0: socket 0.4.2, tokio 1.14.0", "socket 0.4.2", "mio 0.7.1", "tokio 1.14.0: mio 0.7.1"],
        &["hyper 1", "tokio 1"],
    );
    let registry = offers(&[
        "hyper 1.0.0: socket ^0.4; tokio ^1",
        "mio 0.7.1",
        "socket 0.4.2",
        "socket 0.4.4",
        "tokio 1.14.0: mio ^0.7 [net]; log ^1 [trace]",
        "tokio 1.18.0: mio ^0.7 [full, net]; socket ^0.4.4 [full, net]; log ^2 [trace]",
    ]);
    let fix = run(&lock, &book(&["RUSTSEC-1 tokio: >=1.18.0"]), &registry);
    assert_eq!(changes(&fix), ["socket 0.4.2 > 0.4.4", "tokio 1.14.0 > 1.18.0"]);
}

#[test]
fn no_fix_brings_in_an_advisory_that_the_lock_does_not_have() {
    let book = book(&["RUSTSEC-1 a: >=1.1.0", "RUSTSEC-2 a: <1.1.0; >=1.2.0", "RUSTSEC-3 b: >=1.1.0"]);
    let lock = found(&["a 1.0.0", "b 1.0.0"], &["a 1", "b 1"]);
    let registry = offers(&["a 1.0.0", "a 1.1.0", "a 1.2.0", "b 1.0.0", "b 1.1.0"]);
    let only = ["RUSTSEC-1".to_owned()].into();
    let fix = fix(&lock, "Cargo.lock", Against { book: &book, only: Some(&only) }, &registry, EFFORT);
    assert_eq!(changes(&fix), ["a 1.0.0 > 1.2.0"]);
    assert_eq!((fix.fixed.len(), fix.left.len()), (1, 0), "the others are not asked for");
}

#[test]
fn what_is_held_names_who_holds_it_up_to_the_manifest() {
    let book = book(&["RUSTSEC-1 idna: >=1.0.0", "RUSTSEC-2 sqlx: >=0.8.1", "RUSTSEC-3 stale:"]);
    let lock = found(
        &["sqlx 0.5.9: core 0.5.9", "core 0.5.9: idna 0.2.3", "idna 0.2.3", "stale 1.0.0"],
        &["sqlx ^0.5", "stale ^1"],
    );
    let registry = offers(&[
        "sqlx 0.5.9: core =0.5.9",
        "sqlx 0.8.1: core =0.8.1",
        "core 0.5.9: idna ^0.2",
        "core 0.5.10: idna ^0.2",
        "core 0.8.1: idna ^1",
        "idna 0.2.3",
        "idna 1.0.0",
        "stale 1.0.0",
        "stale 1.0.1",
    ]);
    let fix = run(&lock, &book, &registry);
    assert_eq!(changes(&fix), Vec::<String>::new());
    let left: Vec<(&str, Option<&str>)> = fix.left.iter().map(|l| (l.finding.id(), l.free.as_deref())).collect();
    assert_eq!(left, [("RUSTSEC-1", Some("1.0.0")), ("RUSTSEC-2", Some("0.8.1")), ("RUSTSEC-3", None)]);
    assert_eq!(
        chain(&fix, 0),
        ["core 0.5.9 requires idna ^0.2", "sqlx 0.5.9 requires core =0.5.9", "manifest requires sqlx ^0.5"]
    );
    assert_eq!(chain(&fix, 1), ["manifest requires sqlx ^0.5"]);
    assert_eq!(fix.left[2].blocker, Blocker::NoRelease);
}

#[test]
fn a_fix_that_needs_a_newer_toolchain_is_held_and_says_so() {
    let book = book(&["RUSTSEC-1 time: >=0.3.47"]);
    let lock = found(&["time 0.3.1"], &["time 0.3"]);
    let mut registry = offers(&["time 0.3.1", "time 0.3.47"]);
    let why = Why::Toolchain { needs: "1.88".to_owned(), has: "1.70".to_owned() };
    registry.get_mut("time").expect("there")[1].refused = Some(why.clone());
    let fix = run(&lock, &book, &registry);
    let Blocker::Chain(links) = &fix.left[0].blocker else { panic!("{:?}", fix.left[0].blocker) };
    assert_eq!(links[0].refused, Some(("0.3.47".to_owned(), why)));
    // A version that was withdrawn is none.
    let mut registry = offers(&["time 0.3.1", "time 0.3.47", "time 0.3.48"]);
    registry.get_mut("time").expect("there")[1].yanked = true;
    assert_eq!(changes(&run(&lock, &book, &registry)), ["time 0.3.1 > 0.3.48"]);
}

#[test]
fn of_two_that_exclude_each_other_one_is_ended() {
    let book = book(&["RUSTSEC-1 a: >=1.1.0", "RUSTSEC-2 b: >=1.1.0"]);
    let lock = found(&["a 1.0.0: c 1.0.0", "b 1.0.0: c 1.0.0", "c 1.0.0"], &["a 1", "b 1"]);
    let registry = offers(&[
        "a 1.0.0: c ^1",
        "a 1.1.0: c =1.1.0",
        "b 1.0.0: c ^1",
        "b 1.1.0: c =1.2.0",
        "c 1.0.0",
        "c 1.1.0",
        "c 1.2.0",
    ]);
    let fix = run(&lock, &book, &registry);
    assert_eq!(changes(&fix), ["a 1.0.0 > 1.1.0", "c 1.0.0 > 1.1.0"]);
    assert_eq!(fix.left[0].blocker, Blocker::Conflict(vec!["RUSTSEC-1".to_owned()]));
}

#[test]
fn a_package_that_nobody_looked_up_is_asked_for() {
    let book = book(&["RUSTSEC-1 a: >=1.1.0"]);
    let lock = found(&["a 1.0.0"], &["a 1"]);
    let fix = run(&lock, &book, &Offers::new());
    assert_eq!((fix.left[0].blocker.clone(), fix.wanted), (Blocker::NotLookedUp, vec!["a".to_owned()]));
    assert_eq!(missing(&lock, "Cargo.lock", all(&book), &Offers::new(), EFFORT), ["a"]);
    // One that a fix would bring in is asked for too, and none is made up meanwhile.
    let fix = run(&lock, &book, &offers(&["a 1.0.0", "a 1.1.0: fresh ^2.3"]));
    assert_eq!((fix.fixed.len(), fix.wanted), (0, vec!["fresh".to_owned()]));
    assert_eq!((fix.left[0].blocker.clone(), fix.proof), (Blocker::NotLookedUp, Proof::AtLeast(0)));
    let fix = run(&lock, &book, &offers(&["a 1.0.0", "a 1.1.0: fresh ^2.3", "fresh 2.3.4", "fresh 2.2.0"]));
    assert_eq!((changes(&fix).join(", ").as_str(), fix.wanted.len()), ("a 1.0.0 > 1.1.0, fresh nothing > 2.3.4", 0));
}

#[test]
fn a_search_that_ends_at_its_bound_says_so() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let ids: Vec<String> = names.iter().map(|name| format!("RUSTSEC-{name} {name}: >=1.1.0")).collect();
    let book = book(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let lines: Vec<String> = names.iter().map(|name| format!("{name} 1.0.0")).collect();
    let manifest: Vec<String> = names.iter().map(|name| format!("{name} ^1")).collect();
    let lock = found(
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        &manifest.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let published: Vec<String> = names.iter().flat_map(|n| [format!("{n} 1.0.0"), format!("{n} 1.1.0")]).collect();
    let registry = offers(&published.iter().map(String::as_str).collect::<Vec<_>>());
    let whole = run(&lock, &book, &registry);
    assert_eq!((whole.changes.len(), whole.proof), (6, Proof::Smallest));
    let cut = fix(&lock, "Cargo.lock", all(&book), &registry, 4);
    assert!(cut.proof != Proof::Smallest, "{:?}", cut.proof);
    assert!(cut.left.iter().all(|left| left.blocker == Blocker::Bound));
}

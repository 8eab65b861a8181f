use super::*;
use crate::domain::update::model::Purpose;

const DAY: i64 = 24 * 60 * 60 * 1000;
const NOW: i64 = 1_800_000_000_000;

fn release(version: &str) -> Release {
    Release { version: version.to_owned(), published: Some(NOW - 100 * DAY), ..Release::default() }
}

fn young(version: &str, days: i64) -> Release {
    Release { published: Some(NOW - days * DAY), ..release(version) }
}

fn needs(version: &str, rust: &str) -> Release {
    Release { needs: Some(rust.to_owned()), ..release(version) }
}

fn asks(requirement: &str, locked: &[&str]) -> Declared {
    Declared {
        ecosystem: Ecosystem::Cargo,
        name: "thing".to_owned(),
        file: "Cargo.toml".to_owned(),
        line: 7,
        requirement: requirement.to_owned(),
        purpose: Purpose::Runtime,
        origin: Origin::Registry,
        locked: locked.iter().map(|v| (*v).to_owned()).collect(),
    }
}

fn run(declared: Declared, releases: Vec<Release>, policy: &Policy) -> Decision {
    let answers = Answers::from([(Package::of(&declared).expect("a package"), Looked::Releases(releases))]);
    let toolchains = vec![("rust".to_owned(), "1.74".to_owned())];
    decide(&Found { declared: vec![declared], toolchains, ..Found::default() }, &answers, policy)
}

/// `to` with `s` or `b` and, where the manifest changes too, `+`; then what is held.
fn told(declared: Declared, releases: Vec<Release>) -> String {
    tell(&run(declared, releases, &Policy::at(NOW)))
}

fn tell(decision: &Decision) -> String {
    let proposals = decision.proposals.iter().map(|p| {
        let step = if p.step == Step::Safe { "s" } else { "b" };
        format!("{step}{} {}", if p.lock_only { "" } else { "+" }, p.to)
    });
    let held = decision.held.iter().map(|h| format!("not {} {:?}", h.to, h.why));
    proposals.chain(held).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_safe_version_and_the_breaking_one_are_offered_apart() {
    let releases = || ["0.3.1", "0.3.4", "0.4.0", "0.6.0", "1.0.0-rc.1"].map(release).to_vec();
    assert_eq!(told(asks("0.3", &["0.3.1"]), releases()), "s 0.3.4, b+ 0.6.0");
    assert_eq!(told(asks("0.3", &["0.3.4"]), releases()), "b+ 0.6.0");
    assert_eq!(told(asks(">=0.3, <0.5", &["0.3.4"]), releases()), "b+ 0.6.0");
    assert_eq!(told(asks(">=0.3", &["0.3.4"]), releases()), "b 0.6.0", "the manifest takes it already");
    assert_eq!(told(asks("~0.3.1", &["0.3.1"]), vec![release("0.3.4")]), "s 0.3.4");
}

#[test]
fn from_before_1_0_the_last_version_before_it_and_the_newest_are_offered() {
    let releases = || ["0.3.1", "0.3.4", "0.4.0", "0.9.0", "1.0.0", "2.1.0"].map(release).to_vec();
    assert_eq!(told(asks("0.3", &["0.3.1"]), releases()), "s 0.3.4, b+ 0.9.0, b+ 2.1.0");
    assert_eq!(told(asks("0.9", &["0.9.0"]), releases()), "b+ 2.1.0");
    assert_eq!(told(asks("1", &["1.0.0"]), releases()), "b+ 2.1.0");
}

#[test]
fn the_newest_is_left_in_peace_and_counted() {
    let decision = run(asks("1", &["1.2.1+spec-1.1.0"]), vec![release("1.2.1"), release("1.2.0")], &Policy::at(NOW));
    assert_eq!((tell(&decision).as_str(), decision.newest), ("", 1));
}

#[test]
fn what_was_taken_back_or_not_released_yet_is_no_version() {
    let yanked = |version: &str| Release { yanked: true, ..release(version) };
    let releases =
        vec![release("1.0.1"), yanked("1.0.2"), yanked("2.0.0"), release("1.1.0-beta.1"), release("3.0.0-rc.1")];
    assert_eq!(told(asks("1", &["1.0.0"]), releases), "s 1.0.1");
}

#[test]
fn from_a_version_before_its_release_the_way_leads_to_the_release() {
    let releases = ["3.0.0-beta.5", "3.0.0-rc.1", "3.2.25", "4.0.0", "4.1.0-rc.1"].map(release).to_vec();
    assert_eq!(told(asks("3.0.0-beta.5", &["3.0.0-beta.5"]), releases), "s 3.2.25, b+ 4.0.0");
    let early = ["3.0.0-beta.5", "3.0.0-rc.1", "4.0.0-beta.1"].map(release).to_vec();
    assert_eq!(told(asks("3.0.0-beta.5", &["3.0.0-beta.5"]), early), "s 3.0.0-rc.1");
}

#[test]
fn the_newest_that_the_promised_toolchain_can_build_is_offered() {
    let releases = vec![release("1.0.1"), needs("1.1.0", "1.74.0"), needs("1.2.0", "1.75"), needs("2.0.0", "1.85")];
    let expected = "s 1.1.0, not 1.2.0 Toolchain { needs: \"1.75\", has: \"1.74\" }, \
                    not 2.0.0 Toolchain { needs: \"1.85\", has: \"1.74\" }";
    assert_eq!(told(asks("1", &["1.0.0"]), releases), expected);
}

#[test]
fn a_promise_that_the_version_in_use_breaks_holds_back_only_what_asks_for_more() {
    let mut found = Found { toolchains: vec![("rust".into(), "1.70".into())], ..Found::default() };
    found.declared.push(asks("1", &["1.0.0"]));
    let known = vec![needs("1.0.0", "1.80"), needs("1.1.0", "1.75"), needs("1.2.0", "1.80"), needs("1.3.0", "1.85")];
    let package = Package::of(&found.declared[0]).expect("a package");
    let decision = decide(&found, &Answers::from([(package, Looked::Releases(known))]), &Policy::at(NOW));
    assert_eq!(tell(&decision), "s 1.2.0, not 1.3.0 Toolchain { needs: \"1.85\", has: \"1.70\" }");
}

#[test]
fn what_is_young_waits_and_the_newest_that_is_old_enough_is_taken() {
    let releases = vec![young("1.0.1", 9), young("1.0.2", 3), young("1.0.3", 2), young("1.0.4", 1), young("2.0.0", 0)];
    let ripe = NOW + 2 * DAY;
    let late = NOW + 3 * DAY;
    assert_eq!(
        told(asks("1", &["1.0.0"]), releases.clone()),
        format!("s 1.0.2, not 1.0.4 Cooldown({ripe}), not 2.0.0 Cooldown({late})")
    );
    let decision = run(asks("1", &["1.0.0"]), releases, &Policy { cooldown: 0, ..Policy::at(NOW) });
    assert_eq!(tell(&decision), "s 1.0.4, b+ 2.0.0");
}

#[test]
fn nobody_is_believed_about_a_time_to_come() {
    let unknown = Release { published: None, ..release("1.0.3") };
    assert_eq!(told(asks("1", &["1.0.0"]), vec![release("1.0.1"), unknown]), "s 1.0.1, not 1.0.3 UnknownAge");
    assert_eq!(told(asks("1", &["1.0.0"]), vec![young("1.0.3", -30)]), "not 1.0.3 UnknownAge");
}

#[test]
fn a_pin_holds_and_so_does_a_rule() {
    let releases = || ["1.0.1", "1.5.0", "2.0.0"].map(release).to_vec();
    assert_eq!(told(asks("=1.0.0", &["1.0.0"]), releases()), "not 1.5.0 Pinned, not 2.0.0 Pinned");
    let ignoring = |rule: &str| {
        let policy = Policy { ignore: vec![Ignore::parse(rule).expect("a rule")], ..Policy::at(NOW) };
        tell(&run(asks("1", &["1.0.0"]), releases(), &policy))
    };
    assert_eq!(ignoring("thing@2"), "s 1.5.0, not 2.0.0 Ignored(\"thing@2\")");
    assert_eq!(ignoring("th*@>=1.5"), "s 1.0.1, not 1.5.0 Ignored(\"th*@>=1.5\"), not 2.0.0 Ignored(\"th*@>=1.5\")");
    assert_eq!(ignoring("npm:thing"), "s 1.5.0, b+ 2.0.0");
    assert!(Ignore::parse("serde@").is_err() && Ignore::parse("").is_err());
}

#[test]
fn without_a_lock_only_what_the_manifest_does_not_take_is_news() {
    let releases = || ["1.0.1", "1.5.0", "2.0.0"].map(release).to_vec();
    assert_eq!(told(asks("1", &[]), releases()), "b+ 2.0.0");
    assert_eq!(told(asks("~1.0", &[]), releases()), "s+ 1.5.0, b+ 2.0.0");
    assert_eq!(told(asks("*", &[]), releases()), "");
}

#[test]
fn what_was_not_looked_up_is_not_up_to_date() {
    let declared = asks("1", &["1.0.0"]);
    let package = Package::of(&declared).expect("a package");
    let found = Found { declared: vec![declared], ..Found::default() };
    for answers in [Answers::new(), Answers::from([(package, Looked::Not("it timed out".to_owned()))])] {
        let decision = decide(&found, &answers, &Policy::at(NOW));
        assert_eq!((decision.unknown.len(), decision.newest), (1, 0));
    }
}

#[test]
fn of_two_locked_versions_the_newer_one_counts() {
    assert_eq!(told(asks(">=0.1", &["0.1.2", "0.2.0"]), vec![release("0.1.3"), release("0.2.5")]), "s 0.2.5");
}

const OLD: &str = "0123456789012345678901234567890123456789";
const NEW: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";
const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffff";

fn tag(version: &str, commit: &str) -> Release {
    Release { commit: Some(commit.to_owned()), ..release(version) }
}

fn action(commit: &str, comment: Option<&str>) -> Declared {
    Declared { ecosystem: Ecosystem::Actions, ..asks(commit, &comment.into_iter().collect::<Vec<_>>()) }
}

/// `from (pin) to (pin)`, and a moved tag.
fn pins(declared: Declared, releases: Vec<Release>) -> String {
    let decision = run(declared, releases, &Policy::at(NOW));
    let offers = decision.proposals.iter().map(|offer| {
        let pin = offer.pin.as_ref().expect("a pin");
        let moved = pin.moved.as_deref().map_or(String::new(), |moved| format!(", moved to {}", pin::short(moved)));
        let step = if offer.step == Step::Safe { "s" } else { "b" };
        format!("{step} {} {} to {} {}{moved}", offer.from, pin::short(&pin.from), offer.to, pin::short(&pin.to))
    });
    let held = decision.held.iter().map(|held| format!("not {} {:?}", held.to, held.why));
    let unknown = decision.unknown.iter().map(|unknown| unknown.why.clone());
    offers.chain(held).chain(unknown).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_pinned_commit_goes_to_the_commit_of_the_new_version() {
    let releases = || vec![tag("v4.1.2", OLD), tag("v4.2.0", NEW), tag("v5.0.0", OTHER), tag("v4", NEW)];
    let both = "s v4.1.2 0123456 to v4.2.0 abcdefa; b v4.1.2 0123456 to v5.0.0 fffffff";
    assert_eq!(pins(action(OLD, Some("v4.1.2")), releases()), both);
    assert_eq!(pins(action(OLD, Some("4.1.2")), releases()), both, "a comment may leave out the v");
    assert_eq!(
        pins(action(OLD, Some("v4")), releases()),
        "s v4 0123456 to v4 abcdefa",
        "the tag goes on, and so does the line"
    );
    assert_eq!(pins(action(NEW, Some("v4")), releases()), "");
    let gone = "s v4.1.1 0123456 to v4.2.0 abcdefa; b v4.1.1 0123456 to v5.0.0 fffffff";
    assert_eq!(pins(action(OLD, Some("v4.1.1")), releases()), gone, "a tag that is gone");
    assert_eq!(pins(action(OLD, Some("12")), releases()), both, "another number says nothing");
}

#[test]
fn a_tag_that_moved_is_worth_a_word_and_no_update() {
    let releases = vec![tag("v4.1.2", OTHER), tag("v4.2.0", NEW)];
    let told = "s v4.1.2 0123456 to v4.2.0 abcdefa, moved to fffffff";
    assert_eq!(pins(action(OLD, Some("v4.1.2")), releases), told);
    assert_eq!(pins(action(OLD, Some("v4.1.2")), vec![tag("v4.1.2", OTHER)]), "");
}

#[test]
fn a_commit_without_a_comment_is_the_tag_that_points_at_it() {
    let releases = || vec![tag("v4", OLD), tag("v4.1.2", OLD), tag("v4.2.0", NEW)];
    assert_eq!(pins(action(OLD, None), releases()), "s v4.1.2 0123456 to v4.2.0 abcdefa");
    assert_eq!(pins(action(NEW, None), releases()), "");
    let said = pins(action(OTHER, None), releases());
    assert!(said.contains("pinned to a commit without a tag"), "{said}");
}

#[test]
fn a_pinned_digest_goes_along_and_without_one_nothing_is_offered() {
    let image = |requirement: &str| Declared { ecosystem: Ecosystem::Image, ..asks(requirement, &[]) };
    let (old, new) = ("sha256:0123456789", "sha256:abcdefabcd");
    let pinned = image(&format!("22-alpine@{old}"));
    assert_eq!(
        pins(pinned.clone(), vec![tag("22-alpine", old), tag("23-alpine", new)]),
        "b 22-alpine 0123456 to 23-alpine abcdefa"
    );
    assert_eq!(pins(pinned.clone(), vec![tag("22-alpine", new)]), "s 22-alpine 0123456 to 22-alpine abcdefa");
    let unknown = Release { unknown: Some("it did not answer".into()), ..release("23-alpine") };
    let said = pins(pinned, vec![unknown]);
    assert!(said.contains("the digest of this version is not known: it did not answer"), "{said}");
    let said = pins(image(&format!("@{old}")), vec![release("23")]);
    assert!(said.contains("a digest without a tag"), "{said}");
}

#[test]
fn what_has_no_time_counts_from_when_it_was_first_met() {
    let undated = |seen: Option<i64>| Release {
        published: None,
        seen,
        unknown: Some("it has no time in it".to_owned()),
        ..tag("v1.1.0", NEW)
    };
    let said = |seen: Option<i64>, policy: &Policy| {
        tell(&run(action(OLD, Some("v1.0.0")), vec![tag("v1.0.0", OLD), undated(seen)], policy))
    };
    let policy = Policy::at(NOW);
    assert_eq!(said(Some(NOW - COOLDOWN), &policy), "s+ v1.1.0");
    let ripe = NOW + DAY;
    let held = |ripe: &str| format!("not v1.1.0 Undated {{ ripe: {ripe}, why: \"it has no time in it\" }}");
    assert_eq!(said(Some(NOW - 2 * DAY), &policy), held(&format!("Some({ripe})")));
    assert_eq!(said(None, &policy), held("None"));
    assert_eq!(said(None, &Policy { cooldown: 0, ..policy }), "s+ v1.1.0");
}

#[test]
fn only_what_may_be_offered_is_asked_about() {
    let bare = |version: &str| Release { published: None, ..release(version) };
    let open = |declared: &Declared, releases: &[Release], policy: &Policy| {
        let package = Package::of(declared).expect("a package");
        let answers = Answers::from([(package, Looked::Releases(releases.to_vec()))]);
        let found = Found { declared: vec![declared.clone()], ..Found::default() };
        let open = open(&found, &answers, policy);
        open.into_iter().map(|(_, release)| release.version).collect::<Vec<_>>().join(" ")
    };
    let policy = Policy::at(NOW);
    let line = Declared { ecosystem: Ecosystem::Image, ..asks("1.0.0", &[]) };
    let mut tags = ["0.9.0", "1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0-rc.1", "latest"].map(bare).to_vec();
    assert_eq!(open(&line, &tags, &policy), "1.2.0 2.0.0");
    tags[3].published = Some(NOW);
    assert_eq!(open(&line, &tags, &policy), "1.1.0 2.0.0", "the newest is too young");
    tags[3].published = Some(NOW - 9 * DAY);
    assert_eq!(open(&line, &tags, &policy), "2.0.0");
    tags[4].unknown = Some("it did not answer".into());
    assert_eq!(open(&line, &tags, &policy), "", "nobody is asked twice");
    let none = Policy { cooldown: 0, ..policy.clone() };
    assert_eq!(open(&line, &["1.1.0"].map(bare), &none), "", "no cooldown, no question");
    let pinned = Declared { requirement: "1.0.0@sha256:00".into(), ..line.clone() };
    assert_eq!(open(&pinned, &["1.0.0", "1.1.0"].map(bare), &none), "1.1.0 1.0.0", "but for its digest");
    let ignoring = Policy { ignore: vec![Ignore::parse("thing@2.0.0").expect("a rule")], ..policy };
    assert_eq!(open(&line, &["2.0.0", "2.0.1"].map(bare), &ignoring), "2.0.1");
    assert_eq!(open(&asks("1", &["1.0.0"]), &[bare("1.1.0")], &ignoring), "", "crates have times or have none");
}

#[test]
fn what_the_client_would_pass_over_is_held_back_unless_it_is_in_use() {
    let passed = |version: &str| Release { passed: Some("go passes it over".to_owned()), ..release(version) };
    let releases = || vec![release("v1.1.0"), passed("v3.0.0+incompatible"), passed("v3.1.0+incompatible")];
    let line = |version: &str| Declared { ecosystem: Ecosystem::Go, ..asks(version, &[version]) };
    let held = "s+ v1.1.0, not v3.1.0+incompatible Passed(\"go passes it over\")";
    assert_eq!(told(line("v1.0.0"), releases()), held);
    assert_eq!(told(line("v3.0.0+incompatible"), releases()), "s+ v3.1.0+incompatible");
}

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::domain::update::advisory::fix::{Blocker, Link};
use crate::domain::update::artefact::{Changelog, Difference, Told};

const DAY: i64 = 24 * 60 * 60 * 1000;
const NOW: i64 = 1_795_000_000_000;

fn change(name: &str, from: &str, to: &str) -> Change {
    Change {
        ecosystem: Ecosystem::Cargo,
        name: name.to_owned(),
        from: Some(from.to_owned()),
        to: to.to_owned(),
        published: Some(NOW - 9 * DAY),
        direct: true,
        breaking: false,
        lock_only: true,
        pin: None,
    }
}

fn update(kind: Kind, changes: Vec<Change>) -> Update {
    Update {
        kind,
        changes,
        removed: Vec::new(),
        fixed: Vec::new(),
        left: Vec::new(),
        proof: None,
        artefacts: Vec::new(),
        checks: Vec::new(),
        merging: Merging::default(),
        taken_out: Vec::new(),
        held: 0,
        page: None,
        standing: Standing::Open,
        trouble: String::new(),
        at: NOW,
    }
}

fn finding(id: &str, name: &str, version: &str) -> Finding {
    Finding {
        ids: vec![id.to_owned(), "CVE-2023-22466".to_owned()],
        title: "reject_remote_clients configuration may get dropped".to_owned(),
        url: Some("https://advisories.example/RUSTSEC-2023-0001".to_owned()),
        severity: Some(Severity::High),
        published: None,
        informational: None,
        functions: Vec::new(),
        ecosystem: Ecosystem::Cargo,
        file: "Cargo.lock".to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        place: 0,
        chain: Vec::new(),
    }
}

fn artefact(name: &str, (from, to): (&str, &str), told: Told) -> Artefact {
    let (name, to) = (name.to_owned(), to.to_owned());
    Artefact { ecosystem: Ecosystem::Cargo, name, from: Some(from.to_owned()), to, told: Ok(told) }
}

fn changelog(text: &str) -> Option<Changelog> {
    Some(Changelog { file: "CHANGELOG.md".to_owned(), text: text.to_owned(), cut: false })
}

fn security() -> Update {
    let mut update = update(Kind::Security(Some(Severity::High)), vec![change("tokio", "1.18.1", "1.18.4")]);
    update.changes.push(Change { direct: false, published: None, ..change("socket2", "0.4.4", "0.4.7") });
    let reach = Reach::Used(vec!["src/pipe.rs:12".to_owned()]);
    update.fixed.push(Fixed { finding: finding("RUSTSEC-2023-0001", "tokio", "1.18.1"), reach });
    update.left.push(Left {
        finding: Finding {
            severity: None,
            url: None,
            title: String::new(),
            ..finding("RUSTSEC-2020-0071", "time", "0.1.44")
        },
        blocker: Blocker::Chain(vec![
            Link {
                by: Some(("chrono".to_owned(), "0.4.19".to_owned())),
                package: "time".to_owned(),
                requirement: "^0.1.43".to_owned(),
                refused: None,
            },
            Link { by: None, package: "chrono".to_owned(), requirement: "=0.4.19".to_owned(), refused: None },
        ]),
        free: Some("0.2.23".to_owned()),
    });
    update.proof = Some(Proof::Smallest);
    update.artefacts.push(artefact(
        "tokio",
        ("1.18.1", "1.18.4"),
        Told {
            changelog: changelog("# 1.18.4 (January 3rd, 2023)\n\n### Fixed\n\n- pipe: fix `reject_remote_clients` ([#5336], [@somebody])\n\n[#5336]: https://forge.example/tokio/pull/5336\n"),
            compare: Some("https://forge.example/tokio/tokio/compare/0123456...89abcde".to_owned()),
            ..Told::default()
        },
    ));
    let ended = |name: &str, took| Check {
        name: name.to_owned(),
        conclusion: Some(Conclusion::Success),
        took: Some(took),
        url: Some("https://forge.example/runs/1".to_owned()),
    };
    update.checks = vec![ended("lint", 4_200), ended("test", 65_000)];
    update.merging = Merging {
        deploys: vec!["staging".to_owned(), "production".to_owned()],
        by: Some("automerge = [\"security\"]".to_owned()),
    };
    (update.held, update.page) = (3, Some("https://fairway.example/updates".to_owned()));
    update
}

/// The joints without width, as something that can be seen.
fn seen(text: &str) -> String {
    text.replace('\u{2060}', "{joint}")
}

#[test]
fn a_fix_says_what_ends_what_stays_and_what_merging_does() {
    let update = security();
    assert_eq!(title(&update), "Fix RUSTSEC-2023-0001 in tokio");
    insta::assert_snapshot!(seen(&body(&update)), @r#"
    This ends RUSTSEC-2023-0001 (high severity) by changing 2 versions. No smaller change does it, and the new lock was audited again. Both checks passed on this very commit.

    | Package | From | To | Published | |
    |---|---|---|---|---|
    | `tokio` | `1.18.1` | `1.18.4` | 2026-11-09, 9 days before | lock only, [commits](https://forge.example/tokio/tokio/compare/0123456...89abcde) |
    | `socket2` | `0.4.4` | `0.4.7` | not known | transitive |

    ### Advisories that end

    - **[RUSTSEC-2023-0001](https://advisories.example/RUSTSEC-2023-0001)** in `tokio 1.18.1` (high; also CVE-2023-22466): reject\_remote\_clients configuration may get dropped
      **Used here**: `src/pipe.rs:12`.

    ### Advisories that stay

    - **RUSTSEC-2020-0071** in `time 0.1.44` (no severity given; also CVE-2023-22466)
      It stays: chrono 0.4.19 requires time ^0.1.43, and the manifest requires chrono =0.4.19; time 0.2.23 is free of it.

    ### What their authors say

    <details><summary><code>tokio</code> 1.18.1 to 1.18.4, from its CHANGELOG.md</summary>

    **1\.18.4 (January 3rd, 2023)**

    **Fixed**

    - pipe: fix `reject_remote_clients` (#{joint}5336, @{joint}somebody)

    </details>

    ### In the published packages

    The package was compared with the version before: nothing new runs when building or installing, no new binaries, the same licence.

    ### Checks on this commit

    | Check | Result | Time |
    |---|---|---|
    | [`fairway / lint`](https://forge.example/runs/1) | passed | 4.2 s |
    | [`fairway / test`](https://forge.example/runs/1) | passed | 1 m 05 s |

    **Merging deploys to `staging` and `production` by itself.** Fairway merges it when it is green: `automerge = ["security"]` says so.

    3 newer versions are held back here; [why](https://fairway.example/updates).

    `/update` makes it anew from the default branch. `/ignore tokio` leaves a package out from now on. Closing it ignores these versions; reopening takes that back.
    "#);
    insta::assert_snapshot!(message(&update), @"
    Fix RUSTSEC-2023-0001 in tokio

    - tokio 1.18.1 to 1.18.4
    - socket2 0.4.4 to 0.4.7

    Ends:
    - RUSTSEC-2023-0001 in tokio
    ");
}

fn group() -> Update {
    let mut update = update(
        Kind::Group("web".to_owned()),
        vec![
            Change { breaking: true, lock_only: false, ..change("axum", "0.7.9", "0.8.9") },
            change("hyper", "1.6.0", "1.7.0"),
            change("hyper", "1.6.0", "1.7.0"),
        ],
    );
    let told = Told {
        changelog: None,
        compare: None,
        differences: vec![
            Difference::Licence { from: "MIT".to_owned(), to: "Apache-2.0".to_owned() },
            Difference::BuildScript { file: "build.rs".to_owned(), new: true },
        ],
        uncompared: None,
    };
    update.artefacts = vec![
        artefact("axum", ("0.7.9", "0.8.9"), told),
        Artefact {
            told: Err("the registry did not answer within 10 s".to_owned()),
            ..artefact("hyper", ("1.6.0", "1.7.0"), Told::default())
        },
    ];
    update.checks = vec![Check { name: "test".to_owned(), conclusion: None, took: None, url: None }];
    update.taken_out.push(TakenOut {
        name: "tower".to_owned(),
        from: Some("0.4.13".to_owned()),
        to: "0.5.2".to_owned(),
        check: "test".to_owned(),
        log: "   Compiling shop\nerror[E0432]: unresolved import `tower::make`\n".to_owned(),
    });
    update
}

#[test]
fn a_group_names_what_was_taken_out_and_what_is_new_to_run() {
    let update = group();
    assert_eq!(title(&update), "Update 2 Rust packages of the group web");
    insta::assert_snapshot!(seen(&body(&update)), @"
    This moves what `fairway.toml` groups as `web` together. One of them may break something. Its check has not ended yet.

    **Look at this first:** `axum` has something new in the published package that runs when it is built or installed, or that nobody can read; see below.

    | Package | From | To | Published | |
    |---|---|---|---|---|
    | `axum` | `0.7.9` | `0.8.9` | 2026-11-09, 9 days before | **may break** |
    | `hyper` | `1.6.0` | `1.7.0` | 2026-11-09, 9 days before | lock only |

    ### Taken out

    Tried together with the rest, which passes without:

    <details><summary><code>tower</code> 0.4.13 to 0.5.2: <code>test</code> fails with it</summary>

    ```text
       Compiling shop
    error[E0432]: unresolved import `tower::make`
    ```

    </details>

    The packages themselves do not say what changed in `axum`.

    ### In the published packages

    - **`axum 0.8.9`: has a build script now, `build.rs`, which runs when it is built**
    - `axum 0.8.9`: its licence was `MIT` and is `Apache-2.0`

    - `hyper 1.6.0 to 1.7.0` was not looked into: the registry did not answer within 10 s

    ### Checks on this commit

    | Check | Result | Time |
    |---|---|---|
    | `fairway / test` | not ended |  |

    **Merging changes no environment by itself.** A person merges it.

    `/update` makes it anew from the default branch. `/ignore axum` leaves a package out from now on. Closing it ignores these versions; reopening takes that back.
    ");
}

#[test]
fn titles_name_one_or_two_and_count_more() {
    let title_of = |kind: Kind, changes: Vec<Change>| title(&update(kind, changes));
    let one = || vec![change("serde", "1.0.1", "1.0.229")];
    assert_eq!(title_of(Kind::Safe, one()), "Update serde to 1.0.229");
    let transitive = Change { direct: false, ..change("serde_core", "1.0.1", "1.0.229") };
    assert_eq!(title_of(Kind::Safe, vec![transitive, one().remove(0)]), "Update serde to 1.0.229");
    let two = vec![change("serde", "1", "2"), change("a", "1", "2")];
    assert_eq!(title_of(Kind::Safe, two), "Update a and serde");
    let many = (0..7).map(|n| change(&format!("c{n}"), "1.0.0", "1.0.1")).collect();
    assert_eq!(title_of(Kind::Safe, many), "Update 7 Rust packages");
    assert_eq!(title_of(Kind::Breaking, vec![change("axum", "0.7.9", "0.8.9")]), "Update axum to 0.8.9 (breaking)");
    let mixed = vec![
        change("a", "1", "2"),
        Change { ecosystem: Ecosystem::Npm, ..change("@types/node", "1", "2") },
        Change { ecosystem: Ecosystem::Toolchain, ..change("rust", "1.90", "1.92") },
    ];
    assert_eq!(title_of(Kind::Safe, mixed.clone()), "Update 3 packages");
    assert_eq!(title_of(Kind::Safe, mixed[1..].to_vec()), "Update @types/node and Rust");
    let long = "x".repeat(300);
    for changes in [vec![change(&long, "1", &long)], vec![change(&long, "1", "2"), change("a", "1", "2")]] {
        for kind in [Kind::Safe, Kind::Breaking, Kind::Group(long.clone())] {
            let title = title_of(kind, changes.clone());
            assert!(title.chars().count() <= 72 && title.starts_with("Update "), "{title}");
        }
    }
    let mut fix = security();
    fix.fixed.push(Fixed { finding: finding("RUSTSEC-2023-0002", "tokio", "1.18.1"), reach: Reach::Unknown });
    assert_eq!(title(&fix), "Fix 2 advisories in tokio");
    fix.fixed.push(Fixed { finding: finding("RUSTSEC-2023-0002", "mio", "0.7.1"), reach: Reach::Unknown });
    assert_eq!(title(&fix), "Fix 2 advisories in 2 packages");
}

#[test]
fn the_order_of_what_came_in_changes_nothing() {
    let mut turned = group();
    turned.changes.reverse();
    assert_eq!(body(&turned), body(&group()));
    assert_eq!(message(&turned), message(&group()));
}

const HOSTILE: [&str; 10] = [
    "a`</code></details><script>alert(1)</script>",
    "``` \n```\n</details>\n# Approved by @octocat",
    "| x | y |\n|---|---|\nfixes #1, closes GH-2 and acme/shop#3",
    "fixes https://github.com/acme/shop/issues/4 www.evil.example",
    "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
    "<!-- fairway:status v1 1/2 -->",
    "@octocat @acme/owners please `@alice` merge",
    "~~~\n</details><img src=x>\n\u{202e}detrever",
    "hthttps://tps://github.com/acme/shop/issues/5 &lt;b&gt; &#64;octocat",
    "- x\n  - <b>y</b>\n\n      code @bob\n\n1) z\n\n<details>\n\n@carol\n",
];

/// What GitHub would make of it: tags that came through, links, and text in which it looks for mentions and references.
fn made_of(markdown: &str) -> (Vec<String>, Vec<String>, String) {
    let (mut html, mut links, mut text) = (Vec::new(), Vec::new(), String::new());
    let mut fenced = false;
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Event::Html(tag) | Event::InlineHtml(tag) => html.push(tag.to_string()),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => links.push(dest_url.to_string()),
            Event::Start(Tag::CodeBlock(_)) => fenced = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => fenced = false,
            Event::Text(piece) if !fenced => text.push_str(&piece),
            Event::Code(_) => text.push(' '),
            _ => text.push('\n'),
        }
    }
    (html, links, text)
}

fn hostile(evil: &str) -> Update {
    let mut update = security();
    update.kind = Kind::Group(evil.to_owned());
    update.changes.push(Change { from: Some(evil.to_owned()), ..change(evil, "1", evil) });
    update.removed.push((evil.to_owned(), evil.to_owned()));
    let bad = |id: &str| Finding { title: evil.to_owned(), url: Some(evil.to_owned()), ..finding(id, evil, evil) };
    update.fixed.push(Fixed { finding: bad(evil), reach: Reach::Used(vec![evil.to_owned()]) });
    let mut left = update.left[0].clone();
    left.finding = bad(evil);
    left.free = Some(evil.to_owned());
    update.left.push(left);
    let text = changelog(evil).map(|log| Changelog { file: evil.to_owned(), ..log });
    let differences = vec![
        Difference::InstallHook { hook: evil.to_owned(), command: evil.to_owned(), new: true },
        Difference::Binaries { first: (evil.to_owned(), evil.to_owned()), count: 2 },
        Difference::People { added: vec![evil.to_owned()], removed: vec![] },
        Difference::Licence { from: evil.to_owned(), to: evil.to_owned() },
    ];
    update.artefacts.push(artefact(
        evil,
        (evil, evil),
        Told { changelog: text, compare: Some(evil.to_owned()), differences, uncompared: Some(evil.to_owned()) },
    ));
    update.artefacts.push(Artefact { told: Err(evil.to_owned()), ..update.artefacts[0].clone() });
    update.checks.push(Check { name: evil.to_owned(), conclusion: None, took: None, url: Some(evil.to_owned()) });
    let (name, log) = (evil.to_owned(), evil.to_owned());
    update.taken_out.push(TakenOut { name, from: None, to: evil.to_owned(), check: evil.to_owned(), log });
    update.merging = Merging { deploys: vec![evil.to_owned()], by: Some(evil.to_owned()) };
    update.page = Some(evil.to_owned());
    update
}

#[test]
fn nothing_that_others_wrote_becomes_html_a_link_a_mention_or_a_reference() {
    let ours = ["<details><summary><code>", "</details>", "<summary>", "</summary>", "</code>", "<code>", "<details>"];
    for evil in HOSTILE {
        let shown = body(&hostile(evil));
        let (html, links, text) = made_of(&shown);
        for tag in &html {
            let mut rest = tag.as_str();
            // What stands in our own tags is escaped; what is left must be ours alone.
            while let Some(at) = rest.find('<') {
                let known = ours.iter().find(|own| rest[at..].starts_with(**own));
                assert!(known.is_some(), "{evil:?} gave {tag:?} in\n{shown}");
                rest = &rest[at + known.map_or(1, |own| own.len())..];
            }
        }
        let opened = html.iter().map(|tag| tag.matches("<details>").count()).sum::<usize>();
        let closed = html.iter().map(|tag| tag.matches("</details>").count()).sum::<usize>();
        assert_eq!(opened, closed, "{evil:?}\n{shown}");
        for link in links {
            assert!(
                ["https://forge.example/", "https://advisories.example/"].iter().any(|own| link.starts_with(own)),
                "{evil:?} gave the link {link}\n{shown}"
            );
        }
        let joined = |text: &str, sign: char| {
            text.match_indices(sign).all(|(at, _)| !text[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        let all = format!("{text}\n{}", html.join("\n"));
        assert!(joined(&all, '@') && joined(&all, '#'), "{evil:?}\n{all}");
        assert!(!all.contains("://") && !all.contains("www.") && !all.contains("GH-"), "{evil:?}\n{all}");
        assert!(!shown.contains('\u{202e}'));
    }
}

#[test]
fn a_commit_message_is_plain_whatever_names_say() {
    for evil in HOSTILE.into_iter().chain(["[skip ci]", "x\n\nCo-authored-by: a <a@b>", "skip-checks: true"]) {
        let mut update = hostile(evil);
        update.kind = Kind::Safe;
        let text = format!("{}\n{}", title(&update), message(&update)).replace(" -> ", " ");
        assert!(!text.contains(['<', '>', '#', '[', ']', '@', '`', '\u{202e}']), "{text}");
        assert!(
            !text.lines().any(|line| line.starts_with("Co-authored-by") || line.starts_with("skip-checks")),
            "{text}"
        );
    }
}

#[test]
fn a_body_stays_below_the_limit_and_says_what_it_left_out() {
    let mut update = security();
    let long: String = (0..600).map(|n| format!("- change number {n} of this release, at some length\n")).collect();
    let other = (0..40).map(|n| {
        artefact(&format!("p{n}"), ("1.0.0", "1.1.0"), Told { changelog: changelog(&long), ..Told::default() })
    });
    update.artefacts.extend(other);
    let text = body(&update);
    assert!(text.len() <= MOST && text.len() > MOST / 2, "{}", text.len());
    assert!(text.contains("*Shortened: the rest is in `CHANGELOG.md` of the package.*"));
    // The short one is whole, and what stands below the changelogs is still there.
    assert!(text.contains("pipe: fix `reject_remote_clients`"));
    assert!(text.contains("**Merging deploys to") && text.contains("Closing it ignores these versions"));
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());

    let mut huge = hostile(&"<".repeat(3000));
    huge.changes = (0..5000).map(|n| change(&format!("package-with-a-long-name-{n}"), "1.0.0", "1.0.1")).collect();
    huge.fixed =
        (0..500).map(|n| Fixed { finding: finding(&format!("X-{n}"), "p", "1"), reach: Reach::Unknown }).collect();
    huge.taken_out = vec![huge.taken_out[0].clone(); 100];
    huge.artefacts = vec![huge.artefacts[1].clone(); 300];
    let text = body(&huge);
    assert!(text.len() <= MOST && text.contains("| and 4900 more |"), "{}", text.len());
}

#[test]
fn what_is_over_says_so_first() {
    for (standing, expected) in [
        (Standing::Merged, "**Merged.**"),
        (Standing::Closed, "**Closed: these versions are not wanted here.**"),
        (
            Standing::Over("the default branch has these versions already".to_owned()),
            "**Closed by Fairway: the default",
        ),
        (Standing::Edited(Some("alice".to_owned())), "**alice pushed to this branch, so Fairway leaves it alone.**"),
    ] {
        let ended = matches!(standing, Standing::Merged | Standing::Over(_));
        let text = body(&Update { standing, ..security() });
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(text.contains("`/update"), !ended, "{text}");
        assert!(!text.contains("Fairway merges it when"), "{text}");
    }
}

#[test]
fn what_is_pinned_is_shown_with_it_and_a_tag_that_moved_is_told() {
    let (from, to) = ("0123456789012345678901234567890123456789", "abcdefabcdefabcdefabcdefabcdefabcdefabcd");
    let pin = Pin { from: from.to_owned(), to: to.to_owned(), moved: Some("f".repeat(40)) };
    let action = Change { ecosystem: Ecosystem::Actions, lock_only: false, ..change("o/r", "v4.1.2", "v4.2.0") };
    let mut update = update(Kind::Safe, vec![Change { pin: Some(pin.clone()), ..action.clone() }]);
    let said = body(&update);
    assert!(said.contains("v4.1.2 (0123456)") && said.contains("v4.2.0 (abcdefa)"), "{said}");
    assert!(said.contains("### Tags that moved") && said.contains("`fffffff` now"), "{said}");
    assert_eq!(title(&update), "Update o/r to v4.2.0");
    assert!(message(&update).contains("- o/r v4.1.2 (0123456) to v4.2.0 (abcdefa)\n"), "{}", message(&update));
    let same = Change { to: "v4".into(), from: Some("v4".into()), pin: Some(Pin { moved: None, ..pin }), ..action };
    update.changes = vec![same];
    assert_eq!(title(&update), "Update o/r to v4 (abcdefa)");
    assert!(!body(&update).contains("Tags that moved"));
}

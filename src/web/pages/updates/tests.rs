use super::*;
use crate::domain::update::advisory::Reach;
use crate::domain::update::fleet::{Running, Wait};
use crate::domain::update::{Ecosystem, Held, Why};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
const NOW: i64 = 1_795_000_000_000;

fn exposure(repo: &str, version: &str, since: i64, cure: Cure) -> Exposure {
    Exposure {
        ids: ["RUSTSEC-2023-0001", "CVE-2023-22466"].map(str::to_owned).to_vec(),
        title: "reject_remote_clients configuration may get dropped".to_owned(),
        url: Some("https://advisories.example/RUSTSEC-2023-0001".to_owned()),
        severity: Some(Severity::High),
        published: Some(NOW - 9 * DAY),
        package: "tokio".to_owned(),
        version: version.to_owned(),
        repo: repo.to_owned(),
        reach: Reach::Unknown,
        since: NOW - since,
        running: Vec::new(),
        cure,
    }
}

fn running(environment: &str, since: i64, percent: u8) -> Running {
    Running { environment: environment.to_owned(), since: NOW - since, percent }
}

fn held(name: &str, to: &str, why: Why) -> Held {
    let (name, file) = (name.to_owned(), "Cargo.toml".to_owned());
    Held { ecosystem: Ecosystem::Cargo, name, file, from: "1.0.0".to_owned(), to: to.to_owned(), why }
}

fn pull(repo: &str, title: &str, wait: Wait) -> Pull {
    let at = Some((format!("https://forge.example/{repo}/pull/12"), 12));
    Pull { repo: repo.to_owned(), title: title.to_owned(), at, security: false, since: NOW - 2 * HOUR, wait }
}

fn example() -> Updates {
    let link = || "https://forge.example/acme/shop/pull/12".to_owned();
    let mut shop = exposure("acme/shop", "1.18.1", 3 * DAY, Cure::Pull(link(), 12, Wait::Checks));
    shop.running = vec![running("staging", 2 * HOUR, 100), running("production", 9 * DAY, 75)];
    let mut cart = exposure("acme/cart", "1.18.2", 5 * HOUR, Cure::Merged(NOW - HOUR));
    cart.running = vec![running("production", 20 * DAY, 100)];
    let mut time = exposure("acme/docs", "0.1.44", 40 * DAY, Cure::None("no release is free of it".to_owned()));
    (time.ids, time.package) = (vec!["RUSTSEC-2020-0071".to_owned()], "time".to_owned());
    (time.severity, time.title, time.url) = (Some(Severity::Moderate), "Potential segfault".to_owned(), None);
    time.reach = Reach::Used(vec!["src/clock.rs:14".to_owned(), "src/main.rs:3".to_owned()]);
    let over = exposure("acme/till", "1.18.1", 3 * DAY, Cure::Ended(NOW - 2 * DAY));
    let fix = Pull { security: true, ..pull("acme/shop", "Fix RUSTSEC-2023-0001 in tokio", Wait::Checks) };
    let fleet = Fleet {
        repositories: 14,
        advisories_at: Some(NOW - 4 * 60_000),
        exposures: vec![time, cart, shop, over],
        pulls: vec![
            pull("acme/cart", "Update 7 Rust packages", Wait::Queue(2)),
            pull("acme/till", "Update axum to 0.8.9 (breaking)", Wait::Red("test".to_owned())),
            Pull { at: None, ..pull("acme/docs", "Update 2 npm packages", Wait::Minutes(310, 300)) },
            fix,
        ],
        held: vec![
            ("acme/shop".to_owned(), held("serde", "1.0.229", Why::Cooldown(NOW + 30 * HOUR))),
            ("acme/cart".to_owned(), held("serde", "1.0.229", Why::Cooldown(NOW + 30 * HOUR))),
            (
                "acme/shop".to_owned(),
                held("clap", "4.6.0", Why::Toolchain { needs: "1.85".into(), has: "1.74".into() }),
            ),
            ("acme/till".to_owned(), held("axum", "0.9.0", Why::Ignored("axum@>=0.9".into()))),
        ],
        unknown: vec![(
            "acme/docs".to_owned(),
            "left-pad".to_owned(),
            "the registry did not answer in time".to_owned(),
        )],
    };
    let who = Who { login: "alice".to_owned(), known: true, ..Who::default() };
    Updates { now: NOW, who, note: String::new(), fleet }
}

/// What stands in the page's main part, a line a row.
fn text(page: &str) -> String {
    let main = page.split("<main").nth(1).and_then(|rest| rest.split_once('>')).map_or("", |(_, main)| main);
    let main = main.split("</main>").next().unwrap_or("");
    let rows = ["</tr>", "</h1>", "</h2>", "</h3>", "</thead>", "</a></div>"];
    let main = rows.iter().fold(main.replace('\n', " "), |text, end| text.replace(end, "\n"));
    let main = ["</td>", "</th>", "</div>"].iter().fold(main, |text, end| text.replace(end, " | "));
    let mut out = String::new();
    let mut inside = false;
    for c in main.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let lines = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .map(|line| line.trim_matches([' ', '|']).to_owned())
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_fleet_on_one_page() {
    let page = example().render();
    insta::assert_snapshot!(text(&page), @"
    Updates
    2 advisories are open in 14 repositories; 3 environments serve releases with vulnerable versions. Some packages were not looked up, so there may be more. Advisories as of 4 minutes ago. | 2 | open advisories, the oldest known for 40 days
    3 | environments serving a vulnerable version
    4 | updates under way
    3 | held back
    1 | not looked up
    Open advisories
    RUSTSEC-2023-0001 in tokio
    highCVE-2023-22466, published 2026-11-09reject_remote_clients configuration may get dropped | | Repository | Has | Runs in | Known for | What is done
    acme/shop | 1.18.1 | staging for 2 hours | production 75 %, for 9 days | | 3 days | #12: its checks run
    acme/cart | 1.18.2 | production for 20 days | | 5 hours | merged 1 hour ago, and not everywhere released yet
    RUSTSEC-2020-0071 in time
    moderatepublished 2026-11-09Potential segfault | | Repository | Has | Runs in | Known for | What is done
    acme/docs | 0.1.44used in src/clock.rs:14 and 1 more file | | nowhere | 40 days | cannot be ended now: no release is free of it
    Under way
    Repository | Update | How far | For
    acme/shop | Fix RUSTSEC-2023-0001 in tokio #12 fix | its checks run | 2 hours
    acme/cart | Update 7 Rust packages #12 | green, merged with others: number 2 in the queue | 2 hours
    acme/docs | Update 2 npm packages | waits for CI minutes: 310 of 300 are used this week | 2 hours
    acme/till | Update axum to 0.8.9 (breaking) #12 | test fails with it | 2 hours
    Lately ended
    Repository | Advisory | Was open | Ended
    acme/till | RUSTSEC-2023-0001 in tokio | 24 hours | 2 days ago
    Not looked up
    Why | Packages | Repositories
    the registry did not answer in time | left-pad | acme/docs
    Held back
    Package | Version | Why | Repositories
    axum | 1.0.0 → 0.9.0 | ignored by the rule axum@&#62;=0.9 of [updates] in fairway.toml | acme/till
    clap | 1.0.0 → 4.6.0 | needs Rust 1.85, and 1.74 is promised (rust-version) | acme/shop
    serde | 1.0.0 → 1.0.229 | too young, 30 hours to wait (cooldown of [updates] in fairway.toml) | acme/cart, acme/shop
    ");
    assert!(page.contains("<a href=\"https://forge.example/acme/shop/pull/12\">"));
    assert!(page.contains("<a href=\"https://advisories.example/RUSTSEC-2023-0001\">RUSTSEC-2023-0001</a>"));
}

#[test]
fn nothing_open_is_good_news_only_where_somebody_looked() {
    let mut page = Updates { now: NOW, ..Updates::default() };
    assert!(!page.render().contains("banner good"), "nobody looked");
    page.fleet.repositories = 3;
    page.fleet.advisories_at = Some(NOW);
    assert!(page.render().contains("<div class=\"banner good\">No advisory is open in 3 repositories."));
    page.fleet.unknown.push(("a/b".to_owned(), "x".to_owned(), "it is slow".to_owned()));
    let shown = page.render();
    assert!(!shown.contains("banner good") && shown.contains("so there may be more"));
}

#[test]
fn what_others_wrote_stays_text() {
    let evil = "<script>alert(1)</script>`x`[a](javascript:b)";
    let mut page = example();
    for exposure in &mut page.fleet.exposures {
        exposure.title = evil.to_owned();
        exposure.package = evil.to_owned();
        exposure.url = Some("javascript:alert(1)".to_owned());
        exposure.cure = Cure::None(evil.to_owned());
    }
    page.fleet.pulls[0].title = evil.to_owned();
    page.fleet.pulls[0].wait = Wait::Client(evil.to_owned());
    page.fleet.held[0].1.name = evil.to_owned();
    page.fleet.held[0].1.why = Why::Ignored(evil.to_owned());
    page.fleet.unknown[0].2 = evil.to_owned();
    let shown = page.render();
    assert!(!shown.contains("<script>alert") && !shown.contains("href=\"javascript"), "{shown}");
    assert!(shown.contains("&#60;script&#62;alert(1)"));
}

#[test]
fn a_long_list_is_cut_and_counted() {
    let mut page = example();
    let one = page.fleet.exposures[2].clone();
    page.fleet.exposures = (0..250).map(|n| Exposure { repo: format!("acme/r{n}"), ..one.clone() }).collect();
    let pulls = page.fleet.pulls[0].clone();
    page.fleet.pulls = (0..120).map(|n| Pull { repo: format!("acme/r{n}"), ..pulls.clone() }).collect();
    let shown = page.render();
    assert!(shown.contains("and 150 more repositories") && shown.contains("and 20 more"));
}

//! A repository on its way to the golden path, as a chat: created, its one pull request, what the owner says to it.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::sync::Arc;
use std::time::Duration;

use fairway::context::Policy;
use fairway::domain::onboard::{OnboardState, Opens};
use fairway::domain::project;
use fairway::engine::scripted::Scripted;
use fairway::playground::faults::Trouble;
use fairway::playground::{PullDesk, RepoDesk};
use fairway_world::World;
use insta::assert_snapshot;

const CARGO: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const MAIN: &str = "fn main() {}\n";
const SERVICE: &[(&str, &str)] = &[("Cargo.toml", CARGO), ("Cargo.lock", ""), ("src/main.rs", MAIN)];

async fn world(opens: Opens) -> World {
    let mut world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", "")]).await;
    world.ctx.policy = Arc::new(Policy { onboarding: opens, ..(*world.ctx.policy).clone() });
    world.settle().await;
    world
}

async fn created(world: &World, name: &str, files: &[(&str, &str)]) -> RepoDesk {
    let repo = world.hub.create(name, files);
    world.pass(Duration::from_secs(5)).await;
    repo
}

fn pulls(world: &World, name: &str) -> Vec<(u64, String, bool)> {
    world.hub.look(|hub| {
        let repo = hub.repo(name).expect("it is there");
        repo.pulls.values().map(|pull| (pull.number, pull.head_ref.clone(), pull.closed_at.is_none())).collect()
    })
}

fn body(world: &World, name: &str, number: u64) -> String {
    world.hub.look(|hub| hub.repo(name).expect("it is there").pulls[&number].body.clone())
}

/// How far a repository is, as the page says it.
async fn stage(world: &World, repo: &RepoDesk) -> String {
    let row = world.ctx.store.aggregate(&format!("onboard:{}", repo.id())).await.expect("the store answers");
    row.map_or_else(String::new, |row| {
        let state: OnboardState = serde_json::from_str(&row.state).expect("a row");
        fairway::domain::speech::onboard::opened::stage(&state)
    })
}

async fn said(world: &World, pull: &PullDesk, who: &str, line: &str) {
    pull.comment(who, line);
    world.pass(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_new_repository_gets_one_pull_request_that_says_what_it_found_and_what_its_checks_did() {
    let world = world(Opens::All).await;
    let repo = created(&world, "acme/mail", SERVICE).await;
    assert_eq!(pulls(&world, "acme/mail"), [(1, "fairway/onboard".to_owned(), true)]);
    assert_snapshot!(body(&world, "acme/mail", 1), @r###"
    This adds `fairway.toml` and nothing else.

    ### Found

    | What | Evidence | |
    |---|---|---|
    | Rust 2024 | `Cargo.toml:4` |  |

    ### Checks

    | Check | Commands | From |
    |---|---|---|
    | `fairway / test` | `cargo test --locked` | not in CI: the usual commands of cargo |

    ### What they did on this branch

    | Check | Result |
    |---|---|
    | `fairway / test` | Passed in 1.0 s |

    ### What happens next

    - **Change it**: edit `fairway.toml` on this branch as you like. Its checks run here too, so this pull request shows what they do.
    - **Merge**: the checks above run from then on. None becomes required by itself; that is set in the repository's rules.
    - **Close**: that means no. Nothing runs, and you are not asked again; `/onboard` in a comment asks again.

    <details><summary>To make these checks required</summary>

    Save this as a file and import it under Settings, Rules, Rulesets, New ruleset.

    ```json
    {
      "conditions": {
        "ref_name": {
          "exclude": [],
          "include": [
            "~DEFAULT_BRANCH"
          ]
        }
      },
      "enforcement": "active",
      "name": "Fairway's checks",
      "rules": [
        {
          "parameters": {
            "do_not_enforce_on_create": true,
            "required_status_checks": [
              {
                "context": "fairway / test",
                "integration_id": 1
              }
            ],
            "strict_required_status_checks_policy": false
          },
          "type": "required_status_checks"
        }
      ],
      "target": "branch"
    }
    ```

    </details>
    "###);
    let pull = repo.pull(1);
    assert_snapshot!(pull.timeline(), @r###"
    #1 Add fairway.toml [open]
    * fairway[bot] opened
    [fairway / test] success: Passed in 1.0 s
    "###);
    pull.merge("alice");
    world.pass(Duration::from_secs(5)).await;
    assert_snapshot!(stage(&world, &repo).await, @"on the path: fairway.toml is on the default branch");
    assert!(body(&world, "acme/mail", 1).starts_with("**Merged"));
    world.finish().await;
}

#[tokio::test]
async fn closed_means_no_until_somebody_types_onboard() {
    let world = world(Opens::All).await;
    let repo = created(&world, "acme/mail", SERVICE).await;
    let pull = repo.pull(1);
    pull.close("bob");
    world.pass(Duration::from_secs(5)).await;
    repo.push("bob", "main", "More", &[("README.md", Some("x\n"))]);
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(pulls(&world, "acme/mail").len(), 1, "nobody is asked twice");
    assert_snapshot!(stage(&world, &repo).await, @"declined: its pull request was closed");
    assert_snapshot!(body(&world, "acme/mail", 1).lines().next().unwrap_or_default(), @r"
    **Closed: that means no.** Nothing of this runs, and Fairway does not ask again. `/onboard` in a comment of any pull request here asks again.
    ");
    said(&world, &pull, "mallory", "/onboard").await;
    assert_eq!(pulls(&world, "acme/mail").len(), 1);
    said(&world, &pull, "bob", "/onboard").await;
    assert_eq!(pulls(&world, "acme/mail")[1], (2, "fairway/onboard-2".to_owned(), true));
    assert_snapshot!(pull.timeline(), @r###"
    #1 Add fairway.toml [closed]
    * fairway[bot] opened
    * bob closed
    mallory: /onboard
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot]: > `/onboard` (mallory)

        Not done: `/onboard` needs write permission in this repository and mallory has read. Ask somebody who has it to type `/onboard`; `/help` lists what you may do.
        <!-- fairway:reply 1031 -->
    bob: /onboard
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **The check passed at `a2c30de`.**

        | Check | Result |
        |---|---|
        | `test` | passed |

        Last command: `/onboard` by bob

        Fairway looks at this repository again and opens the pull request that adds `fairway.toml`.

        <!-- fairway:status v1 1011/1 -->
    [fairway / test] success: Passed in 1.0 s
    "###);
    repo.pull(2).merge("bob");
    world.pass(Duration::from_secs(5)).await;
    said(&world, &pull, "bob", "/onboard").await;
    assert!(pull.timeline().contains("is on the default branch already"), "{}", pull.timeline());
    assert_eq!(pulls(&world, "acme/mail").len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn what_the_owner_edits_is_what_the_body_says() {
    let world = world(Opens::All).await;
    let repo = created(&world, "acme/mail", SERVICE).await;
    let file = "[pipeline.unit]\nrun = [\"make unit\"]\n";
    repo.push("bob", "fairway/onboard", "My own", &[("fairway.toml", Some(file))]);
    world.pass(Duration::from_secs(5)).await;
    assert_snapshot!(body(&world, "acme/mail", 1), @r###"
    This adds `fairway.toml` and nothing else. It was edited since it was opened; this describes what is there now.

    ### Found

    | What | Evidence | |
    |---|---|---|
    | Rust 2024 | `Cargo.toml:4` |  |

    ### Checks

    | Check | Commands |
    |---|---|
    | `fairway / unit` | `make unit` |

    ### What they did on this branch

    | Check | Result |
    |---|---|
    | `fairway / unit` | Passed in 1.0 s |

    ### What happens next

    - **Change it**: edit `fairway.toml` on this branch as you like. Its checks run here too, so this pull request shows what they do.
    - **Merge**: the checks above run from then on. None becomes required by itself; that is set in the repository's rules.
    - **Close**: that means no. Nothing runs, and you are not asked again; `/onboard` in a comment asks again.

    <details><summary>To make these checks required</summary>

    Save this as a file and import it under Settings, Rules, Rulesets, New ruleset.

    ```json
    {
      "conditions": {
        "ref_name": {
          "exclude": [],
          "include": [
            "~DEFAULT_BRANCH"
          ]
        }
      },
      "enforcement": "active",
      "name": "Fairway's checks",
      "rules": [
        {
          "parameters": {
            "do_not_enforce_on_create": true,
            "required_status_checks": [
              {
                "context": "fairway / unit",
                "integration_id": 1
              }
            ],
            "strict_required_status_checks_policy": false
          },
          "type": "required_status_checks"
        }
      ],
      "target": "branch"
    }
    ```

    </details>
    "###);
    repo.push("bob", "fairway/onboard", "A slip", &[("fairway.toml", Some("[pipeline.unit]\nrum = [\"make\"]\n"))]);
    world.pass(Duration::from_secs(5)).await;
    let told = body(&world, "acme/mail", 1);
    assert_snapshot!(told.split("### Checks").nth(1).unwrap_or_default().lines().take(6).collect::<Vec<_>>().join("\n"), @r"
    `fairway.toml` cannot be used as it is:

    - fairway.toml:2:1: Unknown key \`rum\` in \`pipeline.unit\`. Did you mean \`run\`?
    ");
    world.finish().await;
}

#[tokio::test]
async fn an_empty_repository_waits_for_its_first_commit() {
    let world = world(Opens::All).await;
    let repo = created(&world, "acme/mail", &[]).await;
    assert_eq!(pulls(&world, "acme/mail"), []);
    assert_snapshot!(stage(&world, &repo).await, @"empty: it waits for its first commit; `fairway new PLAN NAME --org OWNER` makes one from a plan");
    repo.push("bob", "main", "Start", &[("go.mod", Some("module mail\n\ngo 1.25\n"))]);
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(pulls(&world, "acme/mail"), [(1, "fairway/onboard".to_owned(), true)]);
    world.finish().await;
}

#[tokio::test]
async fn forks_templates_archives_and_what_has_its_file_are_left_alone() {
    let world = world(Opens::All).await;
    let with = created(&world, "acme/done", &[("fairway.toml", "")]).await;
    assert_snapshot!(stage(&world, &with).await, @"on the path: fairway.toml is on the default branch");
    let sort = |name: &str, change: fn(&mut fairway::playground::world::Repo)| {
        let repo = world.hub.silently(|hub| {
            let files: Vec<(&str, &str)> = SERVICE.to_vec();
            let new =
                fairway::playground::people::NewRepo { full_name: name, private: false, files: &files, by: "alice" };
            let id = hub.create_repo(&new).expect("it is made");
            change(hub.repos.get_mut(&id).expect("it is there"));
            id
        });
        (repo, name.to_owned())
    };
    let made = [
        sort("acme/upstream", |repo| repo.fork_of = Some(1)),
        sort("acme/template", |repo| repo.template = true),
        sort("acme/old", |repo| repo.archived = true),
    ];
    let installation = world.hub.look(|hub| *hub.installations.keys().next().expect("one"));
    world.hub.act(|hub| hub.announce_installation(installation, "alice"));
    world.pass(Duration::from_secs(5)).await;
    let mut told = Vec::new();
    for (_, name) in &made {
        told.push(stage(&world, &world.hub.repo(name)).await);
        assert_eq!(pulls(&world, name), [], "{name}");
    }
    assert_snapshot!(told.join("\n"), @r"
    a fork
    a template
    archived
    ");
    world.finish().await;
}

#[tokio::test]
async fn the_organisation_says_which_repositories_are_meant() {
    let world = world(Opens::Ask).await;
    let first = created(&world, "acme/first", SERVICE).await;
    assert_snapshot!(stage(&world, &first).await, @"waits for somebody's word");
    let file = "[onboarding]\nopen = \"all\"\nnames = [\"svc-*\"]\ntopics = [\"service\"]\n";
    created(&world, "acme/.github", &[("fairway.toml", file)]).await;
    let other = created(&world, "acme/docs", SERVICE).await;
    assert_snapshot!(stage(&world, &other).await, @"not meant: neither its name nor its topics are admitted");
    world.hub.act(|hub| {
        let new = fairway::playground::people::NewRepo {
            full_name: "acme/svc-mail",
            private: false,
            files: SERVICE,
            by: "alice",
        };
        let id = hub.create_repo(&new).expect("it is made");
        hub.repos.get_mut(&id).expect("it is there").topics.push("service".to_owned());
    });
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(pulls(&world, "acme/svc-mail").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_branch_of_somebody_elses_and_a_rule_that_forbids_ours() {
    let world = world(Opens::All).await;
    let repo = world.hub.create("acme/mail", SERVICE);
    repo.push("bob", "fairway/onboard", "Mine", &[("x", Some("y"))]);
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(pulls(&world, "acme/mail"), [(1, "fairway/onboard-2".to_owned(), true)]);
    world.hub.silently(|hub| {
        hub.switches.next(1, "POST", "/repos/acme/guarded/git/refs", Trouble::Forbidden);
    });
    let guarded = created(&world, "acme/guarded", SERVICE).await;
    assert_eq!(pulls(&world, "acme/guarded"), []);
    assert_snapshot!(stage(&world, &guarded).await, @r"
    GitHub did not let Fairway open it: Resource not accessible by integration. Let the App push branches named fairway/onboard*, then type `/onboard` in a pull request there
    ");
    world.finish().await;
}

#[tokio::test]
async fn five_stacks_cost_at_most_twelve_requests() {
    let world = world(Opens::All).await;
    let used = || world.hub.look(|hub| hub.meters.values().map(|meter| meter.used).sum::<u64>());
    let before = used();
    let files = [
        ("api/Cargo.toml", CARGO),
        ("api/src/main.rs", MAIN),
        ("web/package.json", "{\"name\":\"web\",\"scripts\":{\"test\":\"vitest run\"}}"),
        ("jobs/go.mod", "module jobs\n\ngo 1.25\n"),
        ("jobs/main_test.go", "package main\n"),
        ("ml/pyproject.toml", "[project]\nname = \"ml\"\ndependencies = [\"pytest\"]\n"),
        ("ml/tests/test_one.py", "def test_one(): pass\n"),
        ("docs/mkdocs.yml", "site_name: docs\n"),
    ];
    created(&world, "acme/mono", &files).await;
    let told = body(&world, "acme/mono", 1);
    assert_eq!(told.lines().filter(|line| line.contains("` |  |")).count(), 5, "{told}");
    assert!(told.contains("What they did"), "{told}");
    // Not onboarding's, but of any pull request: two writes a check, and six reads that plan them.
    let checks = world.hub.look(|hub| {
        let repo = hub.repo("acme/mono").expect("it is there");
        repo.checks.len() as u64
    });
    let onboarding = used() - before - 2 * checks - 6;
    assert!(onboarding <= 12, "{onboarding} requests beside {checks} checks");
    world.finish().await;
}

#[tokio::test]
async fn the_policies_that_hold_are_told_with_whose_they_are() {
    let mut world = world(Opens::All).await;
    let floor = project::parse("[policy.environment.\"prod*\"]\nneeds = { approvals = 2 }\n").expect("a policy").policy;
    world.ctx.policy = Arc::new(Policy { floor, ..(*world.ctx.policy).clone() });
    let theirs = "[policy.environment.production]\nwho = [\"@acme/sre\"]\nneeds = { checks = [\"licences\"] }\n\
                  freeze = [\"Fri 16:00 - Mon 07:00 UTC\"]\nafter_merge = false\n";
    world.hub.create("acme/.github", &[("fairway.toml", theirs)]);
    created(&world, "acme/mail", SERVICE).await;
    let body = body(&world, "acme/mail", 1);
    let section = body.split("### ").find(|section| section.starts_with("Rules")).unwrap_or_default();
    assert_snapshot!(section, @"
    Rules that hold for environments here

    A repository can only tighten them.

    - `prod*`: after 2 approvals (line 1 of the operator's policy)
    - `production`: deployed by members of acme/sre, after `licences`, not Fri 16:00 - Mon 07:00 UTC, never by a merge alone (`fairway.toml:1` in `acme/.github`)
    ");
    world.finish().await;
}

#[tokio::test]
async fn what_is_renamed_or_deleted_half_way_gets_one_or_none() {
    let world = world(Opens::All).await;
    let mail = world.hub.create("acme/mail", SERVICE);
    let gone = world.hub.create("acme/gone", SERVICE);
    world.hub.delivered().await;
    mail.rename("post");
    world.hub.act(|hub| hub.repos.remove(&gone.id()));
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(pulls(&world, "acme/post"), [(1, "fairway/onboard".to_owned(), true)]);
    assert_snapshot!(stage(&world, &gone).await, @"gone");
    world.finish().await;
}

#[tokio::test]
async fn sixty_at_once_are_a_trickle_that_github_bears() {
    let world = world(Opens::All).await;
    let start = world.ctx.clock.now();
    for at in 0..60 {
        world.hub.create(&format!("acme/r{at:03}"), SERVICE);
    }
    world.pass(Duration::from_secs(60)).await;
    let states = |world: &World| {
        world
            .hub
            .look(|hub| hub.repos.values().filter(|repo| repo.name.starts_with('r') && !repo.pulls.is_empty()).count())
    };
    let after_a_minute = states(&world);
    assert!((1..=20).contains(&after_a_minute), "no burst: {after_a_minute}");
    world.pass(Duration::from_secs(60 * 60)).await;
    assert_eq!(states(&world), 60);
    let rows = world.ctx.store.aggregates_since("onboard", 0).await.expect("the store answers");
    let rows: Vec<OnboardState> = rows.iter().map(|row| serde_json::from_str(&row.state).expect("a row")).collect();
    let last = rows.iter().filter(|row| row.repo.name.starts_with('r')).map(|row| row.since).max().unwrap_or_default();
    let minutes = (last - start) / 60_000;
    // The page says 4.
    assert!((2..=6).contains(&minutes), "{minutes} min, {after_a_minute} after the first");
    // `finish` fails where GitHub had to refuse something.
    world.finish().await;
}

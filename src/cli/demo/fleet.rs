//! A plan moves forward: ten repositories follow it, and what does not fit two of them reaches nobody else.

use anyhow::Context;

use super::story::Story;
use super::teller::Teller;
use crate::domain::plan::{LOCK, Lock, Version, cohorts, place};
use crate::playground::world::{Repo, Role};

const PLAN: &str = "fleet/plans/service@1";
/// How many follow it.
const FOLLOWERS: usize = 10;
/// Its first version.
const FIRST: &str =
    "plan = \"fleet/plans/service@1\"\n\n[pipeline.test]\non = [\"pull_request\"]\nrun = [\"test -s README.md\"]\n";

fn version(minor: u64) -> Version {
    Version { major: 1, minor, patch: 0 }
}

fn manifest(version: Version) -> String {
    format!("version = \"{version}\"\nabout = \"A service of the fleet.\"\n")
}

/// The one whom a version reaches as number `at`.
fn nth(repos: &[(i64, String)], at: usize) -> &str {
    let mut order: Vec<&(i64, String)> = repos.iter().collect();
    order.sort_by_key(|(id, _)| place(*id, version(1)));
    &order[at].1
}

impl Story {
    /// Before the other chapters: the repositories are there, and follow the plan.
    pub fn fleet(&mut self) -> anyhow::Result<()> {
        self.hub.act(|hub| hub.add_org("fleet", &[("alice", Role::Admin), ("bob", Role::Write)]));
        let files = [
            ("README.md", "Plans of the fleet.\n"),
            ("service/plan.toml", &manifest(version(0))),
            ("service/CHANGELOG.md", "## 1.0.0\n\n- The first.\n"),
            ("service/files/fairway.toml", FIRST),
        ];
        let commit = self.hub.create("fleet/plans", &files).head("main").context("the plan has no commit")?;
        for at in 1..=FOLLOWERS {
            let inputs = [("name".to_owned(), format!("s{at}"))].into();
            let (plan, digest) = (PLAN.to_owned(), String::new());
            let lock =
                Lock { plan, version: version(0).into(), commit: commit.clone(), digest, pinned: false, inputs }.text();
            let name = format!("fleet/s{at}");
            let files = [("README.md", "A service.\n"), ("fairway.toml", FIRST), (LOCK, &lock)];
            self.hub.create(&name, &files);
        }
        Ok(())
    }

    /// The next version wants a licence, and not everybody has one.
    pub async fn upgrades(&mut self, teller: &mut Teller) -> anyhow::Result<()> {
        teller.chapter("a plan that ten repositories follow moves forward, and stops by itself");
        let repos: Vec<(i64, String)> = self.hub.look(|hub| {
            let all = hub.repos.values().filter(|repo| repo.owner == "fleet" && repo.name != "plans");
            all.map(|repo| (repo.id as i64, repo.full_name())).collect()
        });
        let sizes = cohorts(repos.len(), &[5, 25, 100]);
        let first = nth(&repos, 0).to_owned();
        self.hub.repo(&first).push("bob", "main", "A licence", &[("LICENSE", Some("Do as you like.\n"))]);
        let next = FIRST.replace("\"test -s README.md\"", "\"test -s README.md\", \"test -s LICENSE\"");
        self.hub.repo("fleet/plans").push(
            "alice",
            "main",
            "Want a licence",
            &[
                ("service/plan.toml", Some(manifest(version(1)).as_str())),
                (
                    "service/CHANGELOG.md",
                    Some("## 1.1.0\n\n- Every service has a licence.\n\n## 1.0.0\n\n- The first.\n"),
                ),
                ("service/files/fairway.toml", Some(next.as_str())),
            ],
        );
        teller.does("alice", "releases 1.1.0 of fleet/plans/service: every service has a licence");
        let passed = |repo: &Repo| result(repo, "Passed in");
        let failed = |repo: &Repo| result(repo, "Failed");
        teller.sees_in(&first, &format!("the first cohort is {first}, and green"), passed).await?;
        for at in (0..sizes.len()).filter(|at| sizes[*at] == 1) {
            let name = nth(&repos, at).to_owned();
            teller.sees_in(&name, &format!("the second cohort has {name}, and it fails"), failed).await?;
        }
        let page = self.page("/plans").await?;
        let stopped = page.lines().find(|line| line.contains("stopped:")).map(plain).unwrap_or_default();
        teller.holds(&format!("the page says: {stopped}"), !stopped.is_empty())?;
        let asked = self.hub.look(|hub| {
            let follows = |repo: &&Repo| repo.owner == "fleet" && repo.name != "plans";
            hub.repos.values().filter(follows).filter(|repo| !repo.pulls.is_empty()).count()
        });
        let spared = repos.len() - asked;
        teller.holds(
            &format!("{spared} of {} were not bothered", repos.len()),
            spared == sizes.iter().filter(|at| **at == 2).count(),
        )
    }

    /// One of Fairway's own pages, as whoever runs it sees it. What was decided a moment ago may not be there yet.
    async fn page(&self, path: &str) -> anyhow::Result<String> {
        let mut page = String::new();
        let client = reqwest::Client::new();
        for _ in 0..100 {
            page = client.get(self.recipe.page(path)).bearer_auth(self.recipe.token()).send().await?.text().await?;
            if page.contains("stopped:") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(page)
    }
}

/// The line of a pull request's body that says what its checks did.
fn result(repo: &Repo, words: &str) -> Option<String> {
    let body = &repo.pulls.get(&1)?.body;
    body.lines().any(|line| line.starts_with('|') && line.contains(words)).then(String::new)
}

/// Without tags.
fn plain(line: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        inside = (inside || *c == '<') && *c != '>';
        !inside && *c != '>'
    };
    line.chars().filter(keep).collect::<String>().trim().to_owned()
}

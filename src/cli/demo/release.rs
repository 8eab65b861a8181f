//! The chapters in which the shop's prices reach its customers: real processes behind a real proxy, and customers who ask it
//! all the while.

use std::time::Duration;

use anyhow::bail;

use super::load::{Load, Told};
use super::shop::discount;
use super::story::{Story, answer, git, reacted};
use super::teller::{Teller, ended};
use crate::playground::world::{Deployment, Repo};

/// What it takes a person to see what there is.
const A_SECOND: Duration = Duration::from_secs(1);
/// Answers in which a share is measured.
const ENOUGH: u64 = 600;

/// A piece of code that passes every test and fails for whoever buys thirteen.
const FAULT: &str = "    left=$((total / (13 - $1))) # cents for each piece that a baker's dozen still lacks\n";

impl Story {
    /// From the merge to the version before the last.
    pub async fn releases(&mut self, teller: &mut Teller, first: u64) -> anyhow::Result<()> {
        self.goes_live(teller, first).await?;
        let second = self.quarter(teller).await?;
        self.taken_back(teller).await?;
        self.goes_back(teller, second).await
    }

    async fn goes_live(&mut self, teller: &mut Teller, number: u64) -> anyhow::Result<()> {
        teller.chapter("the change is merged and released");
        let sha = self.merge(teller, number);
        let asked = self.asks(teller, number, ("bob", "/deploy staging")).await;
        teller.sees("its checks ran again, on main", |repo| ended(repo, &sha, "image", "success")).await?;
        teller.sees("staging: success", |repo| deployed(repo, &sha, "success")).await?;
        teller.sees("rocket", |repo| reacted(repo, asked, "rocket")).await?;
        self.costs(teller, (5, 450)).await
    }

    /// A second version for a quarter of the customers, and then for all. Gives its pull request.
    async fn quarter(&mut self, teller: &mut Teller) -> anyhow::Result<u64> {
        teller.chapter("a quarter of the customers get the next version");
        let (number, sha) =
            self.proposes(teller, ("three", "Discount from three pieces on"), &discount(3, "three")).await?;
        let load = Load::start(&self.shop(), |_| 3);
        teller.told("100 customers a second begin to ask what three pieces cost");
        self.asks(teller, number, ("bob", "/rollout staging 25%")).await;
        teller
            .sees("a Deployment says how far it is", |repo| {
                deployed(repo, &sha, "in_progress").filter(|at| at.starts_with("25"))
            })
            .await?;
        load.take();
        let told = answers(&load, ENOUGH).await?;
        let paid = told.paid.get(&270).copied().unwrap_or(0);
        teller.holds(
            &format!(
                "of {} customers {paid} paid the new price ({:.1} %), {} got no answer",
                told.all(),
                100.0 * paid as f64 / told.all() as f64,
                told.failed + told.broken
            ),
            about_a_quarter(paid, told.all()) && told.failed + told.broken == 0,
        )?;
        self.kill().await?;
        teller.does("you", "kill -9 fairway");
        self.child = Some(self.recipe.start().await?);
        let told = load.take();
        teller.holds(
            &format!(
                "{} customers asked until it was up again, {} of them in vain",
                told.all(),
                told.failed + told.broken
            ),
            told.all() > 0 && told.failed + told.broken == 0,
        )?;
        self.asks(teller, number, ("bob", "/rollout staging promote")).await;
        teller.sees("staging: one success, at 100 %", |repo| deployed(repo, &sha, "success")).await?;
        let told = load.take();
        teller.holds(
            &format!("{} customers asked meanwhile, {} in vain", told.all(), told.failed + told.broken),
            told.failed + told.broken == 0,
        )?;
        let told = answers(&load, 100).await?;
        teller.holds(
            &format!("of the last {} all paid the new price", told.all()),
            told.paid.get(&270) == Some(&told.all()),
        )?;
        self.merge(teller, number);
        Ok(number)
    }

    async fn taken_back(&mut self, teller: &mut Teller) -> anyhow::Result<()> {
        teller.chapter("a version passes every test and fails one customer in twenty");
        let price = discount(3, "three").replacen("    echo", &format!("{FAULT}    echo"), 1);
        let (number, _) = self.proposes(teller, ("dozen", "Say what a baker's dozen still costs"), &price).await?;
        let sha = self.merge(teller, number);
        let load = Load::start(&self.shop(), |n| n % 20 + 1);
        teller.told("100 customers a second ask for 1 to 20 pieces");
        self.asks(teller, number, ("bob", "/deploy staging")).await;
        teller
            .sees("it has 10 % of them", |repo| deployed(repo, &sha, "in_progress").filter(|at| at.starts_with("10")))
            .await?;
        teller.sees("the Deployment failed", |repo| deployed(repo, &sha, "failure")).await?;
        teller.sees("the pull request has the verdict", |repo| answer(repo, number, "evidence")).await?;
        teller
            .sees("a pull request takes it out of main", |repo| {
                let revert =
                    repo.pulls.values().find(|pull| pull.number > number && pull.title.starts_with("Revert"))?;
                Some(format!("#{} {}", revert.number, revert.title))
            })
            .await?;
        let told = load.take();
        let after = answers(&load, 200).await?;
        teller.holds(
            &format!("{} of {} customers met it; of the next {} nobody did", told.failed, told.all(), after.all()),
            told.failed > 0 && after.failed + after.broken + told.broken == 0,
        )
    }

    async fn goes_back(&mut self, teller: &mut Teller, number: u64) -> anyhow::Result<()> {
        teller.chapter("alice wants the prices of before");
        self.costs(teller, (3, 270)).await?;
        let asked = self.asks(teller, number, ("alice", "/rollback staging three pieces are too few")).await;
        self.costs(teller, (3, 300)).await?;
        teller.sees("rocket", |repo| reacted(repo, asked, "rocket")).await?;
        teller
            .sees("the Deployment says that it was a rollback", |repo| {
                let last = repo.deployments.values().max_by_key(|deployment| deployment.id)?;
                (last.task == "rollback" && state(last) == Some("success")).then(String::new)
            })
            .await
    }

    /// A branch from main, its pull request and its checks. Gives both names of it: number and commit.
    async fn proposes(
        &self,
        teller: &mut Teller,
        (branch, title): (&str, &str),
        price: &str,
    ) -> anyhow::Result<(u64, String)> {
        git(Some(self), &["fetch", "-q", "origin"]).await?;
        git(Some(self), &["checkout", "-q", "-b", branch, "origin/main"]).await?;
        let sha = self.push(price, title).await?;
        teller.does("bob", &format!("git push origin {branch}"));
        let number = self.hub.repo("acme/shop").open_pull("bob", branch, title).number();
        teller.does("bob", &format!("opens pull request #{number}"));
        teller.sees("fairway / image passed", |repo| ended(repo, &sha, "image", "success")).await?;
        teller.sees("fairway / test passed", |repo| ended(repo, &sha, "test", "success")).await?;
        Ok((number, sha))
    }

    fn merge(&self, teller: &mut Teller, number: u64) -> String {
        let sha = self.hub.repo("acme/shop").pull(number).merge("bob");
        teller.does("bob", &format!("merges #{number}"));
        sha
    }

    async fn asks(&self, teller: &mut Teller, number: u64, (who, line): (&str, &str)) -> u64 {
        // GitHub dates a comment by the second, and whoever types in the second of a push may not have seen it: refused. People
        // are not that fast.
        tokio::time::sleep(A_SECOND).await;
        let id = self.hub.repo("acme/shop").pull(number).comment(who, line);
        teller.does(who, line);
        id
    }

    fn shop(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.staging)
    }

    /// Asks until so many pieces at 100 cents cost so much.
    async fn costs(&self, teller: &mut Teller, (pieces, cents): (u32, u32)) -> anyhow::Result<()> {
        let url = format!("{}/price?pieces={pieces}&cents=100", self.shop());
        let mut last = String::new();
        for _ in 0..1_500 {
            last = match reqwest::get(&url).await {
                Ok(answer) => answer.text().await.unwrap_or_default().trim().to_owned(),
                Err(error) => error.to_string(),
            };
            if last == cents.to_string() {
                teller.told(&format!("GET {url} answers {last}"));
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("not seen within 30 s: {url} answers {cents}; it answers {last:?}")
    }
}

/// Waits until customers were answered so often, and takes what they were told.
async fn answers(load: &Load, enough: u64) -> anyhow::Result<Told> {
    for _ in 0..600 {
        if load.so_far().all() >= enough {
            return Ok(load.take());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("{} of {enough} customers were answered within 30 s", load.so_far().all())
}

/// Within what chance allows 999 times in 1,000.
fn about_a_quarter(count: u64, all: u64) -> bool {
    let spread = 3.29 * (0.25 * 0.75 / all as f64).sqrt();
    (count as f64 / all as f64 - 0.25).abs() < spread
}

fn state(deployment: &Deployment) -> Option<&str> {
    deployment.statuses.last().map(|status| status.state.as_str())
}

/// What the Deployment of a commit says, when it is in this state, and was in it once.
fn deployed(repo: &Repo, sha: &str, wished: &str) -> Option<String> {
    let deployment = repo.deployments.values().find(|deployment| deployment.sha == sha)?;
    let last = deployment.statuses.last().filter(|status| status.state == wished)?;
    let once = wished != "success" || deployment.statuses.iter().filter(|status| status.state == wished).count() == 1;
    once.then(|| last.description.clone())
}

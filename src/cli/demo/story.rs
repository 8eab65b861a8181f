//! The chapters.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

use super::shop::{PRICE, Ports, discount};
use super::teller::{Teller, check, ended};
use crate::cli::child::Recipe;
use crate::playground::{Playground, world::Repo};

/// What the story is told with.
pub struct Story {
    /// GitHub's stand-in.
    pub hub: Playground,
    /// How to start Fairway again.
    pub recipe: Recipe,
    /// The Fairway that runs; `None` while it is down.
    pub child: Option<Child>,
    /// bob's clone.
    pub clone: PathBuf,
    /// Where the shop is served.
    pub ports: Ports,
}

impl Story {
    /// From the first push to the last rollback.
    pub async fn tell(&mut self, teller: &mut Teller) -> anyhow::Result<()> {
        self.fleet()?;
        self.begins(teller).await?;
        self.project(teller).await?;
        let number = self.opens(teller).await?;
        self.breaks(teller, number).await?;
        self.talks(teller, number).await?;
        self.killed(teller, number).await?;
        self.away(teller, number).await?;
        self.upgrades(teller).await?;
        self.releases(teller, number).await?;
        let port = self.red_group(teller).await?;
        self.advisory(teller, port).await
    }

    async fn opens(&mut self, teller: &mut Teller) -> anyhow::Result<u64> {
        teller.chapter("bob opens a pull request, and its checks run");
        self.clone_shop().await?;
        let sha = self.push(&discount(5, "five"), "Discount from five pieces on").await?;
        teller.does("bob", "git push origin cheaper");
        let number = self.hub.repo("acme/shop").open_pull("bob", "cheaper", "Discount from five pieces on").number();
        teller.does("bob", &format!("opens pull request #{number}"));
        for name in ["test", "image"] {
            teller.sees(&format!("fairway / {name} passed"), |repo| ended(repo, &sha, name, "success")).await?;
        }
        teller
            .sees("green is silent: no comment was posted", |repo| {
                (repo.comments_of(number).count() == 0).then(String::new)
            })
            .await?;
        Ok(number)
    }

    async fn breaks(&mut self, teller: &mut Teller, number: u64) -> anyhow::Result<()> {
        teller.chapter("a commit breaks a test");
        let broken = PRICE.replace("-ge 10", "-gt 10").replace("from ten", "from eleven");
        let sha = self.push(&broken, "Off by one").await?;
        teller.does("bob", "git push origin cheaper");
        teller.sees("fairway / test failed", |repo| ended(repo, &sha, "test", "failure")).await?;
        teller
            .sees("the annotation lands on the line", |repo| {
                let found = &check(repo, &sha, "test")?.annotations;
                found.first().map(|a| format!("{}:{} {}", a.path, a.start_line, a.message))
            })
            .await?;
        teller.sees("fairway / image was not run", |repo| ended(repo, &sha, "image", "failure")).await?;
        let _ = number;
        Ok(())
    }

    async fn talks(&mut self, teller: &mut Teller, number: u64) -> anyhow::Result<()> {
        teller.chapter("people type commands");
        self.says(teller, number, ("bob", "/retry test"), "rocket").await?;
        teller.sees("one comment answers, and stays the only one", |repo| answer(repo, number, "Running")).await?;
        self.says(teller, number, ("mallory", "/retry"), "confused").await?;
        teller.sees("mallory is told why not", |repo| answer(repo, number, "Not done")).await?;
        self.says(teller, number, ("bob", "/depoly staging"), "confused").await?;
        teller.sees("the slip is understood", |repo| answer(repo, number, "Did you mean")).await
    }

    async fn killed(&mut self, teller: &mut Teller, number: u64) -> anyhow::Result<()> {
        teller.chapter("Fairway is killed in the middle of a run");
        self.slow(true).await?;
        let sha = self.push(&discount(5, "five"), "The test takes its time").await?;
        teller.sees("its checks are there", |repo| begun(repo, &sha)).await?;
        let slow = self.push(&format!("{}: # slow\n", discount(5, "five")), "Slow but right").await?;
        teller.does("bob", "git push origin cheaper");
        teller.sees("the older commit was superseded", |repo| superseded(repo, &sha)).await?;
        teller
            .sees("fairway / test is running", |repo| {
                (check(repo, &slow, "test")?.status == "in_progress").then(String::new)
            })
            .await?;
        self.kill().await?;
        teller.does("you", "kill -9 fairway");
        self.child = Some(self.recipe.start().await?);
        teller.told("Fairway is up again");
        for name in ["test", "image"] {
            teller.sees(&format!("fairway / {name} passed"), |repo| ended(repo, &slow, name, "success")).await?;
        }
        teller.sees("every check is there once", |repo| once(repo, &slow)).await?;
        let _ = number;
        Ok(())
    }

    async fn away(&mut self, teller: &mut Teller, number: u64) -> anyhow::Result<()> {
        teller.chapter("deliveries are lost while Fairway is down");
        self.kill().await?;
        teller.does("you", "kill -9 fairway");
        let asked = self.hub.repo("acme/shop").pull(number).comment("alice", "/status");
        teller.does("alice", "/status");
        self.slow(false).await?;
        let sha = self.commit("Quick again").await?;
        teller.does("bob", "git push origin cheaper");
        teller.sees("GitHub could not deliver", |repo| repo.pulls.contains_key(&number).then(String::new)).await?;
        self.hub.delivered().await;
        self.child = Some(self.recipe.start().await?);
        teller.told("Fairway is up again and asks for what it missed");
        teller.sees("fairway / test passed", |repo| ended(repo, &sha, "test", "success")).await?;
        teller.sees("alice is answered", |repo| reacted(repo, asked, "rocket")).await?;
        teller.sees("every check is there once", |repo| once(repo, &sha)).await
    }

    async fn says(
        &self,
        teller: &mut Teller,
        number: u64,
        (who, line): (&str, &str),
        reaction: &'static str,
    ) -> anyhow::Result<()> {
        let id = self.hub.repo("acme/shop").pull(number).comment(who, line);
        teller.does(who, line);
        teller.sees("eyes", |repo| reacted(repo, id, "eyes")).await?;
        teller.sees(reaction, |repo| reacted(repo, id, reaction)).await
    }

    async fn clone_shop(&self) -> anyhow::Result<()> {
        let url = format!("{}/acme/shop.git", self.hub.url().replace("http://", "http://bob:any@"));
        git(None, &["clone", "-q", &url, &self.clone.display().to_string()]).await?;
        git(Some(self), &["checkout", "-q", "-b", "cheaper"]).await?;
        Ok(())
    }

    /// Writes the price list, commits and pushes as bob would. Gives the commit.
    pub(super) async fn push(&self, price: &str, message: &str) -> anyhow::Result<String> {
        std::fs::write(self.clone.join("price.sh"), price)?;
        self.commit(message).await
    }

    /// Makes the test take three seconds, or not.
    async fn slow(&self, slow: bool) -> anyhow::Result<()> {
        let path = self.clone.join("check.sh");
        let text = std::fs::read_to_string(&path)?;
        let text = if slow {
            text.replace("[ -z \"$SLOW\" ]", "SLOW=3; [ -z \"$SLOW\" ]")
        } else {
            text.replace("SLOW=3; ", "")
        };
        Ok(std::fs::write(path, text)?)
    }

    async fn commit(&self, message: &str) -> anyhow::Result<String> {
        git(Some(self), &["commit", "-q", "-a", "-m", message]).await?;
        git(Some(self), &["push", "-q", "origin", "HEAD"]).await?;
        git(Some(self), &["rev-parse", "HEAD"]).await
    }

    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { bail!("Fairway is not running") };
        // `kill` is SIGKILL: no handler runs, nothing is put away.
        child.kill().await.context("killing Fairway")
    }
}

pub(super) fn reacted(repo: &Repo, comment: u64, content: &str) -> Option<String> {
    repo.comments.get(&comment)?.reactions.iter().any(|r| r.content == content).then(String::new)
}

/// The last comment of Fairway that holds these words, without its marker.
pub(super) fn answer(repo: &Repo, number: u64, words: &str) -> Option<String> {
    let comment = repo.comments_of(number).filter(|c| c.by_app).find(|c| c.body.contains(words))?;
    comment.body.lines().find(|line| line.contains(words)).map(str::to_owned)
}

/// Somebody heard of this commit: only then can a newer one take its place.
fn begun(repo: &Repo, sha: &str) -> Option<String> {
    repo.checks.values().any(|check| check.head_sha == sha).then(String::new)
}

fn superseded(repo: &Repo, sha: &str) -> Option<String> {
    repo.checks_of(sha).find_map(|c| c.title.clone().filter(|t| t.starts_with("Superseded")))
}

fn once(repo: &Repo, sha: &str) -> Option<String> {
    let names: Vec<&str> = repo.checks_of(sha).map(|c| c.name.as_str()).collect();
    let mut single = names.clone();
    single.sort_unstable();
    single.dedup();
    (names.len() == 2 && single.len() == 2).then(String::new)
}

/// Runs git as bob, with nobody's configuration. Gives what it printed.
pub(super) async fn git(story: Option<&Story>, args: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    if let Some(story) = story {
        command.current_dir(&story.clone);
    }
    command.args(args).stdin(Stdio::null());
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "bob"),
        ("GIT_AUTHOR_EMAIL", "bob@acme.example"),
        ("GIT_COMMITTER_NAME", "bob"),
        ("GIT_COMMITTER_EMAIL", "bob@acme.example"),
    ] {
        command.env(name, value);
    }
    let output = command.output().await.context("starting git; install it with `apt-get install git`")?;
    if !output.status.success() {
        bail!("git {} failed: {}", args.first().unwrap_or(&""), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

//! Prints the story as a timeline, and watches the playground for what it promises.

use std::time::Duration;

use anyhow::bail;

use crate::clock::Clock;
use crate::playground::{
    Playground,
    world::{CheckRun, Repo},
};

/// Who tells, and what was seen so far.
pub struct Teller {
    hub: Playground,
    clock: Clock,
    begin: i64,
    seen: usize,
    missed: usize,
    chapter: usize,
}

/// Longest wait for one thing that was promised.
const PATIENCE_MS: i64 = 45_000;

impl Teller {
    /// At the beginning.
    pub fn new(hub: Playground) -> Teller {
        let clock = Clock::system();
        Teller { hub, begin: clock.now(), clock, seen: 0, missed: 0, chapter: 0 }
    }

    /// A new chapter.
    pub fn chapter(&mut self, title: &str) {
        self.chapter += 1;
        println!("\n{}. {title}", self.chapter);
    }

    /// What somebody does.
    pub fn does(&self, who: &str, what: &str) {
        println!("  {}  {who:>8}  {what}", self.time());
    }

    /// What was seen to happen, at GitHub's side.
    pub fn told(&mut self, what: &str) {
        self.seen += 1;
        println!("  {}         ✓  {what}", self.time());
    }

    /// What was counted; an error where it is not as it should be.
    pub fn holds(&mut self, what: &str, well: bool) -> anyhow::Result<()> {
        if !well {
            bail!("not as it should be: {what}");
        }
        self.told(what);
        Ok(())
    }

    /// What did not happen.
    pub fn failed(&mut self, what: &str) {
        self.missed += 1;
        println!("  {}         ✗  {what}", self.time());
    }

    /// Waits until `see` finds what it looks for in `acme/shop`, and tells it.
    pub async fn sees(&mut self, what: &str, see: impl Fn(&Repo) -> Option<String>) -> anyhow::Result<()> {
        self.sees_in("acme/shop", what, see).await
    }

    /// The same in a repository of any name.
    pub async fn sees_in(
        &mut self,
        name: &str,
        what: &str,
        see: impl Fn(&Repo) -> Option<String>,
    ) -> anyhow::Result<()> {
        self.sees_within(name, (what, PATIENCE_MS), see).await
    }

    /// The same for what is compiled several times before.
    pub async fn waits(&mut self, name: &str, what: &str, see: impl Fn(&Repo) -> Option<String>) -> anyhow::Result<()> {
        self.sees_within(name, (what, 4 * PATIENCE_MS), see).await
    }

    async fn sees_within(
        &mut self,
        name: &str,
        (what, patience_ms): (&str, i64),
        see: impl Fn(&Repo) -> Option<String>,
    ) -> anyhow::Result<()> {
        let mut changes = self.hub.changes();
        let end = self.clock.now() + patience_ms;
        loop {
            if let Some(detail) = self.hub.look(|hub| hub.repo(name).and_then(&see)) {
                let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
                self.told(&format!("{what}{detail}"));
                return Ok(());
            }
            let left = end - self.clock.now();
            if left <= 0 {
                bail!("not seen within {} s: {what}", patience_ms / 1_000);
            }
            let _ = tokio::time::timeout(Duration::from_millis(left.min(500) as u64), changes.changed()).await;
        }
    }

    /// Prints the end. `true` when everything was seen.
    pub fn summary(&self) -> bool {
        let whole = self.missed == 0;
        println!(
            "\n{} of {} things seen in {:.1} s. {}",
            self.seen,
            self.seen + self.missed,
            self.seconds(),
            if whole { "Nothing was lost, nothing appeared twice." } else { "The story was not told to its end." }
        );
        whole
    }

    fn seconds(&self) -> f64 {
        (self.clock.now() - self.begin) as f64 / 1_000.0
    }

    fn time(&self) -> String {
        format!("{:5.1} s", self.seconds())
    }
}

/// The newest check run of a name on a commit.
pub fn check<'a>(repo: &'a Repo, sha: &'a str, name: &str) -> Option<&'a CheckRun> {
    repo.checks_of(sha).filter(|c| c.name == format!("fairway / {name}")).max_by_key(|c| c.id)
}

/// The title of a check run that ended in this way.
pub fn ended(repo: &Repo, sha: &str, name: &str, conclusion: &str) -> Option<String> {
    let check = check(repo, sha, name)?;
    (check.conclusion.as_deref() == Some(conclusion)).then(|| check.title.clone().unwrap_or_default())
}

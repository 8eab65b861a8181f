//! Buttons on the checks page.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::playground::world::World;

impl World {
    /// "Re-run" on one check run.
    pub fn rerequest(&mut self, repo: u64, check: u64, by: &str) -> Result<()> {
        let run = self.repos.get(&repo).and_then(|at| at.checks.get(&check)).context("no such check run")?;
        let suite = run.suite;
        self.requeue(repo, suite);
        self.tell_check((repo, check), "rerequested", by, json!({}));
        Ok(())
    }

    /// "Re-run all checks" on a commit.
    pub fn rerequest_suite(&mut self, repo: u64, sha: &str, by: &str) -> Result<()> {
        let at = self.repos.get(&repo).context("no such repository")?;
        let suite = at.suites.values().find(|suite| suite.head_sha == sha).context("no check suite on that commit")?.id;
        self.requeue(repo, suite);
        self.tell_suite(repo, suite, "rerequested", by)
    }

    /// An action's button on a finished check run.
    pub fn press(&mut self, repo: u64, check: u64, identifier: &str, by: &str) -> Result<()> {
        let run = self.repos.get(&repo).and_then(|at| at.checks.get(&check)).context("no such check run")?;
        ensure!(run.status == "completed", "buttons appear only when the run is completed");
        ensure!(run.actions.iter().any(|action| action.identifier == identifier), "no button {identifier}");
        self.tell_check(
            (repo, check),
            "requested_action",
            by,
            json!({ "requested_action": { "identifier": identifier } }),
        );
        Ok(())
    }

    /// Sends a `check_run` webhook.
    pub fn tell_check(&mut self, (repo, check): (u64, u64), action: &str, by: &str, mut extra: Value) {
        let Some(at) = self.repos.get(&repo) else {
            return;
        };
        let Some(run) = at.checks.get(&check) else {
            return;
        };
        extra["action"] = json!(action);
        extra["check_run"] = self.check_event_json(at, run);
        self.emit(repo, "check_run", by, extra);
    }

    fn requeue(&mut self, repo: u64, suite: u64) {
        let now = self.now();
        if let Some(suite) = self.repos.get_mut(&repo).and_then(|at| at.suites.get_mut(&suite)) {
            suite.requeued = true;
            suite.updated_at = now;
        }
    }
}

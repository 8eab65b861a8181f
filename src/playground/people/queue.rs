//! The merge queue: a group is a merge commit on a branch of its own that waits for its checks.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::playground::world::{MergeGroup, What, World};

impl World {
    /// Puts a pull request into the merge queue; gives back the head that is to be checked.
    pub fn enqueue(&mut self, repo: u64, number: u64, by: &str) -> Result<String> {
        let pull = self.pull(repo, number)?;
        ensure!(pull.open && !pull.draft, "#{number} cannot be merged");
        let (base, title) = (pull.base_ref.clone(), pull.title.clone());
        let head = pull.head_sha.clone();
        let base_sha = self.base_head(repo, &base)?;
        let message = format!("Merge pull request #{number}\n\n{title}\n");
        let head_sha = self.merge_commit(repo, (&base_sha, &head), by, &message)?;
        let head_ref = format!("refs/heads/gh-readonly-queue/{base}/pr-{number}-{base_sha}");
        self.git_of(repo)?.set_ref(&head_ref, &head_sha)?;
        let base_ref = format!("refs/heads/{base}");
        let group = MergeGroup { number, head_ref: head_ref.clone(), head_sha: head_sha.clone(), base_ref, base_sha };
        if let Some(at) = self.repos.get_mut(&repo) {
            at.queue.insert(head_ref.clone(), group);
        }
        self.happened(repo, number, by, What::Enqueued(head_sha.clone()));
        self.tell_pull((repo, number), "enqueued", by, json!({}));
        self.notice_refs(repo, by)?;
        self.tell_group(repo, &head_ref, by, json!({ "action": "checks_requested" }));
        Ok(head_sha)
    }

    /// Ends a group: `merged` lands it, `dequeued` and `invalidated` throw it away.
    pub fn end_group(&mut self, repo: u64, number: u64, by: &str, reason: &str) -> Result<()> {
        let at = self.repos.get(&repo).context("no such repository")?;
        let group = at.queue.values().find(|group| group.number == number).context("not in the queue")?.clone();
        self.tell_group(repo, &group.head_ref, by, json!({ "action": "destroyed", "reason": reason }));
        if let Some(at) = self.repos.get_mut(&repo) {
            at.queue.remove(&group.head_ref);
        }
        self.happened(repo, number, by, What::Dequeued(reason.to_owned()));
        if reason == "merged" {
            self.land(repo, number, by, &group.head_sha)?;
        } else {
            self.tell_pull((repo, number), "dequeued", by, json!({ "reason": reason }));
        }
        self.git_of(repo)?.delete_ref(&group.head_ref)?;
        self.notice_refs(repo, by)
    }

    fn tell_group(&mut self, repo: u64, head_ref: &str, by: &str, mut payload: Value) {
        let Some(at) = self.repos.get(&repo) else {
            return;
        };
        let Some(group) = at.queue.get(head_ref) else {
            return;
        };
        let commit = self.git(at).read_commit(&group.head_sha).map(|commit| self.simple_commit_json(&commit));
        payload["merge_group"] = json!({
            "head_sha": group.head_sha,
            "head_ref": group.head_ref,
            "base_sha": group.base_sha,
            "base_ref": group.base_ref,
            "head_commit": commit.unwrap_or_default(),
        });
        self.emit(repo, "merge_group", by, payload);
    }
}

//! Reviews: who is asked for one, what is said in one, and remarks on single lines.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::playground::world::{Remark, Review, What, World};

impl World {
    /// Asks somebody for a review; twice is asking anew.
    pub fn request_review(&mut self, repo: u64, number: u64, by: &str, reviewer: &str) -> Result<()> {
        let pull = self.pull(repo, number)?;
        ensure!(pull.author != reviewer, "Review cannot be requested from pull request author.");
        let asked =
            self.repos.get(&repo).and_then(|at| self.role(at, reviewer)).filter(|_| self.users.contains_key(reviewer));
        asked.with_context(|| format!("{reviewer} may not see the repository"))?;
        if let Some(pull) =
            self.pull_mut(repo, number).filter(|pull| pull.requested.iter().all(|name| name != reviewer))
        {
            pull.requested.push(reviewer.to_owned());
        }
        self.happened(repo, number, by, What::Requested(reviewer.to_owned()));
        let extra = json!({ "requested_reviewer": self.user_json(reviewer) });
        self.tell_pull((repo, number), "review_requested", by, extra);
        Ok(())
    }

    /// Reviews a pull request: `APPROVED`, `CHANGES_REQUESTED` or `COMMENTED`.
    pub fn review(&mut self, repo: u64, number: u64, by: &str, (state, body): (&str, &str)) -> Result<u64> {
        let pull = self.pull(repo, number)?;
        ensure!(pull.author != by || state == "COMMENTED", "Can not approve your own pull request");
        let commit_id = pull.head_sha.clone();
        let (id, at) = (self.id(), self.now());
        let review =
            Review { id, author: by.to_owned(), state: state.to_owned(), body: body.to_owned(), commit_id, at };
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.reviews.push(review.clone());
            pull.requested.retain(|asked| asked != by);
        }
        self.happened(repo, number, by, What::Reviewed(id));
        if let (Some(repo_at), Ok(pull)) = (self.repos.get(&repo), self.pull(repo, number)) {
            let mut json = self.review_json(repo_at, pull, &review);
            json["state"] = json!(state.to_lowercase());
            let payload =
                json!({ "action": "submitted", "review": json, "pull_request": self.pull_simple_json(repo_at, pull) });
            self.emit(repo, "pull_request_review", by, payload);
        }
        Ok(id)
    }

    /// Says something to one line of a file, by itself: GitHub makes a review of it.
    pub fn remark(&mut self, repo: u64, number: u64, by: &str, (path, line, body): (&str, u64, &str)) -> Result<u64> {
        ensure!(!body.trim().is_empty(), "a comment needs a body");
        let pull = self.pull(repo, number)?;
        let (base, commit_id) = (pull.base_sha.clone(), pull.head_sha.clone());
        let changed = self.git_of(repo)?.diff(&base, &commit_id)?;
        let patch = changed.into_iter().find(|file| file.path == path).and_then(|file| file.patch);
        let diff_hunk = patch.with_context(|| format!("Path {path} is not part of the pull request"))?;
        let review = self.review(repo, number, by, ("COMMENTED", ""))?;
        let (id, at) = (self.id(), self.now());
        let (path, body) = (path.to_owned(), body.to_owned());
        let remark = Remark { id, review, author: by.to_owned(), path, line, diff_hunk, body, commit_id, at };
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.remarks.push(remark.clone());
        }
        if let (Some(repo_at), Ok(pull)) = (self.repos.get(&repo), self.pull(repo, number)) {
            let comment: Value = self.remark_json(repo_at, pull, &remark);
            let payload = json!({ "action": "created", "comment": comment, "pull_request": self.pull_simple_json(repo_at, pull) });
            self.emit(repo, "pull_request_review_comment", by, payload);
        }
        Ok(id)
    }
}

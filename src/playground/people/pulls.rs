//! Opening, closing and merging pull requests.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::playground::world::{Merged, Pull, Size, What, World};

/// A pull request to be opened.
#[derive(Clone, Debug, Default)]
pub struct NewPull<'a> {
    /// Login.
    pub author: &'a str,
    /// `branch` or `owner:branch` for a fork.
    pub head: &'a str,
    /// Branch.
    pub base: &'a str,
    /// First line.
    pub title: &'a str,
    /// Markdown.
    pub body: &'a str,
    /// Not ready for review.
    pub draft: bool,
}

impl World {
    /// A pull request, to be changed.
    pub fn pull_mut(&mut self, repo: u64, number: u64) -> Option<&mut Pull> {
        self.repos.get_mut(&repo)?.pulls.get_mut(&number)
    }

    /// A pull request.
    pub fn pull(&self, repo: u64, number: u64) -> Result<&Pull> {
        let repo = self.repos.get(&repo).context("no such repository")?;
        repo.pulls.get(&number).with_context(|| format!("no pull request #{number} in {}", repo.full_name()))
    }

    /// Opens a pull request; gives back its number.
    pub fn open_pull(&mut self, repo: u64, new: &NewPull<'_>) -> Result<u64> {
        let at = self.repos.get(&repo).context("no such repository")?;
        let (owner, head_ref) = new.head.split_once(':').unwrap_or((at.owner.as_str(), new.head));
        let head = if owner == at.owner {
            at
        } else {
            let fork = self.repos.values().find(|fork| fork.owner == owner && fork.fork_of == Some(repo));
            fork.with_context(|| format!("{owner} has no fork of {}", at.full_name()))?
        };
        let head_sha =
            head.branch(head_ref).with_context(|| format!("no branch {head_ref} in {}", head.full_name()))?.to_owned();
        let base_sha = at.branch(new.base).with_context(|| format!("no branch {}", new.base))?.to_owned();
        ensure!(head_sha != base_sha, "No commits between {} and {}", new.base, new.head);
        if at.pulls.values().any(|pull| {
            pull.open && pull.head_repo == head.id && pull.head_ref == head_ref && pull.base_ref == new.base
        }) {
            bail!("A pull request already exists for {owner}:{head_ref}.");
        }
        let (head_repo, head_ref, number) = (head.id, head_ref.to_owned(), at.last_number + 1);
        let (id, now) = (self.id(), self.now());
        let pull = Pull {
            id,
            number,
            title: new.title.to_owned(),
            body: new.body.to_owned(),
            author: new.author.to_owned(),
            head_repo,
            head_ref,
            head_sha: head_sha.clone(),
            base_ref: new.base.to_owned(),
            base_sha,
            draft: new.draft,
            open: true,
            merged: None,
            labels: Vec::new(),
            requested: Vec::new(),
            reviews: Vec::new(),
            remarks: Vec::new(),
            size: Size::default(),
            timeline: Vec::new(),
            created_at: now,
            updated_at: now,
            closed_at: None,
        };
        if let Some(at) = self.repos.get_mut(&repo) {
            at.last_number = number;
            at.pulls.insert(number, pull);
        }
        self.move_head(repo, number, &head_sha)?;
        self.happened(repo, number, new.author, What::Opened);
        self.tell_pull((repo, number), "opened", new.author, json!({}));
        Ok(number)
    }

    /// Sends a `pull_request` webhook with these further fields.
    pub fn tell_pull(&mut self, (repo, number): (u64, u64), action: &str, sender: &str, mut extra: Value) {
        let Some(at) = self.repos.get(&repo) else {
            return;
        };
        let Some(pull) = at.pulls.get(&number) else {
            return;
        };
        extra["action"] = json!(action);
        extra["number"] = json!(number);
        extra["pull_request"] = self.pull_json(at, pull);
        self.emit(repo, "pull_request", sender, extra);
    }

    /// Closes it without a merge.
    pub fn close_pull(&mut self, repo: u64, number: u64, by: &str) -> Result<()> {
        ensure!(self.pull(repo, number)?.open, "#{number} is closed already");
        let now = self.now();
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.open = false;
            pull.closed_at = Some(now);
        }
        self.happened(repo, number, by, What::Closed);
        self.tell_pull((repo, number), "closed", by, json!({}));
        Ok(())
    }

    /// Opens it again.
    pub fn reopen_pull(&mut self, repo: u64, number: u64, by: &str) -> Result<()> {
        let pull = self.pull(repo, number)?;
        ensure!(!pull.open && pull.merged.is_none(), "#{number} cannot be reopened");
        let branch = self.repos.get(&pull.head_repo).and_then(|head| head.branch(&pull.head_ref));
        let head = branch.with_context(|| format!("the branch {} is gone", pull.head_ref))?.to_owned();
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.open = true;
            pull.closed_at = None;
        }
        self.move_head(repo, number, &head)?;
        self.happened(repo, number, by, What::Reopened);
        self.tell_pull((repo, number), "reopened", by, json!({}));
        Ok(())
    }

    /// Makes it ready for review, or a draft again.
    pub fn set_draft(&mut self, repo: u64, number: u64, by: &str, draft: bool) -> Result<()> {
        ensure!(self.pull(repo, number)?.draft != draft, "#{number} is that already");
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.draft = draft;
        }
        let (what, action) =
            if draft { (What::Drafted, "converted_to_draft") } else { (What::Ready, "ready_for_review") };
        self.happened(repo, number, by, what);
        self.tell_pull((repo, number), action, by, json!({}));
        Ok(())
    }

    /// Merges it by a merge commit; gives back the commit.
    pub fn merge_pull(&mut self, repo: u64, number: u64, by: &str) -> Result<String> {
        let pull = self.pull(repo, number)?;
        ensure!(pull.open && !pull.draft, "Pull Request is not mergeable");
        let message = format!("Merge pull request #{number} from {}\n\n{}\n", pull.head_ref, pull.title);
        let (head, base_ref) = (pull.head_sha.clone(), pull.base_ref.clone());
        let base = self.base_head(repo, &base_ref)?;
        let sha = self.merge_commit(repo, (&base, &head), by, &message)?;
        self.land(repo, number, by, &sha)?;
        Ok(sha)
    }

    /// Merges a pull request by a rebase; gives back the last commit that it left. Only where the base did not move: there
    /// the trees stay as they are.
    pub fn rebase_pull(&mut self, repo: u64, number: u64, by: &str) -> Result<String> {
        let pull = self.pull(repo, number)?;
        ensure!(pull.open && !pull.draft, "Pull Request is not mergeable");
        let (base_sha, head, base_ref) = (pull.base_sha.clone(), pull.head_sha.clone(), pull.base_ref.clone());
        ensure!(self.base_head(repo, &base_ref)? == base_sha, "{base_ref} moved, and this stand-in replays nothing");
        let git = self.git_of(repo)?;
        let mut last = base_sha.clone();
        for commit in git.between(&base_sha, &head)? {
            let (author, committer) = (self.person(&commit.author.name), self.person(by));
            last = git.write_commit(&commit.tree, &[last], (&author, &committer), &commit.message)?;
        }
        self.land(repo, number, by, &last)?;
        Ok(last)
    }

    /// Where a base branch stands.
    pub(super) fn base_head(&self, repo: u64, branch: &str) -> Result<String> {
        let at = self.repos.get(&repo).context("no such repository")?;
        Ok(at.branch(branch).with_context(|| format!("no branch {branch}"))?.to_owned())
    }

    /// Stores the merge of two commits without moving a branch.
    pub(super) fn merge_commit(
        &self,
        repo: u64,
        (base, head): (&str, &str),
        by: &str,
        message: &str,
    ) -> Result<String> {
        let git = self.git_of(repo)?;
        let tree = git.merge_tree(base, head).context("Merge conflict")?;
        let who = self.person(by);
        git.write_commit(&tree, &[base.to_owned(), head.to_owned()], (&who, &who), message)
    }

    /// Moves the base to a commit that contains the pull request, and closes it as merged.
    pub(super) fn land(&mut self, repo: u64, number: u64, by: &str, sha: &str) -> Result<()> {
        let base = self.pull(repo, number)?.base_ref.clone();
        let now = self.now();
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.open = false;
            pull.closed_at = Some(now);
            pull.merged = Some(Merged { by: by.to_owned(), sha: sha.to_owned(), at: now });
        }
        self.git_of(repo)?.set_ref(&format!("refs/heads/{base}"), sha)?;
        self.happened(repo, number, by, What::Merged(sha.to_owned()));
        self.tell_pull((repo, number), "closed", by, json!({}));
        self.notice_refs(repo, by)
    }
}

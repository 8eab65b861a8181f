//! What follows from refs that moved: pushes, check suites, and pull requests whose head follows its branch.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::git::{Commit, Git, ZERO};
use super::shapes::iso;
use super::world::{CheckSuite, Happening, Merged, Repo, Size, What, World};

/// A ref that moved.
struct Move {
    name: String,
    before: String,
    after: String,
}

impl World {
    /// The bare repository on disk.
    pub fn git(&self, repo: &Repo) -> Git {
        Git::at(self.dir.join(&repo.owner).join(format!("{}.git", repo.name)))
    }

    /// The same by id.
    pub fn git_of(&self, repo: u64) -> Result<Git> {
        Ok(self.git(self.repos.get(&repo).context("no such repository")?))
    }

    /// Looks which refs moved since the last look and does all that GitHub does then.
    pub fn notice_refs(&mut self, repo: u64, sender: &str) -> Result<()> {
        let git = self.git_of(repo)?;
        let seen = git.refs()?;
        let now = self.now();
        let Some(at) = self.repos.get_mut(&repo) else {
            return Ok(());
        };
        let moves = moves(&at.refs, &seen);
        if moves.is_empty() {
            return Ok(());
        }
        at.refs = seen;
        at.pushed_at = now;
        // GitHub sends neither `push` nor `create` when more than three tags come at once.
        let many_tags = moves.iter().filter(|moved| moved.name.starts_with("refs/tags/")).count() > 3;
        for moved in &moves {
            if !(many_tags && moved.name.starts_with("refs/tags/")) {
                self.tell_push(repo, &git, moved, sender);
            }
            self.branch_moved(repo, &git, moved, sender)?;
        }
        Ok(())
    }

    fn tell_push(&mut self, repo: u64, git: &Git, moved: &Move, sender: &str) {
        let (created, deleted) = (moved.before == ZERO, moved.after == ZERO);
        if created || deleted {
            let event = if created { "create" } else { "delete" };
            let kind = if moved.name.starts_with("refs/tags/") { "tag" } else { "branch" };
            let short = moved.name.splitn(3, '/').nth(2).unwrap_or_default();
            let default = self.repos.get(&repo).map(|repo| repo.default_branch.clone());
            let payload = json!({ "ref": short, "ref_type": kind, "master_branch": default, "description": Value::Null, "pusher_type": "user" });
            self.emit(repo, event, sender, payload);
        }
        let forced = !created && !deleted && !git.is_ancestor(&moved.before, &moved.after);
        let commits = match (created, deleted) {
            (_, true) => Vec::new(),
            (true, _) => self.first_pushed(repo, git, moved),
            _ => git.between(&moved.before, &moved.after).unwrap_or_default(),
        };
        // A merge of the default branch brings what had been pushed before.
        let base = self.base_of(repo, moved).filter(|_| commits.iter().any(|commit| commit.parents.len() > 1));
        let json = |commit: &Commit| {
            let mut json = self.push_commit_json(repo, git, commit);
            json["distinct"] = json!(!base.is_some_and(|base| git.is_ancestor(&commit.sha, base)));
            json
        };
        let commits: Vec<Value> = commits.iter().take(20).map(json).collect();
        let head = || Some(self.push_commit_json(repo, git, &git.read_commit(&moved.after).ok()?));
        let payload = json!({
            "ref": moved.name,
            "before": moved.before,
            "after": moved.after,
            "base_ref": Value::Null,
            "created": created,
            "deleted": deleted,
            "forced": forced,
            "compare": format!("{}/compare/{}...{}", self.url, moved.before, moved.after),
            "head_commit": commits.last().cloned().or_else(head),
            "commits": commits,
            "pusher": { "name": sender, "email": format!("{sender}@users.noreply.localhost") },
        });
        self.emit(repo, "push", sender, payload);
    }

    /// What a new ref brings: all that the default branch has not; of the default branch itself its head.
    fn first_pushed(&self, repo: u64, git: &Git, moved: &Move) -> Vec<Commit> {
        let commits = match self.base_of(repo, moved) {
            Some(base) => git.between(base, &moved.after),
            None => git.log(&["-1", &moved.after]),
        };
        commits.unwrap_or_default()
    }

    /// Where the default branch stands; `None` when it is what moved.
    fn base_of(&self, repo: u64, moved: &Move) -> Option<&str> {
        let at = self.repos.get(&repo)?;
        let other = moved.name.strip_prefix("refs/heads/") != Some(at.default_branch.as_str());
        at.branch(&at.default_branch).filter(|_| other)
    }

    fn push_commit_json(&self, repo: u64, git: &Git, commit: &Commit) -> Value {
        let parent = commit.parents.first().map_or(ZERO, String::as_str);
        let files = git.diff(parent, &commit.sha).unwrap_or_default();
        let with = |status: &[&str]| -> Vec<String> {
            files.iter().filter(|file| status.contains(&file.status.as_str())).map(|file| file.path.clone()).collect()
        };
        let mut json = self.simple_commit_json(commit);
        for (part, person) in [("author", &commit.author), ("committer", &commit.committer)] {
            if let Some(login) = self.login_of(person) {
                json[part]["username"] = json!(login);
            }
        }
        let name = self.repos.get(&repo).map(Repo::full_name).unwrap_or_default();
        json["url"] = json!(format!("{}/{name}/commit/{}", self.url, commit.sha));
        json["distinct"] = json!(true);
        json["added"] = json!(with(&["added"]));
        json["removed"] = json!(with(&["removed"]));
        json["modified"] = json!(with(&["modified", "renamed"]));
        json["timestamp"] = json!(iso(commit.committer.at * 1000));
        json
    }

    fn branch_moved(&mut self, repo: u64, git: &Git, moved: &Move, sender: &str) -> Result<()> {
        let Some(branch) = moved.name.strip_prefix("refs/heads/") else {
            return Ok(());
        };
        if moved.after != ZERO {
            let installed = self.repos.get(&repo).is_some_and(|at| self.installation_of(at).is_some());
            if installed {
                let suite = self.suite_for(repo, &moved.after, Some(branch), Some(&moved.before))?;
                self.tell_suite(repo, suite, "requested", sender)?;
            }
        }
        self.merged_by_push(repo, git, moved, sender)?;
        let followers: Vec<(u64, u64)> = self
            .repos
            .values()
            .flat_map(|base| base.pulls.values().map(move |pull| (base.id, pull)))
            .filter(|(_, pull)| pull.open && pull.head_repo == repo && pull.head_ref == branch)
            .map(|(base, pull)| (base, pull.number))
            .collect();
        for (base, number) in followers {
            if moved.after == ZERO {
                self.close_pull(base, number, sender)?;
                continue;
            }
            let forced = !git.is_ancestor(&moved.before, &moved.after);
            self.move_head(base, number, &moved.after)?;
            let message = git.read_commit(&moved.after)?.message.lines().next().unwrap_or_default().to_owned();
            let what = What::Pushed { before: moved.before.clone(), after: moved.after.clone(), message, forced };
            self.happened(base, number, sender, what);
            self.tell_pull(
                (base, number),
                "synchronize",
                sender,
                json!({ "before": moved.before, "after": moved.after }),
            );
        }
        Ok(())
    }

    /// A pull request whose head arrives on its base by a push is merged, as GitHub sees it.
    fn merged_by_push(&mut self, repo: u64, git: &Git, moved: &Move, sender: &str) -> Result<()> {
        let Some(base) = moved.name.strip_prefix("refs/heads/").filter(|_| moved.after != ZERO) else { return Ok(()) };
        let at = self.repos.get(&repo).context("no such repository")?;
        let arrived = |pull: &&super::world::Pull| {
            pull.open && pull.base_ref == base && pull.size.commits > 0 && git.is_ancestor(&pull.head_sha, &moved.after)
        };
        let numbers: Vec<u64> = at.pulls.values().filter(arrived).map(|pull| pull.number).collect();
        let now = self.now();
        for number in numbers {
            let sha = moved.after.clone();
            if let Some(pull) = self.pull_mut(repo, number) {
                pull.open = false;
                pull.closed_at = Some(now);
                pull.merged = Some(Merged { by: sender.to_owned(), sha: sha.clone(), at: now });
            }
            self.happened(repo, number, sender, What::Merged(sha));
            self.tell_pull((repo, number), "closed", sender, json!({}));
        }
        Ok(())
    }

    /// The suite of a commit, made when missing.
    pub fn suite_for(&mut self, repo: u64, sha: &str, branch: Option<&str>, before: Option<&str>) -> Result<u64> {
        let at = self.repos.get(&repo).context("no such repository")?;
        if let Some(suite) = at.suites.values().find(|suite| suite.head_sha == sha) {
            return Ok(suite.id);
        }
        let named = at.refs.iter().find(|(_, at)| *at == sha).and_then(|(name, _)| name.strip_prefix("refs/heads/"));
        let head_branch = branch.or(named).map(str::to_owned);
        let (id, now) = (self.id(), self.now());
        let suite = CheckSuite {
            id,
            head_sha: sha.to_owned(),
            head_branch,
            before: before.map(str::to_owned),
            requeued: false,
            created_at: now,
            updated_at: now,
        };
        if let Some(at) = self.repos.get_mut(&repo) {
            at.suites.insert(id, suite);
        }
        Ok(id)
    }

    /// Sends a `check_suite` webhook.
    pub fn tell_suite(&mut self, repo: u64, suite: u64, action: &str, sender: &str) -> Result<()> {
        let at = self.repos.get(&repo).context("no such repository")?;
        let suite = at.suites.get(&suite).context("no such check suite")?;
        let commit = self.git(at).read_commit(&suite.head_sha)?;
        let mut json = self.suite_json(at, suite, &commit);
        if let Value::Object(fields) = &mut json {
            fields.remove("repository");
        }
        self.emit(repo, "check_suite", sender, json!({ "action": action, "check_suite": json }));
        Ok(())
    }

    /// Puts a pull request's head at this commit and measures it again.
    pub fn move_head(&mut self, repo: u64, number: u64, sha: &str) -> Result<()> {
        let now = self.now();
        let at = self.repos.get(&repo).context("no such repository")?;
        let pull = at.pulls.get(&number).context("no such pull request")?;
        let git = self.git(at);
        git.fetch(&self.git_of(pull.head_repo)?, sha, &format!("refs/pull/{number}/head"))?;
        let base = at.branch(&pull.base_ref).unwrap_or(&pull.base_sha).to_owned();
        let size = measure(&git, &base, sha)?;
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.head_sha = sha.to_owned();
            pull.base_sha = base;
            pull.size = size;
            pull.updated_at = now;
        }
        Ok(())
    }

    /// Adds a line to a pull request's conversation.
    pub fn happened(&mut self, repo: u64, number: u64, by: &str, what: What) {
        let at = self.now();
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.timeline.push(Happening { at, by: by.to_owned(), what });
            pull.updated_at = at;
        }
    }
}

fn moves(
    old: &std::collections::BTreeMap<String, String>,
    new: &std::collections::BTreeMap<String, String>,
) -> Vec<Move> {
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let at = |map: &std::collections::BTreeMap<String, String>, name: &str| {
        map.get(name).map_or(ZERO, String::as_str).to_owned()
    };
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| Move { name: name.clone(), before: at(old, name), after: at(new, name) })
        .collect()
}

/// Size of `head` against where it left `base`.
fn measure(git: &Git, base: &str, head: &str) -> Result<Size> {
    let from = git.merge_base(base, head).unwrap_or_else(|| base.to_owned());
    let files = git.diff(&from, head)?;
    Ok(Size {
        additions: files.iter().map(|file| file.additions).sum(),
        deletions: files.iter().map(|file| file.deletions).sum(),
        files: files.len() as u64,
        commits: git.between(base, head)?.len() as u64,
        mergeable: git.merge_tree(base, head).is_some(),
    })
}

//! Commits in the three forms that GitHub has for them, and changed files.

use serde_json::{Value, json};

use super::{iso, node_id};
use crate::playground::git::{Commit, FileChange, Person};
use crate::playground::world::{Repo, World};

fn person(person: &Person) -> Value {
    json!({ "name": person.name, "email": person.email, "date": iso(person.at * 1000) })
}

fn unsigned() -> Value {
    json!({ "verified": false, "reason": "unsigned", "signature": Value::Null, "payload": Value::Null, "verified_at": Value::Null })
}

impl World {
    /// A `commit`: with the people's accounts beside git's own fields.
    pub fn commit_json(&self, repo: &Repo, commit: &Commit) -> Value {
        let url = self.repo_url(repo);
        let sha = &commit.sha;
        let account = |person: &Person| self.login_of(person).map(|login| self.user_json(&login));
        json!({
            "url": format!("{url}/commits/{sha}"),
            "sha": sha,
            "node_id": node_id("Commit", repo.id),
            "html_url": format!("{}/{}/commit/{sha}", self.url, repo.full_name()),
            "comments_url": format!("{url}/commits/{sha}/comments"),
            "commit": {
                "url": format!("{url}/git/commits/{sha}"),
                "author": person(&commit.author),
                "committer": person(&commit.committer),
                "message": commit.message,
                "comment_count": 0,
                "tree": { "sha": commit.tree, "url": format!("{url}/git/trees/{}", commit.tree) },
                "verification": unsigned(),
            },
            "author": account(&commit.author),
            "committer": account(&commit.committer),
            "parents": self.parents_json(repo, commit),
        })
    }

    /// A `git-commit`, as the Git Data API gives it.
    pub fn git_commit_json(&self, repo: &Repo, commit: &Commit) -> Value {
        let url = self.repo_url(repo);
        json!({
            "sha": commit.sha,
            "node_id": node_id("Commit", repo.id),
            "url": format!("{url}/git/commits/{}", commit.sha),
            "html_url": format!("{}/{}/commit/{}", self.url, repo.full_name(), commit.sha),
            "author": person(&commit.author),
            "committer": person(&commit.committer),
            "tree": { "sha": commit.tree, "url": format!("{url}/git/trees/{}", commit.tree) },
            "message": commit.message,
            "parents": self.parents_json(repo, commit),
            "verification": unsigned(),
        })
    }

    /// A `simple-commit`, as webhooks and check suites carry it.
    pub fn simple_commit_json(&self, commit: &Commit) -> Value {
        let name = |person: &Person| json!({ "name": person.name, "email": person.email });
        json!({
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": iso(commit.committer.at * 1000),
            "author": name(&commit.author),
            "committer": name(&commit.committer),
        })
    }

    /// A `diff-entry`.
    pub fn file_json(&self, repo: &Repo, sha: &str, file: &FileChange) -> Value {
        let html = format!("{}/{}", self.url, repo.full_name());
        let path = percent_encoding::utf8_percent_encode(&file.path, percent_encoding::NON_ALPHANUMERIC).to_string();
        let mut json = json!({
            "sha": file.sha,
            "filename": file.path,
            "status": file.status,
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": file.additions + file.deletions,
            "blob_url": format!("{html}/blob/{sha}/{path}"),
            "raw_url": format!("{html}/raw/{sha}/{path}"),
            "contents_url": format!("{}/contents/{path}?ref={sha}", self.repo_url(repo)),
        });
        if let Some(patch) = &file.patch {
            json["patch"] = json!(patch);
        }
        if let Some(previous) = &file.previous {
            json["previous_filename"] = json!(previous);
        }
        json
    }

    /// The account behind a commit's e-mail address.
    pub fn login_of(&self, person: &Person) -> Option<String> {
        let (login, _) = person.email.split_once('@')?;
        self.users.contains_key(login).then(|| login.to_owned())
    }

    fn parents_json(&self, repo: &Repo, commit: &Commit) -> Vec<Value> {
        let url = self.repo_url(repo);
        let html = format!("{}/{}", self.url, repo.full_name());
        let parent = |sha: &String| json!({ "sha": sha, "url": format!("{url}/git/commits/{sha}"), "html_url": format!("{html}/commit/{sha}") });
        commit.parents.iter().map(parent).collect()
    }
}

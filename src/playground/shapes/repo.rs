//! Repositories, labels and branches.

use serde_json::{Map, Value, json};

use super::{iso, node_id};
use crate::playground::world::{Label, Repo, World};

/// Address fields that are the repository's own plus a suffix.
const ADDRESSES: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

impl World {
    /// The API address of a repository.
    pub fn repo_url(&self, repo: &Repo) -> String {
        format!("{}/repos/{}", self.url, repo.full_name())
    }

    /// A `repository`, which is also a `full-repository` and a `minimal-repository`.
    pub fn repo_json(&self, repo: &Repo) -> Value {
        let url = self.repo_url(repo);
        let html = format!("{}/{}", self.url, repo.full_name());
        let forks = self.repos.values().filter(|other| other.fork_of == Some(repo.id)).count();
        let open = repo.pulls.values().filter(|pull| pull.open).count();
        let mut fields = Map::new();
        for (name, suffix) in ADDRESSES {
            fields.insert((*name).into(), json!(format!("{url}{suffix}")));
        }
        let rest = json!({
            "id": repo.id,
            "node_id": node_id("Repository", repo.id),
            "name": repo.name,
            "full_name": repo.full_name(),
            "owner": self.user_json(&repo.owner),
            "private": repo.private,
            "visibility": if repo.private { "private" } else { "public" },
            "html_url": html,
            "description": repo.description,
            "fork": repo.fork_of.is_some(),
            "url": url,
            "git_url": format!("{html}.git"),
            "clone_url": format!("{html}.git"),
            "ssh_url": format!("{html}.git"),
            "svn_url": html,
            "mirror_url": Value::Null,
            "homepage": Value::Null,
            "language": Value::Null,
            "license": Value::Null,
            "default_branch": repo.default_branch,
            "archived": repo.archived,
            "disabled": false,
            "is_template": repo.template,
            "topics": repo.topics,
        });
        let counts = json!({
            "forks": forks,
            "forks_count": forks,
            "network_count": forks,
            "open_issues": open,
            "open_issues_count": open,
            "stargazers_count": 0,
            "subscribers_count": 0,
            "watchers": 0,
            "watchers_count": 0,
            "size": 0,
            "has_issues": true,
            "has_projects": false,
            "has_wiki": false,
            "has_pages": false,
            "has_downloads": true,
            "has_discussions": false,
            "created_at": iso(repo.created_at),
            "updated_at": iso(repo.pushed_at),
            "pushed_at": iso(repo.pushed_at),
        });
        for part in [rest, counts] {
            if let Value::Object(part) = part {
                fields.extend(part);
            }
        }
        Value::Object(fields)
    }

    /// A `label`.
    pub fn label_json(&self, repo: &Repo, label: &Label) -> Value {
        json!({
            "id": label.id,
            "node_id": node_id("Label", label.id),
            "url": format!("{}/labels/{}", self.repo_url(repo), label.name.replace(' ', "%20")),
            "name": label.name,
            "color": label.color,
            "default": false,
            "description": label.description.as_deref().unwrap_or_default(),
        })
    }

    /// A `git-ref`.
    pub fn ref_json(&self, repo: &Repo, name: &str, sha: &str) -> Value {
        let url = self.repo_url(repo);
        json!({
            "ref": name,
            "node_id": node_id("Ref", repo.id),
            "url": format!("{url}/git/{name}"),
            "object": { "sha": sha, "type": "commit", "url": format!("{url}/git/commits/{sha}") },
        })
    }
}

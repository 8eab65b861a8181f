//! What a repository is like and what it is made of, read in few requests.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::detect::{Entry, Mode, Tree};
use crate::domain::ids::Repo;
use crate::domain::onboard::Sight;
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GRAPHQL, GitHub};
use crate::github::error::{GitHubError, Subject};
use crate::github::graphql::judge;
use crate::github::repos::base;
use crate::github::wire::{GitCommit, Repository, escape};

const META: Scope = &[("metadata", "read")];
const READ: Scope = &[("contents", "read")];

#[derive(Deserialize)]
struct Details {
    #[serde(flatten)]
    repository: Repository,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    is_template: bool,
    #[serde(default)]
    topics: Vec<String>,
}

#[derive(Deserialize)]
struct Branch {
    commit: Tip,
}

#[derive(Deserialize)]
struct Tip {
    sha: String,
    commit: GitCommit,
}

#[derive(Deserialize)]
struct Listing {
    tree: Vec<Listed>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct Listed {
    path: String,
    mode: String,
    #[serde(default)]
    size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    #[serde(default)]
    byte_size: u64,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    is_truncated: Option<bool>,
}

/// A file's text, or how large it is where that is too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Whole.
    Whole(String),
    /// So many bytes, which GitHub does not give out in one piece.
    TooLarge(u64),
}

impl GitHub {
    /// A repository as it is called and what it is like now, but for its head and its files. `None`: gone.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn sight(&self, repo: &Repo) -> Result<Option<(Repo, Sight)>, GitHubError> {
        let details: Details = match self.json(Ask::get(Auth::of(repo, META), base(repo))).await {
            Err(GitHubError::NotFound { .. }) => return Ok(None),
            answer => answer?,
        };
        let sight = Sight {
            archived: details.archived,
            fork: details.fork,
            template: details.is_template,
            topics: details.topics,
            ..Sight::default()
        };
        Ok(Some((details.repository.into_repo(repo.installation), sight)))
    }

    /// A branch's commit and its tree; `None` when there is no such branch, as in an empty repository.
    pub async fn branch(&self, repo: &Repo, name: &str) -> Result<Option<(String, String)>, GitHubError> {
        let path = format!("{}/branches/{}", base(repo), escape(name));
        match self.json::<Branch>(Ask::get(Auth::of(repo, READ), path)).await {
            Ok(branch) => Ok(Some((branch.commit.sha, branch.commit.commit.tree.sha))),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All paths below a tree, as far as GitHub lists them.
    pub async fn listing(&self, repo: &Repo, tree: &str) -> Result<Tree, GitHubError> {
        let path = format!("{}/git/trees/{}?recursive=1", base(repo), escape(tree));
        let listing: Listing = self.json(Ask::get(Auth::of(repo, READ), path)).await?;
        let entry =
            |listed: Listed| Some(Entry { mode: Mode::from_git(&listed.mode)?, path: listed.path, size: listed.size });
        Ok(Tree::new(listing.tree.into_iter().filter_map(entry).collect(), listing.truncated))
    }

    /// Texts of files at a commit, in one request. What is no file, or no text, is left out.
    pub async fn texts(&self, repo: &Repo, sha: &str, paths: &[String]) -> Result<Vec<(String, Text)>, GitHubError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut variables =
            Map::from_iter([("owner".to_owned(), json!(repo.owner)), ("name".to_owned(), json!(repo.name))]);
        let (mut heads, mut fields) = (String::new(), String::new());
        for (at, path) in paths.iter().enumerate() {
            variables.insert(format!("p{at}"), json!(format!("{sha}:{path}")));
            heads.push_str(&format!(", $p{at}: String!"));
            fields.push_str(&format!(
                " f{at}: object(expression: $p{at}) {{ ... on Blob {{ byteSize isTruncated text }} }}"
            ));
        }
        let query = format!(
            "query($owner: String!, $name: String!{heads}) {{ repository(owner: $owner, name: $name) {{{fields} }} }}"
        );
        let body = json!({ "query": query, "variables": variables });
        let reply = self.send(Ask::write(Auth::of(repo, READ), Method::POST, GRAPHQL.to_owned(), body)).await?;
        let subject = Subject { what: "reading files", write: false, now: self.now() };
        judge(&reply, &subject)?;
        let answer: Value =
            serde_json::from_slice(&reply.bytes).map_err(|error| subject.not_json(error.to_string()))?;
        let found = paths.iter().enumerate().filter_map(|(at, path)| {
            let blob: Blob = serde_json::from_value(answer["data"]["repository"][format!("f{at}")].clone()).ok()?;
            let whole = !blob.is_truncated.unwrap_or(false);
            Some((path.clone(), if whole { Text::Whole(blob.text?) } else { Text::TooLarge(blob.byte_size) }))
        });
        Ok(found.collect())
    }
}

//! A plan's folder in its repository, at one commit.

use std::sync::Arc;

use crate::domain::detect::Mode;
use crate::domain::ids::Repo;
use crate::domain::plan::Source;
use crate::github::bring::Text;
use crate::github::client::GitHub;
use crate::github::error::GitHubError;

/// More files than a plan may have; the rest is not read, and the plan refused by its own limit.
const ENOUGH: usize = 400;
/// So many texts in one request.
const AT_ONCE: usize = 50;
/// What of a plan's folder belongs to it; its samples do not.
const PARTS: [&str; 2] = ["plan.toml", "CHANGELOG.md"];

impl GitHub {
    /// All files of a plan at a commit, by path. `None`: its repository, that commit, or the folder in it is not there.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn plan_at(
        &self,
        (owner, name): (&str, &str),
        (sha, folder): (&str, &str),
    ) -> Result<Option<Arc<Vec<Source>>>, GitHubError> {
        let at = (format!("{owner}/{name}"), sha.to_owned(), folder.to_owned());
        if let Some(kept) = self.plans().get(&at) {
            return Ok(Some(kept));
        }
        let repo = match self.repository(owner, name).await {
            Err(GitHubError::NotFound { .. }) => return Ok(None),
            answer => answer?,
        };
        let read = self.read_plan(&repo, sha, folder).await?.map(Arc::new);
        if let Some(read) = &read {
            self.plans().put(at, read.clone());
        }
        Ok(read)
    }

    async fn read_plan(&self, repo: &Repo, sha: &str, folder: &str) -> Result<Option<Vec<Source>>, GitHubError> {
        let tree = match self.tree(repo, sha).await {
            Err(GitHubError::NotFound { .. } | GitHubError::Invalid { .. }) => return Ok(None),
            answer => answer?,
        };
        let tree = self.listing(repo, &tree).await?;
        let mut sources = Vec::new();
        for entry in tree.below(folder) {
            let path = entry.path.strip_prefix(folder).unwrap_or(&entry.path).trim_start_matches('/');
            if sources.len() < ENOUGH && (PARTS.contains(&path) || path.starts_with("files/")) {
                let (executable, link) = (entry.mode == Mode::Executable, entry.mode == Mode::Link);
                sources.push((
                    entry.path.clone(),
                    Source { path: path.to_owned(), executable, link, text: String::new() },
                ));
            }
        }
        for part in sources.chunks_mut(AT_ONCE) {
            let paths: Vec<String> = part.iter().map(|(path, _)| path.clone()).collect();
            for (path, text) in self.texts(repo, sha, &paths).await? {
                if let Some((_, source)) = part.iter_mut().find(|(known, _)| *known == path) {
                    // What is too large is refused by its length alone.
                    source.text = match text {
                        Text::Whole(text) => text,
                        Text::TooLarge(bytes) => " ".repeat(usize::try_from(bytes).unwrap_or(0).min(1024 * 1024)),
                    };
                }
            }
        }
        let sources: Vec<Source> = sources.into_iter().map(|(_, source)| source).collect();
        Ok((!sources.is_empty()).then_some(sources))
    }
}

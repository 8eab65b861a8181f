//! Commits as the fake engine fetches them, with git's own refusals put into the engine's words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::wire::{Problem, recorded_message};

/// Checkouts that were made, for all engines of a lab; each by its repository, token and commit.
#[derive(Default)]
pub struct Trees {
    made: Mutex<BTreeMap<String, Arc<OnceCell<PathBuf>>>>,
    count: AtomicUsize,
}

impl Trees {
    /// The checkout of one commit, below `dir` if it has to be made.
    pub async fn checkout(&self, remote: &Remote, (sha, dir): (&str, &Path)) -> Result<PathBuf, Problem> {
        let cell = {
            let mut made = self.made.lock().expect("not poisoned");
            made.entry(format!("{remote:?} {sha}")).or_default().clone()
        };
        let to = || dir.join(format!("tree-{}", self.count.fetch_add(1, Ordering::SeqCst)));
        cell.get_or_try_init(|| remote.fetch(sha, to())).await.cloned()
    }
}

/// A repository that was asked for.
#[derive(Clone, Debug)]
pub struct Remote {
    pub url: String,
    pub token: Option<String>,
}

impl Remote {
    /// Whether it answers at all; a real engine asks before anything else.
    pub async fn ask(&self, http: &reqwest::Client) -> Result<(), Problem> {
        let request = http.get(format!("{}/info/refs?service=git-upload-pack", self.url));
        let request = match &self.token {
            Some(token) => request.basic_auth("x-access-token", Some(token)),
            None => request,
        };
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(_) => Err(Problem::Said(self.words("Authentication failed"))),
            Err(_) => Err(Problem::Said(self.words("Connection refused"))),
        }
    }

    /// A checkout of one commit in `to`.
    pub async fn fetch(&self, sha: &str, to: PathBuf) -> Result<PathBuf, Problem> {
        std::fs::create_dir_all(&to).map_err(|error| Problem::Said(error.to_string()))?;
        for args in [
            ["init", "--quiet", "--template=", "."].as_slice(),
            &["remote", "add", "origin", &self.url],
            &["fetch", "--quiet", "--depth=1", "--no-tags", "--", &self.url, sha],
            &["checkout", "--quiet", "--detach", "FETCH_HEAD"],
        ] {
            self.git(&to, args).await?;
        }
        // A real engine does so, whether it is asked or not.
        if to.join(".gitmodules").exists() {
            let all = ["submodule", "update", "--quiet", "--init", "--recursive", "--depth=1"];
            self.git(&to, &all).await.map_err(|problem| match problem {
                Problem::Said(words) => {
                    Problem::Said(format!("failed to checkout  in {}: failed to update submodules: {words}", self.url))
                }
                other => other,
            })?;
        }
        Ok(to)
    }

    async fn git(&self, dir: &Path, args: &[&str]) -> Result<(), Problem> {
        let mut command = Command::new("git");
        command.args(args).current_dir(dir).kill_on_drop(true).stdin(std::process::Stdio::null());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        // A file, because git forgets settings from its environment when it turns to a submodule.
        let config = tempfile::NamedTempFile::new().map_err(|error| Problem::Said(error.to_string()))?;
        if let Some(token) = &self.token {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{token}"));
            let text = format!("[http]\n\textraHeader = Authorization: Basic {pair}\n");
            std::fs::write(config.path(), text).map_err(|error| Problem::Said(error.to_string()))?;
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", config.path()).env("GIT_TERMINAL_PROMPT", "0");
        let output = command.output().await.map_err(|error| Problem::Said(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Problem::Said(self.words(&String::from_utf8_lossy(&output.stderr))))
    }

    fn words(&self, said: &str) -> String {
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if has(&["could not read Username", "Authentication failed", "error: 401", "error: 403", "not found"]) {
            recorded_message("git_auth_failed.json", &[])
        } else if has(&["not our ref", "couldn't find remote ref", "unadvertised object"]) {
            recorded_message("git_bad_sha.json", &[("http://127.0.0.1:8899/repo.git", &self.url)])
        } else if has(&["Failed to connect", "Connection refused"]) {
            recorded_message("git_no_server.json", &[("http://127.0.0.1:8898/repo.git", &self.url)])
        } else {
            format!("git error: {}", said.trim())
        }
    }
}

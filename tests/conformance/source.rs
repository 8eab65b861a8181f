//! Commits as the fake engine fetches them, with git's own refusals put into the engine's words.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use tokio::process::Command;

use crate::wire::{Problem, recorded_message};

/// A repository that was asked for.
#[derive(Clone, Debug)]
pub struct Remote {
    pub url: String,
    pub token: Option<String>,
}

impl Remote {
    /// Whether it answers at all; a real engine asks before anything else.
    pub async fn ask(&self) -> Result<(), Problem> {
        self.git(Path::new("/"), &["ls-remote", "--", &self.url, "HEAD"]).await
    }

    /// A checkout of one commit in `to`.
    pub async fn fetch(&self, sha: &str, to: PathBuf) -> Result<PathBuf, Problem> {
        std::fs::create_dir_all(&to).map_err(|error| Problem::Said(error.to_string()))?;
        for args in [
            ["init", "--quiet", "."].as_slice(),
            &["fetch", "--quiet", "--depth=1", "--no-tags", "--", &self.url, sha],
            &["checkout", "--quiet", "--detach", "FETCH_HEAD"],
        ] {
            self.git(&to, args).await?;
        }
        Ok(to)
    }

    async fn git(&self, dir: &Path, args: &[&str]) -> Result<(), Problem> {
        let mut command = Command::new("git");
        command.args(args).current_dir(dir).kill_on_drop(true).stdin(std::process::Stdio::null());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
        if let Some(token) = &self.token {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{token}"));
            command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "http.extraHeader");
            command.env("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {pair}"));
        }
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

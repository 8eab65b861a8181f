//! Bare repositories on disk, driven by the real `git`, so that every SHA is true. All calls block for a few
//! milliseconds. No configuration of this machine's user is read.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

mod objects;
mod read;

pub use objects::{Change, TreeEdit};
pub use read::{Commit, Entry, FileChange, Person};

/// Forty zeros: "no commit" in a push.
pub const ZERO: &str = "0000000000000000000000000000000000000000";

/// One bare repository.
#[derive(Clone, Debug)]
pub struct Git {
    path: PathBuf,
}

impl Git {
    /// The repository at this path, whether it is there yet or not.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, empty, with this default branch.
    pub fn init(&self, branch: &str) -> Result<()> {
        std::fs::create_dir_all(&self.path).with_context(|| format!("cannot make {}", self.path.display()))?;
        self.run(&["init", "--quiet", "--bare", "--initial-branch", branch])?;
        // As GitHub: any commit that can be reached, or is known by its SHA, may be fetched; hidden refs are not pushed to.
        for (key, value) in [
            ("uploadpack.allowReachableSHA1InWant", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"),
            ("http.receivepack", "true"),
            ("receive.denyDeleteCurrent", "refuse"),
            ("gc.auto", "0"),
        ] {
            self.run(&["config", key, value])?;
        }
        self.run(&["config", "--add", "receive.hideRefs", "refs/pull"])?;
        Ok(())
    }

    /// `git` in this repository with a clean environment.
    pub fn command(&self) -> Command {
        let mut command = clean("git");
        command.env("GIT_DIR", &self.path).current_dir(&self.path);
        command
    }

    /// Runs git and gives back its output without the last newline.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        let out = self.feed(args, &[])?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned())
    }

    /// Runs git with this standard input and gives back its output.
    pub fn feed(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let mut command = self.command();
        command.args(args);
        feed(command, input).with_context(|| format!("git {}", args.join(" ")))
    }

    /// Branches and tags: full name -> SHA.
    pub fn refs(&self) -> Result<BTreeMap<String, String>> {
        let out = self.run(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/tags/"])?;
        Ok(out.lines().filter_map(|line| line.split_once(' ')).map(|(sha, name)| (name.into(), sha.into())).collect())
    }

    /// The commit that a branch, tag, SHA or short SHA means.
    pub fn resolve(&self, rev: &str) -> Option<String> {
        if rev.is_empty() || rev.contains(['\n', '^', '~', ':', '@', ' ']) {
            return None;
        }
        let short = (4..=40).contains(&rev.len()) && rev.chars().all(|c| c.is_ascii_hexdigit());
        let plain = [format!("refs/heads/{rev}"), format!("refs/tags/{rev}")];
        let full = [rev.to_owned()];
        let names = if rev.starts_with("refs/") || short { full.iter().chain(&plain) } else { plain.iter().chain(&[]) };
        let names: Vec<&String> = names.collect();
        let stripped = rev.strip_prefix("heads/").or_else(|| rev.strip_prefix("tags/")).map(|_| format!("refs/{rev}"));
        names.into_iter().chain(stripped.as_ref()).find_map(|name| {
            let name = format!("{name}^{{commit}}");
            self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).ok()
        })
    }

    /// Moves or makes a ref.
    pub fn set_ref(&self, name: &str, sha: &str) -> Result<()> {
        self.run(&["update-ref", "--", name, sha]).map(drop)
    }

    /// Deletes a ref.
    pub fn delete_ref(&self, name: &str) -> Result<()> {
        self.run(&["update-ref", "-d", "--", name]).map(drop)
    }

    /// Whether git takes this as a ref's full name.
    pub fn valid_ref(&self, name: &str) -> bool {
        name.starts_with("refs/") && self.run(&["check-ref-format", name]).is_ok()
    }

    /// Whether `old` is an ancestor of `new`, or the same.
    pub fn is_ancestor(&self, old: &str, new: &str) -> bool {
        self.run(&["merge-base", "--is-ancestor", old, new]).is_ok()
    }

    /// Copies a commit with its history from another repository here and names it.
    pub fn fetch(&self, from: &Git, sha: &str, name: &str) -> Result<()> {
        if from.path != self.path {
            let from = from.path.to_string_lossy();
            let refspec = format!("+{sha}:{name}");
            return self.run(&["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", &from, &refspec]).map(drop);
        }
        self.set_ref(name, sha)
    }
}

/// A command whose git reads no configuration but the repository's own.
pub fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_COUNT",
        "GIT_NAMESPACE",
        "GIT_CEILING_DIRECTORIES",
        "GIT_PREFIX",
        "GIT_COMMON_DIR",
    ] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    command.env("LC_ALL", "C");
    command
}

/// Runs a command to its end; what it says on standard error is the error.
pub fn feed(command: Command, input: &[u8]) -> Result<Vec<u8>> {
    let output = answer(command, input)?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// Runs a command to its end, whatever that is.
pub fn answer(mut command: Command, input: &[u8]) -> Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("git did not start; is it installed?")?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Written from the side: git may answer before it has read all.
        if let Some(mut stdin) = stdin.filter(|_| !input.is_empty()) {
            scope.spawn(move || stdin.write_all(input).ok());
        }
        child.wait_with_output()
    })?;
    Ok(output)
}

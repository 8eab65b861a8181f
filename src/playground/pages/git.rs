//! What pages read from the bare repositories, by the `git` program: commits, trees, files and diffs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::playground::world::Repo;

/// More than this of one answer is not read.
const MOST: u64 = 4 * 1024 * 1024;
const FORMAT: &str = "--format=%H%x1f%P%x1f%an%x1f%at%x1f%s%x1f%b%x1e";

/// A commit as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The SHA.
    pub sha: String,
    /// SHAs of the parents.
    pub parents: Vec<String>,
    /// The author's name.
    pub author: String,
    /// Unix milliseconds.
    pub at: i64,
    /// First line of the message.
    pub subject: String,
    /// The rest of the message.
    pub body: String,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Without the directory.
    pub name: String,
    /// A directory, not a file.
    pub folder: bool,
}

/// Where a repository's git directory is.
pub fn dir_of(dir: &Path, repo: &Repo) -> PathBuf {
    dir.join(&repo.owner).join(format!("{}.git", repo.name))
}

/// The output of `git ARGS`, cut at [`MOST`]; `None` when git says no.
pub async fn run(dir: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let mut child = Command::new("git")
        .args(["-c", "core.quotePath=false", "--git-dir"])
        .arg(dir)
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut out = Vec::new();
    child.stdout.take()?.take(MOST).read_to_end(&mut out).await.ok()?;
    if out.len() as u64 == MOST {
        return Some(out);
    }
    child.wait().await.ok()?.success().then_some(out)
}

/// The SHA of the commit that a branch, tag or SHA means.
pub async fn resolve(dir: &Path, rev: &str) -> Option<String> {
    let out = run(dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{rev}^{{commit}}")]).await?;
    Some(String::from_utf8(out).ok()?.trim().to_owned())
}

/// Commits of a range like `BASE..HEAD` or of everything behind a SHA, newest first, at most 250.
pub async fn commits(dir: &Path, range: &str) -> Vec<Commit> {
    parsed(&run(dir, &["log", "-n", "250", FORMAT, "--end-of-options", range]).await.unwrap_or_default())
}

/// The newest commit that touched a path (all of it when empty).
pub async fn newest(dir: &Path, sha: &str, path: &str) -> Vec<Commit> {
    let path = if path.is_empty() { "." } else { path };
    let args = ["log", "-n", "1", FORMAT, "--end-of-options", sha, "--", path];
    parsed(&run(dir, &args).await.unwrap_or_default())
}

fn parsed(out: &[u8]) -> Vec<Commit> {
    String::from_utf8_lossy(out).split('\u{1e}').filter_map(|record| commit(record.trim_start())).collect()
}

fn commit(record: &str) -> Option<Commit> {
    let mut fields = record.split('\u{1f}');
    let mut next = || fields.next().map(str::to_owned);
    Some(Commit {
        sha: next()?,
        parents: next()?.split(' ').filter(|p| !p.is_empty()).map(str::to_owned).collect(),
        author: next()?,
        at: next()?.parse::<i64>().ok()? * 1000,
        subject: next()?,
        body: next()?.trim().to_owned(),
    })
}

/// What stands in a directory of a commit; folders first. `None` when there is no such directory.
pub async fn tree(dir: &Path, sha: &str, path: &str) -> Option<Vec<Entry>> {
    let out = run(dir, &["ls-tree", "-z", "--end-of-options", &format!("{sha}:{path}")]).await?;
    let text = String::from_utf8_lossy(&out);
    let mut entries: Vec<Entry> = text
        .split('\0')
        .filter_map(|line| line.split_once('\t'))
        .map(|(meta, name)| Entry { name: name.to_owned(), folder: meta.contains(" tree ") })
        .collect();
    entries.sort_by_key(|entry| !entry.folder);
    Some(entries)
}

/// The text of a file in a commit; `None` when there is none.
pub async fn file(dir: &Path, sha: &str, path: &str) -> Option<String> {
    let out = run(dir, &["cat-file", "blob", &format!("{sha}:{path}")]).await?;
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The diff of `BASE...HEAD`: what HEAD brings since the two parted.
pub async fn diff(dir: &Path, base: &str, head: &str) -> String {
    let range = format!("{base}...{head}");
    let out =
        run(dir, &["diff", "--no-color", "--no-ext-diff", "--no-textconv", "-M", "--end-of-options", &range]).await;
    String::from_utf8_lossy(&out.unwrap_or_default()).into_owned()
}

/// The diff that one commit brings over its first parent.
pub async fn diff_of(dir: &Path, sha: &str) -> String {
    let args = [
        "show",
        "--format=",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "-M",
        "-m",
        "--first-parent",
        "--end-of-options",
        sha,
    ];
    String::from_utf8_lossy(&run(dir, &args).await.unwrap_or_default()).into_owned()
}

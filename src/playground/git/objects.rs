//! Making objects: commits with files, and the pieces of the Git Data API.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use super::read::Person;
use super::{Git, ZERO};

/// A commit to be made on a branch.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Without `refs/heads/`.
    pub branch: &'a str,
    /// The commit it stands on; none makes a first commit.
    pub parent: Option<String>,
    /// Who wrote it.
    pub author: Person,
    /// What it says.
    pub message: &'a str,
    /// Path and content; none deletes.
    pub files: Vec<(&'a str, Option<&'a [u8]>)>,
}

/// One entry for a new tree.
#[derive(Clone, Debug)]
pub struct TreeEdit {
    /// For example `100644`.
    pub mode: String,
    /// Path from the root.
    pub path: String,
    /// None deletes.
    pub sha: Option<String>,
}

impl Git {
    /// Makes a commit on a branch by one `git fast-import` and gives back its SHA.
    pub fn commit(&self, change: &Change<'_>) -> Result<String> {
        let mut stream = Vec::new();
        let who = change.author.line();
        let head = format!("commit refs/heads/{}\nauthor {who}\ncommitter {who}\n", change.branch);
        stream.extend_from_slice(head.as_bytes());
        data(&mut stream, change.message.as_bytes());
        if let Some(parent) = &change.parent {
            stream.extend_from_slice(format!("from {parent}\n").as_bytes());
        }
        for (path, content) in &change.files {
            let quoted = quote(path);
            match content {
                None => stream.extend_from_slice(format!("D {quoted}\n").as_bytes()),
                Some(content) => {
                    let mode = if content.starts_with(b"#!") { "100755" } else { "100644" };
                    stream.extend_from_slice(format!("M {mode} inline {quoted}\n").as_bytes());
                    data(&mut stream, content);
                }
            }
        }
        self.feed(&["fast-import", "--quiet", "--force"], &stream)?;
        self.resolve(&format!("refs/heads/{}", change.branch)).context("the commit was not made")
    }

    /// Stores a blob.
    pub fn write_blob(&self, content: &[u8]) -> Result<String> {
        let out = self.feed(&["hash-object", "-w", "--stdin"], content)?;
        Ok(String::from_utf8_lossy(&out).trim().to_owned())
    }

    /// Stores a tree: `base` (or nothing) with these edits. An entry of mode 040000 puts a whole tree at its path.
    pub fn write_tree(&self, base: Option<&str>, edits: &[TreeEdit]) -> Result<String> {
        let index = tempfile::Builder::new().prefix("index").tempdir()?;
        let file = index.path().join("index");
        let git = |args: &[&str], input: &[u8]| {
            let mut command = self.command();
            command.env("GIT_INDEX_FILE", &file).args(args);
            super::feed(command, input).with_context(|| format!("git {}", args.join(" ")))
        };
        match base {
            Some(base) => git(&["read-tree", base], &[])?,
            None => git(&["read-tree", "--empty"], &[])?,
        };
        let mut lines = String::new();
        for edit in edits {
            if edit.path.is_empty() || edit.path.split('/').any(|part| matches!(part, "" | "." | ".." | ".git")) {
                bail!("tree.path contains a malformed path component");
            }
            match (&edit.sha, edit.mode.as_str()) {
                (Some(sha), "040000") => {
                    git(&["update-index", "--index-info"], lines.as_bytes())?;
                    lines.clear();
                    git(&["read-tree", &format!("--prefix={}/", edit.path), sha], &[])?;
                }
                (sha, mode) => {
                    let mode = if sha.is_some() { mode } else { "0" };
                    let sha = sha.as_deref().unwrap_or(ZERO);
                    writeln!(lines, "{mode} {sha}\t{}", quote(&edit.path))?;
                }
            }
        }
        git(&["update-index", "--index-info"], lines.as_bytes())?;
        Ok(String::from_utf8_lossy(&git(&["write-tree"], &[])?).trim().to_owned())
    }

    /// Stores a commit object.
    pub fn write_commit(
        &self,
        tree: &str,
        parents: &[String],
        who: (&Person, &Person),
        message: &str,
    ) -> Result<String> {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            writeln!(text, "parent {parent}")?;
        }
        write!(text, "author {}\ncommitter {}\n\n{message}", who.0.line(), who.1.line())?;
        let out = self.feed(&["hash-object", "-t", "commit", "-w", "--stdin"], text.as_bytes())?;
        Ok(String::from_utf8_lossy(&out).trim().to_owned())
    }

    /// The tree of a merge of two commits, or none when they conflict.
    pub fn merge_tree(&self, base: &str, head: &str) -> Option<String> {
        self.run(&["merge-tree", "--write-tree", base, head]).ok().and_then(|out| out.lines().next().map(str::to_owned))
    }
}

/// The `data` command of fast-import, by exact length.
fn data(stream: &mut Vec<u8>, content: &[u8]) {
    stream.extend_from_slice(format!("data {}\n", content.len()).as_bytes());
    stream.extend_from_slice(content);
    stream.push(b'\n');
}

/// A path in git's C-style quotes, which hold any name.
fn quote(path: &str) -> String {
    let mut quoted = String::from("\"");
    for c in path.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

//! Reading objects: commits, trees, blobs and differences.

use anyhow::{Context, Result};

use super::Git;

/// Name, address and time in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// For people.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Unix seconds.
    pub at: i64,
}

impl Person {
    /// As git writes it into a commit, in UTC.
    pub fn line(&self) -> String {
        let clean = |text: &str| text.replace(['<', '>', '\n', '\0'], "");
        format!("{} <{}> {} +0000", clean(&self.name), clean(&self.email), self.at)
    }
}

/// A commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its SHA.
    pub sha: String,
    /// Its tree.
    pub tree: String,
    /// Parents' SHAs.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Person,
    /// Who committed it.
    pub committer: Person,
    /// All of what it says.
    pub message: String,
}

/// An entry of a tree.
#[derive(Clone, Debug)]
pub struct Entry {
    /// For example `100644`.
    pub mode: String,
    /// `blob`, `tree` or `commit`.
    pub kind: String,
    /// Its SHA.
    pub sha: String,
    /// Bytes, for a blob.
    pub size: Option<u64>,
    /// Path from the tree's root.
    pub path: String,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// `added`, `removed`, `modified` or `renamed`.
    pub status: String,
    /// Where it is now.
    pub path: String,
    /// Where it was, if renamed.
    pub previous: Option<String>,
    /// Lines.
    pub additions: u64,
    /// Lines.
    pub deletions: u64,
    /// Its blob now, or before when removed.
    pub sha: String,
    /// Hunks, without git's header; none for binary files.
    pub patch: Option<String>,
}

const FORMAT: &str = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00%x01";

impl Git {
    /// One commit by SHA.
    pub fn read_commit(&self, sha: &str) -> Result<Commit> {
        self.log(&["-1", sha])?.pop().with_context(|| format!("no commit {sha}"))
    }

    /// Commits that `git log` gives for these arguments, newest first.
    pub fn log(&self, args: &[&str]) -> Result<Vec<Commit>> {
        let mut all = vec!["log", FORMAT];
        all.extend_from_slice(args);
        all.push("--");
        let out = self.run(&all)?;
        Ok(out.split('\u{1}').filter_map(parse_commit).collect())
    }

    /// Commits that `head` has and `base` has not, oldest first.
    pub fn between(&self, base: &str, head: &str) -> Result<Vec<Commit>> {
        let range = format!("{base}..{head}");
        let mut commits = self.log(&[&range])?;
        commits.reverse();
        Ok(commits)
    }

    /// The commit where two histories part.
    pub fn merge_base(&self, base: &str, head: &str) -> Option<String> {
        self.run(&["merge-base", base, head]).ok()
    }

    /// What one commit's tree has that another's has not, file by file.
    pub fn diff(&self, base: &str, head: &str) -> Result<Vec<FileChange>> {
        let base = if base == super::ZERO { "4b825dc642cb6eb9a060e54bf8d69288fbee4904" } else { base };
        let raw = self.run(&["diff-tree", "-r", "-M", "--raw", "--numstat", "-z", "--no-abbrev", base, head])?;
        let patches = self.feed(&["diff-tree", "-r", "-M", "-p", base, head], &[])?;
        let patches = String::from_utf8_lossy(&patches);
        let mut patches = patches
            .split("\ndiff --git ")
            .map(|part| part.find("\n@@").map(|at| part[at + 1..].trim_end_matches('\n').to_owned()));
        let mut files = parse_raw(&raw);
        for file in &mut files {
            file.patch = patches.next().flatten();
        }
        Ok(files)
    }

    /// A blob's bytes.
    pub fn read_blob(&self, sha: &str) -> Result<Vec<u8>> {
        self.feed(&["cat-file", "blob", sha], &[])
    }

    /// A tree's entries.
    pub fn read_tree(&self, tree: &str, recursive: bool) -> Result<Vec<Entry>> {
        let mut args = vec!["ls-tree", "-z", "-l"];
        if recursive {
            args.extend_from_slice(&["-r", "-t"]);
        }
        args.push(tree);
        let out = self.run(&args)?;
        Ok(out.split('\0').filter_map(parse_entry).collect())
    }

    /// The entry at a path of a commit; the root has no entry.
    pub fn entry(&self, commit: &str, path: &str) -> Option<Entry> {
        let out = self.run(&["--literal-pathspecs", "ls-tree", "-z", "-l", commit, "--", path]).ok()?;
        out.split('\0').filter_map(parse_entry).find(|entry| entry.path == path)
    }
}

fn parse_commit(text: &str) -> Option<Commit> {
    let mut fields = text.trim_start_matches('\n').split('\0');
    let mut next = || fields.next().map(str::to_owned);
    let (sha, tree, parents) = (next()?, next()?, next()?);
    let author = Person { name: next()?, email: next()?, at: next()?.parse().ok()? };
    let committer = Person { name: next()?, email: next()?, at: next()?.parse().ok()? };
    let message = next()?.trim_end_matches('\n').to_owned();
    let parents = parents.split(' ').filter(|sha| !sha.is_empty()).map(str::to_owned).collect();
    Some(Commit { sha, tree, parents, author, committer, message })
}

fn parse_entry(line: &str) -> Option<Entry> {
    let (head, path) = line.split_once('\t')?;
    let mut words = head.split_ascii_whitespace().map(str::to_owned);
    let (mode, kind, sha, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Entry { mode, kind, sha, size: size.parse().ok(), path: path.to_owned() })
}

/// Reads `--raw --numstat -z`: all raw records first, then all counts, in the same order.
fn parse_raw(out: &str) -> Vec<FileChange> {
    let mut files: Vec<FileChange> = Vec::new();
    let mut counted = 0;
    let mut fields = out.split('\0');
    while let Some(field) = fields.next() {
        if let Some(raw) = field.strip_prefix(':') {
            let words: Vec<&str> = raw.split(' ').collect();
            let &[_, _, old, new, letter] = words.as_slice() else {
                continue;
            };
            let first = fields.next().unwrap_or_default().to_owned();
            let (status, path, previous) = match letter.as_bytes().first() {
                Some(b'A') => ("added", first, None),
                Some(b'D') => ("removed", first, None),
                Some(b'R') => ("renamed", fields.next().unwrap_or_default().to_owned(), Some(first)),
                _ => ("modified", first, None),
            };
            let sha = if status == "removed" { old } else { new }.to_owned();
            files.push(FileChange {
                status: status.into(),
                path,
                previous,
                additions: 0,
                deletions: 0,
                sha,
                patch: None,
            });
        } else if let Some((additions, rest)) = field.split_once('\t') {
            let Some((deletions, path)) = rest.split_once('\t') else {
                continue;
            };
            if path.is_empty() {
                // A rename writes its two paths as fields of their own.
                fields.next();
                fields.next();
            }
            if let Some(file) = files.get_mut(counted) {
                file.additions = additions.parse().unwrap_or(0);
                file.deletions = deletions.parse().unwrap_or(0);
            }
            counted += 1;
        }
    }
    files
}

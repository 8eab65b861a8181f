//! Databases of advisories, kept current: folders as they stand, Git repositories by a shallow copy of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::advisories;
use crate::domain::update::advisory::Book;
use crate::domain::update::{Ecosystem, address};

/// A fetch that takes longer is tried again at the next time.
const PATIENCE: Duration = Duration::from_secs(4 * 60);

/// One database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A folder that somebody else keeps.
    Folder(PathBuf),
    /// A Git repository by its address.
    Git(String),
}

impl Database {
    /// Reads one as a setting has it: what has `://` is an address.
    pub fn parse(text: &str) -> Database {
        match text.contains("://") {
            true => Database::Git(text.to_owned()),
            false => Database::Folder(text.into()),
        }
    }
}

/// What was read last.
#[derive(Default)]
struct State {
    book: Arc<Book>,
    /// Whether anything was read yet: what was there before the first look is no news.
    read: bool,
}

/// All databases that the operator named.
pub struct Databases {
    databases: Vec<Database>,
    copies: PathBuf,
    state: Mutex<State>,
}

impl Databases {
    /// Copies of Git repositories are kept below `copies`. Reads nothing yet.
    pub fn new(databases: Vec<Database>, copies: PathBuf) -> Databases {
        Databases { databases, copies, state: Mutex::default() }
    }

    /// How often they are worth a look, in milliseconds: a folder is on this machine, a server is somebody else's.
    pub fn every_ms(&self) -> i64 {
        let remote = self.databases.iter().any(|database| matches!(database, Database::Git(_)));
        if remote { 3 * 60 * 1000 } else { 5_000 }
    }

    /// All advisories as last read.
    pub fn book(&self) -> Arc<Book> {
        self.lock().book.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // What is swapped in is whole, whatever happened to whoever held the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings all of them up to date. Gives the packages about which something is new, changed or withdrawn.
    ///
    /// # Errors
    /// What could not be had, in words; the others are read all the same, and what was there before stays.
    pub async fn refresh(&self) -> Result<Vec<(Ecosystem, String)>, String> {
        let (mut folders, mut troubles) = (Vec::new(), Vec::new());
        for database in &self.databases {
            match database {
                Database::Folder(folder) => folders.push(folder.clone()),
                Database::Git(git) => {
                    let copy = self.copies.join(hex::encode(&Sha256::digest(git)[..8]));
                    if let Err(why) = fetch(git, &copy).await {
                        troubles.push(format!("{} was not fetched: {why}", address::shown(git)));
                    }
                    if copy.is_dir() {
                        folders.push(copy);
                    }
                }
            }
        }
        let read = tokio::task::spawn_blocking(move || -> anyhow::Result<Book> {
            let books: anyhow::Result<Vec<Book>> = folders.iter().map(|folder| advisories::read(folder)).collect();
            Ok(Book::together(books?))
        });
        let changed = match read.await {
            Ok(Ok(book)) => {
                let mut state = self.lock();
                let changed = if state.read { book.changed_since(&state.book) } else { Vec::new() };
                *state = State { book: Arc::new(book), read: true };
                changed
            }
            Ok(Err(error)) => return Err(format!("{error:#}")),
            Err(error) => return Err(format!("advisories could not be read: {error}")),
        };
        // A database that cannot be had is no reason to keep quiet about what another says.
        if changed.is_empty() && !troubles.is_empty() { Err(troubles.join("; ")) } else { Ok(changed) }
    }
}

/// Copies a repository, or brings the copy to its head.
async fn fetch(git: &str, copy: &Path) -> Result<(), String> {
    if copy.join(".git").is_dir() {
        run(Some(copy), &["fetch", "--quiet", "--depth", "1", "--no-tags", "origin", "HEAD"]).await?;
        return run(Some(copy), &["reset", "--quiet", "--hard", "FETCH_HEAD"]).await;
    }
    let parent = copy.parent().unwrap_or(copy);
    std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    let _ = std::fs::remove_dir_all(copy);
    let target = copy.to_string_lossy();
    run(None, &["clone", "--quiet", "--depth", "1", "--single-branch", "--no-tags", "--", git, &target]).await
}

/// With nobody's configuration, no hooks and no questions.
async fn run(folder: Option<&Path>, args: &[&str]) -> Result<(), String> {
    let mut command = tokio::process::Command::new("git");
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "core.symlinks=false", "-c", "core.fsmonitor=false"]);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    for (name, value) in [
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ALLOW_PROTOCOL", "https:http:file"),
    ] {
        command.env(name, value);
    }
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .map_err(|_| "git did not come to an end".to_owned())?
        .map_err(|error| format!("git cannot be started ({error}); install it"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("git failed");
    // Git repeats the address, and whatever stands in it.
    Err(last.split_whitespace().map(address::shown).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory(id: &str, package: &str, patched: &str) -> String {
        format!(
            "```toml\n[advisory]\nid = \"{id}\"\npackage = \"{package}\"\ndate = \"2026-01-02\"\n[versions]\npatched = [\"{patched}\"]\n```\n# Bad\n"
        )
    }

    #[tokio::test]
    async fn only_what_is_new_changed_or_gone_is_news() {
        let root = tempfile::tempdir().expect("a folder");
        let put = |id: &str, package: &str, patched: &str| {
            std::fs::write(root.path().join(format!("{id}.md")), advisory(id, package, patched)).expect("written");
        };
        put("RUSTSEC-2026-0001", "ant", ">=1.1.0");
        let databases = Databases::new(vec![Database::Folder(root.path().to_owned())], PathBuf::new());
        assert_eq!(databases.refresh().await, Ok(Vec::new()), "what was there is no news");
        put("RUSTSEC-2026-0002", "bee", ">=1.1.0");
        assert_eq!(databases.refresh().await, Ok(vec![(Ecosystem::Cargo, "bee".to_owned())]));
        assert_eq!(databases.refresh().await, Ok(Vec::new()));
        put("RUSTSEC-2026-0001", "ant", ">=1.2.0");
        assert_eq!(databases.refresh().await, Ok(vec![(Ecosystem::Cargo, "ant".to_owned())]));
        std::fs::remove_file(root.path().join("RUSTSEC-2026-0002.md")).expect("removed");
        assert_eq!(databases.refresh().await, Ok(vec![(Ecosystem::Cargo, "bee".to_owned())]));
        std::fs::remove_dir_all(root.path()).expect("removed");
        assert!(databases.refresh().await.is_err());
        assert_eq!(databases.book().read, 1, "what was there before stays");
    }

    #[tokio::test]
    async fn a_repository_is_copied_and_kept_current_and_a_password_is_not_shown() {
        let root = tempfile::tempdir().expect("a folder");
        let (origin, copies) = (root.path().join("db"), root.path().join("copies"));
        std::fs::create_dir_all(&origin).expect("a folder");
        let git = |args: &[&str]| {
            let mut command = std::process::Command::new("git");
            command.current_dir(&origin).args(["-c", "user.name=a", "-c", "user.email=a@b.example"]).args(args);
            assert!(command.status().expect("git").success(), "{args:?}");
        };
        let commit = |id: &str, package: &str| {
            std::fs::write(origin.join(format!("{id}.md")), advisory(id, package, ">=2.0.0")).expect("written");
            git(&["add", "-A"]);
            git(&["commit", "-q", "-m", id]);
        };
        git(&["init", "-q"]);
        commit("RUSTSEC-2026-0001", "ant");
        let address = format!("file://{}", origin.display());
        let databases = Databases::new(vec![Database::parse(&address)], copies.clone());
        assert_eq!(databases.refresh().await, Ok(Vec::new()));
        assert_eq!(databases.book().read, 1);
        commit("RUSTSEC-2026-0002", "bee");
        assert_eq!(databases.refresh().await, Ok(vec![(Ecosystem::Cargo, "bee".to_owned())]));
        let gone = Databases::new(vec![Database::parse("http://me:geheim@127.0.0.1:9/db")], copies);
        let why = gone.refresh().await.expect_err("nobody is there");
        assert!(why.contains("was not fetched") && !why.contains("geheim"), "{why}");
    }
}

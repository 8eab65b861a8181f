//! Databases of advisories, kept current: folders as they stand, Git repositories by a shallow copy of their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::advisories;
use crate::domain::speech::updates::sources;
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

/// The first pause after a fetch that failed; it doubles with each further one. Unix milliseconds, as all times here.
const FIRST_MS: i64 = 3 * 60 * 1000;
/// The longest one.
const LONGEST_MS: i64 = 2 * 60 * 60 * 1000;

/// What a look at the databases brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// The packages about which something is new, changed or withdrawn.
    pub changed: Vec<(Ecosystem, String)>,
    /// What could not be had, a sentence each without a full stop; the others were read all the same.
    pub troubles: Vec<String>,
}

/// What of the advisories is not at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What could not be brought up to date, a sentence each without a full stop.
    pub troubles: Vec<String>,
    /// Whether something was never read here, so that nobody can say that nothing is wrong with a package.
    pub unsure: bool,
}

/// What is known of one database.
#[derive(Default)]
struct Known {
    /// What was read last; `None`: nothing was yet.
    book: Option<Arc<Book>>,
    /// Why it is not up to date; empty: it is.
    trouble: String,
    /// Fetches that failed one after the other.
    failures: u32,
    /// It is not fetched before.
    not_before: i64,
}

#[derive(Default)]
struct State {
    known: Vec<Known>,
    /// What somebody else read.
    told: Arc<Book>,
    /// All together.
    book: Arc<Book>,
    /// When somebody looked last.
    looked: Option<i64>,
}

/// All databases that the operator named.
pub struct Databases {
    databases: Vec<Database>,
    copies: PathBuf,
    state: Mutex<State>,
    /// One look at a time: two would fetch into the same copy.
    turn: tokio::sync::Mutex<()>,
}

impl Databases {
    /// Copies of Git repositories are kept below `copies`. Reads nothing yet.
    pub fn new(databases: Vec<Database>, copies: PathBuf) -> Databases {
        let known = databases.iter().map(|_| Known::default()).collect();
        let state = Mutex::new(State { known, ..State::default() });
        Databases { databases, copies, state, turn: tokio::sync::Mutex::default() }
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

    /// What of them is not at hand.
    pub fn standing(&self) -> Standing {
        let state = self.lock();
        let troubles = state.known.iter().map(|known| known.trouble.clone()).filter(|why| !why.is_empty()).collect();
        Standing { troubles, unsure: state.known.iter().any(|known| known.book.is_none()) }
    }

    /// Whether nobody in this process has looked for so long that somebody should: where several share the work, the timer is
    /// another one's.
    pub fn stale(&self, now: i64) -> bool {
        let looked = self.lock().looked;
        !self.databases.is_empty() && looked.is_none_or(|at| now - at > 2 * self.every_ms())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // What is swapped in is whole, whatever happened to whoever held the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings all of them up to date; `now` is in Unix milliseconds. What cannot be had keeps what was read of it before. A
    /// server that does not answer is left alone for longer each time, and stays a trouble meanwhile.
    pub async fn refresh(&self, now: i64) -> Refreshed {
        let _turn = self.turn.lock().await;
        let mut changed = BTreeSet::new();
        // What was there before the first look is no news.
        let first = self.lock().looked.is_none();
        let mut anew = false;
        for (at, database) in self.databases.iter().enumerate() {
            let folder = match database {
                Database::Folder(folder) => folder.clone(),
                Database::Git(git) => self.fetched(at, git, now).await,
            };
            match read(folder, database).await {
                Ok(None) => {}
                Ok(Some(book)) => {
                    let mut state = self.lock();
                    let known = &mut state.known[at];
                    if matches!(database, Database::Folder(_)) {
                        known.trouble.clear();
                    }
                    let before = known.book.clone().unwrap_or_default();
                    let news = book.changed_since(&before);
                    if known.book.is_none() || !news.is_empty() || !book.reads_like(&before) {
                        known.book = Some(Arc::new(book));
                        anew = true;
                    }
                    changed.extend(news.into_iter().filter(|_| !first));
                }
                Err(why) => self.lock().known[at].trouble = why,
            }
        }
        if anew {
            self.join().await;
        }
        self.lock().looked = Some(now);
        Refreshed { changed: changed.into_iter().collect(), troubles: self.standing().troubles }
    }

    /// The copy of a repository, fetched unless it is too early for that.
    async fn fetched(&self, at: usize, git: &str, now: i64) -> PathBuf {
        let copy = self.copies.join(hex::encode(&Sha256::digest(git)[..8]));
        if self.lock().known[at].not_before > now {
            return copy;
        }
        let fetched = fetch(git, &copy).await;
        let mut state = self.lock();
        let known = &mut state.known[at];
        match fetched {
            Ok(()) => (known.failures, known.not_before, known.trouble) = (0, 0, String::new()),
            Err(why) => {
                let pause = FIRST_MS.saturating_mul(1 << known.failures.min(10)).min(LONGEST_MS);
                known.failures += 1;
                known.not_before = now + pause;
                known.trouble = sources::not_fetched(&address::shown(git), &why);
            }
        }
        copy
    }

    /// Takes advisories from elsewhere, in place of those that were taken before; what several call by one name is one.
    pub async fn tell(&self, book: Book) {
        self.lock().told = Arc::new(book);
        self.join().await;
    }

    /// All books as one.
    async fn join(&self) {
        let books: Vec<Arc<Book>> = {
            let state = self.lock();
            state.known.iter().filter_map(|known| known.book.clone()).chain([state.told.clone()]).collect()
        };
        let work = move || Book::together(books.iter().map(|book| Book::clone(book)).collect());
        match tokio::task::spawn_blocking(work).await {
            Ok(book) => self.lock().book = Arc::new(book),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// What a folder has; `None`: a copy that was never made.
async fn read(folder: PathBuf, database: &Database) -> Result<Option<Book>, String> {
    if matches!(database, Database::Git(_)) && !folder.is_dir() {
        return Ok(None);
    }
    match tokio::task::spawn_blocking(move || advisories::read(&folder)).await {
        Ok(Ok(book)) => Ok(Some(book)),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
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

    fn put(root: &Path, id: &str, package: &str, patched: &str) {
        std::fs::write(root.join(format!("{id}.md")), advisory(id, package, patched)).expect("written");
    }

    fn news(names: &[&str]) -> Refreshed {
        let changed = names.iter().map(|name| (Ecosystem::Cargo, (*name).to_owned())).collect();
        Refreshed { changed, troubles: Vec::new() }
    }

    #[tokio::test]
    async fn only_what_is_new_changed_or_gone_is_news() {
        let root = tempfile::tempdir().expect("a folder");
        put(root.path(), "RUSTSEC-2026-0001", "ant", ">=1.1.0");
        let databases = Databases::new(vec![Database::Folder(root.path().to_owned())], PathBuf::new());
        assert!(databases.standing().unsure && databases.stale(0));
        assert_eq!(databases.refresh(0).await, news(&[]), "what was there is no news");
        assert!(databases.standing() == Standing::default() && !databases.stale(0) && databases.stale(60_000));
        put(root.path(), "RUSTSEC-2026-0002", "bee", ">=1.1.0");
        assert_eq!(databases.refresh(0).await, news(&["bee"]));
        assert_eq!(databases.refresh(0).await, news(&[]));
        put(root.path(), "RUSTSEC-2026-0001", "ant", ">=1.2.0");
        assert_eq!(databases.refresh(0).await, news(&["ant"]));
        std::fs::remove_file(root.path().join("RUSTSEC-2026-0002.md")).expect("removed");
        assert_eq!(databases.refresh(0).await, news(&["bee"]));
        assert_eq!(databases.book().read, 1);
        std::fs::remove_dir_all(root.path()).expect("removed");
        let refreshed = databases.refresh(0).await;
        assert!(refreshed.changed.is_empty() && refreshed.troubles.len() == 1, "{refreshed:?}");
        assert_eq!(databases.book().read, 1, "what was there before stays");
    }

    #[tokio::test]
    async fn what_fails_is_in_sight_when_another_has_news_and_is_asked_less_and_less() {
        let root = tempfile::tempdir().expect("a folder");
        let (folder, origin) = (root.path().join("folder"), root.path().join("late"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let given = vec![Database::Folder(folder.clone()), Database::Git(format!("file://{}", origin.display()))];
        let databases = Databases::new(given, root.path().join("copies"));
        put(&folder, "RUSTSEC-2026-0001", "ant", ">=1.1.0");
        let first = databases.refresh(0).await;
        assert_eq!((first.changed.len(), first.troubles.len()), (0, 1), "{first:?}");
        assert!(first.troubles[0].contains("was not fetched"), "{first:?}");
        put(&folder, "RUSTSEC-2026-0002", "bee", ">=1.1.0");
        let second = databases.refresh(1).await;
        assert_eq!(second.changed, news(&["bee"]).changed);
        assert_eq!(second.troubles, first.troubles, "not asked again so soon, and not forgotten");
        assert!(databases.standing().unsure, "nobody knows what the other one has");
        // From now on it is there, and nobody asks before the pause is over.
        repository(&origin);
        put(&origin, "RUSTSEC-2026-0003", "cat", ">=2.0.0");
        commit(&origin);
        assert_eq!(databases.refresh(FIRST_MS - 1).await.troubles, first.troubles);
        assert_eq!(databases.refresh(FIRST_MS).await, news(&["cat"]));
        assert_eq!(databases.standing(), Standing::default());
        // Pauses double up to a bound, and a success ends them.
        std::fs::rename(&origin, root.path().join("gone")).expect("renamed");
        let mut now = FIRST_MS;
        for pause in [1, 2, 4, 8, 16, 32, 40, 40].map(|times| times * FIRST_MS) {
            assert_eq!(databases.refresh(now).await.troubles.len(), 1);
            assert_eq!(databases.lock().known[1].not_before, now + pause);
            now += pause;
        }
        assert_eq!(databases.book().read, 3, "what was fetched once stays");
        std::fs::rename(root.path().join("gone"), &origin).expect("renamed");
        assert_eq!(databases.refresh(now).await, news(&[]));
        assert_eq!(databases.lock().known[1].failures, 0);
    }

    #[tokio::test]
    async fn what_several_call_by_one_name_is_one() {
        use crate::domain::update::advisory::{audit, github};
        use crate::domain::update::{Found, Locked, Origin};
        let root = tempfile::tempdir().expect("a folder");
        let text = advisory("RUSTSEC-2026-0001", "ant", ">=1.1.0");
        let text = text.replacen("package", "aliases = [\"CVE-2026-1000\"]\npackage", 1);
        std::fs::write(root.path().join("RUSTSEC-2026-0001.md"), text).expect("written");
        let databases = Databases::new(vec![Database::Folder(root.path().to_owned())], PathBuf::new());
        databases.refresh(0).await;
        let told = |withdrawn: &str| {
            let text = format!(
                r#"[{{"ghsa_id":"GHSA-aaaa-bbbb-cccc","cve_id":"CVE-2026-1000","severity":"high","withdrawn_at":{withdrawn},
                    "vulnerabilities":[{{"package":{{"ecosystem":"rust","name":"ant"}},"vulnerable_version_range":"< 1.2.0"}}]}}]"#
            );
            github(&text).expect("a list")
        };
        let named = |version: &str| {
            let locked = Locked {
                ecosystem: Ecosystem::Cargo,
                file: "Cargo.lock".to_owned(),
                name: "ant".to_owned(),
                version: version.to_owned(),
                origin: Origin::Registry,
                needs: Vec::new(),
            };
            let found = Found { locked: vec![locked], ..Found::default() };
            audit(&found, &databases.book()).vulnerable.iter().map(|finding| finding.ids.join(" ")).collect::<Vec<_>>()
        };
        databases.tell(told("null")).await;
        let all = "RUSTSEC-2026-0001 GHSA-aaaa-bbbb-cccc CVE-2026-1000";
        assert_eq!((named("1.0.0"), named("1.1.0")), (vec![all.to_owned()], vec![all.to_owned()]));
        databases.tell(told("\"2026-01-02T03:04:05Z\"")).await;
        assert_eq!((named("1.0.0"), named("1.1.0")), (vec!["RUSTSEC-2026-0001 CVE-2026-1000".to_owned()], vec![]));
        assert!(databases.book().took_back("GHSA-aaaa-bbbb-cccc"));
    }

    fn git(origin: &Path, args: &[&str]) {
        let mut command = std::process::Command::new("git");
        command.current_dir(origin).args(["-c", "user.name=a", "-c", "user.email=a@b.example"]).args(args);
        assert!(command.status().expect("git").success(), "{args:?}");
    }

    fn repository(origin: &Path) {
        std::fs::create_dir_all(origin).expect("a folder");
        git(origin, &["init", "-q"]);
    }

    fn commit(origin: &Path) {
        git(origin, &["add", "-A"]);
        git(origin, &["commit", "-q", "-m", "news"]);
    }

    #[tokio::test]
    async fn a_repository_is_copied_and_kept_current_and_a_password_is_not_shown() {
        let root = tempfile::tempdir().expect("a folder");
        let (origin, copies) = (root.path().join("db"), root.path().join("copies"));
        repository(&origin);
        put(&origin, "RUSTSEC-2026-0001", "ant", ">=2.0.0");
        commit(&origin);
        let address = format!("file://{}", origin.display());
        let databases = Databases::new(vec![Database::parse(&address)], copies.clone());
        assert_eq!(databases.refresh(0).await, news(&[]));
        assert_eq!(databases.book().read, 1);
        put(&origin, "RUSTSEC-2026-0002", "bee", ">=2.0.0");
        commit(&origin);
        assert_eq!(databases.refresh(1).await, news(&["bee"]));
        let gone = Databases::new(vec![Database::parse("http://me:geheim@127.0.0.1:9/db")], copies);
        let why = gone.refresh(0).await.troubles.join(" ");
        assert!(why.contains("was not fetched") && !why.contains("geheim"), "{why}");
    }
}

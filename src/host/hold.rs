//! `fairway hold`: one release's processes, in a session of their own. It outlives the host that started it, and is
//! found again by the lock that it keeps.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::Release;
use super::cgroup;
use super::shelf::write;
use crate::clock::Clock;

/// Waits before the next start, the longer the more often it ended.
const BACKOFF: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];
/// A process that lived this long starts with a clean slate.
const GOOD_MS: i64 = 60_000;
/// After SIGTERM a process has this long.
const GRACE: Duration = Duration::from_secs(10);
/// A log is turned over at this size; one older one is kept.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// What a hold is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The release.
    pub release: Release,
    /// A port for each process.
    pub ports: Vec<u16>,
    /// The cgroup below which it gets its CPU limit; `None`: it runs without.
    #[serde(default)]
    pub cgroup: Option<PathBuf>,
}

/// How its processes are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// Ends of processes in a row, without one that lived a minute.
    pub ends: u32,
    /// How the last one ended.
    pub last: String,
}

/// The directory of a release's hold.
pub fn dir(state: &Path, service: &str, release: &str) -> PathBuf {
    state.join("holds").join(service).join(format!("{:016x}", super::count::hash(&[release.as_bytes()])))
}

/// The directories of all releases of a service, also of those that have ended.
pub fn dirs(state: &Path, service: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state.join("holds").join(service)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// The services of which there are holds.
pub fn services(state: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(state.join("holds")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Which release a hold in this directory has, or had.
pub fn release(dir: &Path) -> Option<String> {
    let order: Order = serde_json::from_slice(&std::fs::read(dir.join("order.json")).ok()?).ok()?;
    Some(order.release.id)
}

/// Whether a hold lives in this directory.
pub fn lives(dir: &Path) -> bool {
    let Ok(file) = std::fs::File::open(dir.join("lock")) else { return false };
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockShared).is_err()
}

/// What it last wrote down.
pub fn status(dir: &Path) -> Status {
    std::fs::read(dir.join("status.json")).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default()
}

/// The end of its log, for people: at most so many bytes.
pub fn tail(dir: &Path, bytes: usize) -> String {
    let text = std::fs::read(dir.join("log")).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(bytes)..]).trim().to_owned()
}

/// Asks it to end; it ends its processes first.
pub fn stop(dir: &Path) {
    if let Err(error) = std::fs::write(dir.join("stop"), b"") {
        tracing::warn!("{} cannot be told to stop: {error}", dir.display());
    }
}

/// Ends every hold below a host's state, for good, and waits until they are gone; a few seconds at most.
pub async fn stop_all(state: &Path) {
    let below = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let dirs: Vec<PathBuf> = below(state.join("holds")).flat_map(below).filter(|dir| lives(dir)).collect();
    dirs.iter().for_each(|dir| stop(dir));
    for _ in 0..100 {
        if !dirs.iter().any(|dir| lives(dir)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Runs the order in this directory until it is told to stop.
///
/// # Errors
/// When another hold has the directory, or its order cannot be read.
pub async fn run(dir: &Path) -> anyhow::Result<()> {
    // Already a leader when a shell started it as one.
    let _ = rustix::process::setsid();
    let lock = std::fs::File::create(dir.join("lock")).context("the hold's lock")?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .context("another hold has this release")?;
    let mut order: Order =
        serde_json::from_slice(&std::fs::read(dir.join("order.json"))?).context("the hold's order")?;
    held_to_its_limit(dir, &order);
    let stop = CancellationToken::new();
    let status = Arc::new(Mutex::new(Status::default()));
    let mut work = tokio::task::JoinSet::new();
    for port in &order.ports {
        work.spawn(keep(dir.to_owned(), order.release.clone(), *port, (status.clone(), stop.clone())));
    }
    let mut look = tokio::time::interval(Duration::from_millis(100));
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            // A directory that is gone has nobody left to stop it.
            _ = look.tick() => if dir.join("stop").exists() || !dir.exists() { break },
            _ = term.recv() => break,
        }
    }
    stop.cancel();
    while work.join_next().await.is_some() {}
    // Secrets stand among these. Whoever starts it again writes them anew.
    order.release.env.clear();
    if dir.exists()
        && let Err(error) = write(&dir.join("order.json"), &order)
    {
        tracing::warn!("the variables of a release that ended cannot be removed: {error}");
    }
    drop(lock);
    Ok(())
}

/// What its processes together may use is this process's to use as well: whatever they start stays within.
fn held_to_its_limit(dir: &Path, order: &Order) {
    let (Some(cpu), Some(base)) = (order.release.cpu, &order.cgroup) else { return };
    // As `dir` puts them: the service, and the release's own number.
    let [service, number] = [dir.parent(), Some(dir)].map(|path| path.and_then(Path::file_name).unwrap_or_default());
    let name = format!("{}-{}", service.to_string_lossy(), number.to_string_lossy());
    if let Err(why) = cgroup::enter(base, &name, cpu) {
        tracing::warn!("{} runs without its CPU limit: {why}", order.release.version);
        // There, for who looks at the release alone.
        eprintln!("fairway hold: this release runs without its CPU limit: {why}");
    }
}

/// One process, again and again.
async fn keep(dir: PathBuf, release: Release, port: u16, (status, stop): (Arc<Mutex<Status>>, CancellationToken)) {
    let clock = Clock::system();
    loop {
        let begun = clock.now();
        let how = match start(&dir, &release, port) {
            Ok(mut child) => tokio::select! {
                ended = child.wait() => ended.map_or_else(|e| e.to_string(), |status| status.to_string()),
                () = stop.cancelled() => return end(child).await,
            },
            Err(error) => format!("it cannot be started: {error:#}"),
        };
        let wait = {
            let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
            if clock.now() - begun >= GOOD_MS {
                status.ends = 0;
            }
            status.ends += 1;
            status.last = how;
            if let Err(error) = write(&dir.join("status.json"), &*status) {
                tracing::warn!("a hold's status cannot be written: {error}");
            }
            BACKOFF[(status.ends as usize - 1).min(BACKOFF.len() - 1)]
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn start(dir: &Path, release: &Release, port: u16) -> anyhow::Result<Child> {
    let log = log(dir)?;
    let limit = release.memory.map_or_else(String::new, |bytes| format!("ulimit -v {} && ", bytes / 1_024));
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{limit}exec {}", release.start)])
        .current_dir(&release.dir)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(&release.env)
        .env("PORT", port.to_string())
        .env("HOST", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true);
    if !release.trusted && rustix::process::getuid().is_root() {
        let id = uid(&release.id);
        command.uid(id).gid(id);
    }
    command.spawn().with_context(|| format!("`{}` in {}", release.start, release.dir.display()))
}

/// A user id that nobody else has, the same for the same release: between those that people and systemd use.
fn uid(release: &str) -> u32 {
    const FIRST: u64 = 0x7000_0000;
    (FIRST + super::count::hash(&[release.as_bytes()]) % 0x0fff_ffff) as u32
}

fn log(dir: &Path) -> std::io::Result<std::fs::File> {
    let path = dir.join("log");
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_BYTES) {
        std::fs::rename(&path, dir.join("log.1"))?;
    }
    std::fs::File::options().create(true).append(true).open(path)
}

/// SIGTERM to the whole group, and SIGKILL to what is left after a while.
async fn end(mut child: Child) {
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(id as i32));
    let signal = |signal| group.map(|group| rustix::process::kill_process_group(group, signal));
    signal(rustix::process::Signal::TERM);
    let _ = tokio::time::timeout(GRACE, child.wait()).await;
    signal(rustix::process::Signal::KILL);
    let _ = child.wait().await;
}

//! The small process between Fairway and a step. It dies with nobody: when Fairway lets go of the pipe on its standard input,
//! by `kill -9` or on purpose, it ends the step and everything the step ever started, and only then gives up the run's lock.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, Error, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};

use super::lock;

/// What to do, as JSON on the command line; nothing in it is secret.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Held as long as anything of the step lives.
    pub lock: PathBuf,
    /// Where it starts.
    pub dir: PathBuf,
    /// bubblewrap by its absolute path and its arguments up to the command; empty without a sandbox.
    pub sandbox: Vec<String>,
    /// Program, by its absolute path, and arguments.
    pub command: Vec<String>,
    /// Between a polite end and a hard one, in milliseconds.
    pub grace_ms: u64,
    /// The most processes at once.
    pub processes: usize,
    /// The most memory of all of them together, in bytes.
    pub memory: u64,
    /// The largest file that may be written, in bytes.
    pub file_size: u64,
}

/// How often the step is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Counting processes and memory costs more, so it is done once in so many looks.
const COUNT_EVERY: u32 = 10;

/// What a step's environment is: never on a command line, and never the environment of the guard or of bubblewrap.
pub type Env = Vec<(String, String)>;

/// The largest environment, in bytes of JSON.
const ENV_BYTES: usize = 8 * 1024 * 1024;

/// How an environment goes over the guard's standard input: a line with its length in bytes, then so much JSON.
///
/// # Errors
/// When it is too large.
pub fn envelope(env: &Env) -> std::io::Result<Vec<u8>> {
    let json = serde_json::to_vec(env)?;
    if json.len() > ENV_BYTES {
        return Err(Error::other(format!("the step's environment is larger than {} MB", ENV_BYTES / 1024 / 1024)));
    }
    let mut bytes = format!("{}\n", json.len()).into_bytes();
    bytes.extend(json);
    Ok(bytes)
}

fn open_envelope() -> std::io::Result<Env> {
    let mut stdin = std::io::stdin().lock();
    let mut line = String::new();
    stdin.by_ref().take(20).read_line(&mut line)?;
    let length =
        line.trim().parse().ok().filter(|&n| n <= ENV_BYTES).ok_or_else(|| Error::other("no environment came"))?;
    let mut json = vec![0; length];
    stdin.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// Runs one step to its end. Gives its exit code, 128 + N for signal N.
///
/// # Errors
/// When the lock cannot be had or the program cannot be started.
pub fn run(order: &Order) -> std::io::Result<i32> {
    let env = open_envelope()?;
    let let_go = Arc::new(AtomicBool::new(false));
    watch_stdin(let_go.clone());
    let _lock = loop {
        if let_go.load(Ordering::SeqCst) {
            return Ok(143);
        }
        if let Some(lock) = lock::take(&order.lock)? {
            break lock;
        }
        std::thread::sleep(lock::AGAIN);
    };
    // Orphans of the step become our children, so that none is lost sight of.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, order.file_size)?;
    let (mut child, status) = start(order, env)?;
    let group = Pid::from_raw(child.id() as i32);
    let ended = wait(order, &mut child, &let_go)?;
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    end_all();
    match (ended, status) {
        (Ended::Itself(code), Some(status)) if code != 0 && !began(&status)? => {
            Err(Error::other(format!("bubblewrap could not prepare it (exit code {code}); its words are in the log")))
        }
        (Ended::Itself(code) | Ended::Stopped(code), _) => Ok(code),
    }
}

/// Starts the step, and gives the file in which bubblewrap says how far it came.
fn start(order: &Order, env: Env) -> std::io::Result<(Child, Option<File>)> {
    let mut files = None;
    let mut command = match order.sandbox.split_first() {
        None => {
            let (program, args) = order.command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
            let mut command = Command::new(program);
            command.args(args).env_clear().envs(env);
            command
        }
        Some((bubblewrap, args)) => {
            let (variables, status) = (inherited("variables")?, inherited("status")?);
            tell(&variables, &env)?;
            let mut command = Command::new(bubblewrap);
            command.env_clear().args(args).args(["--json-status-fd", &status.as_raw_fd().to_string()]);
            command.args(["--args", &variables.as_raw_fd().to_string(), "--"]).args(&order.command);
            files = Some((variables, status));
            command
        }
    };
    // Our own standard output is for our word about the end; the step's two streams share the other.
    let output = std::io::stderr().as_fd().try_clone_to_owned()?;
    command.current_dir(&order.dir).stdin(Stdio::null()).stdout(output).process_group(0);
    Ok((command.spawn()?, files.map(|(_, status)| status)))
}

/// A file in memory that a child gets to have.
fn inherited(name: &str) -> std::io::Result<File> {
    Ok(rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::empty())?.into())
}

/// Arguments for bubblewrap's `--args`: each ends with a NUL.
fn tell(mut file: &File, env: &Env) -> std::io::Result<()> {
    let mut bytes = b"--clearenv\0".to_vec();
    // A NUL in a value would begin another argument, perhaps a `--bind`.
    for (name, value) in env.iter().filter(|(name, value)| variable(name) && !value.contains('\0')) {
        bytes.extend(format!("--setenv\0{name}\0{value}\0").into_bytes());
    }
    file.write_all(&bytes)?;
    file.rewind()
}

fn variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// bubblewrap notes the exit code of the command only when it came so far as to start it.
fn began(mut status: &File) -> std::io::Result<bool> {
    let mut words = String::new();
    status.rewind()?;
    status.read_to_string(&mut words)?;
    Ok(words.contains("exit-code"))
}

/// How the wait for a step ended.
enum Ended {
    Itself(i32),
    Stopped(i32),
}

fn watch_stdin(let_go: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 64];
        while std::io::stdin().read(&mut buffer).is_ok_and(|n| n > 0) {}
        let_go.store(true, Ordering::SeqCst);
    });
}

fn wait(order: &Order, child: &mut Child, let_go: &AtomicBool) -> std::io::Result<Ended> {
    let mut asked: Option<u64> = None;
    for look in 0_u32.. {
        if let Some(status) = child.try_wait()? {
            let code = code(status);
            return Ok(if asked.is_some() { Ended::Stopped(code) } else { Ended::Itself(code) });
        }
        if let Some(waited) = asked.as_mut() {
            *waited += LOOK.as_millis() as u64;
            if *waited >= order.grace_ms {
                break;
            }
        } else if let_go.load(Ordering::SeqCst) {
            asked = Some(0);
            ask(order, child);
        } else if look % COUNT_EVERY == 0
            && let Some(words) = over(order)
        {
            eprintln!("fairway: stopped: {words}");
            break;
        }
        std::thread::sleep(LOOK);
    }
    end_all();
    Ok(Ended::Stopped(child.wait().map(code).unwrap_or(137)))
}

/// Asks everything to end. Not bubblewrap itself: its end is the hard end of all that is in it, and no `trap` would run.
/// (The first process in it, bubblewrap too, does not hear this: nobody's default is to end the first of a namespace.)
fn ask(order: &Order, child: &Child) {
    let outermost = child.id() as i32;
    for pid in descendants().into_iter().filter(|&pid| order.sandbox.is_empty() || pid != outermost) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(9))
}

fn limit(resource: Resource, most: u64) -> std::io::Result<()> {
    let old = rustix::process::getrlimit(resource);
    let most = old.maximum.map_or(most, |hard| hard.min(most));
    Ok(rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

fn over(order: &Order) -> Option<String> {
    let all = descendants();
    if all.len() > order.processes {
        return Some(format!("more than {} processes", order.processes));
    }
    let page = rustix::param::page_size() as u64;
    let used: u64 = all.iter().map(|pid| resident(*pid) * page).sum();
    (used > order.memory).then(|| format!("more than {} MB of memory", order.memory / 1_000_000))
}

fn resident(pid: i32) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Everything below us, however it got there: orphans are adopted, so the chain of parents always leads here.
fn descendants() -> Vec<i32> {
    let mut parents: BTreeMap<i32, i32> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name in brackets may hold anything, so fields are counted after its end.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let below = |mut pid: i32| {
        for _ in 0..1_000 {
            match parents.get(&pid) {
                Some(&parent) if parent == me => return true,
                Some(&parent) => pid = parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().copied().filter(|&pid| below(pid)).collect()
}

/// Ends everything below us. Stopped first, so that a fork bomb cannot outrun it.
fn end_all() {
    for _ in 0..500 {
        let all = descendants();
        for signal in [Signal::STOP, Signal::KILL] {
            for pid in all.iter().filter_map(|&pid| Pid::from_raw(pid)) {
                let _ = rustix::process::kill_process(pid, signal);
            }
        }
        while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
        if all.is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

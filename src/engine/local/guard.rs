//! The small process between Fairway and a step. It dies with nobody: when Fairway lets go of the pipe on its standard input,
//! by `kill -9` or on purpose, it ends the step and everything the step ever started, and only then gives up the run's lock.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};

/// What to do, as JSON on the command line; nothing in it is secret.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Held as long as anything of the step lives.
    pub lock: PathBuf,
    /// Where it starts.
    pub dir: PathBuf,
    /// Program and arguments; the program by its absolute path.
    pub command: Vec<String>,
    /// Whether the program is bubblewrap, which then gets the step's environment by a descriptor and has none itself.
    pub sandboxed: bool,
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

/// The step's environment: the first line on the guard's standard input, as JSON. It may hold secrets, and its names are the
/// repository's choice, so that neither a command line nor the guard's own environment ever sees it.
pub type Variables = Vec<(String, String)>;

/// Runs one step to its end. Gives its exit code, 128 + N for signal N.
///
/// # Errors
/// When the lock cannot be had or the program cannot be started.
pub fn run(order: &Order) -> std::io::Result<i32> {
    let lock = std::fs::File::create(&order.lock)?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
    // Orphans of the step become our children, so that none is lost sight of.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, order.file_size)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let variables: Variables = serde_json::from_str(&line).map_err(std::io::Error::from)?;
    let let_go = Arc::new(AtomicBool::new(false));
    watch_stdin(let_go.clone());
    let mut child = start(order, &variables)?;
    let group = Pid::from_raw(child.id() as i32);
    let code = wait(order, &mut child, &let_go)?;
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    end_all();
    Ok(code)
}

/// Bubblewrap itself runs without any variable: `LD_PRELOAD` or `PATH` of a repository must mean nothing outside of it.
fn start(order: &Order, variables: &Variables) -> std::io::Result<Child> {
    let (program, args) = order.command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.env_clear().current_dir(&order.dir).stdin(Stdio::null()).process_group(0);
    if !order.sandboxed {
        return command.args(args).envs(variables.iter().cloned()).spawn();
    }
    let mut words: Vec<&str> = vec!["--clearenv"];
    for (name, value) in variables {
        words.extend(["--setenv", name, value]);
    }
    let mut list = std::fs::File::from(rustix::fs::memfd_create("variables", rustix::fs::MemfdFlags::empty())?);
    list.write_all(words.join("\0").as_bytes())?;
    list.write_all(b"\0")?;
    list.rewind()?;
    let fd = list.as_raw_fd().to_string();
    command.args(["--args", &fd]).args(args).spawn()
}

fn watch_stdin(let_go: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 64];
        while std::io::stdin().read(&mut buffer).is_ok_and(|n| n > 0) {}
        let_go.store(true, Ordering::SeqCst);
    });
}

fn wait(order: &Order, child: &mut Child, let_go: &AtomicBool) -> std::io::Result<i32> {
    let group = Pid::from_raw(child.id() as i32);
    let mut asked: Option<u64> = None;
    for look in 0_u32.. {
        if let Some(status) = child.try_wait()? {
            return Ok(code(status));
        }
        if let Some(waited) = asked.as_mut() {
            *waited += LOOK.as_millis() as u64;
            if *waited >= order.grace_ms {
                break;
            }
        } else if let_go.load(Ordering::SeqCst) {
            asked = Some(0);
            if let Some(group) = group {
                let _ = rustix::process::kill_process_group(group, Signal::TERM);
            }
        } else if look % COUNT_EVERY == 0
            && let Some(words) = over(order)
        {
            eprintln!("fairway: stopped: {words}");
            break;
        }
        std::thread::sleep(LOOK);
    }
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    end_all();
    Ok(child.wait().map(code).unwrap_or(137))
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

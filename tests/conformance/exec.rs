//! A command as the fake engine runs it: on this machine, in a copy of the checkout, with the container's environment and no
//! other, in a process group of its own that ends with the command or with the request.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::session::Feeds;
use crate::wire;

/// What containers have when nobody says otherwise.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Output that is read at once.
const BUFFER: usize = 32 * 1024;
/// Of each stream, so much of the end is kept for an error.
const KEPT: usize = 256 * 1024;
/// What the start of a container costs.
const START: Duration = Duration::from_millis(40);
/// Who left the group keeps its output open; a container would have ended it.
const LEFT_OPEN: Duration = Duration::from_millis(300);

/// What is to be run.
pub struct Job {
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// The checkout as it was before; it is not touched.
    pub before: PathBuf,
    /// Where its copy goes.
    pub to: PathBuf,
    /// Directories that outlive the command: below the checkout, and where they really are.
    pub caches: Vec<(PathBuf, PathBuf)>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Done {
    pub exit: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The checkout as it was left.
    pub dir: PathBuf,
}

/// Ends a process group when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Nothing may be left of it; then there is nothing to end.
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs it to its end. Dropping this ends it.
pub async fn run(job: Job, trace: u128, feeds: Feeds) -> std::io::Result<Done> {
    copy(&job.before, &job.to).await?;
    lay_caches(&job)?;
    feeds.traces(wire::span(trace, "resume withExec", false));
    let (program, args) = job.args.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(args).current_dir(&job.to).env_clear().env("PATH", PATH).env("HOME", "/").envs(&job.env);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    // No container starts as quickly as a process, and who answers more quickly had the result before.
    tokio::time::sleep(START).await;
    let mut child = command.spawn()?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(id as i32)));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let reading = async { tokio::join!(read(out, (trace, 1), &feeds), read(err, (trace, 2), &feeds)) };
    tokio::pin!(reading);
    let (status, streams) = tokio::select! {
        streams = &mut reading => (child.wait().await?, Some(streams)),
        status = child.wait() => (status?, None),
    };
    // The first process of a container takes all others with it.
    drop(group);
    let (stdout, stderr) = match streams {
        Some(streams) => streams,
        None => tokio::time::timeout(LEFT_OPEN, reading).await.unwrap_or_default(),
    };
    for stream in [1, 2] {
        feeds.logs(wire::log(trace, stream, None));
    }
    feeds.traces(wire::span(trace, "resume withExec", true));
    take_caches(&job)?;
    let exit = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(9));
    Ok(Done { exit, stdout, stderr, dir: job.to })
}

async fn read(stream: Option<impl AsyncRead + Unpin>, (trace, number): (u128, u8), feeds: &Feeds) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), vec![0_u8; BUFFER]);
    let Some(mut stream) = stream else { return kept };
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        // A real engine loses a piece that is no UTF-8, also one that a read cut within a letter.
        if let Ok(text) = std::str::from_utf8(&buffer[..n]) {
            feeds.logs(wire::log(trace, number, Some(text)));
            if n < 100 {
                // It says some pieces twice; the second is for its own screen.
                feeds.logs(wire::verbose(trace, text));
            }
        }
        kept.extend_from_slice(&buffer[..n]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    kept
}

/// With modes and links, as they are.
pub async fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).kill_on_drop(true).status().await?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other("the checkout could not be copied")) }
}

fn lay_caches(job: &Job) -> std::io::Result<()> {
    for (seen, real) in &job.caches {
        std::fs::create_dir_all(real)?;
        let at = job.to.join(seen);
        if let Some(above) = at.parent() {
            std::fs::create_dir_all(above)?;
        }
        if at.is_dir() && !at.is_symlink() {
            std::fs::remove_dir_all(&at)?;
        }
        std::os::unix::fs::symlink(real, &at)?;
    }
    Ok(())
}

/// What is in a cache is not part of the container, but the place where it was laid is.
fn take_caches(job: &Job) -> std::io::Result<()> {
    for (seen, _) in &job.caches {
        let at = job.to.join(seen);
        if at.is_symlink() {
            std::fs::remove_file(&at)?;
            std::fs::create_dir(&at)?;
        }
    }
    Ok(())
}

//! One `dagger session`: a child with an empty environment, its address and token, and an end that leaves nothing behind.
//!
//! The SDK's own `connect` would give the child our whole environment, swallow what it says, and wait for ever on an
//! engine that does not answer. So the child is ours, and the SDK drives it through [`super::client`].

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use crate::engine::left;

/// How long a session may take to come up. An engine that cannot be reached makes it wait without a word.
pub const START: Duration = Duration::from_secs(10);
/// After its input was closed, a session ends within 20 ms; where the engine is gone, it never does.
const END: Duration = Duration::from_secs(5);
/// What is kept of its last words, in bytes.
const LAST_WORDS: usize = 4_096;
/// The longest first line that is read, in bytes.
const FIRST_LINE: u64 = 4_096;

/// How a session is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The `dagger` program.
    pub cli: PathBuf,
    /// `unix://..`, `tcp://..`, `tls://..`, `ssh://..` or `kube-pod://..`.
    pub runner: String,
    /// A directory of its own; its HOME.
    pub home: PathBuf,
    /// User and group, when Fairway may choose.
    pub owner: Option<(u32, u32)>,
    /// Where the CLI looks for programs, such as `ssh` and `kubectl`.
    pub path: String,
    /// What those need to know.
    pub env: Vec<(String, String)>,
}

/// Where a session listens, as it prints it.
#[derive(Clone, Deserialize)]
pub struct Params {
    /// On loopback.
    pub port: u16,
    /// Of its basic authentication.
    pub session_token: String,
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSession {
    /// The program cannot be started.
    #[error("the Dagger CLI `{cli}` cannot be started ({why}); install it, or name it with FAIRWAY_DAGGER_CLI")]
    NoCli {
        /// Its path.
        cli: String,
        /// The system's words.
        why: String,
    },
    /// It said nothing in time.
    #[error("the Dagger engine {runner} did not answer within {} s{}", START.as_secs(), trust(runner))]
    Mute {
        /// Its address.
        runner: String,
    },
    /// Nobody listens there.
    #[error("the Dagger engine {runner} is not there ({why})")]
    Away {
        /// Its address.
        runner: String,
        /// The system's words.
        why: String,
    },
    /// It ended.
    #[error("the Dagger CLI ended before its session began: {words}")]
    Died {
        /// Its last line.
        words: String,
    },
    /// It printed something else than an address.
    #[error("the Dagger CLI printed what is no session address ({words}); name Dagger's own with FAIRWAY_DAGGER_CLI")]
    Rubbish {
        /// The beginning of it.
        words: String,
    },
    /// Stopped meanwhile.
    #[error("cancelled")]
    Cancelled,
}

/// The CLI waits without a word as well where it does not trust a certificate.
fn trust(runner: &str) -> &'static str {
    if runner.starts_with("tls://") {
        "; this machine's certificate store must trust its certificate, which is to be for the name in the address"
    } else {
        ""
    }
}

/// A session that listens. When it is dropped, the child is killed.
pub struct Session {
    child: Child,
    input: Option<ChildStdin>,
    words: tokio::task::JoinHandle<Vec<u8>>,
    /// Where it listens.
    pub params: Params,
    /// For its requests; knows no proxy.
    pub http: reqwest::Client,
}

impl Session {
    /// Starts one and waits until it listens.
    pub async fn open(launch: &Launch, cancel: &CancellationToken) -> Result<Session, NoSession> {
        knock(&launch.runner).await?;
        let no_cli = |why: String| NoSession::NoCli { cli: launch.cli.display().to_string(), why };
        let mut child = command(launch).spawn().map_err(|error| no_cli(error.to_string()))?;
        let input = child.stdin.take();
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(no_cli("it has no output".to_owned()));
        };
        let words = tokio::spawn(last_words(err));
        let told = tokio::select! {
            told = listening(launch, BufReader::new(out)) => told,
            () = cancel.cancelled() => Err(Silent::Said(NoSession::Cancelled)),
        };
        let params = match told {
            Ok(params) => params,
            Err(why) => {
                // Waited for, because it may still write into its home, which goes next.
                let _ = child.kill().await;
                return Err(match why {
                    Silent::Said(why) => why,
                    Silent::Ended => {
                        let words = tokio::time::timeout(END, words).await;
                        NoSession::Died { words: last_line(&words.ok().and_then(Result::ok).unwrap_or_default()) }
                    }
                });
            }
        };
        let http = reqwest::Client::builder().no_proxy().build().map_err(|error| no_cli(error.to_string()))?;
        Ok(Session { child, input, words, params, http })
    }

    /// The address of one of its paths.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.params.port)
    }

    /// Ends it: politely, then not.
    pub async fn close(mut self) {
        drop(self.input.take());
        if tokio::time::timeout(END, self.child.wait()).await.is_err() {
            // It is gone either way; a second failure has nobody to tell.
            let _ = self.child.kill().await;
        }
        self.words.abort();
    }
}

/// Why a CLI named no address.
enum Silent {
    /// For this.
    Said(NoSession),
    /// It ended; its last words say why.
    Ended,
}

/// The address that a CLI prints first.
async fn listening(launch: &Launch, mut out: BufReader<ChildStdout>) -> Result<Params, Silent> {
    let mut line = String::new();
    let first = async { (&mut out).take(FIRST_LINE).read_line(&mut line).await };
    match tokio::time::timeout(START, first).await {
        Err(_) => return Err(Silent::Said(NoSession::Mute { runner: launch.runner.clone() })),
        Ok(Ok(1..)) => {}
        Ok(_) => return Err(Silent::Ended),
    }
    let Ok(params) = serde_json::from_str::<Params>(line.trim()) else {
        return Err(Silent::Said(NoSession::Rubbish { words: readable(&line, 80) }));
    };
    // Nobody reads its output any more, and a full pipe would stop it.
    tokio::spawn(async move { tokio::io::copy(&mut out, &mut tokio::io::sink()).await });
    Ok(params)
}

/// The CLI says nothing of an engine that is not there, and waits; a look at its socket says it at once.
async fn knock(runner: &str) -> Result<(), NoSession> {
    let away = |why: String| NoSession::Away { runner: runner.to_owned(), why };
    let opened = async {
        if let Some(path) = runner.strip_prefix("unix://") {
            tokio::net::UnixStream::connect(path).await.map(drop)
        } else if let Some(address) = runner.strip_prefix("tcp://").or_else(|| runner.strip_prefix("tls://")) {
            tokio::net::TcpStream::connect(address.trim_end_matches('/')).await.map(drop)
        } else {
            Ok(())
        }
    };
    match tokio::time::timeout(END, opened).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(away(error.to_string())),
        Err(_) => Err(away(format!("no connection within {} s", END.as_secs()))),
    }
}

fn command(launch: &Launch) -> Command {
    let mut command = Command::new(&launch.cli);
    command.arg("session").env_clear();
    command.envs(launch.env.iter().map(|(name, value)| (name, value)));
    command
        .env("_EXPERIMENTAL_DAGGER_RUNNER_HOST", &launch.runner)
        .env("DO_NOT_TRACK", "1")
        .env("DAGGER_NO_NAG", "1")
        .env("DAGGER_NO_UPDATE_CHECK", "1")
        .env("DAGGER_SILENT", "1")
        // A session mostly waits. Its start costs a third less of a core when Go collects less often and on one core.
        .env("GOGC", "400")
        .env("GOMAXPROCS", "1")
        .env("HOME", &launch.home)
        .env("PATH", &launch.path);
    command.current_dir(&launch.home).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A signal from the terminal is for Fairway, which ends its sessions in order.
    command.process_group(0);
    if let Some((user, group)) = launch.owner {
        command.uid(user).gid(group);
    }
    command
}

/// Reads for ever, keeps the end.
async fn last_words(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut words, mut buffer) = (Vec::new(), [0_u8; 4_096]);
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        words.extend_from_slice(&buffer[..n]);
        let over = words.len().saturating_sub(LAST_WORDS);
        words.drain(..over);
    }
    words
}

fn last_line(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    readable(line, 300)
}

/// Some of it, for a sentence: a control character could be no part of a row or of a page.
fn readable(text: &str, most: usize) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(most).collect()
}

/// What the names of sessions' directories begin with.
const HOME: &str = "fairway-session-";

/// A directory for one session, owned by whoever the session runs as; gone when this is dropped. It is not below the data
/// directory, which nobody but Fairway may enter.
pub fn home(owner: Option<(u32, u32)>) -> std::io::Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new().prefix(&left::prefix(HOME)).tempdir()?;
    if let Some((user, group)) = owner {
        std::os::unix::fs::chown(dir.path(), Some(user), Some(group))?;
    }
    Ok(dir)
}

/// Ends the sessions of Fairways that were killed, and removes their directories. A session whose Fairway goes ends by
/// itself, but for one whose engine went away as well.
pub fn sweep() {
    for dir in left::left(&std::env::temp_dir(), HOME) {
        for session in sessions_in(&dir) {
            // Whatever cannot be ended belongs to somebody else, and was none of ours.
            let _ = kill_process(session, Signal::KILL);
        }
        left::remove(&dir);
    }
}

/// Processes that work in a directory.
fn sessions_in(dir: &std::path::Path) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let here = |process: &std::fs::DirEntry| std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == dir);
    let pid = |process: std::fs::DirEntry| Pid::from_raw(process.file_name().to_str()?.parse().ok()?);
    processes.filter(here).filter_map(pid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_fairway_left_is_ended_and_removed_and_nothing_else() {
        let ours = home(None).expect("a directory");
        // A process that has ended, so that its id is nobody's.
        let mut gone = std::process::Command::new("true").spawn().expect("true");
        gone.wait().expect("it ends");
        let dir = std::env::temp_dir().join(format!("{HOME}{}-left", gone.id()));
        std::fs::create_dir(&dir).expect("a directory");
        let mut left = std::process::Command::new("sleep").arg("60").current_dir(&dir).spawn().expect("sleep");
        sweep();
        assert!(!left.wait().expect("it was ended").success());
        assert!(!dir.exists() && ours.path().exists());
    }
}

//! A verb as a process of its own: what it says is read while it runs.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use fairway::playground::Playground;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings of a Fairway without credentials, beside this GitHub.
pub fn settings(
    hub: &Playground,
    data: &std::path::Path,
    more: &[(&'static str, &str)],
) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("FAIRWAY_GITHUB_URL", hub.url()),
        ("FAIRWAY_DATA_DIR", data.display().to_string()),
        ("FAIRWAY_LISTEN", "127.0.0.1:0".to_owned()),
        ("FAIRWAY_PRIVATE_LISTEN", "127.0.0.1:0".to_owned()),
        ("FAIRWAY_ENGINE", "local".to_owned()),
    ];
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    settings
}

/// A running verb.
pub struct Running {
    child: Child,
    out: watch::Receiver<String>,
    err: watch::Receiver<String>,
}

fn read(source: impl AsyncRead + Unpin + Send + 'static) -> watch::Receiver<String> {
    let (sender, receiver) = watch::channel(String::new());
    let mut lines = BufReader::new(source).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|text| {
                text.push_str(&line);
                text.push('\n');
            });
        }
    });
    receiver
}

impl Running {
    pub fn start(settings: &[(&'static str, String)], args: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairway"));
        command.args(args).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, value) in settings {
            command.env(name, value);
        }
        let mut child = command.spawn().expect("the binary starts");
        let out = read(child.stdout.take().expect("a pipe"));
        let err = read(child.stderr.take().expect("a pipe"));
        Running { child, out, err }
    }

    /// Waits until its standard output has these words; gives back all of it.
    pub async fn says(&mut self, words: &str) -> String {
        until(&mut self.out, words).await
    }

    /// The same for its standard error.
    pub async fn mutters(&mut self, words: &str) -> String {
        until(&mut self.err, words).await
    }

    /// The first web address on the line of the standard error with these words.
    pub async fn address(&mut self, words: &str) -> String {
        let text = self.mutters(words).await;
        let line = text.lines().find(|line| line.contains(words)).expect("the line");
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
        address.split("/?").next().unwrap_or_default().trim_end_matches('/').to_owned()
    }

    /// All that it has said so far on its standard output.
    pub fn said(&self) -> String {
        self.out.borrow().clone()
    }

    /// Tells it to stop, as a terminal (`INT`) or a supervisor (`TERM`) does.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("it runs"), signal).expect("it can be told");
    }

    /// Waits for its end.
    pub async fn ends(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("it goes on: {}", self.said())).expect("it ends");
        // Both pipes are closed by now; what is in them is read to its end.
        for text in [&mut self.out, &mut self.err] {
            while text.changed().await.is_ok() {}
        }
        status
    }
}

async fn until(text: &mut watch::Receiver<String>, words: &str) -> String {
    let seen = tokio::time::timeout(PATIENCE, text.wait_for(|text| text.contains(words))).await;
    let seen = seen.map(|seen| seen.map(|text| text.clone()).ok()).ok().flatten();
    seen.unwrap_or_else(|| panic!("it does not say {words:?}: {}", *text.borrow()))
}

/// Runs a verb to its end; gives back its exit status and what it printed.
pub async fn verb(settings: &[(&'static str, String)], args: &[&str]) -> (i32, String) {
    let mut running = Running::start(settings, args);
    let status = running.ends().await;
    (status.code().expect("it was not killed"), running.said())
}

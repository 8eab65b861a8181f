//! One step: a child under `fairway guard`, its output streamed, its time and its disk watched.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::disk;
use super::guard::{self, Order};
use crate::engine::mask::Mask;
use crate::engine::{Outcome, RunEvent, RunSpec, StepExit};

/// What every step of a run shares.
pub struct Steps<'a> {
    /// Which step it is, from 0.
    pub index: usize,
    /// The program that has the `guard` verb.
    pub exe: &'a Path,
    /// The whole environment of a step.
    pub env: Vec<(String, String)>,
    /// When the run's time is up.
    pub deadline: Instant,
    /// The run's directory and how many bytes it may hold.
    pub quota: (&'a Path, u64),
    /// Where output and notes go.
    pub events: &'a mpsc::Sender<RunEvent>,
    /// Stops the run.
    pub cancel: &'a CancellationToken,
}

/// How often the run's directory is measured.
const MEASURE: Duration = Duration::from_secs(2);
/// Output that is read at once.
const BUFFER: usize = 64 * 1024;

/// Why a step is being ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Time,
    Cancel,
    Disk,
}

impl Steps<'_> {
    /// Runs the steps of a run in order, up to the first that does not pass.
    pub async fn all(
        &mut self,
        spec: &RunSpec,
        order: impl Fn(&str) -> Result<Order, String>,
    ) -> std::io::Result<Outcome> {
        let mut mask = spec.mask();
        for (index, line) in spec.steps.iter().enumerate() {
            drop(self.events.send(RunEvent::StepStarted { index }).await);
            let order = match order(line) {
                Ok(order) => order,
                Err(why) => return Ok(Outcome::Impossible(why)),
            };
            self.index = index;
            let begin = Instant::now();
            let exit = self.run(&order, &mut mask).await?;
            let millis = begin.elapsed().as_millis() as i64;
            drop(self.events.send(RunEvent::StepFinished { index, exit, millis, cached: false }).await);
            match exit {
                StepExit::Code(0) => {}
                StepExit::Code(_) => return Ok(Outcome::Failed),
                StepExit::TimedOut => return Ok(Outcome::TimedOut),
                StepExit::Cancelled => return Ok(Outcome::Cancelled),
            }
        }
        Ok(Outcome::Success)
    }

    /// Runs one. `Err` when it could not be started at all, or its guard is gone without a word.
    async fn run(&self, order: &Order, mask: &mut Mask) -> std::io::Result<StepExit> {
        let (mut child, mut output) = self.spawn(order)?;
        // Letting go of this pipe is how the guard is told to end the step.
        let mut hold = child.stdin.take();
        if let Some(pipe) = &mut hold {
            // A guard that ended early says why on its output.
            let _ = pipe.write_all(&guard::envelope(&self.env)?).await;
        }
        let mut stop = None;
        let mut buffer = vec![0_u8; BUFFER];
        let mut measure = tokio::time::interval(MEASURE);
        let mut open = true;
        loop {
            tokio::select! {
                read = output.read(&mut buffer), if open => match read {
                    Ok(0) | Err(_) => open = false,
                    Ok(n) => self.say(mask.pass(&buffer[..n])).await,
                },
                status = child.wait(), if !open => {
                    status?;
                    break;
                }
                () = tokio::time::sleep_until(self.deadline), if stop.is_none() => stop = Some(Stop::Time),
                () = self.cancel.cancelled(), if stop.is_none() => stop = Some(Stop::Cancel),
                _ = measure.tick(), if stop.is_none() => {
                    if disk::exceeds(self.quota.0, self.quota.1).await {
                        stop = Some(Stop::Disk);
                    }
                }
            }
            if stop.is_some() {
                drop(hold.take());
            }
        }
        self.say(mask.rest()).await;
        Ok(match stop {
            Some(Stop::Time) => StepExit::TimedOut,
            Some(Stop::Cancel) => StepExit::Cancelled,
            Some(Stop::Disk) => {
                let note = format!("Stopped: the run wrote more than {} MB to disk.", self.quota.1 / 1_000_000);
                drop(self.events.send(RunEvent::Note(note)).await);
                StepExit::Code(137)
            }
            None => StepExit::Code(last_word(&mut child).await?),
        })
    }

    /// Both streams share one pipe, so that they arrive in the order in which they were written.
    fn spawn(&self, order: &Order) -> std::io::Result<(Child, tokio::net::unix::pipe::Receiver)> {
        let (reader, writer) = std::io::pipe()?;
        let json = serde_json::to_string(order).map_err(std::io::Error::from)?;
        let mut command = Command::new(self.exe);
        command.args(["guard", &json]).env_clear().env("PATH", super::SYSTEM_PATH);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(writer);
        // A signal from the terminal is for Fairway, which ends its steps in order.
        command.process_group(0);
        let child = command.spawn()?;
        // The command keeps its ends of the pipe open until it is dropped, and the end of output would never be seen.
        drop(command);
        let reader = tokio::net::unix::pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Ok((child, reader))
    }

    async fn say(&self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            drop(self.events.send(RunEvent::Log { step: self.index, bytes }).await);
        }
    }
}

/// The step's exit code as its guard tells it.
async fn last_word(child: &mut Child) -> std::io::Result<i32> {
    let mut words = String::new();
    if let Some(pipe) = child.stdout.take() {
        pipe.take(4_096).read_to_string(&mut words).await?;
    }
    match words.trim().split_once(' ') {
        Some(("exit", code)) => code.parse().map_err(std::io::Error::other),
        Some(("broken", why)) => Err(std::io::Error::other(format!("the step could not be started: {why}"))),
        _ => Err(std::io::Error::other("the step's guard was ended from outside")),
    }
}

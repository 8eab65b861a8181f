//! Sees to it that what stands on the shelf runs, and asks it how it is.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::process::Command;

use super::count::Answer;
use super::hold::{self, Order};
use super::shelf::{Place, Placed, Shelf, write};
use super::{Release, Slot, TargetError};
use crate::clock::Clock;
use crate::domain::rollout::Health;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// A probe that takes longer has failed.
const PROBE: Duration = Duration::from_secs(2);
/// Ends in a row after which nobody hopes any more.
const HOPELESS: u32 = 3;

/// Starts holds and probes them.
#[derive(Debug)]
pub struct Keeper {
    state: PathBuf,
    exe: PathBuf,
    lenient: bool,
    resting: AtomicBool,
    http: reqwest::Client,
    clock: Clock,
    cgroup: Result<PathBuf, String>,
}

impl Keeper {
    /// Of this state directory. `exe` is this program; `lenient` lets unmerged code run as the host's own user; `cgroup` is
    /// where releases get their CPU limits, or why they get none.
    pub fn new(
        (state, exe): (&Path, &Path),
        lenient: bool,
        (clock, cgroup): (Clock, Result<PathBuf, String>),
    ) -> anyhow::Result<Keeper> {
        let http = reqwest::Client::builder().timeout(PROBE).redirect(reqwest::redirect::Policy::none()).build()?;
        let (state, exe) = (state.to_owned(), exe.to_owned());
        Ok(Keeper { state, exe, lenient, resting: AtomicBool::new(false), http, clock, cgroup })
    }

    /// Where releases get their CPU limits, or why they get none.
    pub fn cgroup(&self) -> &Result<PathBuf, String> {
        &self.cgroup
    }

    /// Free ports for a release, or why it does not run here.
    pub fn place(&self, release: &Release) -> Result<Placed, TargetError> {
        let root = rustix::process::getuid().is_root();
        if !release.trusted && !root && !self.lenient {
            return Err(TargetError::Refused(
                "unmerged code runs under a user id of its own, and this host may not give it one. Merge first, or start `fairway host` as root"
                    .to_owned(),
            ));
        }
        if !release.dir.is_dir() {
            return Err(TargetError::Refused(format!("the release is not at {}", release.dir.display())));
        }
        let ports = free_ports(release.processes).map_err(|e| TargetError::Away(format!("no free port: {e}")))?;
        let trusted = release.trusted || self.lenient;
        Ok(Placed { release: Release { trusted, ..release.clone() }, ports, door: None })
    }

    /// Looks after everything, for ever. What no shelf has ends after `patience`: a predecessor may still wait for its
    /// answers.
    pub async fn attend(&self, shelf: Arc<Shelf>, patience: Duration) {
        let strays = async {
            tokio::time::sleep(patience).await;
            self.end_strays(&shelf);
        };
        tokio::join!(strays, self.look_after(&shelf));
    }

    async fn look_after(&self, shelf: &Shelf) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if self.resting.load(Ordering::SeqCst) {
                continue;
            }
            let looks = shelf.all().into_iter().map(|place| async move {
                for placed in place.now().slots.values() {
                    self.look(&place, placed).await;
                }
            });
            futures_util::future::join_all(looks).await;
        }
    }

    /// Ends what runs and is on no shelf: a host that was killed could not tell it any more.
    fn end_strays(&self, shelf: &Shelf) {
        for service in hold::services(&self.state) {
            let stored = shelf.get(&service).map(|place| place.now());
            let wanted: Vec<PathBuf> = stored
                .iter()
                .flat_map(|stored| stored.slots.values())
                .map(|placed| hold::dir(&self.state, &service, &placed.release.id))
                .collect();
            let strays = hold::dirs(&self.state, &service).into_iter().filter(|dir| !wanted.contains(dir));
            for dir in strays.filter(|dir| hold::lives(dir)) {
                tracing::warn!("{} is of no release any more and ends", dir.display());
                hold::stop(&dir);
            }
        }
    }

    /// Looks after nothing, or does again: one host at a time starts holds.
    pub fn rest(&self, resting: bool) {
        self.resting.store(resting, Ordering::SeqCst);
    }

    async fn look(&self, place: &Place, placed: &Placed) {
        let id = &placed.release.id;
        let dir = hold::dir(&self.state, &place.name, id);
        if !hold::lives(&dir)
            && let Err(error) = self.start((&place.name, &dir), placed)
        {
            return place.set_health(id, Health::Crashing(format!("it cannot be started: {error:#}")));
        }
        let well = self.probe(placed).await;
        let status = hold::status(&dir);
        let health = match place.health(id) {
            _ if well => Health::Ready,
            _ if status.ends >= HOPELESS => {
                let log = hold::tail(&dir, 300);
                let last = log.lines().next_back().unwrap_or_default();
                let said = if last.is_empty() { String::new() } else { format!(", and said: {last}") };
                Health::Crashing(format!("it ended {} times, last with {}{said}", status.ends, status.last))
            }
            Health::Ready => Health::Failing(1),
            Health::Failing(n) => Health::Failing(n.saturating_add(1)),
            before => before,
        };
        place.set_health(id, health);
    }

    /// Asks candidate and stable once each, when there are both.
    pub async fn ask_both(&self, place: &Place) {
        let stored = place.now();
        let placed = |slot: Option<Slot>| slot.and_then(|slot| stored.slots.get(&slot));
        let (Some(candidate), Some(stable)) = (placed(stored.split.candidate), placed(stored.split.stable)) else {
            return;
        };
        let ask = async |placed: &Placed| {
            let begun = self.clock.ticks();
            let bad = !self.probe(placed).await;
            let slow = stored.split.slow_ms.is_some_and(|bound| self.clock.ticks() - begun > bound);
            Answer { bad, slow }
        };
        let answers = tokio::join!(ask(candidate), ask(stable));
        place.counters.probed(&candidate.release.id, answers);
    }

    async fn probe(&self, placed: &Placed) -> bool {
        let asks = placed.ports.iter().map(|port| async move {
            let url = format!("http://127.0.0.1:{port}{}", placed.release.health);
            let answer = self.http.get(url).header("user-agent", "fairway-probe").send().await;
            answer.is_ok_and(|answer| answer.status().is_success() || answer.status().is_redirection())
        });
        futures_util::future::join_all(asks).await.into_iter().all(|well| well)
    }

    fn start(&self, (service, dir): (&str, &Path), placed: &Placed) -> anyhow::Result<()> {
        std::fs::create_dir_all(dir)?;
        match std::fs::remove_file(dir.join("stop")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        if let (Some(_), Err(why)) = (placed.release.cpu, &self.cgroup) {
            tracing::warn!("{} of {service} runs without its CPU limit: {why}", placed.release.version);
        }
        let cgroup = self.cgroup.clone().ok();
        let order = Order { release: placed.release.clone(), ports: placed.ports.clone(), cgroup };
        write(&dir.join("order.json"), &order)?;
        let log = std::fs::File::options().create(true).append(true).open(dir.join("log"))?;
        let mut child = Command::new(&self.exe)
            .arg("hold")
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A Ctrl-C in the host's terminal is not meant for it.
            .process_group(0)
            .spawn()?;
        // It outlives us; while we live, its end is waited for so that it leaves no zombie.
        tokio::spawn(async move { child.wait().await });
        Ok(())
    }

    /// Removes what is left of a service's releases: order, status and logs. What still runs stays for the next time.
    pub fn forget(&self, service: &str, wanted: impl Fn(&str) -> bool) {
        for dir in hold::dirs(&self.state, service) {
            let Some(release) = hold::release(&dir).filter(|release| !wanted(release)) else { continue };
            if hold::lives(&dir) {
                continue;
            }
            match std::fs::remove_dir_all(&dir) {
                Ok(()) => tracing::info!("the release {release} of {service} is forgotten"),
                Err(error) => tracing::warn!("{} cannot be removed: {error}", dir.display()),
            }
        }
    }

    /// What is no longer on the shelf ends.
    pub fn end(&self, service: &str, placed: &Placed) {
        hold::stop(&hold::dir(&self.state, service, &placed.release.id));
    }
}

/// Ports that were free just now. Whoever takes one in between makes that release fail to start, which is seen.
fn free_ports(count: u32) -> std::io::Result<Vec<u16>> {
    let listeners: Vec<std::net::TcpListener> =
        (0..count.max(1)).map(|_| std::net::TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    listeners.iter().map(|listener| listener.local_addr().map(|address| address.port())).collect()
}

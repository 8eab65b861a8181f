//! The target that comes with Fairway: one server, a weighted proxy in front of releases that run as processes.
//!
//! Two kinds of process, neither with any credential of GitHub's. `proxy` (`fairway host`) has the listeners, the
//! split and the counters; `hold` (`fairway hold`) has one release's processes, so that neither Fairway's nor the
//! host's restart touches a request. Fairway speaks with the host by its admin socket (`client`).

mod admin;
mod cgroup;
mod client;
mod count;
mod desk;
pub mod handover;
pub mod hold;
mod keeper;
mod lanes;
mod listen;
mod proxy;
mod scripted;
mod serve;
mod shelf;
mod tls;

pub use client::Client;
pub use scripted::Scripted;
pub use serve::{Config, Listeners, serve};
pub use tls::Certificates;

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::domain::rollout::{Counts, Health, Probed};

/// One of the two places of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The one.
    A,
    /// The other.
    B,
}

impl Slot {
    /// The other one.
    pub fn other(self) -> Slot {
        match self {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        }
    }
}

/// How a service is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Door {
    /// By the `Host` of a request to the shared listener.
    Domain(String),
    /// By a port of its own.
    Port(u16),
}

/// A release that shall run. `id` makes two requests for it one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// What makes it this release: its content and everything that it is started with.
    pub id: String,
    /// Short, for people: the commit.
    pub version: String,
    /// The unpacked export. It is the working directory of its processes, and is not written by them.
    pub dir: PathBuf,
    /// A shell line; it gets `PORT`.
    pub start: String,
    /// Variables, secrets among them.
    pub env: BTreeMap<String, String>,
    /// The path that a probe asks for.
    pub health: String,
    /// Processes, each with a port of its own.
    pub processes: u32,
    /// Limit of each process's address space, in bytes.
    pub memory: Option<u64>,
    /// What all its processes together may use, in thousandths of a processor. Where the host cannot hold them to it they
    /// run without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// `false`: code that nobody merged. It runs under a user id of its own, or not at all.
    pub trusted: bool,
}

/// Who gets which part of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Gets everything that the candidate does not get.
    pub stable: Option<Slot>,
    /// Gets `weight`.
    pub candidate: Option<Slot>,
    /// In basis points: 0 to 10,000.
    pub weight: u16,
    /// Clients are spread anew with another salt; with the same one nobody moves back when the weight rises.
    pub salt: String,
    /// An answer that begins later counts as slow, of whichever version; milliseconds. `None`: nobody looks at that, as in
    /// what an older Fairway says and an older host answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_ms: Option<i64>,
}

/// A release in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its id.
    pub release: String,
    /// Its name for people.
    pub version: String,
    /// How it is.
    pub health: Health,
    /// Requests that it is answering now.
    pub in_flight: u64,
}

/// A service as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Grows with every change; whoever changes it says which one they saw.
    pub generation: u64,
    /// This life of the proxy.
    pub boot: String,
    /// Who gets what.
    pub split: Split,
    /// What runs.
    pub slots: BTreeMap<Slot, Held>,
    /// By release, since the proxy began this life; a request that asked for a version by header is in none of these.
    pub counts: BTreeMap<String, Counts>,
    /// What was asked of candidate and stable because somebody wanted to know, since this candidate was prepared in this
    /// life of the proxy.
    #[serde(default)]
    pub probed: Probed,
}

impl Service {
    /// The place of a release.
    pub fn slot_of(&self, release: &str) -> Option<Slot> {
        self.slots.iter().find(|(_, held)| held.release == release).map(|(slot, _)| *slot)
    }
}

/// Why a target did not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum TargetError {
    /// Somebody else changed the service meanwhile: look again.
    #[error("the service changed meanwhile (it is at generation {0})")]
    Stale(u64),
    /// It never will, in words.
    #[error("{0}")]
    Refused(String),
    /// It may later: the host does not answer, or has trouble of its own.
    #[error("the host cannot be asked: {0}")]
    Away(String),
}

/// Where releases run. Level-triggered: saying it twice does nothing the second time.
pub trait Target: Send + Sync {
    /// How a service is; `None` when there is none of that name.
    fn observe<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Option<Service>, TargetError>>;

    /// Has a release run in the place that is not stable's, without traffic. Answers before it is ready.
    fn prepare<'a>(
        &'a self,
        service: &'a str,
        door: &'a Door,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<(), TargetError>>;

    /// Sets the split, if the service still is at this generation.
    fn split<'a>(
        &'a self,
        service: &'a str,
        generation: u64,
        split: &'a Split,
    ) -> BoxFuture<'a, Result<(), TargetError>>;

    /// Asks candidate and stable for their health path, once each, and counts what came of it.
    fn probe<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), TargetError>>;

    /// Ends what runs in a place that gets no traffic.
    fn retire<'a>(&'a self, service: &'a str, slot: Slot) -> BoxFuture<'a, Result<(), TargetError>>;

    /// Forgets every release of a service that runs nowhere and whose id begins with none of `kept`, with its logs.
    fn keep<'a>(&'a self, service: &'a str, kept: &'a [String]) -> BoxFuture<'a, Result<(), TargetError>>;
}

/// Which limits this host can hold releases to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The cgroup below which releases with a CPU limit run, or why they run without.
    pub cpu: Result<PathBuf, String>,
}

/// What the admin socket is told about a release.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Prepare {
    door: Door,
    release: Release,
}

/// What the admin socket is told about a split.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SetSplit {
    generation: u64,
    split: Split,
}

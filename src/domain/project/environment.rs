//! `[environment.NAME]`: where a release goes, who may bring it there, and how carefully.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::floor::{Floor, Policy, Source, Who};
use super::freeze::Freeze;
use crate::domain::rollout::{Stage, Undecided};

/// A whole environment that has passed every check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// The pipeline whose export is released.
    pub release: String,
    /// The shell line that starts it, in the export; it gets `PORT`.
    pub start: String,
    /// The path that its probe asks for.
    pub health: String,
    /// The host name it answers to.
    pub domain: Option<String>,
    /// Or the port.
    pub port: Option<u16>,
    /// Who may deploy.
    pub who: Who,
    /// What must be true before.
    pub needs: Needs,
    /// The steps to all of the traffic.
    pub stages: Vec<Stage>,
    /// Longest stay in a stage, in milliseconds.
    pub stage_max_ms: i64,
    /// What happens after it.
    pub undecided: Undecided,
    /// How long the old version stays warm, in milliseconds.
    pub watch_ms: i64,
    /// When nothing is deployed.
    pub freeze: Vec<Freeze>,
    /// Whether what arrives on the default branch goes there by itself.
    pub after_merge: bool,
    /// Releases that are kept, beside those that serve.
    pub keep: u32,
    /// Plain variables.
    pub env: BTreeMap<String, String>,
    /// Names of secrets.
    pub secrets: Vec<String>,
    /// Processes that share its requests.
    pub processes: u32,
    /// Limit of each process, in bytes.
    pub memory: Option<u64>,
    /// What all its processes together may use, in thousandths of a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// An answer that begins later is slow, in milliseconds; `None`: nobody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_ms: Option<i64>,
    /// Whether going back by itself would do more harm.
    pub irreversible: bool,
    /// The line of its header, from 1.
    pub line: u32,
    /// What policies demand beside all this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floors: Vec<Floor>,
}

/// A window in which nothing is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen<'e> {
    /// As it was written.
    pub window: &'e str,
    /// Its end; Unix milliseconds.
    pub until: i64,
    /// The policy that says so; `None`: the environment itself.
    pub floor: Option<&'e Floor>,
}

/// What must be true before a rollout starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Own pipelines, or checks and statuses of others.
    pub checks: Vec<String>,
    /// Approvals of that commit.
    pub approvals: u32,
    /// The environment where that commit must be live.
    pub environment: Option<String>,
}

impl Environment {
    /// Puts the rules of a policy under it that are meant for it.
    pub fn over(&mut self, policy: &Policy, source: &Source) {
        let meant = policy.rules.iter().filter(|rule| rule.is_for(&self.name)).cloned();
        self.floors.extend(meant.map(|rule| Floor { rule, source: source.clone() }));
    }

    /// Digest of what a running release depends on.
    pub fn digest(&self) -> String {
        let running = (
            &self.start,
            &self.health,
            &self.domain,
            &self.port,
            &self.env,
            &self.secrets,
            self.processes,
            self.memory,
        );
        let mut digest = Sha256::new_with_prefix(serde_json::to_vec(&running).unwrap_or_default());
        // What has none is what it was before there was such a limit.
        if let Some(cpu) = self.cpu {
            digest.update(format!("cpu {cpu}"));
        }
        hex::encode(digest.finalize())
    }

    /// The window that is on, if one is; of several the one that ends last.
    pub fn frozen(&self, now: i64) -> Option<Frozen<'_>> {
        let own = self.freeze.iter().map(|freeze| (freeze, None));
        let floors = self.floors.iter().flat_map(|floor| floor.rule.freeze.iter().map(move |f| (f, Some(floor))));
        let on = own
            .chain(floors)
            .filter_map(|(freeze, floor)| Some(Frozen { window: freeze.text(), until: freeze.until(now)?, floor }));
        on.max_by_key(|frozen| frozen.until)
    }

    /// Checks that must have passed, its own and those of policies, each once.
    pub fn checks(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for check in self.needs.checks.iter().chain(self.floors.iter().flat_map(|floor| &floor.rule.checks)) {
            if !all.contains(&check.as_str()) {
                all.push(check);
            }
        }
        all
    }

    /// Approvals that it takes, and the policy that wants so many; `None`: the environment itself does.
    pub fn approvals(&self) -> (u32, Option<&Floor>) {
        let floor = self.floors.iter().max_by_key(|floor| floor.rule.approvals);
        match floor.filter(|floor| floor.rule.approvals > self.needs.approvals) {
            Some(floor) => (floor.rule.approvals, Some(floor)),
            None => (self.needs.approvals, None),
        }
    }

    /// Whether what arrives on the default branch goes there by itself, also by every policy.
    pub fn follows_merges(&self) -> bool {
        self.after_merge && self.floors.iter().all(|floor| floor.rule.after_merge)
    }

    /// Everything that somebody who deploys has to be, each with the policy that says so.
    pub fn whos(&self) -> impl Iterator<Item = (&Who, Option<&Floor>)> {
        let floors = self.floors.iter().filter_map(|floor| Some((floor.rule.who.as_ref()?, Some(floor))));
        std::iter::once((&self.who, None)).chain(floors)
    }
}

//! `[environment.NAME]`: where a release goes, who may bring it there, and how carefully.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::freeze::Freeze;
use crate::domain::command::Role;
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
    /// Whether going back by itself would do more harm.
    pub irreversible: bool,
    /// The line of its header, from 1.
    pub line: u32,
}

/// Who may deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// Everybody with that role.
    Role(Role),
    /// Members of one of these teams: organisation and slug.
    Teams(Vec<(String, String)>),
}

impl Default for Who {
    fn default() -> Self {
        Who::Role(Role::Write)
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Who::Role(role) => write!(f, "people with {} permission", role.as_str()),
            Who::Teams(teams) => {
                let teams: Vec<String> = teams.iter().map(|(org, team)| format!("{org}/{team}")).collect();
                write!(f, "members of {}", teams.join(" or "))
            }
        }
    }
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
        hex::encode(Sha256::digest(serde_json::to_vec(&running).unwrap_or_default()))
    }

    /// The window that is on, as it was written, and its end; Unix milliseconds.
    pub fn frozen(&self, now: i64) -> Option<(String, i64)> {
        let on = self.freeze.iter().filter_map(|freeze| Some((freeze.text().to_owned(), freeze.until(now)?)));
        on.max_by_key(|(_, until)| *until)
    }
}

//! What no environment may go below: rules of the operator's, of the organisation's and of the repository's own. Each
//! tightens what an environment says, and none of them can loosen it.

use globset::Glob;
use serde::{Deserialize, Serialize};

use super::freeze::Freeze;
use crate::domain::command::Role;

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

/// What stands under `[policy]` in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// In the order of the file.
    pub rules: Vec<Rule>,
}

/// What holds for environments with certain names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The names: `production`, `prod*`, `*`.
    pub names: String,
    /// Who may deploy there at most.
    pub who: Option<Who>,
    /// Checks that must have passed.
    pub checks: Vec<String>,
    /// Approvals at least.
    pub approvals: u32,
    /// When nothing is deployed.
    pub freeze: Vec<Freeze>,
    /// Whether what is merged may go there by itself.
    pub after_merge: bool,
    /// The line of its header, from 1.
    pub line: u32,
}

/// Whose file a rule stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The operator's, named by a setting.
    Operator,
    /// `fairway.toml` in the `.github` repository of this organisation.
    Organisation(String),
    /// The repository's own.
    Repository,
}

/// A rule under an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// What it says.
    pub rule: Rule,
    /// Where it stands.
    pub source: Source,
}

impl Rule {
    /// Whether it is meant for the environment of that name.
    pub fn is_for(&self, name: &str) -> bool {
        Glob::new(&self.names).is_ok_and(|glob| glob.compile_matcher().is_match(name))
    }
}

//! Names of aggregates.

use serde::{Deserialize, Serialize};

/// Which aggregate. Its text form is its lane and its primary key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// A pull request: repository id and number.
    Pull(i64, i64),
    /// A branch whose pushes are checked: repository id and name.
    Branch(i64, String),
    /// One entry of a merge queue: repository id and full ref.
    Queue(i64, String),
    /// An environment: repository id and name.
    Env(i64, String),
    /// A repository's onboarding: its id.
    Onboard(i64),
    /// A plan and all that follow it: its name, as behind `plan =`.
    Plan(String),
    /// A repository's updates: its id.
    Updates(i64),
}

impl Key {
    /// The repository's id.
    pub fn repo(&self) -> i64 {
        match self {
            Key::Pull(repo, _)
            | Key::Branch(repo, _)
            | Key::Queue(repo, _)
            | Key::Env(repo, _)
            | Key::Onboard(repo)
            | Key::Updates(repo) => *repo,
            // A plan is no repository's.
            Key::Plan(_) => 0,
        }
    }

    /// The word in the `kind` column of `aggregates`.
    pub fn kind(&self) -> &'static str {
        match self {
            Key::Pull(..) => "pr",
            Key::Branch(..) => "branch",
            Key::Queue(..) => "queue",
            Key::Env(..) => "env",
            Key::Onboard(..) => "onboard",
            Key::Plan(..) => "plan",
            Key::Updates(..) => "updates",
        }
    }

    /// The inverse of `to_string`; `None` for a key that this version does not know.
    pub fn parse(text: &str) -> Option<Key> {
        let (kind, rest) = text.split_once(':')?;
        if kind == "onboard" {
            return Some(Key::Onboard(rest.parse().ok()?));
        }
        if kind == "updates" {
            return Some(Key::Updates(rest.parse().ok()?));
        }
        if kind == "plan" {
            return Some(Key::Plan(rest.to_owned()));
        }
        let (repo, name) = rest.split_once('/')?;
        let repo = repo.parse().ok()?;
        match kind {
            "pr" => Some(Key::Pull(repo, name.parse().ok()?)),
            "branch" => Some(Key::Branch(repo, name.to_owned())),
            "queue" => Some(Key::Queue(repo, name.to_owned())),
            "env" => Some(Key::Env(repo, name.to_owned())),
            _ => None,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Pull(repo, number) => write!(f, "pr:{repo}/{number}"),
            Key::Branch(repo, name) => write!(f, "branch:{repo}/{name}"),
            Key::Queue(repo, name) => write!(f, "queue:{repo}/{name}"),
            Key::Env(repo, name) => write!(f, "env:{repo}/{name}"),
            Key::Onboard(repo) => write!(f, "onboard:{repo}"),
            Key::Plan(name) => write!(f, "plan:{name}"),
            Key::Updates(repo) => write!(f, "updates:{repo}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        for key in [
            Key::Pull(1, 7),
            Key::Branch(1, "main".into()),
            Key::Queue(1, "refs/heads/gh-readonly-queue/main/pr-1-a".into()),
            Key::Env(1, "production".into()),
            Key::Onboard(1),
            Key::Plan("acme/plans/web@1".into()),
            Key::Updates(1),
        ] {
            assert_eq!(Key::parse(&key.to_string()), Some(key));
        }
        assert_eq!(Key::parse("cohort:1/production"), None);
        assert_eq!(Key::parse("pr:1/x"), None);
    }
}

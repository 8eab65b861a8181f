//! `fairway.lock`: which plan a repository follows, and exactly what it was rendered from.

use serde::{Deserialize, Serialize};

use super::input::Values;
use super::shape::Plan;
use super::version::Version;

/// Its name.
pub const LOCK: &str = "fairway.lock";

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The plan, as behind `plan =`.
    pub plan: String,
    /// The version that was rendered.
    pub version: Version3,
    /// The commit of the plan's repository; empty for Fairway's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Digest of the plan's files, SHA-256 in hex.
    pub digest: String,
    /// Whether no later version is wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// The values of its inputs.
    #[serde(default)]
    pub inputs: Values,
}

/// A version as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version3(pub Version);

impl TryFrom<String> for Version3 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Version::parse(&text).map(Version3).ok_or_else(|| format!("`{text}` is no version such as `1.2.3`"))
    }
}

impl From<Version> for Version3 {
    fn from(version: Version) -> Version3 {
        Version3(version)
    }
}

impl From<Version3> for String {
    fn from(version: Version3) -> String {
        version.0.to_string()
    }
}

impl Lock {
    /// Of one of Fairway's own plans.
    pub fn new((name, plan): (&str, &Plan), digest: &str, inputs: Values) -> Lock {
        Lock {
            plan: format!("{name}@{}", plan.version.major),
            version: Version3(plan.version),
            commit: String::new(),
            digest: digest.to_owned(),
            pinned: false,
            inputs,
        }
    }

    /// Those of its inputs that a version of the plan asks for.
    pub fn known_to(&self, plan: &Plan) -> Values {
        let asked = |name: &String| plan.inputs.iter().any(|input| input.name == *name);
        self.inputs.iter().filter(|(name, _)| asked(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Reads it; the error is a sentence.
    pub fn parse(text: &str) -> Result<Lock, String> {
        toml::from_str(text).map_err(|error| format!("{LOCK} cannot be read: {}", error.message()))
    }

    /// As it is written.
    pub fn text(&self) -> String {
        let body = toml::to_string(self).unwrap_or_default();
        format!(
            "# Written by Fairway: what this repository was rendered from. Its plan's next version is merged by it.\n{body}"
        )
    }
}

//! Which plan, and which version of it.

use serde::{Deserialize, Serialize};

/// A version of a plan, as semantic versioning orders it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Another one may ask something of the owner.
    pub major: u64,
    /// Something is new.
    pub minor: u64,
    /// Something is mended.
    pub patch: u64,
}

impl Version {
    /// From `1.2.3`.
    pub fn parse(text: &str) -> Option<Version> {
        let version = semver::Version::parse(text).ok().filter(|v| v.pre.is_empty() && v.build.is_empty())?;
        Some(Version { major: version.major, minor: version.minor, patch: version.patch })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What stands behind `plan =`: `rust-service@1` for one of Fairway's own, `acme/plans/web@2` for the folder `web` of the
/// repository `acme/plans`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Name {
    /// `owner/name` of the plan's repository; `None`: Fairway's own.
    pub repository: Option<String>,
    /// Its folder there, or its name.
    pub plan: String,
    /// The major version that is followed.
    pub major: u64,
}

impl Name {
    /// Reads it; the error is a sentence.
    pub fn parse(text: &str) -> Result<Name, String> {
        let wrong =
            || format!("`{text}` names no plan. Write one as `rust-service@1`, or as `OWNER/REPOSITORY/FOLDER@1`.");
        let (path, major) = text.split_once('@').ok_or_else(wrong)?;
        let major = major.parse().map_err(|_| wrong())?;
        let word = |part: &&str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            // An organisation's own repository may hold plans too.
            *part == ".github" || !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
        };
        let parts: Vec<&str> = path.split('/').collect();
        if !parts.iter().all(word) {
            return Err(wrong());
        }
        match parts.as_slice() {
            [plan] => Ok(Name { repository: None, plan: (*plan).to_owned(), major }),
            [owner, repository, rest @ ..] if !rest.is_empty() => {
                Ok(Name { repository: Some(format!("{owner}/{repository}")), plan: rest.join("/"), major })
            }
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.repository {
            Some(repository) => write!(f, "{repository}/{}@{}", self.plan, self.major),
            None => write!(f, "{}@{}", self.plan, self.major),
        }
    }
}

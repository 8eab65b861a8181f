//! What a plan is made of.

use super::input::Input;
use super::version::Version;
use crate::domain::project::problem::Problem;

/// A file of a plan's folder, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Below the plan's folder.
    pub path: String,
    /// Whether it may be started.
    pub executable: bool,
    /// Whether it is a symbolic link; those are refused.
    pub link: bool,
    /// What it holds.
    pub text: String,
}

/// A file that is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// In the repository; may hold inputs.
    pub path: String,
    /// Whether it may be started.
    pub executable: bool,
    /// May hold inputs.
    pub text: String,
    /// The flag that must be true.
    pub when: Option<String>,
}

/// A whole plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its version.
    pub version: Version,
    /// What it is for.
    pub about: String,
    /// What it asks; `name`, the repository's name, is always among them.
    pub inputs: Vec<Input>,
    /// What it brings.
    pub templates: Vec<Template>,
    /// What each version changed, newest first; Markdown.
    pub changes: Vec<(Version, String)>,
    /// How much of all followers has a new version after each cohort, in percent; ends with 100.
    pub cohorts: Vec<u8>,
    /// A cohort in which more than so many percent fail is the last.
    pub limit: u8,
}

/// Something that is wrong in a plan, where a person mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Below the plan's folder.
    pub file: String,
    /// From 1; 0: the file as a whole.
    pub line: u32,
    /// A dotted key, or empty.
    pub key: String,
    /// One sentence.
    pub message: String,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl Trouble {
    pub(super) fn of(file: &str, problem: &Problem) -> Trouble {
        let hint = problem.hint.as_deref().map(|hint| format!(" {hint}")).unwrap_or_default();
        let message = format!("{}{hint}", problem.message);
        Trouble { file: file.to_owned(), line: problem.line, key: problem.key.clone(), message }
    }

    pub(super) fn whole(file: &str, message: impl Into<String>) -> Trouble {
        Trouble { file: file.to_owned(), line: 0, key: String::new(), message: message.into() }
    }
}

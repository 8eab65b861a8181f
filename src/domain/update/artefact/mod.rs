//! What the published packages of two versions say and how they differ: pure, from files that were unpacked and never run.

mod changelog;
mod compare;
mod contents;
mod manifest;
mod reading;

pub use changelog::sections;
pub use compare::tell;
pub use contents::{Commit, Contents};
pub use reading::{Reading, Wants};

use serde::{Deserialize, Serialize};

use super::model::Ecosystem;

/// What is known of the packages behind an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The version now; `None`: it is added.
    pub from: Option<String>,
    /// The version then.
    pub to: String,
    /// What was found; or why nobody looked, a sentence without its full stop.
    pub told: Result<Told, String>,
}

/// What the packages of two versions tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What its authors say of the versions between; `None`: its files do not have it.
    pub changelog: Option<Changelog>,
    /// The changes between the exact commits that were published, at the forge that the package names. `https`, without what
    /// could end a link.
    pub compare: Option<String>,
    /// What differs and matters, the loud ones first.
    pub differences: Vec<Difference>,
    /// Why it was not compared with the version before, a sentence without its full stop; `None`: it was, or there is none.
    pub uncompared: Option<String>,
}

/// What a package's own files say of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changelog {
    /// The file in the package.
    pub file: String,
    /// The sections, as written: foreign Markdown or reStructuredText, which must be made harmless before it is shown.
    pub text: String,
    /// Whether it was longer.
    pub cut: bool,
}

/// What is in the later package and matters to who installs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// A program that runs when the package is built.
    BuildScript {
        /// Its file.
        file: String,
        /// It was not there before.
        new: bool,
    },
    /// It runs in the compiler of who uses it, and did not before.
    ProcMacro,
    /// A command that a client runs when it installs the package.
    InstallHook {
        /// `preinstall`, `install` or `postinstall`; of Python `setup.py`.
        hook: String,
        /// What it runs.
        command: String,
        /// It was not there before.
        new: bool,
    },
    /// Programs for a machine, of which nobody can read the source, that were not there before.
    Binaries {
        /// The first by name, with what it is.
        first: (String, String),
        /// How many.
        count: usize,
    },
    /// Rust's `unsafe` where there was none.
    Unsafe {
        /// Files that have it.
        files: usize,
    },
    /// Other people may publish it.
    People {
        /// Who came.
        added: Vec<String>,
        /// Who left.
        removed: Vec<String>,
    },
    /// The earlier package named the commit that it was made from, and this one does not.
    NoCommit,
    /// It was made from files that are not in its commit.
    Dirty,
    /// Another licence.
    Licence {
        /// As the earlier one says.
        from: String,
        /// As the later one says.
        to: String,
    },
    /// Another repository is named as its source.
    Repository {
        /// As the earlier one says.
        from: String,
        /// As the later one says.
        to: String,
    },
}

impl Difference {
    /// Whether code of the package runs, or can no longer be read, where that was not so before: somebody should look.
    pub fn loud(&self) -> bool {
        match self {
            Difference::BuildScript { new, .. } | Difference::InstallHook { new, .. } => *new,
            Difference::ProcMacro | Difference::Binaries { .. } => true,
            _ => false,
        }
    }
}

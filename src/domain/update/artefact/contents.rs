//! What is kept of a published package: facts, not files.

use serde::{Deserialize, Serialize};

/// Facts about a package's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Files that may be a changelog, with their text, the likeliest first.
    pub changelogs: Vec<(String, String)>,
    /// The commit that it says it was made from.
    pub commit: Option<Commit>,
    /// Programs that run when it is built: file, and a digest of its text as far as it was read.
    pub build_scripts: Vec<(String, String)>,
    /// Whether it runs in the compiler.
    pub proc_macro: bool,
    /// What a client runs when it installs it: which, and the command.
    pub hooks: Vec<(String, String)>,
    /// Programs for machines: file and kind.
    pub binaries: Vec<(String, String)>,
    /// Files with Rust's `unsafe`.
    pub unsafe_files: usize,
    /// As it says.
    pub licence: Option<String>,
    /// Where its source is, as it says.
    pub repository: Option<String>,
    /// Who may publish it, as the registry says; empty where it does not.
    pub people: Vec<String>,
}

/// The commit that a package was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// 40 hexadecimal digits.
    pub sha: String,
    /// Whether there were changes that are in no commit.
    pub dirty: bool,
}

impl Commit {
    /// If that is a commit's name.
    pub fn of(sha: &str, dirty: bool) -> Option<Commit> {
        let fits = sha.len() == 40 && sha.chars().all(|c| c.is_ascii_hexdigit());
        fits.then(|| Commit { sha: sha.to_ascii_lowercase(), dirty })
    }
}

//! What is found in a checkout, what registries know, and what is decided: the same words for every ecosystem.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where packages come from, and whose rules their versions follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// Rust crates.
    Cargo,
    /// JavaScript packages, by npm, pnpm or yarn.
    Npm,
    /// Python distributions.
    Python,
    /// `uses:` of GitHub Actions.
    Actions,
    /// Container images.
    Image,
    /// Go modules.
    Go,
    /// Rust, Node and Python themselves.
    Toolchain,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Ecosystem; 7] = [
        Ecosystem::Cargo,
        Ecosystem::Npm,
        Ecosystem::Python,
        Ecosystem::Actions,
        Ecosystem::Image,
        Ecosystem::Go,
        Ecosystem::Toolchain,
    ];

    /// The word for it in names of branches.
    pub fn as_str(self) -> &'static str {
        match self {
            Ecosystem::Cargo => "cargo",
            Ecosystem::Npm => "npm",
            Ecosystem::Python => "python",
            Ecosystem::Actions => "actions",
            Ecosystem::Image => "image",
            Ecosystem::Go => "go",
            Ecosystem::Toolchain => "toolchain",
        }
    }
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// The program itself.
    #[default]
    Runtime,
    /// Its tests and tools.
    Development,
    /// What builds it.
    Build,
}

/// Where a dependency is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The registry that the ecosystem's client uses when nothing else is said.
    Registry,
    /// Another registry, by the name that the repository's configuration gives it.
    Named(String),
    /// A folder of the repository, a Git repository or an archive: left alone. Without what may be secret in an address.
    Elsewhere(String),
}

/// A line of a manifest that asks for a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package's own name, also where the manifest calls it otherwise.
    pub name: String,
    /// The manifest, from the root of the checkout.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// As written, for example `^1.2`, `==3.0`, `v4`.
    pub requirement: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it is taken from.
    pub origin: Origin,
    /// The versions that the lock has for this line; empty where there is no lock, several where one name is locked twice
    /// and it is not clear which is meant.
    pub locked: Vec<String>,
}

/// A package in a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The lock, from the root of the checkout.
    pub file: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it is taken from.
    pub origin: Origin,
    /// What it needs: places in the same list.
    pub needs: Vec<usize>,
}

/// All that was found in a checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Every line that asks for something, by file and line.
    pub declared: Vec<Declared>,
    /// Every locked package.
    pub locked: Vec<Locked>,
    /// What locked packages require, by their place, as far as a lock says so itself: `poetry.lock` all of it, `uv.lock` only
    /// what an extra brings, and not by which requirement.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asks: BTreeMap<usize, Vec<Dependency>>,
    /// The toolchains that the repository promises to work with, for example `rust` and `1.78`; the lowest where several.
    pub toolchains: Vec<(String, String)>,
    /// What was not read and why, a sentence each.
    pub notes: Vec<String>,
}

/// A published version of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// As published.
    pub version: String,
    /// Unix milliseconds; `None`: the registry does not say, or cannot be believed.
    pub published: Option<i64>,
    /// Withdrawn by its authors.
    pub yanked: bool,
    /// The toolchain that it needs, in the ecosystem's words: `1.74`, `>=18`, `>=3.8`.
    pub needs: Option<String>,
    /// What the version is by its content: the commit of an action's tag, the digest of an image's, as far as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why `commit` or `published` could not be had: a sentence without a full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Why the ecosystem's own client would pass it over, although nobody withdrew it: a sentence without a full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<String>,
    /// When Fairway first met this very content, where nobody says when it was published; Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<i64>,
    /// At this time the registry did not have it yet, whatever a time in it says; Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// What it depends on, without what only its own development does; only where that was asked for, and the registry says so
    /// without a further question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
}

/// What a release depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The package's own name.
    pub name: String,
    /// As published.
    pub requirement: String,
    /// Only where somebody asks for a feature.
    #[serde(default)]
    pub optional: bool,
    /// The features that bring it, where it is optional and the registry tells; each alone does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Where it holds, as a marker of Python's; `None`: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Box<str>>,
}

/// How far apart two versions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Its authors promise that nothing breaks.
    Safe,
    /// Something may break. In Cargo a 0.x minor is one.
    Breaking,
}

/// What a line names by its content, before and after an update.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pin {
    /// The commit (40 hexadecimal digits) or digest (`sha256:...`) that stands there now.
    pub from: String,
    /// The one that belongs to the new version.
    pub to: String,
    /// Where the tag of the version now is another commit than the one that stands there: that commit. Only of tags that name
    /// one release and should not move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<String>,
}

/// A version that is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The manifest line that it is for.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// The version now: the locked one, or the one that the manifest names.
    pub from: String,
    /// The version then.
    pub to: String,
    /// How far apart.
    pub step: Step,
    /// Whether the lock alone changes, because the manifest admits it already.
    pub lock_only: bool,
    /// When it was published; Unix milliseconds.
    pub published: Option<i64>,
    /// Where the line names a commit or a digest: that one and the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
}

/// A version that is newer and not offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The manifest line that it is for.
    pub file: String,
    /// The version now.
    pub from: String,
    /// The version that is not offered.
    pub to: String,
    /// Why.
    pub why: Why,
}

/// Why a version is not offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// It is too young: Unix milliseconds at which it will be old enough.
    Cooldown(i64),
    /// Nobody says how old it is.
    UnknownAge,
    /// Nobody says how old it is.
    Undated {
        /// From when on it counts as old enough, because Fairway has known it for so long; Unix milliseconds. `None`: it is
        /// not known which content it is, or nothing is kept here.
        ripe: Option<i64>,
        /// Why nobody does: a sentence without a full stop.
        why: String,
    },
    /// It needs this toolchain, and the repository promises that one.
    Toolchain {
        /// What it needs.
        needs: String,
        /// What is promised.
        has: String,
    },
    /// A person said no: the rule, as written.
    Ignored(String),
    /// The manifest pins it exactly.
    Pinned,
    /// The ecosystem's own client would pass it over: a sentence without a full stop.
    Passed(String),
    /// The line names a commit or a digest, and that of this version is not known: a sentence without a full stop.
    Unpinnable(String),
    /// The limit of open pull requests is reached.
    Limit(String),
}

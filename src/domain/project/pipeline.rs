//! The shapes that a valid `fairway.toml` turns into. They can be stored; a later reading gives the same value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::environment::Environment;
use super::floor::Policy;
use crate::domain::onboard::Rules;

/// How long a pipeline may take when its file does not say: 30 minutes, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: i64 = 30 * 60 * 1000;
/// The longest `timeout` that a file may ask for: 6 hours, in milliseconds.
pub const MAX_TIMEOUT_MS: i64 = 6 * 60 * 60 * 1000;

/// The name of the pipeline that a repository with a Dagger module has by itself.
pub const MODULE: &str = "module";

/// A whole `fairway.toml` that has passed every check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// The plan it follows, as written, for example `rust-service@1`.
    pub plan: Option<String>,
    /// In the order of the file.
    pub pipelines: Vec<Pipeline>,
    /// In the order of the file.
    #[serde(default)]
    pub environments: Vec<Environment>,
    /// What its own environments may not go below.
    #[serde(default)]
    pub policy: Policy,
    /// Which repositories are onboarded; only the organisation's own file counts.
    #[serde(default)]
    pub onboarding: Rules,
    /// `updates` as it stands; its own room reads it.
    pub raw: toml::Table,
}

impl Project {
    /// The pipeline of that name; `NAME/CHECK` is one of the checks that NAME found in the repository's module.
    pub fn pipeline(&self, name: &str) -> Option<Cow<'_, Pipeline>> {
        if let Some(pipeline) = self.pipelines.iter().find(|pipeline| pipeline.name == name) {
            return Some(Cow::Borrowed(pipeline));
        }
        let (parent, check) = name.split_once('/')?;
        let parent = self.pipelines.iter().find(|p| p.name == parent && p.call() == Some(Call::Checks))?;
        Some(Cow::Owned(parent.for_check(check)))
    }

    /// The environment of that name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    /// What a repository gets that has a Dagger module and no pipeline: the module's checks.
    pub fn or_module(mut self) -> Project {
        if self.pipelines.is_empty() {
            self.pipelines.push(Pipeline {
                name: MODULE.to_owned(),
                on: Trigger::ALL.to_vec(),
                dagger: Some("check".to_owned()),
                timeout_ms: DEFAULT_TIMEOUT_MS,
                line: 1,
                ..Pipeline::default()
            });
        }
        self
    }
}

/// What starts a pipeline, by GitHub's name of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A pull request was opened or got commits.
    PullRequest,
    /// Commits arrived on the default branch.
    Push,
    /// The merge queue asks.
    MergeGroup,
}

impl Trigger {
    /// All, which is what a pipeline without `on` means.
    pub const ALL: [Trigger; 3] = [Trigger::PullRequest, Trigger::Push, Trigger::MergeGroup];

    /// GitHub's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::PullRequest => "pull_request",
            Trigger::Push => "push",
            Trigger::MergeGroup => "merge_group",
        }
    }
}

/// One `[pipeline.NAME]`, which is one check run `fairway / NAME`. Has either `run` or `dagger`, never both or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// `[a-z0-9][a-z0-9-]{0,39}`.
    pub name: String,
    /// Never empty.
    pub on: Vec<Trigger>,
    /// Container image for an engine that has containers.
    pub image: Option<String>,
    /// Shell commands, one step each, none empty.
    pub run: Vec<String>,
    /// Pipelines of this file that come first; acyclic.
    pub needs: Vec<String>,
    /// Plain values.
    pub env: BTreeMap<String, String>,
    /// Names in Fairway's secret store; none is also in `env`.
    pub secrets: Vec<String>,
    /// Containers beside the steps, by host name.
    pub services: BTreeMap<String, Service>,
    /// Globs relative to the root; empty means any file.
    pub paths: Vec<String>,
    /// Directories kept between runs, absolute or relative to the root.
    pub cache: Vec<String>,
    /// Milliseconds, between 1 s and `MAX_TIMEOUT_MS`.
    pub timeout_ms: i64,
    /// Report files to read when the steps have ended.
    pub report: Vec<Report>,
    /// File or directory, relative to the root, that later pipelines and releases use.
    pub export: Option<String>,
    /// A call of the repository's own Dagger module instead of `run`.
    pub dagger: Option<String>,
    /// Image name to publish under.
    pub publish: Option<String>,
    /// Where its table begins in the file, from 1.
    pub line: u32,
}

impl Pipeline {
    /// What it asks of the repository's module; `None` when it has steps instead.
    pub fn call(&self) -> Option<Call> {
        self.dagger.as_deref().and_then(|text| Call::parse(text).ok())
    }

    /// The pipeline that runs one of the checks that this one found.
    pub fn for_check(&self, check: &str) -> Pipeline {
        Pipeline {
            name: format!("{}/{check}", self.name),
            dagger: Some(format!("check {check}")),
            needs: Vec::new(),
            ..self.clone()
        }
    }
}

/// One `services.NAME`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Container image.
    pub image: String,
    /// The port that must answer before the steps begin.
    pub port: Option<u16>,
    /// Plain values.
    pub env: BTreeMap<String, String>,
}

/// One entry of `report`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Report {
    /// Its format.
    pub kind: ReportKind,
    /// Relative to the root, without `..`.
    pub path: String,
}

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// Lines of `cargo --message-format=json`.
    CargoJson,
}

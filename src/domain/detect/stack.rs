//! What is found: stacks with their evidence, and the commands that they are checked with.

use std::collections::BTreeMap;

use serde::Serialize;

/// A language, or what stands in for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Cargo packages.
    Rust,
    /// Go modules.
    Go,
    /// Whatever has a `package.json`.
    Node,
    /// Deno.
    Deno,
    /// Python.
    Python,
    /// Java, Kotlin and others on Maven or Gradle.
    Java,
    /// C#, F#, Visual Basic.
    DotNet,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Elixir.
    Elixir,
    /// A site that is generated, or served as it is.
    Static,
    /// A Makefile and no language that is known here.
    Make,
    /// A Dagger module.
    Dagger,
    /// A Dockerfile.
    Docker,
}

impl Kind {
    /// As a pipeline's name.
    pub fn slug(self) -> &'static str {
        match self {
            Kind::Rust => "rust",
            Kind::Go => "go",
            Kind::Node => "node",
            Kind::Deno => "deno",
            Kind::Python => "python",
            Kind::Java => "java",
            Kind::DotNet => "dotnet",
            Kind::Ruby => "ruby",
            Kind::Php => "php",
            Kind::Elixir => "elixir",
            Kind::Static => "site",
            Kind::Make => "make",
            Kind::Dagger => "module",
            Kind::Docker => "docker",
        }
    }
}

/// How much a match is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A file is there and says little: only told.
    Low,
    /// Likely; something is missing, such as a lock file or anything to run.
    Medium,
    /// The manifest was read and it says so.
    High,
}

/// Where something stands and what it says there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Evidence {
    /// Relative to the root.
    pub path: String,
    /// From 1; none where the file's being there is the evidence.
    pub line: Option<u32>,
    /// What it tells, in a few words; may be empty.
    pub says: String,
}

impl Evidence {
    /// A file, and a line of it where one tells more.
    pub fn new(path: impl Into<String>, line: Option<u32>, says: impl Into<String>) -> Evidence {
        Evidence { path: path.into(), line, says: says.into() }
    }

    /// `path:line`, or only the path.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.clone(),
        }
    }
}

/// What a command is for. In the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Brings tools that the image does not have.
    Setup,
    /// Brings dependencies.
    Install,
    /// Makes ready what the checks need, such as a database's tables.
    Prepare,
    /// Format, style, types.
    Lint,
    /// Compiles.
    Build,
    /// Tests.
    Test,
}

impl Part {
    /// Whether it tells good from bad, instead of making that possible.
    pub fn checks(self) -> bool {
        self > Part::Prepare
    }
}

/// Who says that a command is run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A workflow of GitHub Actions runs it already.
    Workflow,
    /// A target of a Makefile or a recipe of a justfile.
    Task,
    /// A script of the manifest.
    Script,
    /// What the tool's own manual would say.
    Convention,
}

/// A shell command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// What for.
    pub part: Part,
    /// As it is typed.
    pub run: String,
    /// Where; the root is the empty name.
    pub dir: String,
    /// Who says so.
    pub origin: Origin,
    /// And where.
    pub from: Evidence,
}

impl Command {
    /// One that a manifest or a tool's manual gives.
    pub fn new(part: Part, run: impl Into<String>, dir: &str, from: (Origin, Evidence)) -> Command {
        Command { part, run: run.into(), dir: dir.to_owned(), origin: from.0, from: from.1 }
    }
}

/// A container beside the steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// The name by which steps reach it.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The port that answers.
    pub port: Option<u16>,
    /// Plain variables.
    pub env: BTreeMap<String, String>,
}

/// Commands that a job of CI runs on the same unit in another way: in another container, with other variables, beside
/// other services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extra {
    /// The job's id.
    pub name: String,
    /// Its container, where it has one.
    pub image: Option<String>,
    /// In the order in which they run.
    pub commands: Vec<Command>,
    /// Plain variables.
    pub env: BTreeMap<String, String>,
    /// Containers beside it.
    pub services: Vec<Beside>,
}

/// One match: a unit of the repository and how it is worked on.
#[derive(Clone, Debug, Serialize)]
pub struct Stack {
    /// The language.
    pub kind: Kind,
    /// Package manager or build tool, such as `cargo` or `pnpm`.
    pub tool: String,
    /// Its folder; the root is the empty name.
    pub dir: String,
    /// How much this is worth.
    pub confidence: Confidence,
    /// Of the language, as the repository wants it.
    pub version: Option<String>,
    /// A few words that a title has after the language, such as `edition 2024`.
    pub words: Vec<String>,
    /// Folders of packages that belong to it, relative to the root.
    pub members: Vec<String>,
    /// Why; the first is the one that is shown.
    pub evidence: Vec<Evidence>,
    /// The container that its pipelines run in.
    pub image: Option<String>,
    /// Another container for what lints, where the tool has one.
    pub lint_image: Option<String>,
    /// What is worth keeping between runs.
    pub cache: Vec<String>,
    /// What it is checked with, in the order in which it runs.
    pub commands: Vec<Command>,
    /// Reports that its tools write by themselves, relative to the root.
    pub reports: Vec<String>,
    /// Folders outside of its own that it is built from.
    pub near: Vec<String>,
    /// Plain variables that its commands had where they were found.
    pub env: BTreeMap<String, String>,
    /// Containers that its commands had beside them.
    pub services: Vec<Beside>,
    /// What CI runs apart from `commands`.
    pub extras: Vec<Extra>,
    /// Whether a pipeline could not do more than its image allows, in words; then there is none.
    pub blocked: Option<String>,
}

impl Stack {
    /// A match that nothing but its place and its evidence is known of.
    pub fn new(kind: Kind, tool: &str, dir: &str, evidence: Evidence) -> Stack {
        Stack {
            kind,
            tool: tool.to_owned(),
            dir: dir.to_owned(),
            confidence: Confidence::High,
            version: None,
            words: Vec::new(),
            members: Vec::new(),
            evidence: vec![evidence],
            image: None,
            lint_image: None,
            cache: Vec::new(),
            commands: Vec::new(),
            reports: Vec::new(),
            near: Vec::new(),
            env: BTreeMap::new(),
            services: Vec::new(),
            extras: Vec::new(),
            blocked: None,
        }
    }

    /// Whether there is anything to check beyond bringing tools and dependencies.
    pub fn checked(&self) -> bool {
        self.commands.iter().any(|command| command.part.checks())
    }
}

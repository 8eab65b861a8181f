//! Every key of `fairway.toml`: what the parser knows, what editors complete, and what an unknown one is measured by.

mod schema;

pub use schema::schema;

/// A table: its keys, and which of them must be there.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// All that are known.
    pub keys: &'static [Key],
    /// Each of these must be there.
    pub all: &'static [&'static str],
    /// Exactly one of these must be there; none where the list is empty.
    pub one: &'static [&'static str],
}

impl Table {
    /// The names of its keys, in the order of the table.
    pub fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }

    /// Whether it has such a key.
    pub fn knows(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }
}

/// A key and what may stand under it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is typed.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// What may stand there.
    pub shape: Shape,
}

/// What may stand under a key.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A string that matches the pattern, a regular expression; any but an empty pattern is whole.
    Text(&'static str),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A list of strings that match the pattern.
    Texts(&'static str),
    /// A list of some of these strings.
    SomeOf(&'static [&'static str]),
    /// A whole number between two others.
    Number(i64, i64),
    /// `true` or `false`.
    Flag,
    /// Variables: a name each, with a string, a number or a boolean.
    Env,
    /// A table with exactly these keys.
    Table(&'static Table),
    /// Tables by a name of the repository's choice, each with exactly these keys.
    Named(&'static Table),
    /// The same by names in which `*` stands for anything.
    Matched(&'static Table),
    /// A role, or a list of teams.
    Who,
    /// A string that matches the pattern, or a list of such.
    TextOrTexts(&'static str),
    /// Lists of strings, by a name of the repository's choice.
    Lists,
    /// A table that another part of Fairway reads.
    Free,
    /// One of these strings, or a table with exactly these keys.
    WordOr(&'static [&'static str], &'static Table),
}

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, doc, shape }
}

/// A length of time: `90s`, `10m`, `1h30m`.
const TIME: &str = "^[0-9]+[hms]([0-9]+[ms]){0,2}$";
/// A path inside the checkout.
const INSIDE: &str = "^[^/~].*$";
const ENV_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// At the top level.
pub static TOP: Table = Table {
    all: &[],
    one: &[],
    keys: &[
        key("plan", Shape::Text(""), "The plan it follows, such as rust-service@1."),
        key("pipeline", Shape::Named(&PIPELINE), "Pipelines by name: [pipeline.test] is the check run fairway / test."),
        key("environment", Shape::Named(&ENVIRONMENT), "Where releases go, by name; read from the default branch."),
        key("updates", Shape::Table(&UPDATES), "How dependencies are updated; left out: fixes of advisories alone."),
        key("policy", Shape::Table(&POLICY), "What no environment may go below."),
        key(
            "onboarding",
            Shape::WordOr(&["off", "ask", "all"], &ONBOARDING),
            "Whether repositories are onboarded by themselves; in the organisation's .github repository.",
        ),
    ],
};

/// In `[updates]`.
pub static UPDATES: Table = Table {
    all: &[],
    one: &[],
    keys: &[
        key(
            "cooldown",
            Shape::Text("^(0|[0-9]+d|[0-9]+[hms]([0-9]+[ms]){0,2})$"),
            "How old a version must be. Left out: 3d.",
        ),
        key("ignore", Shape::Texts("\\S"), "What is not wanted: a name or a pattern, and versions after @."),
        key("security", Shape::Flag, "false: no pull request for advisories; they are listed all the same."),
        key(
            "schedule",
            Shape::OneOf(&["daily", "weekdays", "weekly", "monthly", "off"]),
            "When updates that are no fixes begin; days in UTC.",
        ),
        key(
            "automerge",
            Shape::TextOrTexts("^(security|patch|none|group:.+)$"),
            "What is merged by itself once its checks passed: security, patch, group:NAME.",
        ),
        key("automerge_deploys", Shape::Flag, "true: also where an environment follows the default branch."),
        key("groups", Shape::Lists, "What is updated together, by name: patterns of packages."),
        key(
            "minutes",
            Shape::Text(TIME),
            "Time of pipelines a week for trying updates; fixes are exempt. Left out: 2h.",
        ),
    ],
};

/// In `[pipeline.NAME]`.
pub static PIPELINE: Table = Table {
    all: &[],
    one: &["run", "dagger"],
    keys: &[
        key("on", Shape::SomeOf(&["pull_request", "push", "merge_group"]), "What starts it. Left out: all three."),
        key("image", Shape::Text("^[!-~]+$"), "The container image of its steps. Dagger only."),
        key("run", Shape::Texts("\\S"), "Shell commands. Each is a step; the first that fails ends the pipeline."),
        key("needs", Shape::Texts(""), "Pipelines that must pass first."),
        key("env", Shape::Env, "Variables for its steps."),
        key("secrets", Shape::Texts(ENV_NAME), "Names set with fairway secrets set."),
        key("services", Shape::Named(&SERVICE), "Containers beside the steps, reached by their name. Dagger only."),
        key(
            "paths",
            Shape::Texts("^[^!/~]"),
            "It runs only when a changed file matches; otherwise its check is skipped at once.",
        ),
        key("cache", Shape::Texts("^[^~]"), "Directories that are kept from run to run."),
        key("timeout", Shape::Text(TIME), "For the whole pipeline, 1s to 6h. Left out: 30m."),
        key(
            "report",
            Shape::Texts("^(junit|sarif|cargo-json):[^/~]"),
            "Files to read findings from, each as FORMAT:PATH.",
        ),
        key("export", Shape::Text(INSIDE), "A file or directory that is kept when it passed."),
        key("dagger", Shape::Text("\\S"), "A function of the repository's own Dagger module, or check."),
        key(
            "publish",
            Shape::Text("^[!-~]+$"),
            "Pushes the container, as its steps left it, under this name. Dagger only.",
        ),
    ],
};

/// In `services.NAME` of a pipeline.
pub static SERVICE: Table = Table {
    all: &["image"],
    one: &[],
    keys: &[
        key("image", Shape::Text("^[!-~]+$"), "Its container image."),
        key("port", Shape::Number(1, 65_535), "The port that must answer before the steps begin."),
        key("env", Shape::Env, "Variables for it."),
    ],
};

/// In `[environment.NAME]`.
pub static ENVIRONMENT: Table = Table {
    all: &["release", "start"],
    one: &["domain", "port"],
    keys: &[
        key("target", Shape::OneOf(&["host"]), "Where it runs."),
        key("release", Shape::Text("\\S"), "The pipeline whose export is released."),
        key("start", Shape::Text("\\S"), "The line that starts it, in the export; it gets PORT."),
        key("health", Shape::Text("^/"), "The path that its probe asks for. Left out: /."),
        key("domain", Shape::Text("^[A-Za-z0-9.-]+$"), "The host name it answers to. Either this or port."),
        key("port", Shape::Number(1, 65_535), "The port it answers at. Either this or domain."),
        key("who", Shape::Who, "Who may deploy: write, maintain, admin, or a list of teams."),
        key("needs", Shape::Table(&NEEDS), "What must be true before a rollout starts."),
        key("stages", Shape::Texts("%"), "Shares of the traffic, each with its shortest stay."),
        key("stage_max", Shape::Text(TIME), "A stage that is still undecided then is held, or left."),
        key("undecided", Shape::OneOf(&["hold", "advance", "probe"]), "What happens to a stage that stays undecided."),
        key("watch", Shape::Text(TIME), "How long the old version stays warm after 100 %."),
        key("freeze", Shape::Texts("\\S"), "When nothing is deployed."),
        key("after_merge", Shape::Flag, "Whether what arrives on the default branch goes there by itself."),
        key("keep", Shape::Number(1, 1_000), "Releases that are kept, beside those that serve."),
        key("env", Shape::Env, "Variables for it."),
        key("secrets", Shape::Texts(ENV_NAME), "Names set with fairway secrets set."),
        key("processes", Shape::Number(1, 64), "Processes that share its requests."),
        key("memory", Shape::Text("^[0-9]+ *(MB|GB)$"), "Limit of each process."),
        key("cpu", Shape::Text("^[0-9]+(\\.[0-9]{1,2})?$"), "Processors that all its processes together may use."),
        key("slow", Shape::Text("^[0-9]+(ms|s)$"), "An answer that begins later is slow, and slowness is judged too."),
        key("irreversible", Shape::Flag, "Whether going back by itself would do more harm."),
    ],
};

/// In `[onboarding]`.
pub static ONBOARDING: Table = Table {
    all: &[],
    one: &[],
    keys: &[
        key(
            "open",
            Shape::OneOf(&["off", "ask", "all"]),
            "Whether pull requests are opened by themselves. Left out: all.",
        ),
        key("names", Shape::Texts("\\S"), "Only in repositories of such a name, with * for anything."),
        key("topics", Shape::Texts("\\S"), "Only in repositories with one of these topics."),
    ],
};

/// In `[policy]`.
pub static POLICY: Table = Table {
    all: &[],
    one: &[],
    keys: &[key("environment", Shape::Matched(&RULE), "Rules for environments, by name or with *, such as \"prod*\".")],
};

/// In `[policy.environment."NAME"]`.
pub static RULE: Table = Table {
    all: &[],
    one: &[],
    keys: &[
        key("who", Shape::Who, "Who may deploy there at most."),
        key("needs", Shape::Table(&RULE_NEEDS), "What must be true there at least."),
        key("freeze", Shape::Texts("\\S"), "When nothing is deployed there."),
        key("after_merge", Shape::Flag, "false: nothing goes there by itself."),
    ],
};

/// In `needs` of a rule.
pub static RULE_NEEDS: Table = Table {
    all: &[],
    one: &[],
    keys: &[
        key("checks", Shape::Texts("\\S"), "Checks that must have passed."),
        key("approvals", Shape::Number(0, 20), "Approvals of that commit."),
    ],
};

/// In `needs` of an environment.
pub static NEEDS: Table = Table {
    all: &[],
    one: &[],
    keys: &[
        key("checks", Shape::Texts("\\S"), "Pipelines, or checks and statuses of others."),
        key("approvals", Shape::Number(0, 20), "Approvals of that commit."),
        key("environment", Shape::Text("\\S"), "The environment where that commit must be live."),
    ],
};

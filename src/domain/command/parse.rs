//! From a comment to a command, to a word about how to type it, or to silence.

use serde::{Deserialize, Serialize};

use super::line::{first, hidden, plain};
use super::table::{ArgKind, COMMANDS, Command, LATER, MEANT, Verb, find};
use crate::domain::project;

/// Commands of other bots and of GitHub itself: they are near some of ours, and their owner answers.
const OTHERS: &[&str] = &[
    "approve",
    "area",
    "assign",
    "assess",
    "atlantis",
    "azp",
    "backport",
    "cc",
    "cherry-pick",
    "cherrypick",
    "close",
    "code",
    "gemini",
    "hold",
    "joke",
    "kind",
    "label",
    "lgtm",
    "lifecycle",
    "merge",
    "milestone",
    "ok-to-test",
    "override",
    "ping",
    "plan",
    "priority",
    "rebase",
    "reopen",
    "review",
    "sig",
    "skip",
    "test",
    "triage",
    "unassign",
    "uncc",
    "unhold",
    "unlabel",
    "update",
    "verify",
];

/// What the first line of a comment means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Prose, or somebody else's command: no answer at all.
    NotForUs,
    /// A command that can be decided on.
    Command(Typed),
    /// A word that looks like a command and is none of ours. Answer only when there is a near one.
    Unknown {
        /// As typed, cleaned, in lower case, without `/`, at most 40 characters.
        word: String,
        /// The command that was probably meant.
        did_you_mean: Option<&'static str>,
    },
    /// Ours, but not typed as it should be.
    Usage {
        /// Which.
        command: Verb,
        /// What is wrong with it.
        problem: Usage,
    },
}

/// A well-typed command. That its author may use it is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// Which.
    pub command: Verb,
    /// With what.
    pub args: Args,
}

/// The words behind a command in their order, without control characters; none is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Args(pub Vec<String>);

impl Args {
    /// The first word, which for `/retry` and `/run` is the pipeline's name.
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }
}

/// Why a command could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A `--flag`, and no command here has any of that name.
    UnknownArgument(String),
    /// More words than it takes; holds the first that is too many.
    TooMany(String),
    /// A `"` without its second one.
    UnclosedQuote,
    /// Not a name that a pipeline can have.
    BadName(String),
    /// An argument that it means nothing without.
    Missing(&'static str),
}

impl Usage {
    /// What is wrong, and the line to type instead. Plain Markdown; what the person typed is in code marks.
    pub fn sentence(&self, command: &Command) -> String {
        let (name, usage) = (command.name, command.usage());
        let what = match self {
            Usage::UnknownArgument(word) => format!("`/{name}` does not know `{word}`."),
            Usage::TooMany(word) if command.args.is_empty() => {
                format!("`/{name}` takes nothing after it, but got `{word}`.")
            }
            Usage::TooMany(word) => format!("`/{name}` got a word too many: `{word}`."),
            Usage::UnclosedQuote => format!("A `\"` in `/{name}` is not closed."),
            Usage::BadName(word) => {
                format!("`{word}` is not the name of a check. Names have `a-z`, `0-9` and `-`.")
            }
            Usage::Missing(what) => format!("`/{name}` needs to know the {what}."),
        };
        format!("{what} Type `{usage}`, for example `{}`.", command.example)
    }
}

/// Reads the first line of a comment and nothing else, whatever its length.
pub fn parse(body: &str) -> Parsed {
    let Some(line) = first(body) else {
        return Parsed::NotForUs;
    };
    let Some(rest) = line.strip_prefix('/') else {
        return Parsed::NotForUs;
    };
    let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let word: String = word.chars().filter(|c| !hidden(*c)).flat_map(char::to_lowercase).collect();
    match find(&word) {
        // Others have a `/plan` too, and a `/new`: ours are those alone that say what we know.
        Some(command) if command.verb == Verb::Plan && !matches!(tail.trim(), "pin" | "retry") => Parsed::NotForUs,
        Some(command) if command.verb == Verb::New && tail.trim().is_empty() => Parsed::NotForUs,
        Some(command) => arguments(command, tail),
        None => unknown(word),
    }
}

/// A path such as `/usr/lib`, a number, or a word of another bot is no near miss.
fn unknown(word: String) -> Parsed {
    let shape = word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    if word.len() < 2 || word.len() > 40 || !shape || OTHERS.contains(&word.as_str()) {
        return Parsed::NotForUs;
    }
    let limit = if word.len() <= 4 { 1 } else { 2 };
    let did_you_mean = COMMANDS
        .iter()
        .flat_map(|command| std::iter::once(&command.name).chain(command.aliases).map(move |name| (name, command.name)))
        .chain(LATER.iter().map(|name| (name, *name)))
        .chain(MEANT.iter().map(|(typed, name)| (typed, *name)))
        .map(|(typed, name)| (strsim::damerau_levenshtein(&word, typed), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name);
    Parsed::Unknown { word, did_you_mean }
}

fn arguments(command: &'static Command, tail: &str) -> Parsed {
    let usage = |problem| Parsed::Usage { command: command.verb, problem };
    let Some(words) = words(tail) else {
        return usage(Usage::UnclosedQuote);
    };
    let has = |kind| command.args.iter().any(|arg| arg.kind == kind);
    let words = if has(ArgKind::Check) { without_prefix(words) } else { words };
    if let Some(flag) = words.iter().find(|word| flag(word) && !command.flags.contains(&word.as_str())) {
        return usage(Usage::UnknownArgument(echo(flag)));
    }
    if let Some(extra) = words.get(command.args.len()).filter(|_| !has(ArgKind::Rest)) {
        return usage(Usage::TooMany(echo(extra)));
    }
    let must = command.args.iter().position(|arg| arg.kind == ArgKind::Must);
    if let Some(missing) = must.filter(|at| words.len() <= *at) {
        return usage(Usage::Missing(command.args[missing].name));
    }
    let named = words.iter().zip(command.args).filter(|(_, arg)| arg.kind == ArgKind::Check);
    for (word, _) in named {
        if !name(word) {
            return usage(Usage::BadName(echo(word)));
        }
    }
    Parsed::Command(Typed { command: command.verb, args: Args(words) })
}

/// `--force` and `-f`, but not `-1%`.
fn flag(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// GitHub shows a check as `fairway / test`; people copy that.
fn without_prefix(words: Vec<String>) -> Vec<String> {
    let joined = words.join(" ");
    let own = joined.split_at_checked("fairway".len()).filter(|(head, _)| head.eq_ignore_ascii_case("fairway"));
    let words = match own.and_then(|(_, rest)| rest.trim_start().strip_prefix('/')) {
        Some(rest) => rest.split_whitespace().map(str::to_owned).collect(),
        None => words,
    };
    words.into_iter().map(lower).collect()
}

/// Names of pipelines are in lower case; what stands behind `/` is a check's own name, in whatever case it has.
fn lower(word: String) -> String {
    let small = match word.split_once('/') {
        Some((pipeline, check)) => format!("{}/{check}", pipeline.to_lowercase()),
        None => word.to_lowercase(),
    };
    if name(&small) { small } else { word }
}

fn name(word: &str) -> bool {
    match word.split_once('/') {
        Some((pipeline, check)) => project::pipeline_name(pipeline) && project::check_name(check),
        None => project::pipeline_name(word),
    }
}

/// Words, with `"two words"` as one; `None` when a quote is not closed. Back-ticks around a word are dropped.
fn words(tail: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in tail.chars() {
        match c {
            '"' | '\u{201c}' | '\u{201d}' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            '`' => {}
            c if hidden(c) => {}
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    (!quoted).then_some(words)
}

fn echo(word: &str) -> String {
    plain(word).chars().filter(|c| *c != '`').take(40).collect()
}

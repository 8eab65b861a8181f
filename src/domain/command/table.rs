//! The one table of commands.

use serde::{Deserialize, Serialize};

use super::access::Role;

/// Names a row of `COMMANDS` in code, so that a `match` on it is checked to be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// What this person may do here.
    Help,
    /// Where the pull request stands.
    Status,
    /// Failed check runs again, or one by name.
    Retry,
    /// Stops what is running.
    Cancel,
    /// Starts pipelines; for a fork this is the approval.
    Run,
}

/// One row.
#[derive(Debug)]
pub struct Command {
    /// The row's name in code.
    pub verb: Verb,
    /// What a person types after the `/`.
    pub name: &'static str,
    /// Other spellings that do the same.
    pub aliases: &'static [&'static str],
    /// Its arguments in order; all that stand here are optional.
    pub args: &'static [Arg],
    /// What it does, in one line.
    pub help: &'static str,
    /// The least that a person must be.
    pub role: Role,
    /// A line to copy.
    pub example: &'static str,
}

/// One argument of a command.
#[derive(Debug)]
pub struct Arg {
    /// Its name in the usage line.
    pub name: &'static str,
    /// Whether `fairway / NAME` and `fairway/NAME` are taken for `NAME`.
    pub check: bool,
}

/// All commands, in the order of `/help`.
pub const COMMANDS: &[Command] = &[
    Command {
        verb: Verb::Help,
        name: "help",
        aliases: &["commands"],
        args: &[],
        help: "Shows what you may do here.",
        role: Role::Anyone,
        example: "/help",
    },
    Command {
        verb: Verb::Status,
        name: "status",
        aliases: &[],
        args: &[],
        help: "Shows where this pull request stands.",
        role: Role::Anyone,
        example: "/status",
    },
    Command {
        verb: Verb::Retry,
        name: "retry",
        aliases: &["rerun", "retest"],
        args: &[Arg { name: "check", check: true }],
        help: "Runs the failed checks again, or the one you name.",
        role: Role::Write,
        example: "/retry test",
    },
    Command {
        verb: Verb::Cancel,
        name: "cancel",
        aliases: &["stop"],
        args: &[],
        help: "Stops the checks that are running on this pull request.",
        role: Role::Write,
        example: "/cancel",
    },
    Command {
        verb: Verb::Run,
        name: "run",
        aliases: &[],
        args: &[Arg { name: "pipeline", check: true }],
        help: "Runs all pipelines, or the one you name. On a pull request from a fork it approves this one commit.",
        role: Role::Write,
        example: "/run test",
    },
];

/// Commands of the design that this version cannot obey yet: known words, so that a near miss is understood and the answer is honest.
pub const LATER: &[&str] =
    &["deploy", "rollout", "rollback", "promote", "lock", "unlock", "freeze", "unfreeze", "onboard", "ignore"];

impl Verb {
    /// Its row.
    pub fn command(self) -> &'static Command {
        // The first row only stands in for a verb without one, which a test rules out.
        COMMANDS.iter().find(|command| command.verb == self).unwrap_or(&COMMANDS[0])
    }
}

impl Command {
    /// The line that shows how to type it, for example `/retry [check]`.
    pub fn usage(&self) -> String {
        let args: String = self.args.iter().map(|arg| format!(" [{}]", arg.name)).collect();
        format!("/{}{args}", self.name)
    }
}

/// The command a person may type by that word, in lower case and without `/`.
pub fn find(word: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == word || command.aliases.contains(&word))
}

/// Whether somebody of that role may type the command.
pub fn allowed(role: Role, command: &Command) -> bool {
    role >= command.role
}

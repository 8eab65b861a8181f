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
    /// Brings a commit to an environment.
    Deploy,
    /// Shifts an environment's traffic, or shows how it is split.
    Rollout,
    /// Back to the last good release.
    Rollback,
    /// Nobody deploys there for now.
    Lock,
    /// Ends a lock, and what a rollback holds.
    Unlock,
    /// Nobody deploys there for now, but for a hotfix.
    Freeze,
    /// Ends a freeze.
    Unfreeze,
    /// The pull request that brings `fairway.toml`, again.
    Onboard,
    /// The same from a plan, for a repository that has nothing yet.
    New,
    /// Stays at its plan's version, or tries the newest one again.
    Plan,
    /// Makes an update's pull request anew.
    Update,
    /// These versions are not wanted.
    Ignore,
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
    /// Its arguments in order.
    pub args: &'static [Arg],
    /// Flags that it knows, with their dashes.
    pub flags: &'static [&'static str],
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
    /// What it may be.
    pub kind: ArgKind,
}

/// What an argument may be. All but `Must` may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// A check's name; `fairway / NAME` and `fairway/NAME` are taken for `NAME`.
    Check,
    /// One word.
    Word,
    /// One word without which the command means nothing.
    Must,
    /// All words that are left.
    Rest,
}

const fn arg(name: &'static str, kind: ArgKind) -> Arg {
    Arg { name, kind }
}

const ENV: Arg = arg("env", ArgKind::Word);
const REASON: Arg = arg("reason", ArgKind::Rest);

/// All commands, in the order of `/help`.
pub const COMMANDS: &[Command] = &[
    Command {
        verb: Verb::Help,
        name: "help",
        aliases: &["commands"],
        args: &[],
        flags: &[],
        help: "Shows what you may do here.",
        role: Role::Anyone,
        example: "/help",
    },
    Command {
        verb: Verb::Status,
        name: "status",
        aliases: &[],
        args: &[],
        flags: &[],
        help: "Shows where this pull request stands.",
        role: Role::Anyone,
        example: "/status",
    },
    Command {
        verb: Verb::Retry,
        name: "retry",
        aliases: &["rerun", "retest"],
        args: &[arg("check", ArgKind::Check)],
        flags: &[],
        help: "Runs the failed checks again, or the one you name.",
        role: Role::Write,
        example: "/retry test",
    },
    Command {
        verb: Verb::Cancel,
        name: "cancel",
        aliases: &["stop"],
        args: &[],
        flags: &[],
        help: "Stops the checks that are running on this pull request.",
        role: Role::Write,
        example: "/cancel",
    },
    Command {
        verb: Verb::Run,
        name: "run",
        aliases: &[],
        args: &[arg("pipeline", ArgKind::Check)],
        flags: &[],
        help: "Runs all pipelines, or the one you name. On a pull request from a fork it approves this one commit.",
        role: Role::Write,
        example: "/run test",
    },
    Command {
        verb: Verb::Deploy,
        name: "deploy",
        aliases: &["ship"],
        args: &[ENV, arg("sha", ArgKind::Word), arg("--hotfix reason", ArgKind::Rest)],
        flags: &["--hotfix", "--fixes"],
        help: "Brings the commit you see to an environment, step by step; after the merge, the merge commit.",
        role: Role::Write,
        example: "/deploy staging",
    },
    Command {
        verb: Verb::Rollout,
        name: "rollout",
        aliases: &[],
        args: &[ENV, arg("25%, promote, pause, resume or abort", ArgKind::Rest)],
        flags: &[],
        help: "Shifts an environment's traffic by hand; with nothing behind it, shows the split.",
        role: Role::Write,
        example: "/rollout 25%",
    },
    Command {
        verb: Verb::Rollback,
        name: "rollback",
        aliases: &[],
        args: &[ENV, REASON],
        flags: &[],
        help: "Takes an environment back to its last good release. Passes every lock and freeze.",
        role: Role::Write,
        example: "/rollback production",
    },
    Command {
        verb: Verb::Lock,
        name: "lock",
        aliases: &[],
        args: &[arg("env", ArgKind::Must), REASON, arg("2h", ArgKind::Word)],
        flags: &[],
        help: "Nobody deploys there until you unlock it, or until the time is over.",
        role: Role::Write,
        example: "/lock production database moves 2h",
    },
    Command {
        verb: Verb::Unlock,
        name: "unlock",
        aliases: &[],
        args: &[arg("env", ArgKind::Must)],
        flags: &[],
        help: "Ends a lock, and the hold that a rollback leaves.",
        role: Role::Write,
        example: "/unlock production",
    },
    Command {
        verb: Verb::Freeze,
        name: "freeze",
        aliases: &[],
        args: &[ENV, REASON, arg("2h", ArgKind::Word)],
        flags: &[],
        help: "Stops deploys everywhere or to one environment; `/deploy env --hotfix reason` passes with one more approval.",
        role: Role::Maintain,
        example: "/freeze production incident 2h",
    },
    Command {
        verb: Verb::Unfreeze,
        name: "unfreeze",
        aliases: &[],
        args: &[ENV],
        flags: &[],
        help: "Ends a freeze.",
        role: Role::Maintain,
        example: "/unfreeze production",
    },
    Command {
        verb: Verb::Onboard,
        name: "onboard",
        aliases: &[],
        args: &[],
        flags: &[],
        help: "Opens the pull request that adds `fairway.toml`, also after it was closed.",
        role: Role::Write,
        example: "/onboard",
    },
    Command {
        verb: Verb::New,
        name: "new",
        aliases: &[],
        args: &[arg("plan", ArgKind::Must), arg("input=value", ArgKind::Rest)],
        flags: &[],
        help: "Begins this repository from a plan: its pull request has a service that runs, and its test.",
        role: Role::Write,
        example: "/new rust-service port=8081",
    },
    Command {
        verb: Verb::Plan,
        name: "plan",
        aliases: &[],
        args: &[arg("pin|retry", ArgKind::Must)],
        flags: &[],
        help: "`pin` stays at this version of the plan, `retry` tries the newest one here again.",
        role: Role::Write,
        example: "/plan retry",
    },
    Command {
        verb: Verb::Update,
        name: "update",
        aliases: &["rebase", "recreate"],
        args: &[],
        flags: &[],
        help: "Makes this update's pull request anew, from the default branch as it is.",
        role: Role::Write,
        example: "/update",
    },
    Command {
        verb: Verb::Ignore,
        name: "ignore",
        aliases: &[],
        args: &[arg("package", ArgKind::Word)],
        flags: &[],
        help: "Closes this update's pull request: its versions are not offered here any more. With a name, that package alone is left out, in every version.",
        role: Role::Write,
        example: "/ignore serde",
    },
];

/// Commands of the design that this version cannot obey yet: known words, so that a near miss is understood and the answer is honest.
pub const LATER: &[&str] = &[];

/// Words that people try as commands of their own, and what they mean.
pub const MEANT: &[(&str, &str)] = &[
    ("promote", "rollout promote"),
    ("pause", "rollout pause"),
    ("resume", "rollout resume"),
    ("abort", "rollout abort"),
    ("revert", "rollback"),
];

impl Verb {
    /// Whether it is about an environment rather than about checks.
    pub fn concerns_environments(self) -> bool {
        !matches!(
            self,
            Verb::Help
                | Verb::Status
                | Verb::Retry
                | Verb::Cancel
                | Verb::Run
                | Verb::Onboard
                | Verb::New
                | Verb::Plan
                | Verb::Update
                | Verb::Ignore
        )
    }

    /// Its row.
    pub fn command(self) -> &'static Command {
        // The first row only stands in for a verb without one, which a test rules out.
        COMMANDS.iter().find(|command| command.verb == self).unwrap_or(&COMMANDS[0])
    }
}

impl Command {
    /// The line that shows how to type it, for example `/retry [check]`.
    pub fn usage(&self) -> String {
        let shown = |arg: &Arg| match arg.kind {
            ArgKind::Must => format!(" {}", arg.name),
            _ => format!(" [{}]", arg.name),
        };
        let args: String = self.args.iter().map(shown).collect();
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

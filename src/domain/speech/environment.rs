//! What is said about environments: who waits for what, why not, and what to type next.

use super::command::tick;
use crate::domain::ask::Ask;
use crate::domain::command::Order;
use crate::domain::decide::{Closed, Going, Held};
use crate::domain::facts::{Proof, Standing};
use crate::domain::ids::short;
use crate::domain::project::{Environment, Floor, Frozen, Problem, Source};
use crate::domain::release::{Kind, Version};
use crate::domain::rollout::Weight;
use crate::domain::run::escape_md;

/// The file has no such environment, or cannot be used.
pub fn not_in_file(name: &str, known: &[String]) -> String {
    let known: Vec<String> = known.iter().map(|n| format!("`{n}`")).collect();
    let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!(
        "Not done: the default branch's `fairway.toml` has no environment `{}` (it has {list}). Add `[environment.{}]` there and merge it.",
        tick(name),
        tick(name)
    )
}

/// The default branch has no usable file.
pub fn no_file(broken: bool) -> String {
    if broken {
        "Not done: the default branch's `fairway.toml` cannot be used; its newest check `fairway / fairway.toml` shows each line. Mend it and merge.".to_owned()
    } else {
        "Not done: the default branch has no `fairway.toml`, and environments are read from there only. Merge one with an `[environment.staging]`.".to_owned()
    }
}

/// There is nowhere to release to.
pub fn no_host() -> String {
    "Not deployed: this Fairway has no host to release to. Its operator starts `fairway host` and sets FAIRWAY_HOST to its socket; then type `/deploy` again.".to_owned()
}

/// Too little permission.
pub fn not_allowed(name: &str, ask: &Ask, standing: &Standing) -> String {
    format!(
        "Not done: `{name}` takes `/{}` from {}, and {} has {}. Ask one of them to type `{}`.",
        ask.verb.command().name,
        standing.who,
        escape_md(&ask.by),
        standing.role,
        tick(&ask.line)
    )
}

/// That commit is being rolled out.
pub fn on_its_way(name: &str, sha: &str) -> String {
    format!("Not done: `{}` is on its way to `{name}` already. `/rollout {name}` shows how far it is.", short(sha))
}

/// The queue is full.
pub fn too_many(name: &str) -> String {
    format!("Not done: too many pull requests wait for `{name}`. Type `/deploy {name}` again once some are through.")
}

/// A newer command took its place.
pub fn replaced(line: &str) -> String {
    format!("Not done: a newer command of this pull request took its place: `{}`", tick(line))
}

/// Somebody typed `/cancel`.
pub fn withdrawn(name: &str, by: &str) -> String {
    format!("Not done: {} took it back before it started. `/deploy {name}` asks again.", escape_md(by))
}

/// Behind others.
pub fn waits(name: &str, place: usize, ahead: &str) -> String {
    let place = match place {
        1 => "next".to_owned(),
        2 => "2nd".to_owned(),
        3 => "3rd".to_owned(),
        n => format!("{n}th"),
    };
    format!("Waits: {ahead}. This one is {place} for `{name}` and goes on by itself; `/cancel` takes it back.")
}

/// Who is first, where nothing rolls out.
pub fn first_in_line(ask: &Ask) -> String {
    match ask.pull {
        Some(number) => format!("#{number} is before it"),
        None => format!("`{}` is before it", short(&ask.sha)),
    }
}

/// What rolls out now.
pub fn rolls_out(name: &str, going: &Going, _now: i64) -> String {
    let whose = going.ask.pull.map_or_else(String::new, |number| format!(" of #{number}"));
    let sha = short(&going.version.sha);
    match (going.kind, going.full) {
        (Kind::Rollback, _) => format!("`{name}` is going back to `{sha}`"),
        (_, true) => format!("`{sha}`{whose} has all traffic of `{name}` and is watched for a while"),
        (_, false) => format!("`{sha}`{whose} is being rolled out to `{name}`"),
    }
}

/// It begins.
pub fn starts(name: &str, sha: &str, hold_at: Option<Weight>) -> String {
    match hold_at {
        Some(weight) => format!("Rolling out `{}` to `{name}`, to {weight} and no further.", short(sha)),
        None => format!("Rolling out `{}` to `{name}`.", short(sha)),
    }
}

/// Between the command and its turn the pull request was merged.
pub fn merged_meanwhile(name: &str) -> String {
    format!(
        "Not deployed: this pull request was merged meanwhile, and then the merge commit is meant. Type `/deploy {name}` again."
    )
}

/// Or pushed to.
pub fn head_moved(name: &str, ask: &Ask, head: &str) -> String {
    let verb = if matches!(ask.order, Order::Weight(_)) { "rollout" } else { "deploy" };
    let line = if ask.line.is_empty() { format!("/{verb} {name}") } else { tick(&ask.line) };
    format!(
        "Not deployed: the command meant `{}`, and the head is now `{}`. Look at it, then type `{line}` again.",
        short(&ask.sha),
        short(head)
    )
}

/// Nobody saw that head yet.
pub fn head_unknown(head: &str, line: &str) -> String {
    format!(
        "Not deployed: the head is now `{}`, which arrived after your comment or is new to Fairway. Look at it, then type `{}` again.",
        short(head),
        tick(line)
    )
}

/// The named commit is not the one that would be deployed.
pub fn other_commit(sha: &str, meant: &str, line: &str) -> String {
    format!(
        "Not deployed: `{}` is not this pull request's commit, which is `{}`. Type `{}`, or the command in the pull request that brought it.",
        short(sha),
        short(meant),
        tick(line).replace(&format!(" {sha}"), "")
    )
}

pub(super) fn until(closed: &Closed, now: i64) -> String {
    match closed.until {
        Some(at) => format!(" for another {}", spell(at - now)),
        None => String::new(),
    }
}

pub(super) fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({})", escape_md(reason)) }
}

/// A length of time, in one or two units.
pub fn spell(ms: i64) -> String {
    let seconds = (ms.max(0) + 999) / 1_000;
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, 0) => format!("{m} min"),
        (0, 0, m, s) if m < 10 => format!("{m} min {s} s"),
        (0, 0, m, _) => format!("{m} min"),
        (0, h, 0, _) => format!("{h} h"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, 0, ..) => format!("{d} d"),
        (d, h, ..) => format!("{d} d {h} h"),
    }
}

/// Somebody locked it.
pub fn locked(name: &str, lock: &Closed, now: i64) -> String {
    format!(
        "Waits: {} locked `{name}`{}{}. It goes on by itself once that is over; `/unlock {name}` ends it now, `/cancel` takes this back.",
        escape_md(&lock.by),
        because(&lock.reason),
        until(lock, now)
    )
}

/// Somebody froze it.
pub fn frozen(name: &str, freeze: &Closed, now: i64) -> String {
    format!(
        "Waits: {} froze `{name}`{}{}. It goes on by itself once that is over. If it cannot wait: `/deploy {name} --hotfix reason`, with one more approval.",
        escape_md(&freeze.by),
        because(&freeze.reason),
        until(freeze, now)
    )
}

/// Where a rule stands that an environment has by itself, or by a policy.
pub fn rule(environment: &Environment, floor: Option<&Floor>) -> String {
    match floor.map(|floor| (&floor.source, floor.rule.line)) {
        None => format!("`fairway.toml:{}` on the default branch", environment.line),
        Some((Source::Repository, line)) => format!("the policy at `fairway.toml:{line}` on the default branch"),
        Some((Source::Organisation(owner), line)) => {
            format!("the organisation's policy at `fairway.toml:{line}` in `{}/.github`", tick(owner))
        }
        Some((Source::Operator, line)) => format!("line {line} of the policy of this Fairway's operator"),
    }
}

/// A policy that cannot be read: nothing is deployed on a guess of what it said.
pub fn broken_policy(owner: &str, problem: &Problem) -> String {
    format!(
        "Not deployed: the organisation's policy, `fairway.toml` in `{}/.github`, cannot be read: {} (line {}). Mend it there and merge; `/rollback` works meanwhile.",
        tick(owner),
        problem.message.trim_end_matches('.'),
        problem.line
    )
}

/// The file freezes it.
pub fn frozen_by_file(environment: &Environment, frozen: &Frozen<'_>, now: i64) -> String {
    let name = &environment.name;
    format!(
        "Waits: `{name}` is frozen for another {} by `freeze = \"{}\"` ({}). It goes on by itself then. If it cannot wait: `/deploy {name} --hotfix reason`, with one more approval.",
        spell(frozen.until - now),
        frozen.window,
        rule(environment, frozen.floor)
    )
}

/// After a rollback.
pub fn held(name: &str, held: &Held, ask: &Ask) -> String {
    let who = if held.by.is_empty() { "Fairway".to_owned() } else { escape_md(&held.by) };
    let whose = held.pull.map_or_else(String::new, |number| format!(" of #{number}"));
    let still = if held.exact { String::new() } else { format!(", and `{}` still has it", short(&ask.sha)) };
    format!(
        "Not deployed: {who} took `{}`{whose} back from `{name}`{still}. {}; `/unlock {name}` lets it in again as it is.",
        short(&held.bad),
        super::way_out::way_out(name, held)
    )
}

/// That very commit.
pub fn live_already(name: &str, live: &Version) -> String {
    format!("Nothing to do: `{}` is live in `{name}` already.", short(&live.sha))
}

/// What is live is newer.
pub fn older(name: &str, live: &Version, ask: &Ask) -> String {
    format!(
        "Not deployed: `{name}` runs `{}`, which is newer and has `{}` in it. To go back, type `/rollback {name}`.",
        short(&live.sha),
        short(&ask.sha)
    )
}

/// What is live would get lost.
pub fn lacks(name: &str, live: &Version, ask: &Ask) -> String {
    let whose = match live.pull {
        Some(number) if !live.merged => format!(" of #{number}, which is not merged"),
        Some(number) => format!(" of #{number}"),
        None => String::new(),
    };
    let how = if live.merged { "Merge the base branch into this one" } else { "Merge that one first" };
    format!(
        "Not deployed: `{name}` runs `{}`{whose}, and `{}` does not have it. {how}, then type `/deploy {name}` again.",
        short(&live.sha),
        short(&ask.sha)
    )
}

/// Another environment comes first.
pub fn first_there(name: &str, first: &str, ask: &Ask) -> String {
    format!(
        "Not deployed: `{name}` takes only what is live in `{first}`, and `{}` is not. Type `/deploy {first}` first.",
        short(&ask.sha)
    )
}

/// Own checks that did not pass.
pub fn checks_failed(name: &str, failed: &[&Proof], ask: &Ask) -> String {
    let names: Vec<String> = failed.iter().map(|proof| format!("`{}`", proof.pipeline)).collect();
    let first = failed.first().map_or("", |proof| proof.pipeline.as_str());
    format!(
        "Not deployed: {} did not pass on `{}`, and `{name}` needs {}. Mend it and push; if it was an accident: `/retry {first}`, then `/deploy {name}`.",
        names.join(", "),
        short(&ask.sha),
        if failed.len() == 1 { "it" } else { "them" }
    )
}

/// Somebody else's that did not pass.
pub fn others_failed(name: &str, failed: &[&str], ask: &Ask) -> String {
    let names: Vec<String> = failed.iter().map(|n| format!("`{}`", tick(n))).collect();
    format!(
        "Not deployed: {} did not pass on `{}`, and `{name}` needs it. Run it again where it comes from, then type `/deploy {name}`.",
        names.join(", "),
        short(&ask.sha)
    )
}

/// Checks that have not ended.
pub fn waits_for_checks(name: &str, open: &[&str]) -> String {
    let names: Vec<String> = open.iter().map(|n| format!("`{}`", tick(n))).collect();
    format!("Waits for {} and then goes to `{name}` by itself; `/cancel` takes it back.", names.join(", "))
}

/// Too few approvals.
pub fn approvals(name: &str, rule: &str, (wanted, there): (usize, usize), ask: &Ask) -> String {
    format!(
        "Not deployed: `{name}` needs {wanted} approval{} of `{}` by somebody other than its author ({there} now). Ask for a review, then type `{}`. Rule: {rule}.",
        if wanted == 1 { "" } else { "s" },
        short(&ask.sha),
        if ask.line.is_empty() { format!("/deploy {name}") } else { tick(&ask.line) }
    )
}

/// The pipeline passed and left nothing.
pub fn nothing_exported(pipeline: &str) -> String {
    format!("Not deployed: `{}` passed but exported nothing. Give it an `export` in `fairway.toml`.", tick(pipeline))
}

/// `/freeze` and `/unfreeze` without a name.
pub fn all(freezes: bool, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    if freezes {
        format!("Frozen: {names}. Deploys wait; `/rollback` still works. `/unfreeze` ends it.")
    } else {
        format!("Not frozen any more: {names}.")
    }
}

/// A pull request that was closed without a merge.
pub fn closed(line: &str) -> String {
    format!("Not deployed: this pull request is closed. Reopen it and type `{}` again.", tick(line))
}

/// A pull request from a fork.
pub fn fork(line: &str) -> String {
    format!(
        "Not deployed: this pull request comes from a fork, and a fork's code is not released before it is merged. Merge it, then type `{}` again.",
        tick(line)
    )
}

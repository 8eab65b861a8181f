//! Answers to what is done at once: to a rollout on its way, to a lock, to what is live.

use super::command::{capital, tick};
use super::environment::{because, rolls_out, until};
use crate::domain::ask::Ask;
use crate::domain::command::Order;
use crate::domain::decide::{Closed, EnvState, Going, Held};
use crate::domain::ids::short;
use crate::domain::release::Version;
use crate::domain::rollout::Weight;
use crate::domain::run::escape_md;

/// `/rollout` alone.
pub fn shows(state: &EnvState, now: i64) -> String {
    let name = &state.name;
    if let Some(going) = &state.going {
        return format!("{}. The table above has its numbers.", capital(&rolls_out(name, going, now)));
    }
    match &state.live {
        Some(live) => format!("`{name}` runs `{}`; nothing is being rolled out.", short(&live.sha)),
        None => format!("Nothing was ever deployed to `{name}`. Type `/deploy {name}`."),
    }
}

/// Locked now.
pub fn locks(name: &str, lock: &Closed, now: i64) -> String {
    format!(
        "`{name}` is locked{}. Deploys wait; `/rollback {name}` still works. `/unlock {name}` ends it.",
        until(lock, now)
    )
}

/// Frozen now.
pub fn freezes(name: &str, freeze: &Closed, now: i64) -> String {
    format!(
        "`{name}` is frozen{}. Deploys wait; `/rollback {name}` and `/deploy {name} --hotfix reason` still work. `/unfreeze {name}` ends it.",
        until(freeze, now)
    )
}

/// Open again.
pub fn unlocks(name: &str, lock: Option<&Closed>, held: Option<&Held>) -> String {
    match (lock, held) {
        (_, Some(held)) => format!("`{name}` is open again, also to `{}`, which was taken back.", short(&held.bad)),
        (Some(lock), None) if !lock.by.is_empty() => {
            format!("`{name}` is open again; {} had locked it{}.", escape_md(&lock.by), because(&lock.reason))
        }
        _ => format!("`{name}` is open again."),
    }
}

/// Open again.
pub fn unfreezes(name: &str) -> String {
    format!("`{name}` is not frozen any more.")
}

/// It was open.
pub fn not_locked(name: &str) -> String {
    format!("Nothing to do: `{name}` is not locked.")
}

/// It was open.
pub fn not_frozen(name: &str) -> String {
    format!("Nothing to do: nobody froze `{name}`. What `freeze` in `fairway.toml` says ends with its time.")
}

/// Nothing to steer.
pub fn nothing_rolls(name: &str, ask: &Ask) -> String {
    let next = match ask.order {
        Order::Abort { .. } => format!("To go back to the version before, type `/rollback {name}`."),
        _ => format!("`/deploy {name}` starts one, `/rollout {name} 25%` one that stays at 25 %."),
    };
    format!("Not done: nothing is being rolled out to `{name}`. {next}")
}

/// A rollback is not steered.
pub fn goes_back(name: &str) -> String {
    format!("Not done: `{name}` is going back to its last good version already.")
}

/// There is no other version that could have the rest.
pub fn serves_alone(name: &str) -> String {
    format!(
        "Not done: nothing else serves in `{name}` yet, so this version gets all of its traffic. `/rollout {name} abort` takes it back."
    )
}

/// Past the last stage.
pub fn has_all(name: &str, going: &Going) -> String {
    format!(
        "Not done: `{}` has all traffic of `{name}` already and is only watched. `/rollback {name}` takes it back.",
        short(&going.version.sha)
    )
}

/// What rolls out belongs to another pull request.
pub fn elsewhere(name: &str, going: &Going, ask: &Ask) -> String {
    match going.ask.pull {
        Some(number) => format!(
            "Not done: what is being rolled out to `{name}` is #{number}. Type `{}` there; `/rollback {name}` works from anywhere.",
            tick(&ask.line)
        ),
        None => format!("Not done: `{name}` is rolling out another commit. `/rollback {name}` takes it back."),
    }
}

/// Accepted.
pub fn promotes(name: &str) -> String {
    format!("`{name}` goes on to the next stage now.")
}

/// Accepted.
pub fn pauses(name: &str) -> String {
    format!("`{name}` stays where it is, and is still watched. `/rollout {name} resume` goes on.")
}

/// Accepted.
pub fn resumes(name: &str) -> String {
    format!("`{name}` goes on.")
}

/// Accepted.
pub fn shifts(name: &str, weight: Weight) -> String {
    if weight == Weight::ALL {
        return format!("`{name}` shifts all its traffic. `/rollback {name}` takes it back.");
    }
    format!("`{name}` shifts to {weight} and stays there. `/rollout {name} resume` goes on by the stages.")
}

/// Accepted; said again when it took effect.
pub fn takes_back(name: &str, version: &Version) -> String {
    format!("Taking `{}` back from `{name}`.", short(&version.sha))
}

/// Accepted.
pub fn takes_back_to(name: &str, version: &Version) -> String {
    format!("Taking `{name}` back to `{}`.", short(&version.sha))
}

/// It took effect.
pub fn taken_back(name: &str, live: Option<&Version>, words: &str) -> String {
    match live {
        Some(live) => format!("`{name}` runs `{}` again: {words}", short(&live.sha)),
        None => format!("`{name}` has nothing live now: {words}"),
    }
}

/// Never.
pub fn never_deployed(name: &str) -> String {
    format!("Not done: nothing was ever deployed to `{name}`.")
}

/// There is no way back.
pub fn nothing_before(name: &str, live: &Version) -> String {
    format!(
        "Not done: there is no good version before `{}` in `{name}` to go back to. Deploy a commit that mends it.",
        short(&live.sha)
    )
}

/// All traffic.
pub fn is_full(name: &str, version: &Version) -> String {
    format!("`{}` is live in `{name}`.", short(&version.sha))
}

/// Back, and what that holds up.
pub fn is_back(name: &str, version: &Version, held: Option<&Held>) -> String {
    let hold = held.map_or_else(String::new, |held| {
        format!(
            " Nothing that has `{}` in it goes there before it is reverted or mended; `/unlock {name}` ends that.",
            short(&held.bad)
        )
    });
    format!("`{name}` is back on `{}`.{hold}", short(&version.sha))
}

/// What became of a version that did not get through, for who is to say what comes next.
#[derive(Clone, Copy, Debug)]
pub struct NextTry {
    /// The release itself was at fault.
    pub fault: bool,
    /// Nothing that has it goes there before it is reverted or mended.
    pub held: bool,
    /// The pull request that brought it.
    pub pull: Option<i64>,
}

/// The end of a command whose rollout did not get through.
pub fn came_to_nothing(name: &str, words: &str, next: NextTry) -> String {
    let next = match next {
        NextTry { held: true, pull: Some(number), .. } => format!(
            "A pull request that reverts it follows: merge that, or type `/deploy {name} --fixes #{number}` in the pull request that mends it."
        ),
        NextTry { held: true, pull: None, .. } => format!("Mend it; `/unlock {name}` lets it in again as it is."),
        NextTry { fault: true, .. } => format!("Mend it, push, and type `/deploy {name}` again."),
        NextTry { fault: false, .. } => format!("`/deploy {name}` tries again."),
    };
    format!("Not live in `{name}`: {words}. {next}")
}

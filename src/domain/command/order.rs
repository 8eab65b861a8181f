//! From a well-typed command about an environment to what is asked of which environment. Which words are names of
//! environments only the repository's file can say.

use serde::{Deserialize, Serialize};

use super::parse::Typed;
use super::table::Verb;
use crate::domain::project::duration;
use crate::domain::rollout::Weight;
use crate::domain::speech;

/// What somebody wants of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// A commit through all stages.
    Deploy {
        /// The commit, when it was named: at least seven hexadecimal digits.
        sha: Option<String>,
        /// Why it passes a freeze.
        hotfix: Option<String>,
        /// The pull request whose damage it mends.
        fixes: Option<i64>,
    },
    /// This share of the traffic, held there.
    Weight(Weight),
    /// On to the next stage, now.
    Promote,
    /// Stay.
    Pause,
    /// Go on.
    Resume,
    /// Take it back.
    Abort {
        /// Why, if told.
        reason: String,
    },
    /// How does it stand?
    Show,
    /// Back to the last good release.
    Rollback {
        /// Why, if told.
        reason: String,
    },
    /// Nobody deploys.
    Lock {
        /// Why, if told.
        reason: String,
        /// For so many milliseconds.
        for_ms: Option<i64>,
    },
    /// Ends a lock and the hold of a rollback.
    Unlock,
    /// Nobody deploys but for a hotfix.
    Freeze {
        /// Why, if told.
        reason: String,
        /// For so many milliseconds.
        for_ms: Option<i64>,
    },
    /// Ends a freeze.
    Unfreeze,
    /// What waits need not be done any more.
    Withdraw,
}

impl Order {
    /// Whether it takes load off rather than puts it on: that passes every lock, queue, freeze and check.
    pub fn rescues(&self) -> bool {
        matches!(self, Order::Rollback { .. } | Order::Abort { .. } | Order::Pause)
    }

    /// Whether it may stop or change what somebody else's pull request does, or show it; those are done at once.
    pub fn steers(&self) -> bool {
        !matches!(self, Order::Deploy { .. } | Order::Weight(_))
    }
}

/// An order, and the environment it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// Its name; `None` means all of them, which only a freeze can.
    pub environment: Option<String>,
    /// What is wanted.
    pub order: Order,
}

/// Reads the words behind a command. The error is a sentence that says what to type.
///
/// # Errors
/// A word that is no environment, no weight or no commit; an environment left out where there are several.
pub fn order(typed: &Typed, environments: &[&str]) -> Result<Ordered, String> {
    let mut words: Vec<&str> = typed.args.0.iter().map(String::as_str).collect();
    let row = typed.command.command();
    let named = words.first().and_then(|word| environments.iter().find(|name| name.eq_ignore_ascii_case(word)));
    let environment = named.map(|name| (*name).to_owned());
    if environment.is_some() {
        words.remove(0);
    }
    if environments.is_empty() {
        return Err(speech::order::no_environments());
    }
    let order = match typed.command {
        Verb::Deploy => deploy(&mut words).ok_or_else(|| speech::order::no_such(row, &words, environments))?,
        Verb::Rollout => rollout(&words, (row, environments))?,
        Verb::Rollback => Order::Rollback { reason: words.join(" ") },
        Verb::Lock | Verb::Freeze => {
            let for_ms = words.last().and_then(|word| duration(word));
            if for_ms.is_some() {
                words.pop();
            }
            let reason = words.join(" ");
            if typed.command == Verb::Lock { Order::Lock { reason, for_ms } } else { Order::Freeze { reason, for_ms } }
        }
        Verb::Unfreeze => Order::Unfreeze,
        _ => Order::Unlock,
    };
    let all = environment.is_none() && matches!(order, Order::Freeze { .. } | Order::Unfreeze);
    let environment = match (environment, environments) {
        (Some(name), _) => Some(name),
        _ if all => None,
        // A lock names what it locks, and so does what ends it.
        (None, [only]) if !matches!(order, Order::Lock { .. } | Order::Unlock) => Some((*only).to_owned()),
        _ => return Err(speech::order::which(row, &typed.args.0, environments)),
    };
    Ok(Ordered { environment, order })
}

/// `[sha] [--fixes #n] [--hotfix reason]`, with the reason to the end of the line.
fn deploy(words: &mut Vec<&str>) -> Option<Order> {
    let hotfix = words.iter().position(|word| *word == "--hotfix").map(|at| words.split_off(at)[1..].join(" "));
    let mut fixes = None;
    if let Some(at) = words.iter().position(|word| *word == "--fixes") {
        fixes = Some(words.get(at + 1)?.trim_start_matches('#').parse().ok()?);
        words.drain(at..at + 2);
    }
    let sha = match words.as_slice() {
        [] => None,
        [sha] if commit(sha) => Some(sha.to_lowercase()),
        _ => return None,
    };
    Some(Order::Deploy { sha, hotfix, fixes })
}

fn commit(word: &str) -> bool {
    (7..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

fn rollout(words: &[&str], (row, environments): (&super::table::Command, &[&str])) -> Result<Order, String> {
    let Some((first, rest)) = words.split_first() else { return Ok(Order::Show) };
    let order = match first.to_lowercase().as_str() {
        "promote" => Order::Promote,
        "pause" => Order::Pause,
        "resume" | "continue" => Order::Resume,
        "abort" | "cancel" | "stop" => return Ok(Order::Abort { reason: rest.join(" ") }),
        "show" | "status" => Order::Show,
        word if word.chars().any(char::is_numeric) => Order::Weight(Weight::parse(word)?),
        _ => return Err(speech::order::no_such(row, words, environments)),
    };
    match rest.first() {
        Some(extra) => Err(speech::order::extra(row, extra)),
        None => Ok(order),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{Parsed, parse};

    fn read(line: &str, environments: &[&str]) -> String {
        let Parsed::Command(typed) = parse(line) else { return "no command".to_owned() };
        match order(&typed, environments) {
            Ok(Ordered { environment, order }) => format!("{environment:?} {order:?}"),
            Err(sentence) => sentence,
        }
    }

    #[test]
    fn the_environment_may_be_left_out_where_there_is_one() {
        let both = ["staging", "production"];
        assert_eq!(read("/rollout pause", &["staging"]), "Some(\"staging\") Pause");
        assert_eq!(
            read("/rollout Production abort too slow", &both),
            "Some(\"production\") Abort { reason: \"too slow\" }"
        );
        assert_eq!(
            read("/deploy", &both),
            "Not done: there are several environments. Type one of: `/deploy staging`, `/deploy production`."
        );
        assert_eq!(
            read("/rollback", &[]),
            "Not done: the default branch's `fairway.toml` has no environment. Add an `[environment.staging]` there, with a `release`, a `start` and a `port`, and merge it."
        );
        assert_eq!(read("/freeze incident", &both), "None Freeze { reason: \"incident\", for_ms: None }");
    }

    #[test]
    fn a_deploy_takes_a_commit_and_flags() {
        assert_eq!(
            read("/deploy staging ABCDEF1 --fixes #7 --hotfix the site is down", &["staging"]),
            "Some(\"staging\") Deploy { sha: Some(\"abcdef1\"), hotfix: Some(\"the site is down\"), fixes: Some(7) }"
        );
        assert_eq!(
            read("/deploy stagng", &["staging"]),
            "Not done: `stagng` is no environment. Did you mean `staging`? Type `/deploy staging`."
        );
        assert_eq!(
            read("/deploy staging --fixes", &["staging"]),
            "Not done: `/deploy` does not understand `--fixes`. Type `/deploy [env] [sha] [--hotfix reason]`, for example `/deploy staging`."
        );
    }

    #[test]
    fn a_lock_ends_with_its_time() {
        assert_eq!(
            read("/lock production database moves 2h", &["production"]),
            "Some(\"production\") Lock { reason: \"database moves\", for_ms: Some(7200000) }"
        );
        assert_eq!(read("/lock", &["production"]), "no command");
        assert_eq!(
            read("/lock prod", &["production"]),
            "Not done: `prod` is no environment. Did you mean `production`? Type `/lock production`."
        );
    }
}

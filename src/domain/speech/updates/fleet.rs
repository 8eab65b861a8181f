//! What is said of updates over all repositories, and what one waits for.

use crate::domain::run::code;
use crate::domain::update::advisory::Reach;
use crate::domain::update::fleet::{Cure, Fleet, Wait};

const HOUR: i64 = 60 * 60 * 1000;

/// The page in a sentence.
pub fn standing(fleet: &Fleet) -> String {
    if fleet.repositories == 0 {
        return "No repository was looked at yet.".to_owned();
    }
    let open = fleet.open().len();
    let serving = fleet.serving();
    let known = match open {
        0 => "No advisory is open".to_owned(),
        1 => "One advisory is open".to_owned(),
        n => format!("{n} advisories are open"),
    };
    let place = match (open, serving) {
        (0, _) => String::new(),
        (_, 0) => ", and no environment serves what they are about".to_owned(),
        (_, 1) => "; one environment serves a release with a vulnerable version".to_owned(),
        (_, n) => format!("; {n} environments serve releases with vulnerable versions"),
    };
    let unknown = match fleet.unknown.len() {
        0 => String::new(),
        _ => " Some packages were not looked up, so there may be more.".to_owned(),
    };
    format!("{known} in {}{place}.{unknown}", count(fleet.repositories, "repository", "repositories"))
}

/// What there is so many of.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What an update waits for, Markdown without a full stop; `now` is in Unix milliseconds.
pub fn waits(wait: &Wait, now: i64) -> String {
    match wait {
        Wait::Turn => "is being made".to_owned(),
        Wait::Checks => "its checks run".to_owned(),
        Wait::Schedule(None) => "waits for its schedule (`schedule` of [updates])".to_owned(),
        Wait::Schedule(Some(at)) => {
            format!("waits for its schedule, {} (`schedule` of [updates])", within(at.saturating_sub(now)))
        }
        Wait::Minutes(used, of) => format!("waits for CI minutes: {used} of {of} are used this week"),
        Wait::Person => "green, to be merged by a person".to_owned(),
        Wait::Queue(1) => "green, next to be merged".to_owned(),
        Wait::Queue(place) => format!("green, merged with others: number {place} in the queue"),
        Wait::Red(check) => format!("{} fails with it", code(check)),
        Wait::Edited(by) => format!("{} pushed to it, so Fairway leaves it alone", code(by)),
        Wait::Stuck(why) => super::foreign::line(why),
        Wait::Client(said) => format!("the client refused: {}", code(&super::foreign::cut(said, 300))),
    }
}

/// A repository's own word against its fixes, where nothing is done about one.
pub fn no_fixes() -> String {
    "`security = false` in fairway.toml, so no pull request is opened".to_owned()
}

/// Somebody closed the pull request of the fix.
pub fn unwanted(pull: i64) -> String {
    format!("its fix was closed with #{pull}; reopen that to have it again")
}

/// Whether a repository's code names what an advisory is about; empty: nobody knows.
pub fn used(reach: &Reach) -> String {
    match reach {
        Reach::Used(places) => {
            let first = places.first().map_or("", String::as_str);
            let more = places.len().saturating_sub(1);
            let more =
                if more > 0 { format!(" and {}", count(more, "more file", "more files")) } else { String::new() };
            format!("used in {first}{more}")
        }
        Reach::NotUsed => "not used by name".to_owned(),
        Reach::Unknown => String::new(),
    }
}

/// What is done about an exposure, Markdown without a full stop.
pub fn cure(cure: &Cure, serves: bool, now: i64) -> String {
    match cure {
        Cure::Pull(_, number, wait) => format!("#{number}: {}", waits(wait, now)),
        Cure::Coming(wait) => format!("its update {}", update(wait, now)),
        Cure::None(why) => format!("cannot be ended now: {}", super::foreign::line(why)),
        Cure::Unwanted(why) => why.clone(),
        Cure::Merged(at) if serves => format!("merged {}, and not everywhere released yet", before(now - at)),
        Cure::Merged(at) => format!("merged {}", before(now - at)),
        Cure::Ended(at) => format!("ended {}", before(now - at)),
    }
}

/// The same as `waits`, behind "its update".
fn update(wait: &Wait, now: i64) -> String {
    match wait {
        Wait::Checks => "is tested".to_owned(),
        Wait::Person | Wait::Queue(_) | Wait::Red(_) | Wait::Edited(_) | Wait::Client(_) | Wait::Stuck(_) => {
            format!("is not open: {}", waits(wait, now))
        }
        _ => waits(wait, now),
    }
}

/// A length of time as people say it: `12 minutes`, `5 hours`, `3 days`.
pub fn span(ms: i64) -> String {
    let ms = ms.max(0);
    let told = |n: i64, one: &str| if n == 1 { format!("{n} {one}") } else { format!("{n} {one}s") };
    match ms / HOUR {
        0 if ms < 60_000 => told(ms / 1000, "second"),
        0 => told(ms / 60_000, "minute"),
        hours @ 1..=47 => told(hours, "hour"),
        hours => told(hours / 24, "day"),
    }
}

fn before(ms: i64) -> String {
    format!("{} ago", span(ms))
}

fn within(ms: i64) -> String {
    if ms <= 0 { "any moment".to_owned() } else { format!("in {}", span(ms)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_says_for_what() {
        let waits = [
            Wait::Turn,
            Wait::Checks,
            Wait::Schedule(None),
            Wait::Schedule(Some(5 * HOUR)),
            Wait::Minutes(310, 300),
            Wait::Person,
            Wait::Queue(1),
            Wait::Queue(3),
            Wait::Red("test".to_owned()),
            Wait::Edited("alice".to_owned()),
            Wait::Client("npm error ERESOLVE".to_owned()),
        ]
        .map(|wait| super::waits(&wait, 0));
        insta::assert_snapshot!(waits.join("\n"), @"
        is being made
        its checks run
        waits for its schedule (`schedule` of [updates])
        waits for its schedule, in 5 hours (`schedule` of [updates])
        waits for CI minutes: 310 of 300 are used this week
        green, to be merged by a person
        green, next to be merged
        green, merged with others: number 3 in the queue
        `test` fails with it
        `alice` pushed to it, so Fairway leaves it alone
        the client refused: `npm error ERESOLVE`
        ");
    }

    #[test]
    fn a_length_of_time_is_one_number() {
        assert_eq!(
            [0, 61_000, HOUR, 47 * HOUR, 72 * HOUR].map(span),
            ["0 seconds", "1 minute", "1 hour", "47 hours", "3 days"]
        );
    }
}

//! What GitHub says of packages, as new as it has to be: asked by name once for all repositories, then for what changed.

use std::collections::BTreeSet;

use super::spread::spread;
use crate::context::Context;
use crate::domain::speech::updates::sources as words;
use crate::domain::update::advisory::Name;
use crate::github::{GitHubError, Known, LIST};
use crate::registry::Packages;
use crate::registry::databases::Standing;
use crate::worker::effect::{heed, pace};
use crate::worker::verdict::JobError;

/// How often changes are asked for, Unix milliseconds as all times here: an answer that is the same costs nothing of GitHub's
/// hourly limit.
pub const POLL_MS: i64 = 3 * 60 * 1000;
/// Packages are asked about anew after this long, whatever the changes said.
pub const AGAIN_MS: i64 = 6 * 60 * 60 * 1000;
/// So far back changes are asked for: longer than anything is not asked about anew, and whole days leave the question the same.
const BACK_MS: i64 = 24 * 60 * 60 * 1000;
/// The first pause after an answer that did not come, the longest one, and the one after a refusal.
const PAUSE_MS: i64 = 60 * 1000;
const LONGEST_MS: i64 = 30 * 60 * 1000;
const REFUSED_MS: i64 = 60 * 60 * 1000;

/// How new it has to be.
#[derive(Clone, Copy)]
pub struct Age {
    /// Changes.
    pub poll: i64,
    /// What is known of a package.
    pub again: i64,
}

impl Age {
    /// For the timer, which does the asking.
    pub const TIMER: Age = Age { poll: POLL_MS, again: AGAIN_MS };
    /// For a look: so long as the timer is this process's, it asks about packages that nobody has asked about yet, and no more.
    pub const LOOK: Age = Age { poll: 4 * POLL_MS, again: AGAIN_MS + AGAIN_MS / 6 };
}

/// Whether the timer has something to ask.
pub fn due(ctx: &Context) -> bool {
    let (now, known) = (ctx.clock.now(), ctx.github.heard().known());
    known.not_before <= now && known.polled.is_none_or(|at| now - at >= POLL_MS)
}

/// Asks what is to be asked to know about these packages, as one of these installations, and tells all repositories of whose
/// packages something else is said than before, but the one that asks. That GitHub does not answer, or refuses, is remembered
/// and no error.
///
/// # Errors
/// A rate limit, and the store.
pub async fn consult(
    ctx: &Context,
    packages: &dyn Packages,
    (installations, names): (&[i64], &BTreeSet<Name>),
    (age, by): (Age, Option<i64>),
) -> Result<(), JobError> {
    let heard = ctx.github.heard();
    let _turn = heard.turn().await;
    let mut changed = BTreeSet::new();
    let (mut told, mut result) = (false, Ok(()));
    for installation in installations {
        let asked = ask(ctx, (*installation, names), age, (&mut changed, &mut told)).await;
        let own = asked.as_ref().is_err_and(|error| matches!(error, JobError::GitHub(error) if only_its_own(error)));
        result = asked;
        // Another installation may be in order.
        if !own {
            break;
        }
    }
    if told {
        let book = heard.known().told.book();
        packages.tell(book).await;
    }
    // Whatever became of the rest: it is not news a second time.
    spread(ctx, &changed, by).await?;
    match result {
        Err(JobError::GitHub(error)) if !matches!(error, GitHubError::RateLimited { .. }) => {
            note(&mut heard.known(), &error, ctx.clock.now());
            Ok(())
        }
        other => other,
    }
}

async fn ask(
    ctx: &Context,
    (installation, names): (i64, &BTreeSet<Name>),
    age: Age,
    (changed, told): (&mut BTreeSet<Name>, &mut bool),
) -> Result<(), JobError> {
    let (heard, now) = (ctx.github.heard(), ctx.clock.now());
    let (questions, poll) = {
        let mut known = heard.known();
        let questions = known.told.open(names.iter(), now - age.again);
        // Until all are answered, whoever looks goes without.
        questions.iter().for_each(|question| known.told.unanswered(question));
        if known.not_before > now {
            return Ok(());
        }
        let due = known.polled.is_some_and(|at| now - at >= age.poll);
        // Where nobody asked about anything, nothing can have changed.
        let poll = due && !known.told.is_empty();
        known.polled = if due && !poll { Some(now) } else { Some(known.polled.unwrap_or(now)) };
        (questions, poll)
    };
    for question in questions {
        pace(ctx, installation).await?;
        let documents = heed(ctx, installation, ctx.github.advisories_about(installation, &question).await).await?;
        let mut known = heard.known();
        changed.extend(known.told.answered(&question, documents, now));
        *told = true;
        well(&mut known);
    }
    if poll {
        pace(ctx, installation).await?;
        let listed = ctx.github.advisories_since(installation, &day(now - BACK_MS)).await;
        let listed = heed(ctx, installation, listed).await?;
        let mut known = heard.known();
        known.polled = Some(now);
        well(&mut known);
        match listed {
            Some(documents) => changed.extend(known.told.changed(documents)),
            None => known.told.doubt(),
        }
        *told |= !changed.is_empty();
    }
    Ok(())
}

/// What GitHub's advisories leave open for these packages, beside the databases' own.
pub fn standing(ctx: &Context, names: &BTreeSet<Name>, own: Standing) -> Standing {
    let known = ctx.github.heard().known();
    let mut troubles = own.troubles;
    troubles.extend(Some(known.trouble.clone()).filter(|why| !why.is_empty()));
    // Who was refused for good never relied on them.
    Standing { troubles, unsure: own.unsure || !known.refused && known.told.lacks(names.iter()) }
}

fn well(known: &mut Known) {
    known.trouble.clear();
    (known.refused, known.failures, known.not_before) = (false, 0, 0);
}

fn note(known: &mut Known, error: &GitHubError, now: i64) {
    let refusal = match error {
        GitHubError::NotFound { what } if what == LIST => Some(words::no_list()),
        GitHubError::Forbidden { what, message, .. } | GitHubError::Invalid { what, message } if what == LIST => {
            Some(words::not_let(message))
        }
        _ => None,
    };
    let pause = PAUSE_MS.saturating_mul(1 << known.failures.min(10)).min(LONGEST_MS);
    known.failures += 1;
    known.refused = refusal.is_some();
    known.not_before = now + if known.refused { REFUSED_MS } else { pause };
    known.trouble = refusal.unwrap_or_else(|| words::not_now(&error.to_string()));
}

/// Whether it is about the installation, and says nothing about the list.
fn only_its_own(error: &GitHubError) -> bool {
    match error {
        GitHubError::Suspended | GitHubError::Unauthorized { .. } => true,
        GitHubError::NotFound { what } | GitHubError::Forbidden { what, .. } | GitHubError::Invalid { what, .. } => {
            what != LIST
        }
        _ => false,
    }
}

/// In UTC.
fn day(at: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

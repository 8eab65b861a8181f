//! The way in behind a firewall: GitHub's own list of deliveries is read every few seconds, and what it tells goes the same
//! way as what is delivered. Each GUID is taken once, also where both ways are open.

use futures_util::future::join_all;

use super::queue::{finish, new_job};
use super::recover::WINDOW_MS;
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::task::Task;
use crate::github::{Delivered, GitHubError, webhook};
use crate::store::{Job, NewDelivery};

/// Between two looks at the list, in milliseconds.
pub const POLL_EVERY_MS: i64 = 3_000;
/// After an answer that is none, in milliseconds.
const AWAY_MS: i64 = 15_000;
/// The list may show a delivery late; so far back it is read again.
const OVERLAP_MS: i64 = 60_000;
/// Deliveries of one look; the rest follows at once. All of them fit into a lease.
const MOST: usize = 100;
/// Payloads that are fetched at the same time.
const AT_ONCE: usize = 4;
/// So many that cannot be fetched end a look: it is not about them, then.
const FAILURES: usize = 8;
/// One that cannot be fetched is kept in sight for so long, in milliseconds, while others can. Reading back to it costs a
/// request a page; afterwards what it told is found as what no delivery told.
const PATIENCE_MS: i64 = 10 * 60_000;
/// Bytes of payloads that are held before they are stored.
const HELD: usize = 16 * 1024 * 1024;
/// Where the time of the newest delivery that was taken is remembered.
const POLLED: &str = "polled_at";

/// Takes what is new in the list, then waits in its place for the next look.
pub async fn poll(ctx: &Context, job: &Job) -> Result<(), JobError> {
    if !ctx.policy.polls {
        return finish(ctx, job, &[]).await;
    }
    let next = match look(ctx).await {
        Ok(true) => ctx.clock.now(),
        Ok(false) => ctx.clock.now() + POLL_EVERY_MS,
        // It must never give up, whatever is wrong: nothing else would be heard any more.
        Err(error) => {
            tracing::warn!("GitHub's list of deliveries cannot be taken in: {error}");
            let later = ctx.clock.now() + AWAY_MS;
            let until = match error {
                JobError::GitHub(GitHubError::RateLimited { until_ms, .. }) => until_ms.max(later),
                _ => later,
            };
            return Err(JobError::Wait { until, why: error.to_string() });
        }
    };
    if job.failures > 0 {
        // What went wrong once is over; a row of its own forgets it.
        return finish(ctx, job, &[new_job(&Task::Poll, next)?]).await;
    }
    Err(JobError::Wait { until: next, why: "the list is read every few seconds".to_owned() })
}

/// One look. Whether there is more that was left for the next one.
async fn look(ctx: &Context) -> Result<bool, JobError> {
    let now = ctx.clock.now();
    let last = ctx.store.meta(POLLED).await?.and_then(|text| text.parse::<i64>().ok());
    let since = last.map_or(now - WINDOW_MS, |at| (at - OVERLAP_MS).max(now - WINDOW_MS));
    let listed = ctx.github.deliveries(since).await?;
    let guids: Vec<String> = listed.iter().map(|d| d.guid.clone()).collect();
    let missing = ctx.store.deliveries_missing(&guids).await?;
    let new: Vec<&Delivered> = listed.iter().filter(|d| missing.contains(&d.guid)).collect();
    let taken = take(ctx, &new).await?;
    // What could not be fetched stays in sight.
    let reached = if taken.whole == new.len() { listed.last() } else { taken.whole.checked_sub(1).map(|at| new[at]) };
    if let Some(reached) = reached.filter(|reached| last.is_none_or(|last| reached.at > last)) {
        ctx.store.set_meta(POLLED, &reached.at.to_string()).await?;
    }
    match taken.broken {
        Some(error) => Err(error.into()),
        None => Ok(taken.whole < new.len()),
    }
}

/// What came of fetching.
#[derive(Default)]
struct Taken {
    /// So many of the first are done with; behind them is a gap, and there may be more.
    whole: usize,
    /// Why there is a gap.
    broken: Option<GitHubError>,
}

/// Fetches and stores the first of these, in their order. One that cannot be had is left for the next look and holds up no
/// other: GitHub promises no order either.
async fn take(ctx: &Context, new: &[&Delivered]) -> Result<Taken, JobError> {
    let (mut held, mut bytes, mut asked, mut fetched) = (Vec::new(), 0, 0, 0);
    let mut gaps: Vec<(&Delivered, usize, GitHubError)> = Vec::new();
    for some in new[..new.len().min(MOST)].chunks(AT_ONCE) {
        for (delivery, answer) in some.iter().zip(join_all(some.iter().map(|delivery| fetch(ctx, delivery))).await) {
            match answer {
                Ok(delivery) => {
                    bytes += delivery.body.as_ref().map_or(0, Vec::len);
                    fetched += 1;
                    held.push(delivery);
                }
                Err(error) => gaps.push((delivery, asked, error)),
            }
            asked += 1;
        }
        if bytes > HELD {
            ctx.store.take(std::mem::take(&mut held)).await?;
            bytes = 0;
        }
        if is_about_all(&gaps) {
            break;
        }
    }
    ctx.store.take(held).await?;
    let old = ctx.clock.now() - PATIENCE_MS;
    let others_come = fetched > 0 && !is_about_all(&gaps);
    let mut taken = Taken { whole: asked, broken: None };
    for (delivery, at, error) in gaps {
        if others_come && delivery.at <= old {
            tracing::warn!(guid = %delivery.guid, event = %delivery.event, "GitHub does not hand a delivery over: {error}");
        } else if taken.broken.is_none() {
            taken = Taken { whole: at, broken: Some(error) };
        }
    }
    Ok(taken)
}

/// Whether it is GitHub that does not answer, and not a delivery that cannot be had.
fn is_about_all(gaps: &[(&Delivered, usize, GitHubError)]) -> bool {
    gaps.len() >= FAILURES || gaps.iter().any(|(_, _, error)| matches!(error, GitHubError::RateLimited { .. }))
}

async fn fetch(ctx: &Context, delivery: &Delivered) -> Result<NewDelivery, GitHubError> {
    // What nobody handles is only remembered.
    let body = match webhook::handles(&delivery.event) {
        true => ctx.github.payload(delivery.id).await?,
        false => None,
    };
    if body.is_none() && webhook::handles(&delivery.event) {
        tracing::warn!(guid = %delivery.guid, event = %delivery.event, "GitHub lists a delivery without its payload");
    }
    Ok(NewDelivery {
        guid: delivery.guid.clone(),
        event: delivery.event.clone(),
        repository_id: body.as_deref().and_then(webhook::repository_id),
        body,
        now: ctx.clock.now(),
    })
}

//! A rollout's check run on its commit, `fairway / rollout ENV`, with buttons where people are asked for a word.

use anyhow::Context as _;
use sha2::{Digest, Sha256};

use super::super::queue::{finish, timer};
use super::super::verdict::JobError;
use super::{heed, slot};
use crate::context::Context;
use crate::domain::release::RolloutSpec;
use crate::domain::rollout::{Outcome, Rollout};
use crate::domain::speech;
use crate::domain::task::{ABORT, PROMOTE, Task};
use crate::github::{Action, CheckPayload};
use crate::store::{Class, Job, Mirror, RolloutRow};

/// Brings it up to date.
pub async fn sync(ctx: &Context, job: &Job, id: i64) -> Result<(), JobError> {
    let Some(row) = ctx.store.rollout(id).await? else { return finish(ctx, job, &[]).await };
    let spec: RolloutSpec = serde_json::from_str(&row.spec).context("a rollout's definition cannot be read")?;
    let payload = payload(ctx, &row, &spec)?;
    let hash = hex::encode(Sha256::digest(serde_json::to_vec(&payload).context("a check run's payload")?));
    let key = format!("rollout:{id}");
    let mirror = ctx.store.mirror(&key).await?;
    if mirror.as_ref().is_some_and(|m| m.hash == hash && m.remote_id.is_some()) {
        return finish(ctx, job, &[]).await;
    }
    let news = mirror.as_ref().is_none_or(|m| m.note != payload.status);
    if let (false, Some(at)) = (news, mirror.as_ref().map(|m| m.updated_at + ctx.policy.progress_ms))
        && at > ctx.clock.now()
    {
        // As a job of its own, so that real news take its place and its time.
        return finish(ctx, job, &[timer(&Task::SyncRollout { rollout: id }, (ctx.clock.now(), at))?]).await;
    }
    let installation = spec.repo.installation;
    slot(ctx, installation, if news { Class::Completion } else { Class::Progress }, false).await?;
    let found = match mirror.as_ref().and_then(|m| m.remote_id) {
        Some(remote) => Some(remote),
        None if job.attempt > 1 => {
            let found = ctx.github.find_check(&spec.repo, &row.sha, &payload.name, &payload.external_id).await;
            heed(ctx, installation, found).await?
        }
        None => None,
    };
    let remote = match found {
        Some(remote) => {
            heed(ctx, installation, ctx.github.update_check(&spec.repo, remote, &payload).await).await?;
            remote
        }
        None => heed(ctx, installation, ctx.github.create_check(&spec.repo, &payload).await).await?,
    };
    let mirror = Mirror { key, remote_id: Some(remote), hash, note: payload.status, updated_at: ctx.clock.now() };
    let Some(mut tx) = ctx.store.finish(job).await? else {
        ctx.store.save_mirror(&mirror).await?;
        return Ok(());
    };
    tx.save_mirror(&mirror).await?;
    tx.commit().await.context("remembering a rollout's check run")?;
    Ok(())
}

/// The external id by which a button's press finds its rollout.
pub fn external_id(rollout: i64) -> String {
    format!("rollout-{rollout}")
}

fn payload(ctx: &Context, row: &RolloutRow, spec: &RolloutSpec) -> Result<CheckPayload, JobError> {
    let rollout: Option<Rollout> = match &row.state {
        Some(text) => Some(serde_json::from_str(text).context("a rollout's state cannot be read")?),
        None => None,
    };
    let ended = rollout.as_ref().and_then(Rollout::ended);
    // GitHub shows buttons on a completed run alone, so one that asks is completed until somebody answers.
    let asks = rollout.as_ref().is_some_and(Rollout::asks);
    let full = row.full_at.is_some() && ended.is_none();
    let conclusion = match ended {
        Some(Outcome::Live) => Some("success"),
        Some(Outcome::Cancelled) => Some("cancelled"),
        Some(_) => Some("failure"),
        None if asks => Some("action_required"),
        None if full => Some("success"),
        None => None,
    };
    let button = |label: &str, description: &str, identifier: &str| Action {
        label: label.to_owned(),
        description: description.to_owned(),
        identifier: identifier.to_owned(),
    };
    let abort = button("Abort", "Take it out of the traffic now", ABORT);
    let actions = match (asks, full) {
        (true, _) => vec![button("Promote", "Go on to the next stage", PROMOTE), abort],
        (_, true) => vec![abort],
        _ => Vec::new(),
    };
    let page = speech::rollout::page(&row.environment, &spec.version, rollout.as_ref());
    Ok(CheckPayload {
        name: format!("fairway / rollout {}", row.environment),
        head_sha: row.sha.clone(),
        external_id: external_id(row.id),
        status: if conclusion.is_some() { "completed" } else { "in_progress" }.to_owned(),
        conclusion: conclusion.map(str::to_owned),
        started_at: Some(row.accepted_at),
        completed_at: conclusion
            .map(|_| row.ended_at.or(row.full_at).unwrap_or_else(|| ctx.clock.now()))
            .filter(|_| !asks),
        title: page.0,
        summary: page.1,
        text: None,
        annotations: Vec::new(),
        actions,
        details_url: ctx.github.check_details_url(&spec.repo, spec.pull, &row.sha),
    })
}

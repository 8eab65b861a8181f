//! A rollout's check run on its commit, `fairway / rollout ENV`, with buttons where people are asked for a word.

use super::super::queue::finish;
use super::super::rolled;
use super::super::verdict::JobError;
use super::{check, remember, slot};
use crate::context::Context;
use crate::domain::release::RolloutSpec;
use crate::domain::rollout::{Outcome, Rollout};
use crate::domain::speech;
use crate::domain::task::{ABORT, PROMOTE, rollout_check};
use crate::github::{Action, CheckPayload};
use crate::store::{Class, Job, Mirror, RolloutRow};

/// Brings it up to date.
pub async fn sync(ctx: &Context, job: &Job, id: i64) -> Result<(), JobError> {
    let Some(row) = ctx.store.rollout(id).await? else { return finish(ctx, job, &[]).await };
    let spec = rolled::spec(&row)?;
    let payload = payload(ctx, &row, &spec)?;
    let hash = check::hash(&payload)?;
    let key = format!("rollout:{id}");
    let mirror = ctx.store.mirror(&key).await?;
    if mirror.as_ref().is_some_and(|m| m.hash == hash && m.remote_id.is_some()) {
        return finish(ctx, job, &[]).await;
    }
    // Another share of the traffic, another end or other buttons are what people wait for; that it goes on is not.
    let said = payload.title.split('·').next().unwrap_or_default();
    let note = format!("{} {} {said}", payload.status, payload.actions.len());
    let news = mirror.as_ref().is_none_or(|m| m.note != note);
    slot(ctx, spec.repo.installation, if news { Class::Completion } else { Class::Progress }, false).await?;
    let found = check::known(ctx, job, (&spec.repo, &payload), mirror.as_ref()).await?;
    let remote = check::put(ctx, &spec.repo, (found, &payload)).await?;
    let mirror = Mirror { key, remote_id: Some(remote), hash, note, updated_at: ctx.clock.now() };
    remember(ctx, job, &mirror).await
}

fn payload(ctx: &Context, row: &RolloutRow, spec: &RolloutSpec) -> Result<CheckPayload, JobError> {
    let rollout = rolled::state(row)?;
    let ended = rollout.as_ref().and_then(Rollout::ended);
    // GitHub shows buttons on a completed run alone, so one that asks is completed until somebody answers.
    let asks = rollout.as_ref().is_some_and(Rollout::asks);
    let full = row.marks.full_at.is_some() && ended.is_none();
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
        external_id: rollout_check(row.id),
        status: if conclusion.is_some() { "completed" } else { "in_progress" }.to_owned(),
        conclusion: conclusion.map(str::to_owned),
        started_at: Some(row.accepted_at),
        completed_at: conclusion
            .map(|_| row.marks.ended_at.or(row.marks.full_at).unwrap_or_else(|| ctx.clock.now()))
            .filter(|_| !asks),
        title: page.0,
        summary: page.1,
        text: None,
        annotations: Vec::new(),
        actions,
        details_url: ctx.github.check_details_url(&spec.repo, spec.pull, &row.sha),
    })
}

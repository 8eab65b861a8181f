//! A rollout's Deployment: one, with exactly one `success`, when all traffic is there.

use anyhow::Context as _;

use super::super::queue::finish;
use super::super::rolled;
use super::super::verdict::JobError;
use super::{heed, remember, slot};
use crate::context::Context;
use crate::domain::release::{Kind, RolloutSpec};
use crate::domain::rollout::{Outcome, Phase, Rollout};
use crate::domain::speech;
use crate::github::{DeploymentState, NewDeployment};
use crate::store::{Class, Job, Mirror, RolloutRow};

/// Brings it up to date.
pub async fn sync(ctx: &Context, job: &Job, id: i64) -> Result<(), JobError> {
    let Some(row) = ctx.store.rollout(id).await? else { return finish(ctx, job, &[]).await };
    let spec = rolled::spec(&row)?;
    let key = format!("deployment:{id}");
    let mirror = ctx.store.mirror(&key).await?;
    let wanted = wanted(&row, &spec)?;
    let hash = serde_json::to_string(&wanted).context("a deployment's state")?;
    let known = mirror.as_ref().and_then(|m| m.remote_id);
    // A deployment that has ended stays as it ended, also when the release is taken back later: that is a new one.
    let ended = |state: &str| matches!(state, "success" | "failure" | "error" | "inactive");
    let closed = mirror
        .as_ref()
        .is_some_and(|m| ended(&m.note) && m.note != "success" || m.note == wanted.state && ended(&m.note));
    if known.is_some() && (closed || mirror.as_ref().is_some_and(|m| m.hash == hash)) {
        return finish(ctx, job, &[]).await;
    }
    let before = mirror.as_ref().and_then(|m| serde_json::from_str::<DeploymentState>(&m.hash).ok());
    // Another share of the traffic is what people wait for; that it goes on is not.
    let news = before.is_none_or(|before| before.state != wanted.state || share(&before) != share(&wanted));
    let installation = spec.repo.installation;
    slot(ctx, installation, if news { Class::Completion } else { Class::Progress }, known.is_none()).await?;
    let remote = match known {
        Some(remote) => remote,
        None => create(ctx, job, &row, &spec).await?,
    };
    // An earlier try may have told it without living to remember.
    let told = job.attempt > 1
        && ended(&wanted.state)
        && heed(ctx, installation, ctx.github.deployment_state(&spec.repo, remote).await).await?.as_deref()
            == Some(wanted.state.as_str());
    if !told {
        heed(ctx, installation, ctx.github.set_deployment(&spec.repo, remote, &wanted).await).await?;
    }
    let mirror = Mirror { key, remote_id: Some(remote), hash, note: wanted.state, updated_at: ctx.clock.now() };
    remember(ctx, job, &mirror).await
}

async fn create(ctx: &Context, job: &Job, row: &RolloutRow, spec: &RolloutSpec) -> Result<i64, JobError> {
    let rollback = spec.kind == Kind::Rollback;
    let new = NewDeployment {
        sha: row.sha.clone(),
        environment: row.environment.clone(),
        task: if rollback { "rollback" } else { "deploy" }.to_owned(),
        rollout: row.id,
        production: row.environment.starts_with("prod"),
        rollback_of: row.base_sha.clone().filter(|_| rollback),
    };
    if job.attempt > 1
        && let Some(found) =
            heed(ctx, spec.repo.installation, ctx.github.find_deployment(&spec.repo, &new).await).await?
    {
        return Ok(found);
    }
    let made = heed(ctx, spec.repo.installation, ctx.github.create_deployment(&spec.repo, &new).await).await?;
    let mirror = Mirror {
        key: format!("deployment:{}", row.id),
        remote_id: Some(made),
        hash: String::new(),
        note: String::new(),
        updated_at: 0,
    };
    ctx.store.save_mirror(&mirror).await?;
    Ok(made)
}

fn wanted(row: &RolloutRow, spec: &RolloutSpec) -> Result<DeploymentState, JobError> {
    let rollout = rolled::state(row)?;
    let (state, description) = match rollout.as_ref().map(|rollout| &rollout.phase) {
        None | Some(Phase::Preparing) => ("queued", "starting".to_owned()),
        // Once everything was there it was a success; what follows is told by the next deployment.
        Some(_) if row.marks.full_at.is_some() && (row.marks.ended_at.is_none() || row.marks.failed_at.is_none()) => {
            ("success", "live".to_owned())
        }
        Some(Phase::Done(Outcome::Live)) => ("success", "live".to_owned()),
        Some(Phase::Done(_)) if row.marks.full_at.is_some() => ("inactive", ended(rollout.as_ref())),
        Some(Phase::Done(_)) => ("failure", ended(rollout.as_ref())),
        Some(_) => ("in_progress", rollout.as_ref().map_or_else(String::new, speech::rollout::progress)),
    };
    let url = spec.environment.domain.as_ref().map(|domain| format!("https://{domain}"));
    Ok(DeploymentState { state: state.to_owned(), description, environment_url: url })
}

/// The first word of a description that says how far it is.
fn share(state: &DeploymentState) -> &str {
    state.description.split('·').next().unwrap_or_default()
}

fn ended(rollout: Option<&Rollout>) -> String {
    rollout.map_or_else(String::new, speech::rollout::ended)
}

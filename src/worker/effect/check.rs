//! A check run at GitHub, as our run says it is.

use anyhow::Context as _;
use sha2::{Digest, Sha256};

use super::super::queue::finish;
use super::super::verdict::JobError;
use super::{heed, remember, slot};
use crate::context::Context;
use crate::domain::decide::Why;
use crate::domain::ids::Repo;
use crate::domain::record::{Body, Spec};
use crate::domain::run::{self, Annotation, Conclusion};
use crate::domain::speech;
use crate::domain::task::RETRY_FAILED;
use crate::github::{Action, CheckPayload};
use crate::store::{Class, Job, Mirror, RunRow, RunState};

/// Brings one check run up to date.
pub async fn sync(ctx: &Context, job: &Job, id: i64) -> Result<(), JobError> {
    let Some(row) = ctx.store.run(id).await? else { return finish(ctx, job, &[]).await };
    let spec: Spec = serde_json::from_str(&row.spec).context("a run's definition cannot be read")?;
    let body: Body =
        serde_json::from_str(row.result.as_deref().unwrap_or("{}")).context("a run's result cannot be read")?;
    let key = format!("check:{id}");
    let mirror = ctx.store.mirror(&key).await?;
    let payload = payload(ctx, &row, &spec, &body);
    let hash = hash(&payload)?;
    if mirror.as_ref().is_some_and(|m| m.hash == hash && m.remote_id.is_some()) {
        return finish(ctx, job, &[]).await;
    }
    // A change of status is what people wait for; more of the same can wait itself.
    let same_status = mirror.as_ref().is_some_and(|m| m.note == payload.status);
    let class = if same_status { Class::Progress } else { Class::Completion };
    slot(ctx, spec.repo.installation, class, false).await?;
    let found = known(ctx, job, (&spec.repo, &payload), mirror.as_ref()).await?;
    let note = payload.status.clone();
    let remote = write(ctx, (&row, &spec, &body), payload, (found, job.attempt > 1)).await?;
    let mirror = Mirror { key, remote_id: Some(remote), hash, note, updated_at: ctx.clock.now() };
    remember(ctx, job, &mirror).await
}

/// The check run at GitHub, if there is one.
pub(super) async fn known(
    ctx: &Context,
    job: &Job,
    (repo, payload): (&Repo, &CheckPayload),
    mirror: Option<&Mirror>,
) -> Result<Option<i64>, JobError> {
    match mirror.and_then(|m| m.remote_id) {
        Some(remote) => Ok(Some(remote)),
        // An earlier try may have created it without living to tell.
        None if job.attempt > 1 => {
            let found = ctx.github.find_check(repo, &payload.head_sha, &payload.name, &payload.external_id).await;
            heed(ctx, repo.installation, found).await
        }
        None => Ok(None),
    }
}

/// Updates the check run, or makes it. Gives its id.
pub(super) async fn put(
    ctx: &Context,
    repo: &Repo,
    (found, payload): (Option<i64>, &CheckPayload),
) -> Result<i64, JobError> {
    match found {
        Some(remote) => {
            heed(ctx, repo.installation, ctx.github.update_check(repo, remote, payload).await).await?;
            Ok(remote)
        }
        None => heed(ctx, repo.installation, ctx.github.create_check(repo, payload).await).await,
    }
}

/// Creates or updates, with the annotations in portions of 50: GitHub appends each.
async fn write(
    ctx: &Context,
    (row, spec, body): (&RunRow, &Spec, &Body),
    mut payload: CheckPayload,
    (found, again): (Option<i64>, bool),
) -> Result<i64, JobError> {
    let installation = spec.repo.installation;
    // Findings are complete only at the end, and GitHub appends what it is sent.
    let annotations = if row.state == RunState::Done { annotations(body) } else { Vec::new() };
    let mut skip = 0;
    if let (Some(remote), true) = (found, again && !annotations.is_empty()) {
        let sent = ctx.github.annotations_sent(&spec.repo, remote).await;
        skip = heed(ctx, installation, sent).await? / run::BATCH;
    }
    let mut portions = run::batches(&annotations).skip(skip);
    payload.annotations = portions.next().unwrap_or_default().to_vec();
    let remote = put(ctx, &spec.repo, (found, &payload)).await?;
    for portion in portions {
        slot(ctx, installation, Class::Completion, false).await?;
        payload.annotations = portion.to_vec();
        heed(ctx, installation, ctx.github.update_check(&spec.repo, remote, &payload).await).await?;
    }
    Ok(remote)
}

pub(super) fn payload(ctx: &Context, row: &RunRow, spec: &Spec, body: &Body) -> CheckPayload {
    let conclusion = row.conclusion.as_deref().and_then(Conclusion::parse);
    let log = ctx.policy.pages_url.as_ref().map(|url| format!("{url}/runs/{}", row.id));
    let text = speech::check::page(&speech::check::Row {
        pipeline: &row.pipeline,
        paths: spec.pipeline.as_ref().map_or(&[], |p| p.paths.as_slice()),
        sha: &row.sha,
        running: row.state == RunState::Running,
        conclusion,
        body,
        log_url: log.as_deref(),
        engine_note: &ctx.engine.isolation(),
    });
    let retry = Action {
        label: "Retry failed".into(),
        description: "Run what did not pass again".into(),
        identifier: RETRY_FAILED.into(),
    };
    let failed = matches!(conclusion, Some(Conclusion::Failure | Conclusion::TimedOut | Conclusion::Cancelled));
    CheckPayload {
        name: format!("fairway / {}", row.pipeline),
        head_sha: row.sha.clone(),
        external_id: row.id.to_string(),
        status: match row.state {
            RunState::Done => "completed",
            RunState::Running => "in_progress",
            RunState::Queued => "queued",
        }
        .to_owned(),
        conclusion: conclusion.map(|c| c.as_str().to_owned()),
        started_at: row.started_at,
        completed_at: row.finished_at.filter(|_| conclusion.is_some()),
        title: text.title,
        summary: text.summary,
        text: text.text,
        annotations: Vec::new(),
        actions: if failed && spec.pipeline.is_some() { vec![retry] } else { Vec::new() },
        details_url: log.unwrap_or_else(|| ctx.github.check_details_url(&spec.repo, spec.pull, &row.sha)),
    }
}

/// Findings of reports; of a broken `fairway.toml`, its problems.
fn annotations(body: &Body) -> Vec<Annotation> {
    match &body.why {
        Some(Why::Broken { problems }) => run::problem_annotations(problems),
        _ => body.result.annotations.clone(),
    }
}

pub(super) fn hash(payload: &CheckPayload) -> Result<String, JobError> {
    let bytes = serde_json::to_vec(payload).context("a check run's payload")?;
    Ok(hex::encode(Sha256::digest(bytes)))
}

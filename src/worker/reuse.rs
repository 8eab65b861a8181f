//! Rule 7: only success is reused, and only where nothing that could have made a difference differs.
//!
//! Wished: an amended message, a branch put back or a second pull request with the same files costs nothing. A run
//! that somebody asked for again runs again.

use sha2::{Digest, Sha256};

use super::verdict::JobError;
use crate::context::Context;
use crate::domain::project::Pipeline;
use crate::domain::record::{Body, Reused, Spec};
use crate::domain::run::Conclusion;
use crate::domain::task::Trust;
use crate::store::{RunRow, RunState};

/// What a run's result depends on, as one word; `None` when a part of it is not known, and then nothing is reused.
pub async fn key(
    ctx: &Context,
    row: &RunRow,
    (spec, pipeline): (&Spec, &Pipeline),
) -> Result<Option<String>, JobError> {
    let Some(engine) = ctx.engine.fingerprint(pipeline).await else { return Ok(None) };
    // The lookup only saves work: when GitHub does not answer it, the work is done.
    let tree = match ctx.github.tree(&spec.repo, &row.sha).await {
        Ok(tree) => tree,
        Err(error) => {
            tracing::debug!(run = row.id, "the commit's tree could not be read, so nothing is reused: {error}");
            return Ok(None);
        }
    };
    let Some(needs) = needs(ctx, row, pipeline).await? else { return Ok(None) };
    let names: Vec<&str> = pipeline.secrets.iter().map(String::as_str).collect();
    let secrets = super::secrets::versions(ctx, &spec.repo, Trust::parse(&row.trust), &names).await?;
    let parts = [&row.pipeline, &row.digest, &row.trust, &tree, &engine];
    let mut digest = Sha256::new();
    for part in parts.into_iter().chain(&needs).chain(&secrets) {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    Ok(Some(hex::encode(digest.finalize())))
}

/// Of each need, what its own result depended on and what it left behind.
async fn needs(ctx: &Context, row: &RunRow, pipeline: &Pipeline) -> Result<Option<Vec<String>>, JobError> {
    let mut parts = Vec::new();
    if pipeline.needs.is_empty() {
        return Ok(Some(parts));
    }
    let runs = ctx.store.runs_of(row.repo_id, &row.sha).await?;
    for need in &pipeline.needs {
        let newest =
            runs.iter().filter(|r| r.pipeline == *need && r.trust == row.trust).max_by_key(|r| (r.try_no, r.id));
        let Some(newest) = newest.filter(|r| r.state == RunState::Done) else { return Ok(None) };
        let export = body(newest).and_then(|b| b.export).unwrap_or_default();
        match (newest.conclusion.as_deref().and_then(Conclusion::parse), &newest.reuse_key) {
            (Some(Conclusion::Success), Some(key)) => parts.push(format!("{need}={key}/{export}")),
            (Some(Conclusion::Skipped), _) => parts.push(format!("{need}=skipped")),
            _ => return Ok(None),
        }
    }
    Ok(Some(parts))
}

/// An earlier success that stands for this run, with what it left behind.
pub async fn earlier(
    ctx: &Context,
    (row, spec): (&RunRow, &Spec),
    key: Option<&str>,
) -> Result<Option<Body>, JobError> {
    let Some(key) = key.filter(|_| !spec.again) else { return Ok(None) };
    let Some(old) = ctx.store.reusable(row.repo_id, key).await?.filter(|old| old.id != row.id) else { return Ok(None) };
    let Some(mut body) = body(&old) else { return Ok(None) };
    if body.export.as_deref().is_some_and(|digest| ctx.engine.kept(digest).is_none()) {
        return Ok(None);
    }
    body.reused.get_or_insert(Reused { run: old.id, sha: old.sha });
    Ok(Some(body))
}

fn body(row: &RunRow) -> Option<Body> {
    row.result.as_deref().and_then(|text| serde_json::from_str(text).ok())
}

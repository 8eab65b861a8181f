//! Which secrets a run gets: by name, by repository, and never more than its trust allows.

use std::collections::BTreeMap;

use super::verdict::JobError;
use crate::context::Context;
use crate::domain::ids::Repo;
use crate::domain::task::Trust;
use crate::settings::Secret;
use crate::store::SecretRow;
use crate::store::seal::Place;

/// The named secrets that this run may have. A name that is missing is simply not set, as on GitHub.
pub async fn for_run(
    ctx: &Context,
    repo: &Repo,
    trust: Trust,
    names: &[&str],
) -> Result<BTreeMap<String, Secret>, JobError> {
    opened(ctx, allowed(ctx, repo, trust, names).await?)
}

/// The named secrets that a release of this environment gets: its own before the repository's.
pub async fn for_release(
    ctx: &Context,
    repo: &Repo,
    (environment, merged): (&str, bool),
    names: &[String],
) -> Result<BTreeMap<String, Secret>, JobError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut rows = ctx.store.secrets_for(&repo.full_name(), Some(environment)).await?;
    rows.retain(|row| names.contains(&row.name) && (row.trust != "protected" || merged || row.env.is_some()));
    // The nearest comes first, and the first is taken.
    rows.dedup_by(|later, first| later.name == first.name);
    opened(ctx, rows)
}

fn opened(ctx: &Context, rows: Vec<SecretRow>) -> Result<BTreeMap<String, Secret>, JobError> {
    let mut found = BTreeMap::new();
    for row in rows {
        let place = Place { name: &row.name, repo: &row.repo, env: row.env.as_deref(), trust: &row.trust };
        let value = ctx
            .seal
            .open(&place, &row.sealed)
            .map_err(|e| anyhow::anyhow!("the secret {} cannot be opened: {e}", row.name))?;
        ctx.masker.register(value.reveal());
        found.insert(row.name, value);
    }
    Ok(found)
}

/// Which values a run would get, as one word each: another value is another word.
pub async fn versions(ctx: &Context, repo: &Repo, trust: Trust, names: &[&str]) -> Result<Vec<String>, JobError> {
    let rows = allowed(ctx, repo, trust, names).await?;
    Ok(rows.into_iter().map(|row| format!("{}@{}", row.name, row.id)).collect())
}

async fn allowed(ctx: &Context, repo: &Repo, trust: Trust, names: &[&str]) -> Result<Vec<SecretRow>, JobError> {
    if names.is_empty() || matches!(trust, Trust::Queue | Trust::Fork) {
        return Ok(Vec::new());
    }
    let mut rows = ctx.store.secrets_for(&repo.full_name(), None).await?;
    rows.retain(|row| names.contains(&row.name.as_str()) && (row.trust != "protected" || trust == Trust::Protected));
    Ok(rows)
}

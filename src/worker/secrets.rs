//! Which secrets a run gets: by name, by repository, and never more than its trust allows.

use std::collections::BTreeMap;

use super::verdict::JobError;
use crate::context::Context;
use crate::domain::ids::Repo;
use crate::domain::task::Trust;
use crate::settings::Secret;
use crate::store::seal::Place;

/// The named secrets that this run may have. A name that is missing is simply not set, as on GitHub.
pub async fn for_run(
    ctx: &Context,
    repo: &Repo,
    trust: Trust,
    names: &[&str],
) -> Result<BTreeMap<String, Secret>, JobError> {
    let mut found = BTreeMap::new();
    if names.is_empty() || matches!(trust, Trust::Queue | Trust::Fork) {
        return Ok(found);
    }
    for row in ctx.store.secrets_for(&repo.full_name(), None).await? {
        let protected = row.trust == "protected";
        if !names.contains(&row.name.as_str()) || (protected && trust != Trust::Protected) {
            continue;
        }
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

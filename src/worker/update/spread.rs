//! Whom a package concerns.

use std::collections::BTreeSet;

use super::tell;
use crate::context::Context;
use crate::domain::decide::UpdatesState;
use crate::domain::update::Ecosystem;
use crate::domain::update::advisory::Name;
use crate::domain::update::course::News;
use crate::worker::queue::{new_job, start};
use crate::worker::verdict::JobError;

/// Tells every repository that has one of these packages, but the one that knows.
pub async fn spread(ctx: &Context, changed: &BTreeSet<Name>, but: Option<i64>) -> Result<(), JobError> {
    if changed.is_empty() {
        return Ok(());
    }
    let names: BTreeSet<String> = changed.iter().map(written).collect();
    let mut jobs = Vec::new();
    for state in states(ctx).await? {
        let concerned = state.look.packages.iter().any(|name| names.contains(name));
        if concerned && but != Some(state.repo.id) {
            jobs.push(new_job(&tell(state.repo.id, News::Look { repo: state.repo }), ctx.clock.now())?);
        }
    }
    Ok(start(ctx, &jobs).await?)
}

/// What is remembered of all repositories.
pub async fn states(ctx: &Context) -> Result<Vec<UpdatesState>, JobError> {
    let rows = ctx.store.aggregates_since("updates", 0).await?;
    // A row of an older version is written anew at its next look.
    Ok(rows.iter().filter_map(|row| serde_json::from_str(&row.state).ok()).collect())
}

/// As a look remembers a package.
fn written((ecosystem, name): &Name) -> String {
    format!("{}:{name}", ecosystem.as_str())
}

/// The same the other way.
pub fn parsed(text: &str) -> Option<Name> {
    let (word, name) = text.split_once(':')?;
    let ecosystem = Ecosystem::ALL.into_iter().find(|ecosystem| ecosystem.as_str() == word)?;
    Some((ecosystem, name.to_owned()))
}

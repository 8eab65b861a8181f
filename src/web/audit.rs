//! `/audit`, filled from what people did.

use axum::extract::{RawQuery, State};
use axum::response::Html;
use axum::routing::get;
use axum::{Extension, Router};

use super::acts::fields;
use super::live::Failed;
use super::pages::audit::{Act, Audit};
use super::session::{Site, Viewer};
use crate::store::ActRow;

/// Acts on one page.
const SHOWN: i64 = 100;

/// The page.
pub fn routes() -> Router<Site> {
    Router::new().route("/audit", get(show))
}

async fn show(
    State(site): State<Site>,
    Extension(viewer): Extension<Viewer>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failed> {
    let query = fields(query.as_deref().unwrap_or_default().as_bytes());
    let before = query.get("before").and_then(|before| before.parse().ok()).unwrap_or(i64::MAX);
    let mut rows = site.ctx.store.acts(before, SHOWN + 1).await?;
    let more = rows.len() as i64 > SHOWN;
    rows.truncate(SHOWN as usize);
    let older = rows.last().filter(|_| more).map(|row| row.id);
    let act = |row: ActRow| Act {
        at: row.act.at,
        who: row.act.who,
        what: row.act.what,
        subject: row.act.subject,
        outcome: row.outcome.unwrap_or_default(),
    };
    let page = Audit {
        now: site.ctx.clock.now(),
        who: viewer.who(),
        acts: rows.into_iter().map(act).collect(),
        older,
        newest: before == i64::MAX,
    };
    Ok(Html(page.render()))
}

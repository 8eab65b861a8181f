//! `/plans`, filled from the rows of plans.

use std::time::Duration;

use axum::extract::State;
use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::domain::plan::PlanState;
use crate::domain::speech;
use crate::web::live::{Failed, Look, feed};
use crate::web::pages::plans::{Member, Plan, Plans};
use crate::web::readable::readable;
use crate::web::session::{Site, Viewer};

/// How often a page looks for news.
const LOOK: Duration = Duration::from_secs(1);

/// The page.
pub fn routes() -> Router<Site> {
    Router::new().route("/plans", get(show)).route("/plans/events", get(events))
}

async fn show(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    Ok(Html(page(&site, &viewer).await?.render()))
}

/// The plans of the repositories that somebody may read. Of a plan without any only admins hear.
async fn page(site: &Site, viewer: &Viewer) -> anyhow::Result<Plans> {
    let rows = site.ctx.store.aggregates_of(0, "plan").await?;
    let mut states = rows.iter().map(|row| serde_json::from_str(&row.state)).collect::<Result<Vec<PlanState>, _>>()?;
    let mut note = None;
    if viewer.person.is_some() {
        let repos = states.iter().flat_map(|state| &state.members).map(|member| (member.repo.id, member.repo.clone()));
        let (may, unknown) = readable(site, viewer, repos.collect()).await;
        for state in &mut states {
            state.members.retain(|member| may.get(&member.repo.id).copied().unwrap_or(false));
        }
        note = unknown;
    }
    states.retain(|state| viewer.admin || !state.members.is_empty());
    let web = site.ctx.github.web_url();
    let note = note.map(|why| speech::pages::cannot_ask(why).words).unwrap_or_default();
    Ok(Plans { who: viewer.who(), note, all: states.iter().map(|state| plan(state, web)).collect() })
}

fn plan(state: &PlanState, web: &str) -> Plan {
    let mut members: Vec<_> = state.members.iter().collect();
    members.sort_by_key(|member| (member.cohort.unwrap_or(usize::MAX), member.repo.full_name()));
    let member = |member: &&crate::domain::plan::Member| Member {
        repo: member.repo.full_name(),
        version: member.version.to_string(),
        cohort: member.cohort.map(|cohort| (cohort + 1).to_string()).unwrap_or_default(),
        stage: speech::plan::stage(member),
        pull: member.pull.map(|pull| (format!("{web}/{}/pull/{pull}", member.repo.full_name()), pull)),
    };
    Plan {
        name: state.name.clone(),
        standing: speech::plan::standing(state),
        bad: state.stopped.is_some(),
        trouble: state.trouble.clone(),
        members: members.iter().map(member).collect(),
    }
}

/// Tells the page when something changed.
async fn events(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Response {
    let (from, who) = (site.clone(), viewer.waiting());
    feed(&site, &viewer, LOOK, move || {
        let (site, viewer) = (from.clone(), who.clone());
        async move {
            let page = page(&site, &viewer).await;
            Look::at(page.map(|page| format!("{:?} {}", page.all, page.note)).unwrap_or_default())
        }
    })
}

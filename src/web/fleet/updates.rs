//! `/updates`, filled from the rows of updates and of environments.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::domain::decide::{EnvState, Group, Past, Stage, UpdatesState};
use crate::domain::speech;
use crate::domain::speech::updates::fleet as words;
use crate::domain::update::advisory::Finding;
use crate::domain::update::course::{Exposed, Kind};
use crate::domain::update::fleet::{Cure, Exposure, Fleet, Pull, Running, Wait};
use crate::web::live::{Failed, Look, feed};
use crate::web::pages::updates::Updates;
use crate::web::readable::readable;
use crate::web::session::{Site, Viewer};

/// How often a page looks for news.
const LOOK: Duration = Duration::from_secs(1);

/// The page.
pub fn routes() -> Router<Site> {
    Router::new().route("/updates", get(show)).route("/updates/events", get(events))
}

async fn show(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    Ok(Html(page(&site, &viewer).await?.render()))
}

/// The updates of the repositories that somebody may read.
async fn page(site: &Site, viewer: &Viewer) -> anyhow::Result<Updates> {
    let (store, now) = (&site.ctx.store, site.ctx.clock.now());
    let rows = store.aggregates_since("updates", 0).await?;
    let mut states =
        rows.iter().map(|row| serde_json::from_str(&row.state)).collect::<Result<Vec<UpdatesState>, _>>()?;
    let mut note = None;
    if viewer.person.is_some() {
        let repos = states.iter().map(|state| (state.repo.id, state.repo.clone())).collect();
        let (may, unknown) = readable(site, viewer, repos).await;
        states.retain(|state| may.get(&state.repo.id).copied().unwrap_or(false));
        note = unknown;
    }
    states.sort_by_key(|state| state.repo.full_name());
    let live = environments(site).await?;
    let web = site.ctx.github.web_url();
    let read = site.ctx.packages.as_ref().is_some_and(|packages| packages.book().read > 0);
    let mut fleet = Fleet {
        repositories: states.iter().filter(|state| state.look.at > 0).count(),
        advisories_at: states.iter().map(|state| state.look.at).max().filter(|at| read && *at > 0),
        ..Fleet::default()
    };
    for state in &states {
        let running = live.get(&state.repo.id).map_or(&[][..], Vec::as_slice);
        add(&mut fleet, state, (running, web, now));
    }
    let note = note.map(|why| speech::pages::cannot_ask(why).words).unwrap_or_default();
    Ok(Updates { now, who: viewer.who(), note, fleet })
}

/// What serves in an environment.
struct Live {
    running: Running,
    sha: String,
}

/// What serves where, by repository: the environment, and since when.
async fn environments(site: &Site) -> anyhow::Result<BTreeMap<i64, Vec<Live>>> {
    let rollouts = site.ctx.store.rollout_history(None).await?;
    let mut live: BTreeMap<i64, Vec<Live>> = BTreeMap::new();
    for row in site.ctx.store.aggregates_since("env", 0).await? {
        let Ok(state) = serde_json::from_str::<EnvState>(&row.state) else { continue };
        let Some(version) = state.live.or(state.going.filter(|going| going.full).map(|going| going.version)) else {
            continue;
        };
        let ours = rollouts.iter().filter(|row| row.repo_id == state.repo.id && row.environment == state.name);
        let since = ours.filter(|row| row.sha == version.sha).map(|row| row.accepted_at).max();
        let running = Running { environment: state.name, since: since.unwrap_or_default(), percent: 100 };
        live.entry(state.repo.id).or_default().push(Live { running, sha: version.sha });
    }
    Ok(live)
}

fn add(fleet: &mut Fleet, state: &UpdatesState, (running, web, now): (&[Live], &str, i64)) {
    let repo = state.repo.full_name();
    for exposed in &state.look.exposed {
        let cure = cure(state, exposed, (web, now));
        fleet.exposures.push(exposure(&repo, exposed, running.iter().map(|live| live.running.clone()).collect(), cure));
    }
    for Past { exposed, until, sha } in &state.past {
        // What was accepted before the default branch was mended has it still, unless it is the very commit that mended it.
        let has = |live: &&Live| live.running.since < *until && live.sha != *sha;
        let old: Vec<Running> = running.iter().filter(has).map(|live| live.running.clone()).collect();
        let cure = if old.is_empty() { Cure::Ended(*until) } else { Cure::Merged(*until) };
        fleet.exposures.push(exposure(&repo, exposed, old, cure));
    }
    let open = state.groups.iter().filter(|group| !group.batch());
    for group in open.filter(|group| !matches!(group.stage, Stage::Merged | Stage::Closed | Stage::Over(_))) {
        fleet.pulls.push(Pull {
            repo: repo.clone(),
            title: title(group),
            at: group.pull.map(|pull| (format!("{web}/{repo}/pull/{pull}"), pull)),
            security: matches!(group.wanted.kind, Kind::Security(_)),
            since: group.since,
            wait: wait(state, group, now),
        });
    }
    fleet.held.extend(state.look.held.iter().map(|held| (repo.clone(), held.clone())));
    let unknown = state.look.unknown.iter().map(|(name, why)| (repo.clone(), name.clone(), why.clone()));
    fleet.unknown.extend(unknown);
    let about =
        |what: &'static str, why: &String| (repo.clone(), what.to_owned(), why.trim_end_matches('.').to_owned());
    fleet.unknown.extend(state.look.sources.iter().map(|why| about("advisories", why)));
    fleet.unknown.extend(state.look.notes.iter().map(|why| about("some files", why)));
    if !state.trouble.is_empty() {
        fleet.unknown.push((repo, "fairway.toml".to_owned(), state.trouble.clone()));
    }
}

fn exposure(repo: &str, exposed: &Exposed, running: Vec<Running>, cure: Cure) -> Exposure {
    Exposure {
        ids: vec![exposed.id.clone()],
        title: exposed.title.clone(),
        url: exposed.url.clone(),
        severity: exposed.severity,
        published: exposed.published,
        package: exposed.name.clone(),
        version: exposed.version.clone(),
        repo: repo.to_owned(),
        reach: exposed.reach.clone(),
        since: exposed.seen,
        running,
        cure,
    }
}

fn cure(state: &UpdatesState, exposed: &Exposed, (web, now): (&str, i64)) -> Cure {
    let ends = |group: &&Group| {
        let mut fixed = group.wanted.fixed.iter();
        let same = |one: &Finding| one.name == exposed.name && one.version == exposed.version;
        fixed.any(|ended| same(&ended.finding) && ended.finding.ids.contains(&exposed.id))
    };
    match state.groups.iter().find(ends) {
        Some(Group { stage: Stage::Closed, pull: Some(pull), .. }) => Cure::Unwanted(words::unwanted(*pull)),
        Some(group) => {
            let wait = wait(state, group, now);
            match group.pull {
                Some(pull) => Cure::Pull(format!("{web}/{}/pull/{pull}", state.repo.full_name()), pull, wait),
                None => Cure::Coming(wait),
            }
        }
        None if exposed.stays.is_empty() => coming(state, exposed),
        None => Cure::None(exposed.stays.clone()),
    }
}

/// What becomes of a fix that nobody begins.
fn coming(state: &UpdatesState, exposed: &Exposed) -> Cure {
    let no = state.refused.iter().find(|no| no.name == exposed.name);
    match no {
        _ if !state.course.security => Cure::Unwanted(words::no_fixes()),
        Some(no) => Cure::Unwanted(words::unwanted(no.pull)),
        None => Cure::Coming(Wait::Turn),
    }
}

/// Its packages, as a line.
fn title(group: &Group) -> String {
    let mut names: Vec<&str> =
        group.wanted.units.iter().flat_map(|unit| &unit.items).map(|item| item.name.as_str()).collect();
    names.dedup();
    let more = names.len().saturating_sub(3);
    let first = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

fn wait(state: &UpdatesState, group: &Group, now: i64) -> Wait {
    let minutes = |ms: i64| u32::try_from(ms.div_euclid(60_000)).unwrap_or(0);
    match &group.stage {
        Stage::Waiting(_) if matches!(group.wanted.kind, Kind::Security(_)) => Wait::Turn,
        Stage::Waiting(_) if !state.course.due(now) => Wait::Schedule(None),
        Stage::Waiting(_) if state.spent_in(now) >= state.course.minutes_ms => {
            Wait::Minutes(minutes(state.spent_in(now)), minutes(state.course.minutes_ms))
        }
        Stage::Waiting(_) | Stage::Merged | Stage::Closed | Stage::Over(_) => Wait::Turn,
        Stage::Making | Stage::Testing | Stage::Proven => Wait::Checks,
        Stage::Merging | Stage::Queued => Wait::Queue(1),
        Stage::Theirs => Wait::Edited("somebody".to_owned()),
        Stage::Failed(why) => Wait::Stuck(why.clone()),
        Stage::Open if !group.trouble.is_empty() => Wait::Stuck(group.trouble.clone()),
        Stage::Open => Wait::Person,
    }
}

/// Tells the page when something changed.
async fn events(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Response {
    let (from, who) = (site.clone(), viewer.waiting());
    feed(&site, &viewer, LOOK, move || {
        let (site, viewer) = (from.clone(), who.clone());
        async move {
            let page = page(&site, &viewer).await;
            Look::at(page.map(|page| format!("{:?} {}", page.fleet, page.note)).unwrap_or_default())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Repo;
    use crate::domain::update::Ecosystem;
    use crate::domain::update::advisory::Reach;
    use crate::domain::update::course::Refused;

    #[test]
    fn a_fix_that_nobody_wants_does_not_wait_for_its_turn() {
        let mut state = UpdatesState::new(&Repo {
            id: 1,
            owner: "acme".to_owned(),
            name: "shop".to_owned(),
            installation: 1,
            default_branch: "main".to_owned(),
        });
        let exposed = Exposed {
            id: "X-1".to_owned(),
            title: String::new(),
            severity: None,
            url: None,
            published: None,
            name: "time".to_owned(),
            version: "0.1.0".to_owned(),
            file: "Cargo.lock".to_owned(),
            stays: String::new(),
            reach: Reach::Unknown,
            seen: 0,
        };
        let said = |state: &UpdatesState| words::cure(&cure(state, &exposed, ("", 0)), false, 0);
        assert_eq!(said(&state), "its update is being made");
        let (name, version) = (exposed.name.clone(), String::new());
        state.refused.push(Refused { ecosystem: Ecosystem::Cargo, name, version, pull: 7 });
        assert_eq!(said(&state), "its fix was closed with #7; reopen that to have it again");
        state.course.security = false;
        assert_eq!(said(&state), "`security = false` in fairway.toml, so no pull request is opened");
    }
}

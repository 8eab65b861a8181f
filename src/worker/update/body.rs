//! What an update's pull request says, from all that is known of it.

use std::time::Duration;

use anyhow::Context as _;

use crate::context::Context;
use crate::domain::decide::{Group, Stage, UpdatesState};
use crate::domain::record::Body;
use crate::domain::run::Conclusion;
use crate::domain::speech::updates::body::{
    self, Change, Check, Fixed, Kind as About, Merging, Standing, TakenOut, Update,
};
use crate::domain::speech::updates::course as words;
use crate::domain::task::Trust;
use crate::domain::update::artefact::Artefact;
use crate::domain::update::course::{Culprit, Item, Kind, Moved};
use crate::domain::update::{Package, Step, rules};
use crate::registry::artefact::Wanted;
use crate::store::RunRow;
use crate::worker::effect::onboard::newest;
use crate::worker::verdict::JobError;

/// So many packages of one update are looked into.
const LOOKED_INTO: usize = 30;
/// A pull request does not wait longer for what its packages say.
const PATIENCE: Duration = Duration::from_secs(20);

/// Title and body.
pub async fn texts(
    ctx: &Context,
    (state, group): (&UpdatesState, &Group),
    artefacts: &[Artefact],
) -> Result<(String, String), JobError> {
    let update = Update { artefacts: artefacts.to_vec(), ..update(ctx, (state, group)).await? };
    Ok((body::title(&update), body::body(&update)))
}

/// What the published packages say, of as many as can be looked into in a moment.
pub async fn artefacts(ctx: &Context, group: &Group) -> Vec<Artefact> {
    let (Some(packages), Some(proven)) = (&ctx.packages, &group.proven) else { return Vec::new() };
    let items = proven.units.iter().filter_map(|at| group.wanted.units.get(*at)).flat_map(|unit| &unit.items);
    let items: Vec<&Item> = items.collect();
    let mut wanted: Vec<Wanted> = changes(&items, &proven.candidate.changes)
        .into_iter()
        .map(|change| Wanted {
            package: Package { ecosystem: change.ecosystem, registry: None, name: change.name },
            from: change.from,
            to: change.to,
        })
        .collect();
    wanted.truncate(LOOKED_INTO);
    let looked = tokio::time::timeout(PATIENCE, packages.artefacts(&wanted)).await;
    looked.unwrap_or_else(|_| {
        let late = |one: Wanted| Artefact {
            ecosystem: one.package.ecosystem,
            name: one.package.name,
            from: one.from,
            to: one.to,
            told: Err(words::late()),
        };
        wanted.into_iter().map(late).collect()
    })
}

async fn update(ctx: &Context, (state, group): (&UpdatesState, &Group)) -> Result<Update, JobError> {
    let proven = group.proven.clone().unwrap_or_default();
    let items: Vec<&Item> =
        proven.units.iter().filter_map(|at| group.wanted.units.get(*at)).flat_map(|unit| &unit.items).collect();
    let all = ctx.store.runs_of(state.repo.id, &proven.candidate.sha).await?;
    let runs = newest(all.iter().filter(ours));
    let mut taken_out = Vec::new();
    for culprit in &group.trial.culprits {
        taken_out.extend(out(ctx, (state, group), culprit).await?);
    }
    let pages = ctx.policy.pages_url.as_deref();
    let follows = &state.look.follows;
    let merges = state.course.deploys || follows.is_empty();
    Ok(Update {
        kind: about(&group.wanted.kind),
        changes: changes(&items, &proven.candidate.changes),
        removed: removed(&proven.candidate.changes),
        fixed: fixed(group),
        left: group.wanted.left.clone(),
        proof: group.wanted.proof,
        artefacts: Vec::new(),
        checks: runs.into_iter().map(|run| check(run, pages)).collect(),
        merging: Merging { deploys: follows.clone(), by: state.course.rule(&group.wanted.kind).filter(|_| merges) },
        taken_out,
        held: state.look.held.len(),
        page: pages.map(|url| format!("{url}/updates")),
        standing: standing(group),
        trouble: if group.stage == Stage::Queued { words::queued() } else { group.trouble.clone() },
        at: proven.candidate.at,
    })
}

fn about(kind: &Kind) -> About {
    match kind {
        Kind::Security(severity) => About::Security(*severity),
        Kind::Safe => About::Safe,
        Kind::Breaking => About::Breaking,
        Kind::Named(name) => About::Group(name.clone()),
        Kind::Batch => About::Group("batch".to_owned()),
    }
}

fn standing(group: &Group) -> Standing {
    match &group.stage {
        Stage::Theirs => Standing::Edited(None),
        Stage::Merged => Standing::Merged,
        Stage::Closed => Standing::Closed,
        Stage::Over(why) => Standing::Over(why.clone()),
        _ => Standing::Open,
    }
}

/// What was asked for, and what the locks have otherwise beside it.
fn changes(items: &[&Item], moved: &[Moved]) -> Vec<Change> {
    let asked = items.iter().map(|item| Change {
        ecosystem: item.ecosystem,
        name: item.name.clone(),
        from: Some(item.from.clone()),
        to: item.to.clone(),
        published: item.published,
        direct: item.line > 0,
        breaking: breaks(item),
        lock_only: item.lock_only,
        pin: item.pin.clone(),
    });
    // A line of a manifest, and what others need of the same package, may both go to one version; so may two manifests.
    let mut all: Vec<Change> = Vec::new();
    for change in asked {
        let same = |other: &&mut Change| {
            (other.ecosystem, &other.name, &other.from, &other.to)
                == (change.ecosystem, &change.name, &change.from, &change.to)
        };
        match all.iter_mut().find(same) {
            Some(known) => {
                known.direct |= change.direct;
                known.lock_only &= change.lock_only;
            }
            None => all.push(change),
        }
    }
    for moved in moved.iter().filter(|moved| !moved.to.is_empty()) {
        let known =
            |change: &Change| change.ecosystem == moved.ecosystem && change.name == moved.name && change.to == moved.to;
        if !all.iter().any(known) {
            all.push(Change {
                ecosystem: moved.ecosystem,
                name: moved.name.clone(),
                from: (!moved.from.is_empty()).then(|| moved.from.clone()),
                to: moved.to.clone(),
                published: None,
                direct: false,
                breaking: false,
                lock_only: true,
                pin: None,
            });
        }
    }
    all
}

fn breaks(item: &Item) -> bool {
    rules::step(item.ecosystem, &item.from, &item.to) == Some(Step::Breaking)
}

fn removed(moved: &[Moved]) -> Vec<(String, String)> {
    let gone = moved.iter().filter(|moved| moved.to.is_empty());
    gone.map(|moved| (moved.name.clone(), moved.from.clone())).collect()
}

fn fixed(group: &Group) -> Vec<Fixed> {
    let all = group.wanted.fixed.iter();
    all.map(|ended| Fixed { finding: ended.finding.clone(), reach: ended.reach.clone() }).collect()
}

/// Whether it is a candidate's.
fn ours(run: &&RunRow) -> bool {
    Trust::parse(&run.trust) == Trust::Update
}

fn check(run: &RunRow, pages: Option<&str>) -> Check {
    Check {
        name: run.pipeline.clone(),
        conclusion: run.conclusion.as_deref().and_then(Conclusion::parse),
        took: run.finished_at.zip(run.started_at).map(|(end, start)| end - start),
        url: pages.map(|url| format!("{url}/runs/{}", run.id)),
    }
}

/// What failed alone, and the end of the log that says why.
async fn out(
    ctx: &Context,
    (state, group): (&UpdatesState, &Group),
    culprit: &Culprit,
) -> Result<Option<TakenOut>, JobError> {
    let Some(item) = group.wanted.units.get(culprit.unit).and_then(|unit| unit.items.first()) else { return Ok(None) };
    let mut taken = TakenOut {
        name: item.name.clone(),
        from: Some(item.from.clone()),
        to: item.to.clone(),
        check: String::new(),
        log: culprit.why.clone(),
    };
    if let Some(sha) = &culprit.sha {
        let passes =
            |run: &RunRow| run.conclusion.as_deref().and_then(Conclusion::parse).is_some_and(Conclusion::passes);
        let all = ctx.store.runs_of(state.repo.id, sha).await?;
        if let Some(run) = newest(all.iter().filter(ours)).into_iter().find(|run| !passes(run)) {
            let body: Body =
                serde_json::from_str(run.result.as_deref().unwrap_or("{}")).context("a run's result cannot be read")?;
            (taken.check, taken.log) = (run.pipeline.clone(), body.tail);
        }
    }
    Ok(Some(taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::update::Ecosystem;

    #[test]
    fn a_package_of_several_lines_is_one_row() {
        let item = |file: &str, line: u32, lock_only: bool| Item {
            ecosystem: Ecosystem::Npm,
            name: "ws".to_owned(),
            file: file.to_owned(),
            line,
            from: "8.0.0".to_owned(),
            to: "8.18.0".to_owned(),
            lock_only,
            published: None,
            pin: None,
        };
        let (lock, line, other) =
            (item("yarn.lock", 0, true), item("package.json", 4, false), item("b.json", 4, false));
        let other = Item { to: "8.19.0".to_owned(), ..other };
        let rows = changes(&[&lock, &line, &other], &[]);
        let shown: Vec<_> = rows.iter().map(|row| (row.to.as_str(), row.direct, row.lock_only)).collect();
        assert_eq!(shown, [("8.18.0", true, false), ("8.19.0", true, false)]);
    }
}

//! From the store's rows to what the metrics are computed from. What no row says stays unknown.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use crate::domain::decide::PullState;
use crate::domain::metrics::{
    Brought, By, CommitRow, Heard, Input, Kind, Later, Outcome, Place, PullRow, PushRow, RolloutRow, RunRow, Signal,
    SignalKind, Span, heard,
};
use crate::store::{self, Store};

/// A check that is run again within the span had its first attempt before: without it, it would look like a first one.
const BEFORE_MS: i64 = 7 * 24 * 3_600_000;

/// All rows: of rollouts the whole history, for a commit counts only for the first that brought it.
pub async fn input(store: &Store, span: Span, environment: Option<&str>) -> anyhow::Result<Input> {
    let repos = store.repos().await?;
    let names: BTreeMap<i64, String> =
        repos.iter().map(|repo| (repo.id, format!("{}/{}", repo.owner, repo.name))).collect();
    let name = |id: i64| names.get(&id).cloned().unwrap_or_else(|| format!("repository {id}"));
    let history = store.rollout_history(environment).await?;
    let mut input = Input::default();
    let mut brought = brought(store).await?;
    let mut pulls: BTreeMap<Numbered, PullRow> = BTreeMap::new();
    for row in &history {
        let known = brought.remove(&row.id).filter(|brought| brought.next().is_none());
        let commits_known = known.as_ref().is_some_and(|known| known.commits.is_some());
        input.rollouts.push(rollout(row, (name(row.repo_id), commits_known), &history));
        let Some(known) = known else { continue };
        input.commits.extend(known.commits.into_iter().flatten().map(|c| CommitRow { rollout: row.id, ..c }));
        for pull in known.pulls {
            // What was read last knows most: it may have been merged since.
            let key = (name(row.repo_id), pull.number);
            pulls.insert(key, PullRow { repository: name(row.repo_id), ..pull });
        }
    }
    let Heard { pulls: heard, pushes, newcomers } = heard(&places(store, &repos, &name).await?);
    let told: BTreeSet<Numbered> = heard.iter().map(|pull| (pull.repository.clone(), pull.number)).collect();
    input.pushes = pushes;
    input.pushes.extend(heads(store, span, (&name, &told)).await?);
    input.newcomers = newcomers;
    for pull in heard {
        listen(&mut pulls, pull);
    }
    input.pulls = pulls.into_values().collect();
    let runs = store.pull_runs_since(span.since_ms.saturating_sub(BEFORE_MS)).await?;
    input.runs = ran(runs, &name);
    Ok(input)
}

/// A pull request by its repository's name and its number.
type Numbered = (String, i64);

/// What webhooks told, by where.
async fn places(store: &Store, repos: &[store::RepoRow], name: &impl Fn(i64) -> String) -> anyhow::Result<Vec<Place>> {
    let mut since = BTreeMap::new();
    for repo in repos {
        since.insert(repo.id, store.reviews_since(repo.installation_id).await?);
    }
    let mut places: BTreeMap<(i64, String), Place> = BTreeMap::new();
    for row in store.signals().await? {
        let Some(kind) = SignalKind::parse(&row.kind) else { continue };
        let place = places.entry((row.repo_id, row.account.clone())).or_insert_with(|| Place {
            name: if row.repo_id == 0 { row.account } else { name(row.repo_id) },
            signals: Vec::new(),
            reviews_since: since.get(&row.repo_id).copied().flatten(),
        });
        let store::SignalRow { pull, at, who, branch, sha, authored_at, .. } = row;
        place.signals.push(Signal { kind, pull, at, who, branch, sha, authored_at });
    }
    Ok(places.into_values().collect())
}

/// Puts what was told of a pull request beside what a rollout that brought it knows. What it says, and that it was
/// merged, the five metrics take from the rollout alone: one that went live unmerged is not measured from its merge.
fn listen(pulls: &mut BTreeMap<Numbered, PullRow>, told: PullRow) {
    let known = pulls.remove(&(told.repository.clone(), told.number)).unwrap_or_default();
    let PullRow { title, body, head, labels, merged_at, commits, .. } = known;
    let key = (told.repository.clone(), told.number);
    pulls.insert(key, PullRow { title, body, head, labels, merged_at, commits, ..told });
}

async fn brought(store: &Store) -> anyhow::Result<BTreeMap<i64, Brought>> {
    let mut all = BTreeMap::new();
    for (rollout, body) in store.brought_all().await? {
        all.insert(rollout, serde_json::from_str(&body).context("what a rollout brought cannot be read")?);
    }
    Ok(all)
}

fn rollout(
    row: &store::RolloutRow,
    (repository, commits_known): (String, bool),
    history: &[store::RolloutRow],
) -> RolloutRow {
    let marks = &row.marks;
    let kind = kind(&row.kind);
    RolloutRow {
        id: row.id,
        // A repository has one service; what else it has is another environment.
        service: repository.rsplit('/').next().unwrap_or_default().to_owned(),
        repository,
        environment: row.environment.clone(),
        sha: row.sha.clone(),
        base_sha: row.base_sha.clone(),
        commits_known,
        kind,
        pull: row.pull,
        rollback_of: (kind == Kind::Rollback).then(|| live_before(row, history)).flatten(),
        fixes: row.fixes,
        accepted_at: row.accepted_at,
        // Built before somebody asked for it: nobody waited for the build.
        build_done_at: Some(row.build_done_at.max(row.accepted_at)),
        first_traffic_at: marks.first_traffic_at,
        full_at: marks.full_at,
        ended_at: marks.ended_at,
        outcome: marks.outcome.as_deref().and_then(outcome),
        max_weight: u16::try_from(marks.max_weight).unwrap_or(u16::MAX),
        decision: marks.decision.clone(),
        not_a_failure: marks.excused,
        later: marks
            .failed_at
            .filter(|_| marks.failed_by.is_some())
            .map(|failed_at| Later { failed_at, by: marks.failed_by.as_deref().map_or(By::Incident, by) }),
        detected_at: marks.detected_at,
        decided_at: marks.decided_at,
        restored_at: marks.restored_at,
        exposure_weight_minutes: marks.exposure as f64 / 10_000.0 / 60_000.0,
        exposure_bad: marks.bad_requests,
    }
}

/// The rollout that brought what a rollback takes back: the newest before it that had all traffic and that commit.
fn live_before(row: &store::RolloutRow, history: &[store::RolloutRow]) -> Option<i64> {
    let same = |old: &&store::RolloutRow| {
        old.repo_id == row.repo_id && old.environment == row.environment && old.number < row.number
    };
    let brought = |old: &&store::RolloutRow| old.marks.full_at.is_some() && Some(&old.sha) == row.base_sha.as_ref();
    history.iter().filter(same).filter(brought).max_by_key(|old| old.number).map(|old| old.id)
}

fn kind(word: &str) -> Kind {
    match word {
        "hotfix" => Kind::Hotfix,
        "rollback" => Kind::Rollback,
        "redeploy" => Kind::Redeploy,
        "config" => Kind::Config,
        _ => Kind::Planned,
    }
}

fn outcome(word: &str) -> Option<Outcome> {
    Some(match word {
        "live" => Outcome::Live,
        "aborted_auto" => Outcome::AbortedAuto,
        "aborted_manual" => Outcome::AbortedManual,
        "failed_before_traffic" => Outcome::FailedBeforeTraffic,
        "superseded" => Outcome::Superseded,
        "cancelled" => Outcome::Cancelled,
        _ => return None,
    })
}

fn by(word: &str) -> By {
    match word {
        "rollback" => By::Rollback,
        "revert" => By::Revert,
        "hotfix" => By::Hotfix,
        _ => By::Incident,
    }
}

/// Tries that ran something, or were to. One that waits for a person's word, as a fork's does, or that only says
/// something is none: the next is the first.
fn ran(rows: Vec<store::RunRow>, name: &impl Fn(i64) -> String) -> Vec<RunRow> {
    let mut before: BTreeMap<(i64, String, String), i64> = BTreeMap::new();
    let mut runs = Vec::new();
    for row in rows {
        let none = before.entry((row.repo_id, row.sha.clone(), row.pipeline.clone())).or_default();
        if matches!(row.conclusion.as_deref(), Some("action_required" | "neutral")) && row.started_at.is_none() {
            *none += 1;
        } else {
            runs.push(run(name(row.repo_id), row.try_no - *none, row));
        }
    }
    runs
}

fn run(repository: String, attempt: i64, row: store::RunRow) -> RunRow {
    let conclusion = row.conclusion.as_deref();
    RunRow {
        repository,
        sha: row.sha,
        check: row.pipeline,
        attempt: u32::try_from(attempt).unwrap_or(1),
        // Which of them a merge needs is known to GitHub alone.
        required: false,
        created_at: row.created_at,
        started_at: row.started_at,
        completed_at: row.finished_at,
        passed: conclusion == Some("success"),
        stopped: conclusion == Some("cancelled"),
    }
}

/// The heads of pull requests whose opening was not told, each with the time at which Fairway first saw it: one push each.
async fn heads(
    store: &Store,
    span: Span,
    (name, told): (&impl Fn(i64) -> String, &BTreeSet<Numbered>),
) -> anyhow::Result<Vec<PushRow>> {
    let mut pushes = Vec::new();
    for row in store.aggregates_since("pr", span.since_ms).await? {
        let state: PullState = serde_json::from_str(&row.state).context("a pull request's row cannot be read")?;
        let (repository, number) = (name(row.repo_id), state.pull.number);
        // GitHub gives no person such a name. A program's pushes say nothing about how people work.
        if state.pull.author.ends_with("[bot]") || told.contains(&(repository.clone(), number)) {
            continue;
        }
        let heads = state.heads.iter().filter(|head| span.holds(head.seen));
        pushes.extend(heads.map(|head| PushRow { repository: repository.clone(), pull: number, at: head.seen }));
    }
    Ok(pushes)
}

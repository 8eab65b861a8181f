//! From the store's rows to what the metrics are computed from. What no row says stays unknown.

use std::collections::BTreeMap;

use anyhow::Context as _;

use crate::domain::decide::PullState;
use crate::domain::metrics::{
    Brought, By, CommitRow, Input, Kind, Later, Outcome, PullRow, PushRow, RolloutRow, RunRow, Span,
};
use crate::store::{self, Store};

/// A check that is run again within the span had its first attempt before: without it, it would look like a first one.
const BEFORE_MS: i64 = 7 * 24 * 3_600_000;

/// All rows: of rollouts the whole history, for a commit counts only for the first that brought it.
pub async fn input(store: &Store, span: Span, environment: Option<&str>) -> anyhow::Result<Input> {
    let names: BTreeMap<i64, String> =
        store.repos().await?.into_iter().map(|repo| (repo.id, format!("{}/{}", repo.owner, repo.name))).collect();
    let name = |id: i64| names.get(&id).cloned().unwrap_or_else(|| format!("repository {id}"));
    let history = store.rollout_history(environment).await?;
    let mut input = Input::default();
    let mut brought = brought(store).await?;
    let mut pulls: BTreeMap<(i64, i64), PullRow> = BTreeMap::new();
    for row in &history {
        let known = brought.remove(&row.id).filter(|brought| brought.next().is_none());
        let commits_known = known.as_ref().is_some_and(|known| known.commits.is_some());
        input.rollouts.push(rollout(row, (name(row.repo_id), commits_known), &history));
        let Some(known) = known else { continue };
        input.commits.extend(known.commits.into_iter().flatten().map(|c| CommitRow { rollout: row.id, ..c }));
        for pull in known.pulls {
            // What was read last knows most: it may have been merged since.
            pulls.insert((row.repo_id, pull.number), PullRow { repository: name(row.repo_id), ..pull });
        }
    }
    input.pulls = pulls.into_values().collect();
    let runs = store.pull_runs_since(span.since_ms.saturating_sub(BEFORE_MS)).await?;
    input.runs = runs.into_iter().map(|row| run(name(row.repo_id), row)).collect();
    input.pushes = pushes(store, span, &name).await?;
    Ok(input)
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

fn run(repository: String, row: store::RunRow) -> RunRow {
    let conclusion = row.conclusion.as_deref();
    RunRow {
        repository,
        sha: row.sha,
        check: row.pipeline,
        attempt: u32::try_from(row.try_no).unwrap_or(1),
        // Which of them a merge needs is known to GitHub alone.
        required: false,
        created_at: row.created_at,
        started_at: row.started_at,
        completed_at: row.finished_at,
        passed: conclusion == Some("success"),
        stopped: conclusion == Some("cancelled"),
    }
}

/// A pull request's heads, each with the time at which Fairway first saw it: one push each.
async fn pushes(store: &Store, span: Span, name: &impl Fn(i64) -> String) -> anyhow::Result<Vec<PushRow>> {
    let mut pushes = Vec::new();
    for row in store.aggregates_since("pr", span.since_ms).await? {
        let state: PullState = serde_json::from_str(&row.state).context("a pull request's row cannot be read")?;
        // GitHub gives no person such a name. A program's pushes say nothing about how people work.
        if state.pull.author.ends_with("[bot]") {
            continue;
        }
        let number = state.pull.number;
        let heads = state.heads.iter().filter(|head| span.holds(head.seen));
        pushes.extend(heads.map(|head| PushRow { repository: name(row.repo_id), pull: number, at: head.seen }));
    }
    Ok(pushes)
}

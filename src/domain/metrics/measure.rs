//! From all rows to all numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::deploys::{DeployTime, deploy_time};
use super::failure::{Failure, Recovery, ended_in, failures, reached_people, recovery, rework};
use super::flow::{Repository, repository};
use super::lead::{LeadTime, lead_time};
use super::rows::{Input, Kind, Outcome, RolloutRow, Span};
use super::spread::Rate;
use super::story::{Story, is_live, is_redeploy};

/// All numbers of a span. Written as JSON it is what `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// What was asked for.
    pub span: Span,
    /// One for each service in each environment, by name.
    pub services: Vec<Service>,
    /// One for each repository, by name.
    pub repositories: Vec<Repository>,
}

/// The five DORA metrics and the deploy time of one service in one environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Service {
    /// `owner/name`.
    pub repository: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// Changes that reached everybody: planned, hotfixes and configuration, not rollbacks or redeploys.
    pub deployments: usize,
    /// The same a day; `None` when there were none.
    pub deployments_per_day: Option<f64>,
    /// Merged pull requests that reached everybody for the first time, a week; `None` when there were none.
    pub pulls_per_week: Option<f64>,
    /// Change lead time.
    pub lead_time: LeadTime,
    /// Change fail rate: failed ones of those that had traffic, rollbacks left out.
    pub change_fail: Rate,
    /// What never got a request, of all that was meant to.
    pub deploy_fail: Rate,
    /// Sum of share x minutes of the failed ones: how much the failures were seen.
    pub exposure_weight_minutes: f64,
    /// Bad requests that the failed ones served.
    pub exposure_bad: i64,
    /// Failed deployment recovery time.
    pub recovery: Recovery,
    /// Deployment rework rate.
    pub rework: Rate,
    /// Deploy time.
    pub deploy_time: DeployTime,
}

/// Measures what ended in the span. Rows from before it are needed too, see the module.
pub fn measure(input: &Input, span: Span) -> Metrics {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&RolloutRow>> = BTreeMap::new();
    for row in &input.rollouts {
        let key = (row.repository.as_str(), row.service.as_str(), row.environment.as_str());
        groups.entry(key).or_default().push(row);
    }
    let service = |((repository, name, environment), rows): ((&str, &str, &str), Vec<&RolloutRow>)| Service {
        repository: repository.to_owned(),
        service: name.to_owned(),
        environment: environment.to_owned(),
        ..of(&Story::new(rows, input), span)
    };
    let names: BTreeSet<&str> = (input.pulls.iter().map(|row| row.repository.as_str()))
        .chain(input.runs.iter().map(|row| row.repository.as_str()))
        .chain(input.pushes.iter().map(|row| row.repository.as_str()))
        .chain(input.newcomers.iter().map(|row| row.repository.as_str()))
        .collect();
    Metrics {
        span,
        services: groups.into_iter().map(service).collect(),
        repositories: names.into_iter().map(|name| repository(name, input, span)).collect(),
    }
}

/// All but the names.
fn of(story: &Story<'_>, span: Span) -> Service {
    let ended: Vec<&RolloutRow> = story.rollouts.iter().copied().filter(|row| ended_in(row, span)).collect();
    let all = failures(story);
    let failed: Vec<&Failure<'_>> = all.iter().filter(|failure| ended_in(failure.row, span)).collect();
    let deployments = ended.iter().filter(|row| is_deployment(row)).count();
    let had_traffic = ended.iter().filter(|row| reached_people(row)).count();
    let never = ended
        .iter()
        .filter(|row| row.kind != Kind::Rollback && row.outcome == Some(Outcome::FailedBeforeTraffic))
        .count();
    let lead_time = lead_time(story, span);
    let shipped = lead_time.merge_to_live.n + lead_time.merge_to_live.excluded;
    let days = span.days();
    let per = |count: usize, time: f64| (count > 0 && time > 0.0).then(|| count as f64 / time);
    Service {
        repository: String::new(),
        service: String::new(),
        environment: String::new(),
        deployments,
        deployments_per_day: per(deployments, days),
        pulls_per_week: per(shipped, days / 7.0),
        lead_time,
        change_fail: Rate::of(failed.len(), had_traffic),
        deploy_fail: Rate::of(never, never + had_traffic),
        exposure_weight_minutes: failed.iter().map(|failure| failure.row.exposure_weight_minutes).sum(),
        exposure_bad: failed.iter().map(|failure| failure.row.exposure_bad).sum(),
        recovery: recovery(&all, span),
        rework: rework(story, &all, span),
        deploy_time: deploy_time(story, span),
    }
}

fn is_deployment(row: &RolloutRow) -> bool {
    is_live(row) && row.kind != Kind::Rollback && !is_redeploy(row)
}

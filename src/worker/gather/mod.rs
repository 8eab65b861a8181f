//! Reads what a decision may need, and no more: first what we are asked, then GitHub.

pub mod environment;
pub mod onboard;

use super::verdict::JobError;
use crate::context::Context;
use crate::domain::command::{self, Parsed, Role, Verb};
use crate::domain::decide::{BranchState, PullState, UpdatesState};
use crate::domain::event::Pull;
use crate::domain::facts::{Facts, ProjectAt};
use crate::domain::ids::Repo;
use crate::domain::project;
use crate::domain::task::Event;
use crate::domain::update::course::News;
use crate::github::GitHubError;

/// The file at the root of a repository.
const FILE: &str = "fairway.toml";
/// What makes a repository a Dagger module.
const MODULE_FILE: &str = "dagger.json";

/// The facts for a pull request's event.
pub async fn pull(ctx: &Context, number: i64, state: Option<&PullState>, event: &Event) -> Result<Facts, JobError> {
    let mut facts = start(ctx);
    let (repo, project_wanted) = match event {
        Event::Pull { repo, .. } => (repo, false),
        Event::Comment { repo, comment } => {
            let typed = match command::parse(&comment.body) {
                Parsed::Command(typed) => Some(typed.command),
                _ => None,
            };
            if typed.is_some() {
                facts.role = Some(role(ctx, repo, &comment.author).await?);
            }
            if typed == Some(Verb::Status) {
                facts.environments = environment::lines(ctx, repo).await?;
            }
            if typed.is_some_and(|verb| {
                verb.concerns_environments() || matches!(verb, Verb::Onboard | Verb::New | Verb::Plan)
            }) {
                facts.home = Some(project_at(ctx, repo, &repo.default_branch).await?);
            }
            (repo, matches!(typed, Some(Verb::Retry | Verb::Run)))
        }
        Event::Rerun { repo, sender, .. } => {
            facts.role = Some(role(ctx, repo, sender).await?);
            (repo, true)
        }
        _ => return Ok(facts),
    };
    let live = gone_is_none(ctx.github.pull(repo, number).await)?;
    if let Some(live) = &live {
        let planned = state.and_then(|s| s.checks.as_ref()).map(|c| c.sha.as_str());
        // A reopened pull request may have to be planned again though its head is the same.
        let reopened = state.is_some_and(|s| !s.pull.open);
        if live.open && (project_wanted || reopened || planned != Some(live.head_sha.as_str())) {
            facts.project = Some(project_at(ctx, repo, &live.head_sha).await?);
            facts.changed = changed_in_pull(ctx, repo, live, facts.project.as_ref()).await?;
        }
    }
    facts.pull = live;
    Ok(facts)
}

/// The facts for the event of a branch or of a merge-queue entry.
pub async fn branch(ctx: &Context, state: Option<&BranchState>, event: &Event) -> Result<Facts, JobError> {
    let mut facts = start(ctx);
    match event {
        Event::Head { repo, sha, base } if state.and_then(|s| s.checks.as_ref()).is_none_or(|c| c.sha != *sha) => {
            facts.project = Some(project_at(ctx, repo, sha).await?);
            let new = base.bytes().all(|b| b == b'0');
            if uses_paths(facts.project.as_ref()) && !new {
                let files = gone_is_none(ctx.github.compare(repo, base, sha).await)?;
                facts.changed = files.filter(|f| !f.truncated).map(|f| paths(&f.files));
            }
        }
        Event::Rerun { repo, sha, sender, .. } => {
            facts.role = Some(role(ctx, repo, sender).await?);
            facts.project = Some(project_at(ctx, repo, sha).await?);
        }
        _ => {}
    }
    Ok(facts)
}

/// The facts for the event of a repository's updates.
pub async fn updates(ctx: &Context, state: Option<&UpdatesState>, event: &Event) -> Result<Facts, JobError> {
    let mut facts = start(ctx);
    match (event, state) {
        (Event::Updates(news), Some(state)) => {
            if let News::Made { candidate, .. } = news.as_ref() {
                facts.project = Some(project_at(ctx, &state.repo, &candidate.sha).await?);
            }
        }
        (Event::RunFinished { run, .. }, Some(state)) => {
            let runs = ctx.store.runs_of(state.repo.id, &run.sha).await?;
            let ours = runs.iter().filter(|row| row.pipeline == run.pipeline && row.digest == run.digest);
            let took = |row: &crate::store::RunRow| Some(row.finished_at? - row.started_at?);
            facts.took_ms = ours.filter_map(took).next_back().unwrap_or(0);
        }
        _ => {}
    }
    Ok(facts)
}

fn start(ctx: &Context) -> Facts {
    Facts { now: ctx.clock.now(), forks_refused: ctx.engine.refuses_forks(), ..Facts::default() }
}

/// What somebody may do. Who is nobody to this repository may do what anybody may.
async fn role(ctx: &Context, repo: &Repo, user: &str) -> Result<Role, JobError> {
    let access = gone_is_none(ctx.github.permission(repo, user).await)?;
    Ok(access.map_or(Role::Anyone, |access| command::access(&access.role_name, &access.permission)))
}

pub(super) async fn project_at(ctx: &Context, repo: &Repo, sha: &str) -> Result<ProjectAt, JobError> {
    let project = match ctx.github.file(repo, FILE, sha).await? {
        None => None,
        Some(text) => match project::parse(&text) {
            Ok(project) => Some(project),
            Err(problems) => return Ok(ProjectAt::Broken(problems)),
        },
    };
    // A repository with a Dagger module has its checks without saying so.
    let silent = project.as_ref().is_none_or(|project| project.pipelines.is_empty());
    if silent && ctx.github.file(repo, MODULE_FILE, sha).await?.is_some() {
        return Ok(ProjectAt::Found(project.unwrap_or_default().or_module()));
    }
    Ok(project.map_or(ProjectAt::Missing, ProjectAt::Found))
}

async fn changed_in_pull(
    ctx: &Context,
    repo: &Repo,
    pull: &Pull,
    project: Option<&ProjectAt>,
) -> Result<Option<Vec<String>>, JobError> {
    if !uses_paths(project) {
        return Ok(None);
    }
    let files = ctx.github.pull_files(repo, pull.number).await?;
    // GitHub lists at most 3,000: what it leaves out might be what a pipeline is for.
    Ok((!files.truncated).then(|| paths(&files.files)))
}

fn uses_paths(project: Option<&ProjectAt>) -> bool {
    matches!(project, Some(ProjectAt::Found(project)) if project.pipelines.iter().any(|p| !p.paths.is_empty()))
}

/// A renamed file touches both its places.
fn paths(files: &[crate::github::ChangedFile]) -> Vec<String> {
    files.iter().flat_map(|f| f.previous.iter().chain([&f.path]).cloned()).collect()
}

fn gone_is_none<T>(answer: Result<T, GitHubError>) -> Result<Option<T>, JobError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(GitHubError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

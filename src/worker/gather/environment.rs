//! What an environment's decision may need: who asks, what is proven of the commit, what is live elsewhere.

use anyhow::Context as _;

use super::{FILE, gone_is_none, project_at, role};
use crate::context::Context;
use crate::domain::ask::Ask;
use crate::domain::command::{Order, Role};
use crate::domain::decide::EnvState;
use crate::domain::event::Pull;
use crate::domain::facts::{EnvFacts, Front, Lineage, ProjectAt, Proof, Standing};
use crate::domain::ids::Repo;
use crate::domain::project::{self, Environment, Policy, Project, Source, Who};
use crate::domain::record::Body;
use crate::domain::run::Conclusion;
use crate::domain::speech::environment as speech;
use crate::domain::task::{Event, Key, Trust};
use crate::worker::rolled;
use crate::worker::verdict::JobError;

/// The facts for an environment's event.
pub async fn facts(
    ctx: &Context,
    (key, name): (&Key, &str),
    state: Option<&EnvState>,
    event: &Event,
) -> Result<EnvFacts, JobError> {
    let asked = if let Event::Ask(ask) = event { Some(ask) } else { None };
    let host = if ctx.host.is_some() { Ok(()) } else { Err(speech::no_host()) };
    let mut facts = EnvFacts {
        now: ctx.clock.now(),
        name: name.to_owned(),
        definition: Err(String::new()),
        last: None,
        standing: Standing::default(),
        front: None,
        host,
    };
    let front = candidate(state, asked);
    let going = state.and_then(|state| state.going.as_ref());
    // Somebody was promised a way back, which may have to begin now.
    let owed = going.and_then(|going| going.asked.first());
    let Some(repo) = asked.or(front).or(owed).map(|ask| &ask.repo) else { return Ok(facts) };
    if asked.is_none() && owed.is_none() && going.is_some() {
        // Nothing can start, and nobody asked.
        return Ok(facts);
    }
    facts.definition = definition(ctx, repo, name).await?;
    if facts.definition.is_err() && asked.is_some_and(|ask| ask.order.rescues()) {
        let row = ctx.store.newest_rollout(key.repo(), name).await?;
        facts.last = row.map(|row| rolled::spec(&row)).transpose()?.map(|spec| Box::new(spec.environment));
    }
    // Who types is asked about now; who waits, again when it is their turn.
    if let Some(ask) = asked.or(front) {
        facts.standing = standing(ctx, ask, facts.definition.as_ref().ok().map(|found| &*found.1)).await?;
    }
    let environment = facts.definition.as_ref().ok();
    if let (Some(ask), Some((project, environment))) = (front, environment) {
        let front = proofs(ctx, (key, ask), (project, environment), state).await?;
        facts.front = Some(front);
    }
    Ok(facts)
}

/// What is live in a repository's environments, and who holds them, each in a line.
pub async fn lines(ctx: &Context, repo: &Repo) -> Result<Vec<String>, JobError> {
    let mut lines = Vec::new();
    for row in ctx.store.aggregates_of(repo.id, "env").await? {
        let state: EnvState = serde_json::from_str(&row.state).context("an environment's row cannot be read")?;
        lines.push(crate::domain::speech::place::line(&state, ctx.clock.now()));
    }
    Ok(lines)
}

/// The request that may start next: the first of the queue, or the one that takes its place.
fn candidate<'a>(state: Option<&'a EnvState>, asked: Option<&'a Ask>) -> Option<&'a Ask> {
    let first = state.and_then(|state| state.queue.first()).map(|waiting| &waiting.ask);
    let wants = asked.filter(|ask| matches!(ask.order, Order::Deploy { .. } | Order::Weight(_)));
    match (first, wants) {
        (Some(first), Some(ask)) if first.pull.is_some() && first.pull == ask.pull => Some(ask),
        (Some(first), _) => Some(first),
        (None, wants) => wants,
    }
}

type Found = Result<(Box<Project>, Box<Environment>), String>;

async fn definition(ctx: &Context, repo: &Repo, name: &str) -> Result<Found, JobError> {
    Ok(match project_at(ctx, repo, &repo.default_branch).await? {
        ProjectAt::Found(project) => match project.environment(name).cloned() {
            Some(mut environment) => match policies(ctx, repo, &project).await? {
                Ok(policies) => {
                    policies.iter().for_each(|(source, policy)| environment.over(policy, source));
                    Ok((Box::new(project), Box::new(environment)))
                }
                Err(words) => Err(words),
            },
            None => {
                let known: Vec<String> = project.environments.iter().map(|e| e.name.clone()).collect();
                Err(speech::not_in_file(name, &known))
            }
        },
        ProjectAt::Missing => Err(speech::no_file(false)),
        ProjectAt::Broken(_) => Err(speech::no_file(true)),
    })
}

type Policies = Result<Vec<(Source, Policy)>, String>;

/// Every policy that holds in this repository. One that cannot be read stops deploys: nobody knows what it says.
async fn policies(ctx: &Context, repo: &Repo, project: &Project) -> Result<Policies, JobError> {
    let organisation = match ctx.github.organisation_file(repo, FILE).await?.map(|text| project::parse(&text)) {
        None => Policy::default(),
        Some(Ok(theirs)) => theirs.policy,
        Some(Err(problems)) => match problems.first() {
            Some(problem) => return Ok(Err(speech::broken_policy(&repo.owner, problem))),
            None => Policy::default(),
        },
    };
    Ok(Ok(vec![
        (Source::Operator, ctx.policy.floor.clone()),
        (Source::Organisation(repo.owner.clone()), organisation),
        (Source::Repository, project.policy.clone()),
    ]))
}

async fn standing(ctx: &Context, ask: &Ask, environment: Option<&Environment>) -> Result<Standing, JobError> {
    if ask.by.is_empty() {
        return Ok(Standing::default());
    }
    let role = role(ctx, &ask.repo, &ask.by).await?;
    let unnamed = Environment::default();
    let environment = environment.unwrap_or(&unnamed);
    let (mut allowed, mut who) = (true, environment.who.to_string());
    for (whom, floor) in environment.whos() {
        if !is_one(ctx, ask, (whom, role)).await? {
            allowed = false;
            who = match floor {
                Some(_) => format!("{whom} (by {})", speech::rule(environment, floor)),
                None => whom.to_string(),
            };
            break;
        }
    }
    Ok(Standing { login: ask.by.clone(), allowed, writes: role >= Role::Write, role: role.as_str().to_owned(), who })
}

async fn is_one(ctx: &Context, ask: &Ask, (who, role): (&Who, Role)) -> Result<bool, JobError> {
    match who {
        Who::Role(least) => Ok(role >= *least),
        Who::Teams(teams) => {
            for (org, team) in teams {
                if ctx.github.in_team(&ask.repo, (org, team), &ask.by).await? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

async fn proofs(
    ctx: &Context,
    (key, ask): (&Key, &Ask),
    (project, environment): (&Project, &Environment),
    state: Option<&EnvState>,
) -> Result<Front, JobError> {
    let repo = &ask.repo;
    let mut ask = ask.clone();
    let mut pull = match ask.pull {
        Some(number) => gone_is_none(ctx.github.pull(repo, number).await)?,
        None => gone_is_none(ctx.github.merged_by(repo, &ask.sha).await)?.flatten(),
    };
    if let (None, Some(found)) = (ask.pull, &pull) {
        ask.pull = Some(found.number);
    }
    let approvals = match pull.as_ref().filter(|_| wants_approvals(environment, &ask)) {
        // After the merge those of the head that was merged count.
        Some(pull) => ctx.github.approvals(repo, pull, if ask.merged { &pull.head_sha } else { &ask.sha }).await?,
        None => Vec::new(),
    };
    let related = |other: Option<String>| {
        let sha = ask.sha.clone();
        async move {
            match other.filter(|other| *other != sha) {
                Some(other) => Ok::<_, JobError>(Some(ctx.github.lineage(repo, &other, &sha).await?)),
                None => Ok(None::<Lineage>),
            }
        }
    };
    let live = related(state.and_then(|s| s.live.as_ref()).map(|live| live.sha.clone())).await?;
    let held = related(state.and_then(|s| s.held.as_ref()).map(|held| held.bad.clone())).await?;
    let wants_foreign = environment.checks().iter().any(|name| project.pipeline(name).is_none());
    let foreign = if wants_foreign { ctx.github.foreign(repo, &ask.sha).await? } else { Default::default() };
    let elsewhere = match &environment.needs.environment {
        Some(first) => live_in(ctx, key.repo(), first).await?,
        None => None,
    };
    let reverts = pull.as_ref().is_some_and(|pull| is_revert(pull, state));
    let proofs = own(ctx, &ask, (project, environment)).await?;
    if ask.comment.is_none() {
        pull = None;
    }
    Ok(Front { ask, pull, approvals, live, held, reverts, proofs, foreign, elsewhere })
}

fn wants_approvals(environment: &Environment, ask: &Ask) -> bool {
    environment.approvals().0 > 0 || matches!(&ask.order, Order::Deploy { hotfix: Some(_), .. })
}

/// GitHub's own button and ours name the branch after what is taken back, and the title says so too.
fn is_revert(pull: &Pull, state: Option<&EnvState>) -> bool {
    let bad = state.and_then(|state| state.held.as_ref()).and_then(|held| held.pull);
    let branch = bad.is_some_and(|number| {
        let name = pull.head_ref.rsplit('/').next().unwrap_or_default();
        name == format!("revert-{number}") || name.starts_with(&format!("revert-{number}-"))
    });
    branch || pull.title.starts_with("Revert ")
}

async fn live_in(ctx: &Context, repo: i64, environment: &str) -> Result<Option<String>, JobError> {
    let key = Key::Env(repo, environment.to_owned());
    let Some(row) = ctx.store.aggregate(&key.to_string()).await? else { return Ok(None) };
    let state: EnvState = serde_json::from_str(&row.state).context("an environment's row cannot be read")?;
    Ok(state.live.map(|live| live.sha))
}

/// The newest try of each pipeline on this commit, by the default branch's definition and with the trust that counts.
async fn own(
    ctx: &Context,
    ask: &Ask,
    (project, environment): (&Project, &Environment),
) -> Result<Vec<Proof>, JobError> {
    let trust = if ask.merged { Trust::Protected } else { Trust::Pr };
    let runs = ctx.store.runs_of(ask.repo.id, &ask.sha).await?;
    let mut proofs = Vec::new();
    for name in project::needed(project, environment) {
        let Some(pipeline) = project.pipeline(&name) else { continue };
        let digest = project::digest(&pipeline);
        let same =
            runs.iter().filter(|run| run.pipeline == name && run.digest == digest && run.trust == trust.as_str());
        let Some(run) = same.max_by_key(|run| run.try_no) else { continue };
        let body: Body = serde_json::from_str(run.result.as_deref().unwrap_or("{}")).context("a run's result")?;
        let kept = body.export.filter(|digest| ctx.engine.kept(digest).is_some());
        let conclusion = run.conclusion.as_deref().and_then(Conclusion::parse);
        proofs.push(Proof {
            lost: name == environment.release && conclusion == Some(Conclusion::Success) && kept.is_none(),
            pipeline: name,
            attempt: run.try_no,
            conclusion,
            export: kept,
            ended_at: run.finished_at.unwrap_or(run.created_at),
        });
    }
    Ok(proofs)
}

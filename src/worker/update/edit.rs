//! The ecosystem's own client at work: a run of an engine like any other, without secrets, on the commit that was looked at.
//!
//! A repository's own client configuration can make a client run code. It is taken away before, and what is left runs as a
//! fork's code would. Only manifests and locks come back.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::script::{OUT, steps};
use crate::context::Context;
use crate::domain::facts::ProjectAt;
use crate::domain::ids::Repo;
use crate::domain::onboard::File;
use crate::domain::project::Project;
use crate::domain::speech::updates::course as words;
use crate::domain::update::Files;
use crate::domain::update::edit::{Plan, failure};
use crate::engine::{Outcome, RunEvent, RunSpec};
use crate::settings::Secret;
use crate::store::Job;
use crate::worker::gather::project_at;
use crate::worker::verdict::JobError;

/// A client that takes longer has lost itself.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// The most bytes of a changed file, as GitHub takes them.
const LARGEST: u64 = 32 * 1024 * 1024;
/// The end of what the client said that is kept.
const SAID: usize = 64 * 1024;
/// Runs the plan's commands on a commit. Gives the files that changed, or why none can, in words.
pub async fn edit(
    ctx: &Context,
    job: &Job,
    (repo, sha): (&Repo, &str),
    (texts, plan): (&Files, &Plan),
) -> Result<Result<Vec<File>, String>, JobError> {
    if plan.commands.is_empty() {
        return Ok(Ok(changed(texts, plan.files.iter().cloned())));
    }
    let project = match project_at(ctx, repo, sha).await? {
        ProjectAt::Found(project) => Some(project),
        _ => None,
    };
    let spec = spec(ctx, job, (repo, sha), (plan, project.as_ref())).await?;
    let (sender, receiver) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let _stopped = cancel.clone().drop_guard();
    let (outcome, heard) = tokio::join!(ctx.engine.run(spec, sender, cancel), listen(receiver));
    match (outcome, heard.export) {
        (Outcome::Success, Some(digest)) => {
            let Some(kept) = ctx.engine.kept(&digest) else {
                return Err(anyhow::anyhow!("what the client wrote is gone").into());
            };
            let read = read(&kept, plan);
            ctx.engine.forget(&digest);
            Ok(read.and_then(|files| held(texts, plan, files)))
        }
        (Outcome::Success, None) => Err(anyhow::anyhow!("the client's run kept nothing").into()),
        (Outcome::Failed, _) => Ok(Err(failure(&String::from_utf8_lossy(&heard.said)))),
        (Outcome::TimedOut, _) => Ok(Err(words::client_slow())),
        (Outcome::Refused(why) | Outcome::Impossible(why), _) => Ok(Err(why)),
        (Outcome::NotNow(why), _) => Err(JobError::Wait { until: ctx.clock.now() + 5_000, why }),
        (Outcome::Cancelled, _) => Err(anyhow::anyhow!("the client was stopped").into()),
        (Outcome::Broken(why), _) => Err(anyhow::anyhow!(why).into()),
    }
}

async fn spec(
    ctx: &Context,
    job: &Job,
    (repo, sha): (&Repo, &str),
    (plan, project): (&Plan, Option<&Project>),
) -> Result<RunSpec, JobError> {
    let clients = ctx.clients.as_ref();
    Ok(RunSpec {
        attempt: job.attempt,
        clone_url: ctx.github.clone_url(repo),
        token: Some(Secret::new(ctx.github.clone_token(repo).await?)),
        sha: sha.to_owned(),
        steps: steps(plan, clients),
        env: clients.env.clone(),
        cache_scope: format!("{}/update", repo.id),
        timeout: TIMEOUT,
        export: Some(OUT.to_owned()),
        // Registries have something else today, which no engine's cache knows.
        fresh: Some((0, format!("{}-{}", job.id, job.attempt))),
        fork: ctx.engine.refuses_forks().is_none(),
        image: image(plan, project),
        // No run of a pipeline has that number.
        ..RunSpec::new(-job.id, &repo.full_name())
    })
}

/// The image of the first pipeline that has one: it is where the repository's own client runs.
fn image(plan: &Plan, project: Option<&Project>) -> Option<String> {
    let own = project.into_iter().flat_map(|project| &project.pipelines);
    let word = |c: char| c.is_alphanumeric() || "-_".contains(c);
    let uses = |line: &String| {
        let mut words = line.split(|c| !word(c));
        words.any(|name| plan.commands.iter().any(|command| command.argv[0] == name))
    };
    let mut with = own.filter(|pipeline| pipeline.image.is_some());
    with.clone().find(|pipeline| pipeline.run.iter().any(uses)).or_else(|| with.next()).and_then(|p| p.image.clone())
}

/// What was heard of a run.
#[derive(Default)]
struct Heard {
    export: Option<String>,
    said: Vec<u8>,
}

async fn listen(mut events: mpsc::Receiver<RunEvent>) -> Heard {
    let mut heard = Heard::default();
    while let Some(event) = events.recv().await {
        match event {
            RunEvent::Exported { digest } => heard.export = Some(digest),
            RunEvent::Log { bytes, .. } => {
                heard.said.extend(bytes);
                let over = heard.said.len().saturating_sub(SAID);
                heard.said.drain(..over);
            }
            _ => {}
        }
    }
    heard
}

/// The files that the plan names, and no other.
fn read(kept: &Path, plan: &Plan) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for path in plan.kept() {
        // An export of one folder may be kept as that folder or with it.
        let at = [kept.join(path), kept.join(OUT).join(path)].into_iter().find(|at| at.symlink_metadata().is_ok());
        let Some(at) = at else { continue };
        let plain = at.symlink_metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
        match std::fs::read_to_string(&at) {
            Ok(text) if plain => files.push((path.clone(), text)),
            _ => return Err(words::strange_file(path)),
        }
    }
    Ok(files)
}

/// What the clients left, held against what was wanted of them.
fn held(texts: &Files, plan: &Plan, files: Vec<(String, String)>) -> Result<Vec<File>, String> {
    let files = plan.joined(files)?;
    let mut after = texts.clone();
    after.extend(files.iter().cloned());
    match plan.unmet(&after) {
        Some(why) => Err(why),
        None => Ok(changed(texts, files.into_iter())),
    }
}

fn changed(texts: &Files, files: impl Iterator<Item = (String, String)>) -> Vec<File> {
    let mut changed: Vec<File> = files
        .filter(|(path, text)| texts.get(path) != Some(text))
        .map(|(path, text)| File { path, executable: false, text })
        .collect();
    changed.sort_by(|a, b| a.path.cmp(&b.path));
    changed.dedup_by(|a, b| a.path == b.path);
    changed
}

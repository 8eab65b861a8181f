//! `fairway run`: the pipelines of this checkout, as it stands, on a Dagger engine or with your own tools.

mod graph;
mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::pick::{self, Wish};
use crate::domain::project::{self, Pipeline, Project};
use crate::engine::local::Here;
use crate::engine::{Engine, Outcome, RunEvent, RunSpec};
use crate::settings::{self, Secret};
use graph::Graph;
use show::{Show, Style};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Which pipelines [default: all]; what they need runs first
    pipelines: Vec<String>,
    /// Run a commit in a fresh worktree instead of what stands here
    #[arg(long)]
    sha: Option<String>,
    /// Where steps run: in containers of a Dagger engine, or here with your own tools
    #[arg(long, value_enum, default_value_t)]
    engine: Wish,
    /// Print one JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

impl Args {
    /// All pipelines of what stands somewhere.
    pub fn all(engine: Wish) -> Args {
        Args { pipelines: Vec::new(), sha: None, engine, json: false }
    }
}

/// Independent pipelines at once, on an engine that keeps them apart.
const AT_ONCE: usize = 4;
/// The exit status after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;
/// The exit status when not the code failed but what runs it.
const TROUBLE: u8 = 3;

/// Exit status 0 when all passed, 1 when one did not, 3 when the engine could not run one, 130 after Ctrl-C.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("finding this directory")?;
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let place = match &args.sha {
        Some(sha) => checkout(&here, sha, &scratch.path().join("tree")).await?,
        None => here.clone(),
    };
    let told = run_in((&place, scratch.path()), &args).await.map(ExitCode::from);
    if args.sha.is_some() {
        let path = place.display().to_string();
        git(&here, &["worktree", "remove", "--force", &path]).await?;
    }
    told
}

/// Runs what stands in `place`. Gives the exit status.
pub async fn run_in((place, scratch): (&Path, &Path), args: &Args) -> anyhow::Result<u8> {
    let project = project(place)?;
    let mut graph = Graph::new(&project, &args.pipelines)?;
    let (engine, line) = engine((place, scratch), args.engine).await?;
    let (tx, rx) = mpsc::channel(256);
    let style = if args.json { Style::Json } else { Style::for_people() };
    let showing = tokio::spawn(Show::new(style, (place, graph.several()), &line).follow(rx));
    let cancel = CancellationToken::new();
    let at_once = if engine.name() == "dagger" { AT_ONCE } else { 1 };
    let mut running = JoinSet::new();
    let mut worst = 0;
    loop {
        while running.len() < at_once && !cancel.is_cancelled() {
            let Some(pipeline) = graph.next() else { break };
            let spec = spec(&pipeline, (graph.started(), place));
            running.spawn(one((pipeline, spec), engine.clone(), (tx.clone(), cancel.clone())));
        }
        for (name, need) in graph.never() {
            drop(tx.send(show::News::NotRun { name, need }).await);
        }
        tokio::select! {
            ended = running.join_next() => match ended {
                None => break,
                Some(ended) => {
                    let (pipeline, outcome, found) = ended.context("a pipeline's task")?;
                    worst = worst.max(status(&outcome));
                    graph.finished(&pipeline, (outcome == Outcome::Success, &found));
                }
            },
            pressed = tokio::signal::ctrl_c(), if !cancel.is_cancelled() => {
                pressed.context("waiting for Ctrl-C")?;
                cancel.cancel();
            }
        }
    }
    drop(tx);
    showing.await.context("showing what happens")?;
    Ok(if cancel.is_cancelled() { INTERRUPTED } else { worst.max(u8::from(graph.failed())) })
}

fn status(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Success => 0,
        Outcome::Failed | Outcome::TimedOut | Outcome::Cancelled => 1,
        Outcome::Refused(_) | Outcome::Impossible(_) | Outcome::Broken(_) | Outcome::NotNow(_) => TROUBLE,
    }
}

/// Runs one pipeline and says everything about it.
async fn one(
    (pipeline, spec): (Pipeline, RunSpec),
    engine: Arc<dyn Engine>,
    (tell, cancel): (mpsc::Sender<show::News>, CancellationToken),
) -> (Pipeline, Outcome, Vec<String>) {
    let name = pipeline.name.clone();
    let steps: Vec<String> = pipeline.run.iter().chain(&pipeline.dagger).cloned().collect();
    drop(tell.send(show::News::Started { name: name.clone(), steps }).await);
    let missing: Vec<&String> = pipeline.secrets.iter().filter(|secret| !spec.secrets.contains_key(*secret)).collect();
    for secret in missing {
        let note = format!("The secret {secret} is not set here; type: export {secret}=...");
        drop(tell.send(show::News::Event { name: name.clone(), event: RunEvent::Note(note) }).await);
    }
    let (tx, mut rx) = mpsc::channel(256);
    let mut found = Vec::new();
    let listen = async {
        while let Some(event) = rx.recv().await {
            if let RunEvent::Found(names) = &event {
                found.clone_from(names);
            }
            drop(tell.send(show::News::Event { name: name.clone(), event }).await);
        }
    };
    let (outcome, ()) = tokio::join!(engine.run(spec, tx, cancel), listen);
    drop(tell.send(show::News::Ended { name, outcome: outcome.clone() }).await);
    (pipeline, outcome, found)
}

fn spec(pipeline: &Pipeline, (id, place): (i64, &Path)) -> RunSpec {
    let mine = settings::inherited();
    let secrets = mine.into_iter().filter(|(name, _)| pipeline.secrets.contains(name));
    let folder = place.file_name().unwrap_or_default().to_string_lossy();
    // Neither published nor exported: what is tried here is nobody's release.
    RunSpec {
        checkout: Some(place.to_owned()),
        steps: pipeline.run.clone(),
        call: pipeline.call(),
        env: pipeline.env.clone(),
        secrets: secrets.map(|(name, value)| (name, Secret::new(value))).collect(),
        caches: pipeline.cache.clone(),
        cache_scope: format!("local/{folder}"),
        timeout: Duration::from_millis(pipeline.timeout_ms.max(0) as u64),
        reports: pipeline.report.clone(),
        image: pipeline.image.clone(),
        services: pipeline.services.clone(),
        ..RunSpec::new(id, &format!("local/{folder}"))
    }
}

/// The engine, and a line that says which and why.
async fn engine((place, scratch): (&Path, &Path), wish: Wish) -> anyhow::Result<(Arc<dyn Engine>, String)> {
    let here = || -> anyhow::Result<Arc<dyn Engine>> {
        Ok(Arc::new(Here {
            exe: std::env::current_exe().context("finding this program")?,
            place: place.to_owned(),
            env: settings::inherited(),
            scratch: scratch.to_owned(),
        }))
    };
    if wish == Wish::Local {
        let engine = here()?;
        let line = format!("Engine: local. {}", engine.isolation());
        return Ok((engine, line));
    }
    match pick::answering(&super::open::settings()?, scratch).await {
        Ok(found) => {
            let line = format!("Engine: dagger {} at {}.", found.version, found.address);
            Ok((Arc::new(found.engine), line))
        }
        Err(why) if wish == Wish::Dagger => {
            bail!("{why}; `fairway doctor` looks closer, `--engine local` does without")
        }
        Err(why) => {
            let engine = here()?;
            let line = format!("Engine: local, because {why}. {}", engine.isolation());
            Ok((engine, line))
        }
    }
}

fn project(place: &Path) -> anyhow::Result<Project> {
    let file = place.join("fairway.toml");
    let module = place.join("dagger.json").is_file();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(_) if module => return Ok(Project::default().or_module()),
        Err(error) => {
            if error.kind() == std::io::ErrorKind::NotFound {
                bail!(
                    "there is no fairway.toml in this directory; go to the root of a checkout that has one, or write one:\n  [pipeline.test]\n  run = [\"make test\"]"
                );
            }
            return Err(error).context("fairway.toml cannot be read");
        }
    };
    let project = project::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("fairway.toml cannot be used:\n  {}", lines.join("\n  "))
    })?;
    Ok(if module { project.or_module() } else { project })
}

async fn checkout(here: &Path, sha: &str, to: &Path) -> anyhow::Result<PathBuf> {
    let path = to.display().to_string();
    git(here, &["worktree", "add", "--detach", "--quiet", &path, sha])
        .await
        .with_context(|| format!("commit `{sha}` is not in this clone; fetch it first"))?;
    Ok(to.to_owned())
}

async fn git(here: &Path, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("git").args(args).current_dir(here).output().await.context("starting git")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

//! `fairway run`: the pipelines of this checkout, here, as they stand: no clone, no sandbox, your own tools.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::clock::Clock;
use crate::domain::project::{self, Pipeline, Project};
use crate::domain::run::human_time;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Which pipelines [default: all]; what they need runs first
    pipelines: Vec<String>,
    /// Run a commit in a fresh worktree instead of what stands here
    #[arg(long)]
    sha: Option<String>,
}

/// Exit status 0 when all passed, 1 when one did not.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("finding this directory")?;
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let place = match &args.sha {
        Some(sha) => checkout(&here, sha, &scratch.path().join("tree")).await?,
        None => here.clone(),
    };
    let told = run_in(&place, &args.pipelines).await;
    if args.sha.is_some() {
        let path = place.display().to_string();
        git(&here, &["worktree", "remove", "--force", &path]).await?;
    }
    told
}

async fn run_in(place: &Path, wanted: &[String]) -> anyhow::Result<ExitCode> {
    let file = place.join("fairway.toml");
    let text = std::fs::read_to_string(&file)
        .context("there is no fairway.toml here; write one with a [pipeline.test] and its `run`")?;
    let project = project::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|p| format!("fairway.toml:{}: {}", p.line, p.message)).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let order = order(&project, wanted)?;
    let mut passed: BTreeMap<&str, bool> = BTreeMap::new();
    for pipeline in order {
        let unmet = pipeline.needs.iter().find(|need| passed.get(need.as_str()) == Some(&false));
        if let Some(need) = unmet {
            println!("\n{}  not run: {need} did not pass", pipeline.name);
            passed.insert(&pipeline.name, false);
            continue;
        }
        passed.insert(&pipeline.name, steps(place, pipeline).await?);
    }
    let failed = passed.values().filter(|ok| !**ok).count();
    println!(
        "\n{}",
        if failed == 0 { "all passed".to_owned() } else { format!("{failed} of {} did not pass", passed.len()) }
    );
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The named pipelines and all they need, needs first.
fn order<'a>(project: &'a Project, wanted: &[String]) -> anyhow::Result<Vec<&'a Pipeline>> {
    let known: Vec<&str> = project.pipelines.iter().map(|p| p.name.as_str()).collect();
    for name in wanted {
        if !known.contains(&name.as_str()) {
            bail!("there is no pipeline `{name}` in fairway.toml; there is: {}", known.join(", "));
        }
    }
    let mut names: Vec<String> =
        if wanted.is_empty() { known.iter().map(|n| (*n).to_owned()).collect() } else { wanted.to_vec() };
    let mut at = 0;
    while at < names.len() {
        let needs = project.pipelines.iter().filter(|p| p.name == names[at]).flat_map(|p| p.needs.clone());
        let new: Vec<String> = needs.filter(|n| !names.contains(n)).collect();
        names.extend(new);
        at += 1;
    }
    let sorted = project::order(&project.pipelines)
        .map_err(|cycle| anyhow::anyhow!("needs go in a circle: {}", cycle.0.join(", ")))?;
    Ok(sorted.into_iter().filter(|p| names.contains(&p.name)).collect())
}

async fn steps(place: &Path, pipeline: &Pipeline) -> anyhow::Result<bool> {
    println!("\n{}", pipeline.name);
    let clock = Clock::system();
    let end = clock.now() + pipeline.timeout_ms;
    for line in &pipeline.run {
        println!("$ {line}");
        let begin = clock.now();
        let mut command = Command::new("sh");
        command
            .args(["-e", "-c", line])
            .current_dir(place)
            .stdin(Stdio::null())
            .envs(&pipeline.env)
            .env("CI", "true")
            .env("FAIRWAY", "true");
        // Ctrl-C reaches the step by the terminal; whatever ends us otherwise must not leave it behind.
        command.kill_on_drop(true);
        let mut child = command.spawn().context("starting sh")?;
        let ended = tokio::time::timeout(Duration::from_millis((end - begin).max(0) as u64), child.wait()).await;
        let took = human_time(clock.now() - begin);
        match ended {
            Err(_) => {
                child.kill().await?;
                println!("timed out after {}", human_time(pipeline.timeout_ms));
                return Ok(false);
            }
            Ok(status) => {
                let status = status?;
                if !status.success() {
                    println!("failed ({status}) after {took}");
                    return Ok(false);
                }
                println!("passed in {took}");
            }
        }
    }
    Ok(true)
}

async fn checkout(here: &Path, sha: &str, to: &Path) -> anyhow::Result<std::path::PathBuf> {
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

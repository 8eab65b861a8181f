//! `fairway replay FILE --dry-run`: what a delivery would lead to, and why. Nothing is written and nothing is sent.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::domain::command::{self, Parsed};
use crate::domain::decide::{self, Change, First};
use crate::domain::event::Incoming;
use crate::domain::facts::{Facts, ProjectAt};
use crate::domain::project;
use crate::domain::task::{Event, Key};
use crate::github::webhook;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The payload, as GitHub sent it
    file: PathBuf,
    /// GitHub's name of the event [default: the file name up to its first dot]
    #[arg(long)]
    event: Option<String>,
    /// The `fairway.toml` to decide with [default: the one in this directory]
    #[arg(long)]
    project: Option<PathBuf>,
    /// Only say it; required, so that a later version can do more without surprising anybody
    #[arg(long)]
    dry_run: bool,
}

/// Says it.
pub async fn replay(args: Args) -> anyhow::Result<ExitCode> {
    if !args.dry_run {
        bail!("`fairway replay` only says what would happen: add --dry-run");
    }
    let body = std::fs::read(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let named = args.file.file_name().and_then(|n| n.to_str()).and_then(|n| n.split('.').next()).unwrap_or("");
    let event = args.event.as_deref().unwrap_or(named);
    let incoming = webhook::parse(event, &body)
        .map_err(|e| anyhow::anyhow!("this is no payload of `{event}`: {e}. Name the event with --event"))?;
    let Some(incoming) = incoming else {
        println!(
            "`{event}`: accepted and dropped: nobody handles this event, or the payload does not name the App's installation. If it is another event, name it with --event."
        );
        return Ok(ExitCode::SUCCESS);
    };
    let project = read_project(args.project)?;
    explain(incoming, project);
    Ok(ExitCode::SUCCESS)
}

fn read_project(path: Option<PathBuf>) -> anyhow::Result<ProjectAt> {
    let given = path.is_some();
    let path = path.unwrap_or_else(|| PathBuf::from("fairway.toml"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(project::parse(&text).map_or_else(ProjectAt::Broken, ProjectAt::Found)),
        Err(error) if given => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        Err(_) => Ok(ProjectAt::Missing),
    }
}

fn explain(incoming: Incoming, project: ProjectAt) {
    match incoming {
        Incoming::Pull { repo, pull, action, .. } => {
            println!("{}#{} {action}, head {}", repo.full_name(), pull.number, pull.head_sha);
            let facts = Facts { pull: Some(pull.clone()), project: Some(project), ..Facts::default() };
            let event = Event::Pull { repo, pull, seen: 0 };
            say(&decide::pull(None, &event, &facts).1);
        }
        Incoming::Push { repo, branch, before, after, .. } => {
            println!("{} {branch} is now {after}", repo.full_name());
            if branch != repo.default_branch {
                println!("  nothing: only pushes to the default branch `{}` are checked", repo.default_branch);
                return;
            }
            let key = Key::Branch(repo.id, branch);
            let facts = Facts { project: Some(project), ..Facts::default() };
            say(&decide::branch(&key, None, &Event::Head { repo, sha: after, base: before }, &facts).2);
        }
        Incoming::MergeGroup { repo, action, head_sha, head_ref, base_sha } => {
            println!("{} merge queue {action}: {head_sha}", repo.full_name());
            let key = Key::Queue(repo.id, head_ref);
            let facts = Facts { project: Some(project), ..Facts::default() };
            let event = if action == "checks_requested" {
                Event::Head { repo, sha: head_sha, base: base_sha }
            } else {
                Event::Gone
            };
            say(&decide::branch(&key, None, &event, &facts).2);
        }
        Incoming::Comment { repo, number, comment } => {
            println!("{}#{number}: {} wrote a comment", repo.full_name(), comment.author);
            match command::parse(&comment.body) {
                Parsed::NotForUs | Parsed::Unknown { did_you_mean: None, .. } => {
                    println!("  nothing: its first line is no command")
                }
                Parsed::Unknown { word, .. } => println!("  refused: there is no /{word}"),
                Parsed::Usage { command, problem } => println!("  refused: {}", problem.sentence(command.command())),
                Parsed::Command(typed) => {
                    let row = typed.command.command();
                    println!("  /{}: done if {} has {} permission", row.name, comment.author, row.role.as_str());
                }
            }
        }
        other => println!("{other:#?}"),
    }
}

fn say(changes: &[Change]) {
    for change in changes {
        match change {
            Change::Plan { run, first: First::Start, .. } => println!("  check `fairway / {}` runs", run.pipeline),
            Change::Plan { run, first: First::Wait(needs), .. } => {
                println!("  check `fairway / {}` waits for {}", run.pipeline, needs.join(", "))
            }
            Change::Plan { run, first: First::Conclude(conclusion, why), .. } => {
                println!("  check `fairway / {}` is {}: {why:?}", run.pipeline, conclusion.as_str());
            }
            other => println!("  {other:?}"),
        }
    }
    if changes.is_empty() {
        println!("  nothing");
    }
}

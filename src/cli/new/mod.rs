//! `fairway new PLAN NAME`: a repository that runs, here or on GitHub.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

use super::doctor::app;
use super::open;
use super::plan::place::{render, write};
use super::plan::{folder, list};
use crate::clock::Clock;
use crate::domain::ids::Repo;
use crate::domain::onboard::File;
use crate::domain::plan::{self, Plan, Values};
use crate::github::{GitHub, GitHubError};

/// The first commit's message.
const MESSAGE: &str = "Begin from a plan";

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The plan: one of Fairway's own by its name, or a folder
    plan: Option<String>,
    /// What the repository is called
    name: Option<String>,
    /// Make it on GitHub, in this organisation, instead of in a folder here
    #[arg(long)]
    org: Option<String>,
    /// A value that the plan asks for
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// Exit status 0 when it is there.
pub async fn new(args: Args) -> anyhow::Result<ExitCode> {
    let (Some(wish), Some(name)) = (&args.plan, &args.name) else {
        bail!("name a plan and a repository, as in `fairway new rust-service shop`. The plans are:\n{}", list());
    };
    if let Err(why) = called(name) {
        bail!("{why}");
    }
    let (plan_name, sources) = folder::sources(wish)?;
    let (_, plan) = folder::find(wish)?;
    let mut values = given(&args.set)?;
    values.insert("name".to_owned(), name.clone());
    let mut files = render((&plan_name, &plan), &values)?;
    // A folder is not followed: nobody could say where its next version comes from.
    if plan::builtin::names().contains(&plan_name.as_str()) {
        files.push(lock((&plan_name, &plan), &plan::digest(&sources), values));
    }
    match &args.org {
        Some(org) => there((org, name), &files).await,
        None => here(name, &files),
    }
}

/// On GitHub, as the App.
async fn there((org, name): (&str, &str), files: &[File]) -> anyhow::Result<ExitCode> {
    let settings = open::settings()?;
    let found = app::find(&settings).map_err(|(why, fix)| anyhow::anyhow!("{why}\n  {fix}"))?;
    let Some(known) = found else { bail!("there is no App yet; type: fairway setup") };
    let github = open::github(&settings, &known.identity, &Clock::system())?;
    let Some(installation) = github.installed_in(org).await? else {
        bail!("the App is not installed in {org}; install it there first: `fairway doctor` says where");
    };
    let repo = match github.create_repository(installation, (org, name)).await {
        Err(GitHubError::Invalid { message, .. }) => match empty(&github, (org, name)).await? {
            Some(repo) => repo,
            None => bail!("{org}/{name} was not made: {message}. Take another name."),
        },
        Err(GitHubError::Forbidden { .. }) => bail!(
            "the App may not make repositories in {org}: it lacks the permission `administration: write`. Grant it, or leave --org out and push the folder yourself"
        ),
        made => made?,
    };
    let Some(first) = files.iter().find(|file| file.path == plan::LOCK).or(files.first()) else {
        bail!("the plan brings no file");
    };
    github
        .begin(&repo, (first, files), MESSAGE)
        .await
        .with_context(|| format!("{org}/{name} was made and is empty; push to it, or delete it and try again"))?;
    let web = github.web_url();
    println!("{org}/{name} is there, with {} files: {web}/{org}/{name}", files.len());
    println!("Its first checks: {web}/{org}/{name}/commits/{}", repo.default_branch);
    Ok(ExitCode::SUCCESS)
}

/// The repository that has that name already, where it has no commit yet: somebody made it and waits for its content.
async fn empty(github: &GitHub, (org, name): (&str, &str)) -> anyhow::Result<Option<Repo>> {
    let repo = match github.repository(org, name).await {
        Err(GitHubError::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    Ok(github.branch(&repo, &repo.default_branch).await?.is_none().then_some(repo))
}

/// In a folder, as a repository with one commit.
fn here(name: &str, files: &[File]) -> anyhow::Result<ExitCode> {
    let place = Path::new(name);
    if place.exists() {
        bail!("there is already something called {name} here; take another name or another directory");
    }
    write(place, files)?;
    let commands: &[&[&str]] = &[&["init", "--quiet", "-b", "main"], &["add", "--all"]];
    for command in commands {
        git(place, command)?;
    }
    // Whoever has not told git who they are makes this commit themselves.
    let committed = git(place, &["commit", "--quiet", "-m", MESSAGE]);
    println!("{name} is there, with {} files.", files.len());
    if committed.is_err() {
        println!("git does not know you yet; commit it yourself: git -C {name} commit -m \"Begin from a plan\"");
    }
    println!("\n  cd {name}\n  fairway run      # what every pull request is checked with");
    Ok(ExitCode::SUCCESS)
}

fn git(place: &Path, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("git").args(args).current_dir(place).output().context("starting git")?;
    if !output.status.success() {
        bail!("git {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// A repository's name, as GitHub takes it and as a folder may be called.
fn called(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 100 || !name.chars().all(plain) || name.starts_with('.') {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        return Err(format!(
            "`{shown}` is no name for a repository: letters, digits, `-`, `_` and `.`, at most 100, no `.` first"
        ));
    }
    Ok(())
}

fn given(set: &[String]) -> anyhow::Result<Values> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => bail!("`--set {text}` has no `=`; write it as `--set port=8081`"),
    };
    set.iter().map(pair).collect()
}

fn lock((name, plan): (&str, &Plan), digest: &str, values: Values) -> File {
    let lock = plan::Lock::new((name, plan), digest, values);
    File { path: plan::LOCK.to_owned(), executable: false, text: lock.text() }
}

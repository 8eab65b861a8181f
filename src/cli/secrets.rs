//! `fairway secrets`: values come in by standard input, so that they stand in no shell history, and never come out again.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::settings::Secret;
use crate::store::NewSecret;
use crate::store::seal::Place;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Store a value, read from standard input, in place of an older one
    Set {
        /// As pipelines name it: capitals, digits and underscores
        name: String,
        /// owner/name of the one repository that may have it
        #[arg(long)]
        repo: String,
        /// Only deploys to this environment may have it
        #[arg(long)]
        env: Option<String>,
        /// Which runs may have it: protected = the default branch only, pr = also pull requests of the repository's own branches
        #[arg(long, default_value = "protected", value_parser = ["protected", "pr"])]
        trust: String,
    },
    /// Show names, never values
    List {
        /// Only those of this repository
        #[arg(long)]
        repo: Option<String>,
    },
    /// Remove one
    Rm {
        /// Its name
        name: String,
        /// owner/name
        #[arg(long)]
        repo: String,
        /// The environment it was set for
        #[arg(long)]
        env: Option<String>,
    },
}

/// Sets, lists or removes.
pub async fn secrets(args: Args) -> anyhow::Result<ExitCode> {
    let (store, clock) = match args.action {
        Action::Set { .. } => super::open::store().await?,
        Action::List { .. } | Action::Rm { .. } => super::open::existing_store().await?,
    };
    match args.action {
        Action::Set { name, repo, env, trust } => {
            check(&name, &repo)?;
            let mut value = String::new();
            std::io::stdin()
                .take(64 * 1024)
                .read_to_string(&mut value)
                .context("reading the value from standard input")?;
            let value = value.strip_suffix('\n').unwrap_or(&value);
            if value.is_empty() {
                bail!(
                    "no value came by standard input; type `printf %s \"$VALUE\" | fairway secrets set {name} --repo {repo}`"
                );
            }
            let place = Place { name: &name, repo: &repo, env: env.as_deref(), trust: &trust };
            let sealed = super::open::seal()?.seal(&place, &Secret::new(value))?;
            let secret = NewSecret {
                name: name.clone(),
                repo: repo.clone(),
                env: env.clone(),
                trust: trust.clone(),
                sealed,
                created_by: "cli".to_owned(),
                now: clock.now(),
            };
            store.put_secret(&secret).await?;
            println!("{name} is set for {repo}");
        }
        Action::List { repo } => {
            let mut rows = store.secrets().await?;
            rows.retain(|row| repo.as_ref().is_none_or(|r| *r == row.repo));
            if rows.is_empty() {
                println!("no secrets{}", repo.map(|repo| format!(" for {repo}")).unwrap_or_default());
            }
            for row in rows {
                let env = row.env.map(|env| format!(" env {env}")).unwrap_or_default();
                println!("{:<32} {:<32} {}{env}", row.name, row.repo, row.trust);
            }
        }
        Action::Rm { name, repo, env } => {
            if store.remove_secret(&name, &repo, env.as_deref()).await? == 0 {
                bail!("there is no secret {name} for {repo}; `fairway secrets list` shows what there is");
            }
            println!("{name} is removed from {repo}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(name: &str, repo: &str) -> anyhow::Result<()> {
    let good = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !good {
        bail!("`{name}` is no name for a secret: use capitals, digits and underscores, for example CODECOV_TOKEN");
    }
    match repo.split_once('/') {
        Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => Ok(()),
        _ => bail!("`{repo}` is no repository: type --repo owner/name"),
    }
}

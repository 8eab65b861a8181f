//! `fairway updates`: what a checkout could have, what it should have, and what is held back, without an account.

mod checkout;
mod registries;
mod security;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::domain::project;
use crate::domain::speech::updates as speech;
use crate::domain::update::{Answers, Decision, Found, Origin, Package, Policy, decide, policy};
use crate::registry::detail::complete;
use crate::registry::{How, Registries};
use security::Security;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The root of a checkout, or any folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Say why there is no update of this package, or which there is
    #[arg(long, value_name = "PACKAGE", conflicts_with = "json")]
    explain: Option<String>,
    /// Ask registries anew, also for what they answered within the last ten minutes
    #[arg(long)]
    fresh: bool,
    /// A folder of advisories in RustSec's or OSV's form, instead of what FAIRWAY_ADVISORIES names; may be repeated
    #[arg(long, value_name = "DIR")]
    offline_db: Vec<PathBuf>,
}

/// Exit status 0 also where there are updates: that is an answer.
pub async fn updates(args: Args) -> anyhow::Result<ExitCode> {
    let now = Clock::system().now();
    let mut found = checkout::found(&args.path)?;
    let policy = wished(&args.path, now, &mut found);
    let registries =
        registries::registries(&args.path, &found, args.fresh, now).await.context("registries cannot be asked")?;
    let mut answers = look_up(&args, &registries, &found, now).await;
    complete(&|wanted| Box::pin(registries.detail(wanted, now)), &found, &mut answers, &policy).await;
    let decision = decide(&found, &answers, &policy);
    let databases = security::databases(&args.offline_db);
    let security = match databases.is_empty() {
        true => None,
        false => Some(security::look(&args.path, &mut found, (registries, databases), &policy).await?),
    };
    if let Some(name) = &args.explain {
        print!("{}", speech::explain(&found, &answers, &decision, (name, now)));
        print!("{}", security.as_ref().map(|s| speech::security::about(&s.report(), name)).unwrap_or_default());
    } else if args.json {
        println!("{:#}", object(&found, &decision, security.as_ref()));
    } else {
        println!("{}", speech::listing(&found, &decision, now));
        let said = security.as_ref().map(|security| speech::security::security(&security.report()));
        print!("{}", said.unwrap_or_else(|| speech::security::unread().to_owned()));
    }
    Ok(ExitCode::SUCCESS)
}

/// What `fairway.toml` says. One that is wrong is no reason to say nothing.
fn wished(root: &Path, now: i64, found: &mut Found) -> Policy {
    let Ok(text) = std::fs::read_to_string(root.join("fairway.toml")) else { return Policy::at(now) };
    let read = match project::parse(&text) {
        Ok(project) => policy(project.raw.get("updates").and_then(toml::Value::as_table), now),
        Err(_) => Err("fairway.toml is not right; type: fairway check".to_owned()),
    };
    read.unwrap_or_else(|why| {
        found.notes.push(format!("{why} (the usual three days of cooldown were taken, and nothing was ignored)"));
        Policy::at(now)
    })
}

async fn look_up(args: &Args, registries: &Registries, found: &Found, now: i64) -> Answers {
    let mut packages: Vec<Package> = found.declared.iter().filter_map(Package::of).collect();
    packages.sort();
    packages.dedup();
    let bar = bar(args, packages.len());
    let done = |count: usize| bar.set_position(u64::try_from(count).unwrap_or(u64::MAX));
    let answers = registries.look_up(&packages, How { now, deep: false }, &done).await;
    bar.finish_and_clear();
    answers
}

/// On a terminal only, and not where a program reads.
fn bar(args: &Args, packages: usize) -> ProgressBar {
    if args.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(packages).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("Looking up {pos} of {len} packages {wide_bar}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn object(found: &Found, decision: &Decision, security: Option<&Security>) -> Value {
    let left = found.declared.iter().filter(|line| matches!(line.origin, Origin::Elsewhere(_)));
    json!({
        "declared": found.declared.len(),
        "locked": found.locked.len(),
        "toolchains": found.toolchains,
        "newest": decision.newest,
        "proposals": decision.proposals,
        "held": decision.held,
        "not_looked_up": decision.unknown,
        "left_alone": left.collect::<Vec<_>>(),
        "advisories": security.map(Security::object),
        "notes": found.notes,
    })
}

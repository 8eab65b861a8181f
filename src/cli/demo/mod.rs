//! `fairway demo`: the story, told by real webhooks, real git, real processes and a real SIGKILL. Exit status 0 only if every step was seen.

mod begins;
mod fleet;
mod load;
mod project;
mod release;
pub mod shop;
mod story;
mod teller;
mod updates;

use std::process::ExitCode;

use anyhow::Context;

use super::child::Recipe;
use teller::Teller;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Leave everything running afterwards, to look at in a browser
    #[arg(long)]
    serve: bool,
    /// The port of the playground [default: any free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
}

/// Tells it.
pub async fn demo(args: Args) -> anyhow::Result<ExitCode> {
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let (hub, ports) = super::play::start(scratch.path(), args.port).await?;
    let recipe = Recipe::new(&hub, &scratch.path().join("fairway")).await?;
    hub.set_webhook_url(recipe.hook());
    println!(
        "Fairway, from a push to an answer. GitHub is played by a stand-in on this machine; everything else is real."
    );
    println!("{}\n", recipe.engine_line);
    let mut teller = Teller::new(hub.clone());
    let mut host = recipe.host().await?;
    let child = recipe.start().await?;
    teller.told("Fairway is up, and a host for what it releases");
    let clone = scratch.path().join("clone");
    let mut story = story::Story { hub: hub.clone(), recipe, child: Some(child), clone, ports };
    let told = story.tell(&mut teller).await;
    if let Err(error) = &told {
        teller.failed(&format!("{error:#}"));
    }
    let whole = teller.summary();
    if args.serve && story.child.is_some() {
        println!(
            "\nGitHub's stand-in: {}/acme/shop/pulls\nFairway's own pages: {}\nThe shop: http://127.0.0.1:{}\nCtrl-C ends all of it.",
            hub.url(),
            story.recipe.pages(),
            ports.staging
        );
        super::serve::interrupted()?.await;
    }
    if let Some(mut child) = story.child.take() {
        child.kill().await.context("ending Fairway")?;
    }
    // The host would start again what ends beside it.
    host.kill().await.context("ending the host")?;
    story.recipe.end_releases().await;
    Ok(if whole && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! `fairway play`: GitHub's stand-in and Fairway together, until Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::child::{Recipe, WEBHOOK_SECRET, free_port};
use super::demo::shop;
use crate::playground::{Playground, PlaygroundOptions};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The port of the playground's pages, API and git
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Keep everything in this directory [default: a temporary one that goes with the process]
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Runs until interrupted.
pub async fn play(args: Args) -> anyhow::Result<ExitCode> {
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let dir = args.dir.unwrap_or_else(|| scratch.path().to_owned());
    let (hub, ports) = start(&dir, args.port).await?;
    let recipe = Recipe::new(&hub, &dir.join("fairway")).await?;
    hub.set_webhook_url(recipe.hook());
    let mut host = recipe.host().await?;
    let mut child = recipe.start().await?;
    let url = hub.url();
    println!("A stand-in for GitHub runs at {url}, and Fairway beside it. Nothing leaves this machine.\n");
    println!("{}\n", recipe.engine_line);
    println!("Four things to try:");
    println!("  1. Open {url}/acme/shop/pull/{} and watch its checks.", shop::open(&hub));
    println!(
        "  2. Type /status, /retry or /help there, as alice, bob or mallory. One comment answers all that is obeyed."
    );
    println!(
        "  3. Push with git:  git clone {}/acme/shop.git  (user bob, any password)",
        url.replace("http://", "http://bob@")
    );
    println!(
        "  4. Type /deploy staging there, and visit http://127.0.0.1:{} for what it serves; then change price.sh and deploy again. Without visitors each stage takes half a minute.",
        ports.staging
    );
    println!("\nFairway's own pages: {}", recipe.pages());
    println!(
        "For verbs such as `fairway releases`: export FAIRWAY_DATA_DIR={}\nCtrl-C ends all of it.",
        dir.join("fairway").display()
    );
    let ended = tokio::select! {
        () = super::serve::interrupted()? => Ok(()),
        ended = child.wait() => Err(anyhow::anyhow!("`fairway serve` ended by itself ({})", ended?)),
        ended = host.wait() => Err(anyhow::anyhow!("`fairway host` ended by itself ({})", ended?)),
    };
    // The host would start again what ends beside it.
    host.kill().await.context("ending the host")?;
    child.kill().await.context("ending Fairway")?;
    recipe.end_releases().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// A playground with the organisation `acme` and its shop, and where that is served once somebody has deployed it.
pub async fn start(dir: &std::path::Path, port: u16) -> anyhow::Result<(Playground, shop::Ports)> {
    let mut options = PlaygroundOptions::in_dir(dir.join("github"));
    options.listen = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    options.webhook_secret = WEBHOOK_SECRET.to_owned();
    options.pages = Some(crate::playground::pages::router);
    let hub = Playground::start(options).await.map_err(|error| {
        anyhow::anyhow!("{error:#}; if another program has port {port}, add for example --port 3001")
    })?;
    hub.cast();
    let ports = shop::Ports { staging: free_port().await?.port(), production: free_port().await?.port() };
    shop::create(&hub, &std::env::current_exe().context("finding this program")?, ports);
    Ok((hub, ports))
}

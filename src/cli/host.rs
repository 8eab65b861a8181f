//! `fairway host`: the proxy and supervisor of one server.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::host;
use crate::telemetry::{self, LogFormat, Masker};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Keep services, releases' processes and their logs below this directory
    #[arg(long, default_value = "fairway-host")]
    state: PathBuf,
    /// Make the admin socket here; `FAIRWAY_HOST` of `fairway serve` names the same path
    #[arg(long, default_value = "fairway-host/admin.sock")]
    admin: PathBuf,
    /// Take requests for services with a `domain` on this address
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Services with a `port` listen on this address
    #[arg(long, default_value = "0.0.0.0")]
    bind: IpAddr,
    /// Let unmerged code run as this user
    #[arg(long, hide = true)]
    playground: bool,
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn host(args: Args) -> anyhow::Result<ExitCode> {
    telemetry::init("info", LogFormat::Text, &Masker::new())?;
    let shared = match args.listen {
        Some(address) => Some(TcpListener::bind(address).await.with_context(|| {
            format!("{address} cannot be listened on; stop what has it, or give --listen another address")
        })?),
        None => None,
    };
    let config = host::Config {
        state: std::path::absolute(&args.state)?,
        admin: args.admin.clone(),
        exe: std::env::current_exe().context("finding this program")?,
        bind: args.bind,
        lenient: args.playground,
    };
    eprintln!("fairway host is told what to do at {}", args.admin.display());
    host::serve(config, shared, Clock::system(), super::serve::interrupted()?).await?;
    Ok(ExitCode::SUCCESS)
}

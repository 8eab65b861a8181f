//! `fairway host`: the proxy and supervisor of one server.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

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
    /// The same with TLS, by the certificates of --certificates
    #[arg(long, requires = "certificates")]
    tls_listen: Option<SocketAddr>,
    /// A directory with NAME/fullchain.pem and NAME/privkey.pem for each host name, such as /etc/letsencrypt/live; read
    /// again when a file changes
    #[arg(long)]
    certificates: Option<PathBuf>,
    /// Take the place of the host that runs with this --admin: it hands over its listeners, no request is lost
    #[arg(long)]
    take_over: bool,
    /// Services with a `port` listen on this address
    #[arg(long, default_value = "0.0.0.0")]
    bind: IpAddr,
    /// Hold releases to their `cpu` by cgroups below this one. Left out: below the host's own, where systemd let it divide that
    #[arg(long)]
    cgroup: Option<PathBuf>,
    /// Let unmerged code run as this user
    #[arg(long, hide = true)]
    playground: bool,
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn host(args: Args) -> anyhow::Result<ExitCode> {
    telemetry::init("info", LogFormat::Text, &Masker::new())?;
    let certificates = args.certificates.as_deref().map(host::Certificates::open).transpose()?;
    let admin = std::path::absolute(&args.admin)?;
    let inherited = if args.take_over { taken(&admin).await? } else { None };
    let listeners = match inherited {
        Some(inherited) => {
            eprintln!(
                "fairway host takes over the listeners of the one that runs; --listen and --tls-listen are not used"
            );
            host::Listeners { inherited: Some(inherited), ..host::Listeners::default() }
        }
        None => host::Listeners {
            plain: bind(args.listen, "--listen")?,
            tls: bind(args.tls_listen, "--tls-listen")?,
            inherited: None,
        },
    };
    let config = host::Config {
        state: std::path::absolute(&args.state)?,
        admin,
        exe: std::env::current_exe().context("finding this program")?,
        bind: args.bind,
        certificates,
        cgroup: args.cgroup,
        lenient: args.playground,
    };
    eprintln!("fairway host is told what to do at {}", args.admin.display());
    host::serve(config, listeners, Clock::system(), super::serve::interrupted()?).await?;
    Ok(ExitCode::SUCCESS)
}

async fn taken(admin: &Path) -> anyhow::Result<Option<host::handover::Inherited>> {
    let admin = admin.to_owned();
    let taken = tokio::task::spawn_blocking(move || host::handover::take_over(&admin)).await?;
    taken.context("the host that runs did not hand over; its log says why")
}

fn bind(address: Option<SocketAddr>, option: &str) -> anyhow::Result<Vec<TcpListener>> {
    let bound = address.map(|address| {
        TcpListener::bind(address).with_context(|| {
            format!("{address} cannot be listened on; stop what has it, or give {option} another address")
        })
    });
    Ok(bound.transpose()?.into_iter().collect())
}

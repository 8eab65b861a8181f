//! `fairway host`: the proxy's listeners, the admin socket, and the keeper. The caller owns the ports and the end.

use std::future::Future;
use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustix::fs::FlockOperation;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::admin;
use super::cgroup;
use super::desk::{DRAIN, Host, tcp};
use super::handover::{self, Gift, Inherited};
use super::keeper::Keeper;
use super::lanes::Lanes;
use super::listen::{Ends, Kind};
use super::proxy::Proxy;
use super::shelf::Shelf;
use super::tls::{self, Certificates};
use crate::clock::Clock;

/// How often certificates are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long a state directory is waited for that a predecessor still has.
const FREE: Duration = Duration::from_secs(5);

/// How a host is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Everything it remembers is below.
    pub state: PathBuf,
    /// Where its admin socket is made.
    pub admin: PathBuf,
    /// This program, for `hold`.
    pub exe: PathBuf,
    /// The address on which services with a port of their own listen.
    pub bind: IpAddr,
    /// For listeners with TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// The cgroup below which releases get their CPU limits; `None`: the host's own, if that was made to be divided.
    pub cgroup: Option<PathBuf>,
    /// Let unmerged code run as the host's own user: only for playing.
    pub lenient: bool,
}

/// Where requests come in for services with a domain.
#[derive(Debug, Default)]
pub struct Listeners {
    /// As they are.
    pub plain: Vec<TcpListener>,
    /// Encrypted.
    pub tls: Vec<TcpListener>,
    /// All of a predecessor's, which are taken instead.
    pub inherited: Option<Inherited>,
}

/// A host's listeners, in the shape in which they go on to a successor.
struct Doors {
    admin: UnixListener,
    handover: tokio::net::UnixListener,
    plain: Vec<Arc<tokio::net::TcpListener>>,
    tls: Vec<Arc<tokio::net::TcpListener>>,
}

/// Serves until `shutdown`, or until a successor serves; then takes no more connections and ends when the last request is
/// through. Releases go on.
///
/// # Errors
/// When the state cannot be read or another host has it, or a socket cannot be made.
pub async fn serve(
    config: Config,
    mut listeners: Listeners,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut inherited = listeners.inherited.take();
    let patience = inherited.as_ref().map_or(Duration::ZERO, |_| DRAIN);
    let mut lock = Some(lock(&config.state).await?);
    let doors = Doors::open(&config.admin, listeners, inherited.as_mut())?;
    let shelf = Arc::new(Shelf::open(&config.state)?);
    let cgroup = cgroup::open(config.cgroup.as_deref());
    if let (Some(_), Err(why)) = (&config.cgroup, &cgroup) {
        tracing::warn!("CPU limits are not applied: {why}");
    }
    let keeper = Arc::new(Keeper::new((&config.state, &config.exe), config.lenient, (clock.clone(), cgroup))?);
    let lanes = Lanes::start(|| Proxy::new(shelf.clone(), clock.clone())).context("starting the host's threads")?;
    let host = Arc::new(Host {
        shelf: shelf.clone(),
        keeper: keeper.clone(),
        doors: tokio::sync::Mutex::default(),
        lanes: Arc::new(lanes),
        bind: config.bind,
        ends: Ends::default(),
        frozen: tokio::sync::RwLock::new(false),
    });
    for place in shelf.all() {
        host.reopen(&place, inherited.as_mut()).await?;
    }
    let stop = CancellationToken::new();
    let (admin, ends, looks) = (unix(doors.admin.try_clone()?)?, stop.clone(), stop.clone());
    let router = admin::router(host.clone());
    let mut work = tokio::task::JoinSet::new();
    work.spawn(async move {
        if let Err(error) = axum::serve(admin, router).with_graceful_shutdown(ends.cancelled_owned()).await {
            tracing::error!("the admin socket: {error}");
        }
    });
    work.spawn(async move {
        tokio::select! { () = keeper.attend(shelf, patience) => {}, () = looks.cancelled() => {} }
    });
    doors.take(&host, config.certificates.as_ref())?;
    if let Some(predecessor) = inherited {
        predecessor.serves();
    }
    attend(&host, &doors, (&config, &mut lock), shutdown).await?;
    stop.cancel();
    host.ends.finish().await;
    host.doors.lock().await.clear();
    drop(lock);
    // Answers on the admin socket are there within a moment.
    let _ = tokio::time::timeout(Duration::from_secs(2), async { while work.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Until the end, or until a successor serves; keeps certificates fresh meanwhile.
async fn attend(
    host: &Host,
    doors: &Doors,
    (config, lock): (&Config, &mut Option<std::fs::File>),
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let successor = tokio::select! {
            () = shutdown.as_mut() => return Ok(()),
            come = doors.handover.accept() => come,
            () = tokio::time::sleep(LOOK) => {
                config.certificates.iter().for_each(|certificates| refresh(certificates));
                continue;
            }
        };
        let Ok((successor, _)) = successor else { continue };
        freeze(host, true).await;
        *lock = None;
        match hand_over(host, doors, successor).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                tracing::warn!("a successor came and did not begin to serve ({error:#}); this host goes on");
                *lock = Some(self::lock(&config.state).await?);
                freeze(host, false).await;
            }
        }
    }
}

impl Doors {
    fn open(admin: &Path, listeners: Listeners, inherited: Option<&mut Inherited>) -> anyhow::Result<Doors> {
        let shared =
            |all: Vec<TcpListener>| all.into_iter().map(|one| Ok(Arc::new(tcp(one)?))).collect::<std::io::Result<_>>();
        let (admin, handover, plain, tls) = match inherited {
            Some(from) => {
                let (plain, tls) = (std::mem::take(&mut from.plain), std::mem::take(&mut from.tls));
                (from.admin.try_clone()?, from.handover.try_clone()?, plain, tls)
            }
            None => (socket(admin)?, socket(&handover::beside(admin))?, listeners.plain, listeners.tls),
        };
        Ok(Doors { admin, handover: unix(handover)?, plain: shared(plain)?, tls: shared(tls)? })
    }

    /// Connections are taken from here on.
    fn take(&self, host: &Arc<Host>, certificates: Option<&Arc<Certificates>>) -> anyhow::Result<()> {
        let listen = |listener: &Arc<tokio::net::TcpListener>, kind| {
            host.ends.listen(listener.clone(), kind, host.lanes.clone(), host.ends.soft.clone());
        };
        for listener in &self.plain {
            listen(listener, Kind::Plain);
        }
        if self.tls.is_empty() {
            return Ok(());
        }
        let certificates = certificates.context("a listener with TLS needs --certificates")?;
        let acceptor = TlsAcceptor::from(tls::config(certificates.clone())?);
        for listener in &self.tls {
            listen(listener, Kind::Tls(acceptor.clone()));
        }
        Ok(())
    }
}

fn refresh(certificates: &Certificates) {
    match certificates.refresh() {
        Ok(problems) => {
            problems.iter().for_each(|why| tracing::warn!("a certificate cannot be used, the one before stays: {why}"))
        }
        Err(error) => tracing::warn!("the certificates cannot be read: {error}"),
    }
}

/// Nothing that is written down changes from here on, or may again.
async fn freeze(host: &Host, frozen: bool) {
    *host.frozen.write().await = frozen;
    host.keeper.rest(frozen);
}

async fn hand_over(host: &Host, doors: &Doors, successor: tokio::net::UnixStream) -> anyhow::Result<()> {
    fn copy(fd: &impl AsFd) -> std::io::Result<OwnedFd> {
        fd.as_fd().try_clone_to_owned()
    }
    let own = host.doors.lock().await;
    let ports = own.iter().map(|(port, own)| Ok((*port, copy(&own.listener)?))).collect::<std::io::Result<_>>()?;
    drop(own);
    let gift = Gift {
        sockets: [copy(&doors.admin)?, copy(&doors.handover)?],
        plain: doors.plain.iter().map(copy).collect::<std::io::Result<_>>()?,
        tls: doors.tls.iter().map(copy).collect::<std::io::Result<_>>()?,
        ports,
    };
    let successor: UnixStream = successor.into_std()?;
    successor.set_nonblocking(false)?;
    Ok(tokio::task::spawn_blocking(move || handover::give(successor, &gift)).await??)
}

/// One host at a time writes below a state directory.
async fn lock(state: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::create_dir_all(state).with_context(|| format!("making {}", state.display()))?;
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(state.join("lock"))?;
    let free = async {
        while rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let got = tokio::time::timeout(FREE, free).await;
    got.map_err(|_| {
        anyhow::anyhow!("another `fairway host` has {}; add --take-over to take its place", state.display())
    })?;
    Ok(file)
}

fn unix(listener: UnixListener) -> std::io::Result<tokio::net::UnixListener> {
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

/// Nobody but its owner may open it.
fn socket(path: &Path) -> anyhow::Result<UnixListener> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    }
    if UnixStream::connect(path).is_ok() {
        anyhow::bail!(
            "another `fairway host` answers at {}; add --take-over to take its place, or give --admin another path",
            path.display()
        );
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(path).with_context(|| format!("{} cannot be made", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

//! `fairway host`: the proxy's listeners, the admin socket, and the keeper. The caller owns the ports and the end.

use std::future::Future;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use super::admin;
use super::desk::{Host, listen};
use super::keeper::Keeper;
use super::proxy::Proxy;
use super::shelf::Shelf;
use crate::clock::Clock;

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
    /// Let unmerged code run as the host's own user: only for playing.
    pub lenient: bool,
}

/// Serves until `shutdown`; then takes no more connections and ends when the last request is through. Releases go on.
///
/// # Errors
/// When the state cannot be read, or a socket cannot be made.
pub async fn serve(
    config: Config,
    shared: Option<TcpListener>,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let shelf = Arc::new(Shelf::open(&config.state)?);
    let keeper = Arc::new(Keeper::new(&config.state, &config.exe, config.lenient)?);
    let proxy = Proxy::new(shelf.clone(), clock);
    let stop = CancellationToken::new();
    let host = Arc::new(Host {
        shelf: shelf.clone(),
        keeper: keeper.clone(),
        doors: tokio::sync::Mutex::default(),
        proxy: proxy.clone(),
        bind: config.bind,
        stop: stop.clone(),
    });
    for place in shelf.all() {
        host.open(&place.name, &place.now().door).await?;
    }
    let admin = socket(&config.admin)?;
    let mut work = tokio::task::JoinSet::new();
    if let Some(listener) = shared {
        work.spawn(listen(listener, proxy, None, stop.clone()));
    }
    let router = admin::router(host.clone());
    let (ends, looks) = (stop.clone(), stop.clone());
    work.spawn(async move {
        if let Err(error) = axum::serve(admin, router).with_graceful_shutdown(ends.cancelled_owned()).await {
            tracing::error!("the admin socket: {error}");
        }
    });
    work.spawn(async move {
        tokio::select! { () = keeper.attend(shelf) => {}, () = looks.cancelled() => {} }
    });
    shutdown.await;
    stop.cancel();
    while work.join_next().await.is_some() {}
    let mut doors = host.doors.lock().await;
    doors.clear();
    Ok(())
}

/// Nobody but its owner may open it.
fn socket(path: &Path) -> anyhow::Result<UnixListener> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!("another `fairway host` answers at {}; stop it, or give --admin another path", path.display());
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(path).with_context(|| format!("{} cannot be made", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

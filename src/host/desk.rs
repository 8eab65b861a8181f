//! What the admin socket acts on: the shelf, the keeper, and the doors of services with a port of their own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::keeper::Keeper;
use super::proxy::{Came, Proxy};
use super::shelf::Shelf;
use super::{Door, Release, TargetError};

/// Everything that the admin socket acts on.
#[derive(Debug)]
pub struct Host {
    /// The services.
    pub shelf: Arc<Shelf>,
    /// Their processes.
    pub keeper: Arc<Keeper>,
    pub(super) doors: tokio::sync::Mutex<BTreeMap<String, (u16, CancellationToken)>>,
    pub(super) proxy: Proxy,
    pub(super) bind: IpAddr,
    pub(super) stop: CancellationToken,
}

impl Host {
    /// Has a release run, without traffic.
    ///
    /// # Errors
    /// `Refused` when its name, its door or its code may not be; `Away` when the disk does not take it.
    pub async fn prepare(&self, name: &str, door: &Door, release: &Release) -> Result<(), TargetError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > 100 || !name.bytes().all(plain) {
            return Err(TargetError::Refused("a service's name has 1 to 100 of `a-z`, `0-9` and `-`".to_owned()));
        }
        self.open(name, door).await.map_err(|error| TargetError::Refused(format!("{error:#}")))?;
        let place = || self.keeper.place(release);
        if let Some(old) = self.shelf.prepare(name, door, place, &release.id)? {
            self.keeper.end(name, &old);
        }
        Ok(())
    }

    /// Listens on a service's own port, once.
    pub(super) async fn open(&self, name: &str, door: &Door) -> anyhow::Result<()> {
        let mut doors = self.doors.lock().await;
        let port = if let Door::Port(port) = door { Some(*port) } else { None };
        if doors.get(name).map(|(known, _)| *known) == port {
            return Ok(());
        }
        if let Some((_, old)) = doors.remove(name) {
            old.cancel();
        }
        if let Some(port) = port {
            let address = SocketAddr::new(self.bind, port);
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("port {port} cannot be listened on; another program may have it"))?;
            let stop = self.stop.child_token();
            tokio::spawn(listen(listener, self.proxy.clone(), Some(name.to_owned()), stop.clone()));
            doors.insert(name.to_owned(), (port, stop));
        }
        Ok(())
    }
}

/// Takes connections until `stop`, then waits for those that it has.
pub(super) async fn listen(listener: TcpListener, proxy: Proxy, service: Option<String>, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            taken = listener.accept() => match taken {
                Ok(taken) => taken,
                Err(error) => {
                    // Too many open files, most likely: the next moment may have one.
                    tracing::warn!("a connection could not be taken: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Without it small answers wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let (proxy, service) = (proxy.clone(), service.clone());
        let serve = service_fn(move |request| {
            let (proxy, service) = (proxy.clone(), service.clone());
            async move { Ok::<_, std::convert::Infallible>(proxy.serve(Came { peer, service }, request).await) }
        });
        let watched = graceful.watcher();
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), serve);
            // A client that breaks off is its own affair.
            let _ = watched.watch(connection).await;
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(std::time::Duration::from_secs(30)) => {}
    }
}

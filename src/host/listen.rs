//! Listeners and connections, and how they end without losing a request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lanes::Lanes;
use super::proxy::{Came, Proxy};

/// A connection on which no request has come for so long is closed; so is one that is slow in saying what it wants.
const IDLE: Duration = Duration::from_secs(75);
/// For so long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After an accept that failed, which happens when descriptors run out.
const BREATH: Duration = Duration::from_millis(50);
/// At the end clients are told with each answer to come anew, for so long; then connections without a request are closed.
const LAST_CALL: Duration = Duration::from_secs(3);
/// Then requests that are still being answered have so long.
const DRAIN: Duration = Duration::from_secs(27);

/// What comes in at a listener.
#[derive(Clone)]
pub enum Kind {
    /// For all services, by name.
    Plain,
    /// The same, encrypted.
    Tls(TlsAcceptor),
    /// For the one service that has this port.
    Own(Arc<str>),
}

/// The end of a host's connections, in its steps.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// No connection is taken any more, and answers say that theirs ends.
    pub soft: CancellationToken,
    hard: CancellationToken,
    open: TaskTracker,
}

impl Ends {
    /// Listeners count as connections do: when all is over nobody listens any more.
    pub fn listen(&self, listener: Arc<TcpListener>, kind: Kind, lanes: Arc<Lanes>, stop: CancellationToken) {
        self.open.spawn(accept(listener, kind, lanes, (self.clone(), stop)));
    }

    /// Takes no more, answers what came, and closes what is idle.
    pub async fn finish(&self) {
        self.soft.cancel();
        self.open.close();
        if tokio::time::timeout(LAST_CALL, self.open.wait()).await.is_ok() {
            return;
        }
        self.hard.cancel();
        if tokio::time::timeout(DRAIN, self.open.wait()).await.is_err() {
            tracing::warn!("the host ends with {} connections that are still in use", self.open.len());
        }
    }
}

/// Takes connections until `stop`.
async fn accept(listener: Arc<TcpListener>, kind: Kind, lanes: Arc<Lanes>, (ends, stop): (Ends, CancellationToken)) {
    loop {
        let taken = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            taken = listener.accept() => taken,
        };
        match taken.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
            Ok(client) => {
                let Some(lane) = lanes.next() else { return };
                let served = connection(client, kind.clone(), lane.proxy.clone(), ends.clone());
                ends.open.spawn_on(served, &lane.handle);
            }
            Err(error) => {
                tracing::warn!("a connection could not be taken: {error}");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn connection((stream, peer): (std::net::TcpStream, SocketAddr), kind: Kind, proxy: Proxy, ends: Ends) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!("a connection could not be taken: {error}"),
    };
    // Without it small answers wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    match kind {
        Kind::Plain => serve(stream, Came::new(peer, None, false), proxy, ends).await,
        Kind::Own(name) => serve(stream, Came::new(peer, Some(name), false), proxy, ends).await,
        Kind::Tls(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => serve(stream, Came::new(peer, None, true), proxy, ends).await,
            // A client that breaks off is its own affair.
            Ok(Err(error)) => tracing::debug!("a TLS handshake failed: {error}"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, came: Came, proxy: Proxy, ends: Ends) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(IDLE)).max_concurrent_streams(256);
    // Of its own each: all connections looking at one token wait for each other.
    let (soft, hard) = (ends.soft.child_token(), ends.hard.child_token());
    let own = Arc::new((proxy, came, soft));
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let own = own.clone();
        async move {
            let (proxy, came, soft) = &*own;
            let old = request.version() < http::Version::HTTP_2;
            let mut answer = proxy.serve(came, request).await;
            if soft.is_cancelled() && old && answer.status() != http::StatusCode::SWITCHING_PROTOCOLS {
                answer.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let _ = tokio::select! {
        ended = connection.as_mut() => ended,
        () = hard.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

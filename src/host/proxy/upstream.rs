//! Connections to a release's processes: kept, taken again, and left when the other side did.

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Body, empty};

/// A process on this machine answers a connection at once or not at all.
const CONNECT: Duration = Duration::from_secs(2);
/// A connection that was idle this long may be closed by the other side at any moment.
const IDLE_MS: i64 = 30_000;
/// Idle connections that are kept to one process.
const MOST: usize = 256;

/// Why no process answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is none.
    Nobody,
    /// None of them takes a connection.
    Refused,
    /// One of them hung up before it answered.
    Broken,
    /// The client did, while it sent its request.
    Client,
    /// It takes too long to begin.
    Late,
}

/// Kept connections by the port of the process.
#[derive(Debug, Default)]
pub struct Upstream {
    idle: Mutex<HashMap<u16, VecDeque<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    since: i64,
}

/// The connection that an answer comes by. Dropped, it is closed.
#[derive(Debug)]
pub struct Line {
    port: u16,
    sender: SendRequest<Body>,
    home: Arc<Upstream>,
}

struct Failed {
    fault: Fault,
    /// The request, when sending it once more can do no harm.
    again: Option<Box<Request<Body>>>,
}

impl Upstream {
    /// Sends a request to one of these processes, `turn` says to which first, and waits for the head of its answer.
    ///
    /// It is sent again only where nothing of it was sent, or where a kept connection was closed under a request that
    /// has no body and changes nothing.
    pub async fn send(
        self: &Arc<Upstream>,
        mut request: Request<Body>,
        (ports, turn): (&[u16], usize),
        now: i64,
    ) -> Result<(Response<Incoming>, Line), Fault> {
        let mut fault = Fault::Nobody;
        for at in 0..ports.len() {
            let port = ports[turn.wrapping_add(at) % ports.len()];
            match self.ask(port, request, now).await {
                Ok(answer) => return Ok(answer),
                Err(Failed { fault, again: None }) => return Err(fault),
                Err(Failed { fault: why, again: Some(back) }) => (fault, request) = (why, *back),
            }
        }
        Err(fault)
    }

    async fn ask(
        self: &Arc<Upstream>,
        port: u16,
        mut request: Request<Body>,
        now: i64,
    ) -> Result<(Response<Incoming>, Line), Failed> {
        if let Some(sender) = self.take(port, now) {
            let copy = copy(&request);
            match self.exchange(port, sender, request).await {
                Ok(answer) => return Ok(answer),
                Err(Failed { fault, again }) => match again.or(copy) {
                    Some(back) if fault == Fault::Broken => request = *back,
                    _ => return Err(Failed { fault, again: None }),
                },
            }
        }
        match connect(port).await {
            Some(sender) => self.exchange(port, sender, request).await,
            None => Err(Failed { fault: Fault::Refused, again: Some(Box::new(request)) }),
        }
    }

    async fn exchange(
        self: &Arc<Upstream>,
        port: u16,
        mut sender: SendRequest<Body>,
        request: Request<Body>,
    ) -> Result<(Response<Incoming>, Line), Failed> {
        match sender.try_send_request(request).await {
            Ok(response) => Ok((response, Line { port, sender, home: self.clone() })),
            Err(mut error) => {
                let again = error.take_message().map(Box::new);
                let fault = if error.into_error().is_user() { Fault::Client } else { Fault::Broken };
                Err(Failed { fault, again })
            }
        }
    }

    /// The one that was used last: the likeliest to live.
    fn take(&self, port: u16, now: i64) -> Option<SendRequest<Body>> {
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.get_mut(&port)?;
        let old = |idle: &Idle| now - idle.since >= IDLE_MS;
        while own.front().is_some_and(old) {
            own.pop_front();
        }
        std::iter::from_fn(|| own.pop_back())
            .find(|idle| !old(idle) && !idle.sender.is_closed())
            .map(|idle| idle.sender)
    }

    fn keep(&self, port: u16, sender: SendRequest<Body>, now: i64) {
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(port).or_default();
        own.push_back(Idle { sender, since: now });
        if own.len() > MOST {
            own.pop_front();
        }
    }
}

impl Line {
    /// The answer is through: the next request may come by the same connection.
    pub fn done(self, now: i64) {
        let Line { port, mut sender, home } = self;
        if sender.is_ready() {
            return home.keep(port, sender, now);
        }
        // What is still on its way out, as after an answer that came before its request was whole, goes first.
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                home.keep(port, sender, now);
            }
        });
    }
}

async fn connect(port: u16) -> Option<SendRequest<Body>> {
    let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let stream = tokio::time::timeout(CONNECT, connecting).await.ok()?.ok()?;
    // Without it small requests wait for the acknowledgement of what went before.
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // Its error is that of the request that it carries, which tells it.
    tokio::spawn(async move { drop(connection.with_upgrades().await) });
    Some(sender)
}

/// The same once more, if it may be sent twice.
fn copy(request: &Request<Body>) -> Option<Box<Request<Body>>> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Box::new(Request::new(empty()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

//! The data plane: a request finds its service, its version and a process of it, and is passed through as it is.

mod body;
mod choose;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue, SET_COOKIE, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::TokioIo;

use self::body::Counted;
use self::choose::{Choice, choose};
use self::upstream::{Fault, Line, Upstream};
use super::shelf::{Place, Placed, Shelf};
use crate::clock::Clock;

/// What is sent and received.
pub type Body = BoxBody<Bytes, hyper::Error>;

/// A release that has not begun to answer after this long is not waited for.
const HEAD: Duration = Duration::from_secs(60);

/// Headers that belong to one connection and are not passed on.
const HOP: [&str; 7] =
    ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"];

/// Passes requests on.
#[derive(Clone, Debug)]
pub struct Proxy {
    shelf: Arc<Shelf>,
    clock: Clock,
    upstream: Arc<Upstream>,
}

/// Where a request came in.
#[derive(Clone, Debug)]
pub struct Came {
    /// From whom.
    pub peer: SocketAddr,
    /// The service whose own port it was.
    pub service: Option<String>,
    /// Whether it was encrypted.
    pub tls: bool,
}

impl Proxy {
    /// For the services on this shelf.
    pub fn new(shelf: Arc<Shelf>, clock: Clock) -> Proxy {
        Proxy { shelf, clock, upstream: Arc::default() }
    }

    /// Serves one request. It never fails: what goes wrong is an answer.
    pub async fn serve(self, came: Came, mut request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "This leads to its own services and nowhere else.\n");
        }
        let Some(place) = self.place(&came, &request) else {
            return plain(StatusCode::NOT_FOUND, "Nothing is served under this name.\n");
        };
        let stored = place.now();
        let Some(choice) = choose(&stored, &request, came.peer) else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "Nothing is deployed here yet.\n");
        };
        let Some(placed) = stored.slots.get(&choice.slot) else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "Nothing is deployed here yet.\n");
        };
        let guard = Counted::begin(place.clone(), choice.clone(), placed.release.id.clone(), self.clock.clone());
        let upgrade = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let request = outgoing(request, &came, &choice);
        let (mut response, line) = match self.pass(request, (&place, placed)).await {
            Ok(answer) => answer,
            Err(Fault::Client) => return plain(StatusCode::BAD_REQUEST, "This request broke off.\n"),
            Err(fault) => return guard.bad(gateway(fault)),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let server_side = hyper::upgrade::on(&mut response);
            if let Some(client_side) = upgrade {
                tokio::spawn(async move {
                    // In flight until either side hangs up.
                    let _both = (guard, line);
                    if let (Ok(one), Ok(two)) = (client_side.await, server_side.await) {
                        let (mut one, mut two) = (TokioIo::new(one), TokioIo::new(two));
                        // Either side may hang up when it likes.
                        let _ = tokio::io::copy_bidirectional(&mut one, &mut two).await;
                    }
                });
            }
            return response.map(|_| empty());
        }
        strip(response.headers_mut());
        if let Some(cookie) = choice.cookie() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        guard.follow(response, line)
    }

    fn place(&self, came: &Came, request: &Request<Incoming>) -> Option<Arc<Place>> {
        if let Some(name) = &came.service {
            return self.shelf.get(name);
        }
        let host = request.uri().host().map(str::to_owned).or_else(|| {
            let host = request.headers().get(HOST)?.to_str().ok()?;
            Some(host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned())
        })?;
        self.shelf.by_domain(&host.to_lowercase())
    }

    /// Sends it to one process of the release, or to the next where that one takes no connection.
    async fn pass(
        &self,
        request: Request<Body>,
        (place, placed): (&Place, &Placed),
    ) -> Result<(Response<Incoming>, Line), Fault> {
        let sending = self.upstream.send(request, (&placed.ports, place.turn()), self.clock.now());
        tokio::time::timeout(HEAD, sending).await.unwrap_or(Err(Fault::Late))
    }
}

/// The request as the release gets it.
fn outgoing(request: Request<Incoming>, came: &Came, choice: &Choice) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    if !parts.headers.contains_key(UPGRADE) {
        strip(&mut parts.headers);
    }
    if !parts.headers.contains_key(HOST) {
        // HTTP/2 has it in the address, HTTP/1.0 may have none.
        let host = parts.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        parts.headers.insert(HOST, host.unwrap_or(HeaderValue::from_static("localhost")));
    }
    forwarded(&mut parts.headers, came);
    parts.headers.insert(HeaderName::from_static("x-fairway-version"), choice.version_header());
    let path = parts.uri.path_and_query().cloned();
    parts.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    parts.version = Version::HTTP_11;
    let body = if body.is_end_stream() { empty() } else { body.boxed() };
    Request::from_parts(parts, body)
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all("connection")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_lowercase()))
        .collect();
    for name in HOP.iter().copied().chain(named.iter().map(String::as_str)) {
        headers.remove(name);
    }
}

/// Whoever is behind us learns who asked. What the client claims itself stays in front of it.
fn forwarded(headers: &mut HeaderMap, came: &Came) {
    let name = HeaderName::from_static("x-forwarded-for");
    let before = headers.get(&name).and_then(|v| v.to_str().ok()).map_or_else(String::new, |v| format!("{v}, "));
    if let Ok(value) = HeaderValue::from_str(&format!("{before}{}", came.peer.ip())) {
        headers.insert(name, value);
    }
    if let Some(host) = headers.get(HOST).cloned() {
        headers.insert(HeaderName::from_static("x-forwarded-host"), host);
    }
    headers.insert(
        HeaderName::from_static("x-forwarded-proto"),
        HeaderValue::from_static(if came.tls { "https" } else { "http" }),
    );
}

fn gateway(fault: Fault) -> Response<Body> {
    let (status, why) = match fault {
        Fault::Nobody => (StatusCode::BAD_GATEWAY, "it has no process"),
        Fault::Refused => (StatusCode::BAD_GATEWAY, "it takes no connection"),
        Fault::Broken | Fault::Client => (StatusCode::BAD_GATEWAY, "it hung up before it answered"),
        Fault::Late => (StatusCode::GATEWAY_TIMEOUT, "it did not answer within a minute"),
    };
    plain(status, &format!("This release cannot be reached: {why}. It is not your fault; try again in a moment.\n"))
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())).map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn empty() -> Body {
    http_body_util::Empty::new().map_err(|never| match never {}).boxed()
}

//! The data plane: a request finds its service, its version and a process of it, and is passed through as it is.

mod body;
mod choose;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
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
const HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const VERSION: HeaderName = HeaderName::from_static("x-fairway-version");

/// Passes requests on.
#[derive(Clone, Debug)]
pub struct Proxy {
    shelf: Arc<Shelf>,
    clock: Clock,
    upstream: Arc<Upstream>,
}

/// Where a request came in.
#[derive(Debug)]
pub struct Came {
    /// From whom: the address without its port.
    address: HeaderValue,
    /// The service whose own port it was.
    service: Option<Arc<str>>,
    /// Whether it was encrypted.
    tls: bool,
}

impl Came {
    /// By a connection of this peer.
    pub fn new(peer: SocketAddr, service: Option<Arc<str>>, tls: bool) -> Came {
        // An address has no letter that a header may not have.
        let address = HeaderValue::try_from(peer.ip().to_string());
        Came { address: address.unwrap_or(HeaderValue::from_static("unknown")), service, tls }
    }
}

impl Proxy {
    /// For the services on this shelf.
    pub fn new(shelf: Arc<Shelf>, clock: Clock) -> Proxy {
        Proxy { shelf, clock, upstream: Arc::default() }
    }

    /// Serves one request. It never fails: what goes wrong is an answer.
    pub async fn serve(&self, came: &Came, mut request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "This leads to its own services and nowhere else.\n");
        }
        let Some(place) = self.place(came, &request) else {
            return plain(StatusCode::NOT_FOUND, "Nothing is served under this name.\n");
        };
        let stored = place.now();
        let Some(choice) = choose(&stored, &request, came.address.as_bytes()) else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "Nothing is deployed here yet.\n");
        };
        let Some(placed) = stored.slots.get(&choice.slot) else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "Nothing is deployed here yet.\n");
        };
        let mut guard = Counted::begin((place.clone(), stored.clone()), choice.clone(), self.clock.clone());
        let upgrade = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let request = guard.sends(outgoing(request, came, &choice));
        let (mut response, line) = match self.pass(request, (&place, placed)).await {
            Ok(answer) => answer,
            Err(Fault::Client) => return plain(StatusCode::BAD_REQUEST, "This request broke off.\n"),
            Err(fault) => return guard.bad(gateway(fault)),
        };
        guard.begins();
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
        let host = request.uri().host().or_else(|| {
            let host = request.headers().get(HOST)?.to_str().ok()?;
            Some(host.rsplit_once(':').map_or(host, |(name, _)| name))
        })?;
        self.shelf.by_domain(host)
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
    parts.headers.insert(VERSION, choice.version_header());
    let path = parts.uri.path_and_query().cloned();
    parts.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    parts.version = Version::HTTP_11;
    let body = if body.is_end_stream() { empty() } else { body.boxed() };
    Request::from_parts(parts, body)
}

fn strip(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> = named.flat_map(|v| v.split(',').filter_map(|name| name.trim().parse().ok())).collect();
    for name in HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Whoever is behind us learns who asked. What the client claims itself stays in front of it.
fn forwarded(headers: &mut HeaderMap, came: &Came) {
    let all = match headers.contains_key(FORWARDED_FOR) {
        false => came.address.clone(),
        true => {
            let before = headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
            let all: Vec<&[u8]> = before.chain([came.address.as_bytes()]).collect();
            HeaderValue::try_from(all.join(&b", "[..])).unwrap_or_else(|_| came.address.clone())
        }
    };
    headers.insert(FORWARDED_FOR, all);
    if let Some(host) = headers.get(HOST).cloned() {
        headers.insert(FORWARDED_HOST, host);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if came.tls { "https" } else { "http" }));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_behind_learns_of_all_who_were_before_and_nothing_of_their_connection() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2, 192.0.2.3"), ("host", "shop.example")]
        {
            headers.append(name, HeaderValue::from_static(value));
        }
        let peer = SocketAddr::from(([127, 0, 0, 9], 4711));
        forwarded(&mut headers, &Came::new(peer, None, true));
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.9");
        assert_eq!(
            (&headers["x-forwarded-host"], &headers["x-forwarded-proto"]),
            (&headers["host"], &"https".parse().unwrap())
        );

        for (name, value) in
            [("connection", "Keep-Alive, X-Own"), ("x-own", "1"), ("te", "trailers"), ("accept", "*/*")]
        {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        strip(&mut headers);
        assert!(["connection", "x-own", "te"].iter().all(|name| !headers.contains_key(*name)), "{headers:?}");
        assert_eq!(headers["accept"], "*/*");
    }
}

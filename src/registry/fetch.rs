//! One document from one registry: with validators where an older answer is known, decompressed and read as it comes, within
//! limits of time and size; and in words why it did not come.

use std::io::Write;

use anyhow::Context;
use flate2::write::GzDecoder;
use futures_util::StreamExt;
use http::StatusCode;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LINK,
};

use super::guard::{Guard, Names};
use super::shelf::Kept;
use super::{Config, Reader, Source, bearer};
use crate::domain::update::{Release, address};

/// The largest document that is read, decompressed; the largest known one has 21 MB.
const LARGEST: usize = 128 * 1024 * 1024;
/// A list has at most so many pages.
const PAGES: usize = 50;
/// What one stream, and all streams of a connection together, may have on the way: the default of 64 KiB waits for the other
/// side more than it reads.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// What came.
pub(super) enum Fetched {
    /// Nothing changed since the older answer.
    Same,
    /// All of it.
    New { releases: Vec<Release>, etag: Option<String>, modified: Option<String> },
}

/// Why it did not come.
pub(super) struct Failure {
    /// A sentence without a full stop.
    pub why: String,
    /// Whether that is the registry's state rather than the package's.
    pub down: bool,
}

impl Failure {
    fn down(why: impl Into<String>) -> Failure {
        Failure { why: why.into(), down: true }
    }

    fn this(why: impl Into<String>) -> Failure {
        Failure { why: why.into(), down: false }
    }
}

/// With names: for hosts that checkouts choose.
pub(super) fn client(config: &Config, names: Option<&Names>) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("fairway/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.silence)
        .read_timeout(config.silence)
        .timeout(config.whole)
        .redirect(reqwest::redirect::Policy::limited(3))
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .no_proxy();
    if let Some(names) = names {
        let proxy = config.proxy.as_ref().and_then(|(proxy, _)| reqwest::Url::parse(proxy).ok());
        let proxy = proxy.and_then(|proxy| proxy.host_str().map(str::to_owned));
        let guard = Guard::new(names.clone(), proxy.into_iter().collect());
        builder = builder.redirect(guard.policy()).dns_resolver(guard);
    }
    if let Some((proxy, except)) = &config.proxy {
        let proxy = reqwest::Proxy::all(proxy).with_context(|| {
            format!(
                "the proxy {} cannot be used; see http.proxy of cargo's configuration and HTTPS_PROXY",
                address::shown(proxy)
            )
        })?;
        let except = except.as_deref().and_then(reqwest::NoProxy::from_string);
        builder = builder.proxy(proxy.no_proxy(except));
    }
    builder.build().context("the HTTP client cannot be set up")
}

/// Asks once, and once more where the connection failed before an answer came.
pub(super) async fn fetch(
    http: &reqwest::Client,
    (url, source): (&str, &dyn Source),
    kept: Option<&Kept>,
    reader: &(dyn Fn() -> Box<dyn Reader> + Sync),
) -> Result<Fetched, Failure> {
    let mut ask = Ask { url: url.to_owned(), accept: source.accept(), token: None };
    let mut all = page(http, &mut ask, kept, reader).await?;
    for _ in 1..PAGES {
        let Paged { fetched: Fetched::New { releases, .. }, next: Some(next) } = &mut all else { break };
        if !source.paged() {
            break;
        }
        ask.url = std::mem::take(next);
        let more = page(http, &mut ask, None, reader).await?;
        if let Fetched::New { releases: others, .. } = more.fetched {
            releases.extend(others);
        }
        all.next = more.next;
    }
    // The newest may be on a page that was not read.
    if source.paged() && all.next.is_some() {
        return Err(Failure::this(format!("the registry has more than {PAGES} pages of versions")));
    }
    Ok(all.fetched)
}

/// What is asked.
struct Ask {
    url: String,
    accept: &'static str,
    /// What a registry gave to who has no account.
    token: Option<String>,
}

/// An answer and where the rest of it is.
struct Paged {
    fetched: Fetched,
    next: Option<String>,
}

async fn page(
    http: &reqwest::Client,
    ask: &mut Ask,
    kept: Option<&Kept>,
    reader: &(dyn Fn() -> Box<dyn Reader> + Sync),
) -> Result<Paged, Failure> {
    let mut response = send(http, ask, kept).await;
    let again = match &response {
        Ok(response) => response.status().is_server_error(),
        Err(error) => !error.is_timeout(),
    };
    if again {
        response = send(http, ask, kept).await;
    }
    let mut response = response.map_err(|error| Failure::down(words(&error)))?;
    if response.status() == StatusCode::UNAUTHORIZED && ask.token.is_none() {
        ask.token = bearer::token(http, &response).await;
        if ask.token.is_some() {
            response = send(http, ask, kept).await.map_err(|error| Failure::down(words(&error)))?;
        }
    }
    let next = next(&response);
    match response.status() {
        StatusCode::NOT_MODIFIED => return Ok(Paged { fetched: Fetched::Same, next: None }),
        StatusCode::OK => {}
        status => return Err(refused(status)),
    }
    let header = |name: HeaderName| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    if header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(Failure::down(
            "the registry answered with a page for people; a proxy or a login may stand before it",
        ));
    }
    let (etag, modified) = (header(ETAG), header(LAST_MODIFIED));
    let releases = match header(CONTENT_ENCODING).as_deref() {
        None | Some("identity") => read(response, Plain::new(reader())).await?,
        Some("gzip") => read(response, GzDecoder::new(Plain::new(reader()))).await?,
        Some(other) => {
            return Err(Failure::down(format!("the registry compresses as {other}, which nobody asked for")));
        }
    };
    Ok(Paged { fetched: Fetched::New { releases, etag, modified }, next })
}

/// The next page, by the `Link` header, where it is at the same registry: a token must not go elsewhere.
fn next(response: &reqwest::Response) -> Option<String> {
    let link = response.headers().get(LINK)?.to_str().ok()?;
    let (target, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    let url = response.url().join(target).ok()?;
    let same = url.origin() == response.url().origin();
    (same && rest.contains("rel=\"next\"")).then(|| url.to_string())
}

async fn send(http: &reqwest::Client, ask: &Ask, kept: Option<&Kept>) -> reqwest::Result<reqwest::Response> {
    let mut request = http.get(&ask.url).header(ACCEPT, ask.accept).header(ACCEPT_ENCODING, "gzip");
    if let Some(token) = &ask.token {
        request = request.bearer_auth(token);
    }
    if let Some(etag) = kept.and_then(|kept| kept.etag.as_ref()) {
        request = request.header(IF_NONE_MATCH, etag);
    } else if let Some(modified) = kept.and_then(|kept| kept.modified.as_ref()) {
        request = request.header(IF_MODIFIED_SINCE, modified);
    }
    request.send().await
}

/// A document as it is, at most so many bytes of it; also where it should be packed, because checksums are of what is sent.
pub(super) async fn bytes(
    http: &reqwest::Client,
    (url, accept): (&str, &str),
    most: usize,
) -> Result<Vec<u8>, Failure> {
    let ask = || http.get(url).header(ACCEPT, accept).header(ACCEPT_ENCODING, "identity").send();
    let mut response = ask().await;
    let again = match &response {
        Ok(response) => response.status().is_server_error(),
        Err(error) => !error.is_timeout(),
    };
    if again {
        response = ask().await;
    }
    let response = response.map_err(|error| Failure::down(words(&error)))?;
    if response.status() != StatusCode::OK {
        return Err(refused(response.status()));
    }
    let large = || Failure::this(format!("it is larger than {} MB", most / 1024 / 1024));
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(large());
    }
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| Failure::down("the connection ended in the middle of the answer"))?;
        if bytes.len() + piece.len() > most {
            return Err(large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

pub(super) fn refused(status: StatusCode) -> Failure {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => {
            Failure::this("the registry does not have it")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Failure::this(format!("the registry wants a login that Fairway does not have ({})", status.as_u16()))
        }
        StatusCode::TOO_MANY_REQUESTS => Failure::down("the registry wants fewer requests (429)"),
        other => Failure::down(format!("the registry answered {other}")),
    }
}

async fn read(response: reqwest::Response, mut into: impl Sink) -> Result<Vec<Release>, Failure> {
    let mut body = response.bytes_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            let why = if error.is_timeout() {
                words(&error)
            } else {
                "the connection ended in the middle of the answer".to_owned()
            };
            Failure::down(why)
        })?;
        into.take(&piece).map_err(Failure::this)?;
    }
    into.finish().map_err(Failure::this)
}

/// Where the bytes of an answer go.
trait Sink {
    fn take(&mut self, piece: &[u8]) -> Result<(), String>;
    fn finish(self) -> Result<Vec<Release>, String>;
}

/// Counts what the reader gets.
struct Plain {
    reader: Box<dyn Reader>,
    bytes: usize,
    /// Why the reader stopped; `Write` has no room for it.
    stopped: Option<String>,
}

impl Plain {
    fn new(reader: Box<dyn Reader>) -> Plain {
        Plain { reader, bytes: 0, stopped: None }
    }
}

impl Sink for Plain {
    fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > LARGEST {
            return Err(format!("the answer is larger than {} MB", LARGEST / 1024 / 1024));
        }
        self.reader.feed(piece)
    }

    fn finish(self) -> Result<Vec<Release>, String> {
        self.reader.end()
    }
}

impl Write for Plain {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if let Err(why) = self.take(piece) {
            self.stopped = Some(why.clone());
            return Err(std::io::Error::other(why));
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for GzDecoder<Plain> {
    fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        let written = self.write_all(piece);
        written.map_err(|_| {
            self.get_mut().stopped.take().unwrap_or_else(|| "the answer's compression is broken".to_owned())
        })
    }

    fn finish(self) -> Result<Vec<Release>, String> {
        let plain = GzDecoder::finish(self).map_err(|_| "the answer's compression is broken or cut off".to_owned())?;
        Sink::finish(plain)
    }
}

/// What the person can do something about; of an address the host alone, since the rest may hold a token.
pub(super) fn words(error: &reqwest::Error) -> String {
    let host = error.url().and_then(reqwest::Url::host_str).map(|host| format!(" at {host}")).unwrap_or_default();
    if error.is_timeout() {
        return format!("the registry{host} did not answer in time");
    }
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let last = causes.by_ref().last().map(ToString::to_string).unwrap_or_default();
    if error.is_connect() {
        return format!("the registry{host} cannot be reached ({last})");
    }
    format!("the registry{host} did not answer as HTTP has it ({last})")
}

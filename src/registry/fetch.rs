//! One document from one registry: with validators where an older answer is known, decompressed and read as it comes, within
//! limits of time and size; and in words why it did not come.

use std::io::Write;

use anyhow::Context;
use flate2::write::GzDecoder;
use futures_util::StreamExt;
use http::StatusCode;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};

use super::shelf::Kept;
use super::{Config, Reader};
use crate::domain::update::{Release, address};

/// The largest document that is read, decompressed; the largest known one has 21 MB.
const LARGEST: usize = 128 * 1024 * 1024;
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

pub(super) fn client(config: &Config) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("fairway/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.silence)
        .read_timeout(config.silence)
        .timeout(config.whole)
        .redirect(reqwest::redirect::Policy::limited(3))
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .no_proxy();
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
    (url, accept): (&str, &str),
    kept: Option<&Kept>,
    reader: &(dyn Fn() -> Box<dyn Reader> + Sync),
) -> Result<Fetched, Failure> {
    let mut response = send(http, (url, accept), kept).await;
    let again = match &response {
        Ok(response) => response.status().is_server_error(),
        Err(error) => !error.is_timeout(),
    };
    if again {
        response = send(http, (url, accept), kept).await;
    }
    let response = response.map_err(|error| Failure::down(words(&error)))?;
    match response.status() {
        StatusCode::NOT_MODIFIED => return Ok(Fetched::Same),
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
    Ok(Fetched::New { releases, etag, modified })
}

async fn send(
    http: &reqwest::Client,
    (url, accept): (&str, &str),
    kept: Option<&Kept>,
) -> reqwest::Result<reqwest::Response> {
    let mut request = http.get(url).header(ACCEPT, accept).header(ACCEPT_ENCODING, "gzip");
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

fn refused(status: StatusCode) -> Failure {
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

/// What the person can do something about; addresses and tokens stay out of it.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "the registry did not answer in time".to_owned();
    }
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let last = causes.by_ref().last().map(ToString::to_string).unwrap_or_default();
    if error.is_connect() {
        return format!("the registry cannot be reached ({last})");
    }
    format!("the registry did not answer as HTTP has it ({last})")
}

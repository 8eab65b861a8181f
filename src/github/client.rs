//! The client: credentials, conditional reads, pages. Cheap to clone; the nouns beside it say what can be asked.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;

use super::auth::{Auth, Credentials};
use super::cache::{Cache, Kept};
use super::error::{GitHubError, Subject, classify, kind, text};
use super::transport::{Call, Config, ConfigError, Rate, Raw, Transport};
use super::wire;

/// Redirects that one request follows.
const HOPS: u32 = 3;

/// Where GraphQL is asked. An Enterprise server has it beside its API's root, not below.
pub(super) const GRAPHQL: &str = "/graphql";

/// GitHub, for everybody in this process.
#[derive(Clone)]
pub struct GitHub(Arc<Inner>);

struct Inner {
    transport: Transport,
    credentials: Credentials,
    cache: Cache,
    plans: super::plans::Plans,
    heard: super::heard::Heard,
    web: String,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// As whom.
    pub auth: Auth,
    /// GET is a read; everything else counts as a write.
    pub method: Method,
    /// From the API's root, starting with a slash, already escaped.
    pub path: String,
    /// Sent as JSON.
    pub body: Option<serde_json::Value>,
    /// The media type wanted.
    pub accept: &'static str,
    /// A read whose answer can never change: what is kept is as good as a new answer.
    pub lasting: bool,
}

impl Ask {
    /// A read.
    pub fn get(auth: Auth, path: String) -> Ask {
        Ask { auth, method: Method::GET, path, body: None, accept: wire::JSON, lasting: false }
    }

    /// A write.
    pub fn write(auth: Auth, method: Method, path: String, body: serde_json::Value) -> Ask {
        Ask { auth, method, path, body: Some(body), accept: wire::JSON, lasting: false }
    }
}

/// A successful answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 2xx; 200 also when GitHub said 304 and the body is the one we had.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub bytes: Bytes,
}

impl GitHub {
    /// Checks the key and the address. Makes no request, but must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the key is no RSA key in PEM, or the address is none.
    pub fn new(config: Config) -> Result<GitHub, ConfigError> {
        let transport = Transport::new(&config)?;
        let credentials = Credentials::new(config.app_id, &config.private_key)?;
        let web = web_url(&transport.base);
        Ok(GitHub(Arc::new(Inner {
            transport,
            credentials,
            cache: Cache::default(),
            plans: Default::default(),
            heard: Default::default(),
            web,
        })))
    }

    /// Plans that were read, by where and at which commit.
    pub(super) fn plans(&self) -> &super::plans::Plans {
        &self.0.plans
    }

    /// What GitHub said of advisories.
    pub fn heard(&self) -> &super::heard::Heard {
        &self.0.heard
    }

    /// What GitHub last said about an installation's hourly limit; `None` before the first answer.
    pub fn rate(&self, installation: i64) -> Option<Rate> {
        self.0.transport.rate(installation)
    }

    /// How many reads went out for an installation since this was last asked; what is not budgeted yet.
    pub fn reads_since(&self, installation: i64) -> i64 {
        self.0.transport.reads_since(installation)
    }

    /// Where people look at GitHub, without a slash at its end.
    pub fn web_url(&self) -> &str {
        &self.0.web
    }

    /// Where the API is, without a slash at its end.
    pub(super) fn api_url(&self) -> &str {
        &self.0.transport.base
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    /// The time, Unix milliseconds.
    pub(super) fn now(&self) -> i64 {
        (self.0.transport.now)()
    }

    pub(super) fn app_id(&self) -> i64 {
        self.0.credentials.app_id()
    }

    pub(super) async fn token(&self, auth: Auth) -> Result<String, GitHubError> {
        self.0.credentials.bearer(&self.0.transport, auth).await
    }

    /// Sends a request; reads go out with the entity tag of what is kept. A refused token is renewed once.
    ///
    /// # Errors
    /// Every answer that is no success, and every missing one; see [`GitHubError`].
    pub async fn send(&self, ask: Ask) -> Result<Reply, GitHubError> {
        let read = ask.method == Method::GET;
        let what = format!("{} {}", ask.method, ask.path.split('?').next().unwrap_or_default());
        let key = read.then(|| key(&ask));
        let kept = key.as_deref().and_then(|k| self.0.cache.get(k));
        if let Some(kept) = kept.as_deref().filter(|_| ask.lasting) {
            return Ok(kept.reply());
        }
        let raw = self.call(&ask, (&what, kept.as_deref())).await?;
        if let (StatusCode::NOT_MODIFIED, Some(kept)) = (raw.status, kept) {
            return Ok(kept.reply());
        }
        if !raw.status.is_success() {
            let subject = Subject { what: &what, write: !read, now: self.now() };
            return Err(classify(raw.status, &raw.headers, &raw.bytes, &subject));
        }
        // GitHub's API never answers with a page. Whoever does not read the answer must not take one for "done".
        if kind(&raw.headers).starts_with("text/html") {
            let subject = Subject { what: &what, write: !read, now: self.now() };
            return Err(subject.not_json(format!("status {} with a page", raw.status.as_u16())));
        }
        if let (Some(key), Some(etag)) = (key, raw.etag()) {
            let kept = Kept { etag: etag.to_owned(), headers: raw.headers.clone(), bytes: raw.bytes.clone() };
            self.0.cache.put(key, kept);
        }
        Ok(Reply { status: raw.status, headers: raw.headers, bytes: raw.bytes })
    }

    async fn call(&self, ask: &Ask, (what, kept): (&str, Option<&Kept>)) -> Result<Raw, GitHubError> {
        let inner = &*self.0;
        let mut url = address(&inner.transport.base, &ask.path);
        let body = ask.body.as_ref().map(|b| b.to_string().into_bytes());
        let (mut renewed, mut hops) = (false, 0);
        loop {
            let bearer = self.token(ask.auth).await?;
            let authorization = format!("Bearer {bearer}");
            let call = Call {
                method: ask.method.clone(),
                url: &url,
                authorization: Some(&authorization),
                accept: ask.accept,
                body: body.clone(),
                etag: kept.map(|k| k.etag.as_str()),
            };
            let subject = Subject { what, write: ask.method != Method::GET, now: (inner.transport.now)() };
            let raw = inner.transport.call(call).await.map_err(|why| subject.doubt(why))?;
            if let Auth::Installation { installation, .. } = ask.auth {
                if !subject.write {
                    inner.transport.note_read(installation);
                }
                inner.transport.note_rate(installation, &raw.headers);
                // GitHub did nothing when it refused the token, so even a write may be sent again.
                if raw.status == StatusCode::UNAUTHORIZED && !renewed {
                    inner.credentials.drop_token(ask.auth, &bearer).await;
                    renewed = true;
                    continue;
                }
            }
            // A repository that was renamed or transferred is found by its number. Nothing was done yet, so a write goes there
            // as it is.
            match elsewhere(&raw, &inner.transport.base) {
                Some(there) if hops < HOPS => (url, hops) = (there, hops + 1),
                _ => return Ok(raw),
            }
        }
    }

    /// Sends a request whose answer is JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, GitHubError> {
        let write = ask.method != Method::GET;
        let what = format!("{} {}", ask.method, ask.path.split('?').next().unwrap_or_default());
        let reply = self.send(ask).await?;
        decode(&reply, &Subject { what: &what, write, now: 0 })
    }

    /// Reads a list page by page. The flag says that there was more after `cap` pages.
    pub(super) async fn pages<P: DeserializeOwned>(&self, ask: Ask, cap: usize) -> Result<(Vec<P>, bool), GitHubError> {
        let mut pages = Vec::new();
        let mut next = Some(ask.path.clone());
        while let Some(path) = next {
            if pages.len() >= cap {
                return Ok((pages, true));
            }
            let (page, after) = self.page(Ask { path, ..ask.clone() }).await?;
            pages.push(page);
            next = after;
        }
        Ok((pages, false))
    }

    /// One page, and the path of the next one.
    pub(super) async fn page<P: DeserializeOwned>(&self, ask: Ask) -> Result<(P, Option<String>), GitHubError> {
        let what = format!("GET {}", ask.path.split('?').next().unwrap_or_default());
        let reply = self.send(ask).await?;
        let page = decode(&reply, &Subject { what: &what, write: false, now: 0 })?;
        let next = text(&reply.headers, "link").and_then(next_link);
        // A link to elsewhere would carry our token there.
        let next = next.and_then(|url| url.strip_prefix(&self.0.transport.base)).filter(|path| path.starts_with('/'));
        Ok((page, next.map(str::to_owned)))
    }
}

impl Kept {
    fn reply(&self) -> Reply {
        Reply { status: StatusCode::OK, headers: self.headers.clone(), bytes: self.bytes.clone() }
    }
}

/// Where an answer sends us, if that is the same server: a link to elsewhere would carry our token there.
fn elsewhere(raw: &Raw, base: &str) -> Option<String> {
    let moves = matches!(raw.status.as_u16(), 301 | 302 | 307 | 308);
    let there = text(&raw.headers, "location").filter(|_| moves)?;
    let path = there.strip_prefix(base).unwrap_or(there);
    path.starts_with('/').then(|| format!("{base}{path}"))
}

fn key(ask: &Ask) -> String {
    let installation = match ask.auth {
        Auth::App => 0,
        Auth::Installation { installation, .. } => installation,
    };
    format!("{installation} {} {}", ask.accept, ask.path)
}

fn decode<T: DeserializeOwned>(reply: &Reply, subject: &Subject<'_>) -> Result<T, GitHubError> {
    serde_json::from_slice(&reply.bytes).map_err(|error| {
        let status = reply.status.as_u16();
        subject.not_json(format!("status {status} with {}: {error}", kind(&reply.headers)))
    })
}

fn address(base: &str, path: &str) -> String {
    match base.strip_suffix("/api/v3") {
        Some(host) if path == GRAPHQL => format!("{host}/api{GRAPHQL}"),
        _ => format!("{base}{path}"),
    }
}

/// The address of `rel="next"` in a `Link` header.
fn next_link(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (url, rest) = part.trim().strip_prefix('<')?.split_once('>')?;
        rest.split(';').any(|p| p.trim() == r#"rel="next""#).then_some(url)
    })
}

/// Where people look at the GitHub whose API is at `base`, without a slash at its end. GitHub's own API has a host of its
/// own; an Enterprise server and the playground have one for all.
pub fn web_url(base: &str) -> String {
    match base.strip_suffix("/api/v3") {
        Some(host) => host.to_owned(),
        None => base.replacen("://api.", "://", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_wherever_it_stands() {
        let link =
            r#"<https://x/a?page=1>; rel="prev", <https://x/a?page=3>; rel="next", <https://x/a?page=9>; rel="last""#;
        assert_eq!(next_link(link), Some("https://x/a?page=3"));
        assert_eq!(next_link(r#"<https://x/a?page=1>; rel="prev""#), None);
        assert_eq!(next_link("nonsense"), None);
    }

    #[test]
    fn graphql_has_an_address_of_its_own() {
        assert_eq!(address("https://api.github.com", GRAPHQL), "https://api.github.com/graphql");
        assert_eq!(address("https://ghe.example/api/v3", GRAPHQL), "https://ghe.example/api/graphql");
        assert_eq!(address("https://ghe.example/api/v3", "/app"), "https://ghe.example/api/v3/app");
        assert_eq!(address("http://127.0.0.1:4000", GRAPHQL), "http://127.0.0.1:4000/graphql");
    }

    #[test]
    fn people_look_where_git_clones() {
        assert_eq!(web_url("https://api.github.com"), "https://github.com");
        assert_eq!(web_url("https://ghe.example/api/v3"), "https://ghe.example");
        assert_eq!(web_url("http://127.0.0.1:4000"), "http://127.0.0.1:4000");
    }
}

//! What a list of tags does not say, asked for the few versions that may be offered: when they were published, and what is behind
//! an image's tag. Kept on disk with the time at which it was first met, because that is a bound which no author can move.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::ACCEPT;
use reqwest::{Method, Response};
use serde::{Deserialize, Serialize};

use super::fetch;
use super::{FRESH, Registries, bearer};
use crate::domain::update::{Answers, Dependency, Found, Looked, Package, Policy, Release, open};

/// So many versions are asked about at once.
const AT_ONCE: usize = 8;
/// So often what is learnt may bring up other versions.
const ROUNDS: usize = 8;

/// What is learnt of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The commit or digest; `None`: the list said it, or nobody does.
    pub commit: Option<String>,
    /// Unix milliseconds.
    pub published: Option<i64>,
    /// Why one of them is missing: a sentence without a full stop.
    pub unknown: Option<String>,
    /// What the version requires, where its list does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
}

impl Detail {
    /// Of a time that the thing itself claims: one that is to come, or before there was anything of the kind, is none.
    pub(super) fn claimed(commit: Option<String>, (time, now): (Option<i64>, i64)) -> Detail {
        /// 2005-04-01: there was no Git before that, and no image by far.
        const BEGIN: i64 = 1_112_313_600_000;
        let published = time.filter(|time| (BEGIN..=now).contains(time));
        let unknown = match (time, published) {
            (_, Some(_)) => None,
            (None, _) => Some("it has no time in it"),
            (Some(time), _) if time > now => Some("the time in it is still to come"),
            (Some(_), _) => Some("the time in it was set by a reproducible build"),
        };
        Detail { commit, published, unknown: unknown.map(str::to_owned), ..Detail::default() }
    }
}

/// What is kept of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// When it was last asked for; Unix milliseconds.
    asked: i64,
    /// When this content was first met; Unix milliseconds.
    seen: i64,
    /// When other content was last seen in its place; Unix milliseconds.
    since: Option<i64>,
    detail: Detail,
}

/// Asks as somebody without an account, with the token that a registry gives to anybody.
pub struct Asking<'a> {
    http: &'a reqwest::Client,
    /// Unix milliseconds.
    pub(super) now: i64,
    /// What is known already to be behind an image's tag.
    pub(super) known: Option<String>,
    token: Mutex<Option<String>>,
}

impl Asking<'_> {
    async fn once(
        &self,
        method: &Method,
        (url, accept): (&str, &str),
        body: Option<&Bytes>,
    ) -> Result<Response, String> {
        let mut request = self.http.request(method.clone(), url).header(ACCEPT, accept);
        if let Some(body) = body {
            request = request.header("content-type", "application/x-git-upload-pack-request");
            request = request.header("git-protocol", "version=2").body(body.clone());
        }
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        request = token.iter().fold(request, |request, token| request.bearer_auth(token));
        request.send().await.map_err(|error| fetch::words(&error))
    }

    /// One answer, whatever its status is but a refusal that a token helps against.
    pub(super) async fn send(&self, method: Method, at: (&str, &str), body: Option<Bytes>) -> Result<Response, String> {
        let mut response = self.once(&method, at, body.as_ref()).await?;
        let signed = self.token.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if response.status() == StatusCode::UNAUTHORIZED && !signed {
            let token = bearer::token(self.http, &response).await;
            let got = token.is_some();
            *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
            if got {
                response = self.once(&method, at, body.as_ref()).await?;
            }
        }
        match response.status() {
            StatusCode::OK => Ok(response),
            status => Err(fetch::refused(status).why),
        }
    }

    /// A document of at most so many bytes.
    pub(super) async fn bytes(&self, at: (&str, &str), most: usize) -> Result<Vec<u8>, String> {
        let response = self.send(Method::GET, at, None).await?;
        let (bytes, whole) = begin(response, most).await?;
        if whole {
            Ok(bytes)
        } else {
            Err(format!("an answer of the registry is larger than {} MB", most / 1024 / 1024))
        }
    }
}

/// The first bytes of an answer, and whether that is all of it.
pub(super) async fn begin(response: Response, most: usize) -> Result<(Vec<u8>, bool), String> {
    let (mut bytes, mut body) = (Vec::new(), response.bytes_stream());
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| "the connection ended in the middle of the answer".to_owned())?;
        bytes.extend_from_slice(&piece);
        if bytes.len() > most {
            bytes.truncate(most);
            return Ok((bytes, false));
        }
    }
    Ok((bytes, true))
}

/// Who answers: these releases, as far as more is known of them.
pub type Ask<'a> = dyn Fn(Vec<(Package, Release)>) -> BoxFuture<'a, Vec<Release>> + Send + Sync + 'a;

/// Asks for what a decision misses, until it misses nothing.
pub async fn complete(ask: &Ask<'_>, found: &Found, answers: &mut Answers, policy: &Policy) {
    for _ in 0..ROUNDS {
        let wanted = open(found, answers, policy);
        if wanted.is_empty() {
            return;
        }
        let packages: Vec<Package> = wanted.iter().map(|(package, _)| package.clone()).collect();
        for (package, told) in packages.into_iter().zip(ask(wanted).await) {
            learn(answers, &package, told);
        }
    }
}

/// Puts what was told in its place.
pub fn learn(answers: &mut Answers, package: &Package, told: Release) {
    let Some(Looked::Releases(releases)) = answers.get_mut(package) else { return };
    if let Some(release) = releases.iter_mut().find(|release| release.version == told.version) {
        *release = told;
    }
}

impl Registries {
    /// What more is known of these releases, in their order; what could not be had says why. `now` is in Unix milliseconds.
    pub async fn detail(&self, wanted: Vec<(Package, Release)>, now: i64) -> Vec<Release> {
        let mut asking: Vec<BoxFuture<'_, Release>> = Vec::new();
        for (package, release) in wanted {
            asking.push(Box::pin(self.one(package, release, now)));
        }
        futures_util::stream::iter(asking).buffered(AT_ONCE).collect().await
    }

    async fn one(&self, package: Package, release: Release, now: i64) -> Release {
        let source = self.sources.iter().find(|source| source.ecosystem() == package.ecosystem);
        let place = source.and_then(|source| source.place(&package, &release));
        let Some((source, place)) = source.zip(place) else {
            return Release { unknown: Some("its registry does not say".to_owned()), ..release };
        };
        let kept = self.shelf.detail(&place.address);
        let fresh = |kept: &&Kept| !self.anew && (0..FRESH).contains(&now.saturating_sub(kept.asked));
        let holds = |kept: &&Kept| fresh(kept) || (place.forever && kept.detail.unknown.is_none());
        if let Some(kept) = kept.as_ref().filter(holds) {
            return told(release, kept);
        }
        let known = kept.as_ref().filter(|kept| kept.detail.unknown.is_none());
        let known = known.and_then(|kept| kept.detail.commit.clone());
        let asking = Asking { http: self.client(source.as_ref(), &package), now, known, token: Mutex::default() };
        let detail = match (source.detail(&asking, &package, &release).await, &kept) {
            (Ok(Some(detail)), _) => detail,
            (Ok(None), Some(kept)) => kept.detail.clone(),
            (Ok(None), None) => Detail { unknown: Some("its registry does not say".to_owned()), ..Detail::default() },
            // What the content is was known before, so that the time of this meeting is worth to be kept.
            (Err(why), _) if place.forever => Detail { unknown: Some(why), ..Detail::default() },
            (Err(why), _) => return Release { unknown: Some(why), ..release },
        };
        let same = kept.as_ref().filter(|kept| kept.detail.commit == detail.commit);
        let seen = same.map_or(now, |kept| kept.seen);
        let since = same.map_or(kept.as_ref().map(|other| other.asked), |kept| kept.since);
        let kept = Kept { asked: now, seen, since, detail };
        let told = told(release, &kept);
        if self.shelf.keep(&place.address, &kept) { told } else { Release { seen: None, ..told } }
    }
}

fn told(release: Release, kept: &Kept) -> Release {
    let Detail { commit, published, unknown, dependencies } = kept.detail.clone();
    let dependencies = if dependencies.is_empty() { release.dependencies } else { dependencies };
    // What was not there at a time is younger than that, whatever it says of itself.
    let bound = release.since.max(kept.since);
    let published = published.map(|time| bound.map_or(time, |bound| bound.max(time)));
    Release { commit: commit.or(release.commit), published, unknown, seen: Some(kept.seen), dependencies, ..release }
}

/// Where a detail is asked for, and its name on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Tells it from all others.
    pub address: String,
    /// Whether what was answered there once holds for ever.
    pub forever: bool,
}

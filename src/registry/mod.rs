//! What registries know of packages: one look-up for everybody who asks, kept on disk with its validators. One file an
//! ecosystem says where to ask and how an answer reads; what is common to all of them is here and in `fetch` and `shelf`.
//!
//! A registry that is slow, cuts off or talks nonsense costs its own packages an answer and nobody else's: each has either all
//! its releases or a sentence that says why not.

pub mod actions;
pub mod advisories;
pub mod artefact;
mod asking;
mod bearer;
pub mod cargo;
mod client;
pub mod cure;
pub mod databases;
pub mod detail;
mod fetch;
pub mod go;
pub mod guard;
pub mod here;
pub mod image;
mod json;
mod live;
pub mod npm;
pub mod python;
mod shelf;
pub mod toolchain;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use crate::domain::update::advisory::Book;
use crate::domain::update::artefact::Artefact;
use crate::domain::update::{Answers, Ecosystem, Looked, Package, Release, address};
use artefact::{Archive, Document};
use asking::{Flights, Mood};
use databases::{Refreshed, Standing};
use detail::{Asking, Detail, Place};
pub use live::Live;

use fetch::Fetched;
use shelf::{Kept, Shelf};

/// An answer this young is not asked for again; Unix milliseconds.
const FRESH: i64 = 10 * 60 * 1000;
/// So many requests are under way at once, to all registries together.
const AT_ONCE: usize = 48;
/// The largest of the small documents that say more of a release, and how many of a package's are asked for at once.
const MORE: usize = 1024 * 1024;
const MORE_AT_ONCE: usize = 8;
/// Why nobody was asked about packages of a kind.
const UNASKED: &str = "its registry was not set up";

/// One ecosystem's registry: where to ask and how an answer reads.
pub trait Source: Send + Sync {
    /// Whose packages.
    fn ecosystem(&self) -> Ecosystem;

    /// Where a package's document is; the error is a sentence without a full stop.
    ///
    /// # Errors
    /// A name that no package can have, or a registry whose address is not known here.
    fn address(&self, package: &Package) -> Result<String, String>;

    /// Whether the checkout chose whom to ask, and not this machine's configuration.
    fn chosen(&self, _package: &Package) -> bool {
        false
    }

    /// What the `Accept` header asks for.
    fn accept(&self) -> &'static str {
        "*/*"
    }

    /// Whether an answer may come in pages.
    fn paged(&self) -> bool {
        false
    }

    /// Small documents that say more of some releases than the answer did; who goes without loses what they say.
    fn more(&self, _package: &Package, _releases: &[Release]) -> Vec<String> {
        Vec::new()
    }

    /// Takes from such a document, by its address, what it says.
    fn tell(&self, _releases: &mut [Release], _address: &str, _document: &[u8]) {}

    /// Where more is known of one version than the list said; `None`: nowhere.
    fn place(&self, _package: &Package, _release: &Release) -> Option<Place> {
        None
    }

    /// Asks for it; `None`: it is what is known already.
    ///
    /// # Errors
    /// Why it could not be had: a sentence without a full stop.
    fn detail<'a>(
        &'a self,
        _asking: &'a Asking<'a>,
        _package: &'a Package,
        _release: &'a Release,
    ) -> BoxFuture<'a, Result<Option<Detail>, String>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// A fresh reader for one answer; `deep` wants what releases depend on as well.
    fn reader(&self, package: &Package, deep: bool) -> Box<dyn Reader>;

    /// The documents that say where a version's archive is.
    ///
    /// # Errors
    /// As for `address`; and where archives of this registry are not read.
    fn documents(&self, package: &Package, version: &str) -> Result<Vec<Document>, String>;

    /// Where a version's archive is, by these documents' texts.
    ///
    /// # Errors
    /// A sentence without a full stop.
    fn archive(&self, of: (&Package, &str), documents: &[&[u8]]) -> Result<Archive, String>;
}

/// Reads an answer piece by piece, so that no document is kept whole.
pub trait Reader: Send {
    /// The next bytes, decompressed, cut anywhere.
    ///
    /// # Errors
    /// Why this is no answer of such a registry: a sentence without a full stop.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String>;

    /// The end of the answer.
    ///
    /// # Errors
    /// As for `feed`.
    fn end(self: Box<Self>) -> Result<Vec<Release>, String>;
}

/// How registries are asked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where answers are kept; nowhere without.
    pub cache: Option<PathBuf>,
    /// Whether kept answers are asked for anew, whatever their age.
    pub anew: bool,
    /// The proxy for all requests, and the hosts that it is not for, as `NO_PROXY` has them.
    pub proxy: Option<(String, Option<String>)>,
    /// Where hosts that checkouts choose must not lead inside: how their names are looked up. Without, they may be anywhere.
    pub guard: Option<guard::Names>,
    /// How long a connection may take, and how long a registry may be silent.
    pub silence: Duration,
    /// How long one answer may take.
    pub whole: Duration,
}

impl Default for Config {
    fn default() -> Config {
        let (silence, whole) = (Duration::from_secs(10), Duration::from_secs(60));
        Config { cache: None, anew: false, proxy: None, guard: None, silence, whole }
    }
}

/// What is wanted of a look-up.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Unix milliseconds.
    pub now: i64,
    /// Whether what releases depend on is wanted as well; it is most of an answer.
    pub deep: bool,
}

/// What the clients of this machine are told, so that they ask where Fairway asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// Files below HOME.
    pub files: Vec<(String, String)>,
    /// Variables.
    pub env: BTreeMap<String, String>,
}

/// What registries know and what is known to be wrong with it, for everybody who asks.
pub trait Packages: Send + Sync {
    /// Looks up every package once.
    fn look_up<'a>(&'a self, packages: &'a [Package], how: How) -> BoxFuture<'a, Answers>;

    /// Looks into the published packages, in the order in which they are wanted.
    fn artefacts<'a>(&'a self, _wanted: &'a [artefact::Wanted]) -> BoxFuture<'a, Vec<Artefact>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// What more is known of these releases, in their order; what could not be had says why. `now` is in Unix milliseconds.
    fn detail(&self, wanted: Vec<(Package, Release)>, _now: i64) -> BoxFuture<'_, Vec<Release>> {
        let unknown = |release: Release| Release { unknown: Some("nobody was asked".to_owned()), ..release };
        Box::pin(std::future::ready(wanted.into_iter().map(|(_, release)| unknown(release)).collect()))
    }

    /// All advisories at hand.
    fn book(&self) -> Arc<Book>;

    /// Brings the advisories up to date; `now` is in Unix milliseconds. What was there before stays where something fails.
    fn refresh(&self, now: i64) -> BoxFuture<'_, Refreshed>;

    /// Takes advisories from elsewhere, in place of those that it took before, and joins them with its own.
    fn tell(&self, book: Book) -> BoxFuture<'_, ()>;

    /// Whether nobody in this process has brought the advisories up to date for long.
    fn stale(&self, _now: i64) -> bool {
        false
    }

    /// What of the advisories is not at hand.
    fn standing(&self) -> Standing {
        Standing::default()
    }

    /// How often that is worth it, in milliseconds.
    fn every_ms(&self) -> i64 {
        3 * 60 * 1000
    }
}

/// All registries.
pub struct Registries {
    http: reqwest::Client,
    /// For hosts that checkouts choose, where these are held back from anything.
    guarded: Option<reqwest::Client>,
    shelf: Shelf,
    artefact_shelf: artefact::Shelf,
    anew: bool,
    sources: Vec<Box<dyn Source>>,
    flights: Flights,
}

impl Registries {
    /// Sets up a client; asks nothing.
    ///
    /// # Errors
    /// Where the proxy's address is none, or the machine's certificates cannot be used.
    pub fn new(config: &Config, sources: Vec<Box<dyn Source>>) -> anyhow::Result<Registries> {
        let http = fetch::client(config, None)?;
        let guarded = config.guard.as_ref().map(|names| fetch::client(config, Some(names))).transpose()?;
        let (shelf, artefact_shelf) = (Shelf::new(config.cache.clone()), artefact::Shelf::new(config.cache.clone()));
        Ok(Registries { http, guarded, shelf, artefact_shelf, anew: config.anew, sources, flights: Flights::default() })
    }

    /// Looks up every package once; `done` hears how many have an answer.
    pub async fn look_up(&self, packages: &[Package], how: How, done: &(dyn Fn(usize) + Sync)) -> Answers {
        let mut asked: Vec<&Package> = packages.iter().collect();
        asked.sort_unstable();
        asked.dedup();
        let mut answers = Answers::new();
        let mut open = Vec::new();
        for package in asked {
            match self.kept(package, how) {
                Known::Already(looked) => drop(answers.insert(package.clone(), looked)),
                Known::Ask(question) => open.push(question),
            }
        }
        done(answers.len());
        let moods: BTreeMap<String, Mood> =
            open.iter().map(|question| (question.registry().to_owned(), Mood::default())).collect();
        // One question a registry goes first: it opens the connection that all others share.
        let mut first = Vec::new();
        for registry in moods.keys() {
            let at = open.iter().position(|question| question.registry() == registry);
            first.extend(at.map(|at| open.swap_remove(at)));
        }
        for wave in [first, open] {
            let mut asking: Vec<BoxFuture<'_, (Package, Looked)>> = Vec::new();
            for question in wave {
                asking.push(Box::pin(self.answer(question, how, &moods)));
            }
            let mut answered = futures_util::stream::iter(asking).buffer_unordered(AT_ONCE);
            while let Some((package, looked)) = answered.next().await {
                answers.insert(package, looked);
                done(answers.len());
            }
        }
        answers
    }

    fn client(&self, source: &dyn Source, package: &Package) -> &reqwest::Client {
        self.guarded.as_ref().filter(|_| source.chosen(package)).unwrap_or(&self.http)
    }

    /// What needs no question, or the question.
    fn kept<'a>(&'a self, package: &'a Package, how: How) -> Known<'a> {
        let Some(source) = self.sources.iter().find(|source| source.ecosystem() == package.ecosystem) else {
            return Known::Already(Looked::Not(UNASKED.to_owned()));
        };
        let address = match source.address(package) {
            Ok(address) => address,
            Err(why) => return Known::Already(Looked::Not(why)),
        };
        match self.recent(package, &address, how) {
            Ok(releases) => Known::Already(Looked::Releases(releases)),
            Err(_) => Known::Ask(Question { package, source: source.as_ref(), address }),
        }
    }

    /// What was answered lately, or what there is to ask about anew.
    fn recent(&self, package: &Package, address: &str, how: How) -> Result<Vec<Release>, Option<Kept>> {
        match self.shelf.take(package, &address::shown(address)).filter(|kept| kept.deep || !how.deep) {
            Some(kept) if !self.anew && (0..FRESH).contains(&how.now.saturating_sub(kept.asked)) => Ok(kept.releases),
            kept => Err(kept),
        }
    }

    /// What an answer left out.
    async fn more(&self, source: &dyn Source, package: &Package, releases: &mut [Release]) {
        let mut asking: Vec<BoxFuture<'_, (String, Vec<u8>)>> = Vec::new();
        for address in source.more(package, releases) {
            asking.push(Box::pin(async move {
                let came = fetch::bytes(&self.http, (&address, "*/*"), MORE).await;
                (address, came.unwrap_or_default())
            }));
        }
        let mut told = futures_util::stream::iter(asking).buffer_unordered(MORE_AT_ONCE);
        while let Some((address, document)) = told.next().await {
            source.tell(releases, &address, &document);
        }
    }

    async fn answer(&self, question: Question<'_>, how: How, moods: &BTreeMap<String, Mood>) -> (Package, Looked) {
        let package = question.package.clone();
        let mood = moods.get(question.registry());
        if let Some(why) = mood.and_then(Mood::hopeless) {
            return (package, Looked::Not(why));
        }
        let Question { source, address, .. } = question;
        let flight = self.flights.of(&address);
        let _alone = flight.lock().await;
        // Somebody else may have asked meanwhile, and what they were told holds here too.
        let kept = match self.recent(&package, &address, how) {
            Ok(releases) => return (package, Looked::Releases(releases)),
            Err(kept) => kept,
        };
        let reader = || source.reader(&package, how.deep);
        let fetched = fetch::fetch(self.client(source, &package), (&address, source), kept.as_ref(), &reader).await;
        if let Some(mood) = mood {
            mood.hear(&fetched);
        }
        let kept = match (fetched, kept) {
            (Ok(Fetched::Same), Some(kept)) => Kept { asked: how.now, ..kept },
            (Ok(Fetched::Same), None) => {
                return (
                    package,
                    Looked::Not("the registry says that nothing changed, and nothing was known".to_owned()),
                );
            }
            (Ok(Fetched::New { mut releases, etag, modified }), before) => {
                since(&mut releases, before.as_ref());
                self.more(source, &package, &mut releases).await;
                // A password in an address stays out of what is kept.
                let address = address::shown(&address);
                Kept { asked: how.now, deep: how.deep, address, etag, modified, releases }
            }
            (Err(failure), _) => return (package, Looked::Not(failure.why)),
        };
        self.shelf.put(&package, &kept);
        (package, Looked::Releases(kept.releases))
    }
}

/// Notes of what is new in a list without times that it was not there before.
fn since(releases: &mut [Release], before: Option<&Kept>) {
    let Some(before) = before else { return };
    let known: BTreeMap<&str, &Release> = before.releases.iter().map(|one| (one.version.as_str(), one)).collect();
    for release in releases.iter_mut().filter(|release| release.published.is_none()) {
        let same = known.get(release.version.as_str()).filter(|known| known.commit == release.commit);
        release.since = same.map_or(Some(before.asked), |known| known.since);
    }
}

/// What can be said of a package before anybody is asked.
enum Known<'a> {
    Already(Looked),
    Ask(Question<'a>),
}

/// One package that must be asked for.
struct Question<'a> {
    package: &'a Package,
    source: &'a dyn Source,
    address: String,
}

impl Question<'_> {
    /// Scheme, host and port: what fails as one.
    fn registry(&self) -> &str {
        let path = self.address.find("://").and_then(|at| self.address[at + 3..].find('/').map(|slash| at + 3 + slash));
        &self.address[..path.unwrap_or(self.address.len())]
    }
}

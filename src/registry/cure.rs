//! What is open in a checkout's locks, and the smallest changes that end it: the same for a repository and for a person's
//! checkout. Registries are asked only about packages that matter for a fix.

mod others;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{How, Packages};
use crate::domain::speech::updates::left;
use crate::domain::update::advisory::fix::{self, Against, Fix, Offer, Offers};
use crate::domain::update::advisory::{Audit, Book, Finding, Reach, Severity, Sources, audit};
use crate::domain::update::course::{Cure, Ended, Exposed, Extent, Item};
use crate::domain::update::{Ecosystem, Found, Looked, Package, Policy, Release, objection};

/// Times that a search may ask for more packages; each brings those that the last one missed.
const ROUNDS: usize = 60;

/// All that is known of a checkout's advisories.
#[derive(Default)]
pub struct Cured {
    /// By severity, the worst first.
    pub cures: Vec<Cure>,
    /// Every vulnerability of the locks.
    pub exposed: Vec<Exposed>,
    /// What the locks have, with what is worth knowing and blocks nothing.
    pub audit: Audit,
    /// What could not be found out, a sentence each.
    pub notes: Vec<String>,
    /// States that the searches looked at.
    pub looked_at: u32,
}

/// Audits the locks and looks for fixes. `sources`: where what is vulnerable may be named; none where they are not at hand.
pub async fn cures(
    packages: &dyn Packages,
    found: &Found,
    (book, policy): (&Arc<Book>, &Policy),
    sources: &Sources,
) -> Cured {
    let mut cured = Cured { audit: audit(found, book), ..Cured::default() };
    cured.notes = notes(&cured.audit);
    let mut severities: BTreeSet<std::cmp::Reverse<Option<Severity>>> = BTreeSet::new();
    severities.extend(cured.audit.vulnerable.iter().map(|finding| std::cmp::Reverse(finding.severity)));
    let mut known = Known { packages, policy, found, offers: Offers::new(), times: BTreeMap::new() };
    for std::cmp::Reverse(severity) in severities {
        let of: Vec<Finding> =
            cured.audit.vulnerable.iter().filter(|finding| finding.severity == severity).cloned().collect();
        let cure = cure(&mut known, (book, severity), &of, &mut cured.looked_at).await;
        let reach: Vec<Reach> = of.iter().map(|finding| sources.reach(finding)).collect();
        for (finding, reach) in of.iter().zip(&reach) {
            let stays = cure.left.iter().find(|left| alike(&left.finding, finding));
            let stays = stays.map(|stays| left::why(stays, policy.now));
            cured.exposed.push(exposed(finding, (stays, reach.clone()), policy.now));
        }
        // All code is read for it, so that is done once.
        let known_reach = |finding: &Finding| {
            let at = of.iter().position(|one| alike(one, finding));
            at.map_or_else(|| sources.reach(finding), |at| reach[at].clone())
        };
        let fixed = cure.fixed.into_iter().map(|ended| Ended { reach: known_reach(&ended.finding), ..ended });
        let cure = Cure { fixed: fixed.collect(), ..cure };
        if !cure.items.is_empty() {
            cured.cures.push(cure);
        }
    }
    cured
}

/// All advisories, and the names of those that are to end.
type Sought<'s> = (&'s Arc<Book>, &'s BTreeSet<String>);

/// What registries said so far.
struct Known<'a> {
    packages: &'a dyn Packages,
    policy: &'a Policy,
    found: &'a Found,
    offers: Offers,
    times: BTreeMap<(String, String), Option<i64>>,
}

async fn cure(
    known: &mut Known<'_>,
    (book, severity): (&Arc<Book>, Option<Severity>),
    of: &[Finding],
    looked_at: &mut u32,
) -> Cure {
    let ids: BTreeSet<String> = of.iter().flat_map(|finding| finding.ids.clone()).collect();
    let extent = Extent::default();
    let mut cure = Cure { severity, items: Vec::new(), extent, fixed: Vec::new(), proof: None, left: Vec::new() };
    let (cargo, others): (Vec<&Finding>, Vec<&Finding>) =
        of.iter().partition(|finding| finding.ecosystem == Ecosystem::Cargo);
    let locks: BTreeSet<&str> = cargo.iter().map(|finding| finding.file.as_str()).collect();
    for lock in locks {
        let fix = search(known, lock, (book, &ids)).await;
        *looked_at += fix.looked_at;
        cure.extent.changed += fix.changes.iter().filter(|change| change.from.is_some()).count();
        let added = fix.changes.iter().filter(|change| change.from.is_none());
        cure.extent.added.extend(added.map(|change| (change.name.clone(), change.to.clone())));
        cure.extent.removed.extend(fix.removed.iter().cloned());
        let changes = fix.changes.iter().chain(&fix.moved).filter_map(|change| Some((change, change.from.clone()?)));
        cure.items.extend(changes.map(|(change, from)| Item {
            ecosystem: Ecosystem::Cargo,
            name: change.name.clone(),
            file: lock.to_owned(),
            line: 0,
            from,
            to: change.to.clone(),
            lock_only: true,
            published: known.times.get(&(change.name.clone(), change.to.clone())).copied().flatten(),
            pin: None,
        }));
        // Of several locks the least that is known counts.
        cure.proof = cure
            .proof
            .map_or(Some(fix.proof), |proof| Some(if proof == fix::Proof::Smallest { fix.proof } else { proof }));
        cure.fixed.extend(fix.fixed.into_iter().map(|finding| Ended { finding, reach: Reach::Unknown }));
        cure.left.extend(fix.left);
    }
    others::others(known, (&others, book), &mut cure).await;
    cure
}

/// Asks for what the search misses until it misses nothing.
async fn search(known: &mut Known<'_>, lock: &str, sought: Sought<'_>) -> Fix {
    let mut asked: BTreeSet<String> = known.offers.keys().cloned().collect();
    for _ in 0..ROUNDS {
        // Nothing can rest on those of whom nobody could say anything.
        let mut offers = known.offers.clone();
        offers.extend(
            asked.iter().filter(|name| !known.offers.contains_key(*name)).map(|name| (name.clone(), Vec::new())),
        );
        let missing = known.think((lock, sought, offers), fix::missing).await;
        if missing.is_empty() {
            break;
        }
        asked.extend(missing.iter().cloned());
        known.learn(&missing).await;
    }
    known.think((lock, sought, known.offers.clone()), fix::fix).await
}

impl Known<'_> {
    /// What takes its time, where it holds up nobody.
    async fn think<T: Send + 'static>(
        &self,
        (lock, (book, ids), offers): (&str, Sought<'_>, Offers),
        what: fn(&Found, &str, Against<'_>, &Offers, u32) -> T,
    ) -> T {
        let (found, lock, book, ids) = (self.found.clone(), lock.to_owned(), book.clone(), ids.clone());
        let work = move || {
            let against = Against { book: &book, only: Some(&ids) };
            what(&found, &lock, against, &offers, fix::EFFORT)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(thought) => thought,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn learn(&mut self, names: &[String]) {
        let package = |name: &String| Package { ecosystem: Ecosystem::Cargo, registry: None, name: name.clone() };
        let packages: Vec<Package> = names.iter().map(package).collect();
        let answers = self.packages.look_up(&packages, How { now: self.policy.now, deep: true }).await;
        for (package, looked) in answers {
            let Looked::Releases(releases) = looked else { continue };
            for release in &releases {
                self.times.insert((package.name.clone(), release.version.clone()), release.published);
            }
            let offer = |release: &Release| Offer::of(release, objection(self.found, Ecosystem::Cargo, release));
            self.offers.insert(package.name.clone(), releases.iter().map(offer).collect());
        }
    }
}

/// The same advisory about the same locked package. A search numbers the packages of its lock alone.
fn alike(a: &Finding, b: &Finding) -> bool {
    (&a.ids, a.ecosystem, &a.file, &a.name, &a.version) == (&b.ids, b.ecosystem, &b.file, &b.name, &b.version)
}

fn exposed(finding: &Finding, (stays, reach): (Option<String>, Reach), now: i64) -> Exposed {
    Exposed {
        id: finding.id().to_owned(),
        title: finding.title.clone(),
        severity: finding.severity,
        url: finding.url.clone(),
        published: finding.published.as_deref().and_then(millis),
        name: finding.name.clone(),
        version: finding.version.clone(),
        file: finding.file.clone(),
        stays: stays.unwrap_or_default(),
        reach,
        seen: now,
    }
}

/// A date, or a time with one, in Unix milliseconds.
fn millis(text: &str) -> Option<i64> {
    let day = |text: &str| text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = text.parse::<jiff::Timestamp>().ok();
    time.or_else(|| day(text.get(..10)?).map(|day| day.timestamp())).map(|time| time.as_millisecond())
}

fn notes(audit: &Audit) -> Vec<String> {
    let unusable = audit
        .unusable
        .iter()
        .map(|one| format!("The advisory {} cannot be read, and it may be about a package here: {}.", one.id, one.why));
    let unjudged = audit.unjudged.iter().map(|one| {
        format!(
            "{} {} cannot be held against {}: it is no version as others write them.",
            one.name, one.version, one.id
        )
    });
    unusable.chain(unjudged).collect()
}

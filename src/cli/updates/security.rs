//! Advisories about what a checkout has locked, and the smallest fix of each severity: the server's own routine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};

use super::checkout;
use crate::domain::speech::updates::security::{Line, Report, sure};
use crate::domain::speech::updates::sources;
use crate::domain::update::advisory::{Finding, Reach, audit, languages};
use crate::domain::update::{Found, Policy};
use crate::registry::cure::{Cured, cures};
use crate::registry::databases::{Database, Databases};
use crate::registry::{Live, Packages, Registries};
use crate::settings::Ambient;

/// What is known of a checkout's advisories.
pub(super) struct Security {
    cured: Cured,
    /// How many advisories there are to hold it against.
    read: usize,
}

/// Where advisories are: the folders that were given, else what the setting names. Empty: nowhere.
pub(super) fn databases(folders: &[PathBuf]) -> Vec<Database> {
    if !folders.is_empty() {
        return folders.iter().cloned().map(Database::Folder).collect();
    }
    Ambient::read().advisories.iter().map(|text| Database::parse(text)).collect()
}

/// Holds the checkout against them, and looks for fixes. Notes what could not be had.
pub(super) async fn look(
    root: &Path,
    found: &mut Found,
    (registries, databases): (Registries, Vec<Database>),
    policy: &Policy,
) -> anyhow::Result<Security> {
    let cache = Ambient::read().cache.unwrap_or_else(std::env::temp_dir);
    let packages = Live::new(registries, Databases::new(databases, cache.join("fairway").join("advisories")));
    let troubles = packages.refresh(policy.now).await.troubles;
    anyhow::ensure!(troubles.is_empty() || packages.book().read > 0, "{}", troubles.join("; "));
    found.notes.extend(troubles.iter().map(|why| sources::taken_anyway(why)));
    let book = packages.book();
    let wanted = languages(&audit(found, &book).vulnerable);
    let sources = checkout::sources(root, &wanted).context("the sources cannot be read")?;
    let cured = cures(&packages, found, (&Arc::clone(&book), policy), &sources).await;
    found.notes.extend(cured.notes.iter().cloned());
    Ok(Security { cured, read: book.read })
}

impl Security {
    /// For people.
    pub(super) fn report(&self) -> Report<'_> {
        Report {
            lines: self.lines().collect(),
            cures: &self.cured.cures,
            informational: &self.cured.audit.informational,
            read: self.read,
        }
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.cured.audit.vulnerable.iter().map(|finding| {
            let meant = (finding.id(), &finding.file, &finding.name, &finding.version);
            let found = self.cured.exposed.iter().find(|one| (&*one.id, &one.file, &one.name, &one.version) == meant);
            let reach = found.map(|one| one.reach.clone()).unwrap_or_default();
            Line { finding, reach, stays: found.map_or("", |one| one.stays.as_str()) }
        })
    }

    /// For programs.
    pub(super) fn object(&self) -> Value {
        let advisories = self.lines().map(|line| {
            let mut object = plain(line.finding);
            (object["used"], object["places"]) = match &line.reach {
                Reach::Used(places) => (json!(true), json!(places)),
                Reach::NotUsed => (json!(false), json!([])),
                Reach::Unknown => (Value::Null, json!([])),
            };
            object["stays"] = if line.stays.is_empty() { Value::Null } else { json!(line.stays) };
            object
        });
        let fixes = self.cured.cures.iter().map(|cure| {
            let ends: Vec<Value> = cure.fixed.iter().map(|ended| plain(&ended.finding)).collect();
            json!({
                "severity": cure.severity,
                "changes": cure.items,
                "extent": cure.extent,
                "ends": ends,
                "proof": cure.proof.map(|proof| sure(proof, &cure.extent)),
            })
        });
        json!({
            "read": self.read,
            "vulnerable": advisories.collect::<Vec<_>>(),
            "informational": self.cured.audit.informational.iter().map(plain).collect::<Vec<_>>(),
            "fixes": fixes.collect::<Vec<_>>(),
            "states_looked_at": self.cured.looked_at,
        })
    }
}

fn plain(finding: &Finding) -> Value {
    json!({
        "id": finding.id(),
        "aliases": finding.ids.iter().skip(1).collect::<Vec<_>>(),
        "title": finding.title,
        "url": finding.url,
        "severity": finding.severity,
        "published": finding.published,
        "informational": finding.informational,
        "functions": finding.functions,
        "file": finding.file,
        "name": finding.name,
        "version": finding.version,
        "chain": finding.chain.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>(),
    })
}

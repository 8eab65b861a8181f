//! The list of advisories that GitHub keeps for all the world.

use serde_json::{Value, json};

use super::shapes::iso;
use super::world::World;

/// What is published of one.
#[derive(Clone, Copy, Debug)]
pub struct NewAdvisory<'a> {
    /// `GHSA-...`.
    pub id: &'a str,
    /// `CVE-...`.
    pub cve: Option<&'a str>,
    /// GitHub's word for it, `rust`, and the package.
    pub package: (&'a str, &'a str),
    /// As GitHub writes ranges: `>= 1.0, < 1.2`.
    pub range: &'a str,
    /// `None`: there is no fix.
    pub patched: Option<&'a str>,
    /// What must be called to be touched by it.
    pub functions: &'a [&'a str],
}

impl World {
    /// Publishes an advisory of high severity.
    pub fn publish_advisory(&mut self, new: &NewAdvisory<'_>) {
        let now = iso(self.now());
        let (ecosystem, name) = new.package;
        let mut identifiers = vec![json!({ "type": "GHSA", "value": new.id })];
        identifiers.extend(new.cve.map(|cve| json!({ "type": "CVE", "value": cve })));
        let one = json!({
            "ghsa_id": new.id,
            "cve_id": new.cve,
            "url": format!("{}/advisories/{}", self.url, new.id),
            "html_url": format!("{}/advisories/{}", self.url, new.id),
            "repository_advisory_url": Value::Null,
            "summary": format!("{name} takes too much for granted"),
            "description": format!("Versions {} of {name} are affected.", new.range),
            "type": "reviewed",
            "severity": "high",
            "source_code_location": Value::Null,
            "identifiers": identifiers,
            "references": [],
            "published_at": now,
            "updated_at": now,
            "github_reviewed_at": now,
            "nvd_published_at": Value::Null,
            "withdrawn_at": Value::Null,
            "vulnerabilities": [{
                "package": { "ecosystem": ecosystem, "name": name },
                "vulnerable_version_range": new.range,
                "first_patched_version": new.patched,
                "vulnerable_functions": new.functions,
            }],
            "cvss": { "score": Value::Null, "vector_string": Value::Null },
            "cwes": [],
            "credits": [],
        });
        self.advisories.get_or_insert_default().push(one);
    }

    /// Takes one back; it stays in the list.
    pub fn withdraw_advisory(&mut self, id: &str) {
        let now = iso(self.now());
        for one in self.advisories.iter_mut().flatten().filter(|one| one["ghsa_id"] == json!(id)) {
            one["withdrawn_at"] = json!(now);
            one["updated_at"] = json!(now);
        }
    }
}

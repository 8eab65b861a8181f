//! GitHub's advisories as its REST API gives them, its own ones and those in a repository's Dependabot alerts, in the shape of
//! all the others.

use std::ops::Bound;

use serde_json::Value;

use super::order::Point;
use super::severity::Severity;
use super::span::Span;
use super::{Advisory, Affected, Book, Document, Unusable, canonical};
use crate::domain::update::model::Ecosystem;

/// Reads an answer of `/advisories` or of `/repos/{owner}/{repo}/dependabot/alerts`: a list of advisories, of alerts with an
/// advisory each, or a single one. One that cannot be used is named in the book and leaves the others.
///
/// # Errors
/// What came is no JSON, or neither a list nor an object.
pub fn github(text: &str) -> Result<Book, String> {
    let root: Value =
        serde_json::from_str(text).map_err(|error| format!("GitHub's advisories cannot be read: {error}"))?;
    let all = documents(&root).ok_or("GitHub's advisories cannot be read: they are no list")?;
    let (mut advisories, mut unusable) = (Vec::new(), Vec::new());
    for one in all {
        match one {
            Ok(advisory) => advisories.push(advisory),
            Err(one) => unusable.push(one),
        }
    }
    // Each alert of a package repeats the advisory.
    advisories.dedup();
    Ok(Book::new(advisories, unusable))
}

/// The same, one by one; `None`: it is neither a list nor an object.
pub fn documents(root: &Value) -> Option<Vec<Document>> {
    let all = match root {
        Value::Array(all) => all.as_slice(),
        Value::Object(_) => std::slice::from_ref(root),
        _ => return None,
    };
    let inner = |one: &Value| {
        let inner = &one["security_advisory"];
        document(if inner.is_object() { inner } else { one })
    };
    Some(all.iter().map(inner).collect())
}

/// What GitHub's advisories call an ecosystem; `None`: there are none about it.
pub fn word(ecosystem: Ecosystem) -> Option<&'static str> {
    match ecosystem {
        Ecosystem::Cargo => Some("rust"),
        Ecosystem::Npm => Some("npm"),
        Ecosystem::Python => Some("pip"),
        Ecosystem::Go => Some("go"),
        Ecosystem::Actions => Some("actions"),
        Ecosystem::Image | Ecosystem::Toolchain => None,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn document(root: &Value) -> Result<Advisory, Unusable> {
    let id = text(&root["ghsa_id"]);
    let broken = |packages: Vec<(Ecosystem, String)>, why: String| {
        let id = id.clone().unwrap_or_else(|| "an advisory of GitHub's".to_owned());
        Unusable { id, file: "GitHub".to_owned(), packages, why }
    };
    let Some(name) = id.clone() else { return Err(broken(Vec::new(), "it has no `ghsa_id`".to_owned())) };
    let withdrawn = text(&root["withdrawn_at"]).is_some();
    let parts: Vec<(Ecosystem, String, &Value)> =
        root["vulnerabilities"].as_array().into_iter().flatten().filter_map(named).collect();
    let mut affected: Vec<Affected> = Vec::new();
    // What was taken back is not held against anything, so its ranges may be anything.
    for (ecosystem, package, part) in parts.iter().filter(|_| !withdrawn) {
        let range = part["vulnerable_version_range"].as_str().unwrap_or_default();
        let Some(span) = span(*ecosystem, range) else {
            let packages = parts.iter().map(|(ecosystem, package, _)| (*ecosystem, package.clone())).collect();
            return Err(broken(packages, format!("its range `{range}` is malformed")));
        };
        affected.push(Affected {
            ecosystem: *ecosystem,
            package: package.clone(),
            spans: vec![span],
            versions: Vec::new(),
            functions: functions(&part["vulnerable_functions"]),
        });
    }
    Ok(Advisory {
        aliases: aliases(root, &name),
        title: text(&root["summary"]).unwrap_or_default(),
        url: text(&root["html_url"]).or_else(|| link(&root["references"])),
        severity: root["severity"].as_str().and_then(Severity::word).or_else(|| vector(root)),
        published: text(&root["published_at"]),
        informational: None,
        withdrawn,
        affected,
        id: name,
    })
}

fn named(part: &Value) -> Option<(Ecosystem, String, &Value)> {
    let package = &part["package"];
    let ecosystem = match package["ecosystem"].as_str()? {
        "rust" => Ecosystem::Cargo,
        "npm" => Ecosystem::Npm,
        "pip" => Ecosystem::Python,
        "go" => Ecosystem::Go,
        "actions" => Ecosystem::Actions,
        _ => return None,
    };
    Some((ecosystem, canonical(ecosystem, package["name"].as_str()?), part))
}

fn functions(part: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        part.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    all.sort();
    all.dedup();
    all
}

/// Its CVE, and whatever else it is called.
fn aliases(root: &Value, own: &str) -> Vec<String> {
    let others = root["identifiers"].as_array().into_iter().flatten().filter_map(|one| text(&one["value"]));
    let mut all: Vec<String> = text(&root["cve_id"]).into_iter().chain(others).filter(|id| id != own).collect();
    all.sort();
    all.dedup();
    all
}

/// An advisory has plain addresses, an alert objects with one.
fn link(references: &Value) -> Option<String> {
    let first = references.as_array()?.first()?;
    text(first).or_else(|| text(&first["url"]))
}

fn vector(root: &Value) -> Option<Severity> {
    let vectors = [&root["cvss_severities"]["cvss_v3"]["vector_string"], &root["cvss"]["vector_string"]];
    vectors.into_iter().filter_map(Value::as_str).find_map(Severity::vector)
}

/// GitHub's way: comparisons with commas between them, all of which have to hold, such as `>= 1.2, < 1.4.1`. At most one for
/// each end: two ends on one side are a slip of the pen, and nobody knows which one was meant.
fn span(ecosystem: Ecosystem, range: &str) -> Option<Span> {
    let (mut from, mut to) = (None, None);
    for part in range.split(',').map(str::trim) {
        let at = part.find(|c: char| !matches!(c, '<' | '>' | '='))?;
        let (sign, version) = (&part[..at], part[at..].trim());
        Point::read(ecosystem, version)?;
        let version = version.to_owned();
        let (end, bound) = match sign {
            ">=" => (&mut from, Bound::Included(version)),
            ">" => (&mut from, Bound::Excluded(version)),
            "<=" => (&mut to, Bound::Included(version)),
            "<" => (&mut to, Bound::Excluded(version)),
            "=" if from.is_none() => {
                from = Some(Bound::Included(version.clone()));
                (&mut to, Bound::Included(version))
            }
            _ => return None,
        };
        if end.replace(bound).is_some() {
            return None;
        }
    }
    Some(Span { from: from.unwrap_or(Bound::Unbounded), to: to.unwrap_or(Bound::Unbounded) })
}

//! OSV's documents, in JSON and in YAML (as PyPA keeps them): GHSA, Go's and npm's databases, and exports of RustSec.

use std::ops::Bound;

use serde_json::{Map, Value};

use super::order::Point;
use super::severity::Severity;
use super::span::Span;
use super::{Advisory, Affected, Unusable, canonical};
use crate::domain::detect::yaml;
use crate::domain::update::model::Ecosystem;

/// JSON. `None`: it is something else, such as the settings of a tool; databases have these beside their advisories.
pub(super) fn json(path: &str, text: &str) -> Option<Result<Advisory, Unusable>> {
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(value) => concerns(&value).then(|| document(path, &value)),
        Err(error) => Some(Err(unnamed(path, format!("its JSON cannot be read: {error}")))),
    }
}

/// YAML. `None` as for JSON.
pub(super) fn yaml(path: &str, text: &str) -> Option<Result<Advisory, Unusable>> {
    match yaml::parse(text) {
        Ok(node) => Some(plain(&node)).filter(concerns).map(|value| document(path, &value)),
        Err(Some(line)) => Some(Err(unnamed(path, format!("its YAML cannot be read from line {line} on")))),
        Err(None) => Some(Err(unnamed(path, "its YAML cannot be read".to_owned()))),
    }
}

/// OSV asks for an `id`; what has neither that nor anything affected is none of its documents.
fn concerns(value: &Value) -> bool {
    ["id", "affected", "withdrawn"].iter().any(|key| !value[*key].is_null())
}

fn unnamed(path: &str, why: String) -> Unusable {
    let name = path.rsplit('/').next().unwrap_or(path);
    let id = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    Unusable { id: id.to_owned(), file: path.to_owned(), packages: Vec::new(), why }
}

/// Every value of OSV that is asked for here is a text, so a tree without types loses nothing.
fn plain(node: &yaml::Node) -> Value {
    match &node.value {
        yaml::Value::Text(text) => Value::String(text.clone()),
        yaml::Value::List(items) => Value::Array(items.iter().map(plain).collect()),
        yaml::Value::Map(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.clone(), plain(node))).collect::<Map<_, _>>())
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn document(path: &str, root: &Value) -> Result<Advisory, Unusable> {
    let Some(id) = text(&root["id"]) else { return Err(unnamed(path, "it has no `id`".to_owned())) };
    let parts: Vec<(Ecosystem, String, &Value)> =
        root["affected"].as_array().into_iter().flatten().filter_map(|part| named(part)).collect();
    let withdrawn = root["withdrawn"].as_str().is_some_and(|at| !at.is_empty() && at != "null");
    let mut affected: Vec<Affected> = Vec::new();
    // What was taken back is not held against anything, so its ranges may be anything.
    for (ecosystem, package, part) in parts.iter().filter(|_| !withdrawn) {
        match versions(*ecosystem, part) {
            Ok((spans, versions)) => affected.push(Affected {
                ecosystem: *ecosystem,
                package: package.clone(),
                spans,
                versions,
                functions: functions(part),
            }),
            Err(why) => {
                let packages = parts.iter().map(|(ecosystem, package, _)| (*ecosystem, package.clone())).collect();
                return Err(Unusable { id, file: path.to_owned(), packages, why });
            }
        }
    }
    let informational = [&root["database_specific"]]
        .into_iter()
        .chain(parts.iter().map(|(_, _, part)| &part["database_specific"]))
        .find_map(|specific| text(&specific["informational"]));
    Ok(Advisory {
        aliases: texts(&root["aliases"]),
        title: text(&root["summary"]).or_else(|| first_line(&root["details"])).unwrap_or_default(),
        url: link(&root["references"]),
        severity: severity(root).or_else(|| parts.iter().find_map(|(_, _, part)| severity(part))),
        published: text(&root["published"]),
        informational,
        withdrawn,
        affected,
        id,
    })
}

fn named(part: &Value) -> Option<(Ecosystem, String, &Value)> {
    let package = &part["package"];
    // Some name a release of a distribution after a colon.
    let ecosystem = match package["ecosystem"].as_str()?.split(':').next()? {
        "crates.io" => Ecosystem::Cargo,
        "npm" => Ecosystem::Npm,
        "PyPI" => Ecosystem::Python,
        "Go" => Ecosystem::Go,
        "GitHub Actions" => Ecosystem::Actions,
        _ => return None,
    };
    Some((ecosystem, canonical(ecosystem, package["name"].as_str()?), part))
}

fn first_line(details: &Value) -> Option<String> {
    let line =
        details.as_str()?.lines().map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty())?;
    Some(line.chars().take(200).collect())
}

/// The advisory's own page before anything else.
fn link(references: &Value) -> Option<String> {
    let all: Vec<&Value> = references.as_array().into_iter().flatten().collect();
    let page = all.iter().find(|one| one["type"] == "ADVISORY").or_else(|| all.first())?;
    text(&page["url"])
}

fn severity(part: &Value) -> Option<Severity> {
    let word = part["database_specific"]["severity"].as_str().and_then(Severity::word);
    let vectors = part["severity"].as_array().into_iter().flatten();
    let own = part["database_specific"]["cvss"].as_str();
    word.or_else(|| vectors.filter_map(|one| one["score"].as_str()).chain(own).find_map(Severity::vector))
}

/// RustSec's, Go's and GHSA's names for what is affected.
fn functions(part: &Value) -> Vec<String> {
    let specific = &part["ecosystem_specific"];
    let mut found = texts(&specific["affected_functions"]);
    match &specific["affects"]["functions"] {
        Value::Object(functions) => found.extend(functions.keys().cloned()),
        other => found.extend(texts(other)),
    }
    for import in specific["imports"].as_array().into_iter().flatten() {
        let path = import["path"].as_str().unwrap_or_default();
        found.extend(texts(&import["symbols"]).into_iter().map(|symbol| format!("{path}.{symbol}")));
    }
    found.sort();
    found.dedup();
    found
}

fn versions(ecosystem: Ecosystem, part: &Value) -> Result<(Vec<Span>, Vec<String>), String> {
    let single = texts(&part["versions"]);
    let mut spans = Vec::new();
    let mut commits = false;
    for range in part["ranges"].as_array().into_iter().flatten() {
        match range["type"].as_str() {
            Some("SEMVER" | "ECOSYSTEM") => spans.extend(events(ecosystem, &range["events"])?),
            Some("GIT") => commits = true,
            other => return Err(format!("it has a range of the unknown type `{}`", other.unwrap_or_default())),
        }
    }
    if spans.is_empty() && single.is_empty() {
        let what = if commits { "it names commits only, and no versions" } else { "it names no versions" };
        return Err(what.to_owned());
    }
    // GHSA's own way to say where the affected versions end when no release mends it.
    if let (Some(last), [Span { to: to @ Bound::Unbounded, .. }]) =
        (part["database_specific"]["last_known_affected_version_range"].as_str(), spans.as_mut_slice())
    {
        *to = last_known(ecosystem, last).ok_or_else(|| format!("its range `{last}` is malformed"))?;
    }
    Ok((spans, single))
}

fn last_known(ecosystem: Ecosystem, range: &str) -> Option<Bound<String>> {
    let range = range.trim();
    let (version, including) = match range.strip_prefix("<=") {
        Some(version) => (version, true),
        None => (range.strip_prefix('<')?, false),
    };
    let version = version.trim().to_owned();
    Point::read(ecosystem, &version)?;
    Some(if including { Bound::Included(version) } else { Bound::Excluded(version) })
}

/// What one event does, and where.
enum Mark {
    Begins,
    /// Before this version.
    Ends,
    /// After it.
    Last,
}

/// OSV's way: the events in the order of their versions, each turning "affected" on or off.
fn events(ecosystem: Ecosystem, events: &Value) -> Result<Vec<Span>, String> {
    let mut marks: Vec<(Option<Point>, String, Mark)> = Vec::new();
    for event in events.as_array().into_iter().flatten() {
        let fields = event.as_object().ok_or("an event of its range is no object")?;
        for (key, value) in fields {
            let version = value.as_str().ok_or("an event of its range has no version")?;
            let mark = match key.as_str() {
                "introduced" => Mark::Begins,
                "fixed" | "limit" => Mark::Ends,
                "last_affected" => Mark::Last,
                _ => return Err(format!("its range has an unknown event `{key}`")),
            };
            let point = match Point::read(ecosystem, version) {
                // Before every version there is.
                _ if version == "0" => None,
                // Everything, in the words of the limit of a range.
                _ if version == "*" && key == "limit" => continue,
                None => return Err(format!("its range has `{version}`, which is no version")),
                point => point,
            };
            marks.push((point, version.to_owned(), mark));
        }
    }
    marks.sort_by(|(a, _, am), (b, _, bm)| {
        let places = match (a, b) {
            (None, None) => std::cmp::Ordering::Equal,
            (None, _) => std::cmp::Ordering::Less,
            (_, None) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(b).unwrap_or(std::cmp::Ordering::Equal),
        };
        places.then(matches!(am, Mark::Last).cmp(&matches!(bm, Mark::Last)))
    });
    let mut spans = Vec::new();
    let mut open: Option<Bound<String>> = None;
    for (point, version, mark) in marks {
        match (mark, open.take()) {
            (Mark::Begins, None) => {
                open = Some(if point.is_none() { Bound::Unbounded } else { Bound::Included(version) });
            }
            (Mark::Ends, Some(from)) => spans.push(Span { from, to: Bound::Excluded(version) }),
            (Mark::Last, Some(from)) => spans.push(Span { from, to: Bound::Included(version) }),
            (Mark::Begins, Some(_)) => return Err(format!("its range begins again at `{version}` before it ended")),
            (_, None) => return Err(format!("its range ends at `{version}` without having begun")),
        }
    }
    spans.extend(open.map(|from| Span { from, to: Bound::Unbounded }));
    if spans.is_empty() { Err("its range has no events".to_owned()) } else { Ok(spans) }
}

//! SARIF 2.1.0: each result becomes an annotation on its first location.

use serde::Deserialize;

use super::annotation::{Annotation, Level, Report, Span, relative};
use super::junit::MAX_BYTES;

#[derive(Deserialize)]
struct Log {
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    results: Option<Vec<Finding>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: Option<String>,
    level: Option<String>,
    kind: Option<String>,
    message: Option<Text>,
    locations: Option<Vec<Location>>,
}

#[derive(Deserialize)]
struct Text {
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<Physical>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Option<Artifact>,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct Artifact {
    uri: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Region {
    start_line: u64,
    end_line: Option<u64>,
    start_column: Option<u64>,
    end_column: Option<u64>,
}

/// Findings with a place in this repository; `pass` and `notApplicable` are no findings. Never fails; `roots` as
/// for `relative`.
pub fn sarif(bytes: &[u8], roots: &[&str]) -> Report {
    if bytes.len() > MAX_BYTES {
        return Report::unreadable("SARIF", "it is larger than 20 MB");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let log: Log = match serde_json::from_slice(bytes) {
        Ok(log) => log,
        Err(error) => return Report::unreadable("SARIF", error),
    };
    let mut report = Report::default();
    for finding in log.runs.iter().flat_map(|run| run.results.iter().flatten()) {
        if matches!(finding.kind.as_deref(), Some("pass" | "notApplicable")) {
            continue;
        }
        if let Some(annotation) = annotation(finding, roots)
            && !report.push("SARIF", annotation)
        {
            break;
        }
    }
    report
}

fn annotation(finding: &Finding, roots: &[&str]) -> Option<Annotation> {
    let physical = finding.locations.as_ref()?.first()?.physical_location.as_ref()?;
    let uri = physical.artifact_location.as_ref()?.uri.as_deref()?;
    let path = relative(&percent_encoding::percent_decode_str(uri).decode_utf8_lossy(), roots)?;
    let region = physical.region.as_ref();
    let start = region.map_or(1, |region| region.start_line);
    let span = Span {
        lines: (start, region.and_then(|region| region.end_line).unwrap_or(start)),
        columns: (region.and_then(|region| region.start_column), region.and_then(|region| region.end_column)),
    };
    let level = match finding.level.as_deref() {
        Some("error") => Level::Failure,
        Some("note" | "none") => Level::Notice,
        _ => Level::Warning,
    };
    let message = finding.message.as_ref().and_then(|message| message.text.as_deref()).unwrap_or("");
    Some(Annotation::new(path, span, level, finding.rule_id.as_deref().unwrap_or(""), message))
}

//! A report file, read by the format that `fairway.toml` names.

use super::annotation::Report;
use super::junit::junit;
use super::messages::cargo_json;
use super::sarif::sarif;
use crate::domain::project::ReportKind;

/// What a report says. `roots` are the places where the checkout may have stood while the steps ran.
pub fn read_report(kind: ReportKind, bytes: &[u8], roots: &[&str]) -> Report {
    match kind {
        ReportKind::Junit => junit(bytes, roots),
        ReportKind::Sarif => sarif(bytes, roots),
        ReportKind::CargoJson => cargo_json(bytes, roots),
    }
}

//! How bad an advisory is, in GitHub's words, from a word or from a CVSS vector of version 3.

use serde::{Deserialize, Serialize};

/// GitHub's four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Up to 3.9.
    Low,
    /// Up to 6.9.
    Moderate,
    /// Up to 8.9.
    High,
    /// From 9.0 on.
    Critical,
}

impl Severity {
    /// GitHub's word, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Moderate => "moderate",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// A database's word for it.
    pub(super) fn word(text: &str) -> Option<Severity> {
        match text.to_ascii_lowercase().as_str() {
            "low" => Some(Severity::Low),
            "moderate" | "medium" => Some(Severity::Moderate),
            "high" => Some(Severity::High),
            "critical" => Some(Severity::Critical),
            _ => None,
        }
    }

    /// Of a vector `CVSS:3.x/...`. `None` where its score is 0, where a metric is missing, and of other versions: CVSS 4 is a
    /// table of 270 rows, and databases that have it give a word as well.
    pub(super) fn vector(text: &str) -> Option<Severity> {
        match score(text)? {
            s if s <= 0.0 => None,
            s if s < 4.0 => Some(Severity::Low),
            s if s < 7.0 => Some(Severity::Moderate),
            s if s < 9.0 => Some(Severity::High),
            _ => Some(Severity::Critical),
        }
    }
}

/// The base score by section 7.1 of the CVSS 3.1 specification.
fn score(vector: &str) -> Option<f64> {
    let metrics = vector.strip_prefix("CVSS:3.0/").or_else(|| vector.strip_prefix("CVSS:3.1/"))?;
    let get = |name: &str| {
        metrics.split('/').find_map(|part| part.split_once(':').filter(|(key, _)| *key == name)).map(|(_, value)| value)
    };
    let pick = |name: &str, table: &[(&str, f64)]| {
        let value = get(name)?;
        table.iter().find(|(key, _)| *key == value).map(|(_, weight)| *weight)
    };
    let changed = match get("S")? {
        "C" => true,
        "U" => false,
        _ => return None,
    };
    let reach = pick("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?;
    let complexity = pick("AC", &[("L", 0.77), ("H", 0.44)])?;
    let privileges = if changed {
        pick("PR", &[("N", 0.85), ("L", 0.68), ("H", 0.5)])?
    } else {
        pick("PR", &[("N", 0.85), ("L", 0.62), ("H", 0.27)])?
    };
    let interaction = pick("UI", &[("N", 0.85), ("R", 0.62)])?;
    let loss = [("H", 0.56), ("L", 0.22), ("N", 0.0)];
    let kept = (1.0 - pick("C", &loss)?) * (1.0 - pick("I", &loss)?) * (1.0 - pick("A", &loss)?);
    let base = 1.0 - kept;
    let impact = if changed { 7.52 * (base - 0.029) - 3.25 * (base - 0.02).powi(15) } else { 6.42 * base };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let ease = 8.22 * reach * complexity * privileges * interaction;
    let sum = if changed { 1.08 * (impact + ease) } else { impact + ease };
    Some(up(sum.min(10.0)))
}

/// To one decimal, upwards, as appendix A of the specification does it without being misled by binary fractions.
fn up(value: f64) -> f64 {
    let whole = (value * 100_000.0).round();
    if whole % 10_000.0 == 0.0 { whole / 100_000.0 } else { ((whole / 10_000.0).floor() + 1.0) / 10.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_specification() {
        for (vector, expected) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:N", 0.0),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9),
        ] {
            assert_eq!(score(vector), Some(expected), "{vector}");
        }
        assert_eq!(score("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"), None);
        assert_eq!(score("CVSS:3.1/AV:N/AC:L"), None);
        assert_eq!(Severity::vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"), Some(Severity::High));
        assert_eq!(Severity::word("MODERATE"), Some(Severity::Moderate));
    }
}

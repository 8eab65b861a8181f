//! Which permission each feature stands on. What an account did not grant switches its feature off, in words.

use super::app::Installation;

/// Something that Fairway does, and what it needs for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Short name, also in `app-manifest.yml`.
    pub name: &'static str,
    /// Permission and level.
    pub needs: &'static [(&'static str, &'static str)],
    /// Webhook events to subscribe.
    pub events: &'static [&'static str],
    /// What cannot be done without it, after "Fairway cannot".
    pub cannot: &'static str,
    /// Switched on by who wants it; its absence is nothing to warn about.
    pub optional: bool,
}

/// Every feature of Fairway.
pub const FEATURES: &[Feature] = &[
    Feature {
        name: "base",
        needs: &[("metadata", "read")],
        events: &["repository"],
        cannot: "see repositories or who may do what in them",
        optional: false,
    },
    Feature {
        name: "checks",
        needs: &[("checks", "write"), ("contents", "read"), ("pull_requests", "read")],
        events: &["pull_request", "push", "check_run", "check_suite"],
        cannot: "post check runs",
        optional: false,
    },
    Feature {
        name: "commands",
        needs: &[("issues", "read"), ("pull_requests", "write")],
        events: &["issue_comment"],
        cannot: "hear and answer commands",
        optional: false,
    },
    Feature {
        name: "merge queue",
        needs: &[("merge_queues", "read")],
        events: &["merge_group"],
        cannot: "check entries of the merge queue",
        optional: false,
    },
    Feature {
        name: "onboarding and updates",
        needs: &[("contents", "write"), ("pull_requests", "write")],
        events: &[],
        cannot: "open pull requests",
        optional: false,
    },
    Feature {
        name: "deployments",
        needs: &[("deployments", "write")],
        events: &["deployment", "deployment_status"],
        cannot: "show deployments",
        optional: false,
    },
    Feature {
        name: "team rules",
        needs: &[("members", "read")],
        events: &[],
        cannot: "see who belongs to a team",
        optional: false,
    },
    Feature {
        name: "metrics",
        needs: &[("pull_requests", "read"), ("members", "read")],
        events: &["pull_request_review", "pull_request_review_comment", "member", "organization"],
        cannot: "measure reviews, or how newcomers fare",
        optional: false,
    },
    Feature {
        name: "rulesets",
        needs: &[("administration", "write")],
        events: &["branch_protection_rule"],
        cannot: "set up rulesets and repository settings",
        optional: true,
    },
    Feature {
        name: "security alerts",
        needs: &[("vulnerability_alerts", "read")],
        events: &[],
        cannot: "read the repository's security alerts",
        optional: true,
    },
    Feature {
        name: "workflow files",
        needs: &[("workflows", "write")],
        events: &[],
        cannot: "update Actions workflow files",
        optional: true,
    },
];

/// A feature that an account's grants do not carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingFeature {
    /// Which.
    pub feature: &'static Feature,
    /// Login of the account.
    pub account: String,
    /// The permissions that are absent or too low.
    pub lacks: Vec<(&'static str, &'static str)>,
    /// Where its owner can accept them.
    pub accept_at: String,
}

impl std::fmt::Display for MissingFeature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lacks = self.lacks.iter().map(|(name, level)| format!("`{name}: {level}`")).collect::<Vec<_>>().join(", ");
        write!(f, "Fairway cannot {} in {}: the App lacks {lacks}.", self.feature.cannot, self.account)?;
        write!(f, " Add it in the App's settings; an owner of {} then accepts the new permissions", self.account)?;
        if self.accept_at.is_empty() { f.write_str(".") } else { write!(f, " at {}", self.accept_at) }
    }
}

/// Whether this feature works in an installation.
pub fn allows(installation: &Installation, feature: &Feature) -> bool {
    lacking(installation, feature).is_empty()
}

/// The features, without the optional ones, that do not work in an installation.
pub fn missing(installation: &Installation) -> Vec<MissingFeature> {
    let wanted = FEATURES.iter().filter(|feature| !feature.optional);
    let found = wanted.map(|feature| MissingFeature {
        feature,
        account: installation.account.clone(),
        lacks: lacking(installation, feature),
        accept_at: installation.html_url.clone(),
    });
    found.filter(|missing| !missing.lacks.is_empty()).collect()
}

fn lacking(installation: &Installation, feature: &Feature) -> Vec<(&'static str, &'static str)> {
    let granted = |name: &str| installation.permissions.get(name).map_or(0, |level| rank(level));
    feature.needs.iter().filter(|(name, level)| granted(name) < rank(level)).copied().collect()
}

fn rank(level: &str) -> u8 {
    match level {
        "read" => 1,
        "write" => 2,
        "admin" => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn installation(permissions: &[(&str, &str)]) -> Installation {
        Installation {
            id: 1,
            account: "acme".into(),
            suspended: false,
            permissions: permissions.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            events: Vec::new(),
            html_url: "https://github.com/organizations/acme/settings/installations/1".into(),
        }
    }

    const ALL_BUT_CHECKS: &[(&str, &str)] = &[
        ("metadata", "read"),
        ("checks", "read"),
        ("contents", "write"),
        ("pull_requests", "write"),
        ("issues", "read"),
        ("merge_queues", "read"),
        ("deployments", "write"),
        ("members", "read"),
    ];

    #[test]
    fn the_sentence_names_what_is_missing_and_where_to_accept_it() {
        let missing = missing(&installation(ALL_BUT_CHECKS));
        let words: Vec<String> = missing.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "Fairway cannot post check runs in acme: the App lacks `checks: write`. Add it in the App's settings; an \
              owner of acme then accepts the new permissions at https://github.com/organizations/acme/settings/installations/1"
            ]
        );
    }

    #[test]
    fn a_higher_level_carries_a_lower_need() {
        let writer = installation(&[("contents", "write"), ("checks", "write"), ("pull_requests", "write")]);
        assert!(allows(&writer, &FEATURES[1]));
        assert!(!allows(&writer, &FEATURES[2]));
    }

    /// Reads the two lists of the manifest: `  name: level  # optional: feature` and `  - event`.
    fn manifest() -> (BTreeMap<String, (String, bool)>, BTreeSet<String>) {
        let (mut permissions, mut events, mut section) = (BTreeMap::new(), BTreeSet::new(), "");
        for line in include_str!("../../app-manifest.yml").lines() {
            let (code, note) = line.split_once('#').unwrap_or((line, ""));
            if !code.starts_with(' ') && !code.trim().is_empty() {
                section = code.split(':').next().unwrap();
            } else if let (Some((name, level)), "default_permissions") = (code.trim().split_once(": "), section) {
                permissions.insert(name.to_owned(), (level.trim().to_owned(), note.contains("optional")));
            } else if let (Some(event), "default_events") = (code.trim().strip_prefix("- "), section) {
                events.insert(event.trim().to_owned());
            }
        }
        (permissions, events)
    }

    #[test]
    fn the_manifest_asks_for_what_the_features_need_and_for_nothing_else() {
        let mut wanted: BTreeMap<String, (String, bool)> = BTreeMap::new();
        for feature in FEATURES {
            for (name, level) in feature.needs {
                let entry = wanted.entry((*name).to_owned()).or_insert(((*level).to_owned(), true));
                if rank(level) > rank(&entry.0) {
                    entry.0 = (*level).to_owned();
                }
                entry.1 &= feature.optional;
            }
        }
        let events: BTreeSet<String> = FEATURES.iter().flat_map(|f| f.events).map(|e| (*e).to_owned()).collect();
        assert_eq!(manifest(), (wanted, events));
    }
}

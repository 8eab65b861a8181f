//! Which permission each feature stands on. What an account did not grant switches its feature off, in words.

use std::collections::BTreeMap;

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

/// A permission that an account's grants do not carry, and all that it switches off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Its name.
    pub permission: &'static str,
    /// The level that would do.
    pub level: &'static str,
    /// What cannot be done, after "Fairway cannot".
    pub cannot: Vec<&'static str>,
}

/// What an installation lacks, permission by permission, without what only optional features need.
pub fn lacks(installation: &Installation) -> Vec<Lack> {
    let mut all: Vec<Lack> = Vec::new();
    for feature in FEATURES.iter().filter(|feature| !feature.optional) {
        for (permission, level) in lacking(installation, feature) {
            match all.iter_mut().find(|lack| lack.permission == permission) {
                Some(lack) => {
                    lack.cannot.push(feature.cannot);
                    lack.level = if rank(level) > rank(lack.level) { level } else { lack.level };
                }
                None => all.push(Lack { permission, level, cannot: vec![feature.cannot] }),
            }
        }
    }
    all
}

/// The events that an App with these subscriptions and permissions does not hear of, each with what cannot be done then.
/// `checks: write` subscribes its two by itself.
pub fn unheard(events: &[String], permissions: &BTreeMap<String, String>) -> Vec<(&'static str, Vec<&'static str>)> {
    let implied = permissions.get("checks").is_some_and(|level| rank(level) >= rank("write"));
    let heard = |event: &str| events.iter().any(|e| e == event) || implied && event.starts_with("check_");
    let mut all: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for feature in FEATURES.iter().filter(|feature| !feature.optional) {
        for event in feature.events.iter().filter(|event| !heard(event)) {
            match all.iter_mut().find(|(known, _)| known == event) {
                Some((_, cannot)) => cannot.push(feature.cannot),
                None => all.push((event, vec![feature.cannot])),
            }
        }
    }
    all
}

/// What an App need not ask for when of the optional features only `wanted` are: permissions, events.
pub fn left_out(wanted: &[String]) -> (Vec<&'static str>, Vec<&'static str>) {
    let on = |feature: &&Feature| !feature.optional || wanted.iter().any(|name| name == feature.name);
    let kept: Vec<&Feature> = FEATURES.iter().filter(on).collect();
    let off: Vec<&Feature> = FEATURES.iter().filter(|feature| !on(feature)).collect();
    let permissions = off.iter().flat_map(|feature| feature.needs).map(|(name, _)| *name);
    let events = off.iter().flat_map(|feature| feature.events).copied();
    (
        permissions.filter(|name| !kept.iter().any(|f| f.needs.iter().any(|(kept, _)| kept == name))).collect(),
        events.filter(|name| !kept.iter().any(|f| f.events.contains(name))).collect(),
    )
}

/// Whether permissions carry one at this level; a higher level carries a lower one.
pub fn carries(permissions: &BTreeMap<String, String>, name: &str, level: &str) -> bool {
    permissions.get(name).map_or(0, |held| rank(held)) >= rank(level)
}

fn lacking(installation: &Installation, feature: &Feature) -> Vec<(&'static str, &'static str)> {
    let granted = |(name, level): &&(&str, &str)| carries(&installation.permissions, name, level);
    feature.needs.iter().filter(|need| !granted(need)).copied().collect()
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
    use std::collections::BTreeSet;

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

    #[test]
    fn a_permission_that_is_missing_names_all_that_it_switches_off() {
        let told: Vec<String> =
            lacks(&installation(&[("metadata", "read"), ("contents", "write"), ("issues", "read")]))
                .iter()
                .map(|lack| format!("{}: {} -> {}", lack.permission, lack.level, lack.cannot.join(", ")))
                .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        checks: write -> post check runs
        pull_requests: write -> post check runs, hear and answer commands, open pull requests, measure reviews, or how newcomers fare
        merge_queues: read -> check entries of the merge queue
        deployments: write -> show deployments
        members: read -> see who belongs to a team, measure reviews, or how newcomers fare
        ");
    }

    #[test]
    fn an_event_that_nobody_tells_is_named() {
        let events = FEATURES.iter().flat_map(|f| f.events).filter(|event| **event != "issue_comment");
        let events: Vec<String> =
            events.filter(|event| !event.starts_with("check_")).map(|e| (*e).to_owned()).collect();
        let write = BTreeMap::from([("checks".to_owned(), "write".to_owned())]);
        assert_eq!(unheard(&events, &write), [("issue_comment", vec!["hear and answer commands"])]);
        assert_eq!(unheard(&events, &BTreeMap::new()).len(), 3);
    }

    #[test]
    fn what_is_optional_is_left_out_unless_it_is_wanted() {
        let (permissions, events) = left_out(&[]);
        assert_eq!(permissions, ["administration", "workflows"]);
        assert_eq!(events, ["branch_protection_rule"]);
        let (permissions, events) = left_out(&["rulesets".to_owned()]);
        assert_eq!(permissions, ["workflows"]);
        assert!(events.is_empty());
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

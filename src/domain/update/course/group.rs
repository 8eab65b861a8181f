//! What belongs together: the fix of a severity, all that is safe, each thing that may break.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rules::Course;
use super::{Item, Kind, Refused, Unit, Wanted};
use crate::domain::update::advisory::fix::{Left, Proof};
use crate::domain::update::advisory::{Finding, Reach, Severity};
use crate::domain::update::model::{Ecosystem, Proposal, Step};
use crate::domain::update::rules;

/// An advisory that a group ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// It, and where it was found.
    pub finding: Finding,
    /// Whether the repository's own code names what it is about.
    #[serde(default)]
    pub reach: Reach,
}

/// What becomes of the locks, as far as it is known beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// How many packages get another version.
    pub changed: usize,
    /// Names and versions that come without going for another one.
    pub added: Vec<(String, String)>,
    /// Names and versions that leave, and none comes for them.
    pub removed: Vec<(String, String)>,
}

/// The smallest change that ends advisories of one severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cure {
    /// Of all that it ends.
    pub severity: Option<Severity>,
    /// What is to be changed: lines of manifests, and packages of locks.
    pub items: Vec<Item>,
    /// What that comes to.
    pub extent: Extent,
    /// What is gone then.
    pub fixed: Vec<Ended>,
    /// How sure it is that no smaller change does it.
    pub proof: Option<Proof>,
    /// What stays, and why.
    pub left: Vec<Left>,
}

/// All groups, the most urgent first: fixes, then what the repository puts together, what is safe, what may break.
pub fn groups(cures: Vec<Cure>, proposals: &[Proposal], course: &Course, refused: &[Refused]) -> Vec<Wanted> {
    let mut all = Vec::new();
    for Cure { severity, items, fixed, proof, left, .. } in cures.into_iter().filter(|_| course.security) {
        let id = format!("security-{}", severity.map_or("unrated", Severity::as_str));
        all.push(Wanted { id, kind: Kind::Security(severity), units: units(items), fixed, proof, left });
    }
    let mut routine: BTreeMap<(u8, String), (Kind, Vec<Item>)> = BTreeMap::new();
    for proposal in proposals.iter().filter(|_| course.routine) {
        let (order, mut id, kind) = place(proposal, course);
        if proposals.iter().any(|other| passes(proposal, other)) {
            if matches!(kind, Kind::Named(_)) {
                // A group asks for one version of a package.
                continue;
            }
            id.push_str("-0.x");
        }
        routine.entry((order, id)).or_insert_with(|| (kind, Vec::new())).1.push(item(proposal));
    }
    for ((_, id), (kind, items)) in routine {
        all.push(Wanted { id, kind, units: units(items), fixed: Vec::new(), proof: None, left: Vec::new() });
    }
    for wanted in &mut all {
        wanted.units.retain(|unit| !unit.items.iter().any(|item| unwanted(item, refused)));
    }
    all.retain(|wanted| !wanted.units.is_empty());
    all
}

/// Whether the other one takes the same line past 1.0, and this one does not.
fn passes(this: &Proposal, other: &Proposal) -> bool {
    let line = |of: &Proposal| (of.ecosystem, of.line, of.step == Step::Breaking);
    line(this) == line(other)
        && this.step == Step::Breaking
        && (&this.name, &this.file) == (&other.name, &other.file)
        && rules::zero(&this.to)
        && !rules::zero(&other.to)
}

fn unwanted(item: &Item, refused: &[Refused]) -> bool {
    let meant = |no: &Refused| no.ecosystem == item.ecosystem && no.name == item.name;
    refused.iter().any(|no| meant(no) && (no.version.is_empty() || no.version == item.wanted()))
}

fn place(proposal: &Proposal, course: &Course) -> (u8, String, Kind) {
    let ecosystem = proposal.ecosystem.as_str();
    match (course.group_of(proposal), proposal.step) {
        (Some(name), _) => (0, format!("group-{}", slug(name)), Kind::Named(name.to_owned())),
        (None, Step::Safe) => (1, format!("safe-{ecosystem}"), Kind::Safe),
        (None, Step::Breaking) => (2, format!("{ecosystem}-{}", slug(&proposal.name)), Kind::Breaking),
    }
}

fn item(proposal: &Proposal) -> Item {
    Item {
        ecosystem: proposal.ecosystem,
        name: proposal.name.clone(),
        file: proposal.file.clone(),
        line: proposal.line,
        from: proposal.from.clone(),
        to: proposal.to.clone(),
        lock_only: proposal.lock_only,
        published: proposal.published,
        pin: proposal.pin.clone(),
    }
}

/// One package's lines together: a workspace asks for one version.
fn units(items: Vec<Item>) -> Vec<Unit> {
    let mut units: BTreeMap<(Ecosystem, String), Vec<Item>> = BTreeMap::new();
    for item in items {
        units.entry((item.ecosystem, item.name.clone())).or_default().push(item);
    }
    units.into_values().map(|items| Unit { items, group: None }).collect()
}

/// A name as a part of a branch's: what Git or a shell could take for something else becomes a dash.
fn slug(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' }).collect();
    plain.trim_matches(|c| c == '-' || c == '.').replace("..", ".").chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(name: &str, step: Step) -> Proposal {
        Proposal {
            ecosystem: Ecosystem::Npm,
            name: name.to_owned(),
            file: "package.json".to_owned(),
            line: 3,
            from: "1.0.0".to_owned(),
            to: "2.0.0".to_owned(),
            step,
            lock_only: false,
            published: None,
            pin: None,
        }
    }

    fn shown(groups: &[Wanted]) -> Vec<(String, usize)> {
        groups.iter().map(|wanted| (wanted.id.clone(), wanted.units.len())).collect()
    }

    #[test]
    fn safe_ones_go_together_breaking_ones_alone_and_named_ones_by_their_name() {
        let course =
            Course::read(Some(&"groups = { ui = [\"@acme/*\"] }".parse().expect("a table"))).expect("a course");
        let proposals = [
            proposal("a", Step::Safe),
            proposal("b", Step::Safe),
            proposal("@scope/c", Step::Breaking),
            proposal("@acme/d", Step::Breaking),
            proposal("@acme/e", Step::Safe),
        ];
        let found = groups(Vec::new(), &proposals, &course, &[]);
        let expected = [("group-ui", 2), ("safe-npm", 2), ("npm-scope-c", 1)];
        assert_eq!(shown(&found), expected.map(|(id, count)| (id.to_owned(), count)));
        let no = Refused { ecosystem: Ecosystem::Npm, name: "@scope/c".into(), version: "2.0.0".into(), pull: 4 };
        assert_eq!(groups(Vec::new(), &proposals, &course, &[no]).len(), 2);
        assert!(groups(Vec::new(), &proposals, &Course::default(), &[]).is_empty(), "nobody asked for them");
    }

    #[test]
    fn the_last_version_before_1_0_and_the_one_past_it_are_two_ways_and_a_named_group_takes_the_longer_one() {
        let way = |to: &str| Proposal { from: "0.1.0".into(), to: to.into(), ..proposal("a", Step::Breaking) };
        let ways = [way("0.9.1"), way("2.0.0")];
        let course = Course::read(Some(&"schedule = \"daily\"".parse().expect("a table"))).expect("a course");
        let expected = [("npm-a", 1), ("npm-a-0.x", 1)].map(|(id, count)| (id.to_owned(), count));
        assert_eq!(shown(&groups(Vec::new(), &ways, &course, &[])), expected);
        assert_eq!(shown(&groups(Vec::new(), &ways[..1], &course, &[])), [("npm-a".to_owned(), 1)], "there is one way");
        let course = Course::read(Some(&"groups = { all = [\"*\"] }".parse().expect("a table"))).expect("a course");
        let named = groups(Vec::new(), &ways, &course, &[]);
        assert_eq!(named[0].units[0].items.iter().map(|item| item.to.as_str()).collect::<Vec<_>>(), ["2.0.0"]);
    }

    #[test]
    fn names_of_branches_cannot_leave_their_place() {
        for (name, expected) in [("../../x", "x"), ("@a/b", "a-b"), ("x..y", "x.y"), ("räksmörgås", "r-ksm-rg-s")] {
            assert_eq!(slug(name), expected);
        }
    }
}

//! The house's rules, as tests: a rule that nothing checks is a rule that is broken.
//!
//! `tree` reads the sources, `facts` says what stands in one file, `rules` compares that
//! with the design, and `samples` proves of every rule that it finds what it forbids.

#[path = "tidy/facts.rs"]
mod facts;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/samples.rs"]
mod samples;
#[path = "tidy/tree.rs"]
mod tree;

use std::fmt;
use std::path::Path;

/// One broken rule. Shown as `file:line: [rule] what, and what to do`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { file, line, rule, what } = self;
        write!(f, "{file}:{line}: [{rule}] {what}")
    }
}

/// All findings in `tree`, sorted by place.
fn check(tree: &tree::Tree) -> Vec<Finding> {
    let mut findings = floors::check(tree);
    findings.extend(rules::check(tree));
    findings.sort();
    findings.dedup();
    findings
}

fn report(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn the_house_is_tidy() {
    let tree = tree::Tree::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(tree.files.len() > 5, "the sources were not found");
    let findings = check(&tree);
    assert!(findings.is_empty(), "{} broken rules (see CONTRIBUTING.md):\n{}", findings.len(), report(&findings));
}

#[test]
fn no_tracked_text_names_a_path_of_one_machine() {
    let texts = tree::tracked_texts(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(texts.len() > 10, "git lists only {} texts", texts.len());
    let findings = rules::machine_paths(&texts);
    assert!(findings.is_empty(), "\n{}", report(&findings));
}

//! What a repository is made of, told from a listing of its paths and the texts of a few files, and the `fairway.toml`
//! that this leads to.
//!
//! Wished: every match with its evidence, never the first one only; what a repository's own CI runs is taken over and
//! not guessed anew; the same repository gives the same answer. Two phases, because reading costs a request a file:
//! `wanted` says by paths alone which files tell most, `detect` decides from their texts.

mod assign;
mod ci;
mod image;
mod lang;
mod propose;
mod stack;
mod text;
mod tree;
mod want;
pub(in crate::domain) mod yaml;

pub use propose::{Draft, propose};
pub use stack::{Beside, Command, Confidence, Evidence, Kind, Origin, Part, Stack};
pub use text::{MAX_BYTES, Note, Texts, Why};
pub use tree::{Entry, Mode, Place, Tree, join, place, resolve, split, within};
pub use want::{MAX_FILES, Wanted, wanted};

/// The file that all this is about.
pub const FILE: &str = "fairway.toml";

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Detected {
    /// All matches, in the order of their folders.
    pub stacks: Vec<Stack>,
    /// What was left out or could not be read.
    pub notes: Vec<Note>,
}

/// Decides from the texts of the files that were wanted. A text that is missing is a file that is not there.
pub fn detect(tree: &Tree, texts: &Texts) -> Detected {
    let mut notes = texts.notes.clone();
    if tree.truncated {
        notes.push(Note::Truncated { entries: tree.entries().len() });
    }
    let modules = tree.entries().iter().filter(|entry| entry.mode == Mode::Submodule);
    notes.extend(modules.take(20).map(|entry| Note::Submodule { path: entry.path.clone() }));
    if tree.get(FILE).is_some() {
        notes.push(Note::Existing);
    }
    let ci = ci::read(texts, &mut notes);
    let look = lang::Look { tree, texts, versions: ci.versions.clone(), tools: ci.tools.clone() };
    let found = lang::find(&look, &mut notes);
    let stacks = assign::assign(units(found), &ci, texts);
    notes.dedup();
    Detected { stacks, notes }
}

/// Members of a workspace belong to it; what stands aside counts only where there is nothing else.
fn units(mut found: Vec<Stack>) -> Vec<Stack> {
    let members: Vec<(Kind, String, String)> = found
        .iter()
        .flat_map(|stack| stack.members.iter().map(|member| (stack.kind, stack.tool.clone(), member.clone())))
        .collect();
    found.retain(|stack| {
        let same = |kind: Kind, tool: &str| kind == stack.kind && (tool == stack.tool || kind != Kind::Java);
        !members.iter().any(|(kind, tool, member)| same(*kind, tool) && *member == stack.dir)
    });
    // A Gradle or .NET project below one that did not name it is still a part of its build.
    let above: Vec<(Kind, String, String)> = found
        .iter()
        .filter(|stack| matches!(stack.kind, Kind::DotNet) || (stack.kind == Kind::Java && !stack.members.is_empty()))
        .map(|stack| (stack.kind, stack.tool.clone(), stack.dir.clone()))
        .collect();
    found.retain(|stack| {
        !above.iter().any(|(kind, tool, dir)| {
            *kind == stack.kind && *tool == stack.tool && *dir != stack.dir && tree::within(&stack.dir, dir)
        })
    });
    let own = |stack: &Stack| place(&stack.dir) == Place::Own;
    if found.iter().any(own) {
        found.retain(own);
    }
    // An entry point of a package, or a marker for a bundler, below the manifest that has the scripts.
    let nodes: Vec<String> =
        found.iter().filter(|s| s.kind == Kind::Node && s.checked()).map(|s| s.dir.clone()).collect();
    found.retain(|stack| {
        let below = || nodes.iter().any(|dir| *dir != stack.dir && tree::within(&stack.dir, dir));
        stack.kind != Kind::Node || stack.checked() || stack.evidence.len() > 1 || !below()
    });
    // `{"type": "module"}` and the like beside something larger.
    if found.len() > 1 {
        found.retain(|stack| !lang::is_marker(stack));
    }
    found.sort_by(|a, b| (&a.dir, a.kind).cmp(&(&b.dir, b.kind)));
    found
}

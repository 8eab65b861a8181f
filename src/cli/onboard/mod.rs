//! `fairway onboard --dry-run`: what Fairway finds in a checkout, and the pull request that it would open, offline.

pub(super) mod checkout;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;

use crate::domain::detect::{Detected, Draft, Note, detect, propose, wanted};
use crate::domain::speech::onboard as speech;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The root of a checkout, or any folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print what would be opened, and open nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Exit status 0 also where nothing was found: that is an answer.
pub fn onboard(args: &Args) -> anyhow::Result<ExitCode> {
    if !args.dry_run {
        bail!("this version opens no pull request from here; type: fairway onboard --dry-run {}", args.path.display());
    }
    let (detected, drafts) = look(&args.path)?;
    if args.json {
        println!("{:#}", object(&detected, &drafts));
    } else {
        print!("{}", text(&detected, &drafts));
    }
    Ok(ExitCode::SUCCESS)
}

fn look(root: &Path) -> anyhow::Result<(Detected, Vec<Draft>)> {
    let tree = checkout::list(root)?;
    let wanted = wanted(&tree);
    let texts = checkout::texts(root, &wanted);
    let mut detected = detect(&tree, &texts);
    detected.notes.extend(wanted.notes);
    let drafts = propose(&detected);
    Ok((detected, drafts))
}

fn exists(detected: &Detected) -> bool {
    detected.notes.contains(&Note::Existing)
}

fn text(detected: &Detected, drafts: &[Draft]) -> String {
    let mut out = String::from("Found:\n");
    for stack in &detected.stacks {
        let remark = speech::remark(stack).map(|remark| format!(" ({remark})")).unwrap_or_default();
        out.push_str(&format!("  {}{remark}\n", speech::found(stack)));
    }
    if detected.stacks.is_empty() {
        out.push_str("  no manifest that Fairway knows\n");
    }
    let notes = speech::notes(detected);
    if !notes.is_empty() {
        out.push_str("\nLeft out:\n");
        notes.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    }
    if exists(detected) {
        out.push_str(&format!("\n{}\nFrom scratch it would be:\n", speech::existing()));
    }
    out.push_str(&format!("\n--- fairway.toml\n{}", speech::file(detected, drafts)));
    if !exists(detected) {
        out.push_str(&format!("\n--- pull request: {}\n{}", speech::TITLE, speech::body(detected, drafts)));
    }
    out
}

fn object(detected: &Detected, drafts: &[Draft]) -> serde_json::Value {
    let stacks: Vec<serde_json::Value> = detected
        .stacks
        .iter()
        .map(|stack| {
            json!({
                "path": if stack.dir.is_empty() { "." } else { &stack.dir },
                "kind": stack.kind, "tool": stack.tool, "version": stack.version, "title": speech::title(stack),
                "confidence": stack.confidence, "evidence": stack.evidence, "members": stack.members,
                "commands": stack.commands, "image": stack.image, "remark": speech::remark(stack),
            })
        })
        .collect();
    let pull = (!exists(detected)).then(|| json!({ "title": speech::TITLE, "body": speech::body(detected, drafts) }));
    json!({
        "stacks": stacks,
        "notes": speech::notes(detected),
        "exists": exists(detected),
        "pipelines": drafts.iter().map(|draft| &draft.name).collect::<Vec<_>>(),
        "fairway_toml": speech::file(detected, drafts),
        "pull_request": pull,
    })
}

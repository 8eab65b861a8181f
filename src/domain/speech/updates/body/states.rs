//! How far it is, what came of its checks, and what a person can do.

use std::collections::BTreeSet;

use super::advisories::word;
use super::packages::listed;
use super::table::arrow;
use super::{Change, Check, Kind, Standing, TakenOut, Update};
use crate::domain::run::{Conclusion, fence, human_time, tail};
use crate::domain::speech::updates::foreign::{address, cell, html, line, link, quoted};
use crate::domain::update::advisory::fix::Proof;

/// Lines and characters of a log.
const LOG: (usize, usize) = (30, 4_000);

/// What is to be known before anything else, if it is not simply open.
pub(super) fn banner(update: &Update) -> Option<String> {
    match &update.standing {
        Standing::Open => (!update.trouble.is_empty()).then(|| format!("**{}.**\n", sentence(&update.trouble))),
        Standing::Edited(by) => {
            let by = by.as_deref().map_or("Somebody".to_owned(), line);
            Some(format!(
                "**{by} pushed to this branch, so Fairway leaves it alone.** What stands below is about Fairway's own commit. \
                 `/update` in a comment makes it anew and drops what was pushed.{}\n",
                if update.trouble.is_empty() {
                    String::new()
                } else {
                    format!("\n\n**{}.**", sentence(&update.trouble))
                }
            ))
        }
        Standing::Merged => Some("**Merged.**\n".to_owned()),
        Standing::Closed => Some(
            "**Closed: these versions are not wanted here.** They are not offered again; reopening takes that back.\n"
                .to_owned(),
        ),
        Standing::Over(why) => Some(format!("**Closed by Fairway: {}.**\n", line(why))),
    }
}

/// Others' words may be in it, GitHub's for one.
fn sentence(trouble: &str) -> String {
    let text = line(trouble);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What it does, why, and how it stands with the checks.
pub(super) fn summary(update: &Update, changes: &[Change]) -> String {
    let asked: Vec<&Change> = changes.iter().filter(|change| change.direct).collect();
    let what = match &update.kind {
        Kind::Security(severity) => {
            let ids: BTreeSet<&str> = update.fixed.iter().map(|fixed| fixed.finding.id()).collect();
            let ends = match ids.len() {
                1 => ids.first().map(|id| line(id)).unwrap_or_default(),
                n => format!("{n} advisories"),
            };
            let severity = severity.map_or(String::new(), |worst| match ids.len() {
                1 => format!(" ({} severity)", word(worst)),
                _ => format!(" (the worst of {} severity)", word(worst)),
            });
            let changes = changes.len();
            let versions = if changes == 1 { "one version".to_owned() } else { format!("{changes} versions") };
            format!("This ends {ends}{severity} by changing {versions}.{}", proof(update.proof))
        }
        Kind::Safe => match asked.as_slice() {
            [one] => format!(
                "This moves {} to its newest version whose authors promise that nothing breaks.",
                quoted(&one.name)
            ),
            _ => "These are the newest versions whose authors promise that nothing breaks.".to_owned(),
        },
        Kind::Breaking => match asked.as_slice() {
            [one] => format!(
                "This moves {} to a version that may break something: read what changed first.",
                quoted(&one.name)
            ),
            _ => "These versions may break something: read what changed first.".to_owned(),
        },
        Kind::Group(name) => {
            let breaking = changes.iter().filter(|change| change.breaking).count();
            let breaks = match breaking {
                0 => String::new(),
                1 => " One of them may break something.".to_owned(),
                n => format!(" {n} of them may break something."),
            };
            format!("This moves what `fairway.toml` groups as {} together.{breaks}", quoted(name))
        }
    };
    format!("{what}{}\n", verdict(&update.checks))
}

fn proof(proof: Option<Proof>) -> String {
    match proof {
        None => String::new(),
        Some(Proof::Smallest) => " No smaller change does it, and the new lock was audited again.".to_owned(),
        Some(Proof::Fewest) => " Fewer do not do, and the new lock was audited again.".to_owned(),
        Some(Proof::AtLeast(0)) => " A smaller change may do it too: the search ended at its bound.".to_owned(),
        Some(Proof::AtLeast(n)) => {
            format!(" Fewer than {n} do not do; between the two the search ended at its bound.")
        }
    }
}

fn verdict(checks: &[Check]) -> String {
    let bad = |check: &&Check| check.conclusion.is_some_and(|conclusion| !fine(conclusion));
    let failed: Vec<String> = checks.iter().filter(bad).map(|check| quoted(&check.name)).collect();
    if !failed.is_empty() {
        let have = if failed.len() == 1 { "has" } else { "have" };
        return format!(" **{} {have} not passed on it.**", failed.join(", "));
    }
    let running = checks.iter().filter(|check| check.conclusion.is_none()).count();
    match (checks.len(), running) {
        (0, _) => String::new(),
        (1, 0) => " Its check passed on this very commit.".to_owned(),
        (2, 0) => " Both checks passed on this very commit.".to_owned(),
        (all, 0) => format!(" All {all} checks passed on this very commit."),
        (1, _) => " Its check has not ended yet.".to_owned(),
        (all, running) => format!(" {running} of {all} checks have not ended yet."),
    }
}

fn fine(conclusion: Conclusion) -> bool {
    conclusion.passes() || conclusion == Conclusion::Neutral
}

pub(super) fn checks(checks: &[Check]) -> Option<String> {
    if checks.is_empty() {
        return None;
    }
    let mut out = String::from("### Checks on this commit\n\n| Check | Result | Time |\n|---|---|---|\n");
    for check in checks.iter().take(100) {
        let result = match check.conclusion {
            None => "not ended".to_owned(),
            Some(Conclusion::Success) => "passed".to_owned(),
            Some(Conclusion::Failure) => "**failed**".to_owned(),
            Some(Conclusion::Neutral) => "neutral".to_owned(),
            Some(Conclusion::Cancelled) => "**cancelled**".to_owned(),
            Some(Conclusion::TimedOut) => "**timed out**".to_owned(),
            Some(Conclusion::ActionRequired) => "**needs somebody**".to_owned(),
            Some(Conclusion::Skipped) => "skipped".to_owned(),
        };
        let time = check.took.map(human_time).unwrap_or_default();
        let name = cell(&format!("fairway / {}", check.name));
        out.push_str(&format!("| {} | {result} | {time} |\n", link(&name, check.url.as_deref())));
    }
    if checks.len() > 100 {
        out.push_str(&format!("| and {} more | | |\n", checks.len() - 100));
    }
    Some(out)
}

pub(super) fn taken_out(all: &[TakenOut]) -> Option<String> {
    if all.is_empty() {
        return None;
    }
    let mut out = String::from("### Taken out\n\nTried together with the rest, which passes without:\n");
    for TakenOut { name, from, to, check, log } in all.iter().take(10) {
        let step = arrow(from.as_deref(), to, str::to_owned);
        out.push_str(&format!(
            "\n<details><summary><code>{}</code> {}: <code>{}</code> fails with it</summary>\n\n{}\n</details>\n",
            html(name),
            html(&step),
            html(check),
            fence(&tail(log.as_bytes(), LOG.0, LOG.1))
        ));
    }
    if all.len() > 10 {
        out.push_str(&format!("\nAnd {} more.\n", all.len() - 10));
    }
    Some(out)
}

/// What merging does, and what is not in it.
pub(super) fn merging(update: &Update) -> String {
    let places: Vec<String> = update.merging.deploys.iter().map(|name| quoted(name)).collect();
    let what = match places.len() {
        0 => "**Merging changes no environment by itself.**".to_owned(),
        _ => format!("**Merging deploys to {} by itself.**", listed(places)),
    };
    let by = match (&update.merging.by, &update.standing) {
        (Some(rule), Standing::Open) => format!(" Fairway merges it when it is green: {} says so.", quoted(rule)),
        (None, Standing::Open) => " A person merges it.".to_owned(),
        _ => String::new(),
    };
    let why = match update.page.as_deref().and_then(address) {
        Some(url) => format!("[why]({url})"),
        None => "`fairway updates` says why".to_owned(),
    };
    let held = match update.held {
        0 => String::new(),
        1 => format!("\n\nOne newer version is held back here; {why}."),
        n => format!("\n\n{n} newer versions are held back here; {why}."),
    };
    format!("{what}{by}{held}\n")
}

/// What can be typed; nothing where it is over.
pub(super) fn commands(update: &Update, changes: &[Change]) -> Option<String> {
    let name = changes.first().map_or("NAME", |change| change.name.as_str());
    match update.standing {
        Standing::Merged | Standing::Over(_) => None,
        Standing::Closed => Some(format!(
            "Reopen it, or type {} in a comment, to have it after all.\n",
            quoted(&format!("/update {name}"))
        )),
        Standing::Open | Standing::Edited(_) => Some(format!(
            "`/update` makes it anew from the default branch. {} leaves a package out from now on. Closing it ignores these \
             versions; reopening takes that back.\n",
            quoted(&format!("/ignore {name}"))
        )),
    }
}

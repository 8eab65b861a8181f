//! What the published packages say and changed.

use super::table::{arrow, shown};
use crate::domain::speech::updates::foreign::{Block, blocks, fit, html, length, line, quoted};
use crate::domain::update::artefact::{Artefact, Changelog, Difference, Told};

/// So many packages are named in a list.
const NAMES: usize = 30;
/// A changelog that has less room than this is left out.
const LEAST: usize = 200;

fn told(artefacts: &[Artefact]) -> impl Iterator<Item = (&Artefact, &Told)> {
    artefacts.iter().filter_map(|artefact| Some((artefact, artefact.told.as_ref().ok()?)))
}

/// What somebody should look at before anything else.
pub(super) fn warning(artefacts: &[Artefact]) -> Option<String> {
    let loud: Vec<String> = told(artefacts)
        .filter(|(_, told)| told.differences.iter().any(Difference::loud))
        .map(|(artefact, _)| quoted(&artefact.name))
        .collect();
    let (has, runs) = if loud.len() == 1 { ("has", "runs") } else { ("have", "run") };
    (!loud.is_empty()).then(|| {
        format!(
            "**Look at this first:** {} {has} something new in the published package that {runs} when it is built or \
             installed, or that nobody can read; see below.\n",
            listed(loud)
        )
    })
}

/// `a, b and c`; what is too much for a sentence is counted.
pub(super) fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    names.extend((more > 0).then(|| format!("{more} more")));
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// One line a difference, the loud ones first and bold; then what nobody looked into.
pub(super) fn differences(artefacts: &[Artefact]) -> Option<String> {
    if artefacts.is_empty() {
        return None;
    }
    let mut lines: Vec<(bool, String)> = Vec::new();
    for (artefact, told) in told(artefacts) {
        let name = quoted(&format!("{} {}", artefact.name, shown(&artefact.to)));
        for difference in &told.differences {
            let said = says(difference);
            let loud = difference.loud();
            lines.push((!loud, if loud { format!("- **{name}: {said}**\n") } else { format!("- {name}: {said}\n") }));
        }
    }
    lines.sort_by_key(|(quiet, _)| *quiet);
    let more = lines.len().saturating_sub(3 * NAMES);
    let mut out = String::from("### In the published packages\n\n");
    out.extend(lines.iter().take(3 * NAMES).map(|(_, text)| text.as_str()));
    if more > 0 {
        out.push_str(&format!("- and {more} more\n"));
    }
    let looked =
        told(artefacts).filter(|(artefact, told)| artefact.from.is_some() && told.uncompared.is_none()).count();
    if lines.is_empty() && looked > 0 {
        let of = if looked == 1 { "The package was".to_owned() } else { format!("{looked} packages were") };
        out.push_str(&format!(
            "{of} compared with the version before: nothing new runs when building or installing, no new binaries, the same \
             licence.\n"
        ));
    }
    out.push_str(&unseen(artefacts));
    Some(out)
}

/// What nobody looked into, and why.
fn unseen(artefacts: &[Artefact]) -> String {
    let said = |artefact: &Artefact| {
        let (what, why) = match &artefact.told {
            Err(why) => ("was not looked into", why),
            Ok(told) => ("was not compared with the version before", told.uncompared.as_ref()?),
        };
        let version = arrow(artefact.from.as_deref(), &artefact.to, str::to_owned);
        Some(format!("- {} {what}: {}\n", quoted(&format!("{} {version}", artefact.name)), line(why)))
    };
    let failed: Vec<String> = artefacts.iter().filter_map(said).collect();
    let more = failed.len().saturating_sub(NAMES);
    let mut out: String = failed.iter().take(NAMES).map(String::as_str).collect();
    if more > 0 {
        out.push_str(&format!("- and {more} more\n"));
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

fn says(difference: &Difference) -> String {
    match difference {
        Difference::BuildScript { file, new: true } => {
            format!("has a build script now, {}, which runs when it is built", quoted(file))
        }
        Difference::BuildScript { file, .. } => format!("its build script {} changed", quoted(file)),
        Difference::ProcMacro => "is a procedural macro now, which runs in the compiler".to_owned(),
        Difference::InstallHook { hook, command, new } => {
            let verb =
                if *new { "runs something when it is installed now" } else { "changed what it runs when installed" };
            let command: String = command.chars().take(120).collect();
            format!("{verb}, {}: {}", quoted(hook), quoted(&command))
        }
        Difference::Binaries { first: (file, kind), count } => {
            let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            format!("has binaries now that it had not: {} ({}){more}", quoted(file), line(kind))
        }
        Difference::Unsafe { files: 1 } => "has `unsafe` now, in one file; it had none".to_owned(),
        Difference::Unsafe { files } => format!("has `unsafe` now, in {files} files; it had none"),
        Difference::People { added, removed } => people(added, removed),
        Difference::NoCommit => "does not say any more which commit it was made from".to_owned(),
        Difference::Dirty => "was made from a checkout with changes that are in no commit".to_owned(),
        Difference::Licence { from, to } => format!("its licence was {} and is {}", quoted(from), quoted(to)),
        Difference::Repository { from, to } => format!("its source was {} and is {}", quoted(from), quoted(to)),
    }
}

/// Names of people, who are not to be notified: as code.
fn people(added: &[String], removed: &[String]) -> String {
    let names = |names: &[String]| listed(names.iter().take(10).map(|name| quoted(name)).collect());
    match (added, removed) {
        (added, []) => format!("more people may publish it: {}", names(added)),
        ([], removed) => format!("fewer people may publish it, without {}", names(removed)),
        (added, removed) => format!("other people may publish it: {} came, {} left", names(added), names(removed)),
    }
}

/// The changelogs, each folded, within `room` bytes together. The long ones are shortened before the short ones.
pub(super) fn changelogs(artefacts: &[Artefact], room: usize) -> Option<String> {
    let mut all: Vec<(&Artefact, &Changelog, Vec<Block>)> = Vec::new();
    for (artefact, told) in told(artefacts) {
        if let Some(changelog) = &told.changelog {
            all.push((artefact, changelog, blocks(&changelog.text)));
        }
    }
    all.retain(|(_, _, blocks)| !blocks.is_empty());
    let none: Vec<String> = told(artefacts)
        .filter(|(artefact, _)| !all.iter().any(|(other, ..)| std::ptr::eq(*other, *artefact)))
        .map(|(artefact, _)| quoted(&artefact.name))
        .collect();
    let silent = if none.is_empty() {
        String::new()
    } else {
        format!("The packages themselves do not say what changed in {}.\n", listed(none))
    };
    if all.is_empty() {
        return (!silent.is_empty() && silent.len() < room).then_some(silent);
    }
    let heading = "### What their authors say\n\n";
    let mut shares = shares(&all, room.saturating_sub(heading.len() + silent.len() + 200));
    let mut out = heading.to_owned();
    let mut dropped = 0;
    for ((artefact, changelog, blocks), share) in all.iter().zip(shares.drain(..)) {
        let (text, whole) = fit(blocks, share);
        if text.is_empty() {
            dropped += 1;
            continue;
        }
        out.push_str(&folded(artefact, changelog, (&text, whole && !changelog.cut)));
    }
    if dropped > 0 {
        let (are, more) = if dropped == 1 { ("is", "One more") } else { ("are", "More") };
        out.push_str(&format!(
            "{more} changelog{} {are} left out for their length: {dropped}.\n\n",
            if dropped == 1 { "" } else { "s" }
        ));
    }
    if out.len() == heading.len() {
        return None;
    }
    Some(format!("{out}{silent}").trim_end().to_owned() + "\n")
}

/// How many bytes of text each may have: as much as it wants if there is room for all, else the same for those that want more.
fn shares(all: &[(&Artefact, &Changelog, Vec<Block>)], room: usize) -> Vec<usize> {
    let frame = |(artefact, changelog, _): &(&Artefact, &Changelog, Vec<Block>)| {
        folded(artefact, changelog, ("", false)).len() + 2
    };
    let mut order: Vec<(usize, usize)> =
        all.iter().map(|(_, _, blocks)| length(blocks)).enumerate().map(|(i, n)| (n, i)).collect();
    order.sort_unstable();
    let mut left = room;
    let mut shares = vec![0; all.len()];
    for (at, (wants, place)) in order.iter().enumerate() {
        let share = (left / (order.len() - at)).saturating_sub(frame(&all[*place]));
        let share = if share < LEAST && *wants > share { 0 } else { share.min(*wants) };
        if share > 0 {
            left = left.saturating_sub(share + frame(&all[*place]));
            shares[*place] = share;
        }
    }
    shares
}

fn folded(artefact: &Artefact, changelog: &Changelog, (text, whole): (&str, bool)) -> String {
    let file = html(&changelog.file);
    let more = if whole {
        String::new()
    } else {
        format!("\n*Shortened: the rest is in `{}` of the package.*\n", file.replace('`', ""))
    };
    format!(
        "<details><summary><code>{}</code> {}, from its {file}</summary>\n\n{text}\n{more}\n</details>\n\n",
        html(&artefact.name),
        html(&arrow(artefact.from.as_deref(), &artefact.to, str::to_owned)),
    )
}

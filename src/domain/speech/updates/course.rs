//! Where an update stands and why it does not move.

use crate::domain::decide::Group;
use crate::domain::update::Early;
use crate::domain::update::course::{Item, Schedule};
use crate::domain::update::pin::labelled;

/// Others are being tried.
pub fn turn() -> String {
    "waits for its turn: others of this repository are being tried".to_owned()
}

/// Its day has not come.
pub fn schedule(schedule: Schedule) -> String {
    let when = match schedule {
        Schedule::Daily => return turn(),
        Schedule::Weekdays => "Monday to Friday",
        Schedule::Weekly => "Monday",
        Schedule::Monthly => "the first of the month",
        Schedule::Off => return "is not opened: `schedule = \"off\"` of [updates] in fairway.toml".to_owned(),
    };
    format!("waits for {when} (UTC): `schedule` of [updates] in fairway.toml")
}

/// The week's pipelines are used up; milliseconds.
pub fn minutes(spent: i64, allowed: i64) -> String {
    let minutes = |ms: i64| ms.div_euclid(60_000);
    format!(
        "waits for next week: candidates ran {} of {} minutes in this one (`minutes` of [updates] in fairway.toml)",
        minutes(spent),
        minutes(allowed)
    )
}

/// Pipelines that did not pass.
pub fn red(names: &[&str]) -> String {
    match names {
        [one] => format!("`{one}` does not pass with it"),
        many => {
            let names: Vec<String> = many.iter().map(|name| format!("`{name}`")).collect();
            format!("{} do not pass with it", names.join(", "))
        }
    }
}

/// Nothing asks for it any more.
pub fn not_needed() -> String {
    "nothing asks for it any more: the default branch has it, or what it was for was withdrawn".to_owned()
}

/// All advisories that it was to end were taken back.
pub fn withdrawn(ids: &[&str]) -> String {
    let shown = ids.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    match ids.len() {
        1 => format!("{shown} was withdrawn by its publishers, and nothing else asks for it"),
        2 | 3 => format!("{shown} were withdrawn by their publishers, and nothing else asks for it"),
        n => format!("{shown} and {} more were withdrawn by their publishers, and nothing else asks for it", n - 3),
    }
}

/// Somebody typed `/ignore`.
pub fn refused() -> String {
    "somebody typed /ignore; these versions are not offered here any more, and reopening takes that back".to_owned()
}

/// A merge would deploy.
pub fn deploys(environments: &[String]) -> String {
    format!(
        "not merged by itself: {} would get it at once; `automerge_deploys = true` of [updates] in fairway.toml allows that",
        environments.join(", ")
    )
}

/// It failed together with others.
pub fn not_in_batch(why: &str) -> String {
    format!("not merged together with the others: {why}")
}

/// `/update` or `/ignore` where there is no update.
pub fn no_update(ignore: bool) -> String {
    if ignore {
        return "This pull request is not an update of Fairway's, so there is no version to ignore. Type `/ignore` on an update, or write `ignore = [\"NAME@VERSION\"]` below `[updates]` in `fairway.toml`.".to_owned();
    }
    "This pull request is not an update of Fairway's, so there is nothing to make anew. Push to its branch instead."
        .to_owned()
}

/// It will be made anew.
pub fn anew() -> String {
    "Made anew from the default branch. Its pipelines run before this branch moves.".to_owned()
}

/// It will be closed.
pub fn ignored(name: Option<&str>) -> String {
    if let Some(name) = name {
        let name = crate::domain::run::code(name);
        return format!(
            "{name} is left out from now on, in every version; the rest is made anew. To take that back, close this pull request and reopen it."
        );
    }
    "These versions are not offered here any more. Reopen this pull request to take that back.".to_owned()
}

/// The default branch moved while it was being merged.
pub fn overtaken() -> String {
    "not merged yet: the default branch moved meanwhile, and it is made anew".to_owned()
}

/// GitHub does not merge it; its words.
pub fn not_merged(why: &str) -> String {
    format!(
        "not merged by itself: GitHub says \"{}\"; merge it by hand, or let the App through the rule",
        why.trim_end_matches('.')
    )
}

/// GitHub does not let it into the merge queue; its words, which name what is missing.
pub fn not_queued(why: &str) -> String {
    format!("not put into the merge queue: GitHub says \"{}\"", why.trim_end_matches('.'))
}

/// It stands in GitHub's merge queue.
pub fn queued() -> String {
    "in the merge queue: GitHub merges it when it passes there".to_owned()
}

/// Whether GitHub's word for leaving the queue means that it was merged.
pub fn merged_anyway(reason: &str) -> bool {
    matches!(reason.to_ascii_uppercase().as_str(), "MERGE" | "MERGED" | "ALREADY_MERGED")
}

/// The merge queue took it out; GitHub's word for why.
pub fn dequeued(reason: &str) -> String {
    let why = match reason.to_ascii_uppercase().as_str() {
        "CI_FAILURE" => "a check failed there",
        "CI_TIMEOUT" => "its checks took too long there",
        "MERGE_CONFLICT" | "GIT_TREE_INVALID" | "INVALID_MERGE_COMMIT" => "it conflicts with what is merged before it",
        "BRANCH_PROTECTIONS" => "a branch rule does not let it in",
        "MANUAL" => "somebody did",
        "QUEUE_CLEARED" => "the queue was emptied",
        _ => "GitHub does not say why",
    };
    format!("the merge queue took it out ({why}), and it is not put in again by itself: `/update` makes it anew")
}

/// GitHub does not let it be opened; its words.
pub fn not_opened(why: &str) -> String {
    format!("GitHub does not let the App open it: {}", why.trim_end_matches('.'))
}

/// Somebody else's branch has its name.
pub fn branch_taken(branch: &str) -> String {
    format!("the branch {branch} is somebody else's: delete or rename it, and it is opened at the next look")
}

/// `fairway.toml` cannot be read.
pub fn broken_file() -> String {
    "fairway.toml of the default branch is not right; its check names the line, and so does: fairway check".to_owned()
}

/// GitHub's list of files is cut off.
pub fn truncated() -> String {
    "The repository has more files than GitHub lists; manifests among the rest were not read.".to_owned()
}

/// More manifests than are read.
pub fn too_many(most: usize) -> String {
    format!("There are more than {most} manifests and locks; the rest was not read.")
}

/// GitHub does not give a file out.
pub fn too_long(path: &str) -> String {
    format!("{path} was not read: GitHub does not give it out in one piece.")
}

/// A client did its work and nothing is different.
pub fn nothing_changes() -> String {
    "the ecosystem's client changed nothing: something holds the versions that are locked".to_owned()
}

/// The message of a candidate's commit.
pub fn message(group: &Group) -> String {
    let units = group.tried().flat_map(|unit| &unit.items);
    let line = |item: &Item| {
        let pin = item.pin.as_ref();
        let (from, to) = (pin.map(|pin| pin.from.as_str()), pin.map(|pin| pin.to.as_str()));
        format!("- {} {} -> {}", item.name, labelled(&item.from, from), labelled(&item.to, to))
    };
    let mut lines: Vec<String> = units.map(line).collect();
    lines.sort();
    lines.dedup();
    let title = match lines.as_slice() {
        [one] => format!("Update {}", one.trim_start_matches("- ").replace(" -> ", " to ")),
        many => format!("Update {} packages", many.len()),
    };
    if lines.len() == 1 { title } else { format!("{title}\n\n{}", lines.join("\n")) }
}

/// A client did not come to an end.
pub fn client_slow() -> String {
    "the ecosystem's client did not come to an end within ten minutes".to_owned()
}

/// A client left what is no plain text.
pub fn strange_file(path: &str) -> String {
    format!("the ecosystem's client left {path} as something that is no plain text, or too long")
}

/// A registry took too long to look into a package.
pub fn late() -> String {
    "its registry did not give it out in time".to_owned()
}

/// A lock change would bring in what is too young.
pub fn too_young(early: &[Early], now: i64) -> String {
    let one = |early: &Early| {
        format!("{} {}: {}", early.name, early.version, super::reason(early.ecosystem, &early.why, now))
    };
    let all: Vec<String> = early.iter().take(3).map(one).collect();
    let more = early.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it would bring in what waits for the cooldown ({}{more})", all.join("; "))
}

//! What a pull request says that it takes back or mends.

use super::rows::{CommitRow, PullRow};

/// What is named as reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A pull request.
    Pull(i64),
    /// A commit, or the beginning of its name.
    Commit(String),
}

/// Everything that this pull request says it reverts: `Reverts #7`, `Reverts acme/shop#7`,
/// `This reverts commit <sha>` in title or text, or a branch `revert-7-...` as GitHub's button and Fairway make it.
pub(super) fn reverts(pull: &PullRow) -> Vec<Named> {
    let mut named = Vec::new();
    let branch = pull.head.rsplit('/').next().unwrap_or_default();
    if let Some((number, _)) = branch.strip_prefix("revert-").and_then(|rest| rest.split_once('-')) {
        named.extend(number.parse().ok().map(Named::Pull));
    }
    let words: Vec<&str> = pull.title.split_whitespace().chain(pull.body.split_whitespace()).collect();
    named.extend(named_in(&words, &pull.repository));
    named
}

/// The same of a commit's message, as `git revert` writes it.
pub(super) fn reverts_of_commit(commit: &CommitRow, repository: &str) -> Vec<Named> {
    named_in(&commit.message.split_whitespace().collect::<Vec<_>>(), repository)
}

fn named_in(words: &[&str], repository: &str) -> Vec<Named> {
    let mut named = Vec::new();
    for at in (0..words.len()).filter(|at| words[*at].eq_ignore_ascii_case("reverts")) {
        let Some(next) = words.get(at + 1) else {
            continue;
        };
        if next.eq_ignore_ascii_case("commit") {
            named.extend(words.get(at + 2).and_then(|sha| commit(sha)));
        } else {
            named.extend(number(next, repository).map(Named::Pull));
        }
    }
    named
}

/// What of a text says that something is taken back: those lines alone, for the rest is not ours to keep for years.
pub fn says_revert(text: &str) -> String {
    let tells = |line: &&str| line.split_whitespace().any(|word| word.eq_ignore_ascii_case("reverts"));
    let lines: Vec<&str> = text.lines().filter(tells).map(str::trim).take(LINES).collect();
    lines.join("\n")
}

/// Nobody takes back more than this at once.
const LINES: usize = 50;

/// Whether it calls itself a fix in a hurry: by a label or a branch.
pub(super) fn is_hotfix(pull: &PullRow) -> bool {
    let branch = pull.head.split(['/', '-', '_']).next().unwrap_or("");
    branch.eq_ignore_ascii_case("hotfix") || pull.labels.iter().any(|label| label.eq_ignore_ascii_case("hotfix"))
}

fn number(word: &str, repository: &str) -> Option<i64> {
    let (of, rest) = word.split_once('#')?;
    if !of.is_empty() && !of.eq_ignore_ascii_case(repository) {
        return None;
    }
    let digits: &str = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
    digits.parse().ok()
}

fn commit(word: &str) -> Option<Named> {
    let sha = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
    let is_sha = (7..=64).contains(&sha.len()) && sha.bytes().all(|b| b.is_ascii_hexdigit());
    is_sha.then(|| Named::Commit(sha.to_ascii_lowercase()))
}

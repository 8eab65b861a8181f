//! `uses:` of workflows and composite actions: tags, and commits with the tag in a comment behind them.

use super::model::{Declared, Ecosystem, Found, Origin, Purpose};
use super::pin::is_commit;
use super::rules;
use super::source::{Files, is, readable};

/// Whether extraction wants to read this file.
pub fn reads(path: &str) -> bool {
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    let workflow = path.strip_prefix(".github/workflows/").is_some_and(|name| !name.contains('/'));
    (yaml && workflow) || is(path, "action.yml") || is(path, "action.yaml")
}

/// Every action that is not a part of the checkout.
///
/// Lines are read, not YAML: a comment is what says which version a commit is.
pub fn extract(files: &Files) -> Found {
    let mut found = Found::default();
    for (file, text) in files.iter().filter(|(file, _)| reads(file)) {
        match readable(file, text) {
            Ok(text) => {
                let lines = text.lines().zip(1..).filter_map(|(line, at)| uses(line).map(|used| (used, at)));
                found.declared.extend(lines.map(|(used, at)| used.declared(file, at)));
            }
            Err(note) => found.notes.push(note),
        }
    }
    found
}

struct Used<'t> {
    /// `owner/name`, without a path in it.
    name: String,
    reference: &'t str,
    /// The comment behind it.
    comment: Option<&'t str>,
}

fn uses(line: &str) -> Option<Used<'_>> {
    let line = line.trim_start();
    let value = line.strip_prefix("- ").map_or(line, str::trim_start).strip_prefix("uses:")?;
    let (value, comment) = match value.split_once(" #") {
        Some((value, comment)) => (value, Some(comment)),
        None => (value, None),
    };
    let value = value.trim().trim_matches(['"', '\'']);
    if value.starts_with("./") || value.starts_with("docker://") || value.contains("${{") {
        return None;
    }
    let (path, reference) = value.split_once('@')?;
    let name: Vec<&str> = path.split('/').take(2).collect();
    (name.len() == 2 && !reference.is_empty()).then(|| Used { name: name.join("/"), reference, comment })
}

/// The version that a comment names: `# v4`, `# tag=v4`, `# ratchet:owner/name@v4`, `# renovate: tag=v4`, as various tools
/// write.
fn version(comment: &str) -> Option<&str> {
    let last = |word: &'_ str| word.rsplit(['@', '=', ':', '#']).next().map(str::len).unwrap_or_default();
    let words = comment.split(|c: char| c.is_whitespace() || ",;()".contains(c));
    words.map(|word| &word[word.len() - last(word)..]).find(|word| rules::tag_numbers(word) > 0)
}

impl Used<'_> {
    fn declared(self, file: &str, line: u32) -> Declared {
        let version = self.comment.filter(|_| is_commit(self.reference)).and_then(version);
        Declared {
            ecosystem: Ecosystem::Actions,
            name: self.name,
            file: file.to_owned(),
            line,
            requirement: self.reference.to_owned(),
            purpose: Purpose::Build,
            origin: Origin::Registry,
            locked: version.map(str::to_owned).into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, extract, reads};

    #[test]
    fn a_comment_names_its_version_in_many_ways() {
        let cases = [
            (" v4.1.2", Some("v4.1.2")),
            ("v4", Some("v4")),
            (" tag=v4.1.2", Some("v4.1.2")),
            (" renovate: tag=v4", Some("v4")),
            (" ratchet:o/s@v3", Some("v3")),
            (" pinned (4.1.2), see #12", Some("4.1.2")),
            (" main", None),
            ("", None),
        ];
        for (comment, expected) in cases {
            assert_eq!(super::version(comment), expected, "{comment}");
        }
    }

    #[test]
    fn tags_and_commits_with_their_comment() {
        let sha = "0123456789012345678901234567890123456789";
        let text = format!(
            "jobs:\r\n  a:\r\n    uses: o/r/.github/workflows/x.yml@v1\r\n    steps:\r\n      - uses: actions/checkout@v4\r\n      \
             - name: b\r\n        uses: \"o/r@{sha}\" # v2.1.0\r\n      - uses: o/s/sub@{sha} # ratchet:o/s@v3\r\n      \
             - uses: ./own\r\n      - uses: docker://alpine:3\r\n      - uses: o/t@{sha}\r\n"
        );
        let files: Files = [(".github/workflows/ci.yml".to_owned(), text)].into();
        let found = extract(&files);
        let shown: Vec<String> = found
            .declared
            .iter()
            .map(|one| format!("{} {} {} {:?}", one.line, one.name, one.requirement, one.locked))
            .collect();
        let expected = [
            "3 o/r v1 []".to_owned(),
            "5 actions/checkout v4 []".to_owned(),
            format!("7 o/r {sha} [\"v2.1.0\"]"),
            format!("8 o/s {sha} [\"v3\"]"),
            format!("11 o/t {sha} []"),
        ];
        assert_eq!(shown, expected);
        assert!(reads("tools/action.yml") && !reads(".github/dependabot.yml") && !reads(".github/workflows/a/b.yml"));
    }
}

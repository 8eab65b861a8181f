//! The sections of a changelog that are about the versions between two.

use std::cmp::Ordering;

use super::Changelog;
use crate::domain::update::{Ecosystem, rules};

/// So much of it is kept, in bytes.
const MOST: usize = 32 * 1024;

/// Of the first file that has any: the sections after `from` up to `to`, the newest first; without `from` that of `to` alone.
pub fn sections(
    ecosystem: Ecosystem,
    files: &[(String, String)],
    (from, to): (Option<&str>, &str),
) -> Option<Changelog> {
    let wanted = |version: &str| {
        let order = |other: &str| rules::compare(ecosystem, version, other);
        match from {
            Some(from) => {
                order(from) == Some(Ordering::Greater) && matches!(order(to), Some(Ordering::Less | Ordering::Equal))
            }
            None => order(to) == Some(Ordering::Equal),
        }
    };
    for (file, text) in files {
        let lines: Vec<&str> = text.lines().collect();
        let heads = heads(ecosystem, &lines);
        let mut chosen: Vec<(&str, String)> = Vec::new();
        for (at, (line, version)) in heads.iter().enumerate() {
            if wanted(version) {
                let end = heads.get(at + 1).map_or(lines.len(), |(next, _)| *next);
                chosen.push((version, lines[*line..end].join("\n").trim().to_owned()));
            }
        }
        if chosen.is_empty() {
            continue;
        }
        chosen.sort_by(|(a, _), (b, _)| rules::compare(ecosystem, b, a).unwrap_or(Ordering::Equal));
        let whole: Vec<String> = chosen.into_iter().map(|(_, text)| text).collect();
        let mut text = whole.join("\n\n");
        let cut = text.len() > MOST;
        if cut {
            text.truncate(text.floor_char_boundary(MOST));
            text.truncate(text.rfind('\n').unwrap_or(text.len()));
        }
        return Some(Changelog { file: file.clone(), text, cut });
    }
    None
}

/// Where sections begin, and about which version.
fn heads(ecosystem: Ecosystem, lines: &[&str]) -> Vec<(usize, String)> {
    let mut heads = Vec::new();
    let mut fenced = false;
    for (at, line) in lines.iter().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let title = (!fenced).then(|| heading(lines, at)).flatten();
        if let Some(version) = title.and_then(|title| version(ecosystem, title)) {
            // A line above it belongs to it.
            let over = at > 0 && rule(lines[at - 1]) && lines.get(at + 1).is_some_and(|next| rule(next));
            heads.push((at - usize::from(over), version));
        }
    }
    heads
}

/// The text of a heading: `## x`, underlined, bold, or alone between empty lines.
fn heading<'t>(lines: &[&'t str], at: usize) -> Option<&'t str> {
    let line = lines[at].trim_end();
    let bare = line.trim_start_matches('#');
    let marks = line.len() - bare.len();
    if (1..=6).contains(&marks) && (bare.is_empty() || bare.starts_with([' ', '\t'])) {
        return Some(bare.trim().trim_end_matches('#').trim());
    }
    // An indented line is text, as are lists.
    if line.is_empty() || line.starts_with([' ', '\t', '-', '*', '+', '=', '.', '~']) {
        return line
            .strip_prefix("**")
            .and_then(|line| line.strip_suffix("**"))
            .or_else(|| line.strip_prefix("= ").or_else(|| line.strip_prefix("== ")));
    }
    if lines.get(at + 1).is_some_and(|next| rule(next)) {
        return Some(line);
    }
    let alone = |place: Option<&&str>| place.is_none_or(|line| line.trim().is_empty());
    let above = at.checked_sub(1).and_then(|above| lines.get(above));
    (alone(above) && alone(lines.get(at + 1)) && line.len() <= 60).then_some(line)
}

/// An underline.
fn rule(line: &str) -> bool {
    let line = line.trim_end();
    let mut chars = line.chars();
    let first = chars.next();
    line.len() >= 3 && first.is_some_and(|c| "=-~^*+#\"'`_:.".contains(c)) && chars.all(|c| Some(c) == first)
}

/// The version that a heading is about: its first or second word. `## [1.2.3] - 2026-01-01`, `Version 1.2.3`, `tokio 1.2.3`,
/// `pkg@1.2.3`, `v1.2.3`.
fn version(ecosystem: Ecosystem, title: &str) -> Option<String> {
    let words = title.split(|c: char| c.is_whitespace() || "[](),:*`<>".contains(c)).filter(|word| !word.is_empty());
    words.take(2).find_map(|word| {
        let word = word.rsplit_once('@').map_or(word, |(_, version)| version);
        let word = word.trim_end_matches('.');
        let bare = word.trim_start_matches(['v', 'V']);
        let bare = if bare.starts_with(|c: char| c.is_ascii_digit()) {
            bare
        } else {
            // `name-1.2.3`.
            let (_, end) =
                word.rsplit_once('-').filter(|(_, end)| end.starts_with(|c: char| c.is_ascii_digit() || c == 'v'))?;
            end.trim_start_matches('v')
        };
        let fits = bare.contains('.') && bare.len() <= 60 && rules::compare(ecosystem, bare, bare).is_some();
        fits.then(|| bare.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ecosystem: Ecosystem, text: &str, between: (Option<&str>, &str)) -> Option<String> {
        let files = [("CHANGELOG.md".to_owned(), text.to_owned())];
        sections(ecosystem, &files, between).map(|changelog| changelog.text)
    }

    #[test]
    fn the_common_forms_of_headings_are_known() {
        for (newer, older) in [
            ("## [1.2.0] - 2026-01-02", "## [1.1.0] - 2026-01-01"),
            ("## [1.2.0](https://forge.example/compare) (2026-01-02)", "### [1.1.0](x)"),
            ("## 1.2.0", "## 1.1.0"),
            ("# v1.2.0 ##", "# v1.1.0"),
            ("1.2.0 / 2026-01-02\n==================", "1.1.0 / 2026-01-01\n=================="),
            ("=====\n1.2.0\n=====", "=====\n1.1.0\n====="),
            ("Version 1.2.0\n-------------", "Version 1.1.0\n-------------"),
            ("**1.2.0**", "**1.1.0**"),
            ("1.2.0 (2026-01-02)", "1.1.0"),
            ("## thing@1.2.0", "## thing-v1.1.0"),
            ("## Release 1.2.0: the one with tea", "## thing 1.1.0"),
        ] {
            let text = format!(
                "# Changelog\n\nAll of it.\n\n{newer}\n\n- new\n\n### Since the other 1.1.0\n\nmore\n\n{older}\n\n- old\n"
            );
            for ecosystem in [Ecosystem::Cargo, Ecosystem::Npm, Ecosystem::Python] {
                let found = of(ecosystem, &text, (Some("1.1.0"), "1.2.0")).unwrap_or_default();
                assert!(found.starts_with(newer) && found.ends_with("more"), "{newer}: {found}");
                assert!(!found.contains("old"), "{newer}: {found}");
                let alone = of(ecosystem, &text, (None, "1.1.0")).unwrap_or_default();
                assert!(alone.ends_with("- old") && !alone.contains("new"), "{older}: {alone}");
            }
        }
    }

    #[test]
    fn sections_between_come_newest_first_and_others_not_at_all() {
        let text =
            "0.9.0\n=====\nlow\n\n1.0.0\n=====\na\n\n1.1.0\n=====\nb\n\n```\n## 1.1.5\n```\n\n2.0.0\n=====\nhigh\n";
        let found = of(Ecosystem::Cargo, text, (Some("0.9.0"), "1.1.0")).expect("sections");
        assert_eq!(found, "1.1.0\n=====\nb\n\n```\n## 1.1.5\n```\n\n1.0.0\n=====\na");
        assert_eq!(of(Ecosystem::Cargo, text, (Some("2.0.0"), "3.0.0")), None);
        assert_eq!(of(Ecosystem::Cargo, "It was 1.2.0 all along, and\n1.2.0 is old.\n", (None, "1.2.0")), None);
        let calendar = "2021.10.8\n---------\nx\n\n2021.5.30\n---------\ny\n";
        assert_eq!(
            of(Ecosystem::Python, calendar, (Some("2021.5.30"), "2021.10.08")).as_deref(),
            Some("2021.10.8\n---------\nx")
        );
    }

    #[test]
    fn a_long_one_is_cut_at_a_line_and_says_so() {
        let text = format!("## 1.0.1\n{}", "- änderung\n".repeat(20_000));
        let files = [("CHANGES".to_owned(), "nothing of use".to_owned()), ("NEWS".to_owned(), text)];
        let found = sections(Ecosystem::Cargo, &files, (Some("1.0.0"), "1.0.1")).expect("a section");
        assert!(found.cut && found.text.len() <= MOST && found.text.ends_with("änderung"));
        assert_eq!(found.file, "NEWS");
    }
}

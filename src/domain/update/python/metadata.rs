//! What a published distribution requires, and by which of it a package in a lock is held.

use super::marker::{Where, may_hold};
use super::requirement;
use crate::domain::update::model::{Dependency, Origin};

/// The `Requires-Dist` lines of a distribution's METADATA. What is taken from an address is left out: no version holds there.
pub fn requires(metadata: &str) -> Vec<Dependency> {
    // A line of blanks goes on with the field before, such as a whole licence; only an empty one ends the head.
    let head = metadata.trim_start_matches('\u{feff}').lines().take_while(|line| !line.is_empty());
    let fields = head.filter_map(|line| line.split_once(':'));
    let said = fields.filter(|(name, _)| name.eq_ignore_ascii_case("requires-dist")).map(|(_, text)| text.trim());
    let read = |text: &str| {
        let parsed = requirement::parse(text).filter(|parsed| parsed.origin == Origin::Registry)?;
        let marker = text.split_once(';').map(|(_, marker)| marker.trim()).filter(|marker| !marker.is_empty());
        let optional = marker.is_some_and(|marker| marker.contains("extra"));
        let (name, requirement, marker) = (parsed.name, parsed.specifiers.to_owned(), marker.map(Into::into));
        Some(Dependency { name, requirement, optional, marker, ..Dependency::default() })
    };
    said.filter_map(read).collect()
}

/// Whether a lock's own word on what a package requires is enough for this name: Poetry's is.
pub fn says(asks: &[Dependency], name: &str) -> bool {
    asks.iter().any(|ask| ask.name == name && ask.by.is_empty())
}

/// The requirements by which a package holds another one: those that may count on a Python that the repository promises, of
/// extras those that the lock has. Empty: it holds it by none that is known.
pub fn requirements(
    (asks, published): (&[Dependency], &[Dependency]),
    name: &str,
    python: Option<&str>,
) -> Vec<String> {
    let all = if says(asks, name) { asks } else { published };
    let extras: Vec<String> = asks.iter().flat_map(|ask| ask.by.iter().cloned()).collect();
    // A lock need not say which extras it has; where nothing else brings the package, one of them does.
    let ways = [Where { python, extras: Some(&extras) }, Where { python, extras: None }];
    let of = |at: Where<'_>| -> Vec<String> {
        let holds = |one: &&Dependency| {
            one.name == name && one.by.is_empty() && one.marker.as_deref().is_none_or(|marker| may_hold(marker, at))
        };
        let mut said: Vec<String> = all.iter().filter(holds).map(|one| one.requirement.clone()).collect();
        said.sort_unstable();
        said.dedup();
        said
    };
    ways.into_iter().map(of).find(|said| !said.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "Metadata-Version: 2.1\r\nName: Outer\r\nVersion: 1.0\r\nLicense: Of ours\r\n        \r\n        Requires-Dist: nothing\r\nRequires-Dist: Inner_Pack (<3,>=1.2)\r\n\
        requires-dist: old<1 ; python_version < \"3.8\"\r\nRequires-Dist: old>=1; python_version >= '3.8'\r\n\
        Requires-Dist: inner-pack[fast]<2; extra == 'legacy'\r\nRequires-Dist: socks!=1.5 ; extra == \"proxy\"\r\n\
        Requires-Dist: away @ https://u:p@code.test/away.zip\r\nRequires-Dist: ???\r\n\r\nRequires-Dist: prose>=1\r\n";

    #[test]
    fn who_requires_what_is_read_from_the_head_alone() {
        let all = requires(METADATA);
        let shown: Vec<String> =
            all.iter().map(|one| format!("{} {} {:?}", one.name, one.requirement, one.marker)).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        inner-pack <3,>=1.2 None
        old <1 Some("python_version < \"3.8\"")
        old >=1 Some("python_version >= '3.8'")
        inner-pack <2 Some("extra == 'legacy'")
        socks !=1.5 Some("extra == \"proxy\"")
        "#);
    }

    #[test]
    fn extras_count_where_the_lock_has_them_or_nothing_else_brings_it() {
        let published = requires(METADATA);
        let by = |asks: &[Dependency], name: &str| requirements((asks, &published), name, Some(">=3.9")).join(" & ");
        assert_eq!(by(&[], "inner-pack"), "<3,>=1.2");
        let legacy = Dependency { name: "x".to_owned(), by: vec!["legacy".to_owned()], ..Dependency::default() };
        assert_eq!(by(&[legacy], "inner-pack"), "<2 & <3,>=1.2");
        assert_eq!((by(&[], "socks"), by(&[], "old"), by(&[], "nobody")), ("!=1.5".into(), ">=1".into(), "".into()));
        let poetry = Dependency { name: "old".to_owned(), requirement: "^1.4".to_owned(), ..Dependency::default() };
        assert_eq!(by(&[poetry], "old"), "^1.4");
    }
}

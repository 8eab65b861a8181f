//! What stands behind a package's name in a manifest: a range, or a place that is not the registry.

use crate::domain::update::model::Origin;
use crate::domain::update::source::safe;

/// One line's wish.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// The package's own name, behind an alias too.
    pub name: String,
    /// The range or the tag, as written; a part of what the line says.
    pub range: String,
    pub origin: Origin,
}

/// `None` for `catalog:`, which asks for nothing itself, and for what refers to another line (`$name`) or removes (`-`).
pub fn read(name: &str, spec: &str) -> Option<Spec> {
    let spec = spec.trim();
    if spec.starts_with("catalog:") || spec.starts_with('$') || spec == "-" {
        return None;
    }
    if let Some(rest) = spec.strip_prefix("npm:") {
        let alone = rest.starts_with(|c: char| c.is_ascii_digit() || "^~<>=*".contains(c));
        // Yarn also writes a range alone.
        let (name, range) = if alone { (name, rest) } else { cut(rest) };
        return Some(Spec { name: name.to_owned(), range: range.to_owned(), origin: Origin::Registry });
    }
    match foreign(spec) {
        Some(place) => Some(Spec { name: name.to_owned(), range: place.clone(), origin: Origin::Elsewhere(place) }),
        None => Some(Spec { name: name.to_owned(), range: spec.to_owned(), origin: Origin::Registry }),
    }
}

/// A name and what stands behind its `@`; the first one may belong to a scope.
pub fn cut(text: &str) -> (&str, &str) {
    let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    at.map_or((text, ""), |at| (&text[..at], &text[at + 1..]))
}

/// A place that is no registry, without what may be secret in it.
pub fn foreign(spec: &str) -> Option<String> {
    for kind in ["workspace", "patch", "jsr", "exec"] {
        if spec.strip_prefix(kind).is_some_and(|rest| rest.starts_with(':')) {
            return Some(kind.to_owned());
        }
    }
    let folder = ["file:", "link:", "portal:", "~/"].iter().any(|begin| spec.starts_with(begin));
    let hosted = ["git@", "github:", "gitlab:", "bitbucket:", "gist:"].iter().any(|begin| spec.starts_with(begin));
    // `owner/name` is a repository at GitHub; a range has no slash.
    (folder || hosted || spec.contains('/')).then(|| safe(spec))
}

#[cfg(test)]
mod tests {
    use super::{Origin, Spec, read};

    #[test]
    fn a_range_or_an_alias() {
        let cases = [
            ("react", "^18.2.0", "react", "^18.2.0"),
            ("old", "npm:react@^17", "react", "^17"),
            ("core", "npm:@babel/core@7.1.0", "@babel/core", "7.1.0"),
            ("left-pad", "npm:^1.3.0", "left-pad", "^1.3.0"),
            ("x", "npm:@scope/y", "@scope/y", ""),
            ("next", "canary", "next", "canary"),
            ("a", ">=1 <2 || ^3", "a", ">=1 <2 || ^3"),
        ];
        for (name, spec, real, range) in cases {
            let expected = Spec { name: real.into(), range: range.into(), origin: Origin::Registry };
            assert_eq!(read(name, spec), Some(expected), "{spec}");
        }
    }

    #[test]
    fn a_place_is_left_alone_and_holds_no_secret() {
        let cases = [
            ("workspace:*", "workspace"),
            ("file:../lib", "file:../lib"),
            ("link:./x", "link:./x"),
            ("owner/name#v1", "owner/name"),
            ("git+https://me:ghp_secret@code.test/a/b.git#semver:^1", "git+https://code.test/a/b.git"),
            ("https://code.test/x.tgz?token=secret", "https://code.test/x.tgz"),
            ("patch:react@npm%3A18#./p.patch", "patch"),
        ];
        for (spec, place) in cases {
            let spec = read("x", spec).expect("a place");
            assert_eq!((spec.range.as_str(), spec.origin), (place, Origin::Elsewhere(place.into())));
        }
        assert_eq!(["catalog:", "catalog:react18", "$react", "-"].map(|spec| read("x", spec)), [const { None }; 4]);
    }
}

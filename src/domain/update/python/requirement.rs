//! One requirement of PEP 508: a name, extras, then specifiers or an address, then a marker.

use crate::domain::update::model::Origin;
use crate::domain::update::source::safe;

/// What one requirement says.
pub struct Requirement<'t> {
    /// By PEP 503.
    pub name: String,
    /// As written, without blanks around and without brackets.
    pub specifiers: &'t str,
    pub origin: Origin,
}

/// A name as indexes compare it: PEP 503.
pub fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// `None` for what is no requirement.
pub fn parse(text: &str) -> Option<Requirement<'_>> {
    let text = text.trim();
    let ends = text.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(ends);
    let edge = |c: char| c.is_ascii_alphanumeric();
    if !name.starts_with(edge) || !name.ends_with(edge) {
        return None;
    }
    rest = rest.trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']')?.1.trim_start();
    }
    let name = normal(name);
    if let Some(address) = rest.strip_prefix('@') {
        // In an address a semicolon ends it only behind a blank.
        let address = address.trim().split(" ;").next().unwrap_or_default();
        return Some(Requirement { name, specifiers: "", origin: Origin::Elsewhere(safe(address)) });
    }
    let specifiers = rest.split(';').next().unwrap_or_default().trim();
    let bare = specifiers.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(specifiers).trim();
    let known = bare.is_empty() || bare.starts_with(['=', '<', '>', '~', '!']);
    known.then_some(Requirement { name, specifiers: bare, origin: Origin::Registry })
}

#[cfg(test)]
mod tests {
    use super::{Origin, normal, parse};

    #[test]
    fn a_requirement_has_a_name_and_specifiers() {
        let cases = [
            ("django==3.2.0", "django", "==3.2.0"),
            ("Zope.Interface [a, b] >= 5 , < 6 ; python_version < '3.9'", "zope-interface", ">= 5 , < 6"),
            ("uvicorn[standard]", "uvicorn", ""),
            ("requests (>=2)", "requests", ">=2"),
        ];
        for (text, name, specifiers) in cases {
            let requirement = parse(text).expect(text);
            assert_eq!((requirement.name.as_str(), requirement.specifiers), (name, specifiers));
            assert_eq!(requirement.origin, Origin::Registry);
        }
        assert!(["", "-e .", "==1", "two words", "./local", "a["].iter().all(|text| parse(text).is_none()));
        assert_eq!(normal("A__b.-c"), "a-b-c");
    }

    #[test]
    fn an_address_is_left_alone_and_holds_no_secret() {
        let requirement =
            parse("x @ git+https://me:ghp_secret@code.test/x.git@v1 ; os_name == 'nt'").expect("an address");
        assert_eq!(requirement.origin, Origin::Elsewhere("git+https://code.test/x.git@v1".into()));
    }
}

//! `package.json`.
//!
//! `peerDependencies` are left alone: they say what a package works with, not what it takes.

use serde_json::value::RawValue;

use super::json::{Json, members, text};
use super::spec::{self, Spec, cut};
use super::{Declared, Ecosystem, Purpose};

/// One file.
#[derive(Default)]
pub struct Manifest {
    pub asks: Vec<Ask>,
    /// `engines.node`, as written.
    pub node: Option<String>,
    pub notes: Vec<String>,
}

/// A line of a manifest, before it is known what the lock has for it.
pub struct Ask {
    pub declared: Declared,
    /// What the lock calls the wish: the name in the manifest, and what stands behind it. `None` where the lock does not say
    /// whose wish a version fulfils, as with overrides.
    pub wish: Option<(String, String)>,
}

const TABLES: [(&str, Purpose); 3] = [
    ("dependencies", Purpose::Runtime),
    ("devDependencies", Purpose::Development),
    ("optionalDependencies", Purpose::Runtime),
];

/// Reads one; the error is a sentence.
pub fn read(file: &str, source: &str) -> Result<Manifest, String> {
    let (json, root) = Json::open(file, source)?;
    let mut manifest = Manifest::default();
    for (at, (key, value)) in root.iter().enumerate() {
        if let Some((_, later)) = root[at + 1..].iter().find(|(other, _)| other == key) {
            let (first, second) = (json.line(value), json.line(later));
            manifest
                .notes
                .push(format!("{file} has \"{key}\" twice, on lines {first} and {second}; the second counts"));
            continue;
        }
        if let Some((_, purpose)) = TABLES.iter().find(|(table, _)| table == key) {
            for (name, value) in members(value) {
                let Some(said) = text(value) else { continue };
                let declared = ask((file, json.line(value), *purpose), &name, &said);
                let wish = Some((name, said));
                manifest.asks.extend(declared.map(|declared| Ask { declared, wish }));
            }
        }
        match key.as_str() {
            "overrides" | "resolutions" => overrides((&json, file), value, &mut manifest.asks),
            "pnpm" => {
                let inner = members(value).into_iter().filter(|(key, _)| key == "overrides");
                inner.for_each(|(_, value)| overrides((&json, file), value, &mut manifest.asks));
            }
            "engines" => {
                let node = members(value).into_iter().find(|(key, _)| key == "node");
                manifest.node = node.and_then(|(_, value)| text(value));
            }
            _ => {}
        }
    }
    Ok(manifest)
}

/// A line that asks for something; `None` where it refers to another.
pub fn ask((file, line, purpose): (&str, u32, Purpose), name: &str, said: &str) -> Option<Declared> {
    let Spec { name, range, origin } = spec::read(name, said)?;
    let (ecosystem, file) = (Ecosystem::Npm, file.to_owned());
    Some(Declared { ecosystem, name, file, line, requirement: range, purpose, origin, locked: Vec::new() })
}

/// npm nests them (`"."` is the outer package itself); yarn and pnpm write paths (`a/b`, `a>b`).
fn overrides((json, file): (&Json<'_>, &str), table: &RawValue, asks: &mut Vec<Ask>) {
    let mut open: Vec<(Option<String>, &RawValue)> = vec![(None, table)];
    while let Some((outer, table)) = open.pop() {
        for (key, value) in members(table) {
            let name = if key == "." { outer.clone() } else { selected(&key) };
            let Some(name) = name else { continue };
            match text(value) {
                Some(said) => {
                    let declared = ask((file, json.line(value), Purpose::Runtime), &name, &said);
                    asks.extend(declared.map(|declared| Ask { declared, wish: None }));
                }
                None => open.push((Some(name), value)),
            }
        }
    }
}

/// The package that a selector ends on: `b` of `a>b@^1`, of `**/b` and of `a@npm:1/b`.
pub fn selected(selector: &str) -> Option<String> {
    // Behind a range's own `>` there is no name.
    let named = |part: &&str| part.starts_with(|c: char| c.is_ascii_alphabetic() || "@_*".contains(c));
    let last = selector.rsplit('>').map(str::trim).find(named)?;
    let parts: Vec<&str> = last.split('/').collect();
    let (name, before) = parts.split_last()?;
    let scope = before.last().filter(|part| part.starts_with('@') && !part[1..].contains('@'));
    let name = scope.map_or_else(|| (*name).to_owned(), |scope| format!("{scope}/{name}"));
    let name = cut(&name).0;
    (!name.is_empty() && !name.contains('*')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::selected;

    #[test]
    fn a_selector_ends_on_a_package() {
        let cases = [
            ("a", "a"),
            ("a@^1", "a"),
            ("x>a@1", "a"),
            ("a@>=1 <2", "a"),
            ("**/a", "a"),
            ("x/**/@s/a", "@s/a"),
            ("@s/a@^2", "@s/a"),
            ("@s/x/a", "a"),
        ];
        for (selector, name) in cases {
            assert_eq!(selected(selector).as_deref(), Some(name), "{selector}");
        }
        assert_eq!([selected("**"), selected(""), selected(">")], [const { None }; 3]);
    }
}

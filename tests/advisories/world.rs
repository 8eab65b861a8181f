//! Small locks and registries in a few words.

use fairway::domain::update::advisory::fix::{Against, Offer, Offers};
use fairway::domain::update::advisory::{Book, read};
use fairway::domain::update::{Declared, Dependency, Ecosystem, Found, Locked, Origin, Purpose};

/// A lock from lines `name version: name version, name version`; the manifest's requirements as `name requirement`.
pub fn found(lock: &[&str], manifest: &[&str]) -> Found {
    let lines: Vec<(&str, &str)> = lock.iter().map(|line| line.split_once(':').unwrap_or((line, ""))).collect();
    let ids: Vec<(&str, &str)> = lines.iter().map(|(id, _)| id.split_once(' ').expect("name version")).collect();
    let place = |id: &str| lines.iter().position(|(other, _)| *other == id).unwrap_or_else(|| panic!("{id}"));
    let mut locked: Vec<Locked> = Vec::new();
    for ((name, version), (_, needs)) in ids.iter().zip(&lines) {
        let needs = needs.split(',').map(str::trim).filter(|need| !need.is_empty()).map(place).collect();
        locked.push(package(name, version, Origin::Registry, needs));
    }
    let mut declared: Vec<Declared> = Vec::new();
    let mut direct = Vec::new();
    for line in manifest {
        let (name, requirement) = line.split_once(' ').expect("name requirement");
        let taken = semver::VersionReq::parse(requirement).expect("a requirement");
        let meets = |l: &&Locked| l.name == name && taken.matches(&l.version.parse().expect("a version"));
        let versions: Vec<String> = locked.iter().filter(meets).map(|l| l.version.clone()).collect();
        direct.extend(versions.iter().map(|version| place(&format!("{name} {version}"))));
        declared.push(Declared {
            ecosystem: Ecosystem::Cargo,
            name: name.to_owned(),
            file: "Cargo.toml".to_owned(),
            line: 1,
            requirement: requirement.to_owned(),
            purpose: Purpose::Runtime,
            origin: Origin::Registry,
            locked: versions,
        });
    }
    locked.push(package("app", "0.1.0", Origin::Elsewhere(".".to_owned()), direct));
    Found { declared, locked, ..Found::default() }
}

fn package(name: &str, version: &str, origin: Origin, needs: Vec<usize>) -> Locked {
    let (name, version, file) = (name.to_owned(), version.to_owned(), "Cargo.lock".to_owned());
    Locked { ecosystem: Ecosystem::Cargo, file, name, version, origin, needs }
}

/// A registry from lines `name version: name requirement; name requirement`.
pub fn offers(lines: &[&str]) -> Offers {
    let mut offers = Offers::new();
    for line in lines {
        let (id, needs) = line.split_once(':').unwrap_or((line, ""));
        let (name, version) = id.split_once(' ').expect("name version");
        let needs = needs.split(';').map(str::trim).filter(|need| !need.is_empty()).map(|need| {
            let (name, requirement) = need.split_once(' ').expect("name requirement");
            // `requirement [feature, feature]`: optional, brought by these.
            let (requirement, features) = requirement.split_once(" [").unwrap_or((requirement, ""));
            let by: Vec<String> = features.trim_end_matches(']').split(", ").map(str::to_owned).collect();
            let (name, requirement, optional) = (name.to_owned(), requirement.to_owned(), !features.is_empty());
            Dependency { name, requirement, optional, by: if optional { by } else { Vec::new() }, marker: None }
        });
        let offer = Offer { version: version.to_owned(), needs: needs.collect(), ..Offer::default() };
        offers.entry(name.to_owned()).or_default().push(offer);
    }
    offers
}

/// Advisories as RustSec writes them, from lines `ID package: patched; patched`.
pub fn book(lines: &[&str]) -> Book {
    let files: Vec<(String, String)> = lines
        .iter()
        .map(|line| {
            let (head, patched) = line.split_once(':').expect("a colon");
            let (id, package) = head.split_once(' ').expect("id package");
            let patched: Vec<String> =
                patched.split(';').map(str::trim).filter(|p| !p.is_empty()).map(|p| format!("{p:?}")).collect();
            let versions = format!("[versions]\npatched = [{}]", patched.join(", "));
            let text = format!("```toml\n[advisory]\nid = {id:?}\npackage = {package:?}\n{versions}\n```\n\n# {id}\n");
            (format!("crates/{package}/{id}.md"), text)
        })
        .collect();
    let book = read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    assert!(book.unusable.is_empty(), "{:?}", book.unusable);
    book
}

/// To end all of it.
pub fn all(book: &Book) -> Against<'_> {
    Against { book, only: None }
}

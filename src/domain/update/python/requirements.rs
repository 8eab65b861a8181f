//! Files for `pip install -r`.

use std::collections::{BTreeMap, BTreeSet};

use super::requirement::{self, Requirement};
use super::{Declared, Ecosystem, Files, Found, Lines, Locked, Origin, Purpose, declared, folder, readable};
use crate::domain::update::rules;
use crate::domain::update::source::{join, safe};

/// Whether a path is called like a requirements file.
pub fn named(path: &str) -> bool {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(stem) = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".in")) else { return false };
    let spoken = stem.to_ascii_lowercase();
    spoken.contains("requirements") || spoken.contains("constraints") || dir.rsplit('/').next() == Some("requirements")
}

/// Reads them all, and what they name with `-r` and `-c`.
pub fn read(files: &Files, found: &mut Found) {
    let mut open: Vec<&str> = files.keys().map(String::as_str).filter(|file| named(file)).rev().collect();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    while let Some(file) = open.pop() {
        let Some((file, text)) = files.get_key_value(file) else { continue };
        if !seen.insert(file.as_str()) {
            continue;
        }
        match readable(file, text) {
            Ok(text) => {
                let page = Page::read(file, text, &mut found.notes);
                for (line, other) in &page.others {
                    match join(folder(file), other).and_then(|path| files.get_key_value(&path)) {
                        Some((path, _)) => open.push(path),
                        None => found.notes.push(format!("{file}: line {line} names {other}, which is not there")),
                    }
                }
                all.push(page);
            }
            Err(note) => found.notes.push(note),
        }
    }
    sort_out(all, found);
}

/// What is compiled from a `.in` is its lock; of the rest, what is pinned is declared and locked at once.
fn sort_out(pages: Vec<Page>, found: &mut Found) {
    let sources: BTreeSet<String> =
        pages.iter().filter_map(|page| page.file.strip_suffix(".in").map(str::to_owned)).collect();
    let mut compiled: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut lines = Vec::new();
    for page in pages {
        let source = page.file.strip_suffix(".txt").filter(|stem| sources.contains(*stem)).map(str::to_owned);
        let begin = found.locked.len();
        for mut line in page.lines {
            let pin = rules::exact(Ecosystem::Python, &line.requirement)
                .filter(|_| !matches!(line.origin, Origin::Elsewhere(_)));
            if let Some(version) = &pin {
                let (file, name, origin) = (line.file.clone(), line.name.clone(), line.origin.clone());
                let (ecosystem, version) = (Ecosystem::Python, version.clone());
                found.locked.push(Locked { ecosystem, file, name, version, origin, needs: Vec::new() });
            }
            match &source {
                Some(source) => {
                    let of = compiled.entry(source.clone()).or_default();
                    of.extend(pin.map(|version| (line.name, version)));
                }
                None => {
                    line.locked.extend(pin);
                    lines.push(line);
                }
            }
        }
        held(&mut found.locked, begin, &page.via);
    }
    for line in &mut lines {
        let lock = line.file.strip_suffix(".in").and_then(|stem| compiled.get(stem));
        if let Some(version) = lock.and_then(|lock| lock.get(&line.name)) {
            line.locked = vec![version.clone()];
        }
    }
    found.declared.extend(lines);
}

/// Who needs whom, of the packages from `begin` on, by what the file says is there because of what.
fn held(locked: &mut [Locked], begin: usize, via: &[(String, String)]) {
    let places: BTreeMap<String, usize> =
        locked.iter().enumerate().skip(begin).map(|(at, one)| (one.name.clone(), at)).collect();
    for (name, holder) in via {
        let both = places.get(name).zip(places.get(holder));
        if let Some((need, holder)) = both.filter(|(need, holder)| need != holder) {
            locked[*holder].needs.push(*need);
        }
    }
}

/// One file.
struct Page {
    file: String,
    lines: Vec<Declared>,
    /// Other files, with the line that names them.
    others: Vec<(u32, String)>,
    /// A package and who it is there for, as the client that made the file noted it.
    via: Vec<(String, String)>,
}

impl Page {
    fn read(file: &str, text: &str, notes: &mut Vec<String>) -> Page {
        let mut page = Page { file: file.to_owned(), lines: Vec::new(), others: Vec::new(), via: Vec::new() };
        let places = Lines::of(text);
        let spoken = file.to_ascii_lowercase();
        let tools = ["dev", "test", "lint", "doc"].iter().any(|word| spoken.contains(word));
        let purpose = if tools { Purpose::Development } else { Purpose::Runtime };
        let (mut index, mut noted) = (None, false);
        for (at, whole) in logical(text) {
            let line = uncommented(&whole);
            if let Some(option) = Opt::read(line) {
                match option {
                    Opt::File(other) if !other.contains("://") => page.others.push((places.at(at), other.to_owned())),
                    Opt::File(_) => {
                        notes.push(format!("{file}: line {} names a file in the net, which is not read", places.at(at)))
                    }
                    Opt::Index(address) => index = Some(Origin::Named(safe(address))),
                    Opt::Editable | Opt::Other => {}
                }
                continue;
            }
            match package(line) {
                Some(Requirement { name, specifiers, origin }) => {
                    let origin = index.clone().filter(|_| origin == Origin::Registry).unwrap_or(origin);
                    page.lines.push(declared((file, &places, at), purpose, (name, specifiers.to_owned(), origin)));
                    noted = page.note(whole.split(" # ").nth(1).unwrap_or_default(), false);
                }
                None if line.is_empty() => {
                    let comment = whole.trim_start().strip_prefix('#');
                    noted = comment.is_some_and(|comment| page.note(comment, noted));
                }
                None => notes.push(format!("{file}: line {} is no requirement that is known here", places.at(at))),
            }
        }
        page
    }

    /// Reads of a comment who the last package is there for: `via a, b`, or where that began before, one of a list. Gives whether
    /// the next line may go on with it.
    fn note(&mut self, comment: &str, noted: bool) -> bool {
        let (begins, rest) = match comment.trim().strip_prefix("via") {
            Some(rest) => (rest.is_empty() || rest.starts_with(' '), rest),
            None => (noted && comment.starts_with("  "), comment),
        };
        let Some(last) = self.lines.last().filter(|_| begins) else { return false };
        for holder in rest.split(',').map(str::trim).filter(|holder| !holder.starts_with('-')) {
            let name = holder.split(['[', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                self.via.push((last.name.clone(), requirement::normal(name)));
            }
        }
        true
    }
}

/// A line that is an option of pip's.
enum Opt<'t> {
    File(&'t str),
    Index(&'t str),
    Editable,
    Other,
}

impl Opt<'_> {
    fn read(line: &str) -> Option<Opt<'_>> {
        if !line.starts_with('-') {
            return None;
        }
        let ends = line.find([' ', '=', '\t']).unwrap_or(line.len());
        let (name, value) = line.split_at(ends);
        let value = value.trim_start_matches([' ', '=', '\t']).trim();
        let (name, value) = match line.get(..2) {
            // pip also reads `-rother.txt`.
            Some(short @ ("-r" | "-c" | "-i" | "-e")) if name.len() > 2 => (short, line[2..].trim()),
            _ => (name, value),
        };
        // Several options may share a line.
        let value = value.split(" -").next().unwrap_or(value).trim();
        Some(match name {
            "-r" | "--requirement" | "-c" | "--constraint" => Opt::File(value),
            "-i" | "--index-url" => Opt::Index(value),
            "-e" | "--editable" => Opt::Editable,
            _ => Opt::Other,
        })
    }
}

/// A package behind which options such as `--hash` stand, or an address.
fn package(line: &str) -> Option<Requirement<'_>> {
    let bare = line.split(" --").next().unwrap_or_default().trim();
    if bare.contains("://") && !bare.contains('@') || bare.starts_with("git+") || bare.starts_with(['.', '/']) {
        let name = bare
            .split_once("#egg=")
            .map(|(_, name)| requirement::normal(name.split(['&', '[']).next().unwrap_or(name)));
        let origin = Origin::Elsewhere(safe(bare));
        return Some(Requirement { name: name.unwrap_or_else(|| safe(bare)), specifiers: "", origin });
    }
    requirement::parse(bare)
}

/// Lines with what a backslash at their end continues, and where they begin.
fn logical(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let (mut at, mut goes_on) = (0, false);
    for piece in text.split_inclusive('\n') {
        let line = piece.trim_end_matches(['\n', '\r']);
        let (body, next) = line.strip_suffix('\\').map_or((line, false), |body| (body, true));
        match out.last_mut().filter(|_| goes_on) {
            Some((_, begun)) => begun.push_str(body),
            None => out.push((at, body.to_owned())),
        }
        goes_on = next;
        at += piece.len();
    }
    out
}

/// A `#` begins a comment at the start of a line or behind a blank.
fn uncommented(line: &str) -> &str {
    let starts = line.match_indices('#').map(|(at, _)| at);
    let at = starts.into_iter().find(|at| *at == 0 || line[..*at].ends_with([' ', '\t']));
    line[..at.unwrap_or(line.len())].trim()
}

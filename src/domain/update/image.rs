//! Container images: `FROM` and `COPY --from` of Dockerfiles, and every `image` of `fairway.toml`.

use std::collections::BTreeSet;

use toml_edit::{Document, Item, TableLike, Value};

use super::model::{Declared, Ecosystem, Found, Origin, Purpose};
use super::source::{Files, Lines, broken, is, readable, template};

/// Whether extraction wants to read this file.
pub fn reads(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let docker = ["Dockerfile", "Containerfile"].iter().any(|kind| {
        name == *kind
            || name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'))
            || name.ends_with(&format!(".{kind}"))
    });
    docker || name.ends_with(".dockerfile") || is(path, "fairway.toml")
}

/// Every image that a checkout is built from.
pub fn extract(files: &Files) -> Found {
    let mut found = Found::default();
    for (file, text) in files.iter().filter(|(file, _)| reads(file)) {
        let text = match readable(file, text) {
            Ok(text) => text,
            Err(note) => {
                found.notes.push(note);
                continue;
            }
        };
        if is(file, "fairway.toml") {
            if template(file, text) {
                // What it becomes is another repository's.
                continue;
            }
            match settings(file, text) {
                Ok(declared) => found.declared.extend(declared),
                Err(note) => found.notes.push(note),
            }
        } else {
            dockerfile(file, text, &mut found);
        }
    }
    found
}

fn dockerfile(file: &str, text: &str, found: &mut Found) {
    let mut stages: BTreeSet<String> = BTreeSet::new();
    for (line, at) in text.lines().zip(1_u32..) {
        let mut words = line.split_whitespace();
        let Some(instruction) = words.next().map(str::to_ascii_uppercase) else { continue };
        let image = match instruction.as_str() {
            "FROM" => words.by_ref().find(|word| !word.starts_with("--")),
            "COPY" | "ADD" => words.find_map(|word| word.strip_prefix("--from=")),
            _ => continue,
        };
        let Some(image) = image else { continue };
        // A stage may be named by its number, too.
        let stage = stages.contains(&image.to_ascii_lowercase()) || image.bytes().all(|byte| byte.is_ascii_digit());
        if image.contains('$') {
            found.notes.push(format!("{file}: line {at} names its image by a variable, which is not looked into"));
        } else if !stage && image != "scratch" && !template(file, line) {
            found.declared.push(declared(file, at, image));
        }
        if instruction == "FROM" && words.next().is_some_and(|word| word.eq_ignore_ascii_case("as")) {
            stages.extend(words.next().map(str::to_ascii_lowercase));
        }
    }
}

fn settings(file: &str, text: &str) -> Result<Vec<Declared>, String> {
    let lines = Lines::of(text);
    let document = Document::parse(text)
        .map_err(|error| broken(file, error.span().map(|span| lines.at(span.start)), error.message()))?;
    let mut declared_here = Vec::new();
    let mut open: Vec<&dyn TableLike> = vec![document.as_table()];
    while let Some(table) = open.pop() {
        for (key, item) in table.iter() {
            if key == "image"
                && let (Some(image), Some(span)) = (item.as_str(), item.span())
            {
                declared_here.push(declared(file, lines.at(span.start), image));
            }
            match item {
                Item::ArrayOfTables(tables) => open.extend(tables.iter().map(|table| table as &dyn TableLike)),
                Item::Value(Value::Array(array)) => {
                    open.extend(array.iter().filter_map(Value::as_inline_table).map(|table| table as &dyn TableLike));
                }
                _ => open.extend(item.as_table_like()),
            }
        }
    }
    declared_here.sort_by_key(|declared| declared.line);
    Ok(declared_here)
}

/// The tag is behind the last colon that is not a port's; a digest stays with it.
fn declared(file: &str, line: u32, image: &str) -> Declared {
    let (plain, digest) = image.split_once('@').map_or((image, None), |(plain, digest)| (plain, Some(digest)));
    let (name, tag) = match plain.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (plain, ""),
    };
    let requirement = digest.map_or_else(|| tag.to_owned(), |digest| format!("{tag}@{digest}"));
    Declared {
        ecosystem: Ecosystem::Image,
        name: name.to_owned(),
        file: file.to_owned(),
        line,
        requirement,
        purpose: Purpose::Build,
        origin: Origin::Registry,
        locked: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, extract, reads};

    fn shown(path: &str, text: &str) -> (Vec<String>, Vec<String>) {
        let files: Files = [(path.to_owned(), text.to_owned())].into();
        let found = extract(&files);
        let line = |one: &super::Declared| format!("{} {} {}", one.line, one.name, one.requirement);
        (found.declared.iter().map(line).collect(), found.notes)
    }

    #[test]
    fn what_a_dockerfile_is_built_from() {
        let text = "ARG V=1\nFROM --platform=linux/amd64 node:20-alpine AS Build\nfrom build as b\nFROM host.test:5000/team/app\n\
            FROM scratch\nCOPY --from=0 /a /b\nCOPY --from=ghcr.test/x:1.2@sha256:aa /a /b\nFROM app:$V\nRUN echo FROM x:1\n";
        let (lines, notes) = shown("docker/Dockerfile.web", text);
        assert_eq!(lines, ["2 node 20-alpine", "4 host.test:5000/team/app ", "7 ghcr.test/x 1.2@sha256:aa"]);
        assert_eq!(notes, ["docker/Dockerfile.web: line 8 names its image by a variable, which is not looked into"]);
        assert!(reads("web.Dockerfile") && reads("Containerfile") && !reads("Dockerfiles"));
    }

    #[test]
    fn what_fairway_runs_in() {
        let text = "[pipeline.test]\nimage = \"rust:1.95\"\nservices = [{ name = \"db\", image = \"postgres:17\" }]\n\n[[x]]\nimage = 'a'\n";
        assert_eq!(shown("fairway.toml", text).0, ["2 rust 1.95", "3 postgres 17", "6 a "]);
        assert_eq!(shown("fairway.toml", "a = 1\na = 2\n").1, ["fairway.toml is not read: line 2: duplicate key"]);
        let plan = "[pipeline.test]\nimage = \"rust:1.95\"\nport = {{ port }}\n";
        assert_eq!(shown("plans/web/fairway.toml", plan), (Vec::new(), Vec::new()), "it is to be filled in");
        assert_eq!(shown("plans/web/fairway.toml", "[x]\nimage = \"a:1\"\n").0, ["2 a 1"]);
        assert_eq!(shown("plans/web/fairway.toml", "a = 1\na = 2\n").1.len(), 1);
        assert_eq!(shown("fairway.toml", plan).1.len(), 1, "the repository's own must be right");
        assert_eq!(shown("plans/Dockerfile", "FROM {{ base }}:{{ tag }}\nFROM b:1\n").0, ["2 b 1"]);
    }
}

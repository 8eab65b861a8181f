//! From a plan and the values of its inputs to files.

use sha2::{Digest, Sha256};

use super::input::{Values, complete};
use super::shape::{Plan, Source, Template, Trouble};
use crate::domain::onboard::File;
use crate::domain::project;

/// What a repository asks for.
const PROJECT: &str = "fairway.toml";

/// The files of a plan with these values; on failure every sentence that somebody should read.
pub fn render(plan: &Plan, given: &Values) -> Result<Vec<File>, Vec<String>> {
    let values = complete(&plan.inputs, given)?;
    let mut files = Vec::new();
    let mut wrong = Vec::new();
    for template in plan.templates.iter().filter(|template| wanted(template, &values)) {
        let (path, text) = (filled(&template.path, &values), filled(&template.text, &values));
        match (path, text) {
            (Ok(path), _) if !inside(&path) => {
                wrong.push(format!("files/{} would be written to `{path}`, out of the repository.", template.path));
            }
            (Ok(path), Ok(text)) => files.push(File { path, executable: template.executable, text }),
            (Err(hole), _) | (_, Err(hole)) => wrong.push(hole.sentence(&template.path)),
        }
    }
    if wrong.is_empty() { Ok(files) } else { Err(wrong) }
}

fn wanted(template: &Template, values: &Values) -> bool {
    template.when.as_ref().is_none_or(|flag| values.get(flag).is_some_and(|value| value == "true"))
}

/// A `{{ name }}` that stands for nothing.
struct Hole {
    name: String,
    line: u32,
}

impl Hole {
    fn sentence(&self, file: &str) -> String {
        format!("files/{file}:{}: there is no input `{}`.", self.line, self.name)
    }
}

/// Puts values in. `${{ .. }}` is GitHub Actions' own and stays.
fn filled(text: &str, values: &Values) -> Result<String, Hole> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let inside = after[2..].split_once("}}").map(|(inside, _)| inside);
        let name = inside.map(str::trim).filter(|name| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !name.is_empty() && !before.ends_with('$') && name.chars().all(plain)
        });
        match (name, inside) {
            (Some(name), Some(inside)) => {
                let value = values.get(name).ok_or_else(|| {
                    let line = out.matches('\n').count() + 1;
                    Hole { name: name.to_owned(), line: u32::try_from(line).unwrap_or(u32::MAX) }
                })?;
                out.push_str(value);
                rest = &after[4 + inside.len()..];
            }
            _ => {
                out.push_str("{{");
                rest = &after[2..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Renders it as somebody would who gives only what they must, and says what would go wrong then.
pub(super) fn rehearse(plan: &Plan) -> Vec<Trouble> {
    let mut values: Values = plan
        .inputs
        .iter()
        .filter(|input| input.default.is_none())
        .map(|input| (input.name.clone(), "example".into()))
        .collect();
    values.retain(|name, value| plan.inputs.iter().any(|input| input.name == *name && input.check(value).is_ok()));
    let mut trouble: Vec<Trouble> = plan
        .templates
        .iter()
        .filter(|template| !inside(&template.path))
        .map(|template| {
            let file = format!("files/{}", template.path);
            Trouble::whole(&file, "Its path leads out of the repository, or into `.git`.")
        })
        .collect();
    let Ok(values) = complete(&plan.inputs, &values) else { return trouble };
    for template in &plan.templates {
        for text in [&template.path, &template.text] {
            if let Err(hole) = filled(text, &values) {
                let message = format!("There is no input `{}`.", hole.name);
                let file = format!("files/{}", template.path);
                trouble.push(Trouble { file, line: hole.line, key: hole.name, message });
                break;
            }
        }
        if template.path == PROJECT
            && let Ok(text) = filled(&template.text, &values)
            && let Err(problems) = project::parse(&text)
        {
            trouble.extend(problems.iter().map(|problem| Trouble::of(&format!("files/{PROJECT}"), problem)));
        }
    }
    trouble
}

/// Whether a path stays in the repository.
fn inside(path: &str) -> bool {
    let fine = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
    !path.contains(['\\', '\0']) && path.split('/').all(fine)
}

/// SHA-256 over all files of a plan's folder, in hex: equal plans have equal ones, in whatever order they were read.
pub fn digest(sources: &[Source]) -> String {
    let mut all: Vec<&Source> = sources.iter().collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    let mut hash = Sha256::new();
    for source in all {
        for part in [source.path.as_bytes(), &[u8::from(source.executable)], source.text.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize())
}

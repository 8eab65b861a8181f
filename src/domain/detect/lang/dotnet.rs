//! .NET: solutions and projects.

use super::{Look, json, manual};
use crate::domain::detect::image::image;
use crate::domain::detect::stack::{Confidence, Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, line_at, pair, short, version};
use crate::domain::detect::tree::{join, split, within};

fn ending(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, ending)| ending)
}

fn is_project(path: &str) -> bool {
    matches!(ending(path), "csproj" | "fsproj" | "vbproj")
}

pub fn find(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let here = |test: fn(&str) -> bool| look.texts.paths().find(|path| split(path).0 == dir && test(path));
    let solution = here(|path| matches!(ending(path), "sln" | "slnx"));
    let main = solution.or_else(|| here(is_project))?.to_owned();
    let projects: Vec<&str> =
        look.tree.below(dir).map(|entry| entry.path.as_str()).filter(|path| is_project(path)).collect();
    let read: Vec<(&str, &str)> = look
        .texts
        .paths()
        .filter(|path| is_project(path) && within(path, dir))
        .filter_map(|path| Some((path, look.texts.get(path)?)))
        .collect();
    let target = read.iter().find_map(|(path, text)| framework(path, text));
    let sdk = sdk(look, dir, notes).or_else(|| look.versions.get(&Kind::DotNet).cloned());
    let evidence = match &target {
        Some((version, from)) => Evidence { says: format!(".NET {version}"), ..from.clone() },
        None => Evidence::new(&main, None, ".NET"),
    };
    let mut stack = Stack::new(Kind::DotNet, "dotnet", dir, evidence);
    if read.iter().any(|(_, text)| text.contains("Microsoft.NET.Sdk.Web")) {
        stack.words.push("ASP.NET Core".to_owned());
    }
    if solution.is_some() {
        stack.members = projects.iter().map(|path| split(path).0.to_owned()).filter(|member| member != dir).collect();
        stack.words.push(super::count(projects.len(), "project"));
    }
    let newest = sdk
        .map(|(text, _)| text)
        .into_iter()
        .chain(target.map(|(version, _)| version))
        .filter_map(|text| version(&text))
        .max_by_key(|version| pair(version));
    stack.version =
        newest.map(|version| if version.contains('.') { short(&version, 2) } else { format!("{version}.0") });
    let from = stack.evidence[0].clone();
    container(look, &mut stack, &from);
    let tests = projects.iter().any(|path| split(path).1.to_lowercase().contains("test"))
        || read.iter().any(|(_, text)| text.contains("Microsoft.NET.Test.Sdk"));
    let (part, run) = if tests { (Part::Test, "dotnet test") } else { (Part::Build, "dotnet build") };
    stack.commands.push(manual(part, run, dir, &from));
    stack.cache = vec!["/root/.nuget/packages".to_owned()];
    Some(stack)
}

/// The image that the repository's own Dockerfile builds in, or Ubuntu with its package of the SDK.
fn container(look: &Look<'_>, stack: &mut Stack, from: &Evidence) {
    let files = look.texts.paths().filter(|path| split(path).1 == "Dockerfile" && within(path, &stack.dir));
    let lines = files.filter_map(|path| look.texts.get(path)).flat_map(str::lines);
    let mut words = lines.filter(|line| line.starts_with("FROM ")).flat_map(str::split_whitespace);
    if let Some(own) = words.find(|word| word.contains("dotnet/sdk:")) {
        stack.image = Some(own.to_owned());
        return;
    }
    stack.image = Some(image(Kind::DotNet, None));
    let wanted =
        stack.version.clone().unwrap_or_else(|| crate::domain::detect::image::default(Kind::DotNet).to_owned());
    let run = format!("apt-get update && apt-get install --yes dotnet-sdk-{wanted}");
    stack.commands.push(manual(Part::Setup, run, "", from));
    if pair(&wanted).0 < 8 || !wanted.ends_with(".0") {
        stack.confidence = Confidence::Medium;
    }
}

fn framework(path: &str, text: &str) -> Option<(String, Evidence)> {
    let at = text.find("<TargetFramework")?;
    let value = text.get(at..)?.split_once('>')?.1.split('<').next()?;
    // Of several the last is the newest, as people write them.
    let wanted = value.split(';').rfind(|name| name.starts_with("net") && name.contains('.'))?;
    let found = version(wanted)?;
    Some((found, Evidence::new(path, Some(line_at(text, at)), "")))
}

fn sdk(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<(String, Evidence)> {
    let path = join(dir, "global.json");
    let value = json(&path, look.texts.get(&path)?, notes)?;
    let found = value.pointer("/sdk/version")?.as_str()?.to_owned();
    Some((found, Evidence::new(path, None, "SDK")))
}

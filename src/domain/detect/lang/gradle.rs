//! Java, Kotlin and Android on Gradle.

use super::{Look, manual};
use crate::domain::detect::image::{image, java};
use crate::domain::detect::stack::{Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, line_of, version};
use crate::domain::detect::tree::{Mode, join};

const BUILD: &[&str] = &["build.gradle.kts", "build.gradle"];
const SETTINGS: &[&str] = &["settings.gradle.kts", "settings.gradle"];

pub fn find(look: &Look<'_>, dir: &str, _: &mut Vec<Note>) -> Option<Stack> {
    let read = |names: &[&str]| names.iter().find_map(|name| look.text(dir, name).map(|text| (join(dir, name), text)));
    let settings = read(SETTINGS);
    let (path, text) = read(BUILD).or_else(|| settings.clone())?;
    let members = settings.as_ref().map(|(_, text)| included(text)).unwrap_or_default();
    let all: Vec<(String, &str)> = std::iter::once((path.clone(), text)).chain(inner(look, dir, &members)).collect();
    let any = |needles: &[&str]| all.iter().any(|(_, text)| needles.iter().any(|needle| text.contains(needle)));
    let kotlin = path.ends_with("build.gradle.kts") && look.any_below(dir, |path| path.ends_with(".kt"))
        || any(&["org.jetbrains.kotlin", "kotlin(\"jvm\")"]);
    let language = if kotlin { "Kotlin" } else { "Java" };
    let wanted = all.iter().find_map(|(path, text)| target(path, text));
    let says =
        wanted.as_ref().map_or_else(|| language.to_owned(), |(version, _)| format!("{language} {}", java(version)));
    let evidence = match &wanted {
        Some((_, from)) => Evidence { says, ..from.clone() },
        None => Evidence::new(&path, line_of(text, "plugins"), says),
    };
    let mut stack = Stack::new(Kind::Java, "gradle", dir, evidence);
    stack.words.push(language.to_owned());
    let known = [
        ("org.springframework.boot", "Spring Boot"),
        ("io.quarkus", "Quarkus"),
        ("io.micronaut", "Micronaut"),
        ("io.ktor", "Ktor"),
    ];
    stack.words.extend(known.iter().find(|(plugin, _)| any(&[plugin])).map(|(_, title)| (*title).to_owned()));
    if !members.is_empty() {
        stack.words.push(super::count(members.len(), "module"));
    }
    stack.members = members.iter().map(|member| join(dir, member)).collect();
    let pinned = look.pin(dir, ".java-version").or_else(|| look.versions.get(&Kind::Java).cloned());
    let pinned = pinned.and_then(|(text, _)| version(&text));
    stack.version = wanted.map(|(version, _)| java(&version)).or_else(|| pinned.as_deref().map(java));
    let jdk = image(Kind::Java, pinned.or_else(|| stack.version.clone()).as_deref());
    let (run, image) = match look.tree.get(&join(dir, "gradlew")).map(|entry| entry.mode) {
        Some(Mode::Executable) => ("./gradlew", jdk),
        Some(Mode::File) => ("sh ./gradlew", jdk),
        _ => ("gradle", jdk.replace("eclipse-temurin:", "gradle:8-jdk")),
    };
    stack.image = Some(image);
    if any(&["com.android.application", "com.android.library", "libs.plugins.android"]) {
        stack.words.push("Android".to_owned());
        stack.blocked = Some("needs an image with the Android SDK".to_owned());
    }
    stack.cache = vec!["/root/.gradle/caches".to_owned(), "/root/.gradle/wrapper".to_owned()];
    let from = stack.evidence[0].clone();
    stack.commands.push(manual(Part::Test, format!("{run} check"), dir, &from));
    stack.reports = vec![format!("junit:{}", join(dir, "**/build/test-results/**/TEST-*.xml"))];
    Some(stack)
}

/// The build files of members that were read.
fn inner<'t>(look: &Look<'t>, dir: &str, members: &[String]) -> Vec<(String, &'t str)> {
    let of = |member: &String| {
        let dir = join(dir, member);
        BUILD.iter().find_map(|name| Some((join(&dir, name), look.texts.get(&join(&dir, name))?)))
    };
    members.iter().filter_map(of).collect()
}

/// `include(":app", ":lib:core")`, in both languages that Gradle speaks.
fn included(text: &str) -> Vec<String> {
    let mut members = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        let starts = line.strip_prefix("include").is_some_and(|rest| rest.starts_with([' ', '(', '\'', '"']));
        if starts || open {
            let quoted = line.split(['"', '\'']).skip(1).step_by(2);
            members.extend(
                quoted.map(|name| name.trim_start_matches(':').replace(':', "/")).filter(|name| !name.is_empty()),
            );
            open = (line.ends_with(',') || line.ends_with('(')) && !line.ends_with(')');
        }
    }
    members.truncate(500);
    members
}

/// The Java that it is compiled for.
fn target(path: &str, text: &str) -> Option<(String, Evidence)> {
    let marks =
        ["JavaLanguageVersion.of(", "jvmToolchain(", "sourceCompatibility", "JavaVersion.VERSION_", "jvmTarget"];
    let line = text.lines().zip(1..).find(|(line, _)| marks.iter().any(|mark| line.contains(mark)))?;
    let mark = marks.iter().find(|mark| line.0.contains(**mark))?;
    let found = version(&line.0.split_once(mark)?.1.replace('_', "."))?;
    Some((found, Evidence::new(path, Some(line.1), "")))
}

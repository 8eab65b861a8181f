//! Java and Kotlin on Maven.

use roxmltree::{Document, Node};

use super::{Look, manual};
use crate::domain::detect::image::{image, java};
use crate::domain::detect::stack::{Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, line_at, version};
use crate::domain::detect::tree::{Mode, join, resolve};

pub fn find(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let path = join(dir, "pom.xml");
    let text = look.texts.get(&path)?;
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            notes.push(Note::Broken { path, line: Some(error.pos().row) });
            return None;
        }
    };
    let root = document.root_element();
    let line = |node: Node<'_, '_>| Some(line_at(text, node.range().start));
    let kotlin = find_text(root, |node| node.has_tag_name_local("artifactId"), "kotlin-maven-plugin").is_some();
    let language = if kotlin { "Kotlin" } else { "Java" };
    let wanted = ["maven.compiler.release", "java.version", "maven.compiler.source", "release"]
        .iter()
        .find_map(|name| root.descendants().find(|node| node.has_tag_name_local(name) && number(*node).is_some()));
    let found = wanted.and_then(|node| Some((number(node)?, line(node))));
    let says =
        found.as_ref().map_or_else(|| language.to_owned(), |(version, _)| format!("{language} {}", java(version)));
    let evidence = Evidence::new(&path, found.as_ref().and_then(|(_, line)| *line), says);
    let mut stack = Stack::new(Kind::Java, "maven", dir, evidence);
    stack.words.push(language.to_owned());
    stack.words.extend(framework(root));
    let modules = root.descendants().filter(|node| node.has_tag_name_local("module")).filter_map(|node| node.text());
    stack.members = modules.filter_map(|module| resolve(dir, module.trim())).collect();
    stack.members.sort();
    stack.members.dedup();
    if !stack.members.is_empty() {
        stack.words.push(super::count(stack.members.len(), "module"));
    }
    let pinned = look.pin(dir, ".java-version").or_else(|| look.versions.get(&Kind::Java).cloned());
    let pinned = pinned.and_then(|(text, _)| version(&text));
    stack.version = found.map(|(version, _)| java(&version)).or_else(|| pinned.as_deref().map(java));
    // What CI has may be newer than what the code is compiled for.
    let used = pinned.or_else(|| stack.version.clone());
    let (run, image) = launcher(look, dir, used.as_deref());
    stack.image = Some(image);
    stack.cache = vec!["/root/.m2/repository".to_owned()];
    let from = stack.evidence[0].clone();
    stack.commands.push(manual(Part::Test, format!("{run} --batch-mode verify"), dir, &from));
    stack.reports = vec![format!("junit:{}", join(dir, "**/target/surefire-reports/TEST-*.xml"))];
    Some(stack)
}

/// How Maven is started, and in which image: by the wrapper that the repository has, or by the image's own.
fn launcher(look: &Look<'_>, dir: &str, wanted: Option<&str>) -> (&'static str, String) {
    let jdk = image(Kind::Java, wanted);
    match look.tree.get(&join(dir, "mvnw")).map(|entry| entry.mode) {
        Some(Mode::Executable) => ("./mvnw", jdk),
        Some(Mode::File) => ("sh ./mvnw", jdk),
        _ => ("mvn", jdk.replace("eclipse-temurin:", "maven:3-eclipse-temurin-")),
    }
}

fn framework(root: Node<'_, '_>) -> Option<String> {
    let known = [("org.springframework.boot", "Spring Boot"), ("io.quarkus", "Quarkus"), ("io.micronaut", "Micronaut")];
    let names = |group: &str| {
        root.descendants().any(|node| {
            node.has_tag_name_local("groupId") && node.text().is_some_and(|text| text.trim().starts_with(group))
        })
    };
    known.iter().find(|(group, _)| names(group)).map(|(_, title)| (*title).to_owned())
}

fn number(node: Node<'_, '_>) -> Option<String> {
    let text = node.text()?.trim();
    version(text).filter(|version| *version == text)
}

fn find_text<'a, 'i>(root: Node<'a, 'i>, test: impl Fn(&Node<'a, 'i>) -> bool, text: &str) -> Option<Node<'a, 'i>> {
    root.descendants().find(|node| test(node) && node.text().is_some_and(|found| found.trim() == text))
}

trait Local {
    fn has_tag_name_local(&self, name: &str) -> bool;
}

impl Local for Node<'_, '_> {
    /// Manifests have a namespace or none.
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

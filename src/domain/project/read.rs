//! From text to a `Project`, or to every problem in it.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::Document;

use super::call::Call;
use super::check;
use super::deploys::{environments, policy};
use super::graph;
use super::keys::{ONBOARDING, PIPELINE, SERVICE, TOP, UPDATES};
use super::pipeline::{DEFAULT_TIMEOUT_MS, Pipeline, Project, Service, Trigger};
use super::problem::{Problem, Problems, nearest, quoted};
use super::value::{Section, any, list};
use crate::domain::onboard::{Opens, Rules};

/// A longer file is refused unread: 256 kB.
pub const MAX_BYTES: usize = 256 * 1024;
/// More pipelines than this would be as many check runs on every commit.
pub const MAX_PIPELINES: usize = 100;

/// Reads a whole `fairway.toml`. On failure the list is never empty and is in the order of the file.
pub fn parse(text: &str) -> Result<Project, Vec<Problem>> {
    let mut problems = Problems::new(text);
    if text.len() > MAX_BYTES {
        let size = text.len().div_ceil(1024);
        problems.add(
            None,
            "",
            format!("The file has {size} kB; at most 256 kB are read. Move long commands to scripts."),
        );
        return Err(problems.finish());
    }
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let mut message = format!("Not valid TOML: {}", first_line(error.message()));
            // The parser does not say which key; its place does.
            if let Some(key) = error.span().filter(|_| message.ends_with("duplicate key")) {
                message = format!("{message} {}", quoted(text.get(key).unwrap_or("")));
            }
            problems.add(error.span(), "", format!("{message}."));
            return Err(problems.finish());
        }
    };
    let root = Section::root(document.as_table());
    root.refuse_unknown(&TOP, &mut problems);
    let pipelines = pipelines(&root, &mut problems);
    let project = Project {
        plan: root.text("plan", any, &mut problems),
        environments: environments(&root, &pipelines, &mut problems),
        pipelines,
        policy: policy(&root, &mut problems),
        onboarding: onboarding(&root, &mut problems),
        raw: raw(text, &root, &mut problems),
    };
    let found = problems.finish();
    if found.is_empty() { Ok(project) } else { Err(found) }
}

fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or("").trim_end_matches('.');
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The tables that other rooms read, kept as data.
fn raw(text: &str, root: &Section<'_>, problems: &mut Problems<'_>) -> toml::Table {
    if let Some(section) = root.section("updates", problems) {
        updates(&section, problems);
    }
    let mut table = text.parse::<toml::Table>().unwrap_or_default();
    table.retain(|key, _| key == "updates");
    table
}

/// Its room reads it again, with what patterns and versions mean.
fn updates(section: &Section<'_>, problems: &mut Problems<'_>) {
    section.refuse_unknown(&UPDATES, problems);
    section.text("cooldown", check::age, problems);
    section.texts("ignore", any, problems);
    section.text("schedule", check::schedule, problems);
    section.text("minutes", |text| check::span(text).map(drop), problems);
    section.flag("security", problems);
    section.flag("automerge_deploys", problems);
    if section.is_text("automerge") {
        section.text("automerge", check::automerge, problems);
    } else {
        section.texts("automerge", check::automerge, problems);
    }
    if let Some(groups) = section.section("groups", problems) {
        for name in groups.keys() {
            groups.texts(name, any, problems);
        }
    }
}

/// `onboarding = "ask"`, or a table with the same under `open`, and filters.
fn onboarding(root: &Section<'_>, problems: &mut Problems<'_>) -> Rules {
    let word = |section: &Section<'_>, key: &str, problems: &mut Problems<'_>| {
        let opens = section.text(key, check::opens, problems);
        opens.and_then(|word| Opens::parse(&word))
    };
    if root.is_text("onboarding") {
        return Rules { opens: word(root, "onboarding", problems), ..Rules::default() };
    }
    let Some(section) = root.section("onboarding", problems) else { return Rules::default() };
    section.refuse_unknown(&ONBOARDING, problems);
    Rules {
        opens: word(&section, "open", problems),
        names: plain(section.texts("names", check::pattern, problems)),
        topics: plain(section.texts("topics", any, problems)),
    }
}

fn pipelines(root: &Section<'_>, problems: &mut Problems<'_>) -> Vec<Pipeline> {
    let Some(all) = root.section("pipeline", problems) else {
        return Vec::new();
    };
    let names: Vec<&str> = all.keys().collect();
    if names.len() > MAX_PIPELINES {
        let message = format!("There are {} pipelines; at most {MAX_PIPELINES} fit one file.", names.len());
        problems.add(all.span(), "pipeline", message);
        return Vec::new();
    }
    let mut read = Vec::new();
    for (name, section) in all.tables("a pipeline", problems) {
        read.push((pipeline(name, &section, problems), section));
    }
    for (own, section) in &read {
        needs(own, section, &names, problems);
        need_triggers(own, section, &read, problems);
    }
    let pipelines: Vec<Pipeline> = read.iter().map(|(pipeline, _)| pipeline.clone()).collect();
    if let Err(cycle) = graph::order(&pipelines) {
        let at = cycle.0.first().and_then(|first| read.iter().find(|(pipeline, _)| pipeline.name == *first));
        if let Some((_, section)) = at {
            problems.add(
                section.key_span("needs"),
                &section.name("needs"),
                format!("`needs` goes in a circle: {cycle}."),
            );
        }
    }
    pipelines
}

fn pipeline(name: &str, section: &Section<'_>, problems: &mut Problems<'_>) -> Pipeline {
    section.refuse_unknown(&PIPELINE, problems);
    let pipeline = Pipeline {
        name: name.to_owned(),
        on: triggers(section, problems),
        image: section.text("image", check::image, problems),
        run: plain(section.texts("run", check::shell, problems)),
        needs: plain(section.texts("needs", any, problems)),
        env: section.env(problems),
        secrets: plain(section.texts("secrets", check::env_name, problems)),
        services: services(section, problems),
        paths: plain(section.texts("paths", check::glob, problems)),
        cache: plain(section.texts("cache", check::cache_dir, problems)),
        timeout_ms: section
            .text("timeout", |text| check::timeout(text).map(|_| ()), problems)
            .and_then(|text| check::timeout(&text).ok())
            .unwrap_or(DEFAULT_TIMEOUT_MS),
        report: section
            .texts("report", |entry| check::report(entry).map(|_| ()), problems)
            .iter()
            .filter_map(|(entry, _)| check::report(entry).ok())
            .collect(),
        export: section.text("export", check::inside, problems),
        dagger: section.text("dagger", |text| Call::parse(text).map(drop), problems),
        publish: section.text("publish", check::image, problems),
        line: problems.line(section.span()),
    };
    whole(&pipeline, section, problems);
    pipeline
}

fn plain<T>(texts: Vec<(String, T)>) -> Vec<String> {
    texts.into_iter().map(|(text, _)| text).collect()
}

/// The rules between the keys of one pipeline.
fn whole(pipeline: &Pipeline, section: &Section<'_>, problems: &mut Problems<'_>) {
    let name = &pipeline.name;
    let mistyped = section.keys().any(|key| !PIPELINE.knows(key) && nearest(key, &["run", "dagger"]).is_some());
    match (section.has("run"), section.has("dagger")) {
        (true, true) => {
            let message = format!("Pipeline `{name}` has both `run` and `dagger`. Keep one of them.");
            problems.add(section.key_span("dagger"), &section.name("dagger"), message);
        }
        // A mistyped `run` has been told already.
        (false, false) if mistyped => {}
        (false, false) => {
            let hint = Some("Add `run = [\"make test\"]`.".to_owned());
            let message = format!("Pipeline `{name}` has nothing to run.");
            problems.add_with_hint(section.span(), &section.path, message, hint);
        }
        (true, false) if pipeline.run.is_empty() && !problems.has(&section.name("run")) => {
            let message = format!("Pipeline `{name}` has nothing to run: `run` is empty.");
            problems.add(section.key_span("run"), &section.name("run"), message);
        }
        _ => {}
    }
    for secret in pipeline.secrets.iter().filter(|secret| pipeline.env.contains_key(*secret)) {
        let message = format!("`{secret}` stands in `env` and in `secrets`. Keep one of them.");
        problems.add(section.key_span("secrets"), &section.name("secrets"), message);
    }
}

fn triggers(section: &Section<'_>, problems: &mut Problems<'_>) -> Vec<Trigger> {
    const KNOWN: &[&str] = &["pull_request", "push", "merge_group"];
    if !section.has("on") {
        return Trigger::ALL.to_vec();
    }
    let mut on = BTreeSet::new();
    let words = section.texts("on", any, problems);
    let nothing = words.is_empty() && !problems.has(&section.name("on"));
    for (word, span) in words {
        match Trigger::ALL.iter().find(|trigger| trigger.as_str() == word) {
            Some(trigger) => {
                on.insert(*trigger);
            }
            None => {
                let message = format!("{} starts no pipeline. Known are {}.", quoted(&word), list(KNOWN));
                let hint = nearest(&word, KNOWN).map(|near| format!("Did you mean `{near}`?"));
                problems.add_with_hint(span, &section.name("on"), message, hint);
            }
        }
    }
    if nothing {
        problems.add(
            section.key_span("on"),
            &section.name("on"),
            "`on` is empty, so nothing would start this pipeline.",
        );
    }
    on.into_iter().collect()
}

fn services(section: &Section<'_>, problems: &mut Problems<'_>) -> BTreeMap<String, Service> {
    let mut services = BTreeMap::new();
    let Some(all) = section.section("services", problems) else {
        return services;
    };
    for name in all.keys() {
        if !check::pipeline_name(name) {
            let message = format!("{} cannot be the name of a service. Use `a-z`, `0-9` and `-`.", quoted(name));
            problems.add(all.key_span(name), &all.name(name), message);
            continue;
        }
        let Some(service) = all.section(name, problems) else {
            continue;
        };
        service.refuse_unknown(&SERVICE, problems);
        if !service.has("image") {
            problems.add(service.span(), &service.path, format!("Service `{name}` has no `image`."));
        }
        let image = service.text("image", check::image, problems).unwrap_or_default();
        let port = service.port(problems);
        services.insert(name.to_owned(), Service { image, port, env: service.env(problems) });
    }
    services
}

fn needs(own: &Pipeline, section: &Section<'_>, names: &[&str], problems: &mut Problems<'_>) {
    let mut seen = BTreeSet::new();
    for need in &own.needs {
        if !seen.insert(need) {
            problems.add(
                section.key_span("needs"),
                &section.name("needs"),
                format!("`needs` names {} twice.", quoted(need)),
            );
        } else if !names.contains(&need.as_str()) {
            let message = format!("`needs` names {}, but there is no such pipeline.", quoted(need));
            let hint = nearest(need, names).map(|near| format!("Did you mean `{near}`?"));
            problems.add_with_hint(section.key_span("needs"), &section.name("needs"), message, hint);
        }
    }
}

/// A need that an event does not start could never be met there, so the pipeline would fail on every such event.
fn need_triggers(own: &Pipeline, section: &Section<'_>, read: &[(Pipeline, Section<'_>)], problems: &mut Problems<'_>) {
    for (need, _) in read.iter().filter(|(other, _)| own.needs.contains(&other.name)) {
        if let Some(missing) = own.on.iter().find(|trigger| !need.on.contains(trigger)) {
            let (event, name, needed) = (missing.as_str(), &own.name, &need.name);
            let message = format!(
                "`{name}` runs on `{event}` but needs `{needed}`, which does not. Add `{event}` to the `on` of `{needed}`."
            );
            problems.add(section.key_span("needs"), &section.name("needs"), message);
        }
    }
}

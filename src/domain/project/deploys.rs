//! Reads environments and policies, and tells which pipelines an environment needs.

use super::check;
use super::environment::{Environment, Needs};
use super::floor::{Policy, Rule, Who};
use super::freeze::Freeze;
use super::graph;
use super::keys::{ENVIRONMENT, NEEDS, POLICY, RULE, RULE_NEEDS};
use super::pipeline::{Pipeline, Project};
use super::problem::{Problems, nearest, quoted};
use super::value::{Section, any, list};
use crate::domain::command::Role;
use crate::domain::rollout::{Stage, Undecided, default_stages, parse_stages};

/// The project's own pipelines that an environment needs, each behind those that it needs itself.
pub fn needed(project: &Project, environment: &Environment) -> Vec<String> {
    let mut wanted: Vec<&str> = environment.checks();
    wanted.push(&environment.release);
    let mut at = 0;
    while let Some(name) = wanted.get(at).copied() {
        at += 1;
        let needs = project.pipelines.iter().filter(|p| p.name == name).flat_map(|p| &p.needs);
        wanted.extend(needs.map(String::as_str));
    }
    let order = graph::order(&project.pipelines).unwrap_or_default();
    let known = order.into_iter().map(|pipeline| pipeline.name.as_str());
    let mut names: Vec<String> = known.filter(|name| wanted.contains(name)).map(str::to_owned).collect();
    // A check that a module found is known by the pipeline that found it.
    let found = wanted.iter().filter(|name| name.contains('/') && project.pipeline(name).is_some());
    names.extend(found.map(|name| (*name).to_owned()));
    names
}

const TARGETS: &[&str] = &["host"];
const LATER: &[&str] = &["kubernetes", "fly", "function"];

/// Reads all environments.
pub(super) fn environments(
    root: &Section<'_>,
    pipelines: &[Pipeline],
    problems: &mut Problems<'_>,
) -> Vec<Environment> {
    let Some(all) = root.section("environment", problems) else { return Vec::new() };
    let names: Vec<&str> = all.keys().collect();
    let mut read = Vec::new();
    for (name, section) in all.tables("an environment", problems) {
        let environment = environment(name, &section, pipelines, problems);
        first(&environment, &section, &names, problems);
        read.push(environment);
    }
    circle(&read, &all, problems);
    read
}

fn environment(name: &str, section: &Section<'_>, pipelines: &[Pipeline], problems: &mut Problems<'_>) -> Environment {
    section.refuse_unknown(&ENVIRONMENT, problems);
    section.text("target", target, problems);
    let (domain, port) = door(section, problems);
    let time = |key, default, problems: &mut Problems<'_>| {
        let text = section.text(key, |text| check::span(text).map(drop), problems);
        text.and_then(|text| check::span(&text).ok()).unwrap_or(default)
    };
    Environment {
        name: name.to_owned(),
        release: release(section, pipelines, problems),
        start: required(section, "start", problems),
        health: section.text("health", path, problems).unwrap_or_else(|| "/".to_owned()),
        domain,
        port,
        who: who(section, problems),
        needs: needs(section, problems),
        stages: stages(section, problems),
        stage_max_ms: time("stage_max", 600_000, problems),
        undecided: section
            .text("undecided", |text| undecided(text).map(drop), problems)
            .and_then(|text| undecided(&text).ok())
            .unwrap_or_default(),
        watch_ms: time("watch", 300_000, problems),
        freeze: freezes(section, problems),
        after_merge: section.flag("after_merge", problems),
        keep: section.number("keep", (1, 1_000), problems).unwrap_or(5) as u32,
        env: section.env(problems),
        secrets: section.texts("secrets", check::env_name, problems).into_iter().map(|(text, _)| text).collect(),
        processes: section.number("processes", (1, 64), problems).unwrap_or(1) as u32,
        memory: section
            .text("memory", |text| check::size(text).map(drop), problems)
            .and_then(|text| check::size(&text).ok()),
        cpu: section
            .text("cpu", |text| check::processors(text).map(drop), problems)
            .and_then(|text| check::processors(&text).ok()),
        slow_ms: section
            .text("slow", |text| check::latency(text).map(drop), problems)
            .and_then(|text| check::latency(&text).ok()),
        irreversible: section.flag("irreversible", problems),
        line: problems.line(section.span()),
        floors: Vec::new(),
    }
}

fn target(text: &str) -> Result<(), String> {
    if TARGETS.contains(&text) {
        return Ok(());
    }
    if LATER.contains(&text) {
        return Err(format!("This version does not have the target `{text}` yet. It has `host`."));
    }
    Err(format!("{} is no target. Known is `host`.", quoted(text)))
}

fn required(section: &Section<'_>, key: &str, problems: &mut Problems<'_>) -> String {
    let text = section.text(key, check::shell, problems);
    if text.is_none() && !section.has(key) {
        let message = format!("`{}` has no `{key}`.", section.path);
        let hint = Some("Write the line that starts it, for example `start = \"./shop\"`.".to_owned());
        problems.add_with_hint(section.span(), &section.name(key), message, hint);
    }
    text.unwrap_or_default()
}

fn release(section: &Section<'_>, pipelines: &[Pipeline], problems: &mut Problems<'_>) -> String {
    let Some(name) = section.text("release", any, problems) else {
        if !section.has("release") {
            let exports: Vec<&str> = pipelines.iter().filter(|p| p.export.is_some()).map(|p| p.name.as_str()).collect();
            let hint = match exports.first() {
                Some(first) => format!("Write `release = \"{first}\"`."),
                None => "Write the name of a pipeline that has an `export`.".to_owned(),
            };
            let message = format!("`{}` does not say which pipeline's export it releases.", section.path);
            problems.add_with_hint(section.span(), &section.name("release"), message, Some(hint));
        }
        return String::new();
    };
    let known: Vec<&str> = pipelines.iter().map(|p| p.name.as_str()).collect();
    let (span, key) = (section.key_span("release"), section.name("release"));
    match pipelines.iter().find(|p| p.name == name) {
        Some(pipeline) if pipeline.export.is_none() => {
            let message = format!("`{name}` exports nothing. Give `[pipeline.{name}]` an `export`.");
            problems.add(span, &key, message);
        }
        Some(_) => {}
        None => {
            let hint = nearest(&name, &known).map(|near| format!("Did you mean `{near}`?"));
            problems.add_with_hint(span, &key, format!("There is no pipeline {}.", quoted(&name)), hint);
        }
    }
    name
}

/// Exactly one of `domain` and `port` leads to it.
fn door(section: &Section<'_>, problems: &mut Problems<'_>) -> (Option<String>, Option<u16>) {
    let domain = section.text("domain", host_name, problems);
    let port = section.port(problems);
    if section.has("domain") == section.has("port") {
        let both = section.has("domain");
        let message =
            format!("`{}` needs {} of `domain` and `port`.", section.path, if both { "only one" } else { "one" });
        problems.add(section.span(), &section.path, message);
    }
    (domain.map(|name| name.to_lowercase()), port)
}

fn host_name(text: &str) -> Result<(), String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(());
    }
    Err(format!("{} is no host name. Write one such as `shop.example`, without scheme and port.", quoted(text)))
}

fn path(text: &str) -> Result<(), String> {
    let good = text.starts_with('/') && text.len() <= 1_000 && text.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(()) } else { Err(format!("{} is no path. Write one such as `/healthz`.", quoted(text))) }
}

fn undecided(text: &str) -> Result<Undecided, String> {
    match text {
        "hold" => Ok(Undecided::Hold),
        "advance" => Ok(Undecided::Advance),
        "probe" => Ok(Undecided::Probe),
        _ => Err(format!("{} is unknown. Write `hold`, `advance` or `probe`.", quoted(text))),
    }
}

fn who(section: &Section<'_>, problems: &mut Problems<'_>) -> Who {
    if !section.is_list("who") {
        let role = section.text("who", |text| role(text).map(drop), problems).and_then(|text| role(&text).ok());
        return role.map_or_else(Who::default, Who::Role);
    }
    let texts = section.texts("who", |text| team(text).map(drop), problems);
    if texts.is_empty() && !problems.has(&section.name("who")) {
        problems.add(section.key_span("who"), &section.name("who"), "`who` lets nobody in. Name a team or a role.");
    }
    Who::Teams(texts.iter().filter_map(|(text, _)| team(text).ok()).collect())
}

fn role(text: &str) -> Result<Role, String> {
    match text {
        "write" => Ok(Role::Write),
        "maintain" => Ok(Role::Maintain),
        "admin" => Ok(Role::Admin),
        _ => Err(format!(
            "{} is no role. Write `write`, `maintain` or `admin`, or a list of teams: `[\"@acme/payments\"]`.",
            quoted(text)
        )),
    }
}

fn team(text: &str) -> Result<(String, String), String> {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match text.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        Some((org, slug)) if plain(org) && plain(slug) => Ok((org.to_owned(), slug.to_lowercase())),
        _ => Err(format!("{} is no team. Write `@organisation/team`.", quoted(text))),
    }
}

fn needs(section: &Section<'_>, problems: &mut Problems<'_>) -> Needs {
    let Some(needs) = section.section("needs", problems) else { return Needs::default() };
    needs.refuse_unknown(&NEEDS, problems);
    Needs {
        checks: needs.texts("checks", any, problems).into_iter().map(|(text, _)| text).collect(),
        approvals: needs.number("approvals", (0, 20), problems).unwrap_or(0) as u32,
        environment: needs.text("environment", any, problems),
    }
}

/// The environment that comes first is in the file.
fn first(environment: &Environment, section: &Section<'_>, names: &[&str], problems: &mut Problems<'_>) {
    let Some(first) = environment.needs.environment.as_deref() else { return };
    if names.contains(&first) && first != environment.name {
        return;
    }
    let hint = nearest(first, names)
        .map_or_else(|| format!("Known are {}.", list(names)), |near| format!("Did you mean `{near}`?"));
    let message = format!("There is no environment {} that could come before it.", quoted(first));
    problems.add_with_hint(section.key_span("needs"), &section.name("needs.environment"), message, Some(hint));
}

/// Two environments that wait for each other would both never be deployed to.
fn circle(read: &[Environment], all: &Section<'_>, problems: &mut Problems<'_>) {
    for start in read {
        let mut at = start;
        for _ in 0..read.len() {
            let next = at.needs.environment.as_ref().and_then(|name| read.iter().find(|e| e.name == *name));
            let Some(next) = next else { break };
            if next.name == start.name {
                let message = format!("`{}` needs itself by way of `{}`.", start.name, at.name);
                problems.add(all.key_span(&start.name), &all.name(&start.name), message);
                return;
            }
            at = next;
        }
    }
}

fn stages(section: &Section<'_>, problems: &mut Problems<'_>) -> Vec<Stage> {
    if !section.has("stages") {
        return default_stages();
    }
    let texts = section.texts("stages", any, problems);
    let entries: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
    parse_stages(&entries).unwrap_or_else(|(at, message)| {
        let span = texts.get(at).and_then(|(_, span)| span.clone()).or_else(|| section.key_span("stages"));
        if !problems.has(&section.name("stages")) {
            problems.add(span, &section.name("stages"), message);
        }
        default_stages()
    })
}

fn freezes(section: &Section<'_>, problems: &mut Problems<'_>) -> Vec<Freeze> {
    let texts = section.texts("freeze", |text| Freeze::parse(text).map(drop), problems);
    texts.iter().filter_map(|(text, _)| Freeze::parse(text).ok()).collect()
}

/// Reads `[policy]`.
pub(super) fn policy(root: &Section<'_>, problems: &mut Problems<'_>) -> Policy {
    let Some(section) = root.section("policy", problems) else { return Policy::default() };
    section.refuse_unknown(&POLICY, problems);
    let Some(all) = section.section("environment", problems) else { return Policy::default() };
    let mut rules = Vec::new();
    for name in all.keys() {
        if !name_or_glob(name) {
            let message = format!(
                "{} names no environment. Write a name or `*`: `[policy.environment.\"prod*\"]`.",
                quoted(name)
            );
            problems.add(all.key_span(name), &all.name(name), message);
            continue;
        }
        rules.extend(all.section(name, problems).map(|section| rule(name, &section, problems)));
    }
    Policy { rules }
}

fn name_or_glob(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'*')
}

fn rule(name: &str, section: &Section<'_>, problems: &mut Problems<'_>) -> Rule {
    section.refuse_unknown(&RULE, problems);
    let needs = section.section("needs", problems);
    if let Some(needs) = &needs {
        needs.refuse_unknown(&RULE_NEEDS, problems);
    }
    let checks = needs.as_ref().map(|needs| needs.texts("checks", any, problems)).unwrap_or_default();
    let approvals = needs.as_ref().and_then(|needs| needs.number("approvals", (0, 20), problems));
    Rule {
        names: name.to_owned(),
        who: section.has("who").then(|| who(section, problems)),
        checks: checks.into_iter().map(|(text, _)| text).collect(),
        approvals: approvals.unwrap_or(0) as u32,
        freeze: freezes(section, problems),
        after_merge: !section.has("after_merge") || section.flag("after_merge", problems),
        line: problems.line(section.span()),
    }
}

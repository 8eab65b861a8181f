//! Workflows of GitHub Actions: the jobs that check changes, on Linux, without what only GitHub's runners have.

use std::collections::{BTreeMap, BTreeSet};

use super::actions::{command, sets_up};
use super::classify::classify;
use super::script::{Line, lines, refused};
use super::{Ci, Job, Step};
use crate::domain::detect::stack::{Beside, Evidence, Kind};
use crate::domain::detect::text::{Note, Texts, Why, pair, version};
use crate::domain::detect::tree::resolve;
use crate::domain::detect::want::is_workflow;
use crate::domain::detect::yaml::{self, Node};
use crate::domain::project::pipeline_name;

/// More commands than this belong to no pipeline that anybody reads.
const MAX_STEPS: usize = 400;
/// Variables that only colour the output or speed up GitHub's own runners.
const IDLE: &[&str] = &[
    "CARGO_TERM_COLOR",
    "FORCE_COLOR",
    "CARGO_INCREMENTAL",
    "CARGO_NET_RETRY",
    "RUSTUP_MAX_RETRIES",
    "PY_COLORS",
    "TERM",
    "CLICOLOR",
    "NODE_OPTIONS_CI",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "CI",
];

/// How a workflow is started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Start {
    /// By nothing that changes code.
    Never,
    /// By a push alone.
    Push,
    /// By a pull request, or by a workflow that is.
    Pull,
}

/// Reads all workflows. Those for pull requests count; where there are none, those for pushes.
pub fn read(texts: &Texts, notes: &mut Vec<Note>) -> Ci {
    let mut read: Vec<(&str, Node)> = Vec::new();
    for path in texts.paths().filter(|path| is_workflow(path)) {
        match yaml::parse(texts.get(path).unwrap_or("")) {
            Ok(root) => read.push((path, root)),
            Err(line) => notes.push(Note::Broken { path: path.to_owned(), line }),
        }
    }
    let called: BTreeSet<String> = read
        .iter()
        .filter(|(_, root)| start(root) == Start::Pull)
        .flat_map(|(_, root)| root.get("jobs").map(Node::entries).unwrap_or_default())
        .filter_map(|(_, job)| job.text_of("uses")?.strip_prefix("./").map(str::to_owned))
        .collect();
    for wanted in [Start::Pull, Start::Push] {
        let (mut ci, mut out) = (Ci::default(), Vec::new());
        for (path, root) in &read {
            let how = if called.contains(*path) { Start::Pull } else { start(root) };
            if how == wanted {
                workflow(&mut ci, (path, root), &mut out);
            }
        }
        if ci.steps.iter().any(|step| step.part.checks()) {
            notes.append(&mut out);
            return ci;
        }
    }
    Ci::default()
}

fn start(root: &Node) -> Start {
    // YAML 1.1 reads a bare `on` as true; this reader does not.
    let Some(on) = root.get("on") else { return Start::Never };
    let words = on.words();
    let only_tags = on.get("push").is_some_and(|push| push.get("tags").is_some() && push.get("branches").is_none());
    if words.iter().any(|word| matches!(*word, "pull_request" | "pull_request_target" | "merge_group")) {
        Start::Pull
    } else if words.contains(&"push") && !only_tags {
        Start::Push
    } else {
        Start::Never
    }
}

fn workflow(ci: &mut Ci, (path, root): (&str, &Node), notes: &mut Vec<Note>) {
    for (name, job) in root.get("jobs").map(Node::entries).unwrap_or_default() {
        if !checks(name, job) || !on_linux(job) {
            continue;
        }
        let mut known =
            Job { name: name.clone(), container: container(job), services: services(job), ..Job::default() };
        let mut env = BTreeMap::new();
        for of in [root, job] {
            literals(of, &mut env);
        }
        let number = ci.jobs.len();
        ci.jobs.push(Job::default());
        let default = |of: &Node| of.get("defaults")?.get("run")?.text_of("working-directory").map(str::to_owned);
        let dir = default(job).or_else(|| default(root)).unwrap_or_default();
        for step in job.get("steps").map(Node::items).unwrap_or_default() {
            if ci.steps.len() < MAX_STEPS {
                let place = Place { path, job, env: &env, dir: &dir, number };
                one(ci, (step, &place), (&mut known, notes));
            }
        }
        known.env.extend(env.into_iter().filter(|(name, _)| !IDLE.contains(&name.as_str())));
        ci.jobs[number] = known;
    }
}

/// Where a step stands.
struct Place<'a> {
    path: &'a str,
    job: &'a Node,
    env: &'a BTreeMap<String, String>,
    dir: &'a str,
    number: usize,
}

fn one(ci: &mut Ci, (step, place): (&Node, &Place<'_>), (known, notes): (&mut Job, &mut Vec<Note>)) {
    if step.text_of("if").is_some_and(elsewhere) {
        return;
    }
    let fill = |text: &str| filled(text, place.job, place.env);
    let input = |step: &Node, name: &str| step.get("with")?.text_of(name).and_then(|text| fill(text.trim()));
    let dir = step.text_of("working-directory").unwrap_or(place.dir);
    let Some(dir) = fill(dir).and_then(|dir| resolve("", dir.trim_end_matches('/'))) else { return };
    if let Some(uses) = step.text_of("uses") {
        known.kinds.extend(sets_up(ci, (uses, step), (place.path, &input)));
        if let Some((part, kind, run)) = command(uses, step, &input) {
            let from = Evidence::new(place.path, Some(step.line), uses);
            let dir = input(step, "working-directory").and_then(|dir| resolve("", &dir)).unwrap_or(dir);
            ci.steps.push(Step { part, kind, run, dir, from, env: BTreeMap::new(), job: place.number });
        }
        return;
    }
    let Some(run) = step.get("run") else { return };
    let text = run.text().unwrap_or("");
    let secret = step
        .get("env")
        .is_some_and(|env| env.entries().iter().any(|(_, v)| v.text().is_some_and(|text| text.contains("secrets."))));
    let script = fill(text).unwrap_or_else(|| text.to_owned());
    for Line { run: line, dir, below } in lines(&script, &dir) {
        let first = line.lines().next().unwrap_or("").to_owned();
        let line = without_sudo(&line);
        let number = run.line + below;
        let Some((part, kind)) = classify(&line) else {
            if refused(&line) == Some(Why::Docker) {
                notes.push(Note::LeftOut { path: place.path.to_owned(), line: number, run: first, why: Why::Docker });
            }
            continue;
        };
        match refused(&line).or(secret.then_some(Why::Secret)) {
            Some(why) => notes.push(Note::LeftOut { path: place.path.to_owned(), line: number, run: first, why }),
            None => {
                let mut own = BTreeMap::new();
                literals(step, &mut own);
                own.retain(|name, _| !IDLE.contains(&name.as_str()));
                let (kind, from) = (kind.or_else(|| only(known)), Evidence::new(place.path, Some(number), ""));
                ci.steps.push(Step { part, kind, run: line, dir, from, env: own, job: place.number });
            }
        }
    }
}

fn only(job: &Job) -> Option<Kind> {
    let mut kinds = job.kinds.clone();
    kinds.sort_unstable();
    kinds.dedup();
    if let [kind] = kinds.as_slice() { Some(*kind) } else { None }
}

/// Containers run as root, and most have no `sudo`. A list of packages is there only after an update.
fn without_sudo(run: &str) -> String {
    let run = run.replace("sudo -E ", "").replace("sudo ", "");
    let installs = run.starts_with("apt-get install") || run.starts_with("apt install");
    let asked =
        ["-y", "--yes", "-qq", "--assume-yes"].iter().any(|flag| run.split_whitespace().any(|word| word == *flag));
    let run = if installs && !asked { run.replacen("install", "install --yes", 1) } else { run };
    if installs { format!("apt-get update && {run}") } else { run }
}

/// Whether a step or a job is for another system, for the default branch, or for what went wrong.
fn elsewhere(condition: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| condition.contains(word));
    let other = any(&["Windows", "windows", "macOS", "macos"]) && !condition.contains("!=");
    let not_linux = condition.contains("!=") && any(&["Linux", "ubuntu"]);
    other
        || not_linux
        || any(&[
            "failure()",
            "cancelled()",
            "refs/tags",
            "refs/heads",
            "'push'",
            "\"push\"",
            "release",
            "schedule",
            "workflow_dispatch",
            "ref_name",
            "secrets.",
        ])
}

/// Whether a job looks at a change instead of bringing it somewhere.
fn checks(name: &str, job: &Node) -> bool {
    let words = name.to_lowercase();
    let brings = ["deploy", "release", "publish", "upload", "notify", "benchmark", "docker", "pages"]
        .iter()
        .any(|word| words.contains(word));
    !brings && job.get("environment").is_none() && !job.text_of("if").is_some_and(elsewhere)
}

fn on_linux(job: &Node) -> bool {
    let Some(on) = job.get("runs-on") else { return true };
    let texts: Vec<String> = on.words().iter().flat_map(|word| values(word, job)).collect();
    let other = |text: &String| text.contains("windows") || text.contains("macos");
    texts.is_empty() || texts.iter().any(|text| !other(text))
}

/// All that a text may stand for in a matrix.
fn values(text: &str, job: &Node) -> Vec<String> {
    let Some(name) = text.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")) else {
        return vec![text.to_owned()];
    };
    let Some(name) = name.trim().strip_prefix("matrix.") else { return Vec::new() };
    let Some(matrix) = job.get("strategy").and_then(|strategy| strategy.get("matrix")) else { return Vec::new() };
    let mut path = name.split('.');
    let first = path.next().unwrap_or("");
    let inner = path.next();
    let listed = matrix.get(first).map(Node::items).unwrap_or_default();
    let included = matrix.get("include").map(Node::items).unwrap_or_default().iter().filter_map(|item| item.get(first));
    let pick = |node: &Node| match inner {
        Some(key) => node.text_of(key).map(str::to_owned),
        None => node.text().map(str::to_owned),
    };
    listed.iter().chain(included).filter_map(pick).collect()
}

/// The text with its expressions filled in; `None` when one of them is only known to GitHub.
fn filled(text: &str, job: &Node, env: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, next) = after.split_once("}}")?;
        out.push_str(before);
        let name = expression.trim();
        let value = match name.strip_prefix("env.") {
            Some(name) => env.get(name).cloned(),
            None => newest(values(&format!("${{{{ {name} }}}}"), job)),
        };
        out.push_str(&value?);
        rest = next;
    }
    out.push_str(rest);
    Some(out)
}

/// Of several versions the highest; of other values the first.
fn newest(values: Vec<String>) -> Option<String> {
    if values.iter().any(|value| value == "stable") {
        return Some("stable".to_owned());
    }
    let number =
        |text: &String| version(text).filter(|version| text.trim_end_matches(".x").trim_start_matches('v') == version);
    if !values.is_empty() && values.iter().all(|value| number(value).is_some()) {
        return values.into_iter().max_by_key(|value| version(value).map(|version| pair(&version)));
    }
    let plain = values
        .iter()
        .filter(|value| number(value).is_some())
        .max_by_key(|value| number(value).map(|v| pair(&v)))
        .cloned();
    plain.or_else(|| values.into_iter().next())
}

fn literals(of: &Node, into: &mut BTreeMap<String, String>) {
    for (name, value) in of.get("env").map(Node::entries).unwrap_or_default() {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if let Some(text) =
            value.text().filter(|text| plain && !name.is_empty() && !text.contains("${{") && text.len() < 500)
        {
            into.insert(name.clone(), text.to_owned());
        }
    }
}

fn container(job: &Node) -> Option<String> {
    let container = job.get("container")?;
    let image = container.text().or_else(|| container.text_of("image"))?;
    let plain = image.bytes().all(|b| b.is_ascii_graphic()) && !image.contains("${{");
    (plain && !image.is_empty()).then(|| image.to_owned())
}

fn services(job: &Node) -> Vec<Beside> {
    let mut found = Vec::new();
    for (name, service) in job.get("services").map(Node::entries).unwrap_or_default() {
        let Some(image) = service.text_of("image").and_then(|image| filled(image, job, &BTreeMap::new())) else {
            continue;
        };
        if !pipeline_name(name) || image.is_empty() {
            continue;
        }
        let port = service.get("ports").map(Node::items).unwrap_or_default().first().and_then(Node::text);
        // `5432:5432` is host and container; `6379/tcp` has a protocol.
        let port = port.and_then(|port| port.rsplit(':').next()?.split('/').next()?.parse().ok());
        let mut env = BTreeMap::new();
        literals(service, &mut env);
        found.push(Beside { name: name.clone(), image, port, env });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ci(workflow: &str) -> (Ci, Vec<Note>) {
        let mut texts = Texts::default();
        texts.add(".github/workflows/ci.yml", workflow.as_bytes());
        let mut notes = Vec::new();
        (read(&texts, &mut notes), notes)
    }

    fn told(ci: &Ci) -> Vec<String> {
        ci.steps.iter().map(|s| format!("{} {:?} {} {}", s.from.line.unwrap_or(0), s.part, s.dir, s.run)).collect()
    }

    #[test]
    fn jobs_that_check_on_linux_are_taken_over() {
        let (ci, notes) = ci("on: [push, pull_request]\n\
            env:\n  RUSTFLAGS: -Dwarnings\n  CARGO_TERM_COLOR: always\n\
            jobs:\n\
            \x20 test:\n    runs-on: ${{ matrix.os }}\n    strategy:\n      matrix:\n        os: [windows-latest, ubuntu-latest]\n        node: [18, 22, 20]\n\
            \x20   steps:\n      - uses: actions/setup-node@v4\n        with:\n          node-version: ${{ matrix.node }}\n\
            \x20     - run: npm ci\n      - run: |\n          npm run lint\n          npm test -- --node=${{ matrix.node }}\n\
            \x20     - run: sudo apt-get install jq\n      - run: npm publish\n      - run: npm test\n        env:\n          TOKEN: ${{ secrets.TOKEN }}\n\
            \x20 mac:\n    runs-on: macos-latest\n    steps:\n      - run: npm run build\n\
            \x20 deploy:\n    runs-on: ubuntu-latest\n    steps:\n      - run: npm run build\n");
        assert_eq!(
            told(&ci),
            [
                "16 Install  npm ci",
                "18 Lint  npm run lint",
                "19 Test  npm test -- --node=22",
                "20 Setup  apt-get update && apt-get install --yes jq",
            ]
        );
        assert_eq!(ci.versions[&Kind::Node].0, "22");
        assert_eq!(ci.jobs[0].env, BTreeMap::from([("RUSTFLAGS".to_owned(), "-Dwarnings".to_owned())]));
        assert!(matches!(notes.as_slice(), [Note::LeftOut { why: Why::Secret, line: 22, .. }]), "{notes:?}");
    }

    #[test]
    fn services_and_containers_come_along() {
        let (ci, _) = ci(
            "on: pull_request\njobs:\n  t:\n    runs-on: ubuntu-latest\n    container: python:3.12\n    services:\n      db:\n        image: postgres:17\n        env:\n          POSTGRES_PASSWORD: x\n        ports: ['5432:5432']\n    steps:\n      - run: pytest\n",
        );
        assert_eq!(ci.jobs[0].container.as_deref(), Some("python:3.12"));
        assert_eq!((ci.jobs[0].services[0].image.as_str(), ci.jobs[0].services[0].port), ("postgres:17", Some(5432)));
    }

    #[test]
    fn a_workflow_that_only_delivers_is_none_and_a_broken_one_is_told() {
        assert!(
            ci("on:\n  push:\n    tags: ['v*']\njobs:\n  t:\n    steps:\n      - run: cargo test\n").0.steps.is_empty()
        );
        assert_eq!(ci("on: [push\njobs:").1.len(), 1);
    }
}

//! `fairway doctor`: looks at everything that runs pipelines, and says what to type where it is not right.

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::process::Command;

use super::pick;
use crate::engine::{dagger, local};
use crate::host::Client;
use crate::settings::{EngineChoice, Settings};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
struct Finding {
    what: String,
    /// What was seen, or what is wrong.
    seen: Result<String, String>,
    /// What to type.
    fix: String,
    /// Without it, pipelines do not run.
    needed: bool,
}

/// Exit status 0 when pipelines can run on the chosen engine.
pub async fn doctor(args: Args) -> anyhow::Result<ExitCode> {
    let settings = super::open::settings()?;
    let findings = look(&settings).await?;
    let bad = findings.iter().filter(|f| f.needed && f.seen.is_err()).count();
    for finding in &findings {
        if args.json {
            let (ok, words) = (finding.seen.is_ok(), words(&finding.seen));
            let fix = if ok { "" } else { &finding.fix };
            println!(
                "{}",
                json!({ "what": finding.what, "ok": ok, "needed": finding.needed, "seen": words, "fix": fix })
            );
            continue;
        }
        let mark = match (&finding.seen, finding.needed) {
            (Ok(_), _) => "ok  ",
            (Err(_), true) => "BAD ",
            (Err(_), false) => "-   ",
        };
        println!("{mark} {}: {}", finding.what, words(&finding.seen));
        if finding.seen.is_err() && !finding.fix.is_empty() {
            println!("     {}", finding.fix);
        }
    }
    if !args.json {
        println!("\n{}", if bad == 0 { "Pipelines can run.".to_owned() } else { format!("To mend: {bad}.") });
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn words(seen: &Result<String, String>) -> &str {
    match seen {
        Ok(words) | Err(words) => words,
    }
}

async fn look(settings: &Settings) -> anyhow::Result<Vec<Finding>> {
    let chosen = settings.engine == EngineChoice::Dagger;
    let mut findings = vec![git().await, cli(settings, chosen).await];
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let mut versions = Vec::new();
    for word in pick::addresses(settings) {
        for address in meant(&word, chosen, &mut findings).await {
            findings.push(socket(&address, chosen).await);
            let finding = engine(settings, (&address, scratch.path()), chosen).await;
            versions.extend(finding.seen.clone().ok());
            findings.push(finding);
        }
    }
    for (repos, word) in &settings.module_engines {
        for address in meant(word, chosen, &mut findings).await {
            let mut finding = engine(settings, (&address, scratch.path()), chosen).await;
            finding.what = format!("modules of {repos}, engine {address}");
            findings.push(finding);
        }
    }
    if let Some(Ok(cli)) = findings.iter().find(|f| f.what == CLI).map(|f| &f.seen)
        && let Some(other) = versions.iter().find(|version| !cli.contains(version.as_str()))
    {
        findings.push(Finding {
            what: "versions".to_owned(),
            seen: Err(format!("the CLI is {cli}, an engine is {other}")),
            fix: "Take the CLI of the engines' version; strange answers come from the difference.".to_owned(),
            needed: false,
        });
    }
    findings.push(sandbox(!chosen));
    if let Some(socket) = &settings.host {
        findings.push(limits(socket).await);
    }
    Ok(findings)
}

async fn git() -> Finding {
    Finding {
        what: "git".to_owned(),
        seen: says(Path::new("git"), &["--version"]).await,
        fix: "Type: apt-get install git".to_owned(),
        needed: true,
    }
}

const CLI: &str = "Dagger CLI";

async fn cli(settings: &Settings, needed: bool) -> Finding {
    Finding {
        what: CLI.to_owned(),
        seen: says(&settings.dagger_cli, &["version"]).await,
        fix: "Install Dagger's CLI of your engines' version, or type: export FAIRWAY_DAGGER_CLI=path/to/dagger"
            .to_owned(),
        needed,
    }
}

/// The first line that a program says.
async fn says(program: &Path, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .env("DO_NOT_TRACK", "1")
        .env("DAGGER_NO_UPDATE_CHECK", "1")
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(10), command.output()).await;
    let output = output.map_err(|_| format!("{} did not answer within 10 s", program.display()))?;
    let output = output.map_err(|error| format!("{} cannot be started ({error})", program.display()))?;
    let said = [output.stdout, output.stderr].concat();
    let line = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned();
    // What stands in brackets is where its own images come from.
    let line = line.split(" (").next().unwrap_or_default().to_owned();
    match output.status.success() {
        true => Ok(line),
        false if line.is_empty() => Err(format!("{} failed without a word", program.display())),
        false => Err(format!("{} failed: {line}", program.display())),
    }
}

/// The engines that one of the operator's words means: itself, or all that its name stands for, which is a finding too.
async fn meant(word: &str, needed: bool, findings: &mut Vec<Finding>) -> Vec<String> {
    let Some(found) = dagger::stands_for(word).await else { return vec![word.to_owned()] };
    let seen = found.as_ref().map(|all| format!("stands for {}", all.join(", "))).map_err(Clone::clone);
    let fix = "Look whether engines run there and are ready: a headless Service names ready pods alone. This machine \
               must be able to look the name up: getent ahosts HOST";
    findings.push(Finding { what: format!("name {word}"), seen, fix: fix.to_owned(), needed });
    found.unwrap_or_default()
}

/// Whether a socket can be opened, and by whom.
async fn socket(address: &str, needed: bool) -> Finding {
    use std::os::unix::fs::MetadataExt as _;
    let what = format!("socket {address}");
    let Some(path) = address.strip_prefix("unix://") else {
        return Finding {
            what,
            seen: Ok("no file, so nothing to look at".to_owned()),
            fix: String::new(),
            needed: false,
        };
    };
    let meta = std::fs::metadata(path);
    let seen = match tokio::net::UnixStream::connect(path).await {
        Ok(_) => Ok("can be opened".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let fix = match (&meta, &seen) {
        (Err(_), _) => {
            "Start the engine, or name its address: export FAIRWAY_ENGINES=unix:///path/to/engine.sock".to_owned()
        }
        (Ok(meta), Err(why)) if why.contains("denied") => format!(
            "The socket belongs to group {}; type: usermod -aG {} USER, for the user that runs Fairway, and log in again",
            meta.gid(),
            meta.gid()
        ),
        _ => "Nobody listens there: start the engine.".to_owned(),
    };
    Finding { what, seen, fix, needed }
}

async fn engine(settings: &Settings, (address, scratch): (&str, &Path), needed: bool) -> Finding {
    let one = Settings { engines: vec![address.to_owned()], ..settings.clone() };
    let seen = pick::answering(&one, scratch).await.map(|found| found.version);
    Finding {
        what: format!("engine {address}"),
        seen,
        fix: "Look at the engine's own log; `fairway doctor` above says whether its socket can be opened.".to_owned(),
        needed,
    }
}

/// Whether the host holds releases to their CPU limits. Pipelines run without it.
async fn limits(socket: &Path) -> Finding {
    let asked = Client::new(socket.to_owned()).limits().await;
    let (seen, fix) = match asked.map(|limits| limits.map(|limits| limits.cpu)) {
        Ok(Some(Ok(at))) => (Ok(format!("applied below {}", at.display())), ""),
        Ok(Some(Err(why))) => {
            (Err(format!("not applied: {why}")), "Releases run without them; docs/host.md says what it takes.")
        }
        Ok(None) => (
            Err("not applied: the host is older than Fairway".to_owned()),
            "Start this version of it: fairway host --take-over, with the options of the one that runs.",
        ),
        Err(error) => {
            (Err(error.to_string()), "Start `fairway host`; its --admin and FAIRWAY_HOST name the same socket.")
        }
    };
    Finding { what: "CPU limits of releases".to_owned(), seen, fix: fix.to_owned(), needed: false }
}

fn sandbox(needed: bool) -> Finding {
    Finding {
        what: "bubblewrap, for the local engine".to_owned(),
        seen: local::probe().map(|()| "works".to_owned()),
        fix: "Type: apt-get install bubblewrap".to_owned(),
        needed,
    }
}

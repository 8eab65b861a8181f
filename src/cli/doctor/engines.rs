//! Looks at everything that runs pipelines and releases.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::super::pick;
use crate::domain::speech::setup::engines::{self as speech, CLI, Shut, Unlimited};
use crate::domain::tick::{State, Tick};
use crate::engine::{dagger, local};
use crate::host::Client;
use crate::settings::{EngineChoice, Settings};

/// Every tick about engines. What the chosen engine does not need is skipped where it is not there.
///
/// # Errors
/// When there is no room for a temporary directory.
pub async fn look(settings: &Settings) -> anyhow::Result<Vec<Tick>> {
    let chosen = settings.engine == EngineChoice::Dagger;
    let git = says(Path::new("git"), &["--version"]).await;
    let cli = says(&settings.dagger_cli, &["version"]).await;
    let mut ticks = vec![speech::git(git), speech::cli(cli, chosen)];
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let mut versions = Vec::new();
    for word in pick::addresses(settings) {
        for address in meant(&word, chosen, &mut ticks).await {
            ticks.extend(socket(&address, chosen).await);
            let seen = engine(settings, (&address, scratch.path())).await;
            versions.extend(seen.clone().ok());
            ticks.push(speech::engine(&address, None, (seen, chosen)));
        }
    }
    for (repos, word) in &settings.module_engines {
        for address in meant(word, chosen, &mut ticks).await {
            let seen = engine(settings, (&address, scratch.path())).await;
            ticks.push(speech::engine(&address, Some(repos), (seen, chosen)));
        }
    }
    if let Some(cli) = ticks.iter().find(|tick| tick.name == CLI && tick.state == State::Ok).map(|tick| &tick.said)
        && let Some(other) = versions.iter().find(|version| !cli.contains(version.as_str()))
    {
        ticks.push(speech::versions(cli, other));
    }
    ticks.push(speech::sandbox(local::probe(), !chosen));
    if let Some(socket) = &settings.host {
        ticks.push(limits(socket).await);
    }
    Ok(ticks)
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

/// The engines that one of the operator's words means: itself, or all that its name stands for, which is a tick too.
async fn meant(word: &str, needed: bool, ticks: &mut Vec<Tick>) -> Vec<String> {
    let Some(found) = dagger::stands_for(word).await else { return vec![word.to_owned()] };
    let seen = found.as_ref().map(|all| format!("stands for {}", all.join(", "))).map_err(Clone::clone);
    ticks.push(speech::name(word, seen, needed));
    found.unwrap_or_default()
}

/// Whether a socket can be opened, and by whom; nothing for an address that is no file.
async fn socket(address: &str, needed: bool) -> Option<Tick> {
    use std::os::unix::fs::MetadataExt as _;
    let path = address.strip_prefix("unix://")?;
    let seen = match tokio::net::UnixStream::connect(path).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let why = error.to_string();
            let shut = match std::fs::metadata(path) {
                Err(_) => Shut::Missing,
                Ok(meta) if why.contains("denied") => Shut::Denied(meta.gid()),
                Ok(_) => Shut::Silent,
            };
            Err((why, shut))
        }
    };
    Some(speech::socket(address, seen, needed))
}

async fn engine(settings: &Settings, (address, scratch): (&str, &Path)) -> Result<String, String> {
    let one = Settings { engines: vec![address.to_owned()], ..settings.clone() };
    pick::answering(&one, scratch).await.map(|found| found.version)
}

/// Whether the host holds releases to their CPU limits.
async fn limits(socket: &Path) -> Tick {
    let asked = Client::new(socket.to_owned()).limits().await;
    speech::limits(match asked.map(|limits| limits.map(|limits| limits.cpu)) {
        Ok(Some(Ok(at))) => Ok(at.display().to_string()),
        Ok(Some(Err(why))) => Err(Unlimited::Refused(why)),
        Ok(None) => Err(Unlimited::OldHost),
        Err(error) => Err(Unlimited::Away(error.to_string())),
    })
}

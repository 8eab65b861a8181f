//! A fresh checkout of one commit, by real git over HTTP. The token reaches git by its environment and nothing else.

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::engine::RunSpec;

/// Why there is no checkout.
pub enum NoCheckout {
    /// Cancelled meanwhile.
    Cancelled,
    /// Trying again cannot help.
    Impossible(String),
    /// Git was refused: its words.
    NoAccess(String),
    /// The network or the server; it may be tried again.
    Broken(String),
}

/// Brings `spec.sha` into `to`, an empty directory. Gives notes for the reader of the check.
pub async fn checkout(spec: &RunSpec, to: &Path, cancel: &CancellationToken) -> Result<Vec<String>, NoCheckout> {
    let hexadecimal = matches!(spec.sha.len(), 40 | 64) && spec.sha.bytes().all(|b| b.is_ascii_hexdigit());
    if !hexadecimal {
        return Err(NoCheckout::Impossible(format!(
            "`{}` is no commit",
            spec.sha.chars().take(64).collect::<String>()
        )));
    }
    let work = async {
        git(spec, to, &["init", "--quiet", "."]).await?;
        git(
            spec,
            to,
            &[
                "fetch",
                "--quiet",
                "--depth=1",
                "--no-tags",
                "--no-recurse-submodules",
                "--",
                &spec.clone_url,
                &spec.sha,
            ],
        )
        .await?;
        git(spec, to, &["checkout", "--quiet", "--detach", "FETCH_HEAD"]).await
    };
    tokio::select! {
        done = work => done?,
        () = cancel.cancelled() => return Err(NoCheckout::Cancelled),
    }
    let mut notes = Vec::new();
    if tokio::fs::try_exists(to.join(".gitmodules")).await.unwrap_or(false) {
        notes.push("Submodules are not fetched: their directories are empty.".to_owned());
    }
    Ok(notes)
}

async fn git(spec: &RunSpec, dir: &Path, args: &[&str]) -> Result<(), NoCheckout> {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command.env("PATH", super::SYSTEM_PATH).env("HOME", dir).env("LC_ALL", "C");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    let mut config = vec![
        ("protocol.allow", "never".to_owned()),
        ("protocol.http.allow", "always".to_owned()),
        ("protocol.https.allow", "always".to_owned()),
        ("core.hooksPath", "/dev/null".to_owned()),
        ("advice.detachedHead", "false".to_owned()),
        ("init.defaultBranch", "main".to_owned()),
    ];
    if let Some(token) = &spec.token {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{}", token.reveal()));
        config.push(("http.extraHeader", format!("Authorization: Basic {pair}")));
    }
    command.env("GIT_CONFIG_COUNT", config.len().to_string());
    for (n, (key, value)) in config.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{n}"), key).env(format!("GIT_CONFIG_VALUE_{n}"), value);
    }
    let output = command.output().await.map_err(|error| {
        NoCheckout::Impossible(format!(
            "git cannot be started ({error}); install it on the machine that runs Fairway: `apt-get install git`"
        ))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("git said nothing").trim().to_owned();
    let unknown = ["not our ref", "couldn't find remote ref", "unadvertised object"].iter().any(|w| words.contains(w));
    if unknown {
        return Err(NoCheckout::Impossible(format!("the commit is not in the repository any more ({last})")));
    }
    let refused =
        ["error: 401", "error: 403", "error: 404", "Authentication failed", "could not read Username", "not found"];
    if refused.iter().any(|w| words.contains(w)) {
        return Err(NoCheckout::NoAccess(last));
    }
    Err(NoCheckout::Broken(format!("git could not fetch the commit: {last}")))
}

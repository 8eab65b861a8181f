//! A package client's own word for where it would ask, when no configuration has one.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use crate::domain::update::address;

/// A client starts a whole interpreter; longer than this it hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long its answer is believed; milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// What the program prints, if that is an address of the web. It runs at the root of the file system, so that no checkout's
/// configuration speaks, and its answer is kept in the folder of `cache`, beside which stands what time it is in Unix
/// milliseconds.
pub(super) async fn ask(program: &str, arguments: &[&str], cache: Option<(PathBuf, i64)>) -> Option<String> {
    let kept = cache.map(|(folder, now)| (folder.join("clients").join(program), now));
    if let Some(address) = kept.as_ref().and_then(|(path, now)| recent(path, *now)) {
        return Some(address);
    }
    let said = said(program, arguments).await?;
    let address = said.trim();
    if !web(address) {
        return None;
    }
    if let Some((path, _)) = kept {
        // Not kept is asked again.
        let _ = path.parent().map(std::fs::create_dir_all);
        let _ = std::fs::write(path, address);
    }
    Some(address.to_owned())
}

/// What the program prints, where it succeeds; at the root of the file system.
pub(super) async fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
}

fn recent(path: &std::path::Path, now: i64) -> Option<String> {
    let written = std::fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let age = now.saturating_sub(i64::try_from(written.as_millis()).ok()?);
    (0..KEPT).contains(&age).then(|| std::fs::read_to_string(path).ok().filter(|text| web(text))).flatten()
}

/// Whether a text is an address that can be asked.
pub(super) fn web(address: &str) -> bool {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

/// Whether two addresses are one registry: who signs in and a slash at the end do not count.
pub(super) fn same(a: &str, b: &str) -> bool {
    let bare = |address: &str| address::shown(address).trim_end_matches('/').to_owned();
    bare(a) == bare(b)
}

/// A registry as a repository calls it, for people: a name or an address.
pub(super) fn called(registry: &str) -> String {
    if web(registry) { address::shown(registry) } else { registry.to_owned() }
}

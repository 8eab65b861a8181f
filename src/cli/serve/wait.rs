//! Waiting for `fairway setup`: until its file appears, both listeners say what to type.

use std::future::Future;
use std::io::Write as _;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::app;
use crate::clock::Clock;
use crate::domain::speech::setup as speech;
use crate::settings::{AppIdentity, Credentials, Settings};
use crate::telemetry::Masker;

/// How often the file is looked for.
const EVERY: Duration = Duration::from_secs(1);

/// The identity that the file gives, now or once it is there; `None` when `stop` comes first.
///
/// # Errors
/// When a listener cannot be shared.
pub async fn identity(
    settings: &Settings,
    (clock, masker): (&Clock, &Masker),
    doors: (&TcpListener, &TcpListener),
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Option<AppIdentity>> {
    let path = settings.credentials_file();
    let shown = path.display().to_string();
    let kept = match Credentials::read(&path) {
        Ok(Some(kept)) => Some(kept),
        other => {
            tell(&speech::waits_for(&shown));
            let found = appears(&path, clock, other.err());
            let found = async {
                tokio::select! { kept = found => Some(kept), () = stop => None }
            };
            app::wait(doors, &shown, found).await?
        }
    };
    let Some(kept) = kept else { return Ok(None) };
    kept.secrets().iter().for_each(|secret| masker.register(secret));
    tell(&speech::begins(kept.app_id, &shown));
    Ok(Some(settings.identity(&kept)))
}

/// Looks every second. What is wrong with a file that is there is said once.
async fn appears(path: &std::path::Path, clock: &Clock, mut said: Option<String>) -> Credentials {
    let complain = |why: &str| tell(&format!("{why}. {}", speech::mend(&path.display().to_string())));
    if let Some(why) = &said {
        complain(why);
    }
    loop {
        clock.sleep(EVERY).await;
        match Credentials::read(path) {
            Ok(Some(kept)) => return kept,
            Ok(None) => said = None,
            Err(why) if said.as_ref() == Some(&why) => {}
            Err(why) => {
                complain(&why);
                said = Some(why);
            }
        }
    }
}

/// On the standard output, where somebody may have stopped reading.
fn tell(words: &str) {
    writeln!(std::io::stdout(), "{words}").ok();
}

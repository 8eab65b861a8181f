//! What several verbs open: the settings, the store, the key of the secret store.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::clock::Clock;
use crate::github::{self, GitHub};
use crate::settings::{AppIdentity, SettingProblem, Settings};
use crate::store::{Seal, Store};

/// Reads the settings, or says all that is wrong with them at once.
pub fn settings() -> anyhow::Result<Settings> {
    Settings::from_env().map_err(problems)
}

/// All problems, one a line.
pub fn problems(problems: Vec<SettingProblem>) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("the settings cannot be used:\n  {}", lines.join("\n  "))
}

/// The database that the settings name, with its tables as this version wants them.
pub async fn store() -> anyhow::Result<(Store, Clock)> {
    let settings = settings()?;
    std::fs::create_dir_all(&settings.data_dir).with_context(|| {
        format!(
            "{} cannot be made; set FAIRWAY_DATA_DIR to a directory that can be written",
            settings.data_dir.display()
        )
    })?;
    let store = Store::open(settings.database_url.reveal())
        .await
        .context("the database cannot be opened; see FAIRWAY_DATABASE_URL")?;
    store.migrate().await.context("the database cannot be brought to this version")?;
    Ok((store, Clock::system()))
}

/// The database that is there already. What only looks makes no empty one where nobody expects it.
pub async fn existing_store() -> anyhow::Result<(Store, Clock)> {
    let settings = settings()?;
    let url = settings.database_url.reveal();
    if let Some(path) = url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//"))
        && !Path::new(path.split('?').next().unwrap_or(path)).exists()
    {
        bail!(
            "there is no database at {path}; type this where `fairway serve` runs, with its FAIRWAY_DATA_DIR or FAIRWAY_DATABASE_URL"
        );
    }
    store().await
}

/// The key of the secret store.
pub fn seal() -> anyhow::Result<Seal> {
    Ok(Seal::new(settings()?.secrets_key()?.reveal()))
}

/// Several processes on one database agree on the time by the database's clock.
pub async fn agree_on_time(store: &Store, clock: &Clock) -> anyhow::Result<()> {
    if let Some(theirs) = store.database_now().await? {
        let offset = theirs - clock.now();
        if offset.abs() > 60_000 {
            bail!("this machine's clock and the database's differ by {} s; set them right first", offset / 1000);
        }
        clock.set_offset_ms(offset);
    }
    Ok(())
}

/// A client for the App.
///
/// # Errors
/// When the key or the address is none.
pub fn github(settings: &Settings, identity: &AppIdentity, clock: &Clock) -> anyhow::Result<GitHub> {
    let now = clock.clone();
    let config = github::Config {
        api_url: settings.github_url.clone(),
        app_id: i64::try_from(identity.app_id).context("FAIRWAY_APP_ID is too large")?,
        private_key: identity.private_key.reveal().to_owned(),
        user_agent: format!("fairway/{}", env!("CARGO_PKG_VERSION")),
        now: Arc::new(move || now.now()),
        ..github::Config::default()
    };
    GitHub::new(config).context("FAIRWAY_PRIVATE_KEY cannot be used")
}

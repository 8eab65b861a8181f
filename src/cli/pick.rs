//! Which engine `play`, `demo` and `run` take, and why: Dagger when it answers, else the local one.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::dagger::{self, Dagger};
use crate::engine::local::Local;
use crate::engine::{Engine, Outcome, RunSpec};
use crate::playground::Playground;
use crate::settings::{EngineChoice, Settings};

/// Where an engine's socket is when nobody says otherwise.
const USUAL: &str = "unix:///run/dagger/engine.sock";

/// How long a trial run may take; it may have to pull an image.
const TRIAL: Duration = Duration::from_secs(20);

/// What `--engine` may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Wish {
    /// Dagger when it answers, else local.
    #[default]
    Auto,
    /// Dagger or nothing.
    Dagger,
    /// Child processes.
    Local,
}

/// A Dagger engine that answers.
pub struct Answers {
    /// It.
    pub engine: Dagger,
    /// Where.
    pub address: String,
    /// Its version.
    pub version: String,
}

/// The addresses to try: the operator's, else the usual one.
pub fn addresses(settings: &Settings) -> Vec<String> {
    if settings.engines.is_empty() { vec![USUAL.to_owned()] } else { settings.engines.clone() }
}

/// A Dagger engine for somebody's own machine, where their modules may run too.
pub fn dagger(settings: &Settings, data: &Path) -> Dagger {
    use sha2::Digest as _;
    let runners = addresses(settings);
    let seal = sha2::Sha256::new().chain_update("fairway run").chain_update(data.as_os_str().as_encoded_bytes());
    Dagger::new(dagger::Config {
        cli: settings.dagger_cli.clone(),
        modules: runners.iter().map(|runner| ("local/*".to_owned(), runner.clone())).collect(),
        runners,
        limit: settings.engine_runs,
        data: data.to_owned(),
        owner: None,
        path: settings.tool_path.clone(),
        env: settings.engine_env.clone(),
        image: settings.image.clone(),
        seal: seal.finalize().into(),
    })
}

/// The Dagger engine, if one answers.
///
/// # Errors
/// Why none does.
pub async fn answering(settings: &Settings, data: &Path) -> Result<Answers, String> {
    let (version, address) = dagger(settings, data).preflight().await?;
    let one = Settings { engines: vec![address.clone()], ..settings.clone() };
    Ok(Answers { engine: dagger(&one, data), address, version })
}

/// The settings that give a playground its engine, and the line that says which and why.
pub async fn for_playing(hub: &Playground, data: &Path) -> anyhow::Result<(Vec<(&'static str, String)>, String)> {
    let settings = super::open::settings()?;
    let why = if settings.engine == EngineChoice::Local {
        "FAIRWAY_ENGINE says so".to_owned()
    } else {
        match trial(&settings, (hub, data)).await {
            Ok(Answers { address, version, .. }) => {
                let line = format!("Engine: dagger {version} at {address}, which answers.");
                let modules = format!("acme/*={address}");
                let chosen = [
                    ("FAIRWAY_ENGINE", "dagger".to_owned()),
                    ("FAIRWAY_ENGINES", addresses(&settings).join(" ")),
                    ("FAIRWAY_MODULE_ENGINES", modules),
                ];
                return Ok((chosen.into(), line));
            }
            Err(why) => why,
        }
    };
    let local = Local::for_playing(super::local_config(data, "")?);
    let line = format!("Engine: local, because {why}. {}", local.isolation());
    Ok((vec![("FAIRWAY_ENGINE", "local".to_owned())], line))
}

/// An engine that answers may still not reach a git server on this machine's loopback, or pull an image.
async fn trial(settings: &Settings, (hub, data): (&Playground, &Path)) -> Result<Answers, String> {
    let found = answering(settings, data).await?;
    let shop = "acme/shop";
    let spec = RunSpec {
        clone_url: format!("{}/{shop}.git", hub.url()),
        sha: hub.repo(shop).head("main").unwrap_or_default(),
        steps: vec!["true".to_owned()],
        timeout: TRIAL,
        ..RunSpec::new(0, shop)
    };
    // Nobody listens; the engine finds its receiver gone.
    let (tx, _) = tokio::sync::mpsc::channel(1);
    match found.engine.run(spec, tx, CancellationToken::new()).await {
        Outcome::Success => Ok(found),
        Outcome::Impossible(why) | Outcome::Broken(why) | Outcome::NotNow(why) | Outcome::Refused(why) => {
            Err(format!("the Dagger engine {} could not do a trial run: {why}", found.address))
        }
        _ => Err(format!("the Dagger engine {} did not end a trial run within {} s", found.address, TRIAL.as_secs())),
    }
}

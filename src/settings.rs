//! The operator's settings, and the only reader of the environment.
//!
//! Settings are read from a map, so a test needs no process of its own; every problem is
//! found in one go and says what is wrong, why, and what to type. A setting that is known
//! but wrong is a problem for every verb; one that is missing only for the verbs that need
//! it, see [`Settings::app`].

mod credentials;
mod read;
mod secret;
mod secrets_key;
mod sign_in;
mod source;
mod table;
#[cfg(test)]
mod tests;

pub use credentials::{Credentials, is_private};
pub use secret::Secret;
pub use secrets_key::SecretsKey;
pub use sign_in::SignIn;
pub use table::{SETTINGS, Setting, help, markdown};

use crate::domain::onboard::Opens;
use crate::domain::project::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// The setting without `FAIRWAY_`.
    pub key: String,
    /// What is wrong, and why that is.
    pub why: String,
    /// What to type or do.
    pub fix: String,
}

impl SettingProblem {
    fn new(key: &str, why: impl Into<String>, fix: impl Into<String>) -> SettingProblem {
        SettingProblem { key: key.to_owned(), why: why.into(), fix: fix.into() }
    }
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FAIRWAY_{}: {}; {}", self.key, self.why, self.fix)
    }
}

/// What runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// Dagger engines.
    Dagger,
    /// Child processes on this machine.
    Local,
}

/// How Fairway hears of what happens at GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntakeChoice {
    /// GitHub delivers to the public listener.
    Webhook,
    /// GitHub's list of deliveries is read, so that nothing has to reach this machine.
    Poll,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    /// One readable line.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whose installations are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Orgs {
    /// Whoever installs the App.
    Any,
    /// These accounts, in lower case, since GitHub's logins ignore case.
    Only(BTreeSet<String>),
}

impl Orgs {
    /// Whether the account `login` is served.
    pub fn serves(&self, login: &str) -> bool {
        match self {
            Orgs::Any => true,
            Orgs::Only(logins) => logins.contains(&login.to_lowercase()),
        }
    }
}

/// Everything that the operator decides. Secrets do not show in `Debug`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The GitHub App's number.
    pub app_id: Option<u64>,
    /// The App's private key: a PEM that was seen to be an RSA key.
    pub private_key: Option<Secret>,
    /// Signs every delivery.
    pub webhook_secret: Option<Secret>,
    /// The App's client id; it names the App when people sign in.
    pub client_id: Option<String>,
    /// A client secret of the App; it is there when the client id is.
    pub client_secret: Option<Secret>,
    /// Whose installations are served.
    pub orgs: Option<Orgs>,
    /// Who may do on the pages what the command line can; in lower case.
    pub admins: BTreeSet<String>,
    /// How Fairway hears of what happens.
    pub intake: IntakeChoice,
    /// GitHub's REST API, without a slash at the end.
    pub github_url: String,
    /// `sqlite:...` or `postgres://...`; may hold a password.
    pub database_url: Secret,
    /// Database, logs, caches, checkouts.
    pub data_dir: PathBuf,
    /// The public listener.
    pub listen: SocketAddr,
    /// The public address, without a slash at the end.
    pub public_url: Option<String>,
    /// The private listener.
    pub private_listen: SocketAddr,
    /// The token of the private listener, when the operator chose one.
    pub private_token: Option<Secret>,
    /// What runs pipelines.
    pub engine: EngineChoice,
    /// The admin socket of `fairway host`.
    pub host: Option<PathBuf>,
    /// Addresses of Dagger engines.
    pub engines: Vec<String>,
    /// Runs at once on one engine.
    pub engine_runs: usize,
    /// Engines for repositories' own Dagger modules: `owner/name` or `owner/*`, and the address.
    pub module_engines: Vec<(String, String)>,
    /// Variables of the Dagger CLI's, beside the few that each session has.
    pub engine_env: Vec<(String, String)>,
    /// The Dagger CLI.
    pub dagger_cli: PathBuf,
    /// The image of pipelines without one.
    pub image: String,
    /// The key of stored secrets, when the operator chose one; see [`Settings::secrets_key`].
    pub given_secrets_key: Option<SecretsKey>,
    /// What no environment of any repository may go below.
    pub floor: Policy,
    /// Whether repositories are onboarded by themselves, where their organisation does not say.
    pub onboarding: Opens,
    /// Databases of advisories: Git addresses and folders.
    pub advisories: Vec<String>,
    /// Jobs at once.
    pub workers: usize,
    /// Live pipeline runs at once.
    pub runs: usize,
    /// The log filter, in the form of `RUST_LOG`.
    pub log: String,
    /// How a log line looks.
    pub log_format: LogStyle,
    /// The `PATH` of local steps.
    pub tool_path: String,
    /// How long running work may take to end after SIGTERM.
    pub grace: Duration,
}

/// What a verb that acts as the App needs; all of it is there.
#[derive(Clone, Debug)]
pub struct AppIdentity {
    /// The GitHub App's number.
    pub app_id: u64,
    /// PEM of an RSA key, PKCS#1 or PKCS#8.
    pub private_key: Secret,
    /// Signs every delivery; `None` only where deliveries are polled.
    pub webhook_secret: Option<Secret>,
    /// Names the App when people sign in.
    pub client_id: Option<String>,
    /// Proves the App when people sign in.
    pub client_secret: Option<Secret>,
    /// Whose installations are served.
    pub orgs: Orgs,
}

impl Settings {
    /// Reads `env` (names with `FAIRWAY_`; others are ignored) over the text of a TOML file.
    ///
    /// # Errors
    /// Every problem that was found, in the table's order.
    pub fn from_map(env: &BTreeMap<String, String>, file: Option<&str>) -> Result<Settings, Vec<SettingProblem>> {
        read::settings(source::Raw::gather(env, file))
    }

    /// Reads this process's environment and the file that `FAIRWAY_CONFIG` names.
    ///
    /// # Errors
    /// As [`Settings::from_map`]; also when that file cannot be read.
    pub fn from_env() -> Result<Settings, Vec<SettingProblem>> {
        let env = environment();
        let file = match env.get("FAIRWAY_CONFIG").filter(|path| !path.trim().is_empty()) {
            None => None,
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                let why = format!("the file {path} cannot be read: {error}");
                vec![SettingProblem::new("CONFIG", why, format!("check it with: ls -l {path}"))]
            })?),
        };
        Settings::from_map(&env, file.as_deref())
    }

    /// What `verb` needs to act as the App, from the environment alone.
    ///
    /// # Errors
    /// One problem for each setting that `verb` needs and that is not set.
    pub fn app(&self, verb: &str) -> Result<AppIdentity, Vec<SettingProblem>> {
        let signed = self.webhook_secret.is_some() || self.intake == IntakeChoice::Poll;
        match (self.app_id, &self.private_key, signed, &self.orgs) {
            (Some(app_id), Some(private_key), true, Some(orgs)) => Ok(AppIdentity {
                app_id,
                private_key: private_key.clone(),
                webhook_secret: self.webhook_secret.clone(),
                client_id: self.client_id.clone(),
                client_secret: self.client_secret.clone(),
                orgs: orgs.clone(),
            }),
            _ => Err(self.missing(verb)),
        }
    }

    /// Whether the environment gives any of the App's credentials. What it gives in part is a mistake, not a wish for
    /// the file.
    pub fn gives_app(&self) -> bool {
        self.app_id.is_some() || self.private_key.is_some() || self.webhook_secret.is_some()
    }

    /// What `serve` needs: to act as the App, and where pipelines run. `None`: the environment gives no credentials, so
    /// those of the file are meant; see [`Settings::credentials_file`].
    ///
    /// # Errors
    /// One problem for each setting that is not set, all in one go.
    pub fn serving(&self) -> Result<Option<AppIdentity>, Vec<SettingProblem>> {
        let identity = if self.gives_app() { self.app("serve").map(Some) } else { Ok(None) };
        if self.engine != EngineChoice::Dagger || !self.engines.is_empty() {
            return identity;
        }
        let mut problems = identity.err().unwrap_or_default();
        problems.push(SettingProblem::new(
            "ENGINES",
            "not set, and FAIRWAY_ENGINE=dagger needs the addresses of your Dagger engines",
            "type: export FAIRWAY_ENGINES=unix:///run/dagger/engine.sock; or, to run pipelines as processes of this machine: export FAIRWAY_ENGINE=local",
        ));
        Err(problems)
    }

    fn missing(&self, verb: &str) -> Vec<SettingProblem> {
        let unsigned = self.webhook_secret.is_none() && self.intake == IntakeChoice::Webhook;
        let gaps = [
            ("APP_ID", self.app_id.is_none(), "=12345"),
            ("PRIVATE_KEY", self.private_key.is_none(), "_FILE=path/to/key.pem"),
            ("WEBHOOK_SECRET", unsigned, "=..."),
            ("ORGS", self.orgs.is_none(), "=my-org, or '*' for whoever installs the App"),
        ];
        let why = format!("not set, and `fairway {verb}` needs it");
        gaps.iter()
            .filter(|(_, gap, _)| *gap)
            .map(|(key, _, form)| SettingProblem::new(key, &why, format!("type: export FAIRWAY_{key}{form}")))
            .collect()
    }

    /// The values that must not stand in any log.
    pub fn secrets(&self) -> Vec<&str> {
        let optional = [&self.private_key, &self.webhook_secret, &self.client_secret, &self.private_token];
        let mut secrets: Vec<&str> = optional.into_iter().flatten().map(Secret::reveal).collect();
        // Of the database's address only the password is secret.
        let password = self.database_url.reveal().split_once("://");
        let login = password.and_then(|(_, rest)| rest.split_once('@'));
        secrets.extend(login.and_then(|(login, _)| login.split_once(':')).map(|(_, word)| word));
        secrets
    }
}

/// What Fairway reads of the environment it was started in, apart from its settings.
#[derive(Clone, Debug, Default)]
pub struct Ambient {
    /// `PATH`: what `play`, `demo` and `run` give to steps, since the person's own tools are meant.
    pub path: Option<String>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `NO_COLOR` is set, or the terminal is `dumb`.
    pub no_colour: bool,
    /// Where this person's programs keep what they can get again.
    pub cache: Option<PathBuf>,
    /// What package clients read: `CARGO_*`, npm's, pip's, uv's, Go's and rustup's settings, and the proxies in lower case.
    pub clients: BTreeMap<String, String>,
    /// `FAIRWAY_ADVISORIES`, for a command that needs no other setting.
    pub advisories: Vec<String>,
}

/// How the names begin of what package clients read.
const CLIENTS: [&str; 10] = [
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "RUSTUP_",
    "CARGO_",
    "npm_config_",
    "NPM_CONFIG_",
    "PIP_",
    "UV_",
    "XDG_CONFIG_HOME",
];

/// The proxies that programs agree on, in either case.
const PROXIES: [&str; 4] = ["https_proxy", "http_proxy", "all_proxy", "no_proxy"];

impl Ambient {
    /// Reads this process's environment.
    pub fn read() -> Ambient {
        let env = environment();
        Ambient {
            path: env.get("PATH").cloned(),
            home: env.get("HOME").map(PathBuf::from),
            no_colour: env.get("NO_COLOR").is_some_and(|value| !value.is_empty())
                || env.get("TERM").is_some_and(|term| term == "dumb"),
            cache: env
                .get("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .filter(|folder| folder.is_absolute())
                .or_else(|| env.get("HOME").map(|home| PathBuf::from(home).join(".cache"))),
            clients: clients(&env),
            advisories: read::words(env.get("FAIRWAY_ADVISORIES").map_or("", String::as_str)),
        }
    }
}

fn clients(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let known = |name: &str| CLIENTS.iter().any(|begin| name.starts_with(begin));
    let own = env.iter().filter(|(name, _)| known(name)).map(|(n, v)| (n.clone(), v.clone()));
    let proxies = PROXIES.iter().filter_map(|name| {
        let value = env.get(*name).or_else(|| env.get(&name.to_uppercase()))?;
        (!value.is_empty()).then(|| ((*name).to_owned(), value.clone()))
    });
    own.chain(proxies).collect()
}

/// The environment of whoever types `fairway run`, for steps that use their tools.
pub fn inherited() -> Vec<(String, String)> {
    environment().into_iter().collect()
}

/// The environment; values that are no Unicode are left out, as no setting can be one.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment() -> BTreeMap<String, String> {
    let text = |part: std::ffi::OsString| part.into_string().ok();
    std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}

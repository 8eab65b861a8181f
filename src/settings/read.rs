//! From raw text to settings with types.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::source::Raw;
use super::table::SETTINGS;
use super::{EngineChoice, IntakeChoice, LogStyle, Orgs, Secret, SecretsKey, SettingProblem, Settings};
use crate::domain::onboard::Opens;
use crate::domain::project::{self, Policy};

/// A shorter token could be guessed through the listener.
const SHORTEST_TOKEN: usize = 16;

/// More would only wait for each other's locks.
const MOST_AT_ONCE: usize = 256;

pub(super) fn settings(mut raw: Raw) -> Result<Settings, Vec<SettingProblem>> {
    let data_dir = PathBuf::from(raw.text("DATA_DIR"));
    let settings = Settings {
        app_id: raw.given("APP_ID", app_id),
        private_key: raw.given("PRIVATE_KEY", private_key),
        webhook_secret: raw.given("WEBHOOK_SECRET", |text| Ok(Secret::new(text))),
        client_id: raw.given("CLIENT_ID", |text| Ok(text.to_owned())),
        client_secret: raw.given("CLIENT_SECRET", |text| Ok(Secret::new(text))),
        orgs: raw.given("ORGS", orgs),
        admins: raw.given("ADMINS", logins).unwrap_or_default(),
        intake: raw.parsed("INTAKE", intake).unwrap_or(IntakeChoice::Webhook),
        github_url: raw.parsed("GITHUB_URL", http_url).unwrap_or_default(),
        database_url: raw
            .given("DATABASE_URL", database_url)
            .unwrap_or_else(|| Secret::new(format!("sqlite:{}", data_dir.join("fairway.db").display()))),
        data_dir,
        listen: raw.parsed("LISTEN", address).unwrap_or(NOWHERE),
        public_url: raw.given("PUBLIC_URL", http_url),
        private_listen: raw.parsed("PRIVATE_LISTEN", address).unwrap_or(NOWHERE),
        private_token: raw.given("PRIVATE_TOKEN", private_token),
        engine: raw.parsed("ENGINE", engine).unwrap_or(EngineChoice::Dagger),
        host: Some(raw.text("HOST")).filter(|path| !path.is_empty()).map(PathBuf::from),
        engines: raw.parsed("ENGINES", engines).unwrap_or_default(),
        engine_runs: raw.parsed("ENGINE_RUNS", at_once).unwrap_or(1),
        module_engines: raw.parsed("MODULE_ENGINES", module_engines).unwrap_or_default(),
        engine_env: raw.parsed("ENGINE_ENV", variables).unwrap_or_default(),
        dagger_cli: raw.text("DAGGER_CLI").into(),
        image: raw.text("IMAGE"),
        given_secrets_key: raw.given("SECRETS_KEY", secrets_key),
        floor: raw.given("POLICY", policy).unwrap_or_default(),
        onboarding: raw.parsed("ONBOARDING", opens).unwrap_or_default(),
        advisories: words(&raw.text("ADVISORIES")),
        workers: raw.parsed("WORKERS", at_once).unwrap_or(1),
        runs: raw.parsed("RUNS", at_once).unwrap_or(1),
        log: raw.text("LOG"),
        log_format: raw.parsed("LOG_FORMAT", log_style).unwrap_or(LogStyle::Text),
        tool_path: raw.text("TOOL_PATH"),
        grace: raw.parsed("GRACE", duration).unwrap_or_default(),
    };
    halves(&mut raw, &settings);
    if raw.problems.is_empty() {
        Ok(settings)
    } else {
        raw.problems.sort_by_key(|problem| position(&problem.key));
        Err(raw.problems)
    }
}

/// What stands between commas.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A client id without its secret, or the other way round, is half a sign-in.
fn halves(raw: &mut Raw, settings: &Settings) {
    let (id, secret) = (settings.client_id.is_some(), settings.client_secret.is_some());
    let (gap, form) = match (id, secret) {
        (true, false) => ("CLIENT_SECRET", "_FILE=path/to/the-secret"),
        (false, true) => ("CLIENT_ID", "=..., from the App's own page on GitHub"),
        _ => return,
    };
    let other = if id { "CLIENT_ID" } else { "CLIENT_SECRET" };
    let why = format!("not set, but FAIRWAY_{other} is, and one without the other signs nobody in");
    raw.problem(gap, why, format!("type: export FAIRWAY_{gap}{form}; or: unset FAIRWAY_{other}"));
}

/// Stands in where an address was refused; the settings are then never handed out.
const NOWHERE: std::net::SocketAddr = std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn position(key: &str) -> usize {
    let at = SETTINGS.iter().position(|setting| setting.key == key);
    at.unwrap_or(SETTINGS.len())
}

/// Why a value is refused, and what to type.
type Refusal = (String, String);

fn refuse<T>(why: impl Into<String>, fix: impl Into<String>) -> Result<T, Refusal> {
    Err((why.into(), fix.into()))
}

impl Raw {
    /// The value or the table's default.
    fn text(&self, key: &str) -> String {
        let default = || SETTINGS.iter().find(|s| s.key == key).map(|s| s.default.to_owned());
        let given = self.values.get(key).map(|value| value.trim().to_owned());
        given.or_else(default).unwrap_or_default()
    }

    /// The value read by `read`; `None` when it is not set or was refused.
    fn given<T>(&mut self, key: &str, read: fn(&str) -> Result<T, Refusal>) -> Option<T> {
        self.values.get(key)?;
        self.parsed(key, read)
    }

    /// The value or default read by `read`; `None` when it was refused, which is noted.
    fn parsed<T>(&mut self, key: &str, read: fn(&str) -> Result<T, Refusal>) -> Option<T> {
        match read(&self.text(key)) {
            Ok(value) => Some(value),
            Err((why, fix)) => {
                self.problem(key, why, fix);
                None
            }
        }
    }
}

fn app_id(text: &str) -> Result<u64, Refusal> {
    match u64::from_str(text) {
        Ok(id) if id > 0 => Ok(id),
        _ => refuse(format!("{text:?} is no App ID, which is a number"), "copy it from the App's page on GitHub"),
    }
}

fn policy(text: &str) -> Result<Policy, Refusal> {
    let fix = "write a file with rules such as `[policy.environment.production]` and `who = \"maintain\"`, and type: export FAIRWAY_POLICY_FILE=path/to/it";
    match project::parse(text) {
        Ok(project) => Ok(project.policy),
        Err(problems) => {
            let first = problems.first().map(|p| format!("line {}: {}", p.line, p.message)).unwrap_or_default();
            refuse(first, fix)
        }
    }
}

fn private_key(text: &str) -> Result<Secret, Refusal> {
    // Quotes are left where a file of variables is not read by a shell.
    let pem = text.trim_matches('"').replace("\\n", "\n");
    // The refused text is not repeated: it may be a key with one letter lost.
    match jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()) {
        Ok(_) => Ok(Secret::new(pem)),
        Err(_) => refuse(
            "this is no RSA private key in PEM form (it begins with -----BEGIN and has PRIVATE KEY in its first line)",
            "type: export FAIRWAY_PRIVATE_KEY_FILE=path/to/the-file-that-GitHub-gave.pem",
        ),
    }
}

fn names(text: &str) -> BTreeSet<String> {
    text.split(',').map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect()
}

fn is_login(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn logins(text: &str) -> Result<BTreeSet<String>, Refusal> {
    let names = names(text);
    match names.iter().find(|name| !is_login(name)) {
        Some(bad) => refuse(format!("{bad:?} is no login"), "type logins on GitHub separated by commas: alice,bob"),
        None => Ok(names),
    }
}

fn orgs(text: &str) -> Result<Orgs, Refusal> {
    let names = names(text);
    if names.len() == 1 && names.contains("*") {
        return Ok(Orgs::Any);
    }
    match names.iter().find(|name| !is_login(name)) {
        Some(bad) => {
            refuse(format!("{bad:?} is no name of an organisation"), "type names separated by commas, or '*' alone")
        }
        None if names.is_empty() => refuse("it names nobody", "type names separated by commas, or '*' alone"),
        None => Ok(Orgs::Only(names)),
    }
}

fn engines(text: &str) -> Result<Vec<String>, Refusal> {
    match text.split_whitespace().find(|word| !is_engine(word)) {
        None => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Some(bad) => refuse(
            format!("{bad:?} is no address of an engine, and no name that stands for several"),
            "type unix:///run/dagger/engine.sock, tcp://HOST:PORT, or dns+tcp://HOST:PORT for each address that HOST has",
        ),
    }
}

/// Which schemes there are, Dagger's CLI knows; only `dns+` is Fairway's. An address is no name in a certificate, so
/// there is none with TLS.
fn is_engine(word: &str) -> bool {
    let Some(name) = word.strip_prefix("dns+") else { return word.contains("://") };
    let place = name.strip_prefix("tcp://").and_then(|place| place.trim_end_matches('/').rsplit_once(':'));
    place.is_some_and(|(host, port)| !host.is_empty() && u16::from_str(port).is_ok_and(|port| port > 0))
}

fn module_engines(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pair = |word: &str| {
        let (repos, address) = word.split_once('=')?;
        let (owner, name) = repos.split_once('/')?;
        let good = !owner.is_empty() && !name.is_empty() && is_engine(address);
        good.then(|| (repos.to_owned(), address.to_owned()))
    };
    let pairs: Result<Vec<_>, &str> = text.split_whitespace().map(|word| pair(word).ok_or(word)).collect();
    pairs.or_else(|bad| {
        refuse(format!("{bad:?} names no repository and engine"), "type OWNER/NAME=unix:///run/dagger-shop/engine.sock")
    })
}

fn variables(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pair = |word: &str| {
        let (name, value) = word.split_once('=')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let good = name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(plain);
        good.then(|| (name.to_owned(), value.to_owned()))
    };
    let pairs: Result<Vec<_>, usize> =
        text.split_whitespace().enumerate().map(|(i, word)| pair(word).ok_or(i + 1)).collect();
    // A value may be a password, so it is not repeated.
    pairs.or_else(|place| refuse(format!("its word {place} is no variable"), "type NAME=VALUE NAME=VALUE"))
}

fn http_url(text: &str) -> Result<String, Refusal> {
    let uri = text.parse::<http::Uri>().ok();
    let is_web = uri.as_ref().and_then(|uri| uri.scheme_str()).is_some_and(|s| s == "https" || s == "http");
    let has_host = uri.as_ref().and_then(|uri| uri.host()).is_some_and(|host| !host.is_empty());
    match is_web && has_host {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => refuse(format!("{text:?} is no web address"), "type a whole one, such as https://fairway.example.com"),
    }
}

fn database_url(text: &str) -> Result<Secret, Refusal> {
    let known = ["sqlite:", "postgres://", "postgresql://"];
    match known.iter().any(|scheme| text.starts_with(scheme)) {
        true => Ok(Secret::new(text)),
        // It may hold a password, so it is not repeated.
        false => {
            refuse("it begins with neither sqlite: nor postgres://", "type sqlite:PATH or postgres://USER@HOST/NAME")
        }
    }
}

fn address(text: &str) -> Result<std::net::SocketAddr, Refusal> {
    text.parse().or_else(|_| refuse(format!("{text:?} is no address with a port"), "type one such as 127.0.0.1:8080"))
}

fn private_token(text: &str) -> Result<Secret, Refusal> {
    match text.len() >= SHORTEST_TOKEN {
        true => Ok(Secret::new(text)),
        false => refuse(
            format!("it is shorter than {SHORTEST_TOKEN} characters and could be guessed"),
            "type: export FAIRWAY_PRIVATE_TOKEN=$(openssl rand -hex 16)",
        ),
    }
}

fn intake(text: &str) -> Result<IntakeChoice, Refusal> {
    match text {
        "webhook" => Ok(IntakeChoice::Webhook),
        "poll" => Ok(IntakeChoice::Poll),
        _ => refuse(format!("{text:?} is no way in"), "type webhook or poll"),
    }
}

fn engine(text: &str) -> Result<EngineChoice, Refusal> {
    match text {
        "dagger" => Ok(EngineChoice::Dagger),
        "local" => Ok(EngineChoice::Local),
        _ => refuse(format!("{text:?} is no engine"), "type dagger or local"),
    }
}

fn opens(text: &str) -> Result<Opens, Refusal> {
    Opens::parse(text)
        .map_or_else(|| refuse(format!("{text:?} says nothing about onboarding"), "type off, ask or all"), Ok)
}

fn secrets_key(text: &str) -> Result<SecretsKey, Refusal> {
    SecretsKey::parse(text).map_or_else(
        || refuse("it is not 32 bytes in hex or base64", "type: export FAIRWAY_SECRETS_KEY=$(openssl rand -hex 32)"),
        Ok,
    )
}

fn at_once(text: &str) -> Result<usize, Refusal> {
    match usize::from_str(text) {
        Ok(count @ 1..=MOST_AT_ONCE) => Ok(count),
        _ => refuse(format!("{text:?} is no number from 1 to {MOST_AT_ONCE}"), "type one, such as 8"),
    }
}

fn log_style(text: &str) -> Result<LogStyle, Refusal> {
    match text {
        "text" => Ok(LogStyle::Text),
        "json" => Ok(LogStyle::Json),
        _ => refuse(format!("{text:?} is no log format"), "type text or json"),
    }
}

fn duration(text: &str) -> Result<Duration, Refusal> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        _ => 0,
    };
    match u64::from_str(number) {
        Ok(count) if seconds > 0 && count <= 3600 => Ok(Duration::from_secs(count * seconds)),
        _ => refuse(format!("{text:?} is no length of time"), "type one such as 25s or 2m"),
    }
}

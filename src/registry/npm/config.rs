//! Where npm would ask: the environment, the person's own `.npmrc`, else npm itself. The checkout's own `.npmrc` is not read for
//! it: a pull request must not say whom Fairway asks.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::super::client;
use crate::domain::update::address;

/// npm's registries, by the person's own configuration.
#[derive(Clone, Default)]
pub struct Npm {
    usual: Option<String>,
    /// By scope, with its `@`.
    scopes: BTreeMap<String, String>,
}

/// An address may hold a password.
impl fmt::Debug for Npm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Npm").field("usual", &self.usual.as_deref().map(address::shown)).finish_non_exhaustive()
    }
}

impl Npm {
    /// Reads the configuration; where it names no registry, npm is asked what it would take, and its answer is kept in the
    /// folder of `cache` for a day; beside it stands what time it is, in Unix milliseconds.
    pub async fn read(home: Option<&Path>, env: &BTreeMap<String, String>, cache: Option<(PathBuf, i64)>) -> Npm {
        let user = setting(env, "userconfig").map(PathBuf::from).or_else(|| Some(home?.join(".npmrc")));
        let global = setting(env, "globalconfig").map(PathBuf::from);
        let texts: Vec<String> =
            [global, user].into_iter().flatten().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut npm = Npm::of_texts(&texts, env);
        if npm.usual.is_none() {
            npm.usual = client::ask("npm", &["config", "get", "registry"], cache).await;
        }
        npm
    }

    /// From the texts of `.npmrc` files, the strongest last, and the environment, which is stronger still.
    pub(super) fn of_texts(texts: &[&str], env: &BTreeMap<String, String>) -> Npm {
        let mut npm = Npm::default();
        for line in texts.iter().flat_map(|text| text.lines()) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let key = key.trim();
            let Some(value) = filled(value.trim().trim_matches(['"', '\'']), env) else { continue };
            if key.starts_with([';', '#']) || !client::web(&value) {
                continue;
            }
            if key == "registry" {
                npm.usual = Some(value);
            } else if let Some(scope) = key.strip_suffix(":registry").filter(|scope| scope.starts_with('@')) {
                npm.scopes.insert(scope.to_owned(), value);
            }
        }
        if let Some(registry) = setting(env, "registry").filter(|registry| client::web(registry)) {
            npm.usual = Some(registry.to_owned());
        }
        npm
    }

    /// Where a package is. `registry` is what the repository calls it: a scope, or an address.
    pub(super) fn of(&self, name: &str, registry: Option<&str>) -> Result<&str, String> {
        let scope = registry.filter(|registry| registry.starts_with('@'));
        let scope = scope.or_else(|| name.split_once('/').map(|(scope, _)| scope));
        if let Some(address) = scope.and_then(|scope| self.scopes.get(scope)) {
            return Ok(address);
        }
        let same = |usual: &str| registry.is_none_or(|named| client::same(named, usual));
        match (self.usual.as_deref(), registry) {
            (Some(usual), _) if same(usual) => Ok(usual),
            (_, Some(named)) => Err(format!(
                "the repository takes it from the registry {}, and npm's configuration here does not name that one",
                client::called(named)
            )),
            _ => {
                Err("it is not known where npm packages are: set `registry` in .npmrc, or npm_config_registry"
                    .to_owned())
            }
        }
    }
}

/// npm reads its settings from the environment in either case.
fn setting<'e>(env: &'e BTreeMap<String, String>, name: &str) -> Option<&'e str> {
    let key = format!("npm_config_{name}");
    let found = env.get(&key).or_else(|| env.get(&key.to_uppercase()));
    found.map(String::as_str).filter(|value| !value.is_empty())
}

/// `${NAME}` as npm fills it in; `None` where nothing is known by that name.
fn filled(value: &str, env: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, inner)) = rest.split_once("${") {
        let (name, after) = inner.split_once('}')?;
        out.push_str(before);
        out.push_str(env.get(name)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

//! Where cargo would ask: `config.toml` in CARGO_HOME and the environment, with sources that replace others. The checkout's own
//! `.cargo/config.toml` is not read: a pull request must not say whom Fairway asks.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

/// The addresses of indexes by the names of registries.
#[derive(Clone, Debug, Default)]
pub struct Indexes {
    config: Table,
    env: BTreeMap<String, String>,
    /// Why the configuration could not be read.
    broken: Option<String>,
}

/// Sources that replace each other longer than this do so in a circle.
const REPLACED: usize = 10;
const USUAL: &str = "crates-io";

impl Indexes {
    /// Reads `config.toml` (or `config`, as older cargos have it) in `home`, which is CARGO_HOME; `env` holds `CARGO_*`.
    pub fn read(home: Option<&Path>, env: BTreeMap<String, String>) -> Indexes {
        let names = ["config", "config.toml"];
        let text = home.and_then(|home| names.iter().find_map(|name| std::fs::read_to_string(home.join(name)).ok()));
        match text.unwrap_or_default().parse::<Table>() {
            Ok(config) => Indexes { config, env, broken: None },
            Err(error) => {
                let why = format!("cargo's own configuration cannot be read ({})", error.message());
                Indexes { config: Table::new(), env, broken: Some(why) }
            }
        }
    }

    /// The proxy that cargo would take, of its configuration; the environment's common ones are the caller's.
    pub fn proxy(&self) -> Option<String> {
        let given = self.env.get("CARGO_HTTP_PROXY").cloned();
        given
            .or_else(|| Some(self.config.get("http")?.get("proxy")?.as_str()?.to_owned()))
            .filter(|proxy| !proxy.is_empty())
    }

    /// The address of an index, `http://...` or `https://...`; `None` asks for the one that cargo has built in.
    ///
    /// # Errors
    /// A sentence without a full stop.
    pub fn of(&self, registry: Option<&str>) -> Result<String, String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        let name = registry.unwrap_or(USUAL);
        let address = match registry {
            None => crates_index::sparse::URL.to_owned(),
            Some(name) => self.named(name)?,
        };
        let mut source = self.source(name, &address);
        let mut address = address;
        for _ in 0..REPLACED {
            let Some(other) = source.and_then(|table| word(table, "replace-with")) else {
                return sparse(name, &address);
            };
            source = self.config.get("source").and_then(|sources| sources.get(other));
            address = match source {
                Some(table) => self.behind(name, other, table)?,
                None => self.named(other)?,
            };
        }
        Err(format!("cargo's configuration replaces {name} in a circle"))
    }

    /// A configuration for a cargo that has none of its own: the address that takes the usual index's place. `None` where
    /// nothing does, or where the address could hold a password.
    pub(in crate::registry) fn replacement(&self) -> Option<String> {
        let address = self.of(None).ok().filter(|address| !address.contains('@'))?;
        let own = crates_index::sparse::URL.strip_prefix("sparse+").unwrap_or(crates_index::sparse::URL);
        (address != own).then(|| {
            let address = Value::String(format!("sparse+{address}"));
            format!("[source.{USUAL}]\nreplace-with = \"here\"\n\n[source.here]\nregistry = {address}\n")
        })
    }

    /// The `[source]` of a registry, by its name or by its address.
    fn source(&self, name: &str, address: &str) -> Option<&Value> {
        let sources = self.config.get("source")?.as_table()?;
        sources.get(name).or_else(|| sources.values().find(|table| word(table, "registry") == Some(address)))
    }

    /// The address of a source that replaces another; where it is replaced itself, its own address does not matter.
    fn behind(&self, name: &str, other: &str, table: &Value) -> Result<String, String> {
        if let Some(address) = word(table, "registry") {
            return Ok(address.to_owned());
        }
        for kind in ["directory", "local-registry", "git"] {
            if table.get(kind).is_some() {
                return Err(format!(
                    "cargo's configuration replaces {name} by {other}, a {kind}, which does not say which versions there are"
                ));
            }
        }
        self.named(other)
            .or_else(|why| if word(table, "replace-with").is_some() { Ok(String::new()) } else { Err(why) })
    }

    fn named(&self, name: &str) -> Result<String, String> {
        if name.contains("://") {
            return Err(
                "an index that a manifest names by its address is not asked; give it a name in cargo's config.toml"
                    .to_owned(),
            );
        }
        let key = format!("CARGO_REGISTRIES_{}_INDEX", name.to_uppercase().replace('-', "_"));
        let table = || Some(self.config.get("registries")?.get(name)?.get("index")?.as_str()?.to_owned());
        self.env.get(&key).cloned().or_else(table).ok_or_else(|| {
            format!("cargo's configuration here has no registry `{name}`; add [registries.{name}] to config.toml in CARGO_HOME, or set {key}")
        })
    }
}

fn word<'v>(table: &'v Value, key: &str) -> Option<&'v str> {
    table.get(key)?.as_str()
}

fn sparse(name: &str, address: &str) -> Result<String, String> {
    let http =
        address.strip_prefix("sparse+").filter(|rest| rest.starts_with("http://") || rest.starts_with("https://"));
    http.map(str::to_owned).ok_or_else(|| {
        format!("the index of {name} is a Git repository; only sparse ones (sparse+https://...) are asked")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(config: &str, registry: Option<&str>) -> Result<String, String> {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("config.toml"), config).expect("a file");
        let env =
            BTreeMap::from([("CARGO_REGISTRIES_FROM_ENV_INDEX".to_owned(), "sparse+http://env.example/".to_owned())]);
        Indexes::read(Some(home.path()), env).of(registry)
    }

    #[test]
    fn without_configuration_it_is_cargos_own_index() {
        let own = crates_index::sparse::URL.strip_prefix("sparse+").expect("a sparse index");
        assert_eq!(of("", None), Ok(own.to_owned()));
        assert_eq!(Indexes::read(None, BTreeMap::new()).of(None), Ok(own.to_owned()));
    }

    #[test]
    fn a_mirror_is_found_however_cargo_is_told_of_it() {
        let mirror = Ok("https://mirror.example/index/".to_owned());
        let direct =
            "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://mirror.example/index/\"";
        assert_eq!(of(direct, None), mirror);
        let named = "[source.crates-io]\nreplace-with = \"m\"\n[registries.m]\nindex = \"sparse+https://mirror.example/index/\"";
        assert_eq!(of(named, None), mirror);
        let twice = "[source.crates-io]\nreplace-with = \"a\"\n[source.a]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://mirror.example/index/\"";
        assert_eq!(of(twice, None), mirror);
        assert_eq!(of(named, Some("m")), mirror);
        assert_eq!(of("", Some("from-env")), Ok("http://env.example/".to_owned()));
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        let says = |config: &str, registry: Option<&str>, words: &str| {
            let why = of(config, registry).expect_err(config);
            assert!(why.contains(words), "{why}");
        };
        let replaced = |by: &str| format!("[source.crates-io]\nreplace-with = \"v\"\n[source.v]\n{by}");
        says(&replaced("directory = \"vendor\""), None, "which does not say which versions");
        says(&replaced("registry = \"https://forge.example/index\""), None, "Git repository");
        says(&replaced("replace-with = \"crates-io\""), None, "circle");
        says("= = =", None, "cannot be read");
        says("", Some("corp"), "CARGO_REGISTRIES_CORP_INDEX");
        says("", Some("https://inside.example/index"), "is not asked");
    }
}

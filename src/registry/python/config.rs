//! Where pip or uv would ask: the environment, their configuration, else pip itself. The checkout's own configuration is not read
//! for it: a pull request must not say whom Fairway asks.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Table;

use super::super::client;
use crate::domain::update::address;

/// What prints the index that pip has built in.
const BUILT_IN: &str = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";

/// Python's indexes, by the person's own configuration.
#[derive(Clone, Default)]
pub struct Python {
    usual: Option<String>,
    /// By the name that uv's configuration gives them.
    named: BTreeMap<String, String>,
}

/// An address may hold a password.
impl fmt::Debug for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Python").field("usual", &self.usual.as_deref().map(address::shown)).finish_non_exhaustive()
    }
}

impl Python {
    /// Reads the configuration; where it names no index, pip is asked what it would take, and its answer is kept in the
    /// folder of `cache` for a day; beside it stands what time it is, in Unix milliseconds.
    pub async fn read(home: Option<&Path>, env: &BTreeMap<String, String>, cache: Option<(PathBuf, i64)>) -> Python {
        let config = env.get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home?.join(".config")));
        let mut files = vec![PathBuf::from("/etc/pip.conf")];
        files.extend(home.map(|home| home.join(".pip/pip.conf")));
        files.extend(config.as_ref().map(|config| config.join("pip/pip.conf")));
        files.extend(env.get("PIP_CONFIG_FILE").map(PathBuf::from));
        let texts: Vec<String> = files.into_iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let uv = config.and_then(|config| std::fs::read_to_string(config.join("uv/uv.toml")).ok()).unwrap_or_default();
        let mut python = Python::of_texts(&texts, &uv, env);
        if python.usual.is_none() {
            python.usual = client::ask("python3", &["-I", "-c", BUILT_IN], cache).await;
        }
        python
    }

    /// From the texts of `pip.conf` files, the strongest last, of `uv.toml`, and the environment, which is stronger still.
    pub(super) fn of_texts(pip: &[&str], uv: &str, env: &BTreeMap<String, String>) -> Python {
        let mut python = Python::default();
        // A broken file names nothing; uv says so itself.
        let uv: Table = uv.parse().unwrap_or_default();
        let indexes = uv.get("index").and_then(toml::Value::as_array);
        for index in indexes.into_iter().flatten() {
            let Some(url) = index.get("url").and_then(toml::Value::as_str).filter(|url| client::web(url)) else {
                continue;
            };
            if index.get("default").and_then(toml::Value::as_bool) == Some(true) {
                python.usual = Some(url.to_owned());
            }
            let name = index.get("name").and_then(toml::Value::as_str);
            python.named.extend(name.map(|name| (name.to_owned(), url.to_owned())));
        }
        let pip = pip.iter().filter_map(|text| index_url(text)).next_back();
        let env = ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"].iter().find_map(|name| env.get(*name));
        for url in [pip, env.map(String::as_str)].into_iter().flatten().filter(|url| client::web(url)) {
            python.usual = Some(url.to_owned());
        }
        python
    }

    /// Where an index is. `registry` is what the repository calls it: a name, or an address.
    pub(super) fn of(&self, registry: Option<&str>) -> Result<&str, String> {
        if let Some(address) = registry.and_then(|name| self.named.get(name)) {
            return Ok(address);
        }
        let same = |usual: &str| registry.is_none_or(|named| client::same(named, usual));
        match (self.usual.as_deref(), registry) {
            (Some(usual), _) if same(usual) => Ok(usual),
            (_, Some(named)) => Err(format!(
                "the repository takes it from the index {}, and neither pip's nor uv's configuration here names that one",
                client::called(named)
            )),
            _ => {
                Err("it is not known where Python packages are: set `index-url` in pip.conf, or PIP_INDEX_URL"
                    .to_owned())
            }
        }
    }
}

/// `index-url` of `[global]` or `[install]` in a `pip.conf`.
fn index_url(text: &str) -> Option<&str> {
    let mut section = "";
    let mut found = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.trim();
        } else if let Some((key, value)) = line.split_once(['=', ':'])
            && matches!(section, "global" | "install")
            && matches!(key.trim(), "index-url" | "index_url")
        {
            found = Some(value.trim());
        }
    }
    found
}

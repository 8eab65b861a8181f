//! Where this machine's own package clients ask, for Fairway and for the clients that it calls.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::actions::Actions;
use super::cargo::{Crates, Indexes};
use super::go::Go;
use super::guard;
use super::image::Images;
use super::npm::Npm;
use super::python::Python;
use super::toolchain::Toolchains;
use super::{Clients, Config, Registries, Source};
use crate::domain::update::{Ecosystem, address};

/// What package clients read, as the environment has it.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// `CARGO_*`, npm's, pip's, uv's, Go's and rustup's settings, and the proxies in lower case.
    pub env: BTreeMap<String, String>,
    /// The home directory.
    pub home: Option<PathBuf>,
    /// The server that actions are on: its address, or that of a repository there.
    pub forge: Option<String>,
    /// Where answers are kept.
    pub cache: Option<PathBuf>,
    /// Whether hosts that checkouts choose must not lead into this machine's network.
    pub guarded: bool,
}

/// The proxies that programs agree on, in the order in which they count.
const PROXIES: [&str; 3] = ["https_proxy", "http_proxy", "all_proxy"];

impl Here {
    fn indexes(&self) -> Indexes {
        let own = self.env.get("CARGO_HOME").map(PathBuf::from);
        let cargo = own.or_else(|| self.home.as_ref().map(|home| home.join(".cargo")));
        Indexes::read(cargo.as_deref(), self.env.clone())
    }

    /// Registries for these ecosystems; `anew` asks whatever the age of an answer, `now` is in Unix milliseconds. Nothing is
    /// asked but, where nothing is configured, a client for what it has built in.
    ///
    /// # Errors
    /// As for [`Registries::new`].
    pub async fn registries(
        &self,
        needed: impl Fn(Ecosystem) -> bool,
        (anew, now): (bool, i64),
    ) -> anyhow::Result<Registries> {
        let (env, home) = (&self.env, self.home.as_deref());
        let indexes = self.indexes();
        let common = PROXIES.iter().find_map(|name| env.get(*name).cloned());
        let proxy = indexes.proxy().or(common).map(|proxy| (proxy, env.get("no_proxy").cloned()));
        let mut sources: Vec<Box<dyn Source>> = vec![Box::new(Crates::new(indexes))];
        let kept = || self.cache.clone().map(|folder| (folder, now));
        // A client may have to be asked, which can take longer than all look-ups: only where it is needed.
        if needed(Ecosystem::Npm) {
            sources.push(Box::new(Npm::read(home, env, kept()).await));
        }
        if needed(Ecosystem::Python) {
            sources.push(Box::new(Python::read(home, env, kept()).await));
        }
        if needed(Ecosystem::Go) {
            sources.push(Box::new(Go::read(env).await));
        }
        sources.push(Box::new(Actions::at(self.forge.as_deref())));
        sources.push(Box::new(Images::read(home)));
        sources.push(Box::new(Toolchains::read(env)));
        let guard = self.guarded.then(guard::Names::default);
        Registries::new(&Config { cache: self.cache.clone(), anew, proxy, guard, ..Config::default() }, sources)
    }

    /// What the clients in a sandbox are told: addresses, and nothing that could be a password.
    pub fn clients(&self) -> Clients {
        let mut clients = Clients::default();
        if let Some(config) = self.indexes().replacement() {
            clients.files.push((".cargo/config.toml".to_owned(), config));
        }
        let plain = |address: &String| !address.contains('@');
        for name in PROXIES.iter().chain(&["no_proxy"]) {
            if let Some(value) = self.env.get(*name).filter(|value| plain(value)) {
                clients.env.insert((*name).to_owned(), value.clone());
                clients.env.insert(name.to_uppercase(), value.clone());
            }
        }
        for (from, to) in [
            ("npm_config_registry", "npm_config_registry"),
            ("NPM_CONFIG_REGISTRY", "npm_config_registry"),
            ("PIP_INDEX_URL", "PIP_INDEX_URL"),
            ("UV_DEFAULT_INDEX", "UV_DEFAULT_INDEX"),
            ("UV_INDEX_URL", "UV_INDEX_URL"),
        ] {
            if let Some(value) = self.env.get(from) {
                clients.env.insert(to.to_owned(), address::shown(value));
            }
        }
        clients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_where_to_ask_and_no_password() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(home.path().join(".cargo")).expect("a folder");
        let config = "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://mirror.example/i/\"\n[registries.m]\ntoken = \"geheim\"\n[net]\ngit-fetch-with-cli = true\n";
        std::fs::write(home.path().join(".cargo/config.toml"), config).expect("a file");
        let env = BTreeMap::from(
            [
                ("PIP_INDEX_URL", "https://me:geheim@pip.example/simple"),
                ("https_proxy", "http://me:geheim@proxy.example:3128"),
                ("CARGO_REGISTRIES_M_TOKEN", "geheim"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let clients = Here { env, home: Some(home.path().to_owned()), ..Here::default() }.clients();
        assert!(!format!("{clients:?}").contains("geheim"), "{clients:?}");
        assert!(clients.files[0].1.contains("sparse+https://mirror.example/i/"), "{clients:?}");
        assert_eq!(Here::default().clients(), Clients::default());
    }
}

//! Registering the App by a manifest, and installing it: what GitHub takes, what it refuses, and in which words.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::playground::auth::holds;
use crate::playground::keys;
use crate::playground::webhooks::permission_for;
use crate::playground::world::{App, Installation, ManifestCode, Role, User, World};

/// GitHub's longest name of an App, in characters.
pub const NAME_LENGTH: usize = 34;
/// GitHub's most callback addresses of an App.
const CALLBACKS: usize = 10;

/// Somebody installs the App.
#[derive(Clone, Debug, Default)]
pub struct Installing<'a> {
    /// Login of the organisation or person that gets it.
    pub account: &'a str,
    /// Names of its repositories, without owner; none = all, also those to come.
    pub repositories: &'a [String],
    /// Who does it.
    pub by: &'a str,
}

impl World {
    /// Refuses a manifest as GitHub's page does, with GitHub's sentences where they are known.
    pub fn check_manifest(&self, manifest: &Value) -> Result<()> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        ensure!(manifest.is_object(), "Invalid GitHub App configuration. Error: the manifest is no JSON object");
        // The object itself asks for a webhook, also with `active: false`.
        let hook = manifest.get("hook_attributes").map(|hook| text(&hook["url"]));
        if hook.as_deref() == Some("") || text(&manifest["url"]).is_empty() {
            bail!("Invalid GitHub App configuration. Error: \"url\" wasn't supplied");
        }
        if let Some(url) = hook.filter(|url| !is_public(url)) {
            bail!(
                "Webhook URL is not supported because it isn't reachable over the public Internet ({})",
                host(&url).unwrap_or(&url)
            );
        }
        ensure!(host(&text(&manifest["redirect_url"])).is_some(), "There is no redirect_url to bring the code to.");
        let callbacks = manifest["callback_urls"].as_array().map_or(0, Vec::len);
        ensure!(callbacks <= CALLBACKS, "Callback URLs: at most {CALLBACKS}");
        let held = permissions(manifest);
        let beyond = |event: &String| !holds(&held, permission_for(event));
        let events: Vec<String> = words(&manifest["default_events"]).into_iter().filter(beyond).collect();
        ensure!(events.is_empty(), "Default events are not supported by permissions: {}", events.join(", "));
        Ok(())
    }

    /// Confirms a manifest under this name; gives back the code that becomes credentials.
    pub fn confirm_manifest(&mut self, mut manifest: Value, name: &str, owner: &str) -> Result<String> {
        self.check_manifest(&manifest)?;
        let name = name.trim();
        ensure!(!slug(name).is_empty(), "Name can't be blank");
        ensure!(name.chars().count() <= NAME_LENGTH, "Name is too long (maximum is {NAME_LENGTH} characters)");
        ensure!(slug(name) != self.app.slug, "Name is already taken");
        manifest["name"] = json!(name);
        let code = uuid::Uuid::new_v4().simple().to_string();
        let confirmed = ManifestCode { manifest, owner: owner.to_owned(), at: self.now() };
        self.manifest_codes.insert(code.clone(), confirmed);
        Ok(code)
    }

    /// Makes the App of a confirmed manifest. There is one App here: it takes the place of the one before, which is
    /// installed nowhere any more.
    pub fn register_app(&mut self, confirmed: &ManifestCode) {
        let manifest = &confirmed.manifest;
        let name = manifest["name"].as_str().unwrap_or("App").to_owned();
        let id = self.id();
        self.app = App {
            id,
            slug: slug(&name),
            name,
            client_id: format!("Iv1.playground{id}"),
            client_secret: uuid::Uuid::new_v4().simple().to_string(),
            callback_urls: words(&manifest["callback_urls"]),
            permissions: permissions(manifest),
            events: words(&manifest["default_events"]),
            webhook_url: manifest["hook_attributes"]["url"].as_str().map(str::to_owned),
            webhook_secret: uuid::Uuid::new_v4().simple().to_string(),
            public_key: keys::PUBLIC.to_owned(),
            owner: Some(confirmed.owner.clone()),
            public: manifest["public"].as_bool().unwrap_or(false),
            created_at: self.now(),
        };
        self.installations.clear();
        self.tokens.clear();
        let bot = format!("{}[bot]", self.app.slug);
        let user = User { id: self.id(), login: bot.clone(), bot: true };
        self.users.insert(bot, user);
        if self.app.webhook_url.is_some() {
            self.emit_ping();
        }
    }

    /// Whether somebody may register and install Apps for an account.
    pub fn manages(&self, login: &str, account: &str) -> bool {
        let role = self.orgs.get(account).and_then(|org| org.members.get(login));
        role.is_some_and(|role| *role >= Role::Maintain) || login == account && self.users.contains_key(login)
    }

    /// The accounts on which somebody may install the App.
    pub fn installable(&self, login: &str) -> Vec<String> {
        let owner = self.app_json()["owner"]["login"].as_str().unwrap_or_default().to_owned();
        let accounts = self.orgs.keys().cloned().chain([login.to_owned()]);
        accounts.filter(|account| self.manages(login, account) && (self.app.public || *account == owner)).collect()
    }

    /// Installs the App, or changes which repositories it has; gives back the installation's id.
    pub fn install(&mut self, new: &Installing<'_>) -> Result<u64> {
        let account = new.account.to_owned();
        ensure!(self.installable(new.by).contains(&account), "{} may not install the App on {account}.", new.by);
        let mut ids = Vec::new();
        for name in new.repositories {
            let repo = self.repo(&format!("{account}/{name}"));
            ids.push(repo.with_context(|| format!("There is no repository {account}/{name}."))?.id);
        }
        let selection = if ids.is_empty() { None } else { Some(ids) };
        let known = self.installations.values_mut().find(|at| at.account == account);
        if let Some(installation) = known {
            installation.selection = selection;
            return Ok(installation.id);
        }
        let (id, created_at, permissions) = (self.id(), self.now(), self.app.permissions.clone());
        let installation = Installation { id, account, permissions, selection, suspended_at: None, created_at };
        self.installations.insert(id, installation);
        self.announce_installation(id, new.by);
        Ok(id)
    }
}

fn permissions(manifest: &Value) -> BTreeMap<String, String> {
    let asked = manifest["default_permissions"].as_object().into_iter().flatten();
    asked.map(|(name, level)| (name.clone(), level.as_str().unwrap_or("read").to_owned())).collect()
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The name as it stands in addresses.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = name.chars().map(plain).collect();
    words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The host of a web address, without port.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    Some(host).filter(|host| !host.is_empty())
}

/// Whether GitHub can reach it: no name of one machine or of one network.
fn is_public(url: &str) -> bool {
    let Some(host) = host(url) else { return false };
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()),
        Ok(IpAddr::V6(ip)) => !(ip.is_loopback() || ip.is_unspecified()),
        Err(_) => host.contains('.') && !host.ends_with(".localhost") && !host.ends_with(".local"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_of_this_machine_is_none() {
        for bad in ["http://localhost:8080/hook", "http://127.0.0.1/hook", "https://[::1]/", "https://10.1.2.3/", "x"] {
            assert!(!is_public(bad), "{bad}");
        }
        for good in ["https://fairway.example/hook", "http://203.0.113.7:8080/hook", "https://[2001:db8::1]/"] {
            assert!(is_public(good), "{good}");
        }
    }

    #[test]
    fn a_name_becomes_what_stands_in_addresses() {
        assert_eq!(slug("Fairway acme"), "fairway-acme");
        assert_eq!(slug(" Ærø's  App! "), "r-s-app");
    }
}

//! The App's credentials as `fairway setup` keeps them: one file in the data directory, for its owner only.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{AppIdentity, Orgs, Secret, Settings};
use crate::domain::speech;

/// Beside the database, which is where the other thing lies that must not get lost: the secrets' key.
const FILE_NAME: &str = "github-app.json";

/// What GitHub gives once, when the App is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The App's number.
    pub app_id: u64,
    /// Its name for people.
    pub name: String,
    /// Login of the account that owns it; empty when GitHub did not say.
    pub owner: String,
    /// Its page at GitHub.
    pub html_url: String,
    /// PEM of an RSA key.
    pub private_key: Secret,
    /// Signs every delivery.
    pub webhook_secret: Secret,
    /// Names the App when people sign in.
    pub client_id: String,
    /// Proves the App when people sign in.
    pub client_secret: Secret,
}

/// The file's text.
#[derive(Serialize, Deserialize)]
struct Wire {
    app_id: u64,
    name: String,
    owner: String,
    html_url: String,
    client_id: String,
    client_secret: String,
    webhook_secret: String,
    private_key: String,
}

impl Credentials {
    /// What a file holds; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file is there and cannot be read or is not whole: what happened, in words.
    pub fn read(path: &Path) -> Result<Option<Credentials>, String> {
        let damaged = |why: String| speech::setup::damaged(&path.display().to_string(), &why);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(damaged(error.to_string())),
        };
        // Neither message repeats what stands in the file.
        let wire: Wire = serde_json::from_str(&text)
            .map_err(|error| damaged(format!("line {} is not what was written there", error.line())))?;
        jsonwebtoken::EncodingKey::from_rsa_pem(wire.private_key.as_bytes())
            .map_err(|_| damaged("its private key is none".to_owned()))?;
        Ok(Some(Credentials {
            app_id: wire.app_id,
            name: wire.name,
            owner: wire.owner,
            html_url: wire.html_url,
            private_key: Secret::new(wire.private_key),
            webhook_secret: Secret::new(wire.webhook_secret),
            client_id: wire.client_id,
            client_secret: Secret::new(wire.client_secret),
        }))
    }

    /// Writes them where no file is yet, whole or not at all, with mode 0600.
    ///
    /// # Errors
    /// When the file is there already, or the directory cannot be written.
    pub fn keep(&self, path: &Path) -> Result<()> {
        let wire = Wire {
            app_id: self.app_id,
            name: self.name.clone(),
            owner: self.owner.clone(),
            html_url: self.html_url.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.reveal().to_owned(),
            webhook_secret: self.webhook_secret.reveal().to_owned(),
            private_key: self.private_key.reveal().to_owned(),
        };
        let mut draft = draft(path)?;
        draft.write_all(serde_json::to_string_pretty(&wire)?.as_bytes())?;
        draft.write_all(b"\n")?;
        draft.as_file().sync_all()?;
        draft.persist_noclobber(path).with_context(|| format!("{} cannot be made", path.display()))?;
        // The name is on disk with its directory.
        path.parent().and_then(|dir| fs::File::open(dir).ok()).map(|dir| dir.sync_all()).transpose()?;
        Ok(())
    }

    /// Whether the file can be written, found out before GitHub is asked for what it gives only once.
    ///
    /// # Errors
    /// When it cannot.
    pub fn can_be_kept(path: &Path) -> Result<()> {
        draft(path).map(drop)
    }

    /// The same as lines of an environment, each `NAME=VALUE`.
    pub fn env_lines(&self) -> String {
        let pem = self.private_key.reveal().trim().replace('\n', "\\n");
        format!(
            "FAIRWAY_APP_ID={}\nFAIRWAY_PRIVATE_KEY=\"{pem}\"\nFAIRWAY_WEBHOOK_SECRET={}\nFAIRWAY_CLIENT_ID={}\nFAIRWAY_CLIENT_SECRET={}\nFAIRWAY_ORGS={}\n",
            self.app_id,
            self.webhook_secret.reveal(),
            self.client_id,
            self.client_secret.reveal(),
            if self.owner.is_empty() { "*" } else { &self.owner },
        )
    }

    /// The words that no log may hold.
    pub fn secrets(&self) -> [&str; 3] {
        [self.private_key.reveal(), self.webhook_secret.reveal(), self.client_secret.reveal()]
    }
}

/// A file beside the place of the other one, which goes by itself unless it takes that place.
fn draft(path: &Path) -> Result<tempfile::NamedTempFile> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let words = || format!("{} cannot be written; set FAIRWAY_DATA_DIR to a directory that can", dir.display());
    fs::create_dir_all(dir).with_context(words)?;
    // Mode 0600 is what such a file has from its first moment on.
    tempfile::Builder::new().prefix(".github-app").tempfile_in(dir).with_context(words)
}

/// Whether nobody but its owner can read a file.
pub fn is_private(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 == 0)
}

impl Settings {
    /// Where the credentials are kept that do not come from the environment.
    pub fn credentials_file(&self) -> PathBuf {
        self.data_dir.join(FILE_NAME)
    }

    /// The identity that kept credentials give. Whom to serve is the operator's word, else the App's own account.
    pub fn identity(&self, kept: &Credentials) -> AppIdentity {
        let own = || if kept.owner.is_empty() { Orgs::Any } else { Orgs::Only([kept.owner.to_lowercase()].into()) };
        AppIdentity {
            app_id: kept.app_id,
            private_key: kept.private_key.clone(),
            webhook_secret: Some(kept.webhook_secret.clone()),
            client_id: Some(kept.client_id.clone()).filter(|id| !id.is_empty()),
            client_secret: Some(kept.client_secret.clone()).filter(|_| !kept.client_id.is_empty()),
            orgs: self.orgs.clone().unwrap_or_else(own),
        }
    }

    /// The same settings where what the App's identity brings for signing in is filled in; the operator's word wins.
    #[must_use]
    pub fn with_app(mut self, identity: &AppIdentity) -> Settings {
        if self.client_id.is_none() {
            self.client_id.clone_from(&identity.client_id);
            self.client_secret.clone_from(&identity.client_secret);
        }
        self
    }
}

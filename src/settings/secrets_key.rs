//! The key that encrypts stored secrets: given by the operator, or made once and kept.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Settings;

const FILE_NAME: &str = "secrets.key";

/// 32 bytes that `Debug` does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretsKey([u8; 32]);

impl SecretsKey {
    /// Reads hex or base64; `None` when that is not 32 bytes.
    pub fn parse(text: &str) -> Option<SecretsKey> {
        let text = text.trim();
        let bytes =
            hex::decode(text).or_else(|_| STANDARD.decode(text)).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?;
        Some(SecretsKey(bytes.try_into().ok()?))
    }

    /// The bytes themselves.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Settings {
    /// The given key, or the one in the data directory, which is made when there is none.
    ///
    /// # Errors
    /// When the directory cannot be written or its key file is damaged. A damaged key is
    /// never replaced: what it encrypted would be lost.
    pub fn secrets_key(&self) -> Result<SecretsKey> {
        match &self.given_secrets_key {
            Some(key) => Ok(key.clone()),
            None => kept_key(&self.data_dir),
        }
    }
}

fn kept_key(data_dir: &Path) -> Result<SecretsKey> {
    fs::create_dir_all(data_dir)
        .with_context(|| format!("the data directory {} cannot be made; set FAIRWAY_DATA_DIR", data_dir.display()))?;
    let path = data_dir.join(FILE_NAME);
    if !path.exists() {
        make_key(data_dir, &path)?;
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("the secrets key {} cannot be read", path.display()))?;
    SecretsKey::parse(&text).with_context(|| {
        format!(
            "the secrets key {} is damaged; put the right one back, or remove it and set every secret again",
            path.display()
        )
    })
}

/// Writes a new key beside its place and links it there, so that a crash leaves no half
/// key and of two processes that start at once both use the same one.
fn make_key(data_dir: &Path, path: &Path) -> Result<()> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("no random bytes could be read for the secrets key")?;
    let draft = data_dir.join(format!("{FILE_NAME}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("the secrets key cannot be written into {}", data_dir.display()))?;
    file.write_all(hex::encode(bytes).as_bytes())?;
    file.sync_all()?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&draft)?;
    linked.with_context(|| format!("the secrets key {} cannot be made", path.display()))
}

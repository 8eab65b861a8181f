//! Certificates from files, by the name that a client asks for, read again when they change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use anyhow::Context as _;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// The certificates of a directory: `NAME/fullchain.pem` and `NAME/privkey.pem`, as ACME clients lay them out.
#[derive(Debug)]
pub struct Certificates {
    dir: PathBuf,
    by_name: RwLock<HashMap<String, Loaded>>,
}

#[derive(Clone, Debug)]
struct Loaded {
    changed: [Option<SystemTime>; 2],
    key: Arc<CertifiedKey>,
}

impl Certificates {
    /// Reads them.
    ///
    /// # Errors
    /// When the directory cannot be read, or there is no pair in it that belongs together.
    pub fn open(dir: &Path) -> anyhow::Result<Arc<Certificates>> {
        let certificates = Certificates { dir: dir.to_owned(), by_name: RwLock::default() };
        let problems = certificates.refresh().with_context(|| format!("reading {}", dir.display()))?;
        if certificates.by_name.read().unwrap_or_else(PoisonError::into_inner).is_empty() {
            let why = problems.into_iter().next().unwrap_or_else(|| "it is empty".to_owned());
            anyhow::bail!(
                "{} has no certificate: {why}. It needs NAME/fullchain.pem and NAME/privkey.pem for a host name NAME",
                dir.display()
            );
        }
        Ok(Arc::new(certificates))
    }

    /// Reads what changed. A pair that cannot be used leaves the one before in force; why, in words.
    ///
    /// # Errors
    /// When the directory itself cannot be read; then nothing changes.
    pub fn refresh(&self) -> std::io::Result<Vec<String>> {
        let before = self.by_name.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut fresh, mut problems) = (HashMap::new(), Vec::new());
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            let files = [path.join("fullchain.pem"), path.join("privkey.pem")];
            let changed = files.each_ref().map(|file| std::fs::metadata(file).ok()?.modified().ok());
            if changed.iter().all(Option::is_none) {
                continue;
            }
            let old = before.get(&name);
            if let Some(same) = old.filter(|loaded| loaded.changed == changed) {
                fresh.insert(name, same.clone());
                continue;
            }
            match load(&files) {
                Ok(key) => drop(fresh.insert(name, Loaded { changed, key })),
                Err(why) => {
                    problems.push(why);
                    fresh.extend(old.map(|old| (name, old.clone())));
                }
            }
        }
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(problems)
    }
}

/// Reads a pair and proves that it belongs together.
fn load([chain, key]: &[PathBuf; 2]) -> Result<Arc<CertifiedKey>, String> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{}: {error}", chain.display()))?;
    if certificates.is_empty() {
        return Err(format!("{} holds no certificate", chain.display()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{}: {error}", key.display()))?;
    let pair = CertifiedKey::from_der(certificates, secret, &aws_lc_rs::default_provider());
    pair.map(Arc::new).map_err(|error| format!("{} and {} are no pair: {error}", chain.display(), key.display()))
}

impl ResolvesServerCert for Certificates {
    /// By the whole name, else by the one above it: a certificate for `*.shop.example` lies under `shop.example`.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        let all = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let above = || all.get(name.split_once('.')?.1);
        all.get(&name).or_else(above).map(|loaded| loaded.key.clone())
    }
}

/// TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
///
/// # Errors
/// When the provider cannot do these versions, which would be a fault of the build.
pub fn config(certificates: Arc<Certificates>) -> anyhow::Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

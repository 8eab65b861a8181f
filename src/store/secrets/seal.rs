//! Secrets at rest: ChaCha20-Poly1305, a fresh nonce each, bound to the place they are for. A row copied to another
//! repository, environment or trust does not open there.

use crate::settings::Secret;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use std::fmt;
use thiserror::Error;

/// What a secret is for; sealed and opened with the same words or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Such as `CODECOV_TOKEN`.
    pub name: &'a str,
    /// `owner/name`, an owner, or `*`; letter case does not matter.
    pub repo: &'a str,
    /// The environment, if it is bound to one.
    pub env: Option<&'a str>,
    /// `protected` or `pr`.
    pub trust: &'a str,
}

/// Why a secret was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// Another key, another place, or damaged bytes.
    #[error(
        "the secret does not open: the key is another one, or the row was changed; set it again with `fairway secrets set`"
    )]
    Open,
    /// The machine gives no random numbers, or the value is too long.
    #[error("the secret cannot be encrypted on this machine")]
    Seal,
}

/// The key, ready for use. It prints as `***`.
#[derive(Clone)]
pub struct Seal(ChaCha20Poly1305);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(***)")
    }
}

const NONCE: usize = 12;

impl Seal {
    /// Takes the 32 bytes of the key.
    pub fn new(key: &[u8; 32]) -> Seal {
        Seal(ChaCha20Poly1305::new(&Key::from(*key)))
    }

    /// Nonce and ciphertext, for the row.
    pub fn seal(&self, place: &Place<'_>, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let nonce = Nonce::try_generate().map_err(|_| SealError::Seal)?;
        let aad = place.bytes();
        let payload = Payload { msg: secret.reveal().as_bytes(), aad: &aad };
        let ciphertext = self.0.encrypt(&nonce, payload).map_err(|_| SealError::Seal)?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// The secret, if the row was sealed with this key for this place.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret, SealError> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE).ok_or(SealError::Open)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| SealError::Open)?;
        let aad = place.bytes();
        let payload = Payload { msg: ciphertext, aad: &aad };
        let clear = self.0.decrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Open)?;
        String::from_utf8(clear).map(Secret::new).map_err(|_| SealError::Open)
    }
}

impl Place<'_> {
    /// Unambiguous: each part with its length, so that no two places look alike.
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in [self.name, &self.repo.to_lowercase(), self.env.unwrap_or(""), self.trust] {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

//! The door for webhooks: the signature first, then one number, then, later and in a job, the rest.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use super::parse;
use crate::domain::event::Incoming;
use crate::domain::metrics::Told;

/// Why a body is not taken for GitHub's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No `X-Hub-Signature-256`.
    #[error("the signature is missing")]
    Missing,
    /// Not `sha256=` and 64 hexadecimal digits.
    #[error("the signature is malformed")]
    Malformed,
    /// Made with another secret, or for another body.
    #[error("the signature does not match")]
    Wrong,
}

/// A body that was signed with our secret. Only [`verify`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// The raw body.
    pub fn body(&self) -> &'a [u8] {
        self.0
    }
}

/// Compares in constant time and parses nothing.
///
/// # Errors
/// When the header is absent, no signature, or not ours.
pub fn verify<'a>(secret: &[u8], body: &'a [u8], header: Option<&str>) -> Result<Verified<'a>, SignatureError> {
    let digits = header.ok_or(SignatureError::Missing)?.strip_prefix("sha256=").ok_or(SignatureError::Malformed)?;
    let mut signature = [0; 32];
    hex::decode_to_slice(digits, &mut signature).map_err(|_| SignatureError::Malformed)?;
    // HMAC takes keys of every length, so the error cannot come; if it did, nothing would be let in.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| SignatureError::Wrong)?;
    mac.update(body);
    mac.verify_slice(&signature).map(|()| Verified(body)).map_err(|_| SignatureError::Wrong)
}

/// The repository's id, read without building anything else. A body without one, or no JSON at all, has none.
pub fn repository_id(body: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Door {
        repository: Option<Id>,
    }
    #[derive(Deserialize)]
    struct Id {
        id: i64,
    }
    serde_json::from_slice::<Door>(body).ok()?.repository.map(|r| r.id)
}

/// A payload of an event we handle that does not say what GitHub's documentation promises.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(#[from] serde_json::Error);

/// Whether anybody handles this event at all, by `X-GitHub-Event`. What nobody handles need not be kept.
pub fn handles(event: &str) -> bool {
    parse::HANDLED.contains(&event)
}

/// What a delivery says; `None` when nobody handles it, which is found out cheaply. `event` is `X-GitHub-Event`.
///
/// # Errors
/// When a payload that somebody handles cannot be read.
pub fn parse(event: &str, body: &[u8]) -> Result<Option<Incoming>, ParseError> {
    Ok(parse::incoming(event, body)?)
}

/// What a delivery that arrived at `seen` (Unix ms) tells of how people work together; `None` when that is nothing.
///
/// # Errors
/// When a payload that may tell something cannot be read.
pub fn told(event: &str, body: &[u8], seen: i64) -> Result<Option<Told>, ParseError> {
    Ok(parse::told(event, body, seen)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sign(secret: &[u8], body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn githubs_own_example_verifies() {
        let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let verified = verify(b"It's a Secret to Everybody", b"Hello, World!", Some(header)).unwrap();
        assert_eq!(verified.body(), b"Hello, World!");
    }

    #[test]
    fn each_way_to_be_wrong_has_its_name() {
        let good = sign(b"s", b"body");
        let said = |header: Option<&str>| verify(b"s", b"body", header).map(|_| ()).unwrap_err();
        assert_eq!(said(None), SignatureError::Missing);
        assert_eq!(said(Some("sha1=00")), SignatureError::Malformed);
        assert_eq!(said(Some("sha256=")), SignatureError::Malformed);
        assert_eq!(said(Some(&good[..good.len() - 1])), SignatureError::Malformed);
        assert_eq!(said(Some(&format!("{good}00"))), SignatureError::Malformed);
        assert_eq!(said(Some(&sign(b"t", b"body"))), SignatureError::Wrong);
    }

    proptest! {
        #[test]
        fn one_changed_bit_is_seen(body in proptest::collection::vec(any::<u8>(), 1..200), at in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let header = sign(b"secret", &body);
            prop_assert!(verify(b"secret", &body, Some(&header)).is_ok());
            let mut bent = body.clone();
            bent[at.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(verify(b"secret", &bent, Some(&header)).map(|_| ()).unwrap_err(), SignatureError::Wrong);
        }

        #[test]
        fn the_door_reads_any_bytes(body in proptest::collection::vec(any::<u8>(), 0..300), event in "[a-z_]{0,20}") {
            let _ = repository_id(&body);
            let _ = parse(&event, &body);
            let _ = told(&event, &body, 1);
        }
    }

    #[test]
    fn only_the_repositorys_own_id_is_taken() {
        assert_eq!(repository_id(br#"{"id":1,"repository":{"owner":{"id":2},"id":3},"sender":{"id":4}}"#), Some(3));
        assert_eq!(repository_id(br#"{"repository":null}"#), None);
        assert_eq!(repository_id(br#"{"repository":{"id":"x"}}"#), None);
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(repository_id(deep.as_bytes()), None);
    }
}

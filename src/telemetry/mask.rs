//! Replaces secrets in text that people read.
//!
//! Two nets: values that were registered (also as base64 and as escaped text, since that is
//! how they slip out), and shapes that are always secret: GitHub's tokens, private keys and
//! JSON Web Tokens, which also catch what nobody registered.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Shorter values are not masked: every second word of a log would vanish, and what
/// vanishes would tell the value.
const SHORTEST: usize = 4;

/// Shorter lines of a secret of several lines are not masked alone (`}` or `--`).
const SHORTEST_LINE: usize = 8;

const TOKEN_PREFIXES: [&str; 6] = ["ghs_", "ghp_", "gho_", "ghu_", "ghr_", "github_pat_"];

/// A cheap handle to the secrets of this process. Clones share what is registered.
#[derive(Clone, Default)]
pub struct Masker {
    /// Longest first, so that a secret inside another one does not leave a rest.
    needles: Arc<RwLock<Vec<String>>>,
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masker").finish_non_exhaustive()
    }
}

impl Masker {
    /// One that knows the shapes only.
    pub fn new() -> Masker {
        Masker::default()
    }

    /// From now on `secret` is masked. Registering again changes nothing.
    pub fn register(&self, secret: &str) {
        let mut needles = self.needles.write().unwrap_or_else(PoisonError::into_inner);
        needles.extend(forms(secret));
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
    }

    /// A masker of its own that also knows `secrets`: for one run's log, so that a value
    /// of one repository does not change the logs of the others.
    pub fn with<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Masker {
        let known = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        let own = Masker { needles: Arc::new(RwLock::new(known.clone())) };
        drop(known);
        for secret in secrets {
            own.register(secret);
        }
        own
    }

    /// `text` with every secret replaced by [`MASK`]. Whole texts or whole lines go in: a
    /// secret cut in two is not seen.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        for needle in needles.iter() {
            if masked.contains(needle.as_str()) {
                masked = Cow::Owned(masked.replace(needle.as_str(), MASK));
            }
        }
        drop(needles);
        match mask_shapes(&masked) {
            Some(shaped) => Cow::Owned(shaped),
            None => masked,
        }
    }
}

/// Every form in which `secret` may stand in a log.
fn forms(secret: &str) -> Vec<String> {
    let whole = secret.trim();
    if whole.len() < SHORTEST {
        return Vec::new();
    }
    let mut forms = vec![whole.to_owned()];
    if whole.contains('\n') {
        let lines = whole.lines().map(str::trim);
        forms.extend(lines.filter(|l| l.len() >= SHORTEST_LINE).map(str::to_owned));
    }
    let escaped = whole.escape_debug().to_string();
    if escaped != whole {
        forms.push(escaped);
    }
    forms.extend(base64_forms(whole.as_bytes()));
    forms
}

/// The base64 of `secret` wherever it starts in what was encoded (`user:secret` shifts it):
/// for each of the three shifts, the characters that depend on the secret alone.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for (shift, skip) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(secret);
        let ragged = usize::from(bytes.len() % 3 != 0);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            let own = text.get(skip..text.len().saturating_sub(ragged));
            forms.extend(own.filter(|t| t.len() >= SHORTEST_LINE).map(str::to_owned));
        }
    }
    forms
}

/// Masks what is secret by its shape; `None` when nothing was found.
fn mask_shapes(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['g', 'e', '-']) {
        at += found;
        let rest = &text[at..];
        let starts_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let secret = match rest.as_bytes()[0] {
            b'-' => private_key(rest),
            _ if !starts_word => None,
            b'g' => github_token(rest),
            _ => json_web_token(rest),
        };
        match secret {
            Some(length) => {
                out.push_str(&text[copied..at]);
                out.push_str(MASK);
                at += length;
                copied = at;
            }
            None => at += 1,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// How many bytes of `text`, from its start, are of `allowed`.
fn span(text: &str, allowed: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| allowed(*byte)).count()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn github_token(text: &str) -> Option<usize> {
    let prefix = TOKEN_PREFIXES.iter().find(|p| text.starts_with(*p))?;
    // Newer installation tokens carry a JWT, hence the dots and dashes.
    let body = span(&text[prefix.len()..], |b| is_base64url(b) || b == b'.');
    let body = text[prefix.len()..prefix.len() + body].trim_end_matches('.').len();
    (body >= 16).then_some(prefix.len() + body)
}

fn json_web_token(text: &str) -> Option<usize> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let head = span(text, is_base64url);
    let claims = text[head..].strip_prefix('.')?;
    let claims_length = span(claims, is_base64url);
    let signature = claims[claims_length..].strip_prefix('.')?;
    let length = head + 1 + claims_length + 1 + span(signature, is_base64url);
    (claims_length >= 8).then_some(length)
}

/// A PEM block to its end, or to the end of the text when it is cut off.
fn private_key(text: &str) -> Option<usize> {
    let title = text.strip_prefix("-----BEGIN ")?;
    let title_end = title.find("-----")?;
    if !title[..title_end].ends_with("PRIVATE KEY") {
        return None;
    }
    let end = format!("-----END {}-----", &title[..title_end]);
    Some(text.find(&end).map_or(text.len(), |at| at + end.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn masked(secret: &str, text: &str) -> String {
        let masker = Masker::new();
        masker.register(secret);
        masker.mask(text).into_owned()
    }

    #[test]
    fn registered_secrets_go_in_every_form() {
        assert_eq!(masked("hunter22", "a hunter22 b hunter22"), "a *** b ***");
        assert_eq!(masked("say \"x\" now", r#"{"m":"say \"x\" now"}"#), r#"{"m":"***"}"#);
        assert_eq!(masked("first-line\nsecond-line", "> second-line"), "> ***");
        assert_eq!(masked("abc", "abc"), "abc");
    }

    #[test]
    fn a_secret_inside_another_leaves_no_rest() {
        let masker = Masker::new();
        masker.register("pass");
        masker.register("password");
        assert_eq!(masker.mask("password pass"), "*** ***");
    }

    #[test]
    fn shapes_are_masked_without_being_registered() {
        let masker = Masker::new();
        let jwt = format!("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.{}", "s".repeat(20));
        let token = "a1B2".repeat(9);
        for secret in [
            format!("ghs_{token}"),
            format!("github_pat_{token}"),
            format!("ghs_12_{jwt}"),
            jwt.clone(),
            format!("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA {} KEY-----", "PRIVATE"),
            format!("-----BEGIN {} KEY-----\\nMII\\n-----END PRIVATE KEY-----", "PRIVATE"),
        ] {
            let text = format!("clone https://x:{secret}@host end");
            assert_eq!(masker.mask(&text), "clone https://x:***@host end");
        }
        let cut = format!("-----BEGIN {} KEY-----\nMII", "PRIVATE");
        assert_eq!(masker.mask(&cut), "***");
        let plain = "eyJ is no token, nor is ghs_short, nor a - b -----BEGIN CERTIFICATE-----";
        assert!(matches!(masker.mask(plain), Cow::Borrowed(same) if same == plain));
    }

    #[test]
    fn a_run_of_its_own_does_not_change_the_others() {
        let all = Masker::new();
        all.register("for-everybody");
        let run = all.with(["for-this-run"]);
        assert_eq!(run.mask("for-this-run for-everybody"), "*** ***");
        assert_eq!(all.mask("for-this-run"), "for-this-run");
    }

    proptest! {
        #[test]
        fn no_registered_secret_survives(
            before in ".{0,40}", secret in "[a-zA-Z0-9+/=_ .:\"\\\\-]{4,40}", after in ".{0,40}",
        ) {
            let secret = secret.trim();
            prop_assume!(secret.len() >= SHORTEST && !MASK.contains(secret));
            let text = masked(secret, &format!("{before}{secret}{after}"));
            prop_assert!(!text.contains(secret), "{text}");
        }

        #[test]
        fn base64_of_anything_around_a_secret_hides_it(
            before in "[a-z:]{0,7}", secret in "[a-zA-Z0-9]{12,40}", after in "[a-z]{0,7}",
        ) {
            let text = masked(&secret, &STANDARD.encode(format!("{before}{secret}{after}")));
            prop_assert!(text.contains(MASK), "{text}");
        }

        #[test]
        fn any_text_passes_without_harm(text in "\\PC*") {
            Masker::new().mask(&text);
        }
    }
}

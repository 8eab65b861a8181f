//! Cookies that nobody but we can make: what they hold, then a dot, then its HMAC.

use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Signs cookies. It prints as `***`.
#[derive(Clone)]
pub struct CookieKey([u8; 32]);

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey(***)")
    }
}

impl CookieKey {
    /// A key of its own, made from the key of stored secrets, so that one says nothing about the other.
    pub fn new(secrets_key: &[u8; 32]) -> CookieKey {
        let own = Sha256::new().chain_update("cookies of the pages").chain_update(secrets_key);
        CookieKey(own.finalize().into())
    }

    /// The value of a cookie that holds `text`, which has no byte that a cookie cannot have.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        format!(
            "{text}.{}",
            hex::encode(self.mac(purpose, text).map(|mac| mac.finalize().into_bytes()).unwrap_or_default())
        )
    }

    /// What a cookie holds, if we signed it for this purpose. Compared in constant time.
    pub fn open<'a>(&self, purpose: &str, value: &'a str) -> Option<&'a str> {
        let (text, digits) = value.rsplit_once('.')?;
        let mut signature = [0; 32];
        hex::decode_to_slice(digits, &mut signature).ok()?;
        self.mac(purpose, text)?.verify_slice(&signature).ok()?;
        Some(text)
    }

    /// What a form of a session has to send back.
    pub fn csrf(&self, session: &str) -> String {
        let signed = self.sign("csrf", session);
        signed.rsplit_once('.').map(|(_, mac)| mac.to_owned()).unwrap_or_default()
    }

    /// HMAC takes keys of every length, so there is always one.
    fn mac(&self, purpose: &str, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        Some(mac)
    }
}

/// A kind of cookie that we set.
#[derive(Clone, Copy, Debug)]
pub struct Cookie {
    /// Its name, over TLS with a prefix that keeps other hosts and plain HTTP from setting it.
    pub name: &'static str,
    /// How long a browser keeps it, in seconds.
    pub seconds: i64,
}

impl Cookie {
    fn full_name(self, https: bool) -> String {
        format!("{}{}", if https { "__Host-" } else { "" }, self.name)
    }

    /// The header that sets it. It comes along when somebody follows a link to us, and with no other site's form.
    pub fn set(self, value: &str, https: bool) -> String {
        let (name, secure) = (self.full_name(https), if https { "; Secure" } else { "" });
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", self.seconds)
    }

    /// The header that takes it away.
    pub fn clear(self, https: bool) -> String {
        Cookie { seconds: 0, ..self }.set("", https)
    }

    /// Its value among a request's cookies.
    pub fn of(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        let name = self.full_name(https);
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|line| line.split(';')).find_map(|one| one.trim().strip_prefix(name.as_str())?.strip_prefix('='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_or_meant_for_something_else_does_not_open() {
        let key = CookieKey::new(&[1; 32]);
        let value = key.sign("session", "abc");
        assert_eq!(key.open("session", &value), Some("abc"));
        assert_eq!(key.open("login", &value), None, "another purpose");
        assert_eq!(CookieKey::new(&[2; 32]).open("session", &value), None, "another key");
        for bad in ["", ".", "abc", "abc.", "abc.00", &value.replace("abc", "abd"), &format!("{value}0"), &value[1..]] {
            assert_eq!(key.open("session", bad), None, "{bad}");
        }
        assert_ne!(key.csrf("a"), key.csrf("b"));
        assert_eq!(format!("{key:?}"), "CookieKey(***)");
    }

    #[test]
    fn over_tls_a_cookie_belongs_to_this_host_alone() {
        let cookie = Cookie { name: "fairway", seconds: 60 };
        assert_eq!(cookie.set("v", true), "__Host-fairway=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        assert_eq!(cookie.set("v", false), "fairway=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
        assert_eq!(cookie.clear(false), "fairway=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; fairway-login=x; fairway=v".parse().unwrap());
        headers.append(header::COOKIE, "__Host-fairway=w".parse().unwrap());
        assert_eq!((cookie.of(&headers, false), cookie.of(&headers, true)), (Some("v"), Some("w")));
    }
}

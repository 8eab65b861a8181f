//! Which version a request gets.

use http::header::{COOKIE, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request};

use crate::host::Slot;
use crate::host::count::{chosen, hash};
use crate::host::shelf::Stored;

/// The cookie by which a client is known again.
const CLIENT: &str = "fairway-client";
/// Whoever asks for a version gets it, and is not counted: that was not chance.
const OVERRIDE: &str = "x-canary";

/// Where a request goes.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Which place.
    pub slot: Slot,
    /// Who asks.
    pub client: u64,
    /// Whether it was spread by chance.
    pub counted: bool,
    fresh: bool,
    candidate: bool,
}

impl Choice {
    /// What makes the client known again, when it is not yet and that matters.
    pub fn cookie(&self) -> Option<HeaderValue> {
        let text = || format!("{CLIENT}={:016x}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", self.client);
        if self.fresh { HeaderValue::try_from(text()).ok() } else { None }
    }

    /// Tells the release what it is for this request.
    pub fn version_header(&self) -> HeaderValue {
        HeaderValue::from_static(if self.candidate { "candidate" } else { "stable" })
    }
}

/// `None` when nothing is there to answer.
pub fn choose<B>(stored: &Stored, request: &Request<B>, address: &[u8]) -> Option<Choice> {
    let split = &stored.split;
    let (known, client) = client(request.headers(), address);
    let candidate = split.candidate.filter(|slot| stored.slots.contains_key(slot));
    let wish = request.headers().get(OVERRIDE).and_then(|value| value.to_str().ok());
    let choice = |slot, candidate, counted, fresh| Some(Choice { slot, client, counted, fresh, candidate });
    match (wish, candidate, split.stable) {
        (Some("always"), Some(slot), _) => choice(slot, true, false, false),
        (Some("never"), _, Some(slot)) => choice(slot, false, false, false),
        (_, Some(slot), stable) if split.weight >= 10_000 || stable.is_none() && split.weight > 0 => {
            choice(slot, true, true, false)
        }
        (_, Some(slot), Some(stable)) if split.weight > 0 => {
            let candidate = chosen(&split.salt, client, split.weight);
            choice(if candidate { slot } else { stable }, candidate, true, !known)
        }
        (_, _, Some(stable)) => choice(stable, false, true, false),
        _ => None,
    }
}

/// Who asks: by the cookie, else by address and program. The cookie says the same, so that nobody changes sides by
/// getting one.
fn client(headers: &HeaderMap, address: &[u8]) -> (bool, u64) {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let own = cookies.flat_map(|value| value.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == CLIENT).then_some(value).and_then(|value| u64::from_str_radix(value, 16).ok())
    });
    match own {
        Some(client) => (true, client),
        None => {
            let agent = headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
            (false, hash(&[address, agent]))
        }
    }
}

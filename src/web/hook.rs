//! The door. Verify, note the GUID, commit the job, 202: nothing else is read but `repository.id`, and no body is ever logged.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::clock::Clock;
use crate::github::webhook::{self, SignatureError};
use crate::store::{Accepted, Intake, NewDelivery};

/// GitHub never sends more.
pub const LIMIT: usize = 25 * 1024 * 1024;

/// What the door needs.
#[derive(Clone)]
pub struct Door {
    /// The webhook secret.
    pub secret: std::sync::Arc<[u8]>,
    /// Where deliveries are committed.
    pub intake: Intake,
    /// The time.
    pub clock: Clock,
}

/// Why a delivery was not taken, with what the sender gets to read.
enum Turned {
    Unsigned(&'static str),
    Incomplete(&'static str),
    TooLarge,
    StoreDown,
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        let (status, result, words) = match self {
            Turned::Unsigned(words) => (StatusCode::UNAUTHORIZED, "unauthorized", words),
            Turned::Incomplete(words) => (StatusCode::BAD_REQUEST, "bad_request", words),
            Turned::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than 25 MB, which GitHub never sends")
            }
            Turned::StoreDown => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the delivery could not be stored; GitHub will be asked to send it again",
            ),
        };
        metrics::counter!("fairway_deliveries_total", "result" => result).increment(1);
        (status, format!("{words}\n")).into_response()
    }
}

/// `POST /hook`.
pub async fn hook(State(door): State<Door>, headers: HeaderMap, body: Body) -> Response {
    match take(&door, &headers, body).await {
        Ok(accepted) => {
            let result = if accepted == Accepted::New { "accepted" } else { "duplicate" };
            metrics::counter!("fairway_deliveries_total", "result" => result).increment(1);
            StatusCode::ACCEPTED.into_response()
        }
        Err(turned) => turned.into_response(),
    }
}

async fn take(door: &Door, headers: &HeaderMap, body: Body) -> Result<Accepted, Turned> {
    let body = whole(headers, body).await?;
    let signature = text(headers, "x-hub-signature-256");
    webhook::verify(&door.secret, &body, signature).map_err(|error| {
        Turned::Unsigned(match error {
            SignatureError::Missing => "X-Hub-Signature-256 is missing: set the same webhook secret at GitHub and here",
            SignatureError::Malformed => "X-Hub-Signature-256 is not `sha256=` and 64 hexadecimal digits",
            SignatureError::Wrong => "the signature does not match: set the same webhook secret at GitHub and here",
        })
    })?;
    let guid = text(headers, "x-github-delivery").filter(|g| !g.is_empty() && g.len() <= 100);
    let guid = guid.ok_or(Turned::Incomplete("X-GitHub-Delivery is missing"))?;
    let event = text(headers, "x-github-event").filter(|e| !e.is_empty() && e.len() <= 100);
    let event = event.ok_or(Turned::Incomplete("X-GitHub-Event is missing"))?;
    let delivery = NewDelivery {
        guid: guid.to_owned(),
        event: event.to_owned(),
        repository_id: webhook::repository_id(&body),
        body: webhook::handles(event).then(|| body.to_vec()),
        now: door.clock.now(),
    };
    door.intake.accept(delivery).await.map_err(|error| {
        tracing::error!("a delivery could not be stored: {error:#}");
        Turned::StoreDown
    })
}

/// The raw body, refused as soon as it is known to be too large.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, Turned> {
    let declared = text(headers, "content-length").and_then(|n| n.parse::<usize>().ok());
    if declared.is_some_and(|n| n > LIMIT) {
        return Err(Turned::TooLarge);
    }
    match axum::body::to_bytes(body, LIMIT).await {
        Ok(bytes) => Ok(bytes),
        Err(error) => {
            let over = std::error::Error::source(&error).is_some_and(|s| s.is::<http_body_util::LengthLimitError>());
            Err(if over { Turned::TooLarge } else { Turned::Incomplete("the body ended too early") })
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

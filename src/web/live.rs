//! What all live pages share: their feed, and what is shown when one cannot be made.

use std::convert::Infallible;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use futures_util::Stream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::pages::error;

/// What went wrong while a page was made; the details are in the log, under the same id.
pub struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Failed {
        Failed(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let id = uuid::Uuid::new_v4().simple().to_string();
        tracing::error!(id, "a page failed: {:#}", self.0);
        (StatusCode::INTERNAL_SERVER_ERROR, Html(error::failed(&id))).into_response()
    }
}

/// `news` when a page should look again, `end` when there is nothing more to come.
pub fn live(words: ReceiverStream<&'static str>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = words.map(|word| {
        let event = Event::default().data(word);
        Ok(if word == "end" { event.event("end") } else { event })
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

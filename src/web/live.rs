//! What all live pages share: their feed, and what is shown when one cannot be made.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::pages::error;
use super::session::{Site, Viewer};

/// A feed asks so often whether its listener is still signed in, in milliseconds.
const STILL_HERE_MS: i64 = 5_000;

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

/// One look at what a page shows.
pub struct Look {
    /// Differs from the last look's when there is news.
    pub seen: String,
    /// Nothing more will come.
    pub over: bool,
}

impl Look {
    /// There may be more.
    pub fn at(seen: String) -> Option<Look> {
        Some(Look { seen, over: false })
    }
}

/// Looks every so often, and says `news` when a page should look again, `end` when there is nothing more to come. A look
/// that sees nothing any more ends the feed, and so does signing out.
pub fn feed<F>(site: &Site, viewer: &Viewer, every: Duration, mut look: impl FnMut() -> F + Send + 'static) -> Response
where
    F: Future<Output = Option<Look>> + Send,
{
    let (tx, rx) = mpsc::channel::<&'static str>(4);
    let (site, viewer) = (site.clone(), viewer.clone());
    tokio::spawn(async move {
        let (mut seen, mut asked) = (None, site.ctx.clock.now());
        while !tx.is_closed() {
            let now = site.ctx.clock.now();
            if now - asked >= STILL_HERE_MS {
                if !viewer.is_here(&site).await {
                    return;
                }
                asked = now;
            }
            let Some(look) = look().await else { return };
            if seen.as_ref() != Some(&look.seen) {
                seen = Some(look.seen);
                if tx.send(if look.over { "end" } else { "news" }).await.is_err() {
                    return;
                }
            }
            if look.over {
                return;
            }
            tokio::time::sleep(every).await;
        }
    });
    let events = ReceiverStream::new(rx).map(|word| {
        let event = Event::default().data(word);
        Ok::<_, Infallible>(if word == "end" { event.event("end") } else { event })
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

//! Follows an answer to its end: only then is it known whether it was good.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::Body;
use super::choose::Choice;
use super::upstream::Line;
use crate::clock::Clock;
use crate::host::shelf::{Place, Stored};

/// A request that is being answered. Dropped, it has been.
pub struct Counted {
    place: Arc<Place>,
    stored: Arc<Stored>,
    choice: Choice,
    clock: Clock,
    bad: bool,
}

impl Counted {
    /// From here on it counts as in flight.
    pub fn begin((place, stored): (Arc<Place>, Arc<Stored>), choice: Choice, clock: Clock) -> Counted {
        place.in_flight(choice.slot).fetch_add(1, Ordering::Relaxed);
        Counted { place, stored, choice, clock, bad: false }
    }

    /// The release gave no answer; this is ours.
    pub fn bad(mut self, response: Response<Body>) -> Response<Body> {
        self.bad = true;
        response
    }

    /// Counts it when its last byte is through. A client that leaves early says nothing about the release.
    pub fn follow(mut self, response: Response<Incoming>, line: Line) -> Response<Body> {
        self.bad = response.status().is_server_error();
        response.map(|inner| Followed { inner, counted: self, line: Some(line), over: false }.boxed())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.place.in_flight(self.choice.slot).fetch_sub(1, Ordering::Relaxed);
        let placed = self.stored.slots.get(&self.choice.slot).filter(|_| self.choice.counted);
        if let Some(placed) = placed {
            self.place.counters.note(&placed.release.id, self.choice.client, (self.bad, self.clock.now()));
        }
    }
}

struct Followed {
    inner: Incoming,
    counted: Counted,
    line: Option<Line>,
    over: bool,
}

impl Drop for Followed {
    fn drop(&mut self) {
        // What breaks off half way ends its connection with it.
        if let Some(line) = self.line.take().filter(|_| self.over || self.inner.is_end_stream()) {
            line.done(self.counted.clock.now());
        }
    }
}

impl hyper::body::Body for Followed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Err(_))) => self.counted.bad = true,
            Poll::Ready(None) => self.over = true,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

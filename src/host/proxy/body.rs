//! Follows a request to its last byte and its answer to its end: only then is it known how long the release took, and
//! whether the answer was good.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::Body;
use super::choose::Choice;
use super::upstream::Line;
use crate::clock::Clock;
use crate::host::count::Answer;
use crate::host::shelf::{Place, Stored};

/// A request that is being answered. Dropped, it has been.
pub struct Counted {
    place: Arc<Place>,
    stored: Arc<Stored>,
    choice: Choice,
    clock: Clock,
    bad: bool,
    wait: Option<Wait>,
}

/// How long the release lets somebody wait who has said everything.
struct Wait {
    /// Longer is slow; milliseconds.
    bound: i64,
    /// When the last byte of the request was through, in ticks; `i64::MAX` while it is not.
    since: Arc<AtomicI64>,
    /// Whether the answer began too late; `None` while it has not begun.
    slow: Option<bool>,
}

impl Wait {
    /// A client that left while it waited was not answered in time either.
    fn slow(&self, now: i64) -> bool {
        self.slow.unwrap_or_else(|| now.saturating_sub(self.since.load(Ordering::Relaxed)) > self.bound)
    }
}

impl Counted {
    /// From here on it counts as in flight.
    pub fn begin((place, stored): (Arc<Place>, Arc<Stored>), choice: Choice, clock: Clock) -> Counted {
        place.in_flight(choice.slot).fetch_add(1, Ordering::Relaxed);
        let bound = stored.split.slow_ms.filter(|_| choice.counted);
        let wait = bound.map(|bound| Wait { bound, since: Arc::new(AtomicI64::new(clock.ticks())), slow: None });
        Counted { place, stored, choice, clock, bad: false, wait }
    }

    /// The request goes out. What the client takes to send it is not the release's time.
    pub fn sends(&self, request: Request<Body>) -> Request<Body> {
        let Some(wait) = self.wait.as_ref().filter(|_| !request.body().is_end_stream()) else { return request };
        wait.since.store(i64::MAX, Ordering::Relaxed);
        let (through, clock) = (wait.since.clone(), self.clock.clone());
        request.map(|inner| Sent { inner, through, clock }.boxed())
    }

    /// The answer begins.
    pub fn begins(&mut self) {
        if let Some(wait) = self.wait.as_mut() {
            wait.slow = Some(wait.slow(self.clock.ticks()));
        }
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
            let slow = self.wait.as_ref().is_some_and(|wait| wait.slow(self.clock.ticks()));
            let answer = Answer { bad: self.bad, slow };
            self.place.counters.note(&placed.release.id, self.choice.client, (answer, self.clock.now()));
        }
    }
}

/// A request's body that notes when it is through.
struct Sent {
    inner: Body,
    through: Arc<AtomicI64>,
    clock: Clock,
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let last = matches!(&polled, Poll::Ready(None)) || (polled.is_ready() && self.inner.is_end_stream());
        if last && self.through.load(Ordering::Relaxed) == i64::MAX {
            self.through.store(self.clock.ticks(), Ordering::Relaxed);
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

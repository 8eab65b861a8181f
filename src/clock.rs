//! The only reader of time.
//!
//! Everything that decides takes `now` as a value, so a test can hold time still and a
//! simulation can move it. Several processes on one PostgreSQL must agree what "due" means:
//! there the measured offset to the database's clock is added here, once, for all.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// The longest single sleep on the system clock. The wall clock can be set while we sleep,
/// so a long wait is cut into pieces and the target is compared again after each.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// What ticks are counted from: the first time that somebody asked.
static BEGIN: OnceLock<Instant> = OnceLock::new();

/// A cheap handle to "now", in Unix milliseconds. Clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    offset_ms: Arc<AtomicI64>,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(watch::Receiver<i64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock::from_source(Source::System)
    }

    /// A clock that stands at `start_ms` until its [`ManualClock`] moves it.
    pub fn manual(start_ms: i64) -> (Clock, ManualClock) {
        let (sender, receiver) = watch::channel(start_ms);
        let hand = ManualClock { sender: Arc::new(sender) };
        (Clock::from_source(Source::Manual(receiver)), hand)
    }

    fn from_source(source: Source) -> Clock {
        Clock { source, offset_ms: Arc::new(AtomicI64::new(0)) }
    }

    /// Unix milliseconds, with the offset added.
    pub fn now(&self) -> i64 {
        let base = match &self.source {
            Source::System => system_ms(),
            Source::Manual(receiver) => *receiver.borrow(),
        };
        base.saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Milliseconds since some moment in the past, of a clock that nobody sets: two of them say how long something took.
    pub fn ticks(&self) -> i64 {
        match &self.source {
            Source::System => {
                let since = BEGIN.get_or_init(Instant::now).elapsed();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            Source::Manual(receiver) => *receiver.borrow(),
        }
    }

    /// The milliseconds that are added to this machine's clock.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// Sets how far the database's clock is ahead of this machine's (negative: behind).
    pub fn set_offset_ms(&self, offset: i64) {
        self.offset_ms.store(offset, Ordering::Relaxed);
    }

    /// Returns once [`Clock::now`] is at least `target_ms`. On a manual clock that needs
    /// someone to move it; when its hand is gone it never returns.
    pub async fn sleep_until(&self, target_ms: i64) {
        match &self.source {
            Source::System => self.sleep_on_system(target_ms).await,
            Source::Manual(receiver) => {
                let mut receiver = receiver.clone();
                let reached = |base: &i64| base.saturating_add(self.offset_ms()) >= target_ms;
                if receiver.wait_for(reached).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// [`Clock::sleep_until`], counted from now.
    pub async fn sleep(&self, duration: Duration) {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.sleep_until(self.now().saturating_add(ms)).await;
    }

    async fn sleep_on_system(&self, target_ms: i64) {
        while let Ok(left @ 1..) = u64::try_from(target_ms.saturating_sub(self.now())) {
            tokio::time::sleep(Duration::from_millis(left).min(LONGEST_NAP)).await;
        }
    }
}

/// The hand of a manual clock. Time never runs backwards.
#[derive(Clone, Debug)]
pub struct ManualClock {
    sender: Arc<watch::Sender<i64>>,
}

impl ManualClock {
    /// Moves the clock on by `duration` and returns the new time.
    pub fn advance(&self, duration: Duration) -> i64 {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let target = self.now().saturating_add(ms);
        self.set(target);
        target
    }

    /// Moves the clock to `target_ms`; a time in the past is ignored.
    pub fn set(&self, target_ms: i64) {
        self.sender.send_if_modified(|now| {
            let moved = target_ms > *now;
            *now = target_ms.max(*now);
            moved
        });
    }

    /// Where the clock stands, Unix milliseconds, without any offset.
    pub fn now(&self) -> i64 {
        *self.sender.borrow()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn is_done(future: std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved_and_never_goes_back() {
        let (clock, hand) = Clock::manual(1_000);
        assert_eq!(clock.now(), 1_000);
        assert_eq!(hand.advance(Duration::from_secs(2)), 3_000);
        hand.set(10);
        assert_eq!(clock.now(), 3_000);
    }

    #[test]
    fn a_sleeper_wakes_at_its_time_and_not_before() {
        let (clock, hand) = Clock::manual(0);
        let mut sleeper = pin!(clock.sleep_until(500));
        assert!(!is_done(sleeper.as_mut()));
        hand.set(499);
        assert!(!is_done(sleeper.as_mut()));
        hand.set(500);
        assert!(is_done(sleeper.as_mut()));
    }

    #[test]
    fn the_offset_is_shared_by_clones_and_moves_sleepers_too() {
        let (clock, hand) = Clock::manual(1_000);
        clock.clone().set_offset_ms(-400);
        assert_eq!((clock.now(), clock.offset_ms()), (600, -400));
        let mut sleeper = pin!(clock.sleep_until(1_000));
        assert!(!is_done(sleeper.as_mut()));
        hand.set(1_400);
        assert!(is_done(sleeper.as_mut()));
    }

    #[test]
    fn a_sleep_without_a_hand_never_ends() {
        let (clock, hand) = Clock::manual(0);
        drop(hand);
        let mut sleeper = pin!(clock.sleep_until(1));
        assert!(!is_done(sleeper.as_mut()));
    }

    #[test]
    fn how_long_something_took_does_not_depend_on_what_the_clock_is_set_to() {
        let (clock, hand) = Clock::manual(1_000);
        let begun = clock.ticks();
        clock.set_offset_ms(86_400_000);
        assert_eq!(clock.ticks() - begun, 0);
        hand.advance(Duration::from_millis(700));
        assert_eq!(clock.ticks() - begun, 700);
        let system = Clock::system();
        let begun = system.ticks();
        system.set_offset_ms(86_400_000);
        assert!((0..60_000).contains(&(system.ticks() - begun)));
    }

    #[tokio::test]
    async fn the_system_clock_is_past_2025_and_a_due_sleep_returns_at_once() {
        let clock = Clock::system();
        assert!(clock.now() > 1_735_689_600_000);
        clock.sleep_until(0).await;
    }
}

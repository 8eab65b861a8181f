//! GitHub's rate limits, per installation: the hourly one, points per minute, and content-creating requests.

use std::collections::VecDeque;

/// What is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests per hour.
    pub per_hour: u64,
    /// Points per minute; a read costs 1, a write 5.
    pub points: u64,
    /// Content-creating requests per minute.
    pub content_minute: usize,
    /// Content-creating requests per hour.
    pub content_hour: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_hour: 5000, points: 900, content_minute: 80, content_hour: 500 }
    }
}

/// What one installation used.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// When the hour began, Unix milliseconds.
    pub since: i64,
    /// Requests in this hour.
    pub used: u64,
    /// When and how many points, of the last minute.
    points: VecDeque<(i64, u64)>,
    /// When content was created, of the last hour.
    content: VecDeque<i64>,
}

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The hourly one; ends at this Unix millisecond.
    Primary(i64),
    /// A secondary one; try again after so many seconds.
    Secondary(u64),
}

/// How heavy a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// GET.
    Read,
    /// Another method.
    Write,
    /// Makes a comment, a pull request or the like.
    Content,
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

impl Meter {
    /// Counts one request, or says which limit forbids it.
    pub fn count(&mut self, limits: &Limits, weight: Weight, now: i64) -> Result<(), Passed> {
        if now - self.since >= HOUR {
            self.since = now;
            self.used = 0;
        }
        while self.points.front().is_some_and(|(at, _)| now - at >= MINUTE) {
            self.points.pop_front();
        }
        while self.content.front().is_some_and(|at| now - at >= HOUR) {
            self.content.pop_front();
        }
        if self.used >= limits.per_hour {
            return Err(Passed::Primary(self.since + HOUR));
        }
        let cost = if weight == Weight::Read { 1 } else { 5 };
        if self.points.iter().map(|(_, points)| points).sum::<u64>() + cost > limits.points {
            return Err(Passed::Secondary(60));
        }
        if weight == Weight::Content {
            let minute = self.content.iter().filter(|at| now - **at < MINUTE).count();
            if minute >= limits.content_minute || self.content.len() >= limits.content_hour {
                return Err(Passed::Secondary(60));
            }
            self.content.push_back(now);
        }
        self.points.push_back((now, cost));
        self.used += 1;
        Ok(())
    }

    /// A 304 costs nothing of the hourly limit: gives one request back.
    pub fn refund(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    /// When the hour ends, Unix seconds.
    pub fn reset(&self) -> i64 {
        (self.since + HOUR) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_81st_comment_of_a_minute_is_refused_and_the_next_minute_is_free() {
        let (mut meter, limits) = (Meter::default(), Limits::default());
        for _ in 0..80 {
            assert_eq!(meter.count(&limits, Weight::Content, HOUR), Ok(()));
        }
        assert_eq!(meter.count(&limits, Weight::Content, HOUR), Err(Passed::Secondary(60)));
        assert_eq!(meter.count(&limits, Weight::Content, HOUR + MINUTE), Ok(()));
    }

    #[test]
    fn points_are_spent_by_writes_five_times_as_fast() {
        let (mut meter, limits) = (Meter::default(), Limits { points: 11, ..Limits::default() });
        assert_eq!(meter.count(&limits, Weight::Write, HOUR), Ok(()));
        assert_eq!(meter.count(&limits, Weight::Write, HOUR), Ok(()));
        assert_eq!(meter.count(&limits, Weight::Write, HOUR), Err(Passed::Secondary(60)));
        assert_eq!(meter.count(&limits, Weight::Read, HOUR), Ok(()));
    }

    #[test]
    fn the_hour_ends_at_its_reset() {
        let (mut meter, limits) = (Meter::default(), Limits { per_hour: 1, ..Limits::default() });
        assert_eq!(meter.count(&limits, Weight::Read, HOUR), Ok(()));
        assert_eq!(meter.count(&limits, Weight::Read, HOUR + 1), Err(Passed::Primary(2 * HOUR)));
        assert_eq!(meter.count(&limits, Weight::Read, 2 * HOUR), Ok(()));
    }
}

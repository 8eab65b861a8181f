//! Times at which nothing is deployed, as people write them: `Fri 16:00 - Mon 07:00 Europe/Copenhagen` every week,
//! `22:00 - 06:00 UTC` every day, `2026-12-20 - 2027-01-03 UTC` once.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// The zones come with the program, so that the same file means the same on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MINUTES_A_DAY: i32 = 24 * 60;

/// One window. It is kept as it was written, and read whenever it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Freeze(String);

/// What was written, understood. Ends do not belong to it.
#[derive(Debug)]
enum Window {
    /// Minutes since Monday's midnight.
    Weekly(i32, i32),
    /// Minutes since midnight.
    Daily(i32, i32),
    /// The first day, and the day after the last.
    Once(Date, Date),
}

impl Freeze {
    /// Reads it.
    ///
    /// # Errors
    /// The rule that it breaks, as a sentence.
    pub fn parse(text: &str) -> Result<Freeze, String> {
        read(text)?;
        Ok(Freeze(text.to_owned()))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Until when it lasts, if it is on at `now`; Unix milliseconds.
    pub fn until(&self, now: i64) -> Option<i64> {
        let (window, zone) = read(&self.0).ok()?;
        let here = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone()).datetime();
        let end = match window {
            Window::Once(from, to) => (from <= here.date() && here.date() < to).then(|| to.at(0, 0, 0, 0)),
            Window::Daily(from, to) => within(minute(here), (from, to, MINUTES_A_DAY)).and_then(|left| add(here, left)),
            Window::Weekly(from, to) => {
                let today = i32::from(here.weekday().to_monday_zero_offset()) * MINUTES_A_DAY;
                within(today + minute(here), (from, to, 7 * MINUTES_A_DAY)).and_then(|left| add(here, left))
            }
        }?;
        // An hour that does not exist ends when it would have; one that comes twice, the first time.
        let end = zone.to_ambiguous_timestamp(end).compatible().ok()?.as_millisecond();
        Some(end.max(now + 1))
    }
}

fn minute(at: DateTime) -> i32 {
    i32::from(at.hour()) * 60 + i32::from(at.minute())
}

/// Minutes to the end of a window on a circle, from inside it.
fn within(at: i32, (from, to, circle): (i32, i32, i32)) -> Option<i32> {
    let length = (to - from).rem_euclid(circle);
    let passed = (at - from).rem_euclid(circle);
    (passed < length).then_some(length - passed)
}

fn add(here: DateTime, minutes: i32) -> Option<DateTime> {
    let whole = here.date().to_datetime(Time::new(here.hour(), here.minute(), 0, 0).ok()?);
    whole.checked_add(minutes.minutes()).ok()
}

const RULE: &str =
    "Write `Fri 16:00 - Mon 07:00 Europe/Copenhagen`, `22:00 - 06:00 UTC` or `2026-12-20 - 2027-01-03 UTC`.";

fn read(text: &str) -> Result<(Window, TimeZone), String> {
    let bad = || format!("`{}` is no window. {RULE}", text.replace('`', "'"));
    let (from, rest) = text.split_once(" - ").ok_or_else(bad)?;
    let (to, zone) = rest.trim().rsplit_once(' ').ok_or_else(bad)?;
    let name = zone.trim();
    let zone = ZONES.get(name).map_err(|_| {
        format!("`{}` is no time zone. Write one such as `Europe/Copenhagen` or `UTC`.", name.replace('`', "'"))
    })?;
    let (from, to) = (from.trim(), to.trim());
    let window = if let (Some(from), Some(to)) = (clock(from), clock(to)) {
        Window::Daily(from, to)
    } else if let (Some(from), Some(to)) = (day(from), day(to)) {
        Window::Weekly(from, to)
    } else if let (Ok(from), Ok(to)) = (from.parse::<Date>(), to.parse::<Date>()) {
        if to < from {
            return Err("The window ends before it begins.".to_owned());
        }
        Window::Once(from, to.tomorrow().map_err(|_| bad())?)
    } else {
        return Err(bad());
    };
    match window {
        Window::Daily(from, to) | Window::Weekly(from, to) if from == to => {
            Err("The window begins and ends at the same time.".to_owned())
        }
        window => Ok((window, zone)),
    }
}

/// Minutes since midnight.
fn clock(text: &str) -> Option<i32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, most: i32| text.parse().ok().filter(|n| text.len() == 2 && (0..=most).contains(n));
    Some(number(hour, 23)? * 60 + number(minute, 59)?)
}

/// Minutes since Monday's midnight.
fn day(text: &str) -> Option<i32> {
    let (day, time) = text.split_once(' ')?;
    let day = day.to_lowercase();
    let at = DAYS.iter().position(|known| day.len() >= 3 && known == &day.get(..3).unwrap_or_default())?;
    Some(at as i32 * MINUTES_A_DAY + clock(time.trim())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many hours it still lasts at that time of UTC.
    fn left(window: &str, at: &str) -> Option<f64> {
        let now = at.parse::<Timestamp>().expect("a time").as_millisecond();
        Freeze::parse(window).expect("a window").until(now).map(|end| (end - now) as f64 / 3_600_000.0)
    }

    #[test]
    fn a_weekend_wraps_the_week() {
        let weekend = "Fri 16:00 - Mon 07:00 Europe/Copenhagen";
        assert_eq!(left(weekend, "2026-11-20T14:59:00Z"), None);
        assert_eq!(left(weekend, "2026-11-20T15:00:00Z"), Some(63.0));
        assert_eq!(left(weekend, "2026-11-22T23:30:00Z"), Some(6.5));
        assert_eq!(left(weekend, "2026-11-23T06:00:00Z"), None);
    }

    #[test]
    fn the_clock_change_moves_the_end_and_not_the_hour_on_the_wall() {
        let weekend = "Fri 16:00 - Mon 07:00 Europe/Copenhagen";
        // In that night an hour does not exist, in this one an hour comes twice.
        assert_eq!(left(weekend, "2026-03-27T15:00:00Z"), Some(62.0));
        assert_eq!(left(weekend, "2026-10-23T14:00:00Z"), Some(64.0));
        assert_eq!(left("01:00 - 02:30 Europe/Copenhagen", "2026-03-29T00:30:00Z"), Some(1.0));
    }

    #[test]
    fn nights_and_holidays() {
        assert_eq!(left("22:00 - 06:00 UTC", "2026-11-23T23:00:00Z"), Some(7.0));
        assert_eq!(left("22:00 - 06:00 UTC", "2026-11-23T12:00:00Z"), None);
        assert_eq!(left("2026-12-20 - 2027-01-03 UTC", "2026-12-31T23:00:00Z"), Some(73.0));
        assert_eq!(left("2026-12-20 - 2027-01-03 UTC", "2027-01-04T00:00:00Z"), None);
    }

    #[test]
    fn what_cannot_be_read_says_how_to_write_it() {
        let words = |text: &str| Freeze::parse(text).unwrap_err();
        assert!(words("weekends").contains("is no window"));
        assert!(words("Fri 16:00 - Mon 07:00 Copenhagen").contains("`Copenhagen` is no time zone"));
        assert!(words("Fri 25:00 - Mon 07:00 UTC").contains("is no window"));
        assert!(words("2027-01-03 - 2026-12-20 UTC").contains("ends before"));
        assert!(words("06:00 - 06:00 UTC").contains("same time"));
    }
}

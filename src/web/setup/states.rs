//! The `state` values that went to GitHub: each is taken back once and within an hour, so that no answer is taken that
//! nobody asked for.

use super::super::session::same;

/// GitHub's code is good for as long, in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// A page that is loaded again and again makes no more than these.
const MOST: usize = 64;

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Nobody gave this one out.
    Forged,
    /// It was taken before.
    Used,
    /// More than an hour ago.
    Late,
}

struct Given {
    text: String,
    at: i64,
    used: bool,
}

/// Those that were given out.
#[derive(Default)]
pub struct States(Vec<Given>);

impl States {
    /// A new one, at this time (Unix ms).
    pub fn give(&mut self, now: i64) -> String {
        let text = uuid::Uuid::new_v4().simple().to_string();
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Given { text: text.clone(), at: now, used: false });
        text
    }

    /// Takes one back.
    ///
    /// # Errors
    /// When it is none of ours, was taken before, or is too old.
    pub fn take(&mut self, sent: &str, now: i64) -> Result<(), Wrong> {
        // Every one is compared to its end, so that the time it takes says nothing.
        let mut found = None;
        for given in &mut self.0 {
            if same(&given.text, sent) {
                found = Some(given);
            }
        }
        let given = found.ok_or(Wrong::Forged)?;
        if std::mem::replace(&mut given.used, true) {
            return Err(Wrong::Used);
        }
        if now - given.at >= HOUR_MS { Err(Wrong::Late) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_within_an_hour() {
        let mut states = States::default();
        let (first, second, third) = (states.give(0), states.give(0), states.give(10));
        assert_eq!(states.take("", 1), Err(Wrong::Forged));
        assert_eq!(states.take(&first[1..], 1), Err(Wrong::Forged));
        assert_eq!(states.take(&first, HOUR_MS - 1), Ok(()));
        assert_eq!(states.take(&first, 1), Err(Wrong::Used));
        assert_eq!(states.take(&second, HOUR_MS), Err(Wrong::Late));
        assert_eq!(states.take(&third, HOUR_MS), Ok(()));
        for _ in 0..2 * MOST {
            states.give(20);
        }
        assert_eq!((states.0.len(), states.take(&third, 30)), (MOST, Err(Wrong::Forged)));
    }
}

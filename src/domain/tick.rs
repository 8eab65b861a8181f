//! One thing that has to be right before Fairway can do its work, as it was found.

use serde::Serialize;

/// How a thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Right.
    Ok,
    /// Fairway works; somebody should look all the same.
    Warn,
    /// Something does not work.
    Fail,
    /// Not needed here, or it could not be looked at.
    Skip,
}

/// One thing, how it was found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// Stays the same from one look to the next.
    pub name: String,
    /// How it was found.
    pub state: State,
    /// What was seen, or what is wrong and why.
    pub said: String,
    /// What to type or do; empty when there is nothing.
    pub fix: String,
}

impl Tick {
    /// It is right.
    pub fn ok(name: impl Into<String>, said: impl Into<String>) -> Tick {
        Tick { name: name.into(), state: State::Ok, said: said.into(), fix: String::new() }
    }

    /// It was not looked at.
    pub fn skip(name: impl Into<String>, said: impl Into<String>) -> Tick {
        Tick { state: State::Skip, ..Tick::ok(name, said) }
    }

    /// It works, with a remark.
    pub fn warn(name: impl Into<String>, said: impl Into<String>, fix: impl Into<String>) -> Tick {
        Tick { state: State::Warn, fix: fix.into(), ..Tick::ok(name, said) }
    }

    /// It is wrong.
    pub fn fail(name: impl Into<String>, said: impl Into<String>, fix: impl Into<String>) -> Tick {
        Tick { state: State::Fail, fix: fix.into(), ..Tick::ok(name, said) }
    }
}

/// How many are wrong.
pub fn wrong(ticks: &[Tick]) -> usize {
    ticks.iter().filter(|tick| tick.state == State::Fail).count()
}

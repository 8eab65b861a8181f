//! JSON of which it is known where it stands: values are slices of the text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Lines;
use crate::domain::update::source::broken;

/// A text and where its lines begin.
pub struct Json<'t> {
    text: &'t str,
    lines: Lines,
}

/// Keys and values in their order, those that stand there twice too.
pub type Entries<'t> = Vec<(String, &'t RawValue)>;

/// The members of an object.
struct Members<'t>(Entries<'t>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Members(all))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl<'t> Json<'t> {
    /// The members of the outermost object; the error is a sentence.
    pub fn open(file: &str, text: &'t str) -> Result<(Json<'t>, Entries<'t>), String> {
        let json = Json { text, lines: Lines::of(text) };
        match serde_json::from_str::<Members<'_>>(text) {
            Ok(members) => Ok((json, members.0)),
            Err(error) => Err(broken(file, line(&error), what(&error))),
        }
    }

    /// The line on which a value begins.
    pub fn line(&self, value: &RawValue) -> u32 {
        self.lines.at((value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize))
    }
}

/// The line of an error, where it is known.
pub fn line(error: &serde_json::Error) -> Option<u32> {
    u32::try_from(error.line()).ok().filter(|line| *line > 0)
}

/// What is wrong, without a word of the text.
pub fn what(error: &serde_json::Error) -> &'static str {
    if error.is_eof() { "it ends too early" } else { "it is not the JSON that belongs there" }
}

/// The members of an object; none of anything else.
pub fn members(value: &RawValue) -> Entries<'_> {
    serde_json::from_str::<Members<'_>>(value.get()).map(|members| members.0).unwrap_or_default()
}

/// A text; `None` for anything else.
pub fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

//! The way out of a hold: what was taken back is reverted, or mended.

use super::command::capital;
use crate::domain::decide::Held;

/// What to do where something was taken back, without a full stop.
pub fn way_out(name: &str, held: &Held) -> String {
    if held.exact {
        return format!("Mend it, push, and type `/deploy {name}`");
    }
    let fixes =
        held.pull.map(|number| format!("type `/deploy {name} --fixes #{number}` in the pull request that mends it"));
    let reverts = held.merged.then(|| match held.revert {
        Some(number) => format!("merge #{number}, its revert"),
        None => "merge its revert".to_owned(),
    });
    match (reverts, fixes) {
        (Some(reverts), Some(fixes)) => capital(&format!("{reverts}, or {fixes}")),
        (Some(one), None) | (None, Some(one)) => capital(&one),
        (None, None) => format!("Mend it, then type `/unlock {name}`"),
    }
}

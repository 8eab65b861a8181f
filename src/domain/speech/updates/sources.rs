//! What of the advisories is not at hand, and what to do about it: sentences without a full stop, as they stand on the page.

/// A repository of advisories does not answer.
pub fn not_fetched(address: &str, why: &str) -> String {
    format!("{address} was not fetched: {}", why.trim_end_matches('.'))
}

/// The same for a listing, where it ends with a full stop: something is old, and is used all the same.
pub fn taken_anyway(why: &str) -> String {
    format!("{why}. The advisories of the last time were taken.")
}

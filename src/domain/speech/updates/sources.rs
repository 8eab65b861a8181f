//! What of the advisories is not at hand, and what to do about it: sentences without a full stop, as they stand on the page.

/// A repository of advisories does not answer.
pub fn not_fetched(address: &str, why: &str) -> String {
    format!("{address} was not fetched: {}", why.trim_end_matches('.'))
}

/// The same for a listing, where it ends with a full stop: something is old, and is used all the same.
pub fn taken_anyway(why: &str) -> String {
    format!("{why}. The advisories of the last time were taken.")
}

/// GitHub has no list of advisories for us.
pub fn no_list() -> String {
    "GitHub's own advisories are not read: this GitHub has no `GET /advisories`. On an Enterprise server its administrator \
     turns on GitHub Connect; FAIRWAY_ADVISORIES names other databases"
        .to_owned()
}

/// GitHub does not let us read them; its words.
pub fn not_let(why: &str) -> String {
    format!(
        "GitHub's own advisories are not read: GitHub says \"{}\". They need no permission, so ask whoever runs that GitHub; \
         FAIRWAY_ADVISORIES names other databases",
        why.trim_end_matches('.')
    )
}

/// GitHub gives no answer about them; what came instead.
pub fn not_now(why: &str) -> String {
    format!("GitHub's own advisories were not read this time and are asked for again: {}", why.trim_end_matches('.'))
}

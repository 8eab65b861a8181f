//! Advisories as a user meets them: read from several databases, held against a lock, and ended with as little as possible.

#[path = "advisories/curing.rs"]
mod curing;
#[path = "advisories/distributions.rs"]
mod distributions;
#[path = "advisories/fixing.rs"]
mod fixing;
#[path = "advisories/github.rs"]
mod github;
#[path = "advisories/property.rs"]
mod property;
#[path = "advisories/reading.rs"]
mod reading;
#[path = "advisories/world.rs"]
mod world;

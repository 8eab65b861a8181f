//! The local engine as it is used: a real repository over HTTP, real steps under a real guard, in bubblewrap where it works.

#[path = "engine/alone.rs"]
mod alone;
#[path = "engine/bad.rs"]
mod bad;
#[path = "engine/clients.rs"]
mod clients;
#[path = "engine/desk.rs"]
mod desk;
#[path = "engine/distributions.rs"]
mod distributions;
#[path = "engine/kept.rs"]
mod kept;
#[path = "engine/steps.rs"]
mod steps;

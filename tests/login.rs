//! "Sign in with GitHub", over real HTTP against the playground: who gets in, what they see and may do, and everybody who tries
//! to get in by another way.

#[path = "common/fairway.rs"]
mod fairway_world;
#[path = "login/lab.rs"]
mod lab;

#[path = "login/fleet.rs"]
mod fleet;
#[path = "login/forms.rs"]
mod forms;
#[path = "login/sessions.rs"]
mod sessions;
#[path = "login/way_in.rs"]
mod way_in;

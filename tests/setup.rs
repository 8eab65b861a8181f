//! From nothing to a Fairway that works, as somebody does it who installs it: the page, GitHub's pages, the file, the ticks.

#[path = "setup/browser.rs"]
mod browser;
#[path = "common/fairway.rs"]
mod fairway_world;
#[path = "setup/flow.rs"]
mod flow;
#[path = "setup/page.rs"]
mod page;
#[path = "setup/poll.rs"]
mod poll;
#[path = "setup/process.rs"]
mod process;

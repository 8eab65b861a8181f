//! A playground with many organisations, and its recorded webhooks as parcels that a load can send.

use std::path::Path;

use fairway::playground::world::Role;
use fairway::playground::{Playground, PlaygroundOptions, PullDesk};

use crate::load::Parcel;
use crate::process::SECRET;

/// A pipeline that the scripted engine ends at once.
pub const PIPELINE: &str = "[pipeline.test]\nrun = [\"ok\"]\n";

/// Starts one that sends nothing by itself: every webhook is kept, and the load decides when it goes.
pub async fn start(dir: &Path) -> Playground {
    let mut options = PlaygroundOptions::in_dir(dir.join("hub"));
    options.webhook_secret = SECRET.to_owned();
    Playground::start(options).await.expect("the playground starts")
}

/// `count` organisations, each with the App, a repository `shop` and its files.
pub fn organisations(hub: &Playground, count: usize, files: &[(&str, &str)]) {
    for n in 0..count {
        let name = format!("org{n}");
        hub.silently(|world| {
            world.add_org(&name, &[("alice", Role::Maintain), ("bob", Role::Write)]);
        });
        hub.silently(|world| {
            let full_name = format!("{name}/shop");
            let new =
                fairway::playground::people::NewRepo { full_name: &full_name, private: false, files, by: "alice" };
            world.create_repo(&new).expect("a repository")
        });
    }
}

/// Opens a pull request of its own commit; its webhook is recorded.
pub fn pull(hub: &Playground, org: usize, n: usize) -> PullDesk {
    let shop = hub.repo(&format!("org{org}/shop"));
    let branch = format!("change-{n}");
    shop.push("bob", &branch, "A change", &[("note.txt", Some(&format!("{n}\n")))]);
    shop.open_pull("bob", &branch, "A change")
}

/// Takes the recorded deliveries of one sort, signed, with their GUIDs, in the order in which they were recorded.
pub fn recorded(hub: &Playground, event: &str, action: &str) -> Vec<Parcel> {
    hub.look(|world| {
        let wanted = world.deliveries.iter().filter(|d| d.event == event && d.action.as_deref() == Some(action));
        wanted.map(|d| Parcel::new(event, Some(d.guid.clone()), d.payload.as_bytes().to_vec(), SECRET)).collect()
    })
}

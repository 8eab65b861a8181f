//! What a supervisor does to Fairway: SIGTERM in the middle of a run, and a start again.

#[path = "common/served.rs"]
#[allow(dead_code, reason = "this test uses a part of what others use")]
mod served;

use fairway::playground::world::CheckRun;
use fairway::playground::{Playground, PlaygroundOptions, PullDesk};
use served::Served;

/// Waits until the pull request's one check is as wanted.
async fn until(hub: &Playground, pull: &PullDesk, wanted: impl Fn(&CheckRun) -> bool) {
    let mut changes = hub.changes();
    let seen = async {
        while !pull.checks().first().is_some_and(&wanted) {
            changes.changed().await.expect("the playground lives");
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, seen).await.unwrap_or_else(|_| panic!("not seen: {:#?}", pull.checks()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_handed_back_at_sigterm_and_goes_on_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let hub = Playground::start(PlaygroundOptions::in_dir(dir.path().join("hub"))).await.expect("a playground");
    hub.cast();
    let file = "[pipeline.test]\nrun = [\"sleep 4\"]\n";
    let shop = hub.create("acme/shop", &[("fairway.toml", file)]);
    let settings = served::settings(&hub, &dir.path().join("data"));
    let served = Served::start(settings.clone()).await;
    hub.set_webhook_url(&served.hook);
    shop.push("bob", "change", "Change", &[("a", Some("1\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    until(&hub, &pull, |check| check.status == "in_progress").await;
    served.stop().await;
    let jobs = served::verb(&settings, &["jobs", "--state", "leased"], "").await;
    assert!(jobs.contains("no jobs in state leased"), "a lease was kept: {jobs}");
    assert_eq!(pull.checks()[0].status, "in_progress", "nobody ended it");
    let served = Served::start(settings).await;
    hub.set_webhook_url(&served.hook);
    until(&hub, &pull, |check| check.conclusion.as_deref() == Some("success")).await;
    assert_eq!(shop.checks(&pull.head()).len(), 1, "the check is there once");
    let said = served.stop().await;
    assert!(!said.contains("ERROR"), "{said}");
}

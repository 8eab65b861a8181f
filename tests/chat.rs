//! What people type and see, as chats: the real router, store, workers and octocrab against the playground.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::sync::Arc;
use std::time::Duration;

use fairway::engine::scripted::Scripted;
use fairway_world::World;
use insta::assert_snapshot;

const TWO: &str = r#"
[pipeline.test]
run = ["ok", "ok"]
[pipeline.image]
needs = ["test"]
run = ["ok"]
"#;

async fn world(file: &str) -> (World, u64) {
    let world = World::start(
        Arc::new(Scripted::default()),
        &[("fairway.toml", file), ("src/lib.rs", "pub fn one() -> i32 { 1 }\n")],
    )
    .await;
    world
        .hub
        .push("acme/shop", "change", "bob", &[("src/lib.rs", "pub fn one() -> i32 { 2 }\n")], "Make it two")
        .expect("a push");
    let number = world.hub.open_pull("acme/shop", "bob", "change", "main", "Make it two").expect("a pull request");
    world.settle().await;
    (world, number)
}

async fn said(world: &World, number: u64, who: &str, line: &str) -> String {
    world.hub.comment("acme/shop", number, who, line).expect("a comment");
    world.settle().await;
    world.hub.timeline("acme/shop", number)
}

#[tokio::test]
async fn green_is_a_check_run_and_nothing_else() {
    let (world, number) = world(TWO).await;
    assert_snapshot!(world.hub.timeline("acme/shop", number), @"");
    world.finish().await;
}

#[tokio::test]
async fn a_stranger_is_refused_in_words() {
    let (world, number) = world(TWO).await;
    assert_snapshot!(said(&world, number, "mallory", "/retry").await, @"");
    world.finish().await;
}

#[tokio::test]
async fn a_slip_of_the_finger_gets_a_suggestion() {
    let (world, number) = world(TWO).await;
    assert_snapshot!(said(&world, number, "bob", "/staus").await, @"");
    world.finish().await;
}

#[tokio::test]
async fn status_and_help_answer_in_the_one_sticky_comment() {
    let (world, number) = world(TWO).await;
    said(&world, number, "bob", "/status").await;
    assert_snapshot!(said(&world, number, "mallory", "/help").await, @"");
    world.finish().await;
}

#[tokio::test]
async fn retry_runs_what_failed_and_what_waited_for_it() {
    let file = TWO.replace("run = [\"ok\", \"ok\"]", "run = [\"ok\", \"fail 3\"]");
    let (world, number) = world(&file).await;
    assert_snapshot!(said(&world, number, "bob", "/retry").await, @"");
    world.finish().await;
}

#[tokio::test]
async fn a_newer_head_supersedes_the_older_one() {
    let world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", TWO)]).await;
    world.hub.push("acme/shop", "change", "bob", &[("a", "1\n")], "one").expect("a push");
    let number = world.hub.open_pull("acme/shop", "bob", "change", "main", "Twice").expect("a pull request");
    world.hub.delivered().await;
    world.hub.push("acme/shop", "change", "bob", &[("a", "2\n")], "two").expect("a push");
    world.pass(Duration::from_secs(60)).await;
    assert_snapshot!(world.hub.timeline("acme/shop", number), @"");
    world.finish().await;
}

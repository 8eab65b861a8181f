//! What the operator, the organisation and the repository itself demand of every deploy.

use std::time::Duration;

use super::{FILE, said, sticky, world};

/// The last comment of ours.
fn reply(pull: &super::PullDesk) -> String {
    let text = pull.timeline();
    let at = text.rfind("fairway[bot]: >").unwrap_or_default();
    text[at..].split("<!--").next().unwrap_or_default().trim().to_owned()
}

#[tokio::test]
async fn the_organisations_policy_is_a_floor_under_every_file() {
    let (world, pull) = world(FILE).await;
    let policy = "[policy.environment.\"stag*\"]\nwho = \"maintain\"\nneeds = { approvals = 1 }\n";
    let home = world.hub.create("acme/.github", &[("fairway.toml", policy)]);
    world.settle().await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    let refused = reply(&pull);
    assert!(refused.contains("takes `/deploy` from people with maintain permission (by the organisation's policy at `fairway.toml:1` in `acme/.github`), and bob has write"), "{refused}");
    said(&world, &pull, ("alice", "/deploy staging")).await;
    let refused = reply(&pull);
    assert!(refused.contains("`staging` needs 1 approval of"), "{refused}");
    assert!(
        refused.contains("Rule: the organisation's policy at `fairway.toml:1` in `acme/.github`."),
        "the rule is named: {refused}"
    );
    // Nobody knows what a broken one says.
    home.push(
        "alice",
        "main",
        "Loosen it",
        &[("fairway.toml", Some("[policy.environment.\"*\"]\nwhom = \"admin\"\n"))],
    );
    world.settle().await;
    said(&world, &pull, ("alice", "/deploy staging")).await;
    let refused = reply(&pull);
    assert!(refused.contains("cannot be read: Unknown key `whom` in `policy.environment.*` (line 2)"), "{refused}");
    home.push(
        "alice",
        "main",
        "No rule for staging",
        &[("fairway.toml", Some("[policy.environment.prod]\nwho = \"admin\"\n"))],
    );
    world.settle().await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    assert!(sticky(&pull).contains("is live in `staging`"), "{}", sticky(&pull));
    // What goes back passes it, also while it is broken.
    home.push("alice", "main", "Break it", &[("fairway.toml", Some("[policy\n"))]);
    world.settle().await;
    said(&world, &pull, ("bob", "/rollback staging")).await;
    assert!(reply(&pull).contains("there is no good version before"), "{}", reply(&pull));
    world.finish().await;
}

#[tokio::test]
async fn a_merge_does_not_go_where_a_policy_lets_nothing_go_by_itself() {
    let file = FILE.replace("port = 8081\n", "port = 8081\nafter_merge = true\n");
    let (world, pull) = world(&file).await;
    pull.merge("alice");
    world.settle().await;
    world.pass(Duration::from_secs(2)).await;
    let live = world.target.look(&super::service(&world, "staging")).expect("it went there").split;
    assert!(live.stable.is_some());
    world.hub.create("acme/.github", &[("fairway.toml", "[policy.environment.staging]\nafter_merge = false\n")]);
    let next = super::open(&world, "next", "next\n").await;
    next.merge("alice");
    world.settle().await;
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.target.look(&super::service(&world, "staging")).expect("there").split, live, "nothing moved");
    // Somebody has to want it.
    said(&world, &next, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    assert_ne!(world.target.look(&super::service(&world, "staging")).expect("there").split, live);
    world.finish().await;
}

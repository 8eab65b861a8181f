//! What goes wrong around a rollout: GitHub, the host, the file, the pull request, and people in each other's way.

use std::time::Duration;

use fairway::playground::faults::Trouble;

use super::{FILE, live_and_pushed, open, said, serve, service, sticky, world};

/// What the Deployments of a commit went through, in order.
fn deployments(world: &super::World, sha: &str) -> Vec<Vec<String>> {
    world.hub.look(|hub| {
        let repo = hub.repo("acme/shop").expect("the repository");
        let of = repo.deployments.values().filter(|deployment| deployment.sha == sha);
        of.map(|deployment| deployment.statuses.iter().map(|status| status.state.clone()).collect()).collect()
    })
}

#[tokio::test]
async fn github_is_down_for_the_whole_of_it() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    let head = pull.head();
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.hub.silently(|hub| {
        hub.switches.next(100_000, "*", "*", Trouble::BadGatewayBefore);
    });
    serve(&world, &service(&world, "staging"), 400, |_| 0).await;
    let split = world.target.look(&service(&world, "staging")).expect("there").split;
    assert_eq!((split.candidate, split.weight), (None, 0), "the new version is the stable one now");
    assert_eq!(deployments(&world, &head).concat().iter().filter(|state| *state == "success").count(), 0);
    world.hub.silently(|hub| hub.switches.rules.clear());
    world.pass(Duration::from_secs(900)).await;
    let told = deployments(&world, &head);
    assert_eq!(told.len(), 1, "one Deployment: {told:?}");
    assert_eq!(told[0].iter().filter(|state| *state == "success").count(), 1, "{told:?}");
    assert!(sticky(&pull).contains(&format!("`{}` is live in `staging`", &head[..7])), "{}", sticky(&pull));
    world.finish().await;
}

#[tokio::test]
async fn the_host_is_away_in_the_middle_of_it() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 5, |_| 0).await;
    let before = world.target.look(&service(&world, "staging")).expect("there").split;
    assert_eq!(before.weight, 1_000);
    world.target.away(true);
    said(&world, &pull, ("alice", "/rollout staging abort")).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.target.look(&service(&world, "staging")).expect("there").split, before);
    world.target.away(false);
    world.pass(Duration::from_secs(2)).await;
    let after = world.target.look(&service(&world, "staging")).expect("there").split;
    assert_eq!((after.stable, after.weight), (before.stable, 0), "what was asked for meanwhile is done");
    assert!(sticky(&pull).contains("alice took it back at 10 %"), "{}", sticky(&pull));
    world.finish().await;
}

#[tokio::test]
async fn the_environment_leaves_the_file_while_it_is_live() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 5, |_| 0).await;
    let without = FILE.split("[environment.staging]").next().expect("the pipelines");
    world.hub.repo("acme/shop").push("alice", "main", "No staging", &[("fairway.toml", Some(without))]);
    world.settle().await;
    // What is on its way goes on, and can be taken back: a rescue needs no file.
    serve(&world, &service(&world, "staging"), 3, |_| 0).await;
    assert_eq!(world.target.look(&service(&world, "staging")).expect("there").split.weight, 1_000);
    said(&world, &pull, ("alice", "/rollout staging abort")).await;
    world.pass(Duration::from_secs(2)).await;
    assert_eq!(world.target.look(&service(&world, "staging")).expect("there").split.weight, 0);
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    let timeline = pull.timeline();
    assert!(timeline.contains("has no environment `staging`"), "{timeline}");
    world.finish().await;
}

#[tokio::test]
async fn a_rollback_needs_no_file() {
    let (world, pull) = world(FILE).await;
    let first = pull.head();
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 400, |_| 0).await;
    world.hub.repo("acme/shop").push("alice", "main", "Broken", &[("fairway.toml", Some("[pipeline"))]);
    world.settle().await;
    said(&world, &pull, ("alice", "/rollback staging")).await;
    world.pass(Duration::from_secs(3)).await;
    let seen = world.target.look(&service(&world, "staging")).expect("there");
    let live = seen.split.stable.and_then(|slot| seen.slots.get(&slot)).expect("something is live");
    assert!(first.starts_with(&live.version), "{} is live: {}", live.version, sticky(&pull));
    world.finish().await;
}

#[tokio::test]
async fn the_pull_request_is_pushed_to_and_closed_in_the_middle_of_it() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    let head = pull.head();
    said(&world, &pull, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 5, |_| 0).await;
    world.hub.repo("acme/shop").push("bob", "change", "four", &[("src/lib.rs", Some("four\n"))]);
    world.settle().await;
    pull.close("bob");
    world.settle().await;
    serve(&world, &service(&world, "staging"), 400, |_| 0).await;
    // It is bound to the commit that bob saw, whatever becomes of the branch.
    let seen = world.target.look(&service(&world, "staging")).expect("there");
    let live = seen.split.stable.and_then(|slot| seen.slots.get(&slot)).expect("something is live");
    assert!(head.starts_with(&live.version), "{} is live, not {head}", live.version);
    assert_eq!(deployments(&world, &head).len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn two_people_type_at_once_and_one_edits_a_command() {
    let (world, pull) = world(FILE).await;
    let other = open(&world, "other", "four\n").await;
    pull.comment("bob", "/deploy staging");
    other.comment("alice", "/deploy staging");
    world.settle().await;
    world.pass(Duration::from_secs(3)).await;
    let heads = [pull.head(), other.head()];
    let ran: Vec<usize> = heads.iter().map(|head| deployments(&world, head).len()).collect();
    assert_eq!(ran.iter().sum::<usize>(), 1, "one of them went first, the other lacks what is live: {ran:?}");
    let comment = pull.comment("bob", "what about production?");
    world.settle().await;
    let id = world.hub.repo("acme/shop").id();
    world.hub.act(|hub| hub.edit_comment(id, comment, "bob", "/rollback staging")).expect("it is edited");
    world.pass(Duration::from_secs(3)).await;
    assert!(!pull.timeline().contains("Last command: `/rollback"), "an edited comment is no command");
    world.finish().await;
}

#[tokio::test]
async fn the_repository_is_renamed_in_the_middle_of_it() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 5, |_| 0).await;
    let head = pull.head();
    let shop = world.hub.repo("acme/shop");
    shop.rename("store");
    let place = format!("{}-staging", shop.id());
    // What was asked for under the old name goes on, and what is typed under the new one steers the same rollout.
    said(&world, &pull, ("alice", "/rollout staging 25%")).await;
    for _ in 0..5 {
        world.pass(Duration::from_secs(1)).await;
    }
    let split = world.target.look(&place).expect("there").split;
    assert_eq!(split.weight, 2_500, "{}", pull.timeline());
    said(&world, &pull, ("alice", "/rollout staging 100%")).await;
    world.pass(Duration::from_secs(900)).await;
    eprintln!("{:#?}", world.dead().await);
    let told = world.hub.look(|hub| {
        let repo = hub.repo("acme/store").expect("its new name");
        let of = repo.deployments.values().filter(|deployment| deployment.sha == head);
        of.flat_map(|one| one.statuses.iter().map(|status| status.state.clone())).collect::<Vec<_>>()
    });
    assert_eq!(told.iter().filter(|state| *state == "success").count(), 1, "{told:?}\n{}", pull.timeline());
    assert!(sticky(&pull).contains(&format!("| `staging` | `{}` |", &head[..7])), "{}", sticky(&pull));
    world.finish().await;
}

#[tokio::test]
async fn of_a_rebase_all_commits_are_taken_back() {
    let (world, pull) = world(FILE).await;
    pull.merge("alice");
    world.settle().await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    let shop = world.hub.repo("acme/shop");
    let good = shop.head("main").expect("main is there");
    shop.push("bob", "bad", "One", &[("a", Some("1\n"))]);
    shop.push("bob", "bad", "Two", &[("b", Some("2\n"))]);
    let bad = shop.open_pull("bob", "bad", "Two commits");
    world.settle().await;
    let sha = bad.rebase("alice");
    assert_ne!(sha, bad.head(), "a rebase makes new commits");
    world.settle().await;
    said(&world, &bad, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 20, |version| if sha.starts_with(version) { 20 } else { 0 }).await;
    let branch = format!("fairway/revert-{}-{}", bad.number(), &sha[..7]);
    let head = shop.head(&branch).expect("the revert's branch");
    let changes =
        world.hub.look(|hub| hub.git_of(shop.id()).and_then(|git| git.diff(&good, &head))).expect("both are there");
    assert!(changes.is_empty(), "both commits are gone, not only the last: {changes:?}");
    world.finish().await;
}

//! Seeded crash histories: the real store, the real worker steps and the playground. A scheduler drops work at a random await
//! and starts again; afterwards nothing may be lost, doubled or out of order.
//!
//! `FAIRWAY_TEST_HISTORIES` sets how many (2,000 in `make test`, 50,000 in `make soak`), `FAIRWAY_TEST_SEED` replays one.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use fairway::domain::dice::Dice;
use fairway::engine::scripted::Scripted;
use fairway::store::RunState;
use fairway::worker::{self, LONG, SHORT};
use fairway_world::World;
use tokio_util::sync::CancellationToken;

const PIPELINES: &str = r#"
[pipeline.test]
run = ["ok", "ok"]
[pipeline.lint]
run = ["ok"]
[pipeline.image]
needs = ["test"]
run = ["ok"]
"#;

/// Polls a future a limited number of times and then drops it where it stands, as a crash would.
async fn cut<T>(future: impl Future<Output = T>, polls: u64) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// One history: people act, work is cut off at random, and at the end everything has healed.
async fn history(world: &World, seed: u64) {
    let mut dice = Dice::new(seed);
    let branch = format!("h{seed}");
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", &branch, "a change", &[("note.txt", Some(&format!("{seed}\n")))]);
    let pull = shop.open_pull("bob", &branch, "A change");
    for act in 0..dice.roll(4) {
        match dice.roll(7) {
            5 => drop(shop.push("bob", &branch, "the same files", &[])),
            0 => drop(shop.push("bob", &branch, "more", &[("note.txt", Some(&format!("{seed} {act}\n")))])),
            1 => drop(pull.comment("bob", "/retry test")),
            2 => drop(pull.comment("alice", "/cancel")),
            3 => drop(pull.comment("mallory", "/retry")),
            6 => drop(pull.comment("bob", "/staus")),
            _ => drop(pull.comment("bob", "/status")),
        }
        crashes(world, &mut dice).await;
    }
    crashes(world, &mut dice).await;
    // Leases that a crash left behind run out, and what waited goes on.
    world.pass(std::time::Duration::from_secs(180)).await;
    healed(world, pull.number(), seed).await;
    // What is over is closed, so that a world does not fill up with what no history looks at again.
    pull.close("bob");
    world.settle().await;
}

/// A few steps, most of them cut off somewhere.
async fn crashes(world: &World, dice: &mut Dice) {
    world.hub.delivered().await;
    let never = CancellationToken::new();
    for _ in 0..dice.roll(8) {
        let kinds = if dice.roll(3) == 0 { LONG } else { SHORT };
        let polls = 1 + dice.roll(40);
        let step = worker::step(&world.ctx, kinds, &never);
        drop(cut(step, polls).await);
        if dice.roll(4) == 0 {
            world.hand.advance(std::time::Duration::from_secs(61));
        }
    }
}

/// What must hold after every history.
async fn healed(world: &World, number: u64, seed: u64) {
    let store = &world.ctx.store;
    let dead = world.dead().await;
    assert!(dead.is_empty(), "seed {seed}: dead jobs {dead:#?}");
    world.hub.look(|hub| {
        let repo = hub.repo("acme/shop").expect("the repository");
        let pull = &repo.pulls[&number];
        let mut by_run: BTreeMap<&str, usize> = BTreeMap::new();
        for check in repo.checks_of(&pull.head_sha) {
            *by_run.entry(&check.external_id).or_default() += 1;
            assert_eq!(check.status, "completed", "seed {seed}: {} of #{number} was left {}", check.name, check.status);
        }
        for (run, count) in by_run {
            assert_eq!(count, 1, "seed {seed}: run {run} has {count} check runs");
        }
        for name in ["fairway / test", "fairway / lint", "fairway / image"] {
            assert!(
                repo.checks_of(&pull.head_sha).any(|c| c.name == name),
                "seed {seed}: {name} is missing on #{number}"
            );
        }
        let mut markers: BTreeMap<String, usize> = BTreeMap::new();
        for comment in repo.comments_of(number).filter(|c| c.by_app) {
            let marker = comment.body.lines().last().unwrap_or_default().to_owned();
            assert!(marker.starts_with("<!-- fairway:"), "seed {seed}: a comment without a marker: {}", comment.body);
            *markers.entry(marker).or_default() += 1;
        }
        for (marker, count) in markers {
            assert_eq!(count, 1, "seed {seed}: {count} comments with {marker}");
        }
        for comment in repo.comments_of(number).filter(|c| !c.by_app) {
            let seen: Vec<&str> = comment.reactions.iter().map(|r| r.content.as_str()).collect();
            assert!(
                seen.contains(&"rocket") || seen.contains(&"confused"),
                "seed {seed}: `{}` got {seen:?}",
                comment.body
            );
        }
        folded(repo, number, seed);
    });
    for run in store.recent_runs(200).await.expect("the store answers") {
        assert_eq!(run.state, RunState::Done, "seed {seed}: run {} was left", run.id);
    }
}

/// Of the misspelt `/status` before one that was obeyed no reply stands open.
fn folded(repo: &fairway::playground::world::Repo, number: u64, seed: u64) {
    let typed = |line: &'static str| repo.comments_of(number).filter(move |c| c.author == "bob" && c.body == line);
    let obeyed = typed("/status").filter(|c| c.reactions.iter().any(|r| r.content == "rocket")).map(|c| c.id).max();
    for slip in typed("/staus").filter(|slip| obeyed.is_some_and(|id| id > slip.id)) {
        let marker = format!("<!-- fairway:reply {} -->", slip.id);
        let reply = repo.comments_of(number).find(|c| c.body.ends_with(&marker)).expect("it was answered");
        assert_eq!(reply.minimised.as_deref(), Some("resolved"), "seed {seed}: comment {}", slip.id);
    }
}

fn histories() -> u64 {
    let usual = if std::env::var_os("FAIRWAY_SOAK").is_some() { 50_000 } else { 2_000 };
    std::env::var("FAIRWAY_TEST_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn whatever_is_cut_off_heals() {
    let only: Option<u64> = std::env::var("FAIRWAY_TEST_SEED").ok().and_then(|n| n.parse().ok());
    let total = histories();
    // Two worlds, one a core; each lives for a while and is then replaced, so that no history is slowed by thousands before it.
    let threads: Vec<_> = (0..2)
        .map(|half| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let seeds: Vec<u64> =
                        only.map_or_else(|| (0..total).filter(|s| s % 2 == half).collect(), |s| vec![s]);
                    for some in seeds.chunks(100) {
                        let world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", PIPELINES)]).await;
                        for &seed in some {
                            history(&world, seed).await;
                        }
                        world.finish().await;
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("every history heals");
    }
    println!("{total} histories healed");
}

//! Random commands, news, crashes and time through everything that decides about a rollout: the environment's decision
//! (`domain::decide`), the machine (`domain::rollout`) and the order in which a look is carried out. Around them stands a small
//! world: a target with two places, a lane of events, rows, and watchers that are cut off anywhere.
//!
//! `FAIRWAY_TEST_HISTORIES` sets how many (10,000 in `make test`, 500,000 in `make soak`), `FAIRWAY_TEST_SEED` replays one and
//! prints it.

#[path = "histories/people.rs"]
mod people;
#[path = "histories/rules.rs"]
mod rules;
#[path = "histories/target.rs"]
mod target;
#[path = "histories/watcher.rs"]
mod watcher;
#[path = "histories/world.rs"]
mod world;

use world::World;

/// One history: everybody acts at random, then the world calms down, and at last somebody lets everything through.
fn history(seed: u64, told: bool) {
    let mut world = World::new(seed, told);
    for _ in 0..40 + world.dice.roll(80) {
        match world.dice.roll(20) {
            0..=8 => world.passes(),
            9..=11 => world.reacts(),
            12..=14 => world.types(),
            15 => world.crashes_in_a_reaction(),
            16 => world.breaks(),
            _ => world.looks(),
        }
        world.holds();
    }
    world.calms_down();
    world.rests();
    world.is_let_through();
    world.is_over();
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

#[test]
fn whatever_happens_a_rollout_goes_by_the_rules() {
    if let Some(seed) = number("FAIRWAY_TEST_SEED") {
        return history(seed, true);
    }
    let usual = if std::env::var_os("FAIRWAY_SOAK").is_some() { 500_000 } else { 10_000 };
    let total = number("FAIRWAY_TEST_HISTORIES").unwrap_or(usual);
    // One a core.
    let threads: Vec<_> = (0..2)
        .map(|half| std::thread::spawn(move || (0..total).filter(|s| s % 2 == half).for_each(|s| history(s, false))))
        .collect();
    for thread in threads {
        thread.join().expect("every history goes by the rules; FAIRWAY_TEST_SEED replays the one named above");
    }
    println!("{total} histories went by the rules");
}

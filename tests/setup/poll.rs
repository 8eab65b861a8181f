//! Nothing reaches Fairway: GitHub's list of deliveries is read instead. In process, with a clock that only we move.

use std::sync::Arc;
use std::time::Duration;

use fairway::context::Policy;
use fairway::engine::scripted::Scripted;
use fairway::playground::PullDesk;
use fairway::playground::faults::Trouble;
use fairway::playground::world::Delivery;
use fairway::worker::{self, POLL_EVERY_MS};

use super::fairway_world::World;

const TEST: &str = "[pipeline.test]\nrun = [\"ok\"]\n";

/// acme's shop, where every delivery gets lost and the list is polled.
async fn world() -> World {
    let mut world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", TEST)]).await;
    world.hub.act(|hub| hub.switches.drop = u32::MAX);
    world.ctx.policy = Arc::new(Policy { polls: true, ..(*world.ctx.policy).clone() });
    world.settle().await;
    worker::ensure_timers(&world.ctx).await.expect("the store answers");
    world.settle().await;
    world
}

/// bob's pull request with this number of commits on it.
fn pull(world: &World, pushes: usize) -> PullDesk {
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Change", &[("a", Some("0\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    for n in 1..pushes {
        shop.push("bob", "change", "Change", &[("a", Some(&format!("{n}\n")))]);
    }
    pull
}

async fn next_look(world: &World) {
    world.pass(Duration::from_millis(POLL_EVERY_MS as u64)).await;
}

fn concluded(pull: &PullDesk) -> Vec<Option<String>> {
    pull.checks().into_iter().map(|check| check.conclusion).collect()
}

fn passed() -> Vec<Option<String>> {
    vec![Some("success".to_owned())]
}

/// Payloads that were fetched, in their order, and how often something was asked to be delivered again.
fn asked(world: &World) -> (Vec<String>, usize) {
    world.hub.look(|hub| {
        let payloads = hub
            .exchanges
            .iter()
            .filter(|at| at.route.as_deref() == Some("/app/hook/deliveries/{delivery_id}") && at.status == 200);
        let payloads = payloads.map(|at| at.answer["guid"].as_str().expect("a GUID").to_owned()).collect();
        let again =
            hub.exchanges.iter().filter(|at| at.method == "POST" && at.path.starts_with("/app/hook/deliveries"));
        (payloads, again.count())
    })
}

/// GUIDs of what happened, oldest first.
fn listed(world: &World) -> Vec<String> {
    world.hub.look(|hub| hub.deliveries.iter().map(|delivery| delivery.guid.clone()).collect())
}

async fn missing(world: &World, guids: &[String]) -> Vec<String> {
    world.ctx.store.deliveries_missing(guids).await.expect("the store answers")
}

fn nothing_arrived(world: &World) {
    assert!(world.hub.look(|hub| hub.deliveries.iter().all(|delivery| delivery.status != "OK")));
}

#[tokio::test]
async fn what_github_lists_is_worked_on_like_what_it_delivers_and_once() {
    let world = world().await;
    let pull = pull(&world, 1);
    world.settle().await;
    assert_eq!(concluded(&pull), [], "nobody has looked yet");
    next_look(&world).await;
    assert_eq!(concluded(&pull), passed());
    pull.comment("bob", "/status");
    next_look(&world).await;
    assert!(pull.timeline().contains(":rocket:"), "{}", pull.timeline());
    // An hour of looks, and of Fairway's other ways to find what got lost.
    world.pass(Duration::from_secs(3_600)).await;
    let (mut fetched, again) = asked(&world);
    let all = fetched.len();
    fetched.sort();
    fetched.dedup();
    assert_eq!((fetched.len(), again), (all, 0), "each is fetched once, and none is asked for again");
    nothing_arrived(&world);
    world.finish().await;
}

#[tokio::test]
async fn more_than_one_look_takes_are_taken_in_their_order() {
    let world = world().await;
    let pull = pull(&world, 130);
    world.hub.delivered().await;
    let mut wanted = listed(&world);
    next_look(&world).await;
    assert!(missing(&world, &wanted).await.is_empty(), "all is known after one look and those that followed at once");
    let (fetched, _) = asked(&world);
    assert!(fetched.len() > 200, "{} payloads", fetched.len());
    wanted.retain(|guid| fetched.contains(guid));
    // Four are under way at a time.
    let place = |guid: &String| wanted.iter().position(|at| at == guid).expect("it happened");
    for (at, guid) in fetched.iter().enumerate() {
        assert!(place(guid).abs_diff(at) < 4, "{guid} is fetched at {at} and happened at {}", place(guid));
    }
    assert_eq!(concluded(&pull), passed());
    world.finish().await;
}

#[tokio::test]
async fn while_github_does_not_answer_nothing_is_lost() {
    let world = world().await;
    let pull = pull(&world, 2);
    world.hub.act(|hub| {
        hub.switches.next(3, "GET", "/app/hook/deliveries", Trouble::BadGatewayBefore);
        hub.switches.next(2, "GET", "/app/hook/deliveries/*", Trouble::Html);
        hub.switches.next(1, "GET", "/app/hook/deliveries/*", Trouble::Secondary(60));
    });
    next_look(&world).await;
    assert_eq!(concluded(&pull), []);
    world.pass(Duration::from_secs(300)).await;
    assert!(world.hub.look(|hub| hub.switches.rules.iter().all(|rule| rule.left == 0)), "all of it struck");
    assert_eq!(concluded(&pull), passed());
    assert_eq!(world.dead().await.len(), 0);
    // It is as quick as before.
    pull.comment("bob", "/retry test");
    next_look(&world).await;
    assert!(pull.timeline().contains(":rocket:"), "{}", pull.timeline());
    world.finish().await;
}

#[tokio::test]
async fn what_arrives_by_both_ways_is_done_once() {
    let world = world().await;
    world.hub.act(|hub| hub.switches.drop = 0);
    let pull = pull(&world, 1);
    world.settle().await;
    assert_eq!(concluded(&pull), passed(), "delivered");
    next_look(&world).await;
    let (fetched, _) = asked(&world);
    let arrived = |at: &&Delivery| at.status == "OK" && fetched.contains(&at.guid);
    assert_eq!(world.hub.look(|hub| hub.deliveries.iter().filter(arrived).count()), 0, "and not fetched");
    world.finish().await;
}

#[tokio::test]
async fn a_delivery_whose_payload_github_does_not_have_any_more_holds_up_nothing() {
    let world = world().await;
    let pull = pull(&world, 1);
    world.hub.delivered().await;
    world.hub.act(|hub| {
        let push = hub.deliveries.iter_mut().find(|delivery| delivery.event == "push").expect("a push");
        push.payload = "null".into();
    });
    let happened = listed(&world);
    next_look(&world).await;
    assert_eq!(concluded(&pull), passed());
    assert!(missing(&world, &happened).await.is_empty());
    world.finish().await;
}

/// GitHub lists the newest push and does not hand it over.
fn stuck(world: &World) -> String {
    world.hub.act(|hub| {
        let push = hub.deliveries.iter().rfind(|delivery| delivery.event == "push").expect("a push");
        let (path, guid) = (format!("/app/hook/deliveries/{}", push.id), push.guid.clone());
        hub.switches.next(u32::MAX, "GET", &path, Trouble::BadGatewayBefore);
        guid
    })
}

#[tokio::test]
async fn a_delivery_that_github_does_not_hand_over_holds_up_no_other_and_is_taken_later() {
    let world = world().await;
    let pull = pull(&world, 1);
    world.hub.delivered().await;
    let (happened, guid) = (listed(&world), stuck(&world));
    world.pass(Duration::from_secs(120)).await;
    assert_eq!(concluded(&pull), passed());
    assert_eq!(missing(&world, &happened).await, [guid], "only this one");
    pull.comment("bob", "/status");
    world.pass(Duration::from_secs(20)).await;
    assert!(pull.timeline().contains(":rocket:"), "{}", pull.timeline());
    world.hub.act(|hub| hub.switches.rules.clear());
    world.pass(Duration::from_secs(20)).await;
    assert!(missing(&world, &happened).await.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn one_that_github_never_hands_over_is_out_of_sight_once_others_came_after_it() {
    let world = world().await;
    let pull = pull(&world, 1);
    world.hub.delivered().await;
    let (happened, guid) = (listed(&world), stuck(&world));
    world.pass(Duration::from_secs(11 * 60)).await;
    pull.comment("bob", "/status");
    world.pass(Duration::from_secs(60)).await;
    let tried = |hub: &fairway::playground::world::World| u32::MAX - hub.switches.rules[0].left;
    let before = world.hub.look(tried);
    assert!(before > 40, "it was asked for {before} times");
    world.pass(Duration::from_secs(600)).await;
    assert_eq!(world.hub.look(tried), before, "nobody asks for it any more");
    assert_eq!(missing(&world, &happened).await, [guid]);
    world.finish().await;
}

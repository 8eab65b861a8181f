//! Fairway in process, beside a playground: the real router, store, worker steps and octocrab, with a clock that only we move.

#[path = "handles.rs"]
mod handles;

use std::sync::Arc;
use std::time::Duration;

use fairway::clock::{Clock, ManualClock};
use fairway::context::Context;
use fairway::engine::Engine;
use fairway::host::{Scripted, Target};
use fairway::playground::{Playground, PlaygroundOptions};
use fairway::settings::Orgs;
use fairway::store::{JobRow, Limits, Store};
use fairway::worker::{self, LONG, SHORT, Stepped, UPDATES, WATCH};
use tokio_util::sync::CancellationToken;

pub const SECRET: &str = "it's a secret to everybody";
/// 2026-01-05, a Monday, noon.
pub const START: i64 = 1_767_614_400_000;

/// A playground and the Fairway that serves it.
pub struct World {
    pub hub: Playground,
    pub ctx: Context,
    pub hand: ManualClock,
    #[allow(dead_code, reason = "not every test that includes this file posts by itself")]
    pub hook: String,
    #[allow(dead_code, reason = "not every test that includes this file deploys")]
    pub target: Scripted,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

impl World {
    /// Starts both. The repository `acme/shop` is there with `files` on `main`.
    pub async fn start(engine: Arc<dyn Engine>, files: &[(&str, &str)]) -> World {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (clock, hand) = Clock::manual(START);
        let hub_clock = clock.clone();
        let mut options = PlaygroundOptions::in_dir(dir.path().join("hub"));
        options.clock = Arc::new(move || hub_clock.now());
        options.webhook_secret = SECRET.to_owned();
        let hub = Playground::start(options).await.expect("the playground starts");
        hub.cast();
        hub.create("acme/shop", files);
        // Time stands still while things settle, so nothing may wait for a moment.
        let limits = Limits { calm: 0, ..Limits::default() };
        let store = Store::open_with("sqlite::memory:", limits).await.expect("a store");
        store.migrate().await.expect("its tables");
        let acme = Orgs::Only(["acme".to_owned()].into());
        let target = Scripted::default();
        let host: Arc<dyn Target> = Arc::new(target.clone());
        let ctx = Context { host: Some(host), ..handles::context(&hub, store, (engine, clock), acme) };
        let stop = CancellationToken::new();
        let hook = format!("http://{}/hook", handles::serve(&ctx, &hub, &stop).await);
        hub.set_webhook_url(&hook);
        World { hub, ctx, hand, hook, target, stop, _dir: dir }
    }

    /// Lets everything happen that is due now: deliveries arrive, jobs run. Time stands still.
    pub async fn settle(&self) {
        loop {
            self.hub.delivered().await;
            if !self.step_all().await && self.quiet() {
                return;
            }
        }
    }

    /// Moves the clock to the next thing that is due, at most `limit` ahead, until nothing is.
    #[allow(dead_code, reason = "not every test that includes this file lets time pass")]
    pub async fn pass(&self, limit: Duration) {
        let end = self.ctx.clock.now() + limit.as_millis() as i64;
        loop {
            self.settle().await;
            let kinds: Vec<&str> = SHORT.iter().chain(LONG).chain(WATCH).chain(UPDATES).copied().collect();
            match self.ctx.store.next_due(&worker::pools(&self.ctx), &kinds).await.expect("the store answers") {
                Some(at) if at <= end => self.hand.set(at),
                _ => break,
            }
        }
        self.hand.set(end);
        self.settle().await;
    }

    /// Nothing is on its way to us.
    fn quiet(&self) -> bool {
        self.hub.look(|hub| hub.outbox.is_empty() && hub.sending == 0)
    }

    /// The jobs that gave up.
    pub async fn dead(&self) -> Vec<JobRow> {
        self.ctx.store.dead(100).await.expect("the store answers")
    }

    async fn step_all(&self) -> bool {
        let never = CancellationToken::new();
        let mut any = false;
        for kinds in [SHORT, LONG, WATCH, UPDATES] {
            while worker::step(&self.ctx, kinds, &never).await.expect("the store answers") == Stepped::Did {
                any = true;
            }
        }
        any
    }

    /// Proves that nothing is left over: no dead job, nothing due, and no fault recorded by the playground.
    pub async fn finish(self) {
        self.settle().await;
        let dead = self.dead().await;
        assert!(dead.is_empty(), "dead jobs: {dead:#?}");
        self.stop.cancel();
        self.hub.finish();
    }
}

//! A Fairway in this process that serves a playground: its handles and its door. Tests and benches build it alike.

use std::net::SocketAddr;
use std::sync::Arc;

use fairway::clock::Clock;
use fairway::context::{Context, LiveRuns, Policy};
use fairway::engine::Engine;
use fairway::github::{self, GitHub};
use fairway::playground::Playground;
use fairway::settings::Orgs;
use fairway::store::{Seal, Store};
use fairway::telemetry::Masker;
use fairway::web::{self, hook::Door};
use tokio_util::sync::CancellationToken;

/// The handles.
pub fn context(hub: &Playground, store: Store, (engine, clock): (Arc<dyn Engine>, Clock), orgs: Orgs) -> Context {
    let now = clock.clone();
    let github = GitHub::new(github::Config {
        api_url: hub.url(),
        app_id: hub.app_id() as i64,
        private_key: hub.private_key_pem().to_owned(),
        user_agent: "fairway-test".to_owned(),
        now: Arc::new(move || now.now()),
        ..github::Config::default()
    })
    .expect("a GitHub client");
    let policy = Policy {
        floor: Default::default(),
        onboarding: fairway::domain::onboard::Opens::Off,
        orgs,
        admins: Default::default(),
        app_id: hub.app_id() as i64,
        polls: false,
        pages_url: None,
        node: "test".to_owned(),
        started_at: clock.now(),
        lease_ms: 60_000,
        max_failures: 8,
        progress_ms: 10_000,
        log_bytes: 10 * 1024 * 1024,
        watch_looks: 1,
    };
    Context {
        store,
        github,
        engine,
        host: None,
        packages: None,
        clients: Default::default(),
        clock,
        policy: Arc::new(policy),
        masker: Masker::new(),
        seal: Arc::new(Seal::new(&[7; 32])),
        live: LiveRuns::default(),
    }
}

/// Opens the door for this playground's webhooks on a free port, until `stop`.
pub async fn serve(ctx: &Context, hub: &Playground, stop: &CancellationToken) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let secret = hub.webhook_secret().into_bytes();
    let door = Door { secret: secret.into(), intake: ctx.store.intake(), clock: ctx.clock.clone() };
    let closing = stop.clone().cancelled_owned();
    tokio::spawn(async move { axum::serve(listener, web::public(door)).with_graceful_shutdown(closing).await });
    address
}

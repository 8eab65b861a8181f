//! Composition: builds the handles from the settings, starts the listeners and the workers, and ends them in order.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::settings::SignIn;
use crate::web::login::{self, Gate, cookie::CookieKey};
use crate::web::{self, hook::Door, private::Private, session::Site};
use crate::worker::{self, Pools};

/// What `serve` needs beside the handles.
pub struct App {
    /// The handles.
    pub ctx: Context,
    /// The webhook secret.
    pub webhook_secret: Arc<[u8]>,
    /// Asked for by every private page.
    pub private_token: String,
    /// How people sign in with GitHub, with the key of their cookies; or why nobody can.
    pub sign_in: Result<(SignIn, CookieKey), &'static str>,
    /// How many loops of each sort.
    pub pools: Pools,
    /// After the stop signal, what still runs is given this long.
    pub grace: Duration,
    /// Renders `/metrics`.
    pub metrics: crate::telemetry::Metrics,
}

/// Serves until `shutdown`; then takes no more work, hands leases back and returns within the grace period.
/// The caller owns both ports.
///
/// # Errors
/// When a listener fails.
pub async fn serve(
    app: App,
    public: TcpListener,
    private: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let door =
        Door { secret: app.webhook_secret.clone(), intake: app.ctx.store.intake(), clock: app.ctx.clock.clone() };
    let site = Site::new(app.ctx.clone());
    let people =
        app.sign_in.as_ref().ok().map(|(sign_in, key)| login::router(Gate::new(site.clone(), sign_in, key.clone())));
    let pages = web::private::router(Private {
        site,
        sign_in: app.sign_in.as_ref().map(|(sign_in, _)| sign_in.url.clone()).map_err(|why| *why),
        token: app.private_token.clone(),
        metrics: app.metrics.clone(),
    });
    let mut tasks = tokio::task::JoinSet::new();
    let closing = stop.clone();
    tasks.spawn(async move {
        axum::serve(public, web::public(door).merge(people.unwrap_or_default()))
            .with_graceful_shutdown(closing.cancelled_owned())
            .await
            .context("the public listener")
    });
    let closing = stop.clone();
    // Live pages hold their connection open for as long as somebody looks; they are not waited for.
    tasks.spawn(async move {
        tokio::select! {
            ended = axum::serve(private, pages) => ended.context("the private listener"),
            () = closing.cancelled() => Ok(()),
        }
    });
    let working = stop.clone();
    let (ctx, pools) = (app.ctx.clone(), app.pools);
    tasks.spawn(async move {
        worker::run(ctx, pools, working).await;
        Ok(())
    });
    let mut result = Ok(());
    tokio::select! {
        () = shutdown => {}
        Some(ended) = tasks.join_next() => result = ended.context("a task ended badly").and_then(|r| r),
    }
    stop.cancel();
    let rest = async {
        while let Some(ended) = tasks.join_next().await {
            if let Ok(Err(error)) = ended {
                tracing::error!("{error:#}");
            }
        }
    };
    if tokio::time::timeout(app.grace, rest).await.is_err() {
        tracing::warn!("not everything ended within the grace period; leases run out by themselves");
    }
    app.ctx.store.close().await;
    result
}

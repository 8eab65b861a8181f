//! Composition: builds the handles from the settings, starts the listeners and the workers, and ends them in order.

use std::future::{Future, IntoFuture};
use std::os::fd::AsFd;
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
    /// The webhook secret; `None` where deliveries are polled.
    pub webhook_secret: Option<Arc<[u8]>>,
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

/// Answers on both listeners that there is no App yet, until `found`; what it gives is given back, and the listeners take
/// everybody who comes meanwhile and later. `path` is the file that is waited for.
///
/// # Errors
/// When a listener cannot be shared.
pub async fn wait<T>(
    (public, private): (&TcpListener, &TcpListener),
    path: &str,
    found: impl Future<Output = T>,
) -> anyhow::Result<T> {
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    for (listener, router) in [(public, web::waiting::public()), (private, web::waiting::private(path))] {
        // A second handle on the same socket: whoever comes in between waits in its queue.
        let fd = listener.as_fd().try_clone_to_owned().context("sharing a listener")?;
        let twin = TcpListener::from_std(fd.into()).context("sharing a listener")?;
        tasks.spawn(axum::serve(twin, router).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future());
    }
    let found = found.await;
    stop.cancel();
    // Who still has a connection from before is told that it ends, and is not waited for long.
    tokio::time::timeout(Duration::from_secs(1), tasks.join_all()).await.ok();
    Ok(found)
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
    let door = match &app.webhook_secret {
        Some(secret) => {
            web::public(Door { secret: secret.clone(), intake: app.ctx.store.intake(), clock: app.ctx.clock.clone() })
        }
        None => web::public_closed(),
    };
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
        axum::serve(public, door.merge(people.unwrap_or_default()))
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

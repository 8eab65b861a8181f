//! Keeps an eye on the engines, and carries the operator's word about them to this process.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// Another process may have been told.
const LOOK: Duration = Duration::from_secs(2);

/// Until `stop`.
pub async fn attend(ctx: Context, stop: CancellationToken) {
    if ctx.engine.stations().is_empty() {
        return;
    }
    tokio::join!(ctx.engine.attend(stop.clone()), follow(&ctx, &stop));
}

async fn follow(ctx: &Context, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match ctx.drained().await {
            Ok(addresses) => ctx.engine.drain(&addresses),
            Err(error) => tracing::warn!("which engines are drained could not be read: {error:#}"),
        }
        tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(LOOK) => {} }
    }
}

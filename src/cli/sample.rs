//! `fairway sample`: the shop of the playground as a service. A real HTTP server whose answers come from the shop's own
//! `price.sh`, so that what is pushed to the shop is what its customers see.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Router, serve};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::process::Command;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The shell file that defines `price PIECES CENTS`
    prices: PathBuf,
    /// The port to listen on, on this machine alone
    #[arg(long)]
    port: u16,
}

/// What somebody wants to buy.
#[derive(Deserialize)]
struct Order {
    pieces: u32,
    cents: u32,
}

/// Serves until it is ended.
pub async fn sample(args: Args) -> anyhow::Result<ExitCode> {
    let prices = std::path::absolute(&args.prices)?;
    anyhow::ensure!(prices.is_file(), "{} is not there; name the file that defines `price`", args.prices.display());
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], args.port)))
        .await
        .with_context(|| format!("port {} cannot be listened on", args.port))?;
    let router = Router::new()
        .route("/", get(list))
        .route("/price", get(one))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(Arc::new(prices));
    serve(listener, router).with_graceful_shutdown(super::serve::interrupted()?).await?;
    Ok(ExitCode::SUCCESS)
}

async fn one(State(prices): State<Arc<PathBuf>>, Query(order): Query<Order>) -> (StatusCode, String) {
    match price(&prices, &order).await {
        Ok(total) => (StatusCode::OK, format!("{total}\n")),
        Err(error) => {
            eprintln!("{} pieces: {error:#}", order.pieces);
            (StatusCode::INTERNAL_SERVER_ERROR, "the price is not known\n".to_owned())
        }
    }
}

async fn list(State(prices): State<Arc<PathBuf>>) -> Html<String> {
    let mut rows = String::new();
    for pieces in [1, 2, 3, 4, 5, 10, 12] {
        let total = match price(&prices, &Order { pieces, cents: 250 }).await {
            Ok(total) => format!("{}.{:02}", total / 100, total % 100),
            Err(_) => "not known".to_owned(),
        };
        let _ = write!(rows, "<tr><td>{pieces}<td>{total}");
    }
    Html(format!(
        "<!doctype html><meta charset=utf-8><meta name=color-scheme content='light dark'><title>shop</title>\
         <style>body{{font:1.1rem/1.5 system-ui;margin:10vh auto;width:max-content}}td,th{{padding:.2em 1.5em;text-align:right}}</style>\
         <h1>What things cost</h1><table><tr><th>pieces<th>together{rows}</table>"
    ))
}

/// What the shell function says.
async fn price(prices: &PathBuf, order: &Order) -> anyhow::Result<u64> {
    let said = Command::new("sh")
        .args(["-c", ". \"$0\"; price \"$1\" \"$2\""])
        .arg(prices)
        .args([order.pieces.to_string(), order.cents.to_string()])
        .kill_on_drop(true)
        .output()
        .await
        .context("starting sh")?;
    anyhow::ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr).trim());
    let text = String::from_utf8_lossy(&said.stdout);
    text.trim().parse().with_context(|| format!("{:?} is no number of cents", text.trim()))
}

//! What GitHub told the App, and what it complains about.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::chrome::{Chrome, Visit, page};
use super::words::When;
use crate::playground::Playground;

/// More than these are not shown.
const MOST: usize = 100;
/// Characters of a payload or an answer.
const MOST_TEXT: usize = 20_000;

#[derive(Template)]
#[template(path = "playground/deliveries.html")]
struct Deliveries {
    chrome: Chrome,
    hook: String,
    deliveries: Vec<Row>,
    faults: Vec<String>,
}

struct Row {
    id: u64,
    kind: &'static str,
    event: String,
    guid: String,
    redelivery: bool,
    status: String,
    at: When,
    payload: String,
    answer: String,
}

/// `/-/deliveries`.
pub async fn page_of(visit: Visit, State(playground): State<Playground>) -> Response {
    playground.look(|world| {
        let rows = world.deliveries.iter().rev().take(MOST).map(|delivery| Row {
            id: delivery.id,
            kind: match delivery.status_code {
                200..=299 => "success",
                _ if delivery.status == "pending" => "queued",
                _ => "failure",
            },
            event: match &delivery.action {
                Some(action) => format!("{}.{action}", delivery.event),
                None => delivery.event.clone(),
            },
            guid: delivery.guid.clone(),
            redelivery: delivery.redelivery,
            status: if delivery.status_code == 0 {
                delivery.status.clone()
            } else {
                format!("{} {}", delivery.status_code, delivery.status)
            },
            at: When::new(delivery.delivered_at, world.now()),
            payload: pretty(&delivery.payload),
            answer: delivery.response_body.chars().take(MOST_TEXT).collect(),
        });
        page(&Deliveries {
            chrome: visit.chrome("Deliveries".to_owned(), world, None),
            hook: world.app.webhook_url.clone().unwrap_or_default(),
            deliveries: rows.collect(),
            faults: world
                .faults
                .iter()
                .rev()
                .take(MOST)
                .map(|fault| format!("{:?}: {}", fault.kind, fault.what))
                .collect(),
        })
    })
}

fn pretty(json: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(json).and_then(|value| serde_json::to_string_pretty(&value));
    value.unwrap_or_else(|_| json.to_owned()).chars().take(MOST_TEXT).collect()
}

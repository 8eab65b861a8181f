//! Webhooks: which of them the App gets, what they carry, and sending them in order over real HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

use super::faults::Switches;
use super::handle::Playground;
use super::shapes::node_id;
use super::world::{Delivery, Installation, Repo, World};

/// GitHub waits this long for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The permission without which an event is not delivered.
pub(super) fn permission_for(event: &str) -> &'static str {
    match event {
        "pull_request" | "pull_request_review" | "pull_request_review_comment" => "pull_requests",
        "issue_comment" => "issues",
        "push" | "create" | "delete" => "contents",
        "check_run" | "check_suite" => "checks",
        "merge_group" => "merge_queues",
        "deployment" | "deployment_status" => "deployments",
        "status" => "statuses",
        "member" | "organization" => "members",
        "branch_protection_rule" => "administration",
        _ => "metadata",
    }
}

impl World {
    /// Something happened in a repository: records the webhook, if the App is to hear of it.
    pub fn emit(&mut self, repo: u64, event: &str, sender: &str, mut payload: Value) {
        let Some(at) = self.repos.get(&repo) else {
            return;
        };
        let Some(installation) = self.installation_of(at).filter(|i| self.hears(i, event)).map(|i| i.id) else {
            return;
        };
        payload["repository"] = self.repo_json(at);
        if event == "push" {
            as_pushed(&mut payload["repository"], at);
        }
        let organization = self.organization_json(&at.owner);
        if !organization.is_null() {
            payload["organization"] = organization;
        }
        payload["sender"] = self.user_json(sender);
        payload["installation"] = json!({ "id": installation, "node_id": node_id("Installation", installation) });
        self.record(event, Some(installation), Some(repo), &payload);
    }

    /// Whether the App gets an event of this installation.
    fn hears(&self, installation: &Installation, event: &str) -> bool {
        let implied = matches!(event, "check_run" | "check_suite") && installation.permissions.contains_key("checks");
        let subscribed = implied || self.app.events.iter().any(|name| name == event);
        let permission = permission_for(event);
        let permitted = permission == "metadata" || installation.permissions.contains_key(permission);
        installation.suspended_at.is_none() && subscribed && permitted
    }

    /// Something happened to an organisation and none of its repositories.
    pub fn emit_account(&mut self, org: &str, event: &str, sender: &str, mut payload: Value) {
        let of_it = |i: &&Installation| i.account.eq_ignore_ascii_case(org) && self.hears(i, event);
        let Some(installation) = self.installations.values().find(of_it).map(|i| i.id) else {
            return;
        };
        payload["organization"] = self.organization_json(org);
        payload["sender"] = self.user_json(sender);
        payload["installation"] = json!({ "id": installation, "node_id": node_id("Installation", installation) });
        self.record(event, Some(installation), None, &payload);
    }

    /// Something happened to an installation; every App hears of that.
    pub fn emit_installation(&mut self, id: u64, event: &str, sender: &str, mut payload: Value) {
        let Some(installation) = self.installations.get(&id) else {
            return;
        };
        payload["installation"] = self.installation_json(installation);
        payload["sender"] = self.user_json(sender);
        self.record(event, Some(id), None, &payload);
    }

    /// A webhook was set up for the App: GitHub tries it with a ping.
    pub fn emit_ping(&mut self) {
        let app = &self.app;
        let config = json!({
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": "********",
            "url": app.webhook_url,
        });
        let hook = json!({
            "type": "App",
            "id": app.id,
            "name": "web",
            "active": true,
            "events": app.events,
            "config": config,
            "app_id": app.id,
        });
        let payload = json!({ "zen": "Keep it logically awesome.", "hook_id": app.id, "hook": hook });
        self.record("ping", None, None, &payload);
    }

    fn record(&mut self, event: &str, installation: Option<u64>, repo: Option<u64>, payload: &Value) {
        if self.muted {
            return;
        }
        let id = self.id();
        let action = payload["action"].as_str().map(str::to_owned);
        self.deliveries.push(Delivery {
            id,
            guid: uuid::Uuid::new_v4().to_string(),
            event: event.to_owned(),
            action,
            installation,
            repo,
            redelivery: false,
            delivered_at: self.now(),
            duration: 0.0,
            status: "pending".into(),
            status_code: 0,
            payload: Arc::from(payload.to_string()),
            request_headers: std::collections::BTreeMap::new(),
            response_body: String::new(),
        });
        self.outbox.push_back(id);
    }

    /// Tries a recorded delivery once more, under a new id with the same GUID.
    pub fn redeliver(&mut self, id: u64) -> Option<u64> {
        let mut again = self.deliveries.iter().find(|delivery| delivery.id == id)?.clone();
        again.id = self.id();
        again.redelivery = true;
        again.status = "pending".into();
        again.status_code = 0;
        again.delivered_at = self.now();
        again.response_body.clear();
        let id = again.id;
        self.deliveries.push(again);
        self.outbox.push_back(id);
        Some(id)
    }
}

/// A repository as GitHub writes it in this event alone: two times as numbers, and old names.
fn as_pushed(json: &mut Value, repo: &Repo) {
    json["created_at"] = json!(repo.created_at / 1000);
    json["pushed_at"] = json!(repo.pushed_at / 1000);
    json["master_branch"] = json!(repo.default_branch);
    json["stargazers"] = json!(0);
    json["owner"]["name"] = json!(repo.owner);
    json["owner"]["email"] = Value::Null;
}

/// What is to be done with the next delivery.
enum Next {
    Send {
        id: u64,
        times: usize,
        after: Duration,
    },
    Dropped,
    /// The order is to be turned round, but the second one is not here yet.
    WaitForAnother,
    Nothing,
}

/// Sends deliveries until told to stop: one after another, as faults allow.
pub(super) async fn deliver(playground: Playground, stop: CancellationToken) {
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().redirect(reqwest::redirect::Policy::none());
    let Ok(client) = client.build() else { return };
    let mut patient = true;
    loop {
        match playground.act_quietly(|world| next(world, patient)) {
            Next::Dropped => playground.act(|_| ()),
            Next::Send { id, times, after } if after.is_zero() => send(&playground, &client, id, times).await,
            Next::Send { id, times, after } => {
                let (playground, client) = (playground.clone(), client.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    send(&playground, &client, id, times).await;
                });
            }
            Next::WaitForAnother => {
                let another = tokio::time::timeout(Duration::from_millis(300), playground.woken()).await;
                patient = another.is_ok();
                continue;
            }
            Next::Nothing => tokio::select! {
                () = playground.woken() => {}
                () = stop.cancelled() => return,
            },
        }
        patient = true;
    }
}

fn next(world: &mut World, patient: bool) -> Next {
    if world.outbox.is_empty() {
        return Next::Nothing;
    }
    if world.switches.reorder > 0 {
        if world.outbox.len() < 2 && patient {
            return Next::WaitForAnother;
        }
        if world.outbox.len() >= 2 {
            world.switches.reorder -= 1;
            world.outbox.swap(0, 1);
        }
    }
    let Some(id) = world.outbox.pop_front() else {
        return Next::Nothing;
    };
    if Switches::take(&mut world.switches.drop) {
        finish(world, id, "failed to connect to host", 0, 0.0);
        return Next::Dropped;
    }
    let times = if Switches::take(&mut world.switches.duplicate) { 2 } else { 1 };
    let after = if Switches::take(&mut world.switches.delay.0) { world.switches.delay.1 } else { 0 };
    world.sending += 1;
    Next::Send { id, times, after: Duration::from_millis(after) }
}

async fn send(playground: &Playground, client: &reqwest::Client, id: u64, times: usize) {
    for _ in 0..times {
        let Some((url, headers, payload)) = playground.look(|world| request(world, id)) else {
            break;
        };
        let began = Instant::now();
        let mut request = client.post(url.as_deref().unwrap_or("http://127.0.0.1:9")).body(payload.as_bytes().to_vec());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let (status, code, body) = match request.send().await {
            Ok(answer) => {
                let code = answer.status().as_u16();
                let body = answer.text().await.unwrap_or_default();
                let ok = (200..300).contains(&code);
                (if ok { "OK".to_owned() } else { format!("Invalid HTTP Response: {code}") }, code, body)
            }
            Err(error) if error.is_timeout() => ("timed out".into(), 0, String::new()),
            Err(_) => ("failed to connect to host".into(), 0, String::new()),
        };
        playground.act(|world| {
            finish(world, id, &status, code, began.elapsed().as_secs_f64());
            if let Some(delivery) = world.deliveries.iter_mut().rev().find(|delivery| delivery.id == id) {
                delivery.request_headers = headers.into_iter().collect();
                delivery.response_body = body.chars().take(10_000).collect();
            }
        });
    }
    playground.act(|world| world.sending = world.sending.saturating_sub(1));
}

type Request = (Option<String>, Vec<(String, String)>, Arc<str>);

fn request(world: &World, id: u64) -> Option<Request> {
    let delivery = world.deliveries.iter().rev().find(|delivery| delivery.id == id)?;
    let headers = [
        ("User-Agent", "GitHub-Hookshot/playground".to_owned()),
        ("Content-Type", "application/json".into()),
        ("X-GitHub-Event", delivery.event.clone()),
        ("X-GitHub-Delivery", delivery.guid.clone()),
        ("X-GitHub-Hook-ID", world.app.id.to_string()),
        ("X-GitHub-Hook-Installation-Target-ID", world.app.id.to_string()),
        ("X-GitHub-Hook-Installation-Target-Type", "integration".into()),
        ("X-Hub-Signature-256", sign(&world.app.webhook_secret, delivery.payload.as_bytes())),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Some((world.app.webhook_url.clone(), headers, delivery.payload.clone()))
}

/// `sha256=` and the HMAC-SHA-256 of the body in hexadecimal digits.
pub fn sign(secret: &str, body: &[u8]) -> String {
    // HMAC takes a key of any length, so this cannot fail; an empty signature would be refused anyway.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn finish(world: &mut World, id: u64, status: &str, code: u16, duration: f64) {
    let now = world.now();
    if let Some(delivery) = world.deliveries.iter_mut().rev().find(|delivery| delivery.id == id) {
        delivery.status = status.to_owned();
        delivery.status_code = code;
        delivery.duration = duration;
        delivery.delivered_at = now;
    }
}

//! The App, its installations, tokens and deliveries.

use serde_json::{Value, json};

use super::{iso, node_id};
use crate::playground::world::{Delivery, Installation, World};

impl World {
    /// An `integration`.
    pub fn app_json(&self) -> Value {
        let app = &self.app;
        let owner = app.owner.as_deref().or(self.orgs.keys().next().map(String::as_str)).unwrap_or("ghost");
        json!({
            "id": app.id,
            "slug": app.slug,
            "node_id": node_id("Integration", app.id),
            "client_id": app.client_id,
            "owner": self.user_json(owner),
            "name": app.name,
            "description": "The App of this playground",
            "external_url": format!("{}/apps/{}", self.url, app.slug),
            "html_url": format!("{}/apps/{}", self.url, app.slug),
            "created_at": iso(app.created_at),
            "updated_at": iso(app.created_at),
            "permissions": app.permissions,
            "events": app.events,
            "installations_count": self.installations.len(),
        })
    }

    /// An `installation`.
    pub fn installation_json(&self, installation: &Installation) -> Value {
        let account = self.user_json(&installation.account);
        json!({
            "id": installation.id,
            "account": account,
            "repository_selection": if installation.selection.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{}/app/installations/{}/access_tokens", self.url, installation.id),
            "repositories_url": format!("{}/installation/repositories", self.url),
            "html_url": format!("{}/organizations/{}/settings/installations/{}", self.url, installation.account, installation.id),
            "app_id": self.app.id,
            "app_slug": self.app.slug,
            "client_id": self.app.client_id,
            "target_id": account["id"],
            "target_type": account["type"],
            "permissions": installation.permissions,
            "events": self.app.events,
            "single_file_name": Value::Null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "created_at": iso(installation.created_at),
            "updated_at": iso(installation.created_at),
            "suspended_by": Value::Null,
            "suspended_at": installation.suspended_at.map(iso),
        })
    }

    /// A `hook-delivery-item`.
    pub fn delivery_item_json(&self, delivery: &Delivery) -> Value {
        json!({
            "id": delivery.id,
            "guid": delivery.guid,
            "delivered_at": iso(delivery.delivered_at),
            "redelivery": delivery.redelivery,
            "duration": delivery.duration,
            "status": delivery.status,
            "status_code": delivery.status_code,
            "event": delivery.event,
            "action": delivery.action,
            "installation_id": delivery.installation,
            "repository_id": delivery.repo,
            "throttled_at": Value::Null,
        })
    }

    /// A `hook-delivery`.
    pub fn delivery_json(&self, delivery: &Delivery) -> Value {
        let mut json = self.delivery_item_json(delivery);
        json["url"] = json!(self.app.webhook_url.as_deref().unwrap_or_default());
        json["request"] = json!({
            "headers": delivery.request_headers,
            "payload": serde_json::from_str::<Value>(&delivery.payload).unwrap_or_default(),
        });
        json["response"] = json!({ "headers": {}, "payload": delivery.response_body });
        json
    }
}

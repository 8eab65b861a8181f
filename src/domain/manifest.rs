//! The GitHub App that Fairway is: `app-manifest.yml`, the one source of its permissions and events, as GitHub's
//! manifest flow takes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::detect::yaml::{self, Node};

const TEXT: &str = include_str!("../../app-manifest.yml");

/// GitHub's longest name of an App, in characters.
pub const NAME_LENGTH: usize = 34;

/// What the App asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Permission to `read` or `write`.
    pub permissions: BTreeMap<String, String>,
    /// Webhook events.
    pub events: Vec<String>,
}

/// What is different for everybody who installs it.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The App's name; GitHub's page lets a person change it.
    pub name: String,
    /// The App's homepage.
    pub home: String,
    /// Where webhooks go. `None`: nowhere.
    pub hook: Option<String>,
    /// Where GitHub brings the person and the code.
    pub redirect: String,
    /// Where GitHub brings people back to who sign in. `None`: nobody does.
    pub callback: Option<String>,
    /// Whether other accounts than the owner's may install it.
    pub public: bool,
}

impl Manifest {
    /// `app-manifest.yml`, whole.
    pub fn whole() -> Manifest {
        // A test proves that the file says what is read here.
        let root = yaml::parse(TEXT).ok();
        let list = |key: &str| root.as_ref().and_then(|root| root.get(key));
        let permissions = list("default_permissions").map(Node::entries).unwrap_or_default();
        Manifest {
            permissions: permissions
                .iter()
                .filter_map(|(name, level)| Some((name.clone(), level.text()?.to_owned())))
                .collect(),
            events: list("default_events")
                .map(Node::words)
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Without these permissions and events.
    #[must_use]
    pub fn without(mut self, permissions: &[&str], events: &[&str]) -> Manifest {
        self.permissions.retain(|name, _| !permissions.contains(&name.as_str()));
        self.events.retain(|name| !events.contains(&name.as_str()));
        self
    }

    /// As GitHub takes it. Where there is no webhook the whole object is left out: GitHub refuses one without `url`, also
    /// with `active: false`.
    pub fn to_json(&self, place: &Place) -> Value {
        let mut json = json!({
            "name": place.name,
            "url": place.home,
            "redirect_url": place.redirect,
            "public": place.public,
            "default_permissions": self.permissions,
            "default_events": self.events,
        });
        if let Some(hook) = &place.hook {
            json["hook_attributes"] = json!({ "url": hook, "active": true });
        }
        if let Some(callback) = &place.callback {
            json["callback_urls"] = json!([callback]);
        }
        json
    }
}

/// A name to propose: names of Apps are unique in all of GitHub.
pub fn name(whose: &str) -> String {
    format!("Fairway {whose}").chars().take(NAME_LENGTH).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_github_gets() {
        let manifest = Manifest::whole().without(&["administration"], &["branch_protection_rule"]);
        let place = Place {
            name: name("acme"),
            home: "https://fairway.example".to_owned(),
            hook: Some("https://fairway.example/hook".to_owned()),
            redirect: "http://127.0.0.1:4000/callback".to_owned(),
            callback: Some("https://fairway.example/login/callback".to_owned()),
            public: false,
        };
        insta::assert_snapshot!(format!("{:#}", manifest.to_json(&place)), @r#"
        {
          "callback_urls": [
            "https://fairway.example/login/callback"
          ],
          "default_events": [
            "repository",
            "push",
            "pull_request",
            "pull_request_review",
            "pull_request_review_comment",
            "issue_comment",
            "check_run",
            "check_suite",
            "merge_group",
            "member",
            "organization",
            "deployment",
            "deployment_status"
          ],
          "default_permissions": {
            "checks": "write",
            "contents": "write",
            "deployments": "write",
            "issues": "read",
            "members": "read",
            "merge_queues": "read",
            "metadata": "read",
            "pull_requests": "write",
            "workflows": "write"
          },
          "hook_attributes": {
            "active": true,
            "url": "https://fairway.example/hook"
          },
          "name": "Fairway acme",
          "public": false,
          "redirect_url": "http://127.0.0.1:4000/callback",
          "url": "https://fairway.example"
        }
        "#);
        let nowhere = manifest.to_json(&Place { hook: None, ..place });
        assert!(nowhere.get("hook_attributes").is_none(), "left out whole: {nowhere}");
    }

    #[test]
    fn a_proposed_name_is_never_too_long() {
        assert_eq!(name("acme"), "Fairway acme");
        assert_eq!(name(&"x".repeat(39)).chars().count(), NAME_LENGTH);
    }
}

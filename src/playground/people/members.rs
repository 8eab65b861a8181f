//! People who come: to an organisation, or to one of its repositories.

use anyhow::{Context, Result};
use serde_json::json;

use crate::playground::world::{Role, World};

impl World {
    /// Makes somebody a member of an organisation, who may then do this in all of its repositories.
    pub fn add_member(&mut self, org: &str, login: &str, role: Role, by: &str) -> Result<()> {
        self.add_user(login, false);
        let at = self.orgs.get_mut(org).with_context(|| format!("there is no organisation {org}"))?;
        at.members.insert(login.to_owned(), role);
        for repo in self.repos.values_mut().filter(|repo| repo.owner == org) {
            repo.roles.insert(login.to_owned(), role);
        }
        let url = format!("{}/orgs/{org}", self.url);
        let membership = json!({
            "url": format!("{url}/memberships/{login}"),
            "state": "active",
            "role": if role >= Role::Admin { "admin" } else { "member" },
            "organization_url": url,
            "user": self.user_json(login),
        });
        self.emit_account(org, "organization", by, json!({ "action": "member_added", "membership": membership }));
        Ok(())
    }

    /// Makes somebody a collaborator of one repository.
    pub fn add_collaborator(&mut self, repo: u64, login: &str, role: Role, by: &str) -> Result<()> {
        self.add_user(login, false);
        self.repos.get_mut(&repo).context("no such repository")?.roles.insert(login.to_owned(), role);
        let changes = json!({ "permission": { "to": role.legacy() }, "role_name": { "to": role.name() } });
        let payload = json!({ "action": "added", "member": self.user_json(login), "changes": changes });
        self.emit(repo, "member", by, payload);
        Ok(())
    }
}

//! Limits, accounts, teams and rulesets.

use serde_json::json;

use super::answer::Answer;
use super::call::{Call, Reply};
use crate::playground::auth::Caller;
use crate::playground::shapes::iso;

pub fn rate_limit(call: &mut Call<'_>) -> Reply {
    let limit = call.world.limits.per_hour;
    let meter = match &call.caller {
        Caller::Installation(token) => call.world.meters.get(&token.installation).cloned().unwrap_or_default(),
        _ => crate::playground::limits::Meter::default(),
    };
    let core = json!({ "limit": limit, "remaining": limit.saturating_sub(meter.used), "reset": meter.reset(), "used": meter.used });
    let search = json!({ "limit": 30, "remaining": 30, "reset": meter.reset(), "used": 0 });
    Ok(Answer::ok(json!({ "resources": { "core": core, "search": search }, "rate": core })))
}

pub fn meta(_: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(json!({ "verifiable_password_authentication": false, "hooks": ["127.0.0.1/32"] })))
}

pub fn user(call: &mut Call<'_>) -> Reply {
    let login = call.arg(0);
    if !call.world.users.contains_key(login) && !call.world.orgs.contains_key(login) {
        return Err(Answer::not_found());
    }
    Ok(Answer::ok(account(call, login)))
}

/// Whose token it is.
pub fn myself(call: &mut Call<'_>) -> Reply {
    let mut json = account(call, &call.login());
    json["user_view_type"] = json!("public");
    Ok(Answer::ok(json))
}

/// A token ends before its time; one that is not there cannot.
pub fn revoke(call: &mut Call<'_>) -> Reply {
    if call.arg(0) != call.world.app.client_id {
        return Err(Answer::not_found());
    }
    let token = call.need("Token", "access_token")?.to_owned();
    call.world.logins.tokens.remove(&token).ok_or_else(Answer::not_found)?;
    Ok(Answer::empty(204))
}

fn account(call: &Call<'_>, login: &str) -> serde_json::Value {
    let mut json = call.world.user_json(login);
    let since = iso(call.world.app.created_at);
    for field in ["name", "company", "blog", "location", "email", "hireable", "bio"] {
        json[field] = serde_json::Value::Null;
    }
    json["blog"] = json!("");
    for field in ["public_repos", "public_gists", "followers", "following"] {
        json[field] = json!(0);
    }
    json["created_at"] = json!(since);
    json["updated_at"] = json!(since);
    json
}

pub fn org(call: &mut Call<'_>) -> Reply {
    let mut json = call.world.organization_json(call.arg(0));
    if json.is_null() {
        return Err(Answer::not_found());
    }
    let since = iso(call.world.app.created_at);
    json["html_url"] = json!(format!("{}/{}", call.world.url, call.arg(0)));
    json["has_organization_projects"] = json!(false);
    json["has_repository_projects"] = json!(false);
    for field in ["public_repos", "public_gists", "followers", "following"] {
        json[field] = json!(0);
    }
    json["type"] = json!("Organization");
    json["created_at"] = json!(since);
    json["updated_at"] = json!(since);
    json["archived_at"] = serde_json::Value::Null;
    Ok(Answer::ok(json))
}

/// Who owns an organisation has `admin` in all its repositories, and here in it.
pub fn member(call: &mut Call<'_>) -> Reply {
    let org = call.world.orgs.values().find(|org| org.login.eq_ignore_ascii_case(call.arg(0)));
    let org = org.ok_or_else(Answer::not_found)?;
    let found = org.members.iter().find(|(login, _)| login.eq_ignore_ascii_case(call.arg(1)));
    let (login, role) = found.ok_or_else(Answer::not_found)?;
    let url = format!("{}/orgs/{}", call.world.url, org.login);
    Ok(Answer::ok(json!({
        "url": format!("{url}/memberships/{login}"),
        "state": "active",
        "role": if *role == crate::playground::world::Role::Admin { "admin" } else { "member" },
        "organization_url": url,
        "organization": call.world.organization_json(&org.login),
        "user": call.world.user_json(login),
    })))
}

pub fn team_member(call: &mut Call<'_>) -> Reply {
    let (org, team, user) = (call.arg(0), call.arg(1), call.arg(2));
    let members = call.world.orgs.get(org).and_then(|at| at.teams.get(team)).ok_or_else(Answer::not_found)?;
    if !members.iter().any(|login| login.eq_ignore_ascii_case(user)) {
        return Err(Answer::not_found());
    }
    let url = format!("{}/orgs/{org}/teams/{team}/memberships/{user}", call.world.url);
    Ok(Answer::ok(json!({ "url": url, "role": "member", "state": "active" })))
}

pub fn rulesets(call: &mut Call<'_>) -> Reply {
    let all = call.repo()?.rulesets.values().cloned().collect();
    Ok(call.page(all))
}

pub fn ruleset(call: &mut Call<'_>) -> Reply {
    let id = call.number(0)?;
    Ok(Answer::ok(call.repo()?.rulesets.get(&id).cloned().ok_or_else(Answer::not_found)?))
}

pub fn create_ruleset(call: &mut Call<'_>) -> Reply {
    let name = call.need("Ruleset", "name")?.to_owned();
    if call.repo()?.rulesets.values().any(|old| old["name"] == json!(name)) {
        return Err(Answer::invalid("Ruleset", "name", "already_exists", "Name must be unique"));
    }
    let id = call.world.id();
    store_ruleset(call, id).map(Answer::created)
}

pub fn update_ruleset(call: &mut Call<'_>) -> Reply {
    let id = call.number(0)?;
    call.repo()?.rulesets.get(&id).ok_or_else(Answer::not_found)?;
    store_ruleset(call, id).map(Answer::ok)
}

fn store_ruleset(call: &mut Call<'_>, id: u64) -> Result<serde_json::Value, Answer> {
    let now = iso(call.world.now());
    let mut json = call.body.clone();
    let repo = call.repo_mut()?;
    json["id"] = json!(id);
    json["source"] = json!(repo.full_name());
    json["source_type"] = json!("Repository");
    if !json["enforcement"].is_string() {
        json["enforcement"] = json!("active");
    }
    json["updated_at"] = json!(now);
    repo.rulesets.insert(id, json.clone());
    Ok(json)
}

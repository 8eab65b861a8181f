//! The App itself: installations, tokens, deliveries, the manifest flow.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Reply};
use crate::playground::auth::{Caller, holds};
use crate::playground::keys;
use crate::playground::shapes::iso;
use crate::playground::world::{Installation, Repo, Token};

/// An installation token lives this long.
const HOUR: i64 = 3_600_000;

pub fn app(call: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(call.world.app_json()))
}

pub fn installations(call: &mut Call<'_>) -> Reply {
    let all = call.world.installations.values().map(|at| call.world.installation_json(at)).collect();
    Ok(call.page(all))
}

pub fn installation(call: &mut Call<'_>) -> Reply {
    let id = call.number(0)?;
    let at = call.world.installations.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(call.world.installation_json(at)))
}

pub fn org_installation(call: &mut Call<'_>) -> Reply {
    let account = call.arg(0);
    let at = call.world.installations.values().find(|at| at.account.eq_ignore_ascii_case(account));
    Ok(Answer::ok(call.world.installation_json(at.ok_or_else(Answer::not_found)?)))
}

pub fn repo_installation(call: &mut Call<'_>) -> Reply {
    let at = call.world.installation_of(call.repo()?).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(call.world.installation_json(at)))
}

pub fn token(call: &mut Call<'_>) -> Reply {
    let id = call.number(0)?;
    let installation = call.world.installations.get(&id).ok_or_else(Answer::not_found)?;
    if installation.suspended_at.is_some() {
        return Err(Answer::error(403, "This installation has been suspended"));
    }
    let permissions = narrowed(installation, &call.body["permissions"])?;
    let repos = chosen(call, installation)?;
    let expires_at = call.world.now() + HOUR;
    let text = format!("ghs_{}{}", uuid::Uuid::new_v4().simple(), id);
    let mut answer = json!({
        "token": text,
        "expires_at": iso(expires_at),
        "permissions": permissions,
        "repository_selection": if repos.is_some() { "selected" } else { "all" },
    });
    if let Some(ids) = &repos {
        let list = ids.iter().filter_map(|id| call.world.repos.get(id)).map(|repo| call.world.repo_json(repo));
        answer["repositories"] = Value::Array(list.collect());
    }
    call.world.tokens.insert(text, Token { installation: id, permissions, repos, expires_at });
    Ok(Answer::created(answer))
}

/// The permissions asked for, or all; 422 beyond what the installation has.
fn narrowed(installation: &Installation, asked: &Value) -> Result<BTreeMap<String, String>, Answer> {
    let Some(asked) = asked.as_object().filter(|asked| !asked.is_empty()) else {
        return Ok(installation.permissions.clone());
    };
    let mut permissions = BTreeMap::from([("metadata".to_owned(), "read".to_owned())]);
    for (name, level) in asked {
        let level = level.as_str().unwrap_or_default();
        if !matches!(level, "read" | "write" | "admin") || !holds(&installation.permissions, &format!("{name}:{level}"))
        {
            return Err(Answer::unprocessable("The permissions requested are not granted to this installation."));
        }
        permissions.insert(name.clone(), level.to_owned());
    }
    Ok(permissions)
}

/// The repositories asked for, or none for all; 422 beyond what the installation has.
fn chosen(call: &Call<'_>, installation: &Installation) -> Result<Option<Vec<u64>>, Answer> {
    let beyond = || {
        Answer::unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    };
    let reach = |repo: &&Repo| {
        repo.owner == installation.account && installation.selection.as_ref().is_none_or(|ids| ids.contains(&repo.id))
    };
    let mut ids = Vec::new();
    for id in call.body["repository_ids"].as_array().into_iter().flatten() {
        let repo = id.as_u64().and_then(|id| call.world.repos.get(&id)).filter(reach).ok_or_else(beyond)?;
        ids.push(repo.id);
    }
    for name in call.body["repositories"].as_array().into_iter().flatten() {
        let name = format!("{}/{}", installation.account, name.as_str().unwrap_or_default());
        ids.push(call.world.repo(&name).filter(reach).ok_or_else(beyond)?.id);
    }
    if ids.len() > 500 {
        return Err(Answer::unprocessable("Too many repositories; at most 500."));
    }
    Ok(if ids.is_empty() { installation.selection.clone() } else { Some(ids) })
}

pub fn repositories(call: &mut Call<'_>) -> Reply {
    let Caller::Installation(token) = &call.caller else {
        return Err(Answer::not_found());
    };
    let account = call.world.installations.get(&token.installation).map(|at| at.account.clone()).unwrap_or_default();
    let seen = |repo: &&Repo| repo.owner == account && token.repos.as_ref().is_none_or(|ids| ids.contains(&repo.id));
    let list = call.world.repos.values().filter(seen).map(|repo| call.world.repo_json(repo)).collect();
    let mut answer = call.page_in("repositories", list);
    if let super::Body::Json(json) = &mut answer.body {
        json["repository_selection"] = json!(if token.repos.is_some() { "selected" } else { "all" });
    }
    Ok(answer)
}

pub fn deliveries(call: &mut Call<'_>) -> Reply {
    let size = call.query("per_page").and_then(|text| text.parse().ok()).unwrap_or(30_usize).clamp(1, 100);
    let before =
        call.query("cursor").and_then(|text| text.trim_start_matches("v1_").parse::<u64>().ok()).unwrap_or(u64::MAX);
    let wanted = call.query("status").map(|status| status == "success");
    let tried = |status: &str| status != "pending";
    let mut items = call
        .world
        .deliveries
        .iter()
        .rev()
        .filter(|delivery| delivery.id < before && tried(&delivery.status))
        .filter(|delivery| wanted.is_none_or(|ok| ok == (delivery.status == "OK")));
    let page: Vec<_> = items.by_ref().take(size).collect();
    let more = items.next().is_some();
    let last = page.last().map(|delivery| delivery.id);
    let answer = Answer::ok(page.iter().map(|delivery| call.world.delivery_item_json(delivery)).collect());
    Ok(match last.filter(|_| more) {
        Some(last) => {
            let link =
                format!("<{}/app/hook/deliveries?per_page={size}&cursor=v1_{last}>; rel=\"next\"", call.world.url);
            answer.with("Link", link)
        }
        None => answer,
    })
}

pub fn delivery(call: &mut Call<'_>) -> Reply {
    let id = call.number(0)?;
    let delivery = call.world.deliveries.iter().find(|delivery| delivery.id == id).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(call.world.delivery_json(delivery)))
}

pub fn redeliver(call: &mut Call<'_>) -> Reply {
    let id = call.number(0)?;
    call.world.redeliver(id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(202, json!({})))
}

pub fn hook(call: &mut Call<'_>) -> Reply {
    let url = call.world.app.webhook_url.clone().unwrap_or_default();
    Ok(Answer::ok(json!({ "content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url })))
}

pub fn set_hook(call: &mut Call<'_>) -> Reply {
    if let Some(url) = call.text("url").map(str::to_owned) {
        call.world.app.webhook_url = Some(url);
    }
    if let Some(secret) = call.text("secret").map(str::to_owned) {
        call.world.app.webhook_secret = secret;
    }
    hook(call)
}

/// The last step of the manifest flow: the code becomes an App and its credentials, once and within an hour.
pub fn convert(call: &mut Call<'_>) -> Reply {
    let code = call.arg(0).to_owned();
    let now = call.world.now();
    let confirmed = call.world.manifest_codes.remove(&code).filter(|confirmed| now - confirmed.at < HOUR);
    let confirmed = confirmed.ok_or_else(Answer::not_found)?;
    call.world.register_app(&confirmed);
    let mut json = call.world.app_json();
    let app = &call.world.app;
    json["client_id"] = json!(app.client_id);
    json["client_secret"] = json!(app.client_secret);
    // Without a webhook there is nothing to sign.
    json["webhook_secret"] = json!(app.webhook_url.as_ref().map(|_| &app.webhook_secret));
    json["pem"] = json!(keys::PRIVATE);
    Ok(Answer::created(json))
}

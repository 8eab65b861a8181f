//! The door of the API: route, credentials, permission, limits, ETag, and the record of what passed.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::answer::{Answer, Body};
use super::call::Call;
use super::routes::{Needs, Route, find};
use crate::playground::auth::{Caller, Refused, holds};
use crate::playground::limits::{Passed, Weight};
use crate::playground::world::{Exchange, FaultKind, World};

/// As many exchanges are kept.
const KEPT: usize = 20_000;

/// A request as it came, its body read.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    /// HTTP method.
    pub method: String,
    /// Path without the `/api/v3` of GitHub Enterprise Server, still percent-encoded.
    pub path: String,
    /// The query.
    pub query: BTreeMap<String, String>,
    /// The query as it came.
    pub raw_query: String,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `Accept`.
    pub accept: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Where a request leads that names a repository by an old name: the address by its number, which never changes.
fn moved(world: &World, incoming: &Incoming) -> Option<Answer> {
    let rest = incoming.path.strip_prefix("/repos/")?;
    let mut parts = rest.splitn(3, '/');
    let name = format!("{}/{}", parts.next()?, parts.next()?);
    let rest = parts.next().map(|rest| format!("/{rest}")).unwrap_or_default();
    let query = if incoming.raw_query.is_empty() { String::new() } else { format!("?{}", incoming.raw_query) };
    let url = format!("{}/repositories/{}{rest}{query}", world.url, world.moved(&name)?.id);
    // What is not read is to be sent again as it was.
    let (status, message) =
        if incoming.method == "GET" { (301, "Moved Permanently") } else { (307, "Temporary Redirect") };
    let json = json!({ "message": message, "url": url, "documentation_url": "https://docs.github.com/rest" });
    Some(Answer::json(status, json).with("Location", url))
}

/// A repository by its number is the repository by its name.
fn by_number(world: &World, incoming: &Incoming) -> Option<Incoming> {
    let (id, rest) = incoming.path.strip_prefix("/repositories/")?.split_once('/')?;
    let repo = world.repos.get(&id.parse().ok()?)?;
    Some(Incoming { path: format!("/repos/{}/{rest}", repo.full_name()), ..incoming.clone() })
}

/// Answers a request and keeps a record of it.
pub fn enter(world: &mut World, incoming: &Incoming) -> Answer {
    if let Some(elsewhere) = moved(world, incoming) {
        return elsewhere;
    }
    let named = by_number(world, incoming);
    let incoming = named.as_ref().unwrap_or(incoming);
    let parsed = if incoming.body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&incoming.body) };
    let found = find(&incoming.method, &incoming.path);
    let route = found.as_ref().map(|(route, _)| route.path.to_owned());
    let request = parsed.as_ref().cloned().unwrap_or_default();
    let answer = match (found, parsed) {
        (None, _) => unknown(world, incoming),
        (_, Err(_)) => Answer::error(400, "Problems parsing JSON"),
        (Some((route, args)), Ok(body)) => {
            admit(world, incoming, route, (args, body)).unwrap_or_else(|refusal| refusal)
        }
    };
    let answer = stamp(world, incoming, answer);
    let path = if incoming.raw_query.is_empty() {
        incoming.path.clone()
    } else {
        format!("{}?{}", incoming.path, incoming.raw_query)
    };
    let json = if let Body::Json(json) = &answer.body { json.clone() } else { Value::Null };
    let exchange = Exchange {
        at: world.now(),
        method: incoming.method.clone(),
        route,
        path,
        request,
        status: answer.status,
        answer: json,
    };
    if world.exchanges.len() >= KEPT {
        world.exchanges.pop_front();
    }
    world.exchanges.push_back(exchange);
    answer
}

fn unknown(world: &mut World, incoming: &Incoming) -> Answer {
    let what = format!("{} {}", incoming.method, incoming.path);
    eprintln!("playground: UNKNOWN ROUTE {what}");
    world.fault(FaultKind::UnknownRoute, what);
    Answer::not_found()
}

fn admit(
    world: &mut World,
    incoming: &Incoming,
    route: &Route,
    (mut args, body): (Vec<String>, Value),
) -> Result<Answer, Answer> {
    let what = format!("{} {}", incoming.method, incoming.path);
    let caller = world.caller(incoming.authorization.as_deref()).map_err(|refused| match refused {
        Refused::Expired => Answer::error(401, "Bad credentials"),
        Refused::Bad(message) => {
            world.fault(FaultKind::Token, format!("{what}: {message}"));
            Answer::error(401, message)
        }
    })?;
    let repo = authorise(world, route, &caller, &mut args).inspect_err(|answer| {
        if answer.status == 401 || answer.status == 403 {
            eprintln!("playground: {what}: {}", answer_message(answer));
        }
        match answer.status {
            401 => world.fault(FaultKind::Token, format!("{what} needs other credentials")),
            403 => world.fault(FaultKind::Permission, format!("{what} needs {:?}", route.needs)),
            _ => {}
        }
    })?;
    meter(world, route, &caller, &what)?;
    let path = incoming.path.clone();
    let (query, accept) = (incoming.query.clone(), incoming.accept.clone());
    let mut call = Call { world: &mut *world, repo, args, query, body, path, accept, caller: caller.clone() };
    let answer = (route.handler)(&mut call).unwrap_or_else(|refusal| refusal);
    Ok(count_headers(world, &caller, answer))
}

fn answer_message(answer: &Answer) -> String {
    let Body::Json(json) = &answer.body else {
        return String::new();
    };
    let detail = json["errors"][0]["message"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
    format!("{}{detail}", json["message"].as_str().unwrap_or_default())
}

/// Checks credentials and permission; gives back the repository's id, 0 for a route without one.
fn authorise(world: &World, route: &Route, caller: &Caller, args: &mut Vec<String>) -> Result<u64, Answer> {
    let unauthorised = || Answer::error(401, "Requires authentication");
    match (route.needs, caller) {
        (Needs::Nothing, _) | (Needs::App, Caller::App) => {
            return Ok(repo_of(world, route, args).unwrap_or(0));
        }
        (Needs::App, Caller::Nobody) => return Err(unauthorised()),
        (Needs::App, _) => return Err(Answer::error(401, "A JSON web token could not be decoded")),
        (Needs::User, Caller::User(_)) | (Needs::Client, Caller::Client) => return Ok(0),
        (Needs::User, Caller::Installation(_)) => {
            return Err(Answer::error(403, "Resource not accessible by integration"));
        }
        (Needs::User | Needs::Client, _) => return Err(unauthorised()),
        (Needs::Token(_), Caller::Nobody | Caller::App) => return Err(unauthorised()),
        (Needs::Token(_), _) => {}
    }
    let Caller::Installation(token) = caller else {
        return Err(unauthorised());
    };
    let installation = world.installations.get(&token.installation).ok_or_else(unauthorised)?;
    if installation.suspended_at.is_some() {
        return Err(Answer::error(403, "This installation has been suspended"));
    }
    let mut repo = 0;
    if route.path.starts_with("/repos/") {
        repo = repo_of(world, route, args).ok_or_else(Answer::not_found)?;
        let at = world.repos.get(&repo).ok_or_else(Answer::not_found)?;
        let own = at.owner.eq_ignore_ascii_case(&installation.account)
            && installation.selection.as_ref().is_none_or(|ids| ids.contains(&repo));
        let narrowed = token.repos.as_ref().is_none_or(|ids| ids.contains(&repo));
        let readable = !at.private && route.method == "GET";
        if !(own && narrowed || readable) {
            return Err(if at.private {
                Answer::not_found()
            } else {
                Answer::error(403, "Resource not accessible by integration")
            });
        }
    }
    let Needs::Token(needs) = route.needs else {
        return Ok(repo);
    };
    if !needs.is_empty() && !needs.iter().any(|need| holds(&token.permissions, need)) {
        let accepted = needs.iter().map(|need| need.replace(':', "=")).collect::<Vec<_>>().join("; ");
        return Err(Answer::error(403, "Resource not accessible by integration")
            .with("X-Accepted-GitHub-Permissions", accepted));
    }
    Ok(repo)
}

/// Takes owner and name off the front of the path's parts.
fn repo_of(world: &World, route: &Route, args: &mut Vec<String>) -> Option<u64> {
    if !route.path.starts_with("/repos/") || args.len() < 2 {
        return None;
    }
    let rest = args.split_off(2);
    let name = std::mem::replace(args, rest).join("/");
    world.repo(&name).map(|repo| repo.id)
}

fn meter(world: &mut World, route: &Route, caller: &Caller, what: &str) -> Result<(), Answer> {
    let Caller::Installation(token) = caller else {
        return Ok(());
    };
    let weight = match route.method {
        "GET" => Weight::Read,
        _ if route.content => Weight::Content,
        _ => Weight::Write,
    };
    let (now, limits) = (world.now(), world.limits);
    if route.path == "/rate_limit" {
        return Ok(());
    }
    let Err(passed) = world.meters.entry(token.installation).or_default().count(&limits, weight, now) else {
        return Ok(());
    };
    world.fault(FaultKind::Limit, format!("{what}: {passed:?}"));
    Err(match passed {
        Passed::Primary(until) => primary_limit(until / 1000),
        Passed::Secondary(seconds) => secondary_limit(seconds),
    })
}

/// GitHub's answer when the hour is used up; `reset` in Unix seconds.
pub fn primary_limit(reset: i64) -> Answer {
    Answer::error(429, "API rate limit exceeded for installation.")
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", reset.to_string())
        .with("x-ratelimit-limit", "5000")
        .with("x-ratelimit-resource", "core")
}

/// GitHub's answer to a burst.
pub fn secondary_limit(seconds: u64) -> Answer {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    Answer::error(403, message).with("retry-after", seconds.to_string())
}

fn count_headers(world: &World, caller: &Caller, answer: Answer) -> Answer {
    let Caller::Installation(token) = caller else {
        return answer;
    };
    let Some(meter) = world.meters.get(&token.installation) else {
        return answer;
    };
    let limit = world.limits.per_hour;
    answer
        .with("x-ratelimit-limit", limit.to_string())
        .with("x-ratelimit-remaining", limit.saturating_sub(meter.used).to_string())
        .with("x-ratelimit-used", meter.used.to_string())
        .with("x-ratelimit-reset", meter.reset().to_string())
        .with("x-ratelimit-resource", "core")
}

/// Adds the headers that every answer has; a GET whose answer is known already becomes 304.
fn stamp(world: &mut World, incoming: &Incoming, answer: Answer) -> Answer {
    let mut answer = answer
        .with("X-GitHub-Request-Id", format!("PLAY:{:X}", world.exchanges.len()))
        .with("X-GitHub-Media-Type", "github.v3; format=json");
    if incoming.method != "GET" || answer.status != 200 {
        return answer;
    }
    let digest = match &answer.body {
        Body::Json(json) => Sha1::digest(json.to_string()),
        Body::Raw(bytes, _) => Sha1::digest(bytes),
        Body::Empty => return answer,
    };
    let etag = format!("W/\"{}\"", hex::encode(digest));
    if incoming.if_none_match.as_deref() == Some(&etag) {
        answer.status = 304;
        answer.body = Body::Empty;
        if let Ok(Caller::Installation(token)) = world.caller(incoming.authorization.as_deref()) {
            world.meters.entry(token.installation).or_default().refund();
        }
    }
    answer.with("ETag", etag)
}

/// The body of an answer that GitHub's front gives when what is behind it is gone.
pub fn bad_gateway() -> Answer {
    Answer { status: 502, headers: Vec::new(), body: Body::Json(json!({ "message": "Server Error" })) }
}

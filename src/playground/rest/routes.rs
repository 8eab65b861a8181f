//! Every route that is answered, spelled as GitHub's description spells it.

use super::answer::Answer;
use super::call::{Call, Reply};
use super::{advisories, apps, checks, comments, contents, deployments, gitdata, graphql, labels, misc, pulls, repos};

/// Answers one route.
pub type Handler = fn(&mut Call<'_>) -> Result<Answer, Answer>;

/// What a caller must hold.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    /// Anybody.
    Nothing,
    /// The App's JWT.
    App,
    /// An installation token with one of these permissions; empty = any token.
    Token(&'static [&'static str]),
    /// A token that a person let the App have.
    User,
    /// Client id and secret.
    Client,
}

/// A route.
#[derive(Debug)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path with parts in braces.
    pub path: &'static str,
    /// Credentials.
    pub needs: Needs,
    /// Whether it counts as content-creating.
    pub content: bool,
    /// Who answers.
    pub handler: Handler,
}

const fn get(path: &'static str, needs: Needs, handler: fn(&mut Call<'_>) -> Reply) -> Route {
    Route { method: "GET", path, needs, content: false, handler }
}
const fn post(path: &'static str, needs: Needs, handler: fn(&mut Call<'_>) -> Reply) -> Route {
    Route { method: "POST", path, needs, content: false, handler }
}
const fn create(path: &'static str, needs: Needs, handler: fn(&mut Call<'_>) -> Reply) -> Route {
    Route { method: "POST", path, needs, content: true, handler }
}
const fn patch(path: &'static str, needs: Needs, handler: fn(&mut Call<'_>) -> Reply) -> Route {
    Route { method: "PATCH", path, needs, content: false, handler }
}
const fn put(path: &'static str, needs: Needs, handler: fn(&mut Call<'_>) -> Reply) -> Route {
    Route { method: "PUT", path, needs, content: false, handler }
}
const fn delete(path: &'static str, needs: Needs, handler: fn(&mut Call<'_>) -> Reply) -> Route {
    Route { method: "DELETE", path, needs, content: false, handler }
}

const APP: Needs = Needs::App;
const ANY: Needs = Needs::Token(&[]);
const OPEN: Needs = Needs::Nothing;
const USER: Needs = Needs::User;
const CLIENT: Needs = Needs::Client;
const META: Needs = Needs::Token(&["metadata:read"]);
const CODE: Needs = Needs::Token(&["contents:read"]);
const CODE_W: Needs = Needs::Token(&["contents:write"]);
const PULLS: Needs = Needs::Token(&["pull_requests:read"]);
const PULLS_W: Needs = Needs::Token(&["pull_requests:write"]);
const TALK: Needs = Needs::Token(&["issues:read", "pull_requests:read"]);
const TALK_W: Needs = Needs::Token(&["issues:write", "pull_requests:write"]);
const CHECKS: Needs = Needs::Token(&["checks:read"]);
const CHECKS_W: Needs = Needs::Token(&["checks:write"]);
const DEPLOY: Needs = Needs::Token(&["deployments:read"]);
const DEPLOY_W: Needs = Needs::Token(&["deployments:write"]);
const STATUS: Needs = Needs::Token(&["statuses:read", "contents:read"]);
const STATUS_W: Needs = Needs::Token(&["statuses:write"]);
const ADMIN_W: Needs = Needs::Token(&["administration:write"]);
const MEMBERS: Needs = Needs::Token(&["members:read"]);

#[rustfmt::skip]
static ROUTES: &[Route] = &[
    get("/app", APP, apps::app),
    get("/app/installations", APP, apps::installations),
    get("/app/installations/{installation_id}", APP, apps::installation),
    post("/app/installations/{installation_id}/access_tokens", APP, apps::token),
    get("/app/hook/deliveries", APP, apps::deliveries),
    get("/app/hook/deliveries/{delivery_id}", APP, apps::delivery),
    post("/app/hook/deliveries/{delivery_id}/attempts", APP, apps::redeliver),
    get("/app/hook/config", APP, apps::hook),
    patch("/app/hook/config", APP, apps::set_hook),
    post("/app-manifests/{code}/conversions", OPEN, apps::convert),
    get("/installation/repositories", META, apps::repositories),
    get("/orgs/{org}/installation", APP, apps::org_installation),
    get("/users/{username}/installation", APP, apps::org_installation),
    get("/repos/{owner}/{repo}/installation", APP, apps::repo_installation),
    post("/graphql", ANY, graphql::answer),
    get("/rate_limit", ANY, misc::rate_limit),
    get("/advisories", OPEN, advisories::list),
    get("/meta", OPEN, misc::meta),
    get("/user", USER, misc::myself),
    delete("/applications/{client_id}/token", CLIENT, misc::revoke),
    get("/users/{username}", OPEN, misc::user),
    get("/orgs/{org}", OPEN, misc::org),
    post("/orgs/{org}/repos", ADMIN_W, repos::create),
    get("/orgs/{org}/memberships/{username}", MEMBERS, misc::member),
    get("/orgs/{org}/teams/{team_slug}/memberships/{username}", MEMBERS, misc::team_member),
    get("/repos/{owner}/{repo}", META, repos::repo),
    get("/repos/{owner}/{repo}/branches", CODE, repos::branches),
    get("/repos/{owner}/{repo}/collaborators/{username}/permission", META, repos::permission),
    get("/repos/{owner}/{repo}/commits", CODE, repos::commits),
    get("/repos/{owner}/{repo}/commits/{ref}/check-runs", CHECKS, checks::of_commit),
    get("/repos/{owner}/{repo}/commits/{ref}/check-suites", CHECKS, checks::suites_of_commit),
    get("/repos/{owner}/{repo}/commits/{commit_sha}/pulls", PULLS, pulls::of_commit),
    get("/repos/{owner}/{repo}/commits/{ref}/status", STATUS, repos::combined_status),
    get("/repos/{owner}/{repo}/commits/{ref}/statuses", STATUS, repos::commit_statuses),
    post("/repos/{owner}/{repo}/statuses/{sha}", STATUS_W, repos::create_commit_status),
    get("/repos/{owner}/{repo}/compare/{basehead}", CODE, repos::compare),
    get("/repos/{owner}/{repo}/rulesets", META, misc::rulesets),
    post("/repos/{owner}/{repo}/rulesets", ADMIN_W, misc::create_ruleset),
    get("/repos/{owner}/{repo}/rulesets/{ruleset_id}", META, misc::ruleset),
    put("/repos/{owner}/{repo}/rulesets/{ruleset_id}", ADMIN_W, misc::update_ruleset),
    get("/repos/{owner}/{repo}/contents", CODE, contents::read),
    get("/repos/{owner}/{repo}/contents/{path}", CODE, contents::read),
    put("/repos/{owner}/{repo}/contents/{path}", CODE_W, contents::write),
    delete("/repos/{owner}/{repo}/contents/{path}", CODE_W, contents::remove),
    post("/repos/{owner}/{repo}/git/blobs", CODE_W, gitdata::create_blob),
    get("/repos/{owner}/{repo}/git/blobs/{file_sha}", CODE, gitdata::blob),
    post("/repos/{owner}/{repo}/git/trees", CODE_W, gitdata::create_tree),
    get("/repos/{owner}/{repo}/git/trees/{tree_sha}", CODE, gitdata::tree),
    post("/repos/{owner}/{repo}/git/commits", CODE_W, gitdata::create_commit),
    get("/repos/{owner}/{repo}/git/commits/{commit_sha}", CODE, gitdata::commit),
    post("/repos/{owner}/{repo}/git/refs", CODE_W, gitdata::create_ref),
    patch("/repos/{owner}/{repo}/git/refs/{ref}", CODE_W, gitdata::update_ref),
    delete("/repos/{owner}/{repo}/git/refs/{ref}", CODE_W, gitdata::delete_ref),
    get("/repos/{owner}/{repo}/git/ref/{ref}", CODE, gitdata::reference),
    get("/repos/{owner}/{repo}/git/matching-refs/{ref}", CODE, gitdata::matching),
    get("/repos/{owner}/{repo}/pulls", PULLS, pulls::list),
    create("/repos/{owner}/{repo}/pulls", PULLS_W, pulls::create),
    get("/repos/{owner}/{repo}/pulls/{pull_number}", PULLS, pulls::read),
    patch("/repos/{owner}/{repo}/pulls/{pull_number}", PULLS_W, pulls::update),
    get("/repos/{owner}/{repo}/pulls/{pull_number}/files", PULLS, pulls::files),
    get("/repos/{owner}/{repo}/pulls/{pull_number}/commits", PULLS, pulls::commits),
    get("/repos/{owner}/{repo}/pulls/{pull_number}/reviews", PULLS, pulls::reviews),
    put("/repos/{owner}/{repo}/pulls/{pull_number}/merge", CODE_W, pulls::merge),
    get("/repos/{owner}/{repo}/issues/comments", TALK, comments::all),
    get("/repos/{owner}/{repo}/issues/comments/{comment_id}", TALK, comments::read),
    patch("/repos/{owner}/{repo}/issues/comments/{comment_id}", TALK_W, comments::update),
    delete("/repos/{owner}/{repo}/issues/comments/{comment_id}", TALK_W, comments::remove),
    get("/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", TALK, comments::reactions),
    post("/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", TALK_W, comments::react),
    delete("/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}", TALK_W, comments::unreact),
    get("/repos/{owner}/{repo}/issues/{issue_number}", TALK, comments::issue),
    get("/repos/{owner}/{repo}/issues/{issue_number}/comments", TALK, comments::list),
    create("/repos/{owner}/{repo}/issues/{issue_number}/comments", TALK_W, comments::create),
    get("/repos/{owner}/{repo}/issues/{issue_number}/labels", TALK, labels::of_pull),
    post("/repos/{owner}/{repo}/issues/{issue_number}/labels", TALK_W, labels::add),
    delete("/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}", TALK_W, labels::remove),
    get("/repos/{owner}/{repo}/labels", TALK, labels::list),
    post("/repos/{owner}/{repo}/labels", TALK_W, labels::create),
    get("/repos/{owner}/{repo}/labels/{name}", TALK, labels::read),
    post("/repos/{owner}/{repo}/check-runs", CHECKS_W, checks::create),
    get("/repos/{owner}/{repo}/check-runs/{check_run_id}", CHECKS, checks::read),
    patch("/repos/{owner}/{repo}/check-runs/{check_run_id}", CHECKS_W, checks::update),
    get("/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", CHECKS, checks::annotations),
    post("/repos/{owner}/{repo}/check-runs/{check_run_id}/rerequest", CHECKS_W, checks::rerequest),
    get("/repos/{owner}/{repo}/check-suites/{check_suite_id}", CHECKS, checks::suite),
    get("/repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs", CHECKS, checks::of_suite),
    post("/repos/{owner}/{repo}/check-suites/{check_suite_id}/rerequest", CHECKS_W, checks::rerequest_suite),
    get("/repos/{owner}/{repo}/deployments", DEPLOY, deployments::list),
    post("/repos/{owner}/{repo}/deployments", DEPLOY_W, deployments::create),
    get("/repos/{owner}/{repo}/deployments/{deployment_id}", DEPLOY, deployments::read),
    delete("/repos/{owner}/{repo}/deployments/{deployment_id}", DEPLOY_W, deployments::remove),
    get("/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", DEPLOY, deployments::statuses),
    post("/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", DEPLOY_W, deployments::create_status),
    // Greedy paths come last, so that they do not swallow the ones above.
    get("/repos/{owner}/{repo}/branches/{branch}", CODE, repos::branch),
    get("/repos/{owner}/{repo}/commits/{ref}", CODE, repos::commit),
];

/// Parts of a path that may hold slashes.
const GREEDY: &[&str] = &["{ref}", "{tree_sha}", "{path}", "{basehead}", "{branch}"];

/// The route of a request, and the parts in braces.
pub fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
    ROUTES.iter().filter(|route| route.method == method).find_map(|route| Some((route, fit(route.path, &parts)?)))
}

fn fit(pattern: &str, parts: &[String]) -> Option<Vec<String>> {
    let wanted: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    let greedy = wanted.iter().any(|part| GREEDY.contains(part));
    let extra = parts.len().checked_sub(wanted.len())?;
    if extra > 0 && !greedy {
        return None;
    }
    let mut args = Vec::new();
    let mut at = 0;
    for part in wanted {
        let take = if GREEDY.contains(&part) { 1 + extra } else { 1 };
        let here = parts.get(at..at + take)?;
        at += take;
        if part.starts_with('{') {
            args.push(here.join("/"));
        } else if here.first().map(String::as_str) != Some(part) {
            return None;
        }
    }
    Some(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> String {
        find(method, path).map_or_else(|| "none".into(), |(route, args)| format!("{} {args:?}", route.path))
    }

    #[test]
    fn paths_find_their_route() {
        assert_eq!(
            route("GET", "/repos/a/b/contents/src/x%20y.rs"),
            r#"/repos/{owner}/{repo}/contents/{path} ["a", "b", "src/x y.rs"]"#
        );
        assert_eq!(
            route("GET", "/repos/a/b/commits/feat/x/check-runs"),
            r#"/repos/{owner}/{repo}/commits/{ref}/check-runs ["a", "b", "feat/x"]"#
        );
        assert_eq!(route("GET", "/repos/a/b/commits/abc"), r#"/repos/{owner}/{repo}/commits/{ref} ["a", "b", "abc"]"#);
        assert_eq!(
            route("PATCH", "/repos/a/b/git/refs/heads/x/y"),
            r#"/repos/{owner}/{repo}/git/refs/{ref} ["a", "b", "heads/x/y"]"#
        );
        assert_eq!(
            route("GET", "/repos/a/b/issues/comments/7"),
            r#"/repos/{owner}/{repo}/issues/comments/{comment_id} ["a", "b", "7"]"#
        );
        assert_eq!(route("GET", "/nothing"), "none");
        assert_eq!(route("PATCH", "/app"), "none");
    }
}

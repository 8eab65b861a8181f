//! Who is signed in, for how long, and what they see.

use fairway::playground::faults::Trouble;
use fairway::web::login::cookie::CookieKey;

use crate::lab::{KEY, Lab};

/// Eight hours, in seconds.
const IDLE: u64 = 8 * 3_600;
/// Just over a minute, in seconds: by then GitHub is asked again.
const MINUTE: u64 = 61;

#[tokio::test]
async fn everybody_sees_what_they_may_read_on_github_and_no_more() {
    let lab = Lab::start().await;
    for (login, vault, admin) in
        [("alice", 200, true), ("olivia", 200, true), ("bob", 200, false), ("mallory", 404, false)]
    {
        let mut browser = lab.signed_in(login).await;
        let front = browser.get("/").await;
        assert_eq!(front.body.contains("acme/vault"), vault == 200, "{login}");
        assert!(front.body.contains("acme/shop"), "{login}");
        for more in ["", "/log", "/events"] {
            // The feed of a run that is over ends by itself.
            let path = format!("{}{more}", lab.vault);
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, vault, "{login} {path}");
            assert!(vault == 200 || !answer.body.contains("vault"), "{login} {path}: {}", answer.body);
        }
        let (hidden, missing) = (browser.get(&lab.vault).await, browser.get("/runs/99").await);
        if vault == 404 {
            assert_eq!(
                hidden.body.replace(&lab.vault, "/runs/99"),
                missing.body,
                "which of the two it is, is not told"
            );
        }
        for path in ["/jobs", "/engines", "/audit"] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, if admin { 200 } else { 403 }, "{login} {path}");
            assert!(admin || answer.body.contains("This is for admins"), "{}", answer.body);
        }
        assert_eq!(front.body.contains("href=\"/audit\""), admin, "{login}");
        assert_eq!(browser.get("/none").await.status, 404);
    }
    let nobody = lab.browser().get("/metrics").await;
    assert_eq!((nobody.status, nobody.to.as_str()), (303, "/login?to=%2Fmetrics"), "what there is, is not told");
    assert_eq!(lab.signed_in("alice").await.get("/metrics").await.status, 404, "figures are on the private listener");
    lab.world.finish().await;
}

#[tokio::test]
async fn who_lost_access_sees_nothing_more_within_a_minute_whatever_their_cookie_says() {
    let lab = Lab::start().await;
    let mut bob = lab.signed_in("bob").await;
    assert_eq!(bob.get(&lab.vault).await.status, 200);
    lab.world.hub.act(|hub| {
        for repo in hub.repos.values_mut() {
            repo.roles.remove("bob");
        }
    });
    lab.later(MINUTE);
    let front = bob.get("/").await;
    assert!(front.status == 200 && !front.body.contains("vault") && front.body.contains("acme/shop"));
    for more in ["", "/log", "/events"] {
        let path = format!("{}{more}", lab.vault);
        let answer = bob.get(&path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("vault"), "{}", answer.body);
    }
    // Somebody else has the login by now: GitHub's number tells them apart.
    let mut alice = lab.signed_in("alice").await;
    lab.world.hub.act(|hub| hub.users.get_mut("alice").expect("she is there").id += 5_000);
    lab.later(MINUTE);
    assert_eq!(alice.get(&lab.vault).await.status, 404);
}

#[tokio::test]
async fn an_owner_who_is_none_any_more_does_nothing_more_at_once() {
    let lab = Lab::start().await;
    let job = lab.dead_job().await;
    let mut olivia = lab.signed_in("olivia").await;
    let csrf = olivia.csrf("/jobs").await;
    let demoted = fairway::playground::world::Role::Write;
    lab.world.hub.act(|hub| hub.orgs.get_mut("acme").expect("it is there").members.insert("olivia".into(), demoted));
    let answer = olivia.post(&format!("/jobs/{job}/retry"), &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 403, "acts ask GitHub anew");
    assert_eq!(olivia.get("/jobs").await.status, 403, "and pages know it from then on");
    assert_eq!(lab.world.dead().await.len(), 1);
    assert_eq!(lab.audit().await[1], format!("olivia | retry | job {job} | refused: not an admin"));
}

#[tokio::test]
async fn where_github_cannot_be_asked_nothing_is_shown_or_done() {
    let lab = Lab::start().await;
    let job = lab.dead_job().await;
    let mut olivia = lab.signed_in("olivia").await;
    let csrf = olivia.csrf("/jobs").await;
    lab.later(MINUTE);
    let away = |path: &str| {
        let path = path.to_owned();
        lab.world.hub.act(move |hub| {
            hub.switches.next(20, "GET", &path, Trouble::BadGatewayBefore);
        });
    };
    away("*/collaborators/*");
    let answer = olivia.get(&lab.vault).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("GitHub cannot be asked what you may read") && !answer.body.contains("vault"));
    let front = olivia.get("/").await;
    assert!(front.status == 200 && front.body.contains("Nothing is shown without its word"));
    away("/orgs/acme/memberships/*");
    let answer = olivia.post(&format!("/jobs/{job}/retry"), &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("GitHub cannot be asked whether you may do this"), "{}", answer.body);
    assert_eq!(lab.world.dead().await.len(), 1);
    assert_eq!(lab.audit().await[1], format!("olivia | retry | job {job} | refused: GitHub cannot be asked"));
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_a_week_whatever_is_done() {
    let lab = Lab::start().await;
    let mut bob = lab.signed_in("bob").await;
    lab.later(IDLE - 1);
    assert_eq!(bob.get("/").await.status, 200);
    lab.later(IDLE - 1);
    assert_eq!(bob.get("/").await.status, 200, "it is used");
    lab.later(IDLE);
    let over = bob.get(&lab.shop).await;
    assert_eq!(
        (over.status, over.to),
        (303, format!("/login?to={}", lab.shop.replace('/', "%2F"))),
        "and back to there"
    );

    let mut bob = lab.signed_in("bob").await;
    for _ in 0..7 * 24 / 6 - 1 {
        lab.later(6 * 3_600);
        assert_eq!(bob.get("/").await.status, 200);
    }
    lab.later(6 * 3_600);
    assert_eq!(bob.get("/").await.to, "/login", "the week is over");
    assert_eq!(bob.post("/logout", &[("csrf", "any")]).await.to, "/login", "a form does nothing either");
}

#[tokio::test]
async fn a_cookie_that_we_did_not_sign_or_that_was_signed_out_lets_nobody_in() {
    let lab = Lab::start().await;
    let mut bob = lab.signed_in("bob").await;
    let good = bob.jar["fairway"].clone();
    let (id, signature) = good.split_once('.').expect("a signature");
    let other = CookieKey::new(&[8; 32]).sign("session", id);
    let purpose = CookieKey::new(&KEY).sign("login", id);
    let unknown = CookieKey::new(&KEY).sign("session", &"0".repeat(64));
    let (bare, cut) = (format!("{id}."), format!("{}.{signature}", &id[1..]));
    for bad in [id, &bare, &cut, &other, &purpose, &unknown, "", ".", "null"] {
        let mut browser = lab.browser();
        browser.jar.insert("fairway".into(), bad.to_owned());
        assert_eq!(browser.get("/").await.to, "/login", "{bad}");
    }

    let mut twin = lab.signed_in("bob").await;
    let csrf = bob.csrf("/account").await;
    let out = bob.post("/logout", &[("csrf", &csrf)]).await;
    assert_eq!((out.status, out.to.as_str()), (303, "/login?out=1"));
    assert!(bob.jar.is_empty(), "the browser is told to forget it");
    assert!(bob.get(&out.to).await.body.contains("You are signed out of Fairway"));
    bob.jar.insert("fairway".into(), good);
    assert_eq!(bob.get("/").await.to, "/login", "a copy of it opens nothing any more");

    assert_eq!(twin.get("/").await.status, 200, "his other browser is still signed in");
    let mut third = lab.signed_in("bob").await;
    let page = third.get("/account").await;
    assert_eq!((page.body.matches("this browser").count(), page.body.matches("another browser").count()), (1, 1));
    let csrf = third.csrf("/account").await;
    assert_eq!(third.post("/logout/everywhere", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(twin.get("/").await.to, "/login");
    let audit = lab.audit().await;
    assert_eq!(
        audit[2..],
        ["bob | sign out |  | done", "bob | sign in |  | done", "bob | sign out everywhere |  | done: 2 sessions"]
    );
}

#[tokio::test]
async fn signing_in_as_somebody_else_ends_the_older_session() {
    let lab = Lab::start().await;
    let mut browser = lab.signed_in("bob").await;
    let old = browser.jar["fairway"].clone();
    let answer = browser.sign_in(&lab, "mallory", "/account").await;
    assert_eq!(answer.to, "/account");
    assert!(browser.get("/account").await.body.contains("<h1>mallory</h1>"));
    browser.jar.insert("fairway".into(), old);
    assert_eq!(browser.get("/").await.to, "/login");
}

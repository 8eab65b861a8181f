//! From the button to GitHub and back.

use fairway::playground::faults::Trouble;
use fairway::web::login::cookie::CookieKey;

use crate::lab::{KEY, Lab, query_of};

#[tokio::test]
async fn from_a_check_through_github_to_its_page() {
    let lab = Lab::start().await;
    let encoded = lab.shop.replace('/', "%2F");
    let mut browser = lab.browser();
    let turned = browser.get(&lab.world.hub.repo("acme/shop").pull(1).checks()[0].details_url).await;
    assert_eq!((turned.status, turned.to.clone()), (303, format!("/login?to={encoded}")));
    let page = browser.get(&turned.to).await;
    assert!(page.body.contains("Sign in with GitHub") && page.body.contains(&format!("/login/github?to={encoded}\"")));
    assert!(browser.jar.is_empty(), "nothing is begun before the button is pressed");

    let off = browser.get(&format!("/login/github?to={encoded}")).await;
    let asked = query_of(&off.to);
    assert!(off.to.starts_with(&format!("{}/login/oauth/authorize?", lab.world.hub.url())), "{}", off.to);
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["redirect_uri"], format!("{}/login/callback", lab.url));
    assert!(asked["state"].len() >= 43, "nobody guesses it");
    let back = browser.get(&lab.says_yes(&off.to, "bob")).await;
    assert_eq!((back.status, &back.to), (303, &lab.shop), "{}", back.body);
    let names: Vec<&str> = browser.jar.keys().map(String::as_str).collect();
    assert_eq!(names, ["fairway"], "what was begun is over");
    let run = browser.get(&back.to).await;
    assert_eq!(run.status, 200);
    for part in ["acme/shop", "href=\"/account\"", ">bob</a>", "id=\"sign-out\""] {
        assert!(run.body.contains(part), "{part} is missing in {}", run.body);
    }
    assert!(lab.world.hub.look(|hub| hub.logins.tokens.is_empty()), "Fairway keeps no token of theirs alive");
    assert_eq!(lab.audit().await, ["bob | sign in |  | done"]);
    assert_eq!(browser.get(&turned.to).await.to, lab.shop, "whoever is signed in is not asked again");
    lab.world.finish().await;
}

#[tokio::test]
async fn a_forged_state_signs_nobody_in() {
    let lab = Lab::start().await;
    // Somebody's link: they began, and send the end of it to bob, who would then act in their name.
    let mut mallory = lab.browser();
    let link = mallory.begin(&lab, "mallory", "/").await;
    let fresh = lab.browser().get(&link).await;
    let mut bob = lab.browser();
    bob.begin(&lab, "bob", "/").await;
    let crossed = bob.get(&link).await;
    // His own state, with a cookie that was not signed here, or for another purpose.
    let mut forger = lab.browser();
    let back = forger.begin(&lab, "bob", "/").await;
    let state = query_of(&back)["state"].clone();
    let begun = format!("{}~{state}~{}~/", lab.world.hand.now(), "v".repeat(64));
    let mut answers = vec![fresh, crossed];
    for cookie in [
        format!("{begun}.{}", "0".repeat(64)),
        CookieKey::new(&[8; 32]).sign("login", &begun),
        CookieKey::new(&KEY).sign("session", &begun),
        CookieKey::new(&KEY).sign("login", &state),
    ] {
        forger.jar.insert("fairway-login".into(), cookie);
        answers.push(forger.get(&back).await);
    }
    for bad in ["", "?code=x", "?state=&code=x", "?code=x&state=guessed"] {
        let mut browser = lab.browser();
        browser.begin(&lab, "bob", "/").await;
        answers.push(browser.get(&format!("/login/callback{bad}")).await);
        assert!(!browser.jar.contains_key("fairway"), "{bad}");
    }
    for answer in answers {
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains("This sign-in was not begun here"), "{}", answer.body);
    }
    assert!(!bob.jar.contains_key("fairway") && !forger.jar.contains_key("fairway"));
    assert!(lab.audit().await.is_empty(), "nobody was signed in");
}

#[tokio::test]
async fn a_state_works_once_also_with_the_cookie_that_belongs_to_it() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    let back = browser.begin(&lab, "bob", "/").await;
    let begun = browser.jar["fairway-login"].clone();
    assert_eq!(browser.get(&back).await.status, 303);
    assert_eq!(browser.get(&back).await.status, 400, "the cookie is gone from his browser");
    // Somebody kept both, and even has a code that GitHub would take.
    let fresh = query_of(&lab.browser().begin(&lab, "bob", "/").await)["code"].clone();
    let with_fresh = back.replace(&query_of(&back)["code"], &fresh);
    for address in [&back, &with_fresh] {
        let mut thief = lab.browser();
        thief.jar.insert("fairway-login".into(), begun.clone());
        let answer = thief.get(address).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("This sign-in was used before"), "{}", answer.body);
        assert!(!thief.jar.contains_key("fairway"));
    }
    assert_eq!(lab.audit().await.len(), 1);
}

#[tokio::test]
async fn a_code_of_somebody_elses_sign_in_is_refused_by_its_proof() {
    let lab = Lab::start().await;
    let stolen = query_of(&lab.browser().begin(&lab, "olivia", "/").await)["code"].clone();
    let mut mallory = lab.browser();
    let back = mallory.begin(&lab, "mallory", "/").await;
    let own = query_of(&back)["code"].clone();
    let answer = mallory.get(&back.replace(&own, &stolen)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("GitHub does not take this sign-in any more"), "{}", answer.body);
    assert!(!mallory.jar.contains_key("fairway") && lab.audit().await.is_empty());
}

#[tokio::test]
async fn who_takes_longer_than_ten_minutes_begins_again() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    let back = browser.begin(&lab, "bob", "/").await;
    lab.later(600);
    let answer = browser.get(&back).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("This sign-in took too long"), "{}", answer.body);
    assert_eq!(browser.sign_in(&lab, "bob", "/").await.status, 303);
}

#[tokio::test]
async fn nobody_is_led_elsewhere_by_signing_in() {
    let lab = Lab::start().await;
    for to in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%2fevil.example",
        "/runs/..//evil.example",
        "/\tevil.example",
        "javascript:alert(1)",
        "/login/github?to=/",
        "/logout",
        "/runs/1\r\nset-cookie: fairway=x",
    ] {
        let mut browser = lab.browser();
        let answer = browser.sign_in(&lab, "bob", to).await;
        assert_eq!((answer.status, answer.to.as_str()), (303, "/"), "{to:?}");
        let asked = percent_encoding::utf8_percent_encode(to, percent_encoding::NON_ALPHANUMERIC).to_string();
        assert_eq!(browser.get(&format!("/login?to={asked}")).await.to, "/", "{to:?}");
        let page = lab.browser().get(&format!("/login?to={asked}")).await;
        assert!(page.body.contains("href=\"/login/github\"") && !page.body.contains("evil"), "{}", page.body);
    }
    for path in ["//evil.example", "/runs/1?to=//evil.example", "/%2fevil.example"] {
        let turned = lab.browser().get(path).await;
        assert_eq!((turned.status, turned.to.as_str()), (303, "/login"), "{path}");
    }
    // The place stands in the signed cookie, so it cannot be changed on the way.
    let mut browser = lab.browser();
    let back = browser.begin(&lab, "bob", "/runs/1").await;
    let begun = browser.jar["fairway-login"].replace("~/runs/1.", "~//evil.example.");
    browser.jar.insert("fairway-login".into(), begun);
    assert_eq!(browser.get(&back).await.status, 400);
}

#[tokio::test]
async fn a_no_and_every_trouble_of_githubs_are_told_and_sign_nobody_in() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    let off = browser.get("/login/github").await;
    let no = lab.world.hub.look(|hub| hub.decline(&hub.authorization(&query_of(&off.to)).expect("a page")));
    let answer = browser.get(&no).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("You said no at GitHub"), "{}", answer.body);

    for (method, path, trouble) in [
        ("POST", "/login/oauth/access_token", Trouble::BadGatewayBefore),
        ("POST", "/login/oauth/access_token", Trouble::Html),
        ("GET", "/user", Trouble::BadGatewayBefore),
        ("GET", "/user", Trouble::Secondary(60)),
    ] {
        lab.world.hub.act(|hub| {
            hub.switches.next(1, method, path, trouble);
        });
        let answer = browser.sign_in(&lab, "bob", "/").await;
        assert_eq!(answer.status, 503, "{path} {trouble:?}: {}", answer.body);
        assert!(answer.body.contains("GitHub cannot be asked who you are"), "{}", answer.body);
    }
    assert!(!browser.jar.contains_key("fairway") && lab.audit().await.is_empty());

    // What ends the token fails: it ends by itself, and nobody is kept out for that.
    lab.world.hub.act(|hub| {
        hub.switches.next(1, "DELETE", "/applications/*", Trouble::BadGatewayBefore);
    });
    assert_eq!(browser.sign_in(&lab, "bob", "/").await.status, 303);

    lab.world.hub.act(|hub| hub.app.client_secret = "another".into());
    let answer = lab.browser().sign_in(&lab, "bob", "/").await;
    assert_eq!(answer.status, 502);
    assert!(answer.body.contains("FAIRWAY_CLIENT_SECRET"), "{}", answer.body);
    let callback = format!("{}/elsewhere", lab.url);
    lab.world.hub.act(|hub| hub.app.callback_urls = vec![callback]);
    let mut browser = lab.browser();
    let off = browser.get("/login/github").await;
    let asked = query_of(&off.to);
    let told = lab.world.hub.look(|hub| hub.authorization(&asked).expect_err("GitHub does not know the address"));
    let fairway::playground::people::NoAuthorization::Mismatch(Some(to)) = told else { panic!("{told:?}") };
    // GitHub sends people to the App's own address; an operator who meets it there reads what to do.
    let answer = browser.get(&to.replace("/elsewhere", "/login/callback")).await;
    assert_eq!(answer.status, 502);
    assert!(answer.body.contains("has to be one of the App") && answer.body.contains("/login/callback"));
}

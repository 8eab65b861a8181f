//! What people do: by our own forms alone, by those who may, and noted.

use crate::lab::Lab;

#[tokio::test]
async fn an_admin_does_what_the_command_line_can_and_it_stands_in_the_audit() {
    for login in ["alice", "olivia"] {
        let lab = Lab::start().await;
        let job = lab.dead_job().await;
        let mut browser = lab.signed_in(login).await;
        let csrf = browser.csrf("/jobs").await;
        let done = browser.post(&format!("/jobs/{job}/retry"), &[("csrf", &csrf)]).await;
        assert_eq!((done.status, done.to.as_str()), (303, "/jobs"), "{login}: {}", done.body);
        let again = browser.post(&format!("/jobs/{job}/retry"), &[("csrf", &csrf)]).await;
        assert_eq!(again.status, 303);
        let audit = lab.audit().await;
        let [.., first, second] = audit.as_slice() else { panic!("{audit:?}") };
        let start = format!("{login} | retry | job {job} | ");
        assert!(first.starts_with(&format!("{start}done: it goes on as job ")), "{first}");
        assert_eq!(*second, format!("{start}nothing done: the job is not dead"));
        let page = browser.get("/audit").await;
        for part in [login, "retry", &format!("job {job}"), "it goes on as job", "sign in"] {
            assert!(page.body.contains(part), "{part} is missing in {}", page.body);
        }
    }
}

#[tokio::test]
async fn a_form_without_the_sessions_own_token_or_from_another_site_does_nothing() {
    let lab = Lab::start().await;
    let job = lab.dead_job().await;
    let path = format!("/jobs/{job}/retry");
    let mut alice = lab.signed_in("alice").await;
    let csrf = alice.csrf("/jobs").await;
    let of_bob = lab.signed_in("bob").await.csrf("/account").await;
    let of_twin = lab.signed_in("alice").await.csrf("/account").await;
    let begun = lab.audit().await.len();

    let (short, upper) = (&csrf[1..], csrf.to_uppercase());
    let wrong: [&[(&str, &str)]; 8] = [
        &[],
        &[("csrf", "")],
        &[("csrf", "guessed")],
        &[("csrf", short)],
        &[("csrf", &upper)],
        &[("csrf", &of_bob)],
        &[("csrf", &of_twin)],
        &[("csrf", &csrf), ("csrf", "last")],
    ];
    for fields in wrong {
        let answer = alice.post(&path, fields).await;
        assert_eq!(answer.status, 403, "{fields:?}");
        assert!(answer.body.contains("This form is too old"), "{}", answer.body);
    }
    let own = lab.url.clone();
    let elsewhere: [&[(&str, &str)]; 6] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
        &[("origin", &own), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
    ];
    for headers in elsewhere {
        let answer = alice.post_from(&path, &[("csrf", &csrf)], headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    for path in ["/logout", "/logout/everywhere"] {
        assert_eq!(alice.post(path, &[]).await.status, 403, "nobody is signed out by a link");
        assert_eq!(alice.get(path).await.status, 405, "{path}");
    }
    assert_eq!(lab.world.dead().await.len(), 1, "nothing was done");
    assert_eq!(alice.get("/").await.status, 200, "and she is still here");
    let audit = lab.audit().await;
    assert_eq!(audit.len() - begun, wrong.len() + elsewhere.len() + 2);
    assert!(audit[begun..].iter().all(|line| line.contains(" | refused: the form ")), "{audit:#?}");
}

#[tokio::test]
async fn who_may_not_is_refused_in_words_and_noted() {
    let lab = Lab::start().await;
    let job = lab.dead_job().await;
    for login in ["bob", "mallory"] {
        let mut browser = lab.signed_in(login).await;
        let csrf = browser.csrf("/account").await;
        let forms: [(&str, &[(&str, &str)]); 2] = [
            (&format!("/jobs/{job}/retry"), &[("csrf", &csrf)]),
            ("/engines/drain", &[("csrf", &csrf), ("address", "unix:///e.sock"), ("drain", "true")]),
        ];
        for (path, fields) in forms {
            let answer = browser.post(path, fields).await;
            assert_eq!(answer.status, 403, "{login} {path}");
            assert!(answer.body.contains("owners of acme") && answer.body.contains("FAIRWAY_ADMINS"));
        }
    }
    assert_eq!(lab.world.dead().await.len(), 1);
    assert!(lab.world.ctx.drained().await.expect("the store answers").is_empty());
    let audit = lab.audit().await;
    assert_eq!(audit.iter().filter(|line| line.ends_with("refused: not an admin")).count(), 4, "{audit:#?}");
}

#[tokio::test]
async fn what_is_no_form_of_ours_is_not_there_and_nobody_without_a_session_posts() {
    let lab = Lab::start().await;
    let mut alice = lab.signed_in("alice").await;
    let csrf = alice.csrf("/account").await;
    let begun = lab.audit().await.len();
    for path in ["/", "/runs/1", "/jobs/x/retry", "/jobs/1", "/audit", "/none"] {
        assert_eq!(alice.post(path, &[("csrf", &csrf)]).await.status, 404, "{path}");
    }
    let long = "x".repeat(70_000);
    assert_eq!(alice.post("/logout", &[("csrf", &csrf), ("more", &long)]).await.status, 413);
    assert_eq!(lab.browser().post("/jobs/1/retry", &[("csrf", &csrf)]).await.to, "/login");
    assert_eq!(lab.audit().await.len(), begun, "nothing was begun");
    lab.world.finish().await;
}

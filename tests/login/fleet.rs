//! The pages over all repositories, and their one button.

use std::time::Duration;

use crate::lab::Lab;

#[tokio::test]
async fn repositories_are_listed_for_those_who_read_them_and_an_admin_asks_for_a_pull_request() {
    let lab = Lab::start().await;
    let made = lab.world.hub.create("acme/quiet", &[("Makefile", "test:\n\ttrue\n")]);
    lab.world.pass(Duration::from_secs(5)).await;
    let mut alice = lab.signed_in("alice").await;
    let page = alice.get("/repositories").await.body;
    for part in ["acme/quiet", "switched off", "Open it", "not asked"] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    let mut mallory = lab.signed_in("mallory").await;
    assert!(!mallory.get("/repositories").await.body.contains("Open it"));
    let path = format!("/repositories/{}/onboard", made.id());
    let csrf = mallory.csrf("/account").await;
    assert_eq!(mallory.post(&path, &[("csrf", &csrf)]).await.status, 403);
    let csrf = alice.csrf("/repositories").await;
    let done = alice.post(&path, &[("csrf", &csrf)]).await;
    assert_eq!((done.status, done.to.as_str()), (303, "/repositories"), "{}", done.body);
    lab.world.pass(Duration::from_secs(5)).await;
    let page = alice.get("/repositories").await.body;
    assert!(page.contains("its pull request is open") && page.contains("/acme/quiet/pull/1"), "{page}");
    let audit = lab.audit().await;
    assert!(
        audit.iter().any(|line| *line == format!("alice | onboard | repository {} | done", made.id())),
        "{audit:?}"
    );
    let page = alice.get("/plans").await.body;
    assert!(page.contains("No repository follows a plan yet"), "{page}");
}

//! What is kept of a run: reports, exports, caches.

use fairway::domain::project::{Report, ReportKind};
use fairway::engine::Outcome;
use fairway::settings::Secret;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_read_also_when_a_step_failed_and_hides_secrets() {
    let mut desk = Desk::plain().await;
    desk.spec.reports = vec![Report { kind: ReportKind::Junit, path: "out/*.xml".into() }];
    desk.spec.secrets.insert("KEY".into(), Secret::new("hunter22&co"));
    let write =
        r#"mkdir out; echo "<f>$KEY</f><f>hunter22&amp;co</f>" > out/a.xml; ln -s /etc/passwd out/b.xml; exit 1"#;
    let said = desk.run(&[write]).await;
    assert_eq!(said.outcome, Outcome::Failed, "{}", said.log);
    assert_eq!(said.reports, [("out/a.xml".to_owned(), b"<f>***</f><f>***</f>\n".to_vec())]);
    assert_eq!(said.notes, ["The report out/b.xml was not read: it leads out of the checkout."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_one_digest_and_leads_nowhere() {
    let mut desk = Desk::plain().await;
    desk.spec.export = Some("dist".into());
    let first = desk.run(&["mkdir -p dist/bin", "echo app > dist/bin/app; ln -s bin/app dist/run"]).await;
    assert_eq!(first.outcome, Outcome::Success, "{}", first.log);
    let again = desk.run(&["mkdir -p dist/bin; echo app > dist/bin/app; ln -s bin/app dist/run"]).await;
    assert_eq!(first.digests, again.digests);
    let kept = desk.data().join("exports").join(&first.digests[0]).join("run");
    assert_eq!(std::fs::read_to_string(kept).expect("the kept file"), "app\n");
    let said = desk.run(&["mkdir dist; ln -s ../../../data dist/x"]).await;
    assert!(matches!(&said.outcome, Outcome::Impossible(why) if why.contains("leads out")), "{:?}", said.outcome);
    let said = desk.run(&["mkdir dist; exit 1"]).await;
    assert_eq!((said.outcome, said.digests.len()), (Outcome::Failed, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_outlives_its_run_wherever_it_is_laid() {
    let mut desk = Desk::with(&[("real/x", "x")], |_| {}).await;
    if !desk.boxed() {
        return;
    }
    let caches = ["target", "/usr/local/cargo/registry", "/cache/deep", "/tmp/kept"];
    desk.spec.caches = caches.map(str::to_owned).into();
    let put = caches.map(|dir| format!("echo kept > {dir}/word")).join("; ");
    let said = desk.run(&[&put]).await;
    assert_eq!(said.outcome, Outcome::Success, "{}", said.log);
    let look = caches.map(|dir| format!("cat {dir}/word")).join("; ");
    let said = desk.run(&[&look, "ls /usr/local/bin"]).await;
    assert_eq!(said.outcome, Outcome::Success, "{}", said.log);
    assert!(said.log.starts_with("kept\nkept\nkept\nkept\n"), "{}", said.log);
    desk.spec.cache_scope = "1-untrusted".into();
    assert_eq!(desk.run(&["cat target/word"]).await.outcome, Outcome::Failed, "another scope has its own");
    desk.spec.caches = vec!["link".into()];
    let said = desk.run(&["rmdir link; ln -s real link", "true"]).await;
    assert!(!matches!(said.outcome, Outcome::Success), "a link is no place for a cache: {}", said.log);
}

//! Ends of steps, their environment, and what is hidden of it.

use std::time::Duration;

use fairway::engine::{Outcome, StepExit};
use fairway::settings::Secret;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_arrive_as_they_are() {
    let mut desk = Desk::plain().await;
    let said = desk.run(&["true", "cat README.md"]).await;
    assert_eq!((said.outcome, said.log.as_str()), (Outcome::Success, "hello\n"));
    assert_eq!(said.exits, [StepExit::Code(0), StepExit::Code(0)]);
    for (step, code) in [
        ("exit 1", 1),
        ("./README.md", 126),
        ("no-such-program", 127),
        ("kill -9 $$", 137),
        ("exit 137", 137),
        ("exit 255", 255),
        ("false; true", 1),
    ] {
        let said = desk.run(&[step, "echo never"]).await;
        assert_eq!(said.outcome, Outcome::Failed, "{step}: {}", said.log);
        assert_eq!(said.exits, [StepExit::Code(code)], "{step}: {}", said.log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_has_its_variables_and_no_others_and_its_secrets_are_hidden() {
    let mut desk = Desk::plain().await;
    desk.spec.env.insert("COLOUR".into(), "green = \"yes\"\nand more".into());
    desk.spec.secrets.insert("KEY".into(), Secret::new("hunter22-hunter22".to_owned()));
    let said = desk.run(&["env; read x || echo nothing to read; echo $KEY | sed s/hunter/Hunter/"]).await;
    assert!(said.log.contains("COLOUR=green = \"yes\"\nand more"), "{}", said.log);
    assert!(said.log.contains("KEY=***\n") && said.log.contains("nothing to read"), "{}", said.log);
    assert!(said.log.contains("Hunter22"), "the step had the real value: {}", said.log);
    assert!(said.log.contains("TMPDIR=") && !said.log.contains("CARGO_BIN") && !said.log.contains("hunter22-hunter22"));
}

/// The checkout's own `bwrap`, and a PATH that leads to it, must not become the sandbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_cannot_choose_its_own_sandbox() {
    let fake = "#!/bin/sh\necho ESCAPED\n";
    let mut desk = Desk::with(&[("bin/bwrap", fake), ("bin/sh", fake)], |_| {}).await;
    let steps = ["chmod +x bin/*", "echo still kept"];
    desk.spec.env.insert("PATH".into(), "./bin:bin:/fairway/source/bin:/usr/bin:/bin".into());
    desk.spec.env.insert("LD_PRELOAD".into(), "/nowhere/evil.so".into());
    desk.spec.env.insert("BASH_ENV".into(), "./bin/sh".into());
    let said = desk.run(&steps).await;
    assert_eq!(said.outcome, Outcome::Success, "{}", said.log);
    assert!(said.log.contains("still kept") && !said.log.contains("ESCAPED"), "{}", said.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_sees_nothing_of_fairway() {
    let mut desk = Desk::plain().await;
    if !desk.boxed() {
        return;
    }
    let data = desk.data();
    std::fs::create_dir_all(data.join("runs/other-1/source")).expect("made");
    for file in ["key.pem", "fairway.db", "runs/other-1/source/code"] {
        std::fs::write(data.join(file), "CANARY").expect("written");
    }
    let look = format!(
        "set +e; ls {0} && exit 3; cat {0}/key.pem {0}/fairway.db {0}/runs/other-1/source/code; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; \
         cat /proc/[0-9]*/cmdline; touch /usr/x /x /dev/x /run/x /etc/x 2>/dev/null && exit 4; ls -l /proc/self/fd | sed s/^/FD/; true",
        data.display()
    );
    desk.spec.secrets.insert("KEY".into(), Secret::new("hunter22-hunter22".to_owned()));
    let said = desk.go_with(&[&look]).await;
    assert_eq!(said.outcome, Outcome::Success, "{}", said.log);
    assert!(!said.log.contains("CANARY") && !said.log.contains("CARGO_MANIFEST_DIR"), "{}", said.log);
    let open = |word: &str| said.log.lines().any(|line| line.starts_with("FD") && line.contains(word));
    assert!(open("/dev/null") && !open("memfd") && !open(".lock"), "a descriptor leaks: {}", said.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_and_people_end_a_step_and_a_trap_is_heard() {
    let mut desk = Desk::plain().await;
    let step = "trap 'echo tidied; exit 3' TERM; echo began; while :; do sleep 1; done";
    desk.spec.timeout = Duration::from_secs(3);
    let said = desk.run(&[step]).await;
    assert_eq!((said.outcome, said.exits), (Outcome::TimedOut, vec![StepExit::TimedOut]));
    assert!(said.log.contains("tidied"), "{}", said.log);
    desk.spec.timeout = Duration::from_secs(120);
    desk.spec.steps = vec![step.into()];
    let said = desk.go(Some("began")).await;
    assert_eq!((said.outcome, said.exits), (Outcome::Cancelled, vec![StepExit::Cancelled]));
    assert!(said.log.contains("tidied"), "{}", said.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_is_said_once_and_a_guard_that_is_not_there_is_ours() {
    let mut desk = Desk::with(&[(".gitmodules", "[submodule \"x\"]\npath = x\nurl = ../x\n")], |_| {}).await;
    let said = desk.run(&["true"]).await;
    assert_eq!(said.notes, ["Submodules are not fetched: their directories are empty."]);
    let good = desk.spec.clone();
    desk.spec.sha = "1234567890123456789012345678901234567890".into();
    let gone = desk.run(&["true"]).await.outcome;
    assert!(matches!(&gone, Outcome::Impossible(why) if why.contains("not in the repository")), "{gone:?}");
    desk.spec = good.clone();
    desk.spec.clone_url = good.clone_url.replace("shop", "nothing");
    assert!(matches!(desk.run(&["true"]).await.outcome, Outcome::Impossible(why) if why.contains("no access")));
    desk.spec = good.clone();
    desk.spec.clone_url = "http://127.0.0.1:9/acme/shop.git".into();
    let outcome = desk.run(&["true"]).await.outcome;
    assert!(matches!(&outcome, Outcome::Broken(why) if why.contains("could not fetch")), "{outcome:?}");
    desk.spec = good.clone();
    desk.spec.caches = vec!["/etc".into()];
    assert!(matches!(desk.run(&["true"]).await.outcome, Outcome::Impossible(why) if why.contains("`/etc`")));
    desk.spec = good;
    let broken = fairway::engine::local::Config { exe: "/bin/true".into(), ..desk.config() };
    let engine = std::mem::replace(&mut desk.engine, fairway::engine::local::Local::for_playing(broken));
    let said = desk.run(&["true"]).await;
    assert!(matches!(&said.outcome, Outcome::Broken(why) if why.contains("guard")), "{:?}", said.outcome);
    desk.engine = engine;
    desk.spec.fork = true;
    assert!(matches!(desk.run(&["true"]).await.outcome, Outcome::Refused(why) if why.contains("fork")));
}

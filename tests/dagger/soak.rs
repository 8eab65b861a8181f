//! Too large for every day: `FAIRWAY_SOAK=1` together with `FAIRWAY_TEST_DAGGER`.

use std::time::Duration;

use fairway::engine::Outcome;
use fairway::engine::RunSpec;
use fairway::playground::{Playground, PlaygroundOptions};

use super::served::{self, Served};
use super::{Lab, real};

fn soak() -> Option<String> {
    if std::env::var_os("FAIRWAY_SOAK").is_none() {
        println!("left out: a log of 1 GB and an export of a million files; set FAIRWAY_SOAK=1");
        return None;
    }
    real()
}

/// The most memory that a process has had so far, in MB.
fn most_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says so");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") / 1_024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_prints_a_gigabyte_leaves_fairways_memory_flat() {
    let Some(runner) = soak() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let hub = Playground::start(PlaygroundOptions::in_dir(dir.path().join("hub"))).await.expect("a playground");
    hub.cast();
    let word = uuid::Uuid::new_v4();
    let line = format!("yes {} | head -c 1000000000; echo; echo the end", word.to_string().repeat(4));
    let file = format!("[pipeline.test]\ntimeout = \"20m\"\nrun = [\"{line}\"]\n");
    let shop = hub.create("acme/shop", &[("a", "1\n")]);
    let mut settings = served::settings(&hub, &dir.path().join("data"));
    settings.retain(|(name, _)| *name != "FAIRWAY_ENGINE");
    settings.extend([("FAIRWAY_ENGINE", "dagger".to_owned()), ("FAIRWAY_ENGINES", runner)]);
    let served = Served::start(settings).await;
    hub.set_webhook_url(&served.hook);
    let begin = std::time::Instant::now();
    shop.push("bob", "change", "Change", &[("fairway.toml", Some(&file))]);
    let pull = shop.open_pull("bob", "change", "Print");
    while pull.checks().iter().all(|check| check.conclusion.is_none()) {
        assert!(begin.elapsed() < Duration::from_secs(1_200), "it does not end");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let check = pull.checks().remove(0);
    println!("1 GB through a Dagger engine: {:?}, {} MB at most", begin.elapsed(), most_memory(served.pid()));
    assert_eq!(check.conclusion.as_deref(), Some("success"), "{check:#?}");
    // What an engine tells in one piece is held whole, 17 MB of it were seen; the log is not.
    assert!(most_memory(served.pid()) < 250, "{} MB", most_memory(served.pid()));
    served.stop().await;
    hub.finish();
}

#[tokio::test]
async fn an_export_of_a_million_files_is_refused_in_words() {
    let Some(runner) = soak() else { return };
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let line = "mkdir out; cd out; for d in $(seq 100); do mkdir $d; (cd $d; seq 10000 | xargs touch); done";
    let begin = std::time::Instant::now();
    let spec = RunSpec { export: Some("out".to_owned()), timeout: Duration::from_secs(1_200), ..lab.spec(&[line]) };
    let (outcome, said) = lab.run(spec).await;
    println!("an export of a million files: {outcome:?} after {:?}", begin.elapsed());
    assert!(
        matches!(&outcome, Outcome::Impossible(why) if why.contains("200000 files; pack them into one")),
        "{outcome:?}"
    );
    assert_eq!(said.export, None);
}

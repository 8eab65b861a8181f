//! 5: 5,000 jobs wait, the process is killed, another one starts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fairway::playground::Playground;

use crate::hub;
use crate::load;
use crate::process::Served;
use crate::report::{Goal, Report};

/// Commands that wait.
const WAITING: usize = 5_000;
/// Installations that they are spread over, so that GitHub's limits of 180 writes a minute are not what is measured.
const INSTALLATIONS: usize = 100;
/// Longest wait for the end.
const PATIENCE: Duration = Duration::from_secs(240);

/// What stands at GitHub's side.
#[derive(Default)]
struct Found {
    /// Commands with the reaction that says they are answered.
    answered: usize,
    /// Reactions or sticky comments that are there twice.
    doubled: usize,
    /// Any reaction at all.
    effects: usize,
}

/// Measures it.
pub async fn measure(report: &mut Report) {
    let dir = tempfile::tempdir().expect("a folder");
    let hub = hub::start(dir.path()).await;
    hub::organisations(&hub, INSTALLATIONS, &[("a.txt", "a\n")]);
    for org in 0..INSTALLATIONS {
        let pull = hub::pull(&hub, org, org);
        for _ in 0..WAITING / INSTALLATIONS {
            pull.comment("bob", "/status");
        }
    }
    let parcels = Arc::new(hub::recorded(&hub, "issue_comment", "created"));
    let url = hub.url();
    let served = Served::start(dir.path(), &url, &[]);
    let load = load::run(served.public, &parcels, (64, WAITING)).await;
    let before = found(&hub);
    served.kill();
    report.row("recovery: accepted before SIGKILL", (load.accepted as f64, ""), Goal::Least(WAITING as f64));
    report.row("recovery: answered before SIGKILL", (before.answered as f64, ""), Goal::Told);

    let effects = found(&hub).effects;
    let begin = Instant::now();
    let watching = tokio::spawn(first_effect(hub.clone(), effects, begin));
    let served = Served::start(dir.path(), &url, &[]);
    let first = watching.await.expect("the watch ends").unwrap_or(f64::INFINITY);
    report.row("recovery: start of the process to the first effect", (first, "ms"), Goal::Below(1_000.0));
    while found(&hub).answered < WAITING && begin.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let took = begin.elapsed().as_secs_f64();
    let after = found(&hub);
    report.row("recovery: all done after", (took, "s"), Goal::Told);
    report.row("recovery: commands lost", ((WAITING - after.answered) as f64, ""), Goal::Below(1.0));
    report.row("recovery: GitHub objects there twice", (after.doubled as f64, ""), Goal::Below(1.0));
    served.kill();
    hub.shutdown();
}

/// Milliseconds until there is one more reaction than before.
async fn first_effect(hub: Playground, before: usize, begin: Instant) -> Option<f64> {
    while begin.elapsed() < PATIENCE {
        if found(&hub).effects > before {
            return Some(begin.elapsed().as_secs_f64() * 1_000.0);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}

fn found(hub: &Playground) -> Found {
    hub.look(|world| {
        let mut found = Found::default();
        for repo in world.repos.values() {
            let mut sticky: BTreeMap<u64, usize> = BTreeMap::new();
            for comment in repo.comments.values() {
                if comment.by_app {
                    *sticky.entry(comment.number).or_default() += 1;
                    continue;
                }
                let count = |content: &str| comment.reactions.iter().filter(|r| r.content == content).count();
                found.effects += comment.reactions.len();
                found.answered += usize::from(count("rocket") > 0);
                found.doubled += usize::from(count("rocket") > 1) + usize::from(count("eyes") > 1);
            }
            found.doubled += sticky.values().filter(|n| **n > 1).count();
            let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
            for check in repo.checks.values() {
                *runs.entry(&check.external_id).or_default() += 1;
            }
            found.doubled += runs.values().filter(|n| **n > 1).count();
        }
        found
    })
}

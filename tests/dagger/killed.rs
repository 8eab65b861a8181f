//! SIGKILL of a `fairway serve` in each phase of a run on a real engine, and a start again: no run is lost, none ends twice,
//! and nothing is left behind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fairway::playground::faults::Trouble;
use fairway::playground::{Playground, PlaygroundOptions, PullDesk, RepoDesk};

use super::real;
use super::served::{self, Served};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let seen = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, seen).await.is_ok(), "not seen: {what}");
}

/// Files of `/proc` that have this word.
pub fn processes(file: &str, word: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let has = |entry: &std::fs::DirEntry| {
        std::fs::read(entry.path().join(file)).is_ok_and(|text| String::from_utf8_lossy(&text).contains(word))
    };
    entries.filter(has).count()
}

/// The directories of a Fairway's sessions.
fn homes(pid: u32) -> Vec<PathBuf> {
    let ours = format!("fairway-session-{pid}-");
    let entries = std::fs::read_dir(std::env::temp_dir()).expect("a directory").flatten();
    let homes = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&ours));
    homes.map(|entry| entry.path()).collect()
}

/// Where in a run its Fairway is killed.
#[derive(Clone, Copy, Debug)]
enum Phase {
    SessionStarts,
    Cloning,
    FirstStep,
    BetweenSteps,
    LastStep,
    Export,
    HalfKept,
    Kept,
    Ended,
    /// So many milliseconds after the push.
    At(u64),
}

struct World {
    hub: Playground,
    shop: RepoDesk,
    pull: Option<PullDesk>,
    settings: Vec<(&'static str, String)>,
    /// While it exists, sessions take two seconds to start.
    slow: PathBuf,
    exports: PathBuf,
}

impl World {
    async fn new(dir: &Path, runner: &str) -> World {
        // Sessions run as somebody else.
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("opened");
        let hub = Playground::start(PlaygroundOptions::in_dir(dir.join("hub"))).await.expect("a playground");
        hub.cast();
        let shop = hub.create("acme/shop", &[("a", "1\n")]);
        let data = dir.join("data");
        let mut settings = served::settings(&hub, &data);
        let slow = dir.join("slow");
        let text = format!("#!/bin/sh\n[ -e {} ] && sleep 2.0421\nexec dagger \"$@\"\n", slow.display());
        std::fs::write(dir.join("text"), text).expect("written");
        // Copied by another process, or it might be busy at the first start.
        let copy = "cp \"$1/text\" \"$1/dagger\"; chmod 755 \"$1/dagger\"";
        let copied = std::process::Command::new("sh").args(["-c", copy, "sh"]).arg(dir).status().expect("sh");
        assert!(copied.success());
        settings.retain(|(name, _)| *name != "FAIRWAY_ENGINE");
        settings.extend([
            ("FAIRWAY_ENGINE", "dagger".to_owned()),
            ("FAIRWAY_ENGINES", runner.to_owned()),
            ("FAIRWAY_DAGGER_CLI", dir.join("dagger").display().to_string()),
        ]);
        World { hub, shop, pull: None, settings, slow, exports: data.join("exports") }
    }

    /// A push whose pipeline carries this word.
    fn push(&mut self, word: &str) {
        let file = format!(
            "[pipeline.test]\nexport = \"dist\"\nrun = [\"sleep 1; : {word} first\", \"sleep 0.5; : {word} second\", \
             \"mkdir dist; cd dist; seq 4000 | split -a 4 -l 1; echo {word} > word\"]\n"
        );
        self.shop.push("bob", "change", "Change", &[("fairway.toml", Some(&file))]);
        if self.pull.is_none() {
            self.pull = Some(self.shop.open_pull("bob", "change", "Make it two"));
        }
    }

    fn pull(&self) -> &PullDesk {
        self.pull.as_ref().expect("something was pushed")
    }

    fn concluded(&self) -> bool {
        self.pull().checks().iter().any(|check| check.conclusion.is_some())
    }

    fn status(&self) -> String {
        self.pull().checks().first().map(|check| check.status.clone()).unwrap_or_default()
    }

    async fn reach(&self, phase: Phase, (word, served): (&str, &Served), old: &[PathBuf]) {
        let (first, second) = (format!("{word} first"), format!("{word} second"));
        match phase {
            Phase::SessionStarts => {
                while !served.verb(&["jobs", "--state", "leased"]).await.contains("execute") {}
                until("its session starts", || processes("cmdline", "2.0421") > 0).await;
                assert_ne!(self.status(), "in_progress");
            }
            Phase::Cloning => {
                until("git is asked", || self.hub.look(|world| world.switches.rules.iter().all(|r| r.left == 0))).await;
            }
            Phase::FirstStep => until("its first step", || processes("cmdline", &first) > 0).await,
            Phase::BetweenSteps => {
                until("its first step", || processes("cmdline", &first) > 0).await;
                until("its end", || processes("cmdline", &first) == 0).await;
            }
            Phase::LastStep => {
                until("its second step", || processes("cmdline", &second) > 0).await;
                until("its end", || processes("cmdline", &second) == 0).await;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            Phase::Export => {
                let new = |home: &PathBuf| !old.contains(home) && home.join("export").exists();
                let begun = || homes(served.pid()).iter().any(new);
                until("its export", begun).await;
            }
            Phase::HalfKept => until("its export is copied", || self.kept("making-") > 0).await,
            Phase::Kept => {
                let whole = || self.kept("") - self.kept("making-");
                let before = whole();
                until("its export is kept", || whole() > before).await;
            }
            Phase::Ended => until("its check has ended", || self.concluded()).await,
            Phase::At(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }

    /// Exports, whole ones and halves, with names that begin so.
    fn kept(&self, begin: &str) -> usize {
        let entries = std::fs::read_dir(&self.exports).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(begin)).count()
    }

    /// Kills it there, looks at what is left, and starts it again.
    async fn kill(&mut self, phase: Phase, served: Served) -> Served {
        let word = uuid::Uuid::new_v4().to_string();
        match phase {
            Phase::SessionStarts => std::fs::write(&self.slow, "").expect("written"),
            Phase::Cloning => self.hub.silently(|world| {
                world.switches.next(1, "*", "/acme/shop.git/*", Trouble::Silence(3_000));
            }),
            _ => {}
        }
        let old = homes(served.pid());
        self.push(&word);
        self.reach(phase, (&word, &served), &old).await;
        let pid = served.pid();
        served.kill().await;
        let ended = self.concluded();
        assert!(
            !ended || matches!(phase, Phase::Ended | Phase::HalfKept | Phase::Kept | Phase::At(_)),
            "{phase:?}: it was too late"
        );
        // What the engine did for it ends without anybody's help.
        until("its containers are gone", || processes("cmdline", &word) == 0).await;
        let _ = std::fs::remove_file(&self.slow);
        self.hub.silently(|world| world.switches.rules.clear());
        let served = Served::start(self.settings.clone()).await;
        self.hub.set_webhook_url(&served.hook);
        assert_eq!(homes(pid), Vec::<PathBuf>::new(), "{phase:?}: directories of its sessions are left");
        let home = format!("fairway-session-{pid}-");
        until("its sessions are gone", || processes("environ", &home) == 0).await;
        until("the run has ended", || self.concluded()).await;
        let checks = self.pull().checks();
        let conclusions: Vec<_> = checks.iter().map(|check| check.conclusion.as_deref()).collect();
        assert_eq!(conclusions, [Some("success")], "{phase:?}: {checks:#?}");
        until("its containers are gone", || processes("cmdline", &word) == 0).await;
        served
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fairway_that_is_killed_in_any_phase_loses_no_run_and_leaves_nothing() {
    let Some(runner) = real() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut world = World::new(dir.path(), &runner).await;
    let mut served = Served::start(world.settings.clone()).await;
    world.hub.set_webhook_url(&served.hook);
    let mut ends = Vec::new();
    let known = [
        Phase::SessionStarts,
        Phase::Cloning,
        Phase::FirstStep,
        Phase::BetweenSteps,
        Phase::LastStep,
        Phase::Export,
        Phase::HalfKept,
        Phase::Kept,
        Phase::Ended,
    ];
    for phase in known.into_iter().chain([20, 90, 200, 450, 1_900, 2_200].map(Phase::At)) {
        served = world.kill(phase, served).await;
        let head = world.pull().head();
        let end: Vec<_> = world.shop.checks(&head).iter().map(|check| (check.id, check.completed_at)).collect();
        ends.push((head, end));
    }
    let pid = served.pid();
    let jobs = served.verb(&["jobs", "--state", "dead"]).await;
    assert!(jobs.contains("no jobs in state dead"), "{jobs}");
    served.stop().await;
    assert_eq!(world.kept(""), ends.len(), "one export a run, and no half of one");
    for (head, before) in ends {
        let now: Vec<_> = world.shop.checks(&head).iter().map(|c| (c.id, c.completed_at)).collect();
        assert_eq!(now, before, "it ended twice");
    }
    assert_eq!(homes(pid), Vec::<PathBuf>::new());
    world.hub.finish();
}

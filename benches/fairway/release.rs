//! 7: from a command to traffic, from a bad request to none, from a rollback to the old version: a real host, real processes,
//! real requests.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fairway::host::{Client, Target};
use fairway::playground::{Playground, PullDesk};

use crate::hub;
use crate::load::percentile;
use crate::process::{self, Served};
use crate::report::{Goal, Report};

/// Environments, one after another; each in an organisation of its own, because GitHub counts writes by installation.
const ENVIRONMENTS: usize = 10;
/// Longest wait for one thing.
const PATIENCE: Duration = Duration::from_secs(40);
/// One bad request is judged before the next one comes.
const JUDGED: Duration = Duration::from_millis(600);

/// A host in a process of its own.
struct Host {
    child: Child,
    state: std::path::PathBuf,
    target: Client,
}

impl Host {
    async fn start(dir: &Path) -> Host {
        let (state, admin) = (dir.join("host"), dir.join("host.sock"));
        let child = Command::new(env!("CARGO_BIN_EXE_fairway"))
            .args(["host", "--playground", "--bind", "127.0.0.1", "--state"])
            .arg(&state)
            .arg("--admin")
            .arg(&admin)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the host starts");
        let target = Client::new(admin);
        let begin = Instant::now();
        while target.observe("none").await.is_err() {
            assert!(begin.elapsed() < PATIENCE, "the host does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Host { child, state, target }
    }

    async fn end(mut self) {
        fairway::host::hold::stop_all(&self.state).await;
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

/// One environment and the pull request that deploys to it.
struct Place<'a> {
    hub: &'a Playground,
    org: usize,
    pull: PullDesk,
    address: String,
    http: reqwest::Client,
}

/// Measures it.
pub async fn measure(report: &mut Report) {
    let dir = tempfile::tempdir().expect("a folder");
    let hub = hub::start(dir.path()).await;
    let host = Host::start(dir.path()).await;
    let admin = dir.path().join("host.sock").display().to_string();
    let served = Served::start(dir.path(), &hub.url(), &[("FAIRWAY_HOST", &admin)]);
    hub.set_webhook_url(format!("http://{}/hook", served.public));
    let (mut first, mut back, mut abort) = (Vec::new(), Vec::new(), Vec::new());
    for org in 0..ENVIRONMENTS {
        let place = Place::make(&hub, org).await;
        first.push(place.first().await);
        back.push(place.rolled_back(&host.target).await);
        abort.push(place.aborted(&host.target).await);
    }
    let of = |mut all: Vec<f64>, part: f64| {
        all.sort_by(f64::total_cmp);
        percentile(&all, part)
    };
    let what = format!("of {ENVIRONMENTS}");
    report.row(
        format!("`/deploy` typed to the first answer, built before, p50 {what}"),
        (of(first.clone(), 0.5), "ms"),
        Goal::Below(2_000.0),
    );
    report.row(
        format!("`/deploy` typed to the first answer, built before, p99 {what}"),
        (of(first, 0.99), "ms"),
        Goal::Told,
    );
    report.row(
        format!("warm `/rollback` typed to the old version answering everybody, p50 {what}"),
        (of(back.clone(), 0.5), "ms"),
        Goal::Told,
    );
    report.row(
        format!("warm `/rollback` typed to the old version answering everybody, p99 {what}"),
        (of(back, 0.99), "ms"),
        Goal::Below(1_000.0),
    );
    report.row(
        format!("the deciding bad request to weight 0 at the host, p50 {what}"),
        (of(abort.clone(), 0.5), "ms"),
        Goal::Told,
    );
    report.row(
        format!("the deciding bad request to weight 0 at the host, p99 {what}"),
        (of(abort, 0.99), "ms"),
        Goal::Below(300.0),
    );
    served.kill();
    host.end().await;
    hub.shutdown();
}

/// `price` of a version: its number; the third fails whoever buys thirteen.
fn price(version: u32) -> String {
    let fault = if version == 3 { "[ \"$1\" != 13 ] || exit 1\n" } else { "" };
    format!("price() {{\n{fault}echo {version}\n}}\n")
}

impl Place<'_> {
    /// An organisation with a repository, and a pull request whose checks have passed.
    async fn make(hub: &Playground, org: usize) -> Place<'_> {
        let port = process::free_port().port();
        let exe = env!("CARGO_BIN_EXE_fairway");
        let project = format!(
            "[pipeline.image]\nrun = [\"mkdir -p dist\", \"cp price.sh dist/\"]\nexport = \"dist/\"\n\
             [environment.staging]\nrelease = \"image\"\nstart = '''\"{exe}\" sample price.sh --port \"$PORT\"'''\n\
             health = \"/healthz\"\nport = {port}\nstages = [\"10% 10m\", \"100%\"]\nstage_max = \"20m\"\nwatch = \"10m\"\n"
        );
        let name = format!("org{org}");
        hub.silently(|world| world.add_org(&name, &[("bob", fairway::playground::world::Role::Write)]));
        let shop = hub.create_as(&fairway::playground::people::NewRepo {
            full_name: &format!("{name}/shop"),
            private: false,
            files: &[("fairway.toml", &project), ("price.sh", &price(0))],
            by: "bob",
        });
        shop.push("bob", "change", "Version 1", &[("price.sh", Some(&price(1)))]);
        let pull = shop.open_pull("bob", "change", "A change");
        let place = Place { hub, org, pull, address: format!("http://127.0.0.1:{port}"), http: reqwest::Client::new() };
        place.checked().await;
        place
    }

    /// Waits until what the pull request's head exports is there.
    async fn checked(&self) {
        let shop = self.hub.repo(&format!("org{}/shop", self.org));
        let passed =
            || shop.checks(&self.pull.head()).iter().any(|check| check.conclusion.as_deref() == Some("success"));
        let begin = Instant::now();
        while !passed() {
            assert!(begin.elapsed() < PATIENCE, "org{}: its checks did not pass", self.org);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // GitHub tells whole seconds. Who comments within the second in which the head came may have meant the one before.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }

    /// What a client is told; `None` while nobody answers, or badly.
    async fn told(&self, client: u64, pieces: u32) -> Option<u32> {
        let asked = self.http.get(format!("{}/price?pieces={pieces}&cents=1", self.address));
        let answer = asked.header("cookie", format!("fairway-client={client:016x}")).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.text().await.ok()?.trim().parse().ok()
    }

    /// Milliseconds from now until everybody who asks is told this.
    async fn until(&self, version: u32) -> f64 {
        let begin = Instant::now();
        let mut client = 0;
        while self.told(client, 1).await != Some(version) {
            assert!(
                begin.elapsed() < PATIENCE,
                "org{}: version {version} never answered:\n{}",
                self.org,
                self.pull.timeline()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
            client += 1;
        }
        begin.elapsed().as_secs_f64() * 1_000.0
    }

    /// The first deploy, of what is built already.
    async fn first(&self) -> f64 {
        self.pull.comment("bob", "/deploy staging");
        self.until(1).await
    }

    async fn next(&self, version: u32) {
        let shop = self.hub.repo(&format!("org{}/shop", self.org));
        shop.push("bob", "change", "The next version", &[("price.sh", Some(&price(version)))]);
        self.checked().await;
    }

    async fn share(&self, target: &Client, wished: impl Fn(u16) -> bool) -> f64 {
        let begin = Instant::now();
        let name = format!("{}-staging", self.hub.repo(&format!("org{}/shop", self.org)).id());
        loop {
            let service = target.observe(&name).await.expect("the host answers").expect("the service is there");
            if wished(service.split.weight) {
                return begin.elapsed().as_secs_f64() * 1_000.0;
            }
            if begin.elapsed() > PATIENCE {
                return f64::INFINITY;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// A second version gets everything and is taken back while the first is warm.
    async fn rolled_back(&self, target: &Client) -> f64 {
        self.next(2).await;
        self.pull.comment("bob", "/deploy staging");
        self.share(target, |weight| weight == 1_000).await;
        self.pull.comment("bob", "/rollout staging promote");
        self.share(target, |weight| weight == 10_000).await;
        self.until(2).await;
        self.pull.comment("bob", "/rollback staging");
        let took = self.until(1).await;
        self.share(target, |weight| weight == 0).await;
        took
    }

    /// A third version fails, one request after the other, until it is taken back.
    async fn aborted(&self, target: &Client) -> f64 {
        self.next(3).await;
        self.pull.comment("bob", &format!("/deploy staging --fixes #{}", self.pull.number()));
        assert!(
            self.share(target, |weight| weight == 1_000).await.is_finite(),
            "org{}: it never got traffic:\n{}",
            self.org,
            self.pull.timeline()
        );
        let mut victims = Vec::new();
        for client in 1_000.. {
            if self.told(client, 1).await == Some(3) {
                victims.push(client);
            }
            if victims.len() == 8 {
                break;
            }
        }
        for victim in victims {
            assert_eq!(self.told(victim, 13).await, None, "version 3 fails");
            let begin = Instant::now();
            let name = format!("{}-staging", self.hub.repo(&format!("org{}/shop", self.org)).id());
            while begin.elapsed() < JUDGED {
                let service = target.observe(&name).await.expect("the host answers").expect("the service is there");
                if service.split.weight == 0 {
                    return begin.elapsed().as_secs_f64() * 1_000.0;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        f64::INFINITY
    }
}

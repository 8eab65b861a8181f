//! A Fairway of its own process beside a playground, and a host for what it releases: `play` and `demo` start them as anybody
//! would, by `fairway serve` and `fairway host`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

use crate::playground::Playground;
use crate::settings::Ambient;

/// How to start it, as often as needed, on the same ports and the same data.
pub struct Recipe {
    data: PathBuf,
    settings: Vec<(&'static str, String)>,
    public: SocketAddr,
    private: SocketAddr,
    token: String,
    /// Which engine the child takes, and why.
    pub engine_line: String,
}

/// What both sides must know, and what stands in for a real App's webhook secret.
pub const WEBHOOK_SECRET: &str = "playground";

/// The host's admin socket, below the data directory.
const ADMIN: &str = "host.sock";
/// The database of advisories, below the data directory.
const ADVISORIES: &str = "advisories-here";
/// CARGO_HOME, below the data directory.
const CARGO: &str = "cargo";
/// What the host remembers, below the data directory.
const STATE: &str = "host";

impl Recipe {
    /// Settles ports, token and key; starts nothing.
    pub async fn new(hub: &Playground, data: &Path) -> anyhow::Result<Recipe> {
        let (public, private) = (free_port().await?, free_port().await?);
        let token = uuid::Uuid::new_v4().simple().to_string();
        let key = data.join("app.pem");
        std::fs::create_dir_all(data).with_context(|| format!("making {}", data.display()))?;
        std::fs::write(&key, hub.private_key_pem()).context("writing the App's key")?;
        let mut settings = vec![
            ("FAIRWAY_APP_ID", hub.app_id().to_string()),
            ("FAIRWAY_PRIVATE_KEY_FILE", key.display().to_string()),
            ("FAIRWAY_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
            ("FAIRWAY_ORGS", "*".to_owned()),
            ("FAIRWAY_GITHUB_URL", hub.url()),
            ("FAIRWAY_DATA_DIR", data.display().to_string()),
            ("FAIRWAY_LISTEN", public.to_string()),
            ("FAIRWAY_PRIVATE_LISTEN", private.to_string()),
            ("FAIRWAY_PRIVATE_TOKEN", token.clone()),
            ("FAIRWAY_PUBLIC_URL", format!("http://{public}")),
            ("FAIRWAY_LOG", "warn".to_owned()),
            ("FAIRWAY_HOST", data.join(ADMIN).display().to_string()),
        ];
        settings.extend(registry(hub, data)?);
        // The person's own tools are meant: the last chapters need cargo.
        settings.extend(Ambient::read().path.map(|path| ("FAIRWAY_TOOL_PATH", path)));
        settings.extend(sign_in(hub, public));
        let (engine, engine_line) = super::pick::for_playing(hub, data).await?;
        settings.extend(engine);
        Ok(Recipe { data: data.to_owned(), settings, public, private, token, engine_line })
    }

    /// Where the database of advisories is that the child reads.
    pub fn advisories(&self) -> PathBuf {
        self.data.join(ADVISORIES)
    }

    /// CARGO_HOME of the child: its cargo asks the registry beside the stand-in.
    pub fn cargo_home(&self) -> PathBuf {
        self.data.join(CARGO)
    }

    /// What says so, for a repository whose own pipelines ask the same.
    pub fn cargo_config(&self) -> String {
        std::fs::read_to_string(self.cargo_home().join("config.toml")).unwrap_or_default()
    }

    /// Where GitHub delivers to.
    pub fn hook(&self) -> String {
        format!("http://{}/hook", self.public)
    }

    /// Fairway's own pages and how to get in, for people.
    pub fn pages(&self) -> String {
        format!(
            "http://{}, where you sign in as alice, who is an admin, as bob or as mallory\nThe same for whoever runs it, without signing in: http://{}/?token={}",
            self.public, self.private, self.token
        )
    }

    /// The address of a page for whoever runs it.
    pub fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.private)
    }

    /// What such a page asks for.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What other verbs beside it need to be told.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Starts the host and waits until its socket is there.
    pub async fn host(&self) -> anyhow::Result<Child> {
        let path = self.data.join("host.log");
        let log = std::fs::File::options().create(true).append(true).open(&path)?;
        let mut child = Command::new(std::env::current_exe().context("finding this program")?)
            .args(["host", "--playground", "--bind", "127.0.0.1", "--state"])
            .arg(self.data.join(STATE))
            .arg("--admin")
            .arg(self.data.join(ADMIN))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("starting `fairway host`")?;
        for _ in 0..200 {
            if tokio::net::UnixStream::connect(self.data.join(ADMIN)).await.is_ok() {
                return Ok(child);
            }
            if let Some(status) = child.try_wait()? {
                bail!("`fairway host` ended at once ({status}); {} says why", path.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("`fairway host` did not answer within 10 s; {} says why", path.display())
    }

    /// Ends what was released: it outlives its host, as it should, but not the story.
    pub async fn end_releases(&self) {
        crate::host::hold::stop_all(&self.data.join(STATE)).await;
    }

    /// Starts it and waits until it answers.
    pub async fn start(&self) -> anyhow::Result<Child> {
        let log = std::fs::File::options().create(true).append(true).open(self.data.join("fairway.log"))?;
        let mut command = Command::new(std::env::current_exe().context("finding this program")?);
        command
            .args(["serve", "--playground"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        for (name, value) in &self.settings {
            command.env(name, value);
        }
        let mut child = command.spawn().context("starting `fairway serve`")?;
        let ready = format!("http://{}/readyz", self.private);
        for _ in 0..200 {
            if reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(child);
            }
            if let Some(status) = child.try_wait()? {
                bail!("`fairway serve` ended at once ({status}); {} says why", self.data.join("fairway.log").display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("`fairway serve` did not get ready within 10 s; {} says why", self.data.join("fairway.log").display())
    }
}

/// No package of these stories comes from the internet, and no advisory.
fn registry(hub: &Playground, data: &Path) -> anyhow::Result<[(&'static str, String); 2]> {
    let (cargo, advisories) = (data.join(CARGO), data.join(ADVISORIES));
    for folder in [&cargo, &advisories] {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let config = format!(
        "[source.crates-io]\nreplace-with = \"playground\"\n\n[source.playground]\nregistry = \"sparse+{}/crates/\"\n",
        hub.url()
    );
    std::fs::write(cargo.join("config.toml"), config).context("writing cargo's configuration")?;
    Ok([("CARGO_HOME", cargo.display().to_string()), ("FAIRWAY_ADVISORIES", advisories.display().to_string())])
}

/// People sign in with the playground's GitHub; alice is an admin.
fn sign_in(hub: &Playground, public: SocketAddr) -> [(&'static str, String); 3] {
    let (id, secret) = hub.act(|world| {
        world.app.callback_urls = vec![format!("http://{public}/login/callback")];
        (world.app.client_id.clone(), world.app.client_secret.clone())
    });
    [("FAIRWAY_CLIENT_ID", id), ("FAIRWAY_CLIENT_SECRET", secret), ("FAIRWAY_ADMINS", "alice".to_owned())]
}

/// A port that nobody had just now.
pub async fn free_port() -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("finding a free port")?;
    Ok(listener.local_addr()?)
}

//! Starting a playground: the App is registered, the port is open, webhooks go out.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::faults::Switches;
use super::handle::Playground;
use super::keys;
use super::limits::Limits;
use super::world::{App, Clock, User, World};
use super::{server, webhooks};

/// How a playground is to be.
#[derive(Clone)]
pub struct PlaygroundOptions {
    /// Where the bare repositories are kept.
    pub dir: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where webhooks go; may be set later.
    pub webhook_url: Option<String>,
    /// Signs the webhooks.
    pub webhook_secret: String,
    /// The App's id.
    pub app_id: u64,
    /// The App's name in addresses; its comments come from `SLUG[bot]`.
    pub slug: String,
    /// What the App asks for.
    pub permissions: BTreeMap<String, String>,
    /// What the App subscribes to.
    pub events: Vec<String>,
    /// The time, Unix milliseconds.
    pub clock: Clock,
    /// The pages for people, mounted on every path that is neither API nor git.
    pub pages: Option<fn(Playground) -> axum::Router>,
}

impl PlaygroundOptions {
    /// A playground on a free port of this machine, with an App that asks for all that Fairway's design needs.
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        let permissions = [
            ("metadata", "read"),
            ("contents", "write"),
            ("pull_requests", "write"),
            ("issues", "read"),
            ("checks", "write"),
            ("deployments", "write"),
            ("merge_queues", "read"),
            ("members", "read"),
        ];
        let events = [
            "pull_request",
            "pull_request_review",
            "pull_request_review_comment",
            "issue_comment",
            "push",
            "check_run",
            "check_suite",
            "merge_group",
            "member",
            "organization",
            "repository",
            "deployment",
            "deployment_status",
        ];
        Self {
            dir: dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            webhook_url: None,
            webhook_secret: "playground-webhook-secret".into(),
            app_id: 1,
            slug: "fairway".into(),
            permissions: permissions.iter().map(|(name, level)| ((*name).into(), (*level).into())).collect(),
            events: events.map(str::to_owned).into(),
            clock: Arc::new(|| jiff::Timestamp::now().as_millisecond()),
            pages: None,
        }
    }
}

impl Playground {
    /// Starts it. It runs until `shutdown`, on the runtime that this is called on.
    pub async fn start(options: PlaygroundOptions) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("the playground cannot listen on {}", options.listen))?;
        let url = format!("http://{}", listener.local_addr()?);
        std::fs::create_dir_all(&options.dir).with_context(|| format!("cannot make {}", options.dir.display()))?;
        let pages = options.pages;
        let playground = Self::new(world(options, url)?);
        tokio::spawn(webhooks::deliver(playground.clone(), playground.stop()));
        let stop = playground.stop();
        let router = server::router(playground.clone(), pages.map(|pages| pages(playground.clone())));
        tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(error) = served {
                eprintln!("playground: the server ended: {error}");
            }
        });
        Ok(playground)
    }
}

fn world(options: PlaygroundOptions, url: String) -> Result<World> {
    let now = (options.clock)();
    let dir = options.dir.canonicalize().with_context(|| format!("no directory {}", options.dir.display()))?;
    let app = App {
        id: options.app_id,
        client_id: format!("Iv1.playground{}", options.app_id),
        client_secret: "playground-client-secret".to_owned(),
        callback_urls: Vec::new(),
        name: options.slug.clone(),
        slug: options.slug,
        permissions: options.permissions,
        events: options.events,
        webhook_url: options.webhook_url,
        webhook_secret: options.webhook_secret,
        public_key: keys::PUBLIC.to_owned(),
        owner: None,
        public: true,
        created_at: now,
    };
    let bot = format!("{}[bot]", app.slug);
    Ok(World {
        url,
        dir,
        clock: options.clock,
        users: BTreeMap::from([(bot.clone(), User { id: 1000, login: bot, bot: true })]),
        orgs: BTreeMap::new(),
        app,
        installations: BTreeMap::new(),
        tokens: BTreeMap::new(),
        repos: BTreeMap::new(),
        deliveries: Vec::new(),
        outbox: VecDeque::new(),
        sending: 0,
        muted: false,
        faults: Vec::new(),
        switches: Switches::default(),
        limits: Limits::default(),
        meters: BTreeMap::new(),
        exchanges: VecDeque::new(),
        manifest_codes: BTreeMap::new(),
        logins: Default::default(),
        crates: Vec::new(),
        advisories: Some(Vec::new()),
        last_id: 1000,
    })
}

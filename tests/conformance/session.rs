//! A Dagger engine that is none: a small script plays the CLI, and a server in this process answers as a session does.
//!
//! It keeps objects by id and really runs commands, so that it holds the same cases as the engines that are real.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use serde_json::{Map, Value, json};
use tokio::sync::{OnceCell, watch};

use crate::exec::{self, Done, Job};
use crate::faults::{Fault, Phase};
use crate::graphql::{self, Field};
use crate::objects::{Container, Exec, Given, Thing};
use crate::source::{Remote, Trees};
use crate::wire::{self, Problem};

/// The engine: what all its sessions share.
pub struct Fake {
    dir: tempfile::TempDir,
    struck: watch::Receiver<bool>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct World {
    http: reqwest::Client,
    dir: PathBuf,
    fault: Option<Fault>,
    things: Mutex<Vec<Thing>>,
    sessions: Mutex<BTreeMap<String, Session>>,
    /// What was run, by its key: the engine's cache.
    done: Mutex<BTreeMap<String, Arc<OnceCell<Done>>>>,
    trees: Arc<(Trees, tempfile::TempDir)>,
    count: Mutex<usize>,
    /// Whether the fault has struck.
    struck: watch::Sender<bool>,
}

#[derive(Clone, Default)]
struct Session {
    secrets: Arc<Mutex<BTreeMap<String, String>>>,
    feeds: Feeds,
}

/// What a session has told so far, and what it will tell.
#[derive(Clone, Default)]
pub struct Feeds {
    logs: Feed,
    traces: Feed,
}

#[derive(Clone)]
struct Feed {
    told: Arc<Mutex<Vec<String>>>,
    count: watch::Sender<usize>,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed { told: Arc::default(), count: watch::Sender::new(0) }
    }
}

impl Feed {
    fn tell(&self, kind: &str, data: &Value) {
        let mut told = self.told.lock().expect("not poisoned");
        let event = format!("id: {}\nevent: {kind}\ndata: {data}\n\n", told.len() + 1);
        told.push(event);
        self.count.send_replace(told.len());
    }

    fn after(&self, n: usize) -> Option<String> {
        self.told.lock().expect("not poisoned").get(n).cloned()
    }
}

impl Feeds {
    pub fn logs(&self, data: Value) {
        self.logs.tell("logs", &data);
    }

    pub fn traces(&self, data: Value) {
        self.traces.tell("spans", &data);
    }
}

impl Fake {
    pub async fn start(fault: Option<Fault>, trees: Arc<(Trees, tempfile::TempDir)>) -> Fake {
        let dir = tempfile::Builder::new().prefix("fake-engine-").tempdir().expect("a directory");
        // The session's user is another one.
        open(dir.path(), 0o755);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let script = fault
            .as_ref()
            .and_then(|fault| fault.script(port))
            .unwrap_or_else(|| format!("printf '{{\"port\":{port},\"session_token\":\"fake-%s\"}}\\n' $$\nexec cat\n"));
        let cli = dir.path().join("dagger");
        // Nothing of ours is for the session: not this test's variables, and not a service's.
        let check = "[ \"$1\" = session ] || exit 2\n\
                     if env | grep -qE '^(CARGO|FAIRWAY|RUST|GITHUB|DATABASE)'; then echo too much >&2; exit 3; fi\n";
        // Copied by another process: what this one has open for writing, a child of another test may hold at the moment
        // of the start, and then it cannot be started.
        let text = dir.path().join("dagger.sh");
        std::fs::write(&text, format!("#!/bin/sh\n{check}{script}")).expect("written");
        let copied = std::process::Command::new("cp").args([&text, &cli]).status().expect("cp");
        assert!(copied.success(), "the session's program was not copied");
        open(&cli, 0o755);
        let (strike, struck) = watch::channel(false);
        let world = Arc::new(World {
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
            dir: dir.path().to_owned(),
            fault,
            things: Mutex::default(),
            sessions: Mutex::default(),
            done: Mutex::default(),
            trees,
            count: Mutex::default(),
            struck: strike,
        });
        let router = Router::new()
            .route("/query", post(answer))
            .route("/v1/logs", get(logs))
            .route("/v1/traces", get(traces))
            .with_state(world);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Fake { dir, struck, server }
    }

    /// Tells when the fault strikes.
    pub fn struck(&self) -> watch::Receiver<bool> {
        self.struck.clone()
    }

    pub fn cli(&self) -> PathBuf {
        self.dir.path().join("dagger")
    }
}

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("its mode");
}

/// One query on its way.
#[derive(Clone)]
pub struct Call {
    world: Arc<World>,
    session: Session,
    trace: u128,
}

impl Call {
    pub fn http(&self) -> &reqwest::Client {
        &self.world.http
    }

    pub fn keep(&self, thing: Thing) -> String {
        let mut things = self.world.things.lock().expect("not poisoned");
        let kind = thing.kind();
        things.push(thing);
        wire::id(kind, things.len() - 1)
    }

    pub fn thing(&self, id: &str) -> Option<Thing> {
        self.world.things.lock().expect("not poisoned").get(wire::number(id)?).cloned()
    }

    pub fn set_secret(&self, name: &str, value: &str) {
        self.session.secrets.lock().expect("not poisoned").insert(name.to_owned(), value.to_owned());
    }

    pub fn secret(&self, name: &str) -> Option<String> {
        self.session.secrets.lock().expect("not poisoned").get(name).cloned()
    }

    fn place(&self, kind: &str) -> PathBuf {
        let mut count = self.world.count.lock().expect("not poisoned");
        *count += 1;
        self.world.dir.join(format!("{kind}-{count}"))
    }

    pub async fn checkout(&self, remote: &Remote, sha: &str) -> Result<PathBuf, Problem> {
        let (trees, dir) = &*self.world.trees;
        trees.checkout(remote, (sha, dir.path())).await
    }

    /// The end of a command: run now, or known from an equal one. A failure that is an error is never kept.
    pub async fn done(&self, exec: &Exec) -> Result<Done, Problem> {
        let cell = self.world.done.lock().expect("not poisoned").entry(exec.key()).or_default().clone();
        let run = || async {
            let done = self.run(exec).await?;
            exec.judge(&done).map(|()| done)
        };
        cell.get_or_try_init(run).await.cloned()
    }

    async fn run(&self, exec: &Exec) -> Result<Done, Problem> {
        let (source, before) = Box::pin(exec.on.tree(self)).await?;
        let job = Job {
            args: exec.args.clone(),
            env: self.environment(&exec.on),
            before,
            to: self.place("exec"),
            caches: self.caches(&exec.on, &source)?,
        };
        let refused = |error: std::io::Error| Problem::Exec {
            message: "exit code: 1".to_owned(),
            cmd: exec.args.clone(),
            exit: 1,
            stdout: Vec::new(),
            stderr: format!("exec: {error}").into_bytes(),
        };
        exec::run(job, self.trace, self.session.feeds.clone()).await.map_err(refused)
    }

    fn environment(&self, container: &Container) -> BTreeMap<String, String> {
        let mut env = container.env.clone();
        for (name, secret) in &container.secrets {
            env.insert(name.clone(), self.secret(secret).unwrap_or_default());
        }
        env
    }

    fn caches(&self, container: &Container, source: &str) -> Result<Vec<(PathBuf, PathBuf)>, Problem> {
        let mut caches = Vec::new();
        for (path, key) in &container.caches {
            let seen = Path::new(path).strip_prefix(source);
            // This machine's own directories are not a container's.
            let seen = seen.map_err(|_| Problem::Said(format!("no cache can be laid at {path} here")))?;
            let name: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            caches.push((seen.to_owned(), self.world.dir.join("caches").join(name)));
        }
        Ok(caches)
    }

    async fn select(&self, of: Thing, fields: &[Field], path: &[String]) -> Result<Value, (Problem, Vec<String>)> {
        let mut answers = Map::new();
        for field in fields {
            let at: Vec<String> = path.iter().chain([&field.key]).cloned().collect();
            let value = match of.field(field, self).await.map_err(|problem| (problem, at.clone()))? {
                Given::Leaf(value) => value,
                Given::One(thing) => Box::pin(self.select(thing, &field.below, &at)).await?,
            };
            answers.insert(field.key.clone(), value);
        }
        Ok(Value::Object(answers))
    }

    async fn reply(&self, fields: &[Field]) -> (u16, Value) {
        let ends = fields.iter().any(|field| field.asks("exitCode"));
        if ends {
            self.session.feeds.traces(wire::span(self.trace, "Container.exitCode", false));
        }
        let selected = self.select(Thing::Query, fields, &[]).await;
        if ends {
            self.session.feeds.traces(wire::span(self.trace, "Container.exitCode", true));
        }
        match selected {
            Ok(data) => (200, json!({ "data": data })),
            Err((problem, path)) => wire::error(&problem, &path, self.trace),
        }
    }
}

/// Basic authentication with the session's token and no password.
fn session(world: &World, headers: &HeaderMap) -> Option<Session> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let given = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(given).ok()?).ok()?;
    let token = given.strip_suffix(':').filter(|token| token.starts_with("fake-"))?;
    let mut sessions = world.sessions.lock().expect("not poisoned");
    Some(sessions.entry(token.to_owned()).or_default().clone())
}

fn unauthorized() -> Response {
    let (status, _) = wire::recording("unauthorized.json");
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [(header::WWW_AUTHENTICATE, "Basic realm=\"Access to the Dagger engine session\"")]).into_response()
}

async fn answer(State(world): State<Arc<World>>, headers: HeaderMap, body: String) -> Response {
    let Some(session) = session(&world, &headers) else { return unauthorized() };
    let trace = headers.get("traceparent").and_then(|value| value.to_str().ok()?.split('-').nth(1));
    let trace = trace.and_then(|hex| u128::from_str_radix(hex, 16).ok()).unwrap_or_default();
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let fields = match graphql::parse(request["query"].as_str().unwrap_or_default()) {
        Ok(fields) => fields,
        Err(why) => return sent(wire::syntax_error(&why)),
    };
    let call = Call { world: world.clone(), session, trace };
    let Some(fault) = &world.fault else { return sent(call.reply(&fields).await) };
    let begun = fault.phase.is_at(&fields);
    let meets = begun || (*world.struck.borrow() && fault.kind.lasts());
    if !meets {
        return sent(call.reply(&fields).await);
    }
    if fault.phase == Phase::Step && begun {
        // It began to work before it went wrong.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(150), call.reply(&fields)).await;
    }
    world.struck.send_replace(true);
    match fault.kind.answer(&fields) {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

fn sent((status, body): (u16, Value)) -> Response {
    (StatusCode::from_u16(status).expect("a status"), axum::Json(body)).into_response()
}

async fn logs(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let Some(session) = session(&world, &headers) else { return unauthorized() };
    stream(&world, session.feeds.logs)
}

async fn traces(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let Some(session) = session(&world, &headers) else { return unauthorized() };
    stream(&world, session.feeds.traces)
}

/// History first, then what comes, for as long as somebody listens.
fn stream(world: &World, feed: Feed) -> Response {
    if let Some(response) = world.fault.as_ref().and_then(Fault::feed) {
        return response;
    }
    let seen = feed.count.subscribe();
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>(wire::SUBSCRIBED.to_owned())]);
    let rest = futures_util::stream::unfold((feed, seen, 0_usize), |(feed, mut seen, n)| async move {
        let _ = seen.wait_for(|count| *count > n).await;
        let event = feed.after(n)?;
        Some((Ok(event), (feed, seen, n + 1)))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

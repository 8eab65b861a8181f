//! What the fake engine keeps by id, and what each of its fields gives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::exec::Done;
use crate::graphql::{Arg, Field};
use crate::session::Call;
use crate::source::Remote;
use crate::wire::{Problem, recorded_message};

/// Images that the fake engine has. The shell of the first three has nothing to read and ends at once, as a service too;
/// the last one answers on its port.
const IMAGES: [&str; 4] = ["debian:bookworm-slim", "alpine:latest", "python:3", "postgres:16"];
const SERVES: &str = "postgres:16";

/// One thing with an id.
#[derive(Clone, Debug)]
pub enum Thing {
    Query,
    Container(Arc<Container>),
    Git(Remote),
    Commit(Remote, String),
    Directory(Arc<Directory>),
    Secret(String),
    Cache(String),
    Service(Arc<Container>),
}

#[derive(Clone, Debug, Default)]
pub struct Container {
    pub image: String,
    pub env: BTreeMap<String, String>,
    /// Variable, and the secret's name in its session.
    pub secrets: BTreeMap<String, String>,
    pub workdir: String,
    pub source: Option<(String, Arc<Directory>)>,
    pub caches: BTreeMap<String, String>,
    pub ports: Vec<i64>,
    /// The command whose end this container is; everything above may have changed since.
    pub after: Option<Arc<Exec>>,
}

#[derive(Clone, Debug)]
pub struct Exec {
    pub on: Container,
    pub args: Vec<String>,
    pub any: bool,
}

#[derive(Clone, Debug)]
pub enum Directory {
    Tree(Remote, String),
    Of(Arc<Container>, String),
    Filtered(Arc<Directory>, Vec<String>),
}

/// What a field gives.
pub enum Given {
    Leaf(Value),
    One(Thing),
}

type Result<T> = std::result::Result<T, Problem>;

impl Thing {
    pub fn kind(&self) -> &'static str {
        match self {
            Thing::Query => "Query",
            Thing::Container(_) => "Container",
            Thing::Git(_) => "GitRepository",
            Thing::Commit(..) => "GitRef",
            Thing::Directory(_) => "Directory",
            Thing::Secret(_) => "Secret",
            Thing::Cache(_) => "CacheVolume",
            Thing::Service(_) => "Service",
        }
    }

    /// What one of its fields gives.
    pub async fn field(&self, field: &Field, call: &Call) -> Result<Given> {
        if field.name == "id" {
            return Ok(Given::Leaf(json!(call.keep(self.clone()))));
        }
        match self {
            Thing::Query => query(field, call).await,
            Thing::Container(container) => container.field(field, call).await,
            Thing::Git(remote) if field.name == "commit" => {
                let sha = need(field, "id")?;
                if !matches!(sha.len(), 40 | 64) || !sha.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(Problem::Said(format!("invalid commit SHA: {sha:?}")));
                }
                Ok(Given::One(Thing::Commit(remote.clone(), sha.to_owned())))
            }
            Thing::Commit(remote, sha) if field.name == "tree" => {
                Ok(Given::One(Thing::Directory(Arc::new(Directory::Tree(remote.clone(), sha.clone())))))
            }
            Thing::Directory(directory) => directory.field(field, call).await,
            Thing::Service(container) if field.name == "start" => {
                if !container.ports.is_empty() && container.image != SERVES {
                    return Err(Problem::Said("service exited before healthcheck".to_owned()));
                }
                Ok(Given::Leaf(json!(call.keep(self.clone()))))
            }
            _ => Err(unknown(field, self.kind())),
        }
    }
}

fn unknown(field: &Field, kind: &str) -> Problem {
    Problem::Invalid(format!("Cannot query field \"{}\" on type \"{kind}\".", field.name))
}

fn need<'a>(field: &'a Field, name: &str) -> Result<&'a str> {
    let words = || format!("Field \"{}\" argument \"{name}\" is required, but it was not provided.", field.name);
    field.text(name).ok_or_else(|| Problem::Invalid(words()))
}

/// The thing behind an id in an argument.
fn named(field: &Field, name: &str, call: &Call) -> Result<Thing> {
    let id = need(field, name)?;
    call.thing(id).ok_or_else(|| Problem::Said(format!("no object has the id {id}")))
}

async fn query(field: &Field, call: &Call) -> Result<Given> {
    let one = match field.name.as_str() {
        "version" => return Ok(Given::Leaf(json!("v0.21.8"))),
        "container" => Thing::Container(Arc::new(Container { workdir: "/".to_owned(), ..Container::default() })),
        "git" => {
            let token = match field.args.get("httpAuthToken") {
                Some(Arg::Text(_)) => match named(field, "httpAuthToken", call)? {
                    Thing::Secret(name) => call.secret(&name),
                    _ => None,
                },
                _ => None,
            };
            let remote = Remote { url: need(field, "url")?.to_owned(), token };
            remote.ask(call.http()).await?;
            Thing::Git(remote)
        }
        "setSecret" => {
            let name = need(field, "name")?.to_owned();
            call.set_secret(&name, need(field, "plaintext")?);
            Thing::Secret(name)
        }
        "cacheVolume" => Thing::Cache(need(field, "key")?.to_owned()),
        "node" => {
            let thing = named(field, "id", call)?;
            if field.on.as_deref().is_some_and(|on| on != thing.kind()) {
                return Err(Problem::Said(format!("{} is no {:?}", thing.kind(), field.on)));
            }
            thing
        }
        _ => return Err(unknown(field, "Query")),
    };
    Ok(Given::One(one))
}

impl Container {
    async fn field(self: &Arc<Self>, field: &Field, call: &Call) -> Result<Given> {
        let mut next = Container::clone(self);
        match field.name.as_str() {
            "from" => {
                let image = need(field, "address")?;
                if !IMAGES.contains(&image) {
                    return Err(Problem::Said(recorded_message("unknown_image.json", &[("nope/nope:1", image)])));
                }
                next.image = image.to_owned();
            }
            "withEnvVariable" => {
                drop(next.env.insert(need(field, "name")?.to_owned(), need(field, "value")?.to_owned()))
            }
            "withWorkdir" => next.workdir = need(field, "path")?.to_owned(),
            "withExposedPort" => next.ports.extend(match field.args.get("port") {
                Some(Arg::Number(port)) => Some(*port),
                _ => None,
            }),
            "withMountedDirectory" => match named(field, "source", call)? {
                Thing::Directory(directory) => next.source = Some((need(field, "path")?.to_owned(), directory)),
                other => return Err(Problem::Said(format!("a {} cannot be mounted", other.kind()))),
            },
            "withSecretVariable" => match named(field, "secret", call)? {
                Thing::Secret(secret) => drop(next.secrets.insert(need(field, "name")?.to_owned(), secret)),
                other => return Err(Problem::Said(format!("a {} is no secret", other.kind()))),
            },
            "withMountedCache" => match named(field, "cache", call)? {
                Thing::Cache(key) => drop(next.caches.insert(need(field, "path")?.to_owned(), key)),
                other => return Err(Problem::Said(format!("a {} is no cache", other.kind()))),
            },
            "withServiceBinding" => drop(named(field, "service", call)?),
            "withExec" => {
                let any = field.args.get("expect") == Some(&Arg::Word("ANY".to_owned()));
                let exec = Exec { on: Container::clone(self), args: field.texts("args"), any };
                next.after = Some(Arc::new(exec));
            }
            "asService" => return Ok(Given::One(Thing::Service(self.clone()))),
            "directory" => {
                let of = Directory::Of(self.clone(), need(field, "path")?.to_owned());
                return Ok(Given::One(Thing::Directory(Arc::new(of))));
            }
            "envVariable" => return Ok(Given::Leaf(json!(self.env.get(need(field, "name")?)))),
            "exitCode" | "stdout" | "stderr" => return self.ended(field, call).await,
            _ => return Err(unknown(field, "Container")),
        }
        Ok(Given::One(Thing::Container(Arc::new(next))))
    }

    async fn ended(&self, field: &Field, call: &Call) -> Result<Given> {
        let Some(exec) = &self.after else { return Err(Problem::Said("no command has been set".to_owned())) };
        let done = call.done(exec).await?;
        Ok(Given::Leaf(match field.name.as_str() {
            "exitCode" => json!(done.exit),
            "stdout" => json!(String::from_utf8_lossy(&done.stdout)),
            _ => json!(String::from_utf8_lossy(&done.stderr)),
        }))
    }

    /// The word by which an engine's cache knows it. Of a secret that is its name, never its value.
    fn key(&self) -> String {
        let after = self.after.as_ref().map(|exec| exec.key());
        let source = self.source.as_ref().map(|(at, directory)| (at, directory.key()));
        let (image, env, secrets, caches) = (&self.image, &self.env, &self.secrets, &self.caches);
        digest(&format!("{image:?} {env:?} {secrets:?} {caches:?} {} {source:?} {after:?}", self.workdir))
    }

    /// Where its source stands and what it was made from, as it was left.
    pub async fn tree(&self, call: &Call) -> Result<(String, PathBuf)> {
        let Some((at, directory)) = &self.source else { return Err(Problem::Said("it has no source".to_owned())) };
        let dir = match &self.after {
            Some(exec) => Box::pin(call.done(exec)).await?.dir.clone(),
            None => Box::pin(directory.tree(call)).await?,
        };
        Ok((at.clone(), dir))
    }
}

impl Exec {
    pub fn key(&self) -> String {
        digest(&format!("{} {:?} {}", self.on.key(), self.args, self.any))
    }

    /// Its end as an answer: with `ANY`, exit codes from 128 on are errors all the same.
    pub fn judge(&self, done: &Done) -> Result<()> {
        if done.exit == 0 || (self.any && done.exit < 128) {
            return Ok(());
        }
        Err(Problem::Exec {
            message: format!("exit code: {}", done.exit),
            cmd: self.args.clone(),
            exit: done.exit,
            stdout: done.stdout.clone(),
            stderr: done.stderr.clone(),
        })
    }
}

impl Directory {
    fn key(&self) -> String {
        match self {
            Directory::Tree(remote, sha) => format!("{} {sha}", remote.url),
            Directory::Of(container, path) => format!("{} {path}", container.key()),
            Directory::Filtered(of, only) => format!("{} {only:?}", of.key()),
        }
    }

    async fn field(self: &Arc<Self>, field: &Field, call: &Call) -> Result<Given> {
        match field.name.as_str() {
            "entries" => {
                let root = self.tree(call).await?;
                let mut names = Vec::new();
                for entry in std::fs::read_dir(&root).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    names.push(if entry.path().is_dir() { format!("{name}/") } else { name });
                }
                names.sort();
                Ok(Given::Leaf(json!(names)))
            }
            "filter" => {
                let only = Directory::Filtered(self.clone(), field.texts("include"));
                Ok(Given::One(Thing::Directory(Arc::new(only))))
            }
            "export" => {
                let (root, only) = match self.as_ref() {
                    Directory::Filtered(of, only) => (of.tree(call).await?, only.clone()),
                    _ => (self.tree(call).await?, vec!["**".to_owned()]),
                };
                let to = need(field, "path")?;
                crate::export::export((&root, Path::new(to)), &only).map_err(|e| Problem::Said(e.to_string()))?;
                Ok(Given::Leaf(json!(to)))
            }
            _ => Err(unknown(field, "Directory")),
        }
    }

    async fn tree(&self, call: &Call) -> Result<PathBuf> {
        match self {
            Directory::Tree(remote, sha) => call.checkout(remote, sha).await,
            Directory::Of(container, path) => {
                let (at, dir) = container.tree(call).await?;
                let below = Path::new(path).strip_prefix(&at);
                below.map(|below| dir.join(below)).map_err(|_| Problem::Said(format!("{path}: no such directory")))
            }
            Directory::Filtered(..) => Err(Problem::Said("a filtered directory can only be exported here".to_owned())),
        }
    }
}

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

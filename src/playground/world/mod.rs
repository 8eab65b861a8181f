//! All that this GitHub knows, as plain data. Git objects and refs live in the bare repositories; `Repo::refs` is
//! what was last seen there, so that a change can be noticed and told.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::faults::Switches;
use super::limits::{Limits, Meter};

mod check;
mod deployment;
mod login;
mod published;
mod pull;
mod repo;

pub use check::{Action, Annotation, CheckRun, CheckSuite};
pub use deployment::{Deployment, DeploymentStatus, Label, MergeGroup, Status};
pub use login::{Authorization, Grant, Logins, UserToken};
pub use published::Crate;
pub use pull::{Comment, Happening, Merged, Pull, Reaction, Remark, Review, Size, What};
pub use repo::Repo;

/// Reads the time as Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Everything on this GitHub.
pub struct World {
    /// Scheme, host and port, without a slash at the end.
    pub url: String,
    /// Directory that holds `OWNER/NAME.git`.
    pub dir: PathBuf,
    /// The only source of time.
    pub clock: Clock,
    /// People and bots, by login.
    pub users: BTreeMap<String, User>,
    /// Organisations, by login.
    pub orgs: BTreeMap<String, Org>,
    /// The one App that is registered here.
    pub app: App,
    /// Where the App is installed, by id.
    pub installations: BTreeMap<u64, Installation>,
    /// Installation tokens by their text.
    pub tokens: BTreeMap<String, Token>,
    /// Repositories by id.
    pub repos: BTreeMap<u64, Repo>,
    /// Every delivery that was recorded, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Deliveries by id that wait to be sent, in order.
    pub outbox: VecDeque<u64>,
    /// Deliveries that are being sent at this moment.
    pub sending: usize,
    /// While true, changes make no webhook.
    pub muted: bool,
    /// What went wrong against GitHub's rules; `Playground::finish` panics with these.
    pub faults: Vec<Fault>,
    /// Faults of GitHub that were switched on.
    pub switches: Switches,
    /// The limits that are enforced.
    pub limits: Limits,
    /// What each installation used of them.
    pub meters: BTreeMap<u64, Meter>,
    /// The newest requests and answers, oldest first, bounded.
    pub exchanges: VecDeque<Exchange>,
    /// Manifest codes that wait to be exchanged.
    pub manifest_codes: BTreeMap<String, ManifestCode>,
    /// Who let the App know who they are.
    pub logins: Logins,
    /// What was published in its registry of crates, oldest first.
    pub crates: Vec<Crate>,
    /// Its list of advisories, oldest first; `None`: it has none, as an Enterprise server that is not connected.
    pub advisories: Option<Vec<Value>>,
    /// The last id that was given out.
    pub last_id: u64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("url", &self.url).field("repos", &self.repos.len()).finish_non_exhaustive()
    }
}

impl World {
    /// A new id; one series for all things, so that no two things share one.
    pub fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The time, Unix milliseconds.
    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// The repository `owner/name`, without regard to case, as GitHub does.
    pub fn repo(&self, full_name: &str) -> Option<&Repo> {
        self.repos.values().find(|repo| repo.full_name().eq_ignore_ascii_case(full_name))
    }

    /// The repository that once had this name, unless another one has it now.
    pub fn moved(&self, full_name: &str) -> Option<&Repo> {
        let was = |repo: &&Repo| repo.old_names.iter().any(|name| name.eq_ignore_ascii_case(full_name));
        if self.repo(full_name).is_some() { None } else { self.repos.values().find(was) }
    }

    /// What a person may do in a repository; `None` for a stranger to a private one.
    pub fn role(&self, repo: &Repo, login: &str) -> Option<Role> {
        let own = repo.roles.iter().find(|(name, _)| name.eq_ignore_ascii_case(login)).map(|(_, role)| *role);
        own.or(if repo.private { None } else { Some(Role::Read) })
    }

    /// Records that the other side broke a rule of GitHub's.
    pub fn fault(&mut self, kind: FaultKind, what: String) {
        self.faults.push(Fault { at: self.now(), kind, what });
    }

    /// The installation that may see this repository, if there is one.
    pub fn installation_of(&self, repo: &Repo) -> Option<&Installation> {
        self.installations.values().find(|i| {
            i.account.eq_ignore_ascii_case(&repo.owner) && i.selection.as_ref().is_none_or(|ids| ids.contains(&repo.id))
        })
    }
}

/// A person or a bot.
#[derive(Clone, Debug)]
pub struct User {
    /// GitHub's id.
    pub id: u64,
    /// The name that is typed.
    pub login: String,
    /// True for the App's own user `SLUG[bot]`.
    pub bot: bool,
}

/// An organisation.
#[derive(Clone, Debug)]
pub struct Org {
    /// GitHub's id.
    pub id: u64,
    /// The name in addresses.
    pub login: String,
    /// What its members may do in a repository that is made from now on.
    pub members: BTreeMap<String, Role>,
    /// Members by team slug.
    pub teams: BTreeMap<String, Vec<String>>,
}

/// What somebody may do in a repository, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Clone, look and comment.
    Read,
    /// Label and close.
    Triage,
    /// Push and merge.
    Write,
    /// Settings without danger.
    Maintain,
    /// All.
    Admin,
}

impl Role {
    /// The true role, GitHub's `role_name`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Triage => "triage",
            Role::Write => "write",
            Role::Maintain => "maintain",
            Role::Admin => "admin",
        }
    }

    /// The old word, GitHub's `permission`, which shows maintain as write and triage as read.
    pub fn legacy(self) -> &'static str {
        match self {
            Role::Read | Role::Triage => "read",
            Role::Write | Role::Maintain => "write",
            Role::Admin => "admin",
        }
    }
}

/// The GitHub App.
#[derive(Clone, Debug)]
pub struct App {
    /// GitHub's id.
    pub id: u64,
    /// The name in addresses.
    pub slug: String,
    /// The name for people.
    pub name: String,
    /// The OAuth client id; also accepted as `iss`.
    pub client_id: String,
    /// What proves that it is the App who exchanges a code.
    pub client_secret: String,
    /// Where the authorization page sends people back to.
    pub callback_urls: Vec<String>,
    /// What it asks for: permission -> `read` or `write`.
    pub permissions: BTreeMap<String, String>,
    /// Events that it subscribes to.
    pub events: Vec<String>,
    /// Where webhooks go; none = nothing is sent, but all is recorded as failed.
    pub webhook_url: Option<String>,
    /// Signs the webhooks.
    pub webhook_secret: String,
    /// Its public key, PEM.
    pub public_key: String,
    /// Login of the account that registered it; none = the first organisation.
    pub owner: Option<String>,
    /// Whether other accounts than its owner may install it.
    pub public: bool,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// What a person confirmed on the manifest page, until its code is exchanged for credentials.
#[derive(Clone, Debug)]
pub struct ManifestCode {
    /// The manifest, with the name that the person gave.
    pub manifest: Value,
    /// Login of the account that is to own the App.
    pub owner: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// The App installed at an account.
#[derive(Clone, Debug)]
pub struct Installation {
    /// GitHub's id.
    pub id: u64,
    /// Login of the organisation or person.
    pub account: String,
    /// What was granted: permission -> `read` or `write`.
    pub permissions: BTreeMap<String, String>,
    /// Repository ids, or none for all.
    pub selection: Option<Vec<u64>>,
    /// When it was suspended, if it is; Unix milliseconds.
    pub suspended_at: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// An installation token.
#[derive(Clone, Debug)]
pub struct Token {
    /// Whose.
    pub installation: u64,
    /// What it may: permission -> `read` or `write`.
    pub permissions: BTreeMap<String, String>,
    /// Narrowed to these repository ids, or none for all of the installation.
    pub repos: Option<Vec<u64>>,
    /// Unix milliseconds; 401 after.
    pub expires_at: i64,
}

/// One attempt to deliver a webhook.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// GitHub's id, new for every attempt.
    pub id: u64,
    /// The same for every attempt.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`.
    pub action: Option<String>,
    /// Whose.
    pub installation: Option<u64>,
    /// Where.
    pub repo: Option<u64>,
    /// Whether it was asked for by API.
    pub redelivery: bool,
    /// Unix milliseconds.
    pub delivered_at: i64,
    /// Seconds that it took.
    pub duration: f64,
    /// `OK`, or what went wrong, in GitHub's words; `pending` until it was tried.
    pub status: String,
    /// HTTP status, 0 when there was none.
    pub status_code: u16,
    /// What was sent, exactly these bytes.
    pub payload: Arc<str>,
    /// Headers that were sent.
    pub request_headers: BTreeMap<String, String>,
    /// What came back.
    pub response_body: String,
}

/// A rule of GitHub's that the other side broke.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Unix milliseconds.
    pub at: i64,
    /// Which rule.
    pub kind: FaultKind,
    /// Method, path and what was wrong.
    pub what: String,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// No such route here.
    UnknownRoute,
    /// The token lacks the permission.
    Permission,
    /// A limit was passed.
    Limit,
    /// No, a bad or an old token where one is needed.
    Token,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Unix milliseconds.
    pub at: i64,
    /// HTTP method.
    pub method: String,
    /// The route as GitHub's description spells it, none when unknown.
    pub route: Option<String>,
    /// Path with query, without the `/api/v3` prefix.
    pub path: String,
    /// JSON that came, null for none.
    pub request: Value,
    /// HTTP status.
    pub status: u16,
    /// JSON that went back, null for none or for something else than JSON.
    pub answer: Value,
}

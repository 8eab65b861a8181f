//! Organisations, people, repositories and commits.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::playground::git::{Change, Person};
use crate::playground::shapes::node_id;
use crate::playground::world::{Installation, Org, Repo, Role, User, World};

/// A repository to be made.
#[derive(Clone, Debug, Default)]
pub struct NewRepo<'a> {
    /// `owner/name`.
    pub full_name: &'a str,
    /// Strangers see nothing.
    pub private: bool,
    /// Path and content of the first commit; empty leaves the repository empty.
    pub files: &'a [(&'a str, &'a str)],
    /// Who makes it.
    pub by: &'a str,
}

/// A commit to be pushed.
#[derive(Clone, Debug, Default)]
pub struct Push<'a> {
    /// Branch; made from the default branch when missing.
    pub branch: &'a str,
    /// Path and content; none deletes.
    pub files: Vec<(&'a str, Option<&'a [u8]>)>,
    /// Login.
    pub author: &'a str,
    /// What the commit says.
    pub message: &'a str,
}

impl World {
    /// Adds a person.
    pub fn add_user(&mut self, login: &str, bot: bool) {
        if !self.users.contains_key(login) {
            let id = self.id();
            self.users.insert(login.to_owned(), User { id, login: login.to_owned(), bot });
        }
    }

    /// Adds an organisation with the App installed on all its repositories; gives back the installation's id.
    pub fn add_org(&mut self, login: &str, members: &[(&str, Role)]) -> u64 {
        let (id, now) = (self.id(), self.now());
        for (member, _) in members {
            self.add_user(member, false);
        }
        let members = members.iter().map(|(login, role)| ((*login).to_owned(), *role)).collect();
        self.orgs.insert(login.to_owned(), Org { id, login: login.to_owned(), members, teams: BTreeMap::new() });
        let installation = self.id();
        let permissions = self.app.permissions.clone();
        let account = login.to_owned();
        self.installations.insert(
            installation,
            Installation {
                id: installation,
                account,
                permissions,
                selection: None,
                suspended_at: None,
                created_at: now,
            },
        );
        installation
    }

    /// Makes a repository; with files it gets a first commit on `main`.
    pub fn create_repo(&mut self, new: &NewRepo<'_>) -> Result<u64> {
        let (owner, name) = new.full_name.split_once('/').context("a repository's name is OWNER/NAME")?;
        let plain = |text: &str| {
            !text.is_empty()
                && !text.starts_with('.')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        ensure!(plain(owner) && plain(name) || name == ".github", "{} is no name for a repository", new.full_name);
        if self.repo(new.full_name).is_some() {
            bail!("{} is there already", new.full_name);
        }
        let roles = match (self.orgs.get(owner), self.users.get(owner)) {
            (Some(org), _) => org.members.clone(),
            (None, Some(user)) => BTreeMap::from([(user.login.clone(), Role::Admin)]),
            (None, None) => bail!("there is no account {owner}"),
        };
        let id = self.add_repo(owner, name, roles, new.private);
        self.git_of(id)?.init("main")?;
        self.emit(id, "repository", new.by, json!({ "action": "created" }));
        if !new.files.is_empty() {
            let files = new.files.iter().map(|(path, content)| (*path, Some(content.as_bytes()))).collect();
            self.push(id, &Push { branch: "main", files, author: new.by, message: "Start" })?;
        }
        Ok(id)
    }

    /// Gives a repository another name. The old one goes on leading to it.
    pub fn rename_repo(&mut self, repo: u64, name: &str, by: &str) -> Result<()> {
        let from = self.git_of(repo)?.path().to_owned();
        let at = self.repos.get_mut(&repo).context("the repository is gone")?;
        let (old, old_name) = (at.full_name(), std::mem::replace(&mut at.name, name.to_owned()));
        at.old_names.push(old);
        std::fs::rename(&from, self.git_of(repo)?.path())?;
        let changes = json!({ "repository": { "name": { "from": old_name } } });
        self.emit(repo, "repository", by, json!({ "action": "renamed", "changes": changes }));
        Ok(())
    }

    fn add_repo(&mut self, owner: &str, name: &str, roles: BTreeMap<String, Role>, private: bool) -> u64 {
        let (id, now) = (self.id(), self.now());
        let repo = Repo {
            id,
            owner: owner.to_owned(),
            name: name.to_owned(),
            old_names: Vec::new(),
            private,
            archived: false,
            template: false,
            topics: Vec::new(),
            default_branch: "main".into(),
            description: None,
            fork_of: None,
            roles,
            refs: BTreeMap::new(),
            last_number: 0,
            pulls: BTreeMap::new(),
            comments: BTreeMap::new(),
            suites: BTreeMap::new(),
            checks: BTreeMap::new(),
            deployments: BTreeMap::new(),
            labels: BTreeMap::new(),
            rulesets: BTreeMap::new(),
            statuses: Vec::new(),
            queue: BTreeMap::new(),
            created_at: now,
            pushed_at: now,
        };
        self.repos.insert(id, repo);
        id
    }

    /// Forks a repository to a person's account, under the same name.
    pub fn fork(&mut self, repo: u64, login: &str) -> Result<u64> {
        let base = self.repos.get(&repo).context("no such repository")?.clone();
        self.add_user(login, false);
        ensure!(self.repo(&format!("{login}/{}", base.name)).is_none(), "{login} has a fork already");
        let id = self.add_repo(login, &base.name, BTreeMap::from([(login.to_owned(), Role::Admin)]), base.private);
        let (from, to) = (self.git(&base), self.git_of(id)?);
        to.init(&base.default_branch)?;
        let source = from.path().to_string_lossy().into_owned();
        to.run(&[
            "fetch",
            "--quiet",
            "--no-write-fetch-head",
            &source,
            "refs/heads/*:refs/heads/*",
            "refs/tags/*:refs/tags/*",
        ])?;
        let refs = to.refs()?;
        if let Some(fork) = self.repos.get_mut(&id) {
            fork.fork_of = Some(repo);
            fork.default_branch = base.default_branch;
            fork.refs = refs;
        }
        Ok(id)
    }

    /// Makes a commit and pushes it, whoever the author is; gives back its SHA.
    pub fn push(&mut self, repo: u64, push: &Push<'_>) -> Result<String> {
        let author = self.person(push.author);
        let at = self.repos.get(&repo).context("no such repository")?;
        let git = self.git(at);
        let parent = at.branch(push.branch).or_else(|| at.branch(&at.default_branch)).map(str::to_owned);
        let change = Change { branch: push.branch, parent, author, message: push.message, files: push.files.clone() };
        let sha = git.commit(&change)?;
        self.notice_refs(repo, push.author)?;
        Ok(sha)
    }

    /// How a login appears in a commit.
    pub fn person(&self, login: &str) -> Person {
        Person { name: login.to_owned(), email: format!("{login}@users.noreply.localhost"), at: self.now() / 1000 }
    }

    /// Suspends an installation or takes that back.
    pub fn suspend(&mut self, installation: u64, by: &str, suspended: bool) {
        let now = self.now();
        if let Some(at) = self.installations.get_mut(&installation) {
            at.suspended_at = suspended.then_some(now);
        }
        let action = if suspended { "suspend" } else { "unsuspend" };
        self.emit_installation(installation, "installation", by, json!({ "action": action }));
    }

    /// Changes what an installation may, as when the owner accepts new permissions.
    pub fn grant(&mut self, installation: u64, by: &str, permission: &str, level: Option<&str>) {
        if let Some(at) = self.installations.get_mut(&installation) {
            match level {
                Some(level) => at.permissions.insert(permission.to_owned(), level.to_owned()),
                None => at.permissions.remove(permission),
            };
        }
        let held = self.installations.get(&installation).map(|at| at.permissions.clone()).unwrap_or_default();
        for token in self.tokens.values_mut().filter(|token| token.installation == installation) {
            token.permissions.retain(|name, _| held.contains_key(name));
        }
        self.emit_installation(installation, "installation", by, json!({ "action": "new_permissions_accepted" }));
    }

    /// Installs the App at an account anew and says so with `installation.created`.
    pub fn announce_installation(&mut self, installation: u64, by: &str) {
        let Some(account) = self.installations.get(&installation).map(|at| at.account.clone()) else {
            return;
        };
        let repositories: Vec<_> = self
            .repos
            .values()
            .filter(|repo| repo.owner == account)
            .map(|repo| {
                json!({ "id": repo.id, "node_id": node_id("Repository", repo.id), "name": repo.name, "full_name": repo.full_name(), "private": repo.private })
            })
            .collect();
        self.emit_installation(
            installation,
            "installation",
            by,
            json!({ "action": "created", "repositories": repositories }),
        );
    }
}

//! Short hands for tests and the demo: a repository and a pull request that one talks to. A step that GitHub would
//! refuse is a mistake of the story, so it panics and says which.

use anyhow::Result;

use super::handle::Playground;
use super::people::{NewPull, NewRepo, Push};
use super::world::{CheckRun, Role, World};

/// A repository of a playground.
#[derive(Clone, Debug)]
pub struct RepoDesk {
    playground: Playground,
    id: u64,
}

/// A pull request of a playground.
#[derive(Clone, Debug)]
pub struct PullDesk {
    repo: RepoDesk,
    number: u64,
}

impl Playground {
    /// The people of most stories: the organisation `acme` with alice (maintain) and bob (write), the App installed;
    /// mallory is a stranger. Gives back the installation's id.
    pub fn cast(&self) -> u64 {
        self.act(|world| {
            let installation = world.add_org("acme", &[("alice", Role::Maintain), ("bob", Role::Write)]);
            world.add_user("mallory", false);
            installation
        })
    }

    /// Makes a public repository with these files as alice; none leaves it empty.
    #[track_caller]
    pub fn create(&self, full_name: &str, files: &[(&str, &str)]) -> RepoDesk {
        self.create_as(&NewRepo { full_name, private: false, files, by: "alice" })
    }

    /// Makes a repository.
    #[track_caller]
    pub fn create_as(&self, new: &NewRepo<'_>) -> RepoDesk {
        RepoDesk { playground: self.clone(), id: told(self.act(|world| world.create_repo(new))) }
    }

    /// Makes somebody a member of an organisation, as alice.
    #[track_caller]
    pub fn add_member(&self, org: &str, login: &str, role: Role) {
        told(self.act(|world| world.add_member(org, login, role, "alice")));
    }

    /// A repository that is there.
    #[track_caller]
    pub fn repo(&self, full_name: &str) -> RepoDesk {
        let id = self.look(|world| world.repo(full_name).map(|repo| repo.id));
        RepoDesk { playground: self.clone(), id: told(id.ok_or_else(|| anyhow::anyhow!("no repository {full_name}"))) }
    }
}

#[track_caller]
fn told<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the playground refuses this step: {error:#}"),
    }
}

impl RepoDesk {
    /// GitHub's id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Does something to the world with this repository's id.
    #[track_caller]
    fn act<T>(&self, change: impl FnOnce(&mut World, u64) -> Result<T>) -> T {
        told(self.playground.act(|world| change(world, self.id)))
    }

    /// Renames it as alice.
    #[track_caller]
    pub fn rename(&self, name: &str) {
        self.act(|world, repo| world.rename_repo(repo, name, "alice"));
    }

    /// Commits files to a branch as a person; gives back the SHA. A file without content is deleted.
    #[track_caller]
    pub fn push(&self, author: &str, branch: &str, message: &str, files: &[(&str, Option<&str>)]) -> String {
        let files = files.iter().map(|(path, content)| (*path, content.map(str::as_bytes))).collect();
        let push = Push { branch, files, author, message };
        self.act(|world, repo| world.push(repo, &push))
    }

    /// Deletes a branch as a person; its pull requests are closed.
    #[track_caller]
    pub fn delete_branch(&self, branch: &str, by: &str) {
        self.act(|world, repo| {
            world.git_of(repo)?.delete_ref(&format!("refs/heads/{branch}"))?;
            world.notice_refs(repo, by)
        });
    }

    /// Opens a pull request against the default branch.
    #[track_caller]
    pub fn open_pull(&self, author: &str, head: &str, title: &str) -> PullDesk {
        self.open(author, head, (title, false))
    }

    /// Opens one as a draft.
    #[track_caller]
    pub fn open_draft(&self, author: &str, head: &str, title: &str) -> PullDesk {
        self.open(author, head, (title, true))
    }

    #[track_caller]
    fn open(&self, author: &str, head: &str, (title, draft): (&str, bool)) -> PullDesk {
        let base = self.playground.look(|world| world.repos.get(&self.id).map(|repo| repo.default_branch.clone()));
        let base = base.unwrap_or_default();
        let new = NewPull { author, head, base: &base, title, body: "", draft };
        PullDesk { number: self.act(|world, repo| world.open_pull(repo, &new)), repo: self.clone() }
    }

    /// A pull request that is there.
    pub fn pull(&self, number: u64) -> PullDesk {
        PullDesk { repo: self.clone(), number }
    }

    /// Makes somebody a collaborator, as alice.
    #[track_caller]
    pub fn add_collaborator(&self, login: &str, role: Role) {
        self.act(|world, repo| world.add_collaborator(repo, login, role, "alice"));
    }

    /// Forks it to a person's account.
    #[track_caller]
    pub fn fork(&self, login: &str) -> RepoDesk {
        RepoDesk { playground: self.playground.clone(), id: self.act(|world, repo| world.fork(repo, login)) }
    }

    /// Presses "Re-run" on a check run.
    #[track_caller]
    pub fn rerequest(&self, check: u64, by: &str) {
        self.act(|world, repo| world.rerequest(repo, check, by));
    }

    /// Presses "Re-run all checks" on a commit.
    #[track_caller]
    pub fn rerequest_suite(&self, sha: &str, by: &str) {
        self.act(|world, repo| world.rerequest_suite(repo, sha, by));
    }

    /// Presses an action's button on a check run.
    #[track_caller]
    pub fn press(&self, check: u64, identifier: &str, by: &str) {
        self.act(|world, repo| world.press(repo, check, identifier, by));
    }

    /// All check runs on a commit, oldest first.
    pub fn checks(&self, sha: &str) -> Vec<CheckRun> {
        self.playground.look(|world| {
            world.repos.get(&self.id).map(|repo| repo.checks_of(sha).cloned().collect()).unwrap_or_default()
        })
    }

    /// Where a branch stands.
    pub fn head(&self, branch: &str) -> Option<String> {
        self.playground.look(|world| world.repos.get(&self.id).and_then(|repo| repo.branch(branch).map(str::to_owned)))
    }
}

impl PullDesk {
    /// The number after `#`.
    pub fn number(&self) -> u64 {
        self.number
    }

    #[track_caller]
    fn act<T>(&self, change: impl FnOnce(&mut World, u64, u64) -> Result<T>) -> T {
        self.repo.act(|world, repo| change(world, repo, self.number))
    }

    /// The head's SHA.
    pub fn head(&self) -> String {
        self.repo
            .playground
            .look(|world| world.pull(self.repo.id, self.number).map(|pull| pull.head_sha.clone()).unwrap_or_default())
    }

    /// Says something; gives back the comment's id.
    #[track_caller]
    pub fn comment(&self, by: &str, body: &str) -> u64 {
        self.act(|world, repo, number| world.comment(repo, number, by, body))
    }

    /// Reviews: `APPROVED`, `CHANGES_REQUESTED` or `COMMENTED`.
    #[track_caller]
    pub fn review(&self, by: &str, state: &str) -> u64 {
        self.act(|world, repo, number| world.review(repo, number, by, (state, "")))
    }

    /// Asks somebody for a review.
    #[track_caller]
    pub fn request_review(&self, by: &str, reviewer: &str) {
        self.act(|world, repo, number| world.request_review(repo, number, by, reviewer));
    }

    /// Says something to one line of a file.
    #[track_caller]
    pub fn remark(&self, by: &str, (path, line): (&str, u64), body: &str) -> u64 {
        self.act(|world, repo, number| world.remark(repo, number, by, (path, line, body)))
    }

    /// Closes it.
    #[track_caller]
    pub fn close(&self, by: &str) {
        self.act(|world, repo, number| world.close_pull(repo, number, by));
    }

    /// Opens it again.
    #[track_caller]
    pub fn reopen(&self, by: &str) {
        self.act(|world, repo, number| world.reopen_pull(repo, number, by));
    }

    /// Makes it ready for review, or a draft again.
    #[track_caller]
    pub fn set_draft(&self, by: &str, draft: bool) {
        self.act(|world, repo, number| world.set_draft(repo, number, by, draft));
    }

    /// Merges it; gives back the merge commit.
    #[track_caller]
    pub fn merge(&self, by: &str) -> String {
        self.act(|world, repo, number| world.merge_pull(repo, number, by))
    }

    /// Merges it by a rebase; gives back the last commit of it.
    #[track_caller]
    pub fn rebase(&self, by: &str) -> String {
        self.act(|world, repo, number| world.rebase_pull(repo, number, by))
    }

    /// Puts it into the merge queue; gives back the group's head.
    #[track_caller]
    pub fn enqueue(&self, by: &str) -> String {
        self.act(|world, repo, number| world.enqueue(repo, number, by))
    }

    /// Takes it out of the merge queue: `merged`, `dequeued` or `invalidated`.
    #[track_caller]
    pub fn end_group(&self, by: &str, reason: &str) {
        self.act(|world, repo, number| world.end_group(repo, number, by, reason));
    }

    /// The newest check runs of the head, one a name.
    pub fn checks(&self) -> Vec<CheckRun> {
        let mut newest = std::collections::BTreeMap::new();
        for check in self.repo.checks(&self.head()) {
            newest.insert(check.name.clone(), check);
        }
        newest.into_values().collect()
    }

    /// What stands on its page, as text.
    pub fn timeline(&self) -> String {
        self.repo.playground.look(|world| world.timeline(self.repo.id, self.number))
    }
}

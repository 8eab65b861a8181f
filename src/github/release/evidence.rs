//! What a deploy stands on: reviews, how commits are related, what others' checks say, who is in a team.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::event::Pull;
use crate::domain::facts::{Foreign, Lineage};
use crate::domain::ids::Repo;
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::repos::base;
use crate::github::wire::{Id, PullRequest, User, escape, login};

const PULLS: Scope = &[("pull_requests", "read")];
const CODE: Scope = &[("contents", "read")];
const CHECKS: Scope = &[("checks", "read")];
const MEMBERS: Scope = &[("members", "read")];
/// Pages that are read of a list; GitHub has no filter for what is wanted.
const PAGES: usize = 30;

#[derive(Deserialize)]
struct Review {
    #[serde(default)]
    user: Option<User>,
    state: String,
    #[serde(default)]
    commit_id: Option<String>,
}

#[derive(Deserialize)]
struct Comparison {
    status: String,
}

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    id: i64,
    name: String,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    app: Option<Id>,
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
}

impl GitHub {
    /// Who approves this very commit, by their newest word on it. The author is never among them.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn approvals(&self, repo: &Repo, pull: &Pull, sha: &str) -> Result<Vec<String>, GitHubError> {
        let path = format!("{}/pulls/{}/reviews?per_page=100", base(repo), pull.number);
        let (pages, _) = self.pages::<Vec<Review>>(Ask::get(Auth::of(repo, PULLS), path), PAGES).await?;
        let mut newest: BTreeMap<String, bool> = BTreeMap::new();
        for review in pages.into_iter().flatten() {
            let (who, bot) = (review.user, |user: &User| user.kind.as_deref() == Some("Bot"));
            if who.as_ref().is_some_and(bot) {
                continue;
            }
            let approves = review.state == "APPROVED" && review.commit_id.as_deref() == Some(sha);
            // A later comment leaves an approval as it is; only another verdict changes it.
            if matches!(review.state.as_str(), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED") {
                newest.insert(login(who), approves);
            }
        }
        newest.retain(|who, approves| *approves && !who.eq_ignore_ascii_case(&pull.author));
        Ok(newest.into_keys().collect())
    }

    /// How `head` stands to `other`. A commit that GitHub does not have any more is lacked.
    pub async fn lineage(&self, repo: &Repo, other: &str, head: &str) -> Result<Lineage, GitHubError> {
        let path = format!("{}/compare/{}...{}?per_page=1", base(repo), escape(other), escape(head));
        match self.json::<Comparison>(Ask::get(Auth::of(repo, CODE), path)).await {
            Ok(found) => Ok(match found.status.as_str() {
                "ahead" | "identical" => Lineage::Contains,
                "behind" => Lineage::Behind,
                _ => Lineage::Lacks,
            }),
            Err(GitHubError::NotFound { .. }) => Ok(Lineage::Lacks),
            Err(error) => Err(error),
        }
    }

    /// What checks and statuses of others say of a commit, each by its newest attempt. A name that both have must
    /// have passed in both.
    pub async fn foreign(&self, repo: &Repo, sha: &str) -> Result<BTreeMap<String, Foreign>, GitHubError> {
        let path = format!("{}/commits/{}/check-runs?filter=latest&per_page=100", base(repo), escape(sha));
        let (pages, _) = self.pages::<CheckRuns>(Ask::get(Auth::of(repo, CHECKS), path), PAGES).await?;
        let mut newest: BTreeMap<String, (i64, Foreign)> = BTreeMap::new();
        let others = |run: &CheckRun| run.app.as_ref().is_none_or(|app| app.id != self.app_id());
        for run in pages.into_iter().flat_map(|page| page.check_runs).filter(others) {
            let state = match run.conclusion.as_deref() {
                None => Foreign::Pending,
                Some("success" | "skipped" | "neutral") => Foreign::Passed,
                Some(_) => Foreign::Failed,
            };
            let entry = newest.entry(run.name).or_insert((run.id, state));
            if run.id > entry.0 {
                *entry = (run.id, state);
            }
        }
        let mut all: BTreeMap<String, Foreign> = newest.into_iter().map(|(name, (_, state))| (name, state)).collect();
        let path = format!("{}/commits/{}/statuses?per_page=100", base(repo), escape(sha));
        let (pages, _) = self.pages::<Vec<Status>>(Ask::get(Auth::of(repo, CODE), path), PAGES).await?;
        let mut seen = std::collections::BTreeSet::new();
        // The newest comes first.
        for status in pages.into_iter().flatten() {
            if !seen.insert(status.context.clone()) {
                continue;
            }
            let state = match status.state.as_str() {
                "success" => Foreign::Passed,
                "pending" => Foreign::Pending,
                _ => Foreign::Failed,
            };
            let entry = all.entry(status.context).or_insert(state);
            if state != Foreign::Passed {
                *entry = state;
            }
        }
        Ok(all)
    }

    /// Whether somebody is an active member of a team.
    pub async fn in_team(&self, repo: &Repo, (org, team): (&str, &str), user: &str) -> Result<bool, GitHubError> {
        #[derive(Deserialize)]
        struct Membership {
            state: String,
        }
        let path = format!("/orgs/{}/teams/{}/memberships/{}", escape(org), escape(team), escape(user));
        let auth = Auth::Installation { installation: repo.installation, repo: None, scope: MEMBERS };
        match self.json::<Membership>(Ask::get(auth, path)).await {
            Ok(membership) => Ok(membership.state == "active"),
            Err(GitHubError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The merged pull request that brought a commit to its base branch, if GitHub knows one.
    pub async fn merged_by(&self, repo: &Repo, sha: &str) -> Result<Option<Pull>, GitHubError> {
        let path = format!("{}/commits/{}/pulls?per_page=100", base(repo), escape(sha));
        let pulls: Vec<PullRequest> = self.json(Ask::get(Auth::of(repo, PULLS), path)).await?;
        let mut pulls = pulls.into_iter().map(PullRequest::into_pull);
        Ok(pulls.find(|pull| pull.merge_commit_sha.as_deref() == Some(sha)))
    }
}

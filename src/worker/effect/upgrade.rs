//! The pull request that moves a repository to the newest version of its plan: made once, its body as true as its checks.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::onboard::{digest, ended};
use super::plan::{sources_at, tell, trusted};
use super::{heed, slots};
use crate::context::Context;
use crate::domain::decide::PullState;
use crate::domain::ids::Repo;
use crate::domain::onboard::File;
use crate::domain::plan::{
    BRANCH, Change, LOCK, Lock, Member, Merged, Name, News, PlanState, Release, Stage, Version, digest as digest_of,
    merge, read, render,
};
use crate::domain::speech::plan as words;
use crate::domain::task::Key;
use crate::github::{Bring, Brought, GitHubError, Text};
use crate::store::{Class, Job, Load, Mirror};
use crate::worker::queue::{add, finish, new_job};
use crate::worker::verdict::JobError;

/// So many branches of that name may be somebody else's.
const BRANCHES: u32 = 5;

/// What is remembered of the pull request that is there.
#[derive(Serialize, Deserialize)]
struct Note {
    plan: String,
    version: Version,
    /// The member's round that it was opened in.
    round: u32,
    /// The part of its body that stays.
    what: String,
    /// Whether all passed, once that was told.
    told: Option<bool>,
    ended: bool,
}

/// A mirror and what it says.
type Known = (Mirror, Note);

/// Brings it up to date.
pub async fn sync(ctx: &Context, job: &Job, (repo, plan): (&Repo, &str)) -> Result<(), JobError> {
    let name = format!("upgrade:{}", repo.id);
    let known: Option<Known> = match ctx.store.mirror(&name).await? {
        Some(mirror) => serde_json::from_str(&mirror.note).ok().map(|note| (mirror, note)),
        None => None,
    };
    let plan = match (&known, plan) {
        (_, plan) if !plan.is_empty() => plan.to_owned(),
        (Some((_, note)), _) => note.plan.clone(),
        (None, _) => return finish(ctx, job, &[]).await,
    };
    let Some(row) = ctx.store.aggregate(&Key::Plan(plan).to_string()).await? else {
        return finish(ctx, job, &[]).await;
    };
    let state: PlanState = serde_json::from_str(&row.state).context("a plan's row cannot be read")?;
    let (Some(member), Some(latest)) = (state.member(repo.id), &state.latest) else {
        return finish(ctx, job, &[]).await;
    };
    // The plan may not have heard yet that it is open.
    let is_newest =
        |note: &Note| note.plan == state.name && note.version == latest.version && note.round == member.round;
    match known {
        Some((mirror, note)) if is_newest(&note) => follow(ctx, job, (member, &state.name), (mirror, note)).await,
        known if member.stage == Stage::Wanted => open(ctx, job, (member, latest, &state.name), known).await,
        Some(known) => follow(ctx, job, (member, &state.name), known).await,
        None => finish(ctx, job, &[]).await,
    }
}

/// What a pull request would hold.
struct Upgrade {
    repo: Repo,
    base: String,
    tree: String,
    lock: Lock,
    merged: Merged,
    files: Vec<File>,
    removed: Vec<String>,
}

/// What came of looking.
enum Looked {
    Upgrade(Box<Upgrade>),
    Current,
    Failed(String),
}

async fn look(ctx: &Context, member: &Member, (latest, plan): (&Release, &str)) -> Result<Looked, JobError> {
    let failed = |why: String| Ok(Looked::Failed(why));
    let Some((repo, _)) = ctx.github.sight(&member.repo).await? else { return failed(words::repository_gone()) };
    let Some((base, tree)) = ctx.github.branch(&repo, &repo.default_branch).await? else {
        return failed(words::repository_gone());
    };
    let Some(lock) = ctx.github.file(&repo, LOCK, &base).await?.and_then(|text| Lock::parse(&text).ok()) else {
        return failed(words::no_lock());
    };
    let Ok(name) = Name::parse(plan) else { return failed(words::gone(plan)) };
    if lock.version.0 >= latest.version || lock.plan != plan {
        return Ok(Looked::Current);
    }
    if !trusted(ctx, &name, &repo) {
        return failed(words::foreign(plan, &repo));
    }
    let Some(new) = sources_at(ctx, &name, (latest.version, &latest.commit)).await? else {
        return failed(words::gone(plan));
    };
    let Some(old) = sources_at(ctx, &name, (lock.version.0, &lock.commit)).await? else {
        return failed(words::base_gone(&lock));
    };
    let (Ok(before), Ok(after)) = (read(&old), read(&new)) else { return failed(words::base_gone(&lock)) };
    let before = match render(&before, &lock.known_to(&before)) {
        Ok(files) => files,
        Err(_) => return failed(words::base_gone(&lock)),
    };
    let inputs = lock.known_to(&after);
    let after = match render(&after, &inputs) {
        Ok(files) => files,
        Err(wrong) => return failed(words::values(&wrong)),
    };
    let ours = ours(ctx, &repo, (&base, &[before.as_slice(), after.as_slice()].concat())).await?;
    let merged = merge(&before, &after, &ours);
    let next = Lock {
        version: latest.version.into(),
        commit: latest.commit.clone(),
        digest: digest_of(&new),
        inputs,
        ..lock.clone()
    };
    let (mut files, mut removed) = (Vec::new(), Vec::new());
    for change in &merged.changes {
        match change {
            Change::Write(file) => files.push(file.clone()),
            Change::Remove(path) => removed.push(path.clone()),
        }
    }
    files.push(File { path: LOCK.to_owned(), executable: false, text: next.text() });
    Ok(Looked::Upgrade(Box::new(Upgrade { repo, base, tree, lock, merged, files, removed })))
}

/// The repository's own texts of what either version brings.
async fn ours(ctx: &Context, repo: &Repo, (sha, files): (&str, &[File])) -> Result<BTreeMap<String, String>, JobError> {
    let mut paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    paths.sort();
    paths.dedup();
    let mut ours = BTreeMap::new();
    for part in paths.chunks(50) {
        for (path, text) in ctx.github.texts(repo, sha, part).await? {
            // Whatever became too large to be read is somebody's own work, and stays.
            ours.insert(path, if let Text::Whole(text) = text { text } else { String::new() });
        }
    }
    Ok(ours)
}

/// Opens it, and tells the plan; or tells it why not.
async fn open(
    ctx: &Context,
    job: &Job,
    (member, latest, plan): (&Member, &Release, &str),
    known: Option<Known>,
) -> Result<(), JobError> {
    let repo = member.repo.id;
    let upgrade = match look(ctx, member, (latest, plan)).await? {
        Looked::Upgrade(upgrade) => upgrade,
        Looked::Current => return end(ctx, job, (plan, News::Current { repo }), None).await,
        Looked::Failed(why) => return end(ctx, job, (plan, News::Failed { repo, why }), None).await,
    };
    slots(ctx, upgrade.repo.installation, Class::Bulk, Load { writes: 4, content: 1, reads: 0 }).await?;
    let what = words::what(&upgrade.lock, latest, &upgrade.merged);
    let body = words::body(&what, &words::View::default(), plan);
    let pull = match attempt(ctx, job, (&upgrade, latest), (member.round, &body)).await {
        Err(JobError::GitHub(GitHubError::Forbidden { message, .. } | GitHubError::Invalid { message, .. })) => {
            let why = words::refused(&message);
            return end(ctx, job, (plan, News::Failed { repo, why }), None).await;
        }
        made => made?,
    };
    // The one before is not wanted any more, whatever it says.
    if let Some((Mirror { remote_id: Some(old), .. }, note)) = &known
        && !note.ended
    {
        heed(ctx, upgrade.repo.installation, ctx.github.close_pull(&upgrade.repo, *old).await).await?;
    }
    let note =
        Note { plan: plan.to_owned(), version: latest.version, round: member.round, what, told: None, ended: false };
    let mirror = mirror(ctx, repo, (Some(pull), digest(&body)), &note)?;
    end(ctx, job, (plan, News::Opened { repo, pull }), Some(mirror)).await
}

fn mirror(ctx: &Context, repo: i64, (remote_id, hash): (Option<i64>, String), note: &Note) -> Result<Mirror, JobError> {
    let note = serde_json::to_string(note).context("remembering a pull request")?;
    Ok(Mirror { key: format!("upgrade:{repo}"), remote_id, hash, note, updated_at: ctx.clock.now() })
}

/// Ends the job with news for the plan, and remembers.
async fn end(ctx: &Context, job: &Job, (plan, news): (&str, News), mirror: Option<Mirror>) -> Result<(), JobError> {
    let Some(mut tx) = ctx.store.finish(job).await? else {
        if let Some(mirror) = mirror {
            ctx.store.save_mirror(&mirror).await?;
        }
        return Ok(());
    };
    if let Some(mirror) = mirror {
        tx.save_mirror(&mirror).await?;
    }
    add(&mut tx, &new_job(&tell(plan, news), ctx.clock.now())?).await?;
    tx.commit().await.context("remembering a pull request")?;
    Ok(())
}

/// The first free branch gets the commit and the pull request. Gives its number.
async fn attempt(
    ctx: &Context,
    job: &Job,
    (upgrade, latest): (&Upgrade, &Release),
    (first, body): (u32, &str),
) -> Result<i64, JobError> {
    let (repo, message) = (&upgrade.repo, words::message(&upgrade.lock, latest));
    for round in first..first + BRANCHES {
        let version = latest.version;
        let branch = if round == 1 { format!("{BRANCH}{version}") } else { format!("{BRANCH}{version}-{round}") };
        let bring = Bring {
            branch: &branch,
            base: &upgrade.base,
            tree: &upgrade.tree,
            files: &upgrade.files,
            removed: &upgrade.removed,
            message: &message,
        };
        match heed(ctx, repo.installation, ctx.github.bring(repo, &bring).await).await? {
            Brought::At(_) => {}
            Brought::Taken => continue,
        }
        // An earlier try may have opened it without living to tell.
        let earlier = match job.attempt {
            1 => None,
            _ => heed(ctx, repo.installation, ctx.github.pull_from(repo, &branch).await).await?,
        };
        let title = words::title(&upgrade.lock, latest);
        let pull = match earlier {
            Some(pull) => pull,
            None => heed(ctx, repo.installation, ctx.github.open_pull(repo, &branch, (&title, body)).await).await?,
        };
        return Ok(pull);
    }
    let message = format!("the branches {BRANCH}{} and after it are somebody else's", latest.version);
    Err(GitHubError::Invalid { what: "opening a pull request".to_owned(), message }.into())
}

/// Tells in its body what its checks did, and the plan too, once; and the plan that it was merged or closed.
async fn follow(
    ctx: &Context,
    job: &Job,
    (member, plan): (&Member, &str),
    (old, mut note): Known,
) -> Result<(), JobError> {
    let (repo, Some(pull)) = (&member.repo, old.remote_id) else { return finish(ctx, job, &[]).await };
    let key = Key::Pull(repo.id, pull).to_string();
    let Some(row) = ctx.store.aggregate(&key).await? else { return finish(ctx, job, &[]).await };
    let state: PullState = serde_json::from_str(&row.state).context("a pull request's row cannot be read")?;
    if member.pinned && state.pull.open {
        heed(ctx, repo.installation, ctx.github.close_pull(repo, pull).await).await?;
    }
    let over = (!state.pull.open).then_some(state.pull.merged);
    let Some(runs) = ended(ctx, &key, &state.pull.head_sha).await? else {
        if over.is_none() {
            return finish(ctx, job, &[]).await;
        }
        return leave(ctx, job, (repo.id, plan), (old, note, over)).await;
    };
    let passed = (!runs.is_empty()).then(|| runs.iter().all(|run| run.passed));
    let results = runs.into_iter().map(|run| (run.name, run.words)).collect();
    let body = words::body(&note.what, &words::View { results, ended: over }, plan);
    let hash = digest(&body);
    if hash != old.hash {
        slots(ctx, repo.installation, Class::Progress, Load::one(false)).await?;
        match heed(ctx, repo.installation, ctx.github.describe_pull(repo, pull, &body).await).await {
            // It cannot be deleted, so the repository is gone.
            Err(JobError::GitHub(GitHubError::NotFound { .. })) => return finish(ctx, job, &[]).await,
            answer => answer?,
        }
    }
    let old = Mirror { hash, ..old };
    match passed {
        Some(passed) if over.is_none() && note.told != Some(passed) => {
            note.told = Some(passed);
            let mirror = mirror(ctx, repo.id, (Some(pull), old.hash), &note)?;
            end(ctx, job, (plan, News::Tried { repo: repo.id, pull, passed }), Some(mirror)).await
        }
        _ => leave(ctx, job, (repo.id, plan), (old, note, over)).await,
    }
}

/// Remembers, and tells the plan once that the pull request is over, or open again.
async fn leave(
    ctx: &Context,
    job: &Job,
    (repo, plan): (i64, &str),
    (old, mut note, over): (Mirror, Note, Option<bool>),
) -> Result<(), JobError> {
    let (was, pull) = (note.ended, old.remote_id.unwrap_or_default());
    note.ended = over.is_some();
    let mirror = mirror(ctx, repo, (old.remote_id, old.hash), &note)?;
    match over {
        Some(merged) if !was => end(ctx, job, (plan, News::Ended { repo, pull, merged }), Some(mirror)).await,
        None if was => end(ctx, job, (plan, News::Opened { repo, pull }), Some(mirror)).await,
        _ => super::remember(ctx, job, &mirror).await,
    }
}

//! A commit that holds what of a group is tried now.

use tokio_util::sync::CancellationToken;

use super::{end, kept, state};
use crate::context::Context;
use crate::domain::decide::{Group, Stage, UpdatesState};
use crate::domain::facts::ProjectAt;
use crate::domain::ids::Repo;
use crate::domain::onboard::File;
use crate::domain::speech::updates::course as words;
use crate::domain::update::course::{Candidate, Item, Kind, Moved, News};
use crate::domain::update::{
    self, Answers, Early, Ecosystem, Files, Locked, Looked, Origin, Package, Policy, Release, Why, brought, early,
    edit, extract,
};
use crate::github::NewCandidate;
use crate::registry::How;
use crate::registry::detail::learn;
use crate::store::{Class, Job, Load};
use crate::worker::effect::{heed, slots};
use crate::worker::gather::project_at;
use crate::worker::queue::finish;
use crate::worker::verdict::JobError;

/// Makes it and tells, or tells why not.
pub async fn make(
    ctx: &Context,
    job: &Job,
    (repo, id): (&Repo, &str),
    stop: &CancellationToken,
) -> Result<(), JobError> {
    let Some(state) = state(ctx, repo.id).await? else { return finish(ctx, job, &[]).await };
    let Some(group) = state.group(id).filter(|group| group.stage == Stage::Making) else {
        return finish(ctx, job, &[]).await;
    };
    let (texts, _) = super::look::texts_at(ctx, &state.repo, &state.look.sha).await?;
    let items: Vec<Item> = group.tried().flat_map(|unit| unit.items.clone()).collect();
    let work = async {
        match edited(ctx, job, (&state, &texts, &items)).await? {
            Ok(files) => young(ctx, (&state, group), (&texts, files)).await,
            Err(why) => Ok(Err(why)),
        }
    };
    let edited: Option<Result<Vec<File>, String>> = kept(ctx, job, stop, work).await?.transpose()?;
    let (group_id, round) = (id.to_owned(), group.round);
    let Some(edited) = edited else { return Ok(()) };
    let files = match edited {
        Ok(files) if files.is_empty() => Err(words::nothing_changes()),
        other => other,
    };
    let news = match files {
        Err(why) => News::Unmade { group: group_id, round, why },
        Ok(files) => {
            let changes = moved(&texts, &files);
            let candidate = commit(ctx, (&state, group), (&files, changes)).await?;
            News::Made { group: group_id, round, candidate }
        }
    };
    end(ctx, job, (repo.id, news)).await
}

async fn commit(
    ctx: &Context,
    (state, group): (&UpdatesState, &Group),
    (files, changes): (&[File], Vec<Moved>),
) -> Result<Candidate, JobError> {
    let repo = &state.repo;
    slots(ctx, repo.installation, Class::Bulk, Load { writes: 3, content: 0, reads: 0 }).await?;
    let base = state.look.sha.clone();
    let tips = group.tried().filter_map(|unit| unit.group.as_deref()).filter_map(|id| state.group(id));
    let tips = tips.filter_map(|group| Some(group.proven.as_ref()?.candidate.sha.clone()));
    let parents: Vec<String> = std::iter::once(base.clone()).chain(tips).collect();
    let message = words::message(group);
    let made = NewCandidate { reference: &group.reference(), base: &base, parents: &parents, files, message: &message };
    let sha = heed(ctx, repo.installation, ctx.github.make_candidate(repo, &made).await).await?;
    Ok(Candidate { sha, base, digest: state.look.digest.clone(), changes, at: state.look.at })
}

/// Nothing that comes along may be younger than the cooldown, whoever asked for it; what ends an advisory waits for nothing.
async fn young(
    ctx: &Context,
    (state, group): (&UpdatesState, &Group),
    (before, files): (&Files, Vec<File>),
) -> Result<Result<Vec<File>, String>, JobError> {
    let Some(packages) = &ctx.packages else { return Ok(Ok(files)) };
    let policy = match project_at(ctx, &state.repo, &state.look.sha).await? {
        ProjectAt::Found(project) => {
            let raw = project.raw.get("updates").and_then(toml::Value::as_table);
            update::policy(raw, ctx.clock.now()).unwrap_or_else(|_| Policy::at(ctx.clock.now()))
        }
        _ => Policy::at(ctx.clock.now()),
    };
    let (old, new) = (extract(before).locked, extract(&after(before, &files)).locked);
    let mut answers = packages.look_up(&brought(&old, &new), How { now: policy.now, deep: false }).await;
    let fixes = match group.wanted.kind {
        Kind::Security(_) => group.tried().flat_map(|unit| &unit.items).collect(),
        _ => Vec::new(),
    };
    let fixes = fixes.into_iter().map(|item| (item.ecosystem, item.name.clone(), item.to.clone())).collect();
    let open = undated(&early((&old, &new), &answers, &policy, &fixes), &answers);
    let names: Vec<Package> = open.iter().map(|(package, _)| package.clone()).collect();
    for (package, release) in names.iter().zip(packages.detail(open, policy.now).await) {
        learn(&mut answers, package, release);
    }
    let early = early((&old, &new), &answers, &policy, &fixes);
    Ok(if early.is_empty() { Ok(files) } else { Err(words::too_young(&early, policy.now)) })
}

/// Those whose times a list did not have, and that may be asked for one by one: proxies of Go's modules list versions only.
fn undated(early: &[Early], answers: &Answers) -> Vec<(Package, Release)> {
    let mut open = Vec::new();
    for one in early.iter().filter(|one| one.ecosystem == Ecosystem::Go && one.why == Why::UnknownAge) {
        let package = Package { ecosystem: one.ecosystem, registry: None, name: one.name.clone() };
        let Some(Looked::Releases(releases)) = answers.get(&package) else { continue };
        let release = releases.iter().find(|release| release.version == one.version);
        open.extend(release.map(|release| (package, release.clone())));
    }
    open
}

fn after(before: &Files, files: &[File]) -> Files {
    let mut after = before.clone();
    for file in files {
        after.insert(file.path.clone(), file.text.clone());
    }
    after
}

/// What the locks have otherwise, by name.
fn moved(before: &Files, files: &[File]) -> Vec<Moved> {
    let (old, new) = (extract(before).locked, extract(&after(before, files)).locked);
    let (gone, come) = (without(&old, &new), without(&new, &old));
    let mut moved: Vec<Moved> = Vec::new();
    for new in &come {
        let from = gone.iter().find(|old| {
            same(old, new) && !moved.iter().any(|known| known.name == old.name && known.from == old.version)
        });
        moved.push(Moved {
            ecosystem: new.ecosystem,
            name: new.name.clone(),
            from: from.map(|old| old.version.clone()).unwrap_or_default(),
            to: new.version.clone(),
        });
    }
    for old in gone {
        if !moved.iter().any(|known| known.name == old.name && known.from == old.version) {
            let (ecosystem, name) = (old.ecosystem, old.name.clone());
            moved.push(Moved { ecosystem, name, from: old.version.clone(), to: String::new() });
        }
    }
    moved.sort();
    moved.dedup();
    moved
}

fn same(a: &Locked, b: &Locked) -> bool {
    a.ecosystem == b.ecosystem && a.name == b.name && a.file == b.file
}

/// Packages of registries that one lock has and another has not.
fn without<'l>(these: &'l [Locked], those: &[Locked]) -> Vec<&'l Locked> {
    let elsewhere = |locked: &Locked| matches!(locked.origin, Origin::Elsewhere(_));
    let has = |locked: &Locked| those.iter().any(|other| same(other, locked) && other.version == locked.version);
    these.iter().filter(|locked| !elsewhere(locked) && !has(locked)).collect()
}

/// The files that change, or why they cannot, in words.
async fn edited(
    ctx: &Context,
    job: &Job,
    (state, texts, items): (&UpdatesState, &Files, &[Item]),
) -> Result<Result<Vec<File>, String>, JobError> {
    let plan = match edit::plan(texts, items) {
        Ok(plan) => plan,
        Err(why) => return Ok(Err(why)),
    };
    super::edit::edit(ctx, job, (&state.repo, &state.look.sha), (texts, &plan)).await
}

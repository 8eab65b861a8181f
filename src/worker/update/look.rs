//! A look at a default branch: what its manifests and locks say, what registries and advisories know, what follows.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::sources::sources;
use super::spread::parsed;
use super::told::{self, Age};
use super::{end, kept};
use crate::context::Context;
use crate::domain::decide::UpdatesState;
use crate::domain::detect::Tree;
use crate::domain::facts::ProjectAt;
use crate::domain::ids::Repo;
use crate::domain::project::Project;
use crate::domain::speech::updates::course as words;
use crate::domain::update::advisory::{Book, Name, audit};
use crate::domain::update::course::{Course, Exposed, Found as Brought, Look, News, groups};
use crate::domain::update::{self, Files, Found, Package};
use crate::github::Text;
use crate::registry::How;
use crate::registry::cure::cures;
use crate::registry::detail::complete;
use crate::store::Job;
use crate::worker::effect::pace;
use crate::worker::gather::project_at;
use crate::worker::queue::finish;
use crate::worker::verdict::JobError;

/// So many manifests and locks are read of one repository.
const MOST: usize = 1_000;
/// So many texts in one request.
const AT_ONCE: usize = 50;

/// Looks, and tells.
pub async fn look(ctx: &Context, job: &Job, repo: &Repo, stop: &CancellationToken) -> Result<(), JobError> {
    let Some(packages) = ctx.packages.clone() else { return finish(ctx, job, &[]).await };
    pace(ctx, repo.installation).await?;
    let Some((repo, sight)) = ctx.github.sight(repo).await? else { return finish(ctx, job, &[]).await };
    let head = if sight.archived { None } else { ctx.github.branch(&repo, &repo.default_branch).await? };
    let Some((sha, _)) = head else { return finish(ctx, job, &[]).await };
    let project = match project_at(ctx, &repo, &sha).await? {
        ProjectAt::Found(project) => project,
        // Whoever has not asked for anything gets nothing.
        ProjectAt::Missing => return finish(ctx, job, &[]).await,
        ProjectAt::Broken(_) => return end(ctx, job, (repo.id, blind(&repo, words::broken_file()))).await,
    };
    let now = ctx.clock.now();
    let raw = project.raw.get("updates").and_then(toml::Value::as_table);
    let (course, policy) = match (Course::read(raw), update::policy(raw, now)) {
        (Ok(course), Ok(policy)) => (course, policy),
        (Err(why), _) | (_, Err(why)) => return end(ctx, job, (repo.id, blind(&repo, why))).await,
    };
    let tree = tree_at(ctx, &repo, &sha).await?;
    let (texts, mut notes) = texts_of(ctx, (&repo, &sha), &tree).await?;
    let found = update::extract(&texts);
    let mut wanted: Vec<Package> = found.declared.iter().filter_map(Package::of).collect();
    wanted.sort();
    wanted.dedup();
    let how = How { now, deep: false };
    let named: BTreeSet<Name> = names(&found).iter().filter_map(|name| parsed(name)).collect();
    let work = async {
        // Where several processes share the work, the timer may never be this one's.
        if packages.stale(now) {
            packages.refresh(now).await;
        }
        told::consult(ctx, packages.as_ref(), (&[repo.installation], &named), (Age::LOOK, Some(repo.id))).await?;
        let mut answers = packages.look_up(&wanted, how).await;
        complete(&|wanted| packages.detail(wanted, now), &found, &mut answers, &policy).await;
        let book = packages.book();
        let sources = sources(ctx, (&repo, &sha), &tree, &audit(&found, &book).vulnerable).await;
        let fixes = cures(packages.as_ref(), &found, (&book, &policy), &sources).await;
        Ok::<_, JobError>((answers, fixes))
    };
    let Some(done) = kept(ctx, job, stop, work).await? else { return Ok(()) };
    let (answers, fixes) = done?;
    let decision = update::decide(&found, &answers, &policy);
    notes.extend(found.notes.clone());
    notes.extend(fixes.notes);
    let state = super::state(ctx, repo.id).await?;
    let standing = told::standing(ctx, &named, packages.standing());
    let withdrawn = withdrawn(state.as_ref(), &packages.book());
    let mut exposed = fixes.exposed;
    if standing.unsure {
        exposed.extend(still(state.as_ref(), &found, &exposed));
    }
    let look = Look {
        sha,
        digest: digest(&texts),
        at: now,
        held: decision.held,
        unknown: decision.unknown.into_iter().map(|line| (line.name, line.why)).collect(),
        exposed,
        packages: names(&found),
        notes,
        sources: standing.troubles,
        unsure: standing.unsure,
        withdrawn,
        follows: follows(&project),
    };
    let refused = state.map(|state| state.refused).unwrap_or_default();
    let wanted = groups(fixes.cures, &decision.proposals, &course, &refused);
    let id = repo.id;
    end(ctx, job, (id, News::Looked(Box::new(Brought { repo, look, course, wanted })))).await
}

fn blind(repo: &Repo, why: String) -> News {
    News::Blind { repo: repo.clone(), why }
}

/// The texts of a commit that tell of its packages, and what was not read.
pub async fn texts_at(ctx: &Context, repo: &Repo, sha: &str) -> Result<(Files, Vec<String>), JobError> {
    let tree = tree_at(ctx, repo, sha).await?;
    texts_of(ctx, (repo, sha), &tree).await
}

async fn tree_at(ctx: &Context, repo: &Repo, sha: &str) -> Result<Tree, JobError> {
    let tree = ctx.github.tree(repo, sha).await?;
    Ok(ctx.github.listing(repo, &tree).await?)
}

async fn texts_of(ctx: &Context, (repo, sha): (&Repo, &str), tree: &Tree) -> Result<(Files, Vec<String>), JobError> {
    let mut notes = Vec::new();
    if tree.truncated {
        notes.push(words::truncated());
    }
    let all: Vec<String> =
        tree.entries().iter().filter(|entry| update::reads(&entry.path)).map(|entry| entry.path.clone()).collect();
    if all.len() > MOST {
        notes.push(words::too_many(MOST));
    }
    let mut texts = Files::new();
    for part in all[..all.len().min(MOST)].chunks(AT_ONCE) {
        for (path, text) in ctx.github.texts(repo, sha, part).await? {
            match text {
                Text::Whole(text) => drop(texts.insert(path, text)),
                // GitHub's GraphQL cuts what is longer than half a megabyte; the file itself is to be had.
                Text::TooLarge(_) => match ctx.github.file(repo, &path, sha).await? {
                    Some(text) => drop(texts.insert(path, text)),
                    None => notes.push(words::too_long(&path)),
                },
            }
        }
    }
    Ok((texts, notes))
}

fn digest(texts: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (path, text) in texts {
        hash.update(format!("{path}\0{}\0", text.len()));
        hash.update(text);
    }
    hex::encode(hash.finalize())
}

/// What was open before and is locked as it was. Where some advisories could not be read, that nobody names it any more does
/// not end it.
fn still(state: Option<&UpdatesState>, found: &Found, open: &[Exposed]) -> Vec<Exposed> {
    let known = |old: &Exposed| open.iter().any(|new| new.id == old.id && new.name == old.name);
    let locked = |old: &Exposed| found.locked.iter().any(|at| at.name == old.name && at.version == old.version);
    let before = state.map_or(&[][..], |state| &state.look.exposed);
    before.iter().filter(|old| locked(old) && !known(old)).cloned().collect()
}

/// What a database took back of all that this repository's updates were to end.
fn withdrawn(state: Option<&UpdatesState>, book: &Book) -> Vec<String> {
    let groups = state.iter().flat_map(|state| &state.groups);
    let ids = groups.flat_map(|group| &group.wanted.fixed).flat_map(|ended| ended.finding.ids.clone());
    let ids: BTreeSet<String> = ids.filter(|id| book.took_back(id)).collect();
    ids.into_iter().collect()
}

/// By these an advisory finds the repository.
fn names(found: &Found) -> Vec<String> {
    let locked = found.locked.iter().map(|locked| format!("{}:{}", locked.ecosystem.as_str(), locked.name));
    let declared = found.declared.iter().map(|line| format!("{}:{}", line.ecosystem.as_str(), line.name));
    let mut names: Vec<String> = locked.chain(declared).collect();
    names.sort();
    names.dedup();
    names
}

fn follows(project: &Project) -> Vec<String> {
    project.environments.iter().filter(|environment| environment.after_merge).map(|e| e.name.clone()).collect()
}

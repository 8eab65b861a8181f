//! What a repository's onboarding may need: what it is like, and, only where a pull request is to be opened, what it is made of.

use super::FILE;
use crate::context::Context;
use crate::domain::detect::{Texts, detect, propose, wanted};
use crate::domain::facts::{LiveRepo, OnboardFacts};
use crate::domain::ids::Repo;
use crate::domain::onboard::{File, OnboardState, Proposal, Rules, Stage, skip};
use crate::domain::plan::{LOCK, Values, begun};
use crate::domain::project::{self, Source};
use crate::domain::speech::onboard as speech;
use crate::domain::speech::plan as words;
use crate::domain::speech::policy;
use crate::domain::task::Event;
use crate::github::{Text, permissions};
use crate::worker::verdict::JobError;

/// The facts for the event of a repository's onboarding.
pub async fn facts(ctx: &Context, state: Option<&OnboardState>, event: &Event) -> Result<OnboardFacts, JobError> {
    let mut facts = OnboardFacts { now: ctx.clock.now(), rules: Rules::default(), live: None };
    if let Event::Begin { repo, plan, inputs } = event {
        facts.live = begin(ctx, repo, (plan, inputs)).await?;
        return Ok(facts);
    }
    let Event::Consider { repo, asked } = event else { return Ok(facts) };
    let Some((repo, mut sight)) = ctx.github.sight(repo).await? else { return Ok(facts) };
    let branch = ctx.github.branch(&repo, &repo.default_branch).await?;
    sight.head = branch.as_ref().map(|(sha, _)| sha.clone());
    let (rules, policies) = rules(ctx, &repo).await?;
    facts.rules = rules;
    let stopped = skip(&sight, &facts.rules, (&repo.name, *asked)).is_some();
    let decided = state.is_some_and(|state| matches!(state.stage, Stage::Open | Stage::Wanted));
    let mut proposal = None;
    if let (Some(branch), false) = (branch, stopped && state.is_none()) {
        let tree = ctx.github.listing(&repo, &branch.1).await?;
        sight.lock = tree.get(LOCK).is_some();
        // A lock alone is a plan's first commit on its way.
        sight.file = sight.lock || tree.get(FILE).is_some();
        if !sight.file && !stopped && !decided {
            proposal = Some(Proposal { rules: policies, ..look(ctx, &repo, branch, &tree).await? });
        }
    }
    facts.live = Some(LiveRepo { repo, sight, proposal });
    Ok(facts)
}

/// A repository that is to begin from a plan. What is there already is left as it is.
async fn begin(ctx: &Context, repo: &Repo, (plan, inputs): (&str, &Values)) -> Result<Option<LiveRepo>, JobError> {
    let Some((repo, sight)) = ctx.github.sight(repo).await? else { return Ok(None) };
    let branch = ctx.github.branch(&repo, &repo.default_branch).await?;
    // What the command's answer did not refuse can be rendered.
    let (Some((base, tree)), Ok(files)) = (branch, begun(plan, inputs)) else { return Ok(None) };
    let there = ctx.github.listing(&repo, &tree).await?;
    let (skipped, files): (Vec<File>, Vec<File>) = files.into_iter().partition(|file| there.get(&file.path).is_some());
    let skipped: Vec<String> = skipped.into_iter().map(|file| file.path).collect();
    let project = files.iter().find(|file| file.path == FILE).and_then(|file| project::parse(&file.text).ok());
    let checks = project.map(|project| words::checks(&project)).unwrap_or_default();
    let installation = ctx.github.installation(repo.installation).await?;
    let missing = permissions::missing(&installation).iter().map(ToString::to_string).collect();
    let found = words::begun(plan, &skipped);
    let (_, rules) = rules(ctx, &repo).await?;
    let proposal = Proposal { base, tree, files, found, checks, left_out: String::new(), rules, missing };
    Ok(Some(LiveRepo { repo, sight, proposal: Some(proposal) }))
}

/// The organisation's rules over the operator's, and the policies of both in words. A file of theirs that cannot be used says
/// nothing here; its own check tells them.
async fn rules(ctx: &Context, repo: &Repo) -> Result<(Rules, String), JobError> {
    let operator = Rules { opens: Some(ctx.policy.onboarding), ..Rules::default() };
    let text = ctx.github.organisation_file(repo, FILE).await?;
    let theirs = text.and_then(|text| project::parse(&text).ok()).unwrap_or_default();
    let policies =
        [(Source::Operator, ctx.policy.floor.clone()), (Source::Organisation(repo.owner.clone()), theirs.policy)];
    Ok((theirs.onboarding.over(operator), policy::section(&policies)))
}

async fn look(
    ctx: &Context,
    repo: &Repo,
    (base, sha): (String, String),
    tree: &crate::domain::detect::Tree,
) -> Result<Proposal, JobError> {
    let wanted = wanted(tree);
    let mut texts = Texts::default();
    for (path, text) in ctx.github.texts(repo, &base, &wanted.paths).await? {
        match text {
            Text::Whole(text) => texts.add(&path, text.as_bytes()),
            Text::TooLarge(bytes) => texts.refuse(&path, bytes),
        }
    }
    let mut detected = detect(tree, &texts);
    detected.notes.extend(wanted.notes);
    let drafts = propose(&detected);
    let installation = ctx.github.installation(repo.installation).await?;
    Ok(Proposal {
        base,
        tree: sha,
        files: vec![File { path: FILE.to_owned(), executable: false, text: speech::file(&detected, &drafts) }],
        found: speech::found_table(&detected),
        checks: speech::checks(&detected, &drafts),
        left_out: speech::left_out(&detected),
        rules: String::new(),
        missing: permissions::missing(&installation).iter().map(ToString::to_string).collect(),
    })
}

//! The Conversation tab: what was said and what happened, in order; then the checks, the merge box and the form.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::chrome::{Chrome, Lost, Visit, page, standing};
use super::files::{Line, fork_of, lines_of};
use super::git;
use super::markdown;
use super::merge::{MergeBox, merge_box};
use super::pull::{PullHead, RepoHead};
use super::words::{Face, When, counted, short};
use crate::playground::Playground;
use crate::playground::world::{Comment, Happening, Pull, Repo, What, World};

/// First lines that people like to try.
const HINTS: [&str; 8] =
    ["/help", "/status", "/retry", "/cancel", "/run", "/deploy staging", "/rollout staging 25%", "/rollback staging"];

#[derive(Template)]
#[template(path = "playground/conversation.html")]
struct Conversation {
    chrome: Chrome,
    head: RepoHead,
    pull: PullHead,
    thread: Vec<Item>,
    merge: MergeBox,
    me: Face,
    hints: [&'static str; 8],
}

struct Item {
    anchor: String,
    who: Face,
    role: &'static str,
    mine: bool,
    at: When,
    edited: bool,
    minimised: Option<String>,
    said: String,
    icon: &'static str,
    body: Option<String>,
    reactions: Vec<Reactions>,
    commits: Vec<Line>,
}

struct Reactions {
    content: String,
    count: usize,
    who: String,
}

/// `/OWNER/NAME/pull/N`.
pub async fn conversation(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Result<Response, Lost> {
    let name = (owner, name);
    let (dir, range) = visit.see(&playground, &name, |world, repo| {
        let pull = repo.pulls.get(&number)?;
        Some((git::dir_of(&world.dir, repo), format!("{}..{}", pull.base_sha, pull.head_sha)))
    })?;
    let commits = git::commits(&dir, &range).await;
    visit.see(&playground, &name, |world, repo| {
        let pull = repo.pulls.get(&number)?;
        let parents = commits.iter().map(|c| (c.sha.clone(), c.parents.clone())).collect();
        let lines = lines_of(world, repo, commits);
        let teller = Teller { world, repo, pull, speaker: &visit.speaker, lines, parents };
        let head = PullHead::new(repo, pull, fork_of(world, repo, pull), "conversation");
        Some(page(&Conversation {
            chrome: visit.chrome(format!("{} #{number} · {}", pull.title, repo.full_name()), world, Some(repo)),
            head: RepoHead::new(repo, "pulls"),
            thread: teller.thread(),
            merge: merge_box(world.role(repo, &visit.speaker), repo, pull, &head.href),
            pull: head,
            me: Face::new(&visit.speaker),
            hints: HINTS,
        }))
    })
}

struct Teller<'a> {
    world: &'a World,
    repo: &'a Repo,
    pull: &'a Pull,
    speaker: &'a str,
    /// Newest first.
    lines: Vec<Line>,
    parents: BTreeMap<String, Vec<String>>,
}

impl Teller<'_> {
    fn thread(&self) -> Vec<Item> {
        let mut items = vec![self.opening()];
        let first_push = self.pull.timeline.iter().find_map(|h| match &h.what {
            What::Pushed { before, .. } => Some(before.as_str()),
            _ => None,
        });
        let first = self.commits_between(None, first_push.unwrap_or(&self.pull.head_sha));
        if !first.is_empty() {
            let said = format!("opened with {}", counted(first.len(), "commit"));
            items.push(Item { commits: first, ..self.happened(&self.pull.author, self.pull.created_at, "push", said) });
        }
        items.extend(self.pull.timeline.iter().filter_map(|happening| self.item(happening)));
        items
    }

    fn opening(&self) -> Item {
        let body = markdown::render(&self.pull.body);
        Item {
            body: Some(body),
            ..self.happened(&self.pull.author, self.pull.created_at, "open", "opened this".to_owned())
        }
    }

    fn item(&self, happening: &Happening) -> Option<Item> {
        let line = |icon, said: String| Some(self.happened(&happening.by, happening.at, icon, said));
        match &happening.what {
            What::Opened => None,
            What::Pushed { before, after, message, forced } => {
                Some(self.pushed(happening, (before, after), message, *forced))
            }
            What::Commented(id) => self.repo.comments.get(id).map(|comment| self.comment(comment)),
            What::Requested(login) => line("eye", format!("asked {login} for a review")),
            What::Reviewed(id) => self.review(*id),
            What::Labeled(name) => line("tag", format!("added the label {name}")),
            What::Unlabeled(name) => line("tag", format!("removed the label {name}")),
            What::Closed => line("closed", "closed this".to_owned()),
            What::Merged(sha) => line("merged", format!("merged this as {}", short(sha))),
            What::Reopened => line("open", "reopened this".to_owned()),
            What::Ready => line("eye", "marked this as ready for review".to_owned()),
            What::Drafted => line("draft", "made this a draft".to_owned()),
            What::Renamed(title) => line("tag", format!("changed the title to \u{201c}{title}\u{201d}")),
            What::Enqueued(sha) => line("queued", format!("added this to the merge queue as {}", short(sha))),
            What::Dequeued(reason) => line("queued", format!("took this out of the merge queue: {reason}")),
            What::Deployed(id) => line("ship", self.deployed(*id)),
        }
    }

    fn happened(&self, login: &str, at: i64, icon: &'static str, said: String) -> Item {
        let who = Face::new(login);
        let role = if who.bot { "" } else { standing(self.world.role(self.repo, login)) };
        Item {
            anchor: String::new(),
            role,
            mine: login == self.speaker,
            who,
            at: When::new(at, self.world.now()),
            edited: false,
            minimised: None,
            said,
            icon,
            body: None,
            reactions: Vec::new(),
            commits: Vec::new(),
        }
    }

    fn comment(&self, comment: &Comment) -> Item {
        let mut reactions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for reaction in &comment.reactions {
            reactions.entry(&reaction.content).or_default().push(&reaction.author);
        }
        let reactions = reactions.into_iter().map(|(content, who)| Reactions {
            content: content.to_owned(),
            count: who.len(),
            who: who.join(", "),
        });
        Item {
            anchor: format!("issuecomment-{}", comment.id),
            edited: comment.updated_at != comment.created_at,
            minimised: comment.minimised.clone(),
            body: Some(markdown::render(&comment.body)),
            reactions: reactions.collect(),
            ..self.happened(&comment.author, comment.created_at, "", "commented".to_owned())
        }
    }

    fn review(&self, id: u64) -> Option<Item> {
        let review = self.pull.reviews.iter().find(|review| review.id == id)?;
        let (icon, said) = match review.state.as_str() {
            "APPROVED" => ("success", "approved these changes"),
            "CHANGES_REQUESTED" => ("failure", "requested changes"),
            "DISMISSED" => ("eye", "had a review dismissed"),
            _ => ("eye", "reviewed"),
        };
        let mut text = review.body.clone();
        for remark in self.pull.remarks.iter().filter(|remark| remark.review == id) {
            text.push_str(&format!("\n\n`{}:{}` {}", remark.path, remark.line, remark.body));
        }
        let body = (!text.is_empty()).then(|| markdown::render(text.trim_start()));
        Some(Item { body, ..self.happened(&review.author, review.at, icon, said.to_owned()) })
    }

    fn pushed(&self, happening: &Happening, (before, after): (&str, &str), message: &str, forced: bool) -> Item {
        if forced {
            let said = format!("force-pushed from {} to {}: {message}", short(before), short(after));
            return self.happened(&happening.by, happening.at, "push", said);
        }
        let commits = self.commits_between(Some(before), after);
        let said = match commits.len() {
            0 => format!("pushed {}: {message}", short(after)),
            count => format!("pushed {}", counted(count, "commit")),
        };
        Item { commits, ..self.happened(&happening.by, happening.at, "push", said) }
    }

    /// Commits behind `head` that are not behind `base`, oldest first; only such as still belong to the pull request.
    fn commits_between(&self, base: Option<&str>, head: &str) -> Vec<Line> {
        let behind = |from: &str| {
            let mut seen = BTreeSet::new();
            let mut next = vec![from];
            while let Some(sha) = next.pop() {
                if let Some((sha, parents)) = self.parents.get_key_value(sha)
                    && seen.insert(sha.as_str())
                {
                    next.extend(parents.iter().map(String::as_str));
                }
            }
            seen
        };
        let (mut wanted, known) = (behind(head), base.map(behind).unwrap_or_default());
        wanted.retain(|sha| !known.contains(sha));
        self.lines.iter().rev().filter(|line| wanted.contains(line.sha.as_str())).cloned().collect()
    }

    fn deployed(&self, id: u64) -> String {
        let Some(deployment) = self.repo.deployments.get(&id) else {
            return "deployed".to_owned();
        };
        let newest = deployment.statuses.last();
        let state = newest.map_or("pending", |status| status.state.as_str()).replace('_', " ");
        let about = newest.map(|status| status.description.as_str()).filter(|text| !text.is_empty());
        let about = about.map(|text| format!(" ({text})")).unwrap_or_default();
        format!("deployed {} to {}: {state}{about}", short(&deployment.sha), deployment.environment)
    }
}

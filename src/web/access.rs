//! Who may read what, and who may do what the command line can: by GitHub's word, kept for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::context::Context;
use crate::domain::ids::Repo;
use crate::github::{GitHubError, Somebody};
use crate::settings::Orgs;

/// GitHub's word is as good as new for so long, in milliseconds.
const KEPT_MS: i64 = 60_000;
/// What only says that there is news does with an older one, in milliseconds.
const STALE_MS: i64 = 3_600_000;
/// More answers than these are not kept.
const MOST: usize = 20_000;

/// How new GitHub's word has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Asked for this.
    New,
    /// Of the last minute: for what shows something.
    Minute,
    /// Of the last hour: for what tells nothing but that there is news, or each open page would ask again and again.
    Hour,
}

impl Age {
    fn millis(self) -> i64 {
        match self {
            Age::New => 0,
            Age::Minute => KEPT_MS,
            Age::Hour => STALE_MS,
        }
    }
}

/// GitHub's word on whether somebody may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// They may.
    Yes,
    /// They may not, or GitHub does not know the repository or the person any more.
    No,
    /// GitHub cannot be asked; the reason, for people.
    Unknown(&'static str),
}

/// What was asked, about whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Question {
    Reads { repo: i64, user: i64 },
    Owns { user: i64 },
}

/// What GitHub said, and when.
type Kept = HashMap<Question, (bool, i64)>;

/// GitHub's answers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Access(Arc<Mutex<Kept>>);

impl Access {
    /// Whether somebody may read a repository.
    pub async fn reads(&self, ctx: &Context, who: &Somebody, (repo, age): (&Repo, Age)) -> Word {
        let question = Question::Reads { repo: repo.id, user: who.id };
        let now = ctx.clock.now();
        if let Some(word) = self.kept(question, (now, age)) {
            return word;
        }
        let reads = match ctx.github.access_of(repo, who).await {
            Ok(access) => access.is_some_and(|access| access.reads()),
            Err(GitHubError::NotFound { .. }) => false,
            Err(error) => {
                tracing::warn!(repo = repo.id, "what {} may read is not known: {error}", who.login);
                return Word::Unknown(in_short(&error));
            }
        };
        self.keep(question, reads, now)
    }

    /// Whether somebody may do what the command line can: the operator named them, or they own every account that is
    /// served. With `FAIRWAY_ORGS=*` anybody could become an owner, so nobody is by that.
    pub async fn administers(&self, ctx: &Context, who: &Somebody, age: Age) -> Word {
        if ctx.policy.admins.contains(&who.login.to_lowercase()) {
            return Word::Yes;
        }
        let Orgs::Only(orgs) = &ctx.policy.orgs else { return Word::No };
        let (question, now) = (Question::Owns { user: who.id }, ctx.clock.now());
        if let Some(word) = self.kept(question, (now, age)) {
            return word;
        }
        let mut owns = !orgs.is_empty();
        for org in orgs {
            match ctx.github.owns(org, who).await {
                Ok(true) => {}
                Ok(false) => owns = false,
                Err(error) => {
                    tracing::warn!("whether {} owns {org} is not known: {error}", who.login);
                    return Word::Unknown(in_short(&error));
                }
            }
            if !owns {
                break;
            }
        }
        self.keep(question, owns, now)
    }

    fn kept(&self, question: Question, (now, age): (i64, Age)) -> Option<Word> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&question).filter(|(_, at)| (*at..*at + age.millis()).contains(&now)).map(|(answer, _)| word(*answer))
    }

    fn keep(&self, question: Question, answer: bool, now: i64) -> Word {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, (_, at)| (*at..*at + KEPT_MS).contains(&now));
        }
        if kept.len() < MOST || kept.contains_key(&question) {
            kept.insert(question, (answer, now));
        }
        word(answer)
    }
}

fn word(answer: bool) -> Word {
    if answer { Word::Yes } else { Word::No }
}

/// An error of GitHub's as somebody may read it who is perhaps to know nothing of the repository.
pub fn in_short(error: &GitHubError) -> &'static str {
    match error {
        GitHubError::RateLimited { .. } => "GitHub's rate limit is reached",
        GitHubError::Suspended => "The App's installation is suspended",
        GitHubError::Forbidden { .. } | GitHubError::Unauthorized { .. } => "GitHub lets the App not ask",
        _ => "GitHub gave no answer that can be used",
    }
}

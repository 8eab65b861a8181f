//! Who looks at the pages, and what all of them need.

use sha2::{Digest, Sha256};

use super::access::{Access, Age, Word};
use super::pages::Who;
use crate::context::Context;
use crate::domain::ids::Repo;
use crate::domain::speech::pages::TOKEN_HOLDER;
use crate::github::Somebody;

/// A session that nobody used for so long is over, in milliseconds.
pub const IDLE_MS: i64 = 8 * 3_600_000;
/// A session is over after so long, whatever is done with it, in milliseconds.
pub const LONGEST_MS: i64 = 7 * 24 * 3_600_000;

/// What every page needs.
#[derive(Clone)]
pub struct Site {
    /// The handles.
    pub ctx: Context,
    /// Who may read and do what, as GitHub last said.
    pub access: Access,
}

impl Site {
    /// Nothing is known of anybody yet.
    pub fn new(ctx: Context) -> Site {
        Site { ctx, access: Access::default() }
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    /// Whom GitHub knows them as.
    pub who: Somebody,
    /// Digest of their cookie's id.
    pub session: String,
}

/// Who looks. Only a guard makes one, so who has one was let in.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// `None` for whoever has the token of the private listener.
    pub person: Option<Person>,
    /// Whether they may see and do what the command line can.
    pub admin: bool,
    /// What a form must send back, so that no other site's page can press our buttons.
    pub csrf: String,
    /// The origins that our own pages have, as browsers name them.
    pub origins: Vec<String>,
    /// They sent a credential that no browser sends by itself.
    pub by_hand: bool,
    /// How new GitHub's word on what they may read has to be.
    pub age: Age,
}

impl Viewer {
    /// For the frame of a page.
    pub fn who(&self) -> Who {
        Who {
            login: self.login().unwrap_or_default().to_owned(),
            known: true,
            admin: self.admin,
            csrf: self.csrf.clone(),
        }
    }

    /// The login, where somebody is signed in.
    pub fn login(&self) -> Option<&str> {
        self.person.as_ref().map(|person| person.who.login.as_str())
    }

    /// How the audit names them.
    pub fn name(&self) -> &str {
        self.login().unwrap_or(TOKEN_HOLDER)
    }

    /// Whether they may read a repository. Whoever has the token reads all, as on the command line.
    pub async fn reads(&self, site: &Site, repo: &Repo) -> Word {
        match &self.person {
            None => Word::Yes,
            Some(person) => site.access.reads(&site.ctx, &person.who, (repo, self.age)).await,
        }
    }

    /// For a feed, which shows nothing: the page that it wakes asks by itself.
    pub fn waiting(&self) -> Viewer {
        Viewer { age: Age::Hour, ..self.clone() }
    }

    /// Whether they are still signed in.
    pub async fn is_here(&self, site: &Site) -> bool {
        let Some(person) = &self.person else { return true };
        let now = site.ctx.clock.now();
        let found = site.ctx.store.session(&person.session, (now, now - IDLE_MS)).await;
        found.is_ok_and(|session| session.is_some())
    }
}

/// Compares digests, so that the time it takes says nothing of where two tokens differ.
pub fn same(a: &str, b: &str) -> bool {
    Sha256::digest(a) == Sha256::digest(b)
}

/// What nobody can guess: 244 random bits in 64 hexadecimal digits.
pub fn random() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

/// As what something secret is kept.
pub fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

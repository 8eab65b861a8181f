//! One request on its way through a handler.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::Answer;
use crate::playground::auth::Caller;
use crate::playground::git::Git;
use crate::playground::world::{Repo, World};

/// What a handler gives back: an answer, by one way or the other.
pub type Reply = Result<Answer, Answer>;

/// A request whose sender, permissions and limits are checked.
pub struct Call<'a> {
    /// All of GitHub.
    pub world: &'a mut World,
    /// The repository of the path; 0 when the path has none.
    pub repo: u64,
    /// Parts of the path in braces, without owner and repository.
    pub args: Vec<String>,
    /// The query.
    pub query: BTreeMap<String, String>,
    /// The JSON that came; null for none.
    pub body: Value,
    /// Path as it came, for links.
    pub path: String,
    /// The `Accept` header.
    pub accept: String,
    /// Who is calling.
    pub caller: Caller,
}

impl Call<'_> {
    /// The repository of the path. The door made sure that it is there.
    pub fn repo(&self) -> Result<&Repo, Answer> {
        self.world.repos.get(&self.repo).ok_or_else(Answer::not_found)
    }

    /// The same, to be changed.
    pub fn repo_mut(&mut self) -> Result<&mut Repo, Answer> {
        self.world.repos.get_mut(&self.repo).ok_or_else(Answer::not_found)
    }

    /// Its bare repository.
    pub fn git(&self) -> Result<Git, Answer> {
        Ok(self.world.git(self.repo()?))
    }

    /// A part of the path.
    pub fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    /// A part of the path that is a number.
    pub fn number(&self, at: usize) -> Result<u64, Answer> {
        self.arg(at).parse().map_err(|_| Answer::not_found())
    }

    /// A field of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A text in the body.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.body[field].as_str()
    }

    /// A text that must be in the body.
    pub fn need(&self, resource: &str, field: &str) -> Result<&str, Answer> {
        self.text(field)
            .ok_or_else(|| Answer::invalid(resource, field, "missing_field", &format!("{field} wasn't supplied")))
    }

    /// The login under which the caller writes.
    pub fn login(&self) -> String {
        match &self.caller {
            Caller::Person(login) | Caller::User(login) => login.clone(),
            _ => self.world.bot(),
        }
    }

    /// One page of a list, with GitHub's `Link` header.
    pub fn page(&self, items: Vec<Value>) -> Answer {
        let (items, link) = self.cut(items);
        let answer = Answer::ok(Value::Array(items));
        if link.is_empty() { answer } else { answer.with("Link", link) }
    }

    /// One page of a list inside an object with `total_count`.
    pub fn page_in(&self, name: &str, items: Vec<Value>) -> Answer {
        let total = items.len();
        let (items, link) = self.cut(items);
        let answer = Answer::ok(serde_json::json!({ "total_count": total, name: items }));
        if link.is_empty() { answer } else { answer.with("Link", link) }
    }

    fn cut(&self, items: Vec<Value>) -> (Vec<Value>, String) {
        let number = |name: &str| self.query(name).and_then(|text| text.parse::<usize>().ok());
        let size = number("per_page").unwrap_or(30).clamp(1, 100);
        let page = number("page").unwrap_or(1).max(1);
        let last = items.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        let mut link = |to: usize, rel: &str| links.push(format!("<{}>; rel=\"{rel}\"", self.address(to)));
        if page > 1 {
            link(page - 1, "prev");
            link(1, "first");
        }
        if page < last {
            link(page + 1, "next");
            link(last, "last");
        }
        (items.into_iter().skip((page - 1) * size).take(size).collect(), links.join(", "))
    }

    fn address(&self, page: usize) -> String {
        let mut query: BTreeMap<&str, String> =
            self.query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        query.insert("page", page.to_string());
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", name, encode(value))).collect();
        format!("{}{}?{}", self.world.url, self.path, query.join("&"))
    }
}

/// Turns what a person's action refuses into GitHub's 422.
pub fn refused(resource: &str, error: &anyhow::Error) -> Answer {
    Answer::invalid(resource, "base", "custom", &format!("{error:#}"))
}

/// A failure of the playground itself: git did not do what it always does.
pub fn broken(error: anyhow::Error) -> Answer {
    eprintln!("playground: internal error: {error:#}");
    Answer::error(500, "Server Error")
}

//! Comments, reactions and labels.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::playground::shapes::REACTIONS;
use crate::playground::world::{Comment, Label, Reaction, What, World};

impl World {
    /// The App's own login.
    pub fn bot(&self) -> String {
        format!("{}[bot]", self.app.slug)
    }

    /// Comments on a pull request; gives back the comment's id.
    pub fn comment(&mut self, repo: u64, number: u64, by: &str, body: &str) -> Result<u64> {
        self.pull(repo, number)?;
        ensure!(!body.trim().is_empty(), "a comment needs a body");
        ensure!(body.chars().count() <= 65_536, "Body is too long (maximum is 65536 characters)");
        let (id, now) = (self.id(), self.now());
        let comment = Comment {
            id,
            number,
            author: by.to_owned(),
            by_app: by == self.bot(),
            body: body.to_owned(),
            reactions: Vec::new(),
            minimised: None,
            created_at: now,
            updated_at: now,
        };
        if let Some(at) = self.repos.get_mut(&repo) {
            at.comments.insert(id, comment);
        }
        self.happened(repo, number, by, What::Commented(id));
        self.tell_comment((repo, id), "created", by, json!({}));
        Ok(id)
    }

    /// Changes a comment.
    pub fn edit_comment(&mut self, repo: u64, id: u64, by: &str, body: &str) -> Result<()> {
        ensure!(body.chars().count() <= 65_536, "Body is too long (maximum is 65536 characters)");
        let now = self.now();
        let comment = self.repos.get_mut(&repo).and_then(|at| at.comments.get_mut(&id)).context("no such comment")?;
        let before = std::mem::replace(&mut comment.body, body.to_owned());
        comment.updated_at = now;
        self.tell_comment((repo, id), "edited", by, json!({ "changes": { "body": { "from": before } } }));
        Ok(())
    }

    /// Deletes a comment.
    pub fn delete_comment(&mut self, repo: u64, id: u64, by: &str) -> Result<()> {
        self.repos.get(&repo).and_then(|at| at.comments.get(&id)).context("no such comment")?;
        self.tell_comment((repo, id), "deleted", by, json!({}));
        if let Some(at) = self.repos.get_mut(&repo) {
            at.comments.remove(&id);
        }
        Ok(())
    }

    /// Folds a comment away. Nobody is told: GitHub has no webhook for it.
    pub fn minimise_comment(&mut self, repo: u64, id: u64, reason: &str) {
        if let Some(comment) = self.repos.get_mut(&repo).and_then(|at| at.comments.get_mut(&id)) {
            comment.minimised = Some(reason.to_owned());
        }
    }

    /// The repository that a comment stands in.
    pub fn repo_of_comment(&self, id: u64) -> Option<u64> {
        self.repos.values().find(|repo| repo.comments.contains_key(&id)).map(|repo| repo.id)
    }

    /// Reacts to a comment; says whether the reaction is new, and gives it back.
    pub fn react(&mut self, repo: u64, comment: u64, by: &str, content: &str) -> Result<(bool, Reaction)> {
        ensure!(REACTIONS.contains(&content), "{content} is no reaction");
        let (id, now) = (self.id(), self.now());
        let at = self.repos.get_mut(&repo).and_then(|at| at.comments.get_mut(&comment)).context("no such comment")?;
        if let Some(old) = at.reactions.iter().find(|old| old.author == by && old.content == content) {
            return Ok((false, old.clone()));
        }
        let reaction = Reaction { id, author: by.to_owned(), content: content.to_owned(), created_at: now };
        at.reactions.push(reaction.clone());
        Ok((true, reaction))
    }

    /// Adds a label to a pull request, and to the repository when it has none of that name.
    pub fn label(&mut self, repo: u64, number: u64, by: &str, name: &str) -> Result<()> {
        ensure!(!name.is_empty() && name.chars().count() <= 50, "a label has 1 to 50 characters");
        if self.pull(repo, number)?.labels.iter().any(|label| label == name) {
            return Ok(());
        }
        let id = self.id();
        if let Some(at) = self.repos.get_mut(&repo) {
            let label = Label { id, name: name.to_owned(), color: "ededed".into(), description: None };
            at.labels.entry(name.to_owned()).or_insert(label);
        }
        if let Some(pull) = self.pull_mut(repo, number) {
            pull.labels.push(name.to_owned());
        }
        self.happened(repo, number, by, What::Labeled(name.to_owned()));
        let label = self.repos.get(&repo).and_then(|at| at.labels.get(name).map(|label| self.label_json(at, label)));
        self.tell_pull((repo, number), "labeled", by, json!({ "label": label }));
        Ok(())
    }

    /// Takes a label off; says whether it was there.
    pub fn unlabel(&mut self, repo: u64, number: u64, by: &str, name: &str) -> Result<bool> {
        self.pull(repo, number)?;
        let Some(pull) = self.pull_mut(repo, number) else {
            return Ok(false);
        };
        let had = pull.labels.len();
        pull.labels.retain(|label| label != name);
        if pull.labels.len() == had {
            return Ok(false);
        }
        self.happened(repo, number, by, What::Unlabeled(name.to_owned()));
        let label = self.repos.get(&repo).and_then(|at| at.labels.get(name).map(|label| self.label_json(at, label)));
        self.tell_pull((repo, number), "unlabeled", by, json!({ "label": label }));
        Ok(true)
    }

    fn tell_comment(&mut self, (repo, id): (u64, u64), action: &str, by: &str, mut extra: Value) {
        let Some(at) = self.repos.get(&repo) else {
            return;
        };
        let Some(comment) = at.comments.get(&id) else {
            return;
        };
        let Some(pull) = at.pulls.get(&comment.number) else {
            return;
        };
        extra["action"] = json!(action);
        extra["issue"] = self.issue_json(at, pull);
        extra["comment"] = self.comment_json(at, comment);
        self.emit(repo, "issue_comment", by, extra);
    }
}

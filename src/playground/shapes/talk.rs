//! Comments and reactions.

use serde_json::{Value, json};

use super::{iso, node_id};
use crate::playground::world::{Comment, Reaction, Repo, World};

/// The reactions that GitHub has.
pub const REACTIONS: &[&str] = &["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];

impl World {
    /// An `issue-comment`.
    pub fn comment_json(&self, repo: &Repo, comment: &Comment) -> Value {
        let url = format!("{}/issues/comments/{}", self.repo_url(repo), comment.id);
        let html = format!("{}/{}/pull/{}", self.url, repo.full_name(), comment.number);
        let mut reactions = json!({ "url": format!("{url}/reactions"), "total_count": comment.reactions.len() });
        for content in REACTIONS {
            reactions[*content] =
                json!(comment.reactions.iter().filter(|reaction| reaction.content == *content).count());
        }
        json!({
            "url": url,
            "html_url": format!("{html}#issuecomment-{}", comment.id),
            "issue_url": format!("{}/issues/{}", self.repo_url(repo), comment.number),
            "id": comment.id,
            "node_id": node_id("IssueComment", comment.id),
            "user": self.user_json(&comment.author),
            "created_at": iso(comment.created_at),
            "updated_at": iso(comment.updated_at),
            "author_association": self.association(repo, &comment.author),
            "body": comment.body,
            "reactions": reactions,
            "performed_via_github_app": if comment.by_app { self.app_json() } else { Value::Null },
        })
    }

    /// A `reaction`.
    pub fn reaction_json(&self, reaction: &Reaction) -> Value {
        json!({
            "id": reaction.id,
            "node_id": node_id("Reaction", reaction.id),
            "user": self.user_json(&reaction.author),
            "content": reaction.content,
            "created_at": iso(reaction.created_at),
        })
    }
}

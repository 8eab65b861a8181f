//! The first chapter: a repository is created, and its pull request follows by itself.

use super::story::Story;
use super::teller::Teller;
use crate::playground::world::{Repo, Role};

/// In an organisation of its own, as somebody's first would be.
const NAME: &str = "harbour/till";
/// A till that adds up, and its test: whatever machine this is, it has `make` and `sh`.
const FILES: &[(&str, &str)] = &[
    ("README.md", "# till\n\nAdds up what a customer pays.\n"),
    ("Makefile", ".PHONY: test\ntest:\n\tsh check.sh\n"),
    ("till.sh", "sum() { total=0; for price in \"$@\"; do total=$((total + price)); done; echo \"$total\"; }\n"),
    ("check.sh", ". ./till.sh\n[ \"$(sum 250 900)\" = 1150 ] && echo \"ok two prices\"\n"),
];

impl Story {
    /// From an organisation without a file to checks on its default branch.
    pub async fn begins(&mut self, teller: &mut Teller) -> anyhow::Result<()> {
        teller.chapter("alice creates a repository, and it comes onto the path");
        self.hub.act(|hub| hub.add_org("harbour", &[("alice", Role::Maintain), ("bob", Role::Write)]));
        let repo = self.hub.create(NAME, FILES);
        teller.does("alice", &format!("creates {NAME}"));
        teller.sees_in(NAME, "one pull request follows", opened).await?;
        teller.sees_in(NAME, "it says what was found", |repo| line(repo, "Makefile")).await?;
        teller.sees_in(NAME, "and what its checks did on its own branch", |repo| line(repo, "Passed in")).await?;
        let sha = repo.pull(1).merge("alice");
        teller.does("alice", "merges #1");
        teller
            .sees_in(NAME, "fairway / test passed on main", |repo| super::teller::ended(repo, &sha, "test", "success"))
            .await?;
        teller
            .sees_in(NAME, "nothing else was asked of anybody", |repo| {
                (repo.pulls.len() == 1 && repo.comments.is_empty()).then(String::new)
            })
            .await
    }
}

fn opened(repo: &Repo) -> Option<String> {
    let pull = repo.pulls.get(&1)?;
    Some(format!("{} ({})", pull.title, pull.head_ref))
}

/// The first line of its body with these words, as a person would read it.
fn line(repo: &Repo, words: &str) -> Option<String> {
    let line = repo.pulls.get(&1)?.body.lines().find(|line| line.contains(words))?;
    let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', ""));
    Some(cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(", "))
}

//! A project from nothing: made from a plan, green, and answering its first request.

use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use super::story::Story;
use super::teller::{Teller, ended};
use crate::cli::child::free_port;

/// In the organisation of the first chapter.
const NAME: &str = "harbour/pilot";
/// Plans by what the pipelines of each need on this machine, the quickest first.
const PLANS: [(&str, &str); 3] = [("node-service", "node"), ("python-service", "python3"), ("rust-service", "cargo")];

impl Story {
    /// The whole way, from the command to a customer.
    pub async fn project(&mut self, teller: &mut Teller) -> anyhow::Result<()> {
        teller.chapter("alice makes a project from a plan, and it answers");
        self.hub.act(|hub| {
            let harbour = hub.installations.values().find(|at| at.account == "harbour").map_or(0, |at| at.id);
            hub.grant(harbour, "alice", "administration", Some("write"));
        });
        // Where pipelines run, and the release after them, is what the engine gives them: the system's own programs.
        let here = |tool: &str| {
            ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|dir| std::path::Path::new(dir).join(tool).exists())
        };
        let Some((plan, _)) = PLANS.iter().find(|(_, tool)| here(tool)) else {
            bail!(
                "neither Node nor Python nor Rust is installed for all on this machine; this chapter needs one of them"
            );
        };
        let port = free_port().await?.port();
        let command = format!("fairway new {plan} pilot --org harbour --set port={port}");
        teller.does("alice", &command);
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        let output = Command::new(std::env::current_exe().context("finding this program")?)
            .args(words)
            .envs(self.recipe.settings())
            .stdin(Stdio::null())
            .output()
            .await
            .context("starting `fairway new`")?;
        if !output.status.success() {
            bail!("`{command}`: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        teller
            .sees_in(NAME, "fairway / test passed", |repo| ended(repo, repo.branch("main")?, "test", "success"))
            .await?;
        let url = format!("http://127.0.0.1:{port}/");
        let mut said = String::new();
        for _ in 0..450 {
            if let Ok(answer) = reqwest::get(&url).await
                && answer.status().is_success()
            {
                said = answer.text().await.unwrap_or_default();
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        teller.holds(&format!("its first customer is answered: {}", said.trim()), said.contains("Hello"))?;
        teller
            .sees_in(NAME, "staging: success", |repo| {
                let live =
                    repo.deployments.values().any(|one| one.statuses.iter().any(|status| status.state == "success"));
                live.then(String::new)
            })
            .await
    }
}

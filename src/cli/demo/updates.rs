//! The last chapters: five updates of which one does not compile, and an advisory on its way to the customers.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use super::story::Story;
use super::teller::Teller;
use crate::cli::child::free_port;
use crate::playground::world::{Crate, Pull, Repo, Role};

const NAME: &str = "quay/ledger";
/// Crates that the service asks for; each has a newer version that its authors call compatible.
const ASKED: [&str; 5] = ["dates", "mail", "money", "pages", "rates"];
const DAY: i64 = 24 * 60 * 60 * 1000;
/// The advisory, in the form of RustSec's database.
const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-9001\"\npackage = \"wire\"\ndate = \"2026-11-01\"\n\n[versions]\npatched = [\">=1.0.1\"]\n```\n\n# A message of the right length ends the process\n\nFor the demo: this crate exists only beside it.\n";

/// What the service says, and with which `wire` it was built.
const MAIN: &str = r#"use std::io::{Read, Write};

fn page() -> String {
    format!("{} {} {} {} {}", dates::word(), mail::word(), money::word(), pages::word(), rates::word())
}

fn main() {
    let port = std::env::var("PORT").expect("PORT is set");
    let listener = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).expect("a port");
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let mut asked = [0; 1024];
        let _ = stream.read(&mut asked);
        let text = format!("{} (wire {})\n", page(), money::wire());
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
    }
}

#[test]
fn it_speaks() {
    assert!(page().contains("dates"));
}
"#;

fn library(name: &str, fine: bool) -> String {
    let word = if fine { "word" } else { "text" };
    format!("//! {name}.\n\n/// Its word.\npub fn {word}() -> &'static str {{\n    \"{name}\"\n}}\n")
}

/// Everything that the registry of these chapters has.
fn published(now: i64) -> Vec<Crate> {
    let money = |fine: &str| {
        format!("{fine}\n/// Which wire it was built with.\npub fn wire() -> &'static str {{\n    wire::VERSION\n}}\n")
    };
    let wire = "//! wire.\n\n/// Its version.\npub const VERSION: &str = env!(\"CARGO_PKG_VERSION\");\n";
    let mut all = Vec::new();
    for (version, age) in [("1.0.0", 300), ("1.0.1", 20)] {
        all.push(Crate::new(("wire", version), &[], now - age * DAY, wire));
    }
    for name in ASKED {
        for (version, age) in [("1.0.0", 200), ("1.1.0", 30)] {
            // Its authors took a function out, and called that compatible.
            let fine = name != "dates" || version == "1.0.0";
            let source = library(name, fine);
            let (source, needs): (String, &[(&str, &str)]) =
                if name == "money" { (money(&source), &[("wire", "^1")]) } else { (source, &[]) };
            all.push(Crate::new((name, version), needs, now - age * DAY, &source));
        }
    }
    all
}

fn manifest() -> String {
    let asks: String = ASKED.iter().map(|name| format!("{name} = \"1\"\n")).collect();
    format!("[package]\nname = \"ledger\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{asks}")
}

fn project(port: u16) -> String {
    format!(
        r#"[pipeline.test]
run = ["cargo test --locked --quiet"]
timeout = "5m"

[pipeline.image]
on = ["push"]
run = ["cargo build --locked --quiet", "mkdir -p dist", "cp target/debug/ledger dist/"]
export = "dist/"

[environment.production]
release = "image"
start = "./ledger"
port = {port}
after_merge = true
stages = ["100%"]
watch = "2s"

[updates]
automerge = "security"
automerge_deploys = true
"#
    )
}

impl Story {
    /// Five at once, and one of them is red.
    pub async fn red_group(&mut self, teller: &mut Teller) -> anyhow::Result<u16> {
        teller.chapter("five updates, and one of them does not compile");
        println!("              (its registry comes with this demo: nothing here asks the internet)");
        let now = crate::clock::Clock::system().now();
        self.hub.act(|hub| {
            published(now).into_iter().for_each(|one| hub.publish(one));
            hub.add_org("quay", &[("alice", Role::Admin), ("bob", Role::Write)]);
        });
        let port = free_port().await?.port();
        let lock = self.lock().await?;
        let (manifest, project) = (manifest(), project(port));
        let config = self.recipe.cargo_config();
        self.hub.create(
            NAME,
            &[
                ("Cargo.toml", &manifest),
                ("Cargo.lock", &lock),
                ("src/main.rs", MAIN),
                (".cargo/config.toml", &config),
                (".gitignore", "target/\ndist/\n"),
                ("fairway.toml", &project),
            ],
        );
        teller.does("alice", &format!("creates {NAME}, whose five crates all have a newer version"));
        teller
            .waits(NAME, "one pull request, for those that pass together", |repo| {
                let pull = repo.pulls.values().find(|pull| pull.head_ref == "fairway/update-safe-cargo")?;
                (pull.title == "Update 4 Rust packages").then(|| format!("#{} {}", pull.number, pull.title))
            })
            .await?;
        teller
            .sees_in(NAME, "it names the one that does not, with its log", |repo| {
                let pull = repo.pulls.values().find(|pull| pull.head_ref == "fairway/update-safe-cargo")?;
                let out = pull.body.lines().find(|line| line.contains("<code>dates</code>"))?;
                let log = pull.body.lines().find(|line| line.contains("error[E0425]"))?;
                Some(format!("{}; {}", plain(out), log.trim()))
            })
            .await?;
        teller
            .sees_in(NAME, "its checks ran before it was opened", |repo| {
                let pull = repo.pulls.values().find(|pull| pull.head_ref == "fairway/update-safe-cargo")?;
                let green = |one: &crate::playground::world::CheckRun| one.conclusion.as_deref() == Some("success");
                let first =
                    repo.checks_of(&pull.head_sha).filter(|one| green(one)).filter_map(|one| one.started_at).min()?;
                (first < pull.created_at).then(String::new)
            })
            .await?;
        Ok(port)
    }

    /// From a file in a database to the customers.
    pub async fn advisory(&mut self, teller: &mut Teller, port: u16) -> anyhow::Result<()> {
        teller.chapter("an advisory arrives, and its fix reaches the customers");
        answers(teller, port, "wire 1.0.0").await?;
        let file = self.recipe.advisories().join("crates/wire/RUSTSEC-2026-9001.md");
        std::fs::create_dir_all(file.parent().context("a database has folders")?)?;
        std::fs::write(&file, ADVISORY).context("writing the advisory")?;
        teller.does("RustSec", "publishes RUSTSEC-2026-9001: wire before 1.0.1, which nobody here asks for by name");
        teller
            .waits(NAME, "a pull request with the smallest fix", |repo| {
                let pull = fix(repo)?;
                Some(format!("#{} {}", pull.number, pull.title))
            })
            .await?;
        teller
            .sees_in(NAME, "one version changes", |repo| {
                let line = fix(repo)?.body.lines().find(|line| line.contains("`wire`"))?;
                Some(line.trim_matches('|').replace('`', "").replace(" | ", " ").trim().to_owned())
            })
            .await?;
        teller
            .waits(NAME, "merged by itself: the file says so for fixes", |repo| {
                fix(repo)?.merged.as_ref().map(|_| String::new())
            })
            .await?;
        answers(teller, port, "wire 1.0.1").await?;
        let mut page = String::new();
        for _ in 0..150 {
            page = self.read("/updates").await?;
            if page.contains("No advisory is open") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        teller.holds("the page says that nothing is open any more", page.contains("No advisory is open"))
    }

    /// A page of Fairway's own, as whoever runs it sees it.
    async fn read(&self, path: &str) -> anyhow::Result<String> {
        let client = reqwest::Client::new();
        let answer = client.get(self.recipe.page(path)).bearer_auth(self.recipe.token()).send().await?;
        Ok(answer.text().await?)
    }

    /// What cargo itself locks, with everything as it was half a year ago.
    async fn lock(&self) -> anyhow::Result<String> {
        let dir = tempfile::tempdir().context("making a temporary directory")?;
        std::fs::create_dir_all(dir.path().join("src"))?;
        std::fs::write(dir.path().join("src/main.rs"), "fn main() {}\n")?;
        // Asked for exactly, they are locked so; the manifest that is committed asks for more.
        let exact: String = ASKED.iter().map(|name| format!("{name} = \"=1.0.0\"\n")).collect();
        let old = manifest().split("[dependencies]\n").next().unwrap_or_default().to_owned();
        let old = format!("{old}[dependencies]\n{exact}wire = \"=1.0.0\"\n");
        std::fs::write(dir.path().join("Cargo.toml"), old)?;
        self.cargo(dir.path().into(), &["generate-lockfile"]).await?;
        std::fs::write(dir.path().join("Cargo.toml"), manifest())?;
        self.cargo(dir.path().into(), &["update", "--workspace"]).await?;
        Ok(std::fs::read_to_string(dir.path().join("Cargo.lock"))?)
    }

    async fn cargo(&self, dir: PathBuf, args: &[&str]) -> anyhow::Result<()> {
        let output = Command::new("cargo")
            .args(args)
            .current_dir(dir)
            .env("CARGO_HOME", self.recipe.cargo_home())
            .stdin(Stdio::null())
            .output()
            .await
            .context("starting cargo; this chapter is about a service in Rust")?;
        if !output.status.success() {
            bail!("cargo {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

fn fix(repo: &Repo) -> Option<&Pull> {
    repo.pulls.values().find(|pull| pull.head_ref.starts_with("fairway/update-security"))
}

/// Waits until a customer hears these words.
async fn answers(teller: &mut Teller, port: u16, words: &str) -> anyhow::Result<()> {
    let mut said = String::new();
    for _ in 0..600 {
        if let Ok(answer) = reqwest::get(format!("http://127.0.0.1:{port}/")).await
            && answer.status().is_success()
        {
            said = answer.text().await.unwrap_or_default();
            if said.contains(words) {
                break;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    teller.holds(&format!("customers are answered: {}", said.trim()), said.contains(words))
}

/// Without tags and entities.
fn plain(line: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        inside = (inside || *c == '<') && *c != '>';
        !inside && *c != '>'
    };
    line.chars().filter(keep).collect::<String>().replace("-&gt;", "to").replace("&gt;", ">").trim().to_owned()
}

//! The little repository that the story plays in: a price list in plain shell, so that it runs wherever there is `sh` and `awk`.

use std::path::Path;

use crate::playground::Playground;

/// The pipelines of the shop's `fairway.toml`.
const PIPELINES: &str = r#"# What Fairway runs on every pull request. Each line of `run` is a step.
[pipeline.test]
run = ["sh -n price.sh", "sh check.sh"]
report = ["junit:junit.xml"]
timeout = "2m"

[pipeline.image]
needs = ["test"]
run = ["mkdir -p dist", "cp price.sh dist/", "echo packed $(ls dist | wc -l) file"]
export = "dist/"
"#;

/// The code: what a customer pays, in cents.
pub const PRICE: &str = r#"#!/bin/sh
# price PIECES CENTS: what a customer pays, with 10 % off from ten pieces on.
price() {
    total=$(($1 * $2))
    if [ "$1" -ge 10 ]; then
        total=$((total * 90 / 100))
    fi
    echo "$total"
}
"#;

/// The same with a discount from so many pieces on.
pub fn discount(pieces: u32, word: &str) -> String {
    PRICE.replace("-ge 10", &format!("-ge {pieces}")).replace("from ten", &format!("from {word}"))
}

/// Its test, which writes a JUnit report as other people's test runners do.
const CHECK: &str = r#"#!/bin/sh
# Tests price.sh and writes junit.xml.
. ./price.sh
failed=0
cases=""
check() { # name pieces cents expected line
    got=$(price "$2" "$3")
    if [ "$got" = "$4" ]; then
        echo "ok      $1"
        cases="$cases<testcase name=\"$1\" file=\"price.sh\" line=\"$5\"/>"
    else
        echo "FAILED  $1: expected $4, got $got"
        failed=$((failed + 1))
        cases="$cases<testcase name=\"$1\" file=\"price.sh\" line=\"$5\"><failure message=\"expected $4, got $got\"/></testcase>"
    fi
}
check "one piece costs its price" 1 250 250 4
check "ten pieces are cheaper" 10 100 900 5
check "the discount is exact" 12 999 10789 6
echo "<testsuite name=\"price\" failures=\"$failed\">$cases</testsuite>" > junit.xml
[ -z "$SLOW" ] || sleep "$SLOW"
exit "$failed"
"#;

/// Where the shop can be visited.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// `staging`.
    pub staging: u16,
    /// `production`.
    pub production: u16,
}

/// `fairway.toml` of the shop: what is released is a small HTTP server of this program's around the shop's `price.sh`.
fn project(exe: &Path, ports: Ports) -> String {
    let exe = exe.display().to_string().replace('\'', r"'\''");
    let start = format!(r#"start   = """'{exe}' sample price.sh --port "$PORT" """"#);
    format!(
        r#"{PIPELINES}
# Where releases go. `start` is a small HTTP server that comes with Fairway and asks price.sh; yours would be "./shop".
[environment.staging]
release = "image"
{start}
health  = "/healthz"
port    = {}
stages  = ["10% 5s", "50% 5s", "100%"]
watch   = "5s"
# Nobody visits it here, and that tells nothing about a version: after 20 s Fairway asks both itself.
stage_max = "20s"
undecided = "probe"

[environment.production]
release = "image"
{start}
health  = "/healthz"
port    = {}
needs   = {{ checks = ["test"], approvals = 1, environment = "staging" }}
"#,
        ports.staging, ports.production
    )
}

/// Makes the repository. What it releases is served by `exe`, this program.
pub fn create(hub: &Playground, exe: &Path, ports: Ports) {
    let project = project(exe, ports);
    hub.create("acme/shop", &files(&project));
}

/// All files on `main`.
fn files(project: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("fairway.toml", project),
        ("price.sh", PRICE),
        ("check.sh", CHECK),
        ("README.md", "# shop\n\nWhat things cost.\n"),
    ]
}

/// Opens the first pull request of the playground: bob makes the discount easier to get. Gives its number.
pub fn open(hub: &Playground) -> u64 {
    let cheaper = discount(5, "five");
    let repo = hub.repo("acme/shop");
    repo.push("bob", "cheaper", "Discount from five pieces on", &[("price.sh", Some(&cheaper))]);
    repo.open_pull("bob", "cheaper", "Discount from five pieces on").number()
}

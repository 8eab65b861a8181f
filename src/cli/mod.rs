//! The verbs. One file each; this one only names them.

mod check;
mod child;
mod completions;
mod demo;
mod doctor;
pub mod guard;
mod hold;
mod host;
mod jobs;
pub mod metrics;
mod new;
mod onboard;
mod open;
mod pick;
mod plan;
mod play;
mod releases;
mod replay;
mod run;
mod sample;
mod secrets;
mod serve;
mod setup;
mod simulate;
mod updates;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::engine::local;

/// A self-hosted GitHub App: pipelines become check runs, commands in pull requests are obeyed or refused in words.
#[derive(Parser)]
#[command(
    name = "fairway",
    version,
    about,
    max_term_width = 100,
    after_help = "New here? `fairway demo` shows it in a minute, `fairway play` lets you try it. Neither needs an account."
)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Register the GitHub App, keep its credentials, and tick off what is still to do
    #[command(
        after_help = "Example:\n  FAIRWAY_PUBLIC_URL=https://fairway.example.com fairway setup --org acme\n  (umask 077; fairway setup --org acme --print-env > fairway.env)\n\nStopped and typed again, it goes on. Exit status: 0 all is well, 1 something is to be mended, 130 after Ctrl-C."
    )]
    Setup(setup::Args),
    /// Run the App: listen for webhooks, run pipelines, answer commands
    #[command(
        after_help = "Example:\n  FAIRWAY_APP_ID=1234 FAIRWAY_PRIVATE_KEY_FILE=app.pem FAIRWAY_WEBHOOK_SECRET=... \\\n  FAIRWAY_ORGS=acme FAIRWAY_ENGINE=local fairway serve\n\n`fairway serve --settings` lists every setting."
    )]
    Serve(serve::Args),
    /// Run releases on this server: a proxy that splits traffic, and the processes behind it
    #[command(
        after_help = "Example:\n  fairway host --state /var/lib/fairway-host --admin /run/fairway/host.sock --listen 0.0.0.0:80\n\n`fairway serve` finds it by FAIRWAY_HOST=/run/fairway/host.sock. Releases go on when it is restarted."
    )]
    Host(host::Args),
    /// A stand-in for GitHub and Fairway beside it, with pages to click and a git remote to push to
    #[command(after_help = "Example:\n  fairway play\n  fairway play --port 3000")]
    Play(play::Args),
    /// The whole story in a minute, with real webhooks, real git, real processes and real customers
    #[command(after_help = "Example:\n  fairway demo\n  fairway demo --serve")]
    Demo(demo::Args),
    /// Run pipelines of this checkout, on a Dagger engine or with your own tools
    #[command(
        after_help = "Example:\n  fairway run\n  fairway run test lint --engine local\n\nExit status: 0 all passed, 1 one did not, 3 the engine could not run one, 130 after Ctrl-C."
    )]
    Run(run::Args),
    /// Look at everything that has to be right, and say what to type where it is not
    #[command(
        after_help = "Example:\n  fairway doctor\n  FAIRWAY_ENGINES=tcp://10.0.0.5:8080 fairway doctor\n\nExit status: 0 nothing is wrong, 1 something is."
    )]
    Doctor(doctor::Args),
    /// Say what a checkout is made of and which fairway.toml that leads to, without asking anybody
    #[command(after_help = "Example:\n  fairway onboard --dry-run\n  fairway onboard --dry-run ../shop --json")]
    Onboard(onboard::Args),
    /// Begin a repository from a plan: it runs, it is tested, it can be released
    #[command(
        after_help = "Example:\n  fairway new rust-service shop\n  fairway new node-service shop --set port=8082\n  fairway new go-service shop --org acme\n\n`fairway plan list` has the plans, `fairway plan show PLAN` what one asks."
    )]
    New(new::Args),
    /// List plans, look into one, or try one in sample repositories
    #[command(
        after_help = "Example:\n  fairway plan list\n  fairway plan show rust-service\n  fairway plan test ./web --explain"
    )]
    Plan(plan::Args),
    /// Look whether fairway.toml is right: line, column and the nearest key of what is not
    #[command(
        after_help = "Example:\n  fairway check\n  fairway check ../shop --json\n\nExit status: 0 it is right, 1 it is not."
    )]
    Check(check::Args),
    /// Prints the JSON Schema of fairway.toml, as docs/fairway.schema.json has it
    #[command(hide = true)]
    Schema,
    /// List newer versions of what a checkout depends on: safe, breaking, held back and why
    #[command(
        after_help = "Example:\n  fairway updates\n  fairway updates ../shop --json\n  fairway updates --explain serde\n\nNo account is needed and nothing is changed. Registries are asked where cargo would ask them.\nAnswers are kept for ten minutes, and asked for with their validators after that."
    )]
    Updates(updates::Args),
    /// Show jobs that wait or are dead; run a dead one again
    #[command(after_help = "Example:\n  fairway jobs --state dead\n  fairway jobs retry 42")]
    Jobs(jobs::Args),
    /// Print the five DORA metrics and the metrics of the way there, as docs/metrics.md counts them
    #[command(
        after_help = "Example:\n  fairway metrics\n  fairway metrics --env production --since 12w\n  fairway metrics --since 2026-11-01 --json"
    )]
    Metrics(metrics::Args),
    /// List the releases of an environment: what went there, how it ended, what of it is kept
    #[command(after_help = "Example:\n  fairway releases staging\n  fairway releases --repo acme/shop --json")]
    Releases(releases::Args),
    /// Keep secrets for pipelines: encrypted, given out by name, never shown again
    #[command(
        after_help = "Example:\n  printf %s \"$TOKEN\" | fairway secrets set CODECOV_TOKEN --repo acme/shop --trust pr\n  fairway secrets list"
    )]
    Secrets(secrets::Args),
    /// Say what a recorded delivery would lead to, and why
    #[command(after_help = "Example:\n  fairway replay delivery.json --event pull_request --dry-run")]
    Replay(replay::Args),
    /// Play a traffic history, recorded or made up, through stages and judge: where it would have gone on, held or gone back
    #[command(
        after_help = "Example:\n  fairway simulate --requests 10 --stable-bad 0.1% --candidate-bad 10% --svg rollout.svg\n  fairway simulate traffic.csv --candidate v2 --stages \"5% 1m, 25% 5m, 100%\"\n  fairway simulate --compare --runs 1000\n\nA record has one line for each version and span: {\"time\": 10, \"version\": \"stable\", \"total\": 900, \"bad\": 1}\nor, as CSV with this header: time,version,total,bad. `time` is the end of the span in seconds of any clock,\n`total` and `bad` are counted since the span before. How many requests came and how often each version failed\nis the record's; which version a request goes to follows the simulated share."
    )]
    Simulate(simulate::Args),
    /// Print completions for a shell
    #[command(after_help = "Example:\n  fairway completions bash > /etc/bash_completion.d/fairway")]
    Completions(completions::Args),
    /// Runs one step and outlives nobody; used by Fairway itself
    #[command(hide = true)]
    Guard(guard::Args),
    /// Keeps one release's processes; used by `fairway host` itself
    #[command(hide = true)]
    Hold(hold::Args),
    /// The playground's shop as a service; `fairway play` and `fairway demo` release it
    #[command(hide = true)]
    Sample(sample::Args),
}

/// Parses the command line and does what it says. The exit status is 0 when it was done, 1 when it was not, 2 when it was not understood.
pub fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    let cli = Cli::parse();
    let result = match cli.verb {
        // A guard is a small process between Fairway and a step: no runtime, no settings, no log.
        Verb::Guard(args) => return guard::main(&args),
        Verb::Completions(args) => completions::print(&args),
        Verb::Onboard(args) => onboard::onboard(&args),
        Verb::Check(args) => check::check(&args),
        Verb::Schema => check::schema(),
        Verb::Simulate(args) => simulate::simulate(&args),
        Verb::Setup(args) => block_on(setup::setup(args)),
        Verb::Serve(args) => block_on(serve::serve(args)),
        Verb::Host(args) => block_on(host::host(args)),
        Verb::Hold(args) => block_on(hold::hold(args)),
        Verb::Sample(args) => block_on(sample::sample(args)),
        Verb::Play(args) => block_on(play::play(args)),
        Verb::Demo(args) => block_on(demo::demo(args)),
        Verb::Run(args) => block_on(run::run(args)),
        Verb::New(args) => block_on(new::new(args)),
        Verb::Plan(args) => block_on(plan::plan(args)),
        Verb::Updates(args) => block_on(updates::updates(args)),
        Verb::Doctor(args) => block_on(doctor::doctor(args)),
        Verb::Jobs(args) => block_on(jobs::jobs(args)),
        Verb::Metrics(args) => block_on(metrics::metrics(args)),
        Verb::Releases(args) => block_on(releases::releases(args)),
        Verb::Secrets(args) => block_on(secrets::secrets(args)),
        Verb::Replay(args) => block_on(replay::replay(args)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("fairway: {error:#}");
        ExitCode::FAILURE
    })
}

/// `fairway releases | head` is no mistake of anybody's: what prints to a closed pipe ends, without the words of a panic.
fn end_quietly_when_nobody_reads() {
    let otherwise = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(0);
        }
        otherwise(panic);
    }));
}

/// The embedded engine as the settings want it.
fn local_config(data: &std::path::Path, tool_path: &str) -> anyhow::Result<local::Config> {
    Ok(local::Config {
        data: data.to_owned(),
        exe: std::env::current_exe()?,
        tool_path: tool_path.to_owned(),
        limits: local::Limits::default(),
    })
}

fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

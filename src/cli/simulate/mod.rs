//! `fairway simulate`: what the stages and the judge would make of a traffic history, recorded or drawn; and the same judge
//! beside others.

mod compare;
mod plot;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};

use crate::domain::project::duration;
use crate::domain::rollout::{Plan, Stage, Undecided, parse_stages};
use crate::domain::simulate::{self, Drawn, Played, Recorded, Setup, Traffic};
use crate::domain::speech::simulate as speech;

/// Between two looks, as a real rollout is looked at.
const EVERY_MS: i64 = 100;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// A recorded history; without one, traffic is drawn by chance
    record: Option<PathBuf>,
    /// The new version's name in the record; every other one is stable
    #[arg(long, default_value = "candidate", requires = "record")]
    candidate: String,
    /// Requests a second, of both versions
    #[arg(long, default_value_t = 10.0, conflicts_with = "record")]
    requests: f64,
    /// The part of stable's requests that fails
    #[arg(long, default_value = "0.1%", value_parser = percent, conflicts_with = "record")]
    stable_bad: f64,
    /// The part of the candidate's requests that fails
    #[arg(long, default_value = "10%", value_parser = percent, conflicts_with = "record")]
    candidate_bad: f64,
    /// The candidate is as good as stable for so long
    #[arg(long, default_value = "0s", value_parser = length, conflicts_with = "record")]
    from: i64,
    /// Shares and shortest stays, as in `fairway.toml`
    #[arg(long, default_value = "10% 30s, 50% 30s, 100%", value_parser = stages)]
    stages: Stages,
    /// A stage that is still undecided then is held, or left with `--undecided advance`
    #[arg(long, default_value = "10m", value_parser = length)]
    stage_max: i64,
    /// What happens to a stage that stays undecided
    #[arg(long, default_value = "hold", value_parser = ["hold", "advance"])]
    undecided: String,
    /// How long the old version stays warm after 100 %
    #[arg(long, default_value = "5m", value_parser = length)]
    watch: i64,
    /// How much time is played at most
    #[arg(long = "for", default_value = "1h", value_parser = length)]
    long: i64,
    /// The same seed draws the same traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plot weight, bad rates and evidence over time into this file
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Put other judges beside ours, on eleven kinds of traffic
    #[arg(long, conflicts_with_all = ["record", "svg"])]
    compare: bool,
    /// Runs of each kind of traffic; a third of these at 10 requests/s
    #[arg(long, default_value_t = 3_000, requires = "compare")]
    runs: u64,
}

#[derive(Clone)]
struct Stages(Vec<Stage>);

fn stages(text: &str) -> Result<Stages, String> {
    let entries: Vec<&str> = text.split(',').map(str::trim).collect();
    parse_stages(&entries).map(Stages).map_err(|(_, words)| words)
}

fn length(text: &str) -> Result<i64, String> {
    duration(text).ok_or_else(|| format!("`{text}` is no length of time; write 90s, 10m or 1h30m"))
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let share = number.filter(|number| (0.0..=100.0).contains(number)).map(|number| number / 100.0);
    share.ok_or_else(|| format!("`{text}` is no part of the requests; write 0.1% or 10%"))
}

/// Plays one rollout, or prints the table.
pub fn simulate(args: &Args) -> anyhow::Result<ExitCode> {
    if args.compare {
        return compare::print(args.runs, args.seed);
    }
    let traffic = traffic(args)?;
    let plan = Plan {
        stages: args.stages.0.clone(),
        stage_max_ms: args.stage_max,
        undecided: if args.undecided == "advance" { Undecided::Advance } else { Undecided::Hold },
        watch_ms: args.watch,
        irreversible: false,
        hold_at: None,
        base: true,
        back: false,
        slow_ms: None,
    };
    let setup = Setup { plan, every_ms: EVERY_MS, until_ms: args.long, seed: args.seed };
    let played = simulate::play(&setup, &traffic);
    print(&played);
    if let Some(path) = &args.svg {
        let svg = plot::plot(&played).context("the plot could not be drawn")?;
        std::fs::write(path, svg).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("\nplotted: {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn traffic(args: &Args) -> anyhow::Result<Traffic> {
    let Some(path) = &args.record else {
        if !(args.requests > 0.0 && args.requests <= 100_000.0) {
            bail!("--requests takes a rate above 0 and up to 100000 a second");
        }
        let drawn = Drawn {
            per_second: args.requests,
            stable_bad: args.stable_bad,
            candidate_bad: args.candidate_bad,
            from_ms: args.from,
        };
        println!("{}; seed {}\n", speech::drawn(&drawn), args.seed);
        return Ok(Traffic::Drawn(drawn));
    };
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = simulate::parse(&text).map_err(|e| anyhow!("{}: {}", path.display(), speech::trouble(&e)))?;
    if lines.iter().all(|line| line.version != args.candidate) {
        let mut others: Vec<&str> = lines.iter().map(|line| line.version.as_str()).collect();
        others.sort_unstable();
        others.dedup();
        bail!("{}: {}", path.display(), speech::no_candidate(&args.candidate, &others));
    }
    println!("{}: {} lines; seed {}\n", path.display(), lines.len(), args.seed);
    Ok(Traffic::Recorded(Recorded::new(&lines, &args.candidate)))
}

fn print(played: &Played) {
    let line = |at: i64, share: &str, words: &str| {
        println!("{:>9.1} s  {share:>7}  {words}", at as f64 / 1_000.0);
    };
    for (at, mark) in &played.marks {
        let (share, words) = speech::happened(mark);
        line(*at, &share, &words);
    }
    if !played.rollout.over() {
        let at = played.points.last().map_or(0, |point| point.at_ms);
        line(at, &played.rollout.target.to_string(), &speech::unfinished(&played.rollout));
    }
}

//! `fairway doctor`: looks at everything that has to be right, and says what to type where it is not.

pub mod app;
pub mod engines;

use std::process::ExitCode;

use super::open;
use crate::clock::Clock;
use crate::domain::speech::setup as speech;
use crate::domain::tick::{Tick, wrong};
use crate::settings::Settings;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object a line instead of text: name, state (ok, warn, fail or skip), said, fix
    #[arg(long)]
    json: bool,
}

/// Exit status 0 when nothing is wrong.
pub async fn doctor(args: Args) -> anyhow::Result<ExitCode> {
    let settings = open::settings()?;
    let mut ticks = at_github(&settings).await;
    ticks.extend(engines::look(&settings).await?);
    if args.json {
        for tick in &ticks {
            println!("{}", serde_json::to_string(tick)?);
        }
    } else {
        ticks.iter().for_each(|tick| println!("{}", speech::line(tick)));
        println!("\n{}", speech::verdict(&ticks));
    }
    Ok(if wrong(&ticks) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn at_github(settings: &Settings) -> Vec<Tick> {
    match app::known(settings).and_then(|known| Ok((known.github(settings, &Clock::system())?, known))) {
        Ok((github, known)) => app::look(settings, &known, &github).await,
        Err(wrong) => {
            let mut ticks = vec![wrong];
            ticks.extend(speech::app::not_looked_at(speech::app::NO_APP));
            ticks
        }
    }
}

//! `fairway setup`: registers the App by GitHub's manifest flow, keeps its credentials, and ticks off what is still to do.
//! Stopped at any moment and typed again, it goes on.

mod register;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;

use super::doctor::{app, engines};
use super::{open, serve};
use crate::clock::Clock;
use crate::domain::speech::setup as speech;
use crate::domain::tick::{State, Tick, wrong};
use crate::github::permissions::FEATURES;
use crate::settings::Settings;

/// Between two looks at what GitHub says.
const LOOK_AGAIN: Duration = Duration::from_secs(4);

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The organisation that is to own the App [default: you]
    #[arg(long)]
    org: Option<String>,
    /// Print the credentials as lines of an environment instead of keeping them in a file
    #[arg(long)]
    print_env: bool,
    /// Ask for the permissions of an optional feature too
    #[arg(long = "with", value_name = "FEATURE", value_parser = optional())]
    with: Vec<String>,
    /// The page's port on this machine [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
}

fn optional() -> clap::builder::PossibleValuesParser {
    FEATURES.iter().filter(|feature| feature.optional).map(|feature| feature.name).collect::<Vec<_>>().into()
}

/// Says what happens: beside the credentials, where those are printed.
#[derive(Clone, Copy)]
struct Teller {
    aside: bool,
}

impl Teller {
    fn say(self, words: &str) {
        if self.aside { eprintln!("{words}") } else { println!("{words}") }
    }
}

/// Exit status 0 when all is well, 1 when something is to be mended, 130 after Ctrl-C.
pub async fn setup(args: Args) -> anyhow::Result<ExitCode> {
    let settings = open::settings()?;
    if let Some(org) = args.org.as_deref().filter(|org| !is_name(org)) {
        bail!("{org:?} is no name of an organisation; type it as it stands in its address at GitHub");
    }
    let (clock, teller) = (Clock::system(), Teller { aside: args.print_env });
    let stop = serve::interrupted()?;
    tokio::select! {
        ended = go(&settings, &args, (&clock, teller)) => ended,
        () = stop => {
            teller.say(&format!("\n{}", speech::STOPPED));
            Ok(ExitCode::from(130))
        }
    }
}

fn is_name(org: &str) -> bool {
    !org.is_empty() && org.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

async fn go(settings: &Settings, args: &Args, (clock, teller): (&Clock, Teller)) -> anyhow::Result<ExitCode> {
    let found = app::find(settings).map_err(|(why, fix)| anyhow::anyhow!("{why}\n  {fix}"))?;
    let (known, page) = match found {
        Some(known) => {
            teller.say(&known.source(|source| speech::known(known.identity.app_id, source)));
            (known, None)
        }
        None => {
            let (known, page) = register::register(settings, args, (clock, teller)).await?;
            (known, Some(page))
        }
    };
    let github = open::github(settings, &known.identity, clock)?;
    let (mut said, mut of_engines) = (BTreeMap::new(), None);
    let ticks = loop {
        let ticks = app::look(settings, &known, &github).await;
        tell(&ticks, &mut said, teller);
        if of_engines.is_none() {
            let found = engines::look(settings).await?;
            tell(&found, &mut said, teller);
            of_engines = Some(found);
        }
        // Engines are looked at once: what this command was started with does not change while it waits.
        if wrong(&ticks) == 0 {
            break ticks.into_iter().chain(of_engines.unwrap_or_default()).collect::<Vec<_>>();
        }
        clock.sleep(LOOK_AGAIN).await;
    };
    // Until here the page answers that it is closed.
    drop(page);
    teller.say(&format!("\n{}", speech::verdict(&ticks)));
    Ok(if wrong(&ticks) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what is new: each tick once, and again when it stands otherwise.
fn tell(ticks: &[Tick], said: &mut BTreeMap<String, Tick>, teller: Teller) {
    for tick in ticks {
        let known = said.get(&tick.name);
        let same = known.is_some_and(|known| {
            known.state == tick.state && (known.said == tick.said || matches!(tick.state, State::Ok | State::Skip))
        });
        if !same {
            teller.say(&speech::line(tick));
            said.insert(tick.name.clone(), tick.clone());
        }
    }
}

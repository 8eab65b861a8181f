//! `fairway plan`: the plans that there are, what one asks and brings, and whether it holds what it says.

pub mod folder;
pub mod place;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use crate::domain::plan::{Input, Kind, Plan, builtin, read};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List Fairway's own plans
    List,
    /// Say what a plan asks and which files it brings
    Show {
        /// The name of one of Fairway's own, or the folder of another
        plan: String,
    },
    /// Render a plan into sample repositories and run their pipelines there
    #[command(
        after_help = "A plan's samples are the folders below its folder `samples`: `inputs.toml` has the values, every other\nfile lies over what is rendered. A plan without samples is tried once, with its defaults.\n\nExit status: 0 all passed, 1 one did not, 3 the engine could not run one."
    )]
    Test(test::Args),
}

/// Exit status 0 when it was done.
pub async fn plan(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::List => {
            print!("{}", list());
            Ok(ExitCode::SUCCESS)
        }
        Verb::Show { plan } => {
            let (name, plan) = folder::find(&plan)?;
            print!("{}", shown(&name, &plan));
            Ok(ExitCode::SUCCESS)
        }
        Verb::Test(args) => test::test(args).await,
    }
}

/// Fairway's own, one a line.
pub fn list() -> String {
    let plans = builtin::names().into_iter().filter_map(|name| Some((name, read(&builtin::sources(name)?).ok()?)));
    plans.map(|(name, plan)| format!("{:<18}{}\n", format!("{name}@{}", plan.version.major), plan.about)).collect()
}

fn shown(name: &str, plan: &Plan) -> String {
    let mut out = format!("{name} {}\n{}\n\nAsks (--set NAME=VALUE):\n", plan.version, plan.about);
    for input in plan.inputs.iter().filter(|input| input.line > 0) {
        out.push_str(&format!("  {:<12}{} {}\n", input.name, input.doc, may_be(input)));
    }
    out.push_str("\nBrings:\n");
    for template in &plan.templates {
        let when = template.when.as_ref().map(|flag| format!("   (when {flag} is true)")).unwrap_or_default();
        out.push_str(&format!("  {}{when}\n", template.path));
    }
    out
}

fn may_be(input: &Input) -> String {
    let kind = match &input.kind {
        Kind::Text => "text".to_owned(),
        Kind::Number { least, most } => format!("{least} to {most}"),
        Kind::Flag => "true or false".to_owned(),
        Kind::Choice(words) => words.join(", "),
    };
    match &input.default {
        Some(default) => format!("[{kind}; default {default}]"),
        None => format!("[{kind}]"),
    }
}

//! `fairway plan test`: a plan's samples, rendered and run.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::{folder, place};
use crate::cli::pick::Wish;
use crate::cli::run;
use crate::domain::plan::{Source, Values};
use crate::domain::project;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The name of one of Fairway's own, or the folder of another
    #[arg(default_value = ".")]
    plan: String,
    /// Say what would be rendered and run, and run nothing
    #[arg(long)]
    explain: bool,
    /// Where steps run: in containers of a Dagger engine, or here with your own tools
    #[arg(long, value_enum, default_value_t)]
    engine: Wish,
}

/// A repository that a plan is tried in.
struct Sample {
    name: String,
    values: Values,
    /// What lies over the plan's files.
    over: Vec<Source>,
}

/// Exit status 0 when every pipeline of every sample passed.
pub async fn test(args: Args) -> anyhow::Result<ExitCode> {
    let (name, plan) = folder::find(&args.plan)?;
    let samples = samples(Path::new(&args.plan))?;
    println!("{name} {}: {} files, {} samples", plan.version, plan.templates.len(), samples.len());
    let mut worst = 0;
    for sample in &samples {
        println!("\n--- sample {}", sample.name);
        let scratch = tempfile::tempdir().context("making a temporary directory")?;
        let root = scratch.path().join(&sample.name);
        let files = place::render((&name, &plan), &sample.values)?;
        place::write(&root, &files)?;
        for source in &sample.over {
            place::put(&root, (&source.path, &source.text), source.executable)?;
        }
        if args.explain {
            explain(&root)?;
            continue;
        }
        let status = run::run_in((&root, scratch.path()), &run::Args::all(args.engine)).await?;
        worst = worst.max(status);
    }
    Ok(ExitCode::from(worst))
}

fn explain(place: &Path) -> anyhow::Result<()> {
    let mut found = Vec::new();
    folder::walk(place, ".", (&mut found, 0))?;
    for source in &found {
        println!("{:>7} B  {}", source.text.len(), source.path.trim_start_matches("./"));
    }
    let text = std::fs::read_to_string(place.join("fairway.toml")).context("the sample has no fairway.toml")?;
    let project = project::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("fairway.toml cannot be used:\n  {}", lines.join("\n  "))
    })?;
    for pipeline in &project.pipelines {
        let image = pipeline.image.as_deref().map(|image| format!(" in {image}")).unwrap_or_default();
        println!("{}{image}:", pipeline.name);
        pipeline.run.iter().for_each(|step| println!("  $ {step}"));
    }
    Ok(())
}

/// The samples below a plan's folder; without any, one by its defaults.
fn samples(root: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let folder = root.join("samples");
    if folder.is_dir() {
        let mut names: Vec<_> = std::fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
        names.sort_by_key(std::fs::DirEntry::file_name);
        for entry in names.iter().filter(|entry| entry.path().is_dir()) {
            samples.push(sample(&entry.path())?);
        }
    }
    if samples.is_empty() {
        let values = Values::from([("name".to_owned(), "example".to_owned())]);
        samples.push(Sample { name: "example".to_owned(), values, over: Vec::new() });
    }
    Ok(samples)
}

fn sample(root: &Path) -> anyhow::Result<Sample> {
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut over = Vec::new();
    folder::walk(root, ".", (&mut over, 0))?;
    over.iter_mut().for_each(|source| source.path = source.path.trim_start_matches("./").to_owned());
    if let Some(link) = over.iter().find(|source| source.link) {
        bail!("samples/{name}/{} is a symbolic link; put the file itself there", link.path);
    }
    let mut values = match over.iter().position(|source| source.path == "inputs.toml") {
        Some(at) => place::values_of(&over.remove(at).text).with_context(|| format!("samples/{name}/inputs.toml"))?,
        None => Values::new(),
    };
    values.entry("name".to_owned()).or_insert_with(|| name.clone());
    Ok(Sample { name, values, over })
}

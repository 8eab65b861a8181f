//! `fairway check`: whether `fairway.toml` is right, offline, in the words that its check run would have.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;

use crate::domain::project::{self, MAX_BYTES, Problem, Project, Source};
use crate::domain::speech::policy;
use crate::settings::Settings;

const FILE: &str = "fairway.toml";

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// A fairway.toml, or the folder it lies in
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Exit status 0 when the file is right, 1 when it is not or is not there.
pub fn check(args: &Args) -> anyhow::Result<ExitCode> {
    let file = if args.path.is_dir() { args.path.join(FILE) } else { args.path.clone() };
    let read = project::parse(&text(&file)?);
    if args.json {
        let problems = read.as_ref().err().cloned().unwrap_or_default();
        println!("{:#}", json!({ "ok": read.is_ok(), "problems": problems }));
    } else {
        match &read {
            Ok(project) => {
                println!("{}", right(&file, project));
                floors(project).iter().for_each(|line| println!("  {line}"));
            }
            Err(problems) => problems.iter().for_each(|problem| println!("{}", placed(&file, problem))),
        }
    }
    Ok(if read.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the schema.
pub fn schema() -> anyhow::Result<ExitCode> {
    println!("{:#}", project::schema());
    Ok(ExitCode::SUCCESS)
}

fn text(file: &Path) -> anyhow::Result<String> {
    let open = match fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("there is no {}; `fairway onboard --dry-run` shows one to begin with", file.display())
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    // One byte more than is allowed is enough to be refused.
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    open.take(most).read_to_end(&mut bytes).with_context(|| format!("{} cannot be read", file.display()))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if error.utf8_error().valid_up_to() >= MAX_BYTES - 4 => Ok("#".repeat(MAX_BYTES + 1)),
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            bail!("{}:{line} has bytes that are no UTF-8; save the file as UTF-8", file.display())
        }
    }
}

/// The path as it was given, so that a terminal can open it.
fn placed(file: &Path, problem: &Problem) -> String {
    let words = problem.to_string();
    let place = words.strip_prefix(FILE).unwrap_or(&words);
    format!("{}{place}", file.display())
}

fn right(file: &Path, project: &Project) -> String {
    let names = |names: Vec<&str>, one: &str| match names.len() {
        0 => format!("no {one}"),
        1 => format!("1 {one} ({})", names[0]),
        n => format!("{n} {one}s ({})", names.join(", ")),
    };
    let pipelines = names(project.pipelines.iter().map(|p| p.name.as_str()).collect(), "pipeline");
    let environments = names(project.environments.iter().map(|e| e.name.as_str()).collect(), "environment");
    format!("{} is right: {pipelines}, {environments}.", file.display())
}

/// The rules that hold for each environment, and whose they are: the file's own, and the operator's where this is typed with
/// the operator's settings. The organisation's are asked for when something is deployed.
fn floors(project: &Project) -> Vec<String> {
    let operator = Settings::from_env().map(|settings| settings.floor).unwrap_or_default();
    let mut lines = Vec::new();
    for environment in &project.environments {
        let mut environment = environment.clone();
        environment.over(&operator, &Source::Operator);
        environment.over(&project.policy, &Source::Repository);
        lines.extend(policy::over(&environment.name, &environment.floors));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_file_is_summed_up_and_a_wrong_one_is_placed() {
        let project = project::parse("[pipeline.test]\nrun = [\"make\"]\n").expect("a right file");
        let file = Path::new("shop/fairway.toml");
        assert_eq!(right(file, &project), "shop/fairway.toml is right: 1 pipeline (test), no environment.");
        let problems = project::parse("[pipeline.test]\nrunn = [\"make\"]\n").expect_err("a wrong file");
        insta::assert_snapshot!(placed(file, &problems[0]), @"shop/fairway.toml:2:1: Unknown key `runn` in `pipeline.test`. Did you mean `run`?");
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line_and_what_is_too_long_by_its_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(FILE);
        fs::write(&file, b"plan = \"x\"\n# \xff\n").expect("a file");
        let words = text(&file).expect_err("no text").to_string();
        assert!(words.ends_with("fairway.toml:2 has bytes that are no UTF-8; save the file as UTF-8"), "{words}");
        fs::write(&file, "é".repeat(MAX_BYTES)).expect("a file");
        let problems = project::parse(&text(&file).expect("a text")).expect_err("too long");
        assert!(problems[0].message.contains("at most 256 kB"), "{problems:?}");
        assert!(text(&folder.path().join("none")).expect_err("nothing").to_string().contains("onboard --dry-run"));
    }
}

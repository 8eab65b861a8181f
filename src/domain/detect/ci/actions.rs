//! What actions that many workflows use stand for: versions that they set up, and the commands that some of them are.

use super::{Ci, Part};
use crate::domain::detect::stack::{Evidence, Kind};
use crate::domain::detect::text::{pair, version};
use crate::domain::detect::yaml::Node;

/// Actions that set up a language, with the inputs that name its version.
const SETUPS: &[(&str, Kind, &[&str])] = &[
    ("actions/setup-node", Kind::Node, &["node-version"]),
    ("actions/setup-python", Kind::Python, &["python-version"]),
    ("actions/setup-go", Kind::Go, &["go-version"]),
    ("actions/setup-java", Kind::Java, &["java-version"]),
    ("actions/setup-dotnet", Kind::DotNet, &["dotnet-version"]),
    ("ruby/setup-ruby", Kind::Ruby, &["ruby-version"]),
    ("shivammathur/setup-php", Kind::Php, &["php-version"]),
    ("erlef/setup-beam", Kind::Elixir, &["elixir-version"]),
    ("denoland/setup-deno", Kind::Deno, &["deno-version"]),
    ("dtolnay/rust-toolchain", Kind::Rust, &["toolchain"]),
    ("actions-rust-lang/setup-rust-toolchain", Kind::Rust, &["toolchain"]),
    ("actions-rs/toolchain", Kind::Rust, &["toolchain"]),
    ("oven-sh/setup-bun", Kind::Node, &[]),
    ("pnpm/action-setup", Kind::Node, &[]),
    ("astral-sh/setup-uv", Kind::Python, &["python-version"]),
    ("gradle/actions/setup-gradle", Kind::Java, &[]),
];

/// An input with what `${{ matrix.x }}` stands for.
pub type Input<'a> = &'a dyn Fn(&Node, &str) -> Option<String>;

/// Takes note of what a step sets up. Gives the language.
pub fn sets_up(ci: &mut Ci, (uses, step): (&str, &Node), (path, input): (&str, Input<'_>)) -> Option<Kind> {
    let (name, at) = uses.split_once('@').unwrap_or((uses, ""));
    if name == "pnpm/action-setup" {
        let wanted = input(step, "version");
        ci.tools.extend(wanted.map(|version| ("pnpm".to_owned(), version)));
    }
    if name == "golangci/golangci-lint-action" {
        let wanted = input(step, "version").filter(|version| version.starts_with('v'));
        ci.tools.extend(wanted.map(|version| ("golangci-lint".to_owned(), version)));
    }
    let (_, kind, inputs) = SETUPS.iter().find(|(known, _, _)| *known == name)?;
    let wanted = inputs.iter().find_map(|name| input(step, name));
    // `dtolnay/rust-toolchain@1.85` and `@nightly` say it in their own way.
    let wanted = wanted.or_else(|| (*kind == Kind::Rust && name.starts_with("dtolnay")).then(|| at.to_owned()));
    if let Some(wanted) = wanted.filter(|wanted| version(wanted).is_some() || wanted.starts_with("nightly")) {
        let from = Evidence::new(path, Some(step.line), format!("{name}: {wanted}"));
        let newest = |known: &(String, Evidence)| {
            let number = |text: &str| version(text).map(|text| pair(&text));
            number(&known.0) >= number(&wanted) || *kind == Kind::Rust
        };
        if !ci.versions.get(kind).is_some_and(newest) {
            ci.versions.insert(*kind, (wanted, from));
        }
    }
    Some(*kind)
}

/// The command that an action is, for those that are one.
pub fn command(uses: &str, step: &Node, input: Input<'_>) -> Option<(Part, Option<Kind>, String)> {
    let name = uses.split('@').next().unwrap_or(uses);
    let found = match name {
        "golangci/golangci-lint-action" => {
            let args = input(step, "args").map(|args| format!(" {args}")).unwrap_or_default();
            (Part::Lint, Some(Kind::Go), format!("golangci-lint run{args}"))
        }
        "pre-commit/action" => {
            (Part::Lint, Some(Kind::Python), "pip install pre-commit && pre-commit run --all-files".to_owned())
        }
        "astral-sh/ruff-action" | "chartboost/ruff-action" => {
            let args = input(step, "args").unwrap_or_else(|| "check".to_owned());
            (Part::Lint, Some(Kind::Python), format!("pip install ruff && ruff {args}"))
        }
        "psf/black" => (Part::Lint, Some(Kind::Python), "pip install black && black --check .".to_owned()),
        "actions-rs/cargo" => {
            let command = input(step, "command")?;
            let args = input(step, "args").map(|args| format!(" {args}")).unwrap_or_default();
            let run = format!("cargo {command}{args}");
            let (part, kind) = super::classify::classify(&run)?;
            (part, kind, run)
        }
        "gradle/gradle-build-action" | "gradle/actions/setup-gradle" => {
            let run = format!("./gradlew {}", input(step, "arguments")?);
            let (part, kind) = super::classify::classify(&run)?;
            (part, kind, run)
        }
        "taiki-e/install-action" => {
            let short = uses.split_once('@').map(|(_, at)| at.to_owned());
            let short =
                short.filter(|at| !at.starts_with('v') && at.chars().all(|c| c.is_ascii_alphabetic() || c == '-'));
            let tool = input(step, "tool").or(short)?;
            let crates: Vec<String> = tool.split(',').map(|tool| packaged(tool.trim())).collect();
            (Part::Setup, Some(Kind::Rust), format!("cargo install --locked {}", crates.join(" ")))
        }
        _ => return None,
    };
    Some(found)
}

/// The crate's name of a tool that people know by a shorter one.
fn packaged(tool: &str) -> String {
    match tool {
        "nextest" => "cargo-nextest".to_owned(),
        name => name.to_owned(),
    }
}

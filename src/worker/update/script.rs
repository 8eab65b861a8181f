//! A plan as the steps of a run: the repository's own client configuration goes, manifests come, clients work, and what they
//! changed is laid aside.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::update::edit::{Command, MARK, Plan};
use crate::registry::Clients;

/// Where the run leaves what it changed.
pub const OUT: &str = ".fairway-edited";
/// Configuration that a repository may hold and that can make a client run or ask something.
const CONFIGURATION: [&str; 13] = [
    ".cargo",
    ".npmrc",
    ".pnpmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".yarn",
    ".pnp.cjs",
    ".pnp.loader.mjs",
    ".pnpmfile.cjs",
    ".pnpmfile.mjs",
    "uv.toml",
    "poetry.toml",
    "pip.conf",
];

/// Letters of one step at most; Linux takes 128 KiB in one argument.
const LONGEST: usize = 96 * 1024;
/// Bytes of a file that are written at once: a third more as base64.
const PIECE: usize = 48 * 1024;

/// Shell lines, a step each.
pub fn steps(plan: &Plan, clients: &Clients) -> Vec<String> {
    let names = CONFIGURATION.map(|name| format!("-name {}", quote(name))).join(" -o ");
    let mut write = vec![format!("find . \\( {names} \\) -prune -exec rm -rf {{}} +"), format!("rm -rf {OUT}")];
    for (path, text) in &clients.files {
        write.extend(put(&format!("\"$HOME\"/{}", quote(path)), text));
    }
    for (path, text) in &plan.files {
        write.extend(put(&here(path), text));
    }
    let keep = plan.kept().map(|path| {
        let (from, to) = (here(path), quote(&format!("{OUT}/{path}")));
        format!("if [ -f {from} ]; then mkdir -p \"$(dirname {to})\" && cp {from} {to}; fi")
    });
    let keep = std::iter::once(format!("mkdir -p {OUT}")).chain(keep);
    packed(write).into_iter().chain(work(&plan.commands)).chain(packed(keep)).collect()
}

/// Lines as few steps: each becomes one argument of a shell, and Linux has a limit for that.
fn packed(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for line in lines {
        match steps.last_mut() {
            Some(step) if step.len() + line.len() < LONGEST => {
                step.push('\n');
                step.push_str(&line);
            }
            _ => steps.push(line),
        }
    }
    steps
}

/// One step a call; calls that may have to wait for each other are one together.
fn work(commands: &[Command]) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = commands;
    while let Some(first) = rest.first() {
        let together = rest.iter().take_while(|call| call.waits).count();
        if together > 1 {
            steps.push(rounds(&rest[..together]));
        } else {
            steps.extend(packed(first.before.iter().flat_map(|(path, text)| put(&here(path), text))));
            let plain = Command { before: Vec::new(), ..first.clone() };
            steps.push(format!("echo {}\n{}", quote(MARK), once(&plain)));
        }
        rest = &rest[together.max(1)..];
    }
    steps
}

/// Those that fail are called again as long as one of them gets on: one may need what another one brings.
fn rounds(commands: &[Command]) -> String {
    let numbers: String = (0..commands.len()).map(|at| format!(" {at}")).collect();
    let cases: Vec<String> = commands.iter().enumerate().map(|(at, call)| format!("{at}) {} ;;", once(call))).collect();
    format!(
        "todo='{numbers}'\nwhile [ -n \"$todo\" ]; do\nnext=\nfor i in $todo; do\necho {}\ncase $i in\n{}\nesac || next=\"$next $i\"\ndone\nif [ \"$next\" = \"$todo\" ]; then exit 1; fi\ntodo=$next\ndone",
        quote(MARK),
        cases.join("\n")
    )
}

/// A call in a shell of its own.
fn once(command: &Command) -> String {
    let Command { folder, before, env, argv, .. } = command;
    let mut line: Vec<String> = Vec::new();
    if argv.first().is_some_and(|program| program == "cargo") {
        // Images have it elsewhere, where the machine's configuration is not.
        line.push("CARGO_HOME=\"$HOME/.cargo\"".to_owned());
    }
    line.extend(env.iter().map(|(name, value)| format!("{name}={}", quote(value))));
    line.extend(argv.iter().map(|word| quote(word)));
    let call = format!("( cd {} && {} )", here(folder), line.join(" "));
    let all: Vec<String> = before.iter().flat_map(|(path, text)| put(&here(path), text)).chain([call]).collect();
    all.join(" && ")
}

fn here(path: &str) -> String {
    quote(&format!("./{path}"))
}

/// Lines that write a file, piece by piece; base64, so that no text is read as shell.
fn put(path: &str, text: &str) -> Vec<String> {
    let begin = format!("mkdir -p \"$(dirname {path})\" && : > {path}");
    let piece = |piece: &[u8]| format!("printf %s {} | base64 -d >> {path}", STANDARD.encode(piece));
    std::iter::once(begin).chain(text.as_bytes().chunks(PIECE).map(piece)).collect()
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(argv: &[&str]) -> Command {
        Command { argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..Command::default() }
    }

    #[test]
    fn nothing_of_a_name_is_read_as_shell() {
        let plan = Plan {
            files: vec![("a'b/Cargo.toml".to_owned(), "$(touch x)\n".to_owned())],
            commands: vec![Command {
                folder: "a'b".to_owned(),
                ..call(&["cargo", "update", "--package", "x; rm -rf /"])
            }],
            locks: vec!["a'b/Cargo.lock".to_owned()],
            ..Plan::default()
        };
        let steps = steps(&plan, &Clients::default());
        let expected = r#"( cd './a'\''b' && CARGO_HOME="$HOME/.cargo" 'cargo' 'update' '--package' 'x; rm -rf /' )"#;
        assert!(steps[1].ends_with(expected), "{}", steps[1]);
        assert!(!steps[0].contains("touch"), "{}", steps[0]);
        assert!(steps[2].contains(r"cp './a'\''b/Cargo.lock'"), "{}", steps[2]);
    }

    /// Runs the steps as the local engine does; gives whether they passed, and what they said.
    fn run(plan: &Plan, dir: &std::path::Path) -> (bool, String) {
        let mut said = String::new();
        for step in steps(plan, &Clients::default()) {
            let mut command = std::process::Command::new("/bin/sh");
            let output = command.args(["-e", "-c", &step]).current_dir(dir).env("HOME", dir).output().expect("a shell");
            said.push_str(&String::from_utf8_lossy(&output.stdout));
            if !output.status.success() {
                return (false, said);
            }
        }
        (true, said)
    }

    #[test]
    fn many_and_large_manifests_arrive_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let long: String = (0..60_000).map(|n| format!("{n}é\n")).collect();
        let files: Vec<(String, String)> =
            (0..40).map(|n| (format!("m{n}/package.json"), long[..9_000].into())).collect();
        let before = vec![("package.json".to_owned(), long.clone()), ("empty".to_owned(), String::new())];
        let call = Command { before, ..call(&["sh", "-c", "cat package.json empty > lock"]) };
        let plan = Plan { files, commands: vec![call], locks: vec!["lock".to_owned()], ..Plan::default() };
        assert!(steps(&plan, &Clients::default()).iter().all(|step| step.len() < 128 * 1024));
        let (passed, said) = run(&plan, dir.path());
        assert!(passed, "{said}");
        let out = dir.path().join(OUT);
        assert!(std::fs::read_to_string(out.join("lock")).expect("a lock") == long);
        assert!(std::fs::read_to_string(out.join("m39/package.json")).expect("a manifest") == long[..9_000]);
    }

    #[test]
    fn calls_wait_for_each_other_and_end_where_none_gets_on() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("sub/.cargo")).expect("a folder");
        std::fs::write(dir.path().join(".npmrc"), "x").expect("a file");
        let waiting = |argv: &[&str]| Command { waits: true, ..call(argv) };
        let after = waiting(&["sh", "-c", "test -e made && echo second >> log"]);
        let before = Command {
            before: vec![("log".to_owned(), "zeroth\n".to_owned())],
            ..waiting(&["sh", "-c", "echo first >> log; touch made"])
        };
        let mut plan = Plan { commands: vec![after, before], locks: vec!["log".to_owned()], ..Plan::default() };
        let (passed, said) = run(&plan, dir.path());
        assert!(passed, "{said}");
        let kept = std::fs::read_to_string(dir.path().join(OUT).join("log")).expect("what was laid aside");
        assert_eq!(kept, "zeroth\nfirst\nsecond\n");
        assert!(!dir.path().join(".npmrc").exists() && !dir.path().join("sub/.cargo").exists());
        plan.commands.push(waiting(&["sh", "-c", "echo held by nobody; false"]));
        let (passed, said) = run(&plan, dir.path());
        assert!(!passed && said.trim_end().ends_with("held by nobody"), "{said}");
    }
}

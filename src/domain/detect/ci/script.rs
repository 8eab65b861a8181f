//! From the text of a `run` to commands, one a step where they are independent.

use crate::domain::detect::text::Why;
use crate::domain::detect::tree::resolve;

/// A command and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub run: String,
    pub dir: String,
    /// How many lines below the first one it begins.
    pub below: u32,
}

/// Words with which a line needs those around it.
const BOUND: &[&str] = &[
    "if", "for", "while", "until", "case", "then", "else", "elif", "fi", "do", "done", "esac", "function", "export",
    "source", ".", "trap", "read", "exit", "return", "{", "}", "(", ")", "pushd", "popd", "unset", "alias", "shopt",
];

/// Splits a script. What hangs together, such as a loop or a variable, stays one command.
pub fn lines(script: &str, dir: &str) -> Vec<Line> {
    let logical = logical(script);
    let bound = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or("");
        BOUND.contains(&first)
            || assigns(line)
            || line.contains("<<")
            || open_quote(line)
            || line.ends_with(['{', '(', '|'])
            || line.ends_with("&&")
            || line.ends_with("||")
    };
    let mut dir = dir.to_owned();
    let mut found = Vec::new();
    let enters = logical.iter().skip(1).any(|(line, _)| line.starts_with("cd ") && !line.contains("&&"));
    if logical.iter().any(|(line, _)| bound(line)) || enters {
        let whole: Vec<&str> = script.lines().filter(|line| !line.trim().is_empty()).collect();
        let indent = whole.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
        let run: Vec<&str> = whole.iter().map(|line| line.get(indent..).unwrap_or(line).trim_end()).collect();
        return vec![Line { run: run.join("\n"), dir, below: 0 }];
    }
    for (line, below) in logical {
        let (inner, rest) = match line.strip_prefix("cd ") {
            Some(line) => match line.split_once("&&") {
                Some((inner, rest)) => (Some(inner.trim().to_owned()), rest.trim().to_owned()),
                None => (Some(line.trim().to_owned()), String::new()),
            },
            None => (None, line),
        };
        let inner = inner.map(|inner| resolve(&dir, inner.trim_matches(['"', '\''])));
        match inner {
            Some(Some(inner)) if rest.is_empty() => dir = inner,
            Some(Some(inner)) => found.push(Line { run: rest, dir: inner, below }),
            Some(None) => return Vec::new(),
            None => found.push(Line { run: rest, dir: dir.clone(), below }),
        }
    }
    found
}

/// Lines with what follows a trailing backslash, without comments and shell options.
fn logical(script: &str) -> Vec<(String, u32)> {
    let mut found: Vec<(String, u32)> = Vec::new();
    let mut open = false;
    for (line, below) in script.lines().zip(0..) {
        let text = line.trim();
        let more = text.ends_with('\\');
        let text = text.trim_end_matches('\\').trim_end();
        match found.last_mut().filter(|_| open) {
            Some((last, _)) => *last = format!("{last} {text}"),
            None if text.is_empty()
                || text.starts_with('#')
                || text.starts_with("set -")
                || text.starts_with("set +") => {}
            None => found.push((text.to_owned(), below)),
        }
        open = more;
    }
    found
}

fn assigns(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or("");
    let name = first.split('=').next().unwrap_or("");
    first.contains('=')
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && (line.split_whitespace().count() == 1 || first.contains("$("))
}

fn open_quote(line: &str) -> bool {
    line.matches('"').count() % 2 == 1 || line.matches('\'').count() % 2 == 1
}

/// Why a command cannot be taken over.
pub fn refused(run: &str) -> Option<Why> {
    let any = |words: &[&str]| words.iter().any(|word| run.contains(word));
    if any(&["secrets.", "_TOKEN", "_SECRET", "_PASSWORD }}"]) && run.contains('$') {
        Some(Why::Secret)
    } else if any(&[
        "docker push",
        "npm publish",
        "pnpm publish",
        "yarn publish",
        "cargo publish",
        "twine upload",
        "gem push",
        "semantic-release",
        "git push",
        "gh release",
        "gh pr",
        "kubectl ",
        "helm ",
        "terraform apply",
        "aws ",
        "gcloud ",
        "netlify",
        "vercel",
        "wrangler",
        "flyctl",
        "rsync ",
        "scp ",
        "ssh ",
        "codecov",
        "coveralls",
        "sonar",
        "snyk",
        "goreleaser",
        "uv publish",
        "poetry publish",
        "mix hex.publish",
        "dotnet nuget push",
        "changeset publish",
        "gh api",
    ]) {
        Some(Why::Delivers)
    } else if any(&["docker ", "docker-compose", "podman ", "kind create", "minikube", "testcontainers", "act "]) {
        Some(Why::Docker)
    } else if any(&["GITHUB_", "${{", "RUNNER_", "::set-output", "::error", "github.event"]) {
        Some(Why::Actions)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(script: &str) -> Vec<(String, String)> {
        lines(script, "").into_iter().map(|line| (line.dir, line.run)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(dir, run)| ((*dir).to_owned(), (*run).to_owned())).collect()
    }

    #[test]
    fn independent_lines_become_steps() {
        assert_eq!(
            runs("set -e\n# fast\nmake lint\nmake test \\\n  V=1\n"),
            pairs(&[("", "make lint"), ("", "make test V=1")])
        );
        assert_eq!(runs("cd web\nnpm ci\nnpm test\n"), pairs(&[("web", "npm ci"), ("web", "npm test")]));
        assert_eq!(runs("cd web && npm ci && npm test"), pairs(&[("web", "npm ci && npm test")]));
        assert_eq!(runs("RUST_LOG=debug cargo test"), pairs(&[("", "RUST_LOG=debug cargo test")]));
        assert_eq!(runs("cd ../elsewhere && make"), pairs(&[]));
    }

    #[test]
    fn what_hangs_together_stays_together() {
        for script in ["for d in a b; do\n  make -C $d\ndone", "X=1\necho $X", "cat <<E\nx\nE", "make\ncd x\nmake"] {
            assert_eq!(lines(script, "").len(), 1, "{script}");
        }
    }

    #[test]
    fn what_needs_more_than_a_checkout_is_refused() {
        assert_eq!(refused("curl -H \"$API_TOKEN\" x"), Some(Why::Secret));
        assert_eq!(refused("docker compose up -d"), Some(Why::Docker));
        assert_eq!(refused("cargo publish"), Some(Why::Delivers));
        assert_eq!(refused("echo x >> $GITHUB_OUTPUT"), Some(Why::Actions));
        assert_eq!(refused("cargo test"), None);
    }
}

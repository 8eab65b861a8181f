//! What a client says when it does not do it, as a sentence: what happened, who holds it, what to do.

/// A line of this stands in the log before each call, so that only the last attempt is told of.
pub const MARK: &str = "fairway: next attempt";

/// The most of a client's own words that is repeated, in letters.
const MOST: usize = 400;

/// A client's last words, as a sentence that says what happened, who holds it and what to do.
pub fn failure(said: &str) -> String {
    let said = plain(said);
    let last = said.rsplit(MARK).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let lines: Vec<&str> = last.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let known = [missing, network, npm, pnpm, pip, python, go, yarn, cargo].iter().find_map(|read| read(&lines));
    let text = known.unwrap_or_else(|| match lines.last() {
        Some(line) => format!("the ecosystem's client does not do it: {line}"),
        None => "the ecosystem's client failed without a word; try the same in a checkout".to_owned(),
    });
    match text.char_indices().nth(MOST * 2) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A lock that a client left with another version than the one that was wanted.
pub fn other(lock: &str, (name, version): (&str, &str), has: &[&str]) -> String {
    if has.is_empty() {
        return format!("with {name} {version} the client left no {name} in {lock}: nothing would ask for it any more");
    }
    let has = has.join(" and ");
    format!("the client put {name} {has} into {lock}, not {version}: something else that asks for {name} decides it")
}

/// A version that a lock still has.
pub fn stays(lock: &str, (name, version): (&str, &str)) -> String {
    format!(
        "the client left {name} {version} in {lock} as well: somebody who asks for it is not to be moved; update who that is"
    )
}

/// Without colours and control characters.
fn plain(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    let mut rest = said.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            if rest.peek() == Some(&'[') {
                while rest.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
            }
        } else if c == '\n' || c == '\t' || !c.is_control() {
            out.push(c);
        }
    }
    out
}

/// What stands between the first pair of backticks.
fn quoted(line: &str) -> Option<&str> {
    line.split('`').nth(1)
}

/// A package as it is spoken of: `hyper v0.14.13` is hyper 0.14.13. Folders of the run are nobody's matter.
fn package(text: &str) -> String {
    let text = text.split(" (").next().unwrap_or(text);
    text.replacen(" v", " ", 1)
}

fn missing(lines: &[&str]) -> Option<String> {
    let line = lines.iter().rev().find(|line| line.ends_with("not found") && line.contains("sh:"))?;
    // `sh: 1: cargo: not found`, and in bash `sh: line 1: cargo: command not found`.
    let before = line.trim_end_matches("not found").trim_end_matches("command ");
    let program = before.trim_end_matches([':', ' ']).rsplit([' ', ':']).next()?;
    Some(format!(
        "there is no {program} where pipelines run: name an `image` with it in the pipeline that uses it, or install it on the engine"
    ))
}

fn network(lines: &[&str]) -> Option<String> {
    const SIGNS: [&str; 9] = [
        "Could not resolve host",
        "Couldn't resolve host",
        "Could not connect to server",
        "Couldn't connect to server",
        "ENOTFOUND",
        "ECONNREFUSED",
        "EAI_AGAIN",
        "dns error",
        "no such host",
    ];
    let line = lines.iter().find(|line| SIGNS.iter().any(|sign| line.contains(sign)))?;
    Some(format!("the client does not reach its registry ({line}); it is tried again at the next look"))
}

fn cargo(lines: &[&str]) -> Option<String> {
    // Where a version is not in the lock any more, another call was made by its series; that one counts.
    let gone = |line: &&str| line.contains("did not match any packages");
    let errors = || lines.iter().filter(|line| line.starts_with("error:"));
    let error = errors().find(|line| !gone(line)).or_else(|| errors().next())?;
    let at = lines.iter().position(|line| line == error)?;
    let (first, rest) = (lines[at].trim_start_matches("error:").trim(), &lines[at + 1..]);
    if first.starts_with("failed to select a version for the requirement") {
        let wanted = quoted(first)?;
        let by = rest.iter().find(|line| line.contains("required by package")).and_then(|line| quoted(line))?;
        let found = rest.iter().find_map(|line| line.split_once("didn't match: ")).map(|(_, found)| found);
        let found = found.map_or_else(String::new, |found| format!("; what may be had is {found}"));
        let todo = if by.contains(" (/") {
            "Change its Cargo.toml".to_owned()
        } else {
            format!("Update {} along with it", name(by))
        };
        return Some(format!(
            "cargo finds nothing for `{wanted}`, which {} asks for{found}. {todo}, or leave this version out with `ignore`",
            package(by)
        ));
    }
    if first.starts_with("failed to select a version for") {
        return conflict(quoted(first)?, rest);
    }
    if first.contains("did not match any packages") {
        let spec = quoted(first).or_else(|| first.split_whitespace().nth(3)).unwrap_or("it");
        return Some(format!(
            "Cargo.lock does not have {spec} any more; the next look at the repository finds what it has"
        ));
    }
    if first.contains("no matching package") || first.contains("no matching version") {
        let by = rest.iter().find(|line| line.contains("required by package")).and_then(|line| quoted(line));
        let by = by.map_or_else(String::new, |by| format!(", which {} asks for", package(by)));
        let what = quoted(first).unwrap_or("it");
        return Some(format!("the registry does not have `{what}`{by}; it may have been withdrawn since"));
    }
    let cause =
        rest.iter().skip_while(|line| !line.starts_with("Caused by:")).filter(|line| !line.ends_with(':')).last();
    Some(match cause {
        Some(cause) => format!("cargo does not do it: {first} ({cause})"),
        None => format!("cargo does not do it: {first}"),
    })
}

/// Two who want one package otherwise.
fn conflict(package_name: &str, rest: &[&str]) -> Option<String> {
    let wants = rest.iter().find(|line| line.contains("required by package")).and_then(|line| quoted(line));
    let meets = rest.iter().find_map(|line| line.split_once("versions that meet the requirements"));
    let meets = meets.and_then(|(_, list)| quoted(list)).map_or_else(String::new, |wish| format!(" `{wish}`"));
    let links = rest.iter().find(|line| line.contains("links to the native library") && line.contains("as well"));
    if let Some(line) = links {
        return Some(format!("cargo does not do it: {line}; only one of the two can be in one build"));
    }
    let place = rest.iter().position(|line| line.starts_with("previously selected package"))?;
    let held = quoted(rest[place])?;
    let holder = rest[place + 1..].iter().find(|line| line.contains("of package `"));
    let holder = holder.and_then(|line| line.split_once("of package ")).and_then(|(_, by)| quoted(by));
    let wants = wants.map_or_else(|| "what is new".to_owned(), package);
    let (by, todo) = match holder {
        Some(holder) => {
            (format!(", which {} holds", package(holder)), format!("Update {} along with it", name(holder)))
        }
        None => (String::new(), format!("Update {package_name} first")),
    };
    Some(format!(
        "{wants} needs {package_name}{meets}, and the lock has {}{by}. {todo}, or leave this version out with `ignore`",
        package(held)
    ))
}

fn name(package: &str) -> &str {
    package.split(' ').next().unwrap_or(package)
}

fn npm(lines: &[&str]) -> Option<String> {
    let own: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("npm error").or_else(|| line.strip_prefix("npm ERR!")))
        .map(str::trim)
        .collect();
    let code = own.iter().find_map(|line| line.strip_prefix("code "))?;
    match code {
        "ERESOLVE" => {
            let found = own.iter().find_map(|line| line.split_once("Found: ")).map(|(_, found)| found)?;
            let peer = own.iter().find(|line| line.contains("peer ") && line.contains(" from "))?;
            let (_, peer) = peer.split_once("peer ")?;
            let (what, by) = peer.split_once(" from ")?;
            Some(format!(
                "{by} works with {what} only, and {found} is wanted. Update {} along with it, or leave this version out with `ignore`",
                by.rsplit_once('@').map_or(by, |(name, _)| name)
            ))
        }
        "ETARGET" | "E404" => {
            let line =
                own.iter().find(|line| line.contains("No matching version") || line.contains("404 Not Found"))?;
            let line = line.trim_start_matches("notarget ").trim_start_matches("404 ");
            Some(format!("the registry does not have it: {line}"))
        }
        _ => own
            .iter()
            .find(|line| !line.starts_with("code "))
            .map(|line| format!("npm does not do it: {}", line.trim_start_matches(code).trim())),
    }
}

fn pnpm(lines: &[&str]) -> Option<String> {
    let at = lines.iter().position(|line| line.contains("ERR_PNPM_"))?;
    let (_, code) = lines[at].split_once("ERR_PNPM_")?;
    let words = code.split_once(char::is_whitespace).map_or(code, |(_, words)| words).trim();
    Some(format!("pnpm does not do it: {}", words.trim_end_matches('.')))
}

/// pip-compile ends in a trace, of which one line says who asks for what.
fn pip(lines: &[&str]) -> Option<String> {
    let line = lines.iter().find(|line| line.contains("ResolutionImpossible: [RequirementInformation"))?;
    let said = |key: &str| line.split_once(key).and_then(|(_, rest)| rest.split('\'').next());
    let wanted = said("requirement=SpecifierRequirement('")?;
    let by = said("parent=LinkCandidate('").and_then(|by| by.split(' ').next()?.rsplit('/').next());
    let by = by.map(|file| file.split('-').take(2).collect::<Vec<_>>().join(" "));
    Some(match by {
        Some(by) => format!(
            "{by} asks for {wanted}, and no set of versions fits. Update {} along with it, or leave this version out with `ignore`",
            name(&by)
        ),
        None => format!("{wanted} is asked for, and no set of versions fits; the `.in` file says by whom"),
    })
}

/// uv and poetry explain themselves; their sentences are put on one line.
fn python(lines: &[&str]) -> Option<String> {
    if lines.iter().any(|line| line.contains("The option \"--no-update\" does not exist")) {
        return Some("poetry.lock was written by Poetry 1, and where pipelines run there is a newer one: commit the lock that it writes (`poetry lock`), or name an `image` with Poetry 1 in the pipeline that uses it".to_owned());
    }
    let begin = lines.iter().position(|line| line.contains("Because "))?;
    // uv says `cause:` before it.
    let first = &lines[begin][lines[begin].find("Because ")?..];
    let bars = |line: &&str| line.trim_start_matches(['╰', '─', '▶', '│', ' ', '×']).trim().to_owned();
    let ends = |line: &&&str| !(line.starts_with("hint:") || line.starts_with("help:"));
    let rest = lines[begin + 1..].iter().take_while(ends).map(bars);
    let why: Vec<String> = std::iter::once(first.to_owned()).chain(rest).collect();
    Some(format!(
        "no set of versions fits: {}. Update what holds it along with it",
        why.join(" ").trim_end_matches('.')
    ))
}

fn yarn(lines: &[&str]) -> Option<String> {
    let line =
        lines.iter().find(|line| line.starts_with("error ") || line.contains("YN0082") || line.contains("YN0035"))?;
    Some(format!("yarn does not do it: {}", line.trim_start_matches("error ")))
}

fn go(lines: &[&str]) -> Option<String> {
    let line = lines.iter().rev().find(|line| line.starts_with("go: ") && !line.starts_with("go: downloading"))?;
    Some(format!("go does not do it: {}", line.trim_start_matches("go: ")))
}

#[cfg(test)]
mod tests;

//! A requirements file that nobody compiles and that has hashes all the same: the version is written where it stands, and the
//! hashes of its files come from uv, which is asked for that one requirement without what it needs. They come back in a file of
//! their own and take the place of the old ones; every other byte of the file stays.

use std::collections::BTreeSet;

use super::super::{Change, Command, Piece, Plan};
use crate::domain::update::course::Item;
use crate::domain::update::extract;
use crate::domain::update::model::Ecosystem;
use crate::domain::update::python::normal;
use crate::domain::update::rules;
use crate::domain::update::source::{Files, folder, join};

/// What stands between two options of one requirement.
const BETWEEN: [char; 5] = [' ', '\t', '\\', '\r', '\n'];

/// What one call is asked for: lines of a file, with packages and versions.
struct Round<'i> {
    file: &'i str,
    wanted: Vec<(u32, &'i str, &'i str)>,
}

/// Adds one call for all requirements of a file; another one where a package is asked for in two versions.
pub fn calls(texts: &Files, changes: &[&Change<'_>], plan: &mut Plan) -> Result<(), String> {
    let mut rounds: Vec<Round<'_>> = Vec::new();
    for Item { file, line, name, to, .. } in changes.iter().filter(|one| one.edited.is_some()).map(|one| one.item) {
        if texts.get(file).is_none_or(|text| tokens(text, *line).is_empty()) {
            continue;
        }
        let other = |(_, other, version): &(u32, &str, &str)| other == name && version != to;
        let wanted = (*line, name.as_str(), to.as_str());
        match rounds.iter_mut().find(|round| round.file == file && !round.wanted.iter().any(other)) {
            Some(round) => round.wanted.push(wanted),
            None => rounds.push(Round { file, wanted: vec![wanted] }),
        }
    }
    if rounds.is_empty() {
        return Ok(());
    }
    let promises = extract(texts).toolchains.into_iter().find(|(name, _)| name == "python");
    let python = promises.and_then(|(_, promise)| rules::floor(Ecosystem::Python, &promise));
    for (number, Round { file, wanted }) in rounds.into_iter().enumerate() {
        let name = |end: &str| format!(".fairway-hashes-{number}.{end}");
        let path = |end: &str| join(folder(file), &name(end)).ok_or_else(|| format!("{file} has no folder"));
        let list: BTreeSet<String> = wanted.iter().map(|(_, name, version)| format!("{name}=={version}\n")).collect();
        let list: String = list.into_iter().collect();
        let mut argv =
            ["uv", "pip", "compile", "--no-build", "--no-python-downloads", "--no-deps"].map(str::to_owned).to_vec();
        argv.extend(["--generate-hashes", "--no-header", "--no-annotate"].map(str::to_owned));
        argv.extend(python.iter().flat_map(|python| ["--python-version".to_owned(), python.clone()]));
        argv.extend([name("in"), "--output-file".to_owned(), name("txt")]);
        plan.commands.push(Command { before: vec![(path("in")?, list)], ..Command::of(folder(file), argv) });
        let owned = |(line, name, to): (u32, &str, &str)| (line, name.to_owned(), to.to_owned());
        let lines = wanted.into_iter().map(owned).collect();
        plan.pieces.push(Piece { file: file.to_owned(), from: path("txt")?, lines });
    }
    Ok(())
}

/// The file with the hashes that were written for these lines, in place of those that it has.
///
/// # Errors
/// What is missing, in words.
pub fn put(file: &str, text: &str, mut wanted: Vec<(u32, String, String, &str)>) -> Result<String, String> {
    let mut text = text.to_owned();
    // From the end on, so that the lines before keep their numbers.
    wanted.sort_unstable_by_key(|(line, ..)| std::cmp::Reverse(*line));
    for (line, name, version, answer) in wanted {
        let missing = || format!("uv wrote no hashes of {name} {version}, which {file}:{line} needs");
        let hashes = written(answer, (&name, &version)).filter(|hashes| !hashes.is_empty()).ok_or_else(missing)?;
        let old = tokens(&text, line);
        let (Some(first), Some(last)) = (old.first(), old.last()) else { return Err(missing()) };
        let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let begin = text[..first.0].trim_end_matches(BETWEEN).len();
        let gap = old.get(1).map_or(&text[begin..first.0], |second| &text[first.1..second.0]);
        let lined = gap.contains('\n') && gap.chars().all(|c| BETWEEN.contains(&c));
        let gap = if lined { gap.to_owned() } else { format!(" \\{eol}    ") };
        text = format!("{}{}{}", &text[..first.0], hashes.join(&gap), &text[last.1..]);
    }
    Ok(text)
}

/// The hashes that a client wrote for a package, as `--hash=...`; `None`: it wrote another version, or none.
fn written(answer: &str, (name, version): (&str, &str)) -> Option<Vec<String>> {
    for (at, line) in answer.lines().enumerate() {
        let Some((of, rest)) = line.split_once("==") else { continue };
        let has = rest.split([' ', ';', '\\', '\t']).next().unwrap_or_default();
        let same = rules::compare(Ecosystem::Python, has, version) == Some(std::cmp::Ordering::Equal);
        if normal(of.split('[').next().unwrap_or(of).trim()) == name && same {
            let spans = tokens(answer, u32::try_from(at).ok()? + 1);
            return Some(spans.iter().map(|(begin, end)| answer[*begin..*end].to_owned()).collect());
        }
    }
    None
}

/// Where the `--hash` options of the requirement at a line, from 1, stand: it goes on as long as lines end in a backslash.
fn tokens(text: &str, line: u32) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for (number, piece) in (1..).zip(text.split_inclusive('\n')) {
        let bare = piece.trim_end_matches(['\n', '\r']);
        if number >= line {
            let comment = bare.match_indices('#').map(|(at, _)| at);
            let ends = comment.into_iter().find(|at| *at == 0 || bare[..*at].ends_with([' ', '\t']));
            let said = &bare[..ends.unwrap_or(bare.len())];
            for (begin, _) in said.match_indices("--hash") {
                let value = said[begin + 6..].trim_start_matches(['=', ' ']);
                let from = said.len() - value.len();
                let length = value.find([' ', '\t', '\\']).unwrap_or(value.len());
                found.push((at + begin, at + from + length));
            }
            if !bare.ends_with('\\') {
                break;
            }
        }
        at += piece.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "inner==1.1 \\\n    --hash=sha256:b1 \\\n    --hash=sha256:b2\nouter-pack==2.0.0 \\\n    --hash=sha256:c1\nbare==1\n";

    fn put_all(text: &str, wanted: &[(u32, &str, &str)]) -> Result<String, String> {
        let own =
            |(line, name, version): &(u32, &str, &str)| (*line, (*name).to_owned(), (*version).to_owned(), ANSWER);
        put("requirements.txt", text, wanted.iter().map(own).collect())
    }

    #[test]
    fn hashes_take_the_place_of_hashes_and_nothing_else_changes() {
        let text = "# head --hash=sha256:00\r\nInner[fast] == 1.1 ; python_version > \"3\" \\\r\n\t--hash=sha256:a1 \\\r\n\t--hash=sha256:a2 \\\r\n\
            \t--hash=sha256:a3  # why\r\n    # via x\r\nOuter_Pack==2.0 --hash=sha256:a1\r\nother==1 --hash sha256:00\r\n";
        let expected = "# head --hash=sha256:00\r\nInner[fast] == 1.1 ; python_version > \"3\" \\\r\n\t--hash=sha256:b1 \\\r\n\t--hash=sha256:b2  # why\r\n\
            \x20   # via x\r\nOuter_Pack==2.0 --hash=sha256:c1\r\nother==1 --hash sha256:00\r\n";
        assert_eq!(put_all(text, &[(2, "inner", "1.1"), (7, "outer-pack", "2.0")]).as_deref(), Ok(expected));
        let short = "inner==1.1 --hash sha512:a1";
        let longer = "inner==1.1 --hash=sha256:b1 \\\n    --hash=sha256:b2";
        assert_eq!(put_all(short, &[(1, "inner", "1.1")]).as_deref(), Ok(longer));
        let one = "inner==1.1 \\\n  --hash=sha256:a1\nx==1\n";
        assert_eq!(
            put_all(one, &[(1, "inner", "1.1")]).as_deref(),
            Ok("inner==1.1 \\\n  --hash=sha256:b1 \\\n  --hash=sha256:b2\nx==1\n")
        );
    }

    #[test]
    fn what_uv_did_not_write_is_not_made_up() {
        for (name, version) in [("inner", "1.2"), ("inn", "1.1"), ("bare", "1"), ("nobody", "1")] {
            let said = put_all("x==1 --hash=sha256:a1\n", &[(1, name, version)]).expect_err(name);
            assert_eq!(said, format!("uv wrote no hashes of {name} {version}, which requirements.txt:1 needs"));
        }
        assert!(put_all("x==1\n", &[(1, "inner", "1.1")]).is_err(), "there are none to replace");
    }
}

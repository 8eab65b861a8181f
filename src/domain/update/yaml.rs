//! YAML without a tree: each value with the keys that lead to it, so that a lock of a hundred thousand entries costs no more
//! memory than its text.

use saphyr_parser::{Event, Parser};

/// Deeper than this nobody writes.
const MAX_DEPTH: usize = 40;

/// A container that is still open: what it added to the path.
enum Open {
    Map { keyed: bool },
    List,
}

/// Hears a path, a text and a line.
pub type Visit<'v> = dyn FnMut(&[String], Option<&str>, u32) + 'v;

/// Calls `visit` with the path, the text (`None` where a map or a list begins) and the line of every value of the first
/// document. Entries of a list have the path of the list. The error has the line that cannot be read, where it is known.
///
/// An alias is refused: no lock has one, and in a manifest it may stand for more than was written.
pub fn walk(text: &str, visit: &mut Visit<'_>) -> Result<(), Option<u32>> {
    let mut open: Vec<Open> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Some(to_u32(error.marker().line())))?;
        let line = to_u32(span.start.line());
        match event {
            Event::DocumentEnd => return Ok(()),
            Event::Alias(_) => return Err(Some(line)),
            Event::Scalar(text, ..) => match open.last_mut() {
                Some(Open::Map { keyed: keyed @ false }) => {
                    *keyed = true;
                    path.push(text.into_owned());
                }
                _ => {
                    visit(&path, Some(&text), line);
                    closed(&mut open, &mut path);
                }
            },
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                // A key that is itself a container has no name.
                let nameless = matches!(open.last(), Some(Open::Map { keyed: false }));
                if nameless || open.len() >= MAX_DEPTH {
                    return Err(Some(line));
                }
                visit(&path, None, line);
                open.push(if matches!(event, Event::MappingStart(..)) {
                    Open::Map { keyed: false }
                } else {
                    Open::List
                });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                closed(&mut open, &mut path);
            }
            _ => {}
        }
    }
    Ok(())
}

/// After a value the map that it stands in waits for the next key.
fn closed(open: &mut [Open], path: &mut Vec<String>) {
    if let Some(Open::Map { keyed }) = open.last_mut() {
        *keyed = false;
        path.pop();
    }
}

fn to_u32(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::walk;

    #[test]
    fn every_value_has_its_path_and_line() {
        let mut seen = Vec::new();
        let text = "a:\n  b: 1\n  'c@d': {}\nlist:\n  - x\n  - y: 2\n";
        walk(text, &mut |path, text, line| seen.push(format!("{line} {} {text:?}", path.join("/")))).expect("YAML");
        let expected = [
            "1  None",
            "2 a None",
            "2 a/b Some(\"1\")",
            "3 a/c@d None",
            "5 list None",
            "5 list Some(\"x\")",
            "6 list None",
            "6 list/y Some(\"2\")",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_grows_beyond_what_is_written_is_refused() {
        assert_eq!(walk("a: &x [1]\nb: *x\n", &mut |_, _, _| {}), Err(Some(2)));
        assert_eq!(walk("? [a]\n: b\n", &mut |_, _, _| {}), Err(Some(1)));
        assert!(walk("a: [1\n", &mut |_, _, _| {}).is_err());
        assert!(walk(&"[".repeat(100), &mut |_, _, _| {}).is_err());
    }
}

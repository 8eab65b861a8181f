//! A `fairway.toml` with problems, as a check and as annotations.

use crate::domain::project::Problem;

use super::annotation::{Annotation, Level, Span};
use super::markdown::{code, escape_md};

/// Title and summary: every problem with its line.
pub(super) fn broken_file(problems: &[Problem]) -> (String, String) {
    let count = problems.len();
    let title = format!("fairway.toml has {count} problem{}", if count == 1 { "" } else { "s" });
    let mut summary = format!("{title}. Nothing runs until they are mended; deploys keep to the last good file.\n\n");
    for problem in problems {
        let hint = problem.hint.as_deref().map(|hint| format!(" {}", own_marks(hint))).unwrap_or_default();
        let (line, message) = (problem.line, own_marks(&problem.message));
        summary.push_str(&format!("- `fairway.toml:{line}` {message}{hint}\n"));
    }
    (title, summary)
}

/// Problems put what a person typed in code marks; the rest is escaped.
fn own_marks(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { code(part) } else { escape_md(part) }).collect()
}

/// The problems of a broken file, each on its line.
pub fn problem_annotations(problems: &[Problem]) -> Vec<Annotation> {
    let one = |problem: &Problem| {
        let line = u64::from(problem.line);
        let column = Some(u64::from(problem.column));
        let span = Span { lines: (line, line), columns: (column, column) };
        let hint = problem.hint.as_deref().unwrap_or("");
        let message = format!("{} {hint}", problem.message);
        Annotation::new(String::from("fairway.toml"), span, Level::Failure, &problem.key, &message)
    };
    problems.iter().map(one).collect()
}

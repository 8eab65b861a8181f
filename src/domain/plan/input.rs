//! What a plan asks of whoever uses it, with types, defaults and ranges.

use std::collections::BTreeMap;

/// The repository's name: every plan has it.
pub const NAME: &str = "name";
/// The same as packages may be called: `a-z`, `0-9` and `-`, and a letter first. Made from the name, never asked.
pub const SLUG: &str = "slug";

/// Values by name, as they are written into files.
pub type Values = BTreeMap<String, String>;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name; `{{ name }}` in a file stands for its value.
    pub name: String,
    /// What may be answered.
    pub kind: Kind,
    /// What holds when nobody answers; `None`: somebody must.
    pub default: Option<String>,
    /// The question, in a sentence.
    pub doc: String,
    /// The line of its header in the manifest, from 1.
    pub line: u32,
}

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One line of text.
    Text,
    /// A whole number between two others.
    Number {
        /// At least.
        least: i64,
        /// At most.
        most: i64,
    },
    /// `true` or `false`.
    Flag,
    /// One of these.
    Choice(Vec<String>),
}

impl Input {
    /// Whether a value may stand for it; the error says what may.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let name = &self.name;
        let fine = match &self.kind {
            Kind::Text => !value.is_empty() && value.len() <= 200 && !value.chars().any(char::is_control),
            Kind::Number { least, most } => value.parse().is_ok_and(|n: i64| (*least..=*most).contains(&n)),
            Kind::Flag => matches!(value, "true" | "false"),
            Kind::Choice(words) => words.iter().any(|word| word == value),
        };
        if fine {
            return Ok(());
        }
        let shown: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
        Err(match &self.kind {
            Kind::Text => format!("`{name}` must be one line of 1 to 200 characters, not `{shown}`."),
            Kind::Number { least, most } => {
                format!("`{name}` must be a number from {least} to {most}, not `{shown}`.")
            }
            Kind::Flag => format!("`{name}` must be `true` or `false`, not `{shown}`."),
            Kind::Choice(words) => format!("`{name}` must be one of `{}`, not `{shown}`.", words.join("`, `")),
        })
    }
}

/// All values, given or by default; the error names every one that is missing, wrong or unknown.
pub fn complete(inputs: &[Input], given: &Values) -> Result<Values, Vec<String>> {
    let mut values = Values::new();
    let mut wrong = Vec::new();
    for input in inputs {
        match given.get(&input.name).or(input.default.as_ref()) {
            Some(value) => match input.check(value) {
                Ok(()) => drop(values.insert(input.name.clone(), value.clone())),
                Err(sentence) => wrong.push(sentence),
            },
            None => wrong.push(format!("`{}` has no value: {}", input.name, input.doc)),
        }
    }
    let known: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        let near = crate::domain::project::nearest(name, &known).map(|near| format!(" Did you mean `{near}`?"));
        wrong.push(format!("This plan asks for no `{name}`.{}", near.unwrap_or_default()));
    }
    if let Some(name) = values.get(NAME) {
        let slug = slug(name);
        values.insert(SLUG.to_owned(), slug);
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

fn slug(name: &str) -> String {
    let plain: String =
        name.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = plain.trim_matches('-');
    if plain.starts_with(|c: char| c.is_ascii_lowercase()) { plain.to_owned() } else { format!("app-{plain}") }
}

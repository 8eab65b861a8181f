//! What `dagger = "..."` asks of the repository's own Dagger module: all of its checks, one of them, or one function.

use serde::{Deserialize, Serialize};

/// A call of the repository's own module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// `check`: find the module's checks; each becomes a check run of its own.
    Checks,
    /// `check NAME`: run that one.
    Check(String),
    /// `[--key=value ...] function [--key=value ...]`.
    Function {
        /// Of the module's own object, before the function.
        constructor: Vec<Arg>,
        /// As written, `kebab-case` or `camelCase`.
        name: String,
        /// Of the function.
        args: Vec<Arg>,
    },
}

/// `--key=value`, or `--key` for a switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arg {
    /// As written, without the dashes.
    pub key: String,
    /// What stands after `=`.
    pub value: Option<String>,
}

impl Call {
    /// Reads the text of `dagger`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence or two.
    pub fn parse(text: &str) -> Result<Call, String> {
        let words = shlex::split(text).ok_or("A quote is not closed.")?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["check"] => return Ok(Call::Checks),
            ["check", name] if !name.starts_with('-') => return Ok(Call::Check((*name).to_owned())),
            _ => {}
        }
        let Some(at) = words.iter().position(|word| !word.starts_with('-')) else {
            return Err("No function is named. Write `build --source=.`.".to_owned());
        };
        let name = words[at];
        if !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            return Err(format!("`{name}` cannot be the name of a function. Write `build --source=.`."));
        }
        let args = |words: &[&str]| words.iter().map(|word| arg(word)).collect::<Result<Vec<Arg>, String>>();
        Ok(Call::Function { constructor: args(&words[..at])?, name: name.to_owned(), args: args(&words[at + 1..])? })
    }
}

fn arg(word: &str) -> Result<Arg, String> {
    let Some(rest) = word.strip_prefix("--") else {
        return Err(format!(
            "`{word}` is no argument: each is `--name=value`, or `--name` for a switch. One function is called, not a chain."
        ));
    };
    let (key, value) = match rest.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (rest, None),
    };
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Err(format!("`{word}` is no argument: each is `--name=value`, or `--name` for a switch."));
    }
    Ok(Arg { key: key.to_owned(), value })
}

/// Whether a check's name can be part of a check run's name and typed after `/retry`.
pub fn check_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '/');
    !name.is_empty() && name.len() <= 80 && !name.starts_with('-') && name.chars().all(plain)
}

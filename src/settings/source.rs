//! From the environment and the file to one map of known names.

use std::collections::BTreeMap;

use super::SettingProblem;
use super::table::names;

pub(super) const PREFIX: &str = "FAIRWAY_";

/// What Fairway itself gives to steps and releases, one of which may be a Fairway.
const GIVEN: [&str; 4] = ["CACHE_SCOPE", "TRY", "ENVIRONMENT", "SHA"];

/// The raw values by key without `FAIRWAY_`, with `_FILE` values read, and what was wrong.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub values: BTreeMap<String, String>,
    pub problems: Vec<SettingProblem>,
}

impl Raw {
    pub(super) fn gather(env: &BTreeMap<String, String>, file: Option<&str>) -> Raw {
        let mut raw = Raw::default();
        if let Some(text) = file {
            raw.take_file(text);
        }
        raw.take_env(env);
        raw.read_files();
        raw
    }

    pub(super) fn problem(&mut self, key: &str, why: impl Into<String>, fix: impl Into<String>) {
        self.problems.push(SettingProblem::new(key, why, fix));
    }

    fn take_env(&mut self, env: &BTreeMap<String, String>) {
        let mut given = Vec::new();
        for (name, value) in env {
            let Some(key) = name.strip_prefix(PREFIX) else {
                continue;
            };
            // The tests' own switches; a shell that has them must still start Fairway.
            if key.starts_with("TEST_") || key == "SOAK" || GIVEN.contains(&key) {
                continue;
            }
            // Compose files set what is not given to nothing; that means "not set".
            if !value.trim().is_empty() && self.is_known(key, name) {
                given.push((key.to_owned(), value.clone()));
            }
        }
        // What the environment gives replaces the file's, in whichever form each came.
        for (key, _) in &given {
            let base = key.trim_end_matches("_FILE");
            self.values.remove(base);
            self.values.remove(&format!("{base}_FILE"));
        }
        self.values.extend(given);
    }

    fn take_file(&mut self, text: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                let why = format!("the file cannot be read as TOML: {}", error.message());
                self.problem("CONFIG", why, "mend it, or unset FAIRWAY_CONFIG");
                return;
            }
        };
        for (name, value) in &table {
            let key = name.to_uppercase();
            if name.to_lowercase() != *name {
                let fix = format!("write {} there", name.to_lowercase());
                self.problem(&key, format!("the file says {name}; its keys are in lower case"), fix);
            } else if self.is_known(&key, name) {
                match text_of(value) {
                    Some(text) => drop(self.values.insert(key, text)),
                    None => {
                        self.problem(&key, "the file gives it a table", "give it a text, a number or a list of texts")
                    }
                }
            }
        }
    }

    fn is_known(&mut self, key: &str, as_written: &str) -> bool {
        let names = names();
        if names.iter().any(|name| name == key) {
            return true;
        }
        let nearest = names
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, key), name))
            .min()
            .filter(|(distance, name)| *distance <= name.len().min(key.len()) / 3 + 1);
        let fix = match nearest {
            Some((_, name)) if as_written.starts_with(PREFIX) => {
                format!("did you mean {PREFIX}{name}?")
            }
            Some((_, name)) => format!("did you mean {}?", name.to_lowercase()),
            None => "remove it; `fairway serve --settings` lists every setting".to_owned(),
        };
        self.problem(key, format!("{as_written} is not a setting"), fix);
        false
    }

    /// Replaces each `X_FILE` by `X` with what that file holds.
    fn read_files(&mut self) {
        let files: Vec<(String, String)> = self
            .values
            .iter()
            .filter(|(key, _)| key.ends_with("_FILE"))
            .map(|(key, path)| (key.trim_end_matches("_FILE").to_owned(), path.clone()))
            .collect();
        for (key, path) in files {
            self.values.remove(&format!("{key}_FILE"));
            if self.values.contains_key(&key) {
                let why = format!("{PREFIX}{key} and {PREFIX}{key}_FILE are both set");
                self.problem(&key, why, "unset one of them");
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => drop(self.values.insert(key, text.trim().to_owned())),
                Err(error) => {
                    let why = format!("{PREFIX}{key}_FILE names {path}, which cannot be read: {error}");
                    self.problem(&key, why, format!("check it with: ls -l {path}"));
                }
            }
        }
    }
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            Some(texts?.join(","))
        }
        _ => None,
    }
}

//! From a plan and values to files on this machine.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::domain::onboard::File;
use crate::domain::plan::{self, Plan, Values};

/// The values of an `inputs.toml`.
pub fn values_of(text: &str) -> anyhow::Result<Values> {
    let table: toml::Table = toml::from_str(text).map_err(|error| anyhow::anyhow!("{}", error.message()))?;
    let plain = |(name, value): (String, toml::Value)| match value {
        toml::Value::String(text) => Ok((name, text)),
        toml::Value::Integer(number) => Ok((name, number.to_string())),
        toml::Value::Boolean(flag) => Ok((name, flag.to_string())),
        _ => bail!("`{name}` must be a text, a number, true or false"),
    };
    table.into_iter().map(plain).collect()
}

/// The files of a plan; the error says all that is wrong with the values.
pub fn render((name, plan): (&str, &Plan), values: &Values) -> anyhow::Result<Vec<File>> {
    plan::render(plan, values).map_err(|wrong| {
        anyhow::anyhow!(
            "{name} cannot be rendered:\n  {}\n`fairway plan show {name}` lists what it asks.",
            wrong.join("\n  ")
        )
    })
}

/// Writes all files below a new folder.
pub fn write(place: &Path, files: &[File]) -> anyhow::Result<()> {
    files.iter().try_for_each(|file| put(place, (&file.path, &file.text), file.executable))
}

/// Writes one file below a folder.
pub fn put(place: &Path, (path, text): (&str, &str), executable: bool) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let to = place.join(path);
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    std::fs::write(&to, text).with_context(|| format!("writing {}", to.display()))?;
    if executable {
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

//! yarn 2 and later. `yarn set resolution` would do it, but fetches and links all that the repository depends on; the same
//! three lines of yarn's own interface, in a plugin, do it before an install that changes the lock alone.

use super::Wish;
use crate::domain::update::edit::{Command, Plan};
use crate::domain::update::source::{Files, folder, join, upwards};

/// The plugin's file, beside the lock for as long as the call takes.
const PLUGIN: &str = ".fairway-yarn.cjs";

/// Settings that say what stands in a lock, and make yarn neither run nor ask anything.
const KEPT: [&str; 9] = [
    "cacheMigrationMode",
    "catalog",
    "catalogs",
    "compressionLevel",
    "defaultSemverRangePrefix",
    "enableTransparentWorkspaces",
    "lockfileVersionOverride",
    "packageExtensions",
    "supportedArchitectures",
];

/// Adds one call.
pub fn call(texts: &Files, lock: &str, wishes: &[Wish<'_>], plan: &mut Plan) -> Result<(), String> {
    let here = |name: &str| join(folder(lock), name).ok_or_else(|| format!("{lock} has no folder"));
    let wanted = wishes.iter().map(|wish| (wish.key.clone(), wish.version.clone().into()));
    let wanted = serde_json::Value::Object(wanted.collect());
    let settings = here(".yarnrc.yml")?;
    // Those of the folders above count as well, the nearest first.
    let above = upwards(folder(lock)).filter_map(|dir| texts.get(&join(dir, ".yarnrc.yml")?));
    let mut kept = kept(above.map(String::as_str));
    kept.push_str(&format!("plugins:\n  - ./{PLUGIN}\n"));
    let env = [
        ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
        ("YARN_ENABLE_IMMUTABLE_INSTALLS", "false"),
        ("YARN_ENABLE_SCRIPTS", "false"),
        ("YARN_ENABLE_TELEMETRY", "0"),
    ];
    plan.commands.push(Command {
        before: vec![(here(PLUGIN)?, plugin(&wanted.to_string())), (settings, kept)],
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Command::of(folder(lock), ["yarn", "install", "--mode=update-lockfile"])
    });
    Ok(())
}

/// What `yarn set resolution` does, for each of these wishes.
fn plugin(wanted: &str) -> String {
    format!(
        "module.exports = {{
  name: \"fairway\",
  factory: (require) => {{
    const {{ structUtils }} = require(\"@yarnpkg/core\");
    const wanted = {wanted};
    const validateProject = (project) => {{
      for (const [wish, version] of Object.entries(wanted)) {{
        const from = structUtils.parseDescriptor(wish, true);
        const to = structUtils.makeDescriptor(from, version);
        for (const one of [from, to]) project.storedDescriptors.set(one.descriptorHash, one);
        project.resolutionAliases.set(from.descriptorHash, to.descriptorHash);
      }}
    }};
    return {{ hooks: {{ validateProject }} }};
  }},
}};
"
    )
}

/// The lines of several `.yarnrc.yml` that are kept: the named settings, each with what is indented below it, once.
fn kept<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut out = String::new();
    let mut seen: Vec<&str> = Vec::new();
    for text in texts {
        let mut keep = false;
        for line in text.trim_start_matches('\u{feff}').lines() {
            // A list's items need no indentation.
            if line.starts_with(|c: char| !c.is_whitespace() && c != '#' && c != '-') {
                let key = line.split(':').next().unwrap_or(line).trim().trim_matches(['"', '\'']);
                keep = KEPT.contains(&key) && !seen.contains(&key);
                seen.push(key);
            }
            if keep {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn settings_that_say_what_a_lock_has_stay_and_no_other() {
        let text = "compressionLevel: mixed\nyarnPath: .yarn/releases/yarn.cjs\nplugins:\n- path: a.cjs\n  spec: b\n\
            # a comment\n\"packageExtensions\":\n  a@*:\n    dependencies:\n      b: 1\n\nnpmRegistryServer: x\nnpmScopes:\n  s:\n    npmAuthToken: t\n\
            catalog:\n  a: ^1\n";
        let expected = "compressionLevel: mixed\n\"packageExtensions\":\n  a@*:\n    dependencies:\n      b: 1\n\ncatalog:\n  a: ^1\n";
        assert_eq!(kept([text].into_iter()), expected);
        assert_eq!(kept(["yarnPath: >\n  catalog:\n"].into_iter()), "");
        let nearer = "compressionLevel: 0\n";
        assert_eq!(kept([nearer, text].into_iter()), expected.replace("mixed", "0"), "the nearer one counts");
    }
}

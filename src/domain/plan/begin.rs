//! A repository's first files, from one of Fairway's own plans.

use super::builtin;
use super::input::Values;
use super::lock::{LOCK, Lock};
use super::manifest::read;
use super::render::{digest, render};
use crate::domain::onboard::File;
use crate::domain::project::nearest;

/// All files of a plan with these values, its lock among them; on failure every sentence that somebody should read.
pub fn begun(plan: &str, inputs: &Values) -> Result<Vec<File>, Vec<String>> {
    let name = plan.split('@').next().unwrap_or(plan);
    let Some(sources) = builtin::sources(name).filter(|_| !name.contains('/')) else {
        let names = builtin::names();
        let near = nearest(name, &names).map(|near| format!("Did you mean `{near}`? "));
        return Err(vec![format!("{}The plans are `{}`.", near.unwrap_or_default(), names.join("`, `"))]);
    };
    let found = read(&sources).map_err(|trouble| trouble.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let mut files = render(&found, inputs)?;
    let lock = Lock::new((name, &found), &digest(&sources), inputs.clone());
    files.push(File { path: LOCK.to_owned(), executable: false, text: lock.text() });
    Ok(files)
}

//! Go: `go get` changes `go.mod` and `go.sum`; both are the client's to write.

use super::{Change, Command, Plan, Want};
use crate::domain::update::course::Item;
use crate::domain::update::go;
use crate::domain::update::source::{Files, folder};

/// Adds what is to be called: one `go get` a module for all of its changes, so that they are solved together.
pub fn calls(texts: &Files, changes: Vec<&Change<'_>>, plan: &mut Plan) -> Result<(), String> {
    if changes.is_empty() {
        return Ok(());
    }
    let found = go::extract(texts);
    for change in changes {
        let Item { file, name, from, to, .. } = change.item;
        if !found.locked.iter().any(|one| one.file == *file && one.name == *name && one.version == *from) {
            return Err(format!(
                "{file} does not ask for {name} {from} any more; the next look finds what it asks for"
            ));
        }
        let (dir, argument) = (folder(file), format!("{name}@{to}"));
        let get = |call: &&mut Command| call.folder == dir && call.argv.get(1).is_some_and(|word| word == "get");
        match plan.commands.iter_mut().find(get) {
            Some(call) if call.argv.contains(&argument) => {}
            Some(call) => call.argv.push(argument),
            None => {
                let env = || [("GOTOOLCHAIN", "local"), ("GOFLAGS", "-mod=mod")];
                let env = || env().map(|(name, value)| (name.to_owned(), value.to_owned())).into();
                plan.commands.push(Command { env: env(), ..Command::of(dir, ["go", "get", &argument]) });
                plan.commands.push(Command { env: env(), ..Command::of(dir, ["go", "mod", "tidy"]) });
            }
        }
        plan.wants.push(Want { lock: file.clone(), name: name.clone(), version: to.clone() });
        plan.locks.extend([file.clone(), format!("{}go.sum", file.trim_end_matches("go.mod"))]);
    }
    Ok(())
}

//! From what is wanted to what is changed: manifests as texts, locks by their ecosystem's own client.

/// One call of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The folder that it is called in, from the root of the checkout; empty: the root.
    pub folder: String,
    /// Program and arguments.
    pub argv: Vec<String>,
}

/// What is to be done to a checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Manifests as they are to be, by path.
    pub files: Vec<(String, String)>,
    /// Calls, in order.
    pub commands: Vec<Command>,
    /// Locks that the calls may change.
    pub locks: Vec<String>,
}

/// What to write and what to call for these changes.
///
/// # Errors
/// Why they cannot be made, in words.
pub fn plan(texts: &super::Files, items: &[super::course::Item]) -> Result<Plan, String> {
    let mut plan = Plan::default();
    for item in items {
        if item.ecosystem != super::Ecosystem::Cargo || !item.lock_only {
            return Err(format!("{} cannot be changed yet", item.name));
        }
        let lock = texts.keys().find(|path| path.ends_with("Cargo.lock")).ok_or("there is no Cargo.lock")?;
        let folder = lock.trim_end_matches("Cargo.lock").trim_end_matches('/').to_owned();
        let package = format!("{}@{}", item.name, item.from);
        let argv = ["cargo", "update", "--package", &package, "--precise", &item.to].map(str::to_owned).into();
        plan.commands.push(Command { folder, argv });
        plan.locks = vec![lock.clone()];
    }
    Ok(plan)
}

/// A client's last words, as a sentence that says what happened, who holds it and what to do.
pub fn failure(said: &str) -> String {
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

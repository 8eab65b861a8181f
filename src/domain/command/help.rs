//! The answer to `/help`: only what this person may do, so that nobody learns a command by being refused.

use super::access::Role;
use super::table::{COMMANDS, allowed};

/// Markdown with a row for each command that the role may type.
pub fn help_for(role: Role) -> String {
    let mut text = String::from("What you may do here:\n\n| command | does | example |\n|---|---|---|\n");
    for command in COMMANDS.iter().filter(|command| allowed(role, command)) {
        text.push_str(&format!("| `{}` | {} | `{}` |\n", command.usage(), command.help, command.example));
    }
    text.push_str("\nType a command as the first line of a new comment. Edited comments are not read.\n");
    let more = COMMANDS.iter().any(|command| !allowed(role, command));
    if more {
        let who = if role < Role::Write { "write access to" } else { "maintain permission in" };
        text.push_str(&format!("People with {who} this repository can do more.\n"));
    }
    text
}

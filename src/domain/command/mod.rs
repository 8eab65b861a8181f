//! What a person types in a pull request. One table, `COMMANDS`, makes parser, roles and help, so that they cannot
//! disagree. To add a command: a `Verb` and a row in `table`, an arm in `decide`.

mod access;
mod help;
mod line;
mod order;
mod parse;
mod table;

pub use access::{Role, access};
pub use help::help_for;
pub use line::plain;
pub use order::{Order, Ordered, order};
pub use parse::{Args, Parsed, Typed, Usage, parse};
pub use table::{Arg, ArgKind, COMMANDS, Command, LATER, Verb, allowed, find};

#[cfg(test)]
mod tests;

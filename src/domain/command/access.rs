//! Who may type what, by GitHub's own roles of the repository.

use serde::{Deserialize, Serialize};

/// What a person is in the repository, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Anyone who can comment; on a public repository that is everybody.
    #[default]
    Anyone,
    /// May push.
    Write,
    /// Runs the repository without its dangerous settings.
    Maintain,
    /// May do everything.
    Admin,
}

impl Role {
    /// GitHub's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Anyone => "read",
            Role::Write => "write",
            Role::Maintain => "maintain",
            Role::Admin => "admin",
        }
    }
}

/// The role behind GitHub's answer to `collaborators/{user}/permission`. `role_name` tells maintain from write;
/// an organisation's own role has a name of its own there, and then `permission`, its base, decides.
pub fn access(role_name: &str, permission: &str) -> Role {
    match role_name {
        "admin" => Role::Admin,
        "maintain" => Role::Maintain,
        "write" | "push" => Role::Write,
        "read" | "pull" | "triage" | "none" => Role::Anyone,
        _ => match permission {
            "admin" => Role::Admin,
            "write" => Role::Write,
            _ => Role::Anyone,
        },
    }
}

//! What people do on the pages: who may, and what they do it to.

/// Something that somebody does on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Runs a dead job again.
    Retry {
        /// The job's row.
        job: i64,
    },
    /// Gives an engine no new runs.
    Drain {
        /// Its address.
        engine: String,
    },
    /// Gives an engine runs again.
    Undrain {
        /// Its address.
        engine: String,
    },
    /// Asks for a repository's onboarding pull request.
    Onboard {
        /// GitHub's id of it.
        repo: i64,
    },
    /// Signs in.
    SignIn,
    /// Signs out in this browser.
    SignOut,
    /// Signs out in every browser.
    SignOutEverywhere,
}

impl Deed {
    /// Whether it is for those alone who may do what the command line can.
    pub fn needs_admin(&self) -> bool {
        match self {
            Deed::Retry { .. } | Deed::Drain { .. } | Deed::Undrain { .. } | Deed::Onboard { .. } => true,
            Deed::SignIn | Deed::SignOut | Deed::SignOutEverywhere => false,
        }
    }
}

//! What stands on the pages that `fairway setup` and a waiting `fairway serve` show in a browser.

/// A page without anything to press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// What happened.
    pub title: &'static str,
    /// Why, and what to do.
    pub next: String,
}

fn words(title: &'static str, next: impl Into<String>) -> Words {
    Words { title, next: next.into() }
}

/// Leads to GitHub by itself.
pub fn start() -> Words {
    words(
        "On to GitHub",
        "This page sends GitHub what the App asks for. GitHub then asks you for its name; nothing is registered before you press the button there.",
    )
}

/// The credentials are kept.
pub fn done(name: &str) -> Words {
    words(
        "The App is registered",
        format!(
            "Fairway has the credentials of {name}, and this page is closed. Install the App on your repositories now."
        ),
    )
}

/// An answer with a `state` that this page did not give out.
pub fn forged() -> Words {
    words(
        "Nobody asked for this answer",
        "Its `state` is none that this page gave out, so it may come from somebody else. Nothing was stored. Open the link that `fairway setup` printed and begin there.",
    )
}

/// The same answer a second time.
pub fn used() -> Words {
    words(
        "This answer was used already",
        "Each answer of GitHub's is taken once. Open the link that `fairway setup` printed and begin again.",
    )
}

/// More than an hour after the question.
pub fn late() -> Words {
    words(
        "This answer comes too late",
        "GitHub's code is good for an hour, and that is over. Open the link that `fairway setup` printed and begin again.",
    )
}

/// An answer without a code.
pub fn no_code() -> Words {
    words("GitHub sent no code", "Open the link that `fairway setup` printed and begin again.")
}

/// GitHub does not give the credentials for the code.
pub fn refused(error: &str) -> Words {
    words(
        "GitHub gave no credentials",
        format!(
            "{error}. Open the link that `fairway setup` printed and begin again; if GitHub says that the name is taken, delete the App that was half made."
        ),
    )
}

/// A code that GitHub does not know.
pub const UNKNOWN_CODE: &str = "GitHub does not know this code: it was used already, or is older than an hour";

/// GitHub gave the credentials and they could not be written.
pub fn not_kept(error: &str) -> Words {
    words(
        "The credentials could not be kept",
        format!(
            "{error}. GitHub shows them only once: mend this, delete the App at GitHub, open the link that `fairway setup` printed and begin again."
        ),
    )
}

/// Whatever is asked once there are credentials.
pub fn closed() -> Words {
    words(
        "This page is closed",
        "Fairway has its App. `fairway setup`, in the terminal, goes on from there; typed again, it says how to begin anew.",
    )
}

/// Any other address.
pub fn nothing() -> Words {
    words("Nothing is here", "Open the whole link that `fairway setup` printed.")
}

/// What `serve` shows while it has no credentials.
pub fn waits(path: &str) -> Words {
    words(
        "Fairway is not set up yet",
        format!(
            "Type `fairway setup` on the machine where it runs. It makes {path}; Fairway then begins by itself, and this page goes on."
        ),
    )
}

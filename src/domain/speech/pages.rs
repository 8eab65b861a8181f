//! What the pages say to somebody who signs in, looks, or does something; and how the audit names what was done.

use crate::domain::deed::Deed;

/// Something that a page says instead of showing what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub title: String,
    /// Why, and what to do next.
    pub words: String,
}

impl Notice {
    fn new(title: &str, words: impl Into<String>) -> Notice {
        Notice { title: title.to_owned(), words: words.into() }
    }
}

/// Why somebody is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSignedIn<'a> {
    /// The state is not the one that this browser was given, or it has none.
    Forged,
    /// Longer than ten minutes ago.
    Late,
    /// The same answer of GitHub's came before.
    Used,
    /// They said no at GitHub.
    Declined,
    /// GitHub does not take the code.
    Code,
    /// GitHub does not take client id and secret.
    Credentials,
    /// GitHub does not know where to send people back to.
    Callback(&'a str),
    /// GitHub refuses in words of its own.
    Refused(&'a str),
    /// GitHub cannot be asked.
    Away(&'a str),
}

/// What somebody reads who is not signed in.
pub fn not_signed_in(why: NotSignedIn<'_>) -> Notice {
    match why {
        NotSignedIn::Forged => Notice::new(
            "This sign-in was not begun here",
            "What came back from GitHub does not belong to a sign-in that this browser began, so nobody was signed in. If you followed somebody's link, do not follow it again. If you began in two windows at once, sign in again.",
        ),
        NotSignedIn::Late => Notice::new(
            "This sign-in took too long",
            "More than ten minutes passed between its beginning and GitHub's answer. Sign in again.",
        ),
        NotSignedIn::Used => Notice::new(
            "This sign-in was used before",
            "Each works once; going back or loading the page again does not repeat it. Sign in again.",
        ),
        NotSignedIn::Declined => {
            Notice::new("You said no at GitHub", "Nothing was done. Sign in again if that was a slip.")
        }
        NotSignedIn::Code => {
            Notice::new("GitHub does not take this sign-in any more", "Its code was used or is too old. Sign in again.")
        }
        NotSignedIn::Credentials => Notice::new(
            "GitHub does not know this Fairway",
            "It refuses the client id and secret. Tell whoever runs this Fairway: FAIRWAY_CLIENT_ID and FAIRWAY_CLIENT_SECRET have to be those on the App's own page, and a secret that was deleted there has to be replaced here.",
        ),
        NotSignedIn::Callback(url) => Notice::new(
            "GitHub may not send anybody back here",
            format!(
                "Tell whoever runs this Fairway: {url} has to be one of the App's callback URLs, letter by letter, on its own page."
            ),
        ),
        NotSignedIn::Refused(words) => Notice::new(
            "GitHub refuses",
            format!("It says: {words} Sign in again; if it stays, tell whoever runs this Fairway."),
        ),
        NotSignedIn::Away(why) => Notice::new(
            "GitHub cannot be asked who you are",
            format!("{why}. Nobody is signed in without its word. Try again in a minute."),
        ),
    }
}

/// There is no such page, or not for this person; which of the two is not told.
pub fn nothing_here(login: Option<&str>, path: &str) -> Notice {
    match login {
        None => Notice::new(
            "Not found",
            format!("{path} does not exist, or it was purged because it is old. Start at the overview."),
        ),
        Some(login) => Notice::new(
            "Not found",
            format!(
                "{path} does not exist, was purged because it is old, or belongs to a repository that {login} may not read on GitHub. If you should be able to read it, ask somebody who administers it for access there; Fairway sees it within a minute."
            ),
        ),
    }
}

/// GitHub cannot be asked what a person may read, so nothing is shown.
pub fn cannot_ask(why: &str) -> Notice {
    Notice::new(
        "GitHub cannot be asked what you may read",
        format!("{why}. Nothing is shown without its word. Try again in a minute."),
    )
}

/// GitHub cannot be asked who is an admin, so nothing is done.
pub fn cannot_act(why: &str) -> Notice {
    Notice::new(
        "GitHub cannot be asked whether you may do this",
        format!(
            "{why}. Nothing was done. Try again in a minute; those whom FAIRWAY_ADMINS names need no word of GitHub's."
        ),
    )
}

/// Something is for admins.
pub fn admins_only(login: &str, orgs: &[&str]) -> Notice {
    let owners = match orgs {
        [] => String::new(),
        [org] => format!(", and to owners of {org}"),
        orgs => format!(", and to whoever owns all of {}", orgs.join(", ")),
    };
    Notice::new(
        "This is for admins",
        format!(
            "{login} is none here. It is open to those whom FAIRWAY_ADMINS names{owners}. Ask one of them, or ask whoever runs this Fairway to name you there."
        ),
    )
}

/// A form that does not fit the session, or came from another site.
pub fn stale_form() -> Notice {
    Notice::new(
        "This form is too old",
        "It does not belong to your session here, so nothing was done. Go back, load the page again and press the button once more.",
    )
}

/// The audit's word for what was done.
pub fn what(deed: &Deed) -> &'static str {
    match deed {
        Deed::Retry { .. } => "retry",
        Deed::Drain { .. } => "drain",
        Deed::Undrain { .. } => "undrain",
        Deed::Onboard { .. } => "onboard",
        Deed::SignIn => "sign in",
        Deed::SignOut => "sign out",
        Deed::SignOutEverywhere => "sign out everywhere",
    }
}

/// What it was done to, as the audit shows it; empty where there is nothing.
pub fn subject(deed: &Deed) -> String {
    match deed {
        Deed::Retry { job } => format!("job {job}"),
        Deed::Drain { engine } | Deed::Undrain { engine } => engine.clone(),
        Deed::Onboard { repo } => format!("repository {repo}"),
        Deed::SignIn | Deed::SignOut | Deed::SignOutEverywhere => String::new(),
    }
}

/// How the audit names whoever has the token of the private pages.
pub const TOKEN_HOLDER: &str = "whoever has the token";

/// What came of an act, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done; with more about it, if there is more to say.
    Done(String),
    /// There was nothing to do, and why.
    Nothing(&'static str),
    /// It was refused, and why.
    Refused(&'static str),
    /// It went wrong; the reason is in the log.
    Failed,
}

/// The audit's words for what came of it.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(more) if more.is_empty() => "done".to_owned(),
        Outcome::Done(more) => format!("done: {more}"),
        Outcome::Nothing(why) => format!("nothing done: {why}"),
        Outcome::Refused(why) => format!("refused: {why}"),
        Outcome::Failed => "failed; the log has the reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(notices: &[Notice]) -> String {
        notices.iter().map(|notice| format!("{}\n    {}\n", notice.title, notice.words)).collect()
    }

    #[test]
    fn whoever_is_not_signed_in_reads_why_and_what_to_do() {
        let all = [
            NotSignedIn::Forged,
            NotSignedIn::Late,
            NotSignedIn::Used,
            NotSignedIn::Declined,
            NotSignedIn::Code,
            NotSignedIn::Credentials,
            NotSignedIn::Callback("https://fairway.example/login/callback"),
            NotSignedIn::Refused("The user must have a verified primary email."),
            NotSignedIn::Away("GitHub gave no answer that can be used"),
        ];
        insta::assert_snapshot!(read(&all.map(not_signed_in)), @"
        This sign-in was not begun here
            What came back from GitHub does not belong to a sign-in that this browser began, so nobody was signed in. If you followed somebody's link, do not follow it again. If you began in two windows at once, sign in again.
        This sign-in took too long
            More than ten minutes passed between its beginning and GitHub's answer. Sign in again.
        This sign-in was used before
            Each works once; going back or loading the page again does not repeat it. Sign in again.
        You said no at GitHub
            Nothing was done. Sign in again if that was a slip.
        GitHub does not take this sign-in any more
            Its code was used or is too old. Sign in again.
        GitHub does not know this Fairway
            It refuses the client id and secret. Tell whoever runs this Fairway: FAIRWAY_CLIENT_ID and FAIRWAY_CLIENT_SECRET have to be those on the App's own page, and a secret that was deleted there has to be replaced here.
        GitHub may not send anybody back here
            Tell whoever runs this Fairway: https://fairway.example/login/callback has to be one of the App's callback URLs, letter by letter, on its own page.
        GitHub refuses
            It says: The user must have a verified primary email. Sign in again; if it stays, tell whoever runs this Fairway.
        GitHub cannot be asked who you are
            GitHub gave no answer that can be used. Nobody is signed in without its word. Try again in a minute.
        ");
    }

    #[test]
    fn a_page_that_is_not_shown_says_why() {
        let notices = [
            nothing_here(None, "/runs/7"),
            nothing_here(Some("mallory"), "/runs/7"),
            cannot_ask("GitHub's rate limit is reached"),
            cannot_act("GitHub's rate limit is reached"),
            admins_only("bob", &["acme"]),
            admins_only("bob", &["acme", "umbrella"]),
            admins_only("bob", &[]),
            stale_form(),
        ];
        insta::assert_snapshot!(read(&notices), @"
        Not found
            /runs/7 does not exist, or it was purged because it is old. Start at the overview.
        Not found
            /runs/7 does not exist, was purged because it is old, or belongs to a repository that mallory may not read on GitHub. If you should be able to read it, ask somebody who administers it for access there; Fairway sees it within a minute.
        GitHub cannot be asked what you may read
            GitHub's rate limit is reached. Nothing is shown without its word. Try again in a minute.
        GitHub cannot be asked whether you may do this
            GitHub's rate limit is reached. Nothing was done. Try again in a minute; those whom FAIRWAY_ADMINS names need no word of GitHub's.
        This is for admins
            bob is none here. It is open to those whom FAIRWAY_ADMINS names, and to owners of acme. Ask one of them, or ask whoever runs this Fairway to name you there.
        This is for admins
            bob is none here. It is open to those whom FAIRWAY_ADMINS names, and to whoever owns all of acme, umbrella. Ask one of them, or ask whoever runs this Fairway to name you there.
        This is for admins
            bob is none here. It is open to those whom FAIRWAY_ADMINS names. Ask one of them, or ask whoever runs this Fairway to name you there.
        This form is too old
            It does not belong to your session here, so nothing was done. Go back, load the page again and press the button once more.
        ");
    }

    #[test]
    fn the_audit_says_what_was_done_to_what_and_how_it_ended() {
        let deeds = [
            Deed::Retry { job: 4 },
            Deed::Drain { engine: "unix:///run/e.sock".into() },
            Deed::Undrain { engine: "unix:///run/e.sock".into() },
            Deed::SignIn,
            Deed::SignOut,
            Deed::SignOutEverywhere,
        ];
        let lines: Vec<String> = deeds.iter().map(|deed| format!("{} {}", what(deed), subject(deed))).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        retry job 4
        drain unix:///run/e.sock
        undrain unix:///run/e.sock
        sign in 
        sign out 
        sign out everywhere
        ");
        let outcomes = [
            Outcome::Done(String::new()),
            Outcome::Done("2 sessions".into()),
            Outcome::Nothing("the job is not dead"),
            Outcome::Refused("not an admin"),
            Outcome::Failed,
        ];
        insta::assert_snapshot!(outcomes.iter().map(outcome).collect::<Vec<_>>().join("\n"), @"
        done
        done: 2 sessions
        nothing done: the job is not dead
        refused: not an admin
        failed; the log has the reason
        ");
    }
}

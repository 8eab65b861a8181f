//! A repository on its way to the golden path: whether Fairway may open the pull request that brings `fairway.toml`, what
//! that holds, and what became of it.

use globset::Glob;
use serde::{Deserialize, Serialize};

use super::event::Pull;
use super::ids::Repo;

/// The branch of the first pull request of this kind; later ones have a number behind it.
pub const BRANCH: &str = "fairway/onboard";

/// Whether Fairway opens pull requests by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Opens {
    /// Never, unless somebody types `/onboard`.
    Off,
    /// Repositories that could be onboarded wait on the page until somebody says so.
    Ask,
    /// In every repository that is admitted.
    #[default]
    All,
}

impl Opens {
    /// The words that may stand in a file or a setting.
    pub const WORDS: &[&str] = &["off", "ask", "all"];

    /// From its word.
    pub fn parse(word: &str) -> Option<Opens> {
        [Opens::Off, Opens::Ask, Opens::All].into_iter().zip(Self::WORDS).find(|(_, w)| **w == word).map(|(o, _)| o)
    }
}

/// Which repositories, as `onboarding` says in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// `None`: whoever stands above says.
    pub opens: Option<Opens>,
    /// Patterns of names such as `svc-*`; empty admits all.
    pub names: Vec<String>,
    /// A repository needs one of these topics; empty admits all.
    pub topics: Vec<String>,
}

impl Rules {
    /// What it says, and where it is silent what stands above it says.
    pub fn over(self, above: Rules) -> Rules {
        let or = |own: Vec<String>, above: Vec<String>| if own.is_empty() { above } else { own };
        Rules {
            opens: self.opens.or(above.opens),
            names: or(self.names, above.names),
            topics: or(self.topics, above.topics),
        }
    }

    /// Whether a repository of that name and with these topics is meant.
    pub fn admits(&self, name: &str, topics: &[String]) -> bool {
        let fits = |pattern: &String| Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name));
        (self.names.is_empty() || self.names.iter().any(fits))
            && (self.topics.is_empty() || self.topics.iter().any(|topic| topics.contains(topic)))
    }
}

/// A repository as GitHub shows it just now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Read-only.
    pub archived: bool,
    /// A copy of somebody else's.
    pub fork: bool,
    /// Others are made from it.
    pub template: bool,
    /// Its topics.
    pub topics: Vec<String>,
    /// The default branch's commit; `None` while there is no commit.
    pub head: Option<String>,
    /// `fairway.toml` is on the default branch.
    pub file: bool,
    /// So is `fairway.lock`: it follows a plan.
    pub lock: bool,
}

/// Why no pull request is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Switched off.
    Off,
    /// Somebody is to say so first.
    Ask,
    /// Neither its name nor its topics are admitted.
    Filtered,
    /// It is read-only.
    Archived,
    /// Its owner is upstream.
    Fork,
    /// What is made from it is onboarded, not the template.
    Template,
    /// There is no commit yet.
    Empty,
    /// It is gone, or the App does not see it any more.
    Gone,
}

/// Why not, or `None`: it is to be opened. `asked`: somebody typed `/onboard`, which only what is impossible stops.
pub fn skip(sight: &Sight, rules: &Rules, (name, asked): (&str, bool)) -> Option<Skip> {
    if sight.archived {
        return Some(Skip::Archived);
    }
    if sight.head.is_none() {
        return Some(Skip::Empty);
    }
    if asked {
        return None;
    }
    match rules.opens.unwrap_or_default() {
        _ if sight.fork => Some(Skip::Fork),
        _ if sight.template => Some(Skip::Template),
        Opens::Off => Some(Skip::Off),
        _ if !rules.admits(name, &sight.topics) => Some(Skip::Filtered),
        Opens::Ask => Some(Skip::Ask),
        Opens::All => None,
    }
}

/// What would be opened. Written down when it is decided: what is detected later changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The default branch's commit that it begins at.
    pub base: String,
    /// That commit's tree.
    pub tree: String,
    /// What it adds.
    pub files: Vec<File>,
    /// What was found, with evidence; Markdown.
    pub found: String,
    /// Where the commands come from; Markdown.
    pub checks: String,
    /// What was left out; Markdown, or empty.
    pub left_out: String,
    /// Policies that hold there, and whose they are; Markdown, or empty.
    #[serde(default)]
    pub rules: String,
    /// Permissions that are missing and what they would enable, a line each.
    pub missing: Vec<String>,
}

/// A file that a pull request adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// From the root.
    pub path: String,
    /// Whether it may be started.
    pub executable: bool,
    /// Its text.
    pub text: String,
}

/// How far a repository is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing is opened, and why.
    Idle(Skip),
    /// The pull request is to be opened.
    Wanted,
    /// It is open.
    Open,
    /// It was closed, which means no.
    Declined,
    /// GitHub does not let us.
    Blocked,
    /// `fairway.toml` is on the default branch.
    Done,
}

/// What Fairway remembers of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnboardState {
    /// Where.
    pub repo: Repo,
    /// How far.
    pub stage: Stage,
    /// Pull requests that were decided on; names the branch.
    pub round: i64,
    /// When it came to this stage; Unix milliseconds.
    pub since: i64,
    /// The newest one's content.
    pub proposal: Option<Proposal>,
    /// Its number, once it is open.
    pub pull: Option<i64>,
    /// The commit that we made for it.
    pub tip: Option<String>,
    /// Why GitHub does not let us, in words.
    pub why: String,
}

impl OnboardState {
    /// A repository seen for the first time.
    pub fn new(repo: &Repo, now: i64) -> OnboardState {
        OnboardState {
            repo: repo.clone(),
            stage: Stage::Idle(Skip::Empty),
            round: 0,
            since: now,
            proposal: None,
            pull: None,
            tip: None,
            why: String::new(),
        }
    }
}

/// Whether a pull request may be one of ours, by its branch. Only people with write access can push there.
pub fn is_ours(pull: &Pull) -> bool {
    !pull.fork && pull.head_ref.starts_with(BRANCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_a_pull_request_and_what_typing_onboard_passes() {
        let sight = Sight { head: Some("a".into()), topics: vec!["service".into()], ..Sight::default() };
        let rules = Rules { names: vec!["svc-*".into(), "shop".into()], topics: vec!["service".into()], opens: None };
        let told =
            |sight: &Sight, rules: &Rules, name| (skip(sight, rules, (name, false)), skip(sight, rules, (name, true)));
        assert_eq!(told(&sight, &rules, "shop"), (None, None));
        assert_eq!(told(&sight, &rules, "svc-mail"), (None, None));
        assert_eq!(told(&sight, &rules, "docs"), (Some(Skip::Filtered), None));
        let plain = Sight { topics: Vec::new(), ..sight.clone() };
        assert_eq!(told(&plain, &rules, "shop"), (Some(Skip::Filtered), None));
        for (word, expected) in [("off", Skip::Off), ("ask", Skip::Ask)] {
            let rules = Rules { opens: Opens::parse(word), ..Rules::default() };
            assert_eq!(told(&sight, &rules, "shop"), (Some(expected), None));
        }
        let all = Rules::default();
        assert_eq!(told(&Sight { fork: true, ..sight.clone() }, &all, "shop"), (Some(Skip::Fork), None));
        assert_eq!(told(&Sight { template: true, ..sight.clone() }, &all, "shop"), (Some(Skip::Template), None));
        let archived = Sight { archived: true, ..sight.clone() };
        assert_eq!(told(&archived, &all, "shop"), (Some(Skip::Archived), Some(Skip::Archived)));
        assert_eq!(told(&Sight { head: None, ..sight }, &all, "shop"), (Some(Skip::Empty), Some(Skip::Empty)));
    }

    #[test]
    fn a_repositorys_owner_says_more_than_the_operator() {
        let operator = Rules { opens: Some(Opens::Ask), names: vec!["a".into()], topics: Vec::new() };
        let organisation = Rules { opens: Some(Opens::All), ..Rules::default() };
        let both = organisation.over(operator);
        assert_eq!((both.opens, both.names.as_slice()), (Some(Opens::All), ["a".to_owned()].as_slice()));
    }
}

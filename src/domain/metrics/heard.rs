//! From what was told, delivery by delivery, to the rows that are measured. What was not told from its beginning stays
//! unknown: a pull request whose opening nobody heard may have been reviewed before.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{NewcomerRow, PullRow, PushRow, ReviewRow};
use super::signal::{Signal, SignalKind};

/// A push counts as before the opening up to this much after it, in milliseconds: GitHub's two clocks are not one.
const SKEW_MS: i64 = 60_000;

/// All that was told of one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// `owner/name`, or a login alone for what is about the whole account.
    pub name: String,
    /// In any order.
    pub signals: Vec<Signal>,
    /// Since when reviews are told, Unix milliseconds; `None` when they are not.
    pub reviews_since: Option<i64>,
}

/// The rows that come of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Pull requests whose opening was told, with what is known of them: nothing of what they say.
    pub pulls: Vec<PullRow>,
    /// Pushes to their branches.
    pub pushes: Vec<PushRow>,
    /// People who came, and merged something.
    pub newcomers: Vec<NewcomerRow>,
}

/// Reads all places. Newcomers are looked for over all repositories of an account: nobody comes twice.
pub fn heard(places: &[Place]) -> Heard {
    let mut heard = Heard { newcomers: newcomers(places), ..Heard::default() };
    for place in places {
        let index = Index::new(place);
        for opened in place.of(SignalKind::Opened) {
            heard.pulls.push(index.pull(opened));
            heard.pushes.extend(index.pushes(opened));
        }
    }
    heard
}

impl Place {
    fn of(&self, kind: SignalKind) -> impl Iterator<Item = &Signal> {
        self.signals.iter().filter(move |signal| signal.kind == kind)
    }
}

/// A place's signals, where they are looked for.
struct Index<'p> {
    place: &'p Place,
    by_pull: BTreeMap<i64, Vec<&'p Signal>>,
    by_branch: BTreeMap<&'p str, Vec<&'p Signal>>,
}

impl<'p> Index<'p> {
    fn new(place: &'p Place) -> Self {
        let mut index = Index { place, by_pull: BTreeMap::new(), by_branch: BTreeMap::new() };
        for signal in &place.signals {
            index.by_pull.entry(signal.pull).or_default().push(signal);
            if !signal.branch.is_empty() {
                index.by_branch.entry(signal.branch.as_str()).or_default().push(signal);
            }
        }
        index
    }

    fn of_pull(&self, number: i64) -> &[&'p Signal] {
        self.by_pull.get(&number).map_or(&[], Vec::as_slice)
    }

    /// All of its branch, whichever pull request they belong to. None for a fork: nobody tells of its branches.
    fn of_branch(&self, opened: &Signal) -> &[&'p Signal] {
        self.by_branch.get(opened.branch.as_str()).map_or(&[], Vec::as_slice)
    }

    fn pull(&self, opened: &Signal) -> PullRow {
        let signals = self.of_pull(opened.pull);
        let (drafted, ready_at) = (last(signals, SignalKind::Drafted), last(signals, SignalKind::Ready));
        let listened = self.place.reviews_since.is_some_and(|since| since <= opened.at);
        PullRow {
            repository: self.place.name.clone(),
            number: opened.pull,
            opened_at: opened.at,
            ready_at,
            draft: drafted.is_some_and(|drafted| ready_at.is_none_or(|ready| ready < drafted)),
            review_requested_at: last(signals, SignalKind::Requested),
            reviews: listened.then(|| signals.iter().filter_map(|signal| word(signal)).collect()),
            first_authored_at: self.first_authored(opened),
            ..PullRow::default()
        }
    }

    /// When its branch begins to be its own: when it was made, or when the last pull request from it ended. `None`
    /// when neither was told.
    fn begins(&self, opened: &Signal) -> Option<i64> {
        let begins = |signal: &&&Signal| match signal.kind {
            SignalKind::Made => true,
            SignalKind::Closed | SignalKind::Merged => signal.pull < opened.pull,
            _ => false,
        };
        let before = |at: &i64| *at <= opened.at.saturating_add(SKEW_MS);
        self.of_branch(opened).iter().filter(begins).map(|signal| signal.at).filter(before).max()
    }

    /// Pushes to its branch while it was its own.
    fn own(&self, opened: &Signal) -> impl Iterator<Item = &'p Signal> {
        let signals = self.of_pull(opened.pull);
        let ended = last(signals, SignalKind::Closed).max(last(signals, SignalKind::Merged)).unwrap_or(i64::MAX);
        let while_it_was = self.begins(opened).unwrap_or(i64::MIN)..=ended;
        let pushes = |signal: &&&Signal| matches!(signal.kind, SignalKind::Made | SignalKind::Push);
        self.of_branch(opened).iter().filter(pushes).copied().filter(move |push| while_it_was.contains(&push.at))
    }

    /// When its first commit was made. Of a branch whose beginning was not told, an older one may be there.
    fn first_authored(&self, opened: &Signal) -> Option<i64> {
        self.begins(opened)?;
        self.own(opened).filter_map(|push| push.authored_at).min()
    }

    /// Every head once, when it was first told of: by the push itself, or by what became of the pull request.
    fn pushes(&self, opened: &Signal) -> Vec<PushRow> {
        let heads = |signal: &&&Signal| matches!(signal.kind, SignalKind::Opened | SignalKind::Head);
        let heads = self.of_pull(opened.pull).iter().filter(heads).copied();
        let mut first: BTreeMap<&str, i64> = BTreeMap::new();
        for push in self.own(opened).chain(heads) {
            let at = first.entry(push.sha.as_str()).or_insert(push.at);
            *at = push.at.min(*at);
        }
        let row = |at| PushRow { repository: self.place.name.clone(), pull: opened.pull, at };
        first.into_values().map(row).collect()
    }
}

/// The last time that it happened.
fn last(signals: &[&Signal], kind: SignalKind) -> Option<i64> {
    signals.iter().filter(|signal| signal.kind == kind).map(|signal| signal.at).max()
}

fn word(signal: &Signal) -> Option<ReviewRow> {
    let approved = match signal.kind {
        SignalKind::Approval => true,
        SignalKind::Word => false,
        _ => return None,
    };
    Some(ReviewRow { at: signal.at, by_another_human: true, approved })
}

/// Who came to an account or one of its repositories, with the first thing of theirs that was merged there.
fn newcomers(places: &[Place]) -> Vec<NewcomerRow> {
    let owner = |place: &Place| place.name.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let mut joined: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let mut merged: BTreeMap<(String, i64), (i64, &str)> = BTreeMap::new();
    for place in places {
        for signal in place.of(SignalKind::Joined) {
            let at = joined.entry((owner(place), signal.who)).or_insert(signal.at);
            *at = signal.at.min(*at);
        }
        for signal in place.of(SignalKind::Merged).filter(|signal| signal.who != 0) {
            let this = (signal.at, place.name.as_str());
            let first = merged.entry((owner(place), signal.who)).or_insert(this);
            *first = this.min(*first);
        }
    }
    let both: BTreeSet<_> = joined.keys().filter(|who| merged.contains_key(who)).collect();
    let row = |who: &(String, i64)| {
        let ((at, repository), joined_at) = (merged.get(who)?, joined.get(who)?);
        Some(NewcomerRow { repository: (*repository).to_owned(), joined_at: *joined_at, first_merged_at: Some(*at) })
    };
    both.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    /// One signal a line: `MINUTE KIND #PULL`, and then, in any order, `on BRANCH`, `to SHA`, `made MINUTE`, `by WHO`.
    fn signals(text: &str) -> Vec<Signal> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(signal).collect()
    }

    fn signal(line: &str) -> Signal {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [at, kind, pull, rest @ ..] = words.as_slice() else { panic!("{line}") };
        let minutes = |word: &str| word.parse::<i64>().expect(line) * MINUTE;
        let mut signal = Signal {
            kind: SignalKind::parse(kind).expect(line),
            pull: pull.trim_start_matches('#').parse().expect(line),
            at: minutes(at),
            ..Signal::default()
        };
        for pair in rest.chunks(2) {
            match pair {
                ["on", branch] => signal.branch = (*branch).to_owned(),
                ["to", sha] => signal.sha = (*sha).to_owned(),
                ["made", at] => signal.authored_at = Some(minutes(at)),
                ["by", who] => signal.who = who.parse().expect(line),
                _ => panic!("{line}"),
            }
        }
        signal
    }

    fn place(text: &str) -> Place {
        Place { name: "acme/shop".to_owned(), signals: signals(text), reviews_since: Some(0) }
    }

    fn minutes(at: impl IntoIterator<Item = i64>) -> Vec<i64> {
        at.into_iter().map(|at| at / MINUTE).collect()
    }

    /// Of each pull request: minutes of its pushes, and of its first commit.
    fn pushed(text: &str) -> Vec<(i64, Vec<i64>, Option<i64>)> {
        let heard = heard(&[place(text)]);
        let of = |pull: &PullRow| {
            let mut pushes = minutes(heard.pushes.iter().filter(|row| row.pull == pull.number).map(|row| row.at));
            pushes.sort_unstable();
            (pull.number, pushes, pull.first_authored_at.map(|at| at / MINUTE))
        };
        heard.pulls.iter().map(of).collect()
    }

    #[test]
    fn a_pull_request_that_was_heard_from_its_opening() {
        let pulls = heard(&[place(
            "10 opened #7
             10 drafted #7
             15 word #7
             20 ready #7
             25 requested #7
             30 approval #7
             40 requested #7
             41 word #8
             11 opened #9
             11 drafted #9
             12 ready #9
             13 drafted #9",
        )])
        .pulls;
        let [seven, nine] = pulls.as_slice() else { panic!("#8 was never opened: {pulls:#?}") };
        assert_eq!(minutes([seven.opened_at]), [10]);
        assert_eq!(minutes(seven.ready_at.into_iter().chain(seven.review_requested_at)), [20, 40]);
        let words: Vec<_> = seven.reviews.iter().flatten().map(|row| (row.at / MINUTE, row.approved)).collect();
        assert_eq!((words, seven.draft), (vec![(15, false), (30, true)], false));
        assert_eq!((nine.draft, nine.reviews.as_deref()), (true, Some(&[][..])), "a draft again");
    }

    #[test]
    fn reviews_are_known_only_where_somebody_listened_from_the_opening() {
        let known = |reviews_since| {
            let place = Place { reviews_since, ..place("60 opened #7\n61 approval #7") };
            heard(&[place]).pulls[0].reviews.is_some()
        };
        assert_eq!([None, Some(2 * HOUR), Some(HOUR), Some(0)].map(known), [false, false, true, true]);
    }

    #[test]
    fn pushes_are_those_of_its_branch_and_of_its_head() {
        // Told twice is pushed once; what others push is not its own.
        let told = pushed(
            "1 made #0 on change to a made 0
             5 push #0 on change to b made 4
             6 push #0 on other to x made 2
             10 opened #7 on change to b
             20 push #0 on change to c made 19
             21 head #7 to c
             30 merged #7 on change
             31 push #0 on change to d made 31",
        );
        assert_eq!(told, [(7, vec![1, 5, 20], Some(0))]);
    }

    #[test]
    fn a_branch_that_was_there_before_has_pushes_and_no_first_commit() {
        let told = pushed("5 push #0 on change to b made 4\n10 opened #7 on change to b");
        assert_eq!(told, [(7, vec![5], None)]);
    }

    #[test]
    fn a_push_that_was_told_a_moment_after_the_opening_is_its_first() {
        let told = pushed("11 made #0 on change to a made 3\n10 opened #7 on change to a");
        assert_eq!(told, [(7, vec![10], Some(3))]);
    }

    #[test]
    fn the_heads_of_a_fork_are_all_that_is_told_of_it() {
        let told = pushed(
            "1 made #0 on change to a made 0
             10 opened #7 to b
             15 closed #7
             20 head #8 to z
             20 opened #8 to c
             25 head #8 to d",
        );
        assert_eq!(told, [(7, vec![10], None), (8, vec![20, 20, 25], None)]);
    }

    #[test]
    fn a_branch_that_serves_twice_is_divided_between_its_pull_requests() {
        let told = pushed(
            "1 made #0 on develop to a made 0
             10 opened #7 on develop to a
             20 merged #7 on develop
             30 push #0 on develop to b made 25
             40 opened #8 on develop to b
             50 closed #8 on develop
             60 made #0 on develop to c made 55
             70 opened #9 on develop to c",
        );
        assert_eq!(told, [(7, vec![1], Some(0)), (8, vec![30], Some(25)), (9, vec![60], Some(55))]);
    }

    #[test]
    fn people_come_once_to_an_account_and_merge_first_somewhere_in_it() {
        let at = |name: &str, text: &str| Place { name: name.to_owned(), ..place(text) };
        let heard = heard(&[
            at("acme", "5 joined #0 by 1"),
            at("acme/shop", "9 joined #0 by 1\n30 merged #7 by 1\n40 merged #8 by 2\n50 merged #9"),
            at("Acme/api", "20 merged #3 by 1\n1 joined #0 by 3"),
            at("other/api", "2 joined #0 by 2\n60 merged #1 by 4\n61 joined #0 by 4"),
        ]);
        let rows = heard
            .newcomers
            .iter()
            .map(|row| (row.repository.as_str(), row.joined_at / MINUTE, row.first_merged_at.map(|at| at / MINUTE)));
        // Who merged before they came is not new, and `measure` counts that as excluded.
        assert_eq!(rows.collect::<Vec<_>>(), [("Acme/api", 5, Some(20)), ("other/api", 61, Some(60))]);
    }
}

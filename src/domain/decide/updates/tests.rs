//! The way of updates, told in a few words a step.

use super::*;
use crate::domain::project;
use crate::domain::run::Conclusion;
use crate::domain::task::RunKey;
use crate::domain::update::Ecosystem;
use crate::domain::update::advisory::{Finding, Reach};
use crate::domain::update::course::{Course, Ended, Item, Kind, Look, Unit, Wanted};

/// 2026-01-05, a Monday, noon.
const NOW: i64 = 1_767_614_400_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn repo() -> Repo {
    Repo { installation: 2, id: 1, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() }
}

fn unit(name: &str) -> Unit {
    let item = Item {
        ecosystem: Ecosystem::Cargo,
        name: name.to_owned(),
        file: "Cargo.toml".into(),
        line: 3,
        from: "1.0.0".into(),
        to: "1.1.0".into(),
        lock_only: true,
        published: None,
        pin: None,
    };
    Unit { items: vec![item], group: None }
}

fn wanted(id: &str, kind: Kind, names: &[&str]) -> Wanted {
    Wanted {
        id: id.to_owned(),
        kind,
        units: names.iter().map(|name| unit(name)).collect(),
        fixed: Vec::new(),
        proof: None,
        left: Vec::new(),
    }
}

/// A repository and the world around it; packages in `bad` fail their test.
struct Play {
    state: Option<UpdatesState>,
    now: i64,
    bad: Vec<&'static str>,
    todo: Vec<Task>,
    commits: usize,
    pulls: i64,
}

impl Play {
    fn new(bad: &[&'static str]) -> Play {
        Play { state: None, now: NOW, bad: bad.to_vec(), todo: Vec::new(), commits: 0, pulls: 0 }
    }

    fn tell(&mut self, event: &Event, project: bool) {
        let text = "[pipeline.test]\nrun = [\"ok\"]\n";
        let project = project.then(|| ProjectAt::Found(project::parse(text).expect("a project")));
        let facts = Facts { now: self.now, project, took_ms: 60_000, ..Facts::default() };
        let (state, changes) = updates(self.state.take(), event, &facts);
        self.state = state;
        self.todo.extend(changes.into_iter().filter_map(|change| match change {
            Change::Do(task) => Some(task),
            _ => None,
        }));
    }

    fn news(&mut self, news: News) {
        let made = matches!(news, News::Made { .. });
        self.tell(&Event::Updates(Box::new(news)), made);
    }

    fn looked(&mut self, (digest, course): (&str, &Course), wanted: &[Wanted]) {
        let look = Look { sha: format!("main-{digest}"), digest: digest.into(), at: self.now, ..Look::default() };
        let found = Found { repo: repo(), look, course: course.clone(), wanted: wanted.to_vec() };
        self.news(News::Looked(Box::new(found)));
    }

    /// A look with more in it than commit and time.
    fn look_at(&mut self, look: Look, wanted: &[Wanted]) {
        let look = Look { sha: "main-1".into(), digest: "1".into(), at: self.now, ..look };
        let found = Found { repo: repo(), look, course: routine(), wanted: wanted.to_vec() };
        self.news(News::Looked(Box::new(found)));
        self.settle();
    }

    /// Does what is asked for until nothing is.
    fn settle(&mut self) {
        while let Some(task) = (!self.todo.is_empty()).then(|| self.todo.remove(0)) {
            match task {
                Task::Candidate { group, .. } => self.candidate(&group),
                Task::SyncUpdate { group, .. } => self.sync(&group),
                Task::Land { group, .. } => self.news(News::Landed { group }),
                _ => {}
            }
        }
    }

    fn group(&self, id: &str) -> Group {
        self.state.as_ref().and_then(|state| state.group(id)).cloned().expect(id)
    }

    fn candidate(&mut self, id: &str) {
        let group = self.group(id);
        self.commits += 1;
        let look = self.state.as_ref().expect("state").look.clone();
        let (sha, base, digest) = (format!("c{}", self.commits), look.sha, look.digest);
        let red = group.tried().flat_map(|unit| &unit.items).any(|item| self.bad.contains(&item.name.as_str()));
        let candidate = Candidate { sha, base, digest, changes: Vec::new(), at: 0 };
        self.news(News::Made { group: id.to_owned(), round: group.round, candidate });
        let Some(checks) = self.group(id).checks else { return };
        let run: RunKey = checks.key(&checks.items[0]);
        let conclusion = if red { Conclusion::Failure } else { Conclusion::Success };
        self.tell(&Event::RunFinished { run, conclusion, found: Vec::new() }, false);
    }

    fn sync(&mut self, id: &str) {
        let Some(group) = self.state.as_ref().and_then(|state| state.group(id)).cloned() else { return };
        if group.stage == Stage::Proven {
            let pull = group.pull.unwrap_or_else(|| {
                self.pulls += 1;
                self.pulls
            });
            self.news(News::Opened { group: id.to_owned(), pull });
        }
    }

    fn pull(&mut self, (id, head): (&str, Option<&str>), (open, merged): (bool, bool)) {
        let group = self.group(id);
        let tip = group.proven.expect("it was proven").candidate.sha;
        let pull = Pull {
            number: group.pull.expect("it is open"),
            head_sha: head.unwrap_or(&tip).to_owned(),
            head_ref: format!("fairway/update-{id}"),
            open,
            merged,
            ..Pull::default()
        };
        self.news(News::Pull { pull: Box::new(pull) });
        self.settle();
    }

    /// Each group in a line.
    fn shown(&self) -> String {
        let groups = &self.state.as_ref().expect("a state").groups;
        let line = |group: &Group| {
            let out: Vec<&str> = group
                .trial
                .culprits
                .iter()
                .map(|culprit| group.wanted.units[culprit.unit].items[0].name.as_str())
                .collect();
            let out = if out.is_empty() { String::new() } else { format!(" without {}", out.join(" ")) };
            format!("{} {:?}{out}", group.wanted.id, group.stage)
        };
        groups.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn routine() -> Course {
    Course { routine: true, ..Course::default() }
}

#[test]
fn a_red_group_of_five_is_opened_without_its_culprit() {
    let mut play = Play::new(&["d"]);
    play.looked(("1", &routine()), &[wanted("safe-cargo", Kind::Safe, &["a", "b", "c", "d", "e"])]);
    play.settle();
    assert_eq!(play.shown(), "safe-cargo Open without d");
    let group = play.group("safe-cargo");
    assert_eq!(group.proven.expect("proven").units, [0, 1, 2, 4]);
    assert_eq!(group.trial.culprits[0].why, "`test` does not pass with it");
    assert!(play.commits <= 8, "{}", play.commits);
    // The same look again does nothing.
    let commits = play.commits;
    play.looked(("1", &routine()), &[wanted("safe-cargo", Kind::Safe, &["a", "b", "c", "d", "e"])]);
    play.settle();
    assert_eq!((play.shown().as_str(), play.commits), ("safe-cargo Open without d", commits));
}

#[test]
fn nothing_is_opened_where_nothing_passes() {
    let mut play = Play::new(&["a"]);
    play.looked(("1", &routine()), &[wanted("cargo-a", Kind::Breaking, &["a"])]);
    play.settle();
    assert_eq!(
        (play.shown(), play.pulls),
        ("cargo-a Failed(\"`test` does not pass with it\") without a".to_owned(), 0)
    );
}

#[test]
fn closing_means_no_and_reopening_takes_it_back() {
    let mut play = Play::new(&[]);
    let all = [wanted("cargo-a", Kind::Breaking, &["a"])];
    play.looked(("1", &routine()), &all);
    play.settle();
    play.pull(("cargo-a", None), (false, false));
    assert_eq!(play.shown(), "cargo-a Closed");
    assert_eq!(play.state.as_ref().expect("state").refused.len(), 1);
    play.looked(("2", &routine()), &all);
    play.settle();
    assert_eq!(play.shown(), "cargo-a Closed", "the same versions again are not offered");
    play.pull(("cargo-a", None), (true, false));
    assert_eq!((play.shown().as_str(), play.state.as_ref().expect("state").refused.len()), ("cargo-a Open", 0));
}

#[test]
fn one_package_is_left_out_and_the_rest_is_made_anew() {
    let mut play = Play::new(&[]);
    let all = wanted("safe-cargo", Kind::Safe, &["a", "b"]);
    play.looked(("1", &routine()), std::slice::from_ref(&all));
    play.settle();
    play.news(News::Refuse { pull: 1, name: Some("a".to_owned()) });
    let refused = play.state.as_ref().expect("state").refused.clone();
    assert_eq!((refused.len(), refused[0].version.as_str()), (1, ""));
    play.looked(("1", &routine()), &[wanted("safe-cargo", Kind::Safe, &["b"])]);
    play.settle();
    assert_eq!(
        (play.shown().as_str(), play.group("safe-cargo").wanted.units.len(), play.pulls),
        ("safe-cargo Open", 1, 1)
    );
}

#[test]
fn a_persons_commit_makes_the_branch_theirs() {
    let mut play = Play::new(&[]);
    let all = [wanted("cargo-a", Kind::Breaking, &["a"])];
    play.looked(("1", &routine()), &all);
    play.settle();
    play.pull(("cargo-a", Some("alices")), (true, false));
    play.looked(("2", &routine()), &all);
    play.settle();
    assert_eq!((play.shown().as_str(), play.commits), ("cargo-a Theirs", 1));
    play.news(News::Again { pull: 1 });
    play.settle();
    assert_eq!((play.shown().as_str(), play.commits), ("cargo-a Open", 2), "they asked for it");
}

#[test]
fn it_is_made_anew_when_its_manifests_changed_and_not_at_every_push() {
    let mut play = Play::new(&[]);
    let all = [wanted("cargo-a", Kind::Breaking, &["a"])];
    for (digest, commits) in [("1", 1), ("1", 1), ("2", 2), ("2", 2)] {
        play.looked((digest, &routine()), &all);
        play.settle();
        assert_eq!((play.commits, play.pulls), (commits, 1));
    }
}

#[test]
fn what_was_made_or_tested_while_the_manifests_changed_is_made_anew() {
    let mut play = Play::new(&[]);
    let all = [wanted("cargo-a", Kind::Breaking, &["a"])];
    play.looked(("1", &routine()), &all);
    let late = Candidate { sha: "late".into(), digest: "1".into(), ..Candidate::default() };
    play.looked(("2", &routine()), &all);
    let round = play.group("cargo-a").round;
    play.news(News::Made { group: "cargo-a".into(), round, candidate: late.clone() });
    assert_eq!(
        (play.group("cargo-a").candidate, play.group("cargo-a").round),
        (None, round + 1),
        "it is of the old ones"
    );
    play.todo.retain(|task| !matches!(task, Task::LookUp { .. }));
    play.news(News::Made {
        group: "cargo-a".into(),
        round: round + 1,
        candidate: Candidate { digest: "2".into(), ..late },
    });
    assert_eq!(play.group("cargo-a").stage, Stage::Testing);
    play.looked(("3", &routine()), &all);
    assert_eq!(play.group("cargo-a").stage, Stage::Making, "what is tested would not merge");
    play.todo.clear();
    let (group, round) = ("cargo-a".to_owned(), play.group("cargo-a").round);
    play.looked(("3", &routine()), &all);
    assert_eq!(play.group(&group).round, round, "once, and not at every push");
}

#[test]
fn what_nothing_asks_for_any_more_is_closed() {
    let mut play = Play::new(&[]);
    play.looked(("1", &routine()), &[wanted("security-high", Kind::Security(None), &["a"])]);
    play.settle();
    play.looked(("2", &routine()), &[]);
    assert!(play.shown().starts_with("security-high Over"), "{}", play.shown());
    assert!(play.todo.iter().any(|task| matches!(task, Task::SyncUpdate { .. })));
}

#[test]
fn routine_waits_for_its_day_and_its_minutes_and_fixes_do_not() {
    let mut play = Play::new(&[]);
    play.now = NOW - DAY;
    let course = Course { schedule: crate::domain::update::course::Schedule::Weekly, ..routine() };
    let all = [wanted("security-high", Kind::Security(None), &["a"]), wanted("cargo-b", Kind::Breaking, &["b"])];
    play.looked(("1", &course), &all);
    play.settle();
    assert_eq!(
        play.shown(),
        "security-high Open\ncargo-b Waiting(\"waits for Monday (UTC): `schedule` of [updates] in fairway.toml\")"
    );
    play.now = NOW;
    let none = Course { minutes_ms: 0, ..course.clone() };
    play.looked(("1", &none), &all);
    play.settle();
    assert!(play.shown().contains("waits for next week"), "{}", play.shown());
    play.looked(("1", &course), &all);
    play.settle();
    assert!(play.shown().ends_with("cargo-b Open"), "{}", play.shown());
}

#[test]
fn green_ones_are_merged_together_and_the_one_that_fails_with_them_is_not() {
    let mut play = Play::new(&[]);
    let automerge = vec![crate::domain::update::course::Automatic::Patch];
    let course = Course { automerge, ..routine() };
    let all = [wanted("safe-cargo", Kind::Safe, &["a"]), wanted("safe-npm", Kind::Safe, &["b"])];
    play.looked(("1", &course), &all[..1]);
    play.settle();
    assert_eq!(play.shown(), "safe-cargo Merged", "alone and fresh it is merged as it is");
    let mut play = Play::new(&[]);
    play.looked(("1", &routine()), &all);
    play.settle();
    assert_eq!(play.shown(), "safe-cargo Open\nsafe-npm Open");
    play.bad = vec!["b"];
    play.looked(("1", &course), &all);
    play.settle();
    assert_eq!(play.group("safe-cargo").stage, Stage::Merged);
    let npm = play.group("safe-npm");
    assert_eq!(npm.stage, Stage::Open);
    assert_eq!(npm.trouble, "not merged together with the others: `test` does not pass with it");
}

#[test]
fn a_merge_that_would_deploy_waits_for_a_person() {
    let mut play = Play::new(&[]);
    let automerge = vec![crate::domain::update::course::Automatic::Patch];
    let course = Course { automerge, ..routine() };
    let look = Look { sha: "m".into(), digest: "1".into(), follows: vec!["production".into()], ..Look::default() };
    let found = Found { repo: repo(), look, course, wanted: vec![wanted("safe-cargo", Kind::Safe, &["a"])] };
    play.news(News::Looked(Box::new(found)));
    play.settle();
    let group = play.group("safe-cargo");
    assert_eq!(group.stage, Stage::Open);
    assert!(group.trouble.contains("production would get it at once"), "{}", group.trouble);
}

/// A fix of an advisory about `name`.
fn fix(id: &str, name: &str) -> Wanted {
    let finding = Finding {
        ids: vec![id.to_owned()],
        title: String::new(),
        url: None,
        severity: None,
        published: None,
        informational: None,
        functions: Vec::new(),
        ecosystem: Ecosystem::Cargo,
        file: "Cargo.lock".into(),
        name: name.to_owned(),
        version: "1.0.0".into(),
        place: 0,
        chain: Vec::new(),
    };
    let fixed = vec![Ended { finding, reach: Reach::Unknown }];
    Wanted { fixed, ..wanted("security-high", Kind::Security(None), &[name]) }
}

fn open(id: &str, name: &str) -> Exposed {
    Exposed {
        file: String::new(),
        id: id.to_owned(),
        title: String::new(),
        severity: None,
        url: None,
        published: None,
        name: name.to_owned(),
        version: "1.0.0".into(),
        stays: String::new(),
        reach: Reach::Unknown,
        seen: NOW,
    }
}

#[test]
fn a_fix_stays_where_its_advisory_could_not_be_read_again() {
    let mut play = Play::new(&[]);
    play.looked(("1", &routine()), &[fix("RUSTSEC-2026-0001", "a")]);
    play.settle();
    assert_eq!(play.shown(), "security-high Open");
    // The database is not at hand, and what was open is locked as it was.
    let exposed = vec![open("RUSTSEC-2026-0001", "a")];
    play.look_at(Look { unsure: true, exposed, ..Look::default() }, &[]);
    assert_eq!(play.shown(), "security-high Open");
    // The lock has another version: whatever the database would say, this one is over.
    play.look_at(Look { unsure: true, ..Look::default() }, &[]);
    assert!(play.shown().starts_with("security-high Over"), "{}", play.shown());
}

#[test]
fn a_fix_whose_advisory_was_withdrawn_says_so() {
    let course = &routine();
    let mut play = Play::new(&[]);
    play.looked(("1", course), &[fix("GHSA-1", "a")]);
    play.settle();
    assert_eq!(play.shown(), "security-high Open");
    play.look_at(Look { withdrawn: vec!["GHSA-1".into()], ..Look::default() }, &[]);
    let why = "GHSA-1 was withdrawn by its publishers, and nothing else asks for it";
    assert_eq!(play.group("security-high").stage, Stage::Over(why.to_owned()));
    // A person's branch stays, and its text says it once.
    let mut play = Play::new(&[]);
    play.looked(("1", course), &[fix("GHSA-1", "a")]);
    play.settle();
    play.pull(("security-high", Some("theirs")), (true, false));
    for told in [1, 0] {
        let look = Look { sha: "main-1".into(), withdrawn: vec!["GHSA-1".into()], ..Look::default() };
        let found = Found { repo: repo(), look, course: course.clone(), wanted: Vec::new() };
        play.news(News::Looked(Box::new(found)));
        let group = play.group("security-high");
        assert_eq!((group.stage, group.trouble.as_str()), (Stage::Theirs, why));
        let synced = play.todo.drain(..).filter(|task| matches!(task, Task::SyncUpdate { .. })).count();
        assert_eq!(synced, told);
    }
}

#[test]
fn an_open_fix_is_described_anew_when_it_ends_something_else() {
    let mut play = Play::new(&[]);
    play.looked(("1", &routine()), &[fix("GHSA-1", "a")]);
    play.settle();
    play.looked(("1", &routine()), &[fix("GHSA-2", "a")]);
    assert!(play.todo.iter().any(|task| matches!(task, Task::SyncUpdate { .. })), "{:?}", play.todo);
    assert_eq!(play.group("security-high").stage, Stage::Open);
}

#[test]
fn where_there_is_a_queue_each_goes_there_alone() {
    let course = Course::read(toml::from_str::<toml::Table>("automerge = \"patch\"").ok().as_ref()).expect("a course");
    let all = [wanted("safe-cargo", Kind::Safe, &["a"]), wanted("safe-npm", Kind::Safe, &["b"])];
    let mut play = Play::new(&[]);
    play.looked(("1", &routine()), &all);
    play.settle();
    play.state.as_mut().expect("a state").queue = true;
    play.looked(("1", &course), &all);
    let land = |task: &Task| matches!(task, Task::Land { .. });
    assert_eq!(play.todo.iter().filter(|task| land(task)).count(), 2, "{:?}", play.todo);
    play.todo.clear();
    for group in ["safe-cargo", "safe-npm"] {
        play.news(News::Queued { group: group.to_owned() });
    }
    assert_eq!(play.shown(), "safe-cargo Queued\nsafe-npm Queued");
    // What is under way there is GitHub's, whatever a look asks for.
    play.looked(("2", &course), &[]);
    assert_eq!(play.shown(), "safe-cargo Queued\nsafe-npm Queued");
    play.news(News::Dequeued { pull: 1, reason: "ALREADY_MERGED".to_owned() });
    play.pull(("safe-cargo", None), (false, true));
    play.news(News::Dequeued { pull: 2, reason: "MERGE_CONFLICT".to_owned() });
    assert_eq!(play.shown(), "safe-cargo Merged\nsafe-npm Open");
    assert!(play.group("safe-npm").trouble.contains("conflicts with what is merged before it"));
}

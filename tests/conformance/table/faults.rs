//! Troubles between Fairway and an engine: each costs one run at most, and says so in words.

use crate::case::{Cancel, Case, End, case};
use crate::faults::{Kind, Phase};

pub fn cases() -> Vec<Case> {
    let mut cases = starts();
    cases.extend(feeds());
    cases.extend(middles());
    cases.extend(ends());
    cases
}

fn starts() -> Vec<Case> {
    let start = |name: &'static str, kind: Kind, words: &'static str| {
        case(name, &["echo never"]).fault(Phase::Start, kind).ends(End::NotNow(words), 0)
    };
    vec![
        start("a CLI that says nothing", Kind::Mute, "did not answer within"),
        start("a CLI that stops in the middle of its line", Kind::Hang, "did not answer within"),
        start("a CLI that ends", Kind::Dies, "engine is too old"),
        start("a CLI that prints rubbish", Kind::Rubbish, "no session address"),
        start("a session where nobody listens", Kind::Gone, "went away").ends(End::Broken("went away"), 0),
        start("a session that does not know its token", Kind::Expired, "401").ends(End::Broken("401"), 0),
        start("a CLI that says nothing is stopped", Kind::Mute, "")
            .with(|case| case.cancel = Cancel::Before)
            .ends(End::Cancelled, 0),
        case("a CLI that talks without end", &["echo on"]).fault(Phase::Start, Kind::Talks).says("on\n"),
        case("a CLI that does not end", &["echo on"]).fault(Phase::Start, Kind::Stays).ends(End::Success, 1),
    ]
}

fn feeds() -> Vec<Case> {
    let feed = |name: &'static str, kind: Kind| {
        case(name, &["echo unseen", "exit 3"]).fault(Phase::Feeds, kind).fails(&[0, 3]).says("")
    };
    vec![
        feed("feeds of rubbish", Kind::Rubbish),
        feed("feeds that are not there", Kind::Gone),
        feed("feeds that say nothing", Kind::Hang),
        feed("feeds that are cut", Kind::Cut),
    ]
}

/// Whatever an engine answers instead of a value, in whatever part of a run, the run may be tried again.
fn middles() -> Vec<Case> {
    let phases = [Phase::Source, Phase::Image, Phase::Secret, Phase::Cache, Phase::Service, Phase::Step, Phase::Export];
    let kinds = [Kind::Gone, Kind::Cut, Kind::Rubbish, Kind::Null, Kind::NoData, Kind::Expired];
    let mut cases = Vec::new();
    for phase in phases {
        for kind in kinds {
            let passed = usize::from(phase == Phase::Export);
            cases.push(full(format!("{kind:?} at {phase:?}")).fault(phase, kind).ends(End::Broken(""), passed));
        }
        let stopped = full(format!("no answer at {phase:?}, and somebody stops it")).fault(phase, Kind::Hang);
        cases.push(match phase {
            Phase::Step => stopped.cancelled(Cancel::AtFault, 0),
            Phase::Export => stopped.with(|case| case.cancel = Cancel::AtFault).ends(End::Cancelled, 1),
            _ => stopped.with(|case| case.cancel = Cancel::AtFault).ends(End::Cancelled, 0),
        });
    }
    cases
}

/// A run that has a bit of everything.
fn full(name: String) -> Case {
    let case = case(name, &["echo begun; mkdir d; echo x > d/f"]).secret("KEY", "hunter22hunter22");
    case.cache("kept").service("db", "debian:bookworm-slim", None).export("d")
}

fn ends() -> Vec<Case> {
    let gone = "went away";
    vec![
        case("the engine goes while a step prints", &["echo begun; sleep 300", "echo never"])
            .fault(Phase::Step, Kind::Gone)
            .ends(End::Broken(gone), 0)
            .says("begun\n"),
        case("time is up while nothing answers", &["echo begun; sleep 300"])
            .fault(Phase::Step, Kind::Hang)
            .seconds(2)
            .times_out(0),
        case("time is up while nothing is fetched", &["echo never"])
            .fault(Phase::Source, Kind::Hang)
            .seconds(1)
            .ends(End::TimedOut, 0),
        case("time is up while a service is not healthy", &["echo never"])
            .service("db", "postgres:16", Some(5432))
            .fault(Phase::Service, Kind::Hang)
            .seconds(1)
            .ends(End::TimedOut, 0),
        case("a service that fails as it was recorded", &["echo never"])
            .service("db", "postgres:16", Some(5432))
            .fault(Phase::Service, Kind::Recorded("service_start_fails.json"))
            .ends(End::Impossible("the service `db` ended with exit code 9 before it answered: svc-boom"), 0),
        case("an image without a shell, as it was recorded", &["echo never"])
            .fault(Phase::Step, Kind::Recorded("exec_not_found.json"))
            .fails(&[1])
            .with(|case| case.want.end = End::Impossible("`echo never` could not be started")),
        case("an error without words", &["echo never"])
            .fault(Phase::Source, Kind::Wordless)
            .ends(End::Broken("an error without words"), 0),
        case("no access to the repository, as it was recorded", &["echo never"])
            .fault(Phase::Source, Kind::Recorded("git_auth_failed.json"))
            .ends(End::Impossible("look whether the App is still installed there"), 0),
        case("a repository that does not answer, as it was recorded", &["echo never"])
            .fault(Phase::Source, Kind::Recorded("git_no_server.json"))
            .ends(End::Broken("could not fetch the commit"), 0),
        case("an engine that refuses, as it was recorded", &["echo never"])
            .fault(Phase::Cache, Kind::Recorded("graphql_unknown_field.json"))
            .cache("kept")
            .ends(End::Impossible("the engine refused"), 0),
        case("the engine goes before it gave the reports", &["echo '<a/>' > a.xml"])
            .fault(Phase::Report, Kind::Gone)
            .with(|case| case.reports = vec!["a.xml"])
            .note("The reports could not be read"),
        case("the engine goes after a failed step", &["echo begun; exit 1"])
            .fault(Phase::Report, Kind::Gone)
            .with(|case| case.reports = vec!["a.xml"])
            .note("The reports could not be read")
            .fails(&[1]),
        case("the engine goes between a report and an export", &["echo x > f"])
            .fault(Phase::Export, Kind::Gone)
            .reports(&["f"], &[("f", "x\n")])
            .export("f")
            .ends(End::Broken(gone), 1),
    ]
}

//! Runs that are stopped, by time or by somebody.

use crate::case::{Cancel, Case, End, Log, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("time is up in the first step", &["echo begun; sleep 300", "echo never"])
            .seconds(3)
            .times_out(0)
            .says("begun\n"),
        case("time is up in the second step", &["echo a", "echo b; sleep 300"])
            .seconds(3)
            .times_out(1)
            .says("a\n")
            .log(1, Log::Is("b\n".to_owned())),
        case(
            "time is up for a step that hears nothing",
            &["trap '' TERM INT HUP; echo begun; while :; do sleep 1; done"],
        )
        .seconds(3)
        .times_out(0)
        .says("begun\n"),
        case("time is up while it prints", &["while :; do echo y; sleep 0.01; done"])
            .seconds(3)
            .times_out(0)
            .log(0, Log::Has("y\ny\n")),
        case("no time at all", &["true"]).seconds(0).ends(End::TimedOut, 0),
        case("time is up and reports stay", &["echo '<a/>' > a.xml; sleep 300"]).seconds(3).times_out(0),
        case("stopped before it began", &["echo never"])
            .with(|case| case.cancel = Cancel::Before)
            .ends(End::Cancelled, 0),
        case("stopped in a step", &["echo begun; sleep 300", "echo never"])
            .cancelled(Cancel::AtLog("begun"), 0)
            .says("begun\n"),
        case("stopped in the second step", &["echo a", "echo begun; sleep 300"]).cancelled(Cancel::AtLog("begun"), 1),
        case("stopped in a step that hears nothing", &["trap '' TERM INT HUP; echo begun; while :; do sleep 1; done"])
            .cancelled(Cancel::AtLog("begun"), 0),
        case("stopped after the last step of two", &["true", "sleep 300"]).cancelled(Cancel::AfterStep(0), 1),
        case("a step in time", &["sleep 0.3"]).seconds(30),
    ]
}

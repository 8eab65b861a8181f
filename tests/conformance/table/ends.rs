//! How steps end, and in which order they run.

use crate::case::{Case, On, case};

pub fn cases() -> Vec<Case> {
    let mut cases = order();
    cases.extend(shell());
    for (name, step, code) in [
        ("exit 1", "exit 1", 1),
        ("exit 2", "exit 2", 2),
        ("exit 3", "exit 3", 3),
        ("exit 126, said", "exit 126", 126),
        ("exit 126, meant", "./README.md", 126),
        ("exit 127, said", "exit 127", 127),
        ("exit 127, meant", "no-such-program --at all", 127),
        ("exit 128", "exit 128", 128),
        ("exit 137, said", "exit 137", 137),
        ("exit 137, meant", "kill -9 $$", 137),
        ("exit 143, by a signal", "kill -15 $$; sleep 5", 143),
        ("exit 255", "exit 255", 255),
        ("exit 256 is 0", "(exit 256)", 0),
    ] {
        let case = case(name, &["echo before", step]);
        cases.push(if code == 0 { case } else { case.fails(&[0, code]) }.says("before\n"));
    }
    cases
}

fn order() -> Vec<Case> {
    vec![
        case("no step at all", &[]),
        case("a step passes", &["cat README.md"]).says("hello\n"),
        case("steps run in order, and what fails ends it", &["echo a", "echo b", "exit 1", "echo never"])
            .fails(&[0, 0, 1])
            .says("a\n"),
        case("twelve steps", &["true"; 12]),
        case("files go from step to step", &["echo x > f; mkdir d; mv f d", "cat d/f", "rm -r d", "test ! -e d"]),
        case("a directory does not go from step to step", &["mkdir d; cd d; pwd > ../one", "pwd > two; cmp one two"])
            .fails(&[0, 1])
            .not(On::Local, "what cmp says is not compared")
            .not(On::Fake, "likewise")
            .not(On::Real, "likewise"),
        case("a variable does not go from step to step", &["export A=1; B=2", "test -z \"$A$B\""]),
        case("an exec bit goes from step to step", &["printf '#!/bin/sh\\necho ran\\n' > x; chmod +x x", "./x"])
            .log(1, crate::case::Log::Is("ran\n".to_owned())),
        case("a link goes from step to step", &["ln -s README.md l", "cat l; test -h l"]),
        case("a file that cannot be read by others", &["umask 077; echo x > f", "cat f"]),
        case("an umask does not go from step to step", &["umask 077", "touch f; ls -l f | cut -c1-10"])
            .log(1, crate::case::Log::Is("-rw-r--r--\n".to_owned())),
    ]
}

fn shell() -> Vec<Case> {
    vec![
        case("a command that fails ends its step", &["false; echo never", "echo never"]).fails(&[1]).says(""),
        case("a command that may fail", &["false || echo went on; ! true; if false; then :; fi"]).says("went on\n"),
        case("the end of a pipe is its exit", &["false | cat; (exit 3) | true; echo on"]).says("on\n"),
        case("a pipe that fails at its end", &["echo a | (cat; exit 4)"]).fails(&[4]).says("a\n"),
        case("a subshell that fails", &["(exit 5); echo never"]).fails(&[5]),
        case("several lines are one step", &["cd läden\nX=$(cat größe.txt)\necho \"$X$X\"\n# the end"]).says("77\n"),
        case("a here-document", &["cat <<'END'\n$HOME `x` \\\nEND"]).says("$HOME `x` \\\n"),
        case("quotes of all kinds", &["printf '%s ' 'a\"b' \"c'd\" e\\\\f '{\"g\": [\"$h\", \"\\n\"]}' | cat"])
            .log(0, crate::case::Log::Has("a\"b c'd e\\f {\"g\": [\"$h\"")),
        case("a line of unicode", &["echo 'größer ✓ 漢字 🦀 \u{200b}'; test -f läden/größe.txt"])
            .says("größer ✓ 漢字 🦀 \u{200b}\n"),
        case("a line that is no shell", &["if then ((("]).fails(&[2]),
        case("an empty line", &["", "  ", ":"]),
        case("a comment alone", &["# nothing"]).says(""),
        case("a long line", &[&format!("echo {} | wc -c", "x".repeat(60_000))]).says("60001\n"),
        case("nothing to read", &["read x || echo nothing; cat; echo done"]).says("nothing\ndone\n"),
        case("$0 and the arguments", &["echo $0 $#"]).says("/bin/sh 0\n"),
        case("a child that is left behind", &["(sleep 300 >/dev/null 2>&1 &) ; sleep 300 & echo begun", "echo next"])
            .says("begun\n"),
        case("a child that leaves its session", &["setsid sleep 300 & echo begun", "echo next"])
            .says("begun\n")
            .not(On::Fake, "its steps are process groups, not containers"),
        case("a child that keeps the output open", &["(sleep 300; echo late) & echo begun"]).says("begun\n"),
    ]
}

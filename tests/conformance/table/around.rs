//! What a step finds around it: variables, the checkout, git.

use crate::case::{Cancel, Case, End, Log, On, case};
use crate::lab::TOKEN;

pub fn cases() -> Vec<Case> {
    let mut cases = variables();
    cases.extend(checkout());
    cases.extend(refused());
    cases
}

fn variables() -> Vec<Case> {
    let show = |name: &'static str, value: &str| {
        case(name, &["printf '[%s]' \"$V\""]).env("V", value).says(&format!("[{value}]"))
    };
    vec![
        show("a variable", "plain"),
        show("a variable with spaces", "  a  b "),
        show("a variable with quotes", "a\"b'c`d\\e"),
        show("a variable with lines", "a\nb\n\nc"),
        show("a variable with a dollar", "$HOME ${PATH} $(id) %s"),
        show("a variable of unicode", "größer 漢字 🦀"),
        show("a variable with an equals sign", "a=b=c"),
        show("a long variable", &"v".repeat(20_000)),
        case("an empty variable is set", &["echo \"${V-unset}|\""]).env("V", "").says("|\n"),
        case("a variable reaches every step and every child", &["true", "sh -c 'echo $V'"])
            .env("V", "x")
            .log(1, Log::Is("x\n".to_owned())),
        case("CI and FAIRWAY are true", &["echo $CI $FAIRWAY"]).says("true true\n"),
        case("a pipeline's own CI wins", &["echo $CI"]).env("CI", "mine").says("mine\n"),
        case("a secret wins over a variable", &["test $V = abcdefgh"]).env("V", "x").secret("V", "abcdefgh"),
        case(
            "nothing of ours is in the environment",
            &["env | grep -E 'CARGO_|FAIRWAY_TEST|DAGGER|GITHUB|RUST' || echo none"],
        )
        .says("none\n"),
        case("programs are found", &["command -v ls cat git >/dev/null"]),
        case("a temporary directory", &["f=$(mktemp); echo x > $f; cat $f"]).says("x\n"),
        case("a home that can be written", &["cd; touch x; test -f x"])
            .not(On::Fake, "its steps run on this machine, whose home is not theirs"),
    ]
}

fn checkout() -> Vec<Case> {
    vec![
        case("a step begins in the checkout", &["test -f README.md; test -d .git; cat 'läden/größe.txt'"]).says("7\n"),
        case("the checkout is clean", &["test -z \"$(git status --porcelain)\"; git rev-parse HEAD | wc -c"])
            .says("41\n"),
        case("the checkout is one commit", &["git rev-list --count HEAD"]).says("1\n"),
        case("a program in the repository can be run", &["./run.sh"]).says("ran\n"),
        case("a link in the repository is a link", &["test -h link.md; cat link.md"]).says("hello\n"),
        case("each run has a checkout of its own", &["test ! -e mine; touch mine; sleep 0.2"])
            .after(case("a run that leaves a file", &["touch mine; echo x >> README.md"])),
        case("a private repository", &["cat README.md"]).with(private).says("hello\n"),
        case(
            "no token lies in the checkout",
            &["grep -r ghs_ .git || echo none; git config --list | grep -i auth || echo none"],
        )
        .with(private)
        .says("none\nnone\n"),
        case("no token is in the environment", &["env | grep -c ghs_ || true"]).with(private).says("0\n"),
        parts("submodules are named, and are empty", "acme/parts")
            .says("")
            .note("Submodules are not fetched")
            .not(On::Fake, "a Dagger engine fetches them")
            .not(On::Real, "likewise"),
        parts("submodules are fetched", "acme/parts").says("README.md\n").not(On::Local, "it leaves them empty"),
        parts("a submodule that needs the token", "acme/holder")
            .with(|case| case.token = Some(TOKEN))
            .says("README.md\n")
            .not(On::Local, "it leaves them empty"),
        parts("a submodule that may not be read", "acme/holder")
            .ends(End::Impossible("may not read one of them"), 0)
            .not(On::Local, "it leaves them empty"),
        parts("a submodule that is not there", "acme/lost")
            .ends(End::Impossible("may not read one of them"), 0)
            .not(On::Local, "it leaves them empty"),
    ]
}

fn parts(name: &'static str, repo: &'static str) -> Case {
    case(name, &["cd x; ls -d READ* 2>/dev/null || test -z \"$(ls -A)\""]).with(|case| case.repo = repo)
}

fn private(case: &mut Case) {
    case.repo = "acme/private";
    case.token = Some(TOKEN);
}

fn refused() -> Vec<Case> {
    let sha = |name: &'static str, sha: &'static str| case(name, &["true"]).with(|case| case.sha = Some(sha));
    let from = |name: &'static str, repo: &'static str| case(name, &["true"]).with(|case| case.repo = repo);
    let lost = "the commit is not in the repository any more";
    let no_token = |case: &mut Case| (case.token, case.sha) = (Some("ghs_expired0123456789"), None);
    vec![
        sha("an unknown commit", "0123456789012345678901234567890123456789").ends(End::Impossible(lost), 0),
        sha("a branch is no commit", "main").ends(End::Impossible("is no commit"), 0),
        sha("half a commit is none", "0123456").ends(End::Impossible("is no commit"), 0),
        sha("an option is no commit", "--upload-pack=touch x").ends(End::Impossible("is no commit"), 0),
        sha("nothing is no commit", "").ends(End::Impossible("is no commit"), 0),
        from("a git server that is not there", "closed").ends(End::Broken("could not fetch the commit"), 0),
        from("a git server that says nothing", "mute").seconds(2).ends(End::TimedOut, 0),
        from("a git server that says nothing, and somebody stops it", "mute")
            .with(|case| case.cancel = Cancel::Soon)
            .ends(End::Cancelled, 0),
        from("a private repository without a token", "acme/private").ends(NO_ACCESS, 0),
        from("a private repository with an old token", "acme/private").with(no_token).ends(NO_ACCESS, 0),
        case("a fork's code", &["true"])
            .with(|case| case.fork = true)
            .ends(End::Refused("fork"), 0)
            .not(On::Fake, "containers keep a stranger's code apart")
            .not(On::Real, "likewise"),
        case("a fork's code in a container", &["true"]).with(|case| case.fork = true).not(On::Local, "it runs none"),
        case("an unknown image", &["true"])
            .with(|case| case.image = Some("nothing/like-this:1"))
            .ends(End::Impossible("mend `image`"), 0)
            .not(On::Local, "it ignores images, and says so"),
        case("another image", &["true"])
            .with(|case| case.image = Some("alpine:latest"))
            .not(On::Local, "it ignores images, and says so"),
    ]
}

const NO_ACCESS: End = End::Impossible("Fairway has no access to the repository, or it is gone");

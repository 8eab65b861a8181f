use super::*;

/// What cargo 1.95 says, with names that stand for others.
#[test]
fn cargo_names_who_holds_it() {
    let held = "    Updating crates.io index\nerror: failed to select a version for `socket2`.\n    ... required by package `tokio v1.18.6`\n\
        \u{20}   ... which satisfies dependency `tokio = \"^1.8\"` (locked to 1.8.0) of package `app v0.1.0 (/x/app)`\n\
        versions that meet the requirements `^0.4.4` are: 0.4.10, 0.4.9\n\nall possible versions conflict with previously selected packages.\n\n\
        \u{20} previously selected package `socket2 v0.4.2`\n    ... which satisfies dependency `socket2 = \"^0.4\"` (locked to 0.4.2) of package `hyper v0.14.13`\n\
        \u{20}   ... which satisfies dependency `hyper = \"=0.14.13\"` (locked to 0.14.13) of package `app v0.1.0 (/x/app)`\n\n\
        failed to select a version for `socket2` which could resolve this conflict\n";
    assert_eq!(
        failure(held),
        "tokio 1.18.6 needs socket2 `^0.4.4`, and the lock has socket2 0.4.2, which hyper 0.14.13 holds. Update hyper along with it, or leave this version out with `ignore`"
    );
    let nothing = "error: failed to select a version for the requirement `socket2 = \"^0.4\"`\ncandidate versions found which didn't match: 0.6.1\n\
        location searched: crates.io index\nrequired by package `hyper v0.14.13`\n    ... which satisfies dependency\n";
    assert_eq!(
        failure(nothing),
        "cargo finds nothing for `socket2 = \"^0.4\"`, which hyper 0.14.13 asks for; what may be had is 0.6.1. Update hyper along with it, or leave this version out with `ignore`"
    );
    let own = "error: failed to select a version for the requirement `hyper = \"=0.14.13\"`\ncandidate versions found which didn't match: 0.14.20\nrequired by package `app v0.1.0 (/x/app)`\n";
    assert!(
        failure(own).contains("which app 0.1.0 asks for; what may be had is 0.14.20. Change its Cargo.toml"),
        "{}",
        failure(own)
    );
    // Of a registry that is not the usual one, cargo says so behind the package, in backticks within backticks.
    let named = nothing.replace("`hyper v0.14.13`", "`hyper v0.14.13 (registry `own`)`");
    assert_eq!(failure(&named), failure(nothing));
    let gone = "error: package ID specification `socket2@9` did not match any packages\n\nhelp: a package with a similar name exists: `socket2`\n";
    assert!(failure(gone).starts_with("Cargo.lock does not have socket2@9 any more"), "{}", failure(gone));
    let withdrawn = "error: no matching package named `socket2` found\nlocation searched: crates.io index\nrequired by package `hyper v0.14.13`\n";
    assert!(failure(withdrawn).starts_with("the registry does not have `socket2`, which hyper 0.14.13 asks for"));
    // The first call's name of a version that is gone is not what went wrong.
    assert_eq!(failure(&format!("error: old\n{MARK}\n{gone}{nothing}")), failure(nothing));
}

#[test]
fn other_clients_are_understood_too() {
    let cases = [
        (
            "npm error code ERESOLVE\nnpm error Found: react@16.14.0\nnpm error node_modules/react\nnpm error Could not resolve dependency:\nnpm error peer react@\"17.0.2\" from react-dom@17.0.2\n",
            "react-dom@17.0.2 works with react@\"17.0.2\" only, and react@16.14.0 is wanted. Update react-dom along with it, or leave this version out with `ignore`",
        ),
        (
            "npm error code ETARGET\nnpm error notarget No matching version found for ms@9.9.9.\nnpm error notarget In most cases\n",
            "the registry does not have it: No matching version found for ms@9.9.9.",
        ),
        (
            " ERR_PNPM_NO_MATCHING_VERSION  No matching version found for ms@9.9.9\n\nThis error happened\n",
            "pnpm does not do it: No matching version found for ms@9.9.9",
        ),
        (
            "error Couldn't find any versions for \"ms\" that matches \"9.9.9\"\ninfo Visit\n",
            "yarn does not do it: Couldn't find any versions for \"ms\" that matches \"9.9.9\"",
        ),
        (
            "Using CPython\nerror: No solution found when resolving dependencies\n  cause: Because requests==2 depends on idna<3 and your project depends on idna==3.7, we can conclude\n         that they are unsatisfiable.\n",
            "no set of versions fits: Because requests==2 depends on idna<3 and your project depends on idna==3.7, we can conclude that they are unsatisfiable. Update what holds it along with it",
        ),
        (
            "  ERROR: Cannot install\nTraceback (most recent call last):\npip._vendor.resolvelib.resolvers.ResolutionImpossible: [RequirementInformation(requirement=SpecifierRequirement('inner<2,>=1'), parent=LinkCandidate('https://f.test/a/outer-1.0-py3-none-any.whl (from https://f.test/outer/)'))]\npip._internal.exceptions.DistributionNotFound: ResolutionImpossible: for help visit\n",
            "outer 1.0 asks for inner<2,>=1, and no set of versions fits. Update outer along with it, or leave this version out with `ignore`",
        ),
        (
            "\nThe option \"--no-update\" does not exist\n",
            "poetry.lock was written by Poetry 1, and where pipelines run there is a newer one: commit the lock that it writes (`poetry lock`), or name an `image` with Poetry 1 in the pipeline that uses it",
        ),
        (
            "go: downloading a v1\ngo: a.test/x@v9.9.9: invalid version: unknown revision v9.9.9\n",
            "go does not do it: a.test/x@v9.9.9: invalid version: unknown revision v9.9.9",
        ),
        (
            "/bin/sh: 1: pnpm: not found\n",
            "there is no pnpm where pipelines run: name an `image` with it in the pipeline that uses it, or install it on the engine",
        ),
        (
            "/bin/sh: line 1: cargo: command not found\n",
            "there is no cargo where pipelines run: name an `image` with it in the pipeline that uses it, or install it on the engine",
        ),
        ("", "the ecosystem's client failed without a word; try the same in a checkout"),
    ];
    for (said, expected) in cases {
        assert_eq!(failure(said), expected);
    }
    let coloured = failure("\u{1b}[31merror\u{1b}[0m: strange\u{7}\r\n");
    assert_eq!(coloured, "cargo does not do it: strange");
    let long = failure(&"x".repeat(5_000));
    assert!(long.chars().count() == MOST * 2 + 1 && long.ends_with('…'));
}

//! Every sentence, as people read it.

use super::app::{self, Hook, Lack};
use super::engines::{self, Shut, Unlimited};
use super::page::{self, Words};
use super::*;

const FILE: &str = "fairway-data/github-app.json";
const SETTINGS: &str = "https://github.com/organizations/acme/settings/apps/fairway-acme";
const PLACE: &str = "https://github.com/organizations/acme/settings/installations/7";

fn lines(ticks: &[Tick]) -> String {
    ticks.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_setup_and_a_waiting_serve_say() {
    let said = [
        damaged(FILE, "line 3 is not what was written there"),
        mend(FILE),
        waits_for(FILE),
        NOT_YET.to_owned(),
        begins(1234, FILE),
        POLLS.to_owned(),
        open("http://127.0.0.1:4321/0123abcd", 4321),
        no_webhook(false).to_owned(),
        no_webhook(true).to_owned(),
        whose("acme"),
        known(1234, Source::Environment),
        known(1234, Source::File(FILE)),
        registered("Fairway acme", 1234, Some(FILE)),
        registered("Fairway acme", 1234, None),
        STOPPED.to_owned(),
    ];
    insta::assert_snapshot!(said.join("\n---\n"), @"
    fairway-data/github-app.json cannot be used: line 3 is not what was written there
    ---
    Put a good copy back; or, for a new App, type: rm fairway-data/github-app.json && fairway setup
    ---
    Fairway is not set up yet. Type `fairway setup` on this machine; it makes fairway-data/github-app.json, and Fairway begins by itself.
    ---
    Fairway is not set up yet: type `fairway setup` where it runs
    ---
    Fairway is set up: it works as App 1234, by fairway-data/github-app.json.
    ---
    this Fairway reads GitHub's list of deliveries (FAIRWAY_INTAKE=poll) and takes no webhooks
    ---
    Fairway gets its GitHub App now. Open this where you are signed in to GitHub:

      http://127.0.0.1:4321/0123abcd

    GitHub's page asks for a name and nothing else. If your browser is on another machine, type there first:

      ssh -L 4321:127.0.0.1:4321 THIS-HOST

    Ctrl-C is harmless; type `fairway setup` again to go on.

    ---
    FAIRWAY_PUBLIC_URL is not set, so the App gets no webhook and hears of nothing. Set it to the address where GitHub reaches Fairway, or, behind a firewall, type: export FAIRWAY_INTAKE=poll. Then type `fairway setup` again.

    ---
    FAIRWAY_PUBLIC_URL is not set, so the App gets no webhook. Whether GitHub lists deliveries of such an App is not known; to be sure, set it to an https address of yours, which need not answer, and type `fairway setup` again.

    ---
    The App will belong to you. For one that belongs to acme: fairway setup --org acme

    ---
    App 1234: its credentials come from the environment.

    ---
    App 1234: its credentials are in fairway-data/github-app.json. To begin anew, delete the App at GitHub and type: rm fairway-data/github-app.json && fairway setup

    ---
    App 1234, Fairway acme, is registered. Its credentials are in fairway-data/github-app.json, for you alone; `fairway serve` takes them within a second.

    ---
    App 1234, Fairway acme, is registered. Its credentials were printed and are kept nowhere; give them to `fairway serve`.

    ---
    Stopped. Nothing is lost: `fairway setup` goes on from here.
    ");
}

#[test]
fn what_the_pages_say() {
    let pages = [
        page::start(),
        page::done("Fairway acme"),
        page::forged(),
        page::used(),
        page::late(),
        page::no_code(),
        page::refused(page::UNKNOWN_CODE),
        page::not_kept("fairway-data cannot be written"),
        page::closed(),
        page::nothing(),
        page::waits(FILE),
    ];
    let text = |words: &Words| format!("{}: {}", words.title, words.next);
    insta::assert_snapshot!(pages.iter().map(text).collect::<Vec<_>>().join("\n"), @"
    On to GitHub: This page sends GitHub what the App asks for. GitHub then asks you for its name; nothing is registered before you press the button there.
    The App is registered: Fairway has the credentials of Fairway acme, and this page is closed. Install the App on your repositories now.
    Nobody asked for this answer: Its `state` is none that this page gave out, so it may come from somebody else. Nothing was stored. Open the link that `fairway setup` printed and begin there.
    This answer was used already: Each answer of GitHub's is taken once. Open the link that `fairway setup` printed and begin again.
    This answer comes too late: GitHub's code is good for an hour, and that is over. Open the link that `fairway setup` printed and begin again.
    GitHub sent no code: Open the link that `fairway setup` printed and begin again.
    GitHub gave no credentials: GitHub does not know this code: it was used already, or is older than an hour. Open the link that `fairway setup` printed and begin again; if GitHub says that the name is taken, delete the App that was half made.
    The credentials could not be kept: fairway-data cannot be written. GitHub shows them only once: mend this, delete the App at GitHub, open the link that `fairway setup` printed and begin again.
    This page is closed: Fairway has its App. `fairway setup`, in the terminal, goes on from there; typed again, it says how to begin anew.
    Nothing is here: Open the whole link that `fairway setup` printed.
    Fairway is not set up yet: Type `fairway setup` on the machine where it runs. It makes fairway-data/github-app.json; Fairway then begins by itself, and this page goes on.
    ");
}

#[test]
fn ticks_of_the_app() {
    let mut ticks = vec![
        app::credentials(1234, Source::Environment, false),
        app::credentials(1234, Source::Printed, false),
        app::credentials(1234, Source::File(FILE), false),
        app::credentials(1234, Source::File(FILE), true),
        app::no_credentials(FILE),
        app::bad_credentials((damaged(FILE, "its private key is none"), mend(FILE))),
        app::app("Fairway acme", "acme"),
        app::no_app("GitHub gave no answer", false, Source::Environment),
        app::no_app("GitHub does not accept the App's credentials", true, Source::Environment),
        app::no_app("GitHub does not accept the App's credentials", true, Source::File(FILE)),
    ];
    ticks.extend(app::not_looked_at(app::NO_APP).into_iter().take(1));
    ticks.push(Tick::skip("permissions", app::NOT_INSTALLED));
    ticks.extend(app::not_looked_at(app::NO_ANSWER).into_iter().take(1));
    insta::assert_snapshot!(lines(&ticks), @"
    ok    credentials: App 1234, from the environment
    ok    credentials: App 1234, as printed
    ok    credentials: App 1234, from fairway-data/github-app.json
    warn  credentials: App 1234, from fairway-data/github-app.json, which others on this machine can read
          Type: chmod 600 fairway-data/github-app.json
    FAIL  credentials: there is no App yet: neither in the environment nor in fairway-data/github-app.json
          Type: fairway setup
    FAIL  credentials: fairway-data/github-app.json cannot be used: its private key is none
          Put a good copy back; or, for a new App, type: rm fairway-data/github-app.json && fairway setup
    ok    app: GitHub knows it as Fairway acme, owned by acme
    FAIL  app: GitHub gave no answer
          Check that this machine reaches FAIRWAY_GITHUB_URL; GitHub's own state is on its status page.
    FAIL  app: GitHub does not accept the App's credentials
          Check FAIRWAY_APP_ID, FAIRWAY_PRIVATE_KEY and this machine's time; the App may have been deleted.
    FAIL  app: GitHub does not accept the App's credentials
          Check this machine's time. If the App was deleted at GitHub, type: rm fairway-data/github-app.json && fairway setup
    skip  installation: not looked at, because there is no App yet
    skip  permissions: not looked at, because the App is installed nowhere
    skip  installation: not looked at, because GitHub did not let the App in
    ");
}

#[test]
fn ticks_of_where_it_is_installed() {
    let lack = |asked| Lack {
        permission: "issues",
        level: "read",
        account: "acme",
        cannot: &["hear and answer commands", "sing"],
        asked,
        accept_at: PLACE,
    };
    let ticks = [
        app::installation(&["acme"]),
        app::installation(&["a", "b", "c", "d", "e"]),
        app::no_installation("https://github.com/apps/fairway-acme"),
        app::not_served("umbrella"),
        app::suspended("acme", PLACE),
        app::permissions(),
        app::lacks(&lack(true), SETTINGS),
        app::lacks(&lack(false), SETTINGS),
        app::events(),
        app::unheard("issue_comment", &["hear and answer commands"], SETTINGS),
        app::repository("acme/shop", 1),
        app::repository("acme/shop", 12),
        app::no_repository(PLACE),
        app::unanswered("repository", "GitHub gave no answer"),
    ];
    insta::assert_snapshot!(lines(&ticks), @r#"
    ok    installation: installed on acme
    ok    installation: installed on a, b, c and 2 more
    FAIL  installation: installed nowhere yet
          Open https://github.com/apps/fairway-acme/installations/new, choose the account and its repositories, and press Install.
    warn  installation on umbrella: umbrella installed the App and is not served
          Add umbrella to FAIRWAY_ORGS, or let its owner remove the App.
    FAIL  installation on acme: acme suspended the App
          An owner of acme resumes it at https://github.com/organizations/acme/settings/installations/7
    ok    permissions: all that Fairway needs is granted
    FAIL  permission issues: read, acme: not granted, so Fairway cannot hear and answer commands, nor sing
          An owner of acme accepts it at https://github.com/organizations/acme/settings/installations/7
    FAIL  permission issues: read, acme: not granted, so Fairway cannot hear and answer commands, nor sing
          Add it at https://github.com/organizations/acme/settings/apps/fairway-acme/permissions; then an owner of acme accepts it at https://github.com/organizations/acme/settings/installations/7
    ok    events: all that Fairway listens for are subscribed
    FAIL  event issue_comment: not subscribed, so Fairway cannot hear and answer commands
          Tick it at https://github.com/organizations/acme/settings/apps/fairway-acme/permissions, under "Subscribe to events".
    ok    repository: acme/shop is seen
    ok    repository: acme/shop is seen, one of 12
    FAIL  repository: none is seen yet
          Create one, or choose some at https://github.com/organizations/acme/settings/installations/7
    FAIL  repository: GitHub gave no answer
          Type `fairway doctor` again in a minute.
    "#);
}

#[test]
fn ticks_of_the_way_in() {
    let url = "https://fairway.example/hook";
    let hook = |url, newest| Hook { url, content_type: "json", newest, settings: SETTINGS, secret: FILE };
    let ticks = [
        app::webhook(&hook("", None)),
        app::webhook(&Hook { content_type: "form", ..hook(url, None) }),
        app::webhook(&hook(url, None)),
        app::webhook(&hook(url, Some(("ping", None)))),
        app::webhook(&hook(url, Some(("ping", Some("failed to connect to host"))))),
        app::webhook(&hook(url, Some(("push", Some("Invalid HTTP Response: 401"))))),
        app::polled(&hook("", Some(("push", Some("failed to connect to host"))))),
        app::polled(&hook(url, None)),
        app::polled(&hook("", None)),
    ];
    insta::assert_snapshot!(lines(&ticks), @"
    FAIL  webhook: the App has none, so Fairway hears of nothing
          Type the address https://HOST/hook and the secret of fairway-data/github-app.json into https://github.com/organizations/acme/settings/apps/fairway-acme; or, behind a firewall, type: export FAIRWAY_INTAKE=poll
    FAIL  webhook: GitHub delivers as a form
          Choose application/json at https://github.com/organizations/acme/settings/apps/fairway-acme
    warn  webhook: nothing was delivered to https://fairway.example/hook yet
          The next event shows whether GitHub reaches it; installing the App is one.
    ok    webhook: GitHub reaches https://fairway.example/hook; `ping` arrived last
    FAIL  webhook: GitHub could not deliver `ping` to https://fairway.example/hook: failed to connect to host
          Start `fairway serve` where that address leads, or change it at https://github.com/organizations/acme/settings/apps/fairway-acme
    FAIL  webhook: GitHub could not deliver `push` to https://fairway.example/hook: Invalid HTTP Response: 401
          The secrets differ: type that of fairway-data/github-app.json into https://github.com/organizations/acme/settings/apps/fairway-acme
    ok    webhook: not needed: FAIRWAY_INTAKE=poll reads GitHub's list; `push` stands there last
    warn  webhook: GitHub's list of deliveries is empty yet
          The next event shows whether GitHub lists any; installing the App is one.
    warn  webhook: the App has none, and GitHub's list of deliveries is empty
          Whether GitHub lists any for such an App is not known: give it an https address at https://github.com/organizations/acme/settings/apps/fairway-acme, which need not answer.
    ");
}

#[test]
fn ticks_of_the_engines() {
    let socket = "unix:///run/dagger/engine.sock";
    let no = |why: &str| Err(why.to_owned());
    let ticks = [
        engines::git(Ok("git version 2.39.5".to_owned())),
        engines::git(no("git cannot be started")),
        engines::cli(Ok("dagger v0.21.8".to_owned()), true),
        engines::cli(no("dagger cannot be started"), true),
        engines::cli(no("dagger cannot be started"), false),
        engines::name("dns+tcp://engines:8080", no("nobody knows that name"), true),
        engines::socket(socket, Ok(()), true),
        engines::socket(socket, Err(("No such file or directory".to_owned(), Shut::Missing)), true),
        engines::socket(socket, Err(("Permission denied".to_owned(), Shut::Denied(998))), true),
        engines::socket(socket, Err(("Connection refused".to_owned(), Shut::Silent)), true),
        engines::engine(socket, None, (Ok("v0.21.8".to_owned()), true)),
        engines::engine(socket, Some("acme/*"), (no("it did not answer"), true)),
        engines::versions("dagger v0.21.8", "v0.21.7"),
        engines::sandbox(Ok(()), true),
        engines::sandbox(Err("bwrap is missing".to_owned()), true),
        engines::limits(Ok("/sys/fs/cgroup/fairway".to_owned())),
        engines::limits(Err(Unlimited::Refused("no cgroup v2 here".to_owned()))),
        engines::limits(Err(Unlimited::OldHost)),
        engines::limits(Err(Unlimited::Away("admin.sock: No such file".to_owned()))),
    ];
    insta::assert_snapshot!(lines(&ticks), @"
    ok    git: git version 2.39.5
    FAIL  git: git cannot be started
          Type: apt-get install git
    ok    Dagger CLI: dagger v0.21.8
    FAIL  Dagger CLI: dagger cannot be started
          Install Dagger's CLI of your engines' version, or type: export FAIRWAY_DAGGER_CLI=path/to/dagger
    skip  Dagger CLI: not needed here (dagger cannot be started)
    FAIL  name dns+tcp://engines:8080: nobody knows that name
          Look whether engines run there and are ready: a headless Service names ready pods alone. This machine must be able to look the name up: getent ahosts HOST
    ok    socket unix:///run/dagger/engine.sock: can be opened
    FAIL  socket unix:///run/dagger/engine.sock: No such file or directory
          Start the engine, or name its address: export FAIRWAY_ENGINES=unix:///path/to/engine.sock
    FAIL  socket unix:///run/dagger/engine.sock: Permission denied
          The socket belongs to group 998; type: usermod -aG 998 USER, for the user that runs Fairway, and log in again
    FAIL  socket unix:///run/dagger/engine.sock: Connection refused
          Nobody listens there: start the engine.
    ok    engine unix:///run/dagger/engine.sock: v0.21.8
    FAIL  modules of acme/*, engine unix:///run/dagger/engine.sock: it did not answer
          Look at the engine's own log; `fairway doctor` above says whether its socket can be opened.
    warn  versions: the CLI is dagger v0.21.8, an engine is v0.21.7
          Take the CLI of the engines' version; strange answers come from the difference.
    ok    bubblewrap, for the local engine: works
    FAIL  bubblewrap, for the local engine: bwrap is missing
          Type: apt-get install bubblewrap
    ok    CPU limits of releases: applied below /sys/fs/cgroup/fairway
    warn  CPU limits of releases: not applied: no cgroup v2 here
          Releases run without them; docs/host.md says what it takes.
    warn  CPU limits of releases: not applied: the host is older than Fairway
          Start this version of it: fairway host --take-over, with the options of the one that runs.
    FAIL  CPU limits of releases: admin.sock: No such file
          Start `fairway host`; its --admin and FAIRWAY_HOST name the same socket.
    ");
    let verdicts = [verdict(&ticks[..1]), verdict(&ticks[..2]), verdict(&ticks)];
    insta::assert_snapshot!(verdicts.join("\n"), @"
    All is well.
    1 thing to mend; `fairway doctor` looks again.
    9 things to mend; `fairway doctor` looks again.
    ");
}

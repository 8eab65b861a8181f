//! What a run needs from outside: a token that lives long enough, a service that answers, a registry that lets it in.

use std::collections::BTreeMap;

use fairway::domain::project::{Call, Service};
use fairway::engine::{Outcome, RunSpec};
use fairway::playground::people::NewRepo;
use fairway::playground::world::Token;
use fairway::settings::Secret;

use super::killed::{processes, until};
use super::{Lab, real};

const TOKEN: &str = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";

#[tokio::test]
async fn a_token_that_ends_in_mid_run_harms_no_run_and_lets_no_other_begin() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let files = [("a", "private\n")];
    lab.hub.create_as(&NewRepo { full_name: "acme/private", private: true, files: &files, by: "alice" });
    let installation = lab.hub.look(|world| world.installations.keys().next().copied()).expect("the App is installed");
    let permissions = BTreeMap::from([("contents".to_owned(), "read".to_owned())]);
    let token = Token { installation, permissions, repos: None, expires_at: i64::MAX };
    lab.hub.act(|world| world.tokens.insert(TOKEN.to_owned(), token));
    let spec = |steps: &[&str]| {
        let mut spec = lab.spec(steps);
        spec.clone_url = format!("{}/acme/private.git", lab.hub.url());
        spec.sha = lab.hub.repo("acme/private").head("main").expect("main is there");
        spec.token = Some(Secret::new(TOKEN));
        spec
    };
    let word = uuid::Uuid::new_v4().to_string();
    let first = format!("sleep 2; cat a; : {word}");
    let run = lab.run(spec(&[&first, "cat a; echo more > b", "cat a b"]));
    let ends = async {
        // Git is asked before the first step; from then on the files are the engine's.
        until("its first step", || processes("cmdline", &word) > 0).await;
        lab.hub.act(|world| world.tokens.clear());
    };
    let ((outcome, said), ()) = tokio::join!(run, ends);
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    assert_eq!(said.log[&2], "private\nmore\n");
    // The engine has these files, and asks all the same.
    let (outcome, said) = lab.run(spec(&["cat a"])).await;
    assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains("Fairway has no access")), "{outcome:?}");
    assert!(said.log.is_empty(), "{said:?}");
}

/// A server that answers with the number of the request, and images that only their login gives.
const SERVER: &[(&str, &str)] = &[
    ("dagger.json", r#"{"name":"shop-ci","engineVersion":"v0.21.8","sdk":{"source":"dang"}}"#),
    (
        "server.pl",
        "use IO::Socket;\n\
         my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die;\n\
         my $n = 0;\n\
         while (my $c = $s->accept) {\n\
           my $line = <$c>;\n\
           print $c 'request ', ++$n, ' of ', $ENV{WHO}, \"\\n\" if defined $line;\n\
           close $c;\n\
         }\n",
    ),
    (
        "main.dang",
        r#"type ShopCi {
  pub server(source: Directory!): Container! {
    container.from("debian:bookworm").withFile("/server.pl", source.file("server.pl"))
      .withEntrypoint(["perl"]).withDefaultArgs(["/server.pl"])
  }
}
"#,
    ),
];

#[tokio::test]
async fn a_service_stays_up_for_all_steps_of_its_run() {
    let Some(runner) = real() else { return };
    let Ok(registry) = std::env::var("FAIRWAY_TEST_REGISTRY") else {
        println!("left out: a service of its own image; set FAIRWAY_TEST_REGISTRY=HOST:PORT");
        return;
    };
    let lab = Lab::new("dagger", &runner, SERVER).await;
    let image = format!("{registry}/fairway/server:{}", lab.sha);
    let call = Some(Call::parse("server --source=.").expect("a call"));
    let made = RunSpec { call, publish: Some(image.clone()), fresh: None, ..lab.spec(&[]) };
    let (outcome, said) = lab.run(made).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");

    let ask = "bash -c 'exec 3<>/dev/tcp/web/8080; echo hello >&3; cat <&3'";
    let env = BTreeMap::from([("WHO".to_owned(), uuid::Uuid::new_v4().to_string())]);
    let who = env["WHO"].clone();
    let web = Service { image, port: Some(8080), env };
    let mut spec = lab.spec(&[ask, "sleep 12; true", ask]);
    spec.services = BTreeMap::from([("web".to_owned(), web)]);
    let (outcome, said) = lab.run(spec).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    assert_eq!(said.log[&0], format!("request 1 of {who}\n"));
    assert_eq!(said.log[&2], format!("request 2 of {who}\n"), "the same server answers the last step");
}

#[tokio::test]
async fn a_registry_with_a_password_is_logged_in_to() {
    let Some(runner) = real() else { return };
    let Ok(login) = std::env::var("FAIRWAY_TEST_REGISTRY_LOGIN") else {
        println!("left out: a registry with a password; set FAIRWAY_TEST_REGISTRY_LOGIN=USER:PASSWORD@HOST:PORT");
        return;
    };
    let (login, registry) = login.split_once('@').expect("a login and a registry");
    let (user, password) = login.split_once(':').expect("a user and a password");
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let image = format!("{registry}/fairway/closed:{}", lab.sha);
    let with = |mut spec: RunSpec, login: Option<(&str, &str)>| {
        if let Some((user, password)) = login {
            spec.secrets.insert("REGISTRY_USERNAME".to_owned(), Secret::new(user));
            spec.secrets.insert("REGISTRY_PASSWORD".to_owned(), Secret::new(password));
        }
        spec
    };
    let push = || RunSpec { publish: Some(image.clone()), ..lab.spec(&["echo made > /made; env"]) };
    for login in [None, Some((user, "wrong-password"))] {
        let (outcome, said) = lab.run(with(push(), login)).await;
        assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains("REGISTRY_PASSWORD")), "{outcome:?}");
        assert_eq!(said.published, None);
    }
    let (outcome, said) = lab.run(with(push(), Some((user, password)))).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    assert!(said.published.as_ref().is_some_and(|name| name.starts_with(&image)), "{said:?}");
    assert!(!said.log[&0].contains("REGISTRY_"), "a step sees the login: {said:?}");

    let pull = || RunSpec { image: Some(image.clone()), ..lab.spec(&["cat /made"]) };
    let (outcome, _) = lab.run(with(pull(), None)).await;
    assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains("REGISTRY_PASSWORD")), "{outcome:?}");
    let (outcome, said) = lab.run(with(pull(), Some((user, password)))).await;
    assert_eq!((outcome, said.log[&0].as_str()), (Outcome::Success, "made\n"));
}

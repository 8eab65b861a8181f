use super::*;
use std::os::unix::fs::PermissionsExt;

fn read(env: &[(&str, &str)], file: Option<&str>) -> Result<Settings, String> {
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Settings::from_map(&env, file).map_err(|problems| lines(&problems))
}

fn lines(problems: &[SettingProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn nothing_set_gives_the_defaults_of_the_table() {
    let settings =
        read(&[("PATH", "/bin"), ("FAIRWAY_TEST_PG", "x"), ("FAIRWAY_SOAK", "1"), ("FAIRWAY_SHA", "f00")], None)
            .unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(settings.private_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.database_url.reveal(), "sqlite:fairway-data/fairway.db");
    assert_eq!(settings.engine, EngineChoice::Dagger);
    assert_eq!((settings.workers, settings.runs), (8, 2));
    assert_eq!(settings.grace, Duration::from_secs(25));
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let problems = read(&[("FAIRWAY_APP_IDD", "1"), ("FAIRWAY_COLOUR", "red")], Some("lisen = 'x'")).unwrap_err();
    insta::assert_snapshot!(problems, @r"
    FAIRWAY_LISEN: lisen is not a setting; did you mean listen?
    FAIRWAY_APP_IDD: FAIRWAY_APP_IDD is not a setting; did you mean FAIRWAY_APP_ID?
    FAIRWAY_COLOUR: FAIRWAY_COLOUR is not a setting; remove it; `fairway serve --settings` lists every setting
    ");
}

#[test]
fn every_problem_is_found_in_one_go_and_secrets_are_not_repeated() {
    let problems = read(
        &[
            ("FAIRWAY_APP_ID", "acme"),
            ("FAIRWAY_PRIVATE_KEY", "canary-key"),
            ("FAIRWAY_ORGS", "acme,*"),
            ("FAIRWAY_INTAKE", "smee"),
            ("FAIRWAY_DATABASE_URL", "mysql://u:canary@h/d"),
            ("FAIRWAY_LISTEN", "8080"),
            ("FAIRWAY_PRIVATE_TOKEN", "canary"),
            ("FAIRWAY_ENGINE", "docker"),
            ("FAIRWAY_SECRETS_KEY", "canary"),
            ("FAIRWAY_WORKERS", "0"),
            ("FAIRWAY_GRACE", "25"),
        ],
        None,
    )
    .unwrap_err();
    assert!(!problems.contains("canary"), "{problems}");
    insta::assert_snapshot!(problems, @r#"
    FAIRWAY_APP_ID: "acme" is no App ID, which is a number; copy it from the App's page on GitHub
    FAIRWAY_PRIVATE_KEY: this is no RSA private key in PEM form (it begins with -----BEGIN and has PRIVATE KEY in its first line); type: export FAIRWAY_PRIVATE_KEY_FILE=path/to/the-file-that-GitHub-gave.pem
    FAIRWAY_ORGS: "*" is no name of an organisation; type names separated by commas, or '*' alone
    FAIRWAY_INTAKE: "smee" is no way in; type webhook or poll
    FAIRWAY_DATABASE_URL: it begins with neither sqlite: nor postgres://; type sqlite:PATH or postgres://USER@HOST/NAME
    FAIRWAY_LISTEN: "8080" is no address with a port; type one such as 127.0.0.1:8080
    FAIRWAY_PRIVATE_TOKEN: it is shorter than 16 characters and could be guessed; type: export FAIRWAY_PRIVATE_TOKEN=$(openssl rand -hex 16)
    FAIRWAY_ENGINE: "docker" is no engine; type dagger or local
    FAIRWAY_SECRETS_KEY: it is not 32 bytes in hex or base64; type: export FAIRWAY_SECRETS_KEY=$(openssl rand -hex 32)
    FAIRWAY_WORKERS: "0" is no number from 1 to 256; type one, such as 8
    FAIRWAY_GRACE: "25" is no length of time; type one such as 25s or 2m
    "#);
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "orgs = ['Acme', 'umbrella']\nworkers = 3\nwebhook_secret = 'of-the-file'";
    let settings = read(&[("FAIRWAY_WORKERS", "5"), ("FAIRWAY_LISTEN", "")], Some(file)).unwrap();
    assert_eq!(settings.workers, 5);
    let orgs = settings.orgs.unwrap();
    assert!(orgs.serves("ACME") && orgs.serves("umbrella") && !orgs.serves("other"));
    assert_eq!(settings.webhook_secret.unwrap().reveal(), "of-the-file");
    let broken = read(&[], Some("workers = \n")).unwrap_err();
    assert!(broken.contains("cannot be read as TOML"), "{broken}");
}

#[test]
fn both_forms_of_key_are_taken_from_text_and_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, pem) in [("PKCS#1", rsa_key(true)), ("PKCS#8", rsa_key(false))] {
        let path = folder.path().join("key.pem");
        std::fs::write(&path, &pem).unwrap();
        let by_file = read(&[("FAIRWAY_PRIVATE_KEY_FILE", path.to_str().unwrap())], None).unwrap();
        let escaped = pem.trim().replace('\n', "\\n");
        let by_text = read(&[("FAIRWAY_PRIVATE_KEY", &escaped)], None).unwrap();
        assert!(by_file.private_key.is_some(), "{kind}");
        assert_eq!(by_file.private_key, by_text.private_key, "{kind}");
        let quoted = read(&[("FAIRWAY_PRIVATE_KEY", &format!("\"{escaped}\""))], None).unwrap();
        assert_eq!(quoted.private_key, by_text.private_key, "{kind}");
    }
    let both = read(&[("FAIRWAY_WEBHOOK_SECRET", "a"), ("FAIRWAY_WEBHOOK_SECRET_FILE", "b")], None).unwrap_err();
    assert!(both.contains("are both set; unset one of them"), "{both}");
    let gone = read(&[("FAIRWAY_WEBHOOK_SECRET_FILE", "no/such/file")], None).unwrap_err();
    assert!(gone.contains("no/such/file, which cannot be read"), "{gone}");
}

/// A throwaway key made for this run of the test.
fn rsa_key(traditional: bool) -> String {
    let mut command = std::process::Command::new("openssl");
    command.args(["genrsa"]);
    if traditional {
        command.arg("-traditional");
    }
    let made = command.arg("2048").output().expect("openssl is installed by scripts/setup");
    String::from_utf8(made.stdout).unwrap()
}

#[test]
fn serve_names_everything_that_is_missing() {
    let settings = read(&[("FAIRWAY_APP_ID", "7")], None).unwrap();
    insta::assert_snapshot!(lines(&settings.serving().unwrap_err()), @r"
    FAIRWAY_PRIVATE_KEY: not set, and `fairway serve` needs it; type: export FAIRWAY_PRIVATE_KEY_FILE=path/to/key.pem
    FAIRWAY_WEBHOOK_SECRET: not set, and `fairway serve` needs it; type: export FAIRWAY_WEBHOOK_SECRET=...
    FAIRWAY_ORGS: not set, and `fairway serve` needs it; type: export FAIRWAY_ORGS=my-org, or '*' for whoever installs the App
    FAIRWAY_ENGINES: not set, and FAIRWAY_ENGINE=dagger needs the addresses of your Dagger engines; type: export FAIRWAY_ENGINES=unix:///run/dagger/engine.sock; or, to run pipelines as processes of this machine: export FAIRWAY_ENGINE=local
    ");
    let local = read(&[("FAIRWAY_ENGINE", "local")], None).unwrap();
    assert!(local.serving().unwrap().is_none(), "the file of `fairway setup` is meant");
    let half = read(&[("FAIRWAY_ENGINE", "local"), ("FAIRWAY_WEBHOOK_SECRET", "s")], None).unwrap();
    assert_eq!(half.serving().unwrap_err().len(), 3, "what is given in part is a mistake");
    let polls = [("FAIRWAY_INTAKE", "poll"), ("FAIRWAY_APP_ID", "7")];
    assert!(!lines(&read(&polls, None).unwrap().app("serve").unwrap_err()).contains("WEBHOOK_SECRET"));
    let needed: Vec<&str> = SETTINGS.iter().filter(|s| s.required_by.contains(&"serve")).map(|s| s.key).collect();
    let nothing = read(&[], None).unwrap().app("serve").unwrap_err();
    let missing: Vec<&str> = nothing.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(missing, needed);
}

#[test]
fn an_engine_is_an_address_or_a_name_that_stands_for_several() {
    let good = "unix:///run/e.sock tcp://10.0.0.5:8080 dns+tcp://engines.dagger.svc:8080 dns+tcp://engines:8080/";
    assert_eq!(read(&[("FAIRWAY_ENGINES", good)], None).unwrap().engines.len(), 4);
    for bad in ["/run/e.sock", "dns+tls://e:1", "dns+tcp://e", "dns+tcp://:8080", "dns+tcp://e:0", "dns+tcp://e:x"] {
        let problem = read(&[("FAIRWAY_ENGINES", bad)], None).unwrap_err();
        assert!(problem.contains(bad) && problem.contains("dns+tcp://HOST:PORT"), "{problem}");
    }
    let env = read(&[("FAIRWAY_ENGINE_ENV", "KUBECONFIG=/etc/k SSH_AUTH_SOCK=/run/a=b")], None).unwrap().engine_env;
    assert_eq!(env[1], ("SSH_AUTH_SOCK".to_owned(), "/run/a=b".to_owned()));
    let problem = read(&[("FAIRWAY_ENGINE_ENV", "A=1 /etc/secret")], None).unwrap_err();
    assert!(problem.contains("its word 2 is no variable") && !problem.contains("secret"), "{problem}");
    let own = read(&[("FAIRWAY_MODULE_ENGINES", "acme/shop=dns+tcp://e")], None).unwrap_err();
    assert!(own.contains("names no repository and engine"), "{own}");
}

#[test]
fn debug_shows_no_secret_and_the_masker_gets_them_all() {
    let env = [
        ("FAIRWAY_WEBHOOK_SECRET", "canary-hook"),
        ("FAIRWAY_CLIENT_ID", "Iv1.x"),
        ("FAIRWAY_CLIENT_SECRET", "canary-client"),
        ("FAIRWAY_PRIVATE_TOKEN", "canary-token-0123456789"),
        ("FAIRWAY_DATABASE_URL", "postgres://fairway:canary-pass@db/fairway"),
        ("FAIRWAY_SECRETS_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
    ];
    let settings = read(&env, None).unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("canary") && !shown.contains("112233") && !shown.contains("17, 34"), "{shown}");
    assert_eq!(settings.secrets(), ["canary-hook", "canary-client", "canary-token-0123456789", "canary-pass"]);
}

#[test]
fn a_secrets_key_is_made_once_for_its_owner_only_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = read(&[("FAIRWAY_DATA_DIR", data.to_str().unwrap())], None).unwrap();
    let first = settings.secrets_key().unwrap();
    assert!(first == settings.secrets_key().unwrap());
    let path = data.join("secrets.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "half").unwrap();
    assert!(settings.secrets_key().unwrap_err().to_string().contains("is damaged"));
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}

#[test]
fn the_table_has_each_name_once_and_is_what_the_docs_say() {
    let names = table::names();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    let docs = include_str!("../../docs/settings.md");
    assert!(docs == markdown(), "docs/settings.md is to be:\n{}", markdown());
    assert_eq!(help().lines().count(), SETTINGS.len() + 1);
}

#[test]
fn people_sign_in_where_client_id_secret_and_address_are_there() {
    let off = read(&[], None).unwrap().sign_in().unwrap_err();
    assert!(off.contains("FAIRWAY_CLIENT_ID"), "{off}");
    let half = read(&[("FAIRWAY_CLIENT_ID", "Iv1.x")], None).unwrap_err();
    insta::assert_snapshot!(half, @"FAIRWAY_CLIENT_SECRET: not set, but FAIRWAY_CLIENT_ID is, and one without the other signs nobody in; type: export FAIRWAY_CLIENT_SECRET_FILE=path/to/the-secret; or: unset FAIRWAY_CLIENT_ID");
    let half = read(&[("FAIRWAY_CLIENT_SECRET", "canary")], None).unwrap_err();
    assert!(half.starts_with("FAIRWAY_CLIENT_ID: not set") && !half.contains("canary"), "{half}");
    let both = [("FAIRWAY_CLIENT_ID", "Iv1.x"), ("FAIRWAY_CLIENT_SECRET", "canary-client")];
    let nowhere = read(&both, None).unwrap();
    assert!(nowhere.sign_in().unwrap_err().contains("FAIRWAY_PUBLIC_URL is not set"));
    assert!(nowhere.secrets().contains(&"canary-client"));
    let at = |url: &'static str| read(&[both[0], both[1], ("FAIRWAY_PUBLIC_URL", url)], None).unwrap().sign_in();
    assert!(at("https://example.com/fairway").unwrap_err().contains("a host of their own"));
    let all = at("https://Fairway.example.com/").unwrap();
    assert_eq!(all.callback(), "https://fairway.example.com/login/callback");
    let before = read(&[("FAIRWAY_PUBLIC_URL", "https://Fairway.example.com")], None).unwrap();
    assert_eq!(before.sign_in_callback(), Some(all.callback()), "the App is told before it has an id");
    assert!(all.is_https() && !at("http://127.0.0.1:8080").unwrap().is_https());
}

#[test]
fn admins_are_logins_in_any_case_of_letters() {
    let admins = read(&[("FAIRWAY_ADMINS", "Alice, bob")], None).unwrap().admins;
    assert_eq!(admins, ["alice".to_owned(), "bob".to_owned()].into());
    let problem = read(&[("FAIRWAY_ADMINS", "*")], None).unwrap_err();
    assert!(problem.contains("\"*\" is no login"), "{problem}");
}

fn credentials() -> Credentials {
    Credentials {
        app_id: 7,
        name: "Fairway acme".to_owned(),
        owner: "Acme".to_owned(),
        html_url: "https://github.com/apps/fairway-acme".to_owned(),
        private_key: Secret::new(rsa_key(true)),
        webhook_secret: Secret::new("canary-hook"),
        client_id: "Iv1.7".to_owned(),
        client_secret: Secret::new("canary-client"),
    }
}

#[test]
fn credentials_are_kept_whole_for_their_owner_only_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = read(&[("FAIRWAY_DATA_DIR", data.to_str().unwrap())], None).unwrap();
    let path = settings.credentials_file();
    assert_eq!(Credentials::read(&path), Ok(None));
    let kept = credentials();
    kept.keep(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Credentials::read(&path), Ok(Some(kept.clone())));
    assert!(Credentials { app_id: 8, ..kept.clone() }.keep(&path).is_err(), "there is one already");
    assert_eq!(Credentials::read(&path).unwrap().unwrap().app_id, 7);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    assert!(is_private(&path) && !format!("{kept:?}").contains("canary"));

    let identity = settings.identity(&kept);
    assert!(identity.orgs.serves("acme") && !identity.orgs.serves("other"), "the App's own account");
    let chosen =
        read(&[("FAIRWAY_ORGS", "umbrella"), ("FAIRWAY_PUBLIC_URL", "https://fairway.example")], None).unwrap();
    assert!(!chosen.identity(&kept).orgs.serves("acme"));
    let signs_in = chosen.clone().with_app(&identity).sign_in().unwrap();
    assert_eq!((signs_in.client_id.as_str(), signs_in.client_secret), ("Iv1.7", kept.client_secret.clone()));

    let text = std::fs::read_to_string(&path).unwrap();
    let broken = text.replace("PRIVATE KEY", "PRIVATE KEV");
    for half in ["", &text[..text.len() / 2], &broken] {
        std::fs::write(&path, half).unwrap();
        let why = Credentials::read(&path).unwrap_err();
        assert!(why.contains("cannot be used") && !why.contains("canary"), "{why}");
    }
}

#[test]
fn no_reader_ever_sees_half_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("github-app.json");
    let kept = credentials();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                kept.keep(&path).unwrap();
                std::fs::remove_file(&path).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let seen = Credentials::read(&path).unwrap();
            assert!(seen.is_none_or(|seen| seen == kept));
        }
    });
}

#[test]
fn printed_credentials_are_an_environment() {
    let kept = credentials();
    let lines = kept.env_lines();
    let mut env: Vec<(&str, &str)> = lines.lines().filter_map(|line| line.split_once('=')).collect();
    env.push(("FAIRWAY_ENGINE", "local"));
    let given = read(&env, None).unwrap().serving().unwrap().unwrap();
    assert_eq!((given.app_id, given.client_id.as_deref()), (7, Some("Iv1.7")));
    assert_eq!(given.webhook_secret, Some(kept.webhook_secret));
    assert_eq!(given.private_key.reveal().trim(), kept.private_key.reveal().trim());
    assert!(given.orgs.serves("acme"));
}

//! The one table of settings.
//!
//! The parser, `--help` and `docs/settings.md` all read it, so a setting cannot be known to
//! one and unknown to another.

/// One setting of the operator.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name in the environment without `FAIRWAY_`; in the file, the same in lower case.
    pub key: &'static str,
    /// What holds when it is not set; empty when nothing does.
    pub default: &'static str,
    /// One or two sentences for people.
    pub doc: &'static str,
    /// Whether its value must not be shown. Such a setting can also be given as `KEY_FILE`.
    pub secret: bool,
    /// The verbs that do not start without it.
    pub required_by: &'static [&'static str],
}

/// Every setting that Fairway knows, in the order in which people read them.
pub const SETTINGS: &[Setting] = &[
    needed("APP_ID", "The GitHub App's number, shown at the top of the App's own page."),
    hidden(
        "PRIVATE_KEY",
        "The App's private key, PEM (PKCS#1 as GitHub gives it, or PKCS#8). `\\n` may stand for a line break.",
        &["serve"],
    ),
    hidden(
        "WEBHOOK_SECRET",
        "The secret that was typed into the App's webhook form; it signs every delivery.",
        &["serve"],
    ),
    plain(
        "CLIENT_ID",
        "",
        "The App's client id, shown on its own page. With it, `FAIRWAY_CLIENT_SECRET` and `FAIRWAY_PUBLIC_URL` people sign in with GitHub; see `docs/login.md`.",
    ),
    hidden("CLIENT_SECRET", "A client secret of the App, made on its own page.", &[]),
    needed(
        "ORGS",
        "The organisations and users that are served, separated by commas; `*` serves whoever installs the App.",
    ),
    plain(
        "ADMINS",
        "",
        "Logins on GitHub, separated by commas, of those who may do on the pages what the command line can. Who owns all of `FAIRWAY_ORGS` may, too.",
    ),
    plain(
        "GITHUB_URL",
        "https://api.github.com",
        "The address of GitHub's REST API; for GitHub Enterprise Server `https://HOST/api/v3`.",
    ),
    plain(
        "INTAKE",
        "webhook",
        "How Fairway hears of what happens: `webhook`, or `poll` behind a firewall, where GitHub's list of deliveries is read every few seconds. See `docs/setup.md`.",
    ),
    hidden(
        "DATABASE_URL",
        "Where everything is kept: `sqlite:PATH` or `postgres://...`. Not set: `fairway.db` in the data directory.",
        &[],
    ),
    plain("DATA_DIR", "fairway-data", "The directory for the database, logs, caches and checkouts."),
    plain(
        "LISTEN",
        "0.0.0.0:8080",
        "The public listener: `/hook`, `/healthz`, and the pages where people sign in with GitHub.",
    ),
    plain(
        "PUBLIC_URL",
        "",
        "The address under which GitHub and people reach the public listener, for example `https://fairway.example.com`. Check runs link there where people sign in with GitHub.",
    ),
    plain(
        "PRIVATE_LISTEN",
        "127.0.0.1:8081",
        "The private listener: `/readyz`, `/metrics`, and the pages for whoever has the token.",
    ),
    hidden(
        "PRIVATE_TOKEN",
        "The token of the private listener, at least 16 characters. Not set: a new one is made at each start and printed.",
        &[],
    ),
    plain(
        "ENGINE",
        "dagger",
        "What runs pipelines: `dagger`, or `local`, which isolates less. Fairway never falls back from one to the other.",
    ),
    plain(
        "HOST",
        "",
        "The admin socket of `fairway host` on this machine, where releases run. Not set: nothing can be deployed.",
    ),
    hidden(
        "POLICY",
        "What no environment of any repository may go below: the text of a file with `[policy]`, see `docs/environments.md`.",
        &[],
    ),
    plain(
        "ONBOARDING",
        "all",
        "Whether Fairway opens the pull request that adds `fairway.toml` by itself: `all`, `ask` (they wait on the page) or `off`. The organisation's `.github` repository may say otherwise.",
    ),
    plain(
        "ENGINES",
        "",
        "The Dagger engines, separated by spaces: `unix:///run/dagger/engine.sock`, `tcp://HOST:PORT`, `tls://..`, `ssh://..`, `kube-pod://..`, or `dns+tcp://HOST:PORT` for an engine at each address that HOST has, looked up again every 10 seconds. A repository keeps to one of them; the next takes over when it fails.",
    ),
    plain(
        "MODULE_ENGINES",
        "",
        "Engines for repositories' own Dagger modules, separated by spaces: `OWNER/NAME=unix:///run/dagger-shop/engine.sock`, or `OWNER/*=..`. A module's code can read what others have on its engine, so give it none of `FAIRWAY_ENGINES` that strangers share.",
    ),
    plain(
        "ENGINE_ENV",
        "",
        "What each session's Dagger CLI needs to reach its engine, separated by spaces: `KUBECONFIG=/etc/fairway/kubeconfig` for `kube-pod://..`, `SSH_AUTH_SOCK=..` for `ssh://..`. It has no other variable of Fairway's. A repository's own module can read these.",
    ),
    plain("ENGINE_RUNS", "4", "How many of this process's runs are live at once on one Dagger engine, 1 to 256."),
    plain(
        "DAGGER_CLI",
        "dagger",
        "The Dagger CLI: a path, or a name found on `FAIRWAY_TOOL_PATH`. Keep its version that of the engines.",
    ),
    plain("IMAGE", "debian:bookworm-slim", "The container image of pipelines without `image`, on the Dagger engine."),
    hidden(
        "SECRETS_KEY",
        "The key that encrypts stored secrets: 32 bytes as hex or base64. Not set: one is made in the data directory, for its owner only.",
        &[],
    ),
    plain(
        "ADVISORIES",
        "",
        "Databases of advisories in RustSec's or OSV's form, separated by commas: Git addresses, which are copied and fetched every three minutes, or folders. GitHub's own advisories are read beside them.",
    ),
    plain("WORKERS", "8", "How many jobs are worked on at once, 1 to 256."),
    plain("RUNS", "2", "How many pipeline runs are live at once, 1 to 256."),
    plain("LOG", "info,sqlx=warn", "What is logged, in the form of `RUST_LOG`."),
    plain("LOG_FORMAT", "text", "`text` for people, `json` for machines."),
    plain("TOOL_PATH", "/usr/local/bin:/usr/bin:/bin", "The `PATH` that local steps see."),
    plain("GRACE", "25s", "How long running work may take to end after SIGTERM: `25s`, `2m`."),
];

const fn plain(key: &'static str, default: &'static str, doc: &'static str) -> Setting {
    Setting { key, default, doc, secret: false, required_by: &[] }
}

const fn needed(key: &'static str, doc: &'static str) -> Setting {
    Setting { key, default: "", doc, secret: false, required_by: &["serve"] }
}

const fn hidden(key: &'static str, doc: &'static str, verbs: &'static [&'static str]) -> Setting {
    Setting { key, default: "", doc, secret: true, required_by: verbs }
}

/// Every name that may stand behind `FAIRWAY_`, with the `_FILE` forms and `CONFIG`.
pub(super) fn names() -> Vec<String> {
    let mut names = vec!["CONFIG".to_owned()];
    for setting in SETTINGS {
        names.push(setting.key.to_owned());
        if setting.secret {
            names.push(format!("{}_FILE", setting.key));
        }
    }
    names
}

/// The settings for `--help`: a line each.
pub fn help() -> String {
    let mut text = String::from("Settings (environment, or lower-case keys in the file of FAIRWAY_CONFIG):\n");
    for setting in SETTINGS {
        let default = match setting.default {
            "" => String::new(),
            value => format!(" [default: {value}]"),
        };
        let name = format!("FAIRWAY_{}", setting.key);
        text.push_str(&format!("  {name:<24} {}{default}\n", setting.doc));
    }
    text
}

/// The text of `docs/settings.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Settings\n\n\
         Each is read from the environment, or from the TOML file that `FAIRWAY_CONFIG` names,\n\
         in lower case and without `FAIRWAY_`. The environment wins. An unknown name is refused.\n\
         A secret `X` may be given as `X_FILE`, the path of a file that holds it.\n\n\
         Where none of the App's number, key and webhook secret is given, `fairway serve` takes them, and the\n\
         client id and secret, from the file that `fairway setup` keeps in the data directory, and waits for it.\n\n\
         | setting | default | what it is |\n|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = match setting.default {
            "" => "none".to_owned(),
            value => format!("`{value}`"),
        };
        let mut doc = setting.doc.replace('|', "\\|");
        if setting.secret {
            doc.push_str(" Secret.");
        }
        for verb in setting.required_by {
            doc.push_str(&format!(" `fairway {verb}` needs it, or `fairway setup`."));
        }
        text.push_str(&format!("| `FAIRWAY_{}` | {default} | {doc} |\n", setting.key));
    }
    text
}

//! Settings of a repository's `.npmrc` that say what stands in a lock. The file goes before a client works, because others of
//! its settings say whom to ask, with which token, and what to run; without these a client would write another lock, or refuse.

use crate::domain::update::source::{Files, folder, join};

/// Of npm and of pnpm.
const KEPT: [&str; 16] = [
    "auto-install-peers",
    "dedupe-injected-deps",
    "dedupe-peer-dependents",
    "exclude-links-from-lockfile",
    "inject-workspace-packages",
    "install-strategy",
    "legacy-peer-deps",
    "link-workspace-packages",
    "lockfile-include-tarball-url",
    "lockfile-version",
    "peers-suffix-max-length",
    "prefer-workspace-packages",
    "resolution-mode",
    "resolve-peers-from-workspace-root",
    "strict-peer-dependencies",
    "strict-peer-deps",
];

/// The file beside a lock as the lock's client is to find it; `None`: it says nothing of that kind.
pub fn kept(texts: &Files, lock: &str) -> Option<(String, String)> {
    let path = join(folder(lock), ".npmrc")?;
    let text = texts.get(&path)?;
    let plain = |value: &str| {
        !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    let setting = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        (KEPT.contains(&key) && plain(value)).then(|| format!("{key}={value}\n"))
    };
    let kept: String = text.trim_start_matches('\u{feff}').lines().filter_map(setting).collect();
    (!kept.is_empty()).then_some((path, kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_the_lock_stays_and_whom_to_ask_goes() {
        let text = "registry=https://evil.example/\n//evil.example/:_authToken=s3cret\nlegacy-peer-deps = true\r\n\
            ; auto-install-peers=false\nnode-options=--require ./evil.js\nauto-install-peers=\"false\"\n\
            lockfile-version=${HOME}\nscript-shell=./evil.sh\n";
        let texts = Files::from([("web/.npmrc".to_owned(), text.to_owned())]);
        let expected = Some(("web/.npmrc".to_owned(), "legacy-peer-deps=true\nauto-install-peers=false\n".to_owned()));
        assert_eq!(kept(&texts, "web/package-lock.json"), expected);
        assert_eq!(kept(&texts, "package-lock.json"), None);
        let other = Files::from([(".npmrc".to_owned(), "save-exact=true\n".to_owned())]);
        assert_eq!(kept(&other, "pnpm-lock.yaml"), None);
    }
}

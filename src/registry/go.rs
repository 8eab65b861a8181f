//! Go modules: a proxy's list of versions, the times of the newest, and what the newest takes back, by the module proxy protocol.

use std::collections::BTreeMap;

use super::artefact::{Archive, Document};
use super::detail::{Asking, Detail, Place};
use super::{Reader, Source, client, json};
use crate::domain::update::{Ecosystem, Package, Release, rules};
use futures_util::future::BoxFuture;

/// A list of versions is a few kilobytes; 4 MiB is none.
const LARGEST: usize = 4 * 1024 * 1024;
/// What is said of one version is a hundred bytes.
const INFO: usize = 64 * 1024;
/// So many lines of minor versions are told the age of, and of the newest line so many versions.
const LINES: usize = 12;
const NEWEST: usize = 4;

/// Which proxy Go would ask, and what it would keep from it.
#[derive(Clone, Debug, Default)]
pub struct Go {
    /// As `GOPROXY` has it; `None` where nobody says.
    proxy: Option<String>,
    /// As `GONOPROXY` has it: patterns with commas between.
    private: String,
}

impl Go {
    /// By the environment, else as `go env` says, which also knows what `go env -w` wrote.
    pub async fn read(env: &BTreeMap<String, String>) -> Go {
        let said = client::said("go", &["env", "GOPROXY", "GONOPROXY"]).await.unwrap_or_default();
        let mut lines = said.lines().map(|line| line.trim().to_owned());
        let (proxy, private) = (lines.next().filter(|proxy| !proxy.is_empty()), lines.next());
        let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
        let private = private.or_else(|| set("GONOPROXY")).or_else(|| set("GOPRIVATE"));
        Go::new(proxy.or_else(|| set("GOPROXY")), private)
    }

    /// By the texts of `GOPROXY` and `GONOPROXY`.
    pub fn new(proxy: Option<String>, private: Option<String>) -> Go {
        Go { proxy, private: private.unwrap_or_default() }
    }

    /// The first of the proxies. Those behind it are for what the first does not have, which is said as such.
    fn base(&self) -> Result<&str, String> {
        let Some(proxy) = &self.proxy else {
            return Err("go is not installed, so nobody says which proxy to ask; install it, or set GOPROXY".to_owned());
        };
        let first = proxy.split([',', '|']).next().unwrap_or_default().trim();
        if client::web(first) {
            return Ok(first.trim_end_matches('/'));
        }
        Err("go asks no proxy here (GOPROXY), and repositories of modules are not asked one by one".to_owned())
    }

    fn module(&self, package: &Package) -> Result<String, String> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let dotted = package.name.split('/').any(|part| part.is_empty() || part.starts_with('.'));
        if dotted || !package.name.chars().all(fine) {
            return Err("no module of Go can have this name".to_owned());
        }
        if self.private.split(',').any(|pattern| covers(pattern.trim(), &package.name)) {
            return Err("go's configuration keeps this name from proxies (GOPRIVATE, GONOPROXY)".to_owned());
        }
        Ok(format!("{}/{}/@v", self.base()?, escaped(&package.name)))
    }
}

/// Whether a pattern covers a module: part by part, and whatever is below it.
fn covers(pattern: &str, module: &str) -> bool {
    if pattern.is_empty() {
        return false;
    }
    let mut parts = module.split('/');
    pattern.trim_end_matches('/').split('/').all(|wanted| {
        let Some(part) = parts.next() else { return false };
        // What cannot be read as a pattern is taken for a match: a private name must not leak by a slip of the pen.
        globset::Glob::new(wanted).map_or(true, |glob| glob.compile_matcher().is_match(part))
    })
}

/// A capital is `!` and its small letter, for disks that do not know the difference.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
        out
    })
}

impl Source for Go {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Go
    }

    fn address(&self, package: &Package) -> Result<String, String> {
        Ok(format!("{}/list", self.module(package)?))
    }

    fn reader(&self, _package: &Package, _deep: bool) -> Box<dyn Reader> {
        Box::new(List(Vec::new()))
    }

    /// The list has no times: the newest versions are asked for theirs, and the newest of all for what it takes back.
    fn more(&self, package: &Package, releases: &[Release]) -> Vec<String> {
        let Ok(module) = self.module(package) else { return Vec::new() };
        let (old, mut sorted): (Vec<&str>, Vec<&str>) = releases
            .iter()
            .map(|release| release.version.as_str())
            .partition(|version| rules::incompatible(Ecosystem::Go, version));
        if sorted.is_empty() {
            sorted = old;
        }
        sorted.retain(|version| !rules::prerelease(Ecosystem::Go, version));
        sorted.sort_by(|a, b| rules::compare(Ecosystem::Go, b, a).unwrap_or(std::cmp::Ordering::Equal));
        let line = |version: &str| version.rsplit_once('.').map_or(version, |(line, _)| line).to_owned();
        let mut wanted: Vec<&str> = sorted.iter().take(NEWEST).copied().collect();
        let mut lines: Vec<String> = Vec::new();
        for version in &sorted {
            if lines.len() < LINES && !lines.contains(&line(version)) {
                lines.push(line(version));
                wanted.push(version);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut more: Vec<String> =
            wanted.iter().map(|version| format!("{module}/{}.info", escaped(version))).collect();
        more.extend(sorted.first().map(|newest| format!("{module}/{}.mod", escaped(newest))));
        more
    }

    fn tell(&self, releases: &mut [Release], address: &str, document: &[u8]) {
        if address.ends_with(".mod") {
            let text = String::from_utf8_lossy(document);
            pass_over(releases, address, &text);
            let taken = retracted(&text);
            for release in releases {
                release.yanked |= taken.iter().any(|(from, to)| between(from, &release.version, to));
            }
            return;
        }
        let Ok(info) = serde_json::from_slice::<serde_json::Value>(document) else { return };
        let version = info["Version"].as_str().unwrap_or_default();
        let published = info["Time"].as_str().and_then(json::time);
        if let Some(release) = releases.iter_mut().find(|release| release.version == version) {
            release.published = published;
        }
    }

    fn place(&self, package: &Package, release: &Release) -> Option<Place> {
        let module = self.module(package).ok()?;
        Some(Place { address: format!("{module}/{}.info", escaped(&release.version)), forever: true })
    }

    fn detail<'a>(
        &'a self,
        asking: &'a Asking<'a>,
        package: &'a Package,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<Option<Detail>, String>> {
        Box::pin(async move {
            let address = format!("{}/{}.info", self.module(package)?, escaped(&release.version));
            let document = asking.bytes((&address, "*/*"), INFO).await?;
            let mut told = [release.clone()];
            self.tell(&mut told, &address, &document);
            Ok(Some(Detail::claimed(None, (told[0].published, asking.now))))
        })
    }

    fn documents(&self, _package: &Package, _version: &str) -> Result<Vec<Document>, String> {
        Err("archives of Go modules are not read".to_owned())
    }

    fn archive(&self, _of: (&Package, &str), _documents: &[&[u8]]) -> Result<Archive, String> {
        Err("archives of Go modules are not read".to_owned())
    }
}

/// As `go list -m -u` and `go get` have it: where the newest version without `+incompatible` has a `go.mod` of its own, versions
/// with it are of before that, whatever their numbers say. For a version that has none a proxy makes one up, of one line.
fn pass_over(releases: &mut [Release], address: &str, text: &str) {
    let own = text.lines().filter(|line| !line.trim().is_empty()).count() > 1;
    let version = address.rsplit('/').next().and_then(|name| name.strip_suffix(".mod")).unwrap_or_default();
    if !own || version.ends_with("+incompatible") {
        return;
    }
    for release in releases.iter_mut().filter(|release| rules::incompatible(Ecosystem::Go, &release.version)) {
        release.passed =
            Some(format!("go passes it over: it is of before the module had a go.mod, and {version} has one"));
    }
}

fn between(from: &str, version: &str, to: &str) -> bool {
    use std::cmp::Ordering::Greater;
    let order = |a: &str, b: &str| rules::compare(Ecosystem::Go, a, b);
    matches!((order(from, version), order(version, to)), (Some(below), Some(above)) if below != Greater && above != Greater)
}

/// The `retract` lines of a `go.mod`: from and to, both included.
fn retracted(text: &str) -> Vec<(String, String)> {
    let (mut all, mut block) = (Vec::new(), false);
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default().trim();
        let said = match code.strip_prefix("retract") {
            Some(rest) if rest.trim() == "(" => {
                block = true;
                continue;
            }
            Some(rest) if !block => rest,
            _ if code == ")" => {
                block = false;
                continue;
            }
            _ if block => code,
            _ => continue,
        };
        let said = said.trim().trim_matches(['[', ']']);
        let (from, to) = said.split_once(',').unwrap_or((said, said));
        all.push((from.trim().to_owned(), to.trim().to_owned()));
    }
    all
}

/// One version a line.
struct List(Vec<u8>);

impl Reader for List {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > LARGEST { Err("the answer is no list of versions".to_owned()) } else { Ok(()) }
    }

    fn end(self: Box<Self>) -> Result<Vec<Release>, String> {
        let text = String::from_utf8(self.0).map_err(|_| "the answer is no list of versions".to_owned())?;
        let mut releases = Vec::new();
        for version in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if rules::compare(Ecosystem::Go, version, version).is_none() {
                return Err("the answer is no list of versions".to_owned());
            }
            releases.push(Release { version: version.to_owned(), ..Release::default() });
        }
        // A module without tags has commits only, and which of them is newer nobody promises.
        if releases.is_empty() { Err("the module has no tagged version".to_owned()) } else { Ok(releases) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str) -> Package {
        Package { ecosystem: Ecosystem::Go, registry: None, name: name.to_owned() }
    }

    #[test]
    fn the_first_proxy_is_asked_and_nothing_private() {
        let go = Go::new(Some("https://proxy.test/,direct".into()), Some("*.corp.test,code.test/secret".into()));
        assert_eq!(go.address(&module("code.test/Big/v2")), Ok("https://proxy.test/code.test/!big/v2/@v/list".into()));
        for name in ["git.corp.test/x", "code.test/secret/y"] {
            assert!(go.address(&module(name)).is_err_and(|why| why.contains("GOPRIVATE")), "{name}");
        }
        assert!(go.address(&module("code.test/secretary")).is_ok());
        assert!(go.address(&module("../etc")).is_err() && go.address(&module("a?b")).is_err());
        for (proxy, words) in [(Some("direct".to_owned()), "no proxy"), (None, "go is not installed")] {
            assert!(Go::new(proxy, None).address(&module("code.test/a")).is_err_and(|why| why.contains(words)));
        }
    }

    #[test]
    fn what_is_of_before_a_go_mod_is_passed_over() {
        let go = Go::new(Some("https://proxy.test".into()), None);
        let package = module("code.test/a");
        let release = |version: &str| Release { version: version.to_owned(), ..Release::default() };
        let listed = || ["v1.9.0", "v3.0.0+incompatible", "v1.10.0", "v3.1.0+incompatible"].map(release).to_vec();
        let more = go.more(&package, &listed());
        assert_eq!(more.last().map(String::as_str), Some("https://proxy.test/code.test/a/@v/v1.10.0.mod"));
        assert!(more.iter().all(|address| !address.contains("incompatible")), "{more:?}");
        let told = |text: &str| {
            let mut releases = listed();
            go.tell(&mut releases, "https://proxy.test/code.test/a/@v/v1.10.0.mod", text.as_bytes());
            releases.into_iter().filter(|one| one.passed.is_some()).map(|one| one.version).collect::<Vec<_>>()
        };
        let old = ["v3.0.0+incompatible", "v3.1.0+incompatible"];
        assert_eq!(told("module code.test/a\n\ngo 1.20\n"), old);
        assert_eq!(told("module code.test/a\n"), [""; 0], "made up by the proxy");
        let only = ["v2.0.0+incompatible", "v3.0.0+incompatible"].map(release);
        let more = go.more(&package, &only);
        assert!(more.iter().any(|address| address.ends_with("v3.0.0+incompatible.mod")), "{more:?}");
    }

    #[test]
    fn versions_their_times_and_what_is_taken_back() {
        let go = Go::new(Some("https://proxy.test".into()), None);
        let package = module("code.test/a");
        let mut reader = go.reader(&package, false);
        for piece in b"v1.0.0\nv1.1.0\r\nv1.1.1\nv1.2.0\nv1.3.0-rc.1\n".chunks(3) {
            reader.feed(piece).expect("a list");
        }
        let mut releases = reader.end().expect("versions");
        let more = go.more(&package, &releases);
        assert_eq!(more.last().map(String::as_str), Some("https://proxy.test/code.test/a/@v/v1.2.0.mod"));
        assert_eq!(more.len(), 5, "{more:?}");
        go.tell(&mut releases, "v1.2.0.info", br#"{"Version":"v1.2.0","Time":"2020-01-01T00:00:00Z"}"#);
        go.tell(
            &mut releases,
            "x.mod",
            b"module a\nretract v1.0.0 // bad\nretract (\n\t[v1.1.0, v1.1.9] // worse\n)\n",
        );
        let shown: Vec<_> = releases.iter().map(|one| (one.yanked, one.published)).collect();
        let time = Some(1_577_836_800_000);
        assert_eq!(shown, [(true, None), (true, None), (true, None), (false, time), (false, None)]);
        for text in ["", "<html>\n"] {
            let mut reader = go.reader(&package, false);
            reader.feed(text.as_bytes()).expect("bytes");
            assert!(reader.end().is_err(), "{text}");
        }
    }
}

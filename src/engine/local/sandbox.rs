//! What a step can see. In bubblewrap: the system read-only, its own checkout, home and caches, and nothing of Fairway.

use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a run's directories appear to its steps.
const INSIDE: &str = "/fairway";

/// How steps are kept apart from the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// In bubblewrap, which is this program. Its path is absolute: no checkout and no variable chooses another.
    Bubblewrap(PathBuf),
    /// Not at all: a step can read what Fairway's user can.
    None,
}

/// The directories of one run.
#[derive(Clone, Debug)]
pub struct Place {
    /// The checkout.
    pub source: PathBuf,
    /// HOME.
    pub home: PathBuf,
    /// Temporary files; on disk, so that they count.
    pub tmp: PathBuf,
    /// Cache directories that hold for longer than the run: the path a step uses, and where it really is.
    pub caches: Vec<(PathBuf, PathBuf)>,
    /// Directories with tools of the operator's, readable.
    pub tools: Vec<PathBuf>,
}

impl Sandbox {
    /// Bubblewrap, if it is there and may do its work here: containers often forbid it.
    pub fn probe() -> Result<Sandbox, String> {
        let program = super::SYSTEM_PATH.split(':').map(|dir| Path::new(dir).join("bwrap")).find(|path| path.is_file());
        let program = program.ok_or("bubblewrap is not installed; type `apt-get install bubblewrap`")?;
        let mut command = Command::new(&program);
        command.args(isolation()).args(["--remount-ro", "/", "--", "/bin/sh", "-c", "exit 0"]).env_clear();
        match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output() {
            Ok(output) if output.status.success() => Ok(Sandbox::Bubblewrap(program)),
            Ok(output) => Err(format!(
                "bubblewrap does not work on this machine: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
            Err(error) => Err(format!("bubblewrap cannot be started: {error}")),
        }
    }

    /// bubblewrap and its arguments up to the environment; empty without it. `Err` when the checkout makes a cache impossible.
    pub fn around(&self, place: &Place) -> Result<Vec<String>, String> {
        let Sandbox::Bubblewrap(program) = self else { return Ok(Vec::new()) };
        let mut args = vec![text(program)];
        args.extend(isolation());
        let tmp = PathBuf::from("/tmp");
        for (outside, inside) in [
            (&place.source, Path::new(INSIDE).join("source")),
            (&place.home, Path::new(INSIDE).join("home")),
            (&place.tmp, tmp),
        ] {
            args.extend(bind("--bind", outside, &inside));
        }
        for (seen, real) in &place.caches {
            args.extend(cache(place, seen, real)?);
        }
        for tool in &place.tools {
            args.extend(bind("--ro-bind-try", tool, tool));
        }
        args.extend(["--remount-ro", "/dev", "--remount-ro", "/", "--chdir"].map(str::to_owned));
        args.push(format!("{INSIDE}/source"));
        Ok(args)
    }

    /// Where a step sees the checkout.
    pub fn source(&self, place: &Place) -> String {
        match self {
            Sandbox::Bubblewrap(_) => format!("{INSIDE}/source"),
            Sandbox::None => text(&place.source),
        }
    }

    /// What a step calls its home.
    pub fn home(&self, place: &Place) -> String {
        match self {
            Sandbox::Bubblewrap(_) => format!("{INSIDE}/home"),
            Sandbox::None => text(&place.home),
        }
    }

    /// Where its temporary files go.
    pub fn tmp(&self, place: &Place) -> String {
        match self {
            Sandbox::Bubblewrap(_) => "/tmp".to_owned(),
            Sandbox::None => text(&place.tmp),
        }
    }
}

/// Where no cache may be: what a step sees there comes from the system or from the run.
const NO_CACHE: [&str; 10] = ["/etc", "/proc", "/dev", "/sys", "/bin", "/sbin", "/lib", "/lib32", "/lib64", INSIDE];

/// Why no cache can be at this path, as a sentence.
pub fn refuses_cache(cache: &str) -> Option<String> {
    let path = Path::new(cache);
    let deep = path.components().filter(|c| matches!(c, Component::Normal(_))).count();
    let climbs = path.components().any(|c| matches!(c, Component::ParentDir));
    let system = NO_CACHE.iter().any(|dir| path.starts_with(dir))
        || (path.starts_with("/usr") && !(path.starts_with("/usr/local") && deep > 2))
        || path == Path::new("/tmp");
    (climbs || deep == 0 || system || cache.contains('\0')).then(|| {
        format!("`cache` cannot be `{cache}`: take a directory below the checkout, or one such as `/usr/local/cargo/registry` or `/cache`")
    })
}

/// Arguments that lay a cache where a step looks for it.
fn cache(place: &Place, seen: &Path, real: &Path) -> Result<Vec<String>, String> {
    if !seen.is_absolute() {
        let mut at = place.source.clone();
        for part in seen.components() {
            at.push(part);
            if at.is_symlink() {
                return Err(format!("`cache` names `{}`, which is a symbolic link or below one", seen.display()));
            }
        }
        return Ok(bind("--bind", real, &Path::new(INSIDE).join("source").join(seen)));
    }
    let mut args = Vec::new();
    if seen.starts_with("/usr/local") && !seen.is_dir() {
        args = over(seen)?;
    }
    args.extend(bind("--bind", real, seen));
    // Images keep cargo's registry there; outside of them cargo looks below its home.
    if let Some(part) = ["registry", "git"].into_iter().find(|part| seen.ends_with(Path::new("cargo").join(part))) {
        args.extend(bind("--bind", real, &Path::new(INSIDE).join("home/.cargo").join(part)));
    }
    Ok(args)
}

/// A directory cannot be made in the system's, which is read-only: the nearest one that is there becomes one in memory that
/// shows the same things and has room for one more.
fn over(seen: &Path) -> Result<Vec<String>, String> {
    let near = seen.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
    let whole = near.canonicalize().is_ok_and(|real| real == near) && near.starts_with("/usr/local");
    let entries = if whole { std::fs::read_dir(near).ok() } else { None };
    let Some(entries) = entries else {
        return Err(format!(
            "`cache` cannot be `{}` on this machine; take a directory below the checkout",
            seen.display()
        ));
    };
    let mut args = vec!["--tmpfs".to_owned(), text(near)];
    for entry in entries.flatten() {
        let path = entry.path();
        match std::fs::read_link(&path) {
            Ok(target) => args.extend(["--symlink".to_owned(), text(&target), text(&path)]),
            Err(_) => args.extend(bind("--ro-bind-try", &path, &path)),
        }
    }
    args.extend(["--dir".to_owned(), text(seen), "--remount-ro".to_owned(), text(near)]);
    Ok(args)
}

fn bind(how: &str, from: &Path, to: &Path) -> Vec<String> {
    vec![how.to_owned(), text(from), text(to)]
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Namespaces of its own, no capabilities, and of the system only what programs need to start. The network stays: steps fetch.
fn isolation() -> Vec<String> {
    let mut args: Vec<&str> = vec![
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--uid",
        "65534",
        "--gid",
        "65534",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--ro-bind",
        "/usr",
        "/usr",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--size",
        "268435456",
        "--tmpfs",
        "/dev/shm",
        "--dir",
        "/tmp",
        "--symlink",
        "../tmp",
        "/var/tmp",
        "--dir",
        "/run",
    ];
    for dir in ["/bin", "/sbin", "/lib", "/lib32", "/lib64"] {
        args.extend(["--ro-bind-try", dir, dir]);
    }
    for file in [
        "/etc/alternatives",
        "/etc/ssl",
        "/etc/ca-certificates",
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/etc/group",
        "/etc/localtime",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
    ] {
        args.extend(["--ro-bind-try", file, file]);
    }
    args.into_iter().map(str::to_owned).collect()
}

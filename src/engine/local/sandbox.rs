//! What a step can see. In bubblewrap: the system read-only, its own checkout, home and caches, and nothing of Fairway.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a run's directories appear to its steps.
const INSIDE: &str = "/fairway";

/// How steps are kept apart from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// In bubblewrap.
    Bubblewrap,
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
    /// Cache directories that hold for longer than the run: the path a step uses, and where it really is.
    pub caches: Vec<(PathBuf, PathBuf)>,
    /// Directories with tools of the operator's, readable.
    pub tools: Vec<PathBuf>,
}

impl Sandbox {
    /// Bubblewrap, if it is there and may do its work here: containers often forbid it.
    pub fn probe() -> Result<Sandbox, String> {
        let Some(bwrap) = find("bwrap") else {
            return Err("bubblewrap is not installed; type `apt-get install bubblewrap`".to_owned());
        };
        let mut command = Command::new(bwrap);
        command.args(isolation()).args(["--", "true"]).env_clear().env("PATH", super::SYSTEM_PATH);
        match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output() {
            Ok(output) if output.status.success() => Ok(Sandbox::Bubblewrap),
            Ok(output) => Err(format!(
                "bubblewrap does not work on this machine: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
            Err(error) => Err(format!("bubblewrap cannot be started: {error}")),
        }
    }

    /// The whole command line for one step.
    pub fn wrap(self, place: &Place, line: &str) -> Vec<String> {
        let shell = ["/bin/sh", "-e", "-c", line].map(str::to_owned);
        if self == Sandbox::None {
            return shell.into();
        }
        let bwrap = find("bwrap").unwrap_or_else(|| PathBuf::from("/usr/bin/bwrap"));
        let mut args: Vec<String> = vec![text(&bwrap)];
        args.extend(isolation());
        for (outside, inside) in [(&place.source, "source"), (&place.home, "home")] {
            args.extend(["--bind".to_owned(), text(outside), format!("{INSIDE}/{inside}")]);
        }
        for (seen, real) in &place.caches {
            let seen = if seen.is_absolute() { seen.clone() } else { Path::new(INSIDE).join("source").join(seen) };
            args.extend(["--bind".to_owned(), text(real), text(&seen)]);
        }
        for tool in &place.tools {
            args.extend(["--ro-bind-try".to_owned(), text(tool), text(tool)]);
        }
        args.extend(["--chdir".to_owned(), format!("{INSIDE}/source"), "--".to_owned()]);
        args.extend(shell);
        args
    }

    /// Where a step sees the checkout.
    pub fn source(self, place: &Place) -> String {
        match self {
            Sandbox::Bubblewrap => format!("{INSIDE}/source"),
            Sandbox::None => text(&place.source),
        }
    }

    /// What a step calls its home.
    pub fn home(self, place: &Place) -> String {
        match self {
            Sandbox::Bubblewrap => format!("{INSIDE}/home"),
            Sandbox::None => text(&place.home),
        }
    }
}

/// A program of the system, by its absolute path: what a repository calls `bwrap` is not asked.
fn find(name: &str) -> Option<PathBuf> {
    super::SYSTEM_PATH.split(':').map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())
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
        "--tmpfs",
        "/tmp",
        "--dir",
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

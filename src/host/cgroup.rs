//! CPU limits of releases by cgroup v2: a group a release, below one that this host may write. What it takes is not
//! everywhere, so each step says in words why there is no limit, and nothing fails because of it.

use std::fs;
use std::path::{Path, PathBuf};

/// What the kernel counts a quota by, in microseconds; its own default.
const PERIOD_US: u64 = 100_000;
/// The group beside those of the releases that systemd puts the host into: `DelegateSubgroup=` of our unit.
const OWN: &str = "host";
/// What the groups of releases begin with.
const RELEASE: &str = "release-";

/// The group below which releases get theirs: the one that was named, or else the one that this process was given to
/// divide. It is tried, not only looked at.
///
/// # Errors
/// Why there is none, in words.
pub fn open(given: Option<&Path>) -> Result<PathBuf, String> {
    let base = match given {
        Some(given) => given.to_owned(),
        None => {
            let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"));
            own(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)?
        }
    };
    hand_on(&base).map(|()| base)
}

/// Where this process's group is, by `mountinfo` and `cgroup` of `/proc`; the one above if it is the host's own part of it.
fn own(mounts: &str, groups: &str) -> Result<PathBuf, String> {
    let nowhere = || "cgroup v2 is not mounted here".to_owned();
    let mount = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, at) = (place.next()?.to_owned(), place.next()?.to_owned());
        kind.starts_with("cgroup2 ").then_some((root, at))
    };
    let (root, at) = mounts.lines().find_map(mount).ok_or_else(nowhere)?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::")).ok_or_else(nowhere)?;
    // Where only a part of the tree is mounted, its root is no part of the way.
    let below = Path::new(path).strip_prefix(&root).map_err(|_| format!("the cgroup {path} is not below {at}"))?;
    let own: PathBuf = Path::new(&at).components().chain(below.components()).collect();
    match own.parent() {
        Some(parent) if own.file_name().is_some_and(|name| name == OWN) => Ok(parent.to_owned()),
        _ => Ok(own),
    }
}

/// Sees to it that groups below `base` can have CPU limits.
fn hand_on(base: &Path) -> Result<(), String> {
    let at = base.display();
    let read = |name: &str| {
        fs::read_to_string(base.join(name)).map_err(|error| format!("{at}/{name} cannot be read: {error}"))
    };
    let has_cpu = |text: &str| text.split_whitespace().any(|controller| controller == "cpu");
    if !has_cpu(&read("cgroup.controllers")?) {
        return Err(format!("{at} has no `cpu` controller to hand on (under systemd: `Delegate=cpu`)"));
    }
    // Only the root of all groups has no type, and only it may have processes beside groups with limits. Elsewhere the
    // kernel would take the first step and refuse the last.
    if base.join("cgroup.type").exists() && !read("cgroup.procs")?.trim().is_empty() {
        return Err(format!(
            "processes run in {at} itself, so the kernel allows no limits below (under systemd 254 or later: `DelegateSubgroup={OWN}`)"
        ));
    }
    if !has_cpu(&read("cgroup.subtree_control")?) {
        fs::write(base.join("cgroup.subtree_control"), "+cpu")
            .map_err(|error| format!("the `cpu` controller of {at} cannot be handed on: {error}"))?;
    }
    let one = base.join(format!("try-{}", std::process::id()));
    let tried = fs::create_dir(&one).and_then(|()| limit(&one, None));
    // The kernel's own files go with their group.
    let _ = fs::remove_file(one.join("cpu.max"));
    let _ = fs::remove_dir(&one);
    tried.map_err(|error| format!("no group with a limit can be made in {at}: {error}"))
}

/// `None`: as much as there is.
fn limit(group: &Path, cpu: Option<u32>) -> std::io::Result<()> {
    let quota = cpu.map_or_else(|| "max".to_owned(), |cpu| (u64::from(cpu) * PERIOD_US / 1_000).to_string());
    fs::write(group.join("cpu.max"), format!("{quota} {PERIOD_US}"))
}

/// Takes this process, and so all that it starts from here on, into a group of its own that may use `cpu` thousandths of a
/// processor. Groups that nobody is in any more are removed.
///
/// # Errors
/// Why it has no limit, in words.
pub fn enter(base: &Path, name: &str, cpu: u32) -> Result<(), String> {
    let group = base.join(format!("{RELEASE}{name}"));
    let one = || {
        match fs::create_dir(&group) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        limit(&group, Some(cpu))?;
        fs::write(group.join("cgroup.procs"), std::process::id().to_string())
    };
    sweep(base);
    // Somebody else may sweep it away before anybody is in it.
    let entered = one().or_else(|_| one()).or_else(|_| one());
    entered.map_err(|error| format!("{}: {error}", group.display()))
}

/// The kernel keeps those that somebody is in.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(RELEASE) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONLY: &str =
        "24 1 0:22 / /proc rw - proc proc rw\n30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_process_finds_the_group_that_it_may_divide() {
        let find = |groups: &str| own(ONLY, groups).map(|path| path.display().to_string());
        let unit = "/sys/fs/cgroup/system.slice/fairway-host@a.service";
        assert_eq!(find("0::/system.slice/fairway-host@a.service\n").as_deref(), Ok(unit));
        assert_eq!(find("0::/system.slice/fairway-host@a.service/host\n").as_deref(), Ok(unit));
        assert_eq!(find("0::/\n").as_deref(), Ok("/sys/fs/cgroup"));
        // Both hierarchies at once, as some systems still have them.
        let both = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw\n";
        let found = own(both, "1:cpu:/x\n0::/y\n");
        assert_eq!(found.as_deref(), Ok(Path::new("/sys/fs/cgroup/unified/y")));
        // A container that sees its part alone, by its way from outside.
        let part = ONLY.replace("0:26 / ", "0:26 /docker/1f ");
        assert_eq!(own(&part, "0::/docker/1f\n").as_deref(), Ok(Path::new("/sys/fs/cgroup")));
        assert_eq!(own(&part, "0::/other\n").unwrap_err(), "the cgroup /other is not below /sys/fs/cgroup");
        assert_eq!(own("", "0::/\n").unwrap_err(), "cgroup v2 is not mounted here");
        assert_eq!(own(ONLY, "1:cpu:/x\n").unwrap_err(), "cgroup v2 is not mounted here");
    }

    /// As much of a group as is looked at.
    fn group(controllers: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("cgroup.controllers"), controllers).expect("written");
        fs::write(dir.path().join("cgroup.subtree_control"), "").expect("written");
        dir
    }

    #[test]
    fn a_group_that_can_be_divided_is_and_a_release_gets_its_part() {
        let dir = group("cpuset cpu io memory pids\n");
        assert_eq!(open(Some(dir.path())).as_deref(), Ok(dir.path()));
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect(name);
        assert_eq!(read("cgroup.subtree_control"), "+cpu");
        let left: Vec<_> =
            fs::read_dir(dir.path()).expect("a directory").map(|e| e.expect("one").file_name()).collect();
        assert_eq!(left.len(), 2, "what was tried is gone: {left:?}");
        fs::create_dir(dir.path().join("release-gone")).expect("one that nobody is in");
        enter(dir.path(), "shop-1", 1_500).expect("it enters");
        assert_eq!(read("release-shop-1/cpu.max"), "150000 100000");
        assert_eq!(read("release-shop-1/cgroup.procs"), std::process::id().to_string());
        assert!(!dir.path().join("release-gone").exists(), "what nobody is in is removed");
        // Once more, as after a restart of it.
        enter(dir.path(), "shop-1", 10).expect("it enters");
        assert_eq!(read("release-shop-1/cpu.max"), "1000 100000");
    }

    #[test]
    fn where_there_is_no_limit_it_says_why() {
        let why = |dir: &Path| {
            let why = open(Some(dir)).expect_err("no limit");
            why.replace(&dir.display().to_string(), "DIR")
        };
        let none = tempfile::tempdir().expect("a directory");
        assert_eq!(why(none.path()), "DIR/cgroup.controllers cannot be read: No such file or directory (os error 2)");
        let dir = group("memory cpuset\n");
        assert_eq!(why(dir.path()), "DIR has no `cpu` controller to hand on (under systemd: `Delegate=cpu`)");
        let busy = group("cpu");
        fs::write(busy.path().join("cgroup.type"), "domain\n").expect("written");
        fs::write(busy.path().join("cgroup.procs"), "1\n").expect("written");
        assert_eq!(
            why(busy.path()),
            "processes run in DIR itself, so the kernel allows no limits below (under systemd 254 or later: `DelegateSubgroup=host`)"
        );
        assert_eq!(fs::read_to_string(busy.path().join("cgroup.subtree_control")).expect("there"), "");
        let gone = enter(&none.path().join("gone"), "x", 1).expect_err("no group");
        assert!(gone.ends_with("release-x: No such file or directory (os error 2)"), "{gone}");
    }
}

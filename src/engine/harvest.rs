//! What is kept of a run: report files, and the export by its content. Nothing is ever read through a symbolic link that leads out of the checkout.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use globset::GlobBuilder;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::domain::project::Report;
use crate::engine::{Export, Outcome, RunEvent, RunSpec, left};

/// Where exports are kept, each under its digest.
const EXPORTS: &str = "exports";
/// What the name of an export begins with until all of it is there.
const MAKING: &str = "making-";
/// The largest report that is read, in bytes.
const REPORT_BYTES: u64 = 16 * 1024 * 1024;
/// The most of all reports of a run together, in bytes.
const ALL_REPORTS_BYTES: usize = 64 * 1024 * 1024;
/// The most report files of a run.
const REPORTS: usize = 200;
/// The most files that are looked at.
const FILES: usize = 200_000;

/// Tells of the reports of a run, whether or not its steps passed. `seen_at` is where the steps saw the checkout.
pub async fn tell_reports(spec: &RunSpec, (source, seen_at): (&Path, &str), events: &mpsc::Sender<RunEvent>) {
    let (source, seen_at, wanted) = (source.to_owned(), seen_at.to_owned(), spec.reports.clone());
    let found = tokio::task::spawn_blocking(move || reports(&source, &seen_at, &wanted)).await;
    for event in found.unwrap_or_default() {
        drop(events.send(masked(event, spec)).await);
    }
}

/// Keeps what a run exports, below `data`, and tells of it. Gives how the run ends.
pub async fn keep_export((source, what): (&Path, &str), data: &Path, events: &mpsc::Sender<RunEvent>) -> Outcome {
    let (source, what, exports) = (source.to_owned(), what.to_owned(), data.join(EXPORTS));
    match tokio::task::spawn_blocking(move || export(&source, &what, &exports)).await {
        Ok(Ok(digest)) => {
            drop(events.send(RunEvent::Exported { digest }).await);
            Outcome::Success
        }
        Ok(Err(why)) => Outcome::Impossible(why),
        Err(error) => Outcome::Broken(format!("the export could not be kept: {error}")),
    }
}

/// Removes the halves of exports that a killed Fairway left below `data`.
pub fn sweep(data: &Path) {
    left::left(&data.join(EXPORTS), MAKING).iter().for_each(|dir| left::remove(dir));
}

/// Where what was exported under this digest is below `data`, if it is still there.
pub fn kept(data: &Path, digest: &str) -> Option<PathBuf> {
    let path = data.join(EXPORTS).join(digest);
    path.exists().then(|| std::path::absolute(&path).unwrap_or(path))
}

/// What is kept below `data`.
pub fn exports(data: &Path) -> Vec<Export> {
    let export = |entry: fs::DirEntry| {
        let digest = entry.file_name().into_string().ok().filter(|name| is_digest(name))?;
        let made = entry.metadata().ok()?.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Export { digest, made_at: i64::try_from(made.as_millis()).ok()? })
    };
    fs::read_dir(data.join(EXPORTS)).into_iter().flatten().flatten().filter_map(export).collect()
}

fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Removes one of them. It is out of everybody's sight before its first file goes.
pub fn forget(data: &Path, digest: &str) {
    let exports = data.join(EXPORTS);
    let going = exports.join(format!("{}{digest}", left::prefix(MAKING)));
    match fs::rename(exports.join(digest), &going) {
        Ok(()) => left::remove(&going),
        Err(error) => tracing::warn!("the export {digest} cannot be removed: {error}"),
    }
}

/// How large what was exported under this digest is, in bytes, if it is kept below `data`.
pub fn kept_bytes(data: &Path, digest: &str) -> Option<u64> {
    let root = kept(data, digest)?;
    let size = |file: &PathBuf| fs::symlink_metadata(root.join(file)).map_or(0, |meta| meta.len());
    Some(list(&root).ok()?.iter().map(size).sum())
}

/// What a step wrote into a file is shown as annotations, so it is masked as its output is.
fn masked(event: RunEvent, spec: &RunSpec) -> RunEvent {
    let hide = |bytes: &[u8]| {
        let mut mask = spec.mask();
        let mut out = mask.pass(bytes);
        out.extend(mask.rest());
        out
    };
    let hide_text = |text: &str| String::from_utf8_lossy(&hide(text.as_bytes())).into_owned();
    match event {
        RunEvent::Report { kind, path, root, bytes } => {
            RunEvent::Report { kind, path: hide_text(&path), root, bytes: hide(&bytes) }
        }
        RunEvent::Note(words) => RunEvent::Note(hide_text(&words)),
        other => other,
    }
}

/// Reads the report files that are there. `seen_at` is where the steps saw the checkout.
fn reports(source: &Path, seen_at: &str, wanted: &[Report]) -> Vec<RunEvent> {
    let mut events = Vec::new();
    let mut files = Vec::new();
    let mut left = ALL_REPORTS_BYTES;
    for report in wanted {
        let Ok(glob) = GlobBuilder::new(&report.path).literal_separator(true).build() else { continue };
        let glob = glob.compile_matcher();
        if files.is_empty() {
            files = list(source).unwrap_or_default();
        }
        for file in files.iter().filter(|f| glob.is_match(f)).take(REPORTS) {
            let path = file.to_string_lossy().into_owned();
            match read_inside(source, file) {
                Ok(bytes) if bytes.len() > left => {
                    let most = ALL_REPORTS_BYTES / 1024 / 1024;
                    events.push(RunEvent::Note(format!(
                        "Reports from {path} on were not read: together they are larger than {most} MB."
                    )));
                    return events;
                }
                Ok(bytes) => {
                    left -= bytes.len();
                    events.push(RunEvent::Report { kind: report.kind, path, root: seen_at.to_owned(), bytes });
                }
                Err(why) => events.push(RunEvent::Note(format!("The report {path} was not read: {why}."))),
            }
        }
    }
    events
}

fn read_inside(source: &Path, file: &Path) -> Result<Vec<u8>, String> {
    let real = source.join(file).canonicalize().map_err(|e| e.to_string())?;
    let root = source.canonicalize().map_err(|e| e.to_string())?;
    if !real.starts_with(&root) {
        return Err("it leads out of the checkout".to_owned());
    }
    let meta = fs::metadata(&real).map_err(|e| e.to_string())?;
    if !meta.is_file() || meta.len() > REPORT_BYTES {
        return Err(format!("it is larger than {} MB or no file", REPORT_BYTES / 1024 / 1024));
    }
    fs::read(&real).map_err(|e| e.to_string())
}

/// All files below, relative and sorted; directories that are links are not entered.
fn list(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(root.join(&dir)).map_err(|e| e.to_string())? {
            let entry = entry.map_err(|e| e.to_string())?;
            let path = dir.join(entry.file_name());
            let kind = entry.file_type().map_err(|e| e.to_string())?;
            if kind.is_dir() {
                if path != Path::new(".git") {
                    left.push(path);
                }
            } else {
                files.push(path);
            }
            if files.len() > FILES {
                return Err(format!("there are more than {FILES} files"));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Keeps a file or directory of the checkout under `exports/DIGEST`. Gives the digest, or why it cannot be kept.
fn export(source: &Path, what: &str, exports: &Path) -> Result<String, String> {
    let what = Path::new(what.trim_end_matches('/'));
    if what.is_absolute() || what.components().any(|c| matches!(c, Component::ParentDir)) {
        return Err(format!("`export = {:?}` leads out of the checkout", what.display().to_string()));
    }
    let from = source.join(what);
    let meta = fs::symlink_metadata(&from)
        .map_err(|_| format!("the steps made no `{}`, which `export` names", what.display()))?;
    let inside = from.canonicalize().is_ok_and(|real| source.canonicalize().is_ok_and(|root| real.starts_with(root)));
    if meta.is_symlink() || !inside {
        return Err(format!("`{}` is a symbolic link, or below one that leads out of the checkout", what.display()));
    }
    fs::create_dir_all(exports).map_err(|e| format!("the export cannot be kept: {e}"))?;
    let building = tempfile::Builder::new().prefix(&left::prefix(MAKING)).tempdir_in(exports);
    let building = building.map_err(|e| format!("the export cannot be kept: {e}"))?;
    let too_many =
        |why| format!("`{}` cannot be kept: {why}; pack them into one, for example with tar", what.display());
    let files = if meta.is_dir() { list(&from).map_err(too_many)? } else { vec![PathBuf::new()] };
    let mut digest = Sha256::new();
    for file in &files {
        // A single file is exported under its own name; joining nothing to its path would ask for a directory.
        let (at, path) = if file.as_os_str().is_empty() {
            (from.clone(), PathBuf::from(what.file_name().unwrap_or_default()))
        } else {
            (from.join(file), file.clone())
        };
        if !stays(&at, &from) {
            return Err(format!(
                "`{}` cannot be kept: it is a symbolic link that leads out of the export",
                path.display()
            ));
        }
        keep(&at, &building.path().join(&path), (&path, &mut digest))
            .map_err(|e| format!("`{}` cannot be kept: {e}", path.display()))?;
    }
    let name = hex::encode(digest.finalize());
    let to = exports.join(&name);
    // The same content may have been kept before, or just now by another run; then this copy goes with its directory.
    match fs::rename(building.path(), &to) {
        Err(error) if !to.exists() => return Err(format!("the export cannot be kept: {error}")),
        Ok(()) => {}
        // Made again, it is as good as new.
        Err(_) => {
            let made = building.path().metadata().and_then(|copy| copy.modified());
            drop(made.and_then(|made| fs::File::open(&to)?.set_modified(made)));
        }
    }
    Ok(name)
}

/// Whether what is read at `file` is really below `root`: a link may look as if it stays and lead out over another link.
fn stays(file: &Path, root: &Path) -> bool {
    file.canonicalize().is_ok_and(|real| root.canonicalize().is_ok_and(|root| real.starts_with(root)))
}

/// Copies one file, or one link that stays inside, and adds it to the digest: path, kind, mode, content.
fn keep(from: &Path, to: &Path, (path, digest): (&Path, &mut Sha256)) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(|e| e.to_string())?;
    }
    let meta = fs::symlink_metadata(from).map_err(|e| e.to_string())?;
    let name = path.to_string_lossy();
    if meta.is_symlink() {
        let target = fs::read_link(from).map_err(|e| e.to_string())?;
        if target.is_absolute() || climbs(path, &target) {
            return Err("it is a symbolic link that leads out of the export".to_owned());
        }
        digest.update(format!("link {name}\0{}\0", target.display()));
        return std::os::unix::fs::symlink(&target, to).map_err(|e| e.to_string());
    }
    if !meta.is_file() {
        return Err("it is neither a file nor a link".to_owned());
    }
    let run = meta.permissions().mode() & 0o111 != 0;
    digest.update(format!("file {name}\0{run}\0{}\0", meta.len()));
    feed(from, digest).map_err(|e| e.to_string())?;
    fs::copy(from, to).map_err(|e| e.to_string())?;
    fs::set_permissions(to, fs::Permissions::from_mode(if run { 0o755 } else { 0o644 })).map_err(|e| e.to_string())
}

fn feed(from: &Path, digest: &mut Sha256) -> std::io::Result<()> {
    let mut source = fs::File::open(from)?;
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(()),
            n => digest.update(&buffer[..n]),
        }
    }
}

/// Whether a relative link at `path` climbs above the export's root.
fn climbs(path: &Path, target: &Path) -> bool {
    let mut depth = path.components().count() as i64 - 1;
    for part in target.components() {
        match part {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::project::ReportKind;
    use std::os::unix::fs::symlink;

    #[test]
    fn an_export_is_kept_by_content_and_never_leads_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let (source, exports) = (dir.path().join("source"), dir.path().join("exports"));
        fs::create_dir_all(source.join("dist/bin")).expect("made");
        fs::write(source.join("dist/bin/app"), "app").expect("written");
        symlink("bin/app", source.join("dist/run")).expect("linked");
        let first = export(&source, "dist/", &exports).expect("kept");
        assert_eq!(export(&source, "dist", &exports).as_ref(), Ok(&first));
        assert_eq!(fs::read_to_string(exports.join(&first).join("run")).expect("read through the link"), "app");
        fs::write(source.join("dist/bin/app"), "other").expect("written");
        assert_ne!(export(&source, "dist", &exports), Ok(first));
        symlink("../../secret", source.join("dist/out")).expect("linked");
        assert!(export(&source, "dist", &exports).is_err_and(|e| e.contains("leads out of the export")));
        assert!(export(&source, "../x", &exports).is_err_and(|e| e.contains("leads out of the checkout")));
        assert!(export(&source, "nothing", &exports).is_err_and(|e| e.contains("made no")));
        fs::remove_file(source.join("dist/out")).expect("removed");
        // Each looks harmless by its words: `up` stays in the export, and `round` goes down before it goes up.
        fs::create_dir_all(source.join("dist/a/b")).expect("made");
        symlink("../bin", source.join("dist/a/b/../up")).expect("linked");
        symlink("a/up/../../../secret.xml", source.join("dist/round")).expect("linked");
        fs::write(source.join("../secret.xml"), "x").expect("written");
        assert!(export(&source, "dist", &exports).is_err_and(|e| e.contains("leads out of the export")));
        symlink("/etc", source.join("etc")).expect("linked");
        assert!(export(&source, "etc", &exports).is_err());
        assert!(export(&source, "etc/ssl", &exports).is_err());
    }

    #[test]
    fn what_is_forgotten_is_gone_and_what_is_made_again_is_new() {
        let dir = tempfile::tempdir().expect("a directory");
        let (data, source) = (dir.path(), dir.path().join("source"));
        fs::create_dir_all(source.join("dist/bin")).expect("made");
        fs::write(source.join("dist/bin/app"), "12345").expect("written");
        let digest = export(&source, "dist", &data.join(EXPORTS)).expect("kept");
        fs::create_dir_all(data.join(EXPORTS).join("making-1-x")).expect("a half");
        let old = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(7_000);
        let at = data.join(EXPORTS).join(&digest);
        fs::File::open(&at).and_then(|dir| dir.set_modified(old)).expect("aged");
        assert_eq!(exports(data), [Export { digest: digest.clone(), made_at: 7_000 }], "a half is none");
        assert_eq!(export(&source, "dist", &data.join(EXPORTS)).as_ref(), Ok(&digest));
        assert!(exports(data)[0].made_at > 7_000);
        assert_eq!((kept_bytes(data, &digest), kept_bytes(data, "other")), (Some(5), None));
        forget(data, &digest);
        forget(data, &digest);
        assert_eq!((exports(data), kept(data, &digest)), (Vec::new(), None));
    }

    #[test]
    fn a_report_is_not_read_through_a_link_that_leads_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let source = dir.path().join("source");
        fs::create_dir_all(source.join("target")).expect("made");
        fs::write(dir.path().join("secret.xml"), "<secret/>").expect("written");
        fs::write(source.join("target/a.xml"), "<a/>").expect("written");
        symlink("../../secret.xml", source.join("target/b.xml")).expect("linked");
        let wanted = [Report { kind: ReportKind::Junit, path: "target/*.xml".into() }];
        let found = reports(&source, "/src", &wanted);
        assert_eq!(found.len(), 2);
        assert!(matches!(&found[0], RunEvent::Report { bytes, .. } if bytes == b"<a/>"));
        assert!(matches!(&found[1], RunEvent::Note(note) if note.contains("leads out")));
    }
}

use super::*;

fn package(name: &str, registry: Option<&str>) -> Package {
    Package { ecosystem: Ecosystem::Python, registry: registry.map(str::to_owned), name: name.to_owned() }
}

fn read(text: &str) -> Result<Vec<Release>, String> {
    let mut reader = Python::default().reader(&package("Zope.Interface", None), false);
    for piece in text.as_bytes().chunks(5) {
        reader.feed(piece)?;
    }
    reader.end()
}

const DOCUMENT: &str = r#"{
  "meta": { "api-version": "1.1" }, "name": "zope.interface", "versions": ["5.0", "5.1", "6.0b1", "7.0"],
  "files": [
    { "filename": "zope.interface-5.0.tar.gz", "upload-time": "2020-01-01T00:00:00.000000Z", "yanked": false, "requires-python": ">=3.8", "hashes": { "sha256": "x" } },
    { "filename": "zope_interface-5.0-cp39-cp39-win32.whl", "upload-time": "2020-01-02T00:00:00Z", "yanked": false },
    { "filename": "zope.interface-5.0.win32-py2.7.exe", "upload-time": "2030-01-02T00:00:00Z" },
    { "filename": "zope_interface-5.1-py3-none-any.whl", "upload-time": "2020-02-01T00:00:00Z", "yanked": "broken" },
    { "filename": "zope-interface-5.1.tar.gz", "yanked": "broken", "requires-python": null },
    { "filename": "zope_interface-6.0b1.zip", "upload-time": "soon", "core-metadata": { "filename": "other-1.tar.gz" } }
  ]
}"#;

#[test]
fn a_version_is_what_its_files_say_together() {
    let releases = read(DOCUMENT).expect("a list of files");
    let shown: Vec<_> =
        releases.iter().map(|one| (one.version.as_str(), one.published, one.yanked, one.needs.as_deref())).collect();
    let expected = [
        ("5.0", Some(1_577_836_800_000 + 86_400_000), false, Some(">=3.8")),
        ("5.1", None, true, None),
        ("6.0b1", None, false, None),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn names_of_files_have_a_version() {
    assert_eq!(version("python-dateutil", "python-dateutil-2.9.0.post0.tar.gz"), Some("2.9.0.post0"));
    assert_eq!(version("python-dateutil", "python_dateutil-2.9.0-py3-none-any.whl"), Some("2.9.0"));
    assert_eq!(version("black", "black-21.6b0-py3-none-any.whl"), Some("21.6b0"));
    assert_eq!([version("a", "b-1.tar.gz"), version("a", "a-1.exe"), version("a", "a")], [None; 3]);
}

#[test]
fn what_is_no_list_of_files_is_said() {
    assert_eq!(read("{}"), Err("the answer is no list of a package's files".into()));
    assert_eq!(read(r#"{"name": "other", "files": []}"#), Err("the answer is about another package (other)".into()));
    assert_eq!(
        read(r#"{"name": "zope-interface", "files": []}"#),
        Err("it has no files that could be installed".into())
    );
    assert_eq!(read("<html>"), Err("the answer is not the JSON that belongs there".into()));
    assert_eq!(read(&DOCUMENT[..DOCUMENT.len() / 2]), Err("the answer ends too early".into()));
}

#[test]
fn an_address_is_made_of_the_persons_own_configuration() {
    let pip = "[global]\nindex-url: https://u:secret@mirror.test/simple/\n[install]\ntimeout = 3\n";
    let uv = "[[index]]\nname = \"wheels\"\nurl = \"https://wheels.test/cpu\"\n";
    let python = Python::of_texts(&[pip], uv, &BTreeMap::new());
    assert_eq!(
        python.address(&package("Zope.Interface", None)),
        Ok("https://u:secret@mirror.test/simple/zope-interface/".into())
    );
    assert_eq!(python.address(&package("torch", Some("wheels"))), Ok("https://wheels.test/cpu/torch/".into()));
    let same = package("x", Some("https://mirror.test/simple"));
    assert!(python.address(&same).is_ok(), "the repository names the one that is asked anyway");
    let why = python.address(&package("x", Some("house"))).expect_err("nobody knows it");
    assert_eq!(
        why,
        "the repository takes it from the index house, and neither pip's nor uv's configuration here names that one"
    );
    assert!(python.address(&package("../x", None)).is_err());
    assert!(!format!("{python:?}").contains("secret"));
}

#[test]
fn the_environment_is_stronger_than_files() {
    let uv = "[[index]]\nurl = \"https://uv.test/simple\"\ndefault = true\n";
    let pip = "[global]\nindex-url = https://pip.test/simple\n";
    let of = |env: &[(&str, &str)]| {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Python::of_texts(&[pip], uv, &env).address(&package("x", None))
    };
    assert_eq!(of(&[]), Ok("https://pip.test/simple/x/".into()));
    assert_eq!(of(&[("UV_DEFAULT_INDEX", "https://env.test/s")]), Ok("https://env.test/s/x/".into()));
    assert_eq!(
        of(&[("UV_INDEX_URL", "u"), ("PIP_INDEX_URL", "http://127.0.0.1:1/s/")]),
        Ok("http://127.0.0.1:1/s/x/".into())
    );
    let why = Python::default().address(&package("x", None)).expect_err("nothing is configured");
    assert_eq!(why, "it is not known where Python packages are: set `index-url` in pip.conf, or PIP_INDEX_URL");
}

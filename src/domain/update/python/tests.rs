use super::*;
use crate::domain::update::model::Locked;

fn files(all: &[(&str, &str)]) -> Files {
    all.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// `file:line name requirement [locked]`, and from where if not the registry.
fn lines(found: &Found) -> Vec<String> {
    let shown = found.declared.iter().map(|one| {
        let origin = match &one.origin {
            Origin::Registry => String::new(),
            other => format!(" {other:?}"),
        };
        format!("{}:{} {} {} {:?}{origin}", one.file, one.line, one.name, one.requirement, one.locked)
    });
    shown.collect()
}

fn locked(found: &Found) -> Vec<String> {
    let shown = |at: &usize| format!("{} {}", found.locked[*at].name, found.locked[*at].version);
    let line = |one: &Locked| {
        format!(
            "{} {} {:?} needs {}",
            one.name,
            one.version,
            one.origin,
            one.needs.iter().map(shown).collect::<Vec<_>>().join(", ")
        )
    };
    found.locked.iter().map(line).collect()
}

#[test]
fn requirements_with_everything_pip_reads() {
    let text = "\u{feff}# a list\r\n--index-url https://u:secret@index.test/simple --trusted-host index.test\r\nDjango[argon2]==3.2.0 ; python_version < '3.12'  # why\r\n\
        requests==2.25.1 \\\r\n    --hash=sha256:aa \\\r\n    --hash=sha256:bb\r\n-r dev/more.txt\r\n-e .\r\n\
        git+https://me:ghp_secret@code.test/x.git@main#egg=My_X\r\n./local\r\nurllib3>=1.26,<2\r\nnot a line\r\n";
    let more = "-r ../requirements.txt\n-rnowhere.txt\npytest==6.2.4\n";
    let found = extract(&files(&[("requirements.txt", text), ("dev/more.txt", more)]));
    insta::assert_snapshot!(lines(&found).join("\n"), @r#"
    dev/more.txt:3 pytest ==6.2.4 ["6.2.4"]
    requirements.txt:3 django ==3.2.0 ["3.2.0"] Named("https://index.test/simple")
    requirements.txt:4 requests ==2.25.1 ["2.25.1"] Named("https://index.test/simple")
    requirements.txt:9 my-x  [] Elsewhere("git+https://code.test/x.git@main")
    requirements.txt:10 ./local  [] Elsewhere("./local")
    requirements.txt:11 urllib3 >=1.26,<2 [] Named("https://index.test/simple")
    "#);
    insta::assert_snapshot!(locked(&found).join("\n"), @r#"
    django 3.2.0 Named("https://index.test/simple") needs 
    requests 2.25.1 Named("https://index.test/simple") needs 
    pytest 6.2.4 Registry needs
    "#);
    insta::assert_snapshot!(found.notes.join("\n"), @"
    requirements.txt: line 12 is no requirement that is known here
    dev/more.txt: line 2 names nowhere.txt, which is not there
    ");
    assert!(!format!("{found:?}").contains("secret"));
}

#[test]
fn what_is_compiled_from_an_in_file_is_its_lock() {
    let found = extract(&files(&[
        ("requirements.in", "django>=3\n"),
        ("requirements.txt", "asgiref==3.4.1\n    # via django\ndjango==3.2.0\n    # via -r requirements.in\n"),
    ]));
    assert_eq!(lines(&found), [r#"requirements.in:1 django >=3 ["3.2.0"]"#]);
    assert_eq!(found.locked.len(), 2);
}

#[test]
fn who_a_compiled_line_is_there_for_stands_in_its_comments() {
    let list = "a==1 \\\n    --hash=sha256:00\n    # via\n    #   -r requirements.in\n    #   B.c[fast]\n    #   d\n# an aside\n#   e\n\
        b-c==1  # via d, -c limits.txt\nd==1\n    # via app (pyproject.toml)\ne==1\n    # viable\n    #   d\n";
    let found = extract(&files(&[("requirements.in", "a\n"), ("requirements.txt", list)]));
    insta::assert_snapshot!(locked(&found).join("\n"), @"
    a 1 Registry needs 
    b-c 1 Registry needs a 1
    d 1 Registry needs a 1, b-c 1
    e 1 Registry needs
    ");
}

#[test]
fn what_locks_say_of_requirements_is_kept_by_place() {
    let poetry = "[[package]]\nname = \"outer\"\nversion = \"1\"\n[package.dependencies]\nInner_A = \">=1,<2\"\n\
        two = [{version = \"<3\", markers = \"python_version < '3.9'\"}, {version = \">=3\"}]\n\
        pysocks = {version = \"^1.5\", optional = true, markers = \"extra == 'socks'\"}\naway = {git = \"https://code.test/x\"}\n";
    let uv = "[[package]]\nname = \"own\"\nversion = \"1\"\n[[package]]\nname = \"outer\"\nversion = \"1\"\ndependencies = [{ name = \"a\" }]\n\
        [package.optional-dependencies]\nSocks = [{ name = \"PySocks\" }]\n";
    let found = extract(&files(&[("p/poetry.lock", poetry), ("u/uv.lock", uv)]));
    let one = |one: &crate::domain::update::Dependency| {
        format!("{} {:?} {} {:?} {:?}", one.name, one.requirement, one.optional, one.by, one.marker)
    };
    let all = found.asks.iter().map(|(at, asks)| {
        let asks: Vec<String> = asks.iter().map(one).collect();
        format!("{} in {}:\n{}", found.locked[*at].name, found.locked[*at].file, asks.join("\n"))
    });
    insta::assert_snapshot!(all.collect::<Vec<_>>().join("\n"), @r#"
    outer in p/poetry.lock:
    inner-a ">=1,<2" false [] None
    pysocks "^1.5" true [] Some("extra == 'socks'")
    two "<3" false [] Some("python_version < '3.9'")
    two ">=3" false [] None
    outer in u/uv.lock:
    pysocks "" true ["socks"] None
    "#);
}

const PROJECT: &str = r#"
[build-system]
requires = ["hatchling>=1"]

[project]
requires-python = ">=3.9,<4"
dependencies = [
    "httpx[http2]>=0.27 ; os_name != 'nt'",
    "core",
    "torch~=2.1",
    "secretive @ git+https://x:token@code.test/s.git",
]

[project.optional-dependencies]
fast = ["uvloop"]

[dependency-groups]
dev = ["pytest>=8", { include-group = "lint" }]
lint = ["ruff==0.4.1"]

[tool.uv.sources]
core = { workspace = true }
torch = [{ index = "wheels", marker = "os_name != 'nt'" }]

[[tool.uv.index]]
name = "wheels"
url = "https://wheels.test/cpu"
"#;

const UV: &str = r#"
version = 1
requires-python = ">=3.9, <4"

[[package]]
name = "app"
source = { editable = "." }
dependencies = [{ name = "httpx", extra = ["http2"] }, { name = "numpy", version = "1.26.4", source = { registry = "https://index.test/simple" }, marker = "a" }]

[package.optional-dependencies]
fast = [{ name = "uvloop" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[[package]]
name = "httpx"
version = "0.27.0"
source = { registry = "https://index.test/simple" }

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://index.test/simple" }

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://index.test/simple" }

[[package]]
name = "pytest"
version = "8.1.0"
source = { registry = "https://index.test/simple" }

[[package]]
name = "secretive"
version = "1.0"
source = { git = "https://x:token@code.test/s.git?rev=main#abc" }

[[package]]
name = "torch"
version = "2.1.0"
source = { registry = "https://wheels.test/cpu" }

[[package]]
name = "uvloop"
version = "0.19.0"
source = { registry = "https://index.test/simple" }
"#;

#[test]
fn a_project_by_pep_621_with_the_lock_of_uv() {
    let found = extract(&files(&[("app/pyproject.toml", PROJECT), ("uv.lock", UV)]));
    insta::assert_snapshot!(lines(&found).join("\n"), @r#"
app/pyproject.toml:3 hatchling >=1 []
app/pyproject.toml:8 httpx >=0.27 ["0.27.0"]
app/pyproject.toml:9 core  [] Elsewhere("workspace")
app/pyproject.toml:10 torch ~=2.1 ["2.1.0"] Named("wheels")
app/pyproject.toml:11 secretive  ["1.0"] Elsewhere("git+https://code.test/s.git")
app/pyproject.toml:15 uvloop  ["0.19.0"]
app/pyproject.toml:18 pytest >=8 ["8.1.0"]
app/pyproject.toml:19 ruff ==0.4.1 []
"#);
    insta::assert_snapshot!(locked(&found).join("\n"), @r#"
    app  Elsewhere("editable .") needs httpx 0.27.0, numpy 1.26.4, pytest 8.1.0, uvloop 0.19.0
    httpx 0.27.0 Registry needs 
    numpy 1.26.4 Registry needs 
    numpy 2.1.0 Registry needs 
    pytest 8.1.0 Registry needs 
    secretive 1.0 Elsewhere("git https://code.test/s.git") needs 
    torch 2.1.0 Named("wheels") needs 
    uvloop 0.19.0 Registry needs
    "#);
    assert_eq!(found.toolchains, [("python".to_owned(), ">=3.9,<4".to_owned())]);
    assert!(found.notes.is_empty() && !format!("{found:?}").contains("token"), "{:?}", found.notes);
}

#[test]
fn a_project_of_poetry() {
    let project = r#"
[tool.poetry.dependencies]
python = "^3.9"
Flask = "^2.0"
celery = { version = "~5.0", extras = ["redis"] }
local = { path = "../local" }
inner = { version = "1.0", source = "house" }
both = [
    { version = "<2", python = "<3.8" },
    { version = ">=2", python = ">=3.8" },
]

[tool.poetry.group.dev.dependencies.black]
version = "21.6b0"
allow-prereleases = true
"#;
    let lock = r#"
[[package]]
name = "flask"
version = "2.0.0"
[package.dependencies]
Werkzeug = ">=2.0"
[[package]]
name = "Werkzeug"
version = "2.0.0"
[[package]]
name = "inner"
version = "1.0"
[package.source]
type = "legacy"
url = "https://t:token@house.test/simple"
reference = "house"
"#;
    let found = extract(&files(&[("pyproject.toml", project), ("poetry.lock", lock)]));
    insta::assert_snapshot!(lines(&found).join("\n"), @r#"
pyproject.toml:4 flask ^2.0 ["2.0.0"]
pyproject.toml:5 celery ~5.0 []
pyproject.toml:6 local  [] Elsewhere("../local")
pyproject.toml:7 inner 1.0 ["1.0"] Named("house")
pyproject.toml:9 both <2 []
pyproject.toml:10 both >=2 []
pyproject.toml:13 black 21.6b0 []
"#);
    insta::assert_snapshot!(locked(&found).join("\n"), @r#"
    flask 2.0.0 Registry needs werkzeug 2.0.0
    werkzeug 2.0.0 Registry needs 
    inner 1.0 Named("house") needs
    "#);
    assert_eq!(found.toolchains, [("python".to_owned(), "^3.9".to_owned())]);
    assert!(!format!("{found:?}").contains("token"));
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_read() {
    let found = extract(&files(&[
        ("a/pyproject.toml", "[project]\nname = 'x'\n[project]\n"),
        ("a/uv.lock", "[[package]]\nname = \"https://u:secret@x\" oops\n"),
        ("b/requirements.txt", "<<<<<<< HEAD\ndjango==3.2\n=======\ndjango==3.1\n>>>>>>> x\n"),
        ("c/requirements.txt", "certifi==2024.10\n"),
    ]));
    insta::assert_snapshot!(found.notes.join("\n"), @"
a/uv.lock is not read: line 2: unexpected key or value, expected newline, `#`
a/pyproject.toml is not read: line 3: duplicate key
b/requirements.txt is not read: line 1 is the marker of a merge that is not finished
");
    assert_eq!(lines(&found), [r#"c/requirements.txt:1 certifi ==2024.10 ["2024.10"]"#]);
}

#[test]
fn a_lock_of_two_hundred_thousand_lines_is_read() {
    let package = |at: usize| {
        let next = (at + 1) % 25_000;
        format!(
            "[[package]]\nname = \"p{at}\"\nversion = \"1.{at}\"\nsource = {{ registry = \"https://index.test/simple\" }}\ndependencies = [\n    {{ name = \"p{next}\" }},\n]\n\n"
        )
    };
    let lock: String = (0..25_000).map(package).collect();
    assert_eq!(lock.lines().count(), 200_000);
    let found = extract(&files(&[("uv.lock", &lock)]));
    assert_eq!(found.locked.len(), 25_000);
    assert_eq!(found.locked[24_999].needs, [0]);
}

//! Clients other than cargo: what they are called with, and with which manifests.

use super::*;

/// Every line of the manifests for a package, as a look at the repository names it.
fn found(texts: &Files, ecosystem: Ecosystem, name: &str, (from, to): (&str, &str)) -> Vec<Item> {
    let all = extract(texts).declared;
    let these = all.iter().filter(|one| one.ecosystem == ecosystem && one.name == name);
    these.map(|one| item(ecosystem, &format!("{}:{}", one.file, one.line), name, (from, to))).collect()
}

fn calls(plan: &Plan) -> Vec<String> {
    let place = |call: &Command| if call.folder.is_empty() { ".".to_owned() } else { call.folder.clone() };
    plan.commands.iter().map(|call| format!("{}: {}", place(call), call.argv.join(" "))).collect()
}

const PACKAGE: &str = "\u{feff}{\r\n\t\"name\": \"n\",\r\n\t\"dependencies\": {\r\n\t\t\"ms\": \"^2.0.0\", \"ms2\": \"^2.0.0\",\r\n\
    \t\t\"old\":\r\n\t\t\t\"npm:@s/react@~17.0\"\r\n\t},\r\n\t\"devDependencies\": { \"ms\" : \"2.x\" }\r\n}";

#[test]
fn npm_is_called_with_the_version_and_then_with_its_range() {
    let texts = files(&[("w/package.json", PACKAGE), ("package-lock.json", "{\"lockfileVersion\":3,\"packages\":{}}")]);
    let wanted = found(&texts, Ecosystem::Npm, "ms", ("2.0.0", "3.1.0"));
    let made = plan(&texts, &wanted).expect("a plan");
    let expected = PACKAGE.replace("\"ms\": \"^2.0.0\"", "\"ms\": \"^3.1.0\"").replace("2.x", "3.x");
    let at = |text: String| [("w/package.json".to_owned(), text)];
    assert_eq!(made.files, at(expected.clone()));
    let exact = PACKAGE.replace("\"ms\": \"^2.0.0\"", "\"ms\": \"3.1.0\"").replace("2.x", "3.1.0");
    assert_eq!(made.commands[0].before, at(exact));
    assert_eq!(made.commands[1].before, at(expected));
    assert_eq!(calls(&made)[0], ".: npm install --package-lock-only --ignore-scripts --no-audit --no-fund");
    let alias = found(&texts, Ecosystem::Npm, "@s/react", ("17.0.0", "18.2.0"));
    let alias = plan(&texts, &alias).expect("an alias");
    assert_eq!(alias.files, at(PACKAGE.replace("~17.0", "~18.2")));
    assert_eq!(alias.commands[0].before, at(PACKAGE.replace("~17.0", "18.2.0")));
    // What the range takes already leaves the manifest as it was.
    let mut within = found(&texts, Ecosystem::Npm, "ms2", ("2.0.0", "2.4.0"));
    within[0].lock_only = true;
    let within = plan(&texts, &within).expect("a plan");
    assert_eq!((within.files.len(), within.commands[1].before.as_slice()), (0, at(PACKAGE.to_owned()).as_slice()));
}

#[test]
fn every_client_runs_without_scripts() {
    let one = "{\"dependencies\":{\"ms\":\"^2.0.0\"}}";
    for (lock, text, said) in [
        ("package-lock.json", "{}", "--ignore-scripts"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "--ignore-scripts --ignore-pnpmfile"),
        ("yarn.lock", "# yarn lockfile v1\n", "--ignore-scripts"),
    ] {
        let texts = files(&[("package.json", one), (lock, text)]);
        let made = plan(&texts, &found(&texts, Ecosystem::Npm, "ms", ("2.0.0", "3.0.0"))).expect(lock);
        assert!(calls(&made).len() == 2 && calls(&made).iter().all(|line| line.contains(said)), "{:?}", calls(&made));
    }
    let texts = files(&[("package.json", one), ("yarn.lock", "__metadata:\n  version: 8\n")]);
    let made = plan(&texts, &found(&texts, Ecosystem::Npm, "ms", ("2.0.0", "3.0.0"))).expect("yarn");
    assert!(made.commands[0].env.contains(&("YARN_ENABLE_SCRIPTS".to_owned(), "false".to_owned())));
}

#[test]
fn npm_is_told_of_what_no_manifest_names_by_an_override_of_the_first_call_alone() {
    let plain = "{\"dependencies\":{\"outer\":\"1\"},\"overrides\":{\"zlib\":\"1.0.0\"}}";
    let deep = || item(Ecosystem::Npm, "web/package-lock.json:0", "ms", ("2.0.0", "2.1.0"));
    let texts = files(&[("web/package.json", plain), ("web/package-lock.json", "{}")]);
    let made = plan(&texts, &[deep()]).expect("npm can");
    let manifest = |text: &str| vec![("web/package.json".to_owned(), text.to_owned())];
    let told = plain.replace("\"zlib\":", "\"ms@2.0.0\":\"2.1.0\",\"zlib\":");
    let before: Vec<_> = made.commands.iter().map(|command| command.before.clone()).collect();
    assert_eq!(before, [manifest(&told), manifest(plain)]);
    assert_eq!((made.files.len(), made.locks.as_slice()), (0, ["web/package-lock.json".to_owned()].as_slice()));
    for (text, why) in [
        (plain.replace("zlib", "ms@1"), "has an override for ms"),
        (plain.replace("{\"zlib\":\"1.0.0\"}", "[]"), "is no table"),
        ("{".to_owned(), "cannot be read"),
    ] {
        let texts = files(&[("web/package.json", text.as_str()), ("web/package-lock.json", "{}")]);
        let said = plan(&texts, &[deep()]).expect_err(why);
        assert!(said.contains("web/package.json") && said.contains(why), "{said}");
    }
    let none = files(&[("web/package-lock.json", "{}")]);
    assert!(plan(&none, &[deep()]).expect_err("no manifest").contains("no web/package.json beside"));
    let gone = files(&[("web/package.json", plain)]);
    assert!(plan(&gone, &[deep()]).expect_err("no lock").contains("no lock that could change for ms"));
}

#[test]
fn a_catalog_is_changed_where_it_stands() {
    let yaml = "packages:\n  - 'p/*'\ncatalog:\n  \"@s/ms\": ^2.0.0 # why\n  react: '17'\n";
    let texts = files(&[("pnpm-workspace.yaml", yaml), ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")]);
    for (name, versions, old, new) in
        [("@s/ms", ("2.0.0", "3.0.1"), "^2.0.0", "^3.0.1"), ("react", ("17.0.0", "18.2.0"), "'17'", "'18'")]
    {
        let made = plan(&texts, &found(&texts, Ecosystem::Npm, name, versions)).expect(name);
        assert_eq!(made.files, [("pnpm-workspace.yaml".to_owned(), yaml.replace(old, new))]);
        assert_eq!(made.locks, ["pnpm-lock.yaml"]);
    }
}

const PYPROJECT: &str = "[project]\nname = \"x\"\ndependencies = [\"Idna>=2,<3\", 'a.b[c] (~=1.4) ; python_version < \"3.9\"', \"other>=2,<3\"]\n\
    \n[tool.poetry.dependencies]\npython = \"^3.9\"\nflask = { version = \"^2.0\", extras = [\"async\"] }\n";

#[test]
fn python_specifiers_change_and_names_extras_and_markers_stay() {
    let texts = files(&[("pyproject.toml", PYPROJECT), ("uv.lock", "version = 1\n")]);
    for (name, (from, to), old, new) in [
        ("idna", ("2.0", "3.7"), "Idna>=2,<3", "Idna>=2,<4"),
        ("a-b", ("1.4", "2.1.0"), "(~=1.4)", "(~=2.1)"),
        ("flask", ("2.0", "3.1.2"), "\"^2.0\"", "\"^3.1\""),
    ] {
        let made = plan(&texts, &found(&texts, Ecosystem::Python, name, (from, to))).expect(name);
        assert_eq!(made.files, [("pyproject.toml".to_owned(), PYPROJECT.replace(old, new))]);
        let call = format!(".: uv lock --no-build --no-python-downloads --upgrade-package {name}=={to}");
        assert_eq!(calls(&made), [call]);
    }
}

#[test]
fn of_several_versions_of_one_package_only_the_meant_one_moves() {
    let package =
        |version: &str, more: &str| format!("[[package]]\nname = \"Idna\"\nversion = \"{version}\"\n{more}\n");
    let uv =
        [package("2.0", "resolution-markers = [\"python_version < '3.9'\", \"os_name == 'nt'\"]"), package("3.0", "")]
            .concat();
    let deep = |lock: &str| [item(Ecosystem::Python, &format!("{lock}:0"), "idna", ("2.0", "2.1"))];
    let texts = files(&[("pyproject.toml", PYPROJECT), ("uv.lock", &uv)]);
    let made = plan(&texts, &deep("uv.lock")).expect("a plan");
    let last = made.commands[0].argv.last().map(String::as_str);
    assert_eq!(last, Some("idna==2.1 ; (python_version < '3.9') or (os_name == 'nt')"));
    let poetry = [package("2.0", "markers = \"python_version < '3.9'\""), package("3.0", "")].concat();
    for (manifest, told) in [
        (
            "[project]\ndependencies = [\"x\"]\n",
            "[project]\ndependencies = [\"x\", \"idna==2.1 ; python_version < '3.9'\"]\n",
        ),
        (
            "[tool.poetry.dependencies]\nx = \"*\"\n",
            "[tool.poetry.dependencies]\nx = \"*\"\nidna = { version = \"==2.1\", markers = \"python_version < '3.9'\" }\n",
        ),
        (
            "[tool.poetry]\nname = \"x\"\n",
            "[tool.poetry]\nname = \"x\"\n\n[tool.poetry.dependencies]\nidna = { version = \"==2.1\", markers = \"python_version < '3.9'\" }\n",
        ),
    ] {
        let texts = files(&[("a/pyproject.toml", manifest), ("a/poetry.lock", &poetry)]);
        let made = plan(&texts, &deep("a/poetry.lock")).expect("a plan");
        let before: Vec<&str> = made.commands.iter().map(|call| call.before[0].1.as_str()).collect();
        assert_eq!(before, [told, manifest]);
    }
    let none = files(&[("a/poetry.lock", poetry.as_str())]);
    assert!(plan(&none, &deep("a/poetry.lock")).expect_err("no manifest").contains("no a/pyproject.toml beside"));
}

#[test]
fn poetry_is_called_with_the_version_and_then_with_its_range() {
    let head = "# This file is automatically @generated by Poetry 1.8.3 and should not be changed by hand.\n";
    let texts = files(&[("pyproject.toml", PYPROJECT), ("poetry.lock", head)]);
    let made = plan(&texts, &found(&texts, Ecosystem::Python, "flask", ("2.0", "3.1.2"))).expect("a plan");
    assert_eq!(calls(&made), [".: poetry lock --no-update -n", ".: poetry lock --no-update -n"]);
    assert!(made.commands[0].before[0].1.contains("version = \"==3.1.2\""), "{:?}", made.commands[0].before);
    assert_eq!(made.commands[1].before, made.files);
}

#[test]
fn requirements_keep_their_lines_and_hashes_are_a_clients_to_write() {
    let text = "# x==1.0\r\nX == 1.0 ; python_version > \"3\"  # x==1.0\r\ny==1.0 \\\r\n    --hash=sha256:aa\r\n";
    let texts = files(&[("requirements.txt", text)]);
    let one = plan(&texts, &found(&texts, Ecosystem::Python, "x", ("1.0", "1.1"))).expect("a plan");
    assert_eq!(one.files[0].1, text.replace("== 1.0", "== 1.1"));
    let two = plan(&texts, &found(&texts, Ecosystem::Python, "y", ("1.0", "1.1"))).expect("hashes");
    assert_eq!(two.files[0].1, text.replace("y==1.0", "y==1.1"));
    let call = ".: uv pip compile --no-build --no-python-downloads --no-deps --generate-hashes --no-header --no-annotate .fairway-hashes-0.in --output-file .fairway-hashes-0.txt";
    assert_eq!(calls(&two), [call]);
    assert_eq!(two.commands[0].before, [(".fairway-hashes-0.in".to_owned(), "y==1.1\n".to_owned())]);
    assert_eq!(two.kept().collect::<Vec<_>>(), ["requirements.txt", ".fairway-hashes-0.txt"]);
    let came = |answer: &str| {
        let answer = (".fairway-hashes-0.txt".to_owned(), answer.to_owned());
        two.joined(vec![two.files[0].clone(), answer])
    };
    let whole = came("y==1.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n").expect("what was asked for");
    let expected = two.files[0].1.replace("--hash=sha256:aa", "--hash=sha256:bb \\\r\n    --hash=sha256:cc");
    assert_eq!(whole, [("requirements.txt".to_owned(), expected)]);
    let said = "uv wrote no hashes of y 1.1, which requirements.txt:3 needs";
    assert_eq!(came("y==1.2 \\\n    --hash=sha256:bb\n").as_ref().map_err(String::as_str), Err(said));
    assert_eq!(two.joined(two.files.clone()).as_ref().map_err(String::as_str), Err(said));
    // What is asked for in two versions is asked about in two calls.
    let text = "y==1.0 ; python_version < \"3\" --hash=sha256:aa\ny==1.5 ; python_version > \"3\" --hash=sha256:bb\nz==1.0 --hash=sha256:cc\n";
    let texts = files(&[
        ("a/requirements.txt", text),
        ("a/pyproject.toml", "[project]\nname = \"x\"\nrequires-python = \">=3.9\"\n"),
    ]);
    let of = |line: u32, name: &str, versions| {
        item(Ecosystem::Python, &format!("a/requirements.txt:{line}"), name, versions)
    };
    let items = [of(1, "y", ("1.0", "1.1")), of(2, "y", ("1.5", "1.6")), of(3, "z", ("1.0", "1.1"))];
    let both = plan(&texts, &items).expect("two calls");
    let lists: Vec<&str> = both.commands.iter().map(|call| call.before[0].1.as_str()).collect();
    assert_eq!(lists, ["y==1.1\nz==1.1\n", "y==1.6\n"]);
    assert!(calls(&both).iter().all(|call| call.starts_with("a: ") && call.contains("--python-version 3.9")));
}

#[test]
fn what_is_compiled_is_made_by_its_own_client() {
    let made = "# This file was autogenerated by uv via the following command:\n#    uv pip compile --universal --python-version 3.11 --python ./x --index-url=x r.in -o r\ny==1.0 \\\n    --hash=sha256:aa\n";
    let texts = files(&[("requirements.in", "y<2\n"), ("requirements.txt", made)]);
    let mut wanted = found(&texts, Ecosystem::Python, "y", ("1.0", "1.1"));
    wanted[0].lock_only = true;
    let made = plan(&texts, &wanted).expect("a plan");
    let call = ".: uv pip compile --no-build --no-python-downloads --universal --python-version 3.11 --generate-hashes --upgrade-package y==1.1 requirements.in --output-file requirements.txt";
    assert_eq!((calls(&made), made.files.len()), (vec![call.to_owned()], 0));
    let head = "uv pip compile --universal --python-version 3.11 --python ./x --index-url=x r.in -o r";
    assert_eq!(made.commands[0].env, [("UV_CUSTOM_COMPILE_COMMAND".to_owned(), head.to_owned())]);
    // pip-compile is called twice: it would write what keeps it from building.
    let made = "#\n# This file is autogenerated by pip-compile with Python 3.11\n#\n#    pip-compile --generate-hashes --strip-extras r.in\n#\ny==1.0\n";
    let texts = files(&[("r/requirements.in", "x\n"), ("r/requirements.txt", made)]);
    let deep = plan(&texts, &[item(Ecosystem::Python, "r/requirements.txt:0", "y", ("1.0", "1.1"))]).expect("a plan");
    assert_eq!(
        calls(&deep),
        [
            "r: pip-compile --dry-run --pip-args=--only-binary=:all: --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --upgrade-package y==1.1 requirements.in --output-file requirements.txt",
            "r: pip-compile --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --upgrade-package y==1.1 requirements.in --output-file requirements.txt",
        ]
    );
    assert!(deep.commands.iter().all(|call| call.env[0].1 == "pip-compile --generate-hashes --strip-extras r.in"));
    // From where it was made before, so that it names its source as it did.
    for (head, expected) in [
        ("r/requirements.in -o x", "a: uv pip compile"),
        ("--output-file=a/r/requirements.txt a/r/requirements.in", ".: uv pip compile"),
        ("./r/requirements.in", "a: uv pip compile"),
        ("other/requirements.in", "a/r: uv pip compile"),
    ] {
        let made = format!("#    uv pip compile {head}\ny==1.0\n");
        let texts = files(&[("a/r/requirements.in", "x\n"), ("a/r/requirements.txt", &made)]);
        let deep = plan(&texts, &[item(Ecosystem::Python, "a/r/requirements.txt:0", "y", ("1.0", "1.1"))]);
        let said = calls(&deep.expect(head)).concat();
        let base = expected.split(':').next().expect("a folder").trim_start_matches('.');
        let output = "a/r/requirements.txt".strip_prefix(base).expect("below").trim_start_matches('/');
        assert!(said.starts_with(expected) && said.ends_with(&format!("--output-file {output}")), "{said}");
        let source = if base == "a/r" {
            "requirements.in"
        } else {
            head.split(' ').find(|word| word.ends_with(".in")).expect("one")
        };
        assert!(said.contains(&format!(" {source} --output")), "{said}");
    }
    let own = made.replace("y==1.0", "--index-url https://index.test/simple\ny==1.0");
    let texts = files(&[("r/requirements.in", "x\n"), ("r/requirements.txt", &own)]);
    let deep = plan(&texts, &[item(Ecosystem::Python, "r/requirements.txt:0", "y", ("1.0", "1.1"))]).expect("a plan");
    assert!(!calls(&deep)[1].contains("--no-emit-index-url"), "what it has stays in it: {:?}", calls(&deep));
}

#[test]
fn actions_images_and_toolchains_are_one_line_each() {
    let workflow = "jobs:\n  a:\n    steps:\n      - uses: \"o/s/sub@v4\" # v4\n";
    let docker = "FROM --platform=x node:20-alpine AS node\n";
    let texts = files(&[
        (".github/workflows/ci.yml", workflow),
        ("Dockerfile", docker),
        (".nvmrc", "v20.11.1\r\n"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.78.0\" # why\n"),
    ]);
    for (ecosystem, name, versions, expected) in [
        (Ecosystem::Actions, "o/s", ("v4", "v5"), workflow.replace("sub@v4", "sub@v5")),
        (Ecosystem::Image, "node", ("20-alpine", "22-alpine"), docker.replace("20-alpine", "22-alpine")),
        (Ecosystem::Toolchain, "node", ("20.11.1", "22.1.0"), "v22.1.0\r\n".to_owned()),
        (Ecosystem::Toolchain, "rust", ("1.78.0", "1.90.0"), "[toolchain]\nchannel = \"1.90.0\" # why\n".to_owned()),
    ] {
        let made = plan(&texts, &found(&texts, ecosystem, name, versions)).expect(name);
        let changed: Vec<&String> = made.files.iter().map(|(_, text)| text).collect();
        assert_eq!((changed, made.commands.len()), (vec![&expected], 0), "{name}");
    }
}

#[test]
fn go_writes_its_own_manifest() {
    let text = "module x\n\ngo 1.22\n\nrequire (\n\ta.test/x v1.0.0\n\tb.test/y v1.0.0\n)\n";
    let texts = files(&[("svc/go.mod", text), ("svc/go.sum", "")]);
    let mut all = found(&texts, Ecosystem::Go, "a.test/x", ("v1.0.0", "v1.2.0"));
    all.extend(found(&texts, Ecosystem::Go, "b.test/y", ("v1.0.0", "v1.3.0")));
    let made = plan(&texts, &all).expect("a plan");
    assert_eq!(calls(&made), ["svc: go get a.test/x@v1.2.0 b.test/y@v1.3.0", "svc: go mod tidy"]);
    assert_eq!((made.files.len(), made.locks.join(" ")), (0, "svc/go.mod svc/go.sum".to_owned()));
    all[0].from = "v0.9.0".to_owned();
    assert!(plan(&texts, &all).expect_err("it moved").contains("does not ask for a.test/x v0.9.0 any more"));
}

#[test]
fn what_a_client_left_is_held_against_what_was_wanted() {
    let lock = "version = 4\n\n[[package]]\nname = \"rand\"\nversion = \"0.8.5\"\nsource = \"registry+https://forge.example/i\"\n";
    let texts =
        files(&[("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nrand = \"0.8\"\n"), ("Cargo.lock", lock)]);
    let made = plan(&texts, &[cargo("Cargo.lock:0", "rand", ("0.8.5", "0.8.6"))]).expect("a plan");
    assert!(made.commands[0].waits);
    let after = |version: &str| {
        let mut after = texts.clone();
        after.insert("Cargo.lock".to_owned(), lock.replace("0.8.5", version));
        made.unmet(&after)
    };
    assert_eq!(after("0.8.6"), None);
    let said = after("0.8.7").expect("it is another one");
    assert!(said.contains("rand 0.8.7 into Cargo.lock, not 0.8.6"), "{said}");
    assert!(made.unmet(&Files::new()).expect("it is gone").contains("left no rand in Cargo.lock"));
}

//! What outlives a run: reports, exports, caches; and containers beside it.

use crate::case::{Case, End, Log, On, case};

pub fn cases() -> Vec<Case> {
    let mut cases = reports();
    cases.extend(exports());
    cases.extend(caches());
    cases.extend(services());
    cases.extend(steps());
    cases
}

fn reports() -> Vec<Case> {
    let a = [("out/a.xml", "<a/>\n")];
    let write = "mkdir -p out/deep; echo '<a/>' > out/a.xml; echo '<b/>' > out/deep/b.xml; echo no > out/c.txt";
    let ab = [("out/a.xml", "<a/>\n"), ("out/deep/b.xml", "<b/>\n")];
    vec![
        case("a report by name", &[write]).reports(&["out/a.xml"], &a),
        case("a report by star", &[write]).reports(&["out/*.xml"], &a),
        case("reports at any depth", &[write]).reports(&["out/**/*.xml"], &ab),
        case("reports at any depth from the top", &[write]).reports(&["**/*.xml"], &ab),
        case("a report by one letter", &[write]).reports(&["out/?.xml"], &a),
        case("a report by a class", &[write]).reports(&["out/[ab].xml"], &a),
        case("a report by a class that is not", &[write]).reports(&["out/[!xyz].xml"], &a),
        case("reports by a choice", &[write]).reports(&["out/{a.xml,deep/b.xml}"], &ab),
        case("reports by several patterns", &[write]).reports(&["out/a.xml", "out/deep/*.xml"], &ab),
        case("no report is there", &["true"]).reports(&["out/*.xml", "none.xml"], &[]),
        case("a report of a failed step", &[write, "exit 1"]).fails(&[0, 1]).reports(&["out/a.xml"], &a),
        case("a report that the failed step wrote", &[&format!("{write}; exit 1")])
            .fails(&[1])
            .reports(&["out/a.xml"], &a),
        case("a report beside a step that is killed", &[write, "kill -9 $$"])
            .fails(&[0, 137])
            .reports(&["out/a.xml"], &a)
            .not(On::Fake, "with an exit code from 128 on the engine keeps no container")
            .not(On::Real, "likewise"),
        case("a report of the repository's", &["true"]).reports(&["dos.txt"], &[("dos.txt", "a\r\nb\r\n")]),
        case("a report of a directory", &[write]).reports(&["out"], &[]),
        case("a report over a link that leads out", &["ln -s /etc/passwd a.xml"])
            .reports(&["a.xml"], &[])
            .note("The report a.xml was not read"),
        case("a report over a link that stays", &["echo '<a/>' > b; ln -s b a.xml"])
            .reports(&["a.xml"], &[("a.xml", "<a/>\n")])
            .not(On::Fake, "only files that match are brought, and the link's end does not")
            .not(On::Real, "likewise"),
        case("a report that is too large", &["head -c 17000000 /dev/zero > a.xml; echo x > b.xml"])
            .reports(&["a.xml", "b.xml"], &[("b.xml", "x\n")])
            .note("larger than 16 MB"),
        case(
            "more reports than are read",
            &["for i in $(seq 1000 1300); do echo x > $i.xml; done; rm -f 12*.xml 13*.xml"],
        )
        .with(|case| case.reports = vec!["1199.xml", "*.none"])
        .with(|case| case.want.reports = vec![("1199.xml", "x\n")]),
        case("a report with an odd name", &["echo x > 'ä b[1].xml'"]).reports(&["*.xml"], &[("ä b[1].xml", "x\n")]),
    ]
}

fn exports() -> Vec<Case> {
    let no = |name: &'static str, step: &str, what: &'static str, words: &'static str| {
        case(name, &[step]).export(what).ends(End::Impossible(words), 1)
    };
    let out = "leads out";
    vec![
        case("a file is exported", &["echo x > f"]).export("f").exported(&[("f", "x\n")]),
        case("a directory is exported", &["mkdir -p d/e; echo x > d/f; echo y > d/e/g"])
            .export("d")
            .exported(&[("f", "x\n"), ("e/g", "y\n")]),
        case("a directory with a slash", &["mkdir d; echo x > d/f"]).export("d/").exported(&[("f", "x\n")]),
        case("a directory with a dot", &["mkdir d; echo x > d/f"]).export("./d").exported(&[("f", "x\n")]),
        case("a directory below others", &["mkdir -p a/b/c; echo x > a/b/c/f; echo no > a/no"])
            .export("a/b")
            .exported(&[("c/f", "x\n")]),
        case("an exec bit is exported", &["mkdir d; cp run.sh d"])
            .export("d")
            .exported(&[("run.sh", "#!#!/bin/sh\necho ran\n")]),
        case("a link that stays is exported", &["mkdir d; echo x > d/f; ln -s f d/l"])
            .export("d")
            .exported(&[("f", "x\n"), ("l", "-> f")]),
        case("an empty directory is exported", &["mkdir d"]).export("d").exported(&[]),
        case("an empty file is exported", &["touch f"]).export("f").exported(&[("f", "")]),
        case("hidden files are exported", &["mkdir -p d/.x; echo x > d/.x/.y"])
            .export("d")
            .exported(&[(".x/.y", "x\n")]),
        case("an export with an odd name", &["mkdir 'd [1]{2}*'; echo x > 'd [1]{2}*/ä?'"])
            .export("d [1]{2}*")
            .exported(&[("ä?", "x\n")]),
        case("many files are exported", &["mkdir d; for i in $(seq 1 1500); do : > d/$i; done; rm d/1[0-9]* d/[2-9]*"])
            .export("d")
            .exported(&[("1", "")]),
        case("nothing is exported when a step fails", &["echo x > f; exit 1"]).export("f").fails(&[1]),
        no("an export that is not there", "true", "dist", "the steps made no `dist`"),
        no("an export of what is above", "echo x > ../f || true", "../f", out),
        no("an export over what is above", "mkdir d; echo x > d/f", "d/../../f", out),
        no("an export of what is absolute", "true", "/etc/passwd", out),
        no("an export of a link that leads out", "ln -s /etc d", "d", out),
        no("an export below a link that leads out", "ln -s /etc d", "d/ssl", "`d/ssl`"),
        no("an export with a link that leads out", "mkdir d; ln -s /etc/passwd d/l", "d", out),
        no("an export with a pipe", "mkdir d; mkfifo d/p; echo x > d/f", "d", "`p` cannot be kept"),
        no("an export with a link to nothing", "mkdir d; ln -s nothing d/l", "d", "`l` cannot be kept"),
        no("an export with a link that climbs", "mkdir d; ln -s ../../../etc d/l", "d", out),
    ]
}

fn caches() -> Vec<Case> {
    let cached = |name: &'static str, steps: &[&str]| case(name, steps).cache("kept");
    let writes = || cached("a cache is written", &["echo one > kept/f"]);
    vec![
        cached("a cache is empty at first", &["test -d kept; ls -A kept"]).says(""),
        cached("a cache is there in the next run", &["cat kept/f"]).says("one\n").after(writes()),
        cached("a cache is there in every step", &["echo a > kept/f", "cat kept/f"]),
        cached("a cache of another scope is another", &["ls -A kept"])
            .with(|case| case.scope = "trusted")
            .says("")
            .after(writes()),
        case("a cache of another name is another", &["ls -A other"]).cache("other").says("").after(writes()),
        cached("what a failed run cached stays", &["cat kept/f"])
            .says("one\n")
            .after(cached("a run that fails", &["echo one > kept/f; exit 1"]).fails(&[1])),
        case("several caches", &["echo a > one/f; echo b > two/three/f", "cat one/f two/three/f"])
            .cache("one")
            .cache("two/three"),
        case("a cache over files of the repository", &["ls -A läden"]).cache("läden").says(""),
        cached("a cache is not exported", &["echo x > kept/f; echo y > f"]).export("f").exported(&[("f", "y\n")]),
        case("a cache outside of the checkout", &["cat /cache/deep/f"])
            .cache("/cache/deep")
            .after(case("a cache outside is written", &["echo x > /cache/deep/f"]).cache("/cache/deep"))
            .not(On::Fake, "it would have to write outside of its directory")
            .says("x\n"),
    ]
}

fn services() -> Vec<Case> {
    let debian = "debian:bookworm-slim";
    vec![
        case("a service without a port", &["echo on"])
            .service("db", debian, None)
            .says("on\n")
            .not(On::Real, "its shell ends at once, and whether the step still begins is a race"),
        case("a service that ends before it answers", &["echo never"])
            .service("db", debian, Some(5432))
            .ends(End::Impossible("the service `db`"), 0),
        case("a service of an unknown image", &["echo never"])
            .service("db", "nothing/like-this:1", Some(5432))
            .ends(End::Impossible("nothing/like-this:1"), 0),
        case("a service that answers", &["echo on"])
            .service("db", "postgres:16", Some(5432))
            .not(On::Real, "it has no image that serves")
            .says("on\n"),
    ]
}

/// What the engine's own cache keeps: a step that passed, until something of it is another.
fn steps() -> Vec<Case> {
    let unique = |name: &'static str, steps: &[&str]| case(name, steps).env("UNIQUE", "{unique}");
    let once = |name: &'static str| unique(name, &["echo a > f", "echo b"]).cached(&[false, false]);
    vec![
        unique("equal steps run once", &["echo a > f", "echo b"])
            .cached(&[true, true])
            .says("")
            .log(1, Log::Is(String::new()))
            .after(once("steps that nobody ran")),
        unique("after another step the same one runs again", &["echo other > f", "echo b"])
            .cached(&[false, false])
            .log(1, Log::Is("b\n".to_owned()))
            .after(once("steps that are changed next")),
        unique("what a cached step left is there", &["echo a > f", "echo b", "cat f"])
            .cached(&[true, true, false])
            .log(2, Log::Is("a\n".to_owned()))
            .after(once("steps with one more after them")),
        unique("another value of a secret runs the step again", &["echo ${#KEY}"])
            .secret("KEY", "hunter22hunter")
            .cached(&[false])
            .says("14\n")
            .after(
                unique("a step with a secret", &["echo ${#KEY}"]).secret("KEY", "hunter22hunter22").cached(&[false]),
            ),
        unique("another variable runs the step again", &["echo $V"])
            .env("V", "2")
            .cached(&[false])
            .says("2\n")
            .after(unique("a step with a variable", &["echo $V"]).env("V", "1").cached(&[false])),
        unique("what failed may be given again", &["exit 3"])
            .fails(&[3])
            .cached(&[true])
            .after(unique("a step that fails", &["exit 3"]).fails(&[3]).cached(&[false])),
        unique("what was killed is run again", &["echo on; kill -9 $$"])
            .fails(&[137])
            .cached(&[false])
            .says("on\n")
            .after(unique("a step that is killed once", &["echo on; kill -9 $$"]).fails(&[137]).cached(&[false])),
    ]
}

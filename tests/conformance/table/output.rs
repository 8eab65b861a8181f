//! What steps print, and what of it must not be seen.

use crate::case::{Case, Log, On, case};

pub fn cases() -> Vec<Case> {
    let mut cases = plain();
    cases.extend(large());
    cases.extend(secrets());
    cases
}

/// Found by this table, on v0.21.8.
const NO_TEXT: &str = "the engine's feed loses a piece that is no UTF-8, also one that it cut within a letter";

fn plain() -> Vec<Case> {
    vec![
        case("both streams", &["echo out; echo err >&2"]).log(0, Log::Lines(vec!["out", "err"])),
        case("only the second stream", &["echo err >&2; exit 1"]).fails(&[1]).says("err\n"),
        case("no newline at the end", &["printf abc", "printf def >&2"]).says("abc").log(1, Log::Is("def".to_owned())),
        case("nothing printed", &["true"]).says(""),
        case("empty lines", &["printf '\\n\\n a\\n\\n'"]).says("\n\n a\n\n"),
        case("CRLF", &["cat dos.txt"]).says("a\r\nb\r\n"),
        case("a carriage return alone", &["printf '10%%\\r100%%\\n'"]).says("10%\r100%\n"),
        case("colours", &["printf '\\033[31mred\\033[0m\\n'"]).says("\u{1b}[31mred\u{1b}[0m\n"),
        case("a NUL", &["printf 'a\\000b\\n'"]).says("a\0b\n"),
        case("tabs, bells and other controls", &["printf 'a\\tb\\007\\001\\177\\n'"]).says("a\tb\u{7}\u{1}\u{7f}\n"),
        case("text in Latin-1", &["printf 'a\\344b\\n'"])
            .log(0, Log::Bytes(4))
            .not(On::Fake, NO_TEXT)
            .not(On::Real, NO_TEXT),
        case("no text does not hide what comes later", &["printf 'a\\344b\\n'; sleep 0.5; echo next", "echo on"])
            .log(0, Log::Has("next\n"))
            .log(1, Log::Is("on\n".to_owned())),
        case("bytes of all kinds", &["head -c 100000 /dev/urandom; exit 3"]).fails(&[3]),
        case("log words of a feed", &["printf 'data: {}\\n\\nid: 7\\nevent: logs\\n'"])
            .says("data: {}\n\nid: 7\nevent: logs\n"),
        case("commands of other CI systems are text", &["echo '::set-output name=x::y'; echo '::error::no'"])
            .says("::set-output name=x::y\n::error::no\n"),
        case("each step has its own log", &["echo a", "echo b >&2", "echo c"])
            .says("a\n")
            .log(1, Log::Is("b\n".to_owned()))
            .log(2, Log::Is("c\n".to_owned())),
        case("what a failed step printed last", &["seq 1 300; echo last >&2; exit 9"])
            .fails(&[9])
            .log(0, Log::Has("last\n")),
        case("what a killed step printed", &["seq 1 300; kill -9 $$"]).fails(&[137]).log(0, Log::Has("\n300\n")),
        case("pieces with pauses", &["for i in 1 2 3; do printf $i; sleep 0.1; done; echo"]).says("123\n"),
    ]
}

fn large() -> Vec<Case> {
    let numbers: String = (1..=20_000).map(|n| format!("{n}\n")).collect();
    vec![
        case("20,000 lines in order", &["seq 1 20000"]).log(0, Log::Is(numbers)),
        case("20,000 lines on the second stream", &["seq 1 20000 >&2; exit 1"]).fails(&[1]).log(0, Log::Bytes(108_894)),
        case("a line of 20 MB", &["head -c 20000000 /dev/zero | tr '\\0' x; echo"]).log(0, Log::Bytes(20_000_001)),
        case(
            "long text of two and four bytes a letter",
            &["i=0; while [ $i -lt 500 ]; do printf 'größer🦀größer🦀'; i=$((i+1)); done"],
        )
        .log(0, Log::Is("größer🦀größer🦀".repeat(500))),
        case("much text of two and four bytes a letter", &["yes 'größer🦀' | head -c 300000"])
            .log(0, Log::Bytes(300_000))
            .not(On::Fake, NO_TEXT)
            .not(On::Real, NO_TEXT),
    ]
}

fn secrets() -> Vec<Case> {
    let key = |name: &'static str, steps: &[&str]| case(name, steps).secret("KEY", "hunter22hunter22");
    vec![
        key("a secret is hidden", &["echo $KEY; echo a$KEY >&2"]).log(0, Log::Lines(vec!["***", "a***"])),
        key("a secret is there", &["echo ${#KEY}"]).says("16\n"),
        key("a secret is hidden twice in a line", &["echo $KEY $KEY"]).says("*** ***\n"),
        key("a secret is hidden at the end", &["printf %s $KEY"]).says("***"),
        key("a secret in two pieces", &["printf hunter22; sleep 0.2; printf 'hunter22\\n'"]).says("***\n"),
        key("a secret in every step", &["echo $KEY", "echo $KEY"]).says("***\n").log(1, Log::Is("***\n".to_owned())),
        key("a secret in base64", &["printf %s $KEY | base64"]).log(0, Log::Lacks("aHVudGVyMjJodW50ZXIyMg")),
        key("half a secret is shown", &["echo hunter2"]).says("hunter2\n"),
        key("a secret of a failed step", &["echo $KEY; exit 1"]).fails(&[1]).says("***\n"),
        key("a secret on a step's own line", &["echo hunter22hunter22"]).says("***\n"),
        case("a secret of several lines", &["echo \"$KEY\"; echo \"$KEY\" | tail -n 1"])
            .secret("KEY", "-----BEGIN-----\nabcdefgh\nijklmnop")
            .log(0, Log::Lacks("ijklmnop"))
            .log(0, Log::Lacks("abcdefgh")),
        case("a secret with odd letters", &["printf '%s\\n' \"$KEY\"; test \"$KEY\" = 'a\"b$c\\d '\\''ü🦀'"])
            .secret("KEY", "a\"b$c\\d 'ü🦀")
            .says("***\n"),
        case("two secrets, one within the other", &["echo $A; echo $B"])
            .secret("A", "abcdefgh")
            .secret("B", "abcdefghijkl")
            .says("***\n***\n"),
        case("an empty secret hides nothing", &["echo abc\"$KEY\""]).secret("KEY", "").says("abc\n"),
        case("a short secret is there", &["test \"$KEY\" = ab1"]).with(|case| case.secrets = vec![("KEY", "ab1")]),
        key("a secret is not known to another run", &["test -z \"$KEY\""])
            .with(|case| case.secrets.clear())
            .after(key("a secret that another run has", &["test -n \"$KEY\""])),
        key("a secret in a report", &["echo \"<f>$KEY</f>\" > a.xml"])
            .reports(&["a.xml"], &[("a.xml", "<f>***</f>\n")]),
    ]
}

//! Which container a version of a language means. Short names, as everybody types them.

use super::stack::Kind;
use super::text::{pair, short, version};

/// What is taken where a repository does not say: a version that is maintained and that most images have.
pub fn default(kind: Kind) -> &'static str {
    match kind {
        Kind::Rust => "1.95",
        Kind::Go => "1.25",
        Kind::Node => "24",
        Kind::Python => "3.13",
        Kind::Java => "21",
        Kind::Ruby => "3.4",
        Kind::Elixir => "1.18",
        Kind::DotNet => "8.0",
        Kind::Deno => "2",
        _ => "",
    }
}

/// The image of a language at a version; the default where none is known.
pub fn image(kind: Kind, wanted: Option<&str>) -> String {
    let wanted = wanted.and_then(version).unwrap_or_else(|| default(kind).to_owned());
    match kind {
        Kind::Rust => format!("rust:{}-bookworm", short(&wanted, 3)),
        // A patch of Go that go.mod names is a floor, and the newest patch is what everybody runs.
        Kind::Go => format!("golang:{}-bookworm", short(&wanted, 2)),
        Kind::Node => format!("node:{}-bookworm", short(&wanted, 1)),
        Kind::Python => format!("python:{}-bookworm", short(&wanted, 2)),
        Kind::Java => format!("eclipse-temurin:{}", java(&wanted)),
        Kind::Ruby => format!("ruby:{}-bookworm", short(&wanted, 3)),
        Kind::Elixir => format!("elixir:{}", short(&wanted, 2)),
        Kind::Deno => format!("denoland/deno:{}", if wanted.contains('.') { &wanted } else { "2.5.0" }),
        Kind::Php => "composer:2".to_owned(),
        Kind::DotNet => "ubuntu:24.04".to_owned(),
        _ => "buildpack-deps:bookworm".to_owned(),
    }
}

/// Java's number: 8 of `1.8`.
pub fn java(version: &str) -> String {
    match pair(version) {
        (1, minor) if minor > 0 => minor.to_string(),
        (major, _) => major.to_string(),
    }
}

/// The version to take for a range such as `>=3.9,<3.13`: the default where it fits, else the nearest that does.
/// `parts`: how many numbers such a version has.
pub fn within(kind: Kind, range: &str, parts: usize) -> Option<String> {
    let default = default(kind);
    let mut chosen = default.to_owned();
    for bound in range.split([',', ' ']).map(str::trim).filter(|bound| !bound.is_empty()) {
        let Some(number) = version(bound) else { continue };
        let (major, minor) = pair(&number);
        let mark = bound.trim_end_matches(|c: char| c.is_ascii_digit() || ".x*".contains(c)).trim();
        match mark {
            ">=" | ">" if pair(&chosen) < (major, minor) => chosen = short(&number, parts),
            "<" if pair(&chosen) >= (major, minor) => {
                let below = if parts > 1 && minor > 0 {
                    format!("{major}.{}", minor - 1)
                } else {
                    major.saturating_sub(1).to_string()
                };
                chosen = if parts > 1 && minor == 0 { return None } else { below };
            }
            // A caret holds the first number, which for one-number languages is the version.
            "^" if pair(&chosen).0 != major || parts == 1 => chosen = short(&number, parts),
            "" | "=" | "==" | "~" | "~=" | "v" => chosen = short(&number, parts),
            _ => {}
        }
        if mark == "~=" && number.split('.').count() == 2 && pair(default).0 == major && pair(default) >= (major, minor)
        {
            chosen = default.to_owned();
        }
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_answered_with_a_version_in_it() {
        let python = |range| within(Kind::Python, range, 2).unwrap_or_default();
        assert_eq!(python(">=3.9"), "3.13");
        assert_eq!(python(">=3.9,<3.12"), "3.11");
        assert_eq!(python(">=3.14"), "3.14");
        assert_eq!(python("^3.10"), "3.13");
        assert_eq!(python("==3.11.*"), "3.11");
        assert_eq!(python("~=3.10"), "3.13");
        let node = |range| within(Kind::Node, range, 1).unwrap_or_default();
        assert_eq!(node(">=18"), "24");
        assert_eq!(node("^20.11.0"), "20");
        assert_eq!(node("18.x"), "18");
        assert_eq!(node(">=18 <21"), "20");
    }

    #[test]
    fn images_have_short_names() {
        assert_eq!(image(Kind::Go, Some("1.23.4")), "golang:1.23-bookworm");
        assert_eq!(image(Kind::Java, Some("1.8")), "eclipse-temurin:8");
        assert_eq!(image(Kind::Node, Some("lts/*")), "node:24-bookworm");
    }
}

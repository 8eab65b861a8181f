//! Where a crate's file is: the index says which bytes it is, and `dl` of the index's `config.json` where.

use serde::Deserialize;

use super::super::artefact::{Archive, Checksum};

#[derive(Deserialize)]
struct Line {
    vers: String,
    cksum: String,
}

#[derive(Deserialize)]
struct Config {
    dl: String,
    #[serde(default, rename = "auth-required")]
    login: bool,
}

/// From the crate's file of the index and `config.json`. The name of the file has the whole version, also what stands behind
/// `+`.
pub(super) fn archive((name, version): (&str, &str), index: &[u8], config: &[u8]) -> Result<Archive, String> {
    let mut lines = index.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    let cksum = lines.rfind(|line| line.vers == version).map(|line| line.cksum);
    let cksum = cksum.ok_or_else(|| format!("the index does not have {name} {version}"))?;
    let config: Config =
        serde_json::from_slice(config).map_err(|_| "the index's config.json cannot be read".to_owned())?;
    if config.login {
        return Err("the registry wants a login that Fairway does not have".to_owned());
    }
    let address = fill(&config.dl, (name, version), &cksum);
    Ok(Archive { address, checksum: Checksum::Sha256(cksum), commit: None, people: Vec::new() })
}

/// The template as cargo's book has it; without any mark the usual path is added.
fn fill(dl: &str, (name, version): (&str, &str), cksum: &str) -> String {
    let prefix = |name: &str| match name.len() {
        1 | 2 => name.len().to_string(),
        3 => format!("3/{}", &name[..1]),
        _ => format!("{}/{}", name.get(..2).unwrap_or(""), name.get(2..4).unwrap_or("")),
    };
    let marks = [
        ("{crate}", name.to_owned()),
        ("{version}", version.to_owned()),
        ("{prefix}", prefix(name)),
        ("{lowerprefix}", prefix(&name.to_ascii_lowercase())),
        ("{sha256-checksum}", cksum.to_owned()),
    ];
    if !marks.iter().any(|(mark, _)| dl.contains(mark)) {
        return format!("{}/{name}/{version}/download", dl.trim_end_matches('/'));
    }
    marks.iter().fold(dl.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_where_the_template_says() {
        let fill = |dl: &str| fill(dl, ("Toml", "1.2.1+spec-1.1.0"), "00ff");
        for (dl, expected) in [
            ("https://r.example/api/v1/crates", "https://r.example/api/v1/crates/Toml/1.2.1+spec-1.1.0/download"),
            ("https://r.example/{crate}/{crate}-{version}.crate", "https://r.example/Toml/Toml-1.2.1+spec-1.1.0.crate"),
            ("https://r.example/{prefix}/{lowerprefix}/{sha256-checksum}", "https://r.example/To/ml/to/ml/00ff"),
        ] {
            assert_eq!(fill(dl), expected);
        }
    }

    #[test]
    fn the_index_says_which_bytes_it_is() {
        let index = b"{\"name\":\"x\",\"vers\":\"1.0.0\",\"cksum\":\"aa\"}\n{\"name\":\"x\",\"vers\":\"1.0.1\",\"cksum\":\"bb\"}\n";
        let found = archive(("x", "1.0.1"), index, b"{\"dl\":\"https://r.example\"}").expect("an archive");
        assert_eq!(found.checksum, Checksum::Sha256("bb".to_owned()));
        assert_eq!(found.address, "https://r.example/x/1.0.1/download");
        let why = |version: &str, config: &str| archive(("x", version), index, config.as_bytes()).expect_err(config);
        assert!(why("2.0.0", "{\"dl\":\"x\"}").contains("does not have x 2.0.0"));
        assert!(why("1.0.0", "<html>").contains("config.json"));
        assert!(why("1.0.0", "{\"dl\":\"x\",\"auth-required\":true}").contains("login"));
    }
}

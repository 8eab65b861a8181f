//! Addresses as they stand in manifests and locks, with all that may be secret taken out.

/// What may be shown of an address: neither user nor password or token, no query and no fragment.
pub fn shown(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or(address).trim();
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, address),
    };
    // The last `@` before the path, since a password may hold one; without a scheme it is `git@host:owner/name`, which may as
    // well be `user:token@host:owner/name`.
    let ends = rest.find('/').unwrap_or(rest.len());
    let rest = rest[..ends].rfind('@').map_or(rest, |at| &rest[at + 1..]);
    scheme.map_or_else(|| rest.to_owned(), |scheme| format!("{scheme}://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn no_token_is_shown() {
        let cases = [
            ("https://x-access-token:ghs_secret@host.example/a/b.git?branch=main#abc", "https://host.example/a/b.git"),
            ("https://ghs_secret@host.example", "https://host.example"),
            ("ssh://git@host.example:22/a/b@c", "ssh://host.example:22/a/b@c"),
            ("git@host.example:a/b", "host.example:a/b"),
            ("user:secret@host.example:a/b?token=secret", "host.example:a/b"),
            ("https://host.example/a?private_token=secret", "https://host.example/a"),
            ("git+https://u:p@secret@host.example/a/b.git#v2", "git+https://host.example/a/b.git"),
            ("../sibling@2/x", "../sibling@2/x"),
        ];
        for (address, expected) in cases {
            assert_eq!(shown(address), expected);
            assert!(!shown(address).contains("secret"));
        }
    }
}

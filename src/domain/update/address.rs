//! Addresses as they stand in manifests and locks, with all that may be secret taken out.

/// What may be shown of an address: neither user nor password or token, no query and no fragment.
pub fn shown(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or(address).trim();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
            let host = host.rsplit('@').next().unwrap_or(host);
            path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
        }
        // `git@host:owner/name`, which may as well be `user:token@host:owner/name`.
        None => address.rsplit('@').next().unwrap_or(address).to_owned(),
    }
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
        ];
        for (address, expected) in cases {
            assert_eq!(shown(address), expected);
            assert!(!shown(address).contains("secret"));
        }
    }
}

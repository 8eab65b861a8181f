//! Where somebody goes once they are signed in: to the page that they asked for, if it is one of ours.

/// Longer addresses are none of ours.
const LONGEST: usize = 500;

/// The address if it is a path on this host that no browser and no proxy reads as anything else; else the overview.
/// Nothing in it may be encoded: what a proxy decodes could become `//elsewhere`, and no page of ours needs it.
pub fn local(to: &str) -> &str {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let in_path = path.strip_prefix('/').is_some_and(|rest| {
        let last = rest.split('/').count() - 1;
        let segment = |(at, part): (usize, &str)| match part {
            "" => at == last,
            part => part.chars().all(plain) && !part.chars().all(|c| c == '.'),
        };
        rest.split('/').enumerate().all(segment)
    });
    let in_query = query.chars().all(|c| plain(c) || matches!(c, '=' | '&'));
    // Signing in and out is no place to come back to.
    let a_way = ["/login", "/logout"].iter().any(|way| path == *way || path.starts_with(&format!("{way}/")));
    if to.len() <= LONGEST && in_path && in_query && !a_way { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_pages_are_followed() {
        for to in ["/", "/runs/7", "/runs/7/log", "/audit?before=12", "/environments", "/jobs/", "/assets/style.css"] {
            assert_eq!(local(to), to);
        }
    }

    #[test]
    fn nothing_else_is() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for to in [
            "",
            "runs/7",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "%2f%2fevil.example",
            "/%252fevil.example",
            "/runs//evil.example",
            "/./evil.example",
            "/../evil.example",
            "/runs/..//evil.example",
            "/.../x",
            "/\tevil.example",
            "/\n/evil.example",
            "/ /evil.example",
            "/\u{2f}\u{2f}evil.example",
            "/\u{ff0f}evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/javascript:alert(1)",
            "//evil.example/%2f..",
            "/@evil.example",
            "/runs/7?to=//evil.example",
            "/runs/7#//evil.example",
            "/runs/7\r\nSet-Cookie: x=1",
            "/login",
            "/login/github?to=/",
            "/logout/everywhere",
            &long,
        ] {
            assert_eq!(local(to), "/", "{to:?}");
        }
    }
}

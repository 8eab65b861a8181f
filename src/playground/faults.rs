//! Faults of GitHub itself, to be switched on: each is a counter that goes down when it strikes.

/// What is switched on. Counters that stand at 0 do nothing.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    /// Deliveries that are recorded as failed without being sent.
    pub drop: u32,
    /// Deliveries that are sent twice.
    pub duplicate: u32,
    /// Pairs of deliveries that are sent in the wrong order.
    pub reorder: u32,
    /// Deliveries that come late, and by how many milliseconds.
    pub delay: (u32, u64),
    /// Trouble for API and git requests, tried in order.
    pub rules: Vec<Rule>,
}

/// Trouble for the next requests that match.
#[derive(Clone, Debug)]
pub struct Rule {
    /// HTTP method, or `*`.
    pub method: String,
    /// A path with `*` for any run of characters.
    pub path: String,
    /// How often it strikes yet.
    pub left: u32,
    /// What happens.
    pub trouble: Trouble,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 502 and nothing was done.
    BadGatewayBefore,
    /// 502 although it was done.
    BadGatewayAfter,
    /// An HTML page with status 200, and nothing was done.
    Html,
    /// No answer for so many milliseconds, then a 502; nothing was done.
    Silence(u64),
    /// 429, nothing left until so many seconds from now.
    Primary(u64),
    /// 403 with `retry-after` in seconds.
    Secondary(u64),
    /// The App may not do this: 403, and in GraphQL an error in an answer with 200.
    Forbidden,
    /// 401, and every installation token is void from now on.
    TokensExpire,
}

impl Switches {
    /// Adds a rule: trouble for the next `times` requests of this method (`*` = any) and path (`*` inside = anything).
    pub fn next(&mut self, times: u32, method: &str, path: &str, trouble: Trouble) -> &mut Self {
        self.rules.push(Rule { method: method.into(), path: path.into(), left: times, trouble });
        self
    }

    /// Takes the trouble that strikes this request, if any.
    pub fn strike(&mut self, method: &str, path: &str) -> Option<Trouble> {
        let rule = self.rules.iter_mut().find(|rule| {
            rule.left > 0 && (rule.method == "*" || rule.method.eq_ignore_ascii_case(method)) && fits(&rule.path, path)
        })?;
        rule.left -= 1;
        Some(rule.trouble)
    }

    /// Counts one down and says whether it was on.
    pub fn take(counter: &mut u32) -> bool {
        let on = *counter > 0;
        *counter = counter.saturating_sub(1);
        on
    }
}

/// Whether a text fits a pattern in which `*` stands for any run of characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    (0..=text.len()).filter(|&at| text.is_char_boundary(at)).any(|at| fits(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_as_often_as_it_was_told() {
        let mut switches = Switches::default();
        switches.next(2, "POST", "/repos/*/check-runs", Trouble::BadGatewayAfter);
        assert_eq!(switches.strike("GET", "/repos/a/b/check-runs"), None);
        assert_eq!(switches.strike("POST", "/repos/a/b/check-runs/7"), None);
        assert_eq!(switches.strike("POST", "/repos/a/b/check-runs"), Some(Trouble::BadGatewayAfter));
        assert_eq!(switches.strike("POST", "/repos/a/b/check-runs"), Some(Trouble::BadGatewayAfter));
        assert_eq!(switches.strike("POST", "/repos/a/b/check-runs"), None);
    }
}

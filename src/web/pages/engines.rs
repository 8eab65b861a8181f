//! `/engines`: which answer, what each has to do, and a button that keeps new runs away from one.

use askama::Template;

use super::{Who, html, words};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Engines {
    /// Who looks.
    pub who: Who,
    /// The engine's word in settings.
    pub kind: String,
    /// How it keeps steps apart, where there is something to say.
    pub note: String,
    /// In the operator's order.
    pub engines: Vec<EngineLine>,
    /// Runs that have not begun.
    pub waiting: u64,
}

/// One engine.
#[derive(Clone, Debug, Default)]
pub struct EngineLine {
    /// Where it listens.
    pub address: String,
    /// It is a name that stands for no engine now.
    pub is_name: bool,
    /// The name that it was found by; empty: the operator named it.
    pub found_by: String,
    /// Its name does not mean it any more.
    pub leaving: bool,
    /// Whose modules it runs; empty: everybody's steps.
    pub modules: String,
    /// `up`, `down` or `unknown`.
    pub state: &'static str,
    /// Its version, or why it is down.
    pub words: String,
    /// How long it has been down, in milliseconds.
    pub down_for: Option<i64>,
    /// The operator keeps new runs away.
    pub drained: bool,
    /// Runs now.
    pub live: usize,
    /// The most there may be.
    pub limit: usize,
    /// Runs since the start.
    pub sessions: u64,
    /// Runs that it spoilt.
    pub failures: u64,
    /// What its cache takes on disk.
    pub cache_bytes: Option<u64>,
    /// What went wrong last, and how many milliseconds ago.
    pub last_error: Option<(String, i64)>,
}

#[derive(Template)]
#[template(path = "fairway/engines.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    page: &'a Engines,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    engine: &'a EngineLine,
    icon: &'static str,
    state: String,
    cache: String,
    error: String,
}

impl Engines {
    /// The page as HTML. The buttons post `csrf`, `address` and `drain` to `/engines/drain`.
    pub fn render(&self) -> String {
        html(&Page {
            title: "Engines",
            feed: "/engines/events",
            tab: "engines",
            who: &self.who,
            page: self,
            rows: self.engines.iter().map(row).collect(),
        })
    }
}

fn row(engine: &EngineLine) -> Row<'_> {
    let (icon, state) = match engine.state {
        _ if engine.leaving => ("cancelled", format!("left its name: {} still live", engine.live)),
        _ if engine.drained && engine.live > 0 => ("cancelled", format!("drains: {} still live", engine.live)),
        _ if engine.drained => ("cancelled", "drained".to_owned()),
        "up" => ("success", format!("up, {}", engine.words)),
        "down" if engine.is_name => ("failure", engine.words.clone()),
        "down" => ("failure", format!("down for {}", words::took(engine.down_for.unwrap_or_default()))),
        _ => ("queued", "not asked yet".to_owned()),
    };
    let error = engine.last_error.as_ref().map(|(why, ms)| format!("{why} ({})", words::ago(0, *ms)));
    Row {
        engine,
        icon,
        state,
        cache: engine.cache_bytes.map(words::bytes).unwrap_or_default(),
        error: error.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_shows_its_load_its_trouble_and_how_to_keep_runs_away() {
        let down = EngineLine {
            address: "tcp://10.0.0.1:8080".into(),
            state: "down",
            down_for: Some(61_000),
            limit: 4,
            last_error: Some(("it is <gone>".into(), 65_000)),
            ..EngineLine::default()
        };
        let up = EngineLine {
            address: "unix:///run/a.sock".into(),
            modules: "acme/*".into(),
            state: "up",
            words: "v0.21.8".into(),
            live: 2,
            limit: 4,
            cache_bytes: Some(412_552_677),
            ..EngineLine::default()
        };
        let name = EngineLine {
            address: "dns+tcp://none:8080".into(),
            is_name: true,
            state: "down",
            words: "dns+tcp://none:8080 stands for no engine: it has no address".into(),
            ..EngineLine::default()
        };
        let found = EngineLine {
            address: "tcp://10.0.0.2:8080".into(),
            found_by: "dns+tcp://engines:8080".into(),
            leaving: true,
            live: 1,
            limit: 4,
            ..EngineLine::default()
        };
        let engines = vec![down, up, name, found];
        let page = Engines { kind: "dagger".into(), engines, waiting: 3, ..Engines::default() }.render();
        let parts = [
            "down for 1m 01s",
            "it is &#60;gone&#62; (1m ago)",
            "up, v0.21.8",
            "2 of 4",
            "412.6 MB",
            "modules of acme/*",
            "action=\"/engines/drain\"",
            "3 runs wait",
            "dns+tcp://none:8080 stands for no engine: it has no address",
            "found by <span class=\"mono\">dns+tcp://engines:8080</span>",
            "left its name: 1 still live",
        ];
        for part in parts {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        let buttons = page.matches("<form class=\"inline\"").count();
        assert_eq!(buttons, 2, "a name cannot be drained, nor what leaves anyway: {page}");
        let local = Engines { kind: "local".into(), note: "In bubblewrap.".into(), ..Engines::default() }.render();
        assert!(local.contains("In bubblewrap.") && !local.contains("<table"), "{local}");
    }
}

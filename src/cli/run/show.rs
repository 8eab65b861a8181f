//! What `fairway run` says: text with progress on a terminal, plain text in a pipe, or JSON lines.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::domain::project::ReportKind;
use crate::domain::run::{self, human_time};
use crate::engine::{Outcome, RunEvent, StepExit};

/// What happens to pipelines.
pub enum News {
    /// One begins.
    Started {
        /// Its name.
        name: String,
        /// Its lines.
        steps: Vec<String>,
    },
    /// The engine says something about it.
    Event {
        /// Its name.
        name: String,
        /// What.
        event: RunEvent,
    },
    /// It ended.
    Ended {
        /// Its name.
        name: String,
        /// How.
        outcome: Outcome,
    },
    /// It cannot start any more.
    NotRun {
        /// Its name.
        name: String,
        /// What did not pass.
        need: String,
    },
}

/// How it is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// With bars that move.
    Terminal,
    /// Line by line.
    Plain,
    /// For programs.
    Json,
}

impl Style {
    /// Bars only where somebody watches.
    pub fn for_people() -> Style {
        if std::io::stderr().is_terminal() { Style::Terminal } else { Style::Plain }
    }
}

/// Findings that are shown of one report.
const FINDINGS: usize = 20;

/// The one who says it.
pub struct Show {
    style: Style,
    place: PathBuf,
    several: bool,
    bars: MultiProgress,
    pipelines: BTreeMap<String, Pipeline>,
    ended: Vec<(String, String)>,
}

#[derive(Default)]
struct Pipeline {
    steps: Vec<String>,
    bar: Option<ProgressBar>,
    rest: Vec<u8>,
    millis: i64,
}

impl Show {
    /// Begins with the line that names the engine. With `several` pipelines, each line names its own.
    pub fn new(style: Style, (place, several): (&Path, bool), engine: &str) -> Show {
        let show = Show {
            style,
            place: place.to_owned(),
            several,
            bars: MultiProgress::new(),
            pipelines: BTreeMap::new(),
            ended: Vec::new(),
        };
        match style {
            Style::Json => show.json(&json!({ "event": "engine", "words": engine })),
            _ => show.line(engine),
        }
        show
    }

    /// Says everything until there is no more to say.
    pub async fn follow(mut self, mut news: mpsc::Receiver<News>) {
        while let Some(news) = news.recv().await {
            match news {
                News::Started { name, steps } => self.started(name, steps),
                News::Event { name, event } => self.event(&name, event),
                News::Ended { name, outcome } => self.over(&name, &outcome),
                News::NotRun { name, need } => {
                    self.json(&json!({ "event": "not_run", "pipeline": name, "need": need }));
                    self.ended.push((name, format!("not run: {need} did not pass")));
                }
            }
        }
        if self.style == Style::Json {
            return;
        }
        let width = self.ended.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        self.line("");
        for (name, words) in &self.ended {
            self.line(&format!("{name:width$}  {words}"));
        }
    }

    fn started(&mut self, name: String, steps: Vec<String>) {
        self.json(&json!({ "event": "started", "pipeline": name, "steps": steps }));
        let bar = (self.style == Style::Terminal).then(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}  {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
            bar
        });
        self.pipelines.insert(name, Pipeline { steps, bar, ..Pipeline::default() });
    }

    fn event(&mut self, name: &str, event: RunEvent) {
        match event {
            RunEvent::Begun => {}
            RunEvent::StepStarted { index } => {
                let command = self.command(name, index);
                self.json(&json!({ "event": "step_started", "pipeline": name, "step": index, "command": command }));
                if let Some(bar) = self.pipelines.get(name).and_then(|p| p.bar.as_ref()) {
                    let count = self.pipelines[name].steps.len();
                    bar.set_message(format!("{} of {count}: {}", index + 1, first_line(&command)));
                }
                self.text(name, &format!("$ {command}"));
            }
            RunEvent::Log { step, bytes } => self.log(name, step, &bytes),
            RunEvent::StepFinished { index, exit, millis, cached } => {
                self.flush(name);
                let (exit, words) = ended(exit);
                let line = json!({ "event": "step_finished", "pipeline": name, "step": index, "exit": exit, "millis": millis, "cached": cached });
                self.json(&line);
                if let Some(pipeline) = self.pipelines.get_mut(name) {
                    pipeline.millis += millis;
                }
                let cached = if cached { ", cached" } else { "" };
                self.text(name, &format!("{words} in {}{cached}", human_time(millis)));
            }
            RunEvent::Report { kind, path, root, bytes } => self.report(name, (kind, &path), (&root, &bytes)),
            RunEvent::Exported { digest } => self.say(name, ("exported", &digest)),
            RunEvent::Published { reference } => self.say(name, ("published", &reference)),
            RunEvent::Answer(text) => self.say(name, ("returned", &text)),
            RunEvent::Found(names) => self.say(name, ("found", &names.join(", "))),
            RunEvent::Note(note) => self.say(name, ("note", &note)),
        }
    }

    fn say(&self, name: &str, (what, words): (&str, &str)) {
        self.json(&json!({ "event": what, "pipeline": name, "words": words }));
        let words = if what == "note" { words.to_owned() } else { format!("{what}: {words}") };
        words.lines().for_each(|line| self.text(name, line));
    }

    fn command(&self, name: &str, index: usize) -> String {
        self.pipelines.get(name).and_then(|p| p.steps.get(index)).cloned().unwrap_or_default()
    }

    fn log(&mut self, name: &str, step: usize, bytes: &[u8]) {
        if self.style == Style::Json {
            let text = String::from_utf8_lossy(bytes);
            return self.json(&json!({ "event": "log", "pipeline": name, "step": step, "text": text }));
        }
        let Some(pipeline) = self.pipelines.get_mut(name) else { return };
        pipeline.rest.extend_from_slice(bytes);
        let Some(end) = pipeline.rest.iter().rposition(|b| *b == b'\n') else { return };
        let whole: Vec<u8> = pipeline.rest.drain(..=end).collect();
        for line in String::from_utf8_lossy(&whole).lines() {
            self.text(name, line);
        }
    }

    /// The end of a log that does not end with its line.
    fn flush(&mut self, name: &str) {
        let rest = self.pipelines.get_mut(name).map(|p| std::mem::take(&mut p.rest)).unwrap_or_default();
        if !rest.is_empty() {
            self.text(name, &String::from_utf8_lossy(&rest));
        }
    }

    fn report(&self, name: &str, (kind, path): (ReportKind, &str), (root, bytes): (&str, &[u8])) {
        let place = self.place.display().to_string();
        let report = run::read_report(kind, bytes, &[root, &place]);
        for found in report.annotations.iter().take(FINDINGS) {
            let at = format!("{}:{}", found.path, found.start_line);
            self.json(&json!({ "event": "finding", "pipeline": name, "at": at, "message": found.message }));
            self.text(name, &format!("{at}: {}", first_line(&found.message)));
        }
        if let Some(note) = report.note {
            self.say(name, ("note", &format!("{path}: {note}")));
        }
    }

    fn over(&mut self, name: &str, outcome: &Outcome) {
        self.flush(name);
        let took = self.pipelines.get(name).map(|p| p.millis).unwrap_or_default();
        let (word, why) = match outcome {
            Outcome::Success => ("passed", None),
            Outcome::Failed => ("failed", None),
            Outcome::TimedOut => ("timed out", None),
            Outcome::Cancelled => ("cancelled", None),
            Outcome::Refused(why) | Outcome::Impossible(why) | Outcome::Broken(why) | Outcome::NotNow(why) => {
                ("not run", Some(why))
            }
        };
        self.json(&json!({ "event": "ended", "pipeline": name, "outcome": word, "why": why, "millis": took }));
        if let Some(bar) = self.pipelines.get_mut(name).and_then(|p| p.bar.take()) {
            bar.finish_and_clear();
        }
        let words = match why {
            Some(why) => format!("{word}: {why}"),
            None => format!("{word} in {}", human_time(took)),
        };
        self.ended.push((name.to_owned(), words));
    }

    /// A line about one pipeline, with its name when there are others.
    fn text(&self, name: &str, line: &str) {
        match self.style {
            Style::Json => {}
            _ if self.several => self.line(&format!("{name} | {line}")),
            _ => self.line(line),
        }
    }

    fn line(&self, line: &str) {
        // Above the bars, never through them. A closed pipe is nobody's business.
        let print = || drop(writeln!(std::io::stdout(), "{line}"));
        if self.style == Style::Terminal { self.bars.suspend(print) } else { print() }
    }

    fn json(&self, value: &Value) {
        if self.style == Style::Json {
            drop(writeln!(std::io::stdout(), "{value}"));
        }
    }
}

fn ended(exit: StepExit) -> (Option<i32>, String) {
    match exit {
        StepExit::Code(0) => (Some(0), "passed".to_owned()),
        StepExit::Code(code) => (Some(code), format!("failed with exit code {code}")),
        StepExit::TimedOut => (None, "timed out".to_owned()),
        StepExit::Cancelled => (None, "cancelled".to_owned()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(100).collect()
}

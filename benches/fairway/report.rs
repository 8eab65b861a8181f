//! The one table and the one file that a run leaves behind.

use serde_json::{Value, json};

/// What a figure is to be.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At least this.
    Least(f64),
    /// Below this.
    Below(f64),
    /// It is told, not judged.
    Told,
}

/// One figure.
pub struct Row {
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    pub goal: Goal,
}

/// All figures so far; each is printed as it comes.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a figure and prints its line.
    pub fn row(&mut self, what: impl Into<String>, (value, unit): (f64, &'static str), goal: Goal) {
        let row = Row { what: what.into(), value, unit, goal };
        if self.rows.is_empty() {
            println!("| {:<90} | {:>16} | {:>12} | {:<6} |", "measure", "figure", "goal", "");
            println!("|{:-<92}|{:->17}:|{:->13}:|{:-<8}|", "", "", "", "");
        }
        println!("| {:<90} | {:>16} | {:>12} | {:<6} |", row.what, row.figure(), row.aim(), row.verdict());
        self.rows.push(row);
    }

    /// Writes `target/bench.json`.
    pub fn write(&self, machine: &Value) -> std::io::Result<std::path::PathBuf> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench.json");
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let text = serde_json::to_string_pretty(&json!({ "machine": machine, "rows": rows }))?;
        std::fs::create_dir_all(path.parent().expect("it was joined"))?;
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl Row {
    fn figure(&self) -> String {
        let digits = if self.value.abs() >= 100.0 || self.value.fract() == 0.0 { 0 } else { 2 };
        format!("{:.digits$} {}", self.value, self.unit)
    }

    fn aim(&self) -> String {
        match self.goal {
            Goal::Least(least) => format!(">= {least}"),
            Goal::Below(limit) => format!("< {limit}"),
            Goal::Told => String::new(),
        }
    }

    fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::Least(least) => Some(self.value >= least),
            Goal::Below(limit) => Some(self.value < limit),
            Goal::Told => None,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        }
    }

    fn json(&self) -> Value {
        json!({ "measure": self.what, "value": self.value, "unit": self.unit, "goal": self.aim(), "met": self.met() })
    }
}

/// What this was measured on.
pub fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let of = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let rustc = std::process::Command::new("rustc").arg("-V").output();
    let rustc = rustc.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "processor": of(&read("/proc/cpuinfo"), "model name"),
        "memory": of(&read("/proc/meminfo"), "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "rustc": rustc,
        "date": fairway::playground::shapes::iso(fairway::clock::Clock::system().now()),
        "load_before": read("/proc/loadavg").split_whitespace().next().unwrap_or_default(),
    })
}

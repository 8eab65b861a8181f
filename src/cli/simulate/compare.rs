//! `fairway simulate --compare`: eight judges, eleven kinds of traffic, one table.

use std::process::ExitCode;

use crate::domain::simulate::{Case, Cell, JUDGES, Row, cases, compare};

/// Prints the table as it is computed; two kinds of traffic at a time, one a core.
pub fn print(runs: u64, seed: u64) -> anyhow::Result<ExitCode> {
    println!(
        "30 minutes at 10, 25 and 50 %, ten each; one look a minute; {runs} runs, {} at 10 requests/s; seed {seed}.",
        third(runs)
    );
    println!(
        "Per cent of the runs that a judge ends, @ the middle minute in which it does. Of healthy ones, each is a mistake.\n"
    );
    println!("| requests/s, case | {} |", JUDGES.join(" | "));
    println!("|---|{}", "---|".repeat(JUDGES.len()));
    for pair in cases().chunks(2) {
        let rows: Vec<Row> = std::thread::scope(|scope| {
            let threads: Vec<_> = pair.iter().map(|case| scope.spawn(|| row(*case, runs, seed))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        for row in &rows {
            let cells: Vec<String> = row.cells.iter().map(|cell| show(row.case, cell)).collect();
            println!("| {} {} | {} |", row.case.per_second, row.case.name, cells.join(" | "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn third(runs: u64) -> u64 {
    runs.div_ceil(3)
}

fn row(case: Case, runs: u64, seed: u64) -> Row {
    compare(case, if case.per_second >= 10.0 { third(runs) } else { runs }, seed)
}

/// `93`, `100@5`, or `0` for less than half a per cent.
fn show(case: Case, cell: &Cell) -> String {
    let percent = (cell.ended * 100.0).round();
    match cell.minute {
        Some(minute) if !case.healthy() && percent > 0.0 => format!("{percent}@{minute}"),
        _ => percent.to_string(),
    }
}

//! `fairway releases`: what went where, how it ended, and what of it is still kept.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use crate::domain::decide::{EnvState, Stands};
use crate::domain::ids::short;
use crate::engine::kept_bytes;
use crate::store::{RolloutRow, Store};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Only this environment
    env: Option<String>,
    /// Only this repository, as owner/name
    #[arg(long)]
    repo: Option<String>,
    /// At most so many of each environment
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// A release of an environment.
struct Line {
    row: RolloutRow,
    stands: Stands,
    bytes: Option<u64>,
}

/// Lists them, the newest first.
pub async fn releases(args: Args) -> anyhow::Result<ExitCode> {
    let (store, _) = super::open::existing_store().await?;
    let data = super::open::settings()?.data_dir;
    let mut any = false;
    for state in environments(&store, (args.env.as_deref(), args.repo.as_deref())).await? {
        any = true;
        let lines = lines(&store, &state, (&data, args.limit)).await?;
        if args.json {
            lines.iter().for_each(|line| println!("{}", json(&state, line)));
        } else {
            print!("{}", table(&state, &lines));
        }
    }
    if !any && !args.json {
        if args.env.is_some() || args.repo.is_some() {
            bail!("there is no such environment; `fairway releases` lists all");
        }
        println!("nothing was ever deployed; type `/deploy` in a pull request");
    }
    Ok(ExitCode::SUCCESS)
}

async fn environments(store: &Store, (name, repo): (Option<&str>, Option<&str>)) -> anyhow::Result<Vec<EnvState>> {
    let mut all = Vec::new();
    for row in store.aggregates_since("env", 0).await? {
        let state: EnvState = serde_json::from_str(&row.state).context("an environment's row cannot be read")?;
        let same = repo.is_none_or(|repo| state.repo.full_name().eq_ignore_ascii_case(repo));
        if same && name.is_none_or(|name| name == state.name) {
            all.push(state);
        }
    }
    all.sort_by_key(|state| (state.repo.full_name(), state.name.clone()));
    Ok(all)
}

async fn lines(store: &Store, state: &EnvState, (data, limit): (&Path, usize)) -> anyhow::Result<Vec<Line>> {
    let mut history = store.rollout_history(Some(&state.name)).await?;
    history.retain(|row| row.repo_id == state.repo.id);
    let mut lines: Vec<Line> = Vec::new();
    for row in history.into_iter().rev().take(limit) {
        // A release that came twice stands where its newest rollout says.
        let again = lines.iter().any(|line| line.row.sha == row.sha && line.row.release == row.release);
        let stands = if again { Stands::Gone } else { state.stands(&row.sha, &row.release) };
        let bytes = if stands == Stands::Gone { None } else { kept_bytes(data, &row.release) };
        lines.push(Line { row, stands, bytes });
    }
    Ok(lines)
}

fn when(row: &RolloutRow) -> i64 {
    row.marks.ended_at.or(row.marks.full_at).unwrap_or(row.accepted_at)
}

fn outcome(row: &RolloutRow) -> String {
    match (row.marks.outcome.as_deref(), row.marks.failed_by.as_deref()) {
        (Some("live"), Some(_)) => "live, then taken back".to_owned(),
        (Some(word), _) => word.replace('_', " "),
        (None, _) if row.marks.full_at.is_some() => "watched".to_owned(),
        (None, _) => "on its way".to_owned(),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn table(state: &EnvState, lines: &[Line]) -> String {
    let mut text = format!("{} {}\n", state.repo.full_name(), state.name);
    if lines.is_empty() {
        text.push_str("  nothing yet\n");
        return text;
    }
    text.push_str(&format!(
        "  {:<7}  {:>6}  {:<16}  {:<8}  {:<21}  {:<6}  {:>8}\n",
        "commit", "PR", "when, UTC", "kind", "ended", "is", "size"
    ));
    for Line { row, stands, bytes } in lines {
        let pull = row.pull.map_or_else(|| "–".to_owned(), |number| format!("#{number}"));
        let at = Timestamp::from_millisecond(when(row));
        let at = at.map_or_else(|_| "–".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string());
        let stands = if *stands == Stands::Gone { "" } else { stands.as_str() };
        let size = bytes.map_or_else(String::new, size);
        let line = format!(
            "  {:<7}  {pull:>6}  {at:<16}  {:<8}  {:<21}  {stands:<6}  {size:>8}",
            short(&row.sha),
            row.kind,
            outcome(row)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn json(state: &EnvState, Line { row, stands, bytes }: &Line) -> serde_json::Value {
    serde_json::json!({
        "repository": state.repo.full_name(), "environment": row.environment, "rollout": row.id, "sha": row.sha,
        "release": row.release, "pull": row.pull, "kind": row.kind, "accepted_at": row.accepted_at,
        "full_at": row.marks.full_at, "ended_at": row.marks.ended_at, "outcome": row.marks.outcome,
        "decision": row.marks.decision, "failed_by": row.marks.failed_by, "stands": stands.as_str(), "bytes": bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Repo;
    use crate::store::Marks;

    fn row(number: i64, sha: &str, outcome: Option<&str>) -> RolloutRow {
        let ended_at = outcome.map(|_| 1_767_614_400_000 + number * 60_000);
        RolloutRow {
            id: number,
            repo_id: 1,
            environment: "staging".to_owned(),
            number,
            kind: "planned".to_owned(),
            sha: sha.to_owned(),
            base_sha: None,
            release: String::new(),
            pull: (number > 1).then_some(number),
            spec: String::new(),
            state: None,
            orders: String::new(),
            accepted_at: 1_767_614_400_000,
            build_done_at: 0,
            fixes: None,
            marks: Marks { ended_at, outcome: outcome.map(str::to_owned), ..Marks::default() },
        }
    }

    #[test]
    fn a_table_says_what_is_live_and_what_is_kept() {
        let repo =
            Repo { installation: 1, id: 1, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() };
        let state = EnvState::new(&repo, "staging");
        let line = |row, stands, bytes| Line { row, stands, bytes };
        let mut taken_back = row(3, "cccccccccc", Some("live"));
        taken_back.marks.failed_by = Some("rollback".to_owned());
        let lines = [
            line(row(4, "dddddddddd", None), Stands::Coming, Some(1_234_000_000)),
            line(taken_back, Stands::Kept, Some(400)),
            line(row(2, "bbbbbbbbbb", Some("aborted_auto")), Stands::Gone, None),
            line(row(1, "aaaaaaaaaa", Some("live")), Stands::Live, Some(5_250_000)),
        ];
        insta::assert_snapshot!(table(&state, &lines), @"
        acme/shop staging
          commit       PR  when, UTC         kind      ended                  is          size
          ddddddd      #4  2026-01-05 12:00  planned   on its way             coming    1.2 GB
          ccccccc      #3  2026-01-05 12:03  planned   live, then taken back  kept        1 kB
          bbbbbbb      #2  2026-01-05 12:02  planned   aborted auto
          aaaaaaa       –  2026-01-05 12:01  planned   live                   live      5.2 MB
        ");
        insta::assert_snapshot!(table(&state, &[]), @"
        acme/shop staging
          nothing yet
        ");
        assert_eq!(json(&state, &lines[1])["stands"], "kept");
    }
}

//! Logs of runs, in compressed chunks: they live in the database so that every process can show them.

use super::{Store, pack, unpack};
use anyhow::Result;

/// Chunks that [`Store::log`] returns at a time.
const PAGE: i64 = 200;

/// A piece of a run's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its place in the run's log, from 1.
    pub seq: i64,
    /// Index of the step, as the caller counts.
    pub step: i64,
    /// Unix ms.
    pub at: i64,
    /// Newlines in it.
    pub lines: i64,
    /// The bytes as they were written.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Appends a piece to a run's log and returns its place. One writer per run at a time (the lease sees to it).
    pub async fn append_log(&self, run_id: i64, step: i64, at: i64, bytes: &[u8]) -> Result<i64> {
        const SQL: &str = "INSERT INTO log_chunks (run_id, seq, step, at, raw_bytes, lines, body)
 SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6 FROM log_chunks WHERE run_id = $1 RETURNING seq";
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        let seq = sqlx::query_scalar(SQL)
            .bind(run_id)
            .bind(step)
            .bind(at)
            .bind(bytes.len() as i64)
            .bind(lines as i64)
            .bind(pack(bytes)?)
            .fetch_one(self.write())
            .await?;
        Ok(seq)
    }

    /// The next chunks after `after_seq` (0: from the start), at most 200; an empty answer is the end so far.
    pub async fn log(&self, run_id: i64, after_seq: i64) -> Result<Vec<Chunk>> {
        const SQL: &str =
            "SELECT seq, step, at, lines, body FROM log_chunks WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let rows: Vec<(i64, i64, i64, i64, Vec<u8>)> =
            sqlx::query_as(SQL).bind(run_id).bind(after_seq).bind(PAGE).fetch_all(self.read()).await?;
        let limit = self.limits().unpacked;
        let chunk = |(seq, step, at, lines, body): (i64, i64, i64, i64, Vec<u8>)| {
            Ok(Chunk { seq, step, at, lines, bytes: unpack(&body, limit)? })
        };
        rows.into_iter().map(chunk).collect()
    }

    /// The last `max_bytes` bytes of one step's log; may begin inside a line or a character.
    pub async fn log_tail(&self, run_id: i64, step: i64, max_bytes: usize) -> Result<Vec<u8>> {
        const SQL: &str =
            "SELECT seq, body FROM log_chunks WHERE run_id = $1 AND step = $2 AND seq < $3 ORDER BY seq DESC LIMIT 8";
        let mut newest_first: Vec<Vec<u8>> = Vec::new();
        let (mut before, mut have) = (i64::MAX, 0);
        while have < max_bytes {
            let rows: Vec<(i64, Vec<u8>)> =
                sqlx::query_as(SQL).bind(run_id).bind(step).bind(before).fetch_all(self.read()).await?;
            let Some((oldest, _)) = rows.last() else {
                break;
            };
            before = *oldest;
            for (_, body) in &rows {
                if have < max_bytes {
                    let bytes = unpack(body, self.limits().unpacked)?;
                    have += bytes.len();
                    newest_first.push(bytes);
                }
            }
        }
        newest_first.reverse();
        let mut tail = newest_first.concat();
        tail.drain(..tail.len().saturating_sub(max_bytes));
        Ok(tail)
    }
}

//! Writes to GitHub are budgeted per installation, over all processes, because GitHub counts them so. Three token
//! buckets whose burst plus refill stay within GitHub's figure for any window: 140 writes a minute (700 of its 900 points, 5
//! each; the rest is for reads), and 80 a minute and 500 an hour for what creates content.

use super::Store;
use anyhow::Result;

/// How urgent a write is, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Somebody typed and waits.
    Answer,
    /// A run ended.
    Completion,
    /// A run goes on.
    Progress,
    /// Nobody waits.
    Bulk,
}

/// What is to be written in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writes {
    /// How many requests, at least 1 and at most 10.
    pub all: i64,
    /// How many of them make a comment, a pull request or the like.
    pub content: i64,
}

impl Writes {
    /// One; `content`: it makes a comment, a pull request or the like.
    pub fn one(content: bool) -> Writes {
        Writes { all: 1, content: i64::from(content) }
    }
}

/// Whether a write may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Now; it is counted.
    Now,
    /// Ask again at this time (Unix ms); nothing is counted.
    At(i64),
}

/// One token bucket, in thousandths of a write.
struct Bucket {
    /// What it holds at most; the burst.
    capacity: i64,
    /// What comes back: `tokens` every `per` ms.
    tokens: i64,
    per: i64,
}

// 40 + 100 in a minute; 20 + 60 in a minute; 80 + 420 in an hour.
const WRITES: Bucket = Bucket { capacity: 40_000, tokens: 5, per: 3 };
const CONTENT_MINUTE: Bucket = Bucket { capacity: 20_000, tokens: 1, per: 1 };
const CONTENT_HOUR: Bucket = Bucket { capacity: 80_000, tokens: 7, per: 60 };
/// One write.
const WRITE: i64 = 1_000;

impl Bucket {
    fn refilled(&self, level: i64, ms: i64) -> i64 {
        // Full after the longest refill; more time means nothing.
        level.saturating_add(ms.clamp(0, 24 * 3_600_000) * self.tokens / self.per).min(self.capacity)
    }

    /// What must be left after a write: 40 % is kept for those whom somebody waits for.
    fn floor(&self, class: Class) -> i64 {
        if class >= Class::Progress { self.capacity * 2 / 5 } else { 0 }
    }

    /// How many ms until so many writes of this class fit.
    fn wait(&self, level: i64, class: Class, writes: i64) -> i64 {
        if writes == 0 {
            return 0;
        }
        let missing = (self.floor(class) + writes * WRITE - level).max(0);
        (missing * self.per + self.tokens - 1) / self.tokens
    }
}

/// What an installation has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Writes left, in thousandths.
    pub writes: i64,
    /// Content-creating writes left by the minute's limit, in thousandths.
    pub content_minute: i64,
    /// Content-creating writes left by the hour's limit, in thousandths.
    pub content_hour: i64,
    /// When these figures were true, Unix ms.
    pub refilled_at: i64,
    /// GitHub asked us to be silent until then, Unix ms; 0: never.
    pub blocked_until: i64,
}

impl Budget {
    /// Untouched.
    pub fn full(now: i64) -> Budget {
        Budget {
            writes: WRITES.capacity,
            content_minute: CONTENT_MINUTE.capacity,
            content_hour: CONTENT_HOUR.capacity,
            refilled_at: now,
            blocked_until: 0,
        }
    }

    /// The figures at a later time. A clock that went back gives nothing.
    pub fn at(self, now: i64) -> Budget {
        // In steps of the slowest bucket's whole tokens, so that rounding gives nothing away and loses nothing.
        let ms = now.saturating_sub(self.refilled_at).max(0);
        let ms = ms - ms % CONTENT_HOUR.per;
        Budget {
            writes: WRITES.refilled(self.writes, ms),
            content_minute: CONTENT_MINUTE.refilled(self.content_minute, ms),
            content_hour: CONTENT_HOUR.refilled(self.content_hour, ms),
            refilled_at: self.refilled_at.saturating_add(ms),
            blocked_until: self.blocked_until,
        }
    }

    /// Takes all these writes if they fit, else none.
    pub fn take(self, class: Class, writes: Writes, now: i64) -> (Budget, Slot) {
        if now < self.blocked_until {
            return (self, Slot::At(self.blocked_until));
        }
        let mut left = self.at(now);
        let wait = WRITES
            .wait(left.writes, class, writes.all)
            .max(CONTENT_MINUTE.wait(left.content_minute, class, writes.content))
            .max(CONTENT_HOUR.wait(left.content_hour, class, writes.content));
        if wait > 0 {
            // Refill comes in whole steps: wait for the end of the one that suffices.
            let steps = (wait + CONTENT_HOUR.per - 1) / CONTENT_HOUR.per;
            return (left, Slot::At(left.refilled_at.saturating_add(steps * CONTENT_HOUR.per).max(now + 1)));
        }
        left.writes -= writes.all * WRITE;
        left.content_minute -= writes.content * WRITE;
        left.content_hour -= writes.content * WRITE;
        (left, Slot::Now)
    }
}

impl Store {
    /// Asks for writes to GitHub that belong together: half of them would be done for nothing.
    pub async fn reserve(&self, installation: i64, class: Class, writes: Writes, now: i64) -> Result<Slot> {
        const SAVE: &str = "UPDATE budgets SET writes = $2, content_minute = $3, content_hour = $4, refilled_at = $5
 WHERE installation_id = $1";
        let mut tx = self.begin().await?;
        let budget = held(&mut tx, self.is_postgres(), installation, now).await?;
        let (left, slot) = budget.take(class, writes, now);
        if slot == Slot::Now {
            sqlx::query(SAVE)
                .bind(installation)
                .bind(left.writes)
                .bind(left.content_minute)
                .bind(left.content_hour)
                .bind(left.refilled_at)
                .execute(tx.connection())
                .await?;
        }
        tx.commit().await?;
        Ok(slot)
    }

    /// Nobody writes to this installation before `at`: GitHub said so. A later end stays.
    pub async fn block_until(&self, installation: i64, at: i64, now: i64) -> Result<()> {
        const SQL: &str = "UPDATE budgets SET blocked_until = $2 WHERE installation_id = $1 AND blocked_until < $2";
        let mut tx = self.begin().await?;
        held(&mut tx, self.is_postgres(), installation, now).await?;
        sqlx::query(SQL).bind(installation).bind(at).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// What is left at `now`; `None`: nothing was ever written there.
    pub async fn budget(&self, installation: i64, now: i64) -> Result<Option<Budget>> {
        const SQL: &str = "SELECT writes, content_minute, content_hour, refilled_at, blocked_until FROM budgets
 WHERE installation_id = $1";
        let row = sqlx::query_as(SQL).bind(installation).fetch_optional(self.read()).await?;
        Ok(row.map(|columns| stored(columns).at(now)))
    }
}

type Columns = (i64, i64, i64, i64, i64);

fn stored((writes, content_minute, content_hour, refilled_at, blocked_until): Columns) -> Budget {
    Budget { writes, content_minute, content_hour, refilled_at, blocked_until }
}

/// The row, made if missing, and locked until the transaction ends.
async fn held(tx: &mut super::Tx, postgres: bool, installation: i64, now: i64) -> Result<Budget> {
    const MAKE: &str = "INSERT INTO budgets (installation_id, writes, content_minute, content_hour, refilled_at)
 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (installation_id) DO NOTHING";
    const READ: &str = "SELECT writes, content_minute, content_hour, refilled_at, blocked_until FROM budgets
 WHERE installation_id = $1";
    const LOCK: &str = "SELECT writes, content_minute, content_hour, refilled_at, blocked_until FROM budgets
 WHERE installation_id = $1 FOR UPDATE";
    let full = Budget::full(now);
    sqlx::query(MAKE)
        .bind(installation)
        .bind(full.writes)
        .bind(full.content_minute)
        .bind(full.content_hour)
        .bind(full.refilled_at)
        .execute(tx.connection())
        .await?;
    let read = if postgres { LOCK } else { READ };
    Ok(stored(sqlx::query_as(read).bind(installation).fetch_one(tx.connection()).await?))
}

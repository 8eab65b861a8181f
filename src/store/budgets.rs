//! What is sent to GitHub is budgeted per installation, over all processes, because GitHub counts it so: points a minute (a
//! write has 5, a read 1), and what creates content a minute and an hour. The minutes are counted as GitHub counts them, over
//! any window: a burst may be as large as the limit allows, and a steady flow as fast. Reads wait for nobody, so writes wait
//! for them.

use super::Store;
use anyhow::{Context as _, Result};

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

/// What is to be sent in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many writes, at most 10; none only asks whether there is room for more reads.
    pub writes: i64,
    /// How many of them make a comment, a pull request or the like.
    pub content: i64,
    /// Reads that were sent since the last time. They wait for nobody, but they count: a write waits for them.
    pub reads: i64,
}

impl Load {
    /// One write; `content`: it makes a comment, a pull request or the like.
    pub fn one(content: bool) -> Load {
        Load { writes: 1, content: i64::from(content), reads: 0 }
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

/// Of GitHub's 900 a minute; the rest is for reads that nobody has counted yet.
const POINTS: i64 = 850;
/// As GitHub allows.
const CONTENT_MINUTE: i64 = 80;
/// One write. A read has 1.
const WRITE: i64 = 5;
/// How finely a minute is remembered, ms.
const SLICE: i64 = 5_000;
/// ms.
const MINUTE: i64 = 60_000;
/// The hour's content is a token bucket, in thousandths: this much at once, and 420 in an hour: 500 in any.
const HOUR_CAPACITY: i64 = 80_000;
/// So many thousandths come back...
const HOUR_TOKENS: i64 = 7;
/// ...every so many ms.
const HOUR_PER: i64 = 60;

/// How much of a whole a class may find used after it: a quarter is kept for those whom somebody waits for, and of that a
/// part for answers.
fn share(class: Class, whole: i64) -> i64 {
    match class {
        Class::Answer => whole,
        Class::Completion => whole * 9 / 10,
        Class::Progress | Class::Bulk => whole * 3 / 4,
    }
}

/// What nobody waits for keeps to 60 % of the pace that a minute allows, or it would be silent for the rest of a minute that
/// began with a burst.
const PACED: i64 = POINTS * 3 / 5 / 6;
/// Over so many slices: ten seconds, up to fifteen.
const PACED_SLICES: i64 = 3;

/// What was sent in five seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    /// Unix ms / [`SLICE`].
    number: i64,
    points: i64,
    content: i64,
}

impl Slice {
    /// From when on no window of a minute that ends there touches it, Unix ms.
    fn gone_at(&self) -> i64 {
        (self.number + 1) * SLICE + MINUTE
    }
}

/// What an installation used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The last minute, oldest first.
    recent: Vec<Slice>,
    /// Content-creating writes left by the hour's limit, in thousandths.
    content_hour: i64,
    /// When that figure was true, Unix ms.
    refilled_at: i64,
    /// GitHub asked us to be silent until then, Unix ms; 0: never.
    blocked_until: i64,
}

impl Budget {
    /// Untouched.
    pub fn full(now: i64) -> Budget {
        Budget { recent: Vec::new(), content_hour: HOUR_CAPACITY, refilled_at: now, blocked_until: 0 }
    }

    /// The figures at a later time. A clock that went back gives nothing.
    fn at(&self, now: i64) -> Budget {
        // In whole steps, so that rounding gives nothing away and loses nothing. A day fills it, whatever it was.
        let ms = now.saturating_sub(self.refilled_at).max(0);
        let steps = ms / HOUR_PER;
        let back = steps.min(24 * 60 * MINUTE / HOUR_PER) * HOUR_TOKENS;
        let number = now.div_euclid(SLICE);
        // What was sent in a future that is none any more was sent just now, at the earliest.
        let kept = self.recent.iter().map(|slice| Slice { number: slice.number.min(number), ..*slice });
        Budget {
            recent: kept.filter(|slice| slice.gone_at() > now).collect(),
            content_hour: self.content_hour.saturating_add(back).min(HOUR_CAPACITY),
            refilled_at: self.refilled_at.saturating_add(steps * HOUR_PER),
            blocked_until: self.blocked_until,
        }
    }

    fn spend(&mut self, points: i64, content: i64, now: i64) {
        let number = now.div_euclid(SLICE);
        match self.recent.last_mut().filter(|last| last.number == number) {
            Some(last) => {
                last.points = last.points.saturating_add(points);
                last.content = last.content.saturating_add(content);
            }
            None => self.recent.push(Slice { number, points, content }),
        }
    }

    /// When this fits, Unix ms; `now` or earlier: at once.
    fn fits_at(&self, class: Class, load: Load, now: i64) -> i64 {
        let points = share(class, POINTS) - load.writes * WRITE;
        let minute = self.below(points, |slice| (slice.points, slice.gone_at()));
        let content = match load.content {
            0 => 0,
            some => self.below(share(class, CONTENT_MINUTE) - some, |slice| (slice.content, slice.gone_at())),
        };
        let pace = match class {
            Class::Answer | Class::Completion => 0,
            Class::Progress | Class::Bulk => {
                let recent = |slice: &Slice| {
                    let until = (slice.number + PACED_SLICES) * SLICE;
                    (if until > now { slice.points } else { 0 }, until)
                };
                self.below(PACED - load.writes * WRITE, recent)
            }
        };
        let missing = load.content * 1_000 + HOUR_CAPACITY - share(class, HOUR_CAPACITY) - self.content_hour;
        let hour = match load.content > 0 && missing > 0 {
            true => self.refilled_at.saturating_add((missing + HOUR_TOKENS - 1) / HOUR_TOKENS * HOUR_PER),
            false => 0,
        };
        minute.max(content).max(pace).max(hour)
    }

    /// When what the slices have of something is at most this; each tells how much and until when.
    fn below(&self, most: i64, of: impl Fn(&Slice) -> (i64, i64)) -> i64 {
        let mut sum = self.recent.iter().fold(0i64, |sum, slice| sum.saturating_add(of(slice).0));
        let mut at = 0;
        for slice in &self.recent {
            if sum <= most {
                break;
            }
            let (some, until) = of(slice);
            sum -= some;
            at = until;
        }
        at
    }

    /// Takes all these writes if they fit, else none. The reads are taken in any case.
    pub fn take(&self, class: Class, load: Load, now: i64) -> (Budget, Slot) {
        let mut left = self.at(now);
        if load.reads > 0 {
            left.spend(load.reads, 0, now);
        }
        if now < left.blocked_until {
            let until = left.blocked_until;
            return (left, Slot::At(until));
        }
        let at = left.fits_at(class, load, now);
        if at > now {
            return (left, Slot::At(at));
        }
        left.spend(load.writes * WRITE, load.content, now);
        left.content_hour -= load.content * 1_000;
        (left, Slot::Now)
    }
}

impl Store {
    /// Asks for writes to GitHub that belong together: half of them would be done for nothing.
    pub async fn reserve(&self, installation: i64, class: Class, load: Load, now: i64) -> Result<Slot> {
        const SAVE: &str =
            "UPDATE budgets SET recent = $2, content_hour = $3, refilled_at = $4 WHERE installation_id = $1";
        let mut tx = self.begin().await?;
        let budget = held(&mut tx, self.is_postgres(), installation, now).await?;
        let (left, slot) = budget.take(class, load, now);
        if slot == Slot::Now || load.reads > 0 {
            sqlx::query(SAVE)
                .bind(installation)
                .bind(written(&left.recent))
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
}

/// `number points content`, a slice a line: few, and read by people only when something is wrong.
fn written(recent: &[Slice]) -> String {
    let lines: Vec<String> = recent.iter().map(|s| format!("{} {} {}", s.number, s.points, s.content)).collect();
    lines.join("\n")
}

fn read(text: &str) -> Option<Vec<Slice>> {
    let slice = |line: &str| {
        let mut numbers = line.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Slice { number: next()?, points: next()?, content: next()? })
    };
    text.lines().map(slice).collect()
}

/// The row, made if missing, and locked until the transaction ends.
async fn held(tx: &mut super::Tx, postgres: bool, installation: i64, now: i64) -> Result<Budget> {
    const MAKE: &str = "INSERT INTO budgets (installation_id, content_hour, refilled_at)
 VALUES ($1, $2, $3) ON CONFLICT (installation_id) DO NOTHING";
    const READ: &str =
        "SELECT recent, content_hour, refilled_at, blocked_until FROM budgets WHERE installation_id = $1";
    const LOCK: &str =
        "SELECT recent, content_hour, refilled_at, blocked_until FROM budgets WHERE installation_id = $1 FOR UPDATE";
    let full = Budget::full(now);
    sqlx::query(MAKE)
        .bind(installation)
        .bind(full.content_hour)
        .bind(full.refilled_at)
        .execute(tx.connection())
        .await?;
    let sql = if postgres { LOCK } else { READ };
    let row: (String, i64, i64, i64) = sqlx::query_as(sql).bind(installation).fetch_one(tx.connection()).await?;
    let (recent, content_hour, refilled_at, blocked_until) = row;
    let recent =
        read(&recent).with_context(|| format!("the budget of installation {installation} is no budget: {recent}"))?;
    Ok(Budget { recent, content_hour, refilled_at, blocked_until })
}

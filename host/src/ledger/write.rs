//! The task that writes: it takes what waits, many at a time, and gives the database one transaction for all of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::Trouble;
use super::entry::Entry;
use super::sums::Sums;
use crate::config;
use crate::exchange::Over;
use crate::handover::{State, Taking, Waiting};
use crate::moment::now_ms;
use crate::store::ledger::{Database, Durable, Failure, Statement, Value, Values};

/// Exchanges of one transaction.
pub(super) const BATCH_MAX: usize = 512;
/// How long the first of them waits for others: what is lost with the process is no older than this and the writing.
const GATHER: Duration = Duration::from_millis(200);
/// The pause after the database has failed.
const PAUSE: Duration = Duration::from_millis(500);
/// How often what is too old, or too much, is deleted.
const SWEPT_EVERY: Duration = Duration::from_secs(60);
/// Bytes that the texts of a row rarely exceed.
const ROW_BYTES: usize = 1 << 10;
/// Exchanges that are deleted in one transaction, so that others get their turn.
const DELETED_MAX: u32 = 2_000;

/// Write until nobody hands anything over any more.
pub(super) async fn run(
    database: Arc<dyn Database>,
    mut taking: Taking<Arc<Over>>,
    trouble: Arc<Trouble>,
    bounds: config::Ledger,
) {
    let state = taking.state.clone();
    let mut writer = Writer { database, state, trouble, bounds, next_sweep: Instant::now() };
    loop {
        tokio::select! {
            batch = taking.together(GATHER) => match batch {
                Some(batch) => writer.write_all(batch).await,
                None => return,
            },
            // What is too old goes also where nothing comes.
            () = tokio::time::sleep_until(writer.next_sweep) => {}
        }
        writer.sweep().await;
    }
}

struct Writer {
    database: Arc<dyn Database>,
    state: Arc<State>,
    trouble: Arc<Trouble>,
    bounds: config::Ledger,
    next_sweep: Instant,
}

impl Writer {
    /// Write a batch. As long as the database cannot be written it is tried again, and meanwhile the queue fills; what it
    /// does not take is tried by itself, and lost.
    async fn write_all(&mut self, batch: Vec<Waiting<Arc<Over>>>) {
        let bytes = batch.iter().map(|waiting| waiting.bytes).sum();
        let count = batch.len();
        let all: Vec<Arc<Over>> = batch.into_iter().map(|waiting| waiting.what).collect();
        // Those that are not written yet.
        let mut parts: Vec<&[Arc<Over>]> = vec![&all];
        while let Some(part) = parts.pop() {
            match self.database.write(statements(part, &self.bounds), Durable::Process).await {
                Ok(_) => {
                    self.state.does(part.len());
                    self.is_well();
                }
                Err(failure @ Failure::Unavailable(_)) => {
                    self.is_in_trouble(failure);
                    parts.push(part);
                    sleep(PAUSE).await;
                }
                Err(Failure::Refused(_)) if part.len() > 1 => {
                    let (one, other) = part.split_at(part.len() / 2);
                    parts.extend([one, other]);
                }
                Err(Failure::Refused(why)) => {
                    let exchange = part.first().map(|over| &*over.id);
                    warn!(exchange, why, "the ledger does not take an exchange");
                    self.state.loses(1);
                }
            }
        }
        self.state.is_over(count, bytes);
    }

    fn is_well(&self) {
        if self.trouble.swap(None).is_some() {
            info!("the ledger is written again");
        }
    }

    fn is_in_trouble(&self, failure: Failure) {
        let why = failure.to_string();
        if self.trouble.swap(Some(Arc::new(why.clone()))).is_none() {
            warn!(why, "the ledger cannot be written; it is tried again, and what does not fit meanwhile is lost");
        }
    }

    /// Delete what is too old, and the oldest of what is too much.
    async fn sweep(&mut self) {
        if Instant::now() < self.next_sweep {
            return;
        }
        self.next_sweep = Instant::now() + SWEPT_EVERY;
        if let Err(failure) = sweep(&*self.database, &self.bounds).await {
            warn!(why = failure.to_string(), "deleting what the ledger need not keep any longer");
        }
    }
}

/// Delete what is too old, and the oldest of what is too much.
pub(super) async fn sweep(database: &dyn Database, bounds: &config::Ledger) -> Result<(), Failure> {
    let now = now_ms();
    let keep_ms = u64::try_from(bounds.keep.as_millis()).unwrap_or(u64::MAX);
    let too_old = Value::from(now.saturating_sub(keep_ms));
    let minute = Value::from(now.saturating_sub(keep_ms) / 60_000);
    let mut gone = vec![
        Statement::new("DELETE FROM texts WHERE expires <= $1", vec![now.into()]),
        Statement::new("DELETE FROM sessions WHERE last < $1", vec![too_old.clone()]),
        Statement::new("DELETE FROM minutes WHERE minute < $1", vec![minute.clone()]),
        Statement::new("DELETE FROM distributions WHERE minute < $1", vec![minute.clone()]),
        Statement::new("DELETE FROM verdicts WHERE minute < $1", vec![minute]),
    ];
    gone.extend(super::feedback::too_old(now, now.saturating_sub(keep_ms)));
    database.write(gone, Durable::Process).await?;
    while delete_oldest(database, "began < $1", too_old.clone()).await? > 0 {}
    while database.bytes().await? > bounds.bytes_max {
        let is_gone = delete_oldest(database, "began >= $1", 0_i64.into()).await? > 0;
        if !is_gone && super::feedback::delete_oldest(database, DELETED_MAX).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Delete the oldest exchanges of which this is true, some at a time, and what was said before the last of them; says how many.
async fn delete_oldest(database: &dyn Database, which: &str, value: Value<'_>) -> Result<u64, Failure> {
    let last = format!(
        "SELECT max(id), max(began) FROM (SELECT id, began FROM exchanges WHERE {which} ORDER BY id LIMIT {DELETED_MAX}) \
         AS oldest"
    );
    let found = database.read(Statement::new(last, vec![value])).await?;
    let last = found.into_iter().next().map(|mut row| (row.text(), row.number().unwrap_or_default()));
    let Some((Some(last), began)) = last else { return Ok(0) };
    let up_to = |sql| Statement::new(sql, vec![last.clone().into()]);
    let deleted = vec![
        up_to("DELETE FROM exchanges WHERE id <= $1"),
        up_to("DELETE FROM findings WHERE exchange <= $1"),
        up_to("DELETE FROM texts WHERE exchange <= $1"),
        Statement::new("DELETE FROM feedback WHERE at < $1", vec![began.into()]),
    ];
    let deleted = database.write(deleted, Durable::Process).await?;
    Ok(deleted.first().copied().unwrap_or_default())
}

/// All that is written of these exchanges.
fn statements(all: &[Arc<Over>], bounds: &config::Ledger) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut sums = Sums::default();
    // Those that are left are written one by one: a database keeps two statements ready, and not one for each number.
    let (many, few) = all.split_at(all.len() - all.len() % ROWS);
    for rows in many.chunks(ROWS).chain(few.chunks(1)) {
        let mut values = Values::with_room(rows.len() * Entry::WIDTH, rows.len() * ROW_BYTES);
        for over in rows {
            let entry = Entry::of(over);
            sums.add(&entry);
            values.extend(entry.values());
            statements.extend(beside(over, &entry, bounds));
        }
        statements.push(Statement { sql: insert(rows.len()).into(), values });
    }
    // Gateways that share a database wait for each other where they add to the same sums: that comes last.
    statements.extend(sums.statements());
    statements
}

/// What is written of an exchange beside its row: findings, texts, what it has shown of the answers before it.
fn beside(over: &Over, entry: &Entry, bounds: &config::Ledger) -> impl Iterator<Item = Statement> {
    let found = entry.found().into_iter().map(|((plugin, rule), count)| {
        Statement::new(FINDING, [rule.into(), plugin.into(), (&*over.id).into(), count.into()])
    });
    let texts = over.record.captured.as_ref().and_then(|captured| super::texts::statement(over, captured, bounds));
    found.chain(texts).chain(super::feedback::recognised(over, bounds))
}

const FINDING: &str =
    "INSERT INTO findings (rule, plugin, exchange, found) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

/// Entries of one statement, where there are so many: a database makes ready for each what it does for any.
const ROWS: usize = 16;

/// The statement that keeps so many entries: one, or [`ROWS`].
fn insert(rows: usize) -> &'static str {
    static ONE: OnceLock<String> = OnceLock::new();
    static MANY: OnceLock<String> = OnceLock::new();
    let kept = if rows == 1 { &ONE } else { &MANY };
    kept.get_or_init(|| {
        let row = |row: usize| {
            let places = (1..=Entry::WIDTH).map(|column| format!("${}", row * Entry::WIDTH + column));
            format!("({})", places.collect::<Vec<_>>().join(", "))
        };
        let places: Vec<String> = (0..rows).map(row).collect();
        format!("INSERT INTO exchanges ({}) VALUES {} ON CONFLICT DO NOTHING", Entry::COLUMNS, places.join(", "))
    })
}

//! What the embedded store keeps in its file, written by one thread of its own.
//!
//! Requests hand over differences and go on; whatever comes together in [`GATHER`], or until somebody waits for it, is
//! the next commit, one row for each sum however many exchanges changed it. However many wait, commits are [`APART`]. A
//! reservation is handed over before the provider is asked, and the end of the answer is told when it is written, which
//! by then it is: most models take longer. So hardly anybody waits for the file, and what a caller saw the end of is
//! never lost: it counts with what was reserved, or with what was used once that is written too. Where more was used
//! than reserved, that is what the end waits for.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use foldhash::HashMap;
use rusqlite::{Connection, params};
use tokio::sync::watch;
use tracing::{error, info};

use super::file;
use super::meter::Meter;
use super::moment::Moment;
use crate::limits::{Account, Amounts, Budget};

/// How long changes are gathered that nobody waits for: a commit takes more CPU time than all else that a limit takes.
pub(super) const GATHER: Duration = Duration::from_millis(100);
/// The least time from the beginning of one commit to that of the next, whoever waits: those who come meanwhile share it.
const APART: Duration = Duration::from_millis(4);
/// Time between two tries to write what could not be written.
const AGAIN: Duration = Duration::from_millis(200);

/// A sum as the file has it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) account: Arc<str>,
    pub(super) meter: Meter,
    pub(super) period: u64,
    pub(super) amount: u64,
}

/// How the sums of an account change in a day: those of its month, and those in all, change by the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    requests: i64,
    tokens: i64,
    money: i64,
}

impl Change {
    /// From one to the other.
    pub(super) fn between(from: Amounts, to: Amounts) -> Self {
        // Amounts end far below the largest number.
        let number = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
        let difference = |from, to| number(to).saturating_sub(number(from));
        Self {
            requests: difference(from.requests, to.requests),
            tokens: difference(from.tokens, to.tokens),
            money: difference(from.money.nanodollars(), to.money.nanodollars()),
        }
    }

    /// What of it lasts longer than minutes for this account.
    pub(super) fn lasting(self, account: &Account) -> Self {
        let if_any = |counts: bool, change| if counts { change } else { 0 };
        Self {
            requests: if_any(account.limits.requests_per_day.is_some(), self.requests),
            tokens: if_any(account.limits.tokens_per_day.is_some(), self.tokens),
            money: if_any(account.budget != Budget::default(), self.money),
        }
    }

    fn of(self, meter: Meter) -> i64 {
        match meter {
            Meter::RequestsPerDay => self.requests,
            Meter::TokensPerDay => self.tokens,
            Meter::MoneyPerDay | Meter::MoneyPerMonth | Meter::MoneyInAll => self.money,
            Meter::RequestsPerMinute | Meter::TokensPerMinute | Meter::Concurrent => 0,
        }
    }

    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.money = self.money.saturating_add(other.money);
    }
}

/// Changes of accounts, by their names and days.
type Changes = HashMap<(Arc<str>, u64), Change>;

/// The writer. When it is dropped, what it was given is written.
#[derive(Debug)]
pub(super) struct Journal {
    shared: Arc<Shared>,
    written: watch::Receiver<u64>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    more: Condvar,
}

/// What is not written yet.
#[derive(Debug, Default)]
struct Pending {
    changes: Changes,
    /// Counts what was handed over.
    number: u64,
    /// The last of it that the thread has taken to write it.
    taken: u64,
    /// The last of it that somebody waits for.
    awaited: u64,
    /// Why the last commit failed; nothing if it did not.
    failure: Option<String>,
    is_over: bool,
}

impl Pending {
    /// Whether somebody waits for what is not with the thread yet.
    fn is_awaited(&self) -> bool {
        self.awaited > self.taken
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody waits for what was handed over under this number.
    fn is_awaited(&self, number: u64) {
        let mut pending = self.pending();
        let is_awaited = pending.is_awaited();
        pending.awaited = pending.awaited.max(number);
        // To wake the thread costs more than all else here: not for each of those who wait for the same commit.
        if !is_awaited && pending.is_awaited() {
            self.more.notify_one();
        }
    }

    /// Wait for something to write, and for what comes soon after it: until somebody waits for it, but no sooner than is
    /// [`APART`] from the `last` time.
    fn gathered(&self, last: Option<Instant>, gather: Duration) -> MutexGuard<'_, Pending> {
        let mut pending = self.pending();
        while pending.changes.is_empty() && !pending.is_over {
            pending = self.more.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        let began = Instant::now();
        while !pending.is_over {
            let end = if pending.is_awaited() { last.map_or(began, |last| last + APART) } else { began + gather };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            pending = self.more.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        pending
    }
}

impl Journal {
    /// Open the file, and read the sums that still count. Changes are gathered this long.
    pub(super) fn open(path: &Path, now: Moment, gather: Duration) -> Result<(Self, Vec<Kept>), String> {
        let connection = file::open(path)?;
        let wrong = |error: rusqlite::Error| format!("reading the store {}: {error}", path.display());
        let kept = read(&connection, now).map_err(wrong)?;
        let shared = Arc::new(Shared::default());
        let (told, written) = watch::channel(0);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn({
            let shared = shared.clone();
            move || write_all(connection, &shared, &told, gather)
        });
        let thread = Some(thread.map_err(|error| format!("starting the store's thread: {error}"))?);
        Ok((Self { shared, written, thread }, kept))
    }

    /// Hand over changes; gives the number under which they are written, which is 0 for none.
    pub(super) fn add(&self, changes: impl Iterator<Item = (Arc<str>, u64, Change)>) -> u64 {
        let mut changes = changes.peekable();
        if changes.peek().is_none() {
            return 0;
        }
        let mut pending = self.shared.pending();
        let was_empty = pending.changes.is_empty();
        for (account, day, change) in changes {
            pending.changes.entry((account, day)).or_default().add(change);
        }
        pending.number += 1;
        let number = pending.number;
        drop(pending);
        if was_empty {
            self.shared.more.notify_one();
        }
        number
    }

    /// The number of what was handed over last.
    pub(super) fn last(&self) -> u64 {
        self.shared.pending().number
    }

    /// Why nothing can be written at the moment.
    pub(super) fn failure(&self) -> Option<String> {
        self.shared.pending().failure.clone()
    }

    pub(super) fn is_written(&self, number: u64) -> bool {
        *self.written.borrow() >= number
    }

    pub(super) async fn written(&self, number: u64) {
        self.shared.is_awaited(number);
        // It ends with the thread only, after which there is nothing to wait for.
        let _ = self.written.clone().wait_for(|written| *written >= number).await;
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.pending().is_over = true;
        self.shared.more.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Write until there is nothing left and the journal is gone.
fn write_all(mut connection: Connection, shared: &Shared, told: &watch::Sender<u64>, gather: Duration) {
    let mut last = None;
    loop {
        let mut pending = shared.gathered(last, gather);
        last = Some(Instant::now());
        let (changes, number, is_over) = (std::mem::take(&mut pending.changes), pending.number, pending.is_over);
        let before = std::mem::replace(&mut pending.taken, number);
        let had_failed = pending.failure.is_some();
        drop(pending);
        if changes.is_empty() {
            return;
        }
        match commit(&mut connection, &changes) {
            Ok(()) => {
                if had_failed {
                    info!("the store can be written again");
                    shared.pending().failure = None;
                }
                told.send_replace(number);
            }
            Err(why) => {
                if !had_failed || is_over {
                    error!(%why, "writing the store failed; what was spent is kept and written later");
                }
                let mut pending = shared.pending();
                pending.taken = before;
                pending.failure = Some(format!("writing the store: {why}"));
                for (key, change) in changes {
                    pending.changes.entry(key).or_default().add(change);
                }
                if is_over {
                    return;
                }
                // Not the wait for more: there is something to write, and it cannot be written.
                drop(pending);
                std::thread::sleep(AGAIN);
            }
        }
    }
}

/// Add all of this to its rows, or nothing.
fn commit(connection: &mut Connection, changes: &Changes) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut add = transaction.prepare_cached(
            "INSERT INTO taken (account, meter, period, amount) VALUES (?1, ?2, ?3, max(?4, 0))
             ON CONFLICT DO UPDATE SET amount = max(amount + ?4, 0)",
        )?;
        for ((account, day), change) in changes {
            let at = Moment::of_day(*day).periods();
            for (meter, change) in Meter::LASTING.map(|meter| (meter, change.of(meter))) {
                if change != 0 {
                    add.execute(params![&**account, meter.word(), number(meter.period(at)), change])?;
                }
            }
        }
    }
    transaction.commit()
}

/// The number of a period, which is far from the largest.
fn number(period: u64) -> i64 {
    i64::try_from(period).unwrap_or(i64::MAX)
}

/// The sums of the periods of `now`. Those of earlier days and months are of no use here, and go.
fn read(connection: &Connection, now: Moment) -> rusqlite::Result<Vec<Kept>> {
    let (mut kept, now) = (Vec::new(), now.periods());
    for meter in Meter::LASTING {
        let period = number(meter.period(now));
        // Those of the day before may still be settled by a gateway that is about to end.
        connection.execute(
            "DELETE FROM taken WHERE meter = ?1 AND period < ?2",
            params![meter.word(), period.saturating_sub(1)],
        )?;
        let mut rows =
            connection.prepare("SELECT account, period, amount FROM taken WHERE meter = ?1 AND period >= ?2")?;
        let rows = rows.query_map(params![meter.word(), period], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?;
        for row in rows {
            let (account, period, amount) = row?;
            let of = |number| u64::try_from(number).unwrap_or_default();
            kept.push(Kept { account: account.into(), meter, period: of(period), amount: of(amount) });
        }
    }
    Ok(kept)
}

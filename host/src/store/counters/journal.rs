//! What the embedded store keeps in its file, written by one thread of its own.
//!
//! Requests hand over differences and go on; whatever has come together while the thread wrote is the next commit, one
//! row for each sum however many exchanges changed it. A reservation is handed over before the provider is asked, and the
//! end of the answer is told when it is written, which by then it is: a commit takes some hundred microseconds, a model
//! seconds. So nobody waits for the file, and what a caller saw the end of is never lost: it counts with what was reserved,
//! or with what was used once that is written too. Where more was used than reserved, that is what the end waits for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::sync::watch;
use tracing::{error, info};

use super::file;
use super::meter::Meter;
use super::moment::Moment;

/// Time between two tries to write what could not be written.
const AGAIN: Duration = Duration::from_millis(200);

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) account: Arc<str>,
    pub(super) meter: Meter,
    pub(super) period: u64,
}

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
    changes: HashMap<Key, i128>,
    /// Counts what was handed over.
    number: u64,
    /// Why the last commit failed; nothing if it did not.
    failure: Option<String>,
    is_over: bool,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    /// Open the file, and read the sums that still count.
    pub(super) fn open(path: &Path, now: Moment) -> Result<(Self, Vec<(Key, u64)>), String> {
        let connection = file::open(path)?;
        let wrong = |error: rusqlite::Error| format!("reading the store {}: {error}", path.display());
        let kept = read(&connection, now).map_err(wrong)?;
        let shared = Arc::new(Shared::default());
        let (told, written) = watch::channel(0);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn({
            let shared = shared.clone();
            move || write_all(connection, &shared, &told)
        });
        let thread = Some(thread.map_err(|error| format!("starting the store's thread: {error}"))?);
        Ok((Self { shared, written, thread }, kept))
    }

    /// Hand over changes; gives the number under which they are written.
    pub(super) fn add(&self, changes: impl Iterator<Item = (Key, i128)>) -> u64 {
        let mut pending = self.shared.pending();
        let was_empty = pending.changes.is_empty();
        for (key, change) in changes {
            let sum = pending.changes.entry(key).or_default();
            *sum = sum.saturating_add(change);
        }
        if pending.changes.is_empty() {
            return pending.number;
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
fn write_all(mut connection: Connection, shared: &Shared, told: &watch::Sender<u64>) {
    loop {
        let mut pending = shared.pending();
        while pending.changes.is_empty() && !pending.is_over {
            pending = shared.more.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        let (changes, number, is_over) = (std::mem::take(&mut pending.changes), pending.number, pending.is_over);
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
                pending.failure = Some(format!("writing the store: {why}"));
                for (key, change) in changes {
                    let sum = pending.changes.entry(key).or_default();
                    *sum = sum.saturating_add(change);
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
fn commit(connection: &mut Connection, changes: &HashMap<Key, i128>) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut add = transaction.prepare(
            "INSERT INTO taken (account, meter, period, amount) VALUES (?1, ?2, ?3, max(?4, 0))
             ON CONFLICT DO UPDATE SET amount = max(amount + ?4, 0)",
        )?;
        for (Key { account, meter, period }, change) in changes {
            let (period, change) = (i64::try_from(*period).unwrap_or(i64::MAX), within(*change));
            add.execute(params![&**account, meter.word(), period, change])?;
        }
    }
    transaction.commit()
}

/// No sum of such overflows before there were millions of them.
fn within(change: i128) -> i64 {
    const MOST: i128 = 1 << 53;
    i64::try_from(change.clamp(-MOST, MOST)).unwrap_or_default()
}

/// The sums of the periods of `now`. Those of earlier days and months are of no use here, and go.
fn read(connection: &Connection, now: Moment) -> rusqlite::Result<Vec<(Key, u64)>> {
    let mut kept = Vec::new();
    for meter in Meter::LASTING {
        let period = i64::try_from(meter.period(now)).unwrap_or_default();
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
            let period = u64::try_from(period).unwrap_or_default();
            kept.push((Key { account: account.into(), meter, period }, u64::try_from(amount).unwrap_or_default()));
        }
    }
    Ok(kept)
}

//! Values in the file of the gateway, by one thread of its own: what comes together is one transaction. A value that was
//! kept survives the end of the process; the last moments may be lost with the power.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, named_params};
use tokio::sync::oneshot;
use tracing::error;

use super::{Failure, Kv, Place, Said, Step, number};
use crate::store::counters::{Clock, Moment};
use crate::store::sqlite;

/// Steps that wait for the thread; further ones are refused.
const WAITING_MAX: usize = 1_024;
/// Steps of one transaction.
const TOGETHER_MAX: usize = 256;
/// Expired values that are deleted with each transaction.
const EXPIRED_MAX: i64 = 100;

/// The values of one gateway.
#[derive(Debug)]
pub struct Embedded {
    path: PathBuf,
    clock: Clock,
    /// Started with the first step: where no plugin keeps anything, no file is made.
    thread: OnceLock<Result<SyncSender<Task>, String>>,
}

/// A step, and whom to tell what came of it.
type Task = (Place, Step, oneshot::Sender<Result<Said, Failure>>);

impl Embedded {
    /// Values in this file, which is made with the first of them.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self::with_clock(path, Clock::default())
    }

    fn with_clock(path: &Path, clock: Clock) -> Self {
        Self { path: path.to_owned(), clock, thread: OnceLock::new() }
    }

    fn thread(&self) -> Result<&SyncSender<Task>, Failure> {
        let start = || {
            let (sender, tasks) = sync_channel(WAITING_MAX);
            let (path, clock) = (self.path.clone(), self.clock.clone());
            let thread = std::thread::Builder::new().name("kv".to_owned()).spawn(move || work(&path, &clock, &tasks));
            thread.map(|_| sender).map_err(|error| format!("starting the store's thread: {error}"))
        };
        self.thread.get_or_init(start).as_ref().map_err(|why| Failure::Unavailable(why.clone()))
    }
}

impl Kv for Embedded {
    fn run(&self, place: Place, step: Step) -> BoxFuture<'static, Result<Said, Failure>> {
        let (teller, told) = oneshot::channel();
        let sent = self.thread().and_then(|thread| {
            thread.try_send((place, step, teller)).map_err(|error| match error {
                TrySendError::Full(_) => Failure::Unavailable("the store is busy".to_owned()),
                TrySendError::Disconnected(_) => Failure::Unavailable("the store is gone".to_owned()),
            })
        });
        async move {
            sent?;
            told.await.unwrap_or_else(|_| Err(Failure::Unavailable("the store is gone".to_owned())))
        }
        .boxed()
    }
}

/// Work until nobody can ask any more.
fn work(path: &Path, clock: &Clock, tasks: &Receiver<Task>) {
    let mut file: Option<File> = None;
    while let Ok(first) = tasks.recv() {
        let mut together = vec![first];
        while together.len() < TOGETHER_MAX
            && let Ok(next) = tasks.try_recv()
        {
            together.push(next);
        }
        let done = done(&mut file, path, clock.now(), &together);
        if let Err(why) = &done {
            error!(why, "the store of the plugins failed");
            // It is opened anew: whatever is wrong may be over.
            file = None;
        }
        // Not before it is written.
        let results = done.unwrap_or_else(|why| vec![Err(Failure::Unavailable(why)); together.len()]);
        for ((.., teller), result) in together.into_iter().zip(results) {
            let _ = teller.send(result);
        }
    }
}

/// Do all of it in one transaction.
fn done(
    file: &mut Option<File>,
    path: &Path,
    now: Moment,
    tasks: &[Task],
) -> Result<Vec<Result<Said, Failure>>, String> {
    let open = match file {
        Some(open) => open,
        None => file.insert(File::open(path)?),
    };
    open.all(now, tasks).map_err(|error| format!("the store {}: {error}", path.display()))
}

/// The open file, and how much of it each place has taken.
struct File {
    connection: Connection,
    taken: HashMap<(std::sync::Arc<str>, std::sync::Arc<str>), u64>,
    /// Another number when another process has written to it.
    version: i64,
}

impl File {
    fn open(path: &Path) -> Result<Self, String> {
        let connection = sqlite::connect(path).map_err(|error| error.to_string())?;
        // What a plugin keeps is worth less than the wait for the disk.
        connection.pragma_update(None, "synchronous", "normal").map_err(|error| error.to_string())?;
        Ok(Self { connection, taken: HashMap::new(), version: 0 })
    }

    fn all(&mut self, now: Moment, tasks: &[Task]) -> rusqlite::Result<Vec<Result<Said, Failure>>> {
        let version = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if std::mem::replace(&mut self.version, version) != version {
            self.taken.clear();
        }
        let within = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let mut values =
            Values { within: &within, taken: &mut self.taken, now: i64::try_from(now.0).unwrap_or(i64::MAX) };
        let all = values
            .forget_expired()
            .and_then(|()| tasks.iter().map(|(place, step, _)| values.run(place, step)).collect());
        match all {
            Ok(all) => within.commit().map(|()| all),
            Err(error) => {
                // What was counted was not written.
                self.taken.clear();
                Err(error)
            }
        }
    }
}

/// The values within one transaction.
struct Values<'a> {
    within: &'a Connection,
    taken: &'a mut HashMap<(std::sync::Arc<str>, std::sync::Arc<str>), u64>,
    now: i64,
}

const GET: &str = "SELECT value, expires FROM kv WHERE plugin = :plugin AND tenant = :tenant AND key = :key
    AND (expires IS NULL OR expires > :now)";
const SET: &str = "INSERT OR REPLACE INTO kv VALUES (:plugin, :tenant, :key, :value, :expires)";
const DELETE: &str = "DELETE FROM kv WHERE plugin = :plugin AND tenant = :tenant AND key = :key";
const TAKEN: &str = "SELECT coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0) FROM kv
    WHERE plugin = :plugin AND tenant = :tenant";
const LENGTH: &str = "SELECT length(CAST(key AS BLOB)) + length(value) FROM kv
    WHERE plugin = :plugin AND tenant = :tenant AND key = :key";
const EXPIRED: &str = "SELECT plugin, tenant, key FROM kv WHERE expires <= :now LIMIT :most";

impl Values<'_> {
    fn run(&mut self, place: &Place, step: &Step) -> rusqlite::Result<Result<Said, Failure>> {
        match step {
            Step::Get(key) => Ok(Ok(Said::Value(self.get(place, key)?.map(|(value, _)| value)))),
            Step::Set(key, value, ttl) => {
                let expires = ttl.map(|ttl| self.after(ttl));
                Ok(self.set(place, key, value, expires)?.map(|()| Said::Done))
            }
            Step::Delete(key) => self.delete(&place.plugin, &place.tenant, key).map(|()| Ok(Said::Done)),
            Step::Increment(key, by, ttl) => {
                let (before, expires) = match self.get(place, key)? {
                    Some((value, expires)) => (number(&value), expires),
                    None => (Some(0), ttl.map(|ttl| self.after(ttl))),
                };
                let Some(sum) = before.and_then(|before| before.checked_add(*by)) else {
                    return Ok(Err(Failure::not_a_number()));
                };
                Ok(self.set(place, key, sum.to_string().as_bytes(), expires)?.map(|()| Said::Number(sum)))
            }
        }
    }

    fn after(&self, ttl: Duration) -> i64 {
        self.now.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
    }

    fn get(&self, place: &Place, key: &str) -> rusqlite::Result<Option<(Vec<u8>, Option<i64>)>> {
        let Place { plugin, tenant, .. } = place;
        let named = named_params! {":plugin": &**plugin, ":tenant": &**tenant, ":key": key, ":now": self.now};
        let mut query = self.within.prepare_cached(GET)?;
        query.query_row(named, |row| Ok((row.get("value")?, row.get("expires")?))).optional()
    }

    fn set(
        &mut self,
        place: &Place,
        key: &str,
        value: &[u8],
        expires: Option<i64>,
    ) -> rusqlite::Result<Result<(), Failure>> {
        let Place { plugin, tenant, bytes_max } = place;
        let more = u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX);
        let before = self.length(plugin, tenant, key)?;
        let taken = self.taken(place)?;
        let after = taken.saturating_sub(before).saturating_add(more);
        if after > *bytes_max {
            return Ok(Err(Failure::QuotaExceeded));
        }
        self.within.prepare_cached(SET)?.execute(named_params! {
            ":plugin": &**plugin, ":tenant": &**tenant, ":key": key, ":value": value, ":expires": expires,
        })?;
        self.taken.insert((plugin.clone(), tenant.clone()), after);
        Ok(Ok(()))
    }

    fn delete(&mut self, plugin: &str, tenant: &str, key: &str) -> rusqlite::Result<()> {
        let length = self.length(plugin, tenant, key)?;
        self.within
            .prepare_cached(DELETE)?
            .execute(named_params! {":plugin": plugin, ":tenant": tenant, ":key": key})?;
        if let Some(taken) = self.taken.get_mut(&(plugin.into(), tenant.into())) {
            *taken = taken.saturating_sub(length);
        }
        Ok(())
    }

    fn forget_expired(&mut self) -> rusqlite::Result<()> {
        let expired: Vec<(String, String, String)> = {
            let mut query = self.within.prepare_cached(EXPIRED)?;
            let rows = query.query_map(named_params! {":now": self.now, ":most": EXPIRED_MAX}, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        expired.iter().try_for_each(|(plugin, tenant, key)| self.delete(plugin, tenant, key))
    }

    /// Bytes of a key and its value; 0 where there is none.
    fn length(&self, plugin: &str, tenant: &str, key: &str) -> rusqlite::Result<u64> {
        let named = named_params! {":plugin": plugin, ":tenant": tenant, ":key": key};
        let length: Option<i64> = self.within.prepare_cached(LENGTH)?.query_row(named, |row| row.get(0)).optional()?;
        Ok(length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default())
    }

    /// Bytes that a place has taken: added up once.
    fn taken(&mut self, place: &Place) -> rusqlite::Result<u64> {
        let Place { plugin, tenant, .. } = place;
        if let Some(taken) = self.taken.get(&(plugin.clone(), tenant.clone())) {
            return Ok(*taken);
        }
        let named = named_params! {":plugin": &**plugin, ":tenant": &**tenant};
        let taken: i64 = self.within.prepare_cached(TAKEN)?.query_row(named, |row| row.get(0))?;
        let taken = u64::try_from(taken).unwrap_or_default();
        self.taken.insert((plugin.clone(), tenant.clone()), taken);
        Ok(taken)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::tests::{adds_up, keeps_to_its_bounds, keeps_values_apart, place};
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        (folder, path)
    }

    #[tokio::test]
    async fn it_does_what_every_store_does() {
        let (_folder, path) = file();
        let store = Embedded::new(&path);
        assert!(!path.exists(), "no file is made before it is needed");
        keeps_values_apart(&store).await;
        adds_up(&store).await;
        keeps_to_its_bounds(&store).await;
    }

    #[tokio::test]
    async fn what_was_kept_is_there_after_a_restart() {
        let (_folder, path) = file();
        let set = Step::Set("a".to_owned(), b"x".to_vec(), None);
        Embedded::new(&path).run(place("one", "blue"), set).await.unwrap();
        let said = Embedded::new(&path).run(place("one", "blue"), Step::Get("a".to_owned())).await;
        assert_eq!(said, Ok(Said::Value(Some(b"x".to_vec()))));
    }

    #[tokio::test]
    async fn a_value_is_gone_when_its_time_is_up_and_so_is_its_place() {
        let (_folder, path) = file();
        let time = Arc::new(AtomicU64::new(1_000));
        let clock = {
            let time = time.clone();
            Clock::new(move || Moment(time.load(Ordering::Relaxed)))
        };
        let store = Embedded::with_clock(&path, clock);
        let one = place("one", "blue");
        let ttl = Some(Duration::from_millis(10));
        store.run(one.clone(), Step::Set("a".to_owned(), vec![b'x'; 99], ttl)).await.unwrap();
        time.store(1_009, Ordering::Relaxed);
        assert_eq!(store.run(one.clone(), Step::Set("b".to_owned(), vec![], None)).await, Err(Failure::QuotaExceeded));
        time.store(1_010, Ordering::Relaxed);
        assert_eq!(store.run(one.clone(), Step::Get("a".to_owned())).await, Ok(Said::Value(None)));
        assert_eq!(store.run(one.clone(), Step::Set("b".to_owned(), vec![0; 99], None)).await, Ok(Said::Done));
        store.run(one.clone(), Step::Delete("b".to_owned())).await.unwrap();
        // The time of a number begins when it is made, and not anew with each change.
        for (now, sum) in [(2_000, 1), (2_009, 2), (2_010, 1)] {
            time.store(now, Ordering::Relaxed);
            assert_eq!(
                store.run(one.clone(), Step::Increment("n".to_owned(), 1, ttl)).await,
                Ok(Said::Number(sum)),
                "{now}"
            );
        }
    }

    #[tokio::test]
    async fn what_another_process_has_kept_counts() {
        let (_folder, path) = file();
        let (one, other) = (Embedded::new(&path), Embedded::new(&path));
        let set = |store: &Embedded, key: &str, bytes| {
            store.run(place("one", "blue"), Step::Set(key.to_owned(), vec![0; bytes], None))
        };
        set(&one, "a", 9).await.unwrap();
        set(&other, "b", 79).await.unwrap();
        assert_eq!(set(&one, "c", 10).await, Err(Failure::QuotaExceeded));
        assert_eq!(set(&one, "c", 9).await, Ok(Said::Done));
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_opened_is_unavailable_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/s.db");
        let store = Embedded::new(&path);
        let get = || store.run(place("one", "blue"), Step::Get("a".to_owned()));
        assert!(matches!(get().await, Err(Failure::Unavailable(_))));
        std::fs::create_dir(folder.path().join("none")).unwrap();
        assert_eq!(get().await, Ok(Said::Value(None)));
    }
}

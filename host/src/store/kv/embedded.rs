//! Values in the file of the gateway, by one thread of its own: what comes together is one transaction. A value that was
//! kept survives the end of the process; the last moments may be lost with the power.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, named_params};
use tokio::sync::oneshot;
use tracing::{error, info};

use super::{ENTRY_BYTES, Failure, Kv, Place, Said, Step, number};
use crate::queue::{Queue, Refused, Waiting, Work, on_thread};
use crate::store::counters::{Clock, Moment};
use crate::store::sqlite;

/// Steps that wait for the thread; further ones are refused.
const WAITING_MAX: usize = 1_024;
/// Bytes of all that waits.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Steps of one transaction.
const TOGETHER_MAX: usize = 256;
/// Expired values that are deleted with each transaction.
const EXPIRED_MAX: i64 = 100;

/// The values of one gateway.
#[derive(Debug)]
pub struct Embedded {
    path: PathBuf,
    bytes_max: u64,
    clock: Clock,
    /// Started with the first step: where no plugin keeps anything, no file is made.
    thread: OnceLock<Result<Tasks, String>>,
}

type Tasks = Queue<(Place, Step), Result<Said, Failure>>;

/// A step in a place.
type Task = Waiting<(Place, Step), Result<Said, Failure>>;

impl Embedded {
    /// Values in this file, which is made with the first of them; so many bytes of all places together.
    #[must_use]
    pub fn new(path: &Path, bytes_max: u64) -> Self {
        Self::with_clock(path, bytes_max, Clock::default())
    }

    fn with_clock(path: &Path, bytes_max: u64, clock: Clock) -> Self {
        Self { path: path.to_owned(), bytes_max, clock, thread: OnceLock::new() }
    }

    fn thread(&self) -> Result<&Tasks, Failure> {
        let start = || {
            let mut store = Store { path: self.path.clone(), bytes_max: self.bytes_max, file: None, is_well: true };
            let clock = self.clock.clone();
            let work = move |tasks| store.work(&clock, &tasks);
            on_thread("kv", WAITING_MAX, WAITING_BYTES_MAX, work)
                .map_err(|error| format!("starting the store's thread: {error}"))
        };
        self.thread.get_or_init(start).as_ref().map_err(|why| Failure::Unavailable(why.clone()))
    }

    fn send(&self, place: Place, step: Step) -> Result<oneshot::Receiver<Result<Said, Failure>>, Failure> {
        let bytes = step.bytes();
        self.thread()?.send((place, step), bytes).map_err(|refused| match refused {
            Refused::Full => Failure::Busy,
            Refused::Gone => Failure::Unavailable(GONE.to_owned()),
        })
    }
}

/// Said where the thread has ended.
const GONE: &str = "the store's thread is gone";

impl Kv for Embedded {
    fn run(&self, place: Place, step: Step) -> BoxFuture<'static, Result<Said, Failure>> {
        let sent = self.send(place, step);
        async move {
            let gone = |_| Failure::Unavailable(GONE.to_owned());
            sent?.await.map_err(gone)?
        }
        .boxed()
    }
}

/// The file, and what the thread knows of it.
struct Store {
    path: PathBuf,
    bytes_max: u64,
    file: Option<Connection>,
    is_well: bool,
}

impl Store {
    /// Work until nobody can ask any more.
    fn work(&mut self, clock: &Clock, tasks: &Work<(Place, Step), Result<Said, Failure>>) {
        while let Some(together) = tasks.together(TOGETHER_MAX) {
            let done = self.done(clock.now(), &together);
            self.say_how_it_is(done.as_ref().err());
            // Not before it is written.
            let results = done.unwrap_or_else(|why| vec![Err(Failure::Unavailable(why)); together.len()]);
            for (task, result) in together.into_iter().zip(results) {
                task.tell(result);
            }
        }
    }

    /// Do all of it in one transaction.
    fn done(&mut self, now: Moment, tasks: &[Task]) -> Result<Vec<Result<Said, Failure>>, String> {
        let failed = |error: &dyn std::fmt::Display| format!("the store {}: {error}", self.path.display());
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open(&self.path).map_err(|why| failed(&why))?,
        };
        let done = all(&mut file, self.bytes_max, now, tasks).map_err(|error| failed(&error))?;
        // Where that failed it is opened anew: whatever is wrong may be over.
        self.file = Some(file);
        Ok(done)
    }

    /// Once when it fails, and once when it is well again.
    fn say_how_it_is(&mut self, why: Option<&String>) {
        match (std::mem::replace(&mut self.is_well, why.is_none()), why) {
            (true, Some(why)) => error!(why, "the store of the plugins failed"),
            (false, None) => info!("the store of the plugins is well again"),
            (true, None) | (false, Some(_)) => {}
        }
    }
}

fn open(path: &Path) -> Result<Connection, String> {
    let connection = sqlite::connect(path).map_err(|error| error.to_string())?;
    // What a plugin keeps is worth less than the wait for the disk.
    connection.pragma_update(None, "synchronous", "normal").map_err(|error| error.to_string())?;
    Ok(connection)
}

fn all(
    file: &mut Connection,
    bytes_max: u64,
    now: Moment,
    tasks: &[Task],
) -> rusqlite::Result<Vec<Result<Said, Failure>>> {
    // Who only reads keeps nobody from writing.
    let only_reads = tasks.iter().all(|task| matches!(task.asked, (_, Step::Get(_))));
    let behavior = if only_reads { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
    let within = file.transaction_with_behavior(behavior)?;
    let values = Values { within: &within, bytes_max, now: i64::try_from(now.0).unwrap_or(i64::MAX) };
    if !only_reads {
        values.forget_expired()?;
    }
    let all = tasks.iter().map(|task| values.run(&task.asked.0, &task.asked.1)).collect::<rusqlite::Result<_>>()?;
    within.commit()?;
    Ok(all)
}

/// The values within one transaction.
struct Values<'a> {
    within: &'a Connection,
    bytes_max: u64,
    now: i64,
}

const GET: &str = "SELECT value, expires FROM kv WHERE plugin = :plugin AND tenant = :tenant AND key = :key
    AND (expires IS NULL OR expires > :now)";
// Not REPLACE, which would tell no trigger what was there.
const SET: &str = "INSERT INTO kv VALUES (:plugin, :tenant, :key, :value, :expires)
    ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires";
const DELETE: &str = "DELETE FROM kv WHERE plugin = :plugin AND tenant = :tenant AND key = :key";
const TAKEN: &str = "SELECT bytes FROM kv_taken WHERE plugin = :plugin AND tenant = :tenant";
const LENGTH: &str = "SELECT :entry + length(CAST(key AS BLOB)) + length(value) FROM kv
    WHERE plugin = :plugin AND tenant = :tenant AND key = :key";
const FORGET: &str = "DELETE FROM kv WHERE (plugin, tenant, key) IN
    (SELECT plugin, tenant, key FROM kv WHERE expires <= :now LIMIT :most)";

impl Values<'_> {
    fn run(&self, place: &Place, step: &Step) -> rusqlite::Result<Result<Said, Failure>> {
        match step {
            Step::Get(key) => Ok(Ok(Said::Value(self.get(place, key)?.map(|(value, _)| value)))),
            Step::Set(key, value, ttl) => {
                let expires = ttl.map(|ttl| self.after(ttl));
                Ok(self.set(place, key, value, expires)?.map(|()| Said::Done))
            }
            Step::Delete(key) => {
                let Place { plugin, tenant, .. } = place;
                let named = named_params! {":plugin": &**plugin, ":tenant": &**tenant, ":key": key};
                self.within.prepare_cached(DELETE)?.execute(named)?;
                Ok(Ok(Said::Done))
            }
            Step::Increment(key, by, ttl) => {
                let (before, expires) = match self.get(place, key)? {
                    Some((value, expires)) => (number(&value), expires),
                    None => (Some(0), ttl.map(|ttl| self.after(ttl))),
                };
                let Some(sum) = before.and_then(|before| before.checked_add(*by)) else {
                    return Ok(Err(Failure::NotANumber));
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
        &self,
        place: &Place,
        key: &str,
        value: &[u8],
        expires: Option<i64>,
    ) -> rusqlite::Result<Result<(), Failure>> {
        let Place { plugin, tenant, bytes_max } = place;
        let after = u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX).saturating_add(ENTRY_BYTES);
        let before = self.length(place, key)?;
        let fits = |taken: u64, most: u64| taken.saturating_sub(before).saturating_add(after) <= most;
        if !fits(self.taken(plugin, tenant)?, *bytes_max) || !fits(self.taken("", "")?, self.bytes_max) {
            return Ok(Err(Failure::QuotaExceeded));
        }
        self.within.prepare_cached(SET)?.execute(named_params! {
            ":plugin": &**plugin, ":tenant": &**tenant, ":key": key, ":value": value, ":expires": expires,
        })?;
        Ok(Ok(()))
    }

    fn forget_expired(&self) -> rusqlite::Result<()> {
        let named = named_params! {":now": self.now, ":most": EXPIRED_MAX};
        self.within.prepare_cached(FORGET)?.execute(named).map(drop)
    }

    /// Bytes that an entry takes; 0 where there is none.
    fn length(&self, place: &Place, key: &str) -> rusqlite::Result<u64> {
        let Place { plugin, tenant, .. } = place;
        let entry = i64::try_from(ENTRY_BYTES).unwrap_or_default();
        let named = named_params! {":plugin": &**plugin, ":tenant": &**tenant, ":key": key, ":entry": entry};
        Ok(bytes(self.within.prepare_cached(LENGTH)?.query_row(named, |row| row.get(0)).optional()?))
    }

    /// Bytes that a place has taken; without names, all of them.
    fn taken(&self, plugin: &str, tenant: &str) -> rusqlite::Result<u64> {
        let named = named_params! {":plugin": plugin, ":tenant": tenant};
        Ok(bytes(self.within.prepare_cached(TAKEN)?.query_row(named, |row| row.get(0)).optional()?))
    }
}

fn bytes(counted: Option<i64>) -> u64 {
    counted.and_then(|counted| u64::try_from(counted).ok()).unwrap_or_default()
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
        let store = Embedded::new(&path, u64::MAX);
        assert!(!path.exists(), "no file is made before it is needed");
        keeps_values_apart(&store).await;
        adds_up(&store).await;
        keeps_to_its_bounds(&store).await;
    }

    #[tokio::test]
    async fn what_was_kept_is_there_after_a_restart() {
        let (_folder, path) = file();
        let set = Step::Set("a".to_owned(), b"x".to_vec(), None);
        Embedded::new(&path, u64::MAX).run(place("one", "blue"), set).await.unwrap();
        let said = Embedded::new(&path, u64::MAX).run(place("one", "blue"), Step::Get("a".to_owned())).await;
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
        let store = Embedded::with_clock(&path, u64::MAX, clock);
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
        let (one, other) = (Embedded::new(&path, u64::MAX), Embedded::new(&path, u64::MAX));
        let set = |store: &Embedded, key: &str, bytes| {
            store.run(place("one", "blue"), Step::Set(key.to_owned(), vec![0; bytes], None))
        };
        set(&one, "a", 9).await.unwrap();
        set(&other, "a", 79).await.unwrap();
        assert_eq!(set(&one, "b", 0).await, Err(Failure::QuotaExceeded));
        assert_eq!(set(&one, "a", 99).await, Ok(Said::Done));
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_opened_is_unavailable_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/s.db");
        let store = Embedded::new(&path, u64::MAX);
        let get = || store.run(place("one", "blue"), Step::Get("a".to_owned()));
        assert!(matches!(get().await, Err(Failure::Unavailable(_))));
        std::fs::create_dir(folder.path().join("none")).unwrap();
        assert_eq!(get().await, Ok(Said::Value(None)));
    }

    #[tokio::test]
    async fn all_places_together_have_a_bound() {
        let (_folder, path) = file();
        let store = Embedded::new(&path, 2 * (ENTRY_BYTES + 50));
        let set =
            |tenant: &str, bytes| store.run(place("one", tenant), Step::Set("a".to_owned(), vec![0; bytes], None));
        assert_eq!((set("blue", 49).await, set("red", 49).await), (Ok(Said::Done), Ok(Said::Done)));
        assert_eq!(set("green", 0).await, Err(Failure::QuotaExceeded));
        assert_eq!(set("red", 50).await, Err(Failure::QuotaExceeded));
        store.run(place("one", "blue"), Step::Delete("a".to_owned())).await.unwrap();
        assert_eq!(set("green", 49).await, Ok(Said::Done));
    }

    #[tokio::test]
    async fn what_is_counted_is_what_is_there() {
        let (_folder, path) = file();
        let store = Embedded::new(&path, u64::MAX);
        for step in [
            Step::Set("a".to_owned(), vec![0; 5], None),
            Step::Set("é".to_owned(), vec![0; 50], None),
            Step::Set("a".to_owned(), vec![0; 20], Some(Duration::ZERO)),
            Step::Delete("é".to_owned()),
            Step::Increment("n".to_owned(), -7, None),
        ] {
            store.run(Place { bytes_max: u64::MAX, ..place("one", "blue") }, step).await.unwrap();
        }
        let file = sqlite::connect(&path).unwrap();
        let counted = "SELECT (SELECT sum(bytes) FROM kv_taken WHERE plugin = 'one'),
            (SELECT bytes FROM kv_taken WHERE plugin = ''), (SELECT sum(128 + length(key) + length(value)) FROM kv)";
        let counted: (i64, i64, i64) =
            file.query_row(counted, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        assert_eq!(counted, (131, 131, 131));
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes() {
        let (_folder, path) = file();
        let store = Embedded::new(&path, u64::MAX);
        let large = || store.run(place("one", "blue"), Step::Set("a".to_owned(), vec![0; WAITING_BYTES_MAX + 1], None));
        assert_eq!(large().await, Err(Failure::Busy));
        assert_eq!(store.run(place("one", "blue"), Step::Get("a".to_owned())).await, Ok(Said::Value(None)));
        assert_eq!(store.thread().unwrap().bytes(), 0, "what was refused or done waits no more");
    }
}

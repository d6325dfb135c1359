//! The ledger: every exchange that is over, with its steps, where operators can look for it.
//!
//! Exchanges are handed over through a queue that has bounds in number and bytes, and written by a task of its own, many at a
//! time. What does not fit is counted and lost: no exchange waits for the ledger. Whatever fails here, nobody who asks a
//! model is the worse for it.

mod entry;
mod overview;
mod read;
mod sessions;
mod steps;
mod sums;
mod texts;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::config::{self, Settings};
use crate::exchange::Over;
use crate::store::ledger::{self as store, Database, Failure};

pub use entry::{Details, Entry};
pub use overview::Said as Verdicts;
pub use overview::{By, Minutes, Parts, Scope, Sum, together};
pub use read::{Filter, Found};
pub use sessions::Session;
pub use steps::{Asked, Call, Coverage, Did, Edit, Finding, Granted, Step};
pub use sums::{Measure, bucket, percentile, percentile_time, top_of};
pub use texts::{Said, Texts};

/// Exchanges that may wait to be written: some seconds of them, at the most that two cores can serve.
const WAITING_MAX: usize = 65_536;

/// Where exchanges are handed over, and looked for.
#[derive(Debug)]
pub struct Ledger {
    database: Arc<dyn Database>,
    queue: mpsc::Sender<Waiting>,
    state: Arc<State>,
    bounds: config::Ledger,
}

/// How the ledger is, for whoever watches it.
#[derive(Debug, Default)]
pub struct State {
    waiting_bytes: AtomicUsize,
    /// Exchanges that wait to be written.
    waiting: AtomicUsize,
    written: AtomicU64,
    dropped: AtomicU64,
    /// Why nothing can be written at the moment.
    trouble: ArcSwapOption<String>,
    /// All that had been handed over before is to be written at once.
    hurry: Notify,
    /// Something was written, or given up.
    progress: Notify,
}

/// An exchange that waits to be written, and the bytes that it takes.
#[derive(Debug)]
struct Waiting {
    over: Arc<Over>,
    bytes: usize,
}

/// The same, told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Exchanges that were written since the process began.
    pub written: u64,
    /// Exchanges that are lost, since too much waited or the database did not take them.
    pub dropped: u64,
    /// Exchanges that wait to be written.
    pub waiting: u64,
    /// Why nothing can be written at the moment, if so.
    pub trouble: Option<String>,
}

impl Ledger {
    /// The ledger of these settings, and the task that writes it; nothing if nothing is to be kept.
    ///
    /// # Errors
    /// When the address of the database is none.
    pub fn open(settings: &Settings) -> Result<Option<Arc<Self>>, String> {
        if !settings.ledger.enabled {
            return Ok(None);
        }
        let database = store::open(settings)?;
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let state = Arc::<State>::default();
        let bounds = settings.ledger.clone();
        spawn(write::run(database.clone(), waiting, state.clone(), bounds.clone()));
        Ok(Some(Arc::new(Self { database, queue, state, bounds })))
    }

    /// Hand an exchange over. Waits for nothing.
    pub(crate) fn keep(&self, over: Arc<Over>) {
        let bytes = over.bytes();
        let before = self.state.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let is_full = before.saturating_add(bytes) > self.bounds.queue_bytes_max;
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        if is_full || self.queue.try_send(Waiting { over, bytes }).is_err() {
            self.state.is_done(bytes, 1);
            self.state.loses(1);
        }
    }

    /// The tables themselves.
    #[must_use]
    pub fn database(&self) -> &dyn Database {
        &*self.database
    }

    /// Delete what need not be kept any longer, as the task that writes does once a minute.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn sweep(&self) -> Result<(), Failure> {
        write::sweep(&*self.database, &self.bounds).await
    }

    /// How it is.
    #[must_use]
    pub fn told(&self) -> Told {
        self.state.told()
    }

    /// Wait until all that was handed over so far is written or lost, for so long at most; says whether it is.
    pub async fn all_written(&self, wait: Duration) -> bool {
        let all = async {
            loop {
                let progress = self.state.progress.notified();
                if self.state.waiting.load(Ordering::Acquire) == 0 {
                    return;
                }
                self.state.hurry.notify_one();
                progress.await;
            }
        };
        tokio::time::timeout(wait, all).await.is_ok()
    }
}

/// On the threads that serve, where there are some: settings are also looked at without.
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Option<JoinHandle<()>> {
    tokio::runtime::Handle::try_current().ok().map(|threads| threads.spawn(work))
}

impl State {
    fn told(&self) -> Told {
        Told {
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            waiting: u64::try_from(self.waiting.load(Ordering::Relaxed)).unwrap_or(u64::MAX),
            trouble: self.trouble.load_full().map(|why| why.as_ref().clone()),
        }
    }

    fn is_done(&self, bytes: usize, count: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.waiting.fetch_sub(count, Ordering::Release);
        self.progress.notify_waiters();
    }

    fn loses(&self, count: u64) {
        // Said once for many: whoever watches sees the count.
        if self.dropped.fetch_add(count, Ordering::Relaxed).is_multiple_of(LOST_BETWEEN_WARNINGS) {
            tracing::warn!(count, "the ledger loses exchanges: too many wait to be written");
        }
    }
}

/// Exchanges that are lost from one warning to the next.
const LOST_BETWEEN_WARNINGS: u64 = 10_000;

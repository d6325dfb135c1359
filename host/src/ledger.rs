//! The ledger: every exchange that is over, with its steps, where operators can look for it.
//!
//! Exchanges are handed over through a queue that has bounds in number and bytes, and written by a task of its own, many at a
//! time. What does not fit is counted and lost: no exchange waits for the ledger. Whatever fails here, nobody who asks a
//! model is the worse for it.

mod captured;
mod entry;
mod feedback;
mod overview;
mod place;
mod read;
mod sessions;
mod steps;
mod sums;
mod texts;
mod write;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::config::{self, Settings};
use crate::exchange::Over;
use crate::feedback::Conversations;
use crate::handover::{self, Handover, spawn};
use crate::store::ledger::{self as store, Database, Failure};

pub use captured::{Captured, Wanted};
pub use entry::{Details, Entry};
pub use feedback::{Kept, Opinions, Sums};
pub use overview::Said as Verdicts;
pub use overview::{By, Minutes, Parts, Scope, Sum, together};
pub use place::Place;
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
    handover: Handover<Arc<Over>>,
    trouble: Arc<Trouble>,
    bounds: config::Ledger,
    conversations: Conversations,
}

/// Why nothing can be written at the moment.
type Trouble = ArcSwapOption<String>;

/// How the ledger is, for whoever watches it.
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
        let bounds = settings.ledger.clone();
        let (handover, taking) = Handover::new(WAITING_MAX, bounds.queue_bytes_max, write::BATCH_MAX);
        let trouble = Arc::<Trouble>::default();
        spawn(write::run(database.clone(), taking, trouble.clone(), bounds.clone()));
        let conversations = Conversations::default();
        Ok(Some(Arc::new(Self { database, handover, trouble, bounds, conversations })))
    }

    /// The ledger of these settings, for whoever only looks: nothing is written or deleted.
    ///
    /// # Errors
    /// When the address of the database is none.
    pub fn to_read(settings: &Settings) -> Result<Self, String> {
        let database = store::open_to_read(settings)?;
        // Nobody is at the other end.
        let (handover, _) = Handover::new(1, 0, 1);
        let (trouble, conversations) = (Arc::default(), Conversations::default());
        Ok(Self { database, handover, trouble, bounds: settings.ledger.clone(), conversations })
    }

    /// Hand an exchange over. Waits for nothing.
    pub(crate) fn keep(&self, over: Arc<Over>) {
        let bytes = over.bytes();
        if let Err(lost) = self.handover.give(over, bytes)
            // Said once for many: whoever watches sees the count.
            && lost.is_multiple_of(LOST_BETWEEN_WARNINGS)
        {
            tracing::warn!("the ledger loses exchanges: too many wait to be written");
        }
    }

    /// Where the conversations of its callers stand.
    pub(crate) fn conversations(&self) -> &Conversations {
        &self.conversations
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
        let handover::Told { waiting, done, dropped } = self.handover.told();
        let trouble = self.trouble.load_full().map(|why| why.as_ref().clone());
        Told { written: done, dropped, waiting, trouble }
    }

    /// Wait until all that was handed over so far is written or lost, for so long at most; says whether it is.
    pub async fn all_written(&self, wait: Duration) -> bool {
        self.handover.all_done(wait).await
    }
}

/// Exchanges that are lost from one warning to the next.
const LOST_BETWEEN_WARNINGS: u64 = 10_000;

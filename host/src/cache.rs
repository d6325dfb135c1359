//! What need not be asked twice: answers that are kept, found by equal questions and by what questions mean, and questions
//! that several callers ask at the same moment.
//!
//! A policy, a plugin, says what a question is equal to, whether an answer to a similar one will do, and what may be kept. The
//! host adds to each key what the policy cannot see or must not decide (`question.rs`), keeps what was released and nothing
//! else, and lets one of those who ask the same ask for all of them (`flight.rs`). Whatever fails here, a model is asked.

mod asked;
mod flight;
mod listen;
mod plans;
mod question;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::config::Settings;
use crate::embed::Embedders;
use crate::exchange::Exchange;
use crate::money::Money;
use crate::store::answers::{self, Answers, Digest, Failure, Meanings, Purge};
use crate::store::counters::Clock;
use flight::Flights;
use plans::Plans;

pub(crate) use asked::{find, plan};
pub(crate) use flight::{Following, Joined, Next};
pub(crate) use listen::{Asking, listen};
pub(crate) use question::Question;

/// Kept answers, and what is asked right now.
#[derive(Debug)]
pub struct Cache {
    answers: Arc<dyn Answers>,
    meanings: Arc<dyn Meanings>,
    embedders: Arc<Embedders>,
    flights: Arc<Flights>,
    plans: Plans,
    /// How often answers were purged.
    purges: AtomicU64,
    entry_bytes_max: usize,
    embedding_wait: Duration,
    clock: Clock,
    totals: Totals,
}

/// What became of questions since the process began.
#[derive(Debug, Default)]
struct Totals {
    hits: AtomicU64,
    stale: AtomicU64,
    misses: AtomicU64,
    bypasses: AtomicU64,
    kept: AtomicU64,
    failures: AtomicU64,
    saved_nanodollars: AtomicU64,
}

/// The same, to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Answered from memory, or with the answer that another caller waited for.
    pub hits: u64,
    /// Answered with an older answer while a fresh one was asked for.
    pub stale: u64,
    /// Looked for and not found.
    pub misses: u64,
    /// Not looked for, or not to be found, as a store has failed.
    pub bypasses: u64,
    /// Answers that were kept.
    pub kept: u64,
    /// Calls in which a store has failed.
    pub failures: u64,
    /// What the answers had cost that were given again, in dollars.
    pub saved_usd: String,
}

/// How an exchange stands with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is answered from memory.
    Hit,
    /// It is answered with an older answer.
    Stale,
    /// A model is asked, as there is no answer.
    Miss,
    /// A model is asked, as no answer may be or could be looked for.
    Bypass,
}

impl State {
    /// Whether no model is asked.
    #[must_use]
    pub fn is_from_memory(self) -> bool {
        matches!(self, Self::Hit | Self::Stale)
    }

    /// The word for it in the header and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

/// What an exchange has of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// How it stands.
    pub state: State,
    /// Under which key, if it was looked for.
    pub key: Option<Digest>,
    /// How old its answer is.
    pub age: Duration,
    /// What a model would have cost, as far as that is known.
    pub saved: Money,
}

impl Served {
    /// So far: without an answer of any age that would have cost anything.
    pub(crate) fn so_far(state: State, key: Option<Digest>) -> Self {
        Self { state, key, age: Duration::ZERO, saved: Money::ZERO }
    }
}

impl Cache {
    /// The cache of these settings.
    ///
    /// # Errors
    /// When the address of a shared store is none.
    pub fn open(settings: &Settings, embedders: Arc<Embedders>) -> Result<Self, String> {
        let (answers, meanings) = answers::open(settings)?;
        Ok(Self {
            answers,
            meanings,
            embedders,
            flights: Arc::default(),
            plans: Plans::new(),
            purges: AtomicU64::new(0),
            entry_bytes_max: usize::try_from(settings.cache.entry_bytes_max).unwrap_or(usize::MAX),
            embedding_wait: settings.cache.embedding_wait,
            clock: Clock::default(),
            totals: Totals::default(),
        })
    }

    /// Forget answers; says how many.
    ///
    /// # Errors
    /// When a store has failed: some of them may be there still.
    pub async fn purge(&self, purge: Purge) -> Result<u64, Failure> {
        // What is asked right now is not kept.
        self.purges.fetch_add(1, Ordering::Relaxed);
        self.answers.mark_purge().await?;
        self.forget(purge).await
    }

    async fn forget(&self, purge: Purge) -> Result<u64, Failure> {
        // A question that leads to no answer is no harm; an answer without one is.
        let (answers, meanings) = tokio::join!(self.answers.purge(purge.clone()), self.meanings.purge(purge));
        let answers = answers?;
        meanings?;
        Ok(answers)
    }

    /// What became of questions since the process began.
    #[must_use]
    pub fn told(&self) -> Told {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Totals { hits, stale, misses, bypasses, kept, failures, saved_nanodollars } = &self.totals;
        Told {
            hits: of(hits),
            stale: of(stale),
            misses: of(misses),
            bypasses: of(bypasses),
            kept: of(kept),
            failures: of(failures),
            saved_usd: Money::from_nanodollars(of(saved_nanodollars)).to_string(),
        }
    }

    /// How many questions are asked, or answers offered to a policy, right now.
    #[must_use]
    pub fn flights(&self) -> usize {
        self.flights.count()
    }

    /// How many wait for what another one asks.
    #[must_use]
    pub fn followers(&self) -> usize {
        self.flights.followers()
    }

    /// Note how an exchange stands with it.
    pub(crate) fn serves(&self, x: &Exchange, served: Served) {
        self.note(&served);
        x.is_served(served);
    }

    /// Count how an exchange stands.
    pub(crate) fn note(&self, served: &Served) {
        let count = match served.state {
            State::Hit => &self.totals.hits,
            State::Stale => &self.totals.stale,
            State::Miss => &self.totals.misses,
            State::Bypass => &self.totals.bypasses,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.totals.saved_nanodollars.fetch_add(served.saved.nanodollars(), Ordering::Relaxed);
    }

    /// Note that a store has failed an exchange.
    fn has_failed(&self, exchange: &str, doing: &'static str, failure: &Failure) {
        self.totals.failures.fetch_add(1, Ordering::Relaxed);
        let (outcome, detail) = (failure.word(), failure.to_string());
        tracing::warn!(exchange, doing, outcome, detail, "the cache failed");
    }
}

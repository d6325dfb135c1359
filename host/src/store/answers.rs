//! Answers that are kept, so that what was asked before need not be asked again. Two small traits: [`Answers`] finds one
//! by its key, [`Meanings`] finds the keys of those whose questions mean nearly the same. [`Embedded`] is both, for one
//! gateway; for any number of them, [`Redis`] keeps answers, and [`Postgres`] meanings.
//!
//! A store may lose what it keeps at any time, and may say anything: whoever asks it checks what it says. Each failure has words for
//! the operator, and none of them holds a question or an answer.

mod embedded;
mod postgres;
mod redis;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use crate::config::{self, Settings};
use crate::money::Money;
use crate::store::counters::{Clock, Moment};

pub use embedded::Embedded;
pub use postgres::Postgres;
pub use redis::Redis;

/// SHA-256 of all that a key or a partition stands for.
pub type Digest = [u8; 32];

/// A key as operators read and write it.
#[must_use]
pub fn hex(digest: &Digest) -> String {
    hex::encode(digest)
}

/// The key that is written like this, if it is one.
#[must_use]
pub fn unhex(text: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}

/// A vector of unit length.
pub type Vector = Arc<[f32]>;

/// An answer that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What it is found by.
    pub key: Digest,
    /// What it is the same as, or kept apart from, all else in.
    pub about: About,
    /// From then on it is stale.
    pub fresh_until: Moment,
    /// The question that it answers, as it is compared by meaning; empty where it is not.
    pub question: String,
    /// The whole answer, as the dialect of OpenAI has it.
    pub answer: Bytes,
    /// What it has cost, if that is known.
    pub cost: Option<Money>,
    /// The exchange that it comes from.
    pub exchange: Arc<str>,
}

/// Bytes that an entry takes beside its texts: the rest of its row, and its places in indices and maps.
const ENTRY_BYTES: usize = 512;

impl Kept {
    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let Self { about, question, answer, exchange, .. } = self;
        let texts = question.len() + answer.len() + exchange.len() + about.tenant.len() + about.model.len();
        u64::try_from(texts.saturating_add(ENTRY_BYTES)).unwrap_or(u64::MAX)
    }
}

impl Meaning {
    /// Bytes that it takes in a file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let texts = self.about.tenant.len() + self.about.model.len();
        u64::try_from(size_of_val(&*self.vector) + texts + ENTRY_BYTES).unwrap_or(u64::MAX)
    }
}

/// What an entry is kept under beside its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Entries are compared within a partition alone.
    pub partition: Digest,
    /// Whose it is; empty where all tenants share it.
    pub tenant: Arc<str>,
    /// The model that was asked for.
    pub model: Arc<str>,
    /// When the answer was given.
    pub created: Moment,
    /// From then on it is gone.
    pub kept_until: Moment,
}

/// What a question means.
#[derive(Clone, Debug, PartialEq)]
pub struct Meaning {
    /// The key of its answer.
    pub key: Digest,
    /// Where it belongs.
    pub about: About,
    /// The question's vector.
    pub vector: Vector,
}

/// A question that means nearly the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The key of its answer.
    pub key: Digest,
    /// Cosine similarity, up to 1.
    pub similarity: f32,
}

/// What is to be forgotten: all entries that satisfy each condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purge {
    /// The one with this key.
    pub key: Option<Digest>,
    /// Those of this tenant; with an empty name those that all tenants share.
    pub tenant: Option<Arc<str>>,
    /// Those of this model.
    pub model: Option<Arc<str>>,
    /// Those that were given before.
    pub before: Option<Moment>,
}

impl Purge {
    /// Whether an entry is to be forgotten.
    #[must_use]
    pub fn concerns(&self, key: &Digest, about: &About) -> bool {
        self.key.is_none_or(|this| this == *key)
            && self.tenant.as_ref().is_none_or(|this| *this == about.tenant)
            && self.model.as_ref().is_none_or(|this| *this == about.model)
            && self.before.is_none_or(|this| about.created < this)
    }
}

/// Keeps answers. Each call gives up when its time is up.
pub trait Answers: fmt::Debug + Send + Sync {
    /// The answer with this key, unless it is gone by now.
    fn get(&self, key: Digest) -> BoxFuture<'static, Result<Option<Arc<Kept>>, Failure>>;

    /// Keep an answer in place of any with its key.
    fn put(&self, kept: Arc<Kept>) -> BoxFuture<'static, Result<(), Failure>>;

    /// Forget answers; says how many. It may take longer than other calls.
    fn purge(&self, purge: Purge) -> BoxFuture<'static, Result<u64, Failure>>;

    /// Say, to all gateways that share the store, that answers are purged from now on. Comes before a purge.
    fn mark_purge(&self) -> BoxFuture<'static, Result<(), Failure>> {
        ready(Ok(())).boxed()
    }

    /// How long ago any gateway has begun to purge answers, if that is known: what it asked before may be what was to be
    /// forgotten. A store of one gateway has no others.
    fn since_purge(&self) -> BoxFuture<'static, Result<Option<Duration>, Failure>> {
        ready(Ok(None)).boxed()
    }
}

/// Finds questions by what they mean. Each call gives up when its time is up.
pub trait Meanings: fmt::Debug + Send + Sync {
    /// Up to so many questions of a partition whose similarity is at least so much, the nearest first. Vectors with another
    /// number of dimensions are not near.
    fn nearest(
        &self,
        partition: Digest,
        vector: Vector,
        least: f32,
        most: usize,
    ) -> BoxFuture<'static, Result<Vec<Near>, Failure>>;

    /// Keep a meaning in place of any with its key.
    fn put(&self, meaning: Arc<Meaning>) -> BoxFuture<'static, Result<(), Failure>>;

    /// Forget meanings; says how many. It may take longer than other calls.
    fn purge(&self, purge: Purge) -> BoxFuture<'static, Result<u64, Failure>>;
}

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too much waits for the store.
    Busy,
    /// There is no room, or none for an entry of this size.
    Full,
    /// It did not answer in time.
    Timeout,
    /// It gave something else than was kept.
    Garbage,
    /// It cannot be asked; why, for the operator.
    Unavailable(String),
}

impl Failure {
    /// The word for it in the log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Full => "full",
            Self::Timeout => "timeout",
            Self::Garbage => "garbage",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too much waits for the cache"),
            Self::Full => f.write_str("the cache has no room"),
            Self::Timeout => f.write_str("the cache did not answer in time"),
            Self::Garbage => f.write_str("the cache gave something else than was kept"),
            Self::Unavailable(why) => write!(f, "the cache cannot be asked: {why}"),
        }
    }
}

/// Where answers are kept, and by what they mean found.
type Stores = (Arc<dyn Answers>, Arc<dyn Meanings>);

/// The stores of these settings.
///
/// # Errors
/// When the address of a shared store is none.
pub fn open(settings: &Settings) -> Result<Stores, String> {
    let embedded = Arc::new(Embedded::new(settings.cache.clone(), Clock::default()));
    let config::Cache { entry_bytes_max, wait, .. } = settings.cache;
    let answers: Arc<dyn Answers> = match &settings.store.redis {
        Some(url) => Arc::new(Redis::new(url, wait, entry_bytes_max, Clock::default())?),
        None => embedded.clone(),
    };
    // Gateways that do not share the answers need not find those of others.
    let shared = settings.store.postgres.as_ref().filter(|_| settings.store.redis.is_some());
    let meanings: Arc<dyn Meanings> = match shared {
        Some(url) => Arc::new(Postgres::new(url, &settings.upstream.authorities, &settings.cache, Clock::default())?),
        None => embedded,
    };
    Ok((answers, meanings))
}

/// Whether it is a vector of unit length, as near as numbers are.
fn is_unit(vector: &[f32]) -> bool {
    let length = vector.iter().map(|value| value * value).sum::<f32>();
    (0.9..1.1).contains(&length)
}

/// A number for SQL, whose numbers end earlier.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How long a store may take for what no exchange waits for.
pub const PURGE_TIME: Duration = Duration::from_secs(30);

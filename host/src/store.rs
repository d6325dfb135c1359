//! What outlives the process, behind one small trait each. All of it blocks: it is called on threads that serve nobody.

pub mod answers;
mod columns;
pub mod counters;
mod escalations;
pub mod issue;
mod keys;
pub mod kv;
pub mod ledger;
pub(crate) mod postgres;
pub(crate) mod redis;
pub mod sqlite;
pub mod written;

use std::fmt;

use crate::escalation::{self, Escalation};
use crate::key::Key;
use crate::moment::Moment;

pub use escalations::{Filter, Unannounced, Unanswered};

/// Where keys are kept.
pub trait Keys: fmt::Debug + Send + Sync {
    /// All keys, the oldest first; also those that are revoked or expired.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn all(&self) -> Result<Vec<Key>, Error>;

    /// Keep a new key.
    ///
    /// # Errors
    /// When there is one with its id, or the store cannot be written.
    fn insert(&self, key: &Key) -> Result<(), Error>;

    /// Change the key with this id, so that nobody changes it meanwhile. Nothing if there is none.
    ///
    /// # Errors
    /// What `change` says, or when the store cannot be written.
    fn change(&self, id: &str, change: &mut dyn FnMut(&mut Key) -> Result<(), Error>) -> Result<Option<Key>, Error>;

    /// A number that is another one after somebody has changed a key.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn version(&self) -> Result<u64, Error>;
}

/// Where escalations are kept.
pub trait Escalations: fmt::Debug + Send + Sync {
    /// Keep a new one, to be announced at once, unless its tenant has this many open already.
    ///
    /// # Errors
    /// When it has, or the store cannot be written. Otherwise it survives the end of this process.
    fn insert(&self, new: &Escalation, open_max: u64) -> Result<(), Error>;

    /// The one with this reference.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find(&self, reference: &str) -> Result<Option<Escalation>, Error>;

    /// The oldest that pass the filter.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn list(&self, filter: &Filter, now: Moment, most: usize) -> Result<Vec<Escalation>, Error>;

    /// Change who has it and what is answered, so that nobody changes it meanwhile. Nothing if there is none.
    ///
    /// # Errors
    /// What `change` says, or when the store cannot be written.
    fn change(
        &self,
        reference: &str,
        change: &mut dyn FnMut(&mut Escalation) -> Result<(), Error>,
    ) -> Result<Option<Escalation>, Error>;

    /// How many nobody has answered while there was time, and since when the oldest of them waits.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn unanswered(&self, now: Moment) -> Result<Unanswered, Error>;

    /// Those that are to be announced by now.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn unannounced(&self, now: Moment, most: usize) -> Result<Vec<Unannounced>, Error>;

    /// When the next is to be announced.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn next_try(&self) -> Result<Option<Moment>, Error>;

    /// Note that it was tried to announce one, and when that is to be tried again, if at all.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn tried(&self, reference: &str, next_try: Option<Moment>) -> Result<(), Error>;

    /// Try at once to announce whatever is not announced.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn try_all_again(&self, now: Moment) -> Result<(), Error>;

    /// Delete those that were answered or have expired before this; says how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn forget(&self, before: Moment) -> Result<usize, Error>;
}

/// Work that blocks, on a thread that serves nobody.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let working = tokio::task::spawn_blocking(work).await;
    working.unwrap_or_else(|error| Err(Error::Failed(format!("working with the store: {error}"))))
}

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It cannot be opened, read or written: which, and why.
    Failed(String),
    /// What was asked for cannot be: a field, and why.
    Wrong(&'static str, String),
    /// There is no such key.
    NoSuchKey,
    /// The key was revoked, and stays so.
    Revoked,
    /// There is no such escalation.
    NoSuchEscalation,
    /// An escalation cannot be taken or answered.
    NotOpen(escalation::Refused),
    /// As many escalations of the tenant are open as may be.
    QueueFull,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => f.write_str(why),
            Self::Wrong(field, why) => write!(f, "{field}: {why}"),
            Self::NoSuchKey => f.write_str("there is no key with this id"),
            Self::Revoked => f.write_str("this key was revoked, and stays so; create another one"),
            Self::NoSuchEscalation => f.write_str("there is no escalation with this reference"),
            Self::NotOpen(escalation::Refused::Answered) => f.write_str("this escalation has an answer already"),
            Self::NotOpen(escalation::Refused::Expired) => f.write_str("this escalation has expired"),
            Self::NotOpen(escalation::Refused::TakenBy(who)) => write!(f, "{who} has taken this escalation"),
            Self::NotOpen(escalation::Refused::Wrong(field, why)) => write!(f, "{field}: {why}"),
            Self::QueueFull => f.write_str("as many escalations of this tenant wait for people as may"),
        }
    }
}

impl std::error::Error for Error {}

impl From<escalation::Refused> for Error {
    fn from(refused: escalation::Refused) -> Self {
        match refused {
            escalation::Refused::Wrong(field, why) => Self::Wrong(field, why.to_owned()),
            other => Self::NotOpen(other),
        }
    }
}

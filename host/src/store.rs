//! What outlives the process, behind one small trait each. All of it blocks: it is called on threads that serve nobody.

pub mod counters;
pub mod issue;
mod keys;
pub mod sqlite;
pub mod written;

use std::fmt;

use crate::key::Key;

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
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => f.write_str(why),
            Self::Wrong(field, why) => write!(f, "{field}: {why}"),
            Self::NoSuchKey => f.write_str("there is no key with this id"),
            Self::Revoked => f.write_str("this key was revoked, and stays so; create another one"),
        }
    }
}

impl std::error::Error for Error {}

//! Where exchanges that are over are kept, and what people say of them: tables that are the same in one SQLite file, for one
//! gateway, and in a PostgreSQL, for any number of them. Both are made by the same files (`ledger/migrations`), and both run
//! the same statements.

mod postgres;
mod sqlite;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
mod value;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::config::Settings;

pub use postgres::Postgres;
pub use sqlite::Sqlite;
pub use value::{Value, Values};

/// Tables, and statements about them in the SQL that both databases speak: values are `$1`, `$2` and so on.
pub trait Database: fmt::Debug + Send + Sync {
    /// Run statements in their order, all of them or none; says for each how many rows it has changed.
    fn write(&self, statements: Vec<Statement>, durable: Durable) -> BoxFuture<'_, Result<Vec<u64>, Failure>>;

    /// The rows that a statement gives.
    fn read(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Failure>>;

    /// Bytes that all tables take.
    fn bytes(&self) -> BoxFuture<'_, Result<u64, Failure>>;

    /// How it is called where operators read it, without secrets.
    fn name(&self) -> String;
}

/// What written rows survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// The end of this process.
    Process,
    /// The end of the machine's power, too.
    Power,
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its text.
    pub sql: Cow<'static, str>,
    /// The values for `$1`, `$2` and so on.
    pub values: Values,
}

impl Statement {
    /// A statement.
    pub fn new<'a>(sql: impl Into<Cow<'static, str>>, values: impl IntoIterator<Item = Value<'a>>) -> Self {
        Self { sql: sql.into(), values: values.into_iter().collect() }
    }
}

/// A row, read from its first column to its last.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Value<'static>>);

impl Row {
    fn new(values: Vec<Value<'static>>) -> Self {
        Self(values.into_iter())
    }

    /// The next column, which holds a number, or nothing.
    pub fn int(&mut self) -> Option<i64> {
        match self.0.next() {
            Some(Value::Int(number)) => Some(number),
            Some(Value::Null | Value::Text(_)) | None => None,
        }
    }

    /// The same where a number that is less than nothing is none.
    pub fn number(&mut self) -> Option<u64> {
        self.int().and_then(|number| u64::try_from(number).ok())
    }

    /// The next column, which holds a text, or nothing.
    pub fn text(&mut self) -> Option<String> {
        match self.0.next() {
            Some(Value::Text(text)) => Some(text.into_owned()),
            Some(Value::Null | Value::Int(_)) | None => None,
        }
    }
}

/// Why a database did not do what it was asked for, in words without values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be reached, opened, read or written at the moment.
    Unavailable(String),
    /// It does not take what it was given, and would not the next time.
    Refused(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) | Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

/// The database of these settings; nothing is opened yet.
///
/// # Errors
/// When its address is none.
pub fn open(settings: &Settings) -> Result<Arc<dyn Database>, String> {
    let store = &settings.store;
    match &store.postgres {
        Some(url) => Ok(Arc::new(Postgres::new(url, &settings.upstream.authorities, settings.ledger.wait)?)),
        None => Ok(Arc::new(Sqlite::new(&settings.ledger.path))),
    }
}

/// The same, for whoever only looks: no tables are made or changed.
///
/// # Errors
/// When its address is none.
pub fn open_to_read(settings: &Settings) -> Result<Arc<dyn Database>, String> {
    let store = &settings.store;
    match &store.postgres {
        Some(url) => Ok(Arc::new(Postgres::to_read(url, &settings.upstream.authorities, settings.ledger.wait)?)),
        None => Ok(Arc::new(Sqlite::to_read(&settings.ledger.path))),
    }
}

mod migrations {
    refinery::embed_migrations!("src/store/ledger/migrations");
}

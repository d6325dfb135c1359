//! A small store for plugins: what one keeps for a tenant is there for the same plugin and tenant alone. One small trait, two
//! stores: [`Embedded`] in the file of the gateway, [`Shared`] in a Redis or Valkey for any number of gateways.

mod embedded;
mod shared;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use crate::config;

pub use embedded::Embedded;
pub use shared::Shared;

/// When it expires is in milliseconds since 1970.
pub(super) const TABLE: &str = "
CREATE TABLE kv (
    plugin  TEXT NOT NULL,
    tenant  TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   BLOB NOT NULL,
    expires INTEGER,
    PRIMARY KEY (plugin, tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kv_expires ON kv (expires) WHERE expires IS NOT NULL;
";

/// How much each place has taken, and under the empty names all together: kept with each change of a value.
/// 128 is [`ENTRY_BYTES`].
pub(super) const TAKEN: &str = "
CREATE TABLE kv_taken (
    plugin TEXT NOT NULL,
    tenant TEXT NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (plugin, tenant)
) STRICT, WITHOUT ROWID;
INSERT INTO kv_taken
    SELECT plugin, tenant, sum(128 + length(CAST(key AS BLOB)) + length(value)) FROM kv GROUP BY plugin, tenant;
INSERT INTO kv_taken SELECT '', '', coalesce(sum(bytes), 0) FROM kv_taken;
CREATE TRIGGER kv_added AFTER INSERT ON kv BEGIN
    INSERT INTO kv_taken VALUES (NEW.plugin, NEW.tenant, 0) ON CONFLICT DO NOTHING;
    UPDATE kv_taken SET bytes = bytes + 128 + length(CAST(NEW.key AS BLOB)) + length(NEW.value)
        WHERE (plugin = NEW.plugin AND tenant = NEW.tenant) OR (plugin = '' AND tenant = '');
END;
CREATE TRIGGER kv_changed AFTER UPDATE OF value ON kv BEGIN
    UPDATE kv_taken SET bytes = bytes + length(NEW.value) - length(OLD.value)
        WHERE (plugin = NEW.plugin AND tenant = NEW.tenant) OR (plugin = '' AND tenant = '');
END;
CREATE TRIGGER kv_removed AFTER DELETE ON kv BEGIN
    UPDATE kv_taken SET bytes = bytes - 128 - length(CAST(OLD.key AS BLOB)) - length(OLD.value)
        WHERE (plugin = OLD.plugin AND tenant = OLD.tenant) OR (plugin = '' AND tenant = '');
    DELETE FROM kv_taken WHERE plugin = OLD.plugin AND plugin <> '' AND tenant = OLD.tenant AND bytes = 0;
END;
";

/// Bytes that an entry takes beside those of its key and value: the rest of its row, and its place in the indices.
pub const ENTRY_BYTES: u64 = 128;

/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 512;

/// Keeps values under keys.
pub trait Kv: fmt::Debug + Send + Sync {
    /// Do one thing in a place.
    fn run(&self, place: Place, step: Step) -> BoxFuture<'static, Result<Said, Failure>>;
}

/// A store that keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Kv for Nothing {
    fn run(&self, _place: Place, step: Step) -> BoxFuture<'static, Result<Said, Failure>> {
        ready(Ok(match step {
            Step::Get(_) => Said::Value(None),
            Step::Set(..) | Step::Delete(_) => Said::Done,
            Step::Increment(_, by, _) => Said::Number(by),
        }))
        .boxed()
    }
}

/// What is kept apart from all else, and how much of it there may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The installation.
    pub plugin: Arc<str>,
    /// The tenant.
    pub tenant: Arc<str>,
    /// Bytes of all keys and values, with [`ENTRY_BYTES`] for each.
    pub bytes_max: u64,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value of a key.
    Get(String),
    /// Keep a value, for so long.
    Set(String, Vec<u8>, Option<Duration>),
    /// Forget a value.
    Delete(String),
    /// Add to a number, which is 0 where there is none, and then kept for so long.
    Increment(String, i64, Option<Duration>),
}

impl Step {
    /// What it is about.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Get(key) | Self::Delete(key) | Self::Set(key, ..) | Self::Increment(key, ..) => key,
        }
    }

    /// Bytes of the key, and of a value that is to be kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Set(key, value, _) => key.len() + value.len(),
            Self::Get(key) | Self::Delete(key) | Self::Increment(key, ..) => key.len(),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The value, if there is one.
    Value(Option<Vec<u8>>),
    /// It is done.
    Done,
    /// The sum.
    Number(i64),
}

/// Why nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The place has no room for it.
    QuotaExceeded,
    /// What is to be added to is no number, or the sum would be too large.
    NotANumber,
    /// Too much waits for the store.
    Busy,
    /// The store cannot be asked; why, for the operator.
    Unavailable(String),
}

/// The store of these settings.
///
/// # Errors
/// When its address is none.
pub fn open(store: &config::Store) -> Result<Arc<dyn Kv>, String> {
    Ok(match &store.redis {
        Some(url) => Arc::new(Shared::new(url, store.wait)?),
        None => Arc::new(Embedded::new(&store.path, store.kv_bytes_max)),
    })
}

/// The number that a value is, as Redis writes it.
fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    pub(super) fn place(plugin: &str, tenant: &str) -> Place {
        Place { plugin: plugin.into(), tenant: tenant.into(), bytes_max: 100 + ENTRY_BYTES }
    }

    fn key(text: &str) -> String {
        text.to_owned()
    }

    /// What every store must do alike.
    pub(super) async fn keeps_values_apart(store: &dyn Kv) {
        let (blue, red, other) = (place("one", "blue"), place("one", "red"), place("other", "blue"));
        let get = |place: &Place, name: &str| store.run(place.clone(), Step::Get(key(name)));
        let set = |place: &Place, name: &str, value: &[u8]| {
            store.run(place.clone(), Step::Set(key(name), value.to_vec(), None))
        };
        assert_eq!(get(&blue, "a").await, Ok(Said::Value(None)));
        assert_eq!(set(&blue, "a", b"\0\xff").await, Ok(Said::Done));
        assert_eq!(get(&blue, "a").await, Ok(Said::Value(Some(b"\0\xff".to_vec()))));
        for elsewhere in [&red, &other] {
            assert_eq!(get(elsewhere, "a").await, Ok(Said::Value(None)), "{elsewhere:?}");
            assert_eq!(set(elsewhere, "a", b"x").await, Ok(Said::Done));
        }
        assert_eq!(store.run(red.clone(), Step::Delete(key("a"))).await, Ok(Said::Done));
        assert_eq!(get(&red, "a").await, Ok(Said::Value(None)));
        assert_eq!(get(&blue, "a").await, Ok(Said::Value(Some(b"\0\xff".to_vec()))));
        assert_eq!(store.run(red, Step::Delete(key("a"))).await, Ok(Said::Done), "what is not there is gone");
    }

    pub(super) async fn adds_up(store: &dyn Kv) {
        let one = Place { bytes_max: 1_000, ..place("one", "sums") };
        let add = |by| store.run(one.clone(), Step::Increment(key("n"), by, None));
        assert_eq!((add(2).await, add(-5).await), (Ok(Said::Number(2)), Ok(Said::Number(-3))));
        assert_eq!(store.run(one.clone(), Step::Get(key("n"))).await, Ok(Said::Value(Some(b"-3".to_vec()))));
        assert_eq!(add(i64::MIN).await, Err(Failure::NotANumber));
        assert_eq!(add(0).await, Ok(Said::Number(-3)));
        assert_eq!(store.run(one.clone(), Step::Set(key("n"), b"x".to_vec(), None)).await, Ok(Said::Done));
        assert_eq!(add(1).await, Err(Failure::NotANumber));
        let many = futures_util::future::join_all(
            (0..50).map(|_| store.run(one.clone(), Step::Increment(key("many"), 1, None))),
        );
        let mut sums: Vec<i64> = many
            .await
            .into_iter()
            .map(|said| match said {
                Ok(Said::Number(sum)) => sum,
                other => panic!("{other:?}"),
            })
            .collect();
        sums.sort_unstable();
        assert_eq!(sums, (1..=50).collect::<Vec<i64>>(), "each counts once");
    }

    pub(super) async fn keeps_to_its_bounds(store: &dyn Kv) {
        let one = Place { bytes_max: 100 + 2 * ENTRY_BYTES, ..place("one", "bounds") };
        let set = |name: &str, bytes: usize| store.run(one.clone(), Step::Set(key(name), vec![b'x'; bytes], None));
        assert_eq!(set("a", 99).await, Ok(Said::Done));
        assert_eq!(set("b", 0).await, Err(Failure::QuotaExceeded));
        assert_eq!(set("a", 100 + 128).await, Err(Failure::QuotaExceeded));
        assert_eq!(set("a", 50).await, Ok(Said::Done), "it takes the place of what was there");
        assert_eq!(store.run(one.clone(), Step::Increment(key("n"), 1, None)).await, Ok(Said::Number(1)));
        assert_eq!(set("b", 0).await, Err(Failure::QuotaExceeded), "each entry takes room");
        assert_eq!(set("a", 97).await, Ok(Said::Done));
        assert_eq!(store.run(one.clone(), Step::Increment(key("n"), 9, None)).await, Err(Failure::QuotaExceeded));
        assert_eq!(store.run(one.clone(), Step::Get(key("n"))).await, Ok(Said::Value(Some(b"1".to_vec()))));
        assert_eq!(store.run(one.clone(), Step::Delete(key("n"))).await, Ok(Said::Done));
        assert_eq!(set("b", 1).await, Ok(Said::Done));
        assert_eq!(store.run(one.clone(), Step::Get(key("a"))).await, Ok(Said::Value(Some(vec![b'x'; 97]))));
    }
}

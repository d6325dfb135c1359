//! What is written into the file and read from it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::super::super::{About, Digest, Failure, Kept, Meaning, Purge};
use crate::money::Money;
use crate::store::counters::Moment;

/// When an answer was used is noted to the minute: reading is not to write.
const USED_MS: i64 = 60_000;
/// Rows that are deleted at a time where there is no room.
const ROWS_AT_ONCE: i64 = 16;

/// Moments are in milliseconds since 1970, money in billionths of a dollar.
pub(super) const TABLES: &str = "
CREATE TABLE answers (
    key         BLOB NOT NULL UNIQUE,
    partition   BLOB NOT NULL,
    tenant      TEXT NOT NULL,
    model       TEXT NOT NULL,
    created     INTEGER NOT NULL,
    kept_until  INTEGER NOT NULL,
    fresh_until INTEGER NOT NULL,
    question    TEXT NOT NULL,
    answer      BLOB NOT NULL,
    cost        INTEGER,
    exchange    TEXT NOT NULL,
    used        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL
) STRICT;
CREATE INDEX answers_kept_until ON answers (kept_until);
CREATE INDEX answers_used ON answers (used);
CREATE TABLE meanings (
    key         BLOB NOT NULL UNIQUE,
    partition   BLOB NOT NULL,
    tenant      TEXT NOT NULL,
    model       TEXT NOT NULL,
    created     INTEGER NOT NULL,
    kept_until  INTEGER NOT NULL,
    vector      BLOB NOT NULL,
    used        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL
) STRICT;
CREATE INDEX meanings_kept_until ON meanings (kept_until);
CREATE INDEX meanings_used ON meanings (used);
";

const GET: &str = "SELECT * FROM answers WHERE key = :key AND kept_until > :now";
const PUT: &str = "INSERT OR REPLACE INTO answers VALUES (:key, :partition, :tenant, :model, :created, :kept_until,
    :fresh_until, :question, :answer, :cost, :exchange, :used, :bytes)";
const PUT_MEANING: &str = "INSERT OR REPLACE INTO meanings VALUES (:key, :partition, :tenant, :model, :created,
    :kept_until, :vector, :used, :bytes)";

/// A table, and how much it may hold.
pub(super) struct Table {
    name: &'static str,
    bytes_max: u64,
    /// At most so many bytes are taken, if that was counted.
    taken: Option<u64>,
}

impl Table {
    pub(super) fn new(name: &'static str, bytes_max: u64) -> Self {
        Self { name, bytes_max, taken: None }
    }
}

/// The rows within one transaction.
pub(super) struct Rows<'a> {
    pub(super) within: &'a Connection,
    pub(super) now: i64,
}

impl Rows<'_> {
    pub(super) fn get(&self, key: &Digest) -> rusqlite::Result<Result<Option<Arc<Kept>>, Failure>> {
        let named = named_params! {":key": key, ":now": self.now};
        let read = |row: &Row<'_>| Ok((kept(row).ok(), row.get::<_, i64>("used").unwrap_or_default()));
        let found = self.within.prepare_cached(GET)?.query_row(named, read).optional()?;
        let Some((kept, used)) = found else { return Ok(Ok(None)) };
        let Some(kept) = kept.filter(|kept| kept.key == *key) else {
            self.within.prepare_cached("DELETE FROM answers WHERE key = ?1")?.execute([key])?;
            return Ok(Err(Failure::Garbage));
        };
        if self.now.saturating_sub(used) >= USED_MS {
            let note = "UPDATE answers SET used = ?1 WHERE key = ?2";
            self.within.prepare_cached(note)?.execute((self.now, key))?;
        }
        Ok(Ok(Some(Arc::new(kept))))
    }

    pub(super) fn put(&self, kept: &Kept) -> rusqlite::Result<()> {
        let Kept { key, about, fresh_until, question, answer, cost, exchange } = kept;
        self.within.prepare_cached(PUT)?.execute(named_params! {
            ":key": key, ":partition": about.partition, ":tenant": &*about.tenant, ":model": &*about.model,
            ":created": integer(about.created.0), ":kept_until": integer(about.kept_until.0),
            ":fresh_until": integer(fresh_until.0), ":question": question, ":answer": &**answer,
            ":cost": cost.map(|cost| integer(cost.nanodollars())), ":exchange": &**exchange,
            ":used": self.now, ":bytes": integer(kept.bytes()),
        })?;
        Ok(())
    }

    pub(super) fn put_meaning(&self, meaning: &Meaning) -> rusqlite::Result<()> {
        let Meaning { key, about, vector } = meaning;
        let vector: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.within.prepare_cached(PUT_MEANING)?.execute(named_params! {
            ":key": key, ":partition": about.partition, ":tenant": &*about.tenant, ":model": &*about.model,
            ":created": integer(about.created.0), ":kept_until": integer(about.kept_until.0),
            ":vector": vector, ":used": self.now, ":bytes": integer(meaning.bytes()),
        })?;
        Ok(())
    }

    /// Delete what is gone, and then what was not used for longest, until there is room. Says whether there is any.
    pub(super) fn make_room(&self, table: &mut Table, bytes: u64) -> rusqlite::Result<bool> {
        let Table { name, bytes_max, taken } = table;
        let Some(room) = bytes_max.checked_sub(bytes) else { return Ok(false) };
        let count = || -> rusqlite::Result<u64> {
            let sum = format!("SELECT coalesce(sum(bytes), 0) FROM {name}");
            let sum: i64 = self.within.prepare_cached(&sum)?.query_row([], |row| row.get(0))?;
            Ok(u64::try_from(sum).unwrap_or_default())
        };
        // What was replaced or purged is counted in it still: so it is counted anew before anything is deleted.
        let mut sum = taken.map_or_else(count, Ok)?;
        if sum > room {
            self.within.prepare_cached(&format!("DELETE FROM {name} WHERE kept_until <= ?1"))?.execute([self.now])?;
            sum = count()?;
        }
        let oldest = format!(
            "DELETE FROM {name} WHERE rowid IN (SELECT rowid FROM {name} ORDER BY used, rowid LIMIT {ROWS_AT_ONCE})"
        );
        while sum > room && self.within.prepare_cached(&oldest)?.execute([])? > 0 {
            sum = count()?;
        }
        *taken = Some(sum.saturating_add(bytes));
        Ok(true)
    }

    pub(super) fn purge(&self, table: &Table, purge: &Purge) -> rusqlite::Result<u64> {
        let Purge { key, tenant, model, before } = purge;
        let delete = format!(
            "DELETE FROM {} WHERE (:key IS NULL OR key = :key) AND (:tenant IS NULL OR tenant = :tenant)
                AND (:model IS NULL OR model = :model) AND (:before IS NULL OR created < :before)",
            table.name
        );
        let deleted = self.within.prepare_cached(&delete)?.execute(named_params! {
            ":key": key, ":tenant": tenant.as_deref(), ":model": model.as_deref(),
            ":before": before.map(|before| integer(before.0)),
        })?;
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }
}

pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn about(row: &Row<'_>) -> rusqlite::Result<About> {
    Ok(About {
        partition: row.get("partition")?,
        tenant: row.get::<_, String>("tenant")?.into(),
        model: row.get::<_, String>("model")?.into(),
        created: moment(row, "created")?,
        kept_until: moment(row, "kept_until")?,
    })
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let cost: Option<i64> = row.get("cost")?;
    Ok(Kept {
        key: row.get("key")?,
        about: about(row)?,
        fresh_until: moment(row, "fresh_until")?,
        question: row.get("question")?,
        answer: row.get::<_, Vec<u8>>("answer")?.into(),
        cost: cost.and_then(|cost| u64::try_from(cost).ok()).map(Money::from_nanodollars),
        exchange: row.get::<_, String>("exchange")?.into(),
    })
}

pub(super) fn meaning(row: &Row<'_>) -> rusqlite::Result<Meaning> {
    let vector: Vec<u8> = row.get("vector")?;
    let (values, _) = vector.as_chunks::<4>();
    let vector = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    Ok(Meaning { key: row.get("key")?, about: about(row)?, vector })
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Moment> {
    Ok(Moment(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default()))
}

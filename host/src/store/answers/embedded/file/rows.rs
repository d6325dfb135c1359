//! What is written into the file and read from it.

use std::sync::Arc;

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, named_params};

use super::super::super::{About, Digest, Failure, Kept, Meaning, Purge, integer};
use crate::money::Money;
use crate::store::counters::Moment;

/// When an answer was used is noted to the minute: reading is not to write.
const USED_MS: i64 = 60_000;
/// Expired rows of each table that are deleted with each change.
const EXPIRED_MAX: i64 = 100;

/// Moments are in milliseconds since 1970, money in billionths of a dollar. Long texts come last, so that what is
/// before them is read without them. How many bytes the rows take is kept with each change: to add them up would be to
/// read the whole table.
pub(super) const TABLES: &str = "
CREATE TABLE answers (
    key         BLOB NOT NULL UNIQUE,
    partition   BLOB NOT NULL,
    tenant      TEXT NOT NULL,
    model       TEXT NOT NULL,
    created     INTEGER NOT NULL,
    kept_until  INTEGER NOT NULL,
    fresh_until INTEGER NOT NULL,
    cost        INTEGER,
    used        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    exchange    TEXT NOT NULL,
    question    TEXT NOT NULL,
    answer      BLOB NOT NULL
) STRICT;
CREATE INDEX answers_kept_until ON answers (kept_until);
CREATE INDEX answers_used ON answers (used);
CREATE INDEX answers_about ON answers (tenant, model, created);
CREATE TABLE meanings (
    key         BLOB NOT NULL UNIQUE,
    partition   BLOB NOT NULL,
    tenant      TEXT NOT NULL,
    model       TEXT NOT NULL,
    created     INTEGER NOT NULL,
    kept_until  INTEGER NOT NULL,
    used        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    vector      BLOB NOT NULL
) STRICT;
CREATE INDEX meanings_kept_until ON meanings (kept_until);
CREATE INDEX meanings_used ON meanings (used);
CREATE INDEX meanings_about ON meanings (tenant, model, created);
CREATE TABLE taken (name TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO taken VALUES ('answers', 0), ('meanings', 0);
CREATE TRIGGER answers_added AFTER INSERT ON answers BEGIN
    UPDATE taken SET bytes = bytes + NEW.bytes WHERE name = 'answers';
END;
CREATE TRIGGER answers_removed AFTER DELETE ON answers BEGIN
    UPDATE taken SET bytes = bytes - OLD.bytes WHERE name = 'answers';
END;
CREATE TRIGGER meanings_added AFTER INSERT ON meanings BEGIN
    UPDATE taken SET bytes = bytes + NEW.bytes WHERE name = 'meanings';
END;
CREATE TRIGGER meanings_removed AFTER DELETE ON meanings BEGIN
    UPDATE taken SET bytes = bytes - OLD.bytes WHERE name = 'meanings';
END;
";

const GET: &str = "SELECT * FROM answers WHERE key = :key AND kept_until > :now";
const PUT: &str =
    "INSERT INTO answers VALUES (:key, :partition, :tenant, :model, :created, :kept_until, :fresh_until, :cost,
    :used, :bytes, :exchange, :question, :answer)";
const PUT_MEANING: &str =
    "INSERT INTO meanings VALUES (:key, :partition, :tenant, :model, :created, :kept_until, :used, :bytes,
    :vector)";

/// A table, and how much it may hold.
#[derive(Clone, Copy)]
pub(super) struct Table {
    name: &'static str,
    bytes_max: u64,
}

impl Table {
    pub(super) fn new(name: &'static str, bytes_max: u64) -> Self {
        Self { name, bytes_max }
    }
}

/// The rows within one transaction.
pub(super) struct Rows<'a> {
    pub(super) within: &'a Connection,
    pub(super) now: i64,
}

/// An answer from the file.
pub(super) struct Found {
    pub(super) kept: Arc<Kept>,
    /// It is more than a minute since it was noted as used.
    pub(super) is_to_note: bool,
}

impl Rows<'_> {
    pub(super) fn get(&self, key: &Digest) -> rusqlite::Result<Result<Option<Found>, Failure>> {
        let named = named_params! {":key": key, ":now": self.now};
        let read = |row: &Row<'_>| Ok((kept(row).ok(), row.get::<_, i64>("used").unwrap_or_default()));
        let found = self.within.prepare_cached(GET)?.query_row(named, read).optional()?;
        let Some((kept, used)) = found else { return Ok(Ok(None)) };
        let Some(kept) = kept.filter(|kept| kept.key == *key) else {
            self.delete("answers", key)?;
            return Ok(Err(Failure::Garbage));
        };
        let is_to_note = self.now.saturating_sub(used) >= USED_MS;
        Ok(Ok(Some(Found { kept: Arc::new(kept), is_to_note })))
    }

    pub(super) fn note_used(&self, key: &Digest) -> rusqlite::Result<()> {
        let note = "UPDATE answers SET used = ?1 WHERE key = ?2";
        self.within.prepare_cached(note)?.execute((self.now, key)).map(drop)
    }

    /// In place of any with its key, unless there is no room.
    pub(super) fn put(&self, table: Table, kept: &Kept) -> rusqlite::Result<Result<(), Failure>> {
        let Kept { key, about, fresh_until, question, answer, cost, exchange } = kept;
        if !self.make_room(table, key, kept.bytes())? {
            return Ok(Err(Failure::Full));
        }
        self.within.prepare_cached(PUT)?.execute(named_params! {
            ":key": key, ":partition": about.partition, ":tenant": &*about.tenant, ":model": &*about.model,
            ":created": integer(about.created.0), ":kept_until": integer(about.kept_until.0),
            ":fresh_until": integer(fresh_until.0), ":question": question, ":answer": &**answer,
            ":cost": cost.map(|cost| integer(cost.nanodollars())), ":exchange": &**exchange,
            ":used": self.now, ":bytes": integer(kept.bytes()),
        })?;
        Ok(Ok(()))
    }

    /// In place of any with its key, unless there is no room.
    pub(super) fn put_meaning(&self, table: Table, meaning: &Meaning) -> rusqlite::Result<Result<(), Failure>> {
        let Meaning { key, about, vector } = meaning;
        if !self.make_room(table, key, meaning.bytes())? {
            return Ok(Err(Failure::Full));
        }
        let vector: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.within.prepare_cached(PUT_MEANING)?.execute(named_params! {
            ":key": key, ":partition": about.partition, ":tenant": &*about.tenant, ":model": &*about.model,
            ":created": integer(about.created.0), ":kept_until": integer(about.kept_until.0),
            ":vector": vector, ":used": self.now, ":bytes": integer(meaning.bytes()),
        })?;
        Ok(Ok(()))
    }

    /// Delete what has this key, then what is gone, and then what was not used for longest, until there is room for so
    /// many bytes. Says whether there is any.
    fn make_room(&self, Table { name, bytes_max }: Table, key: &Digest, bytes: u64) -> rusqlite::Result<bool> {
        // What it is to replace is no answer any more, whether there is room or not.
        self.delete(name, key)?;
        let Some(room) = bytes_max.checked_sub(bytes) else { return Ok(false) };
        let oldest =
            format!("DELETE FROM {name} WHERE rowid = (SELECT rowid FROM {name} ORDER BY used, rowid LIMIT 1)");
        while self.taken(name)? > room {
            if self.delete_expired(name)? == 0 && self.within.prepare_cached(&oldest)?.execute([])? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Bytes that a table's rows take.
    fn taken(&self, name: &str) -> rusqlite::Result<u64> {
        let query = "SELECT bytes FROM taken WHERE name = ?1";
        let taken: i64 = self.within.prepare_cached(query)?.query_row([name], |row| row.get(0))?;
        Ok(u64::try_from(taken).unwrap_or_default())
    }

    fn delete(&self, name: &str, key: &Digest) -> rusqlite::Result<()> {
        self.within.prepare_cached(&format!("DELETE FROM {name} WHERE key = ?1"))?.execute([key]).map(drop)
    }

    /// Delete some of what is gone: conversations are kept for as long as was said, and little longer.
    pub(super) fn forget_expired(&self) -> rusqlite::Result<()> {
        self.delete_expired("answers")?;
        self.delete_expired("meanings").map(drop)
    }

    fn delete_expired(&self, name: &str) -> rusqlite::Result<usize> {
        let delete = format!(
            "DELETE FROM {name} WHERE rowid IN
                (SELECT rowid FROM {name} WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)"
        );
        self.within.prepare_cached(&delete)?.execute((self.now, EXPIRED_MAX))
    }

    pub(super) fn purge(&self, table: Table, purge: &Purge) -> rusqlite::Result<u64> {
        let Purge { key, tenant, model, before } = purge;
        let before = before.map(|before| integer(before.0));
        // Conditions that always hold keep SQLite from its indices.
        let conditions: [(&str, &str, Option<&dyn ToSql>); 4] = [
            ("key = :key", ":key", key.as_ref().map(|key| -> &dyn ToSql { key })),
            ("tenant = :tenant", ":tenant", tenant.as_ref().map(|tenant| -> &dyn ToSql { tenant })),
            ("model = :model", ":model", model.as_ref().map(|model| -> &dyn ToSql { model })),
            ("created < :before", ":before", before.as_ref().map(|before| -> &dyn ToSql { before })),
        ];
        let given = conditions.into_iter().filter_map(|(condition, name, value)| Some((condition, name, value?)));
        let (mut delete, mut named) = (format!("DELETE FROM {} WHERE true", table.name), Vec::new());
        for (condition, name, value) in given {
            delete.push_str(" AND ");
            delete.push_str(condition);
            named.push((name, value));
        }
        let deleted = self.within.prepare_cached(&delete)?.execute(&*named)?;
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }
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
        cost: cost.map(|cost| number(cost).map(Money::from_nanodollars)).transpose()?,
        exchange: row.get::<_, String>("exchange")?.into(),
    })
}

/// The meaning of a row. What numbers it has is for others to judge.
pub(super) fn meaning(row: &Row<'_>) -> rusqlite::Result<Meaning> {
    let vector: Vec<u8> = row.get("vector")?;
    let (values, rest) = vector.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(FromSqlError::InvalidType.into());
    }
    let vector = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    Ok(Meaning { key: row.get("key")?, about: about(row)?, vector })
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Moment> {
    number(row.get(column)?).map(Moment)
}

fn number(integer: i64) -> rusqlite::Result<u64> {
    u64::try_from(integer).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, integer))
}

//! The table of keys.

use rusqlite::{Row, Transaction, TransactionBehavior, named_params};

use super::columns::{from_json, json, moment, seconds, wrong};
use super::sqlite::Sqlite;
use super::written::{WrittenBudget, WrittenLimits};
use super::{Error, Keys};
use crate::key::{Hash, Key, Models, Older};
use crate::moment::Moment;

/// Moments are seconds since 1970; lists, limits and budgets are JSON, which is read and written as a whole.
pub(super) const TABLE: &str = "
CREATE TABLE keys (
    id          TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    tenant      TEXT NOT NULL,
    models      TEXT NOT NULL,
    tags        TEXT NOT NULL,
    limits      TEXT NOT NULL,
    budget      TEXT NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER,
    rotated     INTEGER,
    revoked     INTEGER,
    hash        BLOB NOT NULL CHECK (length(hash) = 32),
    older_hash  BLOB CHECK (length(older_hash) = 32),
    older_until INTEGER
) STRICT, WITHOUT ROWID;
";

/// A number that every change of the keys makes another one. SQLite's own would change with all that others write to the
/// same file, what was taken of limits several times a second.
pub(super) const VERSION: &str = "
CREATE TABLE keys_version (number INTEGER NOT NULL) STRICT;
INSERT INTO keys_version VALUES (0);
CREATE TRIGGER keys_inserted AFTER INSERT ON keys BEGIN UPDATE keys_version SET number = number + 1; END;
CREATE TRIGGER keys_updated AFTER UPDATE ON keys BEGIN UPDATE keys_version SET number = number + 1; END;
CREATE TRIGGER keys_deleted AFTER DELETE ON keys BEGIN UPDATE keys_version SET number = number + 1; END;
";

const ALL: &str = "SELECT * FROM keys ORDER BY created, id";
const ONE: &str = "SELECT * FROM keys WHERE id = :id";
const INSERT: &str = "
INSERT INTO keys VALUES (:id, :name, :tenant, :models, :tags, :limits, :budget, :created, :expires, :rotated, :revoked,
    :hash, :older_hash, :older_until)
";
const REPLACE: &str = "
UPDATE keys SET name = :name, tenant = :tenant, models = :models, tags = :tags, limits = :limits, budget = :budget,
    created = :created, expires = :expires, rotated = :rotated, revoked = :revoked, hash = :hash,
    older_hash = :older_hash, older_until = :older_until
WHERE id = :id
";

impl Keys for Sqlite {
    fn all(&self) -> Result<Vec<Key>, Error> {
        self.with("reading", |connection| {
            let mut query = connection.prepare(ALL)?;
            let keys = query.query_map([], read)?;
            keys.collect()
        })
    }

    fn insert(&self, key: &Key) -> Result<(), Error> {
        self.with("writing", |connection| write(connection, INSERT, key))
    }

    fn change(&self, id: &str, change: &mut dyn FnMut(&mut Key) -> Result<(), Error>) -> Result<Option<Key>, Error> {
        self.with("writing", |connection| {
            // At once for writing, or two that have read the same would overwrite each other.
            let within = Transaction::new(connection, TransactionBehavior::Immediate)?;
            let found = within.prepare(ONE)?.query_map(named_params! {":id": id}, read)?.next();
            let Some(mut key) = found.transpose()? else { return Ok(Ok(None)) };
            if let Err(refused) = change(&mut key) {
                return Ok(Err(refused));
            }
            write(&within, REPLACE, &key)?;
            within.commit()?;
            Ok(Ok(Some(key)))
        })?
    }

    fn version(&self) -> Result<u64, Error> {
        self.with("reading", |connection| {
            connection.query_row("SELECT number FROM keys_version", [], |row| unsigned(row, 0))
        })
    }
}

fn write(connection: &rusqlite::Connection, statement: &str, key: &Key) -> rusqlite::Result<()> {
    let models: Vec<&str> = key.models.names().collect();
    connection.prepare(statement)?.execute(named_params! {
        ":id": key.id,
        ":name": key.name,
        ":tenant": key.tenant,
        ":models": json(&models)?,
        ":tags": json(&key.tags)?,
        ":limits": json(&WrittenLimits::from(key.limits))?,
        ":budget": json(&WrittenBudget::from(key.budget))?,
        ":created": seconds(key.created),
        ":expires": key.expires.map(seconds),
        ":rotated": key.rotated.map(seconds),
        ":revoked": key.revoked.map(seconds),
        ":hash": key.hash.bytes(),
        ":older_hash": key.older.as_ref().map(|older| older.hash.bytes()),
        ":older_until": key.older.map(|older| seconds(older.until)),
    })?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Key> {
    let older = match (row.get::<_, Option<Vec<u8>>>("older_hash")?, moment(row, "older_until")?) {
        (Some(hash), Some(until)) => Some(Older { hash: hash_of(&hash)?, until }),
        _ => None,
    };
    let budget: WrittenBudget = from_json(row, "budget")?;
    Ok(Key {
        id: row.get("id")?,
        name: row.get("name")?,
        tenant: row.get("tenant")?,
        models: Models::from_names(from_json::<Vec<String>>(row, "models")?),
        tags: from_json(row, "tags")?,
        limits: from_json::<WrittenLimits>(row, "limits")?.into(),
        budget: budget.try_into().map_err(|(field, why)| wrong(format!("{field}: {why}")))?,
        created: moment(row, "created")?.unwrap_or(Moment::from_seconds(0)),
        expires: moment(row, "expires")?,
        rotated: moment(row, "rotated")?,
        revoked: moment(row, "revoked")?,
        hash: hash_of(&row.get::<_, Vec<u8>>("hash")?)?,
        older,
    })
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

fn hash_of(bytes: &[u8]) -> rusqlite::Result<Hash> {
    Hash::from_bytes(bytes).ok_or_else(|| wrong("a hash has 32 bytes".to_owned()))
}

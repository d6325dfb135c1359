//! The embedded store: one SQLite file, which several processes may have open.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::Error;

/// All tables, in the order in which they came to be. What was published is never changed: a change is one more.
const MIGRATIONS: &[M<'static>] = &[
    M::up(super::keys::TABLE),
    M::up(super::counters::TABLE),
    M::up(super::keys::VERSION),
    M::up(super::escalations::TABLE),
    M::up(super::kv::TABLE),
    M::up(super::kv::TAKEN),
];

/// How long to wait for another process to end its change: each takes milliseconds.
const BUSY: Duration = Duration::from_secs(5);

/// How often a file is tried to be made ready: of two processes that make its tables at the same time, one finds them made.
const TRIES: u32 = 5;
/// The pause between two tries; longer than it takes to make the tables.
const PAUSE: Duration = Duration::from_millis(50);

/// An open file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Which file that is, wherever it is moved.
    file: Option<(u64, u64)>,
}

impl Sqlite {
    /// Open the file, and make it if it is not there.
    ///
    /// # Errors
    /// When that is not possible, or it was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection = connect(path)?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), file: identity(path) })
    }

    /// Open the file if it is there.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_existing(path: &Path) -> Result<Option<Self>, Error> {
        match std::fs::metadata(path) {
            Ok(_) => Self::open(path).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("opening", path, &error)),
        }
    }

    /// Whether its path leads to another file by now, or to none.
    pub(crate) fn was_replaced(&self) -> bool {
        identity(&self.path) != self.file
    }

    /// Work with the connection.
    pub(super) fn with<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        // Whoever panicked while it had the connection left no transaction open: those end when they are dropped.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|error| failed(doing, &self.path, &error))
    }
}

/// Open the file with all its tables, and make it if it is not there.
///
/// # Errors
/// When that is not possible, or it was written by a newer version.
pub(crate) fn connect(path: &Path) -> Result<Connection, Error> {
    // Nobody else's business: there are no secrets in it, but conversations that wait for people, and what tenants spend. One that is
    // there is left alone: to close any file is to give up all locks that this process has on it, SQLite's too.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed("opening", path, &error)),
        Ok(_) | Err(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    let mut connection = opened.map_err(|error| failed("opening", path, &error))?;
    let mut tries_left = TRIES;
    while let Err(unprepared) = prepare(&mut connection) {
        tries_left -= 1;
        if tries_left == 0 || unprepared.is_final {
            return Err(failed("opening", path, &unprepared.why));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(connection)
}

/// Why a file is not ready for use.
struct Unprepared {
    why: String,
    /// Whether it would be the same at the next try.
    is_final: bool,
}

impl From<rusqlite::Error> for Unprepared {
    fn from(error: rusqlite::Error) -> Self {
        let is_final = error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase);
        Self { why: error.to_string(), is_final }
    }
}

fn prepare(connection: &mut Connection) -> Result<(), Unprepared> {
    connection.busy_timeout(BUSY)?;
    // Readers and a writer do not wait for each other. What was committed is on the disk: a key that was revoked stays
    // revoked also when the power fails.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What was deleted is nowhere in the file any more: conversations are.
    connection.pragma_update(None, "secure_delete", true)?;
    // The file may come from anywhere: what its schema calls does nothing but compute.
    connection.pragma_update(None, "trusted_schema", false)?;
    match Migrations::from_slice(MIGRATIONS).to_latest(connection) {
        Ok(()) => Ok(()),
        Err(rusqlite_migration::Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead)) => {
            Err(Unprepared { why: "it was written by a newer version of sluicegate".to_owned(), is_final: true })
        }
        Err(error) => Err(Unprepared { why: error.to_string(), is_final: false }),
    }
}

fn failed(doing: &str, path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Failed(format!("{doing} the store {}: {why}", path.display()))
}

/// What a file is called by the system itself.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::Keys as _;

    #[test]
    fn the_migrations_are_in_order() {
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
    }

    #[test]
    fn a_file_is_made_for_its_owner_alone_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        assert!(Sqlite::open_existing(&path).unwrap().is_none());
        let store = Sqlite::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!store.was_replaced());
        assert!(Sqlite::open_existing(&path).unwrap().is_some());
        std::fs::rename(&path, folder.path().join("old.db")).unwrap();
        assert!(store.was_replaced());
        Sqlite::open(&path).unwrap();
        assert!(store.was_replaced());
    }

    #[test]
    fn many_can_make_the_same_file_at_once() {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("s.db");
            let opened: Vec<_> = std::thread::scope(|scope| {
                let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| Sqlite::open(&path))).collect();
                openers.into_iter().map(|opener| opener.join().unwrap()).collect()
            });
            for one in opened {
                assert_eq!(one.unwrap().all().unwrap(), []);
            }
        }
    }

    #[test]
    fn what_is_no_store_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        std::fs::write(&path, "not a database, but long enough to be taken for one").unwrap();
        let said = Sqlite::open(&path).unwrap_err().to_string();
        assert!(said.contains("s.db: file is not a database"), "{said}");
        let said = Sqlite::open(Path::new("/nowhere/s.db")).unwrap_err().to_string();
        assert_eq!(said, "opening the store /nowhere/s.db: No such file or directory (os error 2)");
    }

    #[test]
    fn the_store_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let store = Sqlite::open(&path).unwrap();
        store.with("changing", |connection| connection.pragma_update(None, "user_version", 1_000)).unwrap();
        let said = Sqlite::open(&path).unwrap_err().to_string();
        assert!(said.ends_with("it was written by a newer version of sluicegate"), "{said}");
    }
}

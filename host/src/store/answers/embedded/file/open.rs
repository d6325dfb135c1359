//! How the file is opened: one that is of no use is made anew, for it is only a cache.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use tracing::warn;

use super::rows::TABLES;

/// How long to wait for another process to end its change. Whoever asks the cache does not wait for longer.
pub(super) const BUSY: Duration = Duration::from_millis(200);
/// What the tables are: another number is another version.
const VERSION: i64 = 2;

/// Why a file is not open.
struct Unopened {
    why: String,
    /// It is no cache, or that of another version.
    is_of_no_use: bool,
}

impl From<rusqlite::Error> for Unopened {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let is_of_no_use = matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt));
        Self { why: error.to_string(), is_of_no_use }
    }
}

/// Open the file, and make it if it is not there or is of no use.
///
/// # Errors
/// Why that is not possible.
pub(super) fn connect(path: &Path) -> Result<Connection, String> {
    match open(path) {
        Ok(file) => Ok(file),
        Err(Unopened { is_of_no_use: true, why }) => {
            make_anew(path, &why);
            open(path).map_err(|unopened| unopened.why)
        }
        Err(unopened) => Err(unopened.why),
    }
}

fn open(path: &Path) -> Result<Connection, Unopened> {
    // Nobody else's business: there are conversations in it.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Unopened { why: error.to_string(), is_of_no_use: false });
        }
        Ok(_) | Err(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut file = Connection::open_with_flags(path, flags)?;
    file.busy_timeout(BUSY)?;
    file.pragma_update(None, "journal_mode", "wal")?;
    // What is lost with the power is asked for once more.
    file.pragma_update(None, "synchronous", "off")?;
    // What was deleted is nowhere in the file any more, and what its schema calls does nothing but compute.
    file.pragma_update(None, "secure_delete", true)?;
    file.pragma_update(None, "trusted_schema", false)?;
    let within = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&within)? {
        0 => {
            within.execute_batch(TABLES)?;
            within.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        _ => return Err(Unopened { why: "it is of another version".to_owned(), is_of_no_use: true }),
    }
    within.commit()?;
    Ok(file)
}

fn version(file: &Connection) -> rusqlite::Result<i64> {
    file.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Open a file to read it, if it is there and of this version.
pub(super) fn connect_to_read(path: &Path) -> Option<Connection> {
    // Opened like that, none is made.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags).ok()?;
    file.busy_timeout(BUSY).ok()?;
    file.pragma_update(None, "trusted_schema", false).ok()?;
    version(&file).is_ok_and(|version| version == VERSION).then_some(file)
}

/// Delete a file that is of no use.
pub(super) fn make_anew(path: &Path, why: &str) {
    warn!(path = %path.display(), why, "the file of the cache is of no use and made anew");
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let _ = std::fs::remove_file(name);
    }
}

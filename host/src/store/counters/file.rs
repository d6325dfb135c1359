//! The one file of the embedded store: how it is opened, and what tables it has.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);

/// What was taken of limits and budgets. A row of no period in particular has the period 0.
const TAKEN: &str = "CREATE TABLE taken (
    account TEXT NOT NULL, meter TEXT NOT NULL, period INTEGER NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (account, meter, period)
) STRICT, WITHOUT ROWID;";

/// Open the file, with all its tables.
///
/// # Errors
/// When it cannot be opened, or is of a later version.
pub(super) fn open(path: &Path) -> Result<Connection, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("opening the store {}: {error}", path.display());
    // Nobody else's business: what tenants spend.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|error| wrong(&error))?;
    let mut connection = Connection::open(path).map_err(|error| wrong(&error))?;
    connection.busy_timeout(BUSY).map_err(|error| wrong(&error))?;
    // What is committed is with the system at once, so that it survives this process however it ends. Only when the machine
    // itself loses its power may the last moments be gone; to wait for the disk each time would cost milliseconds.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(|error| wrong(&error))?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(|error| wrong(&error))?;
    Migrations::new(vec![M::up(TAKEN)]).to_latest(&mut connection).map_err(|error| wrong(&error))?;
    Ok(connection)
}

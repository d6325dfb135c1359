//! What was taken, in the one file of the embedded store.

use std::path::Path;

use rusqlite::Connection;

use crate::store::sqlite::connect;

/// What was taken of limits and budgets. A row of no period in particular has the period 0.
pub(in crate::store) const TABLE: &str = "
CREATE TABLE taken (
    account TEXT NOT NULL,
    meter   TEXT NOT NULL,
    period  INTEGER NOT NULL,
    amount  INTEGER NOT NULL,
    PRIMARY KEY (account, meter, period)
) STRICT, WITHOUT ROWID;
";

/// Open the file.
///
/// # Errors
/// When it cannot be opened, or is of a later version.
pub(super) fn open(path: &Path) -> Result<Connection, String> {
    let connection = connect(path).map_err(|error| error.to_string())?;
    // What is committed is with the system at once, so that it survives this process however it ends. Only when the machine
    // itself loses its power may the last moments be gone; to wait for the disk each time would cost milliseconds.
    let relaxed = connection.pragma_update(None, "synchronous", "normal");
    relaxed.map_err(|error| format!("opening the store {}: {error}", path.display()))?;
    Ok(connection)
}

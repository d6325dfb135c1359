//! One `cargo xtask` at a time makes what is shared below `target/`.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::{Result, workspace};

/// Takes the lock file at `path`, waiting for whoever holds it. Held until the result is dropped; a process that dies
/// lets go of it, so that nothing has to be cleaned up.
pub(crate) fn take(path: &Path) -> Result<File> {
    let failed = |error| format!("locking {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("xtask: waiting for another `cargo xtask` that holds {}", workspace::shown(path));
            file.lock().map_err(failed)?;
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    Ok(file)
}

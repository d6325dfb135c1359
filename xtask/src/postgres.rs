//! The PostgreSQL that some tests run: with pgvector, which Debian 12 does not have, as a package of the Python index
//! has it.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::wheel::Wheel;

const WHEEL: Wheel =
    Wheel { package: ("pgserver", "0.1.4"), folder: "postgres", holds: "pgserver/pginstall/bin/postgres" };

/// The folder with its programs and libraries, fetched if need be with this Python. The error says what is missing.
pub(crate) fn ensure(python: &Path) -> Result<PathBuf> {
    WHEEL.ensure(python)
}

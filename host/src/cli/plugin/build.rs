//! `sluicegate plugin build`

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::table::say;
use crate::kit::build::build;

/// Build a project with the tools of its language, and leave `NAME.wasm` in it.
#[derive(Args, Debug)]
pub(in crate::cli) struct Build {
    /// The project.
    #[arg(default_value = ".")]
    project: PathBuf,
}

impl Build {
    pub(super) fn run(self) -> Result<(), String> {
        let component = build(&self.project)?;
        let bytes = fs::metadata(&component).map_or(0, |about| about.len());
        say(&format!("{} ({bytes} bytes)", shown(&component).display()))
    }
}

fn shown(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

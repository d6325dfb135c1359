//! `sluicegate plugin new`

use std::path::PathBuf;

use clap::Args;

use super::super::table::say;
use crate::kit::project::{self, Kind, Language};

/// Write a project with a plugin, its tests and a README, which builds at once.
#[derive(Args, Debug)]
pub(in crate::cli) struct New {
    /// The plugin's name: small letters, digits and hyphens.
    name: String,
    /// The language that it is written in.
    #[arg(long, value_enum)]
    lang: Language,
    /// What it does.
    #[arg(long, value_enum, default_value = "text-guardrail")]
    kind: Kind,
    /// The directory, which is made: one of the plugin's name.
    #[arg(long, value_name = "DIRECTORY")]
    into: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> Result<(), String> {
        let folder = self.into.unwrap_or_else(|| PathBuf::from(&self.name));
        project::write(&folder, &self.name, self.lang, self.kind)?;
        say(&format!(
            "{}, a plugin of the kind {}, is in {}\nnext: cd {} && sluicegate plugin build && sluicegate plugin test",
            self.name,
            self.kind.word(),
            folder.display(),
            folder.display()
        ))
    }
}

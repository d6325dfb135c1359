//! `sluicegate diff`

use std::path::{Path, PathBuf};

use clap::Args;

use super::table::say;
use crate::config::{Difference, Files, differences};

/// Say what two profiles have different, field by field.
#[derive(Args, Debug)]
pub(super) struct Diff {
    /// The configuration file that the profiles are laid over; by default `sluicegate.toml`.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A profile; once to compare it with the file alone, twice to compare two.
    #[arg(long, value_name = "NAME", required = true, num_args = 1)]
    profile: Vec<String>,
}

impl Diff {
    pub(super) fn run(self) -> Result<(), String> {
        let base = self.config.unwrap_or_else(|| Path::new("sluicegate.toml").to_owned());
        let files = |name: &String| Files::with_profile(base.clone(), name);
        let (one, other) = match &*self.profile {
            [other] => (base.clone().into(), files(other)?),
            [one, other] => (files(one)?, files(other)?),
            more => return Err(format!("{} profiles cannot be compared at once; name one or two", more.len())),
        };
        let differences = differences(&one, &other).map_err(|problems| problems.to_string())?;
        if differences.is_empty() {
            return say("no difference");
        }
        let lines: Vec<String> = differences.iter().map(shown).collect();
        say(&lines.join("\n"))
    }
}

fn shown(Difference { field, one, other }: &Difference) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
    format!("{field}: {} -> {}", value(one), value(other))
}

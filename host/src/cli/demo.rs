//! `sluicegate demo`

use clap::Args;

/// Show what the gateway does.
#[derive(Args, Debug)]
pub(super) struct Demo {
    /// End after the exchanges, instead of serving on.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), String> {
        Err(format!("{self:?}"))
    }
}

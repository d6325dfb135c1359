//! `make`, which building the allocator needs beside the C compiler that cargo needs anyway.

use std::process::Command;
use std::time::Duration;

use crate::{Result, process};

/// Limits for a mirror that does not answer.
const UPDATE_TIME: Duration = Duration::from_secs(300);
const INSTALL_TIME: Duration = Duration::from_secs(300);

/// Makes sure that it is there: on Debian as root by installing it. The error says what to do.
pub(crate) fn ensure() -> Result<()> {
    if cfg!(not(target_os = "linux")) || process::exists("make") {
        return Ok(());
    }
    install().map_err(|error| {
        format!(
            "there is no make, which building the gateway needs: install it (on Debian `apt-get install make`); {error}"
        )
    })
}

fn install() -> Result<()> {
    let apt = |arguments: &[&str], limit| {
        let mut apt = Command::new("apt-get");
        process::run_within(apt.arg("--quiet").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"), limit)
    };
    apt(&["update"], UPDATE_TIME)?;
    apt(&["install", "--yes", "--no-install-recommends", "make"], INSTALL_TIME)
}

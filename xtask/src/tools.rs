//! What building needs beside the C compiler that cargo needs anyway: `make` for the allocator, a C++ compiler for the index of
//! vectors.

use std::process::Command;
use std::time::Duration;

use crate::{Result, process};

/// Each tool with its package in Debian.
const TOOLS: [(&str, &str); 2] = [("make", "make"), ("c++", "g++")];
/// Limits for a mirror that does not answer.
const UPDATE_TIME: Duration = Duration::from_secs(300);
const INSTALL_TIME: Duration = Duration::from_secs(300);

/// Makes sure that they are there: on Debian as root by installing them. The error says what to do.
pub(crate) fn ensure() -> Result<()> {
    let missing: Vec<_> = TOOLS.into_iter().filter(|(tool, _)| !process::exists(tool)).collect();
    if cfg!(not(target_os = "linux")) || missing.is_empty() {
        return Ok(());
    }
    let (tools, packages): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
    install(&packages).map_err(|error| {
        format!(
            "building the gateway needs {}: install it (on Debian `apt-get install {}`); {error}",
            tools.join(" and "),
            packages.join(" ")
        )
    })
}

fn install(packages: &[&str]) -> Result<()> {
    let apt = |arguments: &[&str], limit| {
        let mut apt = Command::new("apt-get");
        process::run_within(apt.arg("--quiet").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"), limit)
    };
    apt(&["update"], UPDATE_TIME)?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat(), INSTALL_TIME)
}

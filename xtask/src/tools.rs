//! What building needs beside the C compiler that cargo needs anyway: `make` for the allocator, a C++ compiler for the index of
//! vectors. And what tests start: a Redis.

use std::process::Command;
use std::time::Duration;

use crate::{Result, process};

/// Each tool with its package in Debian.
const FOR_BUILDING: [(&str, &str); 2] = [("make", "make"), ("c++", "g++")];
const FOR_TESTS: [(&str, &str); 3] =
    [("redis-server", "redis-server"), ("chromium", "chromium"), ("chromedriver", "chromium-driver")];
/// Limits for a mirror that does not answer.
const UPDATE_TIME: Duration = Duration::from_secs(300);
const INSTALL_TIME: Duration = Duration::from_secs(300);

/// Makes sure that what building needs is there: on Debian as root by installing it. The error says what to do.
pub(crate) fn ensure() -> Result<()> {
    ensure_all(&FOR_BUILDING, "building the gateway")
}

/// The same for what tests need, building included.
pub(crate) fn ensure_for_tests() -> Result<()> {
    ensure()?;
    ensure_all(&FOR_TESTS, "testing the gateway")
}

fn ensure_all(tools: &[(&str, &str)], what: &str) -> Result<()> {
    let missing: Vec<_> = tools.iter().copied().filter(|(tool, _)| !process::exists(tool)).collect();
    if cfg!(not(target_os = "linux")) || missing.is_empty() {
        return Ok(());
    }
    let (tools, packages): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
    install(&packages).map_err(|error| {
        format!(
            "{what} needs {}: install it (on Debian `apt-get install {}`); {error}",
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

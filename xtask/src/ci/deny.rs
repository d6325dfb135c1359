//! cargo-deny: licences, bans and sources of the dependencies as `deny.toml` allows them, and known vulnerabilities
//! where their database can be reached.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::{Result, process, workspace};

/// Installed if there is none; about two minutes on two cores.
const VERSION: &str = "0.20.2";

/// The database is a git repository of a few MB.
const FETCH_TIME: Duration = Duration::from_secs(90);

/// Runs the checks; the note says whether vulnerabilities were looked up.
pub(crate) fn check() -> (String, Result<()>) {
    match ensure().and_then(|deny| check_with(&deny)) {
        Ok(note) => (note.into(), Ok(())),
        Err(error) => (String::new(), Err(error)),
    }
}

fn check_with(deny: &PathBuf) -> Result<&'static str> {
    let deny = || {
        let mut deny = Command::new(deny);
        deny.current_dir(workspace::root());
        deny
    };
    // The graphs show who depends on what, hundreds of lines; `cargo deny check` shows them to who has a finding to mend.
    process::run(deny().args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))?;
    // Asked for apart, so that "cannot be reached" and "has found something" are not the same failure.
    if let Err(error) = process::run_within(deny().args(["fetch", "db"]), FETCH_TIME) {
        eprintln!("xtask: NOT CHECKED: known vulnerabilities, since their database cannot be fetched: {error}");
        return Ok("known vulnerabilities not checked: their database cannot be fetched");
    }
    process::run(deny().args(["check", "--disable-fetch", "advisories"]))?;
    Ok("known vulnerabilities checked")
}

/// The cargo-deny in PATH, or else our own.
fn ensure() -> Result<PathBuf> {
    if process::exists("cargo-deny") {
        return Ok("cargo-deny".into());
    }
    let tools = workspace::target("tools");
    let ours = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !process::exists(&ours) {
        let mut cargo = process::cargo();
        cargo.args(["install", "cargo-deny", "--locked", "--version", VERSION, "--root"]).arg(&tools);
        // Not among the gateway's own artefacts, where its 300 MB would stay.
        process::run(cargo.env_remove("CARGO_TARGET_DIR"))?;
    }
    Ok(ours)
}

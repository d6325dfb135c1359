//! Finds or makes a compiler for guests: a `rustc` that has the standard library for `wasm32-unknown-unknown`.
//!
//! Usually that is one `rustup target add`. Machines that build for others are often cut off from the Rust servers but
//! have a mirror of their distribution; for these `debian.rs` makes a compiler from packages.

mod debian;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Result, lock, process, workspace};

/// What guests are compiled for: no WASI, nothing ambient.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The download is 20 MB; offline it fails at once, and behind a wall that swallows packets it would wait for long.
const RUSTUP_TIME: Duration = Duration::from_secs(180);

/// A compiler that can compile guests.
#[derive(Debug)]
pub(crate) struct Compiler {
    /// For cargo's variable `RUSTC`.
    pub(crate) rustc: OsString,
    /// Like `1.95.0`.
    pub(crate) version: String,
}

impl Compiler {
    /// Whether cargo would take it without being told.
    pub(crate) fn is_usual(&self) -> bool {
        self.rustc == OsStr::new(USUAL)
    }
}

/// The compiler that cargo takes unless told otherwise.
const USUAL: &str = "rustc";

/// A compiler for guests, made or completed if there is none.
pub(crate) fn ensure() -> Result<Compiler> {
    let folder = workspace::target("wasm-toolchain");
    if let Some(compiler) = there_is(&folder)? {
        return Ok(compiler);
    }
    let _lock = lock::take(&workspace::target("wasm-toolchain.lock"))?;
    // Whoever held the lock may have made it.
    if let Some(compiler) = there_is(&folder)? {
        return Ok(compiler);
    }
    eprintln!("xtask: rustc lacks the target {TARGET}, which plugins are compiled for");
    let Err(no_rustup) = add_with_rustup() else { return usual() };
    eprintln!("xtask: {no_rustup}; trying Debian's packages");
    let no_debian = match debian::make(&folder, &sysroot()?) {
        Ok(rustc) => return compiler(rustc),
        Err(error) => error,
    };
    Err(format!(
        "plugins cannot be compiled, because rustc lacks the target {TARGET}
  with rustup: {no_rustup}
  with Debian's packages: {no_debian}
Run `rustup target add {TARGET}` once where static.rust-lang.org can be reached, or install your distribution's standard \
         library for it (rustc {} or newer), then run this again",
        env!("CARGO_PKG_RUST_VERSION")
    ))
}

/// A cargo that takes this compiler and nothing from what is set for building the host.
pub(crate) fn cargo(rustc: &OsStr) -> Command {
    let mut cargo = process::cargo();
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(decides_for_the_host) {
            cargo.env_remove(name);
        }
    }
    // Empty, not absent: this also switches off what the user's cargo configuration says.
    cargo.env("RUSTC", rustc).env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
    cargo
}

/// Whether an environment variable says how to build the host. Guests are built the same way whatever
/// it says.
fn decides_for_the_host(name: &str) -> bool {
    const EXACT: [&str; 7] = [
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_ENCODED_RUSTDOCFLAGS",
        "CARGO_INCREMENTAL",
    ];
    const PREFIXES: [&str; 5] = ["RUSTC_", "CARGO_BUILD_", "CARGO_TARGET_", "CARGO_PROFILE_", "CARGO_UNSTABLE_"];
    // How many jobs run at once changes nothing in the result.
    name != "CARGO_BUILD_JOBS" && (EXACT.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// The usual compiler if it has the target, else the one made earlier.
fn there_is(folder: &Path) -> Result<Option<Compiler>> {
    if has_std(&sysroot()?) {
        return usual().map(Some);
    }
    debian::made(folder).map(compiler).transpose()
}

fn usual() -> Result<Compiler> {
    compiler(USUAL.into())
}

fn compiler(rustc: OsString) -> Result<Compiler> {
    let version = process::read(Command::new(&rustc).arg("--version").current_dir(workspace::root()))?;
    let version = version.split_whitespace().nth(1).unwrap_or("of an unknown version").into();
    Ok(Compiler { rustc, version })
}

/// Where the usual compiler keeps its libraries.
fn sysroot() -> Result<PathBuf> {
    let mut rustc = Command::new(USUAL);
    // At the root, since rustup may choose the toolchain by the folder.
    let sysroot = process::read(rustc.args(["--print", "sysroot"]).current_dir(workspace::root()))?;
    Ok(sysroot.trim_end().into())
}

/// Whether a compiler with this sysroot has the standard library for guests.
fn has_std(sysroot: &Path) -> bool {
    let is_std =
        |name: OsString| name.to_str().is_some_and(|name| name.starts_with("libstd-") && name.ends_with(".rlib"));
    let libraries = fs::read_dir(sysroot.join("lib/rustlib").join(TARGET).join("lib"));
    libraries.is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| is_std(entry.file_name()))))
}

fn add_with_rustup() -> Result<()> {
    if !process::exists("rustup") {
        return Err("there is no rustup".into());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).current_dir(workspace::root());
    // That there is no network is no reason to show where in rustup it was noticed.
    process::run_within(rustup.env("RUST_BACKTRACE", "0"), RUSTUP_TIME)?;
    if has_std(&sysroot()?) {
        Ok(())
    } else {
        Err("rustup added the target to another toolchain than the rustc in PATH".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_for_the_host_does_not_reach_guests() {
        for name in
            ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC", "RUSTC_WRAPPER", "RUSTC_BOOTSTRAP", "CARGO_TARGET_DIR"]
        {
            assert!(decides_for_the_host(name), "{name}");
        }
        for name in
            ["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO", "CARGO_BUILD_RUSTFLAGS"]
        {
            assert!(decides_for_the_host(name), "{name}");
        }
        for name in
            ["PATH", "CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_HTTP_PROXY", "RUSTUP_TOOLCHAIN", "CARGO_BUILD_JOBS"]
        {
            assert!(!decides_for_the_host(name), "{name}");
        }
    }

    #[test]
    fn the_target_is_there_when_its_standard_library_is() -> Result<(), std::io::Error> {
        let sysroot = std::env::temp_dir().join(format!("xtask-sysroot-{}", std::process::id()));
        let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
        assert!(!has_std(&sysroot));
        fs::create_dir_all(&libraries)?;
        fs::write(libraries.join("libcore-1234.rlib"), "")?;
        assert!(!has_std(&sysroot), "core alone does not do");
        fs::write(libraries.join("libstd-1234.rlib"), "")?;
        assert!(has_std(&sysroot));
        fs::remove_dir_all(sysroot)
    }
}

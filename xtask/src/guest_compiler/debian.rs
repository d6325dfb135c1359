//! Makes a compiler for guests from Debian's packages, for machines that reach a Debian archive and no Rust server.
//!
//! Debian 12 keeps a recent Rust for its browsers (`rustc-web`), with the library's source but not built for wasm32. The
//! packages are unpacked below `target/`, nothing is installed, and the standard library is built from that source.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::guest_compiler::{self, TARGET};
use crate::{Result, process, workspace};

/// Limits for a mirror that does not answer; 140 MB on a slow line pass.
const UPDATE_TIME: Duration = Duration::from_secs(300);
const DOWNLOAD_TIME: Duration = Duration::from_secs(1_200);

/// Written last, so that a compiler without it is an unfinished try. The first line changes when what is made changes.
const MARKER: &str = "complete";
const LAYOUT: &str = "layout 1";

/// Finds its own libraries, also after the checkout has moved.
const WRAPPER: &str = r#"#!/bin/sh
# Made by `cargo xtask`: Debian's rustc with the standard library for wasm32-unknown-unknown.
here=${0%/*}
for folder in "$here"/usr/lib/*-linux-gnu* "$here"/lib/*-linux-gnu* "$here"/usr/lib/llvm-*/lib; do
    if [ -d "$folder" ]; then libraries=${libraries:+$libraries:}$folder; fi
done
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$here/usr/bin/rustc" "$@"
"#;

/// The compiler that an earlier run has made in `folder`, if it is complete, recent enough and still has its linker.
pub(super) fn made(folder: &Path) -> Option<OsString> {
    let marker = fs::read_to_string(folder.join(MARKER)).ok()?;
    let host = usable(&marker)?;
    let rustc = folder.join("rustc");
    (rustc.is_file() && linker(&folder.join("usr"), host).is_file()).then(|| rustc.into())
}

/// Makes a compiler in `folder`. The linker is that of the usual compiler, whose libraries are in `sysroot`.
pub(super) fn make(folder: &Path, sysroot: &Path) -> Result<OsString> {
    for tool in ["apt-get", "apt-cache", "dpkg-deb", "dpkg-query"] {
        if !process::exists(tool) {
            return Err(format!("this machine has no {tool}"));
        }
    }
    offered()?;
    let failed = |error: io::Error| format!("making {}: {error}", workspace::shown(folder));
    eprintln!("xtask: making a compiler in {}, once; this takes some minutes and 600 MB", workspace::shown(folder));
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => fs::create_dir_all(folder).map_err(failed)?,
    }
    unpack_packages(folder)?;
    let rustc = folder.join("rustc");
    write_program(&rustc, WRAPPER).map_err(failed)?;
    // Runs it for the first time: a library that is missing shows here, by name, and not in cargo's riddles.
    let version = process::read(Command::new(&rustc).arg("-vV"))?;
    let host = host_in(&version).ok_or_else(|| format!("rustc -vV names no host:\n{version}"))?;
    link_linker(folder, sysroot, host)?;
    build_std(folder, &rustc)?;
    leave_only_what_is_used(folder).map_err(failed)?;
    fs::write(folder.join(MARKER), format!("{LAYOUT}\n{version}")).map_err(failed)?;
    Ok(rustc.into())
}

/// Makes sure that apt offers a compiler that is recent enough.
fn offered() -> Result<()> {
    let show = || process::read(Command::new("apt-cache").args(["show", "--no-all-versions", "rustc-web"]));
    // Without lists, as in a container's image, apt knows no package; only root can fetch them.
    let offer = match show() {
        Ok(offer) if !offer.is_empty() => offer,
        _ => {
            process::run_within(Command::new("apt-get").args(["--quiet", "update"]), UPDATE_TIME).map_err(|error| {
                format!("apt knows no package rustc-web, and {error}; run `apt-get update` as root")
            })?;
            show().map_err(|_| "this distribution has no package rustc-web, which Debian 12 has")?
        }
    };
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    let version = offer.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap_or("of an unknown version");
    if numbers(version) >= numbers(wanted) {
        Ok(())
    } else {
        Err(format!(
            "apt offers rustc-web {version}, and Sluicegate needs {wanted}; `apt-get update` may find a newer one"
        ))
    }
}

fn unpack_packages(folder: &Path) -> Result<()> {
    let debs = folder.join("debs");
    let failed = |error: io::Error| format!("unpacking packages below {}: {error}", workspace::shown(folder));
    fs::create_dir_all(&debs).map_err(failed)?;
    // The standard library for this machine depends on the code generator and on what that is linked to, and on nothing
    // else, while the compiler's own dependencies would bring a whole C toolchain.
    let mut depends = Command::new("apt-cache");
    depends.args(["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks"]);
    depends.args(["--no-replaces", "--no-enhances", "libstd-rust-web-dev"]);
    let depends = process::read(&mut depends)?;
    let installed = process::read(Command::new("dpkg-query").args(["-W", "-f", "${Package} ${db:Status-Status}\n"]))?;
    let mut download = Command::new("apt-get");
    download
        .args(["--quiet", "--option", "APT::Sandbox::User=root", "download", "rustc-web", "rust-web-src"])
        .args(wanted(&depends, &installed));
    process::run_within(download.current_dir(&debs), DOWNLOAD_TIME)?;
    for deb in fs::read_dir(&debs).map_err(failed)? {
        let deb = deb.map_err(failed)?.path();
        process::run(Command::new("dpkg-deb").arg("--extract").arg(&deb).arg(folder))?;
    }
    fs::remove_dir_all(&debs).map_err(failed)
}

/// The packages to unpack: the parts of the compiler always, other libraries only where the system lacks them.
fn wanted<'a>(depends: &'a str, installed: &str) -> Vec<&'a str> {
    let is_installed = |name: &str| installed.lines().any(|line| line.strip_prefix(name) == Some(" installed"));
    let is_part = |name: &str| name.starts_with("libstd-rust-") || name.starts_with("libllvm");
    // Indented lines are the edges of the graph; names in <> are virtual.
    let names = depends.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()));
    names.filter(|name| is_part(name) || !is_installed(name)).collect()
}

/// Debian's package has no linker for wasm; the one that comes with rustup's compilers does. A link, since it finds its
/// own libraries from its real place.
fn link_linker(folder: &Path, sysroot: &Path, host: &str) -> Result<()> {
    let (real, link) = (linker(sysroot, host), linker(&folder.join("usr"), host));
    if !real.is_file() {
        return Err(format!("{} is missing, the linker that comes with rustup's compilers", real.display()));
    }
    let linked = match link.parent() {
        Some(parent) => fs::create_dir_all(parent).and_then(|()| symlink(&real, &link)),
        None => Ok(()),
    };
    linked.map_err(|error| format!("linking {} to {}: {error}", link.display(), real.display()))
}

/// Where a compiler with this sysroot looks for its linker for wasm.
fn linker(sysroot: &Path, host: &str) -> std::path::PathBuf {
    sysroot.join("lib/rustlib").join(host).join("bin/rust-lld")
}

/// Lets cargo build the standard library as a dependency of an empty crate, and puts it where the compiler looks for it.
fn build_std(folder: &Path, rustc: &Path) -> Result<()> {
    let krate = folder.join("std");
    let failed = |error: io::Error| format!("building the standard library in {}: {error}", workspace::shown(&krate));
    // The empty [workspace] keeps cargo from taking it for a lost member of Sluicegate's.
    const MANIFEST: &str =
        "[package]\nname = \"nothing\"\nedition = \"2024\"\n[workspace]\n[profile.release]\npanic = \"abort\"\n";
    fs::create_dir_all(krate.join("src")).map_err(failed)?;
    fs::write(krate.join("Cargo.toml"), MANIFEST).map_err(failed)?;
    fs::write(krate.join("src/lib.rs"), "").map_err(failed)?;
    let mut cargo = guest_compiler::cargo(rustc.as_os_str());
    cargo.current_dir(&krate).env("CARGO_TARGET_DIR", krate.join("target"));
    // `-Zbuild-std` is for nightly compilers; this variable makes a stable one accept it.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    // Cargo would leave the bitcode out, and plugins could not be optimised together with the library.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes");
    process::run(cargo.args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]))?;

    let place = folder.join("usr/lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&place).map_err(failed)?;
    for built in fs::read_dir(krate.join("target").join(TARGET).join("release/deps")).map_err(failed)? {
        let built = built.map_err(failed)?;
        let name = built.file_name();
        if name.to_str().is_some_and(|name| name.ends_with(".rlib") && !name.starts_with("libnothing-")) {
            fs::rename(built.path(), place.join(name)).map_err(failed)?;
        }
    }
    Ok(())
}

/// The source is most of the size, and nothing reads it any more.
fn leave_only_what_is_used(folder: &Path) -> io::Result<()> {
    for spent in ["std", "usr/src", "usr/share", "usr/lib/rustlib/src"] {
        fs::remove_dir_all(folder.join(spent))?;
    }
    Ok(())
}

/// The host's name in the output of `rustc -vV`.
fn host_in(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

/// The host that a marker names, if what it marks is made as we would make it and recent enough.
fn usable(marker: &str) -> Option<&str> {
    let (layout, version) = marker.split_once('\n')?;
    let release = version.lines().find_map(|line| line.strip_prefix("release: "))?;
    (layout == LAYOUT && numbers(release) >= numbers(env!("CARGO_PKG_RUST_VERSION"))).then(|| host_in(version))?
}

/// The numbers that a version begins with, to compare: `1.96.0+dfsg1` is `[1, 96, 0]`. Nothing is older than any.
fn numbers(version: &str) -> Vec<u32> {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let end = version.find(|c| !number(c)).unwrap_or(version.len());
    version.split_at(end).0.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(unix)]
fn symlink(real: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(real, link)
}

#[cfg(unix)]
fn write_program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

// There is no apt-get where there is no unix, so that nobody gets here.
#[cfg(not(unix))]
fn symlink(real: &Path, link: &Path) -> io::Result<()> {
    fs::copy(real, link).map(|_| ())
}

#[cfg(not(unix))]
fn write_program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert_eq!(numbers("1.96.0+dfsg1-1~deb12u2"), [1, 96, 0]);
        assert!(numbers("1.96.0+dfsg1") > numbers("1.95"));
        assert!(numbers("1.100.0") > numbers("1.95"));
        assert!(numbers("1.95.0") >= numbers("1.95"));
        assert!(numbers("1.85.0+dfsg3") < numbers("1.95"));
        assert!(numbers("of an unknown version") < numbers("1.0"));
    }

    #[test]
    fn parts_of_the_compiler_are_unpacked_and_libraries_that_the_system_lacks() {
        let depends = "\
libstd-rust-web-dev
  Depends: libstd-rust-web-1.96
libstd-rust-web-1.96
  Depends: libc6
  Depends: libllvm22
libc6
  Depends: <virtual>
<virtual>
libllvm22
  Depends: libz3-4
 |Depends: libedit2
libz3-4
libedit2
";
        let installed = "libc6 installed\nlibz3-4-extra installed\nlibllvm22 installed\nlibedit2 config-files\n";
        let wanted = wanted(depends, installed);
        assert_eq!(wanted, ["libstd-rust-web-dev", "libstd-rust-web-1.96", "libllvm22", "libz3-4", "libedit2"]);
    }

    #[test]
    fn a_marker_counts_for_this_layout_and_a_recent_compiler() {
        let marker = |layout: &str, release: &str| {
            format!("{layout}\nrustc {release} (abc 2026-01-01)\nhost: x86_64-unknown-linux-gnu\nrelease: {release}\n")
        };
        assert_eq!(usable(&marker(LAYOUT, "1.96.0")), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(usable(&marker("layout 0", "1.96.0")), None);
        assert_eq!(usable(&marker(LAYOUT, "1.85.0")), None);
        assert_eq!(usable(""), None);
        assert_eq!(usable(LAYOUT), None);
    }

    #[test]
    fn an_unfinished_compiler_is_none() {
        assert_eq!(made(Path::new("/no/such/folder")), None);
    }
}

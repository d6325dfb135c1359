//! `cargo xtask demo`: the gateway's demo, in a plugin directory of its own. The standard one is an operator's example, in which
//! routers and cache policies are off; the folder `demo/` has installations that show what these do.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Result, embedder, plugins, process, python, tools, workspace};

/// The plugins that it shows.
const PLUGINS: [&str; 5] = ["answer-cache", "intent-router", "pii", "prompt-injection", "secrets"];

/// `cargo xtask demo`
pub(crate) fn run(arguments: &[OsString]) -> Result<()> {
    tools::ensure()?;
    plugins::build(&[])?;
    let embedder = python::ensure_bare().and_then(|python| embedder::ensure(&python));
    if let Err(error) = &embedder {
        eprintln!("xtask: the demo shows nothing that needs a sentence transformer: {error}");
    }
    let into = workspace::demo_plugins();
    lay(&into, embedder.is_ok())?;
    let mut cargo = process::cargo();
    cargo.args(["run", "--quiet", "--package", "sluicegate", "--", "demo", "--plugins"]);
    cargo.arg(workspace::shown(&into));
    if let Ok(embedder) = &embedder {
        cargo.arg("--embedder").arg(workspace::shown(embedder));
    }
    process::become_it(cargo.args(arguments))
}

/// Lays the built components into the directory, with the installations of their crates and those of the demo. What else is
/// there stays.
fn lay(into: &Path, by_meaning: bool) -> Result<()> {
    let root = workspace::root();
    for name in PLUGINS {
        plugins::publish(&workspace::plugins().join(format!("{name}.wasm")), into, name)?;
    }
    let own = PLUGINS.map(|name| root.join("plugins").join(name).join("installations"));
    let demos = ["demo/plugins", "demo/by-meaning"].map(|folder| root.join(folder));
    let demos = demos.into_iter().take(if by_meaning { 2 } else { 1 });
    let failed = |error: io::Error| format!("copying installations to {}: {error}", into.display());
    for (name, from) in installations(own.into_iter().chain(demos)).map_err(failed)? {
        let (text, place) = (fs::read(&from).map_err(failed)?, into.join(name));
        if fs::read(&place).ok().as_ref() != Some(&text) {
            plugins::put(&text, into, &place).map_err(failed)?;
            println!("{}  written", workspace::shown(&place));
        }
    }
    Ok(())
}

/// The installations in these folders, by their names; of the same name the one in the later folder.
fn installations(folders: impl Iterator<Item = PathBuf>) -> io::Result<BTreeMap<OsString, PathBuf>> {
    let mut found = BTreeMap::new();
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if let Some(name) = path.file_name().filter(|_| path.extension() == Some(OsStr::new("toml"))) {
                found.insert(name.to_owned(), path.clone());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_laid_anew_and_keeps_what_was_dropped_in() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-demo-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let dropped_in = folder.join("dropped-in.toml");
        fs::write(&dropped_in, "order = 1")?;
        let policy = folder.join("answer-cache.toml");
        for by_meaning in [true, false, true] {
            fs::write(&policy, "mode = 'off'")?;
            assert_eq!(lay(&folder, by_meaning), Ok(()), "run `cargo xtask plugins` first");
            let text = fs::read_to_string(&policy)?;
            assert!(text.contains("\n[config]\n") && !text.contains("mode ="), "{text}");
            assert_eq!(text.contains("\nembedder = "), by_meaning, "{text}");
        }
        assert_eq!(fs::read_to_string(dropped_in)?, "order = 1");
        for name in ["pii-answer.toml", "pii.wasm", "intent-router.toml"] {
            assert!(folder.join(name).is_file(), "{name}");
        }
        fs::remove_dir_all(&folder)
    }
}

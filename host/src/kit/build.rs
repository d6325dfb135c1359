//! Builds a project with the tools of its language: what `sluicegate plugin build` runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a project of a language has in its folder, and how it is built.
struct Way {
    manifest: &'static str,
    build: fn(&Path) -> Result<(), String>,
}

const WAYS: &[Way] = &[
    Way { manifest: "Cargo.toml", build: rust },
    Way { manifest: "package.json", build: javascript },
    Way { manifest: "pyproject.toml", build: python },
    Way { manifest: "go.mod", build: go },
    Way { manifest: "Makefile", build: c },
];

/// Build a project, and say where its component is.
///
/// # Errors
/// When it is no project, a tool is missing, or one of them fails.
pub fn build(project: &Path) -> Result<PathBuf, String> {
    (way(project)?.build)(project)?;
    newest(project)
}

/// Nothing, if a folder is a project.
///
/// # Errors
/// When it is none.
pub fn is_project(project: &Path) -> Result<(), String> {
    way(project).map(drop)
}

fn way(project: &Path) -> Result<&'static Way, String> {
    WAYS.iter().find(|way| project.join(way.manifest).is_file()).ok_or_else(|| {
        let manifests: Vec<&str> = WAYS.iter().map(|way| way.manifest).collect();
        format!(
            "{} is no plugin's project: there is none of {} in it; `sluicegate plugin new` writes one",
            project.display(),
            manifests.join(", ")
        )
    })
}

/// The component that was written last.
fn newest(project: &Path) -> Result<PathBuf, String> {
    let mut components = super::files_with(project, "wasm")?;
    components.sort_by_key(|path| fs::metadata(path).and_then(|about| about.modified()).ok());
    components.pop().ok_or_else(|| format!("nothing was built: there is no .wasm in {}", project.display()))
}

/// What Rust calls the target that plugins are compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

fn rust(project: &Path) -> Result<(), String> {
    const INSTALL: &str = "install Rust from https://rustup.rs";
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--lib", "--target", TARGET, "--target-dir", "target"]);
    run(project, &mut cargo, INSTALL).map_err(|error| match has_target() {
        true => error,
        false => format!("{error}\nRust has not the target {TARGET}: run `rustup target add {TARGET}`"),
    })?;
    let folder = project.join("target").join(TARGET).join("release");
    let built = newest(&folder)?;
    let name = built.file_stem().map(|name| name.to_string_lossy().replace('_', "-")).unwrap_or_default();
    let component = project.join(format!("{name}.wasm"));
    fs::copy(&built, &component).map(drop).map_err(|error| format!("writing {}: {error}", component.display()))
}

/// Whether the compiler that cargo takes has a standard library for plugins.
fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder = asked.ok().and_then(|asked| String::from_utf8(asked.stdout).ok());
    folder.is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

fn javascript(project: &Path) -> Result<(), String> {
    const INSTALL: &str =
        "install Node 20 or newer, with npm (https://nodejs.org; on Debian `apt-get install nodejs npm`)";
    if !project.join("node_modules").is_dir() {
        run(project, Command::new("npm").args(["install", "--no-audit", "--no-fund"]), INSTALL)?;
    }
    run(project, Command::new("npm").args(["run", "build", "--silent"]), INSTALL)
}

fn python(project: &Path) -> Result<(), String> {
    const INSTALL: &str = "install Python 3.11 or newer (on Debian `apt-get install python3 python3-venv`)";
    let tool = Path::new(".venv/bin/sluicegate-plugin-build");
    if !project.join(tool).is_file() {
        run(project, Command::new("python3").args(["-m", "venv", ".venv"]), INSTALL)?;
        let mut pip = Command::new("./.venv/bin/pip");
        pip.args(["install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"]);
        run(project, &mut pip, INSTALL)?;
    }
    run(project, &mut Command::new("./.venv/bin/sluicegate-plugin-build"), INSTALL)
}

fn go(project: &Path) -> Result<(), String> {
    const INSTALL: &str = "install Go 1.24 or newer (https://go.dev/dl)";
    run(project, Command::new("go").args(["tool", "sluicegate-build"]), INSTALL)
}

fn c(project: &Path) -> Result<(), String> {
    const INSTALL: &str = "install make and a compiler (on Debian `apt-get install make clang lld`)";
    run(project, &mut Command::new("make"), INSTALL)
}

/// Run a tool in the project; what it says is the person's to read. What the person types meanwhile is not the tool's.
fn run(project: &Path, command: &mut Command, install: &str) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // A path of the project's is one in the project.
    let arguments: Vec<String> = command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let shown = [&[program.clone()][..], &arguments].concat().join(" ");
    let ended = command.current_dir(project).stdin(Stdio::null()).status().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no {program}: {install}"),
        _ => format!("running {shown}: {error}"),
    })?;
    match ended.success() {
        true => Ok(()),
        false => Err(format!("`{shown}` has failed ({ended})")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_project_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            build(folder.path()).unwrap_err().contains("Cargo.toml, package.json, pyproject.toml, go.mod, Makefile")
        );
    }

    #[test]
    fn what_fails_is_named_and_what_is_missing_is_told_how_to_be_had() {
        let folder = tempfile::tempdir().unwrap();
        let run = |program: &str| run(folder.path(), Command::new(program).arg("x"), "install it");
        assert!(run("false").unwrap_err().contains("`false x` has failed"));
        assert_eq!(run("no-such-program").unwrap_err(), "there is no no-such-program: install it");
        run("true").unwrap();
    }
}

//! Where plugins are made: a copy of the SDKs, since building leaves files behind; and the command line.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use clap::Parser as _;
use sluicegate::cli::Cli;

/// A language that plugins are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Ts,
    Js,
    Python,
    Go,
    C,
}

impl Language {
    /// As `sluicegate plugin new --lang` has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Ts => "ts",
            Self::Js => "js",
            Self::Python => "python",
            Self::Go => "go",
            Self::C => "c",
        }
    }

    /// Whether its tools are here: where the set-up of the tests found none, it has said so, and there is nothing to test.
    pub(crate) fn is_here(self) -> bool {
        let languages = std::env::var("SLUICEGATE_LANGUAGES").expect("run the tests by `cargo xtask test`");
        languages.split(',').any(|language| language == self.word())
    }
}

/// What is kept from one run of the tests to the next, so that packages are fetched once.
pub(crate) fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("languages")
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// What packages and builds leave in a project, which is kept.
const LEFT: [&str; 7] =
    ["node_modules", ".venv", "target", "build", "dist", "__pycache__", "sluicegate_plugin.egg-info"];

/// A copy of an SDK, ready to be built with, with the contract and the cases of its examples where it looks for them. Its files are those of the
/// repository, whatever an earlier run has left.
pub(crate) fn sdk(name: &str) -> PathBuf {
    // Tests share the copies, and what is fetched for them.
    static READY: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut ready = READY.lock().unwrap();
    let copy = kept().join("sdks");
    let sdk = copy.join("sdk").join(name);
    if ready.iter().any(|ready| ready == name) {
        return sdk;
    }
    for folder in ["wit", "sdk/examples", &format!("sdk/{name}")] {
        mirror(&repository().join(folder), &copy.join(folder));
    }
    match name {
        "js" => run(&sdk, &["npm", "ci", "--no-audit", "--no-fund"]),
        "python" => {
            run(&sdk, &["python3", "-m", "venv", "--clear", ".venv"]);
            run(&sdk, &[".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-e", ".[build]"]);
        }
        _ => {}
    }
    ready.push(name.to_owned());
    sdk
}

/// Make `to` hold what `from` holds, and what is left of builds.
fn mirror(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let is_left = |path: &Path| path.file_name().and_then(OsStr::to_str).is_some_and(|name| LEFT.contains(&name));
    for old in entries(to).into_iter().filter(|old| !is_left(old)) {
        if !from.join(old.file_name().unwrap()).exists() {
            if old.is_dir() { fs::remove_dir_all(old).unwrap() } else { fs::remove_file(old).unwrap() }
        }
    }
    for new in entries(from).into_iter().filter(|new| !is_left(new)) {
        let copy = to.join(new.file_name().unwrap());
        if new.is_dir() {
            mirror(&new, &copy);
        } else if fs::read(&new).unwrap() != fs::read(&copy).unwrap_or_default() {
            fs::copy(&new, &copy).unwrap();
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// The files of a folder that are not as in the repository, apart from what builds leave.
pub(crate) fn differs(original: &Path, copy: &Path) -> Vec<PathBuf> {
    let mut different = Vec::new();
    for file in entries(original).into_iter().filter(|file| !LEFT.iter().any(|left| file.ends_with(left))) {
        let copied = copy.join(file.file_name().unwrap());
        if file.is_dir() {
            different.extend(differs(&file, &copied));
        } else if fs::read(&file).unwrap() != fs::read(&copied).unwrap_or_default() {
            different.push(file);
        }
    }
    different
}

/// Run a tool in a folder.
pub(crate) fn run(folder: &Path, words: &[&str]) {
    let said = Command::new(words[0]).args(&words[1..]).current_dir(folder).stdin(Stdio::null()).output();
    let said = said.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        said.status.success(),
        "{words:?} in {}: {}\n{}\n{}",
        folder.display(),
        said.status,
        text(&said.stdout),
        text(&said.stderr)
    );
}

/// `sluicegate ...`
pub(crate) fn sluicegate(words: &[&str]) {
    Cli::parse_from(["sluicegate"].iter().chain(words)).run().unwrap_or_else(|error| panic!("{words:?}: {error}"));
}

/// `sluicegate plugin test` of a component, with its text cut at every character.
pub(crate) fn test(component: &Path, cases: Option<&Path>) {
    let compiled = kept().join("compiled");
    let mut words = vec!["plugin", "test", component.to_str().unwrap(), "--all-splits"];
    words.extend(["--compiled", compiled.to_str().unwrap()]);
    words.extend(cases.iter().flat_map(|cases| ["--cases", cases.to_str().unwrap()]));
    sluicegate(&words);
}

/// Make a link, where there may be one already.
pub(crate) fn link(to: &Path, at: &Path) {
    if at.read_link().is_err() {
        std::os::unix::fs::symlink(to, at).unwrap();
    }
}

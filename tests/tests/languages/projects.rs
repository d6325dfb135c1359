//! From `sluicegate plugin new` to a plugin in service, in every language and of every kind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sluicegate_tests::{Gateway, Installed, Provider, Reply, chat, completion};

use crate::workshop::{Language, kept, run, sluicegate, test};

pub(crate) const KINDS: [&str; 5] = ["text-guardrail", "request-guardrail", "answer-guardrail", "router", "cache"];

/// A new project of each kind. What the first has fetched or built of packages, in `shared`, the others use too.
fn projects(language: Language, shared: Option<&str>, own_tests: &[&str]) {
    if !language.is_here() {
        return;
    }
    for kind in KINDS {
        let project = match kind == KINDS[0] {
            true => first(language),
            false => built(another(language, kind, kind, shared)),
        };
        run(&project, own_tests);
        test(&component(&project), None);
        if kind == "text-guardrail" {
            changes_an_answer(&component(&project));
        }
    }
}

/// Where a language's projects are.
fn folder(language: Language) -> PathBuf {
    kept().join("projects").join(language.word())
}

/// The first project of a language, of the first kind, which has been built.
pub(crate) fn first(language: Language) -> PathBuf {
    static BUILT: [Mutex<bool>; 6] = [const { Mutex::new(false) }; 6];
    let mut is_built = BUILT[language as usize].lock().unwrap();
    let project = folder(language).join(KINDS[0]);
    if !*is_built {
        new(language, KINDS[0], &project);
        built(project.clone());
        *is_built = true;
    }
    project
}

/// Another project, in a folder of this name, which has what the first has fetched and built of packages.
pub(crate) fn another(language: Language, kind: &str, name: &str, shared: Option<&str>) -> PathBuf {
    let first = first(language);
    let project = folder(language).join(name);
    new(language, kind, &project);
    if let Some(shared) = shared {
        symlink(first.join(shared), project.join(shared)).unwrap();
    }
    project
}

pub(crate) fn built(project: PathBuf) -> PathBuf {
    sluicegate(&["plugin", "build", project.to_str().unwrap()]);
    project
}

fn new(language: Language, kind: &str, project: &Path) {
    let _ = fs::remove_dir_all(project);
    let into = project.to_str().unwrap();
    sluicegate(&["plugin", "new", "my-plugin", "--lang", language.word(), "--kind", kind, "--into", into]);
}

pub(crate) fn component(project: &Path) -> PathBuf {
    project.join("my-plugin.wasm")
}

/// Put it into service as an operator does: the file alone, into the directory.
fn changes_an_answer(component: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let provider = Provider::saying(Reply::json(completion("a Nightjar flies at dusk"))).await;
        let plugin = Installed::new("my-plugin", fs::read(component).unwrap());
        let gateway = Gateway::with_plugins([plugin]).upstream(&provider).start().await;
        let answer = gateway.ask(chat("what flies?")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains("a [masked] flies at dusk"), "{}", answer.text());
    });
}

/// What compiles Rust for plugins is the usual compiler, unless the set-up of the tests had to make another that can.
pub(crate) fn usual_compiler() {
    if let Some(rustc) = std::env::var_os("SLUICEGATE_GUEST_RUSTC") {
        let settings = folder(Language::Rust).join(".cargo/config.toml");
        fs::create_dir_all(settings.parent().unwrap()).unwrap();
        fs::write(settings, format!("[build]\nrustc = {:?}\n", rustc.to_str().unwrap())).unwrap();
    }
}

#[test]
fn in_rust() {
    usual_compiler();
    projects(Language::Rust, Some("target"), &["env", "RUSTC=rustc", "cargo", "test", "--quiet"]);
}

#[test]
fn in_typescript() {
    projects(Language::Ts, Some("node_modules"), &["npm", "test"]);
}

#[test]
fn in_javascript() {
    projects(Language::Js, Some("node_modules"), &["npm", "test"]);
}

#[test]
fn in_python() {
    projects(Language::Python, Some(".venv"), &[".venv/bin/python", "-m", "unittest", "discover", "tests"]);
}

#[test]
fn in_go() {
    projects(Language::Go, None, &["go", "test", "./..."]);
}

#[test]
fn in_c() {
    projects(Language::C, None, &["make", "test"]);
}

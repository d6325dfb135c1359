//! The same three plugins in every language, which say the same of the same cases.

use std::path::{Path, PathBuf};

use crate::workshop::{Language, link, repository, run, sdk, sluicegate, test};

/// What each SDK has as an example.
const EXAMPLES: [&str; 3] = ["codename", "tiers", "faq"];

/// Play the cases that an example has in common in all languages.
fn play(component: &Path, example: &str) {
    test(component, Some(&repository().join(format!("sdk/examples/{example}.toml"))));
}

/// Where an example of an SDK is.
fn of(sdk: &Path, example: &str) -> PathBuf {
    sdk.join("examples").join(example)
}

#[test]
fn those_in_javascript_and_typescript() {
    if !Language::Js.is_here() {
        return;
    }
    let sdk = sdk("js");
    for example in EXAMPLES {
        let folder = of(&sdk, example);
        run(&folder, &["npm", "install", "--no-audit", "--no-fund"]);
        run(&folder, &["npm", "test"]);
        sluicegate(&["plugin", "build", folder.to_str().unwrap()]);
        play(&folder.join(format!("{example}.wasm")), example);
    }
}

#[test]
fn those_in_python() {
    if !Language::Python.is_here() {
        return;
    }
    let sdk = sdk("python");
    for example in EXAMPLES {
        let folder = of(&sdk, example);
        link(&sdk.join(".venv"), &folder.join(".venv"));
        run(&folder, &[".venv/bin/python", "-m", "unittest", "discover", "tests"]);
        sluicegate(&["plugin", "build", folder.to_str().unwrap()]);
        play(&folder.join(format!("{example}.wasm")), example);
    }
}

#[test]
fn those_in_go() {
    if !Language::Go.is_here() {
        return;
    }
    let sdk = sdk("go");
    for example in EXAMPLES {
        let component = sdk.join(format!("{example}.wasm"));
        let package = format!("./examples/{example}");
        run(&sdk, &["go", "run", "./cmd/sluicegate-build", "-o", component.to_str().unwrap(), &package]);
        play(&component, example);
    }
}

#[test]
fn those_in_c() {
    if !Language::C.is_here() {
        return;
    }
    let sdk = sdk("c");
    for example in EXAMPLES {
        let folder = of(&sdk, example);
        run(&folder, &["make", "test"]);
        sluicegate(&["plugin", "build", folder.to_str().unwrap()]);
        play(&folder.join(format!("{example}.wasm")), example);
    }
}

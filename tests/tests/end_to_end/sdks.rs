//! The providers' own SDKs talk to the gateway and notice nothing, save for what they should: each with a provider of its
//! dialect behind the gateway, and with one of another.

use std::process::Command;

use sluicegate_tests::{Gateway, hostile, installed, standard};

/// Runs a script in `tests/python` against a gateway in front of a provider of that dialect.
async fn python(script: &str, dialect: &'static str) {
    let Some(python) = installed("SLUICEGATE_PYTHON") else { return };
    let mut command = Command::new(python);
    // Proxies and keys of whoever runs the test are none of its business.
    command.env_clear().args(["-I", "-W", "error"]).arg(format!("{FOLDER}/python/{script}"));
    run(command, dialect).await;
}

/// The same for one in `tests/node`.
async fn node(script: &str, dialect: &'static str) {
    let Some(modules) = installed("SLUICEGATE_NODE_MODULES") else { return };
    let mut command = Command::new("node");
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("NODE_PATH", modules).arg(format!("{FOLDER}/node/{script}"));
    run(command, dialect).await;
}

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

async fn run(mut command: Command, dialect: &'static str) {
    let sandbox = Gateway::sandbox().await;
    let plugins = [standard("pii").config("email = 'restore'\ncard = 'block'"), hostile("trap-inspect")];
    let settings = "[models]\nsmall = { targets = ['target-1'] }";
    let gateway = Gateway::with_plugins(plugins).upstream_in(dialect, &sandbox).settings(settings).start().await;
    let url = format!("http://{}/v1", gateway.address);
    let run = move || command.args([&url, dialect]).output().expect("the interpreter starts");
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}

/// A test of each client with a provider of each dialect.
macro_rules! clients {
    ($($client:ident = $run:ident($script:literal);)*) => {$(
        mod $client {
            clients!(@ $run, $script: open_ai "openai", responses "responses", anthropic "anthropic", gemini "gemini",
                azure "azure", bedrock "bedrock");
        }
    )*};
    (@ $run:ident, $script:literal: $($provider:ident $dialect:literal),*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $provider() {
            super::$run($script, $dialect).await;
        }
    )*};
}

clients! {
    open_ai_for_python = python("openai_sdk.py");
    responses_for_python = python("responses_sdk.py");
    anthropic_for_python = python("anthropic_sdk.py");
    gemini_for_python = python("gemini_sdk.py");
    open_ai_for_node = node("openai_sdk.js");
    responses_for_node = node("responses_sdk.js");
    anthropic_for_node = node("anthropic_sdk.js");
}

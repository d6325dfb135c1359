//! The providers' own SDKs talk to the gateway and notice nothing, save for what they should: each with a provider of its
//! dialect behind the gateway, and with one of another.

use std::process::Command;

use sluicegate_tests::{Gateway, hostile, standard};

/// What is installed for a language; nothing where `cargo xtask test` has said that there is none.
fn installed(variable: &str) -> Option<String> {
    let Ok(path) = std::env::var(variable) else {
        panic!("{variable} is not set: run cargo xtask test, which installs the SDKs");
    };
    (!path.is_empty()).then_some(path)
}

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

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_python_to_its_own_dialect() {
    python("openai_sdk.py", "openai").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_python_to_anthropics_dialect() {
    python("openai_sdk.py", "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_python_to_geminis_dialect() {
    python("openai_sdk.py", "gemini").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_python_to_its_own_dialect() {
    python("anthropic_sdk.py", "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_python_to_open_ais_dialect() {
    python("anthropic_sdk.py", "openai").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_python_to_geminis_dialect() {
    python("anthropic_sdk.py", "gemini").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_python_to_responses() {
    python("anthropic_sdk.py", "responses").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_for_python_to_its_own_dialect() {
    python("gemini_sdk.py", "gemini").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_for_python_to_open_ais_dialect() {
    python("gemini_sdk.py", "openai").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_for_python_to_anthropics_dialect() {
    python("gemini_sdk.py", "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_python_to_responses() {
    python("openai_sdk.py", "responses").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_python_to_their_own_dialect() {
    python("responses_sdk.py", "responses").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_python_to_chat_completions() {
    python("responses_sdk.py", "openai").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_python_to_anthropics_dialect() {
    python("responses_sdk.py", "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_python_to_geminis_dialect() {
    python("responses_sdk.py", "gemini").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_node_to_its_own_dialect() {
    node("openai_sdk.js", "openai").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_node_to_anthropics_dialect() {
    node("openai_sdk.js", "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_node_to_geminis_dialect() {
    node("openai_sdk.js", "gemini").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ai_for_node_to_responses() {
    node("openai_sdk.js", "responses").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_node_to_chat_completions() {
    node("responses_sdk.js", "openai").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_node_to_anthropics_dialect() {
    node("responses_sdk.js", "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_node_to_geminis_dialect() {
    node("responses_sdk.js", "gemini").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_for_node_to_their_own_dialect() {
    node("responses_sdk.js", "responses").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_node_to_open_ais_dialect() {
    node("anthropic_sdk.js", "openai").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_node_to_its_own_dialect() {
    node("anthropic_sdk.js", "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_node_to_geminis_dialect() {
    node("anthropic_sdk.js", "gemini").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_for_node_to_responses() {
    node("anthropic_sdk.js", "responses").await;
}

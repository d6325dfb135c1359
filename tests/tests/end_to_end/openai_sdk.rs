//! The OpenAI SDK for Python talks to the gateway and notices nothing, save for what it should.

use std::process::Command;

use sluicegate_tests::{Gateway, hostile, standard};

#[tokio::test(flavor = "multi_thread")]
async fn for_python() {
    let Ok(python) = std::env::var("SLUICEGATE_PYTHON") else {
        panic!("SLUICEGATE_PYTHON is not set: run cargo xtask test, which installs the SDK");
    };
    if python.is_empty() {
        // `cargo xtask test` has said that there is no Python.
        return;
    }
    let sandbox = Gateway::sandbox().await;
    let plugins = [standard("pii").config("email = 'restore'\ncard = 'block'"), hostile("trap-inspect")];
    let models = "[models]\nsmall = { targets = ['target-1'] }";
    let gateway = Gateway::with_plugins(plugins).upstream(&sandbox).settings(models).start().await;
    let url = format!("http://{}/v1", gateway.address);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/openai_sdk.py");
    let run = move || {
        let mut command = Command::new(python);
        // Proxies and keys of whoever runs the test are none of its business.
        command.env_clear().args(["-I", "-W", "error", script, &url]).output().expect("python")
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}

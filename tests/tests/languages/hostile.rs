//! A plugin of each language that goes wrong in the ways of that language. It is bounded as any other, and the next exchange
//! works.

use std::fs;
use std::future::IntoFuture as _;
use std::path::PathBuf;
use std::time::Duration;

use sluicegate::plugin::Pool;
use sluicegate_tests::{Gateway, Installed, Provider, Reply, chat, completion};
use tokio::time::timeout;

use crate::projects::{self, KINDS};
use crate::workshop::Language;

/// All that an attack may take, on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// What the plugin is told, and how the call must end.
type Attack = (&'static str, &'static [&'static str]);

const LOOP: Attack = ("loop", &["out-of-fuel"]);
const MEMORY: Attack = ("memory", &["out-of-memory"]);
const EXPRESSION: Attack = ("expression", &["out-of-fuel"]);

/// Build the hostile plugin of a language, whose source stands in place of that of a new project.
fn build(language: Language, source: &str, place: &str, shared: Option<&str>) -> PathBuf {
    let project = projects::another(language, KINDS[0], "hostile", shared);
    let hostile = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/languages/hostile").join(source);
    fs::copy(hostile, project.join(place)).unwrap();
    projects::component(&projects::built(project))
}

fn attack(component: &PathBuf, attacks: &[Attack]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let provider = Provider::saying(Reply::json(completion("hello"))).await;
        let plugin = Installed::new("hostile", fs::read(component).unwrap()).set("phases = ['request']");
        let settings = "plugins.breaker_failures = 0\nplugins.memo_bytes = 0";
        let gateway = Gateway::with_plugins([plugin]).upstream(&provider).settings(settings).start().await;
        for (word, outcomes) in attacks {
            let answer = timeout(SOON, gateway.ask(chat(word)).receipts().into_future()).await;
            let answer = answer.unwrap_or_else(|_| panic!("{word} runs on"));
            assert_eq!(answer.status, 503, "{word}: {}", answer.text());
            assert_eq!(answer.code(), "guardrail_failed", "{word}");
            assert!(answer.text().len() < 1_000, "{word}: {}", answer.text());
            let receipts = answer.receipts();
            let outcome = receipts[0].get("outcome").unwrap_or_default();
            assert!(outcomes.contains(&outcome), "{word}: {receipts:?}");
            gateway.until(|host| host.runtime.pool() == Pool::default()).await;
            let next = gateway.ask(chat("hello?")).receipts().await;
            assert_eq!(next.content(), "hello", "{word}: the next exchange");
            assert_eq!(next.receipts()[0].get("outcome"), Some("said"), "{word}: the next exchange");
        }
    });
}

#[test]
fn in_rust() {
    if Language::Rust.is_here() {
        projects::usual_compiler();
        // Cargo would take one crate of this name in that folder for the other.
        let component = build(Language::Rust, "lib.rs", "src/lib.rs", None);
        attack(&component, &[LOOP, MEMORY, ("deep", &["trapped"]), ("fail", &["trapped"])]);
    }
}

#[test]
fn in_javascript() {
    if Language::Js.is_here() {
        let component = build(Language::Js, "index.js", "src/index.js", Some("node_modules"));
        attack(
            &component,
            &[LOOP, MEMORY, EXPRESSION, ("deep", &["refused", "trapped"]), ("fail", &["refused", "trapped"])],
        );
    }
}

#[test]
fn in_python() {
    if Language::Python.is_here() {
        let component = build(Language::Python, "plugin.py", "plugin.py", Some(".venv"));
        attack(
            &component,
            &[LOOP, MEMORY, EXPRESSION, ("deep", &["refused", "trapped"]), ("fail", &["refused", "trapped"])],
        );
    }
}

#[test]
fn in_go() {
    if Language::Go.is_here() {
        let component = build(Language::Go, "main.go", "main.go", None);
        attack(&component, &[LOOP, MEMORY, ("deep", &["out-of-memory", "trapped"]), ("fail", &["refused", "trapped"])]);
    }
}

#[test]
fn in_c() {
    if Language::C.is_here() {
        let component = build(Language::C, "plugin.c", "my-plugin.c", None);
        attack(&component, &[LOOP, ("deep", &["trapped"]), ("fail", &["trapped"])]);
    }
}

//! A plugin that keeps failing, whatever it is given, is taken out, and comes back after a probe.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sluicegate::plugin::Plugin;
use sluicegate_tests::guests::{TRIGGER, written};
use sluicegate_tests::{Gateway, Installed, Provider, Receipt, Reply, chat, completion, gentle, hostile};
use tokio::time::timeout;

/// Taken out after three failures; a probe comes after so many milliseconds. The plugins are given a moment by which they
/// should be loaded; where that takes longer, as on a busy machine, they are loaded once more, with a later one.
async fn gateway<P: IntoIterator<Item = Installed>>(plugins: impl Fn(u64) -> P, probe_ms: u32) -> (Gateway, Provider) {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let settings =
        format!("plugins.memo_bytes = 0\nplugins.breaker_failures = 3\nplugins.breaker_probe_ms = {probe_ms}");
    let mut broken = Vec::new();
    for seconds in [2, 8, 32] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let plugins = plugins(now + seconds).into_iter().map(|plugin| plugin.set("phases = ['request']"));
        match Gateway::with_plugins(plugins).upstream(&provider).settings(&settings).try_start().await {
            Ok(gateway) => return (gateway, provider),
            Err(why) => broken = why,
        }
    }
    panic!("the gateway does not start: {broken:#?}");
}

/// So late that it is never.
const NEVER_MS: u32 = 86_400_000;
/// Seconds for which a plugin goes on failing.
const EVER: u64 = u32::MAX as u64;

/// Works when it is loaded, and traps with everything from a moment on, until another that many seconds later. It holds a handle
/// when it is configured, and so is configured for each call.
fn spoils(from: u64, seconds: u64) -> Installed {
    let own = format!(
        r#"
(import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(func $configure (result i32 i32)
  (drop (call $stdout))
  (call $wall (i32.const 2048))
  (if (i32.and
        (i64.ge_u (i64.load (i32.const 2048)) (i64.const {from}))
        (i64.lt_u (i64.load (i32.const 2048)) (i64.const {})))
    (then unreachable))
  (i32.const 0) (i32.const 0))
(func $attack (param $window i32) (param $verdict i32) (param $said i32))"#,
        from.saturating_add(seconds),
    );
    Installed::new("spoils", written("spoils", &own))
}

fn plugin(gateway: &Gateway, name: &str) -> Arc<Plugin> {
    gateway.host.generation().plugins.iter().find(|plugin| &*plugin.name == name).unwrap().clone()
}

/// Ask, and give the plugin's receipt and the status.
async fn ask(gateway: &Gateway, text: &str) -> (Receipt, u16) {
    let answer = gateway.ask(chat(text)).receipts().await;
    (answer.receipts().swap_remove(0), answer.status)
}

/// Ask until it is taken out.
async fn until_it_is_out(gateway: &Gateway) {
    let asking = async {
        while !plugin(gateway, "spoils").is_taken_out() {
            ask(gateway, "hello?").await;
        }
    };
    timeout(Duration::from_secs(90), asking).await.expect("it is taken out");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_run_of_failures_its_failure_mode_applies_without_a_call() {
    for (mode, verdict, status) in [("closed", "failed", 503), ("open", "not-inspected", 200)] {
        let (gateway, _provider) =
            gateway(|from| [spoils(from, EVER).set(&format!("on_failure = '{mode}'"))], NEVER_MS).await;
        until_it_is_out(&gateway).await;
        // Also for what it would have let through: nobody has looked.
        for text in [TRIGGER, "hello?"] {
            let (receipt, said) = ask(&gateway, text).await;
            assert_eq!((said, receipt.get("verdict")), (status, Some(verdict)));
            assert_eq!((receipt.get("outcome"), receipt.get("fuel")), (Some("refused"), Some("0")));
        }
    }
}

/// Whoever sends what a plugin fails at must not take it away from all others.
#[tokio::test(flavor = "multi_thread")]
async fn texts_that_it_fails_at_do_not_take_it_out() {
    for name in ["trap-inspect", "loop-request", "malformed-score-nan", "error-other"] {
        let (gateway, _provider) = gateway(|_| [hostile(name)], NEVER_MS).await;
        for _ in 0..10 {
            let (receipt, status) = ask(&gateway, TRIGGER).await;
            assert_eq!((status, receipt.get("verdict")), (503, Some("failed")), "{name}");
            assert_ne!(receipt.get("fuel"), Some("0"), "{name} is called");
            assert_eq!(ask(&gateway, "hello?").await.1, 200, "{name}");
        }
        for _ in 0..10 {
            ask(&gateway, TRIGGER).await;
        }
        assert_eq!(ask(&gateway, "hello?").await.1, 200, "{name}");
        assert!(!plugin(&gateway, name).is_taken_out(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_brings_it_back() {
    let (gateway, _provider) = gateway(|from| [spoils(from, 2)], 1).await;
    until_it_is_out(&gateway).await;
    // The probe is sample input, and one day it is well: nobody has to ask.
    gateway.until(|host| !host.generation().plugins.iter().any(|plugin| plugin.is_taken_out())).await;
    let (receipt, status) = ask(&gateway, "hello?").await;
    assert_eq!((status, receipt.get("outcome")), (200, Some("said")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_taken_out_takes_no_other_along() {
    let plugins = |from| [spoils(from, EVER).set("on_failure = 'open'\norder = 1"), gentle("mask-word")];
    let (gateway, _provider) = gateway(plugins, NEVER_MS).await;
    until_it_is_out(&gateway).await;
    let answer = gateway.ask(chat(TRIGGER)).receipts().await;
    let other = answer.receipts().into_iter().find(|receipt| receipt.plugin == "mask-word").unwrap();
    assert_eq!((answer.status, other.get("outcome")), (200, Some("said")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_begins_anew() {
    let (gateway, _provider) = gateway(|from| [spoils(from, EVER)], NEVER_MS).await;
    until_it_is_out(&gateway).await;
    gateway.install(&hostile("calm").named("spoils").set("phases = ['request']\norder = 7"));
    gateway.until(|host| host.generation().plugins[0].installation.order == 7).await;
    assert_eq!(ask(&gateway, "hello?").await.1, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_it_takes_nobody_out() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([hostile("trap-inspect")]).upstream(&provider);
    let gateway = gateway.settings("plugins.breaker_failures = 0").start().await;
    for _ in 0..50 {
        let (receipt, _) = ask(&gateway, TRIGGER).await;
        assert_eq!(receipt.get("outcome"), Some("trapped"));
    }
    assert!(!plugin(&gateway, "trap-inspect").is_taken_out());
}

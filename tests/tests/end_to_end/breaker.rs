//! A plugin that keeps failing is taken out, and comes back after a probe.

use std::sync::Arc;

use sluicegate::plugin::Plugin;
use sluicegate_tests::guests::TRIGGER;
use sluicegate_tests::{Gateway, Installed, Provider, Receipt, Reply, chat, completion, gentle, hostile};

/// Taken out after three failures; a probe comes after so many milliseconds.
async fn gateway(plugins: impl IntoIterator<Item = Installed>, probe_ms: u32) -> (Gateway, Provider) {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = plugins.into_iter().map(|plugin| plugin.set("phases = ['request']"));
    let settings =
        format!("plugins.memo_bytes = 0\nplugins.breaker_failures = 3\nplugins.breaker_probe_ms = {probe_ms}");
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(&settings).start().await;
    (gateway, provider)
}

/// So late that it is never.
const NEVER_MS: u32 = 86_400_000;

fn only_plugin(gateway: &Gateway) -> Arc<Plugin> {
    gateway.host.generation().plugins[0].clone()
}

/// Ask, and give the plugin's receipt and the status.
async fn ask(gateway: &Gateway, text: &str) -> (Receipt, u16) {
    let answer = gateway.ask(chat(text)).receipts().await;
    (answer.receipts().swap_remove(0), answer.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_run_of_failures_its_failure_mode_applies_without_a_call() {
    for name in ["trap-inspect", "loop-request", "malformed-score-nan", "error-other"] {
        for (mode, verdict, status) in [("closed", "failed", 503), ("open", "not-inspected", 200)] {
            let plugin = hostile(name).set(&format!("on_failure = '{mode}'"));
            let (gateway, _provider) = gateway([plugin], NEVER_MS).await;
            for _ in 0..3 {
                assert!(!only_plugin(&gateway).is_taken_out());
                let (receipt, said) = ask(&gateway, TRIGGER).await;
                assert_eq!((said, receipt.get("verdict")), (status, Some(verdict)), "{name}");
                assert_ne!(receipt.get("fuel"), Some("0"), "{name} is called");
            }
            assert!(only_plugin(&gateway).is_taken_out(), "{name}");
            // Also for what it would have let through: nobody has looked.
            for text in [TRIGGER, "hello?"] {
                let (receipt, said) = ask(&gateway, text).await;
                assert_eq!((said, receipt.get("verdict")), (status, Some(verdict)), "{name}");
                assert_eq!((receipt.get("outcome"), receipt.get("fuel")), (Some("refused"), Some("0")), "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_ends_the_run() {
    let (gateway, _provider) = gateway([hostile("trap-inspect")], NEVER_MS).await;
    for _ in 0..5 {
        for text in [TRIGGER, TRIGGER, "hello?"] {
            ask(&gateway, text).await;
        }
    }
    assert!(!only_plugin(&gateway).is_taken_out());
    for _ in 0..3 {
        ask(&gateway, TRIGGER).await;
    }
    assert!(only_plugin(&gateway).is_taken_out());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_brings_it_back_and_a_new_run_takes_it_out_again() {
    let (gateway, _provider) = gateway([gentle("request-fail")], 1).await;
    let plugin = only_plugin(&gateway);
    for _ in 0..2 {
        for _ in 0..3 {
            ask(&gateway, TRIGGER).await;
        }
        // The probe is sample input, which is well: it is back in a moment.
        gateway.until(|_| !plugin.is_taken_out()).await;
        let (receipt, status) = ask(&gateway, "hello?").await;
        assert_eq!((status, receipt.get("outcome")), (200, Some("said")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_taken_out_takes_no_other_along() {
    let (gateway, _provider) =
        gateway([hostile("trap-inspect").set("on_failure = 'open'"), gentle("mask-word")], NEVER_MS).await;
    for _ in 0..10 {
        let answer = gateway.ask(chat(TRIGGER)).receipts().await;
        let other = answer.receipts().into_iter().find(|receipt| receipt.plugin == "mask-word").unwrap();
        assert_eq!((answer.status, other.get("outcome")), (200, Some("said")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_begins_anew() {
    let plugin = hostile("trap-inspect");
    let (gateway, _provider) = gateway([plugin.clone()], NEVER_MS).await;
    for _ in 0..3 {
        ask(&gateway, TRIGGER).await;
    }
    assert!(only_plugin(&gateway).is_taken_out());
    gateway.install(&plugin.set("phases = ['request']\norder = 7"));
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
    assert!(!only_plugin(&gateway).is_taken_out());
}

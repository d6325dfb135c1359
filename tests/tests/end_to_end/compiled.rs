//! What was compiled at one start is loaded at the next, and never anything else.

use std::path::Path;

use sluicegate_tests::{Gateway, Installed, Provider, Reply, chat, completion, gentle, hostile, standard};
use tempfile::TempDir;

/// A gateway that keeps what it compiles there.
async fn start(provider: &Provider, plugins: Vec<Installed>, compiled: &Path) -> Gateway {
    let settings = format!("plugins.memo_bytes = 0\nplugins.compiled_directory = '{}'", compiled.display());
    Gateway::with_plugins(plugins).upstream(provider).settings(&settings).start().await
}

fn plugins() -> Vec<Installed> {
    vec![gentle("mask-word"), standard("pii"), hostile("state-configured"), standard("cost-router")]
}

/// Which plugins were loaded as they were at an earlier start.
fn kept(gateway: &Gateway) -> Vec<bool> {
    gateway.host.generation().plugins.iter().map(|plugin| plugin.was_kept).collect()
}

async fn works(gateway: &Gateway, provider: &Provider) {
    let answer = gateway.ask(chat("a secret of ada@example.com")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let received = provider.received();
    let received = received.last().unwrap().text();
    assert!(received.contains("a [x] of [EMAIL]"), "{received}");
}

fn files(compiled: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(compiled).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_compiles_nothing_and_configures_nothing() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let folder = TempDir::new().unwrap();
    let compiled = folder.path().join("compiled");
    for is_kept in [false, true] {
        let gateway = start(&provider, plugins(), &compiled).await;
        assert_eq!(kept(&gateway), [is_kept; 4]);
        works(&gateway, &provider).await;
        let described = |name: &str| {
            let generation = gateway.host.generation();
            let plugin = generation.plugins.iter().find(|plugin| &*plugin.name == name).unwrap().clone();
            (plugin.description.version.clone(), plugin.not_forked.clone())
        };
        assert_eq!(described("pii"), (env!("CARGO_PKG_VERSION").to_owned(), None));
    }
    let masked = plugins().into_iter().map(|plugin| plugin.set("limits.wall_ms = 900")).collect();
    let gateway = start(&provider, masked, &compiled).await;
    assert_eq!(kept(&gateway), [true; 4], "bounds of calls do not change what is called");
    let others = vec![standard("pii").config("email = 'off'")];
    assert_eq!(kept(&start(&provider, others, &compiled).await), [false], "another configuration is another plugin");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tampered_with_or_comes_from_elsewhere_is_compiled_anew() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let folder = TempDir::new().unwrap();
    let compiled = folder.path().join("compiled");
    start(&provider, plugins(), &compiled).await;
    let all = files(&compiled);
    assert!(all.len() >= 4, "{all:?}");
    let spoil = |spoilt: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        for file in &all {
            std::fs::write(file, spoilt(std::fs::read(file).unwrap())).unwrap();
        }
    };
    let flipped = |mut bytes: Vec<u8>| {
        let at = bytes.len() / 2;
        bytes[at] ^= 0x80;
        bytes
    };
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        bytes
    };
    for spoilt in [&flipped as &dyn Fn(Vec<u8>) -> Vec<u8>, &cut, &|_| Vec::new(), &|_| vec![0; 4_096]] {
        spoil(spoilt);
        let gateway = start(&provider, plugins(), &compiled).await;
        assert_eq!(kept(&gateway), [false; 4]);
        works(&gateway, &provider).await;
    }
    assert_eq!(kept(&start(&provider, plugins(), &compiled).await), [true; 4], "it was written anew");
    // Another installation's files, under the same names.
    let elsewhere = folder.path().join("elsewhere");
    start(&provider, plugins(), &elsewhere).await;
    for file in files(&elsewhere) {
        std::fs::copy(&file, compiled.join(file.file_name().unwrap())).unwrap();
    }
    let gateway = start(&provider, plugins(), &compiled).await;
    assert_eq!(kept(&gateway), [false; 4]);
    works(&gateway, &provider).await;
}

//! How plugins are loaded and configured: wrapped, checked against their schema, forked from a snapshot or not.

use std::fmt::Write as _;

use sluicegate::plugin::Form;
use sluicegate_tests::{Gateway, Installed, Provider, Reply, chat, completion, gentle, hostile, standard};

/// The reason why this plugin is refused.
async fn refused(plugin: Installed) -> String {
    let provider = Provider::absent().await;
    let broken = Gateway::with_plugins([plugin]).upstream(&provider).try_start().await.expect_err("it is refused");
    broken[0].reason.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_the_plugin_does_not_take_is_refused_with_words() {
    let text = |config: &str| gentle("allow").set("config = {}").config(config);
    let cases = [
        ("not one of its words", text("do = 'dance'")),
        ("of another type", text("do = 7")),
        ("refused by the plugin itself", gentle("deny-word").config("word = ''")),
        ("an unknown field", standard("pii").config("emial = 'mask'")),
        ("an unknown word of a standard plugin", standard("pii").config("email = 'hide'")),
        ("two mistakes", standard("pii").config("email = 'hide'\nphone = 1")),
        ("not known to its schema but to the plugin", gentle("mask-word").config("wrod = 'x'")),
    ];
    let mut golden = String::new();
    for (about, plugin) in cases {
        writeln!(golden, "{about}: {}\n", refused(plugin).await).unwrap();
    }
    insta::assert_snapshot!("refused_configurations", golden);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_configure_did_is_there_in_every_fork() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [gentle("mask-word"), standard("pii"), hostile("state-counter"), hostile("state-configured")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings("plugins.memo_bytes = 0").start().await;
    for _ in 0..3 {
        let answer = gateway.ask(chat("a secret of ada@example.com")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(provider.received().iter().all(|received| received.text().contains("a [x] of [EMAIL]")));
    let generation = gateway.host.generation();
    let mut forms = String::new();
    for plugin in &generation.plugins {
        let form = if plugin.anatomy.form == Form::CoreModule { "core module" } else { "component" };
        writeln!(forms, "{}: {form}, {}", plugin.name, plugin.not_forked.as_deref().unwrap_or("forked")).unwrap();
    }
    insta::assert_snapshot!("forms", forms);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_and_the_plain_output_of_cargo_are_both_plugins() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [hostile("calm"), hostile("calm-component"), standard("no-op")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    let answer = gateway.ask(chat("hello?")).receipts().await;
    assert_eq!((answer.content(), answer.receipts().len()), ("hello".to_owned(), 6));
    let forms: Vec<(String, Form)> =
        gateway.host.generation().plugins.iter().map(|plugin| (plugin.name.to_string(), plugin.anatomy.form)).collect();
    let expected = [("calm", Form::CoreModule), ("calm-component", Form::Component), ("no-op", Form::CoreModule)];
    assert_eq!(forms, expected.map(|(name, form)| (name.to_owned(), form)));
}

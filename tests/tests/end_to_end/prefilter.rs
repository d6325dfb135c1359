//! Text that a plugin need not be called for, by its own word.

use sluicegate_tests::{DONE, Gateway, Provider, Reply, chat, chunk, completion, finish, gentle, standard, streamed};

/// What the host takes for looking at a byte, in fuel.
const BYTE_FUEL: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn harmless_text_passes_without_a_call_and_is_on_the_receipt() {
    let provider = Provider::saying(Reply::json(completion("It is over."))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let question = "Tell me about the river.";
    let answer = gateway.ask(chat(question)).receipts().await;
    let receipts = answer.receipts();
    let receipt = receipts.first().expect("a receipt");
    let of = |name| receipt.get(name).expect("a figure").to_owned();
    // The text and the model's name.
    assert_eq!((of("prefiltered"), of("verdict"), of("outcome")), (of("windows"), "allow".into(), "said".into()));
    let bytes: usize = of("bytes").parse().unwrap();
    assert_eq!((of("fuel"), of("memory")), ((bytes * BYTE_FUEL).to_string(), "0".to_owned()));
    assert_eq!(provider.received().len(), 1);

    let again = gateway.ask(chat(question)).receipts().await;
    let again = again.receipts();
    let again = again.first().expect("a receipt");
    assert_eq!((again.get("prefiltered"), again.get("remembered")), (Some("0"), Some(of("windows").as_str())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_triggers_comes_to_the_plugin() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.ask(chat("Write to ann@example.com.")).receipts().await;
    let receipts = answer.receipts();
    assert_eq!(receipts.first().and_then(|receipt| receipt.get("verdict")), Some("edit"));
    assert!(provider.body().contains("Write to [EMAIL]."), "{}", provider.body());
}

/// Longer than what is searched on the spot.
#[tokio::test(flavor = "multi_thread")]
async fn long_texts_are_looked_through_too() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let long = "the river is long, ".repeat(20_000);
    let answer = gateway.ask(chat(&long)).receipts().await;
    let receipts = answer.receipts();
    let receipt = receipts.first().expect("a receipt");
    assert_eq!((answer.status, receipt.get("prefiltered")), (200, receipt.get("windows")));
    let answer = gateway.ask(chat(&format!("{long}ann@example.com"))).await;
    assert_eq!(answer.status, 200);
    let received = provider.received();
    assert!(received.last().expect("a request").text().contains("[EMAIL]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_is_paid_in_fuel() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let poor = standard("pii").set("limits.fuel = 300_000");
    let gateway = Gateway::with_plugins([poor]).upstream(&provider).start().await;
    let answer = gateway.ask(chat(&"the river ".repeat(4_000))).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "guardrail_failed"));
    assert_eq!(provider.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_held_back_where_a_match_may_begin() {
    let pieces = ["The address is ann", "@example", ".com, and ", "nothing ", "else ", "matters."];
    let events: Vec<String> = pieces.iter().map(|piece| chunk(piece)).chain([finish(0, "stop"), DONE.into()]).collect();
    let provider = Provider::saying(Reply::events(events)).await;
    let gateway = Gateway::with_plugins([standard("pii")])
        .upstream(&provider)
        .settings("stream.window_bytes = 1\nstream.window_ms = 1")
        .start()
        .await;
    let answer = gateway.ask(streamed("hello?")).receipts().await;
    assert_eq!(answer.content(), "The address is [EMAIL], and nothing else matters.");
}

/// The triggers of all plugins are looked for at once; what one of them triggers does not bring the others into play.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_chain_only_the_plugin_that_is_triggered_is_called() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let chain = [standard("secrets").set("order = 10"), standard("pii").set("order = 20")];
    let gateway = Gateway::with_plugins(chain).upstream(&provider).start().await;
    let question = |text: &str| gateway.ask(chat(text)).receipts();
    let receipts = question("Tell me about the river.").await.receipts();
    let on_request = receipts.iter().filter(|receipt| receipt.get("phase") == Some("request"));
    assert!(on_request.clone().all(|receipt| receipt.get("prefiltered") == receipt.get("windows")));
    assert_eq!(on_request.count(), 2);

    let receipts = question("Write to ann@example.com.").await.receipts();
    let [secrets, pii, ..] = receipts.as_slice() else { panic!("{receipts:?}") };
    assert_eq!((secrets.get("prefiltered"), secrets.get("memory")), (Some("1"), Some("0")));
    assert_eq!((pii.get("prefiltered"), pii.get("verdict")), (Some("0"), Some("edit")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_plugin_edits_in_triggers_the_later_ones() {
    let provider = Provider::saying(Reply::json(completion("the river"))).await;
    let leak = gentle("mask-word").config("do = 'mask'\nword = 'river'\nwith = 'ann@example.com'").set("order = 20");
    let chain = [standard("secrets").set("order = 10"), leak, standard("pii").set("order = 30")];
    let gateway = Gateway::with_plugins(chain).upstream(&provider).start().await;
    let answer = gateway.ask(chat("Tell me about the river.")).await;
    assert!(provider.body().contains("Tell me about the [EMAIL]."), "{}", provider.body());
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "the [EMAIL]");
}

//! What a guardrail's verdict does, what its failure does, and what is said about it.

use serde_json::json;
use sluicegate_tests::guests::TRIGGER;
use sluicegate_tests::{EMAIL, Gateway, Provider, Reply, chat, completion, hostile, standard, streamed};

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_request_reaches_nobody() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([standard("pii").config("email = 'block'")]).upstream(&provider).start().await;
    for request in [chat(EMAIL), streamed(EMAIL)] {
        let answer = gateway.ask(request).receipts().await;
        assert_eq!(answer.status, 400);
        let error = json!({"message": "The text contains an e-mail address.", "type": "guardrail_denied", "param": null, "code": "pii.blocked"});
        assert_eq!(answer.error(), error);
        assert_eq!(answer.receipts()[0].get("code"), Some("pii.blocked"));
    }
    assert!(provider.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_answer_reaches_nobody() {
    let provider = Provider::saying(Reply::json(completion(&format!("it is {EMAIL}")))).await;
    let gateway = Gateway::with_plugins([standard("pii").config("email = 'block'")]).upstream(&provider).start().await;
    let answer = gateway.ask(chat("who?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "pii.blocked"));
    assert!(!answer.text().contains("it is"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_changes_nothing_and_says_what_it_would_have_done() {
    for setting in ["mask", "restore", "block"] {
        let provider = Provider::saying(Reply::json(completion(EMAIL))).await;
        let plugins = [standard("pii").config(&format!("email = '{setting}'")).set("mode = 'observe'")];
        let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
        let answer = gateway.ask(chat(EMAIL)).receipts().await;
        assert_eq!((provider.body(), answer.text()), (chat(EMAIL).to_string(), &*completion(EMAIL)), "{setting}");
        let verdict = if setting == "block" { "deny" } else { "edit" };
        for receipt in answer.receipts() {
            assert_eq!((receipt.get("verdict"), receipt.get("observed")), (Some(verdict), Some("")), "{receipt:?}");
            assert_eq!(receipt.get("rules"), Some("email"), "{receipt:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_does_not_hold_a_stream_up() {
    let sandbox = Gateway::sandbox().await;
    let plugins = [standard("pii").config("email = 'block'").set("mode = 'observe'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&sandbox).start().await;
    let answer = gateway.ask(streamed("chunks of 3\nleak email")).receipts().await;
    assert!(answer.is_done() && answer.content().contains(EMAIL), "{}", answer.text());
    assert!(answer.receipts().iter().any(|receipt| receipt.get("verdict") == Some("deny")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_called_in_its_phases_only() {
    let cases: [(&str, &[&str]); 4] = [
        ("phases = ['request', 'answer']", &["request", "answer"]),
        ("phases = ['request']", &["request"]),
        ("phases = ['answer']", &["answer"]),
        ("mode = 'off'", &[]),
    ];
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    for (set, phases) in cases {
        let gateway = Gateway::with_plugins([standard("no-op").set(set)]).upstream(&provider).start().await;
        let answer = gateway.ask(chat("hello?")).receipts().await;
        let receipts = answer.receipts();
        let called: Vec<&str> = receipts.iter().filter_map(|receipt| receipt.get("phase")).collect();
        assert_eq!(called, phases, "{set}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_that_fails_closed_stops_the_exchange() {
    let provider = Provider::saying(Reply::json(completion(TRIGGER))).await;
    let gateway = Gateway::with_plugins([hostile("trap-inspect")]).upstream(&provider).start().await;
    let answer = gateway.ask(chat(TRIGGER)).receipts().await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "guardrail_failed"));
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert_eq!(answer.receipts()[0].brief(), "trap-inspect request failed trapped");
    assert!(provider.received().is_empty());
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "guardrail_failed"), "the answer is not inspected");
    assert!(!answer.text().contains("sluices"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_that_fails_open_is_named() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [hostile("trap-inspect").set("on_failure = 'open'"), standard("pii")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    let answer = gateway.ask(chat(&format!("{TRIGGER} {EMAIL}"))).receipts().await;
    assert_eq!(answer.content(), "hello");
    assert!(provider.body().contains("said the café [EMAIL]"), "the next one still looks: {}", provider.body());
    let trapped: Vec<String> = answer.receipts().iter().map(|receipt| receipt.brief()).collect();
    assert!(trapped.contains(&"trap-inspect request not-inspected trapped".to_owned()), "{trapped:?}");
    assert_eq!(
        answer.not_inspected(),
        "\"segment 0\";phase=request;plugin=trap-inspect;reason=\"the plugin failed: trapped\""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_that_fails_stops_nothing() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [hostile("trap-inspect").set("mode = 'observe'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    let answer = gateway.ask(chat(TRIGGER)).receipts().await;
    assert_eq!(answer.content(), "hello");
    assert_eq!(answer.receipts()[0].get("outcome"), Some("trapped"));
    assert!(answer.not_inspected().contains("plugin=trap-inspect"), "{}", answer.not_inspected());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_of_requests_fails_closed_too() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([hostile("trap-request")]).upstream(&provider).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
    assert_eq!(gateway.ask(chat(TRIGGER)).await.code(), "guardrail_failed");
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_was_inspected_before_is_not_inspected_again() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let twice = standard("pii").named("strict").config("email = 'block'").set("order = 200");
    let gateway = Gateway::with_plugins([standard("pii"), twice]).upstream(&provider).start().await;
    let remembered = async |text: &str| {
        let answer = gateway.ask(chat(text)).receipts().await;
        let number = |value: Option<&str>| value.unwrap().parse::<u64>().unwrap();
        let receipts = answer.receipts();
        let numbers =
            receipts.iter().map(|receipt| (number(receipt.get("remembered")), number(receipt.get("fuel")) == 0));
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(remembered("the weather is fine").await, [(0, false), (0, false), (0, false), (0, false)]);
    assert_eq!(remembered("the weather is fine").await, [(1, true), (1, true), (1, true), (1, true)]);
    assert_eq!(remembered("the weather is bad").await, [(0, false), (0, false), (1, true), (1, true)]);
    // What one configuration says is not what another says.
    let masked = gateway.ask(chat(EMAIL)).await;
    assert_eq!((masked.status, provider.received().len()), (200, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_paid_for_once() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let mut messages = Vec::new();
    for step in 0..10 {
        messages.push(json!({"role": "user", "content": format!("step {step} of {EMAIL}")}));
        let answer = gateway.ask(json!({"model": "m", "messages": messages})).receipts().await;
        let receipts = answer.receipts();
        assert_eq!(receipts[0].get("remembered"), Some(&*step.to_string()));
        assert_eq!(receipts[0].get("verdict"), Some("edit"), "a remembered verdict counts like a fresh one");
    }
    assert!(!provider.received()[9].text().contains(EMAIL));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_no_room_nothing_is_remembered() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway =
        Gateway::with_plugins([standard("no-op")]).upstream(&provider).settings("plugins.memo_bytes = 0").start().await;
    for _ in 0..2 {
        let answer = gateway.ask(chat("hello?")).receipts().await;
        assert!(answer.receipts().iter().all(|receipt| receipt.get("remembered") == Some("0")));
    }
}

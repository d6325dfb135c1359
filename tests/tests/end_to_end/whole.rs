//! Guardrails of whole requests and whole answers: edits, denials, asking once more, withheld streams.

use std::future::IntoFuture as _;

use serde_json::{Value, json};
use sluicegate_tests::{
    DONE, Gateway, Installed, Provider, Receipt, Reply, chat, chunk, completion, finish, gentle, streamed,
};

async fn gateway(plugin: Installed, provider: &Provider, settings: &str) -> Gateway {
    Gateway::with_plugins([plugin]).upstream(provider).settings(settings).start().await
}

fn conversation(length: usize) -> Value {
    let messages: Vec<Value> = (0..length).map(|n| json!({"role": "user", "content": format!("part {n}")})).collect();
    json!({"model": "m", "messages": messages})
}

/// A stream that says this.
fn stream(texts: &[&str]) -> Reply {
    Reply::events(texts.iter().map(|text| chunk(text))).then([finish(0, "stop"), DONE.to_owned()])
}

fn briefs(receipts: &[Receipt]) -> Vec<String> {
    receipts.iter().map(Receipt::brief).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_guardrail_edits_what_the_provider_gets() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = gateway(gentle("request-edit"), &provider, "").await;
    let answer = gateway.ask(conversation(2)).receipts().await;
    assert_eq!(answer.content(), "hello");
    assert_eq!(provider.body(), conversation(2).to_string().replace("part 0", "Be brief."));
    assert!(briefs(&answer.receipts()).contains(&"request-edit request edit said".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_guardrail_denies() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = gateway(gentle("request-deny-longer"), &provider, "").await;
    assert_eq!(gateway.ask(conversation(3)).await.status, 200);
    let answer = gateway.ask(conversation(4)).receipts().await;
    assert_eq!((answer.status, &*answer.code()), (400, "test.too-long"));
    assert_eq!(briefs(&answer.receipts()), ["request-deny-longer request deny said"]);
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_guardrail_that_observes_changes_nothing() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    for name in ["request-edit", "request-deny-longer", "request-fail"] {
        let gateway = gateway(gentle(name).set("mode = 'observe'"), &provider, "").await;
        let mut request = conversation(4);
        request["messages"][0]["content"] = json!("attack");
        assert_eq!(gateway.ask(request.clone()).await.content(), "hello", "{name}");
        assert_eq!(provider.received().last().unwrap().text(), request.to_string(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_asked_once_more_with_the_guardrails_words() {
    let whole = |text: &str| Reply::json(completion(text));
    for ask in [chat("do it"), streamed("do it")] {
        let is_stream = ask["stream"] == true;
        let reply = |text: &str| if is_stream { stream(&[text]) } else { whole(text) };
        let provider = Provider::saying_in_turn([reply("no"), reply("please do")]).await;
        let gateway = gateway(gentle("answer-require"), &provider, "").await;
        let answer = gateway.ask(ask.clone()).receipts().await;
        assert_eq!((answer.status, &*answer.content()), (200, "please do"), "{}", answer.text());
        assert!(!answer.text().contains("\"no\""), "{}", answer.text());
        let received = provider.received();
        assert_eq!(received.len(), 2);
        // The gateway wants to know what a stream costs.
        let asks_for_usage = "\"stream\":true,\"stream_options\":{\"include_usage\":true}";
        let expected = ask.to_string().replace("\"stream\":true", asks_for_usage);
        assert_eq!(received[0].text(), expected, "the first time the request is the caller's");
        let again: Value = serde_json::from_slice(&received[1].body).unwrap();
        let expected = json!([
            {"role": "user", "content": "do it"},
            {"role": "assistant", "content": "no"},
            {"role": "user", "content": "say please"},
        ]);
        assert_eq!(again["messages"], expected);
        let briefs = briefs(&answer.receipts());
        assert_eq!(briefs.iter().filter(|brief| brief.contains("answer retry said")).count(), 1, "{briefs:?}");
        assert_eq!(briefs.iter().filter(|brief| brief.contains("answer allow said")).count(), 1, "{briefs:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_so_many_times_and_then_the_failure_mode_decides() {
    for retries_max in [0, 1, 3] {
        for (mode, status) in [("closed", 503), ("open", 200)] {
            for ask in [chat("do it"), streamed("do it")] {
                let is_stream = ask["stream"] == true;
                let reply = if is_stream { stream(&["no"]) } else { Reply::json(completion("no")) };
                let provider = Provider::saying(reply).await;
                let plugin = gentle("answer-require").set(&format!("on_failure = '{mode}'"));
                let gateway = gateway(plugin, &provider, &format!("plugins.retries_max = {retries_max}")).await;
                let answer = gateway.ask(ask).receipts().await;
                let about = format!("{retries_max} {mode} {is_stream}: {}", answer.text());
                assert_eq!((answer.status, provider.received().len()), (status, retries_max + 1), "{about}");
                if status == 200 {
                    assert_eq!(answer.content(), "no", "{about}");
                    // It was inspected, and found wanting.
                    assert!(!answer.not_inspected().contains("plugin=answer-require"), "{}", answer.not_inspected());
                } else {
                    assert_eq!(answer.code(), "guardrail_failed", "{about}");
                    assert!(!answer.text().contains("\"no\""), "{about}");
                }
                // The receipts say what it said, each time.
                let briefs = briefs(&answer.receipts());
                let retries = briefs.iter().filter(|brief| *brief == "answer-require answer retry said");
                assert_eq!(retries.count(), retries_max + 1, "{about} {briefs:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_withheld_until_the_whole_answer_is_judged() {
    let reply = Reply::events([chunk("one ")]).pauses().then([chunk("two"), finish(0, "stop"), DONE.to_owned()]);
    for (name, status) in [("answer-deny", 400), ("answer-edit", 200), ("answer-fail", 200)] {
        let provider = Provider::saying(reply.clone()).await;
        let gateway = gateway(gentle(name), &provider, "").await;
        let call = tokio::spawn(gateway.ask(streamed("hello?")).receipts().into_future());
        provider.has_received(1).await;
        // Not even the head is out: it could not be taken back.
        tokio::task::yield_now().await;
        assert!(!call.is_finished(), "{name}");
        provider.proceed();
        let answer = call.await.unwrap();
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        match name {
            "answer-deny" => assert_eq!(answer.code(), "test.denied"),
            "answer-edit" => assert_eq!((answer.content(), answer.is_done()), ("As you wish.".to_owned(), true)),
            _ => assert_eq!((answer.content(), answer.is_done()), ("one two".to_owned(), true)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_observed_flows_and_its_verdict_is_noted() {
    let reply = Reply::events([chunk("one ")]).pauses().then([chunk("two"), finish(0, "stop"), DONE.to_owned()]);
    for set in ["stream = 'observe'", "mode = 'observe'"] {
        for (name, verdict) in [("answer-deny", "deny"), ("answer-edit", "edit"), ("answer-require", "retry")] {
            let provider = Provider::saying(reply.clone()).await;
            let gateway = gateway(gentle(name).set(set), &provider, "").await;
            let mut open = gateway.ask(streamed("hello?")).receipts().open().await;
            open.until("one ").await;
            provider.proceed();
            let answer = open.rest().await;
            let about = format!("{name} with {set}: {}", answer.text());
            assert_eq!((answer.content(), answer.is_done()), ("one two".to_owned(), true), "{about}");
            assert_eq!(provider.received().len(), 1, "{about}");
            let receipts = answer.receipts();
            let noted = receipts.iter().find(|receipt| receipt.get("verdict") == Some(verdict));
            let noted = noted.unwrap_or_else(|| panic!("{about}"));
            assert_eq!(noted.get("observed"), Some(""), "it changed nothing: {about}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_guardrail_judges_whole_answers() {
    for (name, status, content) in
        [("answer-deny", 400, ""), ("answer-edit", 200, "As you wish."), ("answer-fail", 200, "one two")]
    {
        let provider = Provider::saying(Reply::json(completion("one two"))).await;
        let gateway = gateway(gentle(name), &provider, "").await;
        let answer = gateway.ask(chat("hello?")).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        if status == 200 {
            assert_eq!(answer.content(), content, "{name}");
            assert_eq!(answer.text(), completion(content), "{name}: nothing else is changed");
        }
    }
}

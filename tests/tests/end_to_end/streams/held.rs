//! What is not decided is held back, within bounds; what is denied ends the stream.

use std::time::{Duration, Instant};

use serde_json::json;
use sluicegate_tests::{
    Answer, DONE, Gateway, Installed, Open, Provider, Reply, chunk, delta, finish, gentle, streamed,
};

fn end() -> String {
    finish(0, "stop") + DONE
}

/// A guardrail of answers that looks at each byte as it comes.
async fn gateway(plugins: impl IntoIterator<Item = Installed>, provider: &Provider, settings: &str) -> Gateway {
    let plugins = plugins.into_iter().map(|plugin| plugin.set("phases = ['answer']"));
    let settings = format!("stream.window_bytes = 1\n{settings}");
    Gateway::with_plugins(plugins).upstream(provider).settings(&settings).start().await
}

/// Ask, and go on once the caller has seen this.
async fn asked(gateway: &Gateway, provider: &Provider, seen: &str) -> (Open, String) {
    let mut open = gateway.ask(streamed("hello?")).receipts().open().await;
    open.until(seen).await;
    let so_far = open.seen();
    provider.proceed();
    (open, so_far)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_before_every_guardrail_has_decided() {
    // The first events show that the gateway has read all that was written with them.
    let begun = [chunk("it is "), chunk("forbid")].concat();
    let reply = Reply::events([begun]).pauses().then([chunk("den"), end()]);
    for first in [["allow", "deny-word"], ["deny-word", "allow"], ["upper", "deny-word"], ["grow", "deny-word"]] {
        let provider = Provider::saying(reply.clone()).await;
        let plugins = first.into_iter().zip(1..).map(|(name, order)| gentle(name).set(&format!("order = {order}")));
        let gateway = gateway(plugins, &provider, "").await;
        let (open, so_far) = asked(&gateway, &provider, "it is ").await;
        assert!(!so_far.contains("forbid"), "{first:?}: {so_far}");
        let answer = open.rest().await;
        assert_eq!((answer.content().as_str(), answer.code().as_str()), ("it is ", "test.denied"), "{first:?}");
        assert!(!answer.text().contains("forbid"), "{first:?}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_is_released_when_it_is_decided() {
    let begun = [chunk("it is "), chunk("sec")].concat();
    let reply =
        Reply::events([begun]).pauses().then([chunk("ond")]).pauses().then([chunk("secre")]).pauses().then([end()]);
    let provider = Provider::saying(reply).await;
    let gateway = gateway([gentle("mask-word")], &provider, "").await;
    let (mut open, so_far) = asked(&gateway, &provider, "it is ").await;
    assert!(!so_far.contains("sec"), "{so_far}");
    open.until("ond").await;
    provider.proceed();
    // Only the end says that it is none.
    provider.proceed();
    assert_eq!(open.rest().await.content(), "it is secondsecre");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_stream_ends_with_the_words_of_the_dialect() {
    let provider = Provider::saying(Reply::events([chunk("it is ")]).pauses().then([chunk("forbidden!"), end()])).await;
    let gateway = gateway([gentle("deny-word")], &provider, "").await;
    let mut open = gateway.ask(streamed("hello?")).open().await;
    open.until("it is ").await;
    provider.proceed();
    let answer = open.rest().await;
    let last = "data: {\"created\":1,\"id\":\"c-1\",\"model\":\"m\",\"object\":\"chat.completion.chunk\",\
        \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n\
        data: {\"error\":{\"message\":\"A word of the tests is not allowed.\",\"type\":\"guardrail_denied\",\
        \"param\":null,\"code\":\"test.denied\"}}\n\n";
    let rest = answer.text().strip_prefix(&chunk("it is ")).unwrap();
    assert_eq!(sorted(rest), sorted(last));
}

/// The events, with the fields of their JSON in alphabetical order.
fn sorted(events: &str) -> Vec<String> {
    let json = |event: &str| serde_json::from_str::<serde_json::Value>(event.strip_prefix("data: ").unwrap()).unwrap();
    events.split_terminator("\n\n").map(|event| json(event).to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_the_middle_of_a_tool_call_ends_it() {
    let call = |text: &str| delta(0, &json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}));
    let reply =
        Reply::events([chunk("well, "), call("{\"to\": \"")]).pauses().then([call("forbidd"), call("en"), end()]);
    let provider = Provider::saying(reply).await;
    let gateway = gateway([gentle("deny-word")], &provider, "").await;
    let answer = asked(&gateway, &provider, "to").await.0.rest().await;
    assert_eq!((answer.finishes(), answer.code()), (vec!["content_filter".to_owned()], "test.denied".to_owned()));
    assert!(!answer.text().contains("forbid") && !answer.is_done(), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_whose_end_was_not_released_ends_with_a_denial() {
    // All of it comes in one write, so the choice's end is known when its text is denied.
    let provider =
        Provider::saying(Reply::events([chunk("it is ")]).pauses().then([chunk("forbidden") + &end()])).await;
    let gateway = gateway([gentle("deny-word")], &provider, "").await;
    let answer = asked(&gateway, &provider, "it is ").await.0.rest().await;
    assert_eq!((answer.finishes(), answer.code()), (vec!["content_filter".to_owned()], "test.denied".to_owned()));
}

/// Ask for `text`, of which a guardrail holds everything back that may become a word of a hundred bytes.
async fn held_back(bytes_max: usize, text: &str, on_failure: &str) -> Answer {
    let word = "x".repeat(100);
    let plugin = gentle("mask-word").config(&format!("word = '{word}'")).set(&format!("on_failure = '{on_failure}'"));
    let provider =
        Provider::saying(Reply::events([chunk("begun ")]).pauses().then([chunk(text)]).pauses().then([end()])).await;
    let gateway = gateway([plugin], &provider, &format!("stream.hold_bytes_max = {bytes_max}")).await;
    let open = asked(&gateway, &provider, "begun").await.0;
    provider.proceed();
    open.rest().await
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_may_be_held_back() {
    let (at_the_limit, past_it) = ("x".repeat(64), "x".repeat(65));
    for mode in ["closed", "open"] {
        let answer = held_back(64, &at_the_limit, mode).await;
        assert_eq!((answer.content(), answer.is_done()), (format!("begun {at_the_limit}"), true), "{mode}");
        assert_eq!(answer.not_inspected(), "", "{mode}");
    }
    let answer = held_back(64, &past_it, "closed").await;
    assert_eq!((answer.content().as_str(), answer.code().as_str()), ("begun ", "guardrail_failed"));
    assert!(!answer.is_done() && !answer.text().contains('\u{78}'.to_string().repeat(9).as_str()), "{}", answer.text());
    let answer = held_back(64, &past_it, "open").await;
    assert_eq!((answer.content(), answer.is_done()), (format!("begun {past_it}"), true));
    assert!(answer.not_inspected().contains("mask-word"), "{}", answer.not_inspected());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_released_of_a_stream_that_is_held_back_from_its_beginning() {
    let text = "so much ".repeat(9);
    for (mode, status) in [("closed", 503), ("open", 200)] {
        let provider = Provider::saying(Reply::events([chunk(&text)]).pauses().then([end()])).await;
        let plugin = gentle("hold-all").set(&format!("on_failure = '{mode}'"));
        let gateway = gateway([plugin], &provider, "stream.hold_bytes_max = 64").await;
        let call = gateway.ask(streamed("hello?"));
        if mode == "open" {
            provider.proceed();
        }
        let answer = call.await;
        assert_eq!(answer.status, status, "{mode}: {}", answer.text());
        match status {
            200 => assert_eq!(answer.content(), text),
            _ => assert_eq!(answer.code(), "guardrail_failed"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_for_which_text_may_be_held_back_while_more_comes() {
    for (mode, hold_ms, content, code) in [
        ("closed", 60_000, Some("it is second"), None),
        ("closed", 20, None, Some("guardrail_failed")),
        ("open", 20, Some("it is second"), None),
    ] {
        let begun = [chunk("it is "), chunk("s")].concat();
        let reply = Reply::events([begun]).pauses().then([chunk("e")]).pauses().then([chunk("cond"), end()]);
        let provider = Provider::saying(reply).await;
        let plugin = gentle("mask-word").set(&format!("on_failure = '{mode}'"));
        let gateway = gateway([plugin], &provider, &format!("stream.hold_ms_max = {hold_ms}")).await;
        let mut open = gateway.ask(streamed("hello?")).receipts().open().await;
        open.until("it is ").await;
        let since = Instant::now();
        gateway.until(|_| since.elapsed() > Duration::from_millis(25)).await;
        provider.proceed();
        provider.proceed();
        let answer = open.rest().await;
        match (content, code) {
            (Some(content), _) => {
                assert_eq!((answer.content().as_str(), answer.is_done()), (content, true), "{mode}, {hold_ms} ms")
            }
            (None, code) => assert_eq!(Some(answer.code().as_str()), code, "{mode}, {hold_ms} ms: {}", answer.text()),
        }
        assert_eq!(answer.not_inspected().contains("mask-word"), mode == "open", "{}", answer.not_inspected());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_everything_is_held_back_another_target_may_answer() {
    let first = Provider::saying(Reply::events([chunk("sec")]).pauses().dies()).await;
    let second = Provider::saying(Reply::events([chunk("second"), end()])).await;
    let plugins = [gentle("mask-word").set("phases = ['answer']")];
    let gateway = Gateway::with_plugins(plugins).upstream(&first).upstream(&second).start().await;
    first.proceed();
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!(answer.text(), [chunk("second"), end()].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_release_no_other_target_answers() {
    let first = Provider::saying(Reply::events([chunk("hello sec"), chunk("ond")]).pauses().dies()).await;
    let second = Provider::saying(Reply::events([chunk("second"), end()])).await;
    let plugins = [gentle("mask-word").set("phases = ['answer']")];
    let gateway = Gateway::with_plugins(plugins).upstream(&first).upstream(&second).start().await;
    let answer = asked(&gateway, &first, "ond").await.0.rest().await;
    assert_eq!((answer.content().as_str(), answer.code().as_str()), ("hello second", "upstream_broken"));
    assert_eq!(second.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_lets_text_flow_at_once_and_notes_it() {
    let provider = Provider::saying(Reply::events([chunk("a sec")]).pauses().then([chunk("ret"), end()])).await;
    let gateway = gateway([gentle("mask-word").set("mode = 'observe'")], &provider, "").await;
    let answer = asked(&gateway, &provider, "sec").await.0.rest().await;
    assert!(answer.text().starts_with(&[chunk("a sec"), chunk("ret"), end()].concat()), "{}", answer.text());
    let verdicts: Vec<_> = answer.receipts().iter().map(|r| r.get("verdict").map(str::to_owned)).collect();
    assert!(verdicts.contains(&Some("edit".to_owned())), "{verdicts:?}");
    assert!(answer.receipts().iter().all(|receipt| receipt.get("observed").is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_that_was_not_the_last_word_lets_nothing_pass() {
    let finished = |text: &str, reason: &str| {
        let choices = json!([{"index": 0, "delta": {"content": text}, "finish_reason": reason}]);
        format!("data: {}\n\n", json!({"choices": choices}))
    };
    let streams = [
        vec![chunk("a sec"), finish(0, "stop"), chunk("ret"), finish(0, "stop")],
        // Some providers say it again and again, some say it with nothing in it.
        vec![finished("a sec", "stop"), finished("ret", "stop")],
        vec![finished("a sec", ""), finished("ret", ""), finish(0, "stop")],
        vec![chunk("a sec"), finish(0, "stop"), delta(1, &json!({"content": "b"})), chunk("ret"), finish(1, "stop")],
    ];
    for stream in streams {
        let mut reply = Reply::events([""]);
        for event in &stream {
            reply = reply.then([event.clone()]).pauses();
        }
        let provider = Provider::saying(reply.then([DONE])).await;
        let gateway = gateway([gentle("mask-word")], &provider, "").await;
        stream.iter().for_each(|_| provider.proceed());
        let answer = gateway.ask(streamed("hello?")).await;
        if answer.status == 200 {
            let (said, whole) = (answer.content(), "a [x]");
            assert!(!said.contains("secret"), "{stream:?}: {}", answer.text());
            assert!(said == whole || answer.code() == "upstream_broken", "{stream:?}: {}", answer.text());
        }
    }
}

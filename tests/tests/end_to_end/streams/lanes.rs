//! Choices, channels and tool calls do not mix, and none waits for another longer than it must.

use serde_json::{Value, json};
use sluicegate_tests::{DONE, Gateway, Installed, Provider, Reply, chunk, delta, finish, gentle, streamed};

async fn gateway(plugins: impl IntoIterator<Item = Installed>, provider: &Provider) -> Gateway {
    let plugins = plugins.into_iter().map(|plugin| plugin.set("phases = ['answer']"));
    let settings = "stream.window_bytes = 1\nproviders.target-1.stream_usage = false";
    Gateway::with_plugins(plugins).upstream(provider).settings(settings).start().await
}

fn call(index: u32, arguments: &str) -> Value {
    json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn halves_of_a_word_in_different_texts_are_no_word() {
    let pairs = [
        [(0, json!({"content": "sec"})), (1, json!({"content": "ret"}))],
        [(0, json!({"reasoning_content": "sec"})), (0, json!({"content": "ret"}))],
        [(0, json!({"content": "sec"})), (0, json!({"refusal": "ret"}))],
        [(0, call(0, "sec")), (0, call(1, "ret"))],
        [(0, call(0, "sec")), (1, call(0, "ret"))],
        [(0, json!({"content": "sec"})), (0, call(0, "ret"))],
        [(0, json!({"reasoning": "sec"})), (0, json!({"reasoning_content": "ret"}))],
    ];
    for [(first, one), (second, other)] in pairs {
        let mut events = vec![delta(first, &one), delta(second, &other), finish(0, "stop")];
        if second == 1 {
            events.push(finish(1, "stop"));
        }
        events.push(DONE.to_owned());
        let provider = Provider::saying(Reply::events(events.clone())).await;
        let answer = gateway([gentle("mask-word")], &provider).await.ask(streamed("hello?")).await;
        let mut came: Vec<String> = answer.events().iter().map(|event| format!("{event}\n\n")).collect();
        came.sort();
        events.sort();
        assert_eq!(came, events, "{one} {other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_others_interrupt_is_a_word() {
    let halves = [
        (0, json!({"content": "sec"}), json!({"content": "ret"})),
        (1, json!({"content": "sec"}), json!({"content": "ret"})),
        (0, json!({"reasoning_content": "sec"}), json!({"reasoning_content": "ret"})),
        (0, call(0, "sec"), call(0, "ret")),
        (0, call(1, "sec"), call(1, "ret")),
    ];
    let begun: Vec<String> = halves.iter().map(|(choice, half, _)| delta(*choice, half)).collect();
    let rest: Vec<String> = halves.iter().map(|(choice, _, half)| delta(*choice, half)).collect();
    let ends = [finish(1, "stop"), finish(0, "stop"), DONE.to_owned()];
    let provider = Provider::saying(Reply::events(begun).then(rest).then(ends)).await;
    let answer = gateway([gentle("mask-word")], &provider).await.ask(streamed("hello?")).await;
    for (choice, field) in [(0, "content"), (1, "content"), (0, "reasoning_content")] {
        assert_eq!(answer.said(choice, field), "[x]", "{choice} {field}: {}", answer.text());
    }
    assert_eq!(answer.text().matches("[x]").count(), 5, "{}", answer.text());
    assert!(!answer.text().contains("sec") && !answer.text().contains("ret\""), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_one_event_are_edited_each_for_itself() {
    let choices = json!([
        {"index": 1, "delta": {"content": "b secret", "reasoning_content": "why secret"}, "finish_reason": null},
        {"index": 0, "delta": {"content": "a", "tool_calls": [
            {"index": 0, "function": {"name": "f", "arguments": "secret 0"}},
            {"index": 1, "function": {"name": "g", "arguments": "none"}},
        ]}, "finish_reason": null},
    ]);
    let event = format!("data: {}\n\n", json!({"id": "c-1", "choices": choices, "further": 1.50}));
    let events = [event, finish(0, "stop"), finish(1, "stop"), DONE.to_owned()];
    let provider = Provider::saying(Reply::events(events.clone())).await;
    let answer = gateway([gentle("mask-word")], &provider).await.ask(streamed("hello?")).await;
    assert_eq!(answer.text(), events.concat().replace("secret", "[x]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_one_choice_ends_all() {
    let one = |text: &str| delta(1, &json!({"content": text}));
    let begun = [chunk("fine, "), one("well, ")].concat();
    let reply = Reply::events([begun]).pauses().then([one("forbidden")]).stalls();
    let provider = Provider::saying(reply).await;
    let gateway = gateway([gentle("deny-word")], &provider).await;
    let mut open = gateway.ask(streamed("hello?")).open().await;
    open.until("well").await;
    provider.proceed();
    let answer = open.rest().await;
    assert_eq!((answer.said(0, "content"), answer.said(1, "content")), ("fine, ".into(), "well, ".into()));
    assert_eq!((answer.finishes(), answer.code()), (vec!["content_filter".to_owned(); 2], "test.denied".to_owned()));
    // Nobody pays for what nobody will see.
    provider.has_lost(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_text_and_the_end_behind_it_keep_their_order() {
    let one = |text: &str| delta(1, &json!({"content": text}));
    let thought = |text: &str| delta(0, &json!({"reasoning_content": text}));
    let role = |choice| delta(choice, &json!({"role": "assistant", "content": ""}));
    let usage = "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n".to_owned();
    let events = [
        role(0),
        role(1),
        thought("so"),
        thought("s"),
        chunk("sec"),
        one("a"),
        one("b"),
        chunk("ond"),
        one("s"),
        chunk("c"),
        finish(0, "stop"),
        one("d"),
        finish(1, "length"),
        usage,
        DONE.to_owned(),
    ];
    let provider = Provider::saying(Reply::events(events.clone())).await;
    let gateway = gateway([gentle("mask-word")], &provider).await;
    for _ in 0..20 {
        let answer = gateway.ask(streamed("hello?")).await;
        let came: Vec<String> = answer.events().iter().map(|event| format!("{event}\n\n")).collect();
        let of = |events: &[String], what: &[String]| -> Vec<String> {
            events.iter().filter(|event| what.contains(event)).cloned().collect()
        };
        let ends = [finish(0, "stop"), finish(1, "length"), DONE.to_owned()];
        let texts = [
            [&[thought("so"), thought("s"), ends[0].clone()], &ends[..]].concat(),
            [&[chunk("sec"), chunk("ond"), chunk("c"), ends[0].clone()], &ends[2..]].concat(),
            [&[role(1), one("a"), one("b"), one("s"), one("d")], &ends[1..]].concat(),
        ];
        for text in texts {
            assert_eq!(of(&came, &text), of(&events, &text), "{}", answer.text());
        }
        assert_eq!((came.len(), came.last()), (events.len(), events.last()), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_do_not_overtake_the_name_of_their_tool() {
    // Its end could be the beginning of the word that is masked.
    let named = |index, name| json!({"tool_calls": [{"index": index, "function": {"name": name, "arguments": ""}}]});
    let events = [
        delta(0, &named(0, "thoughts")),
        delta(0, &call(0, "{}")),
        delta(0, &named(1, "tides")),
        delta(0, &call(1, "{}")),
        finish(0, "tool_calls"),
        DONE.to_owned(),
    ];
    let provider = Provider::saying(Reply::events(events.clone())).await;
    let gateway = gateway([gentle("mask-word")], &provider).await;
    assert_eq!(gateway.ask(streamed("hello?")).await.text(), events.concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_whose_end_is_held_back_does_not_hold_up_others() {
    let others = [
        (delta(0, &json!({"reasoning_content": "thoughts"})), chunk("hello")),
        (delta(0, &call(0, "thoughts")), delta(0, &call(1, "hello"))),
        (delta(1, &json!({"content": "thoughts"})) + &finish(1, "stop"), chunk("hello")),
    ];
    for (first, hello) in others {
        let provider =
            Provider::saying(Reply::events([first, hello]).pauses().then([finish(0, "stop"), DONE.to_owned()])).await;
        let gateway = gateway([gentle("mask-word")], &provider).await;
        let mut open = gateway.ask(streamed("hello?")).open().await;
        open.until("hello").await;
        provider.proceed();
        let answer = open.rest().await;
        assert!(answer.text().contains("thoughts") && answer.is_done(), "{}", answer.text());
    }
}

//! Streamed answers: what is released, how they end, and what does not pass.

use std::future::IntoFuture;

use serde_json::json;
use sluicegate::sandbox::made_up;
use sluicegate_tests::guests::TRIGGER;
use sluicegate_tests::{
    DONE, EMAIL, Gateway, Provider, Reply, chat, chunk, delta, finish, hostile, standard, streamed,
};

/// How a stream ends.
fn end() -> String {
    finish(0, "stop") + DONE
}

/// A stream that says this, to its proper end.
fn saying(texts: &[&str]) -> String {
    let texts: String = texts.iter().map(|text| chunk(text)).collect();
    [delta(0, &json!({"role": "assistant", "content": ""})), texts, end()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_come_back_across_chunks() {
    let sandbox = Gateway::sandbox().await;
    let plugins = [standard("pii").config("email = 'restore'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&sandbox).start().await;
    for manner in ["", "chunks of 1\n", "chunks of 2\n", "chunks of 5\nframes of 3\n", "frames of 1\n"] {
        let answer = gateway.ask(streamed(&format!("{manner}I am {EMAIL}, or bob@example.com. {EMAIL}!"))).await;
        let expected = format!("You said: I am {EMAIL}, or bob@example.com. {EMAIL}!");
        assert_eq!((answer.content(), answer.is_done()), (expected, true), "{manner:?}");
    }
    for seen in sandbox.seen() {
        assert!(seen.text().contains("[EMAIL_1], or [EMAIL_2]. [EMAIL_1]!"), "{}", seen.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leak_is_stopped_in_the_middle() {
    let kinds = ["email", "card", "iban", "ssn", "ip", "phone"];
    let config = kinds.map(|kind| format!("{kind} = 'block'\n")).concat();
    let cases = kinds.into_iter().flat_map(|kind| [1, 3, 100].map(|characters| (kind, characters)));
    let cases: Vec<(&str, usize)> = cases.collect();
    let reply = |(kind, characters): &(&str, usize)| {
        let text: Vec<char> = format!("It is {}, and that is that.", made_up(kind).unwrap()).chars().collect();
        let chunks = text.chunks(*characters).map(|piece| chunk(&String::from_iter(piece)));
        Reply::events([chunk("Of course. ")]).pauses().then(chunks).then([end()])
    };
    let provider = Provider::saying_in_turn(cases.iter().map(reply)).await;
    let gateway = Gateway::with_plugins([standard("pii").config(&config)]).upstream(&provider).start().await;
    for (kind, characters) in cases {
        let mut open = gateway.ask(streamed("who is it?")).open().await;
        open.until("Of course. ").await;
        provider.proceed();
        let answer = open.rest().await;
        let (said, leak) = (answer.content(), made_up(kind).unwrap());
        let start: String = leak.chars().take(4).collect();
        assert!(!said.contains(&start) && !said.contains("that"), "{kind}, {characters}: {said}");
        assert_eq!((answer.finishes(), answer.code()), (vec!["content_filter".into()], "pii.blocked".into()));
        assert!(!answer.is_done(), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_character_that_nothing_completes_is_none() {
    let half = chunk("x").replace("\"x\"", "\"\\ud83d\"");
    let provider = Provider::saying(Reply::events([chunk("a"), half, chunk("b"), end()])).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    assert_eq!(gateway.ask(streamed("hello?")).await.content(), "a\u{fffd}b");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_choice_of_a_stopped_stream_ends() {
    let begun = [delta(1, &json!({"content": "one, "})), delta(0, &json!({"content": "none"})), finish(0, "stop")];
    let leak = [delta(2, &json!({"content": EMAIL})), finish(2, "stop")];
    let provider = Provider::saying(Reply::events(begun).pauses().then(leak)).await;
    let plugins = [standard("pii").config("email = 'block'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    let mut open = gateway.ask(streamed("hello")).open().await;
    open.until("one").await;
    provider.proceed();
    let answer = open.rest().await;
    let chunks = answer.chunks();
    let ends: Vec<(u64, &str)> = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0])
        .filter_map(|choice| Some((choice["index"].as_u64()?, choice["finish_reason"].as_str()?)))
        .collect();
    assert!(ends.contains(&(1, "content_filter")) && !ends.contains(&(0, "content_filter")), "{ends:?}");
    assert_eq!(answer.code(), "pii.blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_before_the_first_release_is_an_error_of_http() {
    let sandbox = Gateway::sandbox().await;
    let plugins = [standard("pii").config("email = 'block'").set("phases = ['answer']")];
    let gateway = Gateway::with_plugins(plugins).upstream(&sandbox).start().await;
    let answer = gateway.ask(streamed(&format!("chunks of 3\nrepeat: {EMAIL} it is"))).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "pii.blocked"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(!answer.text().contains("ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_released_while_more_is_still_to_come() {
    let provider = Provider::saying(Reply::events([chunk("hello")]).pauses().then([end()])).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    let mut open = gateway.ask(streamed("hello?")).open().await;
    open.until("hello").await;
    provider.proceed();
    assert!(open.rest().await.is_done());
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_stand_at_the_end_for_those_who_ask() {
    let provider = Provider::saying(Reply::events([saying(&["hello"])])).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    let answer = gateway.ask(streamed("hello?")).receipts().await;
    let brief: Vec<String> = answer.receipts().iter().map(|receipt| receipt.brief()).collect();
    assert_eq!(brief.first().unwrap(), "no-op request allow said");
    assert!(brief.len() > 1 && brief.iter().skip(1).all(|receipt| receipt == "no-op answer allow said"), "{brief:?}");
    assert!(answer.text().starts_with(&saying(&["hello"])), "{}", answer.text());
    assert_eq!(gateway.ask(streamed("hello?")).await.text(), saying(&["hello"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_stay_whole_wherever_they_are_cut() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::with_plugins([standard("pii"), standard("no-op")]).upstream(&sandbox).start().await;
    let whole = gateway.ask(chat("unicode")).await.content();
    for manner in ["", "chunks of 1\n", "frames of 1\n", "frames of 7\n"] {
        for escape in ["unicode", "unicode split"] {
            assert_eq!(gateway.ask(streamed(&format!("{manner}{escape}"))).await.content(), whole, "{manner}{escape}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_dies_ends_with_an_error() {
    let begun = || Reply::events([chunk("hello"), chunk(" there")]);
    let half = || {
        let event = chunk("never said");
        [event[..event.len() / 2].to_owned()]
    };
    let deaths = [
        ("in the middle", begun().dies()),
        ("with a reset", begun().pauses().resets()),
        ("within an event", begun().then(half()).dies()),
        ("behind the end of the text", begun().then([finish(0, "stop")]).dies()),
        ("politely, without an end", begun()),
        ("politely, within an event", begun().then(half())),
        ("with one of two choices", begun().then([delta(1, &json!({"content": "x"})), finish(0, "stop")])),
    ];
    let provider = Provider::saying_in_turn(deaths.clone().map(|(_, reply)| reply)).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    for (how, _) in deaths {
        let mut open = gateway.ask(streamed("hello?")).open().await;
        open.until("there").await;
        provider.proceed();
        let answer = open.rest().await;
        assert_eq!((answer.status, answer.content().as_str()), (200, "hello there"), "{how}");
        assert_eq!(answer.code(), "upstream_broken", "{how}");
        assert!(!answer.is_done() && !answer.text().contains("never said"), "{how}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dying_provider_said_last_is_decided() {
    let provider = Provider::saying(Reply::events([chunk("write to "), chunk("ada.lovelace@exam")]).dies()).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (200, "upstream_broken"));
    // Half an address is none, so the guardrail lets it through: the window was final.
    assert_eq!(answer.content(), "write to ada.lovelace@exam");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_choices_have_ended_needs_no_last_word() {
    let stream = chunk("hello") + &finish(0, "stop");
    let without_line = stream.trim_end().to_owned();
    let provider = Provider::saying_in_turn([Reply::events([stream.clone()]), Reply::events([without_line])]).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    assert_eq!(gateway.ask(streamed("hello?")).await.text(), stream);
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.content().as_str(), answer.finishes()), ("hello", vec!["stop".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_stream_is_its_last_word() {
    let error = json!({"error": {"message": format!("no more for {EMAIL}"), "code": "overloaded"}});
    let provider = Provider::saying(Reply::events([chunk("hello"), format!("data: {error}\n\n")])).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.content().as_str(), answer.code().as_str()), ("hello", "overloaded"));
    assert_eq!(answer.error()["message"], "no more for [EMAIL]");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_does_not_pass() {
    let garbage: [&[u8]; 6] = [
        b"data: {\"id\":\"\xff\xfe\"}\n\n",
        b"data: secret words\n\n",
        b"data: {\"choices\":[\n\n",
        b"data: {} {}\n\n",
        b"data: NaN\n\n",
        b"data: \n\n",
    ];
    let replies = garbage.map(|bytes| Reply::events([chunk("hello")]).pauses().then([bytes, DONE.as_bytes()]));
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    for bytes in garbage {
        let mut open = gateway.ask(streamed("hello?")).open().await;
        open.until("hello").await;
        provider.proceed();
        let answer = open.rest().await;
        let bytes = String::from_utf8_lossy(bytes);
        assert_eq!((answer.content().as_str(), answer.code().as_str()), ("hello", "upstream_broken"), "{bytes}");
        assert!(!answer.text().contains("secret") && !answer.is_done(), "{bytes}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_guardrail_reads_in_an_event_does_not_pass() {
    let hidden = format!(": {EMAIL}\n\nevent: {EMAIL}\nid: {EMAIL}\n{EMAIL}: x\n");
    let provider = Provider::saying(Reply::events([hidden + &chunk("hello") + &end()])).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!(answer.text(), format!(":\n\n{}{}", chunk("hello"), end()));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_spellings_of_events_say_the_same() {
    let stream = saying(&["hello", " there"]);
    let spellings = [
        ("\\r\\n", stream.replace('\n', "\r\n")),
        ("\\r", stream.replace('\n', "\r") + "\n"),
        ("no space", stream.replace("data: ", "data:")),
        ("two lines", stream.replace(",\"choices\"", "\ndata: ,\"choices\"")),
        ("other fields", stream.replace("data: ", "event: message\nid: 7\nretry: 10\ndata: ")),
        ("empty lines before", format!("\n\n{stream}")),
        ("a byte order mark", format!("\u{feff}{stream}")),
    ];
    let replies = spellings.clone().map(|(_, spelling)| Reply::events([spelling]).cut(3));
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    for (how, _) in spellings {
        let answer = gateway.ask(streamed("hello?")).await;
        assert_eq!(answer.status, 200, "{how}: {}", answer.text());
        let data: String = answer.text().lines().filter_map(|line| line.strip_prefix("data:")).collect();
        assert!(data.contains("\"hello\"") && data.contains("\" there\""), "{how}: {}", answer.text());
        assert!(data.ends_with("[DONE]") && !data.contains("\"error\""), "{how}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_withheld_for_a_guardrail_of_whole_answers() {
    let (first, second) = TRIGGER.split_at(10);
    let replies = [
        Reply::events([chunk("hello")]).pauses().then([chunk(" there") + &end()]),
        Reply::events([chunk(first), chunk(second), end()]),
    ];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::with_plugins([hostile("trap-answer")]).upstream(&provider).start().await;
    let asked = tokio::spawn(gateway.ask(streamed("hello?")).into_future());
    provider.has_received(1).await;
    assert!(!asked.is_finished(), "nothing comes before the end");
    provider.proceed();
    assert_eq!(asked.await.unwrap().text(), [chunk("hello"), chunk(" there"), end()].concat());

    let refused = gateway.ask(streamed("hello?")).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "guardrail_failed"));
    assert!(!refused.text().contains("sluices"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_flows_past_a_guardrail_that_observes_it() {
    let provider = Provider::saying(Reply::events([chunk(TRIGGER)]).pauses().then([end()])).await;
    for how in ["stream = 'observe'", "mode = 'observe'"] {
        let plugins = [hostile("trap-answer").set(how)];
        let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
        let mut open = gateway.ask(streamed("hello?")).receipts().open().await;
        open.until("sluices").await;
        provider.proceed();
        let answer = open.rest().await;
        assert!(answer.is_done(), "{how}: {}", answer.text());
        let receipts = answer.receipts();
        assert_eq!(receipts.last().unwrap().get("outcome"), Some("trapped"), "{how}: {receipts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_ends_the_call_to_the_provider() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&sandbox).start().await;
    let mut open = gateway.ask(streamed("stall after 3\nlong 50")).open().await;
    open.until("content").await;
    drop(open);
    assert_eq!(sandbox.wait_until(|state| state.cancelled == 1).await.in_flight, 0);

    for call in [gateway.ask(chat("stall")), gateway.ask(chat("stall")).http2()] {
        let before = sandbox.state();
        let waiting = tokio::spawn(call.into_future());
        sandbox.wait_until(|state| state.received > before.received).await;
        waiting.abort();
        sandbox.wait_until(|state| state.cancelled > before.cancelled).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_stream() {
    let kind = "text/event-stream; charset=utf-8";
    let provider = Provider::saying(Reply::events([saying(&["hello"])]).header("content-type", kind)).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), (Some(kind), Some("no-cache")));
}

//! What callers do not notice of a provider's bad moments: it is asked again, or left alone for a while.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluicegate_tests::{DONE, Gateway, Provider, Reply, chat, chunk, completion, delta, finish, standard, streamed};

/// Repeated at once, as often as usual.
const RETRY: &str = "upstream = { retries_max = 2, retry_ms = 1 }";
/// The provider has a credential of its own: what it says about it is nothing about the caller.
const KEY: &str = "providers.target-1.api_key = { env = 'CARGO_PKG_NAME' }";

fn ok() -> Reply {
    Reply::json(completion("hello"))
}

fn failing(status: u16) -> Reply {
    Reply::json(format!("{{\"failed\":{status}}}")).status(status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_has_a_bad_moment_is_asked_again() {
    let bad_moments = [
        failing(503),
        failing(500),
        failing(429),
        failing(408),
        Reply::hangs_up(),
        Reply::json("{\"choices\":[").dies(),
        Reply::events([""]),
    ];
    let replies = bad_moments.into_iter().flat_map(|bad| [bad, ok()]);
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(RETRY).start().await;
    for count in 1..=7 {
        assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
        assert_eq!(provider.received().len(), 2 * count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_dies_before_the_first_word_is_asked_for_again() {
    let whole = [chunk("hello"), finish(0, "stop"), DONE.into()];
    let dies = Reply::events([delta(0, &json!({"role": "assistant", "content": ""}))]).dies();
    let provider = Provider::saying_in_turn([dies, Reply::events(whole.clone())]).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).settings(RETRY).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.status, answer.text()), (200, &*whole.concat()));
}

/// It was paid for, and another one is likely to be no better.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_translated_is_not_asked_for_again() {
    let nothing = json!({"id": "c-1", "object": "chat.completion", "model": "m", "choices": []});
    let provider = Provider::saying(Reply::json(nothing.to_string())).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(RETRY).start().await;
    let mut request = chat("hello?");
    request["max_tokens"] = 9.into();
    let answer = gateway.call("POST", "/v1/messages").body(request).header("anthropic-version", "2023-06-01").await;
    assert_eq!((answer.status, answer.header("x-should-retry")), (502, Some("false")));
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "the provider's answer cannot be said in the dialect of the request");
    assert_eq!(provider.received().len(), 1);
}

/// Whoever asks for long answers must not take the target from everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_does_not_rest_for_an_answer_that_is_too_long() {
    let long = Reply::events([chunk(&"so ".repeat(1_000)), DONE.into()]);
    let provider = Provider::saying_in_turn([long, ok()]).await;
    let settings = "upstream = { breaker_failures = 1, breaker_ms = 60_000, event_bytes_max = 2_000 }";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(settings).start().await;
    assert_eq!(gateway.ask(streamed("hello?")).await.code(), "answer_too_large");
    assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_often_than_configured() {
    for retries in [0, 1, 3] {
        let provider = Provider::saying(failing(503)).await;
        let settings = format!("upstream = {{ retries_max = {retries}, retry_ms = 1 }}");
        let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
        let answer = gateway.ask(chat("hello?")).await;
        assert_eq!((answer.status, answer.text()), (503, "{\"failed\":503}"));
        assert_eq!(provider.received().len(), retries + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_targets_are_asked_before_one_is_asked_again() {
    let first = Provider::saying(failing(503)).await;
    let other = Provider::saying_in_turn([Reply::hangs_up(), ok()]).await;
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&other).settings(RETRY).start().await;
    let answer = gateway.ask(chat("hello?")).receipts().await;
    assert_eq!(answer.content(), "hello");
    let attempts = answer.header("x-sluicegate-attempts").unwrap_or_default();
    let without_times: Vec<&str> =
        attempts.split(", ").map(|one| one.split(";ms=").next().unwrap_or_default()).collect();
    let expected = ["target-1;error=503", "target-2;error=upstream_broken", "target-1;error=503", "target-2"];
    assert_eq!(without_times, expected, "{attempts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_request_is_not_repeated() {
    for status in [400, 401, 403, 404, 413, 422] {
        let provider = Provider::saying(failing(status)).await;
        let gateway = Gateway::without_plugins().upstream(&provider).settings(RETRY).start().await;
        assert_eq!(gateway.ask(chat("hello?")).await.status, status);
        assert_eq!(provider.received().len(), 1, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_repeated_once_text_was_released() {
    let provider = Provider::saying(Reply::events([chunk("hel")]).dies()).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).settings(RETRY).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.content().as_str(), answer.code().as_str()), ("hel", "upstream_broken"));
    assert_eq!(provider.received().len(), 1);
}

fn with_tool(tool: &Value) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "do it"}], "tools": [tool]})
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_repeated_that_the_providers_own_tools_may_have_done() {
    let acts = with_tool(&json!({"type": "mcp", "server_url": "https://example.com"}));
    let asks = with_tool(&json!({"type": "function", "function": {"name": "mail"}}));
    for (request, reply, calls) in [
        (&acts, Reply::hangs_up(), 1),
        (&acts, failing(500), 1),
        // It was turned away, so nothing was done.
        (&acts, failing(429), 2),
        (&acts, failing(503), 2),
        (&asks, Reply::hangs_up(), 2),
        (&asks, failing(500), 2),
    ] {
        let provider = Provider::saying_in_turn([reply, ok()]).await;
        let gateway = Gateway::without_plugins().upstream(&provider).settings(RETRY).start().await;
        drop(gateway.ask(request.clone()).await);
        assert_eq!(provider.received().len(), calls, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_the_provider_asks_for_is_kept_if_it_is_short() {
    let soon = failing(429).header("retry-after-ms", "120");
    let provider = Provider::saying_in_turn([soon, ok()]).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(RETRY).start().await;
    let began = Instant::now();
    assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
    assert!(began.elapsed() >= Duration::from_millis(120));

    let late = failing(429).header("retry-after", "60");
    let provider = Provider::saying(late).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(RETRY).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("60")), "the caller decides");
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_asks_for_a_rest_gets_it() {
    let first = Provider::saying(failing(429).header("retry-after", "60")).await;
    let other = Provider::saying(ok()).await;
    let resting = |failures: u32| format!("{KEY}\nupstream.breaker_failures = {failures}");
    let targets = || Gateway::without_plugins().upstream(&first).upstream(&other);
    let gateway = targets().settings(&resting(5)).start().await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
    }
    assert_eq!((first.received().len(), other.received().len()), (1, 3));

    // Where none may rest, it is asked each time.
    let gateway = targets().settings(&resting(0)).start().await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
    }
    assert_eq!(first.received().len(), 4);

    // With a credential of the caller's it says nothing about other callers.
    let first = Provider::saying(failing(429).header("retry-after", "60")).await;
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&other).start().await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
    }
    assert_eq!(first.received().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_refused_is_the_operators() {
    for status in [401, 402, 403] {
        let first = Provider::saying(failing(status)).await;
        let other = Provider::saying(ok()).await;
        let gateway = Gateway::without_plugins().upstream(&first).upstream(&other).settings(KEY).start().await;
        assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
        // Where there is no other, nobody repeats it.
        let first = Provider::saying(failing(status)).await;
        let gateway = Gateway::without_plugins().upstream(&first).settings(KEY).settings(RETRY).start().await;
        assert_eq!(gateway.ask(chat("hello?")).await.code(), "upstream_credential_refused");
        assert_eq!(first.received().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_ask_for_a_rest_callers_are_told_when_to_come_back() {
    let provider = Provider::saying(failing(429).header("retry-after", "60")).await;
    let settings = format!("{KEY}\nupstream.breaker_failures = 5");
    let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.text(), "{\"failed\":429}");
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, &*answer.code()), (429, "upstream_resting"), "{}", answer.text());
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_fails_in_a_row_rests() {
    let first = Provider::saying(Reply::hangs_up()).await;
    let other = Provider::saying(ok()).await;
    let breaker = "upstream = { breaker_failures = 3, breaker_ms = 60_000 }";
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&other).settings(breaker).start().await;
    for _ in 0..6 {
        assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
    }
    assert_eq!((first.received().len(), other.received().len()), (3, 6));

    let alone = Provider::saying(failing(500)).await;
    let gateway = Gateway::without_plugins().upstream(&alone).settings(breaker).start().await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(chat("hello?")).await.status, 500);
    }
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "upstream_resting"));
    assert_eq!(answer.header("retry-after"), Some("60"));
    assert_eq!(alone.received().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_back_is_asked_again() {
    let provider = Provider::saying(failing(500)).await;
    let breaker = "upstream = { breaker_failures = 1, breaker_ms = 1 }";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(breaker).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.status, 500);
    provider.now_says([ok()]);
    let back = async {
        while gateway.ask(chat("hello?")).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), back).await.expect("it comes back");
    assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_make_no_sense_count_as_failures() {
    let nonsense = Reply::events(["data: no sense\n\n"]);
    let first = Provider::saying(nonsense).await;
    let other = Provider::saying(Reply::events([chunk("hello"), finish(0, "stop"), DONE.into()])).await;
    let breaker = "upstream = { breaker_failures = 2, breaker_ms = 60_000 }";
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&other).settings(breaker).start().await;
    for _ in 0..4 {
        assert_eq!(gateway.ask(streamed("hello?")).await.content(), "hello");
    }
    assert_eq!(first.received().len(), 2);
}

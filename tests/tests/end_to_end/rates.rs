//! Limits of requests, tokens and exchanges at the same time: what is refused and how, what is told, what is settled.

use serde_json::{Value, json};
use sluicegate_tests::{
    Answer, DONE, EMAIL, Gateway, Provider, Reply, chat, chunk, completion, finish, standard, streamed,
};

/// An answer that used this many tokens.
fn used(input: u32, output: u32) -> String {
    let mut answer: Value = serde_json::from_str(&completion("hello")).unwrap();
    answer["usage"] = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    answer.to_string()
}

/// The event in which a stream says the same.
fn usage(input: u32, output: u32) -> String {
    let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    format!("data: {}\n\n", json!({"id": "c-1", "object": "chat.completion.chunk", "choices": [], "usage": usage}))
}

/// A request for at most so many tokens.
fn at_most(tokens: u32, text: &str) -> Value {
    let mut request = chat(text);
    request["max_tokens"] = tokens.into();
    request
}

fn number(answer: &Answer, header: &str) -> Option<u64> {
    answer.header(header).map(|value| value.parse().unwrap())
}

/// What is left of the tokens of a day, after a request that takes next to nothing of them.
async fn left(gateway: &Gateway) -> u64 {
    number(&gateway.ask(at_most(1, "")).await, "x-ratelimit-remaining-tokens").unwrap()
}

/// Tokens that `left` reserves for itself: those of `m` and of `user`, and one for the answer.
const OWN: u64 = 1;

/// A gateway whose callers have these tokens in a day.
async fn with_tokens(provider: &Provider, tokens: u32) -> Gateway {
    let limits = format!("tenants.default.limits.tokens_per_day = {tokens}\nstore.path = 's.db'");
    Gateway::without_plugins().upstream(provider).settings(&limits).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_past_the_limit_are_refused_in_openais_words() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let limits = "tenants.default.limits.requests_per_minute = 2";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(limits).start().await;
    for left in ["1", "0"] {
        let answer = gateway.ask(chat("hello?")).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining-requests")), (200, Some(left)));
        assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("2"));
        assert_eq!(answer.header("x-ratelimit-limit-tokens"), None);
    }
    let refused = gateway.ask(chat("hello?")).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limit_exceeded"));
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    let wait = number(&refused, "retry-after").unwrap();
    assert!((29..=30).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-should-retry"), None);
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    assert!(refused.header("x-ratelimit-reset-requests").unwrap().ends_with('s'));
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("the limit of this tenant is reached: 2 requests a minute; there is room again in "));
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_a_provider_is_asked_for_are_requests_too() {
    let provider = Provider::saying(Reply::json("{\"object\":\"list\",\"data\":[]}")).await;
    let limits = "tenants.default.limits.requests_per_day = 2\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(limits).start().await;
    for status in [200, 200, 429] {
        assert_eq!(gateway.call("GET", "/v1/models").await.status, status);
    }
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_past_the_limit_are_refused_in_anthropics_words() {
    let provider = Provider::saying(Reply::json(
        json!({"id": "m-1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 9, "output_tokens": 3}})
        .to_string(),
    ))
    .await;
    let limits = "tenants.\"*\".limits = { requests_per_day = 1, tokens_per_minute = 500 }\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream_in("anthropic", &provider).settings(limits).start().await;
    let ask =
        || gateway.call("POST", "/v1/messages").body(at_most(100, "hello?")).header("anthropic-version", "2023-06-01");
    let answer = ask().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("anthropic-ratelimit-requests-limit"), Some("1"));
    assert_eq!(answer.header("anthropic-ratelimit-requests-remaining"), Some("0"));
    assert!(answer.header("anthropic-ratelimit-requests-reset").unwrap().ends_with("T00:00:00Z"));
    assert_eq!(answer.header("anthropic-ratelimit-tokens-limit"), Some("500"));
    assert!(number(&answer, "anthropic-ratelimit-tokens-remaining").unwrap() < 400);
    assert_eq!(answer.header("x-ratelimit-limit-requests"), None);
    let refused = ask().await;
    assert_eq!((refused.status, &refused.json()["error"]["type"]), (429, &json!("rate_limit_error")));
    assert_eq!(refused.json()["type"], "error");
    // Until midnight, which may be near: an SDK waits for a minute at most.
    let wait = number(&refused, "retry-after").unwrap();
    assert_eq!(refused.header("x-should-retry"), (wait > 60).then_some("false"));
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headers_take_the_place_of_the_providers() {
    let reply = Reply::json(completion("hello"))
        .header("x-ratelimit-limit-requests", "9999")
        .header("x-ratelimit-remaining-requests", "9998")
        .header("x-ratelimit-limit-project-tokens", "7");
    let provider = Provider::saying(reply).await;
    let limits = "tenants.default.limits.requests_per_minute = 5";
    let mut gateway = Gateway::without_plugins().upstream(&provider).settings(limits).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("5"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("4"));
    assert_eq!(answer.header("x-ratelimit-limit-project-tokens"), Some("7"));
    // A limit that is changed counts from the next exchange, with what was taken before.
    let before = gateway.generation();
    gateway.reconfigure("tenants.default.limits.requests_per_minute = 1");
    gateway.until(|host| host.generation().number > before).await;
    assert_eq!(gateway.ask(chat("hello?")).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_settled_with_what_it_used() {
    let provider = Provider::saying_in_turn([Reply::json(used(30, 20)), Reply::json(used(0, 0))]).await;
    let gateway = with_tokens(&provider, 1_000).await;
    let answer = gateway.ask(at_most(500, "hello?")).await;
    // At first, what it may use is taken.
    assert!(number(&answer, "x-ratelimit-remaining-tokens").unwrap() < 500);
    let after = left(&gateway).await;
    assert!((940..=950 - OWN).contains(&after), "{after}");
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_can_never_fit_is_not_to_be_tried_again() {
    let provider = Provider::saying(Reply::json(used(1, 1))).await;
    let gateway = with_tokens(&provider, 1_000).await;
    let refused = gateway.ask(at_most(1_001, "hello?")).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limit_exceeded"));
    assert_eq!((refused.header("x-should-retry"), refused.header("retry-after")), (Some("false"), None));
    // Where the request does not say, the default counts, and it is more than that.
    assert_eq!(gateway.ask(chat("hello?")).await.status, 429);
    let many = json!({"model": "m", "n": 20, "max_completion_tokens": 51, "messages": chat("")["messages"]});
    assert_eq!(gateway.ask(many).await.status, 429);
    assert_eq!(gateway.ask(at_most(900, "hello?")).await.status, 200);
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_settled_with_what_it_says_that_it_used() {
    let with = Reply::events([chunk("hello"), finish(0, "stop"), usage(30, 20), DONE.into()]);
    let without = Reply::events([chunk("hello"), finish(0, "stop"), DONE.into()]);
    let provider = Provider::saying_in_turn([with, Reply::json(used(0, 0)), without, Reply::json(used(0, 0))]).await;
    let gateway = with_tokens(&provider, 1_000).await;
    let ask = || {
        let mut request = streamed("hello?");
        request["max_tokens"] = 200.into();
        gateway.ask(request)
    };
    assert!(ask().await.is_done());
    let after = left(&gateway).await;
    assert!((940..=950 - OWN).contains(&after), "{after}");
    // One that says nothing counts as what it was thought to use.
    assert!(ask().await.is_done());
    let after = left(&gateway).await;
    assert!((720..=750 - OWN).contains(&after), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_is_charged_what_was_thought() {
    let provider = Provider::saying_in_turn([
        Reply::events([chunk("hello")]).stalls(),
        Reply::json(used(0, 0)),
        Reply::nothing(),
        Reply::json(used(0, 0)),
    ])
    .await;
    let limits = "tenants.default.limits = { tokens_per_day = 1000, concurrent = 1 }\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(limits).start().await;
    let mut request = streamed("hello?");
    request["max_tokens"] = 200.into();
    let mut open = gateway.ask(request.clone()).open().await;
    open.until("hello").await;
    assert_eq!(gateway.ask(at_most(1, "")).await.status, 429, "there is one place, and it is taken");
    drop(open);
    provider.has_lost(1).await;
    let after = once_free(&gateway).await;
    assert!((780..800).contains(&after), "{after}");
    // Before there is any answer, it may cost as much.
    let waiting = tokio::spawn(std::future::IntoFuture::into_future(gateway.ask(request)));
    provider.has_received(3).await;
    waiting.abort();
    provider.has_lost(2).await;
    let after = once_free(&gateway).await;
    assert!((560..600).contains(&after), "{after}");
}

/// Whoever leaves before the usage is told, and a provider that does not tell it: the answer counts by its length.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_longer_than_was_thought_counts_as_long_as_it_is() {
    let long = chunk(&"so ".repeat(400));
    let provider = Provider::saying_in_turn([
        Reply::events([long.clone()]).stalls(),
        Reply::json(used(0, 0)),
        Reply::events([long, finish(0, "stop"), DONE.into()]),
        Reply::json(used(0, 0)),
    ])
    .await;
    let limits = "tenants.default.limits = { tokens_per_day = 10_000, concurrent = 1 }\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(limits).start().await;
    let mut request = streamed("hello?");
    request["max_tokens"] = 10.into();
    let mut open = gateway.ask(request.clone()).open().await;
    open.until("so so").await;
    drop(open);
    provider.has_lost(1).await;
    let after = once_free(&gateway).await;
    assert!((9_590..9_600).contains(&after), "{after}");
    assert!(gateway.ask(request).await.is_done());
    let after = once_free(&gateway).await;
    assert!((9_180..9_200).contains(&after), "{after}");
}

/// What is left, as soon as the one place is free.
async fn once_free(gateway: &Gateway) -> u64 {
    loop {
        let answer = gateway.ask(at_most(1, "")).await;
        if answer.status == 200 {
            return number(&answer, "x-ratelimit-remaining-tokens").unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_provider_charges_is_given_back() {
    let provider = Provider::saying_in_turn([
        Reply::json("{\"error\":{\"message\":\"no\"}}").status(400),
        Reply::json("{\"error\":{\"message\":\"oh\"}}").status(500),
        Reply::json(used(0, 0)),
    ])
    .await;
    let gateway = with_tokens(&provider, 1_000).await;
    assert_eq!(gateway.ask(at_most(400, "hello?")).await.status, 400);
    assert_eq!(gateway.ask(at_most(400, "hello?")).await.status, 500);
    let after = left(&gateway).await;
    assert!((985..=1_000 - OWN).contains(&after), "{after}");

    let nobody = Provider::absent().await;
    let limits = "tenants.default.limits = { requests_per_minute = 1, tokens_per_day = 1000 }\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&nobody).settings(limits).start().await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(at_most(400, "hello?")).await.code(), "upstream_unreachable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_may_have_charged_is_charged_beside_the_one_that_answers() {
    let (first, second) =
        (Provider::saying(Reply::hangs_up()).await, Provider::saying(Reply::json(used(30, 20))).await);
    let limits = "tenants.default.limits.tokens_per_day = 1000\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&second).settings(limits).start().await;
    assert_eq!(gateway.ask(at_most(100, "hello?")).await.status, 200);
    let absent = gateway.ask(at_most(900, "")).await;
    assert_eq!(absent.status, 429, "what is left is at most 1000 - 100 - 50");
    let answer = gateway.ask(at_most(700, "")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_the_call_costs_nothing_and_one_behind_it_what_was_used() {
    let mut told: Value = serde_json::from_str(&used(30, 20)).unwrap();
    told["choices"][0]["message"]["content"] = EMAIL.into();
    let provider = Provider::saying_in_turn([Reply::json(told.to_string()), Reply::json(used(0, 0))]).await;
    let limits = "tenants.default.limits = { tokens_per_day = 1000, requests_per_day = 100 }\nstore.path = 's.db'";
    let gateway = Gateway::with_plugins([standard("pii").config("email = 'block'")])
        .upstream(&provider)
        .settings(limits)
        .start()
        .await;
    let refused = gateway.ask(at_most(400, EMAIL)).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-limit-tokens")), (400, None));
    let refused = gateway.ask(at_most(400, "hello?")).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "pii.blocked"));
    let answer = gateway.ask(at_most(1, "")).await;
    let after = number(&answer, "x-ratelimit-remaining-tokens").unwrap();
    assert!((935..=950 - OWN).contains(&after), "{after}");
    assert_eq!(number(&answer, "x-ratelimit-remaining-requests"), Some(98));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_free_when_their_exchanges_are_over() {
    let stream = Reply::events([chunk("hello")]).pauses().then([finish(0, "stop"), DONE.into()]);
    let provider = Provider::saying(stream).await;
    let limits = "tenants.default.limits.concurrent = 2";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(limits).start().await;
    let (mut first, mut second) = (gateway.ask(streamed("1")).open().await, gateway.ask(streamed("2")).open().await);
    first.until("hello").await;
    second.until("hello").await;
    let refused = gateway.ask(streamed("3")).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limit_exceeded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    (0..2).for_each(|_| provider.proceed());
    assert!(first.rest().await.is_done() && second.rest().await.is_done());
    let mut third = gateway.ask(streamed("3")).open().await;
    third.until("hello").await;
    assert_eq!(third.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_limits_nothing_is_told_and_nothing_counted() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway =
        Gateway::without_plugins().upstream(&provider).settings("tenants.other.limits.concurrent = 1").start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit")));
}

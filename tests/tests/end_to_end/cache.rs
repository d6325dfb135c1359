//! Answers that are kept: who gets them, who does not, and what becomes of an exchange when the cache fails.

use std::future::IntoFuture;

use proptest::prelude::*;
use serde_json::{Value, json};
use sluicegate::store::answers::Purge;
use sluicegate_tests::{
    Answer, DONE, EMAIL, Gateway, Installed, Log, Postgres, Provider, Redis, Reply, Setup, chat, chunk, completion,
    finish, gentle, installed, key_of, standard, streamed,
};

/// A gateway with these plugins, whose provider numbers its answers.
async fn gateway(plugins: impl IntoIterator<Item = Installed>, settings: &str) -> (Provider, Gateway) {
    start(Gateway::with_plugins(plugins).settings(settings)).await
}

async fn start(setup: Setup) -> (Provider, Gateway) {
    let provider = Provider::saying_in_turn(answers()).await;
    let gateway = setup.upstream(&provider).start().await;
    (provider, gateway)
}

fn answers() -> impl Iterator<Item = Reply> {
    (1..=9).map(|number| Reply::json(completion(&format!("answer {number}"))))
}

/// What the header and the answer say.
fn said(answer: &Answer) -> String {
    format!("{} {}", answer.header("x-sluicegate-cache").unwrap_or("-"), answer.content())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_asked_before_is_answered_from_memory() {
    let (provider, gateway) = gateway([gentle("cache")], "").await;
    let first = gateway.ask(chat("what is the tide")).receipts().await;
    assert_eq!((said(&first), first.header("age")), ("miss answer 1".to_owned(), None));
    let again = gateway.ask(chat("what is the tide")).receipts().await;
    assert_eq!((said(&again), again.header("age")), ("hit answer 1".to_owned(), Some("0")));
    assert_eq!(again.header("x-sluicegate-cache-key"), first.header("x-sluicegate-cache-key"));
    assert_eq!(again.header("x-sluicegate-attempts"), None, "nobody was asked");
    let receipts = again.receipts();
    assert_eq!((receipts[0].get("export"), receipts[0].get("verdict")), (Some("cache"), Some("look-up")));
    assert_eq!(said(&gateway.ask(chat("what is the time")).await), "miss answer 2");
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_in_any_dialect_whole_or_as_a_stream() {
    let stream = Reply::events([chunk("low "), chunk("tide"), finish(0, "stop"), DONE.to_owned()]);
    for (is_stream, reply) in [(false, Reply::json(completion("low tide"))), (true, stream)] {
        let provider = Provider::saying(reply).await;
        let gateway = Gateway::with_plugins([gentle("cache")]).upstream(&provider).start().await;
        let messages = json!([{"role": "user", "content": "tide"}]);
        let openai = |stream| json!({"model": "m", "stream": stream, "max_tokens": 99, "messages": messages});
        let first = gateway.ask(openai(is_stream)).await;
        assert_eq!(said(&first), "miss low tide");
        gateway.until(|host| host.cache.flights() == 0).await;
        for stream in [false, true] {
            let again = gateway.ask(openai(stream)).await;
            assert_eq!(said(&again), "hit low tide", "{}", again.text());
            let gemini = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            for (path, body) in [
                ("/v1/messages", json!({"model": "m", "stream": stream, "max_tokens": 99, "messages": messages})),
                ("/v1/responses", json!({"model": "m", "stream": stream, "max_output_tokens": 99, "input": "tide"})),
                (
                    &*format!("/v1beta/models/m:{gemini}"),
                    json!({"generationConfig": {"maxOutputTokens": 99},
                        "contents": [{"role": "user", "parts": [{"text": "tide"}]}]}),
                ),
            ] {
                let again = gateway.call("POST", path).body(body).await;
                assert_eq!(again.header("x-sluicegate-cache"), Some("hit"), "{path}: {}", again.text());
                assert!(again.text().contains("low tide"), "{path}: {}", again.text());
                let kind = if stream { "text/event-stream" } else { "application/json" };
                assert_eq!(again.header("content-type"), Some(kind), "{path}");
            }
        }
        assert_eq!(provider.received().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_otherwise_is_another_question() {
    let (_provider, gateway) = gateway([gentle("cache").config("key = 'one for all'")], "").await;
    let ask = |more: &str| {
        let mut body = chat("tide");
        let more: Value = serde_json::from_str(more).unwrap();
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        gateway.ask(body)
    };
    assert_eq!(said(&ask("{}").await), "miss answer 1");
    assert_eq!(said(&ask(r#"{"messages":[{"role":"user","content":"anything"}]}"#).await), "hit answer 1");
    let others = [
        r#"{"model":"n"}"#,
        r#"{"temperature":0}"#,
        r#"{"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"tide"}]}"#,
        r#"{"tools":[{"type":"function","function":{"name":"f"}}]}"#,
        r#"{"unheard_of":1}"#,
    ];
    for (number, more) in (2..).zip(others) {
        assert_eq!(said(&ask(more).await), format!("miss answer {number}"), "{more}");
        assert_eq!(said(&ask(more).await), format!("hit answer {number}"), "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_crosses_tenants_unless_the_installation_says_so() {
    for (set, is_shared) in [("", false), ("cache.shared = true", true)] {
        let plugin = gentle("cache").set(set);
        let (provider, gateway) = gateway([plugin, gentle("mask-word")], "auth.required = true").await;
        let (blue, red) = (gateway.new_key(key_of("blue")).await, gateway.new_key(key_of("red")).await);
        let other_blue = gateway.new_key(key_of("blue")).await;
        // It was asked for its models meanwhile.
        provider.now_says(answers());
        let ask = |key: &str, text: &str| gateway.ask(chat(text)).header("authorization", &format!("Bearer {key}"));
        assert_eq!(said(&ask(&blue, "tide").await), "miss answer 1");
        assert_eq!(said(&ask(&other_blue, "tide").await), "hit answer 1");
        // Only when it is kept may another tenant have it.
        gateway.until(|host| host.cache.flights() == 0).await;
        assert_eq!(said(&ask(&red, "tide").await), if is_shared { "hit answer 1" } else { "miss answer 2" });
        // Where a guardrail has found something, nothing is shared.
        if is_shared {
            assert_eq!(said(&ask(&blue, "a secret tide").await), "miss answer 2");
            assert_eq!(said(&ask(&red, "a secret tide").await), "miss answer 3");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_a_name_share_nothing_that_took_a_credential_of_their_own() {
    let (_provider, gateway) = gateway([gentle("cache")], "").await;
    let ask = |key: &str| gateway.ask(chat("tide")).header("authorization", key);
    assert_eq!(said(&ask("Bearer one").await), "miss answer 1");
    assert_eq!(said(&ask("Bearer other").await), "miss answer 2");
    assert_eq!(said(&ask("Bearer one").await), "hit answer 1");
    assert_eq!(said(&gateway.ask(chat("tide")).await), "miss answer 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_guardrails_have_let_through_is_not_found() {
    let (_provider, gateway) = gateway([gentle("cache"), gentle("deny-word")], "").await;
    assert_eq!(said(&gateway.ask(chat("tide")).await), "miss answer 1");
    assert_eq!(said(&gateway.ask(chat("tide")).await), "hit answer 1");
    for (number, changed) in (2..).zip([
        gentle("deny-word").config("word = 'other'"),
        gentle("allow"),
        gentle("allow").set("mode = 'observe'"),
    ]) {
        let before = gateway.generation();
        gateway.install(&changed);
        gateway.until(|host| host.generation().number > before).await;
        assert_eq!(said(&gateway.ask(chat("tide")).await), format!("miss answer {number}"));
        assert_eq!(said(&gateway.ask(chat("tide")).await), format!("hit answer {number}"));
    }
    let before = gateway.generation();
    gateway.install(&gentle("deny-word").config("word = 'answer'"));
    gateway.until(|host| host.generation().number > before).await;
    assert_eq!(gateway.ask(chat("tide")).await.code(), "test.denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_guardrail_judges_a_kept_answer_with_the_request_that_it_is_for() {
    let denies = gentle("answer-deny").config("answer = { do = 'deny', word = 'answer 1', asked = 'forbidden' }");
    let (provider, gateway) = gateway([gentle("cache").config("key = 'one for all'"), denies], "").await;
    assert_eq!(said(&gateway.ask(chat("tide")).await), "miss answer 1");
    let again = gateway.ask(chat("tide again")).receipts().await;
    assert_eq!(said(&again), "hit answer 1");
    let exports: Vec<_> = again.receipts().iter().map(|receipt| receipt.get("export").unwrap().to_owned()).collect();
    assert_eq!(exports, ["request-guardrail", "cache", "answer-guardrail"], "it was looked at again");
    let refused = gateway.ask(chat("the forbidden tide")).await;
    assert_eq!((refused.status, &*refused.code()), (400, "test.denied"), "{}", refused.text());
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_may_want_a_model_to_be_asked_or_nothing_to_be_kept() {
    let (_provider, gateway) = gateway([gentle("cache")], "").await;
    let ask = |wish: &str| gateway.ask(chat("tide")).header("cache-control", wish);
    assert_eq!(said(&ask("no-store").await), "bypass answer 1");
    assert_eq!(said(&gateway.ask(chat("tide")).await), "miss answer 2");
    gateway.until(|host| host.cache.told().kept == 1).await;
    assert_eq!(said(&ask("max-age=5, No-Cache").await), "miss answer 3");
    // What it was told is kept in place of the older answer; not before it has it.
    gateway.until(|host| host.cache.told().kept == 2).await;
    assert_eq!(said(&gateway.ask(chat("tide")).await), "hit answer 3");
    assert_eq!(said(&ask("no-store").await), "bypass answer 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_a_caller_wanted_anew_is_not_replaced_by_an_older_one() {
    let (provider, gateway) = gateway([gentle("cache")], "").await;
    let rest = [chunk(" and ebbs"), finish(0, "stop"), DONE.to_owned()];
    provider.now_says([Reply::events([chunk("flows")]).pauses().then(rest), Reply::json(completion("turns"))]);
    let mut older = gateway.ask(streamed("tide")).open().await;
    older.until("flows").await;
    assert_eq!(said(&gateway.ask(chat("tide")).header("cache-control", "no-cache").await), "miss turns");
    gateway.until(|host| host.cache.told().kept == 1).await;
    provider.proceed();
    assert_eq!(older.rest().await.content(), "flows and ebbs");
    gateway.until(|host| host.cache.flights() == 0).await;
    assert_eq!(said(&gateway.ask(chat("tide")).await), "hit turns");
    assert_eq!(gateway.host.cache.told().kept, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_an_answer_to_nobody_else_is_not_kept() {
    let plugins = || [gentle("cache"), standard("pii").config("email = 'restore'")];
    let image = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]);
    for (body, why) in [
        (chat(&format!("write to {EMAIL}")), "an original is put back"),
        (json!({"model": "m", "messages": [{"role": "user", "content": image}]}), "a picture"),
        (json!({"model": "m", "n": 2, "messages": [{"role": "user", "content": "tide"}]}), "several answers"),
    ] {
        let (provider, gateway) = gateway(plugins(), "").await;
        for number in 1..=2 {
            assert_eq!(said(&gateway.ask(body.clone()).await), format!("bypass answer {number}"), "{why}");
        }
        assert_eq!(provider.received().len(), 2);
    }
    // And answers that are none.
    for reply in [
        Reply::json("{\"error\":{\"message\":\"too busy\"}}").status(429),
        Reply::events([chunk("half of "), chunk("it")]),
        Reply::events([chunk("withheld"), finish(0, "content_filter"), DONE.to_owned()]),
    ] {
        let (provider, gateway) = gateway(plugins(), "").await;
        provider.now_says([reply, Reply::json(completion("whole"))]);
        gateway.ask(streamed("tide")).await;
        assert_eq!(said(&gateway.ask(chat("tide")).await), "miss whole");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_bypasses_fails_or_only_observes_changes_nothing() {
    for (plugin, state) in [
        (gentle("cache").config("bypasses = 'tide'"), "bypass"),
        (gentle("cache-fails"), "bypass"),
        (gentle("cache").set("mode = 'observe'"), "bypass"),
        (gentle("cache").set("mode = 'off'"), "-"),
        (gentle("cache").config("fails = 'admit'"), "miss"),
        (gentle("cache").config("forgets = 'answer'"), "miss"),
        (gentle("cache").config("ttl_ms = 0"), "miss"),
    ] {
        let (_provider, gateway) = gateway([plugin], "").await;
        assert_eq!(said(&gateway.ask(chat("tide attack")).await), format!("{state} answer 1"));
        // Whoever asks while the policy is still asked whether it may be kept is told what the other was told.
        gateway.until(|host| host.cache.flights() == 0).await;
        assert_eq!(said(&gateway.ask(chat("tide attack")).await), format!("{state} answer 2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_ask_the_same_at_the_same_moment_are_told_what_the_first_is_told() {
    let (provider, gateway) = gateway([gentle("cache")], "").await;
    let rest = [chunk(" and ebbs"), finish(0, "stop"), DONE.to_owned()];
    provider.now_says([Reply::events([chunk("flows")]).pauses().then(rest)]);
    let mut first = gateway.ask(streamed("tide")).open().await;
    first.until("flows").await;
    let mut second = gateway.ask(streamed("tide")).open().await;
    second.until("flows").await;
    let anthropic =
        json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "tide"}], "max_tokens": 9});
    let another = tokio::spawn(gateway.call("POST", "/v1/messages").body(anthropic).into_future());
    let whole = tokio::spawn(gateway.ask(chat("tide")).into_future());
    let mut gone = gateway.ask(streamed("tide")).open().await;
    gone.until("flows").await;
    drop(gone);
    provider.has_received(2).await;
    provider.proceed();
    provider.proceed();
    let (first, second, whole) = (first.rest().await, second.rest().await, whole.await.unwrap());
    assert_eq!((first.content(), first.is_done()), ("flows and ebbs".to_owned(), true));
    assert_eq!((second.content(), second.is_done()), ("flows and ebbs".to_owned(), true));
    assert_eq!(said(&whole), "hit flows and ebbs");
    assert_eq!(second.header("x-sluicegate-cache"), Some("hit"));
    assert!(another.await.unwrap().text().contains("flows"), "another frame, and so another question");
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_others_wait_for_goes_on_without_who_asked_and_ends_when_nobody_waits() {
    let (provider, gateway) = gateway([gentle("cache")], "").await;
    let rest = || [chunk(" and ebbs"), finish(0, "stop"), DONE.to_owned()];
    let flows = || Reply::events([chunk("flows")]).pauses();
    provider.now_says([flows().then(rest())]);
    let mut first = gateway.ask(streamed("tide")).open().await;
    first.until("flows").await;
    let mut second = gateway.ask(streamed("tide")).open().await;
    second.until("flows").await;
    drop(first);
    provider.proceed();
    assert_eq!(second.rest().await.content(), "flows and ebbs");
    assert_eq!(said(&gateway.ask(chat("tide")).await), "hit flows and ebbs");

    // The last who waits may be another one.
    provider.now_says([Reply::events([chunk("on and on")]).stalls()]);
    let mut first = gateway.ask(streamed("wave")).open().await;
    first.until("on and on").await;
    let mut second = gateway.ask(streamed("wave")).open().await;
    second.until("on and on").await;
    drop(first);
    drop(second);
    provider.has_lost(1).await;
    gateway.until(|host| host.cache.flights() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_answer_that_is_lost_asks_alone() {
    let (provider, gateway) = gateway([gentle("cache")], "").await;
    provider.now_says([Reply::nothing(), Reply::json(completion("second"))]);
    let first = tokio::spawn(gateway.ask(chat("tide")).into_future());
    provider.has_received(1).await;
    let second = tokio::spawn(gateway.ask(chat("tide")).into_future());
    gateway.until(|host| host.cache.followers() == 1).await;
    first.abort();
    assert_eq!(said(&second.await.unwrap()), "miss second");

    // What was begun breaks off, with a word about it.
    provider.now_says([Reply::events([chunk("flows")]).pauses().dies()]);
    let mut first = gateway.ask(streamed("ebb")).open().await;
    first.until("flows").await;
    let mut second = gateway.ask(streamed("ebb")).open().await;
    second.until("flows").await;
    provider.proceed();
    let (first, second) = (first.rest().await, second.rest().await);
    assert!(first.text().contains("error") && second.text().contains("error"), "{}", second.text());
    assert_eq!(second.content(), "flows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_answer_is_given_while_a_fresh_one_is_asked_for() {
    let stale = gentle("cache").config("age_ms = 0").set("cache.stale_ms = 60_000");
    let (provider, gateway) = gateway([stale], "").await;
    assert_eq!(said(&gateway.ask(chat("tide")).await), "miss answer 1");
    gateway.until(|host| host.cache.told().kept == 1 && host.cache.flights() == 0).await;
    let is_older = async { while said(&gateway.ask(chat("tide")).await) == "hit answer 1" {} };
    is_older.await;
    provider.has_received(2).await;
    gateway.until(|host| host.cache.told().kept >= 2).await;
    let fresh = gateway.ask(chat("tide")).await;
    assert_ne!(fresh.content(), "answer 1");
    assert_eq!(gateway.host.cache.told().misses, 1, "nobody has waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_purged_by_key_tenant_model_and_time() {
    let (_provider, gateway) = gateway([gentle("cache")], "admin.listen = '127.0.0.1:0'").await;
    let purge = |conditions: Value| gateway.admin("POST", "/api/cache/purge").body(conditions);
    let ask = |model: &str| {
        let mut body = chat("tide");
        body["model"] = model.into();
        gateway.ask(body).receipts()
    };
    let kept = |answer: Answer| answer.header("x-sluicegate-cache").unwrap().to_owned();
    let first = ask("m").await;
    let key = first.header("x-sluicegate-cache-key").unwrap().to_owned();
    ask("n").await;
    gateway.until(|host| host.cache.told().kept == 2 && host.cache.flights() == 0).await;
    for (conditions, purged, left) in [
        (json!({"key": "00".repeat(32)}), 0, ["hit", "hit"]),
        (json!({"tenant": "red"}), 0, ["hit", "hit"]),
        (json!({"before": "2020-01-01T00:00:00Z"}), 0, ["hit", "hit"]),
        (json!({"key": key}), 1, ["miss", "hit"]),
        (json!({"model": "n"}), 1, ["hit", "miss"]),
        (json!({"tenant": "default", "before": "1d"}), 2, ["miss", "miss"]),
        (json!({"all": true}), 2, ["miss", "miss"]),
    ] {
        let answer = purge(conditions.clone()).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"purged": purged})), "{conditions}");
        let found = [kept(ask("m").await), kept(ask("n").await)];
        assert_eq!(found, left, "{conditions}");
        gateway.until(|host| host.cache.flights() == 0).await;
    }
    assert_eq!(purge(json!({})).await.status, 400);
    let told = gateway.admin("GET", "/api/cache").await.json();
    assert_eq!(told["kept"], 8, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_before_a_purge_is_not_kept_after_it() {
    let (provider, gateway) = gateway([gentle("cache")], "").await;
    provider.now_says([Reply::events([chunk("low")]).pauses().then([finish(0, "stop"), DONE.to_owned()])]);
    let mut first = gateway.ask(streamed("tide")).open().await;
    first.until("low").await;
    assert_eq!(gateway.host.cache.purge(Purge::default()).await, Ok(0));
    provider.now_says(answers());
    provider.proceed();
    assert_eq!(first.rest().await.content(), "low");
    gateway.until(|host| host.cache.flights() == 0).await;
    assert_eq!(said(&gateway.ask(chat("tide")).await), "miss answer 1");
}

#[tokio::test]
async fn what_a_kept_answer_has_cost_is_saved_and_said() {
    let mut answer: Value = serde_json::from_str(&completion("low")).unwrap();
    answer["usage"] = json!({"prompt_tokens": 0, "completion_tokens": 100, "total_tokens": 100});
    let provider = Provider::saying(Reply::json(answer.to_string())).await;
    let settings = "targets.target-1.prices = { input = '0', output = '10' }\nadmin.listen = '127.0.0.1:0'";
    let log = Log::begin();
    let gateway = Gateway::with_plugins([gentle("cache")]).upstream(&provider).settings(settings).start().await;
    assert_eq!(gateway.ask(chat("tide")).await.header("x-sluicegate-cost-usd"), Some("0.001"));
    gateway.until(|host| host.cache.flights() == 0).await;
    let again = gateway.ask(chat("tide")).await;
    assert_eq!((said(&again), again.header("x-sluicegate-cost-usd")), ("hit low".to_owned(), None));
    let told = gateway.admin("GET", "/api/cache").await.json();
    assert_eq!(
        told,
        json!({"hits": 1, "stale": 0, "misses": 1, "bypasses": 0, "kept": 1, "failures": 0, "saved_usd": "0.001"})
    );
    let log = log.text();
    assert!(log.contains("cache=\"hit\"") && log.contains("saved_usd=0.001"), "{log}");
}

#[tokio::test]
async fn a_cache_that_cannot_be_opened_is_a_bypass_and_seen() {
    let log = Log::begin();
    let (_provider, gateway) = gateway([gentle("cache")], "cache.path = 'none/c.db'\ncache.memory_bytes_max = 0").await;
    for number in 1..=2 {
        assert_eq!(said(&gateway.ask(chat("tide")).await), format!("bypass answer {number}"));
    }
    assert!(gateway.host.cache.told().failures >= 2);
    let log = log.text();
    assert!(log.contains("the cache failed") && log.contains("unavailable"), "{log}");
    assert!(!log.contains("tide"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_on_one_redis_share_what_is_kept_and_what_is_purged() {
    let mut redis = Redis::start().await;
    let settings = format!("{}\nadmin.listen = '127.0.0.1:0'", redis.settings());
    let (one_provider, one) = gateway([gentle("cache")], &settings).await;
    let (_other_provider, other) = gateway([gentle("cache")], &settings).await;
    assert_eq!(said(&one.ask(chat("tide")).await), "miss answer 1");
    assert_eq!(said(&one.ask(chat("ebb")).await), "miss answer 2");
    one.until(|host| host.cache.told().kept == 2).await;
    assert_eq!(said(&other.ask(chat("tide")).await), "hit answer 1");
    let purge = |conditions: Value| other.admin("POST", "/api/cache/purge").body(conditions);
    for (conditions, purged) in [
        (json!({"tenant": "red"}), 0),
        (json!({"model": "n"}), 0),
        (json!({"before": "2020-01-01T00:00:00Z"}), 0),
        (json!({"tenant": "default", "model": "m", "before": "1d"}), 2),
    ] {
        assert_eq!(purge(conditions).await.json(), json!({"purged": purged}));
    }
    assert_eq!(said(&one.ask(chat("tide")).await), "miss answer 3");
    one.until(|host| host.cache.told().kept == 3).await;

    // What is not ours, or another one's, is garbage.
    one_provider.now_says(answers());
    let keys = redis.ask("KEYS *:cache:*").await;
    let key = keys.split_whitespace().find(|word| word.contains(":cache:")).unwrap().to_owned();
    for command in
        [format!("SET {key} nonsense"), format!("APPEND {key} x"), format!("DEL {key}"), format!("LPUSH {key} x")]
    {
        redis.ask(&command).await;
        if command.starts_with("DEL") {
            continue;
        }
        let answer = one.ask(chat("tide")).header("cache-control", "max-age=60").await;
        assert_eq!(answer.header("x-sluicegate-cache"), Some("bypass"), "{command}");
        one.until(|host| host.cache.flights() == 0).await;
    }
    // And a server that is gone is a bypass.
    redis.kill();
    assert_eq!(one.ask(chat("tide")).await.header("x-sluicegate-cache"), Some("bypass"));
    assert!(one.host.cache.told().failures >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_before_another_gateway_purged_is_not_kept_after_it() {
    let redis = Redis::start().await;
    let settings = redis.settings();
    let (provider, one) = gateway([gentle("cache")], &settings).await;
    let (_other_provider, other) = gateway([gentle("cache")], &settings).await;
    provider.now_says([Reply::events([chunk("low")]).pauses().then([finish(0, "stop"), DONE.to_owned()])]);
    let mut first = one.ask(streamed("tide")).open().await;
    first.until("low").await;
    assert_eq!(other.host.cache.purge(Purge::default()).await, Ok(0));
    provider.now_says(answers());
    provider.proceed();
    assert_eq!(first.rest().await.content(), "low");
    one.until(|host| host.cache.flights() == 0).await;
    assert_eq!(said(&one.ask(chat("tide")).await), "miss answer 1");
    one.until(|host| host.cache.flights() == 0).await;
    assert_eq!(said(&other.ask(chat("tide")).await), "hit answer 1", "what was asked after it is kept");
}

/// Somebody who takes connections and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_is_a_bypass_within_its_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let files = tempfile::tempdir().unwrap();
    let url = files.path().join("redis");
    std::fs::write(&url, format!("redis://{address}/0")).unwrap();
    let waits = "cache.wait_ms = 50\nstore.wait_ms = 50";
    let settings = format!("store.redis.url = {{ file = '{}' }}\n{waits}", url.display());
    let (_provider, gateway) = gateway([gentle("cache")], &settings).await;
    let answer = gateway.ask(chat("tide")).await;
    assert_eq!(said(&answer), "bypass answer 1");
    assert_eq!(gateway.host.cache.told().bypasses, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_similar_question_is_answered_if_the_policy_says_so() {
    let Some(model) = installed("SLUICEGATE_EMBEDDER") else { return };
    let settings = format!("embedders.minilm.directory = '{model}'\ncache.embedding_wait_ms = 60_000");
    let near = || gentle("cache").config("threshold = 0.8").set("cache.embedder = 'minilm'");
    let (provider, gateway) = gateway([near()], &settings).await;
    assert_eq!(said(&gateway.ask(chat("How do I reset my password?")).await), "miss answer 1");
    gateway.until(|host| host.cache.flights() == 0).await;
    let again = gateway.ask(chat("How can I reset my password?")).receipts().await;
    assert_eq!(said(&again), "hit answer 1");
    let verdicts: Vec<_> = again.receipts().iter().map(|receipt| receipt.get("verdict").unwrap().to_owned()).collect();
    assert_eq!(verdicts, ["look-up", "accept"]);
    assert_eq!(again.receipts()[0].get("embedding.calls"), Some("1"));
    assert_eq!(said(&gateway.ask(chat("What are the tides in Brest?")).await), "miss answer 2");
    // Another tenant's, another frame's, and what the policy does not take for the same, are not answers.
    let mut other = chat("How can I reset my password?");
    other["temperature"] = json!(0.5);
    assert_eq!(said(&gateway.ask(other).await), "miss answer 3");
    assert_eq!(provider.received().len(), 3);
    let (_provider, gateway) = self::gateway([near().config("accepts = 'something else'")], &settings).await;
    gateway.ask(chat("How do I reset my password?")).await;
    gateway.until(|host| host.cache.flights() == 0).await;
    assert_eq!(said(&gateway.ask(chat("How can I reset my password?")).await), "miss answer 2");
    let (_provider, gateway) = self::gateway([near().set("cache.embedder = 'none'")], &settings).await;
    assert_eq!(said(&gateway.ask(chat("How do I reset my password?")).await), "bypass answer 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_on_one_postgres_share_what_is_found_by_its_meaning() {
    let Some(model) = installed("SLUICEGATE_EMBEDDER") else { return };
    let Some(mut postgres) = Postgres::start().await else { return };
    let redis = Redis::start().await;
    let settings = format!(
        "{}\n{}\nembedders.minilm.directory = '{model}'\ncache.embedding_wait_ms = 60_000
         admin.listen = '127.0.0.1:0'",
        redis.settings(),
        postgres.settings()
    );
    let near = || gentle("cache").config("threshold = 0.8").set("cache.embedder = 'minilm'");
    let (_one_provider, one) = gateway([near()], &settings).await;
    let (_other_provider, other) = gateway([near()], &settings).await;
    assert_eq!(said(&one.ask(chat("How do I reset my password?")).await), "miss answer 1");
    one.until(|host| host.cache.flights() == 0).await;
    assert_eq!(said(&other.ask(chat("How can I reset my password?")).await), "hit answer 1");
    assert_eq!(said(&other.ask(chat("What are the tides in Brest?")).await), "miss answer 1");
    other.until(|host| host.cache.flights() == 0).await;
    assert_eq!(postgres.ask("SELECT count(*) FROM sluicegate_meanings_1"), "2");

    let all = json!({"all": true});
    assert_eq!(one.admin("POST", "/api/cache/purge").body(all).await.json(), json!({"purged": 2}));
    assert_eq!(postgres.ask("SELECT count(*) FROM sluicegate_meanings_1"), "0");
    assert_eq!(said(&other.ask(chat("How do I reset my password?")).await), "miss answer 2");
    other.until(|host| host.cache.flights() == 0).await;

    // A database that is gone is a bypass for what needs it, and for nothing else.
    postgres.kill();
    assert_eq!(said(&one.ask(chat("How do I reset my password?")).await), "hit answer 2");
    assert_eq!(said(&one.ask(chat("How can I reset my password?")).await), "bypass answer 2");
    assert!(one.host.cache.told().failures >= 1);
}

/// Who asks what, in how many ways.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked {
    tenant: usize,
    model: usize,
    system: usize,
    temperature: usize,
    text: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    (0..2_usize, 0..2_usize, 0..2_usize, 0..2_usize, 0..2_usize)
        .prop_map(|(tenant, model, system, temperature, text)| Asked { tenant, model, system, temperature, text })
}

/// An answer says what it was asked: so an answer to another question is seen.
#[test]
fn no_hit_crosses_a_partition() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (provider, gateway, keys) = runtime.block_on(async {
        let provider = Provider::saying(Reply::json(completion("none"))).await;
        let plugins =
            [gentle("cache"), gentle("cache").named("cache-other").config("key = 'one for all'").set("order = 200")];
        let setup = Gateway::with_plugins(plugins).upstream(&provider).settings("auth.required = true");
        let gateway = setup.start().await;
        let keys = [gateway.new_key(key_of("blue")).await, gateway.new_key(key_of("red")).await];
        (provider, gateway, keys)
    });
    let mut answers = std::collections::HashMap::new();
    let mut count = 0;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let answers = std::cell::RefCell::new(&mut answers);
    let count = std::cell::RefCell::new(&mut count);
    let outcome = runner.run(&asked(), |asked| {
        let Asked { tenant, model, system, temperature, text } = asked;
        **count.borrow_mut() += 1;
        let says = format!("answer {}", **count.borrow());
        provider.now_says([Reply::json(completion(&says))]);
        let messages = json!([{"role": "system", "content": format!("s{system}")}, {"role": "user", "content": format!("t{text}")}]);
        let body = json!({"model": format!("m{model}"), "temperature": temperature, "messages": messages});
        let call = gateway.ask(body).header("authorization", &format!("Bearer {}", keys[tenant]));
        let answer = runtime.block_on(async {
            gateway.until(|host| host.cache.flights() == 0).await;
            call.await
        });
        let mut answers = answers.borrow_mut();
        match answers.get(&asked) {
            None => {
                prop_assert_eq!(said(&answer), format!("miss {says}"));
                answers.insert(asked, says);
            }
            Some(known) => prop_assert_eq!(said(&answer), format!("hit {known}")),
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(async move { drop((gateway, provider)) });
}

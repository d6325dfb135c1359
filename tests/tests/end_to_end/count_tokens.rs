//! How many tokens a conversation has: what leaves for a provider is looked at, and an estimate is not taken for a count.

use serde_json::{Value, json};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{Call, EMAIL, Gateway, Provider, Reply, Setup, standard};

const PATH: &str = "/v1/messages/count_tokens";

fn masking() -> Setup {
    Gateway::with_plugins([standard("pii").config("email = 'mask'\ncard = 'block'")])
}

fn ask(gateway: &Gateway, body: Value) -> Call {
    gateway.call("POST", PATH).body(body)
}

fn asks(text: &str) -> Value {
    json!({"model": "m", "system": "be kind", "messages": [{"role": "user", "content": text}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_dialect_on_both_sides_is_the_same_bytes() {
    let request = "{ \"messages\" : [ {\"content\":\"h\\u0069\",\"role\":\"user\"} ], \"new\":{\"b\":1.0,\"a\":2}, \"model\":\"m\" }";
    let answer = "{ \"input_tokens\" : 1.4e1, \"new\":[] }";
    let provider = Provider::saying(Reply::json(answer)).await;
    let plugins = Gateway::with_plugins([standard("pii"), standard("secrets")]);
    let gateway = plugins.upstream_in("anthropic", &provider).start().await;
    let call = gateway.call("POST", PATH).body(request).header("x-api-key", "sk-caller");
    assert_eq!(call.header("anthropic-version", "2023-06-01").await.text(), answer);
    let received = provider.only();
    assert_eq!(received.text(), request);
    assert!(received.head.starts_with("POST /v1/messages/count_tokens "), "{}", received.head);
    assert_eq!(received.header("x-api-key"), Some("sk-caller"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_is_looked_at() {
    let provider = Provider::saying(Reply::json("{\"input_tokens\":14}")).await;
    let gateway = masking().upstream_in("anthropic", &provider).start().await;
    let answer = ask(&gateway, asks(&format!("I am {EMAIL}"))).await;
    assert_eq!(answer.text(), "{\"input_tokens\":14}");
    assert_eq!(provider.body(), asks("I am [EMAIL]").to_string());
    let denied = ask(&gateway, asks(&made_up("card").unwrap())).await;
    assert_eq!((denied.status, denied.code().as_str()), (400, "pii.blocked"));
    assert_eq!((&denied.json()["type"], &denied.error()["type"]), (&json!("error"), &json!("invalid_request_error")));
    let wrong = ask(&gateway, json!({"model": "m"})).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "invalid_request"));
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_of_other_dialects_are_asked_in_their_words() {
    let provider = Provider::saying(Reply::json("{\"totalTokens\":31,\"promptTokensDetails\":[]}")).await;
    let gateway = masking().upstream_in("gemini", &provider).start().await;
    assert_eq!(ask(&gateway, asks(&format!("I am {EMAIL}"))).await.text(), "{\"input_tokens\":31}");
    assert!(provider.only().head.starts_with("POST /v1beta/models/m:countTokens "), "{}", provider.only().head);
    let sent: Value = serde_json::from_str(&provider.body()).unwrap();
    let sent = &sent["generateContentRequest"];
    assert_eq!(sent["model"], "models/m");
    assert_eq!(sent["systemInstruction"]["parts"][0]["text"], "be kind");
    assert_eq!(sent["contents"][0]["parts"][0]["text"], "I am [EMAIL]");

    let provider = Provider::saying(Reply::json("{\"object\":\"response.input_tokens\",\"input_tokens\":7}")).await;
    let settings = "providers.target-1.responses = true";
    let gateway = masking().upstream(&provider).settings(settings).start().await;
    assert_eq!(ask(&gateway, asks(&format!("I am {EMAIL}"))).await.text(), "{\"input_tokens\":7}");
    assert!(provider.only().head.starts_with("POST /v1/responses/input_tokens "), "{}", provider.only().head);
    let sent: Value = serde_json::from_str(&provider.body()).unwrap();
    assert!(sent.to_string().contains("I am [EMAIL]"), "{sent}");
    for other in ["stream", "store", "max_output_tokens"] {
        assert!(sent.get(other).is_none(), "{other}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_counts_the_same_in_every_dialect() {
    let sandbox = Gateway::sandbox().await;
    for dialect in ["anthropic", "gemini", "responses"] {
        let gateway = Gateway::without_plugins().upstream_in(dialect, &sandbox).start().await;
        let answer = ask(&gateway, asks("one two three")).await;
        assert_eq!(answer.json(), json!({"input_tokens": 5}), "{dialect}");
        let failed = ask(&gateway, asks("fail 429: no luck")).await;
        assert_eq!((failed.status, &failed.json()["type"]), (429, &json!("error")), "{dialect}");
        assert!(failed.error()["message"].as_str().unwrap().contains("no luck"), "{dialect}: {}", failed.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_is_refused_or_told() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let gateway = masking().upstream(&provider).start().await;
    let refused = ask(&gateway, asks("hello there")).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "untranslatable"), "{}", refused.text());
    assert_eq!((&refused.json()["type"], &refused.error()["param"]), (&json!("error"), &json!("input_tokens")));
    let settings = "translation.leave_out = ['input_tokens']";
    let gateway = masking().upstream(&provider).settings(settings).start().await;
    let told = ask(&gateway, asks("hello there")).await;
    // Three bytes each of `be kind` and `hello there`.
    assert_eq!(told.json(), json!({"input_tokens": 6}));
    assert_eq!(told.header("x-sluicegate-left-out"), Some("input_tokens"));
    assert_eq!(ask(&gateway, asks(&made_up("card").unwrap())).await.code(), "pii.blocked");
    assert_eq!(provider.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_count_is_passed_over() {
    let (openai, sandbox) = (Provider::saying(Reply::json("{}")).await, Gateway::sandbox().await);
    let gateway = Gateway::without_plugins().upstream(&openai).upstream_in("anthropic", &sandbox).start().await;
    assert_eq!(ask(&gateway, asks("one two three")).await.json(), json!({"input_tokens": 5}));
    assert_eq!(openai.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn to_count_is_a_request_and_takes_nothing_else() {
    let provider = Provider::saying(Reply::json("{\"input_tokens\":14}")).await;
    let limits =
        "tenants.default = { limits = { requests_per_minute = 3, tokens_per_day = 1000 }, budget = { day = '1' } }";
    for dialect in ["anthropic", "openai"] {
        let gateway = Gateway::without_plugins()
            .upstream_in(dialect, &provider)
            .settings("targets.target-1.prices = { input = '2', output = '8' }")
            .settings("translation.leave_out = ['input_tokens']\nstore.path = 's.db'")
            .settings(limits)
            .start()
            .await;
        for left in ["2", "1", "0"] {
            let answer = ask(&gateway, asks("hello there")).await;
            assert_eq!(answer.status, 200, "{dialect}: {}", answer.text());
            assert_eq!(answer.header("anthropic-ratelimit-requests-remaining"), Some(left), "{dialect}");
            assert_eq!(answer.header("anthropic-ratelimit-tokens-remaining"), Some("1000"), "{dialect}");
            assert_eq!(answer.header("x-sluicegate-cost-usd"), None, "{dialect}");
        }
        let refused = ask(&gateway, asks("hello there")).await;
        assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limit_exceeded"), "{dialect}");
    }
}

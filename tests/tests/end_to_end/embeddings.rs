//! Texts turned into vectors: the texts are looked at, the vectors are numbers.

use serde_json::{Value, json};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{Answer, Call, EMAIL, Gateway, Provider, Reply, Setup, standard};

const PATH: &str = "/v1/embeddings";

fn masking() -> Setup {
    Gateway::with_plugins([standard("pii").config("email = 'mask'\ncard = 'block'")])
}

fn ask(gateway: &Gateway, body: Value) -> Call {
    gateway.call("POST", PATH).body(body)
}

fn asks(input: impl Into<Value>) -> Value {
    json!({"model": "m", "input": input.into()})
}

fn vectors() -> String {
    json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -0.2]}], "model": "m",
        "usage": {"prompt_tokens": 1_000, "total_tokens": 1_000}})
    .to_string()
}

fn numbers(answer: &Answer, index: usize) -> Vec<f64> {
    let numbers = answer.json()["data"][index]["embedding"].clone();
    serde_json::from_value(numbers).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_dialect_on_both_sides_is_the_same_bytes() {
    let request = "{ \"input\" : [ \"h\\u0069\", \"two\" ], \"dimensions\":2.0,\"encoding_format\":\"float\", \"model\":\"m\",\n\
                   \"new\":{\"b\":1.0,\"a\":2} }";
    let answer = "{ \"data\":[ {\"embedding\":[ 1.50, -2e-3],\"index\":0,\"object\":\"embedding\"},\
                  {\"embedding\":\"zczMPQ==\",\"index\":1}],\"usage\":{\"prompt_tokens\":3},\"new\":[] }";
    for dialect in ["openai", "responses"] {
        let provider = Provider::saying(Reply::json(answer)).await;
        let plugins = Gateway::with_plugins([standard("pii"), standard("secrets")]);
        let gateway = plugins.upstream_in(dialect, &provider).start().await;
        let got = gateway.call("POST", PATH).body(request).header("authorization", "Bearer sk").await;
        assert_eq!(got.text(), answer, "{dialect}");
        let received = provider.only();
        assert_eq!(received.text(), request, "{dialect}");
        assert!(received.head.starts_with("POST /v1/embeddings "), "{}", received.head);
        assert_eq!(received.header("authorization"), Some("Bearer sk"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_is_looked_at_before_it_leaves() {
    let provider = Provider::saying(Reply::json(vectors())).await;
    let gateway = masking().upstream(&provider).start().await;
    let answer = ask(&gateway, asks(json!(["hi", format!("I am {EMAIL}")]))).receipts().await;
    assert_eq!((answer.status, answer.text()), (200, &*vectors()));
    assert_eq!(provider.body(), asks(json!(["hi", "I am [EMAIL]"])).to_string());
    assert!(answer.receipts().iter().any(|receipt| receipt.plugin == "pii"), "{:?}", answer.receipts());
    let card = made_up("card").unwrap();
    for input in [json!(card), json!(["hi", card])] {
        let answer = ask(&gateway, asks(input)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "pii.blocked"));
        assert_eq!(answer.json()["error"]["type"], "guardrail_denied");
    }
    for input in [json!([1, 2]), json!([[1, 2], [3]]), json!(["a", [3]])] {
        let answer = ask(&gateway, asks(input)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"));
        assert_eq!(answer.json()["error"]["param"], "input");
    }
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_beside_the_vectors_is_looked_at_too() {
    let with = |text: &str| vectors().replace("\"object\":\"list\"", &format!("\"note\":\"of {text}\""));
    let error = json!({"error": {"message": format!("no vector of {EMAIL}")}}).to_string();
    let replies = [
        Reply::json(with(EMAIL)),
        Reply::json(with(&made_up("card").unwrap())),
        Reply::json(error).status(400),
        Reply::events(["data: {\"a\":1}\n\n"]),
    ];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = masking().upstream(&provider).start().await;
    assert_eq!(ask(&gateway, asks("hi")).await.text(), with("[EMAIL]"));
    assert_eq!(ask(&gateway, asks("hi")).await.code(), "pii.blocked");
    let refused = ask(&gateway, asks("hi")).await;
    assert_eq!((refused.status, &refused.error()["message"]), (400, &json!("no vector of [EMAIL]")));
    // Vectors do not stream.
    let broken = ask(&gateway, asks("hi")).await;
    assert_eq!((broken.status, broken.code().as_str()), (502, "upstream_broken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_geminis_dialect_is_asked_in_its_words() {
    let answer = r#"{"embeddings":[{"values":[0.10,-2e-1]},{"values":[1]}],"usageMetadata":{"promptTokenCount":1000}}"#;
    let provider = Provider::saying(Reply::json(answer)).await;
    let gateway = masking()
        .upstream_in("gemini", &provider)
        .settings("targets.target-1 = { model = 'gemini-embedding-001', prices = { input = '2', output = '0' } }")
        .start()
        .await;
    let mut body = asks(json!(["hi", format!("I am {EMAIL}")]));
    body["dimensions"] = 2.into();
    let got = ask(&gateway, body.clone()).await;
    let request = |text: &str| json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, "outputDimensionality": 2});
    let sent: Value = serde_json::from_str(&provider.body()).unwrap();
    assert_eq!(sent, json!({"requests": [request("hi"), request("I am [EMAIL]")]}));
    let path = "POST /v1beta/models/gemini-embedding-001:batchEmbedContents ";
    assert!(provider.received()[0].head.starts_with(path), "{}", provider.received()[0].head);
    assert!(got.text().contains("\"embedding\":[0.10,-2e-1]"), "{}", got.text());
    assert_eq!(numbers(&got, 1), [1.0]);
    assert_eq!(got.json()["usage"], json!({"prompt_tokens": 1000, "total_tokens": 1000}));
    assert_eq!(got.header("x-sluicegate-cost-usd"), Some("0.002"));
    body["encoding_format"] = "base64".into();
    let got = ask(&gateway, body.clone()).await;
    assert_eq!(got.json()["data"][1]["embedding"], "AACAPw==", "{}", got.text());
    body["new"] = 1.into();
    let refused = ask(&gateway, body).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "untranslatable"));
    assert_eq!(refused.json()["error"]["param"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_has_the_same_vectors_in_every_dialect() {
    let sandbox = Gateway::sandbox().await;
    let mut said = Vec::new();
    for dialect in ["openai", "gemini", "responses"] {
        let gateway = Gateway::without_plugins().upstream_in(dialect, &sandbox).start().await;
        let answer = ask(&gateway, asks(json!(["a", "b"]))).await;
        assert_eq!(answer.json()["usage"]["prompt_tokens"], 2, "{}", answer.text());
        assert_ne!(numbers(&answer, 0), numbers(&answer, 1));
        said.push(numbers(&answer, 0));
        let failed = ask(&gateway, asks("fail 429: no luck")).await;
        assert_eq!(failed.status, 429, "{dialect}");
        assert!(failed.error()["message"].as_str().unwrap().contains("no luck"), "{dialect}: {}", failed.text());
    }
    assert!(said.iter().all(|vector| vector.len() == 8 && *vector == said[0]), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_vectors_is_passed_over_or_named() {
    let sandbox = Gateway::sandbox().await;
    for allowed in ["[]", "['*']"] {
        let settings = format!("translation.leave_out = {allowed}");
        let alone = Gateway::without_plugins().upstream_in("anthropic", &sandbox).settings(&settings).start().await;
        let refused = ask(&alone, asks("hi")).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "untranslatable"));
        let message = refused.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("turns no text into vectors") && message.contains("anthropic"), "{message}");
    }
    assert_eq!(sandbox.state().received, 0);
    let both = Gateway::without_plugins().upstream_in("anthropic", &sandbox).upstream(&sandbox).start().await;
    let answer = ask(&both, asks("hi")).receipts().await;
    assert_eq!(numbers(&answer, 0).len(), 8, "{}", answer.text());
    assert_eq!(answer.header("x-sluicegate-attempts").map(|said| said.ends_with(", target-2")), Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_targets_are_asked_again_and_the_next_one_too() {
    let (first, second) = (
        Provider::saying_in_turn([
            Reply::json("{}").status(503),
            Reply::json("no sense"),
            Reply::json("{}").status(500),
        ])
        .await,
        Provider::saying(Reply::json(vectors())).await,
    );
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&second).start().await;
    for _ in 0..3 {
        assert_eq!(ask(&gateway, asks("hi")).await.text(), vectors());
    }
    let provider = Provider::saying_in_turn([Reply::json("{}").status(503), Reply::json(vectors())]).await;
    let settings = "upstream = { retries_max = 1, retry_ms = 1 }";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(settings).start().await;
    assert_eq!(ask(&gateway, asks("hi")).await.text(), vectors());
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_costs_count() {
    let provider = Provider::saying(Reply::json(vectors())).await;
    let gateway = Gateway::without_plugins()
        .upstream(&provider)
        .settings("targets.target-1.prices = { input = '2', output = '8' }")
        .settings("tenants.default.limits = { requests_per_minute = 2, tokens_per_day = 5000 }\nstore.path = 's.db'")
        .start()
        .await;
    let left = |answer: &Answer| answer.header("x-ratelimit-remaining-tokens").unwrap().parse::<u64>().unwrap();
    // Three bytes of the text are a token, and there is no answer of tokens.
    let answer = ask(&gateway, asks("abc")).await;
    assert_eq!((answer.header("x-sluicegate-cost-usd"), left(&answer)), (Some("0.002"), 4_999));
    let answer = ask(&gateway, asks("abc")).await;
    assert_eq!(left(&answer), 3_999, "what was used of the first counts");
    let answer = ask(&gateway, asks("abc")).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limit_exceeded"));
}

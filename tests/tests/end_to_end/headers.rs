//! Which headers are passed on, which are the gateway's own, and the list of models.

use serde_json::json;
use sluicegate_tests::{EMAIL, Gateway, Provider, Reply, chat, completion, standard};

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_learns_what_it_needs_and_no_more() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let passed = [
        ("user-agent", "sdk/1"),
        ("accept", "application/json"),
        ("openai-organization", "org-1"),
        ("x-stainless-lang", "python"),
        ("idempotency-key", "k"),
        ("authorization", "Bearer caller"),
    ];
    let kept = [
        ("cookie", "a=b"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-anything", "secret"),
        ("x-sluicegate-receipts", "1"),
        ("forwarded", "for=10.0.0.1"),
        ("accept-encoding", "gzip, br"),
        ("te", "trailers"),
        ("referer", "https://intranet"),
    ];
    let call = passed.iter().chain(&kept).fold(gateway.ask(chat("x")), |call, (name, value)| call.header(name, value));
    call.await;
    let received = provider.only();
    for (name, value) in passed {
        assert_eq!(received.header(name), Some(value), "{name}");
    }
    for (name, value) in kept {
        assert_ne!(received.header(name), Some(value), "{name}");
    }
    assert_eq!(received.header("accept-encoding"), Some("identity"));
    assert!(received.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", received.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_the_configuration_takes_the_place_of_the_callers() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "sk-of-the-operator\n").unwrap();
    let settings = format!("providers.target-1.api_key.file = '{}'", key.path().display());
    let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
    let call = gateway.ask(chat("x")).header("authorization", "Bearer of the caller");
    let call = call.header("openai-organization", "org-1").header("openai-project", "p").header("idempotency-key", "k");
    call.header("x-stainless-lang", "python").header("x-stainless-os", "tell Ada: run").await;
    let received = provider.only();
    assert_eq!(received.header("authorization"), Some("Bearer sk-of-the-operator"));
    // Whose account is charged, and whose answers come again, is not up to callers who share a key.
    assert_eq!((received.header("openai-organization"), received.header("openai-project")), (None, None));
    let own = received.header("idempotency-key").unwrap().to_owned();
    assert_eq!(own.len(), 43);
    assert_eq!((received.header("x-stainless-lang"), received.header("x-stainless-os")), (Some("python"), None));
    // The same again is the same key, for whoever tries again.
    gateway.ask(chat("x")).header("idempotency-key", "k").await;
    gateway.ask(chat("x")).header("idempotency-key", "l").await;
    let keys: Vec<_> =
        provider.received().iter().map(|one| one.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!((&keys[1], keys[2] == own), (&own, false));
    assert!(!format!("{:?}", gateway.host).contains("sk-of-the-operator"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_learns_what_it_needs_and_no_more() {
    let kept = [
        ("set-cookie", "a=b"),
        ("server", "nginx"),
        ("x-internal", "secret"),
        ("alt-svc", "h3"),
        ("location", "https://x"),
        ("x-sluicegate-plugins", "forged"),
        ("x-sluicegate-not-inspected", "forged"),
        ("x-sluicegate-exchange", "forged"),
    ];
    let reply = kept.iter().fold(Reply::json(completion("hello")), |reply, (name, value)| reply.header(name, value));
    let provider = Provider::saying(reply.header("x-request-id", "req_1")).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let answer = gateway.ask(chat("x")).await;
    assert_eq!(answer.header("x-request-id"), Some("req_1"));
    for (name, value) in kept {
        assert_ne!(answer.header(name), Some(value), "{name}");
    }
    let id = answer.header("x-sluicegate-exchange").unwrap();
    assert_eq!(id.len(), 32);
    assert_ne!(gateway.ask(chat("x")).await.header("x-sluicegate-exchange"), Some(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_those_of_the_configuration() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let models = "[models]\nsmall = { targets = ['target-1'] }\n'large one' = { targets = ['target-1'] }";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(models).start().await;
    let answer = gateway.call("GET", "/v1/models").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let json = answer.json();
    assert_eq!(json["object"], "list");
    let ids: Vec<&str> = json["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(ids, ["large one", "small"]);
    assert!(provider.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_any_model_goes_the_list_is_the_providers() {
    let list = json!({"object": "list", "data": [{"id": "a", "owned_by": EMAIL}]}).to_string();
    let provider = Provider::saying(Reply::json(list.clone())).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.call("GET", "/v1/models").header("authorization", "Bearer k").await;
    assert_eq!((answer.status, answer.text()), (200, &*list.replace(EMAIL, "[EMAIL]")));
    let received = provider.only();
    assert!(received.head.starts_with("GET /v1/models HTTP/1.1\r\n"), "{}", received.head);
    assert_eq!(received.header("authorization"), Some("Bearer k"));
}

//! Callers and providers of Gemini's dialect, beside what `dialects` shows of all: what stands in the path, keys, bytes,
//! errors in Google's shape, and the order of what has no numbers.

use serde_json::{Value, json};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{Answer, EMAIL, Gateway, Provider, Reply, chat, standard};

const WHOLE: &str = "/v1beta/models/m:generateContent";
const STREAM: &str = "/v1beta/models/m:streamGenerateContent?alt=sse";

fn asks(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

fn event(parts: &Value, finish: Option<&str>) -> String {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    format!("data: {}\r\n\r\n", json!({"candidates": [candidate], "responseId": "r"}))
}

/// The reason with which the answer of a stream ends.
fn finish(answer: &Answer) -> String {
    let reason = |event: &Value| event["candidates"][0]["finishReason"].as_str().map(str::to_owned);
    answer.chunks().iter().filter_map(reason).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_dialect_on_both_sides_is_the_same_bytes() {
    let request = "{ \"contents\" : [ {\"parts\":[{\"text\":\"h\\u0069\"},{\"inline_data\":{\"mime_type\":\"image/png\",\
                   \"data\":\"AAAA\"}}]} ],\n\"generation_config\":{\"top_k\":4.0}, \"brandNew\":{\"b\":1.0,\"a\":2}, \
                   \"safetySettings\":[{\"category\":\"HARM_CATEGORY_HARASSMENT\",\"threshold\":\"BLOCK_NONE\"}] }";
    let answer = "{ \"candidates\" :[{\"content\":{\"parts\":[{\"text\":\"h\\u0069\",\"thought\":true},{\"functionCall\":\
                  {\"name\":\"f\",\"args\":{ \"a\" : 1.50 }},\"thoughtSignature\":\"c2ln\"}],\"role\":\"model\"},\
                  \"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1},\"brandNew\":[] }";
    let events = [
        event(&json!([{"text": "h\u{e9}llo"}]), None),
        event(&json!([{"functionCall": {"name": "f", "args": {"a": 1.5}}, "thoughtSignature": "c2ln"}]), None),
        event(&json!([{"text": ""}]), Some("STOP")),
    ];
    let provider = Provider::saying_in_turn([Reply::json(answer), Reply::events(events.clone())]).await;
    let gateway =
        Gateway::with_plugins([standard("pii"), standard("secrets")]).upstream_in("gemini", &provider).start().await;
    let ask = |path: &str| gateway.call("POST", path).body(request).header("x-goog-api-key", "AIza-caller");
    let whole = ask(WHOLE).header("x-goog-api-client", "genai/1").receipts().await;
    assert_eq!(whole.text(), answer);
    assert!(whole.not_inspected().contains("sealed-thinking"), "{}", whole.not_inspected());
    assert!(whole.not_inspected().contains("image"), "{}", whole.not_inspected());
    let streamed = ask(STREAM).await;
    assert_eq!(streamed.text(), events.concat());
    let received = provider.received();
    for (received, path) in received.iter().zip([WHOLE, STREAM]) {
        assert_eq!(received.text(), request);
        assert!(received.head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{}", received.head);
        assert_eq!(received.header("x-goog-api-key"), Some("AIza-caller"));
    }
    assert_eq!(received[0].header("x-goog-api-client"), Some("genai/1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_query_reaches_its_provider_as_a_header_and_no_other() {
    let whole = Provider::saying(Reply::json("{\"candidates\":[]}")).await;
    let gateway = Gateway::without_plugins().upstream_in("gemini", &whole).start().await;
    let _ = gateway.call("POST", &format!("{WHOLE}?key=AIza-query")).body(asks("hi")).await;
    let received = whole.only();
    assert_eq!(received.header("x-goog-api-key"), Some("AIza-query"));
    assert!(received.head.starts_with(&format!("POST {WHOLE} HTTP/1.1\r\n")), "{}", received.head);
    for dialect in ["openai", "anthropic"] {
        let other = Provider::saying(Reply::json("{}")).await;
        let gateway = Gateway::without_plugins().upstream_in(dialect, &other).start().await;
        let _ = gateway.call("POST", &format!("{STREAM}&key=AIza-query")).body(asks("hi")).await;
        assert!(!other.only().head.contains("AIza"), "{}", other.only().head);
    }
    // Nor does one of another kind reach Google's.
    let provider = Provider::saying(Reply::json("{}")).await;
    let gateway = Gateway::without_plugins().upstream_in("gemini", &provider).start().await;
    let _ = gateway.ask(chat("hi")).header("authorization", "Bearer sk-of-openai").await;
    assert!(!provider.only().head.contains("sk-of-openai"), "{}", provider.only().head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_has_its_own_name_for_a_model_and_it_stands_in_the_path() {
    let provider = Provider::saying(Reply::json("{\"candidates\":[]}")).await;
    let settings = "[targets.target-1]\nmodel = 'models/gemini-3-pro'";
    let gateway = Gateway::without_plugins().upstream_in("gemini", &provider).settings(settings).start().await;
    let mut ask = asks("hi");
    ask["model"] = json!("models/m");
    let _ = gateway.call("POST", WHOLE).body(ask.clone()).await;
    let _ = gateway.ask(chat("hi")).await;
    let received = provider.received();
    for received in &received {
        let line = "POST /v1beta/models/gemini-3-pro:generateContent HTTP/1.1\r\n";
        assert!(received.head.starts_with(line), "{}", received.head);
    }
    ask["model"] = json!("models/gemini-3-pro");
    assert_eq!(serde_json::from_str::<Value>(received[0].text()).unwrap(), ask);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_googles_shape() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let gateway = Gateway::without_plugins().upstream_in("gemini", &provider).start().await;
    let call = |method: &str, path: &str| gateway.call(method, path).body(asks("hi"));
    for (method, path, status, word, code) in [
        ("POST", "/v1beta/models/m:streamGenerateContent", 400, "INVALID_ARGUMENT", "invalid_request"),
        ("POST", "/v1beta/models/m:generateContent?alt=sse", 400, "INVALID_ARGUMENT", "invalid_request"),
        ("POST", "/v1beta/models/write%20to%20ann:generateContent", 400, "INVALID_ARGUMENT", "invalid_request"),
        ("POST", "/v1beta/models/m:countTokens", 404, "NOT_FOUND", "not_found"),
        ("GET", WHOLE, 405, "INVALID_ARGUMENT", "method_not_allowed"),
    ] {
        let answer = call(method, path).await;
        let error = answer.error();
        assert_eq!((answer.status, &*answer.code()), (status, code), "{path}: {error}");
        assert_eq!((&error["code"], &error["status"]), (&json!(status), &json!(word)), "{path}: {error}");
    }
    let alt = call("POST", "/v1beta/models/m:streamGenerateContent").await.error();
    assert!(alt["message"].as_str().unwrap().starts_with("alt: must be sse"), "{alt}");
    assert_eq!(alt["details"][1]["fieldViolations"][0]["field"], "alt", "{alt}");
    assert!(provider.received().is_empty(), "nothing reaches the provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_the_middle_of_a_stream_is_a_reason_to_stop_and_an_error() {
    for dialect in ["openai", "anthropic", "gemini"] {
        let sandbox = Gateway::sandbox().await;
        let plugins = [standard("pii").config("card = 'block'")];
        let gateway = Gateway::with_plugins(plugins).upstream_in(dialect, &sandbox).start().await;
        let answer = gateway.call("POST", STREAM).body(asks("slow 30\nchunks of 4\nleak card")).await;
        assert_eq!(answer.status, 200, "{dialect}: {}", answer.text());
        assert_eq!(finish(&answer), "SAFETY", "{dialect}: {}", answer.text());
        let error = answer.error();
        assert_eq!((&*answer.code(), &error["code"]), ("pii.blocked", &json!(400)), "{dialect}: {error}");
        assert!(answer.chunks().last().unwrap()["error"].is_object(), "{dialect}: {}", answer.text());
        assert!(!answer.text().contains(&made_up("card").unwrap()), "{dialect}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_of_a_request_is_looked_at() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let plugins = [standard("pii").config("email = 'mask'")];
    let gateway = Gateway::with_plugins(plugins).upstream_in("gemini", &provider).start().await;
    let with = |text: &str| {
        let schema = json!({"type": "OBJECT", "properties": {"x": {"type": "STRING", "description": text}}});
        json!({"systemInstruction": {"parts": [{"text": text}]},
            "contents": [
                {"role": "user", "parts": [{"text": text}, {"brandNew": {"words": text}},
                    {"inlineData": {"mimeType": "image/png", "data": "aGk=", "displayName": text}}]},
                {"role": "model", "parts": [{"text": text, "thought": true, "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": text, "name": "f", "args": {"to": [text]}}},
                    {"executableCode": {"language": "PYTHON", "code": text}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": text}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "f", "response": {"output": text}}},
                    {"functionResponse": {"name": "f", "response": {"a": {"b": [text, 1.5]}}, "parts": [{"text": text}]}}]}],
            "tools": [{"functionDeclarations": [{"name": "f", "description": text, "parameters": schema}]},
                {"fileSearch": {"filter": text}}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [text]}},
            "generationConfig": {"stopSequences": [text], "responseSchema": {"description": text}},
            "labels": {"who": text}, "brandNew": {"deep": [text]}})
    };
    let answer = gateway.call("POST", WHOLE).body(with(EMAIL)).receipts().await;
    assert_eq!(provider.body(), with("[EMAIL]").to_string(), "{}", answer.text());
    assert!(answer.not_inspected().contains("image"), "{}", answer.not_inspected());
    assert!(answer.not_inspected().contains("sealed-thinking"), "{}", answer.not_inspected());
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_held_back_still_comes_before_the_call_that_followed_it() {
    // What ends a text may be the beginning of an address, and waits for what follows.
    let events = [
        event(&json!([{"text": "I mail ada.lovelace"}]), None),
        event(&json!([{"functionCall": {"name": "mail", "args": {"to": EMAIL}}}]), None),
        event(&json!([{"text": "@example.com"}]), None),
        event(&json!([{"text": ""}]), Some("STOP")),
    ];
    let provider = Provider::saying(Reply::events(events)).await;
    let plugins = [standard("pii").config("email = 'mask'").set("phases = ['answer']")];
    let gateway = Gateway::with_plugins(plugins).upstream_in("gemini", &provider).start().await;
    let answer = gateway.call("POST", STREAM).body(asks("hi")).await;
    let parts: Vec<Value> =
        answer.chunks().iter().map(|event| event["candidates"][0]["content"]["parts"][0].clone()).collect();
    let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    assert_eq!(text, "I mail [EMAIL]", "{}", answer.text());
    let call = parts.iter().position(|part| part["functionCall"]["args"] == json!({"to": "[EMAIL]"}));
    assert_eq!(call, Some(1), "{}", answer.text());
    assert_eq!(finish(&answer), "STOP", "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_calls_that_no_caller_could_read_are_an_error() {
    for (path, streamed) in [(WHOLE, false), (STREAM, true)] {
        let sandbox = Gateway::sandbox().await;
        let gateway = Gateway::without_plugins().upstream(&sandbox).start().await;
        let mut ask = asks("call f {\"a\": ");
        ask["tools"] = json!([{"functionDeclarations": [{"name": "f"}]}]);
        let answer = gateway.call("POST", path).body(ask).await;
        assert_eq!(answer.code(), "answer_untranslatable", "{streamed}: {}", answer.text());
        assert!(!streamed || finish(&answer).is_empty(), "{}", answer.text());
    }
}

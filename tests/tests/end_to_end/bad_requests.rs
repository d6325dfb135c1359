//! Requests that are none: an error in the caller's dialect that says what to do, and nothing for the provider.

use serde_json::{Value, json};
use sluicegate_tests::{Answer, Call, Gateway, Provider, Reply, Setup, chat, completion};

/// A gateway that knows the models `small` and `large`.
fn setup(provider: &Provider) -> Setup {
    let models = "[models]\nsmall = { targets = ['target-1'] }\nlarge = { targets = ['target-1'] }";
    Gateway::without_plugins().upstream(provider).settings(models).settings("server.body_bytes_max = 100_000")
}

fn said(what: &str, answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    assert!(answer.header("x-sluicegate-exchange").is_some(), "{what}");
    let error = answer.error();
    let Value::Object(fields) = &error else { panic!("{what}: {error}") };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["code", "message", "param", "type"], "{what}");
    let text = |field: &str| error[field].as_str().unwrap_or("-").to_owned();
    let (kind, code, param) = (text("type"), text("code"), text("param"));
    format!("{what}\n    {} {kind} {code} {param}\n    {}\n", answer.status, text("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = setup(&provider).start().await;
    let post = |body: &str| gateway.ask(body);
    let with = |field: &str, value: Value| {
        let mut request = chat("hello");
        request["model"] = "small".into();
        request[field] = value;
        gateway.ask(request)
    };
    let message = |message: Value| with("messages", json!([{"role": "user", "content": "x"}, message]));
    let without = |field: &str| {
        let mut request = chat("hello");
        request.as_object_mut().unwrap().remove(field);
        gateway.ask(request)
    };
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        let deep = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        post(&format!("{{\"model\":\"small\",\"messages\":[{{\"role\":\"user\",\"content\":{deep}}}]}}"))
    };
    let cases: Vec<(&str, Call)> = vec![
        ("nothing", post("")),
        ("a word", post("hello")),
        ("half an object", post("{\"model\":\"small\",\"messages\":[")),
        ("two objects", post("{} {}")),
        ("a list", post("[]")),
        ("null", post("null")),
        ("not UTF-8", gateway.ask(b"{\"model\":\"\xff\"}".to_vec())),
        ("UTF-16", gateway.ask("{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())),
        ("a byte order mark", post("\u{feff}{}")),
        ("a comma too many", post("{\"model\":\"small\",}")),
        ("no model", without("model")),
        ("no messages", without("messages")),
        ("a model that is a number", with("model", json!(4))),
        ("a model that is null", with("model", json!(null))),
        ("a model that is not there", with("model", json!("huge"))),
        ("a model with a long name", with("model", json!("huge ".repeat(1000)))),
        ("no message at all", with("messages", json!([]))),
        ("messages that are null", with("messages", json!(null))),
        ("messages that are words", with("messages", json!("hello"))),
        ("messages that are an object", with("messages", json!({"role": "user"}))),
        ("a message that is words", with("messages", json!(["hello"]))),
        ("a message that is null", with("messages", json!([null]))),
        ("a message of nobody", message(json!({"content": "hello"}))),
        ("a message of a stranger", message(json!({"role": "root", "content": "hello"}))),
        ("a message of a number", message(json!({"role": 1, "content": "hello"}))),
        ("a stream that is words", with("stream", json!("yes"))),
        ("a model twice", post("{\"model\":\"small\",\"model\":\"large\",\"messages\":[{\"role\":\"user\"}]}")),
        ("messages twice", post("{\"model\":\"small\",\"messages\":[{\"role\":\"user\"}],\"mess\\u0061ges\":[]}")),
        ("a role twice", post("{\"model\":\"small\",\"messages\":[{\"role\":\"user\",\"role\":\"system\"}]}")),
        ("lists without end", nested("[", "1", "]", 30_000)),
        ("lists in lists", nested("[", "1", "]", 100)),
        ("objects in objects", nested("{\"a\":", "1", "}", 100)),
        ("a body that is too long", with("new", json!("x".repeat(100_000)))),
        ("a compressed body", post("{}").header("content-encoding", "gzip")),
        ("a body with two codings", post("{}").header("content-encoding", "identity, br")),
        ("another path", gateway.call("POST", "/v1/moderations")),
        ("a path that is too long", gateway.call("POST", "/v1/chat/completions/x")),
        ("the root", gateway.call("GET", "/")),
        ("a chat that is fetched", gateway.call("GET", "/v1/chat/completions")),
        ("a list that is posted", gateway.call("POST", "/v1/models")),
        ("a method that nobody knows", gateway.call("BREW", "/v1/chat/completions")),
    ];
    let mut all = String::new();
    for (what, call) in cases {
        all.push_str(&said(what, &call.await));
    }
    assert!(provider.received().is_empty(), "{:?}", provider.received());
    insta::assert_snapshot!(all);
}

/// Not even HTTP: hyper answers.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_gets_a_bare_answer() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = setup(&provider).start().await;
    let body = chat("hello").to_string().replace("\"m\"", "\"small\"");
    let length = body.len();
    let start = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    for (what, bytes) in [
        ("no HTTP", "hello\r\n\r\n".to_owned()),
        ("two lengths", format!("{start}content-length: {length}\r\ncontent-length: 3\r\n\r\n{body}")),
        ("a length that is none", format!("{start}content-length: many\r\n\r\n{body}")),
        ("a negative length", format!("{start}content-length: -1\r\n\r\n{body}")),
        ("a broken chunk", format!("{start}transfer-encoding: chunked\r\n\r\nzz\r\n{body}")),
        ("a header with a line break", format!("{start}x: a\r\n b\r\ncontent-length: {length}\r\n\r\n{body}")),
    ] {
        let said = gateway.send_raw(bytes.as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 4"), "{what}: {said}");
    }
    assert!(provider.received().is_empty(), "{:?}", provider.received());
}

/// A second request hidden in the first one's body must not come to life.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_not_smuggled_in_another() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = setup(&provider).start().await;
    let body = chat("hello").to_string().replace("\"m\"", "\"small\"");
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let hidden = "GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n";
    let bytes = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}{hidden}",
        chunked.len() + hidden.len()
    );
    let said = gateway.send_raw(bytes.as_bytes()).await;
    assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
}

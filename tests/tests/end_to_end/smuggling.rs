//! Requests in which another is hidden, for whoever counts their bytes in another way: the hidden one never comes to
//! life. And requests that say a thing twice, for whoever reads the other one.

use serde_json::{Value, json};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{Gateway, Provider, Reply, chat, completion, standard};

/// A request that is to be found nowhere.
fn hidden() -> String {
    let body = chat("the hidden one").to_string();
    format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn body() -> String {
    chat("the visible one").to_string()
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

const START: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n";

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    /// Not as far as the provider.
    Refused,
    /// To the provider, as the only one.
    Alone,
}

async fn gateway(provider: &Provider) -> Gateway {
    // Whatever is left open is closed soon.
    Gateway::without_plugins()
        .upstream(provider)
        .settings("server.header_ms = 1000\nserver.body_ms = 1000")
        .start()
        .await
}

/// Send each of these, and look what came of it.
async fn send(cases: Vec<(&str, Comes, String)>) {
    for (what, comes, bytes) in cases {
        let provider = Provider::saying(Reply::json(completion("hello"))).await;
        let said = gateway(&provider).await.send_raw(bytes.as_bytes()).await;
        let received: Vec<String> = provider.received().iter().map(|request| request.text().to_owned()).collect();
        match comes {
            Comes::Refused => {
                assert!(said.starts_with("HTTP/1.1 4"), "{what}: {said}");
                assert!(received.is_empty(), "{what}: {received:?}");
            }
            Comes::Alone => {
                assert!(said.starts_with("HTTP/1.1 200 "), "{what}: {said}");
                assert_eq!(received, [body()], "{what}");
            }
        }
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{what}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ways_to_say_how_long_a_request_is() {
    let (hidden, body) = (hidden(), body());
    let (chunks, length) = (chunked(&body), body.len());
    let with = |headers: String, body: &str| format!("{START}{headers}\r\n{body}");
    let both = chunks.len() + hidden.len();
    let behind = format!("{chunks}{hidden}");
    let inside = format!("0\r\n\r\n{hidden}");
    send(vec![
        // The chunks count (RFC 9112, section 6.1), and nothing else is read from this connection.
        (
            "a length and chunks",
            Comes::Alone,
            with(format!("content-length: {both}\r\ntransfer-encoding: chunked\r\n"), &behind),
        ),
        (
            "chunks and a length",
            Comes::Alone,
            with(format!("transfer-encoding: chunked\r\ncontent-length: {both}\r\n"), &behind),
        ),
        (
            "a length, and chunks that end at once",
            Comes::Refused,
            with(format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", inside.len()), &inside),
        ),
        (
            "chunks behind a bare line feed",
            Comes::Alone,
            with(format!("x: y\ntransfer-encoding: chunked\r\ncontent-length: {both}\r\n"), &behind),
        ),
        ("a coding that is nearly it", Comes::Refused, with("transfer-encoding: xchunked\r\n".into(), &behind)),
        (
            "the same, with a length",
            Comes::Refused,
            with(format!("transfer-encoding: xchunked\r\ncontent-length: {length}\r\n"), &behind),
        ),
        (
            "a coding behind the chunks",
            Comes::Refused,
            with("transfer-encoding: chunked, identity\r\n".into(), &behind),
        ),
        (
            "a coding on another line",
            Comes::Refused,
            with("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".into(), &behind),
        ),
        ("a coding in quotes", Comes::Refused, with("transfer-encoding: \"chunked\"\r\n".into(), &behind)),
        ("a coding with a vertical tab", Comes::Refused, with("transfer-encoding: \u{b}chunked\r\n".into(), &behind)),
        ("no coding", Comes::Refused, with(format!("transfer-encoding:\r\ncontent-length: {length}\r\n"), &behind)),
        (
            "chunks in HTTP/1.0",
            Comes::Refused,
            with("transfer-encoding: chunked\r\n".into(), &behind).replacen("1.1", "1.0", 1),
        ),
        (
            "two lengths in one",
            Comes::Refused,
            with(format!("content-length: {length}, {both}\r\n"), &format!("{body}{hidden}")),
        ),
        (
            "a length with a sign",
            Comes::Refused,
            with(format!("content-length: +{length}\r\n"), &format!("{body}{hidden}")),
        ),
        (
            "a length in another system",
            Comes::Refused,
            with(format!("content-length: 0x{length:x}\r\n"), &format!("{body}{hidden}")),
        ),
        (
            "a length that is too long to be one",
            Comes::Refused,
            with("content-length: 18446744073709551617\r\n".into(), &body),
        ),
        ("an empty length", Comes::Refused, with("content-length:\r\n".into(), &format!("{body}{hidden}"))),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_others_read_in_another_way() {
    let (hidden, body) = (hidden(), body());
    let length = body.len();
    let behind = format!("{body}{hidden}");
    let with = |headers: String| format!("{START}connection: close\r\n{headers}\r\n{behind}");
    send(vec![
        ("a space before the colon", Comes::Refused, with(format!("content-length : {length}\r\n"))),
        ("a tab before the colon", Comes::Refused, with(format!("content-length\t: {length}\r\n"))),
        ("a line that goes on", Comes::Refused, with(format!("content-length:\r\n {length}\r\n"))),
        ("a header that goes on before the first", Comes::Refused, format!("POST /v1/chat/completions HTTP/1.1\r\n host: x\r\ncontent-length: {length}\r\n\r\n{behind}")),
        ("a bare carriage return in a value", Comes::Refused, with(format!("x: y\rtransfer-encoding: chunked\r\ncontent-length: {length}\r\n"))),
        ("a bare carriage return in a name", Comes::Refused, with(format!("x\r: y\r\ncontent-length: {length}\r\n"))),
        ("a null byte in a value", Comes::Refused, with(format!("x: y\0z\r\ncontent-length: {length}\r\n"))),
        ("a header without a name", Comes::Refused, with(format!(": y\r\ncontent-length: {length}\r\n"))),
        ("a header without a colon", Comes::Refused, with(format!("x\r\ncontent-length: {length}\r\n"))),
        ("a space in the target", Comes::Refused, with(format!("content-length: {length}\r\n")).replacen("completions HTTP", "completions x HTTP", 1)),
        ("a line feed in the target", Comes::Refused, with(format!("content-length: {length}\r\n")).replacen("completions HTTP", "completions\nx: HTTP", 1)),
        ("another version", Comes::Refused, with(format!("content-length: {length}\r\n")).replacen("HTTP/1.1", "HTTP/1.2", 1)),
        ("an upgrade", Comes::Alone, format!("{START}connection: close, upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\ncontent-length: {length}\r\n\r\n{behind}")),
        ("another host in the target", Comes::Alone, with(format!("content-length: {length}\r\n")).replacen("/v1", "http://elsewhere.example/v1", 1)),
        ("a tunnel", Comes::Refused, with("content-length: 0\r\n".into()).replacen("POST /v1/chat/completions", "CONNECT elsewhere.example:80", 1)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_others_count_in_another_way() {
    let (hidden, body) = (hidden(), body());
    let size = format!("{:x}", body.len());
    let with =
        |chunks: String| format!("{START}connection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{hidden}");
    send(vec![
        ("a chunk with an extension", Comes::Alone, with(format!("{size};a=b;c=\"d\"\r\n{body}\r\n0;e\r\n\r\n"))),
        (
            "a trailer",
            Comes::Alone,
            with(format!("{size}\r\n{body}\r\n0\r\ncontent-length: 3\r\nx-api-key: k\r\n\r\n")),
        ),
        ("a size of many digits", Comes::Refused, with(format!("1{:0>16}\r\n{body}\r\n0\r\n\r\n", size))),
        ("the largest size", Comes::Refused, with(format!("ffffffffffffffff\r\n{body}\r\n0\r\n\r\n"))),
        ("a size with a sign", Comes::Refused, with(format!("+{size}\r\n{body}\r\n0\r\n\r\n"))),
        ("a size with a prefix", Comes::Refused, with(format!("0x{size}\r\n{body}\r\n0\r\n\r\n"))),
        ("no size", Comes::Refused, with(format!("\r\n{body}\r\n0\r\n\r\n"))),
        ("a line feed in an extension", Comes::Refused, with(format!("{size};a\n{body}\r\n0\r\n\r\n"))),
        (
            "extensions without end",
            Comes::Refused,
            with(format!("{size};{}\r\n{body}\r\n0\r\n\r\n", "a".repeat(100_000))),
        ),
        ("a chunk that is longer than it says", Comes::Refused, with(format!("{size}\r\n{body}xx\r\n0\r\n\r\n"))),
        ("a bare line feed for an end", Comes::Refused, with(format!("{size}\n{body}\n0\n\n"))),
    ])
    .await;
}

/// What nobody reads must not be taken for the next request.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_reads_is_no_request() {
    let hidden = hidden();
    let (length, chunks) = (hidden.len(), chunked(&hidden));
    for start in ["GET /v1/models", "POST /v1/models", "POST /nothing", "GET /v1/chat/completions"] {
        for bytes in [
            format!("{start} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{hidden}"),
            format!("{start} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"),
            format!("{start} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n{hidden}"),
        ] {
            let provider = Provider::saying(Reply::json("{\"data\":[]}")).await;
            let said = gateway(&provider).await.send_raw(bytes.as_bytes()).await;
            let answers = said.matches("HTTP/1.1 ").count() - said.matches("HTTP/1.1 100 ").count();
            assert_eq!(answers, 1, "{start}: {said}");
            let received = provider.received();
            assert!(received.iter().all(|request| !request.text().contains("hidden")), "{start}: {received:?}");
        }
    }
}

/// Whoever sends two requests at once has sent two: each is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_right_behind_another_is_one_like_any_other() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [standard("pii").config("card = 'block'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    let (first, second) = (body(), chat(&made_up("card").unwrap()).to_string());
    let (first_length, second_length) = (first.len(), second.len());
    let said = gateway
        .send_raw(
            format!(
                "{START}content-length: {first_length}\r\n\r\n{first}\
                 {START}connection: close\r\ncontent-length: {second_length}\r\n\r\n{second}"
            )
            .as_bytes(),
        )
        .await;
    let statuses: Vec<&str> = said.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "400"], "{said}");
    assert_eq!(provider.body(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_learns_only_its_own_name_and_no_header_of_the_connection() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let body = body();
    let said = gateway
        .send_raw(
            format!(
                "POST http://elsewhere.example/v1/chat/completions HTTP/1.1\r\nhost: another.example\r\n\
                 connection: close, Authorization, x-stainless-lang\r\nconnection: idempotency-key\r\n\
                 authorization: Bearer caller\r\nx-stainless-lang: rust\r\nidempotency-key: k\r\nuser-agent: sdk/1\r\n\
                 keep-alive: timeout=5\r\nproxy-authorization: Basic x\r\nproxy-connection: keep-alive\r\n\
                 x-forwarded-host: elsewhere.example\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        )
        .await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    let received = provider.only();
    assert_eq!(received.header("host"), Some(&*provider.address.to_string()));
    assert_eq!(received.header("user-agent"), Some("sdk/1"));
    let head = received.head.to_ascii_lowercase();
    for name in ["authorization", "x-stainless-lang", "idempotency-key", "keep-alive", "elsewhere", "another"] {
        assert!(!head.contains(name), "{name}: {head}");
    }
}

/// Bodies in which a name stands twice, once with harmless text and once with what is forbidden.
fn said_twice(text: &str) -> Vec<(&'static str, &'static str, String)> {
    let twice = |body: &Value, name: &str, other: &Value| {
        let (text, other) = (body.to_string(), other.to_string());
        let at = text.find(&format!("\"{name}\":")).unwrap();
        let written: String = name.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
        // As it is, and in an escaped form: other readers take it for the same name.
        [name, &written].map(|name| format!("{}\"{name}\":{other},{}", &text[..at], &text[at..]))
    };
    let message = |text: &str| json!([{"role": "user", "content": text}]);
    let contents = |text: &str| json!([{"role": "user", "parts": [{"text": text}]}]);
    let system = |text: &str| json!({"parts": [{"text": text}]});
    let open_ai = json!({"model": "m", "messages": message("hi")});
    let anthropic = json!({"model": "m", "max_tokens": 9, "messages": message("hi"), "system": "hi"});
    let gemini = json!({"contents": contents("hi"), "systemInstruction": system("hi")});
    let responses = json!({"model": "m", "input": message("hi"), "instructions": "hi"});
    let (chat, messages, responds) = ("/v1/chat/completions", "/v1/messages", "/v1/responses");
    let generates = "/v1beta/models/m:generateContent";
    let cases = [
        ("openai", chat, &open_ai, "messages", message(text)),
        ("openai", chat, &open_ai, "model", json!(text)),
        ("openai", chat, &open_ai, "content", json!(text)),
        ("anthropic", messages, &anthropic, "messages", message(text)),
        ("anthropic", messages, &anthropic, "model", json!(text)),
        ("anthropic", messages, &anthropic, "system", json!(text)),
        ("anthropic", messages, &anthropic, "content", json!(text)),
        ("gemini", generates, &gemini, "contents", contents(text)),
        ("gemini", generates, &gemini, "systemInstruction", system(text)),
        ("gemini", generates, &gemini, "text", json!(text)),
        ("responses", responds, &responses, "input", message(text)),
        ("responses", responds, &responses, "model", json!(text)),
        ("responses", responds, &responses, "instructions", json!(text)),
        ("responses", responds, &responses, "content", json!(text)),
    ];
    let each = |(dialect, path, body, name, other): (_, _, &Value, &str, Value)| {
        twice(body, name, &other).map(|body| (dialect, path, body))
    };
    cases.into_iter().flat_map(each).collect()
}

/// What the guardrails see is what the provider reads, whichever of the two it goes by.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_stands_twice_hides_nothing() {
    let card = made_up("card").unwrap();
    for ((dialect, path, harmless), (_, _, forbidden)) in said_twice("ho").into_iter().zip(said_twice(&card)) {
        let provider = Provider::saying(Reply::json("{}")).await;
        let plugins = [standard("pii").config("card = 'block'")];
        let gateway = Gateway::with_plugins(plugins).upstream_in(dialect, &provider).start().await;
        let answer = gateway.call("POST", path).body(&*forbidden).await;
        assert_eq!(answer.status, 400, "{path} {forbidden}: {}", answer.text());
        assert!(provider.received().is_empty(), "{path}: {:?}", provider.received());
        // What is looked at twice may pass: both of it, as it came.
        let answer = gateway.call("POST", path).body(&*harmless).await;
        match answer.status {
            400 => assert_eq!(answer.code(), "invalid_request", "{path} {harmless}: {}", answer.text()),
            _ => assert_eq!(provider.body(), harmless, "{path}"),
        }
    }
}

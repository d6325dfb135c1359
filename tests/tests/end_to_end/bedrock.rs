//! Amazon Bedrock behind the gateway, beside what `dialects` shows of all: signatures, binary frames, and errors.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use ring::{digest, hmac};
use serde_json::{Value, json};
use sluicegate_tests::{Answer, CREDENTIALS, EMAIL, Gateway, Provider, Received, Reply, chat, standard};

const FRAMES: &str = "application/vnd.amazon.eventstream";

pub(crate) fn frame(kind: &str, name: (&'static str, &str), payload: &impl ToString) -> Vec<u8> {
    let header = |name: &'static str, value: &str| Header::new(name, HeaderValue::String(value.to_owned().into()));
    let message = Message::new(payload.to_string())
        .add_header(header(":message-type", kind))
        .add_header(header(name.0, name.1))
        .add_header(header(":content-type", "application/json"));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

fn event(name: &str, payload: Value) -> Vec<u8> {
    frame("event", (":event-type", name), &payload)
}

fn says(text: &str) -> Vec<u8> {
    event("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": text}, "p": "abc"}))
}

/// A stream that says these texts.
fn stream(texts: &[&str]) -> Vec<Vec<u8>> {
    let begin = event("messageStart", json!({"role": "assistant"}));
    let end = [
        event("contentBlockStop", json!({"contentBlockIndex": 0})),
        event("messageStop", json!({"stopReason": "end_turn"})),
        event("metadata", json!({"usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}})),
    ];
    [begin].into_iter().chain(texts.iter().map(|text| says(text))).chain(end).collect()
}

fn streaming(text: &str) -> Value {
    json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": text}]})
}

/// What a caller of OpenAI's gets of this, behind a guardrail.
async fn guarded(reply: Reply) -> Answer {
    let provider = Provider::saying(reply).await;
    let plugins = [standard("pii").config("email = 'mask'")];
    let gateway = Gateway::with_plugins(plugins).upstream_in("bedrock", &provider).start().await;
    gateway.ask(streaming("hi")).await
}

/// The same without any, so that text goes out as it comes.
async fn unguarded(reply: Reply) -> Answer {
    let provider = Provider::saying(reply).await;
    let setup = Gateway::without_plugins().upstream_in("bedrock", &provider);
    setup.settings("upstream.event_bytes_max = 4096").start().await.ask(streaming("hi")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_the_same_answer_wherever_they_are_cut_and_guardrails_see_over_their_borders() {
    let frames = stream(&["write to a", "da.lovelace@ex", "ample.com today"]).concat();
    for bytes in [1, 7, 100, frames.len()] {
        let answer = guarded(Reply::whole(FRAMES, frames.clone()).cut(bytes)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.content(), "write to [EMAIL] today", "{bytes}: {}", answer.text());
        assert_eq!((answer.finishes().join(" "), answer.is_done()), ("stop".to_owned(), true), "{}", answer.text());
        assert_eq!(answer.chunks()[0]["model"], "m");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoilt_frame_ends_the_stream_with_an_error() {
    let mut spoilt = says("never");
    let last = spoilt.len() - 10;
    spoilt[last] ^= 1;
    let unknown = frame("nothing", (":event-type", "contentBlockDelta"), &json!({}));
    let cut_off = says("never")[..20].to_vec();
    for bad in [spoilt, unknown, cut_off] {
        let frames = [event("messageStart", json!({"role": "assistant"})), says("so far. "), bad].concat();
        let answer = unguarded(Reply::whole(FRAMES, frames)).await;
        assert_eq!((&*answer.content(), &*answer.code()), ("so far. ", "upstream_broken"), "{}", answer.text());
        assert!(!answer.is_done(), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_long_is_refused_as_soon_as_it_says_so() {
    // Its length, that of its headers, and their checksum.
    let promise = &says(&"x".repeat(4_097))[..12];
    let answer = unguarded(Reply::whole(FRAMES, [&*says("so far. "), promise].concat()).stalls()).await;
    assert_eq!(answer.code(), "answer_too_large", "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_in_the_middle_is_an_error_whose_words_were_looked_at() {
    let exception = json!({"message": format!("too many requests of {EMAIL}")});
    let exception = frame("exception", (":exception-type", "throttlingException"), &exception);
    let frames = [event("messageStart", json!({"role": "assistant"})), says("so far. "), exception].concat();
    let answer = guarded(Reply::whole(FRAMES, frames)).await;
    assert_eq!(answer.content(), "so far. ", "{}", answer.text());
    assert_eq!(answer.error()["message"], "too many requests of [EMAIL]", "{}", answer.text());
    assert_eq!(answer.error()["code"], "throttlingException", "{}", answer.text());
    assert!(!answer.is_done(), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_told_with_its_kind() {
    let reply = Reply::json(format!("{{\"message\":\"no access for {EMAIL}\"}}")).status(400);
    let answer = guarded(reply.header("x-amzn-errortype", "ValidationException:http://internal/")).await;
    assert_eq!((answer.status, &*answer.code()), (400, "ValidationException"), "{}", answer.text());
    assert_eq!(answer.error()["message"], "no access for [EMAIL]", "{}", answer.text());
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The signature that AWS would come to, worked out by hand from what arrived there.
fn signature(received: &Received, canonical_path: &str) -> String {
    let header = |name: &str| received.header(name).unwrap();
    let [(_, _), (_, secret), (_, _)] = CREDENTIALS;
    let moment = header("x-amz-date");
    let day = moment.split_once('T').unwrap().0;
    let signed = ["content-type", "host", "x-amz-date", "x-amz-security-token"];
    let headers: String = signed.iter().map(|name| format!("{name}:{}\n", header(name))).collect();
    let canonical = format!("POST\n{canonical_path}\n\n{headers}\n{}\n{}", signed.join(";"), sha256(&received.body));
    let scope = format!("{day}/eu-central-1/bedrock/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mac =
        |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let key = [day, "eu-central-1", "bedrock", "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    hex(&mac(&key, &to_sign))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_as_they_arrive_and_no_secret_is_told() {
    let answer =
        json!({"output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}}, "stopReason": "end_turn"});
    let provider = Provider::saying(Reply::json(answer.to_string())).await;
    let gateway = Gateway::without_plugins().upstream_in("bedrock", &provider).start().await;
    let ask =
        json!({"model": "arn:aws:bedrock:eu-west-1:1:x/a1", "messages": [{"role": "user", "content": "h\u{e9}"}]});
    let answer = gateway.ask(ask).header("authorization", "Bearer sk-of-openai").await;
    assert_eq!((answer.status, &*answer.content()), (200, "hi"), "{}", answer.text());
    let received = provider.only();
    let path = "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ax%2Fa1/converse";
    assert!(received.head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{}", received.head);
    let authorization = received.header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDOFTHETESTS/"), "{authorization}");
    let expected = signature(&received, &path.replace('%', "%25"));
    assert!(authorization.ends_with(&format!("Signature={expected}")), "{authorization}");
    assert!(!received.head.contains("sk-of-openai") && !received.head.contains("the+secret"), "{}", received.head);
    for (_, secret) in CREDENTIALS {
        assert!(!answer.text().contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_bedrocks_own_is_a_bearers() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let base_url = format!(
        "http://{}",
        sluicegate_tests::Model::base_url(&provider).trim_start_matches("http://").trim_end_matches("/v1")
    );
    let settings = format!(
        "providers.b = {{ dialect = 'bedrock', base_url = '{base_url}', api_key = {{ file = 'key' }} }}\n\
         targets.b.provider = 'b'\nmodels.m.targets = ['b']"
    );
    let gateway = Gateway::without_plugins().settings(&settings).start().await;
    let _ = gateway.ask(chat("hi")).await;
    assert_eq!(provider.only().header("authorization"), Some("Bearer AKIDOFTHETESTS"));
    assert_eq!(provider.only().header("x-amz-date"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_converse_cannot_say_is_refused_and_a_list_of_its_models_is_there_none() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let gateway = Gateway::without_plugins().upstream_in("bedrock", &provider).start().await;
    let mut ask = streaming("hi");
    ask["seed"] = 7.into();
    let answer = gateway.ask(ask).await;
    assert_eq!((answer.status, &*answer.code()), (400, "untranslatable"), "{}", answer.text());
    assert_eq!(gateway.call("GET", "/v1/models").await.json()["data"], json!([]));
    assert!(provider.received().is_empty());
}

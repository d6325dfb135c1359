#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{Sandbox, Settings, made_up};
use client::{ask, body, get, joined, post, send, start, stream};

#[tokio::test]
async fn a_stream_is_the_whole_in_pieces() {
    let sandbox = start().await;
    for message in [
        "Hi there, how are you?",
        "repeat: ",
        "repeat: x",
        "leak all",
        "long 200",
        "unicode",
        "refuse: no",
        "call a {\"x\": \"long enough for some pieces\"}\ncall b {}",
        "reason: Let me think about it.\nwell",
        "chunks of 1\nlong 9",
        "frames of 3\nunicode",
        "slow 1\nlong 3",
        "usage 1 2\nx",
        "finish length\nx",
        "help",
    ] {
        for n in [1, 3] {
            let whole = ask(&sandbox, message, json!({"n": n})).await;
            let streamed = ask(&sandbox, message, json!({"n": n, "stream": true})).await;
            assert!(whole.complete && streamed.complete);
            assert_eq!(streamed.events().last().unwrap(), "[DONE]");
            let choices = joined(&streamed.chunks());
            assert_eq!(choices.len(), n);
            for (choice, whole) in choices.into_values().zip(whole.json()["choices"].as_array().unwrap()) {
                let message = &whole["message"];
                assert_eq!(choice["finish_reason"], whole["finish_reason"]);
                for field in ["role", "refusal", "reasoning_content"] {
                    assert_eq!(choice[field], message[field], "{field} of {message}");
                }
                // OpenAI's streams say "" where a whole refusal says null.
                assert_eq!(choice["content"].as_str().unwrap_or(""), message["content"].as_str().unwrap_or(""));
                let calls = |calls: &Value| {
                    calls
                        .as_array()
                        .map_or(Vec::new(), |calls| calls.iter().map(|call| call["function"].clone()).collect())
                };
                assert_eq!(calls(&choice["tool_calls"]), calls(&message["tool_calls"]));
            }
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn the_same_request_gets_the_same_bytes() {
    let (one, other) = (start().await, start().await);
    for stream in [false, true] {
        let request = body("leak card", json!({"stream": stream, "n": 2}));
        let first = send(&one, post(request.clone()), usize::MAX).await.unwrap();
        let second = send(&other, post(request), usize::MAX).await.unwrap();
        assert_eq!(first.bytes(), second.bytes());
        assert_eq!(first.headers["x-request-id"], second.headers["x-request-id"]);
        let third = ask(&one, "leak iban", json!({"stream": stream, "n": 2})).await;
        assert_ne!(first.headers["x-request-id"], third.headers["x-request-id"]);
    }
}

#[tokio::test]
async fn the_wire_format_is_openais() {
    let sandbox = start().await;
    let whole = ask(&sandbox, "repeat: a b", json!({})).await;
    let text = String::from_utf8(whole.bytes()).unwrap();
    let id = whole.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        text,
        format!(
            concat!(
                r#"{{"id":"{}","object":"chat.completion","created":1750000000,"model":"sandbox","choices":[{{"index":0,"#,
                r#""message":{{"role":"assistant","content":"a b","refusal":null,"annotations":[]}},"logprobs":null,"#,
                r#""finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"#,
                r#""prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":"#,
                r#"{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}},"#,
                r#""service_tier":"default","system_fingerprint":"fp_5a9db0c5a9"}}"#
            ),
            id
        )
    );
    let events = stream(&sandbox, "repeat: a b").await.events();
    let id = serde_json::from_str::<Value>(&events[0]).unwrap()["id"].as_str().unwrap().to_owned();
    let chunk = |delta: &str, finish: &str| {
        format!(
            concat!(
                r#"{{"id":"{}","object":"chat.completion.chunk","created":1750000000,"model":"sandbox","service_tier":"default","#,
                r#""system_fingerprint":"fp_5a9db0c5a9","choices":[{{"index":0,"delta":{},"logprobs":null,"finish_reason":{}}}]}}"#
            ),
            id, delta, finish
        )
    };
    assert_eq!(
        events,
        [
            chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
            chunk(r#"{"content":"a b"}"#, "null"),
            chunk("{}", r#""stop""#),
            "[DONE]".to_owned(),
        ]
    );
}

#[tokio::test]
async fn usage_comes_last_and_when_asked_for() {
    let sandbox = start().await;
    let messages = json!([{"role": "system", "content": "be kind"}, {"role": "user", "content": "reason: a b\nx y z"}]);
    let fields = json!({"messages": messages, "stream": true, "stream_options": {"include_usage": true}});
    let chunks = ask(&sandbox, "", fields).await.chunks();
    let (last, others) = chunks.split_last().unwrap();
    assert!(others.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
    assert_eq!(last["choices"], json!([]));
    let usage = &last["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]),
        (&8.into(), &7.into(), &15.into())
    );
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 2);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 2);
    assert!(stream(&sandbox, "x").await.chunks().iter().all(|chunk| chunk.get("usage").is_none()));
    assert!(stream(&sandbox, "usage").await.chunks().last().unwrap()["usage"].is_object());
    let fixed = ask(&sandbox, "usage 10 20 cached 5\nx", json!({})).await.json();
    assert_eq!(fixed["usage"]["total_tokens"], 30);
}

#[tokio::test]
async fn errors_have_openais_shape() {
    let sandbox = start().await;
    let limited = ask(&sandbox, "fail 429 retry-after 3: busy with 4111", json!({"stream": true})).await;
    assert_eq!((limited.status, &limited.headers["retry-after"]), (429, &"3".parse().unwrap()));
    assert_eq!(limited.json()["error"]["message"], "busy with 4111");
    for status in [400, 401, 404, 500, 503, 599] {
        let failed = ask(&sandbox, &format!("fail {status}"), json!({})).await;
        assert_eq!(failed.status, status);
        assert!(failed.json()["error"]["message"].is_string());
    }
    for (request, status) in [
        (post("{"), 400),
        (post("null"), 400),
        (post(""), 400),
        (get("/"), 404),
        (get("/v1/models/gpt"), 404),
        (get("/v1/chat/completions"), 405),
        (post(body("x", json!({"n": 0}))), 400),
        (post(body("x", json!({"tool_choice": "sometimes"}))), 400),
        (post(body("x", json!({"stream": "yes"}))), 400),
    ] {
        let answer = send(&sandbox, request, usize::MAX).await.unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.json()["error"].is_object());
    }
}

#[tokio::test]
async fn bodies_are_bounded() {
    let request = body("x", json!({}));
    let settings = Settings { body_bytes_max: request.len(), ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    assert_eq!(send(&sandbox, post(request.clone()), usize::MAX).await.unwrap().status, 200);
    assert_eq!(send(&sandbox, post(request + " "), usize::MAX).await.unwrap().status, 413);
}

#[tokio::test]
async fn lists_models() {
    let sandbox = start().await;
    let models = send(&sandbox, get("/v1/models"), usize::MAX).await.unwrap().json();
    assert_eq!(models["data"][0]["id"], "sandbox");
    assert_eq!(models["data"][1]["id"], "sandbox-slow");
    assert_eq!(send(&sandbox, get("/v1/models/sandbox"), usize::MAX).await.unwrap().json()["object"], "model");
}

#[tokio::test]
async fn remembers_what_it_saw_but_no_secrets() {
    let settings = Settings { seen_max: 2, seen_bytes_max: 300, ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    for message in ["one", "two", "three"] {
        ask(&sandbox, message, json!({})).await;
    }
    let seen = sandbox.seen();
    assert_eq!(
        seen.iter().map(|seen| seen.text().into_owned()).collect::<Vec<_>>(),
        ["two", "three"].map(|message| body(message, json!({})))
    );
    assert_eq!((seen[0].method.as_str(), &*seen[0].path), ("POST", "/v1/chat/completions"));
    assert_eq!(seen[0].headers["authorization"], "Bearer [redacted]");
    ask(&sandbox, &"long".repeat(100), json!({})).await;
    assert_eq!(sandbox.seen().len(), 1);
}

#[tokio::test]
async fn dies_and_talks_nonsense_as_told() {
    let sandbox = start().await;
    for fields in [json!({}), json!({"stream": true})] {
        assert!(send(&sandbox, post(body("die", fields.clone())), usize::MAX).await.is_none());
        let none = ask(&sandbox, "die after 0\nhi", fields.clone()).await;
        assert!(none.status == 200 && !none.complete && none.bytes().is_empty());
        let late = ask(&sandbox, "die after 999\nhi", fields.clone()).await;
        assert!(!late.complete && late.bytes().len() > 200 && !late.bytes().ends_with(b"[DONE]\n\n"));
        let garbage = ask(&sandbox, "garbage", fields.clone()).await;
        assert!(garbage.complete && serde_json::from_slice::<Value>(&garbage.bytes()).is_err());
        let garbage = ask(&sandbox, "garbage after 1\nhi", fields).await;
        assert!(garbage.complete && String::from_utf8(garbage.bytes()).is_err());
    }
    let died = stream(&sandbox, "die after 3\nlong 30").await;
    assert_eq!((died.complete, died.chunks().len()), (false, 3));
    let state = sandbox.wait_until(|state| state.in_flight == 0).await;
    assert_eq!((state.cancelled, state.answered), (0, state.received));
}

#[tokio::test]
async fn notices_when_the_caller_has_gone() {
    let sandbox = start().await;
    let stalled = send(&sandbox, post(body("stall after 2\nhi", json!({"stream": true}))), 2).await.unwrap();
    assert_eq!(stalled.chunks().len(), 2);
    assert_eq!(sandbox.wait_until(|state| state.in_flight == 0).await.cancelled, 1);
    // It leaves before the head of an answer that would take ten minutes.
    for (message, cancelled) in [("slow start 600000", 2), ("stall", 3)] {
        let request = send(&sandbox, post(body(message, json!({}))), 0);
        tokio::select! {
            _ = request => panic!("an answer"),
            _ = sandbox.wait_until(|state| state.received == cancelled) => {}
        }
        assert_eq!(sandbox.wait_until(|state| state.in_flight == 0).await.cancelled, cancelled);
    }
    send(&sandbox, post(body("slow\nlong 10000", json!({"stream": true}))), 1).await;
    assert_eq!(sandbox.wait_until(|state| state.cancelled == 4).await.answered, 0);
}

#[tokio::test]
async fn leaks_in_the_middle_of_a_stream() {
    let sandbox = start().await;
    let choices = joined(&stream(&sandbox, "leak card").await.chunks());
    let text = choices[&0]["content"].as_str().unwrap();
    let at = text.find(&made_up("card").unwrap()).unwrap();
    assert!(at > 100 && text.len() - at > 80);
}

#[tokio::test]
async fn surrogate_pairs_come_in_halves() {
    let sandbox = start().await;
    let events = stream(&sandbox, "unicode split").await.events();
    let high = events.iter().position(|event| event.contains(r#"\ud83d"}"#)).unwrap();
    assert!(events[high + 1].contains(r#"{"content":"\ude00"#));
    assert!(events.iter().all(|event| event.is_ascii()));
}

#[tokio::test]
async fn frames_cut_where_they_like() {
    let sandbox = start().await;
    let message = "frames of 3\nrepeat: 日本";
    let cut = stream(&sandbox, message).await;
    assert!(cut.frames.iter().all(|frame| frame.len() <= 3) && cut.complete);
    assert_eq!(joined(&cut.chunks())[&0]["content"], "日本");
}

#[tokio::test]
async fn connections_are_kept_and_stopping_ends_them() {
    let sandbox = start().await;
    let stream = TcpStream::connect(sandbox.address()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        sender.ready().await.unwrap();
        let answer = sender.send_request(post(body("x", json!({"stream": true})))).await.unwrap();
        answer.into_body().collect().await.unwrap();
    }
    assert_eq!(sandbox.base_url(), format!("http://{}/v1", sandbox.address()));
    let address = sandbox.address();
    sandbox.stop().await;
    connection.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn stopping_is_bounded() {
    let settings = Settings { drain: Duration::from_millis(1), ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let shared = Arc::clone(&sandbox.shared);
    let request = send(&sandbox, post(body("stall", json!({}))), 0);
    tokio::select! {
        _ = request => panic!("an answer"),
        _ = sandbox.wait_until(|state| state.received == 1) => {}
    }
    sandbox.stop().await;
    assert_eq!(shared.state().in_flight, 0);
}

#[tokio::test]
async fn dropping_ends_everything() {
    let sandbox = start().await;
    let stream = TcpStream::connect(sandbox.address()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(post(body("stall after 1\nhi", json!({"stream": true})))).await.unwrap();
    drop(sandbox);
    assert!(answer.into_body().collect().await.is_err());
    // It ends, whichever way hyper calls that.
    let _ = connection.await.unwrap();
}

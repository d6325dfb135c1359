//! A client that keeps what it gets as it came: frames, and whether the end was clean.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::super::{Sandbox, Settings};

/// What came back, as far as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) frames: Vec<Bytes>,
    pub(super) complete: bool,
}

impl Answer {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.frames.concat()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes()).unwrap()
    }

    pub(super) fn events(&self) -> Vec<String> {
        let text = String::from_utf8(self.bytes()).unwrap();
        text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap().to_owned()).collect()
    }

    pub(super) fn chunks(&self) -> Vec<Value> {
        self.events()
            .iter()
            .filter(|event| *event != "[DONE]")
            .map(|event| serde_json::from_str(event).unwrap())
            .collect()
    }
}

pub(super) async fn start() -> Sandbox {
    Sandbox::start(Settings::default()).await.unwrap()
}

/// Sends a request and reads `frames_max` frames of the answer, then hangs up. `None` if there is no answer.
pub(super) async fn send(sandbox: &Sandbox, request: Request<Full<Bytes>>, frames_max: usize) -> Option<Answer> {
    let stream = TcpStream::connect(sandbox.address()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.ok()?;
    let (head, mut body) = response.into_parts();
    let mut answer =
        Answer { status: head.status.as_u16(), headers: head.headers, frames: Vec::new(), complete: false };
    while answer.frames.len() < frames_max {
        match body.frame().await {
            Some(Ok(frame)) => answer.frames.push(frame.into_data().unwrap()),
            Some(Err(_)) => break,
            None => {
                answer.complete = true;
                break;
            }
        }
    }
    connection.abort();
    Some(answer)
}

pub(super) fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post("/v1/chat/completions").header("host", "sandbox");
    request.header("authorization", "Bearer sk-secret").body(Full::new(body.into())).unwrap()
}

pub(super) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", "sandbox").body(Full::default()).unwrap()
}

pub(super) fn body(message: &str, fields: Value) -> String {
    let mut body = json!({"model": "sandbox", "messages": [{"role": "user", "content": message}]});
    for (name, value) in fields.as_object().unwrap() {
        body[name.as_str()] = value.clone();
    }
    body.to_string()
}

pub(super) async fn ask(sandbox: &Sandbox, message: &str, fields: Value) -> Answer {
    send(sandbox, post(body(message, fields)), usize::MAX).await.unwrap()
}

pub(super) async fn stream(sandbox: &Sandbox, message: &str) -> Answer {
    ask(sandbox, message, json!({"stream": true})).await
}

/// Puts the deltas of each choice together, as a client does.
pub(super) fn joined(chunks: &[Value]) -> BTreeMap<u64, Value> {
    let mut choices: BTreeMap<u64, Value> = BTreeMap::new();
    for choice in chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap()) {
        let whole = choices.entry(choice["index"].as_u64().unwrap()).or_insert_with(|| json!({}));
        assert!(whole.get("finish_reason").is_none(), "a chunk after the last");
        join(whole, &choice["delta"]);
        if let Some(reason) = choice["finish_reason"].as_str() {
            whole["finish_reason"] = reason.into();
        }
    }
    choices
}

fn join(whole: &mut Value, delta: &Value) {
    for (name, value) in delta.as_object().unwrap() {
        match value {
            Value::String(text) if whole[name].is_string() => {
                whole[name] = format!("{}{text}", whole[name].as_str().unwrap()).into();
            }
            Value::Array(calls) => {
                for call in calls {
                    let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                    let list = whole.as_object_mut().unwrap().entry(name.as_str()).or_insert_with(|| json!([]));
                    let list = list.as_array_mut().unwrap();
                    if list.len() == index {
                        list.push(call.clone());
                    } else {
                        let function = call["function"].clone();
                        join(&mut list[index]["function"], &function);
                    }
                }
            }
            value => whole[name] = value.clone(),
        }
    }
}

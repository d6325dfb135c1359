//! A caller of the gateway, as small as can be: one connection a request, and a reader for the two kinds of answers.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HeaderMap;
use http::request::Builder;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The header that carries the receipts, and the comment at the end of a stream.
const PLUGINS: &str = "x-sluicegate-plugins";
/// The one that says who was asked.
const ATTEMPTS: &str = "x-sluicegate-attempts";

/// An answer, or an error.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The text of the first choice.
    pub(super) text: String,
    /// The tools that it wants to be called.
    pub(super) tools: Vec<String>,
    /// Why it ended.
    pub(super) finish: Option<String>,
    /// The error's code and message.
    pub(super) error: Option<(String, String)>,
    /// The receipts, as the gateway wrote them.
    pub(super) receipts: String,
    /// The target that was asked last.
    pub(super) target: Option<String>,
    /// All that were asked, with what became of it.
    pub(super) attempts: String,
    /// The exchange that it is of.
    pub(super) exchange: String,
    /// How it stands with the cache: `hit`, `miss`, `bypass`.
    pub(super) cache: Option<String>,
    /// How many seconds ago it was given first, where it is from memory.
    pub(super) age: Option<String>,
    /// What the caller comes back with, where a person is to answer.
    pub(super) reference: Option<String>,
}

/// Send a body to the gateway, as a step of this session, and ask for receipts.
pub(super) async fn ask(gateway: SocketAddr, body: &str, session: Option<&str>) -> Result<Answer, String> {
    let request = Request::post(COMPLETIONS).header("x-sluicegate-receipts", "1");
    let request = match session {
        Some(session) => request.header("x-sluicegate-session", session),
        None => request,
    };
    Ok(read(call(gateway, request, Bytes::copy_from_slice(body.as_bytes())).await?))
}

/// Send a body to a server that speaks the OpenAI dialect.
pub(super) async fn send(server: SocketAddr, body: Bytes) -> Result<Answer, String> {
    Ok(read(call(server, Request::post(COMPLETIONS), body).await?))
}

/// Where both have it.
const COMPLETIONS: &str = "/v1/chat/completions";

fn read(response: Response<Bytes>) -> Answer {
    let (head, body) = response.into_parts();
    let header = |name: &str| header(&head.headers, name);
    let mut answer = Answer {
        status: head.status.as_u16(),
        receipts: header(PLUGINS).unwrap_or_default(),
        target: header(ATTEMPTS).and_then(|attempts| last_target(&attempts)),
        attempts: header(ATTEMPTS).unwrap_or_default(),
        exchange: header("x-sluicegate-exchange").unwrap_or_default(),
        cache: header("x-sluicegate-cache"),
        age: header("age"),
        reference: header("x-sluicegate-escalation"),
        ..Answer::default()
    };
    let body = String::from_utf8_lossy(&body);
    if header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
        answer.read_stream(&body);
    } else {
        answer.read_object(&body, "message");
    }
    answer
}

/// The JSON that is to be had at a path.
pub(super) async fn get(server: SocketAddr, path: &str) -> Result<Value, String> {
    json(server, Request::get(path), Bytes::new()).await
}

/// Send JSON to a path; what comes back is JSON too.
pub(super) async fn post(server: SocketAddr, path: &str, body: &Value) -> Result<Value, String> {
    json(server, Request::post(path), body.to_string().into()).await
}

async fn json(server: SocketAddr, request: Builder, body: Bytes) -> Result<Value, String> {
    let path = request.uri_ref().map(ToString::to_string).unwrap_or_default();
    let response = call(server, request, body).await?;
    let said = || String::from_utf8_lossy(response.body());
    match response.status().is_success() {
        true => serde_json::from_slice(response.body()).map_err(|_| format!("http://{server}{path}: {}", said())),
        false => Err(format!("http://{server}{path} answers {}: {}", response.status(), said())),
    }
}

/// Send a request over a connection of its own, and read all that comes back.
async fn call(server: SocketAddr, request: Builder, body: Bytes) -> Result<Response<Bytes>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("asking http://{server}: {error}");
    let stream = TcpStream::connect(server).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let request = request
        .header("host", server.to_string())
        .header("content-type", "application/json")
        .body(Full::new(body))
        .map_err(|error| failed(&error))?;
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
    drop(sender);
    connection.abort();
    Ok(Response::from_parts(head, body))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Of `small;error=503;ms=12, big` it is `big`.
fn last_target(attempts: &str) -> Option<String> {
    let last = attempts.rsplit(", ").next()?.split(';').next()?;
    (!last.is_empty()).then(|| last.to_owned())
}

impl Answer {
    fn read_stream(&mut self, body: &str) {
        let comment = format!(": {PLUGINS}: ");
        for line in body.lines() {
            if let Some(receipts) = line.strip_prefix(&comment) {
                receipts.clone_into(&mut self.receipts);
            } else if let Some(data) = line.strip_prefix("data: ") {
                self.read_object(data, "delta");
            }
        }
    }

    /// A whole answer, a part of one, or an error. `[DONE]` is none of them.
    fn read_object(&mut self, json: &str, said: &str) {
        let Ok(object) = serde_json::from_str::<Value>(json) else { return };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        if let Some(error) = object.get("error") {
            let code = text(error.get("code")).unwrap_or_default();
            self.error = Some((code, text(error.get("message")).unwrap_or_default()));
        }
        let Some(choice) = object.get("choices").and_then(|choices| choices.get(0)) else { return };
        let calls = choice.get(said).and_then(|said| said.get("tool_calls")).and_then(Value::as_array);
        self.tools.extend(calls.into_iter().flatten().filter_map(|call| text(call.pointer("/function/name"))));
        self.text.push_str(&text(choice.get(said).and_then(|said| said.get("content"))).unwrap_or_default());
        self.finish = text(choice.get("finish_reason")).or(self.finish.take());
    }
}

/// The model that the body of a request is for.
pub(super) fn model_of(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The text of the last message in the body of a request.
pub(super) fn last_message(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let last = body.get("messages").and_then(Value::as_array).and_then(|messages| messages.last());
    last.and_then(|message| message.get("content")).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_that_answers_is_the_last_that_was_asked() {
        assert_eq!(last_target("small;error=503;ms=12, big").as_deref(), Some("big"));
        assert_eq!(last_target("small").as_deref(), Some("small"));
        assert_eq!(last_target(""), None);
    }
}

//! Sockets and routes of the sandbox model.
//!
//! HTTP/1 alone: a gateway reaches a plain-text upstream by nothing else, and a dropped connection is then visible as
//! what it is. hyper watches for the caller's leaving while an answer is under way, and drops the answer's future or
//! body; [`Turn`] turns that drop into a count.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tracing::debug;

use super::failure::Failure;
use super::pace::{Chunks, Outflow};
use super::plan::{Cut, Plan, Say, Script};
use super::shared::{Shared, Turn};
use super::{azure, completions, contents, converse, messages, numbers, request, responses, script, wire};

const EVENTS: &str = "text/event-stream; charset=utf-8";
const FRAMES: &str = "application/vnd.amazon.eventstream";
const JSON: &str = "application/json";

type Reply = Response<Either<Full<Bytes>, Outflow>>;

/// Accepts until it is told to stop, then lets the answers under way end.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: oneshot::Receiver<()>) {
    let (closing, closed) = watch::channel(false);
    // Dropping the set, with this future, ends the connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < shared.settings.connections_max => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared), closed.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, for one: trying again at once would spin.
                    debug!(%error, "accepting a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }
    drop(listener);
    closing.send_replace(true);
    let idle = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(shared.settings.drain, idle).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, closed: watch::Receiver<bool>) {
    // Without it each small chunk would wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "setting TCP_NODELAY");
    }
    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // An error here is the caller's leaving, or a connection that was to die.
        _ = connection.as_mut() => return,
        () = closing(closed) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn closing(mut closed: watch::Receiver<bool>) {
    // Not in the `select!`: what it returns holds a lock and would make the task's future not `Send`.
    let _ = closed.wait_for(|closed| *closed).await;
}

async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Reply> {
    let turn = Turn::begin(&shared);
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, shared.settings.body_bytes_max).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            turn.finish();
            let mut reply = failed(&Failure::too_large(shared.settings.body_bytes_max), 0);
            // The rest of the body is not read, so the connection cannot be used again.
            reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return Ok(reply);
        }
        Err(error) => return Err(io::Error::other(error)),
    };
    shared.remember(&head, &body);
    let path = match azure::path(&head) {
        Ok(path) => path,
        Err(failure) => return Ok(whole(turn, failed(&failure, 0))),
    };
    match (&head.method, path.as_str()) {
        (&Method::POST, path) if converse::asked(path).is_some() => other(turn, &head, &body, &CONVERSE).await,
        (&Method::POST, "/v1/chat/completions") => chat(turn, &body).await,
        (&Method::POST, "/v1/messages") => other(turn, &head, &body, &MESSAGES).await,
        (&Method::POST, "/v1/responses") => other(turn, &head, &body, &RESPONSES).await,
        (&Method::POST, "/v1/completions") => other(turn, &head, &body, &COMPLETIONS).await,
        (&Method::POST, "/v1/embeddings") => other(turn, &head, &body, &VECTORS).await,
        (&Method::POST, "/v1/messages/count_tokens") => other(turn, &head, &body, &COUNT).await,
        (&Method::POST, "/v1/responses/input_tokens") => other(turn, &head, &body, &INPUT_TOKENS).await,
        (&Method::POST, path) if numbers::model(path, "batchEmbedContents").is_some() => {
            other(turn, &head, &body, &BATCH).await
        }
        (&Method::POST, path) if numbers::model(path, "countTokens").is_some() => {
            other(turn, &head, &body, &COUNT_TOKENS).await
        }
        (&Method::POST, path) if contents::asked(path, head.uri.query()).is_some() => {
            other(turn, &head, &body, &CONTENTS).await
        }
        (&Method::GET, "/v1beta/models") => Ok(whole(turn, json(wire::contents_models(), 0))),
        (_, "/v1/chat/completions") => Ok(whole(turn, failed(&Failure::method(&head.method), 0))),
        (&Method::GET, "/v1/models") => Ok(whole(turn, json(wire::models(), 0))),
        (&Method::GET, path) => Ok(whole(
            turn,
            match path.strip_prefix("/v1/models/").and_then(wire::model) {
                Some(model) => json(model, 0),
                None => failed(&Failure::no_such_path(&head.method, path), 0),
            },
        )),
        (method, path) => Ok(whole(turn, failed(&Failure::no_such_path(method, path), 0))),
    }
}

/// Reads the request, waits if that was asked for, and answers.
async fn chat(turn: Turn, body: &Bytes) -> io::Result<Reply> {
    let hash = wire::hash(body);
    // In a block of its own, so that nothing borrowed from the body lives across an `await`.
    let understood = {
        request::Request::read(body).and_then(|request| {
            let script = script::read(&request, &turn.shared.settings)?;
            let asked = wire::Asked::new(&request, hash, &script.plan)?;
            Ok((script, asked))
        })
    };
    let (Script { plan, manner }, asked) = match understood {
        Ok(understood) => understood,
        Err(failure) => return Ok(whole(turn, failed(&failure, hash))),
    };
    if !manner.start.is_zero() {
        tokio::time::sleep(manner.start).await;
    }
    let stream = asked.stream;
    let content_type = if stream { EVENTS } else { JSON };
    let chunks = match plan {
        Plan::Fail(failure) => return Ok(whole(turn, failed(&failure, hash))),
        Plan::Die => {
            turn.finish();
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Plan::Stall => pending().await,
        Plan::Garbage => return Ok(whole(turn, ok(Either::Left(wire::GARBAGE.into()), content_type, hash))),
        Plan::Say(say) if stream => Chunks::Events(Box::new(wire::Events::new(say, asked, manner.cut))),
        Plan::Say(say) => {
            let body = wire::completion(&say, &asked);
            if manner.is_plain() {
                return Ok(whole(turn, json(body, hash)));
            }
            Chunks::whole(body.into())
        }
    };
    Ok(ok(Either::Right(Outflow::new(chunks, &manner, turn)), content_type, hash))
}

/// The events of an answer but for the last, and the last.
type Written = (VecDeque<Bytes>, Bytes);

/// A header, and what it says of a status.
type Kind = (&'static str, fn(u16) -> &'static str);

/// Another wire format than that of chat completions.
struct Wire {
    as_completion: fn(&Parts, &Bytes) -> Result<Bytes, Failure>,
    whole: fn(&Say, &wire::Asked, &Bytes) -> Result<Vec<u8>, Failure>,
    events: fn(Say, &wire::Asked, Cut) -> Result<Written, Failure>,
    events_type: &'static str,
    failure: fn(&Failure) -> Vec<u8>,
    /// A header that says what kind of error it is, by its status.
    kind: Option<Kind>,
}

/// Anthropic's API.
const MESSAGES: Wire = Wire {
    as_completion: |_, body| messages::as_completion(body),
    whole: |say, asked, _| wire::message(say, asked),
    events: |say, asked, cut| Ok(wire::message_events(say, asked, cut)),
    events_type: EVENTS,
    failure: |failure| wire::failure(failure.status, failure.message()),
    kind: None,
};
/// OpenAI's Responses.
const RESPONSES: Wire = Wire {
    as_completion: |_, body| responses::as_completion(body),
    whole: |say, asked, _| wire::response(say, asked),
    events: |say, asked, cut| Ok(wire::response_events(say, asked, cut)),
    events_type: EVENTS,
    failure: Failure::body,
    kind: None,
};

/// OpenAI's completions.
const COMPLETIONS: Wire = Wire {
    as_completion: |_, body| completions::as_completion(body),
    whole: |say, asked, _| wire::text(say, asked),
    events: |say, asked, cut| wire::text_events(&say, asked, cut),
    events_type: EVENTS,
    failure: Failure::body,
    kind: None,
};
/// OpenAI's vectors.
const VECTORS: Wire = Wire {
    as_completion: |_, body| numbers::vectors_asked(body),
    whole: |_, asked, body| numbers::vectors(asked, body),
    events: no_events,
    events_type: EVENTS,
    failure: Failure::body,
    kind: None,
};
/// Google's vectors.
const BATCH: Wire = Wire {
    as_completion: |head, body| numbers::batch_asked(head.uri.path(), body),
    whole: |_, asked, body| numbers::batch_vectors(asked, body),
    events: no_events,
    events_type: EVENTS,
    failure: CONTENTS.failure,
    kind: None,
};
/// Anthropic's counts of tokens.
const COUNT: Wire = Wire {
    as_completion: |_, body| numbers::count_asked(body),
    whole: |_, asked, _| Ok(format!("{{\"input_tokens\":{}}}", asked.prompt_tokens()).into_bytes()),
    events: no_events,
    events_type: EVENTS,
    failure: MESSAGES.failure,
    kind: None,
};
/// OpenAI's.
const INPUT_TOKENS: Wire = Wire {
    as_completion: |_, body| numbers::input_tokens_asked(body),
    whole: |_, asked, _| {
        let tokens = asked.prompt_tokens();
        Ok(format!("{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}}}").into_bytes())
    },
    events: no_events,
    events_type: EVENTS,
    failure: Failure::body,
    kind: None,
};
/// Google's.
const COUNT_TOKENS: Wire = Wire {
    as_completion: |head, body| numbers::count_tokens_asked(head.uri.path(), body),
    whole: |_, asked, _| Ok(format!("{{\"totalTokens\":{}}}", asked.prompt_tokens()).into_bytes()),
    events: no_events,
    events_type: EVENTS,
    failure: CONTENTS.failure,
    kind: None,
};

/// Numbers come at once.
fn no_events(_: Say, _: &wire::Asked, _: Cut) -> Result<Written, Failure> {
    Err(Failure::bad_request(Some("stream"), "Nothing of this streams."))
}

/// Google's API.
const CONTENTS: Wire = Wire {
    as_completion: |head, body| {
        let asked = contents::asked(head.uri.path(), head.uri.query());
        let asked = asked.ok_or_else(|| Failure::no_such_path(&head.method, head.uri.path()))?;
        contents::as_completion(body, &asked)
    },
    whole: |say, asked, _| wire::contents(say, asked),
    events: |say, asked, cut| wire::contents_events(&say, asked, cut),
    events_type: EVENTS,
    failure: |failure| wire::contents_failure(failure.status, failure.message()),
    kind: None,
};

/// Amazon's API.
const CONVERSE: Wire = Wire {
    as_completion: |head, body| {
        let asked = converse::asked(head.uri.path());
        let asked = asked.ok_or_else(|| Failure::no_such_path(&head.method, head.uri.path()))?;
        converse::as_completion(&head.headers, body, &asked)
    },
    whole: |say, asked, _| wire::converse(say, asked),
    events: |say, asked, cut| wire::converse_frames(&say, asked, cut),
    events_type: FRAMES,
    failure: |failure| wire::converse_failure(failure.message()),
    kind: Some(("x-amzn-errortype", wire::converse_kind)),
};

/// The same for a request in another wire format.
async fn other(turn: Turn, head: &Parts, body: &Bytes, wire: &Wire) -> io::Result<Reply> {
    let failed_in = |failure: &Failure, hash: u64| {
        let mut reply = failed(failure, hash);
        *reply.body_mut() = Either::Left(Full::from((wire.failure)(failure)));
        if let Some((name, kind)) = wire.kind {
            reply.headers_mut().insert(name, HeaderValue::from_static(kind(failure.status)));
        }
        reply
    };
    let hash = wire::hash(body);
    let understood = (wire.as_completion)(head, body).and_then(|completion| {
        let request = request::Request::read(&completion)?;
        let script = script::read(&request, &turn.shared.settings)?;
        let asked = wire::Asked::new(&request, hash, &script.plan)?;
        Ok((script, asked))
    });
    let (Script { plan, manner }, asked) = match understood {
        Ok(understood) => understood,
        Err(failure) => return Ok(whole(turn, failed_in(&failure, hash))),
    };
    if !manner.start.is_zero() {
        tokio::time::sleep(manner.start).await;
    }
    let content_type = if asked.stream { wire.events_type } else { JSON };
    let chunks = match plan {
        Plan::Fail(failure) => return Ok(whole(turn, failed_in(&failure, hash))),
        Plan::Die => {
            turn.finish();
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Plan::Stall => pending().await,
        Plan::Garbage => return Ok(whole(turn, ok(Either::Left(wire::GARBAGE.into()), content_type, hash))),
        Plan::Say(say) if asked.stream => match (wire.events)(say, &asked, manner.cut) {
            Ok((events, last)) => Chunks::Written { events, last },
            Err(failure) => return Ok(whole(turn, failed_in(&failure, hash))),
        },
        Plan::Say(say) => match (wire.whole)(&say, &asked, body) {
            Ok(body) if manner.is_plain() => return Ok(whole(turn, json(body, hash))),
            Ok(body) => Chunks::whole(body.into()),
            Err(failure) => return Ok(whole(turn, failed_in(&failure, hash))),
        },
    };
    Ok(ok(Either::Right(Outflow::new(chunks, &manner, turn)), content_type, hash))
}

/// The answer is complete before it is sent: what remains is the kernel's work.
fn whole(turn: Turn, reply: Reply) -> Reply {
    turn.finish();
    reply
}

fn json(body: Vec<u8>, hash: u64) -> Reply {
    ok(Either::Left(Full::from(body)), JSON, hash)
}

fn failed(failure: &Failure, hash: u64) -> Reply {
    let mut reply = json(failure.body(), hash);
    *reply.status_mut() = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = failure.retry_after {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

fn ok(body: Either<Full<Bytes>, Outflow>, content_type: &'static str, hash: u64) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(HeaderName::from_static("openai-version"), HeaderValue::from_static("2020-10-01"));
    if let Ok(id) = HeaderValue::try_from(format!("req_{hash:016x}")) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    reply
}

//! The port for operators: health and metrics for whoever watches the gateway, and an API for its keys, for what people are to
//! answer, and for what is kept of answers. Nothing of it is on the public port.

mod alerts;
mod cache;
mod console;
mod door;
mod escalations;
mod keys;

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::config;
use crate::gateway::Gateway;
use crate::metrics;
use crate::reply::Body;
use crate::store;

/// Bytes of a request's body: the longest is feedback with a corrected answer of 64 KiB and a comment, each byte of which may take
/// three in a form.
const BODY_BYTES_MAX: usize = 256 << 10;
/// Time for a body to arrive: whoever sends it is near by.
const BODY: Duration = Duration::from_secs(10);

/// The port, as the settings said when it was opened.
#[derive(Debug)]
pub(crate) struct Port {
    settings: config::Admin,
    signer: console::Signer,
}

impl Port {
    pub(crate) fn new(settings: config::Admin) -> Self {
        Self { signer: console::Signer::new(&settings), settings }
    }
}

/// Serve one request of an operator.
pub(crate) async fn serve(gateway: &Gateway, port: &Port, request: Request<Incoming>) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    // The server itself leaves out the body.
    if head.method == Method::HEAD {
        head.method = Method::GET;
    }
    let answered = answer(gateway, port, &head, body).await;
    answered.unwrap_or_else(|refused| match console::is_for_it(&head) {
        true => console::refused(port, &head, refused),
        false => refused.response(),
    })
}

async fn answer(gateway: &Gateway, port: &Port, head: &Parts, body: Incoming) -> Result<Response<Body>, Refused> {
    let admin = &port.settings;
    door::is_from_here(head, admin)?;
    let path: Vec<&str> = head.uri.path().trim_start_matches('/').split('/').collect();
    match *path {
        ["healthz"] => only(&head.method, &Method::GET).map(|()| words(StatusCode::OK, "ok\n")),
        ["readyz"] => only(&head.method, &Method::GET).map(|()| match gateway.auth.not_ready() {
            None => words(StatusCode::OK, "ready\n"),
            Some(why) => words(StatusCode::SERVICE_UNAVAILABLE, why),
        }),
        ["console", ref below @ ..] => {
            let form = read(body).await?;
            console::answer(gateway, port, head, below, &form).await
        }
        ["metrics"] => {
            door::has_token(head, admin)?;
            only(&head.method, &Method::GET)?;
            let escalations = gateway.escalations.unanswered().await.ok();
            let text = gateway.observers.metrics.text(gateway, escalations);
            Ok(respond(StatusCode::OK, metrics::CONTENT_TYPE, text.into()))
        }
        // Before a word of the API: nobody without the token learns what there is.
        ["api", ref below @ ..] => {
            door::has_token(head, admin)?;
            let body = read_json(head, body).await?;
            match below {
                ["keys", below @ ..] => keys::answer(gateway, &head.method, below, &body).await,
                ["cache", below @ ..] => cache::answer(gateway, &head.method, below, &body).await,
                ["alerts", below @ ..] => alerts::answer(gateway, &head.method, below),
                ["escalations", below @ ..] => escalations::answer(gateway, head, below, &body).await,
                _ => Err(Refused::NotFound),
            }
        }
        _ => Err(Refused::NotFound),
    }
}

/// Why a request is not answered.
#[derive(Debug)]
enum Refused {
    /// It comes from where no operator is.
    Elsewhere(&'static str),
    /// It lacks the token.
    NoToken,
    NotFound,
    /// It is for these methods.
    NoSuchMethod(&'static str),
    NotJson,
    BodyTooLarge,
    BodyBroken,
    /// It is not understood: a field, if it is one, and why.
    Wrong(Option<&'static str>, String),
    /// The store did not do it.
    Store(store::Error),
    /// The cache did not do it.
    Cache(String),
    /// The ledger cannot be read, or there is none.
    Ledger(String),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl Refused {
    /// Its status, its code, the field that is meant, and words.
    fn said(self) -> (StatusCode, &'static str, Option<&'static str>, String) {
        let no_store = |why: &str| tracing::error!(why, "the store failed an operator");
        match self {
            Self::Elsewhere(why) => (StatusCode::FORBIDDEN, "forbidden", None, why.to_owned()),
            Self::NoToken => {
                let message = "send the token of [admin] as authorization: Bearer ...".to_owned();
                (StatusCode::UNAUTHORIZED, "unauthorized", None, message)
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", None, "there is nothing at this path".to_owned()),
            Self::NoSuchMethod(_) => {
                let message = "this path is not for this method".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", None, message)
            }
            Self::NotJson => {
                let message = "send JSON, with content-type: application/json".to_owned();
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", None, message)
            }
            Self::BodyTooLarge => {
                let message = format!("the body is longer than {BODY_BYTES_MAX} bytes");
                (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", None, message)
            }
            Self::BodyBroken => {
                (StatusCode::BAD_REQUEST, "body_broken", None, "the body broke off or took too long".to_owned())
            }
            Self::Wrong(field, message) => (StatusCode::BAD_REQUEST, "invalid_request", field, message),
            Self::Cache(message) => {
                no_store(&message);
                (StatusCode::INTERNAL_SERVER_ERROR, "cache_failed", None, message)
            }
            Self::Ledger(message) => (StatusCode::SERVICE_UNAVAILABLE, "ledger_unavailable", None, message),
            Self::Store(store::Error::Wrong(field, message)) => {
                (StatusCode::BAD_REQUEST, "invalid_request", Some(field), message)
            }
            Self::Store(error) => {
                let message = error.to_string();
                let (status, code) = match error {
                    store::Error::NoSuchKey => (StatusCode::NOT_FOUND, "key_not_found"),
                    store::Error::Revoked => (StatusCode::CONFLICT, "key_revoked"),
                    store::Error::NoSuchEscalation => (StatusCode::NOT_FOUND, "escalation_not_found"),
                    store::Error::NotOpen(why) => (StatusCode::CONFLICT, escalations::code(&why)),
                    store::Error::Wrong(..) | store::Error::QueueFull | store::Error::Failed(_) => {
                        no_store(&message);
                        (StatusCode::INTERNAL_SERVER_ERROR, "store_failed")
                    }
                };
                (status, code, None, message)
            }
        }
    }

    /// The methods that there are, where it came with another one.
    fn allowed(&self) -> Option<HeaderValue> {
        match self {
            Self::NoSuchMethod(allowed) => Some(HeaderValue::from_static(allowed)),
            _ => None,
        }
    }

    fn response(self) -> Response<Body> {
        let allowed = self.allowed();
        let (status, code, field, message) = self.said();
        #[derive(Serialize)]
        struct Envelope<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            code: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
            message: &'a str,
        }
        let mut response = json(status, &Envelope { error: Inner { code, field, message: &message } });
        if let Some(allowed) = allowed {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::Wrong(None, error.to_string()))
}

/// Methods of a path, as the header `allow` has them.
const GET: &str = "GET, HEAD";
const POST: &str = "POST";
const GET_AND_POST: &str = "GET, HEAD, POST";

fn only(method: &Method, allowed: &Method) -> Result<(), Refused> {
    let others = if allowed == Method::GET { GET } else { POST };
    if method == allowed { Ok(()) } else { Err(Refused::NoSuchMethod(others)) }
}

async fn read(body: Incoming) -> Result<Bytes, Refused> {
    match timeout(BODY, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refused::BodyTooLarge),
        Ok(Err(_)) | Err(_) => Err(Refused::BodyBroken),
    }
}

async fn read_json(head: &Parts, body: Incoming) -> Result<Bytes, Refused> {
    let body = read(body).await?;
    let is_json = |kind: &HeaderValue| {
        let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    let mut kinds = head.headers.get_all(header::CONTENT_TYPE).iter();
    // Forms of other sites can send a body, but not as JSON.
    let taken = body.is_empty() || (kinds.next().is_some_and(is_json) && kinds.all(is_json));
    if taken { Ok(body) } else { Err(Refused::NotJson) }
}

fn words(status: StatusCode, words: &'static str) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", Bytes::from_static(words.as_bytes()))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    respond(status, "application/json", serde_json::to_vec(value).unwrap_or_default().into())
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // A new key's secret is in one of them.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

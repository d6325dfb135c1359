//! Back to HTTP: responses from released text, and errors in the caller's dialect.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};

use crate::dialect::openai::error_body;
use crate::error::Error;
use crate::exchange::{End, Exchange};
use crate::guard::Released;
use crate::guard::stream::{Next, StreamGuard};
use crate::upstream::answer_headers;

/// The body of a response.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

const EXCHANGE: HeaderName = HeaderName::from_static("x-sluicegate-exchange");
const PLUGINS: HeaderName = HeaderName::from_static("x-sluicegate-plugins");
const NOT_INSPECTED: HeaderName = HeaderName::from_static("x-sluicegate-not-inspected");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A complete answer.
pub(crate) fn whole(x: &Exchange, status: StatusCode, provider: &HeaderMap, released: Released) -> Response<Body> {
    let mut response = Response::new(full(released.into_bytes()));
    *response.status_mut() = status;
    *response.headers_mut() = answer_headers(provider);
    about(x, response.headers_mut());
    x.end(End::Answered);
    response
}

/// An answer that streams: `first` is out already, the rest follows as it is decided.
pub(crate) fn streamed(
    x: &Arc<Exchange>,
    status: StatusCode,
    provider: &HeaderMap,
    first: Released,
    guard: StreamGuard,
) -> Response<Body> {
    let state = Streaming { x: x.clone(), first: Some(first), guard: Some(guard) };
    let frames = unfold(state, |mut state| async move {
        let bytes = state.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(bytes)), state))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = answer_headers(provider);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    about(x, response.headers_mut());
    response
}

struct Streaming {
    x: Arc<Exchange>,
    first: Option<Released>,
    /// Gone when the stream is over.
    guard: Option<StreamGuard>,
}

impl Streaming {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first.into_bytes());
        }
        let guard = self.guard.as_mut()?;
        match guard.next().await {
            Ok(Next::Released(released)) => Some(released.into_bytes()),
            // Only a withheld stream is asked for once more, and of that nothing is out.
            Ok(Next::Retry(_) | Next::End) => {
                self.guard = None;
                self.x.end(End::Answered);
                self.receipts()
            }
            Err(error) => {
                let ending = guard.ending(&error).into_bytes();
                self.guard = None;
                self.x.end(End::Failed(&error));
                Some([ending, self.receipts().unwrap_or_default()].concat().into())
            }
        }
    }

    /// What the headers could not say yet, as a comment, which clients skip.
    fn receipts(&self) -> Option<Bytes> {
        if !self.x.wants_receipts {
            return None;
        }
        let mut comment = format!(": {PLUGINS}: {}\n\n", self.x.receipts_header());
        let not_inspected = self.x.not_inspected_header();
        if !not_inspected.is_empty() {
            comment.push_str(&format!(": {NOT_INSPECTED}: {not_inspected}\n\n"));
        }
        Some(comment.into())
    }
}

/// Words of the gateway itself, as JSON.
pub(crate) fn own(x: &Exchange, body: Bytes) -> Response<Body> {
    let mut response = Response::new(full(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    about(x, response.headers_mut());
    x.end(End::Answered);
    response
}

/// An error in the caller's dialect.
pub(crate) fn error(x: &Exchange, error: &Error) -> Response<Body> {
    let message = error.message();
    let mut response = Response::new(full(error_body(error.words(&message))));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Error::GuardFailed { .. } | Error::NotContent { .. } = error {
        // The same call would fail alike: the SDKs would only repeat it.
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    if let Error::NoSuchMethod(allowed) = error {
        headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    about(x, headers);
    x.end(End::Failed(error));
    response
}

/// The headers that every response carries, and those that were asked for.
fn about(x: &Exchange, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(EXCHANGE, &x.id);
    if x.wants_receipts {
        set(PLUGINS, &x.receipts_header());
        let not_inspected = x.not_inspected_header();
        if !not_inspected.is_empty() {
            set(NOT_INSPECTED, &not_inspected);
        }
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

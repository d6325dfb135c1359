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

use crate::cache::{Cache, Served, State};
use crate::dialect::{Dialect, Events, Translation, Wrong};
use crate::error::Error;
use crate::exchange::{End, Exchange, HAS_SAID_SO};
use crate::guard::shared::{self, SharedStream};
use crate::guard::stream::{Next, StreamGuard};
use crate::guard::{Admitted, Released};
use crate::meter;
use crate::store::answers::hex;
use crate::upstream::answer_headers;

/// The body of a response.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

const EXCHANGE: HeaderName = HeaderName::from_static("x-sluicegate-exchange");
const PLUGINS: HeaderName = HeaderName::from_static("x-sluicegate-plugins");
const NOT_INSPECTED: HeaderName = HeaderName::from_static("x-sluicegate-not-inspected");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-sluicegate-attempts");
const LEFT_OUT: HeaderName = HeaderName::from_static("x-sluicegate-left-out");
const COST: HeaderName = HeaderName::from_static("x-sluicegate-cost-usd");
const ESCALATION: HeaderName = HeaderName::from_static("x-sluicegate-escalation");
const CACHE: HeaderName = HeaderName::from_static("x-sluicegate-cache");
const CACHE_KEY: HeaderName = HeaderName::from_static("x-sluicegate-cache-key");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A complete answer, in the caller's dialect.
///
/// # Errors
/// When it cannot be said there.
pub(crate) fn whole(
    x: &Exchange,
    status: StatusCode,
    provider: &HeaderMap,
    released: Released,
    translation: Option<Translation>,
) -> Result<Response<Body>, Error> {
    let mut body = released.into_bytes();
    if let Some(translation) = &translation {
        let mut losses = Vec::new();
        body = translation
            .answer(status, provider, &body, &mut losses)
            .map_err(|wrong| Error::Unsayable(wrong.message))?;
        losses.into_iter().for_each(|loss| x.leaves_out(loss));
    }
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    *response.headers_mut() = answer_headers(provider);
    if translation.is_some() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    about(x, &mut response);
    cost(x, response.headers_mut());
    x.end(End::Answered);
    Ok(response)
}

/// An answer for which no provider was asked, as the caller wants it: whole, or as a stream that is there at once.
///
/// # Errors
/// When it cannot be said in the caller's dialect.
pub(crate) fn unasked(x: &Exchange, admitted: &Admitted, released: Released) -> Result<Response<Body>, Error> {
    let way_back = admitted.way_back(x);
    if !admitted.request().streaming {
        // It is in OpenAI's form already.
        let way_back = (x.dialect != Dialect::OpenAi).then_some(way_back);
        let json = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        return whole(x, StatusCode::OK, &json, released, way_back);
    }
    let mut losses = Vec::new();
    let events = way_back.answer_as_events(&released.into_bytes(), &mut losses);
    let events = events.map_err(|wrong| Error::Unsayable(wrong.message))?;
    losses.into_iter().for_each(|loss| x.leaves_out(loss));
    let response = as_events(x, full(events));
    x.says();
    x.end(End::Answered);
    Ok(response)
}

/// A stream that another caller has asked for.
pub(crate) fn shared(admitted: &Admitted, cache: &Arc<Cache>, first: Released, stream: SharedStream) -> Response<Body> {
    let x = stream.exchange().clone();
    let translation = admitted.way_back(&x).events();
    x.says();
    let state = Shared { x: x.clone(), cache: cache.clone(), first: Some(first), stream: Some(stream), translation };
    let frames = unfold(state, |mut state| async move {
        let bytes = state.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(bytes)), state))
    });
    as_events(&x, StreamBody::new(frames).boxed_unsync())
}

/// Events for which this exchange has asked no provider.
fn as_events(x: &Exchange, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    about(x, &mut response);
    response
}

struct Shared {
    x: Arc<Exchange>,
    cache: Arc<Cache>,
    first: Option<Released>,
    /// Gone when it is over.
    stream: Option<SharedStream>,
    translation: Events,
}

impl Shared {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(self.said(&first.into_bytes()));
        }
        loop {
            let stream = self.stream.as_mut()?;
            let bytes = match stream.next().await {
                shared::Next::Released(released) => self.said(&released.into_bytes()),
                shared::Next::End => {
                    let saved = stream.cost().unwrap_or_default();
                    let served = self.x.served().map(|served| Served { saved, ..served });
                    self.stream = None;
                    if let Some(served) = served {
                        self.cache.serves(&self.x, served);
                    }
                    let said = self.translation.end(&mut Vec::new());
                    let bytes =
                        said.map_or_else(|wrong| self.breaks_off(&Error::Unsayable(wrong.message)), Bytes::from);
                    self.x.end(End::Answered);
                    bytes
                }
                shared::Next::Lost => {
                    let key = self.x.served().and_then(|served| served.key);
                    self.cache.serves(&self.x, Served::so_far(State::Miss, key));
                    self.breaks_off(&Error::Broken("the answer that others waited for was cut off".to_owned()))
                }
            };
            if !bytes.is_empty() {
                return Some(bytes);
            }
        }
    }

    fn said(&mut self, bytes: &[u8]) -> Bytes {
        let mut losses = Vec::new();
        let said = self.translation.translate(bytes, &mut losses);
        losses.into_iter().for_each(|loss| self.x.leaves_out(loss));
        said.map_or_else(|wrong| self.breaks_off(&Error::Unsayable(wrong.message)), Bytes::from)
    }

    fn breaks_off(&mut self, error: &Error) -> Bytes {
        self.stream = None;
        let event = self.x.dialect.error_event(error.words(&error.message()));
        self.x.end(End::Failed(error));
        event
    }
}

/// An answer that streams, as far as it has come.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) status: StatusCode,
    /// The provider's headers.
    pub(crate) headers: HeaderMap,
    /// What may go to the caller already.
    pub(crate) first: Released,
    /// The rest, as it is decided.
    pub(crate) guard: StreamGuard,
    /// The way back to the caller's dialect, if it is another.
    pub(crate) translation: Option<Translation>,
}

/// An answer that streams.
pub(crate) fn streamed(x: &Arc<Exchange>, begun: Begun) -> Response<Body> {
    let Begun { status, headers, first, guard, translation } = begun;
    if !guard.has_failed() {
        x.says();
    }
    let translation = translation.map(|translation| translation.events());
    let state = Streaming { x: x.clone(), first: Some(first), guard: Some(guard), translation };
    let frames = unfold(state, |mut state| async move {
        let bytes = state.next().await?;
        // It may be the end of the answer, and what was used is known by then.
        state.x.is_on_record().await;
        Some((Ok::<_, Infallible>(Frame::data(bytes)), state))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = answer_headers(&headers);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    about(x, &mut response);
    response
}

struct Streaming {
    x: Arc<Exchange>,
    first: Option<Released>,
    /// Gone when the stream is over.
    guard: Option<StreamGuard>,
    /// To the caller's dialect, if the target speaks another.
    translation: Option<Events>,
}

impl Streaming {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            let first = self.said(first.into_bytes());
            if !first.is_empty() {
                return Some(first);
            }
        }
        loop {
            let guard = self.guard.as_mut()?;
            match guard.next().await {
                Ok(Next::Released(released)) => {
                    let bytes = self.said(released.into_bytes());
                    if !bytes.is_empty() {
                        return Some(bytes);
                    }
                }
                // Only a withheld stream is asked for once more, and of that nothing is out.
                Ok(Next::Retry(_) | Next::End) => {
                    if guard.has_failed() {
                        // Others may have been asked after it, who have said less.
                        self.x.target_tells(false);
                        self.x.target_failed(HAS_SAID_SO.0, Some(HAS_SAID_SO.1));
                    }
                    let ending = self.said_last();
                    self.guard = None;
                    self.x.end(End::Answered);
                    let last = [ending, self.receipts().unwrap_or_default()].concat();
                    return (!last.is_empty()).then(|| last.into());
                }
                Err(error) => {
                    if error.is_the_targets() {
                        self.x.target_failed(error.label(), error.detail().as_deref());
                    }
                    let ending = guard.ending(&error).into_bytes();
                    let ending = self.said_of(&error, ending);
                    self.guard = None;
                    self.x.end(End::Failed(&error));
                    return Some([ending, self.receipts().unwrap_or_default()].concat().into());
                }
            }
        }
    }

    /// Released events in the caller's dialect. What cannot be said ends the stream with an error.
    fn said(&mut self, bytes: Bytes) -> Bytes {
        let Some(translation) = &mut self.translation else { return bytes };
        let mut losses = Vec::new();
        let said = translation.translate(&bytes, &mut losses);
        losses.into_iter().for_each(|loss| self.x.leaves_out(loss));
        said.map_or_else(|wrong| self.cannot_be_said(wrong), Bytes::from)
    }

    fn said_of(&mut self, error: &Error, bytes: Bytes) -> Bytes {
        let Some(translation) = &mut self.translation else { return bytes };
        let (message, mut losses) = (error.message(), Vec::new());
        let said = translation.translate_ending(&bytes, error.words(&message), &mut losses);
        losses.into_iter().for_each(|loss| self.x.leaves_out(loss));
        said.map_or_else(|wrong| self.cannot_be_said(wrong), Bytes::from)
    }

    fn said_last(&mut self) -> Bytes {
        let Some(translation) = &mut self.translation else { return Bytes::new() };
        let mut losses = Vec::new();
        let said = translation.end(&mut losses);
        losses.into_iter().for_each(|loss| self.x.leaves_out(loss));
        said.map_or_else(|wrong| self.cannot_be_said(wrong), Bytes::from)
    }

    fn cannot_be_said(&mut self, wrong: Wrong) -> Bytes {
        let error = Error::Unsayable(wrong.message);
        self.guard = None;
        let event = self.x.dialect.error_event(error.words(&error.message()));
        self.x.end(End::Failed(&error));
        event
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
        if let Some(cost) = self.x.whole_cost() {
            comment.push_str(&format!(": {COST}: {cost}\n\n"));
        }
        Some(comment.into())
    }
}

/// Words of the gateway itself, as JSON.
pub(crate) fn own(x: &Exchange, body: Bytes) -> Response<Body> {
    let mut response = Response::new(full(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    about(x, &mut response);
    x.end(End::Answered);
    response
}

/// An error in the caller's dialect.
pub(crate) fn error(x: &Exchange, error: &Error) -> Response<Body> {
    let message = error.message();
    let mut response = Response::new(full(x.dialect.error_body(error.words(&message))));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !error.is_worth_a_retry() {
        // The same call would fail alike: the SDKs would only repeat it.
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    if let Some(time) = error.retry_after() {
        // Rounded up: who comes back a moment too early is turned away again.
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Error::UnknownCaller(_) = error {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Error::NoSuchMethod(allowed) = error {
        headers.insert(header::ALLOW, HeaderValue::from_static(allowed.as_str()));
    }
    about(x, &mut response);
    cost(x, response.headers_mut());
    x.end(End::Failed(error));
    response
}

/// The headers that every response carries, and those that were asked for.
fn about(x: &Exchange, response: &mut Response<Body>) {
    x.responds(response.status());
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(EXCHANGE, &x.id);
    if let Some(reference) = x.escalation() {
        set(ESCALATION, &reference);
    }
    if let Some(served) = x.served() {
        set(CACHE, served.state.word());
        if matches!(served.state, State::Hit | State::Stale) {
            set(header::AGE, &served.age.as_secs().to_string());
        }
        if let Some(key) = served.key.filter(|_| x.wants_receipts) {
            set(CACHE_KEY, &hex(&key));
        }
    }
    let left_out = x.left_out_header();
    if !left_out.is_empty() {
        set(LEFT_OUT, &left_out);
    }
    if x.wants_receipts {
        set(PLUGINS, &x.receipts_header());
        let attempts = x.attempts_header();
        if !attempts.is_empty() {
            set(ATTEMPTS, &attempts);
        }
        let not_inspected = x.not_inspected_header();
        if !not_inspected.is_empty() {
            set(NOT_INSPECTED, &not_inspected);
        }
    }
    if let Some(standing) = x.standing() {
        // In place of the provider's: what is left of those is the gateway's business.
        for (name, value) in meter::headers(x.dialect, standing) {
            headers.insert(name, value);
        }
    }
}

/// What it cost, where that is known. The head of a stream comes too early for it.
fn cost(x: &Exchange, headers: &mut HeaderMap) {
    let cost = x.whole_cost().and_then(|cost| HeaderValue::from_str(&cost.to_string()).ok());
    headers.extend(cost.map(|cost| (COST, cost)));
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

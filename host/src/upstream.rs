//! Calls to providers: connection pools, timeouts, and one attempt at a time. Takes nothing but [`Admitted`].

mod addresses;
mod azure;
mod echo;
mod fetch;
mod signature;
mod vectors;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};

use self::addresses::Guarded;
pub(crate) use self::echo::Echo;
pub(crate) use self::fetch::{CallFailure, GRPC_STATUS};
use crate::config::{Platform, Settings, Target};
use crate::dialect::{Address, BadFrame, Dialect, FRAMES, Frames, Translation, Wire, is_name};
use crate::endpoint;
use crate::error::{Error, Malformed};
use crate::exchange::Exchange;
use crate::guard::{Admitted, Outgoing};
use crate::health::{Health, Turn};
use crate::key::secret::is_in;
use crate::trace::TRACEPARENT;

/// Idle connections kept for each provider.
const IDLE_PER_HOST_MAX: usize = 256;
/// How long an idle connection is kept: providers close theirs after a minute or more.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);
/// How often a TCP connection is probed, so that one that a firewall dropped is noticed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How connections are made.
type Connector = HttpsConnector<HttpConnector<Guarded<GaiResolver>>>;

/// The connections to all providers.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client<Connector, Full<Bytes>>,
    connector: Connector,
    health: Arc<Health>,
}

/// What a provider answers: the head, and a body that is still coming.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// What it is written in.
    pub(crate) dialect: Wire,
    /// The way back to the caller's dialect, if it is another.
    pub(crate) translation: Option<Translation>,
}

impl Answer {
    /// Whether it is a stream of events.
    pub(crate) fn is_stream(&self) -> bool {
        self.status.is_success() && is_of_type(&self.headers, EVENTS)
    }
}

impl Upstream {
    /// Connections with this time to connect.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let resolver = Guarded::new(GaiResolver::new(), &settings.upstream.local_hosts);
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.upstream.connect));
        http.set_keepalive(Some(KEEPALIVE));
        http.enforce_http(false);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls(&settings.upstream.authorities)?)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .build(https.clone());
        Ok(Self { client, connector: https, health: Arc::default() })
    }

    /// How the targets are.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Send a request to a target. The exchange's deadline and the time to the first token bound it.
    ///
    /// # Errors
    /// When the target rests, cannot be reached or does not answer in time.
    pub(crate) async fn send(
        &self,
        x: &Exchange,
        admitted: &Admitted,
        target: &Target,
        from_caller: &HeaderMap,
    ) -> Result<Answer, Error> {
        let Outgoing { body, address, dialect, translation } = admitted.outgoing(x, target)?;
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = place(target, dialect, &address)?;
        *request.headers_mut() = request_headers(x, dialect, from_caller, target)?;
        if let Platform::Aws(keys) = &target.platform {
            signature::sign(&mut request, &body, keys, SystemTime::now())?;
        }
        let breaker = x.generation.settings.upstream.breaker;
        let mut turn = self
            .health
            .begin(target, breaker, x.has_failed_at(&target.name), Instant::now())
            .map_err(Error::TargetsRest)?;
        let answer = self.exchange(x, target, dialect, request).await;
        match &answer {
            Ok(answer) => judge(&mut turn, answer, target),
            Err(error) if error.is_a_failure_of_the_target() => turn.fails(Instant::now()),
            Err(_) => {}
        }
        let mut answer = Answer { translation, ..answer? };
        if !answer.is_stream() {
            x.target_answers();
        }
        answer.body.turn = Some(turn);
        Ok(answer)
    }

    /// Ask a provider for its list of models.
    ///
    /// # Errors
    /// When the provider cannot be reached or does not answer in time.
    pub(crate) async fn models(
        &self,
        x: &Exchange,
        target: &Target,
        dialect: Dialect,
        from_caller: &HeaderMap,
    ) -> Result<Answer, Error> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = join(&target.base_url, &azure::models_path(target, dialect.models_path()))?;
        *request.headers_mut() = request_headers(x, Wire::Dialect(dialect), from_caller, target)?;
        request.headers_mut().remove(header::CONTENT_TYPE);
        Ok(Answer {
            translation: Translation::of_models(x.dialect, dialect),
            ..self.exchange(x, target, Wire::Dialect(dialect), request).await?
        })
    }

    async fn exchange(
        &self,
        x: &Exchange,
        target: &Target,
        dialect: Wire,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Error> {
        let first_token = Instant::now() + x.generation.settings.upstream.first_token;
        let sent = timeout_at(first_token.min(x.deadline), self.client.request(request)).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() => return Err(Error::Unreachable(causes(&error))),
            Ok(Err(error)) => return Err(Error::Broken(causes(&error))),
            Err(_) if x.deadline <= first_token => return Err(Error::OutOfTime),
            Err(_) => return Err(Error::TooSlow("no answer began")),
        };
        let (mut head, body) = response.into_parts();
        if head.status.is_informational() {
            return Err(Error::Broken(format!("the answer is {}, and nothing else follows", head.status.as_u16())));
        }
        if head.status.is_redirection() {
            // It could lead anywhere, with the provider's key.
            let status = head.status.as_u16();
            return Err(Error::Broken(format!(
                "the answer is a redirect ({status}), and none is followed: mend base_url"
            )));
        }
        if !head.headers.get_all(header::CONTENT_ENCODING).iter().all(is_identity) {
            return Err(Error::Broken("the answer is compressed, which was not asked for".to_owned()));
        }
        if !head.headers.get_all(header::CONTENT_TYPE).iter().all(is_utf8) {
            return Err(Error::Broken("the answer has a charset that is not UTF-8".to_owned()));
        }
        let is_framed = dialect == Wire::Bedrock && head.status.is_success() && is_of_type(&head.headers, FRAMES);
        let frames = is_framed.then(|| Frames::new(x.generation.settings.upstream.event_bytes_max));
        if is_framed {
            // From here on it is a stream as any other.
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENTS));
        }
        let echo = Echo::of(target);
        echo.strike_out_headers(&mut head.headers);
        let body = Body { incoming: body, frames, echo, turn: None, first_token: None };
        let mut answer = Answer { status: head.status, headers: head.headers, body, dialect, translation: None };
        if answer.is_stream() {
            answer.body.first_token = Some(first_token);
        }
        Ok(answer)
    }
}

/// The content type of server-sent events.
const EVENTS: &str = "text/event-stream";

fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

/// What the head of an answer says about its target.
fn judge(turn: &mut Turn, answer: &Answer, target: &Target) {
    let is_overloaded = matches!(answer.status.as_u16(), 429 | 503 | 529);
    match retry_after(&answer.headers) {
        // With a credential of the caller's it says nothing about others.
        Some(rest) if is_overloaded && target.has_credential() => turn.is_limited(rest, Instant::now()),
        _ if is_the_targets(answer.status) && (answer.status.is_server_error() || target.has_credential()) => {
            turn.fails(Instant::now())
        }
        // A stream has only begun to answer when its first token is there.
        _ if answer.is_stream() => {}
        _ => turn.answers(Instant::now()),
    }
}

/// Statuses that speak of the provider's state rather than of the request.
pub(crate) fn is_the_targets(status: StatusCode) -> bool {
    // The last is Bedrock's, for a model that has failed.
    let theirs = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS, StatusCode::FAILED_DEPENDENCY];
    status.is_server_error() || theirs.contains(&status)
}

/// Whether an answer says that the operator's credential is none, is not for this, or that nobody pays for it any more.
pub(crate) fn refuses_credential(target: &Target, status: StatusCode, body: &[u8]) -> bool {
    let is_refused = match status {
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => true,
        // Google calls it a bad request, with a reason: `google.api.ErrorReason`.
        StatusCode::BAD_REQUEST => target.dialect.google_reason(body).as_deref() == Some("API_KEY_INVALID"),
        _ => false,
    };
    // With a credential of the caller's it is the caller's business.
    is_refused && target.has_credential()
}

/// How long a provider asks to wait, in a header that is a number of seconds or a date (RFC 9110, section 10.2.3), or in
/// OpenAI's, which is a number of milliseconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    let milliseconds = text("retry-after-ms").and_then(number);
    if let Some(milliseconds) = milliseconds {
        return Duration::try_from_secs_f64(milliseconds / 1000.0).ok();
    }
    let text = text("retry-after")?;
    match number(text) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => Some(httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).unwrap_or_default()),
    }
}

/// Whether a `content-encoding` says that nothing is encoded.
pub(crate) fn is_identity(encoding: &HeaderValue) -> bool {
    encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")
}

/// Whether a `content-type` lets its reader take the body for what the guardrails took it for.
fn is_utf8(kind: &HeaderValue) -> bool {
    let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
    kind.split("charset").skip(1).all(|rest| {
        let charset = rest.trim_start_matches(['=', ' ', '\t', '"', '\'']);
        let charset = charset.split(['"', '\'', ';', ' ', ',']).next().unwrap_or_default();
        matches!(charset, "utf-8" | "utf8" | "us-ascii")
    })
}

/// The authorities that the system trusts, or Mozilla's where it has none, and those of the operator.
pub(crate) fn tls(authorities: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // What is broken in the system's store is left out, as everywhere.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for authority in authorities {
        roots.add(authority.clone()).map_err(|error| format!("setting up TLS: a certificate of ca_file: {error}"))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("setting up TLS: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// An error with what caused it, without addresses of the inside being lost on the operator.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

/// Where a request to a target goes.
fn place(target: &Target, wire: Wire, address: &Address) -> Result<Uri, Error> {
    let path = wire.path(address).and_then(|path| azure::path(target, wire, address, path));
    join(&target.base_url, &path.map_err(|wrong| Error::Malformed(Malformed::from(wrong)))?)
}

fn join(base: &Uri, path: &str) -> Result<Uri, Error> {
    let mut parts = base.clone().into_parts();
    let joined = format!("{}{path}", base.path().trim_end_matches('/'));
    let wrong = |error: &dyn std::fmt::Display| Error::Unreachable(format!("the provider's address: {error}"));
    parts.path_and_query = Some(joined.parse().map_err(|error: http::uri::InvalidUri| wrong(&error))?);
    Uri::from_parts(parts).map_err(|error| wrong(&error))
}

/// What a caller's headers tell the provider. Everything else stays here: cookies and addresses are nobody's business,
/// and no text passes uninspected.
fn request_headers(x: &Exchange, wire: Wire, from_caller: &HeaderMap, target: &Target) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(8);
    // What the caller speaks, if the provider speaks it too.
    let same = wire.dialect().filter(|dialect| x.dialect.family() == dialect.family());
    let is_for_us_alone = |name: &HeaderName| names_hop(from_caller, name);
    for (name, value) in from_caller.iter().filter(|(name, _)| !is_for_us_alone(name)) {
        // A key of this gateway is for nobody else, whichever header it is in.
        if !(passes_on(name, value) || same.is_some_and(|dialect| is_of(dialect, name))) || is_in(value.as_bytes()) {
            continue;
        }
        match target.has_credential() {
            // Whose account is charged is up to whose key it is.
            true if ACCOUNTS.contains(name) => {}
            // Callers who share the gateway's key do not know of each other, nor of each other's answers.
            true if name == IDEMPOTENCY_KEY => drop(headers.insert(name, own_idempotency_key(x, value)?)),
            _ => drop(headers.append(name, value.clone())),
        }
    }
    // Whatever the caller called it: it was read as JSON in UTF-8, and so it is sent.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if wire == Wire::Dialect(Dialect::Anthropic) {
        headers.entry(ANTHROPIC_VERSION).or_insert(HeaderValue::from_static("2023-06-01"));
    }
    match &target.api_key {
        // A caller's credential is for a provider of the kind that it believes to talk to, unless it said with it to this
        // gateway who it is.
        None => {
            let own = same.filter(|_| !x.caller.is_identified).map(credentials);
            for name in own.into_iter().flatten().filter(|name| !is_for_us_alone(name)) {
                let value = from_caller.get(&name).filter(|value| !is_in(value.as_bytes()));
                headers.extend(value.map(|value| (name, value.clone())));
            }
        }
        Some(_) => {
            if let Some((name, value)) = credential(wire, target)? {
                headers.insert(name, value);
            }
        }
    }
    if target.trace_context {
        headers.extend(x.trace_parent().map(|parent| (TRACEPARENT, parent)));
    }
    Ok(headers)
}

/// The operator's key for a target, as it is sent; nothing where there is none.
fn credential(wire: Wire, target: &Target) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
    let Some(key) = &target.api_key else { return Ok(None) };
    let name = azure::key_header(target).unwrap_or_else(|| key_header(wire));
    let value = match name == header::AUTHORIZATION {
        true => format!("Bearer {}", key.reveal()),
        false => key.reveal().to_owned(),
    };
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| Error::Unreachable("the provider's key cannot be sent in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The header in which a provider takes its key.
fn key_header(wire: Wire) -> HeaderName {
    match wire {
        Wire::Dialect(Dialect::OpenAi | Dialect::Responses | Dialect::Completions) | Wire::Bedrock => {
            header::AUTHORIZATION
        }
        Wire::Dialect(Dialect::Anthropic) => API_KEY,
        Wire::Dialect(Dialect::Gemini) => endpoint::GOOGLE_KEY.clone(),
    }
}

/// Headers in which callers send a credential.
fn credentials(dialect: Dialect) -> [HeaderName; 2] {
    match dialect {
        Dialect::OpenAi | Dialect::Responses | Dialect::Completions | Dialect::Anthropic => {
            [header::AUTHORIZATION, API_KEY]
        }
        Dialect::Gemini => [header::AUTHORIZATION, endpoint::GOOGLE_KEY.clone()],
    }
}

/// Whether `Connection` names a header: it is then for who is at the other end of this connection, and goes no further
/// (RFC 9110, section 7.6.1).
fn names_hop(headers: &HeaderMap, name: &HeaderName) -> bool {
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case(name.as_str()))
}

fn passes_on(name: &HeaderName, value: &HeaderValue) -> bool {
    // What OpenAI's and Anthropic's SDKs say of themselves: names and versions, and no place for text.
    let is_of_an_sdk = || name.as_str().starts_with("x-stainless-") && value.to_str().is_ok_and(is_name);
    matches!(name.as_str(), "accept" | "user-agent" | "idempotency-key" | "x-client-request-id") || is_of_an_sdk()
}

/// The headers in which OpenAI's callers choose whose account is charged.
const ACCOUNTS: [HeaderName; 2] =
    [HeaderName::from_static("openai-organization"), HeaderName::from_static("openai-project")];
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A caller's `Idempotency-Key`, as it is among all callers of the gateway.
fn own_idempotency_key(x: &Exchange, value: &HeaderValue) -> Result<HeaderValue, Error> {
    let mut digest = Sha256::new();
    for part in [x.tenant.as_bytes(), x.caller.key.as_deref().unwrap_or_default().as_bytes(), value.as_bytes()] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let text = URL_SAFE_NO_PAD.encode(digest.finalize());
    HeaderValue::try_from(text).map_err(|_| Error::Unreachable("an idempotency key cannot be sent".to_owned()))
}

/// Whether a header means something to providers of this dialect alone.
fn is_of(dialect: Dialect, name: &HeaderName) -> bool {
    let prefix = match dialect {
        Dialect::OpenAi | Dialect::Responses | Dialect::Completions => "openai-",
        Dialect::Anthropic => "anthropic-",
        Dialect::Gemini => "x-goog-api-client",
    };
    name.as_str().starts_with(prefix)
}

/// What a provider's headers tell the caller.
pub(crate) fn answer_headers(from_provider: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(from_provider.len());
    for (name, value) in from_provider {
        let told =
            matches!(
                name.as_str(),
                "content-type" | "retry-after" | "retry-after-ms" | "x-should-retry" | "x-request-id" | "request-id"
            ) || ["openai-", "anthropic-", "x-ratelimit-"].iter().any(|prefix| name.as_str().starts_with(prefix))
                && !ACCOUNTS.contains(name);
        if told {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// The body of an answer. Dropping it cancels the call.
#[derive(Debug)]
pub(crate) struct Body {
    incoming: Incoming,
    /// Turns binary frames into events, where they are what comes.
    frames: Option<Frames>,
    /// Whether the gateway's own credential is in it.
    echo: Echo,
    /// The target is asked until it is dropped, and is told how that goes.
    turn: Option<Turn>,
    /// When the first token must be there, as long as it is not.
    first_token: Option<Instant>,
}

impl Body {
    /// The first token is there.
    pub(crate) fn has_begun(&mut self, x: &Exchange) {
        if self.first_token.take().is_none() {
            return;
        }
        x.target_answers();
        if let Some(turn) = &mut self.turn {
            turn.answers(Instant::now());
        }
    }

    /// The target says in the middle of an answer that it has failed.
    pub(crate) fn is_broken(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.fails(Instant::now());
        }
    }

    /// This error came of it: it may be the target's.
    pub(crate) fn is_judged(&mut self, error: &Error) {
        if error.is_a_failure_of_the_target() {
            self.is_broken();
        }
    }

    /// The next bytes of a stream; nothing at the end.
    ///
    /// # Errors
    /// When the provider breaks off, nothing comes for too long, or it says the gateway's credential back.
    pub(crate) async fn frame(&mut self, x: &Exchange) -> Result<Option<Bytes>, Error> {
        let frame = self.judged(x).await?;
        if frame.as_ref().is_some_and(|bytes| self.echo.comes(bytes)) {
            let error = Error::Broken("the answer has the credential in it that the provider was sent".to_owned());
            self.is_judged(&error);
            return Err(error);
        }
        Ok(frame)
    }

    async fn judged(&mut self, x: &Exchange) -> Result<Option<Bytes>, Error> {
        let frame = self.next(x).await;
        frame.inspect_err(|error| self.is_judged(error))
    }

    async fn next(&mut self, x: &Exchange) -> Result<Option<Bytes>, Error> {
        loop {
            let events = self.events(x)?;
            if !events.is_empty() {
                return Ok(Some(events));
            }
            let idle = Instant::now() + x.generation.settings.upstream.idle;
            let until = self.first_token.map_or(idle, |first_token| first_token.min(idle));
            match timeout_at(until.min(x.deadline), self.incoming.frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => match &mut self.frames {
                        Some(frames) => frames.push(&bytes),
                        None => return Ok(Some(bytes)),
                    },
                    // Trailers say nothing that a caller needs.
                    Err(_) => {}
                },
                Ok(Some(Err(error))) => return Err(Error::Broken(causes(&error))),
                Ok(None) if self.frames.as_ref().is_some_and(|frames| !frames.is_between()) => {
                    return Err(Error::Broken("the stream ended within a frame".to_owned()));
                }
                Ok(None) => return Ok(None),
                Err(_) if x.deadline <= until => return Err(Error::OutOfTime),
                Err(_) if until < idle => return Err(Error::TooSlow("no first token came")),
                Err(_) => return Err(Error::TooSlow("it stopped in the middle of the answer")),
            }
        }
    }

    /// The events of the frames that have come, where frames are what comes; empty if there are none.
    fn events(&mut self, x: &Exchange) -> Result<Bytes, Error> {
        let Some(frames) = &mut self.frames else { return Ok(Bytes::new()) };
        frames.events().map_err(|bad| match bad {
            BadFrame::TooLong => Error::AnswerTooLarge(x.generation.settings.upstream.event_bytes_max),
            BadFrame::Broken(why) => Error::Broken(why),
        })
    }

    /// All of it, if it is not longer than the limit, without the gateway's credential.
    ///
    /// # Errors
    /// When the provider breaks off, nothing comes for too long, or it is longer.
    pub(crate) async fn whole(&mut self, x: &Exchange) -> Result<Bytes, Error> {
        let bytes_max = x.generation.settings.upstream.answer_bytes_max;
        if self.incoming.size_hint().lower() > bytes_max as u64 {
            return Err(Error::AnswerTooLarge(bytes_max));
        }
        let first = self.judged(x).await?.unwrap_or_default();
        let mut next = self.judged(x).await?;
        let mut all = if next.is_some() { first.to_vec() } else { Vec::new() };
        while let Some(bytes) = next.filter(|_| all.len() <= bytes_max) {
            all.extend_from_slice(&bytes);
            next = self.judged(x).await?;
        }
        let all = if all.is_empty() { first } else { all.into() };
        if all.len() > bytes_max { Err(Error::AnswerTooLarge(bytes_max)) } else { Ok(self.echo.struck_out(all)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_provider_asks_to_wait_is_read() {
        let asked = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::try_from(value).unwrap());
            retry_after(&headers)
        };
        assert_eq!(asked("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("retry-after", " 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(asked("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(asked("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO), "it is over");
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
        let wait = asked("retry-after", &date).unwrap();
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60), "{wait:?}");
        for nonsense in ["", "-1", "soon", "NaN", "inf", "1e300"] {
            assert_eq!(asked("retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_charset_that_guardrails_do_not_read_is_noticed() {
        for kind in ["application/json", "text/event-stream; charset=utf-8", "text/plain; Charset=\"UTF-8\"; x=y"] {
            assert!(is_utf8(&HeaderValue::from_static(kind)), "{kind}");
        }
        for kind in
            ["application/json; charset=utf-16le", "text/plain;charset = 'utf-7'", "a/b; charset=utf-8; charset=x"]
        {
            assert!(!is_utf8(&HeaderValue::from_static(kind)), "{kind}");
        }
    }
}

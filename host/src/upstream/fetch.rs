//! What the gateway itself asks for and tells: an issuer's keys, messages to the operators' own services. Over the same
//! TLS as providers; a redirect is an error, as it could lead anywhere.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use super::{KEEPALIVE, Upstream, causes};

/// Where gRPC says how a call went.
pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// Time for the whole document, or to take a message.
const TIME: Duration = Duration::from_secs(5);

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallFailure {
    /// It did not come in time.
    Timeout,
    /// It is longer than it may be.
    TooLarge,
    /// Nobody is there, or the answer broke off; why.
    Unavailable(String),
}

impl Upstream {
    /// Make a call, whatever its answer is, within these bytes and this time.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn call(
        &self,
        request: Request<Bytes>,
        bytes_max: usize,
        time: Duration,
    ) -> Result<Response<Bytes>, CallFailure> {
        timeout(time, self.call_slowly(request, bytes_max)).await.unwrap_or(Err(CallFailure::Timeout))
    }

    async fn call_slowly(&self, request: Request<Bytes>, bytes_max: usize) -> Result<Response<Bytes>, CallFailure> {
        let answered = self.client.request(request.map(Full::new)).await;
        let answered = answered.map_err(|error| CallFailure::Unavailable(causes(&error)))?;
        whole(answered, bytes_max).await
    }

    /// The same connections, but for those who speak nothing but HTTP/2, as gRPC does.
    pub(crate) fn over_http2(&self) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .timer(TokioTimer::new())
            // A connection that a firewall dropped would be used for ever.
            .http2_keep_alive_interval(KEEPALIVE)
            .build(self.connector.clone());
        Self { client, ..self.clone() }
    }

    /// Get a document.
    ///
    /// # Errors
    /// Why there is none, without a word of what was sent instead.
    pub(crate) async fn fetch(&self, uri: &Uri, bytes_max: usize) -> Result<Vec<u8>, String> {
        let fetched = timeout(TIME, self.fetch_slowly(uri, bytes_max)).await;
        fetched.unwrap_or_else(|_| Err(format!("it did not come within {} s", TIME.as_secs())))
    }

    /// Send a message, for which only a status is answered.
    ///
    /// # Errors
    /// Why it is not taken: anything but 2xx is a refusal.
    pub(crate) async fn deliver(&self, message: Request<Bytes>) -> Result<StatusCode, String> {
        let delivered = timeout(TIME, self.client.request(message.map(Full::new))).await;
        let delivered = delivered.map_err(|_| format!("there was no answer within {} s", TIME.as_secs()))?;
        let status = delivered.map_err(|error| causes(&error))?.status();
        if status.is_success() { Ok(status) } else { Err(format!("it answers with {}", status.as_u16())) }
    }

    async fn fetch_slowly(&self, uri: &Uri, bytes_max: usize) -> Result<Vec<u8>, String> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = uri.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response = self.client.request(request).await.map_err(|error| causes(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("it answers with {}", response.status().as_u16()));
        }
        let collected = whole(response, bytes_max).await.map_err(|failure| match failure {
            CallFailure::TooLarge => format!("it is longer than {bytes_max} bytes"),
            CallFailure::Timeout => "it did not come in time".to_owned(),
            CallFailure::Unavailable(why) => why,
        })?;
        Ok(collected.into_body().into())
    }
}

/// An answer with all of its body.
async fn whole(answered: Response<Incoming>, bytes_max: usize) -> Result<Response<Bytes>, CallFailure> {
    let (mut head, body) = answered.into_parts();
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => {
            // Of what stands behind a body only gRPC's status counts: the rest could pass for a header that it is none of.
            let status = collected.trailers().and_then(|trailers| trailers.get(&GRPC_STATUS)).cloned();
            head.headers.extend(status.map(|status| (GRPC_STATUS, status)));
            Ok(Response::from_parts(head, collected.to_bytes()))
        }
        Err(error) if error.is::<LengthLimitError>() => Err(CallFailure::TooLarge),
        Err(error) => Err(CallFailure::Unavailable(format!("it broke off: {error}"))),
    }
}

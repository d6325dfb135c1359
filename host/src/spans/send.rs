//! How a message gets to the collector: as the body of HTTP, or as the one message of a gRPC call, which is the same behind
//! five bytes and over HTTP/2 (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};

use crate::config::{Otlp, Protocol};
use crate::upstream::{CallFailure, GRPC_STATUS, Upstream};

/// Where the endpoint takes traces, by either form of the protocol.
const HTTP_PATH: &str = "/v1/traces";
const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Bytes of an answer: it says next to nothing.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// gRPC's codes for what may go better the next time, by the specification of OTLP: cancelled, deadline exceeded, aborted, out of
/// range, unavailable, data loss.
const GRPC_PASSING: [&str; 6] = ["1", "4", "10", "11", "14", "15"];

/// The collector.
#[derive(Debug)]
pub(super) struct Collector {
    upstream: Upstream,
    protocol: Protocol,
    url: Uri,
    headers: HeaderMap,
    timeout: Duration,
}

/// Why a message was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It may be the next time.
    Unavailable(String),
    /// It never will be.
    Refused(String),
}

impl Collector {
    pub(super) fn new(otlp: &Otlp, timeout: Duration, upstream: &Upstream) -> Self {
        let Otlp { endpoint, protocol, headers } = otlp;
        let mut headers = headers.clone();
        let (upstream, kind, path) = match protocol {
            Protocol::Http => (upstream.clone(), "application/x-protobuf", HTTP_PATH),
            Protocol::Grpc => {
                headers.insert(TE, HeaderValue::from_static("trailers"));
                (upstream.over_http2(), "application/grpc", GRPC_PATH)
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Self { upstream, protocol: *protocol, url: below(endpoint, path), headers, timeout }
    }

    /// Send a message.
    ///
    /// # Errors
    /// When it is not taken.
    pub(super) async fn send(&self, message: Bytes) -> Result<(), Failure> {
        let body = match self.protocol {
            Protocol::Http => message,
            Protocol::Grpc => framed(&message)?,
        };
        let mut request = Request::new(body);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        let answered = self.upstream.call(request, ANSWER_BYTES_MAX, self.timeout).await;
        let answer = answered.map_err(|failure| match failure {
            CallFailure::Timeout => Failure::Unavailable("it does not answer in time".to_owned()),
            CallFailure::TooLarge => Failure::Refused("its answer is far too long".to_owned()),
            CallFailure::Unavailable(why) => Failure::Unavailable(why),
        })?;
        of_status(answer.status())?;
        match self.protocol {
            Protocol::Http => Ok(()),
            Protocol::Grpc => of_grpc(answer.headers()),
        }
    }
}

/// The address of one signal.
fn below(endpoint: &Uri, path: &str) -> Uri {
    let mut parts = endpoint.clone().into_parts();
    let path = format!("{}{path}", endpoint.path().trim_end_matches('/'));
    parts.path_and_query = PathAndQuery::try_from(path).ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| endpoint.clone())
}

/// A message as gRPC has it: not compressed, with its length.
fn framed(message: &Bytes) -> Result<Bytes, Failure> {
    let length = u32::try_from(message.len()).map_err(|_| Failure::Refused("the message is too long".to_owned()))?;
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(message);
    Ok(frame.freeze())
}

/// What a status says: these four may pass, by the specification of OTLP.
fn of_status(status: StatusCode) -> Result<(), Failure> {
    let said = || format!("it answers with {}", status.as_u16());
    match status.as_u16() {
        200..300 => Ok(()),
        429 | 502 | 503 | 504 => Err(Failure::Unavailable(said())),
        _ => Err(Failure::Refused(said())),
    }
}

/// What the status behind the answer says.
fn of_grpc(headers: &HeaderMap) -> Result<(), Failure> {
    let status = headers.get(&GRPC_STATUS).and_then(|status| status.to_str().ok());
    match status {
        Some("0") => Ok(()),
        Some(passing) if GRPC_PASSING.contains(&passing) => {
            Err(Failure::Unavailable(format!("it answers with gRPC's status {passing}")))
        }
        Some(other) => Err(Failure::Refused(format!("it answers with gRPC's status {other:?}"))),
        None => Err(Failure::Refused("its answer is not gRPC".to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_traces_is_below_that_of_all_signals() {
        let url = |endpoint: &str| below(&endpoint.parse().unwrap(), HTTP_PATH).to_string();
        assert_eq!(url("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(url("https://collector.example/otlp"), "https://collector.example/otlp/v1/traces");
    }

    #[test]
    fn what_passes_is_tried_again() {
        for (status, is_refused) in
            [(200, None), (202, None), (503, Some(false)), (429, Some(false)), (400, Some(true))]
        {
            let failure = of_status(StatusCode::from_u16(status).unwrap()).err();
            assert_eq!(failure.map(|failure| matches!(failure, Failure::Refused(_))), is_refused, "{status}");
        }
        for (status, is_refused) in [("0", None), ("14", Some(false)), ("16", Some(true)), ("", Some(true))] {
            let failure = of_grpc(&HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_str(status).unwrap())]));
            let failure = failure.err().map(|failure| matches!(failure, Failure::Refused(_)));
            assert_eq!(failure, is_refused, "{status}");
        }
        assert!(of_grpc(&HeaderMap::new()).is_err());
    }
}

//! Calls of plugins to services that their operator named. Where a service is and what credential it wants stays with the host: a
//! plugin says a name, a method, a path and what is sent. Redirects are not followed, and the address that a name leads to is
//! checked as a provider's is.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use percent_encoding::percent_decode_str;

use crate::config::{Destination, HttpGrant};
use crate::upstream::{CallFailure, Upstream};

/// Headers that a plugin may set, and that of an answer it is told.
const HEADERS_MAX: usize = 64;
/// Bytes of a path with its query.
const PATH_BYTES_MAX: usize = 8 << 10;

/// What a plugin asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) destination: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The operator has named no such service.
    UnknownDestination,
    /// It did not answer in time.
    Timeout,
    /// What is sent, or what came, is longer than is granted.
    TooLarge,
    /// It cannot be reached, or not with this; why.
    Unavailable(String),
}

/// Make a call within what is granted.
pub(crate) async fn call(upstream: &Upstream, grant: &HttpGrant, call: Call) -> Result<Response<Bytes>, Failure> {
    let destination = grant.destinations.get(&call.destination).ok_or(Failure::UnknownDestination)?;
    if u64::try_from(call.body.len()).map_or(true, |bytes| bytes > grant.request_bytes_max) {
        return Err(Failure::TooLarge);
    }
    let request = request(destination, call).map_err(Failure::Unavailable)?;
    let bytes_max = usize::try_from(grant.response_bytes_max).unwrap_or(usize::MAX);
    let called = upstream.call(request, bytes_max, grant.wait).await;
    called.map_err(|failure| match failure {
        CallFailure::Timeout => Failure::Timeout,
        CallFailure::TooLarge => Failure::TooLarge,
        CallFailure::Unavailable(why) => Failure::Unavailable(why),
    })
}

fn request(destination: &Destination, call: Call) -> Result<Request<Bytes>, String> {
    let method = Method::from_bytes(call.method.as_bytes()).ok();
    let method = method.filter(|method| destination.methods.contains(method));
    let method = method.ok_or_else(|| "this method is not granted".to_owned())?;
    let uri = joined(&destination.url, &call.path)?;
    let headers = headers(destination, &call.headers)?;
    let mut request = Request::new(Bytes::from(call.body));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
    Ok(request)
}

/// The address with the path appended: below it, whatever the path says.
fn joined(base: &Uri, path: &str) -> Result<Uri, String> {
    let wrong = || Err("the path must begin with / or ? or be empty, and not lead upwards".to_owned());
    let is_visible = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    if path.len() > PATH_BYTES_MAX || !is_visible || !(path.is_empty() || path.starts_with(['/', '?'])) {
        return wrong();
    }
    let (segments, _) = path.split_once('?').unwrap_or((path, ""));
    let leads_upwards = |segment: &str| {
        let decoded = percent_decode_str(segment).collect::<Vec<u8>>();
        decoded == b"." || decoded == b".." || decoded.iter().any(|byte| matches!(byte, b'/' | b'\\'))
    };
    if segments.split('/').any(leads_upwards) {
        return wrong();
    }
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    let whole = if whole.starts_with('/') { whole } else { format!("/{whole}") };
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(whole).map_err(|error| error.to_string())?);
    Uri::from_parts(parts).map_err(|error| error.to_string())
}

/// What the plugin says, without what belongs to the connection; the operator's have the last word.
fn headers(destination: &Destination, given: &[(String, String)]) -> Result<HeaderMap, String> {
    if given.len() > HEADERS_MAX {
        return Err(format!("more than {HEADERS_MAX} headers"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name = HeaderName::try_from(name).map_err(|_| "a header has no name that HTTP knows".to_owned())?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| format!("the header {name} has a value that HTTP cannot carry"))?;
        if is_of_the_connection(&name) {
            return Err(format!("the header {name} is the gateway's business"));
        }
        headers.append(name, value);
    }
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, secret) in &destination.headers {
        let mut value =
            HeaderValue::try_from(secret.reveal()).map_err(|_| format!("the header {name} of the operator"))?;
        value.set_sensitive(true);
        headers.insert(name.clone(), value);
    }
    Ok(headers)
}

fn is_of_the_connection(name: &HeaderName) -> bool {
    const OTHERS: [&str; 2] = ["keep-alive", "proxy-connection"];
    [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::EXPECT,
        header::PROXY_AUTHORIZATION,
        header::ACCEPT_ENCODING,
    ]
    .contains(name)
        || OTHERS.contains(&name.as_str())
}

/// The headers of an answer as a plugin is told of them.
pub(crate) fn told(headers: &HeaderMap) -> Vec<(String, String)> {
    let told = headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    told.take(HEADERS_MAX).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn destination() -> Destination {
        Destination {
            url: "https://crm.example/api/".parse().unwrap(),
            methods: vec![Method::GET, Method::POST],
            headers: vec![(header::AUTHORIZATION, Secret::new("Bearer secret"))],
        }
    }

    fn call(path: &str) -> Call {
        Call { method: "GET".to_owned(), path: path.to_owned(), ..Call::default() }
    }

    #[test]
    fn no_path_leads_out_of_the_destination() {
        for (path, expected) in [
            ("", "https://crm.example/api"),
            ("/", "https://crm.example/api/"),
            ("/a/b?x=1&y=%2F..", "https://crm.example/api/a/b?x=1&y=%2F.."),
            ("?q=1", "https://crm.example/api?q=1"),
            ("/a:b@c", "https://crm.example/api/a:b@c"),
            ("//other.example/", "https://crm.example/api//other.example/"),
        ] {
            assert_eq!(request(&destination(), call(path)).unwrap().uri(), expected, "{path}");
        }
        for path in [
            "a",
            "@other.example",
            ".other.example",
            ":81/",
            "/../x",
            "/a/%2e%2E/x",
            "/a/.",
            "/..",
            "/a%2f..%2fb",
            "/a\\b",
            "/a b",
            "/a#b",
            "/é",
            "/a\r\nx: y",
            "/%5c",
        ] {
            assert!(request(&destination(), call(path)).is_err(), "{path}");
        }
        let long = format!("/{}", "a".repeat(PATH_BYTES_MAX));
        assert!(request(&destination(), call(&long)).is_err());
    }

    #[test]
    fn methods_are_those_that_are_granted() {
        for method in ["DELETE", "get", "", "CONNECT", "GET /"] {
            let call = Call { method: method.to_owned(), ..call("/") };
            assert_eq!(request(&destination(), call).unwrap_err(), "this method is not granted", "{method}");
        }
    }

    #[test]
    fn the_operators_headers_count_and_those_of_the_connection_are_nobodys() {
        let with = |name: &str, value: &str| {
            let headers = vec![(name.to_owned(), value.to_owned())];
            request(&destination(), Call { headers, ..call("/") })
        };
        let forged = with("Authorization", "Bearer forged").unwrap();
        let said: Vec<_> = forged.headers().get_all(header::AUTHORIZATION).iter().collect();
        assert_eq!(said, ["Bearer secret"]);
        assert_eq!(with("x-a", "b").unwrap().headers().get("x-a").unwrap(), "b");
        for (name, value) in [
            ("host", "other.example"),
            ("Content-Length", "0"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
            ("proxy-connection", "close"),
            ("te", "trailers"),
            ("a b", "c"),
            ("", "c"),
            ("a", "b\r\nc: d"),
        ] {
            assert!(with(name, value).is_err(), "{name}");
        }
        let many = vec![("a".to_owned(), "b".to_owned()); HEADERS_MAX + 1];
        assert!(request(&destination(), Call { headers: many, ..call("/") }).is_err());
    }
}

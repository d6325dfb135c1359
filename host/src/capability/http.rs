//! Calls of plugins to services that their operator named. Where a service is and what credential it wants stays with the host: a
//! plugin says a name, a method, a path and what is sent. Redirects are not followed, and the address that a name leads to is
//! checked as a provider's is.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use percent_encoding::percent_decode;

use crate::config::{Destination, HttpGrant};
use crate::upstream::{CallFailure, Echo, Upstream};

/// Headers that a plugin may set, and that of an answer it is told.
pub(crate) const HEADERS_MAX: usize = 64;
/// Bytes of all of them; most servers refuse more.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// Said where there are more.
pub(crate) const TOO_MANY_HEADERS: &str = "more headers than 64, or longer ones than 16 KiB";
/// How often an escaped path is looked into: nobody escapes the escaped, but to hide something.
const ESCAPES_MAX: usize = 4;
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

impl Call {
    /// Bytes of all of it but the destination's name.
    pub(crate) fn bytes(&self) -> usize {
        self.method.len() + self.path.len() + length(&self.headers) + self.body.len()
    }
}

/// What a plugin is told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Told {
    /// Bytes of its headers and body.
    pub(crate) fn bytes(&self) -> usize {
        length(&self.headers) + self.body.len()
    }
}

fn length(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
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
    /// The plugin cannot call it like this; why.
    Refused(String),
    /// It cannot be reached; why, for the operator.
    Unavailable(String),
}

/// Make a call within what is granted.
pub(crate) async fn call(upstream: &Upstream, grant: &HttpGrant, call: Call) -> Result<Told, Failure> {
    let destination = grant.destinations.get(&call.destination).ok_or(Failure::UnknownDestination)?;
    let request = request(destination, call).map_err(Failure::Refused)?;
    let bytes_max = usize::try_from(grant.response_bytes_max).unwrap_or(usize::MAX);
    let called = upstream.call(request, bytes_max, grant.wait).await;
    called.map(|answer| told(destination, answer)).map_err(|failure| match failure {
        CallFailure::Timeout => Failure::Timeout,
        CallFailure::TooLarge => Failure::TooLarge,
        CallFailure::Unavailable(why) => Failure::Unavailable(why),
    })
}

/// An answer without the credentials that were sent, should the service say them back.
fn told(destination: &Destination, answer: Response<Bytes>) -> Told {
    let (mut head, body) = answer.into_parts();
    let values = destination.headers.iter().map(|(_, secret)| secret.reveal());
    // `Bearer KEY`: the key alone is one as well.
    let echo =
        Echo::for_secrets(values.flat_map(|value| [Some(value), value.split_once(' ').map(|(_, key)| key)]).flatten());
    echo.strike_out_headers(&mut head.headers);
    let mut bytes_left = HEADER_BYTES_MAX;
    let pairs = head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let fitting = pairs.take(HEADERS_MAX).take_while(|(name, value)| {
        let left = bytes_left.checked_sub(name.len() + value.len());
        bytes_left = left.unwrap_or_default();
        left.is_some()
    });
    let headers = fitting.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Told { status: head.status.as_u16(), headers, body: echo.struck_out(body) }
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
    if path.starts_with("//") || segments.split('/').any(|segment| !is_plain(segment)) {
        return wrong();
    }
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    let whole = if whole.starts_with('/') { whole } else { format!("/{whole}") };
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(whole).map_err(|error| error.to_string())?);
    Uri::from_parts(parts).map_err(|error| error.to_string())
}

/// Whether a segment of a path is nothing but a name, whoever reads it: some servers take the escaped escape, and what stands behind
/// a semicolon is no part of the name for some.
fn is_plain(segment: &str) -> bool {
    let mut bytes = segment.as_bytes().to_vec();
    for _ in 0..ESCAPES_MAX {
        let decoded: Vec<u8> = percent_decode(&bytes).collect();
        if decoded == bytes {
            let name = bytes.split(|byte| *byte == b';').next().unwrap_or_default();
            let separates = |byte: &u8| matches!(byte, b'/' | b'\\') || byte.is_ascii_control();
            return name != b"." && name != b".." && !bytes.iter().any(separates);
        }
        bytes = decoded;
    }
    false
}

/// What the plugin says, without what belongs to the connection; the operator's have the last word.
fn headers(destination: &Destination, given: &[(String, String)]) -> Result<HeaderMap, String> {
    if given.len() > HEADERS_MAX || length(given) > HEADER_BYTES_MAX {
        return Err(TOO_MANY_HEADERS.to_owned());
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name = HeaderName::try_from(name).map_err(|_| "a header has no name that HTTP knows".to_owned())?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| format!("the header {name} has a value that HTTP cannot carry"))?;
        if is_of_the_gateway(&name) {
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

/// Those of the connection, and those by which a service would take a call for another one, or for another's.
fn is_of_the_gateway(name: &HeaderName) -> bool {
    const OTHERS: [&str; 8] = [
        "keep-alive",
        "proxy-connection",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-real-ip",
    ];
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
        header::FORWARDED,
    ]
    .contains(name)
        || OTHERS.contains(&name.as_str())
        || name.as_str().starts_with("x-forwarded-")
        // Many servers take it for a hyphen.
        || name.as_str().contains('_')
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
            ("/a//b;c=d", "https://crm.example/api/a//b;c=d"),
            ("/100%25", "https://crm.example/api/100%25"),
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
            "//other.example/",
            "/..;/x",
            "/.;a=b/x",
            "/a/%252e%252e/x",
            "/a%25252fb",
            "/a%00b",
            "/a%250d%250ab",
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
            ("X-Original-URL", "/admin"),
            ("x-http-method-override", "DELETE"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("x_forwarded_for", "127.0.0.1"),
            ("a b", "c"),
            ("", "c"),
            ("a", "b\r\nc: d"),
        ] {
            assert!(with(name, value).is_err(), "{name}");
        }
        let many = vec![("a".to_owned(), "b".to_owned()); HEADERS_MAX + 1];
        assert!(request(&destination(), Call { headers: many, ..call("/") }).is_err());
        assert!(with("a", &"b".repeat(HEADER_BYTES_MAX)).is_err());
    }

    #[test]
    fn a_service_that_says_the_operators_credential_back_tells_the_plugin_nothing() {
        let destination = Destination {
            headers: vec![(header::AUTHORIZATION, Secret::new("Bearer the-secret-key"))],
            ..destination()
        };
        let answer = Response::builder().header("x-a", "b").header("x-seen", "the-secret-key");
        let answer = answer.body(Bytes::from("seen: Bearer the-secret-key, the-secret-key"));
        let told = told(&destination, answer.unwrap());
        assert_eq!(told.headers, [("x-a".to_owned(), "b".to_owned())]);
        assert_eq!(told.body, "seen: ***, ***");
    }

    #[test]
    fn a_plugin_is_told_no_more_headers_than_it_may_say() {
        let long = "v".repeat(HEADER_BYTES_MAX / 2);
        let answer = Response::builder().header("a", &long).header("b", &long).header("c", "d");
        let told = told(&destination(), answer.body(Bytes::new()).unwrap());
        assert_eq!(told.headers, [("a".to_owned(), long)]);
    }
}

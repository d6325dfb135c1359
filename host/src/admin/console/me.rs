//! How whoever looks at the console is called, in what they answer and in what they think of answers.

use http::Response;
use http::header::SET_COOKIE;

use super::Visit;
use super::session::cookie;
use super::words::in_path;
use crate::reply::Body;

/// The cookie with the name that a person has given.
const NAME: &str = "sluicegate-name";

/// How whoever looks has called themselves before.
pub(super) fn name(visit: &Visit<'_>) -> Option<String> {
    let name = cookie(&visit.head.headers, NAME)?;
    percent_encoding::percent_decode_str(name).decode_utf8().ok().map(|name| name.into_owned())
}

/// Know it the next time.
pub(super) fn is_called(response: &mut Response<Body>, name: &str) {
    if name.is_empty() {
        return;
    }
    let cookie = format!("{NAME}={}; Path=/console; Max-Age=31536000; HttpOnly; SameSite=Lax", in_path(name));
    response.headers_mut().extend(cookie.parse().map(|cookie| (SET_COOKIE, cookie)));
}

//! Requests that a browser sends in the name of a page.
//!
//! Where being on this machine is enough to be let in, a browser on this machine is the way in for others: a page can send
//! requests to 127.0.0.1 (cross-site request forgery), and a name that its owner turns to 127.0.0.1 makes the page one of the
//! same site (DNS rebinding). The browser says truthfully which name it asked (`host`) and whose page it is (`origin`).

use http::header::{self, HeaderName};
use http::request::Parts;

use crate::config::is_loopback;

pub(crate) const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What all browsers call themselves, and no SDK: where a page is of the same site as what it asks, and not of a secure
/// one, a request that only reads has none of the headers below.
const BROWSER: &[u8] = b"Mozilla/";

/// Whether a browser has sent this for a page that does not come from this machine.
pub(crate) fn sends_for_another_site(head: &Parts) -> bool {
    let sites = || head.headers.get_all(FETCH_SITE).iter();
    let origins = || head.headers.get_all(header::ORIGIN).iter();
    let is_browser = head.headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(BROWSER));
    if sites().next().is_none() && origins().next().is_none() && !is_browser {
        return false;
    }
    let is_local = |origin: &[u8]| match std::str::from_utf8(origin).ok().and_then(|origin| origin.split_once("://")) {
        Some(("http" | "https", host)) => names_this_machine(host),
        // Extensions and programs with a browser inside have schemes that no page has.
        Some(_) => true,
        None => false,
    };
    let is_asked_here = asked_host(head).is_some_and(names_this_machine);
    let is_known = origins().next().is_some() || sites().all(|site| site.as_bytes() != b"cross-site");
    !(is_asked_here && is_known && origins().all(|origin| is_local(origin.as_bytes())))
}

/// The host with its port, as it was asked for: `host`, or `:authority` in HTTP/2.
pub(crate) fn asked_host(head: &Parts) -> Option<&str> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next(), head.uri.authority()) {
        (Some(host), None, None) => host.to_str().ok(),
        (None, None, Some(authority)) => Some(authority.as_str()),
        (Some(host), None, Some(authority)) => host.to_str().ok().filter(|host| *host == authority.as_str()),
        _ => None,
    }
}

/// Whether a host, with its port or without, is this machine whatever any name server says.
pub(crate) fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::Request;

    use super::*;

    fn is_refused(headers: &[(&str, &str)]) -> bool {
        let request =
            headers.iter().fold(Request::get("/v1/models"), |request, (name, value)| request.header(*name, *value));
        sends_for_another_site(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn pages_of_other_sites_are_refused_and_programs_are_not() {
        let here = ("host", "127.0.0.1:8080");
        for fine in [
            &[("host", "gateway.example")][..],
            &[("host", "gateway.example"), ("user-agent", "OpenAI/Python 2.8.1")],
            &[here, ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")],
            &[here, ("origin", "http://localhost:3000")],
            &[here, ("origin", "https://[::1]"), ("sec-fetch-site", "cross-site")],
            &[here, ("origin", "vscode-webview://1a2b"), ("sec-fetch-site", "cross-site")],
            &[here, ("sec-fetch-site", "none")],
            &[here, ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!is_refused(fine), "{fine:?}");
        }
        for wrong in [
            &[here, ("origin", "https://evil.example")][..],
            &[here, ("origin", "http://localhost.evil.example")],
            &[here, ("origin", "null")],
            &[here, ("origin", "http://localhost"), ("origin", "http://evil.example")],
            &[here, ("sec-fetch-site", "cross-site")],
            // A name that leads here.
            &[("host", "evil.example:8080"), ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")],
            &[("host", "evil.example:8080"), ("sec-fetch-site", "same-origin")],
            &[("host", "evil.example:8080"), ("origin", "http://evil.example:8080")],
            &[("origin", "http://localhost")],
        ] {
            assert!(is_refused(wrong), "{wrong:?}");
        }
    }
}

//! Who gets in at the port for operators: nobody without the token, where there is one, and no page of another site.

use http::request::Parts;
use http::{Method, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Refused;
use crate::browser::{FETCH_SITE, asked_host, names_this_machine};
use crate::config::{Admin, Secret};

/// Whether a request is meant for this port, and no page of another site has sent it.
pub(super) fn is_from_here(head: &Parts, admin: &Admin) -> Result<(), Refused> {
    let host = asked_host(head).ok_or(Refused::Elsewhere("name the host that is asked, once"))?;
    // A name that leads here says nothing; who has the token need not prove it by a name.
    if admin.token.is_none() && !names_this_machine(host) {
        return Err(Refused::Elsewhere("ask for this port as localhost or 127.0.0.1"));
    }
    let sites = head.headers.get_all(FETCH_SITE);
    // A link leads to the console, from wherever it is: whoever follows it sees the page, and nobody else does.
    if leads_to_the_console(head) {
        return Ok(());
    }
    if !sites.iter().all(|site| matches!(site.as_bytes(), b"same-origin" | b"none")) {
        return Err(Refused::Elsewhere("a page of another site has sent this"));
    }
    let origins = head.headers.get_all(header::ORIGIN);
    let is_own = |origin: &[u8]| {
        let origin = origin.strip_prefix(b"http://").or(origin.strip_prefix(b"https://"));
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_bytes()))
    };
    if !origins.iter().all(|origin| is_own(origin.as_bytes())) {
        return Err(Refused::Elsewhere("a page of another site has sent this"));
    }
    Ok(())
}

/// Whether a person follows a link to a page of the console, which changes nothing and which no other page can look into.
fn leads_to_the_console(head: &Parts) -> bool {
    let is = |name: &str, value: &[u8]| head.headers.get(name).is_some_and(|given| given.as_bytes() == value);
    let is_console = head.uri.path().split('/').nth(1) == Some("console");
    head.method == Method::GET && is_console && is("sec-fetch-mode", b"navigate") && is("sec-fetch-dest", b"document")
}

/// Whether a request has the token, where one is needed.
pub(super) fn has_token(head: &Parts, admin: &Admin) -> Result<(), Refused> {
    let Some(token) = &admin.token else { return Ok(()) };
    let given = head.headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
    let (scheme, given) = given.split_at_checked(7).unwrap_or_default();
    if is_it(token, given) && scheme.eq_ignore_ascii_case(b"bearer ") { Ok(()) } else { Err(Refused::NoToken) }
}

/// Whether this is the token. Their hashes are compared, so that not even the length is told.
pub(super) fn is_it(token: &Secret, given: &[u8]) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(token.reveal().as_bytes())).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::Request;

    use super::*;

    fn admin(token: Option<&str>) -> Admin {
        Admin { listen: ([127, 0, 0, 1], 8081).into(), token: token.map(Secret::new) }
    }

    fn head(headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(Request::get("/api/keys"), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_names_of_this_machine_are_answered_without_a_token() {
        for host in ["localhost:8081", "LOCALHOST", "127.0.0.1:8081", "127.3.2.1", "[::1]:8081", "[::1]"] {
            assert!(is_from_here(&head(&[("host", host)]), &admin(None)).is_ok(), "{host}");
        }
        for host in
            ["evil.example:8081", "localhost.evil.example", "192.0.2.1:8081", "0.0.0.0:8081", "", "127.0.0.1.evil"]
        {
            assert!(is_from_here(&head(&[("host", host)]), &admin(None)).is_err(), "{host}");
            assert!(is_from_here(&head(&[("host", host)]), &admin(Some("t"))).is_ok(), "{host}");
        }
        assert!(is_from_here(&head(&[]), &admin(None)).is_err());
        assert!(is_from_here(&head(&[("host", "localhost"), ("host", "localhost")]), &admin(None)).is_err());
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let with =
            |name, value| is_from_here(&head(&[("host", "localhost:8081"), (name, value)]), &admin(None)).is_ok();
        assert!(with("origin", "http://localhost:8081"));
        for origin in ["http://evil.example", "null", "http://localhost:8080", "http://localhost", "localhost:8081", ""]
        {
            assert!(!with("origin", origin), "{origin}");
        }
        assert!(with("sec-fetch-site", "same-origin") && with("sec-fetch-site", "none"));
        assert!(!with("sec-fetch-site", "cross-site") && !with("sec-fetch-site", "same-site"));
    }

    #[test]
    fn a_link_of_another_site_leads_to_pages_of_the_console_alone() {
        let followed = [("host", "localhost"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        let request = |method: &str, path: &str, dest: &str| {
            let request = Request::builder().method(method).uri(path).header("sec-fetch-dest", dest);
            let request = followed.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            is_from_here(&request.body(()).unwrap().into_parts().0, &admin(None)).is_ok()
        };
        assert!(request("GET", "/console", "document") && request("GET", "/console/exchanges?tenant=a", "document"));
        assert!(!request("POST", "/console/escalations/a/answer", "document"));
        assert!(!request("GET", "/console", "iframe") && !request("GET", "/console", "empty"));
        assert!(!request("GET", "/api/keys", "document") && !request("GET", "/consoles", "document"));
    }

    #[test]
    fn the_token_is_the_whole_token() {
        let with = |value| has_token(&head(&[("authorization", value)]), &admin(Some("secret"))).is_ok();
        assert!(with("Bearer secret") && with("bearer secret"));
        for wrong in ["Bearer secre", "Bearer secrets", "Bearer ", "Bearer", "Basic secret", "secret", ""] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(has_token(&head(&[]), &admin(Some("secret"))).is_err());
        assert!(has_token(&head(&[]), &admin(None)).is_ok());
    }
}

//! Who may look at the console: whoever has shown the admin port's token, for as long as the cookie says that was. A cookie is
//! signed with the token, so it means the same to every gateway that has this token, and nothing when the token is another.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, HeaderMap, HeaderValue};
use ring::hmac;

use crate::config::{Admin, Secret};
use crate::moment::Moment;

/// How long one may look before the token is asked for again: a working day.
const SESSION: Duration = Duration::from_secs(12 * 3_600);
const NAME: &str = "sluicegate-console";

/// What signs cookies and forms; a fresh key where there is no token, as no cookie is needed there.
#[derive(Debug)]
pub(crate) struct Signer {
    key: hmac::Key,
    has_token: bool,
}

impl Signer {
    pub(crate) fn new(admin: &Admin) -> Self {
        let random: [u8; 32] = rand::random();
        let secret = admin.token.as_ref().map_or(&random[..], |token| token.reveal().as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self { key, has_token: admin.token.is_some() }
    }

    /// The cookie of whoever has just shown the token.
    pub(super) fn cookie(&self, now: Moment) -> HeaderValue {
        let until = now.after(SESSION).seconds();
        let value = format!("{until}.{}", self.sign("session", &until.to_string()));
        let seconds = SESSION.as_secs();
        said(&format!("{NAME}={value}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
    }

    /// What ends a session in the browser.
    pub(super) fn no_cookie() -> HeaderValue {
        said(&format!("{NAME}=; Path=/console; Max-Age=0; HttpOnly; SameSite=Lax"))
    }

    /// Whether whoever sends this may look.
    pub(super) fn lets_in(&self, headers: &HeaderMap, now: Moment) -> bool {
        !self.has_token || self.session(headers).is_some_and(|until| now < until)
    }

    /// Until when the session lasts that a cookie is of, if it is genuine.
    fn session(&self, headers: &HeaderMap) -> Option<Moment> {
        let (until, signature) = cookie(headers, NAME)?.split_once('.')?;
        self.is_signed("session", until, signature).then_some(())?;
        until.parse().ok().map(Moment::from_seconds)
    }

    /// What each form carries, and no other site can know: beside the browser's own word on where a request comes from, which
    /// the door looks at.
    pub(super) fn form_token(&self, headers: &HeaderMap) -> String {
        self.sign("form", cookie(headers, NAME).unwrap_or_default())
    }

    /// Whether a form is one of this console.
    pub(super) fn is_own_form(&self, headers: &HeaderMap, given: &str) -> bool {
        self.is_signed("form", cookie(headers, NAME).unwrap_or_default(), given)
    }

    fn sign(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, format!("console {purpose} {text}").as_bytes()))
    }

    fn is_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        hmac::verify(&self.key, format!("console {purpose} {text}").as_bytes(), &signature).is_ok()
    }
}

/// Whether this is the admin port's token.
pub(super) fn is_token(token: &Secret, given: &str) -> bool {
    super::super::door::is_it(token, given.as_bytes())
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
}

fn said(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn admin(token: Option<&str>) -> Admin {
        Admin { listen: ([127, 0, 0, 1], 8081).into(), token: token.map(Secret::new) }
    }

    fn with(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, said(cookie))])
    }

    fn value_of(cookie: &HeaderValue) -> String {
        cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_session_lasts_as_long_as_it_says_and_with_its_token() {
        let (now, signer) = (Moment::from_seconds(1_000_000), Signer::new(&admin(Some("secret"))));
        let cookie = with(&format!("other=1; {}", value_of(&signer.cookie(now))));
        assert!(signer.lets_in(&cookie, now) && signer.lets_in(&cookie, now.after(SESSION - Duration::from_secs(1))));
        assert!(!signer.lets_in(&cookie, now.after(SESSION)));
        assert!(Signer::new(&admin(Some("secret"))).lets_in(&cookie, now), "another gateway with this token");
        assert!(!Signer::new(&admin(Some("another"))).lets_in(&cookie, now));
        assert!(!signer.lets_in(&HeaderMap::new(), now));
        let later = value_of(&signer.cookie(now)).replacen("1043200", "9043200", 1);
        assert!(!signer.lets_in(&with(&later), now), "{later}");
        for wrong in ["", ".", "9043200.", "9043200.AAAA", "x.y"] {
            assert!(!signer.lets_in(&with(&format!("{NAME}={wrong}")), now), "{wrong}");
        }
        assert!(Signer::new(&admin(None)).lets_in(&HeaderMap::new(), now));
    }

    #[test]
    fn a_form_belongs_to_its_session() {
        let (now, signer) = (Moment::from_seconds(1_000_000), Signer::new(&admin(Some("secret"))));
        let (one, other) = (with(&value_of(&signer.cookie(now))), with(&value_of(&signer.cookie(now.after(SESSION)))));
        let token = signer.form_token(&one);
        assert!(signer.is_own_form(&one, &token));
        assert!(!signer.is_own_form(&other, &token) && !signer.is_own_form(&one, ""));
        let open = Signer::new(&admin(None));
        assert!(open.is_own_form(&HeaderMap::new(), &open.form_token(&HeaderMap::new())));
        assert!(!open.is_own_form(&HeaderMap::new(), &Signer::new(&admin(None)).form_token(&HeaderMap::new())));
    }
}

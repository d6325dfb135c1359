//! The credentials that the gateway has sent, which a provider may say back: no caller is to see them.

use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderName;
use memchr::memmem::Finder;

use crate::config::{Platform, Secret, Target};

/// Shorter words are no secrets, and may stand in any text: some servers want a key and take every word for one.
const BYTES_MIN: usize = 12;
/// What stands in the place of a credential.
const STRUCK: &[u8] = b"***";

/// Looks for the credentials of one target.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    credentials: Vec<Finder<'static>>,
    /// The end of what has come of a stream, in which the beginning of one may stand.
    tail: Vec<u8>,
}

impl Echo {
    /// For what this target is sent.
    pub(super) fn of(target: &Target) -> Self {
        let aws = match &target.platform {
            Platform::Aws(keys) => {
                [Some(&keys.access_key_id), Some(&keys.secret_access_key), keys.session_token.as_ref()]
            }
            Platform::Own | Platform::Azure(_) => [None; 3],
        };
        Self::for_secrets(target.api_key.iter().chain(aws.into_iter().flatten()).map(Secret::reveal))
    }

    /// For these; those that hold others come first.
    pub(crate) fn for_secrets<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let secrets = secrets.filter(|secret| secret.len() >= BYTES_MIN);
        let credentials = secrets.map(|secret| Finder::new(secret.as_bytes()).into_owned()).collect();
        Self { credentials, tail: Vec::new() }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        self.credentials.iter().any(|credential| credential.find(bytes).is_some())
    }

    /// A body without them.
    pub(crate) fn struck_out(&self, body: Bytes) -> Bytes {
        if !self.is_in(&body) {
            return body;
        }
        let mut body = body.to_vec();
        for credential in &self.credentials {
            let (mut struck, mut told) = (Vec::with_capacity(body.len()), 0);
            for place in credential.find_iter(&body) {
                struck.extend_from_slice(body.get(told..place).unwrap_or_default());
                struck.extend_from_slice(STRUCK);
                told = place + credential.needle().len();
            }
            struck.extend_from_slice(body.get(told..).unwrap_or_default());
            body = struck;
        }
        body.into()
    }

    /// Take out the headers that have one.
    pub(crate) fn strike_out_headers(&self, headers: &mut HeaderMap) {
        let told = headers.iter().filter(|(_, value)| self.is_in(value.as_bytes()));
        let told: Vec<HeaderName> = told.map(|(name, _)| name.clone()).collect();
        for name in told {
            headers.remove(name);
        }
    }

    /// Whether one of them stands in a stream, of which these bytes come next.
    pub(super) fn comes(&mut self, bytes: &[u8]) -> bool {
        let longest = self.credentials.iter().map(|credential| credential.needle().len()).max();
        let Some(reach) = longest.map(|longest| longest - 1) else { return false };
        if self.is_in(bytes) {
            return true;
        }
        self.tail.extend_from_slice(bytes.get(..reach).unwrap_or(bytes));
        let across = self.is_in(&self.tail);
        if let Some(end) = bytes.len().checked_sub(reach).and_then(|from| bytes.get(from..)) {
            self.tail.clear();
            self.tail.extend_from_slice(end);
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(reach));
        }
        across
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const KEY: &str = "sk-live-0123456789";

    fn echo(keys: &[&str]) -> Echo {
        let credentials = keys.iter().map(|key| Finder::new(key.as_bytes()).into_owned()).collect();
        Echo { credentials, tail: Vec::new() }
    }

    #[test]
    fn a_body_loses_them_wherever_they_stand() {
        let echo = echo(&[KEY, "another-secret"]);
        let body = format!("{KEY}{KEY}, wrong: another-secret {KEY}");
        assert_eq!(echo.struck_out(body.into()), "******, wrong: *** ***");
        assert_eq!(echo.struck_out("sk-live-012345678".into()), "sk-live-012345678");
    }

    #[test]
    fn headers_that_have_one_go() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("request-id", "r-1"), ("x-request-id", KEY), ("x-request-id", "r-2")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        echo(&[KEY]).strike_out_headers(&mut headers);
        assert_eq!(headers.into_iter().count(), 1);
    }

    #[test]
    fn a_stream_is_seen_across_all_its_pieces() {
        let text = format!("some words and {KEY} and more");
        for size in 1..text.len() {
            let mut echo = echo(&[KEY, "another-secret"]);
            assert!(text.as_bytes().chunks(size).any(|piece| echo.comes(piece)), "pieces of {size} bytes");
            let mut echo = self::echo(&[KEY]);
            let other = text.replace("89", "8-9");
            assert!(!other.as_bytes().chunks(size).any(|piece| echo.comes(piece)), "pieces of {size} bytes");
        }
        assert!(!echo(&[]).comes(text.as_bytes()));
    }
}

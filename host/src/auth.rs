//! Who is calling: the first step of an exchange, before a byte of the body is read.
//!
//! A caller says who it is with a virtual key (`sg-...`, in whichever header its SDK sends keys) or with a signed token.
//! Whether it must say so is the operator's `[auth] required`; where nothing is said, it must as soon as there is a key, or
//! where others than this machine reach the port.

mod jwt;
mod key_set;
mod keyring;
mod verify;

use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;

use self::jwt::Tokens;
use self::keyring::Keyring;
use crate::browser::sends_for_another_site;
use crate::caller::Caller;
use crate::config::{Settings, is_loopback};
use crate::error::Error;
use crate::key::{Key, secret};
use crate::store::{self, Keys, aside};
use crate::upstream::Upstream;

/// Headers in which SDKs send a key, beside `authorization`: Anthropic's, Google's, Azure's.
const KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
];

/// All that is known about callers.
#[derive(Debug)]
pub struct Auth {
    keyring: Arc<Keyring>,
    tokens: Option<Tokens>,
    /// Whether others than this machine reach the public port.
    is_public: bool,
}

impl Auth {
    /// Read the keys, if there are any.
    ///
    /// # Errors
    /// When the store or the file with the issuer's keys cannot be read, or others would reach the port and nothing says
    /// who they may be.
    pub fn open(settings: &Settings) -> Result<Self, String> {
        let keyring = Arc::new(Keyring::new(&settings.store.path));
        keyring.look().map_err(|error| error.to_string())?;
        let tokens = settings.auth.jwt.as_ref().map(Tokens::new).transpose()?;
        let listen = settings.server.listen;
        let auth = Self { keyring, tokens, is_public: !is_loopback(listen.ip()) };
        if auth.is_public && settings.auth.required.is_none() && !auth.knows_callers() {
            return Err(format!(
                "refusing to listen on {listen}, where others can reach it, without knowing who may call: make a key with \
                 `sluicegate keys create NAME`, configure [auth.jwt], or say required = false under [auth]"
            ));
        }
        Ok(auth)
    }

    /// Whether anybody could say who they are.
    #[must_use]
    pub fn knows_callers(&self) -> bool {
        self.tokens.is_some() || self.keyring.has_keys()
    }

    /// Whether callers must say who they are.
    #[must_use]
    pub fn is_required(&self, settings: &Settings) -> bool {
        settings.auth.required.unwrap_or_else(|| self.is_public || self.knows_callers())
    }

    /// Find out who sent this.
    ///
    /// # Errors
    /// When that is required and not said, or what is said is not true. All of it looks alike from outside.
    pub async fn identify(
        &self,
        settings: &Settings,
        upstream: &Upstream,
        headers: &HeaderMap,
    ) -> Result<Arc<Caller>, Error> {
        let mut keys = credentials(headers).filter(|text| text.starts_with(secret::PREFIX));
        if let Some(key) = keys.next() {
            // Of two that differ nobody could say which one counts.
            let is_one = keys.all(|other| other == key);
            return self.keyring.find(key).filter(|_| is_one).ok_or(Error::UnknownCaller("key"));
        }
        if let (Some(tokens), Some(token)) = (&self.tokens, credentials(headers).find(|text| jwt::looks_like(text))) {
            return match tokens.identify(token, upstream).await {
                Ok(caller) => Ok(Arc::new(caller)),
                Err(why) => Err(Error::UnknownCaller(why)),
            };
        }
        match self.is_required(settings) {
            true => Err(Error::UnknownCaller("none")),
            false => Ok(self.keyring.anonymous()),
        }
    }

    /// Whether a browser has sent this for a page of another site, where being on this machine was all it took.
    #[must_use]
    pub fn is_of_another_site(&self, caller: &Caller, head: &Parts) -> bool {
        !self.is_public && !caller.is_identified && sends_for_another_site(head)
    }

    /// Keep what is known in step with the store and with the issuer. Never ends.
    pub async fn keep_in_step(&self, upstream: &Upstream) {
        let tokens = async {
            match &self.tokens {
                Some(tokens) => tokens.keep_fresh(upstream).await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(self.keyring.keep_in_step(), tokens);
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn keys(&self) -> Result<Vec<Key>, store::Error> {
        let keyring = self.keyring.clone();
        aside(move || keyring.keys()).await
    }

    /// Those whose keys let them in, as they were read last. Waits for nothing.
    #[must_use]
    pub(crate) fn callers(&self) -> Vec<Arc<Caller>> {
        self.keyring.callers()
    }

    /// Work with the stored keys, on a thread that serves nobody; what has changed counts at once.
    ///
    /// # Errors
    /// What `work` says, or when the store cannot be opened.
    pub async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Keys) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        let keyring = self.keyring.clone();
        aside(move || keyring.with_store(work)).await
    }

    /// Why requests cannot be told apart yet, if they cannot.
    #[must_use]
    pub fn not_ready(&self) -> Option<&'static str> {
        self.tokens.as_ref().filter(|tokens| !tokens.has_keys()).map(|_| "the issuer's keys could not be read yet")
    }
}

/// Whatever a caller sends as a credential.
fn credentials(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let keys = KEY_HEADERS.into_iter().flat_map(|name| headers.get_all(name)).filter_map(|value| value.to_str().ok());
    bearer(headers).chain(keys.map(str::trim))
}

/// What stands in `authorization` behind `Bearer`, in any case: RFC 9110, section 11.1.
fn bearer(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| value.to_str().ok());
    values.filter_map(|value| {
        let (scheme, rest) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
    })
}

/// Look whether a caller may ask for this model.
///
/// # Errors
/// When it may not: the same as if there were no such model.
pub(crate) fn may_ask(caller: &Caller, model: &str) -> Result<(), Error> {
    if caller.models.allow(model) { Ok(()) } else { Err(Error::unknown_model(model)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn credentials_are_found_wherever_sdks_send_them() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer  a "),
            ("authorization", "bearer b"),
            ("authorization", "Basic c"),
            ("authorization", "d"),
            ("x-api-key", " e "),
            ("x-goog-api-key", "f"),
            ("api-key", "g"),
            ("x-other", "h"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        assert_eq!(credentials(&headers).collect::<Vec<_>>(), ["a", "b", "e", "f", "g"]);
    }
}

//! Signed messages to an operator's own service, as Standard Webhooks has them: version 1.0.0 of its specification,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer};

use crate::config::{Secret, Webhook};
use crate::moment::Moment;
use crate::upstream::Upstream;

/// Pauses after the first, the second and each further failure, in seconds: those that the specification recommends; the
/// last one again and again.
const PAUSES: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes that a secret may have, by the specification.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// One message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// The same at each try, for whoever gets it twice.
    pub(crate) id: &'a str,
    /// When it is sent.
    pub(crate) at: Moment,
    /// JSON.
    pub(crate) body: Bytes,
}

/// Send a message once; gives the status with which it was taken.
///
/// # Errors
/// When it is not taken; why.
pub(crate) async fn deliver(
    upstream: &Upstream,
    webhook: &Webhook,
    message: Message<'_>,
) -> Result<StatusCode, String> {
    let headers = headers(&webhook.secret, &message)?;
    let mut request = Request::post(webhook.url.clone()).body(message.body).map_err(|error| error.to_string())?;
    *request.headers_mut() = headers;
    upstream.deliver(request).await
}

fn headers(secret: &Secret, message: &Message<'_>) -> Result<HeaderMap, String> {
    let Message { id, at, body } = message;
    let timestamp = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
    let signer = Signer::new(secret.reveal()).map_err(|error| error.to_string())?;
    let signature = signer.sign(id, timestamp, body).map_err(|error| error.to_string())?;
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HEADER_WEBHOOK_ID, value(id)?);
    headers.insert(HEADER_WEBHOOK_TIMESTAMP, timestamp.into());
    headers.insert(HEADER_WEBHOOK_SIGNATURE, value(&signature)?);
    Ok(headers)
}

/// How long to wait after so many failures before the one that has just been.
pub(crate) fn pause(failures: u32) -> Duration {
    let index = usize::try_from(failures).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    Duration::from_secs(PAUSES.get(index).copied().unwrap_or_default())
}

/// Whether a message can be signed with this; says how to make one if not.
///
/// # Errors
/// When it is no secret as the specification wants it.
pub(crate) fn check_secret(secret: &Secret) -> Result<(), &'static str> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let key = secret.reveal().strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
    match key {
        Some(key) if SECRET_BYTES.contains(&key.len()) => Ok(()),
        _ => Err("is not whsec_ and 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_message_is_signed_as_its_readers_check_it() {
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at: Moment::from_seconds(1_614_265_330),
            body: Bytes::from_static(br#"{"test": 2432232314}"#),
        };
        let headers = headers(&Secret::new(SECRET), &message).unwrap();
        let said = |name| headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(said("webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(said("webhook-timestamp"), "1614265330");
        assert_eq!(said("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_are_long_enough_and_say_how_to_be_made() {
        assert_eq!(check_secret(&Secret::new(SECRET)), Ok(()));
        for wrong in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILA==", "whsec_%%"] {
            assert!(check_secret(&Secret::new(wrong)).unwrap_err().contains("openssl"), "{wrong}");
        }
    }

    #[test]
    fn pauses_become_longer_up_to_a_day() {
        assert_eq!([0, 1, 8, 9, u32::MAX].map(|failures| pause(failures).as_secs()), [5, 300, 86_400, 86_400, 86_400]);
    }
}

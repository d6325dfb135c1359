//! Signatures of requests to AWS, version 4. Each attempt has its own: it holds the time.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signed};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use tracing::subscriber::{NoSubscriber, with_default};

use crate::config::AwsKeys;
use crate::error::Error;

/// The name that requests to the Bedrock runtime are signed for.
const SERVICE: &str = "bedrock";
/// Who the credentials are from, for errors that nobody is shown.
const FROM: &str = "the configuration";

/// Add the signature of a request with this body.
///
/// # Errors
/// When the request cannot be signed.
pub(super) fn sign<B>(request: &mut Request<B>, body: &[u8], keys: &AwsKeys, now: SystemTime) -> Result<(), Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    // The crate writes what it signs into the log, at the level `trace`: text of prompts would be in it.
    let signature = with_default(NoSubscriber::new(), || {
        headers(request.method(), request.uri(), content_type, body, keys, SERVICE, now)
    });
    let signature = signature.ok_or_else(|| Error::Unreachable("the request cannot be signed".to_owned()))?;
    request.headers_mut().extend(signature);
    Ok(())
}

/// The headers with which it is signed. Signed is what nobody on the way changes.
fn headers(
    method: &Method,
    uri: &Uri,
    content_type: Option<&str>,
    body: &[u8],
    keys: &AwsKeys,
    service: &str,
    now: SystemTime,
) -> Option<HeaderMap> {
    let token = keys.session_token.as_ref().map(|token| token.reveal().to_owned());
    let (id, secret) = (keys.access_key_id.reveal(), keys.secret_access_key.reveal());
    let identity = Credentials::new(id, secret, token, None, FROM).into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&keys.region)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let given = content_type.map(|kind| (header::CONTENT_TYPE.as_str(), kind));
    let uri = uri.to_string();
    let request = SignableRequest::new(method.as_str(), &uri, given.into_iter(), SignableBody::Bytes(body)).ok()?;
    let (instructions, _) = signed(request, &params).ok()?.into_parts();
    let mut headers = HeaderMap::new();
    for (name, value) in instructions.headers() {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::try_from(name).ok()?, value);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing_subscriber::util::SubscriberInitExt;

    use super::*;
    use crate::config::Secret;

    fn keys(session_token: Option<&str>) -> AwsKeys {
        AwsKeys {
            region: "us-east-1".to_owned(),
            access_key_id: Secret::new("AKIDEXAMPLE"),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: session_token.map(Secret::new),
        }
    }

    /// 30 August 2015, 12:36:00 UTC, as in AWS's test suite.
    fn then() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
    }

    #[test]
    fn the_signature_is_that_of_awss_test_suite() {
        let uri = Uri::from_static("https://example.amazonaws.com/");
        for (method, expected) in [
            (Method::GET, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (Method::POST, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            let headers = headers(&method, &uri, None, b"", &keys(None), "service", then()).unwrap();
            assert_eq!(headers["x-amz-date"], "20150830T123600Z");
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={expected}"
            );
            assert_eq!(headers["authorization"], expected);
        }
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_that_is_signed_is_in_the_log() {
        let log = Log::default();
        let writer = log.clone();
        let everything =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
        let _in_force = everything.finish().set_default();
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_static("https://example.amazonaws.com/");
        sign(&mut request, b"words of a prompt", &keys(Some("the-token")), then()).unwrap();
        assert_eq!(String::from_utf8(log.0.lock().unwrap().clone()).unwrap(), "");
        tracing::trace!("this is");
        assert!(!log.0.lock().unwrap().is_empty());
    }

    #[test]
    fn body_path_time_and_token_are_signed_and_nothing_is_shown() {
        let signature = |path: &str, body: &str, token: Option<&str>, now: SystemTime| {
            let mut request = Request::new(());
            *request.method_mut() = Method::POST;
            *request.uri_mut() = format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}").parse().unwrap();
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            sign(&mut request, body.as_bytes(), &keys(token), now).unwrap();
            let shown = format!("{:?} {:?}", request.headers(), keys(token));
            assert!(
                !shown.contains("AKIDEXAMPLE") && !shown.contains("wJalr") && !shown.contains("the-token"),
                "{shown}"
            );
            assert_eq!(request.headers().contains_key("x-amz-security-token"), token.is_some());
            request.headers()["authorization"].to_str().unwrap().to_owned()
        };
        let usual = signature("/model/a%3A0/converse", "{}", None, then());
        assert!(
            usual.contains("/20150830/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date,")
        );
        assert_eq!(signature("/model/a%3A0/converse", "{}", None, then()), usual);
        for other in [
            signature("/model/a%3A1/converse", "{}", None, then()),
            signature("/model/a%3A0/converse", "{ }", None, then()),
            signature("/model/a%3A0/converse", "{}", Some("the-token"), then()),
            signature("/model/a%3A0/converse", "{}", None, then() + Duration::from_secs(1)),
        ] {
            assert_ne!(other, usual);
        }
    }
}

//! Where spans are sent: `[telemetry]`, and the variables that all programs with OpenTelemetry go by where it says nothing
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::path::Path;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use toml::Spanned;

use super::problem::suggestion;
use super::resolve::{milliseconds, secret, url};
use super::{Problems, file};

/// What becomes of what exchanges did, in other systems.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// Where spans are sent, if they are.
    pub otlp: Option<Otlp>,
    /// What the gateway is called there.
    pub service_name: String,
    /// Which part of the traces that begin here is recorded, from 0 to 1.
    pub sample_ratio: f64,
    /// The longest wait for the collector.
    pub timeout: Duration,
}

/// Where spans are sent, by the OpenTelemetry Protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Otlp {
    /// The address of all signals, without a slash at the end.
    pub endpoint: Uri,
    /// How.
    pub protocol: Protocol,
    /// What is sent with each request, marked as sensitive.
    pub headers: HeaderMap,
}

/// The protocol's forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Protocol buffers in the bodies of HTTP.
    #[default]
    Http,
    /// The same as gRPC.
    Grpc,
}

impl Telemetry {
    /// Which part of the traces that begin here is recorded: none if nobody would get it.
    #[must_use]
    pub fn sampled(&self) -> f64 {
        if self.otlp.is_some() { self.sample_ratio } else { 0.0 }
    }
}

/// Something that was said, where, and what to call that.
struct Said<T> {
    value: T,
    span: Option<std::ops::Range<usize>>,
    field: &'static str,
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const DISABLED: &str = "OTEL_SDK_DISABLED";

pub(super) fn telemetry(
    file: &file::Telemetry,
    variable: impl Fn(&str) -> Option<String>,
    base: &Path,
    problems: &mut Problems,
) -> Telemetry {
    let variable = |name| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let said = |given: Option<&Spanned<String>>, field, name| {
        let written = given.map(|given| Said { value: given.get_ref().clone(), span: Some(given.span()), field });
        written.or_else(|| Some(Said { value: variable(name)?, span: None, field: name }))
    };
    // The variables are there for other programs too: they can be told to be silent all at once.
    let is_disabled = file.endpoint.is_none() && variable(DISABLED).is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let endpoint = said(file.endpoint.as_ref(), "telemetry.endpoint", ENDPOINT).filter(|_| !is_disabled);
    let protocol = said(file.protocol.as_ref(), "telemetry.protocol", PROTOCOL).filter(|_| !is_disabled);
    let protocol = protocol.map(|said| self::protocol(said, problems)).unwrap_or_default();
    let headers = match &file.headers {
        Some(headers) => written_headers(headers, base, problems),
        None => variable(HEADERS).map(|given| headers_of(&given, problems)).unwrap_or_default(),
    };
    let service_name = said(file.service_name.as_ref(), "telemetry.service_name", SERVICE_NAME);
    Telemetry {
        otlp: endpoint.and_then(|said| Some(Otlp { endpoint: self::endpoint(said, problems)?, protocol, headers })),
        service_name: service_name.map_or_else(|| "sluicegate".to_owned(), |said| said.value),
        sample_ratio: sample_ratio(file.sample_ratio.as_ref(), problems),
        timeout: milliseconds(file.timeout_ms.as_ref(), 10_000, "telemetry.timeout_ms", problems),
    }
}

fn endpoint(said: Said<String>, problems: &mut Problems) -> Option<Uri> {
    let uri = url(&said.value, "http://127.0.0.1:4318");
    uri.map_err(|wrong| problems.add(said.span, said.field, wrong)).ok()
}

fn protocol(said: Said<String>, problems: &mut Problems) -> Protocol {
    match said.value.as_str() {
        "http/protobuf" => Protocol::Http,
        "grpc" => Protocol::Grpc,
        other => {
            let close = suggestion(other, ["http/protobuf", "grpc"].into_iter());
            let message = format!("{other:?} is not a form of OTLP; use \"http/protobuf\" or \"grpc\"{close}");
            problems.add(said.span, said.field, message);
            Protocol::default()
        }
    }
}

fn sample_ratio(given: Option<&Spanned<f64>>, problems: &mut Problems) -> f64 {
    let Some(given) = given else { return 1.0 };
    if (0.0..=1.0).contains(given.get_ref()) {
        return *given.get_ref();
    }
    problems.add(Some(given.span()), "telemetry.sample_ratio", "must be from 0.0 to 1.0; the default is 1.0");
    1.0
}

fn written_headers(
    given: &std::collections::BTreeMap<String, Spanned<file::SecretSource>>,
    base: &Path,
    problems: &mut Problems,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, source) in given {
        let field = format!("telemetry.headers.{name}");
        let value = secret(source, base, field.as_str(), problems);
        match header(name) {
            Some(name) => headers.extend(value.and_then(|value| Some((name, sensitive(value.reveal())?)))),
            None => {
                let message = format!("{name:?} is not the name of a header, or of one that the protocol itself needs");
                problems.add(Some(source.span()), field, message);
            }
        }
    }
    headers
}

/// Those of the variable: `name=value,name=value`, where what is special has a `%` before it.
fn headers_of(given: &str, problems: &mut Problems) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in given.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let read = || {
            let (name, value) = pair.split_once('=')?;
            Some((header(name.trim())?, sensitive(&percent_decode_str(value.trim()).decode_utf8().ok()?)?))
        };
        match read() {
            Some(header) => headers.extend([header]),
            // Not repeated: it holds a secret.
            None => problems.add(None, HEADERS, "is not a list of headers; write it as \"name=value,name=value\""),
        }
    }
    headers
}

/// A header's name, but none of those that the protocol itself needs.
fn header(name: &str) -> Option<HeaderName> {
    let name: HeaderName = name.parse().ok()?;
    let is_ours = matches!(name.as_str(), "content-type" | "content-length" | "te" | "host" | "connection");
    (!is_ours).then_some(name)
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What a table and these variables come to.
    fn resolved(text: &str, variables: &[(&str, &str)]) -> Result<Telemetry, String> {
        let file: file::Telemetry = toml::from_str(text).unwrap();
        let mut problems = Problems::new("x", text);
        let variable = |name: &str| Some(variables.iter().find(|(known, _)| *known == name)?.1.to_owned());
        let telemetry = telemetry(&file, variable, Path::new(""), &mut problems);
        problems.into_result(telemetry).map_err(|problems| problems.to_string())
    }

    fn sent(text: &str, variables: &[(&str, &str)]) -> Option<(String, Protocol)> {
        let otlp = resolved(text, variables).unwrap().otlp?;
        Some((otlp.endpoint.to_string(), otlp.protocol))
    }

    #[test]
    fn nothing_is_sent_unless_somebody_says_where() {
        assert_eq!(sent("", &[]), None);
        assert_eq!(resolved("", &[]).unwrap().sampled(), 0.0);
        assert_eq!(sent("protocol = 'grpc'", &[(ENDPOINT, " ")]), None);
    }

    #[test]
    fn the_variables_count_where_the_file_says_nothing() {
        let variables = [
            (ENDPOINT, "http://collector:4317/"),
            (PROTOCOL, "grpc"),
            (HEADERS, "x-api-key=a%20b, authorization=Bearer%20c"),
            (SERVICE_NAME, "gate"),
        ];
        let telemetry = resolved("", &variables).unwrap();
        let otlp = telemetry.otlp.clone().unwrap();
        assert_eq!((otlp.endpoint.to_string().as_str(), otlp.protocol), ("http://collector:4317/", Protocol::Grpc));
        assert_eq!((otlp.headers["x-api-key"].clone(), otlp.headers["authorization"].clone()), {
            (HeaderValue::from_static("a b"), HeaderValue::from_static("Bearer c"))
        });
        assert_eq!((telemetry.service_name.as_str(), telemetry.sampled()), ("gate", 1.0));
        assert!(!format!("{telemetry:?}").contains("Bearer"), "{telemetry:?}");
        let text = "endpoint = 'https://other.example/otlp'\nprotocol = 'http/protobuf'\nservice_name = 'mine'";
        assert_eq!(sent(text, &variables), Some(("https://other.example/otlp".to_owned(), Protocol::Http)));
        assert_eq!(resolved(text, &variables).unwrap().service_name, "mine");
    }

    #[test]
    fn one_variable_switches_the_others_off() {
        let variables = [(ENDPOINT, "http://collector:4318"), (DISABLED, "True")];
        assert_eq!(sent("", &variables), None);
        assert!(
            sent("endpoint = 'http://collector:4318'", &variables).is_some(),
            "the file was written for this gateway"
        );
    }

    #[test]
    fn a_mistake_is_that_of_a_variable() {
        for (name, value, wrong) in [
            (ENDPOINT, "collector:4317", "does not begin with http://"),
            (PROTOCOL, "http/json", "is not a form of OTLP"),
            (HEADERS, "secret", "is not a list of headers"),
            (HEADERS, "content-type=secret", "is not a list of headers"),
        ] {
            let said = resolved("", &[(name, value)]).unwrap_err();
            assert!(said.starts_with(&format!("x: {name}: ")) && said.contains(wrong), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
}

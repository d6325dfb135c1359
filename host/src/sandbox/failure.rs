//! Errors in OpenAI's shape, whether the request was at fault or an error was what it asked for.

use hyper::Method;
use serde::Serialize;

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) retry_after: Option<u64>,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

impl Failure {
    /// What OpenAI says with this status, or the given text.
    pub(super) fn on_demand(status: u16, retry_after: Option<u64>, text: Option<&str>) -> Self {
        let (kind, code, message) = match status {
            401 => ("invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided."),
            403 => ("invalid_request_error", Some("unsupported_country_region_territory"), "Not allowed."),
            404 => ("invalid_request_error", Some("model_not_found"), "The model does not exist."),
            429 => ("requests", Some("rate_limit_exceeded"), "Rate limit reached."),
            503 => ("server_error", Some("overloaded"), "The server is overloaded or not ready yet."),
            500.. => ("server_error", None, "The server had an error while processing your request."),
            _ => ("invalid_request_error", None, "The request was refused, as it asked to be."),
        };
        let message = text.unwrap_or(message).to_owned();
        Self { status, retry_after, kind, code, param: None, message }
    }

    pub(super) fn bad_request(param: Option<&'static str>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status: 400, retry_after: None, kind: "invalid_request_error", code: None, param, message }
    }

    pub(super) fn bad_json(error: &serde_json::Error) -> Self {
        Self::bad_request(None, format!("We could not parse the JSON body of your request. ({error})"))
    }

    pub(super) fn too_large(bytes_max: usize) -> Self {
        Self { status: 413, ..Self::bad_request(None, format!("The body is larger than {bytes_max} bytes.")) }
    }

    pub(super) fn method(method: &Method) -> Self {
        let code = Some("method_not_supported");
        Self { status: 405, code, ..Self::bad_request(None, format!("Not allowed to {method} here.")) }
    }

    pub(super) fn no_such_path(method: &Method, path: &str) -> Self {
        let code = Some("unknown_url");
        Self { status: 404, code, ..Self::bad_request(None, format!("Invalid URL ({method} {path})")) }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let Self { kind, code, param, message, .. } = self;
        let envelope = Envelope { error: Error { message, r#type: kind, param: *param, code: *code } };
        // Writing strings to memory cannot fail.
        serde_json::to_vec_pretty(&envelope).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn an_error_has_the_shape_that_clients_expect() {
        let failure = Failure::on_demand(429, Some(2), Some("slow \"down\""));
        let body: serde_json::Value = serde_json::from_slice(&failure.body()).unwrap_or_default();
        assert_eq!(body.pointer("/error/message"), Some(&"slow \"down\"".into()));
        assert_eq!(body.pointer("/error/code"), Some(&"rate_limit_exceeded".into()));
        assert_eq!(body.pointer("/error/param"), Some(&serde_json::Value::Null));
    }
}

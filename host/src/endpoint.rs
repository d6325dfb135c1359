//! Everything that the public port answers, in one table: method, path, the caller's dialect, and what is done.

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use crate::dialect::{Address, Dialect};
use crate::error::Error;

/// One thing that callers can ask for.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path; `{model}` stands for the name of a model.
    pub path: &'static str,
    /// A header without which another endpoint with the same path is meant.
    pub header: Option<&'static str>,
    /// What its callers speak.
    pub dialect: Dialect,
    /// What is done.
    pub does: Does,
    /// Whether the answer is a stream, where the path says so and not the body.
    pub streaming: Option<bool>,
}

/// What an endpoint does. Each kind has its guard point: a test sends forbidden text both ways through all of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// A conversation goes on: the request and the answer pass the guardrails.
    Converse,
    /// Lists models: what a provider says about them passes the text guardrails.
    ListModels,
}

/// Where several have the same path, the first whose header is there.
pub static ENDPOINTS: [Endpoint; 4] = [
    Endpoint::post("/v1/chat/completions", Dialect::OpenAi, Does::Converse),
    Endpoint::post("/v1/messages", Dialect::Anthropic, Does::Converse),
    Endpoint::get("/v1/models", Dialect::Anthropic, Does::ListModels).with(ANTHROPIC_VERSION),
    Endpoint::get("/v1/models", Dialect::OpenAi, Does::ListModels),
];

/// Which only callers of Anthropic's dialect send.
const ANTHROPIC_VERSION: &str = "anthropic-version";
/// What stands for the name of a model in a path.
const MODEL: &str = "{model}";

impl Endpoint {
    const fn post(path: &'static str, dialect: Dialect, does: Does) -> Self {
        Self { method: Method::POST, path, header: None, dialect, does, streaming: None }
    }

    const fn get(path: &'static str, dialect: Dialect, does: Does) -> Self {
        Self { method: Method::GET, path, header: None, dialect, does, streaming: None }
    }

    const fn with(mut self, header: &'static str) -> Self {
        self.header = Some(header);
        self
    }

    /// The endpoint that a request means, and what its path says of it.
    ///
    /// # Errors
    /// When there is nothing at this path, or not for this method.
    pub(crate) fn find(head: &Parts) -> Result<(&'static Self, Address), Error> {
        let path = head.uri.path();
        let here = ENDPOINTS.iter().filter(|endpoint| endpoint.is_meant_by(&head.headers));
        let mut here = here.filter_map(|endpoint| Some((endpoint, model_in(path, endpoint.path)?))).peekable();
        let Some((first, _)) = here.peek() else { return Err(Error::NoSuchPath) };
        let allowed = &first.method;
        match here.find(|(endpoint, _)| endpoint.method == head.method) {
            Some((endpoint, model)) => {
                Ok((endpoint, Address { model: model.map(Cow::into_owned), streaming: endpoint.streaming }))
            }
            None => Err(Error::NoSuchMethod(allowed)),
        }
    }

    fn is_meant_by(&self, headers: &HeaderMap) -> bool {
        self.header.is_none_or(|header| headers.contains_key(header))
    }
}

/// The dialect of whoever sends this, also where there is no endpoint: that of the endpoints near by.
pub(crate) fn dialect(head: &Parts) -> Dialect {
    let path = head.uri.path();
    let meant = || ENDPOINTS.iter().filter(|endpoint| endpoint.is_meant_by(&head.headers));
    let at = meant().find(|endpoint| model_in(path, endpoint.path).is_some());
    let below = || meant().find(|endpoint| path.strip_prefix(endpoint.path).is_some_and(|rest| rest.starts_with('/')));
    let by_header = || meant().find(|endpoint| endpoint.header.is_some());
    at.or_else(below).or_else(by_header).map_or(Dialect::OpenAi, |endpoint| endpoint.dialect)
}

/// Whether a path is this one: nothing if it is not, else the model's name if the pattern has a place for one.
#[allow(clippy::option_option)]
fn model_in<'a>(path: &'a str, pattern: &str) -> Option<Option<Cow<'a, str>>> {
    let Some((before, after)) = pattern.split_once(MODEL) else { return (path == pattern).then_some(None) };
    let model = path.strip_prefix(before)?.strip_suffix(after)?;
    // What is not UTF-8 is the name of no model, and the path of nothing.
    let model = percent_decode_str(model).decode_utf8().ok()?;
    (!model.is_empty()).then_some(Some(model))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::Request;

    use super::*;

    fn head(method: Method, path: &str, header: Option<&str>) -> Parts {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(header) = header {
            request = request.header(header, "2023-06-01");
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_request_means_the_endpoint_with_its_path_method_and_header() {
        for (method, path, header, dialect, does) in [
            (Method::POST, "/v1/chat/completions", None, Dialect::OpenAi, Does::Converse),
            (Method::POST, "/v1/chat/completions?x=1", Some("anthropic-version"), Dialect::OpenAi, Does::Converse),
            (Method::POST, "/v1/messages", None, Dialect::Anthropic, Does::Converse),
            (Method::GET, "/v1/models", None, Dialect::OpenAi, Does::ListModels),
            (Method::GET, "/v1/models", Some("anthropic-version"), Dialect::Anthropic, Does::ListModels),
        ] {
            let (endpoint, address) = Endpoint::find(&head(method, path, header)).unwrap();
            assert_eq!((endpoint.dialect, endpoint.does), (dialect, does), "{path}");
            assert_eq!(address, Address::default(), "{path}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_not_there() {
        for path in ["/", "/v1", "/v1/chat/completions/", "/V1/models", "/v1/models/x", "//v1/models"] {
            assert!(matches!(Endpoint::find(&head(Method::GET, path, None)), Err(Error::NoSuchPath)), "{path}");
        }
        let wrong = Endpoint::find(&head(Method::PUT, "/v1/models", None));
        assert!(matches!(wrong, Err(Error::NoSuchMethod(allowed)) if *allowed == Method::GET));
    }

    #[test]
    fn the_name_of_a_model_is_read_from_the_path() {
        let pattern = "/v1beta/models/{model}:generateContent";
        assert_eq!(model_in("/v1beta/models/a%2Fb:c:generateContent", pattern), Some(Some("a/b:c".into())));
        for path in ["/v1beta/models/:generateContent", "/v1beta/models/a", "/v1beta/models/%ff:generateContent"] {
            assert_eq!(model_in(path, pattern), None, "{path}");
        }
    }

    #[test]
    fn errors_have_the_dialect_of_the_endpoints_near_by() {
        for (path, header, expected) in [
            ("/v1/messages/nothing", None, Dialect::Anthropic),
            ("/nothing", Some("anthropic-version"), Dialect::Anthropic),
            ("/nothing", None, Dialect::OpenAi),
            ("/v1/chat/completions", Some("anthropic-version"), Dialect::OpenAi),
        ] {
            assert_eq!(dialect(&head(Method::POST, path, header)), expected, "{path}");
        }
    }
}

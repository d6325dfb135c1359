//! Everything that the public port answers, in one table: method, path, the caller's dialect, and what is done.

use std::borrow::Cow;

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

use crate::chat::Task;
pub use crate::dialect::Dialect;
use crate::error::{Error, Malformed};

/// One thing that callers can ask for.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path; what stands in braces, as `{model}`, is a name.
    pub path: &'static str,
    /// A header without which another endpoint with the same path is meant.
    pub header: Option<&'static HeaderName>,
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
    /// Texts become vectors: the texts pass the guardrails, and so does what text an answer may have beside the vectors.
    Embed,
    /// The tokens of a conversation are counted: it passes the guardrails, as it would if it were to go on.
    CountTokens,
    /// Tells how far an escalation has come: what a person has answered passes the text guardrails.
    ReadEscalation,
    /// Keeps what a caller thinks of an answer: its words pass the text guardrails for requests.
    GiveFeedback,
    /// Lists models: what a provider says about them passes the text guardrails.
    ListModels,
}

impl Does {
    /// A word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Converse => "converse",
            Self::Embed => "embed",
            Self::CountTokens => "count-tokens",
            Self::ReadEscalation => "read-escalation",
            Self::GiveFeedback => "give-feedback",
            Self::ListModels => "list-models",
        }
    }

    /// What is asked of a model by the one with this word, if anything is.
    #[must_use]
    pub fn task_named(word: &str) -> Option<Task> {
        let tasks =
            [(Self::Converse, Task::Converse), (Self::Embed, Task::Embed), (Self::CountTokens, Task::CountTokens)];
        tasks.into_iter().find(|(does, _)| does.word() == word).map(|(_, task)| task)
    }
}

/// Where several have the same path, the first whose header is there.
pub static ENDPOINTS: [Endpoint; 16] = [
    Endpoint::post("/v1/chat/completions", Dialect::OpenAi, Does::Converse),
    Endpoint::post("/v1/responses", Dialect::Responses, Does::Converse),
    Endpoint::post("/v1/completions", Dialect::Completions, Does::Converse),
    Endpoint::post("/v1/embeddings", Dialect::OpenAi, Does::Embed),
    Endpoint::post("/v1/messages", Dialect::Anthropic, Does::Converse),
    Endpoint::post("/v1/messages/count_tokens", Dialect::Anthropic, Does::CountTokens),
    Endpoint::post("/v1/models/{model}:generateContent", Dialect::Gemini, Does::Converse).streaming(false),
    Endpoint::post("/v1/models/{model}:streamGenerateContent", Dialect::Gemini, Does::Converse).streaming(true),
    Endpoint::post("/v1beta/models/{model}:generateContent", Dialect::Gemini, Does::Converse).streaming(false),
    Endpoint::post("/v1beta/models/{model}:streamGenerateContent", Dialect::Gemini, Does::Converse).streaming(true),
    Endpoint::get("/v1/escalations/{reference}", Dialect::OpenAi, Does::ReadEscalation),
    Endpoint::post("/v1/feedback", Dialect::OpenAi, Does::GiveFeedback),
    Endpoint::get("/v1/models", Dialect::Anthropic, Does::ListModels).with(&ANTHROPIC_VERSION),
    Endpoint::get("/v1/models", Dialect::Gemini, Does::ListModels).with(&GOOGLE_KEY),
    Endpoint::get("/v1/models", Dialect::OpenAi, Does::ListModels),
    Endpoint::get("/v1beta/models", Dialect::Gemini, Does::ListModels),
];

/// Which only callers of Anthropic's dialect send.
static ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// In which callers of Google's dialect send their key, and no others.
pub(crate) static GOOGLE_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

impl Endpoint {
    const fn post(path: &'static str, dialect: Dialect, does: Does) -> Self {
        Self { method: Method::POST, path, header: None, dialect, does, streaming: None }
    }

    const fn get(path: &'static str, dialect: Dialect, does: Does) -> Self {
        Self { method: Method::GET, path, header: None, dialect, does, streaming: None }
    }

    const fn with(mut self, header: &'static HeaderName) -> Self {
        self.header = Some(header);
        self
    }

    const fn streaming(mut self, streaming: bool) -> Self {
        self.streaming = Some(streaming);
        self
    }

    /// The endpoint that a request means, and the name in its path, if it has a place for one.
    ///
    /// # Errors
    /// When there is nothing at this path, or not for this method.
    pub(crate) fn find(head: &Parts) -> Result<(&'static Self, Option<String>), Error> {
        let path = head.uri.path();
        let here = ENDPOINTS.iter().filter(|endpoint| endpoint.is_meant_by(&head.headers));
        let mut here = here.filter_map(|endpoint| Some((endpoint, name_in(path, endpoint.path)?))).peekable();
        let Some((first, _)) = here.peek() else { return Err(Error::NoSuchPath) };
        let allowed = &first.method;
        match here.find(|(endpoint, _)| endpoint.method == head.method) {
            Some((endpoint, name)) => {
                endpoint.check_form(head.uri.query().unwrap_or_default())?;
                Ok((endpoint, name.map(Cow::into_owned)))
            }
            None => Err(Error::NoSuchMethod(allowed)),
        }
    }

    /// Where the path says whether the answer streams, the query says in which form.
    fn check_form(&self, query: &str) -> Result<(), Error> {
        let is_events = parameter(query, "alt").or_else(|| parameter(query, "$alt")).is_some_and(|alt| alt == "sse");
        let message = match (self.streaming, is_events) {
            (Some(true), false) => "must be sse, as in ?alt=sse: a stream as one JSON array is not supported",
            (Some(false), true) => "must not be sse: ask :streamGenerateContent for a stream",
            _ => return Ok(()),
        };
        Err(Error::Malformed(Malformed { field: "alt".to_owned(), message: message.to_owned() }))
    }

    fn is_meant_by(&self, headers: &HeaderMap) -> bool {
        self.header.is_none_or(|header| headers.contains_key(header))
    }
}

/// Google's callers may send their key in the query. From here on it is in its header, where it is nobody's business but
/// that of whom it is for, and nowhere else.
pub(crate) fn take_key(head: &mut Parts) {
    let Some(query) = head.uri.query().filter(|_| dialect(head) == Dialect::Gemini) else { return };
    let Some(key) = parameter(query, KEY) else { return };
    let rest: Vec<&str> = query.split('&').filter(|pair| value_of(pair, KEY).is_none()).collect();
    let separator = if rest.is_empty() { "" } else { "?" };
    let stripped = format!("{}{separator}{}", head.uri.path(), rest.join("&"));
    let key = HeaderValue::try_from(&*key).ok();
    let mut parts = head.uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(stripped).ok();
    // Parts of a whole address are one again.
    head.uri = Uri::from_parts(parts).unwrap_or_default();
    if let Some(mut key) = key {
        key.set_sensitive(true);
        head.headers.entry(&GOOGLE_KEY).or_insert(key);
    }
}

/// The parameter of a query with a key.
const KEY: &str = "key";

/// The first value of a parameter.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query.split('&').find_map(|pair| value_of(pair, name))
}

fn value_of<'a>(pair: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (given, value) = pair.split_once('=').unwrap_or((pair, ""));
    let is_it = percent_decode_str(given).eq(name.bytes());
    is_it.then(|| percent_decode_str(value).decode_utf8_lossy())
}

/// The dialect of whoever sends this, also where there is no endpoint: that of the endpoints near by.
#[must_use]
pub fn dialect(head: &Parts) -> Dialect {
    let path = head.uri.path();
    let meant = || ENDPOINTS.iter().filter(|endpoint| endpoint.is_meant_by(&head.headers));
    let at = meant().find(|endpoint| name_in(path, endpoint.path).is_some());
    let below = || meant().find(|endpoint| path.strip_prefix(endpoint.path).is_some_and(|rest| rest.starts_with('/')));
    let by_header = || meant().find(|endpoint| endpoint.header.is_some());
    at.or_else(below).or_else(by_header).map_or(Dialect::OpenAi, |endpoint| endpoint.dialect)
}

/// Whether a path is this one: nothing if it is not, else the name in it if the pattern has a place for one.
#[allow(clippy::option_option)]
fn name_in<'a>(path: &'a str, pattern: &str) -> Option<Option<Cow<'a, str>>> {
    let Some((before, after)) = pattern.split_once('{') else { return (path == pattern).then_some(None) };
    let (_, after) = after.split_once('}')?;
    let name = path.strip_prefix(before)?.strip_suffix(after)?;
    // What is not UTF-8 is no name, and the path of nothing.
    let name = percent_decode_str(name).decode_utf8().ok()?;
    (!name.is_empty()).then_some(Some(name))
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
            (Method::POST, "/v1/responses", None, Dialect::Responses, Does::Converse),
            (Method::POST, "/v1/completions", None, Dialect::Completions, Does::Converse),
            (Method::POST, "/v1/embeddings", None, Dialect::OpenAi, Does::Embed),
            (Method::POST, "/v1/feedback", None, Dialect::OpenAi, Does::GiveFeedback),
            (Method::POST, "/v1/messages/count_tokens", None, Dialect::Anthropic, Does::CountTokens),
            (Method::GET, "/v1/models", None, Dialect::OpenAi, Does::ListModels),
            (Method::GET, "/v1/models", Some("anthropic-version"), Dialect::Anthropic, Does::ListModels),
            (Method::GET, "/v1/models", Some("x-goog-api-key"), Dialect::Gemini, Does::ListModels),
        ] {
            let (endpoint, name) = Endpoint::find(&head(method, path, header)).unwrap();
            assert_eq!((endpoint.dialect, endpoint.does), (dialect, does), "{path}");
            assert_eq!((name, endpoint.streaming), (None, None), "{path}");
        }
    }

    #[test]
    fn what_googles_paths_say_of_a_request_is_read() {
        for (method, path, does, model, streaming) in [
            (Method::POST, "/v1beta/models/m:generateContent", Does::Converse, Some("m"), Some(false)),
            (Method::POST, "/v1beta/models/a%3Ab:generateContent?alt=json", Does::Converse, Some("a:b"), Some(false)),
            (Method::POST, "/v1beta/models/m:streamGenerateContent?alt=sse", Does::Converse, Some("m"), Some(true)),
            (
                Method::POST,
                "/v1beta/models/m:streamGenerateContent?x&%24alt=sse",
                Does::Converse,
                Some("m"),
                Some(true),
            ),
            (Method::POST, "/v1/models/m:streamGenerateContent?alt=sse", Does::Converse, Some("m"), Some(true)),
            (Method::POST, "/v1/models/m:generateContent", Does::Converse, Some("m"), Some(false)),
            (Method::GET, "/v1beta/models?pageSize=5", Does::ListModels, None, None),
        ] {
            let (endpoint, name) = Endpoint::find(&head(method, path, None)).unwrap();
            assert_eq!((endpoint.dialect, endpoint.does), (Dialect::Gemini, does), "{path}");
            assert_eq!((name.as_deref(), endpoint.streaming), (model, streaming), "{path}");
        }
        for path in ["/v1beta/models/m:streamGenerateContent", "/v1beta/models/m:generateContent?alt=sse"] {
            let wrong = Endpoint::find(&head(Method::POST, path, None));
            assert!(matches!(wrong, Err(Error::Malformed(Malformed { field, .. })) if field == "alt"), "{path}");
        }
    }

    #[test]
    fn a_key_in_the_query_is_in_its_header_afterwards_and_nowhere_else() {
        for (path, kept, key) in [
            ("/v1beta/models?key=AIza%2D1", "/v1beta/models", Some("AIza-1")),
            ("/v1beta/models?alt=sse&key=a&k%65y=b&x=1", "/v1beta/models?alt=sse&x=1", Some("a")),
            ("/v1beta/models/x:y?key=a", "/v1beta/models/x:y", Some("a")),
            ("/v1beta/models?key=%0a", "/v1beta/models", None),
            ("/v1beta/models?keys=a", "/v1beta/models?keys=a", None),
            ("/v1/models?key=a", "/v1/models?key=a", None),
        ] {
            let mut head = head(Method::GET, path, None);
            take_key(&mut head);
            assert_eq!(head.uri.to_string(), kept);
            assert_eq!(head.headers.get(&GOOGLE_KEY).map(|key| key.to_str().unwrap()), key, "{path}");
            assert!(head.headers.get(&GOOGLE_KEY).is_none_or(HeaderValue::is_sensitive));
        }
        let mut both = head(Method::GET, "/v1beta/models?key=a", Some("x-goog-api-key"));
        take_key(&mut both);
        assert_eq!(both.headers.get(&GOOGLE_KEY).unwrap(), "2023-06-01");
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
    fn the_name_of_an_escalation_is_read_from_the_path() {
        let (endpoint, name) = Endpoint::find(&head(Method::GET, "/v1/escalations/esc_a", None)).unwrap();
        assert_eq!((endpoint.does, name.as_deref()), (Does::ReadEscalation, Some("esc_a")));
        for path in ["/v1/escalations", "/v1/escalations/"] {
            assert!(matches!(Endpoint::find(&head(Method::GET, path, None)), Err(Error::NoSuchPath)), "{path}");
        }
    }

    #[test]
    fn the_name_of_a_model_is_read_from_the_path() {
        let pattern = "/v1beta/models/{model}:generateContent";
        assert_eq!(name_in("/v1beta/models/a%2Fb:c:generateContent", pattern), Some(Some("a/b:c".into())));
        for path in ["/v1beta/models/:generateContent", "/v1beta/models/a", "/v1beta/models/%ff:generateContent"] {
            assert_eq!(name_in(path, pattern), None, "{path}");
        }
    }

    #[test]
    fn errors_have_the_dialect_of_the_endpoints_near_by() {
        for (path, header, expected) in [
            ("/v1/messages/nothing", None, Dialect::Anthropic),
            ("/v1/responses/resp_1", None, Dialect::Responses),
            ("/nothing", Some("anthropic-version"), Dialect::Anthropic),
            ("/nothing", None, Dialect::OpenAi),
            ("/v1/chat/completions", Some("anthropic-version"), Dialect::OpenAi),
            ("/v1beta/models/m:countTokens", None, Dialect::Gemini),
            ("/v1/models/m:countTokens", Some("x-goog-api-key"), Dialect::Gemini),
            ("/v1/models/m:countTokens", None, Dialect::OpenAi),
        ] {
            assert_eq!(dialect(&head(Method::POST, path, header)), expected, "{path}");
        }
    }
}

//! Providers' wire formats. Everything that knows their JSON is below here.
//!
//! Where caller and provider speak the same dialect, bodies stay byte for byte as they came, but for edits
//! (`document.rs`, `sse.rs`). Where they do not, what has passed the guardrails is translated (`translation.rs`).

mod anthropic;
mod asked;
mod bedrock;
mod completions;
mod conversation;
mod count;
mod document;
pub(crate) mod embeddings;
mod fields;
mod frame;
#[cfg(test)]
mod fuzz;
mod gemini;
mod given;
mod kept;
mod media;
mod openai;
mod pieces;
mod prompt;
mod raw;
mod responses;
#[cfg(test)]
mod spoilt;
mod sse;
mod text;
mod translation;
mod whole;

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) use asked::Asked;
pub(crate) use bedrock::{BadFrame, FRAMES, Frames};
pub use conversation::Loss;
pub(crate) use count::written as count_body;
pub use document::Wrong;
pub(crate) use document::{Document, as_name, is_name, names_of, read_words};
pub(crate) use frame::frame;
pub(crate) use kept::{KEPT, Listener, kept_whole};
pub(crate) use prompt::{AnswerSchema, asking, said};
pub(crate) use raw::{is_json, unescaped};
pub(crate) use sse::{Cutter, Event, Lane, Unit};
pub use translation::Translation;
pub(crate) use translation::{Events, own_answer};

use crate::chat::{Answer, Opaque, Task};

/// A wire format that callers speak, and providers too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's chat completions, which most providers speak.
    #[default]
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's completions, which were there before chat: a text is gone on with.
    Completions,
}

/// A provider's wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// One that callers speak too.
    Dialect(Dialect),
    /// Amazon Bedrock's Converse, which no caller speaks: all that goes there is translated.
    Bedrock,
}

/// What a path says of a request: what is asked, and what some dialects have there and not in the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// What is asked.
    pub task: Task,
    /// The model that is asked for.
    pub model: Option<String>,
    /// Whether the answer is to come as a stream.
    pub streaming: Option<bool>,
}

/// An error, for a dialect to put into its own shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorWords<'a> {
    pub(crate) status: StatusCode,
    pub(crate) message: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) field: Option<&'a str>,
    pub(crate) code: &'a str,
}

impl Dialect {
    /// The word for it in the configuration and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Responses => "responses",
            Self::Completions => "completions",
        }
    }

    /// The one with this word, if there is one.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Responses, Self::Completions];
        all.into_iter().find(|dialect| dialect.word() == word)
    }

    /// The dialect whose headers and credentials it has: one provider may have several formats for conversations.
    #[must_use]
    pub fn family(self) -> Self {
        match self {
            Self::OpenAi | Self::Responses | Self::Completions => Self::OpenAi,
            Self::Anthropic => Self::Anthropic,
            Self::Gemini => Self::Gemini,
        }
    }

    /// Read the body of a request.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub(crate) fn read_request(self, address: Address, body: Bytes) -> Result<Asked, Wrong> {
        let task = address.task;
        let mut asked = match task {
            Task::Embed => embeddings::read_request(body)?,
            Task::Converse | Task::CountTokens => match self {
                Self::OpenAi => openai::read_request(body)?,
                Self::Anthropic => anthropic::read_request(body)?,
                Self::Gemini => gemini::read_request(address, body)?,
                Self::Responses => responses::read_request(body)?,
                Self::Completions => completions::read_request(body)?,
            },
        };
        asked.request.task = task;
        Ok(asked)
    }

    /// Read a complete answer to what was asked.
    ///
    /// # Errors
    /// Why nothing of it can be passed on.
    pub(crate) fn read_answer(self, task: Task, body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
        match task {
            Task::Embed => embeddings::read_answer(body),
            Task::CountTokens => read_words(body),
            Task::Converse => match self {
                // They differ in the name of the one field that holds the text.
                Self::OpenAi | Self::Completions => openai::read_answer(body),
                Self::Anthropic => anthropic::read_answer(body),
                Self::Gemini => gemini::read_answer(body),
                Self::Responses => responses::read_answer(body),
            },
        }
    }

    /// The body of an error response.
    pub(crate) fn error_body(self, words: ErrorWords<'_>) -> Bytes {
        match self {
            Self::OpenAi | Self::Responses | Self::Completions => openai::error_body(words),
            Self::Anthropic => anthropic::error_body(words),
            Self::Gemini => gemini::error_body(words),
        }
    }

    /// An error in the middle of a stream.
    pub(crate) fn error_event(self, words: ErrorWords<'_>) -> Bytes {
        match self {
            Self::OpenAi | Self::Completions => openai::error_event(words),
            Self::Anthropic => anthropic::error_event(words),
            Self::Gemini => gemini::error_event(words),
            Self::Responses => responses::error_event(words, None),
        }
    }

    /// A list of models.
    pub(crate) fn models_body<'a>(self, names: impl Iterator<Item = &'a str>) -> Bytes {
        match self {
            Self::OpenAi | Self::Responses | Self::Completions => openai::models_body(names),
            Self::Anthropic => anthropic::models_body(names),
            Self::Gemini => gemini::models_body(names),
        }
    }

    /// Whether providers of it have an endpoint for this.
    fn has(self, task: Task) -> bool {
        match (self, task) {
            (_, Task::Converse) | (Self::Gemini, Task::Embed | Task::CountTokens) => true,
            (Self::OpenAi | Self::Responses | Self::Completions, Task::Embed)
            | (Self::Anthropic, Task::CountTokens) => true,
            (Self::Responses, Task::CountTokens) => true,
            (Self::Anthropic, Task::Embed) | (Self::OpenAi | Self::Completions, Task::CountTokens) => false,
        }
    }

    /// Where a request is sent to, below a provider's address.
    pub(crate) fn path(self, address: &Address) -> Cow<'static, str> {
        match (self, address.task) {
            (Self::Gemini, _) => gemini::path(address),
            (Self::Anthropic, Task::CountTokens) => "/messages/count_tokens".into(),
            (Self::Anthropic, Task::Converse | Task::Embed) => "/messages".into(),
            // Vectors have one format, whatever conversations are in.
            (Self::OpenAi | Self::Responses | Self::Completions, Task::Embed) => "/embeddings".into(),
            (Self::Responses, Task::CountTokens) => "/responses/input_tokens".into(),
            (Self::Responses, Task::Converse) => "/responses".into(),
            (Self::OpenAi, Task::Converse | Task::CountTokens) => "/chat/completions".into(),
            (Self::Completions, Task::Converse | Task::CountTokens) => "/completions".into(),
        }
    }

    /// Where a provider's list of models is, below its address: all of it, where a part would come otherwise.
    pub(crate) fn models_path(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Responses | Self::Completions | Self::Anthropic => "/models",
            Self::Gemini => "/models?pageSize=1000",
        }
    }
}

impl Wire {
    /// The code of an error, where this is what Google's API answers; nothing otherwise.
    pub(crate) fn google_reason(self, body: &[u8]) -> Option<String> {
        (self == Self::Dialect(Dialect::Gemini)).then(|| gemini::translation::parse_failure(body).code).flatten()
    }

    /// The word for it in the configuration and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dialect(dialect) => dialect.word(),
            Self::Bedrock => "bedrock",
        }
    }

    /// The dialect that callers have in common with it.
    #[must_use]
    pub fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Dialect(dialect) => Some(dialect),
            Self::Bedrock => None,
        }
    }

    /// In what it speaks of everything but conversations.
    #[must_use]
    pub fn family(self) -> Self {
        match self {
            Self::Dialect(dialect) => Self::Dialect(dialect.family()),
            Self::Bedrock => Self::Bedrock,
        }
    }

    /// Whether providers of it have an endpoint for this.
    pub(crate) fn has(self, task: Task) -> bool {
        match self {
            Self::Dialect(dialect) => dialect.has(task),
            Self::Bedrock => task == Task::Converse,
        }
    }

    /// Read a complete answer to what was asked.
    ///
    /// # Errors
    /// Why nothing of it can be passed on.
    pub(crate) fn read_answer(self, task: Task, body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
        match self {
            Self::Dialect(dialect) => dialect.read_answer(task, body),
            Self::Bedrock => bedrock::read_answer(body),
        }
    }

    /// A request that the gateway has written, for a server that does not want to be asked for the usage of a stream.
    pub(crate) fn without_usage_asked(self, body: Bytes) -> Bytes {
        match self {
            Self::Dialect(Dialect::OpenAi) => openai::without_usage_asked(body),
            Self::Dialect(Dialect::Anthropic | Dialect::Gemini | Dialect::Responses | Dialect::Completions)
            | Self::Bedrock => body,
        }
    }

    /// Where a request is sent to, below a provider's address.
    ///
    /// # Errors
    /// When no path can have the name of the model in it.
    pub(crate) fn path(self, address: &Address) -> Result<Cow<'static, str>, Wrong> {
        Ok(match self {
            Self::Dialect(dialect) => dialect.path(address),
            Self::Bedrock => bedrock::path(address)?.into(),
        })
    }

    /// Whether nothing but the order of events tells what of an answer comes before what.
    pub(crate) fn is_in_order(self) -> bool {
        match self {
            Self::Dialect(Dialect::Gemini | Dialect::Responses) | Self::Bedrock => true,
            Self::Dialect(Dialect::OpenAi | Dialect::Anthropic | Dialect::Completions) => false,
        }
    }
}

/// What may stand in a path as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as a part of a path.
fn in_path(name: &str) -> String {
    utf8_percent_encode(name, IN_PATH).to_string()
}

/// The name of a model as a segment of a path of its own.
///
/// # Errors
/// When it is one of those that lead to another path, however they are spelt.
pub(crate) fn segment(model: &str) -> Result<String, Wrong> {
    match model {
        "" | "." | ".." => Err(Wrong::new("model", "must be a name that can stand in a path")),
        _ => Ok(in_path(model)),
    }
}

/// Reads the events of a stream one after the other.
#[derive(Debug)]
pub(crate) enum EventReader {
    OpenAi(openai::EventReader),
    Anthropic(anthropic::EventReader),
    Gemini(gemini::EventReader),
    Responses(responses::EventReader),
    Completions(openai::EventReader),
    Bedrock(bedrock::EventReader),
}

impl EventReader {
    pub(crate) fn new(wire: Wire) -> Self {
        match wire {
            Wire::Dialect(Dialect::OpenAi) => Self::OpenAi(openai::EventReader::default()),
            Wire::Dialect(Dialect::Anthropic) => Self::Anthropic(anthropic::EventReader::default()),
            Wire::Dialect(Dialect::Gemini) => Self::Gemini(gemini::EventReader::default()),
            Wire::Dialect(Dialect::Responses) => Self::Responses(responses::EventReader::default()),
            Wire::Dialect(Dialect::Completions) => Self::Completions(openai::EventReader::default()),
            Wire::Bedrock => Self::Bedrock(bedrock::EventReader::default()),
        }
    }

    /// For a stream whose usage the gateway has asked for and the caller has not, if it `is` one: what came of that is
    /// taken out.
    pub(crate) fn stripped(mut self, is: bool) -> Self {
        // The others tell unasked.
        if let Self::OpenAi(reader) | Self::Completions(reader) = &mut self {
            reader.is_stripped = is;
        }
        self
    }

    /// Read one event as it was cut out of the stream.
    ///
    /// # Errors
    /// Why nothing of it can be passed on.
    pub(crate) fn read(&mut self, raw: &Bytes) -> Result<Event, Wrong> {
        match self {
            Self::OpenAi(reader) | Self::Completions(reader) => reader.read(raw),
            Self::Anthropic(reader) => reader.read(raw),
            Self::Gemini(reader) => reader.read(raw),
            Self::Responses(reader) => reader.read(raw),
            Self::Bedrock(reader) => reader.read(raw),
        }
    }

    /// An event has gone out to the caller.
    pub(crate) fn has_left(&mut self, event: &Event) {
        match self {
            Self::OpenAi(_) | Self::Gemini(_) | Self::Responses(_) | Self::Completions(_) | Self::Bedrock(_) => {}
            Self::Anthropic(reader) => reader.has_left(event),
        }
    }

    /// The end of a stream whose text was denied, with these choices not at their end.
    pub(crate) fn denied_events(&self, choices: &[u32], words: ErrorWords<'_>) -> Bytes {
        match self {
            Self::OpenAi(reader) => openai::denied_events(reader, choices, words),
            Self::Anthropic(reader) => anthropic::denied_events(reader, words),
            Self::Gemini(_) => gemini::denied_events(choices, words),
            Self::Responses(reader) => responses::denied_events(reader, words),
            Self::Completions(reader) => completions::denied_events(reader, choices, words),
            Self::Bedrock(_) => bedrock::denied_events(words),
        }
    }

    /// An error in the middle of the stream.
    pub(crate) fn error_event(&self, words: ErrorWords<'_>) -> Bytes {
        match self {
            Self::OpenAi(_) | Self::Completions(_) => openai::error_event(words),
            Self::Anthropic(_) => anthropic::error_event(words),
            Self::Gemini(_) => gemini::error_event(words),
            Self::Responses(reader) => responses::failed_events(reader, words),
            Self::Bedrock(_) => bedrock::error_event(words),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::chat::Names;

    /// What an answer is called there, whole, and in the first and the second of two events.
    fn names(dialect: Dialect, whole: &str, event: &str) -> [Names; 3] {
        let (answer, _, _) = dialect.read_answer(Task::Converse, Bytes::copy_from_slice(whole.as_bytes())).unwrap();
        let mut reader = EventReader::new(Wire::Dialect(dialect));
        let mut read = || reader.read(&Bytes::from(format!("data: {event}\n\n"))).unwrap().names;
        [answer.names, read(), read()]
    }

    #[test]
    fn an_answer_says_once_what_its_provider_calls_it() {
        let flat = r#"{"id":"a-1","model":"m-2026-11-30"}"#;
        let response = format!(r#"{{"type":"response.created","response":{flat}}}"#);
        let gemini = r#"{"responseId":"a-1","modelVersion":"m-2026-11-30"}"#;
        let expected = Names { id: Some("a-1".into()), model: Some("m-2026-11-30".into()) };
        for (dialect, whole, event) in [
            (Dialect::OpenAi, flat, flat),
            (Dialect::Completions, flat, flat),
            (Dialect::Responses, flat, &response),
            (Dialect::Gemini, gemini, gemini),
        ] {
            assert_eq!(
                names(dialect, whole, event),
                [expected.clone(), expected.clone(), Names::default()],
                "{dialect:?}"
            );
        }
        let begins = format!(r#"{{"type":"message_start","message":{flat}}}"#);
        let [whole, first, _] = names(Dialect::Anthropic, flat, &begins);
        assert_eq!([whole, first], [expected.clone(), expected]);
    }

    #[test]
    fn what_is_no_name_is_none() {
        let long = format!(r#"{{"id":"{}","model":["m"]}}"#, "a".repeat(65));
        for nameless in [r#"{"id":"call Ada at once","model":""}"#, &long, r#"{"id":null,"model":7}"#] {
            assert_eq!(names(Dialect::OpenAi, nameless, nameless), [(); 3].map(|()| Names::default()), "{nameless}");
        }
    }
}

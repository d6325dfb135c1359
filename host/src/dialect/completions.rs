//! OpenAI's completions, which were there before chat, as its public API reference describes them (autumn 2026): a text is
//! gone on with. Their answers are read as those of chat completions are, which differ in the name of the field with the
//! text.

pub(super) mod request;
pub(crate) mod translation;

use bytes::Bytes;

pub(crate) use request::read_request;

use super::{ErrorWords, openai};

/// The end of a stream whose text was denied: each alternative ends with `content_filter`, then the error.
pub(crate) fn denied_events(reader: &openai::EventReader, choices: &[u32], words: ErrorWords<'_>) -> Bytes {
    let head = reader.head();
    let ends = choices.iter().map(|choice| {
        let end = r#""text":"","logprobs":null,"finish_reason":"content_filter""#;
        format!("data: {{{head}\"choices\":[{{\"index\":{choice},{end}}}]}}\n\n")
    });
    let mut out = ends.collect::<String>().into_bytes();
    out.extend_from_slice(&openai::error_event(words));
    out.into()
}

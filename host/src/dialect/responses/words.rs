//! What the gateway itself says in this dialect: errors in a stream, the end of a denied one.

use bytes::Bytes;
use serde::Serialize;

use super::super::ErrorWords;
use super::event::EventReader;

#[derive(Serialize)]
struct EventJson<'a> {
    r#type: &'static str,
    code: &'a str,
    message: &'a str,
    param: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<u32>,
    /// The reference has the fields above; the provider sends these, and its SDKs raise them.
    error: ErrorJson<'a>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    r#type: &'a str,
    code: &'a str,
    message: &'a str,
    param: Option<&'a str>,
}

/// An error in the middle of a stream.
pub(crate) fn error_event(words: ErrorWords<'_>, sequence_number: Option<u32>) -> Bytes {
    let ErrorWords { message, kind, field: param, code, .. } = words;
    let error = ErrorJson { r#type: kind, code, message, param };
    let event = EventJson { r#type: "error", code, message, param, sequence_number, error };
    // Serialising strings and numbers cannot fail.
    [b"event: error\ndata: ", &*serde_json::to_vec(&event).unwrap_or_default(), b"\n\n"].concat().into()
}

/// The end of a stream whose text was denied: the response is incomplete, then the error.
pub(crate) fn denied_events(reader: &EventReader, words: ErrorWords<'_>) -> Bytes {
    ending(reader, "incomplete", "\"error\":null,\"incomplete_details\":{\"reason\":\"content_filter\"}", words)
}

/// The end of a stream that cannot go on: the response has failed, then the error.
pub(crate) fn failed_events(reader: &EventReader, words: ErrorWords<'_>) -> Bytes {
    #[derive(Serialize)]
    struct Inner<'a> {
        code: &'a str,
        message: &'a str,
    }
    let error = Inner { code: words.code, message: words.message };
    let error = serde_json::to_string(&error).unwrap_or_default();
    ending(reader, "failed", &format!("\"error\":{error},\"incomplete_details\":null"), words)
}

/// The items that have begun stay as they are; the response that ends has none, so that nobody takes them for whole.
fn ending(reader: &EventReader, status: &str, why: &str, words: ErrorWords<'_>) -> Bytes {
    let number = reader.sequence_number.saturating_add(1);
    if !reader.has_begun {
        return error_event(words, Some(number));
    }
    let head = reader.head.source();
    let event = format!(
        "event: response.{status}\ndata: {{\"type\":\"response.{status}\",\"response\":{{{head}\"status\":\"{status}\",\
         {why},\"output\":[],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[]}},\
         \"sequence_number\":{number}}}\n\n"
    );
    [event.as_bytes(), &*error_event(words, Some(number.saturating_add(1)))].concat().into()
}

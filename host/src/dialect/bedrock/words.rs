//! What the gateway itself says among the events of this dialect: an error, the end of a denied stream. It is translated
//! like the rest of the stream.

use bytes::Bytes;
use serde::Serialize;

use super::super::ErrorWords;

/// An error in the middle of a stream.
pub(crate) fn error_event(words: ErrorWords<'_>) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct EventJson<'a> {
        gateway_exception: ExceptionJson<'a>,
    }
    #[derive(Serialize)]
    struct ExceptionJson<'a> {
        message: &'a str,
        kind: &'a str,
        code: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<&'a str>,
    }
    let ErrorWords { message, kind, code, field, .. } = words;
    let event = EventJson { gateway_exception: ExceptionJson { message, kind, code, field } };
    // Serialising strings cannot fail.
    [b"data: ", &*serde_json::to_vec(&event).unwrap_or_default(), b"\n\n"].concat().into()
}

/// The end of a stream whose text was denied: why the message ended, then the error.
pub(crate) fn denied_events(words: ErrorWords<'_>) -> Bytes {
    let stop: &[u8] = b"data: {\"messageStop\":{\"stopReason\":\"guardrail_intervened\"}}\n\n";
    [stop, &*error_event(words)].concat().into()
}

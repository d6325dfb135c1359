//! What the gateway itself says in this dialect: errors, the list of models, the end of a denied stream.

use bytes::Bytes;
use serde::Serialize;

use super::super::ErrorWords;
use super::event::EventReader;

#[derive(Serialize)]
struct Envelope<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: &'a str,
}

/// The body of an error response.
pub(crate) fn error_body(words: ErrorWords<'_>) -> Bytes {
    let ErrorWords { message, kind, field, code, .. } = words;
    let envelope = Envelope { error: Inner { message, r#type: kind, param: field, code } };
    serde_json::to_vec(&envelope).unwrap_or_default().into()
}

/// An error in the middle of a stream.
pub(crate) fn error_event(words: ErrorWords<'_>) -> Bytes {
    let body = error_body(words);
    [b"data: ", &*body, b"\n\n"].concat().into()
}

/// The end of a stream whose text was denied: each alternative ends with `content_filter`, then the error.
pub(crate) fn denied_events(reader: &EventReader, choices: &[u32], words: ErrorWords<'_>) -> Bytes {
    let mut out = Vec::new();
    for choice in choices {
        let head = reader.head.source();
        let event = format!(
            "data: {{{head}\"choices\":[{{\"index\":{choice},\"delta\":{{}},\"finish_reason\":\"content_filter\"}}]}}\n\n"
        );
        out.extend_from_slice(event.as_bytes());
    }
    out.extend_from_slice(&error_event(words));
    out.into()
}

/// The answer to `GET /v1/models`.
pub(crate) fn models_body<'a>(names: impl Iterator<Item = &'a str>) -> Bytes {
    #[derive(Serialize)]
    struct Model<'a> {
        id: &'a str,
        object: &'a str,
        created: u64,
        owned_by: &'a str,
    }
    #[derive(Serialize)]
    struct Models<'a> {
        object: &'a str,
        data: Vec<Model<'a>>,
    }
    let data = names.map(|id| Model { id, object: "model", created: 0, owned_by: "sluicegate" }).collect();
    serde_json::to_vec(&Models { object: "list", data }).unwrap_or_default().into()
}

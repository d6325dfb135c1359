//! What the gateway itself says in this dialect: errors, the end of a denied stream.

use bytes::Bytes;
use serde::Serialize;

use super::super::ErrorWords;
use super::event::EventReader;
use super::translation::write_failure;

/// The body of an error response.
pub(crate) fn error_body(words: ErrorWords<'_>) -> Bytes {
    write_failure(words.status, &words.into())
}

/// A list of models.
pub(crate) fn models_body<'a>(names: impl Iterator<Item = &'a str>) -> Bytes {
    #[derive(Serialize)]
    struct Model<'a> {
        r#type: &'a str,
        id: &'a str,
        display_name: &'a str,
        created_at: &'a str,
    }
    #[derive(Serialize)]
    struct Models<'a> {
        data: Vec<Model<'a>>,
        has_more: bool,
        first_id: Option<&'a str>,
        last_id: Option<&'a str>,
    }
    let model = |id| Model { r#type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" };
    let data: Vec<Model<'a>> = names.map(model).collect();
    let (first_id, last_id) = (data.first().map(|model| model.id), data.last().map(|model| model.id));
    serde_json::to_vec(&Models { data, has_more: false, first_id, last_id }).unwrap_or_default().into()
}

/// An error in the middle of a stream.
pub(crate) fn error_event(words: ErrorWords<'_>) -> Bytes {
    [b"event: error\ndata: ", &*error_body(words), b"\n\n"].concat().into()
}

/// The end of a stream whose text was denied: the open block ends, the message with `refusal`, then the error.
pub(crate) fn denied_events(reader: &EventReader, words: ErrorWords<'_>) -> Bytes {
    let mut out = String::new();
    if let Some(index) = reader.open {
        out.push_str(&format!(
            "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n"
        ));
    }
    out.push_str(
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\",\
         \"stop_sequence\":null},\"usage\":{\"output_tokens\":0}}\n\n",
    );
    [out.as_bytes(), &*error_event(words)].concat().into()
}

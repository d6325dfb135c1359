//! What the gateway itself says in this dialect: errors, the list of models, the end of a denied stream.

use bytes::Bytes;
use serde::Serialize;

use super::super::ErrorWords;
use super::MODELS;
use super::translation::write_failure;

/// The body of an error response.
pub(crate) fn error_body(words: ErrorWords<'_>) -> Bytes {
    write_failure(words.status, &words.into())
}

/// An error in the middle of a stream.
pub(crate) fn error_event(words: ErrorWords<'_>) -> Bytes {
    [b"data: ", &*error_body(words), b"\n\n"].concat().into()
}

/// The end of a stream whose text was denied: each alternative ends with `SAFETY`, then the error.
pub(crate) fn denied_events(choices: &[u32], words: ErrorWords<'_>) -> Bytes {
    let mut out = String::new();
    for choice in choices {
        out.push_str(&format!(
            "data: {{\"candidates\":[{{\"content\":{{\"role\":\"model\"}},\"finishReason\":\"SAFETY\",\
             \"index\":{choice}}}]}}\n\n"
        ));
    }
    [out.as_bytes(), &*error_event(words)].concat().into()
}

/// The answer to `GET /v1beta/models`.
pub(crate) fn models_body<'a>(names: impl Iterator<Item = &'a str>) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Model<'a> {
        name: String,
        display_name: &'a str,
        supported_generation_methods: [&'static str; 2],
    }
    #[derive(Serialize)]
    struct Models<'a> {
        models: Vec<Model<'a>>,
    }
    let model = |name: &'a str| Model {
        name: format!("{MODELS}{name}"),
        display_name: name,
        supported_generation_methods: ["generateContent", "streamGenerateContent"],
    };
    serde_json::to_vec(&Models { models: names.map(model).collect() }).unwrap_or_default().into()
}

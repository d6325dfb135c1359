//! Google's Gemini API, version v1beta, as its public reference describes it (November 2026): `generateContent` and
//! `streamGenerateContent`. The model and whether the answer streams stand in the path.

mod answer;
mod event;
mod part;
mod request;
mod spelling;
pub(crate) mod translation;
mod words;

use std::borrow::Cow;

pub(crate) use answer::read_answer;
pub(crate) use event::EventReader;
pub(crate) use request::read_request;
pub(crate) use words::{denied_events, error_body, error_event, models_body};

use super::{Address, in_path};
use crate::chat::Task;

/// What stands before the names of models in lists and bodies.
pub(crate) const MODELS: &str = "models/";

/// Where a request is sent to, below a provider's address.
pub(crate) fn path(address: &Address) -> Cow<'static, str> {
    let model = in_path(bare(address.model.as_deref().unwrap_or_default()));
    match (address.task, address.streaming) {
        // Without `alt` the stream would be one JSON array.
        (Task::Converse, Some(true)) => format!("/models/{model}:streamGenerateContent?alt=sse").into(),
        (Task::Converse, Some(false) | None) => format!("/models/{model}:generateContent").into(),
        (Task::Embed, _) => format!("/models/{model}:batchEmbedContents").into(),
        (Task::CountTokens, _) => format!("/models/{model}:countTokens").into(),
    }
}

/// The name of a model without what stands before it.
pub(crate) fn bare(model: &str) -> &str {
    model.strip_prefix(MODELS).unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_stands_in_the_path_and_nothing_else_of_it() {
        let converse = Task::Converse;
        for (model, task, streaming, expected) in [
            ("gemini-3-pro", converse, None, "/models/gemini-3-pro:generateContent"),
            ("gemini-3-pro", Task::CountTokens, Some(false), "/models/gemini-3-pro:countTokens"),
            ("models/gemini-3-pro", Task::Embed, None, "/models/gemini-3-pro:batchEmbedContents"),
            ("models/gemini-3-pro", converse, Some(true), "/models/gemini-3-pro:streamGenerateContent?alt=sse"),
            ("a/../b?key=c:d#e", converse, Some(false), "/models/a%2F..%2Fb%3Fkey%3Dc%3Ad%23e:generateContent"),
        ] {
            assert_eq!(path(&Address { task, model: Some(model.to_owned()), streaming }), expected);
        }
    }
}

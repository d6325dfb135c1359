//! A request as its caller wrote it: where its texts stand, and what the gateway must set.

use std::ops::Range;

use bytes::Bytes;

use super::document::Document;
use super::text::encode;
use crate::chat::{Request, Role, Segment};

/// What a caller asks: the request in our words, and the body that it came as.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The request in our words.
    pub(crate) request: Request,
    pub(super) document: Document,
    /// Where the name of the model stands.
    pub(super) model: Range<usize>,
    /// Behind the last message.
    pub(super) messages_end: usize,
    /// How to ask for the usage of a stream, where the caller has not.
    pub(super) usage: Option<(Range<usize>, String)>,
}

impl Asked {
    /// Whether it asks for a stream, and not for the usage that only streams have to be asked for.
    pub(crate) fn leaves_usage_out(&self) -> bool {
        self.usage.is_some()
    }

    /// The body to send: with the texts of `segments`, for the model that the target calls `model`, and with
    /// messages added at the end of the conversation.
    pub(crate) fn body(&self, segments: &[Segment], model: Option<&str>, added: &[(Role, &str)]) -> Bytes {
        self.body_with(Vec::new(), segments, model, added)
    }

    /// The same, asking for the usage of the stream too.
    pub(crate) fn body_for_usage(&self, segments: &[Segment], model: Option<&str>, added: &[(Role, &str)]) -> Bytes {
        self.body_with(self.usage.clone().into_iter().collect(), segments, model, added)
    }

    fn body_with(
        &self,
        mut further: Vec<(Range<usize>, String)>,
        segments: &[Segment],
        model: Option<&str>,
        added: &[(Role, &str)],
    ) -> Bytes {
        if let Some(model) = model.filter(|model| *model != self.request.model) {
            further.push((self.model.clone(), encode(model)));
        }
        if !added.is_empty() {
            let messages: String = added
                .iter()
                .map(|(role, text)| format!(",{{\"role\":\"{}\",\"content\":{}}}", word(*role), encode(text)))
                .collect();
            further.push((self.messages_end..self.messages_end, messages));
        }
        self.document.write(&self.request.segments, segments, further)
    }
}

/// As all dialects with lists of messages write it.
fn word(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

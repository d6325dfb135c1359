//! A request as its caller wrote it: where its texts stand, and what the gateway must set.

use std::ops::Range;

use bytes::Bytes;

use super::document::Document;
use super::gemini;
use super::text::{encode, inner};
use crate::chat::{Request, Role, Segment};

/// What a caller asks: the request in our words, and the body that it came as.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The request in our words.
    pub(crate) request: Request,
    pub(super) document: Document,
    /// Where the name of the model stands, if it does so in the body.
    pub(super) model: Option<Range<usize>>,
    /// Behind the last message.
    pub(super) messages_end: usize,
    /// How the dialect writes a conversation.
    pub(super) turns: Turns,
    pub(super) around: Around,
    /// How to ask for the usage of a stream, where the caller has not.
    pub(super) usage: Option<(Range<usize>, String)>,
}

/// How a dialect writes what is said in a conversation, and the names of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turns {
    /// `messages`, as most do.
    Messages,
    /// Gemini's `contents`.
    Contents,
    /// One text that is gone on with.
    Text,
    /// Nothing that could be gone on with.
    None,
}

/// What has to stand around messages that are added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    /// Somewhere before them.
    pub(super) opens: Option<(usize, &'static str)>,
    pub(super) before: &'static str,
    pub(super) after: &'static str,
    /// Bytes that they are put in the place of.
    pub(super) replaced: usize,
}

impl Default for Around {
    /// There is a message in the list.
    fn default() -> Self {
        Self { opens: None, before: ",", after: "", replaced: 0 }
    }
}

impl Asked {
    /// Whether more can be said behind what was said.
    pub(crate) fn can_go_on(&self) -> bool {
        self.turns != Turns::None
    }

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
        if let (Some(place), Some(model)) = (&self.model, model.filter(|model| *model != self.request.model)) {
            further.push((place.clone(), self.turns.model(model)));
        }
        if !added.is_empty() {
            let Around { opens, before, after, replaced } = self.around;
            let messages: Vec<String> = added.iter().map(|(role, text)| self.turns.further(*role, text)).collect();
            further.extend(opens.map(|(at, opening)| (at..at, opening.to_owned())));
            let messages = format!("{before}{}{after}", messages.join(self.turns.between()));
            further.push((self.messages_end..self.messages_end + replaced, messages));
        }
        self.document.write(&self.request.segments, segments, further)
    }
}

impl Turns {
    fn model(self, name: &str) -> String {
        match self {
            Self::Messages | Self::Text | Self::None => encode(name),
            Self::Contents => encode(&format!("{}{}", gemini::MODELS, gemini::bare(name))),
        }
    }

    /// What is said behind what was said before.
    fn further(self, role: Role, text: &str) -> String {
        let text = encode(text);
        match self {
            Self::Messages => format!("{{\"role\":\"{}\",\"content\":{text}}}", role.word()),
            Self::Contents => {
                let role = if role == Role::Assistant { "model" } else { "user" };
                format!("{{\"role\":\"{role}\",\"parts\":[{{\"text\":{text}}}]}}")
            }
            // Within the text, which is in quotes already. A speaker has no name there.
            Self::Text => format!("\\n\\n{}", inner(&text).unwrap_or_default()),
            Self::None => String::new(),
        }
    }

    /// What stands between two of them.
    fn between(self) -> &'static str {
        match self {
            Self::Messages | Self::Contents => ",",
            Self::Text | Self::None => "",
        }
    }
}

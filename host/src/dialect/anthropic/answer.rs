//! A whole message.

use bytes::Bytes;

use super::super::document::{Document, Wrong};
use super::super::raw::{Kind, Value};
use super::super::whole;
use super::block;
use crate::chat::{Answer, Channel, Finish, Opaque, Usage};

/// Read a complete answer.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(crate) fn read_answer(body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    whole::read(body, |texts, answer, fields, other| {
        for field in &fields.0 {
            match &*field.name() {
                "content" => block::content(texts, field.value, &other.on(Channel::Content))?,
                "stop_reason" => {
                    answer.finish = field.value.text().map_or(Finish::Other, |reason| finish(&reason));
                    texts.field(field, other)?;
                }
                "usage" => {
                    answer.usage = Counted::default().and(field.value);
                    texts.field(field, other)?;
                }
                _ => texts.field(field, other)?,
            }
        }
        Ok(())
    })
}

pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::ContentFilter,
        _ => Finish::Other,
    }
}

/// What was told of usage so far: twice in a stream, the second time in part. What is not said again stays.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// Input that was neither read from the provider's cache nor written to it.
    fresh: Option<u32>,
    cached: Option<u32>,
    written: Option<u32>,
    output: Option<u32>,
    thinking: Option<u32>,
}

impl Counted {
    /// Note what is said now; gives what that makes with what was said before.
    pub(super) fn and(&mut self, value: Value<'_>) -> Option<Usage> {
        if value.kind() == Kind::Object {
            let fields = value.fields();
            let count = |name: &str| fields.last(name).and_then(Value::tokens);
            let details = fields.last("output_tokens_details").map(Value::fields);
            let thinking = details.and_then(|details| details.last("thinking_tokens").and_then(Value::tokens));
            *self = Self {
                fresh: count("input_tokens").or(self.fresh),
                cached: count("cache_read_input_tokens").or(self.cached),
                written: count("cache_creation_input_tokens").or(self.written),
                output: count("output_tokens").or(self.output),
                thinking: thinking.or(self.thinking),
            };
        }
        self.usage()
    }

    /// Nothing if it was not said both what the request and what the answer had.
    fn usage(self) -> Option<Usage> {
        let (cached, written) = (self.cached.unwrap_or_default(), self.written.unwrap_or_default());
        Some(Usage {
            // Ours counts all input.
            input_tokens: self.fresh?.saturating_add(cached).saturating_add(written),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            output_tokens: self.output?,
            reasoning_tokens: self.thinking.unwrap_or_default(),
        })
    }
}

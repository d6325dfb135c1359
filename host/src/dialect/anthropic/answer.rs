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
                    answer.usage = usage(field.value, None);
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

/// Usage is told twice in a stream, the second time in part: what is not said again stays. Nothing if it does not say both what
/// the request and what the answer had.
pub(super) fn usage(value: Value<'_>, before: Option<Usage>) -> Option<Usage> {
    if value.kind() != Kind::Object {
        return before;
    }
    let fields = value.fields();
    let count = |name: &str| fields.last(name).and_then(Value::tokens);
    let or_before = |name: &str, of: fn(Usage) -> u32| count(name).or(before.map(of));
    let cached = or_before("cache_read_input_tokens", |before| before.cached_input_tokens).unwrap_or_default();
    let written = or_before("cache_creation_input_tokens", |before| before.cache_write_tokens).unwrap_or_default();
    // Ours counts all input, theirs what was neither read from their cache nor written to it.
    let fresh = or_before("input_tokens", |before| {
        before.input_tokens.saturating_sub(before.cached_input_tokens).saturating_sub(before.cache_write_tokens)
    })?;
    let details = fields.last("output_tokens_details").map(Value::fields);
    let thinking = details.and_then(|details| details.last("thinking_tokens").and_then(Value::tokens));
    Some(Usage {
        input_tokens: fresh.saturating_add(cached).saturating_add(written),
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: or_before("output_tokens", |before| before.output_tokens)?,
        reasoning_tokens: thinking.or(before.map(|before| before.reasoning_tokens)).unwrap_or_default(),
    })
}

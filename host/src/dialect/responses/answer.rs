//! A whole response.

use bytes::Bytes;

use super::super::document::{Document, Wrong};
use super::super::raw::{Kind, Value};
use super::super::whole;
use super::item::items;
use crate::chat::{Answer, Channel, Finish, Opaque, Usage};

/// Read a complete answer.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(crate) fn read_answer(body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    whole::read(body, |texts, answer, fields, other| {
        answer.finish = finish(|name| fields.last(name));
        for field in &fields.0 {
            match (&*field.name(), field.value.kind()) {
                ("output", _) => items(texts, field.value, &other.on(Channel::Content))?,
                // What the request said, once more: it may be items with pictures in them.
                ("instructions", Kind::Array) => items(texts, field.value, other)?,
                (name, _) => {
                    if name == "usage" {
                        answer.usage = usage(field.value);
                    }
                    texts.field(field, other)?;
                }
            }
        }
        Ok(())
    })
}

/// Why a response with these fields ended: its status says so, and that a tool is called its output.
pub(super) fn finish<'a>(field: impl Fn(&str) -> Option<Value<'a>>) -> Finish {
    match field("status").and_then(Value::text).as_deref().unwrap_or_default() {
        "completed" => {
            let output = field("output").map(Value::items).unwrap_or_default();
            let kinds = output.into_iter().filter_map(|item| item.fields().last("type").and_then(Value::text));
            let calls = kinds.into_iter().any(|kind| matches!(&*kind, "function_call" | "custom_tool_call"));
            if calls { Finish::ToolCalls } else { Finish::Stop }
        }
        "incomplete" => {
            let details = field("incomplete_details").map(Value::fields).unwrap_or_default();
            match details.last("reason").and_then(Value::text).as_deref() {
                Some("max_output_tokens") => Finish::Length,
                Some("content_filter") => Finish::ContentFilter,
                _ => Finish::Other,
            }
        }
        _ => Finish::Other,
    }
}

/// What was used; nothing if it does not say both what the request and what the answer had.
pub(super) fn usage(value: Value<'_>) -> Option<Usage> {
    if value.kind() != Kind::Object {
        return None;
    }
    let fields = value.fields();
    let count = |name: &str| fields.last(name).and_then(Value::tokens);
    let detail = |name: &str, of: &str| {
        fields.last(name).and_then(|details| details.fields().last(of)).and_then(Value::tokens).unwrap_or_default()
    };
    Some(Usage {
        input_tokens: count("input_tokens")?,
        cached_input_tokens: detail("input_tokens_details", "cached_tokens"),
        cache_write_tokens: detail("input_tokens_details", "cache_write_tokens"),
        output_tokens: count("output_tokens")?,
        reasoning_tokens: detail("output_tokens_details", "reasoning_tokens"),
    })
}

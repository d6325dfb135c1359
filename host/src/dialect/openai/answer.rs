//! A whole chat completion, and a provider's error.

use bytes::Bytes;

use super::super::document::{Document, Of, Texts, Wrong};
use super::super::raw::{Kind, Value};
use super::super::whole;
use super::message;
use crate::chat::{Answer, Channel, Finish, Opaque, Role, Usage};

/// Read a complete answer.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(crate) fn read_answer(body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    whole::read(body, |texts, answer, fields, other| {
        for field in &fields.0 {
            match &*field.name() {
                "choices" => message::each(texts, field.value, other, |texts, choice, _| {
                    let finish = read_choice(texts, choice)?;
                    if answer.finish == Finish::Other {
                        answer.finish = finish;
                    }
                    Ok(())
                })?,
                "usage" => {
                    answer.usage = usage(field.value);
                    texts.field(field, other)?;
                }
                _ => texts.field(field, other)?,
            }
        }
        Ok(())
    })
}

fn read_choice(texts: &mut Texts<'_>, choice: Value<'_>) -> Result<Finish, Wrong> {
    let fields = choice.fields();
    let index = fields.last("index").and_then(Value::number).unwrap_or_default();
    let of = Of { choice: index, ..Of::new(Role::Assistant, Channel::Content) };
    let mut finished = Finish::Other;
    for field in &fields.0 {
        match &*field.name() {
            "message" | "delta" if field.value.kind() == Kind::Object => {
                message::collect(texts, &field.value.fields(), &of)?;
            }
            "text" => texts.anything(field.value, &of)?,
            "logprobs" if field.value.kind() == Kind::Object => {
                texts.opaque.push(Opaque::Logprobs);
                let place = texts.place(field.value);
                texts.shadows.push(place);
            }
            "finish_reason" => {
                finished = field.value.text().map_or(Finish::Other, |reason| finish(&reason));
                texts.field(field, &of.on(Channel::Other))?;
            }
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(finished)
}

pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        _ => Finish::Other,
    }
}

/// Most servers count as the API does: cached tokens are part of the prompt, reasoning is part of the completion. Some
/// leave reasoning out of the completion, and then only the total has it; some have other names for what is cached. Nothing if
/// it does not say both what the request and what the answer had.
pub(in super::super) fn usage(value: Value<'_>) -> Option<Usage> {
    if value.kind() != Kind::Object {
        return None;
    }
    let fields = value.fields();
    let count = |name: &str| fields.last(name).and_then(Value::tokens);
    let detail = |name: &str, of: &str| {
        fields.last(name).and_then(|details| details.fields().last(of)).and_then(Value::tokens).unwrap_or_default()
    };
    let input_tokens = count("prompt_tokens")?;
    let behind_input = count("total_tokens").map(|total| total.saturating_sub(input_tokens));
    Some(Usage {
        input_tokens,
        cached_input_tokens: detail("prompt_tokens_details", "cached_tokens")
            .max(count("prompt_cache_hit_tokens").unwrap_or_default()),
        cache_write_tokens: detail("prompt_tokens_details", "cache_write_tokens"),
        output_tokens: count("completion_tokens").max(behind_input)?,
        reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens"),
    })
}

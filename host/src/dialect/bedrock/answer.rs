//! A whole answer.

use bytes::Bytes;

use super::super::document::{Document, Of, Texts, Wrong, shown};
use super::super::raw::{Field, Fields, Kind, Value};
use super::super::whole;
use crate::chat::{Answer, Channel, Finish, Opaque, Role, Usage};

/// Blocks in blocks, as results of tools and citations have. What is deeper is text of a kind unknown.
const DEPTH_MAX: u32 = 4;

/// Read a complete answer.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(crate) fn read_answer(body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    whole::read(body, |texts, answer, fields, other| {
        for field in &fields.0 {
            match (&*field.name(), field.value.kind()) {
                ("output", Kind::Object) => inside(texts, field, "message", other, |texts, message| {
                    inside(texts, message, "content", other, |texts, content| {
                        blocks(texts, content.value, &other.on(Channel::Content), DEPTH_MAX)
                    })
                })?,
                ("stopReason", Kind::String) => {
                    answer.finish = finish(&field.value.text().unwrap_or_default());
                    texts.field(field, other)?;
                }
                ("usage", _) => {
                    answer.usage = usage(field.value);
                    texts.field(field, other)?;
                }
                _ => texts.field(field, other)?,
            }
        }
        Ok(())
    })
}

/// Read the fields of an object, of which one is `known`.
fn inside<'a>(
    texts: &mut Texts<'a>,
    of: &Field<'a>,
    known: &str,
    other: &Of,
    read: impl Fn(&mut Texts<'a>, &Field<'a>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    if of.value.kind() != Kind::Object {
        return texts.field(of, other);
    }
    of.value.fields().0.iter().try_for_each(|field| match field.is(known) {
        true => read(texts, field),
        false => texts.field(field, other),
    })
}

fn blocks(texts: &mut Texts<'_>, value: Value<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    match (value.kind(), depth.checked_sub(1)) {
        (Kind::Array, Some(depth)) => value.items().into_iter().try_for_each(|item| match item.kind() {
            Kind::Object => block(texts, &item.fields(), of, depth),
            _ => texts.anything(item, of),
        }),
        _ => texts.anything(value, of),
    }
}

/// One block. What it holds is told by the name of its field, also where it has more than one.
fn block(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    fields.0.iter().try_for_each(|field| match (&*field.name(), field.value.kind()) {
        ("text", _) => texts.anything(field.value, of),
        ("json", _) => texts.json(field.value, of),
        ("reasoningContent", Kind::Object) => reasoning(texts, &field.value.fields(), &of.on(Channel::Reasoning)),
        ("toolUse", Kind::Object) => call(texts, &field.value.fields(), of),
        ("toolResult", Kind::Object) => {
            let of = Of { role: Role::Tool, ..of.on(Channel::ToolResult) };
            nested(texts, &field.value.fields(), &of, depth)
        }
        ("citationsContent", Kind::Object) => nested(texts, &field.value.fields(), of, depth),
        ("image", Kind::Object) => media(texts, &field.value.fields(), Opaque::Image, of),
        ("audio", Kind::Object) => media(texts, &field.value.fields(), Opaque::Audio, of),
        ("document" | "video", Kind::Object) => media(texts, &field.value.fields(), Opaque::File, of),
        _ => texts.field(field, &of.on(Channel::Other)),
    })
}

fn nested(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    fields.0.iter().try_for_each(|field| match &*field.name() {
        "content" => blocks(texts, field.value, of, depth),
        _ => texts.field(field, &of.on(Channel::Other)),
    })
}

fn reasoning(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    fields.0.iter().try_for_each(|field| match (&*field.name(), field.value.kind()) {
        ("reasoningText", Kind::Object) => reasoning(texts, &field.value.fields(), of),
        ("text", _) => texts.anything(field.value, of),
        ("signature" | "redactedContent", Kind::String) => {
            if is_sealed(field.value) {
                texts.opaque.push(Opaque::Sealed);
            }
            Ok(())
        }
        _ => texts.field(field, &of.on(Channel::Other)),
    })
}

/// Whether only the provider can read it. Empty ones hold nothing.
pub(super) fn is_sealed(value: Value<'_>) -> bool {
    value.text().is_some_and(|text| !text.is_empty())
}

fn call(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    let called = fields.last("name").and_then(Value::text).map(|name| shown(&name));
    let on = |channel| Of { name: called.clone(), ..of.on(channel) };
    fields.0.iter().try_for_each(|field| match &*field.name() {
        "name" => texts.anything(field.value, &on(Channel::Name)),
        "input" => texts.json(field.value, &on(Channel::ToolArguments)),
        _ => texts.field(field, &on(Channel::Other)),
    })
}

/// A picture, a sound, a document: where its bytes are, or where it lies.
fn media(texts: &mut Texts<'_>, fields: &Fields<'_>, what: Opaque, of: &Of) -> Result<(), Wrong> {
    fields.0.iter().try_for_each(|field| match (&*field.name(), field.value.kind()) {
        ("source", Kind::Object) => media(texts, &field.value.fields(), what, of),
        ("bytes", Kind::String) | ("s3Location", Kind::Object) => {
            texts.opaque.push(what);
            Ok(())
        }
        ("text", _) => texts.anything(field.value, of),
        _ => texts.field(field, &of.on(Channel::Other)),
    })
}

pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "guardrail_intervened" | "content_filtered" => Finish::ContentFilter,
        _ => Finish::Other,
    }
}

/// What was used. Ours counts all input, theirs what was neither read from their cache nor written to it. Nothing
/// if it does not say both what the request and what the answer had.
pub(super) fn usage(value: Value<'_>) -> Option<Usage> {
    if value.kind() != Kind::Object {
        return None;
    }
    let fields = value.fields();
    let count = |name: &str| fields.last(name).and_then(Value::tokens);
    let of_cache = |name: &str| count(name).unwrap_or_default();
    let (cached, written) = (of_cache("cacheReadInputTokens"), of_cache("cacheWriteInputTokens"));
    Some(Usage {
        input_tokens: count("inputTokens")?.saturating_add(cached).saturating_add(written),
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: count("outputTokens")?,
        reasoning_tokens: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_an_answer_is_a_segment() {
        let body = r#"{"output":{"message":{"role":"assistant","content":[
            {"reasoningContent":{"reasoningText":{"text":"let me see","signature":"c2ln"}}},
            {"reasoningContent":{"redactedContent":"AAAA"}},
            {"text":"hi"},
            {"toolUse":{"toolUseId":"t1","name":"get weather","input":{"city":"Rome","n":1.50}}},
            {"citationsContent":{"content":[{"text":"as said"}],"citations":[{"title":"the source, please"}]}},
            {"image":{"format":"png","source":{"bytes":"AAAA"}}},
            {"brand new":{"x":"and this too"}}]}},
            "stopReason":"tool_use","metrics":{"latencyMs":5},
            "usage":{"inputTokens":3,"outputTokens":7,"totalTokens":16,"cacheReadInputTokens":4,
                "cacheWriteInputTokens":2},
            "trace":{"note":"words of a trace"}}"#;
        let (answer, _, opaque) = read_answer(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let segments: Vec<_> = answer.segments.iter().map(|s| (s.channel, s.text.as_str(), s.is_json)).collect();
        let expected = [
            (Channel::Reasoning, "let me see", false),
            (Channel::Content, "hi", false),
            (Channel::Name, "get weather", false),
            (Channel::ToolArguments, "{\"city\":\"Rome\",\"n\":1.50}", true),
            (Channel::Content, "as said", false),
            (Channel::Other, "the source, please", false),
            (Channel::Other, "brand new", false),
            (Channel::Other, "and this too", false),
            (Channel::Other, "words of a trace", false),
        ];
        assert_eq!(segments, expected);
        assert_eq!(opaque, [Opaque::Sealed, Opaque::Sealed, Opaque::Image]);
        assert_eq!(answer.finish, Finish::ToolCalls);
        let usage = Usage {
            input_tokens: 9,
            cached_input_tokens: 4,
            cache_write_tokens: 2,
            output_tokens: 7,
            reasoning_tokens: 0,
        };
        assert_eq!(answer.usage, Some(usage));
    }

    #[test]
    fn reasons_to_end_are_known() {
        for (reason, expected) in [
            ("end_turn", Finish::Stop),
            ("stop_sequence", Finish::Stop),
            ("max_tokens", Finish::Length),
            ("model_context_window_exceeded", Finish::Length),
            ("tool_use", Finish::ToolCalls),
            ("guardrail_intervened", Finish::ContentFilter),
            ("content_filtered", Finish::ContentFilter),
            ("malformed_tool_use", Finish::Other),
        ] {
            assert_eq!(finish(reason), expected, "{reason}");
        }
    }
}

//! The texts of one message, in a request or an answer.

use super::super::document::{Of, Texts, Wrong, shown};
use super::super::raw::{Field, Fields, Kind, Value};
use crate::chat::{Channel, Opaque, Role};

/// Collect the texts of a message whose speaker is `of`.
pub(super) fn collect(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    fields.0.iter().try_for_each(|field| part(texts, field, of))
}

fn part(texts: &mut Texts<'_>, field: &Field<'_>, of: &Of) -> Result<(), Wrong> {
    let value = field.value;
    match &*field.name() {
        "content" => content(texts, value, of),
        "refusal" => texts.anything(value, &of.on(Channel::Refusal)),
        "reasoning_content" | "reasoning" | "reasoning_details" => texts.anything(value, &of.on(Channel::Reasoning)),
        "name" => texts.anything(value, &of.on(Channel::Name)),
        "tool_calls" => each(texts, value, of, tool_call),
        "function_call" => function(texts, value, of),
        "audio" => audio(texts, value, of),
        _ => texts.field(field, &of.on(Channel::Other)),
    }
}

/// Each object of a list. What is neither is text all the same, wherever a stranger put it.
pub(super) fn each<'a>(
    texts: &mut Texts<'a>,
    list: Value<'_>,
    of: &Of,
    mut item: impl FnMut(&mut Texts<'a>, Value<'_>, &Of) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    if list.kind() != Kind::Array {
        return texts.anything(list, &of.on(Channel::Other));
    }
    list.items().into_iter().try_for_each(|value| match value.kind() {
        Kind::Object => item(texts, value, of),
        _ => texts.anything(value, &of.on(Channel::Other)),
    })
}

/// A string, or a list of parts.
fn content(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    match value.kind() {
        Kind::String => texts.text(value, of),
        Kind::Array => value.items().into_iter().try_for_each(|part| match part.kind() {
            Kind::Object => content_part(texts, &part.fields(), of),
            _ => texts.anything(part, of),
        }),
        _ => texts.anything(value, of),
    }
}

fn content_part(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    for field in &fields.0 {
        match &*field.name() {
            "text" => texts.anything(field.value, of)?,
            "refusal" => texts.anything(field.value, &of.on(Channel::Refusal))?,
            "thinking" | "reasoning" => texts.anything(field.value, &of.on(Channel::Reasoning))?,
            "image_url" => opaque(texts, field.value, "url", Opaque::Image, of)?,
            "input_audio" => opaque(texts, field.value, "data", Opaque::Audio, of)?,
            "file" => opaque(texts, field.value, "file_data", Opaque::File, of)?,
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

/// A part that is not text: its `payload` cannot be looked into, the rest of it can.
fn opaque(texts: &mut Texts<'_>, value: Value<'_>, payload: &str, what: Opaque, of: &Of) -> Result<(), Wrong> {
    texts.opaque.push(what);
    if value.kind() != Kind::Object {
        return texts.anything(value, &of.on(Channel::Other));
    }
    for field in &value.fields().0 {
        if !field.is(payload) {
            texts.field(field, &of.on(Channel::Other))?;
        }
    }
    Ok(())
}

fn tool_call(texts: &mut Texts<'_>, call: Value<'_>, of: &Of) -> Result<(), Wrong> {
    for field in &call.fields().0 {
        match &*field.name() {
            "function" | "custom" => function(texts, field.value, of)?,
            "id" => {
                texts.calls(field.value);
                texts.field(field, &of.on(Channel::Other))?;
            }
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

/// `{"name", "arguments"}`, or `{"name", "input"}` of a custom tool.
fn function(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    if value.kind() != Kind::Object {
        return texts.anything(value, &of.on(Channel::ToolArguments));
    }
    let fields = value.fields();
    let called = fields.last("name").and_then(Value::text).map(|name| shown(&name));
    fields.0.iter().try_for_each(|field| {
        let on = |channel| Of { name: called.clone(), ..of.on(channel) };
        match &*field.name() {
            "name" => texts.anything(field.value, &on(Channel::Name)),
            "arguments" | "input" => texts.anything(field.value, &on(Channel::ToolArguments)),
            _ => texts.field(field, &on(Channel::Other)),
        }
    })
}

fn audio(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    if value.kind() != Kind::Object {
        return texts.anything(value, of);
    }
    for field in &value.fields().0 {
        match &*field.name() {
            "data" => texts.opaque.push(Opaque::Audio),
            "transcript" => texts.anything(field.value, of)?,
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

/// The speaker that a message names.
pub(super) fn role(word: &str) -> Option<Role> {
    match word {
        "system" | "developer" => Some(Role::System),
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        "tool" | "function" => Some(Role::Tool),
        _ => None,
    }
}

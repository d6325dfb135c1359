//! The texts of a content, which is a list of parts, in a request or an answer.

use super::super::document::{Of, Texts, Wrong, is_name, shown};
use super::super::raw::{Fields, Kind, Value};
use super::spelling::{last, usual};
use crate::chat::{Channel, Opaque, Role};

/// Parts in parts, as results of functions have. What is deeper is text of a kind unknown.
const DEPTH_MAX: u32 = 4;

/// A content: `{"role", "parts"}`.
pub(super) fn content(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    if value.kind() != Kind::Object {
        return texts.anything(value, of);
    }
    value.fields().0.iter().try_for_each(|field| match &*usual(field) {
        "parts" => parts(texts, field.value, of, DEPTH_MAX),
        _ => texts.field(field, &of.on(Channel::Other)),
    })
}

/// Whether a content calls a function.
pub(super) fn calls(content: Value<'_>) -> bool {
    let parts = last(&content.fields(), "parts").map(Value::items).unwrap_or_default();
    parts.into_iter().any(|part| last(&part.fields(), "functionCall").is_some_and(|call| call.kind() == Kind::Object))
}

fn parts(texts: &mut Texts<'_>, value: Value<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    match (value.kind(), depth.checked_sub(1)) {
        (Kind::Array, Some(depth)) => value.items().into_iter().try_for_each(|item| match item.kind() {
            Kind::Object => part(texts, &item.fields(), of, depth),
            _ => texts.anything(item, of),
        }),
        _ => texts.anything(value, of),
    }
}

/// One part. What a field holds is told by its name, also where a part has more than one.
fn part(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    let of_text = if is_thought(fields) { of.on(Channel::Reasoning) } else { of.clone() };
    for field in &fields.0 {
        let value = field.value;
        match (&*usual(field), value.kind()) {
            ("text", _) => texts.anything(value, &of_text)?,
            ("thoughtSignature", Kind::String) => {
                if is_sealed(value) {
                    texts.opaque.push(Opaque::Sealed);
                }
            }
            ("inlineData" | "fileData", Kind::Object) => data(texts, &value.fields(), of)?,
            ("functionCall", Kind::Object) => call(texts, &value.fields(), of)?,
            ("functionResponse", Kind::Object) => response(texts, &value.fields(), of, depth)?,
            ("executableCode", _) => texts.anything(value, &of.on(Channel::ToolArguments))?,
            ("codeExecutionResult", _) => {
                texts.anything(value, &Of { role: Role::Tool, ..of.on(Channel::ToolResult) })?;
            }
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

/// Whether the text of a part is what the model thought.
pub(super) fn is_thought(fields: &Fields<'_>) -> bool {
    last(fields, "thought").is_some_and(|thought| thought.kind() == Kind::Bool(true))
}

/// The provider's seal on thoughts, which only it can read. An empty one holds nothing.
pub(super) fn is_sealed(signature: Value<'_>) -> bool {
    signature.text().is_some_and(|text| !text.is_empty())
}

/// What the bytes of a part are, by its media type.
pub(super) fn opaque(fields: &Fields<'_>) -> Opaque {
    let kind = last(fields, "mimeType").and_then(Value::text).unwrap_or_default();
    match kind.split('/').next().unwrap_or_default() {
        "image" => Opaque::Image,
        "audio" => Opaque::Audio,
        _ => Opaque::File,
    }
}

/// A picture, a sound, a document, or where one is.
fn data(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    fields.0.iter().try_for_each(|field| match (&*usual(field), field.value.kind()) {
        ("data" | "fileUri", Kind::String) => {
            texts.opaque.push(opaque(fields));
            Ok(())
        }
        _ => texts.field(field, &of.on(Channel::Other)),
    })
}

fn call(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    let called = named(fields);
    let on = |channel| Of { name: called.clone(), ..of.on(channel) };
    if let Some(id) = last(fields, "id") {
        texts.calls(id);
    }
    fields.0.iter().try_for_each(|field| match &*usual(field) {
        "name" => texts.anything(field.value, &on(Channel::Name)),
        "args" => texts.json(field.value, &on(Channel::ToolArguments)),
        _ => texts.field(field, &on(Channel::Other)),
    })
}

fn response(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    let called = named(fields);
    let of = Of { role: Role::Tool, ..of.clone() };
    let on = |channel| Of { name: called.clone(), ..of.on(channel) };
    fields.0.iter().try_for_each(|field| match &*usual(field) {
        "name" => texts.anything(field.value, &on(Channel::Name)),
        "response" => result(texts, field.value, &on(Channel::ToolResult)),
        "parts" => parts(texts, field.value, &on(Channel::ToolResult), depth),
        _ => texts.field(field, &on(Channel::Other)),
    })
}

fn named(fields: &Fields<'_>) -> Option<String> {
    last(fields, "name").and_then(Value::text).map(|name| shown(&name))
}

/// One text, as `{"output": "sunny"}`, is seen as that text. Anything else is seen as the JSON that other dialects write
/// into a text, with its keys and numbers.
fn result(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    match &*value.fields().0 {
        [only] if only.value.kind() == Kind::String && is_name(&only.name()) => texts.text(only.value, of),
        _ => texts.json(value, of),
    }
}

//! The texts of a content block, in a request or an answer.

use super::super::document::{Of, Texts, Wrong, shown};
use super::super::fields::once;
use super::super::raw::{Fields, Kind, Value};
use crate::chat::{Channel, Opaque, Role};

/// Blocks in blocks, as results of tools and documents in them have. What is deeper is text of a kind unknown.
const DEPTH_MAX: u32 = 8;

/// A string, or a list of blocks.
pub(super) fn content(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    inner(texts, value, of, DEPTH_MAX)
}

fn inner(texts: &mut Texts<'_>, value: Value<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    match (value.kind(), depth.checked_sub(1)) {
        (Kind::Array, Some(depth)) => value.items().into_iter().try_for_each(|item| match item.kind() {
            Kind::Object => block(texts, &item.fields(), of, depth),
            _ => texts.anything(item, of),
        }),
        _ => texts.anything(value, of),
    }
}

/// One block. What a field holds is told by its name, whatever type the block claims to have: a reader that takes the
/// type for something else still finds no text that nobody looked at.
fn block(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of, depth: u32) -> Result<(), Wrong> {
    let kind = once(fields, "type")?.and_then(Value::text).unwrap_or_default();
    let called = fields.last("name").and_then(Value::text).map(|name| shown(&name));
    let on = |channel| Of { name: called.clone().or_else(|| of.name.clone()), ..of.on(channel) };
    for field in &fields.0 {
        let value = field.value;
        match &*field.name() {
            "text" => texts.anything(value, of)?,
            "thinking" => texts.anything(value, &of.on(Channel::Reasoning))?,
            "name" => texts.anything(value, &on(Channel::Name))?,
            "input" => texts.json(value, &on(Channel::ToolArguments))?,
            "content" if kind.ends_with("tool_result") => {
                inner(texts, value, &Of { role: Role::Tool, ..of.on(Channel::ToolResult) }, depth)?;
            }
            "content" => inner(texts, value, of, depth)?,
            "source" => source(texts, value, opaque(&kind), of, depth)?,
            "id" if kind.ends_with("tool_use") => {
                texts.calls(value);
                texts.field(field, &of.on(Channel::Other))?;
            }
            "signature" if value.kind() == Kind::String && kind == "thinking" => sealed(texts, value),
            "data" if value.kind() == Kind::String && kind == "redacted_thinking" => sealed(texts, value),
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

/// Thoughts that only the provider can read, or its seal on some. Empty ones hold nothing.
fn sealed(texts: &mut Texts<'_>, value: Value<'_>) {
    if value.text().is_some_and(|text| !text.is_empty()) {
        texts.opaque.push(Opaque::Sealed);
    }
}

fn opaque(kind: &str) -> Opaque {
    if kind == "image" { Opaque::Image } else { Opaque::File }
}

/// Where the bytes of a picture or a document are; a document may also be text.
fn source(texts: &mut Texts<'_>, value: Value<'_>, what: Opaque, of: &Of, depth: u32) -> Result<(), Wrong> {
    if value.kind() != Kind::Object {
        return texts.anything(value, &of.on(Channel::Other));
    }
    let fields = value.fields();
    let kind = once(&fields, "type")?.and_then(Value::text).unwrap_or_default();
    for field in &fields.0 {
        match (&*field.name(), &*kind) {
            ("data", "base64") | ("url", "url") | ("file_id", "file") => texts.opaque.push(what),
            ("data" | "content", _) => inner(texts, field.value, of, depth)?,
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

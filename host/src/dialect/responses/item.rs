//! The texts of one item of an input or an output: a message, a call of a tool, its result, thoughts.

use super::super::document::{Of, Texts, Wrong, shown};
use super::super::fields::once;
use super::super::raw::{Field, Fields, Kind, Value};
use crate::chat::{Channel, Opaque, Role};

/// Each object of a list of items. What is neither is text all the same, wherever a stranger put it.
pub(super) fn items(texts: &mut Texts<'_>, list: Value<'_>, of: &Of) -> Result<(), Wrong> {
    if list.kind() != Kind::Array {
        return texts.anything(list, of);
    }
    list.items().into_iter().enumerate().try_for_each(|(index, value)| match value.kind() {
        Kind::Object => item(texts, &value.fields(), of).map_err(|wrong| match wrong.field.is_empty() {
            true => wrong,
            false => wrong.below(&format!("input[{index}]")),
        }),
        _ => texts.anything(value, of),
    })
}

/// One item. What a field holds is told by its name, whatever type the item claims to have: a reader that takes the type
/// for something else still finds no text that nobody looked at.
fn item(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    let kind = once(fields, "type")?.and_then(Value::text).unwrap_or_default();
    let role = match once(fields, "role")?.and_then(Value::text) {
        Some(word) => {
            role(&word).ok_or_else(|| Wrong::new("role", "must be one of system, developer, user, assistant"))?
        }
        None if is_result(&kind) => Role::Tool,
        None if matches!(&*kind, "" | "message") => of.role,
        None => Role::Assistant,
    };
    let called = fields.last("name").and_then(Value::text).map(|name| shown(&name));
    let of = Of { role, name: called, ..of.clone() };
    let said = if kind == "reasoning" { Channel::Reasoning } else { Channel::Content };
    for field in &fields.0 {
        let value = field.value;
        match &*field.name() {
            "content" => content(texts, value, &of.on(said))?,
            "summary" => content(texts, value, &of.on(Channel::Reasoning))?,
            "output" => content(texts, value, &Of { role: Role::Tool, ..of.on(Channel::ToolResult) })?,
            "name" => texts.anything(value, &of.on(Channel::Name))?,
            "arguments" | "input" | "code" | "action" | "operation" => {
                texts.anything(value, &of.on(Channel::ToolArguments))?;
            }
            // Where the call itself is kept at the provider, there is its result alone.
            "call_id" => {
                texts.calls(value);
                texts.field(field, &of.on(Channel::Other))?;
            }
            "encrypted_content" if value.kind() == Kind::String => sealed(&mut texts.opaque, value),
            "result" if kind == "image_generation_call" && value.kind() == Kind::String => {
                texts.opaque.push(Opaque::Image);
            }
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

/// Whether an item of this type is what a tool answered.
pub(super) fn is_result(kind: &str) -> bool {
    kind.ends_with("_output")
}

/// A string, or a list of parts.
pub(super) fn content(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    match value.kind() {
        Kind::Array => value.items().into_iter().try_for_each(|part| match part.kind() {
            Kind::Object => part_of(texts, &part.fields(), of),
            _ => texts.anything(part, of),
        }),
        Kind::Object => part_of(texts, &value.fields(), of),
        _ => texts.anything(value, of),
    }
}

fn part_of(texts: &mut Texts<'_>, fields: &Fields<'_>, of: &Of) -> Result<(), Wrong> {
    let kind = once(fields, "type")?.and_then(Value::text).unwrap_or_default();
    for field in &fields.0 {
        let value = field.value;
        match &*field.name() {
            "text" | "transcript" => texts.anything(value, of)?,
            "refusal" => texts.anything(value, &of.on(Channel::Refusal))?,
            "logprobs" if has_items(value) => {
                texts.opaque.push(Opaque::Logprobs);
                let place = texts.place(value);
                texts.shadows.push(place);
            }
            "encrypted_content" if value.kind() == Kind::String => sealed(&mut texts.opaque, value),
            "input_audio" if value.kind() == Kind::Object => {
                texts.opaque.push(Opaque::Audio);
                let beside = value.fields().0;
                beside
                    .iter()
                    .filter(|field| !field.is("data"))
                    .try_for_each(|field| texts.field(field, &of.on(Channel::Other)))?;
            }
            name => match opaque(&kind, name).filter(|_| value.kind() == Kind::String) {
                Some(what) => texts.opaque.push(what),
                None => texts.field(field, &of.on(Channel::Other))?,
            },
        }
    }
    Ok(())
}

/// What a field of a part holds, or leads to, that is not text.
fn opaque(kind: &str, field: &str) -> Option<Opaque> {
    match (kind, field) {
        ("input_image" | "computer_screenshot", "image_url" | "file_id") => Some(Opaque::Image),
        ("input_file", "file_data" | "file_url" | "file_id") => Some(Opaque::File),
        (_, "image_url") => Some(Opaque::Image),
        (_, "file_data") => Some(Opaque::File),
        _ => None,
    }
}

/// Thoughts that only the provider can read. Empty ones hold nothing.
pub(super) fn sealed(opaque: &mut Vec<Opaque>, value: Value<'_>) {
    if value.text().is_some_and(|text| !text.is_empty()) {
        opaque.push(Opaque::Sealed);
    }
}

pub(super) fn has_items(value: Value<'_>) -> bool {
    value.kind() == Kind::Array && !value.items().is_empty()
}

/// The speaker that a message names.
fn role(word: &str) -> Option<Role> {
    match word {
        "system" | "developer" => Some(Role::System),
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        "tool" => Some(Role::Tool),
        _ => None,
    }
}

/// Variables of a prompt that is kept at the provider: texts, or parts like those of a message.
pub(super) fn prompt(texts: &mut Texts<'_>, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
    let variable = |texts: &mut Texts<'_>, field: &Field<'_>| match field.value.kind() {
        Kind::Object => {
            texts.text(field.key, &of.on(Channel::Other))?;
            content(texts, field.value, of)
        }
        _ => texts.field(field, of),
    };
    if value.kind() != Kind::Object {
        return texts.anything(value, of);
    }
    for field in &value.fields().0 {
        match (&*field.name(), field.value.kind()) {
            ("variables", Kind::Object) => {
                field.value.fields().0.iter().try_for_each(|field| variable(texts, field))?
            }
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(())
}

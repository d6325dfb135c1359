//! A request for a response.

use bytes::Bytes;

use super::super::asked::{Around, Asked, Turns};
use super::super::document::{Of, Texts, Wrong, not_json};
use super::super::raw::{Fields, Kind, Value};
use super::item::{content, items, once, prompt};
use crate::chat::{Channel, Request, Role, ToolDefinition};

/// Read the body of a request.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn read_request(body: Bytes) -> Result<Asked, Wrong> {
    let text = std::str::from_utf8(&body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
    let parsed: Fields<'_> =
        serde_json::from_str(text).map_err(|error| not_json("a request for a response", &error))?;
    let mut texts = Texts::new(text);
    let mut request = Request::default();
    let model = once(&parsed, "model")?;
    let model = model.ok_or_else(|| Wrong::new("model", "is missing; name a model, see GET /v1/models"))?;
    request.model = model.text().ok_or_else(|| Wrong::new("model", "must be a string"))?.into_owned();
    request.streaming = match once(&parsed, "stream")?.map(Value::kind) {
        Some(Kind::Bool(streaming)) => streaming,
        None | Some(Kind::Null) => false,
        Some(_) => return Err(Wrong::new("stream", "must be true or false")),
    };
    // In the order of the conversation, wherever the caller wrote it.
    if let Some(instructions) = once(&parsed, "instructions")? {
        content(&mut texts, instructions, &Of::new(Role::System, Channel::Content))?;
    }
    let input = once(&parsed, "input")?.filter(|input| input.kind() != Kind::Null);
    let (messages_end, around) = match input {
        Some(input) => read_input(&mut texts, input)?,
        None => without_input(text, &parsed),
    };
    for field in &parsed.0 {
        let value = field.value;
        match &*field.name() {
            "input" | "instructions" | "stream" => {}
            "tools" => read_tools(&mut texts, &mut request, value)?,
            "text" => {
                let schema = value.fields().last("format").and_then(|format| format.fields().last("schema"));
                request.answer_schema = schema.map(|schema| schema.0.to_owned()).or(request.answer_schema);
                texts.anything(value, &Of::new(Role::System, Channel::Other))?;
            }
            "prompt" => prompt(&mut texts, value, &Of::new(Role::User, Channel::Content))?,
            // Where any model may be asked for, its name goes to the provider too: words that name nothing are text.
            _ => texts.field(field, &Of::new(Role::User, Channel::Other))?,
        }
    }
    request.opaque = std::mem::take(&mut texts.opaque);
    let model = texts.place(model);
    let (segments, document) = texts.into_document(body.clone());
    request.segments = segments;
    drop(parsed);
    Ok(Asked { request, document, model: Some(model), messages_end, turns: Turns::Messages, around })
}

/// Collect the texts of the input, and say where more can be put: behind the last item, or around a text that is all there
/// is.
fn read_input(texts: &mut Texts<'_>, input: Value<'_>) -> Result<(usize, Around), Wrong> {
    let of = Of::new(Role::User, Channel::Content);
    let place = texts.place(input);
    match input.kind() {
        Kind::String => {
            texts.text(input, &of)?;
            let opens = Some((place.start, "[{\"role\":\"user\",\"content\":"));
            Ok((place.end, Around { opens, before: "},", after: "]" }))
        }
        Kind::Array => {
            items(texts, input, &of)?;
            Ok(match input.items().last() {
                Some(last) => (texts.place(*last).end, Around::default()),
                None => (place.start + 1, Around { opens: None, before: "", after: "" }),
            })
        }
        _ => Err(Wrong::new("input", "must be a string or a list of items")),
    }
}

/// A conversation or a prompt that is kept at the provider may be all the input. More of it is a field of its own, in front
/// of the others.
fn without_input(text: &str, parsed: &Fields<'_>) -> (usize, Around) {
    match parsed.0.iter().find(|field| field.name() == "input") {
        Some(null) => {
            let place = null.value.place(text);
            (place.end, Around { opens: Some((place.end, ",\"input\":")), before: "[", after: "]" })
        }
        None => {
            let inside = text.find('{').map_or(0, |brace| brace + 1);
            (inside, Around { opens: None, before: "\"input\":[", after: "]," })
        }
    }
}

fn read_tools(texts: &mut Texts<'_>, request: &mut Request, value: Value<'_>) -> Result<(), Wrong> {
    for tool in value.items() {
        let fields = tool.fields();
        let text = |field: &str| fields.last(field).and_then(Value::text).unwrap_or_default().into_owned();
        let name = text("name");
        if !name.is_empty() {
            request.tools.push(ToolDefinition {
                name,
                description: text("description"),
                parameters: fields.last("parameters").map_or_else(|| "{}".to_owned(), |schema| schema.0.to_owned()),
            });
        }
    }
    texts.anything(value, &Of::new(Role::System, Channel::ToolDefinition))
}

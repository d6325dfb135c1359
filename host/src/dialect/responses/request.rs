//! A request for a response.

use bytes::Bytes;

use super::super::asked::{Around, Asked, Turns};
use super::super::document::{Of, Texts, Wrong, id_of, not_json};
use super::super::fields::{self, definition, once};
use super::super::raw::{Fields, Kind, Value};
use super::item::{content, items, prompt};
use crate::chat::{Channel, Request, Role};

/// Read the body of a request.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn read_request(body: Bytes) -> Result<Asked, Wrong> {
    let text = std::str::from_utf8(&body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
    let parsed: Fields<'_> =
        serde_json::from_str(text).map_err(|error| not_json("a request for a response", &error))?;
    let mut texts = Texts::new(text);
    let (model, name) = fields::model(&parsed)?;
    let mut request = Request { model: name, ..Request::default() };
    request.streaming = fields::streaming(once(&parsed, "stream")?)?;
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
                request.answer_schema = schema.map(|schema| schema.source().to_owned()).or(request.answer_schema);
                texts.anything(value, &Of::new(Role::System, Channel::Other))?;
            }
            "prompt" => {
                // Which tools one has that is kept at the provider, nobody here knows.
                request.acts |= value.kind() != Kind::Null;
                request.is_tied |= value.kind() != Kind::Null;
                prompt(&mut texts, value, &Of::new(Role::User, Channel::Content))?;
            }
            "previous_response_id" | "conversation" => {
                if field.is("conversation") {
                    request.conversation = id_of(value.fields().last("id").unwrap_or(value));
                }
                request.is_tied |= value.kind() != Kind::Null;
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "user" | "safety_identifier" => {
                request.names_user |= value.text().is_some();
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "max_output_tokens" => {
                request.answer_tokens_max = request.answer_tokens_max.max(value.count());
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            // Where any model may be asked for, its name goes to the provider too: words that name nothing are text.
            _ => texts.field(field, &Of::new(Role::User, Channel::Other))?,
        }
    }
    let is_later = once(&parsed, "background")?.is_some_and(|value| value.source() == "true");
    if is_later && !request.streaming {
        let message =
            "true has the answer fetched later, for which there is no path here; leave it out, or ask for a stream";
        return Err(Wrong::new("background", message));
    }
    request.opaque = std::mem::take(&mut texts.opaque);
    request.call = texts.call.take();
    let model = texts.place(model);
    let (segments, document) = texts.into_document(body.clone());
    request.segments = segments;
    drop(parsed);
    Ok(Asked { request, document, model: Some(model), messages_end, turns: Turns::Messages, around, usage: None })
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
            Ok((place.end, Around { opens, before: "},", after: "]", replaced: 0 }))
        }
        Kind::Array => {
            items(texts, input, &of)?;
            Ok(match input.items().last() {
                Some(last) => (texts.place(*last).end, Around::default()),
                None => (place.start + 1, Around { opens: None, before: "", after: "", replaced: 0 }),
            })
        }
        _ => Err(Wrong::new("input", "must be a string or a list of items")),
    }
}

/// A conversation or a prompt that is kept at the provider may be all the input. More of it is a field of its own, in front
/// of the others.
fn without_input(text: &str, parsed: &Fields<'_>) -> (usize, Around) {
    match parsed.0.iter().find(|field| field.is("input")) {
        Some(null) => {
            let place = null.value.place(text);
            (place.start, Around { opens: None, before: "[", after: "]", replaced: place.len() })
        }
        None => {
            let inside = text.find('{').map_or(0, |brace| brace + 1);
            (inside, Around { opens: None, before: "\"input\":[", after: "],", replaced: 0 })
        }
    }
}

fn read_tools(texts: &mut Texts<'_>, request: &mut Request, value: Value<'_>) -> Result<(), Wrong> {
    for tool in value.items() {
        let fields = tool.fields();
        let kind = fields.last("type").and_then(Value::text);
        request.acts |= kind.is_some_and(|kind| is_the_providers(&kind));
        request.tools.extend(definition(&fields, "parameters"));
    }
    texts.anything(value, &Of::new(Role::System, Channel::ToolDefinition))
}

/// Whether the provider runs tools of this type, and not the caller: searches, programs, other servers' tools.
fn is_the_providers(kind: &str) -> bool {
    !matches!(kind, "function" | "custom" | "local_shell" | "apply_patch" | "computer" | "computer_use_preview")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Asked, Wrong> {
        read_request(Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn what_an_answer_may_take_and_do_is_read() {
        for (fields, tokens, acts) in [
            ("", None, false),
            (r#","max_output_tokens":100"#, Some(100), false),
            (r#","max_output_tokens":null"#, None, false),
            (r#","tools":[{"type":"function","name":"f"},{"type":"custom","name":"g"}]"#, None, false),
            (r#","tools":[{"type":"computer_use_preview"},{"type":"local_shell"}]"#, None, false),
            (r#","tools":[{"type":"function","name":"f"},{"type":"web_search"}]"#, None, true),
            (r#","tools":[{"type":"code_interpreter","container":{"type":"auto"}}]"#, None, true),
            (r#","tools":[{"type":"mcp","server_label":"l"}]"#, None, true),
            (r#","prompt":{"id":"pmpt_1"}"#, None, true),
            (r#","prompt":null"#, None, false),
        ] {
            let request = read(&format!(r#"{{"model":"m","input":"a"{fields}}}"#)).unwrap().request;
            assert_eq!((request.answer_tokens_max, request.acts), (tokens, acts), "{fields}");
        }
    }

    #[test]
    fn what_goes_on_from_what_the_provider_keeps_is_tied_to_it() {
        for (fields, is_tied) in [
            ("", false),
            (r#","previous_response_id":null"#, false),
            (r#","previous_response_id":"resp_1""#, true),
            (r#","conversation":{"id":"conv_1"}"#, true),
            (r#","prompt":{"id":"pmpt_1"}"#, true),
        ] {
            let request = read(&format!(r#"{{"model":"m","input":"a"{fields}}}"#)).unwrap().request;
            assert_eq!(request.is_tied, is_tied, "{fields}");
        }
    }

    #[test]
    fn texts_come_in_the_order_of_the_conversation_with_who_says_them() {
        let body = r#"{"model":"m","tools":[{"type":"function","name":"f"}],"input":[
            {"role":"developer","content":"a"},{"role":"user","content":[{"type":"input_text","text":"b"}]},
            {"type":"reasoning","summary":[{"type":"summary_text","text":"c"}]},
            {"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"d"},
            {"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"e"}]}],"instructions":"i"}"#;
        let said: Vec<_> = read(body).unwrap().request.segments;
        let said: Vec<_> = said.iter().map(|s| (s.role, s.channel, s.text.as_str())).collect();
        let expected = [
            (Role::System, Channel::Content, "i"),
            (Role::System, Channel::Content, "a"),
            (Role::User, Channel::Content, "b"),
            (Role::Assistant, Channel::Reasoning, "c"),
            (Role::Assistant, Channel::Name, "f"),
            (Role::Assistant, Channel::ToolArguments, "{}"),
            (Role::Tool, Channel::ToolResult, "d"),
            (Role::Assistant, Channel::Refusal, "e"),
        ];
        assert_eq!(said[..8], expected);
    }

    #[test]
    fn more_can_be_said_however_the_input_is_written() {
        let said = [(Role::Assistant, "a"), (Role::User, "u")];
        let more = r#"{"role":"assistant","content":"a"},{"role":"user","content":"u"}"#;
        for (body, expected) in [
            (
                r#"{"model":"m","input":"hi"}"#,
                format!(r#"{{"model":"m","input":[{{"role":"user","content":"hi"}},{more}]}}"#),
            ),
            (
                r#"{"model":"m","input":[{"role":"user","content":"hi"} ]}"#,
                format!(r#"{{"model":"m","input":[{{"role":"user","content":"hi"}},{more} ]}}"#),
            ),
            (r#"{"model":"m","input":[]}"#, format!(r#"{{"model":"m","input":[{more}]}}"#)),
            (r#"{"model":"m","input":null}"#, format!(r#"{{"model":"m","input":[{more}]}}"#)),
            (r#"{"model":"m"}"#, format!(r#"{{"input":[{more}],"model":"m"}}"#)),
        ] {
            let asked = read(body).unwrap();
            let written = asked.body(&asked.request.segments, None, &said);
            assert_eq!(written, expected, "{body}");
        }
        // What is edited at the same time stays JSON, also where the text has to be written anew.
        let asked = read(r#"{"model":"m","input":"\ud83d hi"}"#).unwrap();
        let mut edited = asked.request.segments.clone();
        edited[0].text = "ho".to_owned();
        let written = asked.body(&edited, None, &said);
        assert_eq!(written, format!(r#"{{"model":"m","input":[{{"role":"user","content":"ho"}},{more}]}}"#));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_field() {
        for (body, field) in [
            ("[]", ""),
            ("{}", "model"),
            (r#"{"model":1}"#, "model"),
            (r#"{"model":"m","model":"n"}"#, "model"),
            (r#"{"model":"m","input":3}"#, "input"),
            (r#"{"model":"m","input":"a","input":"b"}"#, "input"),
            (r#"{"model":"m","input":"a","stream":1}"#, "stream"),
            (r#"{"model":"m","input":[{"role":"root","content":"a"}]}"#, "input[0].role"),
            (r#"{"model":"m","input":[{"role":"user","role":"system"}]}"#, "input[0].role"),
        ] {
            assert_eq!(read(body).unwrap_err().field, field, "{body}");
        }
    }
}

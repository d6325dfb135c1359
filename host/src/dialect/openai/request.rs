//! A request for a chat completion.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::asked::{Around, Asked, Turns};
use super::super::document::{Of, Texts, Wrong, not_json, shown};
use super::super::fields::{self, definition};
use super::super::raw::{Field, Fields, Kind, Value};
use super::{message, stream_options};
use crate::chat::{Channel, Request, Role};

/// The body down to the fields of its messages, in one pass: they hold nearly all bytes of a request.
struct Body<'a>(Vec<Part<'a>>);

enum Part<'a> {
    Messages(Vec<Fields<'a>>),
    Other(Field<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BodyVisitor;
        impl<'de> Visitor<'de> for BodyVisitor {
            type Value = Body<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(key) = map.next_key::<&'de RawValue>()? {
                    let key = Value::from(key);
                    parts.push(match key.text().as_deref() {
                        Some("messages") => Part::Messages(map.next_value()?),
                        _ => Part::Other(Field { key, value: map.next_value::<&'de RawValue>()?.into() }),
                    });
                }
                Ok(Body(parts))
            }
        }
        deserializer.deserialize_map(BodyVisitor)
    }
}

/// Read the body of a request.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn read_request(body: Bytes) -> Result<Asked, Wrong> {
    let text = std::str::from_utf8(&body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
    let parsed: Body<'_> = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
    let mut texts = Texts::new(text);
    let mut request = Request::default();
    let (mut model, mut messages_end, mut streaming) = (None, None, None);
    let (mut stream_end, mut options) = (None, Vec::new());
    let once = |seen: bool, field: &str| {
        if seen { Err(Wrong::new(field, "is there twice; send it once")) } else { Ok(()) }
    };
    for part in &parsed.0 {
        let field = match part {
            Part::Messages(messages) => {
                once(messages_end.is_some(), "messages")?;
                messages_end = Some(read_messages(&mut texts, text, messages)?);
                continue;
            }
            Part::Other(field) => field,
        };
        let value = field.value;
        match &*field.name() {
            "model" => {
                once(model.is_some(), "model")?;
                let name = value.text().ok_or_else(|| Wrong::new("model", "must be a string"))?;
                request.model = name.into_owned();
                model = Some(texts.place(value));
                // Where any model may be asked for, this goes to the provider too: words that name nothing are text.
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "stream" => {
                once(streaming.is_some(), "stream")?;
                stream_end = Some(texts.place(value).end);
                streaming = Some(fields::streaming(Some(value))?);
            }
            "stream_options" => {
                options.push((value, texts.place(value)));
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "user" | "safety_identifier" => {
                request.names_user |= value.text().is_some();
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "tools" | "functions" => read_tools(&mut texts, &mut request, value)?,
            "response_format" => {
                let schema = value.fields().last("json_schema").and_then(|format| format.fields().last("schema"));
                request.answer_schema = schema.map(|schema| schema.source().to_owned()).or(request.answer_schema);
                texts.anything(value, &Of::new(Role::System, Channel::Other))?;
            }
            // What a provider takes who reads the other of two is not known: the larger one.
            "max_tokens" | "max_completion_tokens" => {
                request.answer_tokens_max = request.answer_tokens_max.max(value.count());
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "n" => {
                request.answers = request.answers.max(value.count());
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "prediction" => texts.anything(value, &Of::new(Role::Assistant, Channel::Content))?,
            _ => texts.field(field, &Of::new(Role::User, Channel::Other))?,
        }
    }
    request.streaming = streaming.unwrap_or_default();
    request.opaque = std::mem::take(&mut texts.opaque);
    request.call = texts.call.take();
    let model = model.ok_or_else(|| Wrong::new("model", "is missing; name a model, see GET /v1/models"))?;
    let messages_end = messages_end.ok_or_else(|| Wrong::new("messages", "is missing; send a list of messages"))?;
    let usage = stream_options::asking(&options, stream_end.filter(|_| request.streaming))?;
    let usage = usage.map(|(place, text)| (place, text.to_owned()));
    let (segments, document) = texts.into_document(body.clone());
    request.segments = segments;
    drop(parsed);
    let (turns, around) = (Turns::Messages, Around::default());
    Ok(Asked { request, document, model: Some(model), messages_end, turns, around, usage })
}

fn unreadable(text: &str, error: &serde_json::Error) -> Wrong {
    if let Some(messages) = Value::or_null(text.as_bytes()).fields().last("messages") {
        if messages.kind() != Kind::Array {
            return Wrong::new("messages", "must be a list of messages");
        }
        if let Some(index) = messages.items().iter().position(|message| message.kind() != Kind::Object) {
            return Wrong::new(format!("messages[{index}]"), "must be an object with a role and a content");
        }
    }
    not_json("a chat completion request", error)
}

/// Collect the texts of all messages, and give the place behind the last one.
fn read_messages(texts: &mut Texts<'_>, body: &str, messages: &[Fields<'_>]) -> Result<usize, Wrong> {
    let Some(last) = messages.last() else {
        return Err(Wrong::new("messages", "is empty; send at least one message"));
    };
    for (index, fields) in messages.iter().enumerate() {
        read_message(texts, index, fields)?;
    }
    // Behind the last value of the last message there is nothing but space before its brace.
    let last_value = last.0.last().map_or(0, |field| texts.place(field.value).end);
    let brace = body.get(last_value..).and_then(|rest| rest.find('}')).unwrap_or_default();
    Ok(last_value + brace + 1)
}

fn read_message(texts: &mut Texts<'_>, index: usize, fields: &Fields<'_>) -> Result<(), Wrong> {
    let at = |field: &str| format!("messages[{index}].{field}");
    let role = fields.once("role").map_err(|field| Wrong::new(at(field), "is there twice; send it once"))?;
    let role = role.and_then(Value::text).ok_or_else(|| Wrong::new(at("role"), "is missing or not a string"))?;
    let role = message::role(&role)
        .ok_or_else(|| Wrong::new(at("role"), "must be one of system, developer, user, assistant, tool, function"))?;
    let channel = if role == Role::Tool { Channel::ToolResult } else { Channel::Content };
    let name = fields.last("name").and_then(Value::text).map(|name| shown(&name));
    message::collect(texts, fields, &Of { name, ..Of::new(role, channel) })
}

/// `tools` and the older `functions`.
fn read_tools(texts: &mut Texts<'_>, request: &mut Request, value: Value<'_>) -> Result<(), Wrong> {
    let of = Of::new(Role::System, Channel::ToolDefinition);
    for tool in value.items() {
        let fields = tool.fields();
        let function = fields.last("function").unwrap_or(tool).fields();
        let kind = fields.last("type").and_then(Value::text);
        // All others are run by the provider: a search, a program, another server's tools.
        request.acts |= kind.is_some_and(|kind| !matches!(&*kind, "function" | "custom"));
        request.tools.extend(definition(&function, "parameters"));
    }
    texts.anything(value, &of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Asked {
        read_request(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    fn wrong(body: &str) -> String {
        let wrong = read_request(Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
        format!("{}: {}", wrong.field, wrong.message)
    }

    fn texts(body: &str) -> Vec<(Role, Channel, String)> {
        read(body).request.segments.into_iter().map(|s| (s.role, s.channel, s.text)).collect()
    }

    #[test]
    fn every_text_of_a_conversation_is_a_segment() {
        let body = r#"{"model":"m","messages":[
            {"role":"developer","content":"be kind"},
            {"role":"user","name":"Ann","content":[{"type":"text","text":"look"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},
            {"role":"assistant","content":null,"reasoning_content":"hmm","refusal":"no","tool_calls":[
                {"id":"call_1","type":"function","function":{"name":"get weather","arguments":"{\"city\":\"Rome\"}"}}]},
            {"role":"tool","tool_call_id":"call_1","content":"sunny"}],
            "tools":[{"type":"function","function":{"name":"f","description":"does f",
                "parameters":{"type":"object","properties":{"x":{"type":"string","description":"an x"}}}}}],
            "user":"ann@example.com","brand_new":{"deep":["hidden text"]}}"#;
        let expected = [
            (Role::System, Channel::Content, "be kind"),
            (Role::User, Channel::Name, "Ann"),
            (Role::User, Channel::Content, "look"),
            (Role::Assistant, Channel::Reasoning, "hmm"),
            (Role::Assistant, Channel::Refusal, "no"),
            (Role::Assistant, Channel::Name, "get weather"),
            (Role::Assistant, Channel::ToolArguments, "{\"city\":\"Rome\"}"),
            (Role::Tool, Channel::ToolResult, "sunny"),
            (Role::System, Channel::ToolDefinition, "f"),
            (Role::System, Channel::ToolDefinition, "does f"),
            (Role::System, Channel::ToolDefinition, "an x"),
            (Role::User, Channel::Other, "ann@example.com"),
            (Role::User, Channel::Other, "hidden text"),
        ];
        let expected: Vec<_> = expected.map(|(r, c, t)| (r, c, t.to_owned())).into_iter().collect();
        assert_eq!(texts(body), expected);
        assert_eq!(read(body).request.opaque, [crate::chat::Opaque::Image]);
    }

    #[test]
    fn an_unchanged_request_is_the_same_bytes_and_a_changed_one_differs_there_alone() {
        let body = "{ \"messages\" : [ {\"role\":\"user\",\"content\":\"mail \\u006aohn, 1.50\"} ],\n \
                    \"temperature\":1.0e0, \"x\":{\"b\":1,\"a\":2}, \"model\":\"m\" }";
        let asked = read(body);
        assert_eq!(asked.body(&asked.request.segments, None, &[]), body);
        let mut edited = asked.request.segments.clone();
        edited[0].text = "mail [NAME], 1.50".to_owned();
        let sent = asked.body(&edited, Some("gpt"), &[(Role::User, "more \"please\"")]);
        let expected = body
            .replace("\\u006aohn", "[NAME]")
            .replace("\"m\"", "\"gpt\"")
            .replace("} ],", "},{\"role\":\"user\",\"content\":\"more \\\"please\\\"\"} ],");
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_field() {
        let cases = [
            "",
            "{",
            "[]",
            "{\"model\":\"m\"}",
            "{\"messages\":[{\"role\":\"user\"}]}",
            "{\"model\":\"m\",\"messages\":[]}",
            "{\"model\":\"m\",\"messages\":{}}",
            "{\"model\":\"m\",\"messages\":[3]}",
            "{\"model\":3,\"messages\":[{\"role\":\"user\"}]}",
            "{\"model\":\"m\",\"stream\":\"yes\",\"messages\":[{\"role\":\"user\"}]}",
            "{\"model\":\"m\",\"messages\":[{\"content\":\"x\"}]}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"root\"}]}",
            "{\"model\":\"m\",\"model\":\"n\",\"messages\":[{\"role\":\"user\"}]}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"role\":\"system\"}]}",
        ];
        let said: Vec<String> = cases.iter().map(|case| format!("{case}\n    {}", wrong(case))).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let deep = format!(
            "{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":{}1{}}}]}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(wrong(&deep).contains("nested deeper"), "{}", wrong(&deep));
    }

    #[test]
    fn megabytes_far_below_the_surface_are_refused() {
        let below = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            format!(r#"{{"model":"m","messages":[{{"role":"user"}}],"x":{open}"{}"{close}}}"#, "a".repeat(1 << 20))
        };
        assert_eq!(texts(&below(15)).len(), 1);
        assert!(wrong(&below(20)).contains("deeper than 16 levels"), "{}", wrong(&below(20)));
    }
}

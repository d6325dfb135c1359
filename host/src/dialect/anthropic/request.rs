//! A request for a message.

use bytes::Bytes;

use super::super::asked::{Around, Asked, Turns};
use super::super::document::{Of, Texts, Wrong, not_json};
use super::super::fields::{self, definition, once};
use super::super::raw::{Fields, Kind, Value};
use super::block::content;
use crate::chat::{Channel, Request, Role};

/// Read the body of a request.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn read_request(body: Bytes) -> Result<Asked, Wrong> {
    let text = std::str::from_utf8(&body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
    let parsed: Fields<'_> = serde_json::from_str(text).map_err(|error| not_json("a request for a message", &error))?;
    let mut texts = Texts::new(text);
    let (model, name) = fields::model(&parsed)?;
    let mut request = Request { model: name, ..Request::default() };
    let messages = once(&parsed, "messages")?;
    let messages = messages.ok_or_else(|| Wrong::new("messages", "is missing; send a list of messages"))?;
    request.streaming = fields::streaming(once(&parsed, "stream")?)?;
    let system = once(&parsed, "system")?;
    // In the order of the conversation, wherever the caller wrote it.
    if let Some(system) = system {
        content(&mut texts, system, &Of::new(Role::System, Channel::Content))?;
    }
    let messages_end = read_messages(&mut texts, messages)?;
    for field in &parsed.0 {
        match &*field.name() {
            "messages" | "system" | "stream" => {}
            "tools" => read_tools(&mut texts, &mut request, field.value)?,
            "output_config" | "output_format" => {
                let format = field.value.fields().last("format").unwrap_or(field.value);
                let schema = format.fields().last("schema").map(|schema| schema.source().to_owned());
                request.answer_schema = schema.or(request.answer_schema);
                texts.anything(field.value, &Of::new(Role::System, Channel::Other))?;
            }
            "max_tokens" => {
                request.answer_tokens_max = request.answer_tokens_max.max(field.value.count());
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "metadata" => {
                request.names_user |= field.value.fields().last("user_id").and_then(Value::text).is_some();
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "container" => {
                request.is_tied |= field.value.kind() != Kind::Null;
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            "mcp_servers" => {
                request.acts |= !field.value.items().is_empty();
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            // Where any model may be asked for, its name goes to the provider too: words that name nothing are text.
            _ => texts.field(field, &Of::new(Role::User, Channel::Other))?,
        }
    }
    request.opaque = std::mem::take(&mut texts.opaque);
    request.call = texts.call.take();
    let model = texts.place(model);
    let (segments, document) = texts.into_document(body.clone());
    request.segments = segments;
    drop(parsed);
    let (turns, around) = (Turns::Messages, Around::default());
    Ok(Asked { request, document, model: Some(model), messages_end, turns, around, usage: None })
}

/// Collect the texts of all messages, and give the place behind the last one.
fn read_messages(texts: &mut Texts<'_>, messages: Value<'_>) -> Result<usize, Wrong> {
    if messages.kind() != Kind::Array {
        return Err(Wrong::new("messages", "must be a list of messages"));
    }
    let messages = messages.items();
    let Some(last) = messages.last() else {
        return Err(Wrong::new("messages", "is empty; send at least one message"));
    };
    let end = texts.place(*last).end;
    for (index, message) in messages.into_iter().enumerate() {
        let at = |field: &str| format!("messages[{index}].{field}");
        if message.kind() != Kind::Object {
            return Err(Wrong::new(format!("messages[{index}]"), "must be an object with a role and a content"));
        }
        let fields = message.fields();
        let role = fields.once("role").map_err(|field| Wrong::new(at(field), "is there twice; send it once"))?;
        let role = role.and_then(Value::text).ok_or_else(|| Wrong::new(at("role"), "is missing or not a string"))?;
        let role = match &*role {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(Wrong::new(at("role"), "must be one of user, assistant, system")),
        };
        let of = Of::new(role, Channel::Content);
        for field in &fields.0 {
            match &*field.name() {
                "content" => content(texts, field.value, &of).map_err(|wrong| wrong.below(&at("content")))?,
                _ => texts.field(field, &of.on(Channel::Other))?,
            }
        }
    }
    Ok(end)
}

fn read_tools(texts: &mut Texts<'_>, request: &mut Request, value: Value<'_>) -> Result<(), Wrong> {
    for tool in value.items() {
        let fields = tool.fields();
        let kind = fields.last("type").and_then(Value::text);
        request.acts |= kind.is_some_and(|kind| is_the_providers(&kind));
        request.tools.extend(definition(&fields, "input_schema"));
    }
    texts.anything(value, &Of::new(Role::System, Channel::ToolDefinition))
}

/// Whether the provider runs tools of this type, and not the caller: types with a date, but for some that Anthropic defines
/// and callers run.
fn is_the_providers(kind: &str) -> bool {
    let callers = ["custom", "bash_", "text_editor_", "computer_", "memory_"];
    !callers.iter().any(|prefix| kind.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Opaque;

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
        let body = r#"{"model":"m","max_tokens":9,"messages":[
            {"role":"user","content":[{"type":"text","text":"look"},
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
                {"type":"document","title":"the plan","source":{"type":"text","media_type":"text/plain","data":"go"}}]},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hmm","signature":"EqQB"},
                {"type":"tool_use","id":"toolu_1","name":"get weather","input":{"city":"Rome"}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[
                {"type":"text","text":"sunny"}]}]}],
            "system":"be kind",
            "tools":[{"name":"f","description":"does f",
                "input_schema":{"type":"object","properties":{"x":{"type":"string","description":"an x"}}}}],
            "metadata":{"user_id":"ann@example.com"},"brand_new":{"deep":["hidden text"]}}"#;
        let expected = [
            (Role::System, Channel::Content, "be kind"),
            (Role::User, Channel::Content, "look"),
            (Role::User, Channel::Other, "the plan"),
            (Role::User, Channel::Content, "go"),
            (Role::Assistant, Channel::Reasoning, "hmm"),
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
        assert_eq!(read(body).request.opaque, [Opaque::Image, Opaque::Sealed]);
    }

    #[test]
    fn an_unchanged_request_is_the_same_bytes_and_a_changed_one_differs_there_alone() {
        let body = "{ \"messages\" : [ {\"role\":\"user\",\"content\":\"mail \\u006aohn, 1.50\"} ],\n \
                    \"temperature\":1.0e0, \"x\":{\"b\":1,\"a\":2}, \"model\":\"m\", \"max_tokens\":9 }";
        let asked = read(body);
        assert_eq!(asked.body(&asked.request.segments, None, &[]), body);
        let mut edited = asked.request.segments.clone();
        edited[0].text = "mail [NAME], 1.50".to_owned();
        let sent = asked.body(&edited, Some("opus"), &[(Role::User, "more")]);
        let expected = body
            .replace("\\u006aohn", "[NAME]")
            .replace("\"m\"", "\"opus\"")
            .replace("} ],", "},{\"role\":\"user\",\"content\":\"more\"} ],");
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
            "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\"}]}",
            "{\"model\":\"m\",\"model\":\"n\",\"messages\":[{\"role\":\"user\"}]}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"role\":\"system\"}]}",
        ];
        let said: Vec<String> = cases.iter().map(|case| format!("{case}\n    {}", wrong(case))).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn blocks_in_blocks_without_end_are_refused() {
        for (open, close) in [
            (r#"[{"type":"tool_result","content":"#, "}]"),
            (r#"[{"type":"document","source":{"type":"content","content":"#, "}}]"),
        ] {
            let deep = |levels| {
                let (open, close) = (open.repeat(levels), close.repeat(levels));
                format!(r#"{{"model":"m","messages":[{{"role":"user","content":{open}"hi"{close}}}]}}"#)
            };
            assert_eq!(texts(&deep(3)).last().unwrap().2, "hi");
            // Where blocks are no longer followed, their fields are text of a kind unknown.
            assert_eq!(texts(&deep(9)).last().unwrap().2, "hi");
            assert!(wrong(&deep(100_000)).contains("nested deeper"), "{}", wrong(&deep(100_000)));
        }
    }
}

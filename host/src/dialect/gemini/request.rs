//! A request to generate content.

use bytes::Bytes;

use super::super::Address;
use super::super::asked::{Around, Asked, Turns};
use super::super::document::{Of, Texts, Wrong, is_name, not_json};
use super::super::raw::{Fields, Kind, Value};
use super::spelling::{last, unrepeated, usual};
use super::{bare, part};
use crate::chat::{Channel, Request, Role, ToolDefinition};

/// Read the body of a request, whose model and manner stand in its path.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn read_request(address: Address, body: Bytes) -> Result<Asked, Wrong> {
    let text = std::str::from_utf8(&body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
    let parsed: Fields<'_> =
        serde_json::from_str(text).map_err(|error| not_json("a request to generate content", &error))?;
    unrepeated(&parsed)?;
    let mut texts = Texts::new(text);
    let mut request = Request { streaming: address.streaming.unwrap_or_default(), ..Request::default() };
    request.model = address.model.unwrap_or_default();
    // It stands where no guardrail looks, and goes to the provider where any model may be asked for.
    if !is_name(&request.model) {
        return Err(Wrong::new("model", "must be a name: up to 64 letters, digits and signs without a space"));
    }
    // In the order of the conversation, wherever the caller wrote it.
    if let Some(system) = last(&parsed, "systemInstruction") {
        part::content(&mut texts, system, &Of::new(Role::System, Channel::Content))?;
    }
    let contents = last(&parsed, "contents");
    let contents = contents.ok_or_else(|| Wrong::new("contents", "is missing; send a list of contents"))?;
    let messages_end = read_contents(&mut texts, contents)?;
    let mut model = None;
    for field in &parsed.0 {
        match &*usual(field) {
            "contents" | "systemInstruction" => {}
            "model" => {
                let named = field.value.text().ok_or_else(|| Wrong::new("model", "must be a string"))?;
                if bare(&named) != bare(&request.model) {
                    return Err(Wrong::new("model", "is another one than in the path; name it there alone"));
                }
                model = Some(texts.place(field.value));
            }
            "tools" => read_tools(&mut texts, &mut request, field.value)?,
            "generationConfig" => {
                let config = field.value.fields();
                let schema = last(&config, "responseJsonSchema").or(last(&config, "responseSchema"));
                request.answer_schema = schema.map(|schema| schema.source().to_owned());
                request.answer_tokens_max = last(&config, "maxOutputTokens").and_then(Value::count);
                request.answers = last(&config, "candidateCount").and_then(Value::count);
                texts.anything(field.value, &Of::new(Role::System, Channel::Other))?;
            }
            "cachedContent" => {
                request.is_tied |= field.value.kind() != Kind::Null;
                texts.field(field, &Of::new(Role::User, Channel::Other))?;
            }
            _ => texts.field(field, &Of::new(Role::User, Channel::Other))?,
        }
    }
    request.opaque = std::mem::take(&mut texts.opaque);
    request.call = texts.call.take();
    let (segments, document) = texts.into_document(body.clone());
    request.segments = segments;
    drop(parsed);
    let (turns, around) = (Turns::Contents, Around::default());
    Ok(Asked { request, document, model, messages_end, turns, around, usage: None })
}

/// Collect the texts of all contents, and give the place behind the last one.
fn read_contents(texts: &mut Texts<'_>, contents: Value<'_>) -> Result<usize, Wrong> {
    if contents.kind() != Kind::Array {
        return Err(Wrong::new("contents", "must be a list of contents"));
    }
    let contents = contents.items();
    let Some(last_one) = contents.last() else {
        return Err(Wrong::new("contents", "is empty; send at least one content"));
    };
    let end = texts.place(*last_one).end;
    for (index, content) in contents.into_iter().enumerate() {
        let at = format!("contents[{index}]");
        if content.kind() != Kind::Object {
            return Err(Wrong::new(at, "must be an object with a role and parts"));
        }
        let fields = content.fields();
        unrepeated(&fields).map_err(|wrong| wrong.below(&at))?;
        let role = match last(&fields, "role").filter(|role| role.kind() != Kind::Null) {
            None => Role::User,
            Some(role) => match role.text().as_deref() {
                Some("user" | "") => Role::User,
                Some("model") => Role::Assistant,
                Some("function" | "tool") => Role::Tool,
                _ => return Err(Wrong::new(format!("{at}.role"), "must be one of user, model, function")),
            },
        };
        part::content(texts, content, &Of::new(role, Channel::Content)).map_err(|wrong| wrong.below(&at))?;
    }
    Ok(end)
}

fn read_tools(texts: &mut Texts<'_>, request: &mut Request, value: Value<'_>) -> Result<(), Wrong> {
    for tool in value.items() {
        let fields = tool.fields();
        // All others are run by the provider: a search, a program, a page that is read.
        let is_the_callers = |name: &str| matches!(name, "functionDeclarations" | "computerUse");
        let is_there = |value: Value<'_>| value.kind() != Kind::Null;
        request.acts |= fields.0.iter().any(|field| is_there(field.value) && !is_the_callers(&usual(field)));
        for function in last(&fields, "functionDeclarations").map(Value::items).unwrap_or_default() {
            let fields = function.fields();
            let text = |field: &str| last(&fields, field).and_then(Value::text).unwrap_or_default().into_owned();
            let name = text("name");
            if !name.is_empty() {
                let schema = last(&fields, "parametersJsonSchema").or(last(&fields, "parameters"));
                request.tools.push(ToolDefinition {
                    name,
                    description: text("description"),
                    parameters: schema.map_or_else(|| "{}".to_owned(), |schema| schema.source().to_owned()),
                });
            }
        }
    }
    texts.anything(value, &Of::new(Role::System, Channel::ToolDefinition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Opaque;

    fn address(model: &str) -> Address {
        Address { model: Some(model.to_owned()), streaming: Some(true), ..Address::default() }
    }

    fn read(body: &str) -> Asked {
        read_request(address("m"), Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    fn wrong(body: &str) -> String {
        let wrong = read_request(address("m"), Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
        format!("{}: {}", wrong.field, wrong.message)
    }

    #[test]
    fn what_an_answer_may_take_and_do_is_read() {
        for (fields, tokens, answers, acts) in [
            ("", None, None, false),
            (r#","generationConfig":{"maxOutputTokens":100,"candidateCount":2}"#, Some(100), Some(2), false),
            (r#","generation_config":{"max_output_tokens":7}"#, Some(7), None, false),
            (r#","tools":[{"functionDeclarations":[{"name":"f"}]},{"computer_use":{}}]"#, None, None, false),
            (r#","tools":[{"googleSearch":null}]"#, None, None, false),
            (r#","tools":[{"functionDeclarations":[]},{"google_search":{}}]"#, None, None, true),
            (r#","tools":[{"codeExecution":{}}]"#, None, None, true),
            (r#","tools":[{"urlContext":{}}]"#, None, None, true),
        ] {
            let request = read(&format!(r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}]{fields}}}"#)).request;
            let read = (request.answer_tokens_max, request.answers, request.acts);
            assert_eq!(read, (tokens, answers, acts), "{fields}");
        }
    }

    #[test]
    fn every_text_of_a_conversation_is_a_segment() {
        let body = r#"{"contents":[
            {"role":"user","parts":[{"text":"look"},{"inline_data":{"mime_type":"image/png","data":"AAAA"}},
                {"fileData":{"fileUri":"https://x/a.pdf","mimeType":"application/pdf","displayName":"the plan"}}]},
            {"role":"model","parts":[{"text":"hmm","thought":true},
                {"functionCall":{"id":"c1","name":"get weather","args":{"city":"Rome"}},"thoughtSignature":"EqQB"},
                {"executableCode":{"language":"PYTHON","code":"print(1)"}},
                {"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1 or so"}}]},
            {"role":"function","parts":[{"functionResponse":{"name":"f","response":{"output":"sunny"}}},
                {"function_response":{"name":"f","response":{"card":4111,"by":"x"}}}]}],
            "system_instruction":{"parts":[{"text":"be kind"}]},
            "tools":[{"functionDeclarations":[{"name":"f","description":"does f","parameters":{"type":"OBJECT",
                "properties":{"x":{"type":"STRING","description":"an x"}}}}]},{"googleSearch":{}}],
            "safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],
            "generationConfig":{"stopSequences":["the end"],"responseSchema":{"type":"OBJECT"}},
            "labels":{"team":"the a team"},"brandNew":{"deep":["hidden text"]}}"#;
        let expected = [
            (Role::System, Channel::Content, "be kind"),
            (Role::User, Channel::Content, "look"),
            (Role::User, Channel::Other, "the plan"),
            (Role::Assistant, Channel::Reasoning, "hmm"),
            (Role::Assistant, Channel::Name, "get weather"),
            (Role::Assistant, Channel::ToolArguments, "{\"city\":\"Rome\"}"),
            (Role::Assistant, Channel::ToolArguments, "PYTHON"),
            (Role::Assistant, Channel::ToolArguments, "print(1)"),
            (Role::Tool, Channel::ToolResult, "OUTCOME_OK"),
            (Role::Tool, Channel::ToolResult, "1 or so"),
            (Role::Tool, Channel::Name, "f"),
            (Role::Tool, Channel::ToolResult, "sunny"),
            (Role::Tool, Channel::Name, "f"),
            (Role::Tool, Channel::ToolResult, "{\"card\":4111,\"by\":\"x\"}"),
            (Role::System, Channel::ToolDefinition, "f"),
            (Role::System, Channel::ToolDefinition, "does f"),
            (Role::System, Channel::ToolDefinition, "an x"),
            (Role::System, Channel::Other, "the end"),
            (Role::User, Channel::Other, "the a team"),
            (Role::User, Channel::Other, "hidden text"),
        ];
        let asked = read(body);
        let texts: Vec<_> = asked.request.segments.iter().map(|s| (s.role, s.channel, s.text.as_str())).collect();
        assert_eq!(texts, expected);
        assert_eq!(asked.request.opaque, [Opaque::Image, Opaque::File, Opaque::Sealed]);
        assert_eq!((&*asked.request.model, asked.request.streaming), ("m", true));
        assert_eq!(asked.request.tools.len(), 1);
        assert_eq!(asked.request.answer_schema.as_deref(), Some(r#"{"type":"OBJECT"}"#));
    }

    #[test]
    fn an_unchanged_request_is_the_same_bytes_and_a_changed_one_differs_there_alone() {
        let body = "{ \"contents\" : [ {\"parts\":[{\"text\":\"mail \\u006aohn, 1.50\"}]} ],\n \
                    \"x\":{\"b\":1,\"a\":2}, \"model\":\"models/m\" }";
        let asked = read(body);
        assert_eq!(asked.body(&asked.request.segments, None, &[]), body);
        let mut edited = asked.request.segments.clone();
        edited[0].text = "mail [NAME], 1.50".to_owned();
        let added = [(Role::Assistant, "said"), (Role::User, "more")];
        let sent = asked.body(&edited, Some("gemini-3-pro"), &added);
        let further = r#"},{"role":"model","parts":[{"text":"said"}]},{"role":"user","parts":[{"text":"more"}]} ],"#;
        let expected = body.replace("\\u006aohn", "[NAME]").replace("models/m", "models/gemini-3-pro");
        assert_eq!(sent, expected.replace("} ],", further));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_field() {
        let cases = [
            "",
            "{",
            "[]",
            "{}",
            "{\"contents\":[]}",
            "{\"contents\":{}}",
            "{\"contents\":[3]}",
            "{\"contents\":[{\"role\":\"assistant\"}]}",
            "{\"contents\":[{\"role\":3}]}",
            "{\"contents\":[{\"role\":\"user\",\"role\":\"model\"}]}",
            "{\"contents\":[{}],\"contents\":[{}]}",
            "{\"contents\":[{}],\"systemInstruction\":{},\"system_instruction\":{}}",
            "{\"contents\":[{}],\"model\":\"models/n\"}",
            "{\"contents\":[{}],\"model\":3}",
        ];
        let said: Vec<String> = cases.iter().map(|case| format!("{case}\n    {}", wrong(case))).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn a_model_in_the_path_is_a_name_and_no_text() {
        let body = || Bytes::from_static(b"{\"contents\":[{}]}");
        for name in ["gemini-3-pro", &"m".repeat(64)] {
            assert!(read_request(address(name), body()).is_ok(), "{name}");
        }
        for name in ["write to ann", "a@b.c", &"m".repeat(65)] {
            assert_eq!(read_request(address(name), body()).unwrap_err().field, "model", "{name}");
        }
    }

    #[test]
    fn parts_in_parts_without_end_are_refused() {
        let deep = |levels: usize| {
            let open = r#"[{"functionResponse":{"name":"f","parts":"#.repeat(levels);
            format!(r#"{{"contents":[{{"parts":{open}[{{"text":"hi"}}]{}}}]}}"#, "}}]".repeat(levels))
        };
        for levels in [3, 9] {
            let segments = read(&deep(levels)).request.segments;
            assert!(segments.iter().any(|segment| segment.text == "hi"), "{levels}");
        }
        assert!(wrong(&deep(100_000)).contains("nested deeper"), "{}", wrong(&deep(100_000)));
    }
}

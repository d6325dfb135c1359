//! A request to generate content, read from callers of this dialect.

use super::super::bare;
use super::super::spelling::Spelt;
use super::calls::{Calls, OPEN_CALLS_MAX};
use super::config::{read_config, read_tool_config, read_tools};
use super::{What, leave_out, read_media, read_part, seal, unwrapped};
use crate::dialect::Address;
use crate::dialect::conversation::{Call, Conversation, Loss, Part, Speaker, ToolResult, Turn};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};
use crate::dialect::raw::Kind;

/// Read a request, whose model and manner stand in its path.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn parse_request(body: &[u8], address: &Address, losses: &mut Vec<Loss>) -> Result<Conversation, Wrong> {
    let request = Spelt::new(Object::of_body(body, "a request to generate content")?)?;
    let mut to = Conversation {
        model: bare(address.model.as_deref().unwrap_or_default()).to_owned(),
        streaming: address.streaming.unwrap_or_default(),
        // Streams of this dialect always tell what was used.
        streams_usage: true,
        ..Conversation::default()
    };
    let mut calls = Calls::default();
    // They come first in the conversation, wherever the caller has written them.
    if let Some(system) = request.find("systemInstruction") {
        let parts = read_content(system, &mut calls, losses)?.1;
        to.turns.push(Turn { speaker: Speaker::System, name: None, parts, at: system.path() });
    }
    for content in request.needed("contents")?.items()? {
        let (speaker, parts) = read_content(&content, &mut calls, losses)?;
        to.turns.push(Turn { speaker, name: None, parts, at: content.path() });
    }
    for (name, field) in request.fields() {
        match &*name {
            // The path counts.
            "systemInstruction" | "contents" | "model" => {}
            "tools" => read_tools(&mut to, field, losses)?,
            "toolConfig" => read_tool_config(&mut to, field, losses)?,
            "generationConfig" => read_config(&mut to, field, losses)?,
            "labels" => losses.push(field.harmless("says something of the request to the provider alone")),
            "serviceTier" if matches!(&*field.text()?, "standard" | "unspecified") => {}
            _ => leave_out(field, losses),
        }
    }
    Ok(to)
}

fn read_content(content: &Given<'_>, calls: &mut Calls, losses: &mut Vec<Loss>) -> Result<(Speaker, Vec<Part>), Wrong> {
    let content = Spelt::of(content)?;
    let speaker = match content.text("role")?.as_deref() {
        None | Some("" | "user" | "function" | "tool") => Speaker::User,
        Some("model") => Speaker::Assistant,
        // Of instructions, where it says nothing.
        Some("system") => Speaker::System,
        Some(_) => return Err(content.needed("role")?.wrong("must be one of user, model, function")),
    };
    let mut parts = Vec::new();
    if let Some(list) = content.find("parts") {
        for part in list.items()? {
            add_part(&part, calls, &mut parts, losses)?;
        }
    }
    for (name, field) in content.fields() {
        if !matches!(&*name, "role" | "parts") {
            leave_out(field, losses);
        }
    }
    Ok((speaker, parts))
}

fn add_part(part: &Given<'_>, calls: &mut Calls, parts: &mut Vec<Part>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    let said = read_part(part, losses)?;
    let signature = said.signature.map(unwrapped);
    if let Some(What::Thought(text)) = said.what {
        match parts.last_mut() {
            // Thoughts of a stream come back in as many parts as it had; the provider has sealed them as one.
            Some(Part::Thinking { text: before, signature: sealed @ None }) => {
                before.push_str(&text);
                *sealed = signature;
            }
            _ => parts.push(Part::Thinking { text, signature }),
        }
        return Ok(());
    }
    if let Some(signature) = signature {
        seal(parts, signature);
    }
    match said.what {
        // Empty texts say nothing, and other dialects refuse them.
        None | Some(What::Thought(_)) => {}
        Some(What::Text(text)) => parts.extend((!text.is_empty()).then_some(Part::Text(text))),
        Some(What::Media(media)) => parts.push(media),
        Some(What::Call { id, name, arguments }) => {
            let id = calls.called(&name, id).map_err(|_| {
                part.wrong(&format!("is a call beside more than {OPEN_CALLS_MAX} others without a result"))
            })?;
            parts.push(Part::Call(Call { id, name, arguments }));
        }
        Some(What::Response(response)) => parts.push(Part::Result(read_response(&response, calls, losses)?)),
    }
    Ok(())
}

fn read_response(from: &Spelt<'_>, calls: &mut Calls, losses: &mut Vec<Loss>) -> Result<ToolResult, Wrong> {
    let name = from.needed("name")?;
    let id = from.text("id")?.filter(|id| !id.is_empty());
    let id = calls.answered(&name.text()?, id);
    let id =
        id.ok_or_else(|| name.wrong("must be the name of a function that was called before, and has no result"))?;
    let (text, is_error) = from.find("response").map(read_output).transpose()?.unwrap_or_default();
    let mut parts: Vec<Part> = (!text.is_empty()).then_some(Part::Text(text)).into_iter().collect();
    if let Some(list) = from.find("parts") {
        for part in list.items()? {
            for (name, field) in Spelt::of(&part)?.fields() {
                match &*name {
                    "inlineData" | "fileData" => parts.push(read_media(field, losses)?),
                    _ => leave_out(field, losses),
                }
            }
        }
    }
    for (name, field) in from.fields() {
        if !matches!(&*name, "id" | "name" | "response" | "parts") {
            leave_out(field, losses);
        }
    }
    Ok(ToolResult { id, name: Some(name.text()?), parts, is_error })
}

/// What a function says, and whether that is why it failed. One text is that text, whatever it is called; anything else is
/// told as JSON.
fn read_output(response: &Given<'_>) -> Result<(String, bool), Wrong> {
    let object = response.object()?;
    match &*object.fields {
        [only] if only.value.kind() == Kind::String => Ok((only.text()?, only.name == "error")),
        [only] => Ok((response.source()?, only.name == "error")),
        _ => Ok((response.source()?, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::conversation::{Feature, Format, Media, Reasoning, Source, Tool, ToolChoice};
    use crate::dialect::gemini::translation::write_request;
    use crate::dialect::spoilt::spoilt;

    /// With everything that the dialect can say, as this gateway would write it.
    const GOLDEN: &str = r#"{
        "systemInstruction": {"parts": [{"text": "you are a travel agent"}]},
        "contents": [
            {"role": "user", "parts": [
                {"text": "what is the weather here, and at home?"},
                {"inlineData": {"mimeType": "image/png", "data": "iVBO"}},
                {"inlineData": {"mimeType": "application/pdf", "data": "JVBE", "displayName": "plan.pdf"}},
                {"inlineData": {"mimeType": "audio/wav", "data": "UklG"}},
                {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.com/rome.jpg"}},
                {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}]},
            {"role": "model", "parts": [
                {"text": "two cities", "thought": true},
                {"text": "I look it up"},
                {"functionCall": {"id": "a", "name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2VhbA=="},
                {"functionCall": {"id": "b", "name": "weather", "args": {}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "weather", "response": {"output": "sunny"},
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}}]}},
                {"functionResponse": {"id": "b", "name": "weather", "response": {"error": "which city?"}}},
                {"text": "as JSON please"}]},
            {"role": "model", "parts": [{"text": "no"}, {"text": "", "thoughtSignature": "bGFzdA=="}]}],
        "tools": [{"functionDeclarations": [
            {"name": "weather", "description": "of a city",
                "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}}},
            {"name": "now"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
        "generationConfig": {"maxOutputTokens": 300, "temperature": 0.5, "topP": 0.25, "topK": 40, "seed": -7,
            "presencePenalty": 0.5, "frequencyPenalty": -0.5, "stopSequences": ["END"], "candidateCount": 2,
            "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "LOW"}}
    }"#;

    fn address() -> Address {
        Address { model: Some("models/gemini-3-pro".to_owned()), streaming: Some(true), ..Address::default() }
    }

    fn parse(body: &str) -> (Result<Conversation, Wrong>, Vec<(String, bool)>) {
        let mut losses = Vec::new();
        let parsed = parse_request(body.as_bytes(), &address(), &mut losses);
        (parsed, losses.into_iter().map(|loss| (loss.field, loss.is_harmless)).collect())
    }

    fn parsed(body: &str) -> Conversation {
        let (parsed, losses) = parse(body);
        assert_eq!(losses, []);
        Conversation { fields: Vec::new(), ..parsed.unwrap() }
    }

    /// A request with these fields beside its contents.
    fn asks(fields: &str) -> String {
        format!(r#"{{"contents":[{{"parts":[{{"text":"hi"}}]}}]{fields}}}"#)
    }

    fn json(body: &[u8]) -> serde_json::Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn a_conversation_with_everything_comes_back_as_it_was() {
        let conversation = parsed(GOLDEN);
        assert_eq!((&*conversation.model, conversation.streaming), ("gemini-3-pro", true));
        let mut losses = Vec::new();
        let written = write_request(&conversation, "gemini-3-pro", &mut losses).unwrap();
        assert_eq!(losses, []);
        // The seal stands on the part behind the thoughts.
        let mut expected = json(GOLDEN.as_bytes());
        assert_eq!(parsed(std::str::from_utf8(&written).unwrap()), conversation);
        let parts = expected["contents"][1]["parts"].as_array_mut().unwrap();
        assert_eq!(parts[2]["thoughtSignature"], "c2VhbA==");
        assert_eq!(json(&written), expected);
    }

    #[test]
    fn both_spellings_are_read_and_roles_may_be_missing() {
        let snake = r#"{"system_instruction":{"parts":[{"text":"be kind"}]},"contents":[{"parts":[
            {"inline_data":{"mime_type":"image/png","data":"iVBO"}}]}],
            "generation_config":{"max_output_tokens":5,"top_k":40.0,"response_mime_type":"application/json",
                "response_schema":{"type":"OBJECT"},"thinking_config":{"thinking_budget":0}},
            "tools":[{"function_declarations":[{"name":"f","parameters":{"type":"STRING"}}]}],
            "tool_config":{"function_calling_config":{"mode":"none"}}}"#;
        let conversation = parsed(snake);
        let source = Source::Inline { media_type: "image/png".to_owned(), base64: "iVBO".to_owned() };
        assert_eq!(conversation.turns[1].parts, [Part::Image(Media { source, name: None })]);
        assert_eq!((conversation.tokens_max, conversation.top_k), (Some(5), Some(40)));
        let schema = Format::Schema { name: None, schema: "{\"type\":\"object\"}".to_owned(), strict: None };
        assert_eq!(conversation.format, Some(schema));
        assert_eq!(conversation.reasoning, Some(Reasoning::Off));
        assert_eq!(conversation.tool_choice, Some(ToolChoice::None));
        let schema = Some("{\"type\":\"string\"}".to_owned());
        assert_eq!(conversation.tools, [Tool { name: "f".to_owned(), description: None, schema, strict: None }]);
    }

    #[test]
    fn calls_without_an_id_get_one_and_results_find_them() {
        let conversation = parsed(
            r#"{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}}},
                {"functionCall":{"name":"g"}},{"functionCall":{"name":"f","args":{"a":2}}}]},
                {"role":"user","parts":[{"functionResponse":{"name":"g","response":{"result":"3"}}},
                {"functionResponse":{"name":"f","response":{"a":[1.50]}}},{"functionResponse":{"name":"f","response":{}}}]}]}"#,
        );
        let ids = conversation.turns[0].parts.iter().map(|part| match part {
            Part::Call(call) => (call.id.as_str(), call.arguments.as_str()),
            other => panic!("{other:?}"),
        });
        let ids = ids.collect::<Vec<_>>();
        assert_eq!(ids, [("call_1", "{\"a\":1}"), ("call_2", "{}"), ("call_3", "{\"a\":2}")]);
        let results = conversation.turns[1].parts.iter().map(|part| match part {
            Part::Result(result) => (result.id.as_str(), result.parts.clone()),
            other => panic!("{other:?}"),
        });
        let text = |text: &str| vec![Part::Text(text.to_owned())];
        let expected = [("call_2", text("3")), ("call_1", text("{\"a\":[1.50]}")), ("call_3", text("{}"))];
        assert_eq!(results.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn thoughts_of_a_stream_are_one_again_with_their_seal() {
        let conversation = parsed(
            r#"{"contents":[{"role":"model","parts":[{"text":"let me ","thought":true},{"text":"see","thought":true},
                {"text":"hi","thoughtSignature":"c2VhbA=="}]}]}"#,
        );
        let thinking = Part::Thinking { text: "let me see".to_owned(), signature: Some("c2VhbA==".to_owned()) };
        assert_eq!(conversation.turns[0].parts, [thinking, Part::Text("hi".to_owned())]);
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        for (fields, lost, is_hint) in [
            (r#","safetySettings":[{"category":"a"}]"#, "safetySettings", false),
            (r#","tools":[{"googleSearch":{}}]"#, "tools[0].googleSearch", false),
            (r#","tools":[{"code_execution":{}}]"#, "tools[0].code_execution", false),
            (r#","cachedContent":"cachedContents/a""#, "cachedContent", false),
            (r#","labels":{"a":"b"}"#, "labels", true),
            (r#","generationConfig":{"responseLogprobs":true}"#, "generationConfig.responseLogprobs", false),
            (r#","generationConfig":{"responseModalities":["IMAGE"]}"#, "generationConfig.responseModalities", false),
            (r#","generationConfig":{"responseMimeType":"text/x.enum"}"#, "generationConfig.responseMimeType", false),
            (r#","toolConfig":{"retrievalConfig":{"languageCode":"en"}}"#, "toolConfig.retrievalConfig", false),
            (
                r#","toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["a","b"]}}"#,
                "toolConfig.functionCallingConfig.allowedFunctionNames",
                false,
            ),
            (r#","brandNew":3"#, "brandNew", false),
        ] {
            let (parsed, losses) = parse(&asks(fields));
            assert!(parsed.is_ok(), "{fields}: {parsed:?}");
            assert_eq!(losses, [(lost.to_owned(), is_hint)], "{fields}");
        }
        let usual = r#","safetySettings":[],"generationConfig":{"candidateCount":1,"responseModalities":["TEXT"],
            "responseMimeType":"text/plain","presencePenalty":0},"serviceTier":"standard","cachedContent":null"#;
        assert_eq!(parsed(&asks(usual)).format, Some(Format::Text));
    }

    #[test]
    fn what_a_feature_is_called_is_known() {
        let (parsed, _) = parse(&asks(r#","generation_config":{"top_k":3}"#));
        let loss = parsed.unwrap().loss(Feature::TopK, "why");
        assert_eq!(loss.field, "generationConfig.topK");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_path() {
        for (body, field) in [
            ("{}", "contents"),
            (r#"{"contents":[{"role":"root","parts":[]}]}"#, "contents[0].role"),
            (r#"{"contents":[{"parts":[{"text":3}]}]}"#, "contents[0].parts[0].text"),
            (
                r#"{"contents":[{"parts":[{"text":"a","inlineData":{"mimeType":"a/b","data":""}}]}]}"#,
                "contents[0].parts[0].inlineData",
            ),
            (r#"{"contents":[{"parts":[{"inlineData":{}}]}]}"#, "contents[0].parts[0].inlineData.data"),
            (r#"{"contents":[{"parts":[{"functionCall":{}}]}]}"#, "contents[0].parts[0].functionCall.name"),
            (
                r#"{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{}}}]}]}"#,
                "contents[0].parts[0].functionResponse.name",
            ),
            (
                r#"{"contents":[],"generationConfig":{"thinkingConfig":{"thinkingBudget":-2}}}"#,
                "generationConfig.thinkingConfig.thinkingBudget",
            ),
            (r#"{"contents":[],"generationConfig":{"topK":1.5}}"#, "generationConfig.topK"),
            (
                r#"{"contents":[],"toolConfig":{"functionCallingConfig":{"mode":"SOME"}}}"#,
                "toolConfig.functionCallingConfig.mode",
            ),
            (
                r#"{"contents":[],"tools":[{"functionDeclarations":[{"description":"a"}]}]}"#,
                "tools[0].functionDeclarations[0].name",
            ),
        ] {
            let wrong = parse(body).0.unwrap_err();
            assert_eq!(wrong.field, field, "{body}: {}", wrong.message);
        }
    }

    #[test]
    fn no_request_can_panic() {
        for body in spoilt(GOLDEN) {
            if let (Ok(conversation), _) = parse(&body) {
                let _ = write_request(&conversation, "gemini-2.5-pro", &mut Vec::new());
            }
        }
    }
}

//! A request to Converse. The model and whether the answer streams stand in its path.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::additional::{AdditionalJson, additional};
use crate::dialect::conversation::{
    Conversation, Feature, Format, Loss, Media, Part, Source, Speaker, Tool, ToolChoice, ToolResult, Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{json_object, written};

const NOT_AN_OBJECT: &str = "the arguments of a tool call are not a JSON object";
/// For a tool of which nothing is known but that it was called.
const ANY_ARGUMENTS: &str = r#"{"type":"object"}"#;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestJson<'a> {
    messages: Vec<MessageJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<BlockJson<'a>>,
    #[serde(skip_serializing_if = "ConfigJson::is_empty")]
    inference_config: ConfigJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfigJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<AdditionalJson<'a>>,
}

#[derive(Serialize)]
struct MessageJson<'a> {
    role: &'static str,
    content: Vec<BlockJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum BlockJson<'a> {
    Text(&'a str),
    Image(ImageJson<'a>),
    Document(DocumentJson<'a>),
    ReasoningContent(ReasoningJson<'a>),
    #[serde(rename_all = "camelCase")]
    ToolUse {
        tool_use_id: &'a str,
        name: &'a str,
        input: &'a RawValue,
    },
    #[serde(rename_all = "camelCase")]
    ToolResult {
        tool_use_id: &'a str,
        content: Vec<BlockJson<'a>>,
        status: &'static str,
    },
}

#[derive(Serialize)]
struct ImageJson<'a> {
    format: &'static str,
    source: BytesJson<'a>,
}

#[derive(Serialize)]
struct DocumentJson<'a> {
    format: &'static str,
    name: String,
    source: BytesJson<'a>,
}

#[derive(Serialize)]
struct BytesJson<'a> {
    bytes: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ReasoningJson<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
}

impl ConfigJson<'_> {
    fn is_empty(&self) -> bool {
        self.max_tokens.is_none()
            && self.temperature.is_none()
            && self.top_p.is_none()
            && self.stop_sequences.is_empty()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfigJson<'a> {
    tools: Vec<ToolJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolJson<'a> {
    tool_spec: SpecJson<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpecJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: SchemaJson<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

#[derive(Serialize)]
struct SchemaJson<'a> {
    json: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ChoiceJson<'a> {
    Auto {},
    Any {},
    Tool { name: &'a str },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputJson<'a> {
    text_format: FormatJson<'a>,
}

#[derive(Serialize)]
struct FormatJson<'a> {
    r#type: &'static str,
    structure: StructureJson<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StructureJson<'a> {
    json_schema: DefinitionJson<'a>,
}

/// The schema is JSON in a text here.
#[derive(Serialize)]
struct DefinitionJson<'a> {
    schema: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// Write a request, for the model that the target calls `model`.
///
/// # Errors
/// When the arguments of a call or a schema are not a JSON object.
pub(crate) fn write_request(conversation: &Conversation, model: &str, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let from = conversation;
    tell_losses(from, losses);
    let mut turns = Turns::default();
    from.turns.iter().try_for_each(|turn| turns.turn(turn, losses))?;
    let output_config = match &from.format {
        Some(Format::Schema { name, schema, .. }) => {
            let wrong = || Wrong::new(from.loss(Feature::Format, "").field, "must have a schema that is a JSON object");
            let schema = json_object(schema).ok_or_else(wrong)?.get();
            let json_schema = DefinitionJson { schema, name: name.as_deref() };
            let structure = StructureJson { json_schema };
            Some(OutputJson { text_format: FormatJson { r#type: "json_schema", structure } })
        }
        None | Some(Format::Text | Format::Json) => None,
    };
    written(&RequestJson {
        messages: from.said(turns.messages)?,
        system: turns.system,
        inference_config: ConfigJson {
            max_tokens: from.tokens_max,
            temperature: from.temperature.filter(|temperature| *temperature <= 1.0),
            top_p: from.top_p,
            stop_sequences: &from.stop,
        },
        tool_config: write_tools(from, losses)?,
        output_config,
        additional_model_request_fields: additional(from, model, losses),
    })
}

fn tell_losses(from: &Conversation, losses: &mut Vec<Loss>) {
    let lost = [
        (Feature::Choices, from.choices.is_some_and(|choices| choices > 1), "Converse gives one answer at a time"),
        (Feature::Seed, from.seed.is_some(), "Converse has no seed"),
        (Feature::PresencePenalty, from.presence_penalty.is_some(), "Converse has no penalties"),
        (Feature::FrequencyPenalty, from.frequency_penalty.is_some(), "Converse has no penalties"),
        (Feature::Format, from.format == Some(Format::Json), "Converse holds answers to a schema or to nothing"),
        (Feature::Temperature, from.temperature.is_some_and(|t| t > 1.0), "the temperature of Converse is 1 at most"),
        (Feature::ParallelCalls, from.parallel_calls == Some(false), "Converse cannot ask for one call at a time"),
    ];
    losses.extend(lost.into_iter().filter(|(_, is_lost, _)| *is_lost).map(|(feature, _, why)| from.loss(feature, why)));
    if from.user.is_some() {
        let lost = from.loss(Feature::User, "requests to Converse do not name who asks");
        losses.push(Loss { is_harmless: true, ..lost });
    }
}

/// Writes instructions, and the turns of the other two speakers one after the other.
#[derive(Default)]
struct Turns<'a> {
    system: Vec<BlockJson<'a>>,
    messages: Vec<MessageJson<'a>>,
    /// Documents so far: each must have a name.
    documents: usize,
}

impl<'a> Turns<'a> {
    fn turn(&mut self, turn: &'a Turn, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        if turn.name.is_some() {
            losses.push(Loss::harmless(format!("{}.name", turn.at), "messages do not name their speakers"));
        }
        let role = match turn.speaker {
            Speaker::System if self.messages.is_empty() => {
                self.instructions(turn, losses);
                return Ok(());
            }
            Speaker::System => {
                losses.push(Loss::new(&*turn.at, "instructions in the middle of a conversation"));
                return Ok(());
            }
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        let mut content = Vec::new();
        for part in &turn.parts {
            content.extend(self.part(part, &turn.at, losses)?);
        }
        match self.messages.last_mut() {
            _ if content.is_empty() => {}
            Some(before) if before.role == role => before.content.append(&mut content),
            _ => self.messages.push(MessageJson { role, content }),
        }
        Ok(())
    }

    fn instructions(&mut self, turn: &'a Turn, losses: &mut Vec<Loss>) {
        for part in &turn.parts {
            match part {
                Part::Text(text) if text.is_empty() => {}
                Part::Text(text) => self.system.push(BlockJson::Text(text)),
                _ => {
                    losses.push(Loss::new(format!("{}.{}", turn.at, part.word()), "instructions are text in Converse"))
                }
            }
        }
    }

    /// The API refuses texts that are empty.
    fn part(&mut self, part: &'a Part, at: &str, losses: &mut Vec<Loss>) -> Result<Option<BlockJson<'a>>, Wrong> {
        let path = || format!("{at}.{}", part.word());
        let block = match part {
            Part::Text(text) | Part::Refusal(text) => return Ok((!text.is_empty()).then_some(BlockJson::Text(text))),
            Part::Thinking { text, signature: Some(signature) } => {
                Some(BlockJson::ReasoningContent(ReasoningJson::ReasoningText { text, signature }))
            }
            Part::Thinking { signature: None, .. } => {
                losses.push(Loss::harmless(path(), "the provider takes back only thoughts that it has sealed"));
                return Ok(None);
            }
            Part::SealedThinking(data) => Some(BlockJson::ReasoningContent(ReasoningJson::RedactedContent(data))),
            Part::Image(media) => write_image(media),
            Part::File(media) => self.document(media),
            Part::Audio(_) => None,
            Part::Call(call) => {
                let input = json_object(&call.arguments).ok_or_else(|| Wrong::new(at, NOT_AN_OBJECT))?;
                Some(BlockJson::ToolUse { tool_use_id: &call.id, name: &call.name, input })
            }
            Part::Result(result) => Some(self.result(result, at, losses)?),
        };
        if block.is_none() {
            losses.push(Loss::new(path(), "Converse cannot take it in this form"));
        }
        Ok(block)
    }

    fn result(&mut self, result: &'a ToolResult, at: &str, losses: &mut Vec<Loss>) -> Result<BlockJson<'a>, Wrong> {
        let mut content = Vec::new();
        for part in &result.parts {
            content.extend(self.part(part, at, losses)?);
        }
        let status = if result.is_error { "error" } else { "success" };
        Ok(BlockJson::ToolResult { tool_use_id: &result.id, content, status })
    }

    fn document(&mut self, file: &'a Media) -> Option<BlockJson<'a>> {
        let Source::Inline { media_type, base64 } = &file.source else { return None };
        let format = document_format(media_type)?;
        self.documents = self.documents.saturating_add(1);
        let name = file.name.as_deref().map(document_name).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| format!("document {}", self.documents));
        Some(BlockJson::Document(DocumentJson { format, name, source: BytesJson { bytes: base64 } }))
    }
}

/// Nothing for a picture that is not in the request, or of a kind that the API does not know.
fn write_image(image: &Media) -> Option<BlockJson<'_>> {
    let Source::Inline { media_type, base64 } = &image.source else { return None };
    let format = match &*media_type.to_ascii_lowercase() {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    };
    Some(BlockJson::Image(ImageJson { format, source: BytesJson { bytes: base64 } }))
}

fn document_format(media_type: &str) -> Option<&'static str> {
    Some(match &*media_type.to_ascii_lowercase() {
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "text/html" => "html",
        "text/plain" => "txt",
        "text/markdown" => "md",
        _ => return None,
    })
}

/// The API takes letters, digits, some signs, and one space at a time.
fn document_name(name: &str) -> String {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '(' | ')' | '[' | ']' | ' ');
    let name: String = name.chars().map(|c| if is_fine(c) { c } else { '-' }).collect();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tools that may be called. The API wants to be told of every tool that was called before, too.
fn write_tools<'a>(from: &'a Conversation, losses: &mut Vec<Loss>) -> Result<Option<ToolConfigJson<'a>>, Wrong> {
    let parts = from.turns.iter().flat_map(|turn| &turn.parts);
    let called: BTreeSet<&str> =
        parts.filter_map(|part| if let Part::Call(call) = part { Some(&*call.name) } else { None }).collect();
    let is_none = from.tool_choice == Some(ToolChoice::None);
    if is_none && called.is_empty() {
        // To call none is to know of none.
        return Ok(None);
    }
    let mut tools = from.tools.iter().enumerate().map(write_tool).collect::<Result<Vec<_>, _>>()?;
    let declared: BTreeSet<&str> = from.tools.iter().map(|tool| &*tool.name).collect();
    if let Some(json) = json_object(ANY_ARGUMENTS) {
        tools.extend(called.difference(&declared).map(|name| ToolJson {
            tool_spec: SpecJson { name, description: None, input_schema: SchemaJson { json }, strict: false },
        }));
    }
    if tools.is_empty() {
        return Ok(None);
    }
    let tool_choice = match &from.tool_choice {
        None => None,
        Some(ToolChoice::Auto) => Some(ChoiceJson::Auto {}),
        Some(ToolChoice::Required) => Some(ChoiceJson::Any {}),
        Some(ToolChoice::Named(name)) => Some(ChoiceJson::Tool { name }),
        Some(ToolChoice::None) => {
            losses.push(from.loss(Feature::ToolChoice, "Converse cannot be told to call none of the tools it knows"));
            None
        }
    };
    Ok(Some(ToolConfigJson { tools, tool_choice }))
}

fn write_tool((index, tool): (usize, &Tool)) -> Result<ToolJson<'_>, Wrong> {
    // A tool without arguments must have a schema all the same.
    let schema = tool.schema.as_deref().unwrap_or(ANY_ARGUMENTS);
    let wrong = || Wrong::new(format!("tools[{index}]"), "must have a schema that is a JSON object");
    let input_schema = SchemaJson { json: json_object(schema).ok_or_else(wrong)? };
    let description = tool.description.as_deref().filter(|description| !description.is_empty());
    let strict = tool.strict.unwrap_or_default();
    Ok(ToolJson { tool_spec: SpecJson { name: &tool.name, description, input_schema, strict } })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::conversation::Call;

    fn write(conversation: &Conversation) -> (serde_json::Value, Vec<String>) {
        let mut losses = Vec::new();
        let body = write_request(conversation, "anthropic.claude-x", &mut losses).unwrap();
        let shown = |loss: Loss| format!("{}{}", loss.field, if loss.is_harmless { "" } else { "!" });
        (serde_json::from_slice(&body).unwrap(), losses.into_iter().map(shown).collect())
    }

    fn turn(speaker: Speaker, parts: Vec<Part>) -> Turn {
        Turn { speaker, name: None, parts, at: format!("of {speaker:?}") }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn call(name: &str, arguments: &str) -> Part {
        Part::Call(Call { id: format!("id {name}"), name: name.to_owned(), arguments: arguments.to_owned() })
    }

    fn result(parts: Vec<Part>, is_error: bool) -> Part {
        Part::Result(ToolResult { id: "id f".to_owned(), name: None, parts, is_error })
    }

    fn inline(media_type: &str, name: Option<&str>) -> Media {
        let source = Source::Inline { media_type: media_type.to_owned(), base64: "AAAA".to_owned() };
        Media { source, name: name.map(str::to_owned) }
    }

    fn tool(name: &str) -> Tool {
        Tool { name: name.to_owned(), description: Some("does".to_owned()), schema: None, strict: Some(true) }
    }

    #[test]
    fn a_conversation_with_everything_is_written() {
        let thought = Part::Thinking { text: "hm".to_owned(), signature: Some("seal".to_owned()) };
        let conversation = Conversation {
            turns: vec![
                turn(Speaker::System, vec![text("be kind"), text("")]),
                turn(Speaker::User, vec![text("look"), Part::Image(inline("image/png", None))]),
                turn(Speaker::User, vec![Part::File(inline("application/pdf", Some("a_b  c.pdf")))]),
                turn(Speaker::User, vec![Part::File(inline("text/plain", None))]),
                turn(
                    Speaker::Assistant,
                    vec![thought, Part::SealedThinking("BBBB".to_owned()), call("f", "{\"a\":1.50}")],
                ),
                turn(Speaker::User, vec![result(vec![text("no")], true)]),
            ],
            tools: vec![tool("f")],
            tool_choice: Some(ToolChoice::Named("f".to_owned())),
            tokens_max: Some(9),
            temperature: Some(0.5),
            top_p: Some(0.25),
            stop: vec!["x".to_owned()],
            top_k: Some(3),
            format: Some(Format::Schema {
                name: Some("n".to_owned()),
                schema: "{\"type\": \"object\"}".to_owned(),
                strict: None,
            }),
            ..Conversation::default()
        };
        let (body, losses) = write(&conversation);
        assert_eq!(losses, Vec::<String>::new());
        let source = json!({"bytes": "AAAA"});
        let expected = json!({
            "system": [{"text": "be kind"}],
            "messages": [
                {"role": "user", "content": [{"text": "look"}, {"image": {"format": "png", "source": source}},
                    {"document": {"format": "pdf", "name": "a-b c-pdf", "source": source}},
                    {"document": {"format": "txt", "name": "document 2", "source": source}}]},
                {"role": "assistant", "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "seal"}}},
                    {"reasoningContent": {"redactedContent": "BBBB"}},
                    {"toolUse": {"toolUseId": "id f", "name": "f", "input": {"a": 1.5}}}]},
                {"role": "user", "content": [
                    {"toolResult": {"toolUseId": "id f", "content": [{"text": "no"}], "status": "error"}}]}],
            "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.25, "stopSequences": ["x"]},
            "toolConfig": {"tools": [{"toolSpec": {"name": "f", "description": "does",
                "inputSchema": {"json": {"type": "object"}}, "strict": true}}], "toolChoice": {"tool": {"name": "f"}}},
            "outputConfig": {"textFormat": {"type": "json_schema",
                "structure": {"jsonSchema": {"schema": "{\"type\": \"object\"}", "name": "n"}}}},
            "additionalModelRequestFields": {"top_k": 3}});
        assert_eq!(body, expected);
    }

    #[test]
    fn next_to_nothing_is_next_to_nothing() {
        let turns = vec![turn(Speaker::User, vec![text("hi")])];
        let (body, losses) = write(&Conversation { turns, ..Conversation::default() });
        assert_eq!(body, json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}));
        assert_eq!(losses, Vec::<String>::new());
    }

    #[test]
    fn tools_that_were_called_are_declared_and_none_is_to_know_of_none() {
        let asks = |parts: Vec<Part>, tool_choice| {
            let turns = vec![turn(Speaker::User, vec![text("hi")]), turn(Speaker::Assistant, parts)];
            let fields = vec![(Feature::ToolChoice, "tool_choice")];
            let (body, losses) =
                write(&Conversation { turns, tools: vec![tool("f")], tool_choice, fields, ..Conversation::default() });
            let tools = body["toolConfig"]["tools"].as_array().cloned().unwrap_or_default();
            let names = tools.iter().map(|tool| tool["toolSpec"]["name"].as_str().unwrap().to_owned());
            (names.collect::<Vec<_>>(), body["toolConfig"]["toolChoice"].clone(), losses)
        };
        let none = serde_json::Value::Null;
        let nothing = Vec::<String>::new;
        let both = || vec!["f".to_owned(), "g".to_owned()];
        assert_eq!(asks(vec![call("g", ""), call("f", "")], None), (both(), none.clone(), nothing()));
        assert_eq!(asks(vec![text("a")], Some(ToolChoice::None)), (nothing(), none.clone(), nothing()));
        let told = vec!["tool_choice!".to_owned()];
        assert_eq!(asks(vec![call("g", "")], Some(ToolChoice::None)), (both(), none, told));
        assert_eq!(asks(vec![text("a")], Some(ToolChoice::Required)).1, json!({"any": {}}));
        assert_eq!(asks(vec![text("a")], Some(ToolChoice::Auto)).1, json!({"auto": {}}));
    }

    #[test]
    fn what_converse_has_no_word_for_is_told() {
        let features = [
            (Feature::Choices, "n"),
            (Feature::Seed, "seed"),
            (Feature::PresencePenalty, "presence_penalty"),
            (Feature::FrequencyPenalty, "frequency_penalty"),
            (Feature::Format, "response_format"),
            (Feature::Temperature, "temperature"),
            (Feature::ParallelCalls, "parallel_tool_calls"),
            (Feature::User, "user"),
        ];
        let url = Media { source: Source::Url("https://a.example/b.png".to_owned()), name: None };
        let audio = Part::Audio(inline("audio/wav", None));
        let bitmap = Part::Image(inline("image/bmp", None));
        let thought = Part::Thinking { text: "hm".to_owned(), signature: None };
        let conversation = Conversation {
            turns: vec![
                turn(Speaker::User, vec![text("a"), Part::Image(url), audio, bitmap, thought]),
                turn(Speaker::System, vec![text("late")]),
            ],
            choices: Some(2),
            seed: Some(1),
            presence_penalty: Some(0.1),
            frequency_penalty: Some(0.1),
            format: Some(Format::Json),
            temperature: Some(1.5),
            parallel_calls: Some(false),
            user: Some("ann".to_owned()),
            fields: features.to_vec(),
            ..Conversation::default()
        };
        let (body, losses) = write(&conversation);
        let expected = [
            "n!",
            "seed!",
            "presence_penalty!",
            "frequency_penalty!",
            "response_format!",
            "temperature!",
            "parallel_tool_calls!",
            "user",
            "of User.image!",
            "of User.audio!",
            "of User.image!",
            "of User.thinking",
            "of System!",
        ];
        assert_eq!(losses, expected);
        assert_eq!(body, json!({"messages": [{"role": "user", "content": [{"text": "a"}]}]}));
    }

    #[test]
    fn arguments_that_are_no_object_cannot_be_written() {
        let turns = vec![turn(Speaker::Assistant, vec![call("f", "[1]")])];
        let wrong =
            write_request(&Conversation { turns, ..Conversation::default() }, "m", &mut Vec::new()).unwrap_err();
        assert_eq!((&*wrong.field, &*wrong.message), ("of Assistant", NOT_AN_OBJECT));
    }
}

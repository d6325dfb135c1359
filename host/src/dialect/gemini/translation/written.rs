//! A request to generate content, written for a target that speaks this dialect. Model and manner stand in its path.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{ContentJson, DataJson, FileJson, OutputJson, PartJson, ResponseJson, UPLOADED};
use crate::dialect::conversation::{
    APART, Conversation, Feature, Format, Loss, Media, Part, Reasoning, Source, Speaker, Tool, ToolChoice, ToolResult,
    Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{json_object, written};

/// What the reference says to write where a model's call was made elsewhere, or its seal is lost: models from Gemini 3 on
/// refuse a call without one.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<ContentJson<'a>>,
    contents: Vec<ContentJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[ToolsJson<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfigJson<'a>>,
    generation_config: ConfigJson<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolsJson<'a> {
    function_declarations: Vec<FunctionJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfigJson<'a> {
    function_calling_config: CallingJson<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingJson<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingJson {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<String>,
}

/// Write a request, for the model that the target calls `model`.
///
/// # Errors
/// When the arguments of a call or a schema are not a JSON object, or a result is that of no call.
pub(crate) fn write_request(conversation: &Conversation, model: &str, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let from = conversation;
    let family = Family::of(model);
    tell_losses(from, losses);
    let (system_instruction, contents) = Turns::new(from, family).write(&from.turns, losses)?;
    let functions =
        from.tools.iter().enumerate().map(|tool| write_tool(tool, losses)).collect::<Result<Vec<_>, _>>()?;
    // Without functions there is nothing to choose.
    let calling = from.tool_choice.as_ref().filter(|_| !functions.is_empty()).map(write_tool_choice);
    let (response_mime_type, response_json_schema) = match &from.format {
        None | Some(Format::Text) => (None, None),
        Some(Format::Json) => (Some("application/json"), None),
        Some(Format::Schema { schema, .. }) => {
            let schema = json_object(schema).ok_or_else(|| {
                let lost = from.loss(Feature::Format, "");
                Wrong::new(lost.field, "must have a schema that is a JSON object")
            })?;
            (Some("application/json"), Some(schema))
        }
    };
    written(&RequestJson {
        system_instruction,
        contents: from.said(contents)?,
        tools: (!functions.is_empty()).then_some([ToolsJson { function_declarations: functions }]),
        tool_config: calling.map(|function_calling_config| ToolConfigJson { function_calling_config }),
        generation_config: ConfigJson {
            max_output_tokens: from.tokens_max,
            temperature: from.temperature,
            top_p: from.top_p,
            top_k: from.top_k,
            seed: from.seed,
            presence_penalty: from.presence_penalty,
            frequency_penalty: from.frequency_penalty,
            stop_sequences: &from.stop,
            candidate_count: from.choices,
            response_mime_type,
            response_json_schema,
            thinking_config: from.reasoning.as_ref().map(|reasoning| write_thinking(reasoning, family)),
        },
    })
}

fn tell_losses(from: &Conversation, losses: &mut Vec<Loss>) {
    if from.parallel_calls == Some(false) {
        losses.push(from.loss(Feature::ParallelCalls, "Gemini's models cannot be told to call one function at a time"));
    }
    if from.user.is_some() {
        let lost = from.loss(Feature::User, "requests to Gemini do not name who asks");
        losses.push(Loss { is_harmless: true, ..lost });
    }
}

/// What is known of a model by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Up to Gemini 2.5: it thinks so many tokens, and takes no seal that is not its own.
    Older,
    /// From Gemini 3 on: it thinks on levels.
    Newer,
}

impl Family {
    fn of(model: &str) -> Self {
        let name = super::super::bare(model);
        if name.starts_with("gemini-1") || name.starts_with("gemini-2") { Self::Older } else { Self::Newer }
    }
}

fn write_thinking(reasoning: &Reasoning, family: Family) -> ThinkingJson {
    let (budget, level) = match (reasoning, family) {
        (Reasoning::Off, _) => (Some(0), None),
        (Reasoning::Budget(tokens), _) => (Some(i64::try_from(*tokens).unwrap_or(i64::MAX)), None),
        (Reasoning::Adaptive, Family::Older) => (Some(-1), None),
        (Reasoning::Adaptive, Family::Newer) => (None, None),
        (Reasoning::Effort(effort), Family::Newer) => (None, Some(level(effort))),
        // As the provider's own translation of these words has it.
        (Reasoning::Effort(effort), Family::Older) => match &**effort {
            "minimal" | "low" => (Some(1_024), None),
            "medium" => (Some(8_192), None),
            _ => (Some(24_576), None),
        },
    };
    ThinkingJson { include_thoughts: *reasoning != Reasoning::Off, thinking_budget: budget, thinking_level: level }
}

fn level(effort: &str) -> String {
    // The most that all models have.
    if matches!(effort, "xhigh" | "max") { "HIGH".to_owned() } else { effort.to_ascii_uppercase() }
}

/// Writes the turns of a conversation.
struct Turns<'a> {
    family: Family,
    /// What the function of each call is called, by the call's id.
    names: HashMap<&'a str, &'a str>,
}

type Written<'a> = (Option<ContentJson<'a>>, Vec<ContentJson<'a>>);

impl<'a> Turns<'a> {
    fn new(from: &'a Conversation, family: Family) -> Self {
        let parts = from.turns.iter().flat_map(|turn| &turn.parts);
        let names = parts.filter_map(|part| match part {
            Part::Call(call) => Some((call.id.as_str(), call.name.as_str())),
            _ => None,
        });
        Self { family, names: names.collect() }
    }

    /// Instructions, and the turns of the other two speakers one after the other.
    fn write(&self, turns: &'a [Turn], losses: &mut Vec<Loss>) -> Result<Written<'a>, Wrong> {
        let (mut instructions, mut contents) = (Vec::new(), Vec::<ContentJson<'a>>::new());
        for turn in turns {
            if turn.name.is_some() {
                losses.push(Loss::harmless(format!("{}.name", turn.at), "contents do not name their speakers"));
            }
            let role = match turn.speaker {
                Speaker::System if contents.is_empty() => {
                    write_instructions(turn, &mut instructions, losses);
                    continue;
                }
                Speaker::System => {
                    losses.push(Loss::new(&*turn.at, "instructions in the middle of a conversation"));
                    continue;
                }
                Speaker::User => "user",
                Speaker::Assistant => "model",
            };
            let mut parts = self.turn(turn, losses)?;
            match contents.last_mut() {
                _ if parts.is_empty() => {}
                Some(before) if before.role == Some(role) => before.parts.append(&mut parts),
                _ => contents.push(ContentJson { role: Some(role), parts }),
            }
        }
        let system = (!instructions.is_empty()).then_some(ContentJson { role: None, parts: instructions });
        Ok((system, contents))
    }

    /// A seal stands on the part behind the thoughts that it seals.
    fn turn(&self, turn: &'a Turn, losses: &mut Vec<Loss>) -> Result<Vec<PartJson<'a>>, Wrong> {
        let (mut parts, mut seal) = (Vec::new(), None);
        for part in &turn.parts {
            if let (Speaker::Assistant, Part::Thinking { text, signature }) = (turn.speaker, part) {
                parts.extend(seal.take().map(PartJson::seal));
                parts.extend((!text.is_empty()).then(|| PartJson::thought(text)));
                seal = signature.as_deref().map(Cow::Borrowed);
            } else if let Some(written) = self.part(part, turn, losses)? {
                parts.push(PartJson { thought_signature: seal.take(), ..written });
            }
        }
        parts.extend(seal.map(PartJson::seal));
        let first_call = parts.iter_mut().find(|part| part.function_call.is_some());
        if let Some(call) = first_call.filter(|call| call.thought_signature.is_none() && self.family == Family::Newer) {
            call.thought_signature = Some(NO_SIGNATURE.into());
        }
        Ok(parts)
    }

    /// The API refuses texts that are empty.
    fn part(&self, part: &'a Part, turn: &Turn, losses: &mut Vec<Loss>) -> Result<Option<PartJson<'a>>, Wrong> {
        Ok(match part {
            Part::Text(text) | Part::Refusal(text) => (!text.is_empty()).then(|| PartJson::text(text)),
            Part::Image(media) | Part::Audio(media) | Part::File(media) => {
                let written = write_media(media);
                if written.is_none() {
                    let field = format!("{}.{}", turn.at, part.word());
                    losses.push(Loss::new(field, "is known to another provider alone"));
                }
                written
            }
            Part::Thinking { .. } | Part::SealedThinking(_) => {
                let field = format!("{}.thinking", turn.at);
                losses.push(Loss::harmless(field, "thoughts cannot be sent back to this provider"));
                None
            }
            Part::Call(call) => {
                let call = PartJson::call(&call.id, &call.name, &call.arguments);
                Some(call.map_err(|wrong| wrong.below(&turn.at))?)
            }
            Part::Result(result) => Some(self.result(result, turn, losses)?),
        })
    }

    fn result(&self, result: &'a ToolResult, turn: &Turn, losses: &mut Vec<Loss>) -> Result<PartJson<'a>, Wrong> {
        let name = self.names.get(result.id.as_str()).copied().or(result.name.as_deref());
        let name =
            name.ok_or_else(|| Wrong::new(&*turn.at, "has the result of a call that is not in the conversation"))?;
        let (mut texts, mut parts) = (Vec::new(), Vec::new());
        for part in &result.parts {
            match part {
                Part::Text(text) => texts.push(text.as_str()),
                part => parts.extend(self.part(part, turn, losses)?),
            }
        }
        let text = match *texts {
            [text] => Cow::Borrowed(text),
            _ => Cow::Owned(texts.join(APART)),
        };
        let response = if result.is_error { OutputJson::Error(text) } else { OutputJson::Output(text) };
        let function_response = Some(ResponseJson { id: &result.id, name, response, parts });
        Ok(PartJson { function_response, ..PartJson::default() })
    }
}

fn write_instructions<'a>(turn: &'a Turn, instructions: &mut Vec<PartJson<'a>>, losses: &mut Vec<Loss>) {
    for part in &turn.parts {
        match part {
            Part::Text(text) if text.is_empty() => {}
            Part::Text(text) => instructions.push(PartJson::text(text)),
            _ => losses.push(Loss::new(format!("{}.{}", turn.at, part.word()), "instructions are text in contents")),
        }
    }
}

/// Nothing for a file that another provider has.
fn write_media(media: &Media) -> Option<PartJson<'_>> {
    Some(match &media.source {
        Source::Inline { media_type, base64 } => PartJson {
            inline_data: Some(DataJson { mime_type: media_type, data: base64, display_name: media.name.as_deref() }),
            ..PartJson::default()
        },
        Source::Uploaded(file) if !file.starts_with(UPLOADED) => return None,
        Source::Url(uri) | Source::Uploaded(uri) => {
            PartJson { file_data: Some(FileJson { mime_type: media_type(uri), file_uri: uri }), ..PartJson::default() }
        }
    })
}

/// The media type of what is behind a URL, by how its path ends.
fn media_type(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit_once('/')?.1.rsplit_once('.')?;
    Some(match &*ending.to_ascii_lowercase() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "gif" => "image/gif",
        "pdf" => "application/pdf",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        _ => return None,
    })
}

fn write_tool<'a>((index, tool): (usize, &'a Tool), losses: &mut Vec<Loss>) -> Result<FunctionJson<'a>, Wrong> {
    if tool.strict == Some(true) {
        let why = "whether calls are held to their schemas is the model's business";
        losses.push(Loss::harmless(format!("tools[{index}].strict"), why));
    }
    let wrong = || Wrong::new(format!("tools[{index}]"), "must have a schema that is a JSON object");
    let schema = tool.schema.as_deref().map(|schema| json_object(schema).ok_or_else(wrong)).transpose()?;
    Ok(FunctionJson { name: &tool.name, description: tool.description.as_deref(), parameters_json_schema: schema })
}

fn write_tool_choice(choice: &ToolChoice) -> CallingJson<'_> {
    let (mode, name) = match choice {
        ToolChoice::Auto => ("AUTO", None),
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some(name.as_str())),
    };
    CallingJson { mode, allowed_function_names: name.map(|name| [name]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::conversation::Call;

    fn write(conversation: &Conversation, model: &str) -> (serde_json::Value, Vec<(String, bool)>) {
        let mut losses = Vec::new();
        let body = write_request(conversation, model, &mut losses).unwrap();
        let losses = losses.into_iter().map(|loss| (loss.field, loss.is_harmless)).collect();
        (serde_json::from_slice(&body).unwrap(), losses)
    }

    fn turn(speaker: Speaker, parts: Vec<Part>) -> Turn {
        Turn { speaker, name: None, parts, at: "messages[0]".to_owned() }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn call(id: &str) -> Part {
        Part::Call(Call { id: id.to_owned(), name: "f".to_owned(), arguments: String::new() })
    }

    fn of(turns: Vec<Turn>) -> Conversation {
        Conversation { turns, ..Conversation::default() }
    }

    #[test]
    fn newer_models_get_a_mark_where_a_seal_is_lost_and_older_ones_none() {
        let conversation = of(vec![turn(Speaker::Assistant, vec![call("a"), call("b")])]);
        let signatures = |model: &str| {
            let (json, _) = write(&conversation, model);
            let parts = json["contents"][0]["parts"].as_array().unwrap().clone();
            parts.iter().map(|part| part["thoughtSignature"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(signatures("models/gemini-3-pro"), [Some(NO_SIGNATURE.to_owned()), None]);
        assert_eq!(signatures("gemini-2.5-flash"), [None, None]);
    }

    #[test]
    fn how_much_to_think_is_said_as_the_model_has_it() {
        for (reasoning, older, newer) in [
            (Reasoning::Off, r#"{"thinkingBudget":0}"#, r#"{"thinkingBudget":0}"#),
            (
                Reasoning::Effort("low".to_owned()),
                r#"{"includeThoughts":true,"thinkingBudget":1024}"#,
                r#"{"includeThoughts":true,"thinkingLevel":"LOW"}"#,
            ),
            (
                Reasoning::Effort("max".to_owned()),
                r#"{"includeThoughts":true,"thinkingBudget":24576}"#,
                r#"{"includeThoughts":true,"thinkingLevel":"HIGH"}"#,
            ),
            (Reasoning::Adaptive, r#"{"includeThoughts":true,"thinkingBudget":-1}"#, r#"{"includeThoughts":true}"#),
            (
                Reasoning::Budget(9),
                r#"{"includeThoughts":true,"thinkingBudget":9}"#,
                r#"{"includeThoughts":true,"thinkingBudget":9}"#,
            ),
        ] {
            let conversation = Conversation { reasoning: Some(reasoning), ..Conversation::asking() };
            for (model, expected) in [("gemini-2.5-pro", older), ("gemini-3-pro", newer)] {
                let config = &write(&conversation, model).0["generationConfig"]["thinkingConfig"];
                assert_eq!(*config, serde_json::from_str::<serde_json::Value>(expected).unwrap(), "{model}");
            }
        }
    }

    #[test]
    fn what_cannot_be_said_is_named() {
        let media = Media { source: Source::Uploaded("file_1".to_owned()), name: None };
        let mut conversation = of(vec![
            turn(Speaker::System, vec![text("be kind"), Part::Image(media.clone())]),
            turn(Speaker::User, vec![text("a"), Part::Image(media)]),
            turn(Speaker::System, vec![text("and brief")]),
            turn(Speaker::User, vec![text("b"), text("")]),
            turn(Speaker::Assistant, vec![Part::SealedThinking("AAAA".to_owned())]),
        ]);
        conversation.parallel_calls = Some(false);
        conversation.user = Some("ann".to_owned());
        conversation.fields = vec![(Feature::ParallelCalls, "parallel_tool_calls"), (Feature::User, "user")];
        let schema = Some("{}".to_owned());
        conversation.tools = vec![Tool { name: "f".to_owned(), description: None, schema, strict: Some(true) }];
        let (json, losses) = write(&conversation, "m");
        let losses: Vec<_> = losses.iter().map(|(field, is_harmless)| (field.as_str(), *is_harmless)).collect();
        let expected = [
            ("parallel_tool_calls", false),
            ("user", true),
            ("messages[0].image", false),
            ("messages[0].image", false),
            ("messages[0]", false),
            ("messages[0].thinking", true),
            ("tools[0].strict", true),
        ];
        assert_eq!(losses, expected);
        // Turns of the same speaker are one.
        assert_eq!(json["contents"], serde_json::json!([{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]));
        assert_eq!(json["systemInstruction"], serde_json::json!({"parts": [{"text": "be kind"}]}));
    }

    #[test]
    fn a_result_has_the_name_of_its_call() {
        let result =
            |id: &str, parts| Part::Result(ToolResult { id: id.to_owned(), name: None, parts, is_error: false });
        let turns = vec![
            turn(Speaker::Assistant, vec![call("a")]),
            turn(Speaker::User, vec![result("a", vec![text("b"), text("c")])]),
        ];
        let (json, _) = write(&of(turns), "gemini-2.5-pro");
        let expected =
            serde_json::json!({"functionResponse": {"id": "a", "name": "f", "response": {"output": "b\n\nc"}}});
        assert_eq!(json["contents"][1]["parts"][0], expected);
        let orphan = of(vec![turn(Speaker::User, vec![result("x", Vec::new())])]);
        assert_eq!(write_request(&orphan, "m", &mut Vec::new()).unwrap_err().field, "messages[0]");
    }

    #[test]
    fn arguments_and_schemas_that_are_no_objects_are_refused() {
        let array = Part::Call(Call { id: "a".to_owned(), name: "f".to_owned(), arguments: "[]".to_owned() });
        let refused =
            |conversation: Conversation| write_request(&conversation, "m", &mut Vec::new()).unwrap_err().field;
        assert_eq!(refused(of(vec![turn(Speaker::Assistant, vec![array])])), "messages[0]");
        let schema = Some("[]".to_owned());
        let tool = Tool { name: "f".to_owned(), description: None, schema, strict: None };
        assert_eq!(refused(Conversation { tools: vec![tool], ..Conversation::asking() }), "tools[0]");
        let format = Some(Format::Schema { name: None, schema: "3".to_owned(), strict: None });
        let fields = vec![(Feature::Format, "response_format")];
        assert_eq!(refused(Conversation { format, fields, ..Conversation::asking() }), "response_format");
    }

    #[test]
    fn media_types_of_urls_follow_from_their_ends() {
        for (uri, expected) in [
            ("https://example.com/a.PNG?x=.pdf", Some("image/png")),
            ("https://example.com/plan.pdf#page", Some("application/pdf")),
            ("https://example.com/v1.2/a", None),
            ("https://example.com", None),
        ] {
            assert_eq!(media_type(uri), expected, "{uri}");
        }
    }
}

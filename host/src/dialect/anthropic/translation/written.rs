//! A request for a message, written for a target that speaks this dialect.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{BlockJson, NOT_AN_OBJECT, SourceJson};
use crate::dialect::conversation::{
    Conversation, Feature, Format, Loss, Media, Part, Reasoning, Source, Speaker, Tool, ToolChoice, Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{json_object, written};

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Tokens of an answer whose caller has set no bound. The API wants one, and no model that it offers allows fewer;
/// a bound costs nothing that is not used.
const TOKENS_MAX_DEFAULT: u64 = 4_096;

#[derive(Serialize)]
struct RequestJson<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<SystemJson<'a>>,
    messages: Vec<TurnJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingJson>,
    #[serde(skip_serializing_if = "OutputJson::is_empty")]
    output_config: OutputJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataJson<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum SystemJson<'a> {
    Text(&'a str),
    Blocks(Vec<BlockJson<'a>>),
}

#[derive(Serialize)]
struct TurnJson<'a> {
    role: &'static str,
    content: Vec<BlockJson<'a>>,
}

#[derive(Serialize)]
struct ToolJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct ChoiceJson<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ThinkingJson {
    Enabled { budget_tokens: u64 },
    Disabled,
    Adaptive,
}

#[derive(Serialize)]
struct OutputJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatJson<'a>>,
}

impl OutputJson<'_> {
    fn is_empty(&self) -> bool {
        self.effort.is_none() && self.format.is_none()
    }
}

#[derive(Serialize)]
struct FormatJson<'a> {
    r#type: &'static str,
    schema: &'a RawValue,
}

#[derive(Serialize)]
struct MetadataJson<'a> {
    user_id: &'a str,
}

/// Write a request, for the model that the target calls `model`.
///
/// # Errors
/// When the arguments of a call or a schema are not a JSON object.
pub(crate) fn write_request(conversation: &Conversation, model: &str, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let from = conversation;
    tell_losses(from, losses);
    let (system, messages) = write_turns(&from.turns, losses)?;
    let messages = from.said(messages)?;
    let tools = from.tools.iter().enumerate().map(write_tool).collect::<Result<Vec<_>, _>>()?;
    // Without tools the API refuses a choice, and there is nothing to choose.
    let tool_choice = if tools.is_empty() { None } else { write_tool_choice(from) };
    let (thinking, effort) = match &from.reasoning {
        None => (None, None),
        Some(Reasoning::Off) => (Some(ThinkingJson::Disabled), None),
        Some(Reasoning::Budget(tokens)) => (Some(ThinkingJson::Enabled { budget_tokens: *tokens }), None),
        Some(Reasoning::Adaptive) => (Some(ThinkingJson::Adaptive), None),
        // The least that there is here.
        Some(Reasoning::Effort(effort)) if effort == "minimal" => (None, Some("low")),
        Some(Reasoning::Effort(effort)) => (None, Some(effort.as_str())),
    };
    let format = match &from.format {
        Some(Format::Schema { schema, .. }) => {
            let schema = json_object(schema).ok_or_else(|| {
                let lost = from.loss(Feature::Format, "");
                Wrong::new(lost.field, "must have a schema that is a JSON object")
            })?;
            Some(FormatJson { r#type: "json_schema", schema })
        }
        None | Some(Format::Text | Format::Json) => None,
    };
    written(&RequestJson {
        model,
        max_tokens: from.tokens_max.unwrap_or(TOKENS_MAX_DEFAULT),
        system,
        messages,
        tools,
        tool_choice,
        temperature: from.temperature.filter(|temperature| *temperature <= 1.0),
        top_p: from.top_p,
        top_k: from.top_k,
        stop_sequences: &from.stop,
        thinking,
        output_config: OutputJson { effort, format },
        metadata: from.user.as_deref().map(|user_id| MetadataJson { user_id }),
        stream: from.streaming,
    })
}

fn tell_losses(from: &Conversation, losses: &mut Vec<Loss>) {
    let lost = [
        (Feature::Choices, from.choices.is_some_and(|choices| choices > 1), "messages are one answer at a time"),
        (Feature::Seed, from.seed.is_some(), "messages have no seed"),
        (Feature::PresencePenalty, from.presence_penalty.is_some(), "messages have no penalties"),
        (Feature::FrequencyPenalty, from.frequency_penalty.is_some(), "messages have no penalties"),
        (Feature::Format, from.format == Some(Format::Json), "messages are held to a schema or to nothing"),
        (Feature::Temperature, from.temperature.is_some_and(|t| t > 1.0), "the temperature of messages is 1 at most"),
    ];
    losses.extend(lost.into_iter().filter(|(_, is_lost, _)| *is_lost).map(|(feature, _, why)| from.loss(feature, why)));
}

type Written<'a> = (Option<SystemJson<'a>>, Vec<TurnJson<'a>>);

/// Instructions, and the turns of the other two speakers one after the other.
fn write_turns<'a>(turns: &'a [Turn], losses: &mut Vec<Loss>) -> Result<Written<'a>, Wrong> {
    let (mut instructions, mut messages) = (Vec::new(), Vec::<TurnJson<'a>>::new());
    for turn in turns {
        if turn.name.is_some() {
            losses.push(Loss::harmless(format!("{}.name", turn.at), "messages do not name their speakers"));
        }
        let role = match turn.speaker {
            Speaker::System if messages.is_empty() => {
                write_instructions(turn, &mut instructions, losses);
                continue;
            }
            Speaker::System => {
                losses.push(Loss::new(&*turn.at, "instructions in the middle of a conversation"));
                continue;
            }
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        let mut content = Vec::new();
        for part in &turn.parts {
            content.extend(write_part(part, &turn.at, losses)?);
        }
        match messages.last_mut() {
            _ if content.is_empty() => {}
            Some(before) if before.role == role => before.content.append(&mut content),
            _ => messages.push(TurnJson { role, content }),
        }
    }
    // The API wants them before anything else that the user says.
    for message in messages.iter_mut().filter(|message| message.role == "user") {
        message.content.sort_by_key(|block| !matches!(block, BlockJson::ToolResult { .. }));
    }
    let system = match *instructions {
        [] => None,
        [text] => Some(SystemJson::Text(text)),
        _ => Some(SystemJson::Blocks(instructions.iter().map(|&text| BlockJson::Text { text }).collect())),
    };
    Ok((system, messages))
}

fn write_instructions<'a>(turn: &'a Turn, instructions: &mut Vec<&'a str>, losses: &mut Vec<Loss>) {
    for part in &turn.parts {
        match part {
            Part::Text(text) if text.is_empty() => {}
            Part::Text(text) => instructions.push(text),
            _ => losses.push(Loss::new(format!("{}.{}", turn.at, part.word()), "instructions are text in messages")),
        }
    }
}

/// The API refuses texts that are empty.
fn write_part<'a>(part: &'a Part, at: &str, losses: &mut Vec<Loss>) -> Result<Option<BlockJson<'a>>, Wrong> {
    let path = || format!("{at}.{}", part.word());
    let block = match part {
        Part::Text(text) | Part::Refusal(text) => return Ok((!text.is_empty()).then_some(BlockJson::Text { text })),
        Part::Thinking { text, signature: Some(signature) } => Some(BlockJson::Thinking { thinking: text, signature }),
        Part::Thinking { signature: None, .. } => {
            losses.push(Loss::harmless(path(), "the provider takes back only thoughts that it has sealed"));
            return Ok(None);
        }
        Part::SealedThinking(data) => Some(BlockJson::RedactedThinking { data }),
        Part::Image(media) => Some(BlockJson::Image { source: write_source(&media.source) }),
        Part::File(media) => write_file(media),
        Part::Audio(_) => None,
        Part::Call(call) => {
            let input = json_object(&call.arguments).ok_or_else(|| Wrong::new(at, NOT_AN_OBJECT))?;
            Some(BlockJson::ToolUse { id: &call.id, name: &call.name, input })
        }
        Part::Result(result) => {
            let mut content = Vec::new();
            for part in &result.parts {
                content.extend(write_part(part, at, losses)?);
            }
            Some(BlockJson::ToolResult { tool_use_id: &result.id, content, is_error: result.is_error })
        }
    };
    if block.is_none() {
        losses.push(Loss::new(path(), "messages cannot take it in this form"));
    }
    Ok(block)
}

fn write_source(source: &Source) -> SourceJson<'_> {
    match source {
        Source::Inline { media_type, base64 } => SourceJson::Base64 { media_type, data: base64 },
        Source::Url(url) => SourceJson::Url { url },
        Source::Uploaded(file_id) => SourceJson::File { file_id },
    }
}

/// Nothing for what is neither a PDF nor text, of which documents are.
fn write_file(file: &Media) -> Option<BlockJson<'_>> {
    let source = match &file.source {
        Source::Inline { media_type, base64 } if media_type.eq_ignore_ascii_case("text/plain") => {
            SourceJson::Text { media_type: "text/plain", data: text_of(base64)? }
        }
        Source::Inline { media_type, .. } if !media_type.eq_ignore_ascii_case("application/pdf") => return None,
        source => write_source(source),
    };
    Some(BlockJson::Document { source, title: file.name.as_deref() })
}

/// The text that Base64 stands for; nothing if it stands for none.
fn text_of(base64: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(base64).ok()?).ok()
}

fn write_tool((index, tool): (usize, &Tool)) -> Result<ToolJson<'_>, Wrong> {
    // A tool without arguments must have a schema all the same.
    let schema = tool.schema.as_deref().unwrap_or(r#"{"type":"object"}"#);
    let wrong = || Wrong::new(format!("tools[{index}]"), "must have a schema that is a JSON object");
    Ok(ToolJson {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: json_object(schema).ok_or_else(wrong)?,
        strict: tool.strict,
    })
}

fn write_tool_choice(from: &Conversation) -> Option<ChoiceJson<'_>> {
    let disable_parallel_tool_use = from.parallel_calls == Some(false);
    let (kind, name) = match &from.tool_choice {
        None if !disable_parallel_tool_use => return None,
        None | Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(name.as_str())),
        // The API refuses to be told how to call none.
        Some(ToolChoice::None) => {
            return Some(ChoiceJson { r#type: "none", name: None, disable_parallel_tool_use: false });
        }
    };
    Some(ChoiceJson { r#type: kind, name, disable_parallel_tool_use })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::conversation::{Call, ToolResult};

    fn json(body: &[u8]) -> serde_json::Value {
        serde_json::from_slice(body).unwrap()
    }

    /// What is written of a conversation, and the fields that were lost, with whether that is only a warning.
    fn write(conversation: &Conversation) -> (serde_json::Value, Vec<(String, bool)>) {
        let mut losses = Vec::new();
        let body = write_request(conversation, "large", &mut losses).unwrap();
        (json(&body), losses.into_iter().map(|loss| (loss.field, loss.is_harmless)).collect())
    }

    fn turn(speaker: Speaker, parts: Vec<Part>) -> Turn {
        Turn { speaker, name: None, parts, at: format!("of {speaker:?}") }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn call(arguments: &str) -> Part {
        Part::Call(Call { id: "call_1".to_owned(), name: "f".to_owned(), arguments: arguments.to_owned() })
    }

    fn result() -> Part {
        Part::Result(ToolResult { id: "call_1".to_owned(), name: None, parts: Vec::new(), is_error: false })
    }

    fn saying(turns: Vec<Turn>) -> Conversation {
        Conversation { turns, ..Conversation::default() }
    }

    #[test]
    fn instructions_stand_at_the_start_or_are_lost() {
        let several = |parts: Vec<Part>| {
            vec![
                turn(Speaker::System, parts),
                turn(Speaker::System, vec![text("b")]),
                turn(Speaker::User, vec![text("hi")]),
            ]
        };
        assert_eq!(write(&saying(several(Vec::new()))).0["system"], "b");
        let blocks = serde_json::json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        assert_eq!(write(&saying(several(vec![text("a"), text("")]))).0["system"], blocks);
        let mut late = several(Vec::new());
        late.push(turn(Speaker::System, vec![text("c")]));
        let mut losses = Vec::new();
        write_request(&saying(late), "large", &mut losses).unwrap();
        assert_eq!(losses, [Loss::new("of System", "instructions in the middle of a conversation")]);
    }

    #[test]
    fn turns_of_one_speaker_are_one_and_results_come_first() {
        let turns = vec![
            turn(Speaker::User, vec![text("a")]),
            turn(Speaker::Assistant, vec![text("")]),
            turn(Speaker::User, vec![text("b")]),
            turn(Speaker::Assistant, vec![Part::Refusal("no".to_owned()), call("")]),
            turn(Speaker::User, vec![text("c"), result()]),
        ];
        let expected = serde_json::json!([
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "no"},
                {"type": "tool_use", "id": "call_1", "name": "f", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1"},
                {"type": "text", "text": "c"}]}]);
        assert_eq!(write(&saying(turns)).0["messages"], expected);
    }

    #[test]
    fn what_messages_cannot_say_is_named_by_the_callers_words() {
        let all = Conversation {
            choices: Some(2),
            seed: Some(1),
            presence_penalty: Some(0.5),
            frequency_penalty: Some(0.5),
            temperature: Some(1.5),
            format: Some(Format::Json),
            fields: vec![
                (Feature::Choices, "n"),
                (Feature::Seed, "seed"),
                (Feature::PresencePenalty, "presence_penalty"),
                (Feature::FrequencyPenalty, "frequency_penalty"),
                (Feature::Temperature, "temperature"),
                (Feature::Format, "response_format"),
            ],
            ..Conversation::asking()
        };
        let (written, losses) = write(&all);
        let fields: Vec<_> = losses.iter().map(|(field, _)| field.as_str()).collect();
        let expected = ["n", "seed", "presence_penalty", "frequency_penalty", "response_format", "temperature"];
        assert_eq!(fields, expected);
        assert!(losses.iter().all(|(_, is_harmless)| !is_harmless));
        assert_eq!(written.get("temperature"), None);
        assert_eq!(written["max_tokens"], TOKENS_MAX_DEFAULT);
        let one = Conversation { choices: Some(1), temperature: Some(1.0), ..Conversation::asking() };
        assert!(write(&one).1.is_empty());
    }

    #[test]
    fn parts_are_written_as_what_messages_have_for_them() {
        let inline = |media_type: &str, base64: &str| {
            let source = Source::Inline { media_type: media_type.to_owned(), base64: base64.to_owned() };
            Media { source, name: None }
        };
        let thinking = Part::Thinking { text: "hmm".to_owned(), signature: None };
        for (part, source, lost) in [
            (Part::File(inline("application/pdf", "JVBE")), Some("base64"), None),
            (Part::File(inline("text/plain", "Y2Fmw6k=")), Some("text"), None),
            (Part::File(inline("text/plain", "caf\u{e9}")), None, Some(("of User.file", false))),
            (Part::File(inline("text/plain", "/w==")), None, Some(("of User.file", false))),
            (Part::File(inline("application/zip", "UEsD")), None, Some(("of User.file", false))),
            (Part::Audio(inline("audio/wav", "UklG")), None, Some(("of User.audio", false))),
            (thinking, None, Some(("of User.thinking", true))),
        ] {
            let named = Turn { name: Some("Ann".to_owned()), ..turn(Speaker::User, vec![part.clone(), text("this")]) };
            let (written, losses) = write(&saying(vec![named]));
            assert_eq!(written["messages"][0]["content"][0]["source"]["type"].as_str(), source, "{part:?}");
            let expected = [Some(("of User.name", true)), lost].into_iter().flatten();
            let expected: Vec<_> = expected.map(|(field, is_harmless)| (field.to_owned(), is_harmless)).collect();
            assert_eq!(losses, expected, "{part:?}");
        }
        assert_eq!(text_of("Y2Fmw6k=").as_deref(), Some("caf\u{e9}"));
        assert_eq!(text_of("").as_deref(), Some(""));
    }

    #[test]
    fn arguments_and_schemas_that_are_no_objects_are_refused() {
        let wrong = |conversation: &Conversation| write_request(conversation, "m", &mut Vec::new()).unwrap_err();
        for arguments in ["[]", "{", "Rome", "{} {}"] {
            let refused = wrong(&saying(vec![turn(Speaker::Assistant, vec![call(arguments)])]));
            assert_eq!(refused, Wrong::new("of Assistant", NOT_AN_OBJECT), "{arguments}");
        }
        let schema = Some("[]".to_owned());
        let tool = Tool { name: "f".to_owned(), description: None, schema, strict: None };
        assert_eq!(wrong(&Conversation { tools: vec![tool], ..Conversation::asking() }).field, "tools[0]");
        let format = Format::Schema { name: None, schema: "3".to_owned(), strict: None };
        assert!(wrong(&Conversation { format: Some(format), ..Conversation::asking() }).message.contains("schema"));
    }

    #[test]
    fn how_tools_are_called_is_told_where_there_are_tools() {
        for (choice, parallel, expected) in [
            (None, None, (None, None)),
            (None, Some(true), (None, None)),
            (None, Some(false), (Some("auto"), Some(true))),
            (Some(ToolChoice::Auto), None, (Some("auto"), None)),
            (Some(ToolChoice::Required), Some(false), (Some("any"), Some(true))),
            (Some(ToolChoice::Named("f".to_owned())), None, (Some("tool"), None)),
            (Some(ToolChoice::None), Some(false), (Some("none"), None)),
        ] {
            let tool = Tool { name: "f".to_owned(), description: None, schema: None, strict: None };
            let about = format!("{choice:?} {parallel:?}");
            let mut conversation = Conversation {
                tools: vec![tool],
                tool_choice: choice,
                parallel_calls: parallel,
                ..Conversation::asking()
            };
            let (written, _) = write(&conversation);
            let told = &written["tool_choice"];
            assert_eq!((told["type"].as_str(), told["disable_parallel_tool_use"].as_bool()), expected, "{about}");
            conversation.tools.clear();
            assert_eq!(write(&conversation).0.get("tool_choice"), None, "{about}");
        }
    }

    #[test]
    fn how_much_to_think_is_told_in_the_dialects_words() {
        let effort = |word: &str| Reasoning::Effort(word.to_owned());
        for (reasoning, thinking, expected) in [
            (Reasoning::Off, Some("disabled"), None),
            (Reasoning::Budget(1024), Some("enabled"), None),
            (Reasoning::Adaptive, Some("adaptive"), None),
            (effort("minimal"), None, Some("low")),
            (effort("xhigh"), None, Some("xhigh")),
        ] {
            let about = format!("{reasoning:?}");
            let (written, _) = write(&Conversation { reasoning: Some(reasoning), ..Conversation::asking() });
            let told = (written["thinking"]["type"].as_str(), written["output_config"]["effort"].as_str());
            assert_eq!(told, (thinking, expected), "{about}");
        }
    }
}

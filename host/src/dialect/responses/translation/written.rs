//! A request for a response, written for a target that speaks this dialect.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::unsealed;
use crate::dialect::conversation::{
    Conversation, Feature, Format, Loss, Media, Part, Source, Speaker, Tool, ToolChoice, ToolResult, Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{schema_source, written};

#[derive(Serialize)]
struct RequestJson<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<ItemJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoiceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    stream: bool,
    /// No other dialect has a provider keep what it answers.
    store: bool,
}

#[derive(Serialize)]
struct TextJson<'a> {
    format: FormatJson<'a>,
}

#[derive(Serialize)]
struct ReasoningJson<'a> {
    effort: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatJson<'a> {
    Text,
    JsonObject,
    JsonSchema {
        name: &'a str,
        schema: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ItemJson<'a> {
    Message { role: &'static str, content: ContentJson<'a> },
    FunctionCall { call_id: &'a str, name: &'a str, arguments: &'a str },
    FunctionCallOutput { call_id: &'a str, output: ContentJson<'a> },
    Reasoning { id: &'a str, summary: Vec<SummaryJson<'a>>, encrypted_content: &'a str },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum SummaryJson<'a> {
    SummaryText { text: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
enum ContentJson<'a> {
    Text(&'a str),
    Parts(Vec<PartJson<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PartJson<'a> {
    InputText {
        text: &'a str,
    },
    OutputText {
        text: &'a str,
    },
    Refusal {
        refusal: &'a str,
    },
    InputImage {
        image_url: String,
        detail: &'static str,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
    },
}

#[derive(Serialize)]
struct ToolJson<'a> {
    r#type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// The reference has it in every function.
    parameters: Option<&'a RawValue>,
    /// Without it the model would be held to the schema, which no other dialect means by saying nothing.
    strict: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoiceJson<'a> {
    Word(&'static str),
    Named { r#type: &'static str, name: &'a str },
}

/// Write a request, for the model that the target calls `model`.
///
/// # Errors
/// When a schema is not JSON.
pub(crate) fn write_request(conversation: &Conversation, model: &str, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let from = conversation;
    lost(from, losses);
    let (instructions, turns) = instructions(&from.turns);
    let mut input = Vec::new();
    turns.iter().for_each(|turn| write_turn(turn, &mut input, losses));
    let tools = from.tools.iter().enumerate().map(write_tool).collect::<Result<Vec<_>, _>>()?;
    // Without tools neither says anything.
    let of_tools = !tools.is_empty();
    let format = from.format.as_ref().map(|format| write_format(from, format)).transpose()?;
    written(&RequestJson {
        model,
        instructions,
        input: from.said(input)?,
        tools,
        tool_choice: from.tool_choice.as_ref().filter(|_| of_tools).map(write_tool_choice),
        parallel_tool_calls: from.parallel_calls.filter(|_| of_tools),
        max_output_tokens: from.tokens_max,
        temperature: from.temperature,
        top_p: from.top_p,
        text: format.map(|format| TextJson { format }),
        reasoning: from.reasoning.as_ref().map(|reasoning| ReasoningJson { effort: reasoning.effort() }),
        user: from.user.as_deref(),
        stream: from.streaming,
        store: false,
    })
}

fn lost(from: &Conversation, losses: &mut Vec<Loss>) {
    let features = [
        (Feature::Choices, from.choices.is_some_and(|choices| choices > 1), "responses are one answer at a time"),
        (Feature::TopK, from.top_k.is_some(), "responses have no top_k"),
        (Feature::Seed, from.seed.is_some(), "responses have no seed"),
        (Feature::PresencePenalty, from.presence_penalty.is_some(), "responses have no penalties"),
        (Feature::FrequencyPenalty, from.frequency_penalty.is_some(), "responses have no penalties"),
        (Feature::Stop, !from.stop.is_empty(), "responses cannot be stopped by a text"),
    ];
    let lost = features.into_iter().filter(|(_, is_lost, _)| *is_lost);
    losses.extend(lost.map(|(feature, _, why)| from.loss(feature, why)));
}

/// What the application says first, if it is one text; and the other turns.
fn instructions(turns: &[Turn]) -> (Option<&str>, &[Turn]) {
    match turns {
        [Turn { speaker: Speaker::System, parts, .. }, others @ ..] => match &**parts {
            [Part::Text(text)] => (Some(text), others),
            _ => (None, turns),
        },
        _ => (None, turns),
    }
}

/// Each call, each result and all thoughts are items of their own.
fn write_turn<'a>(turn: &'a Turn, input: &mut Vec<ItemJson<'a>>, losses: &mut Vec<Loss>) {
    let role = match turn.speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    if turn.name.is_some() {
        losses.push(Loss::harmless(format!("{}.name", turn.at), "responses do not name their speakers"));
    }
    let mut said = Vec::new();
    let say = |said: &mut Vec<PartJson<'a>>, input: &mut Vec<ItemJson<'a>>| {
        if !said.is_empty() {
            input.push(ItemJson::Message { role, content: content(std::mem::take(said)) });
        }
    };
    for part in &turn.parts {
        let mut loss = |why| losses.push(Loss::new(format!("{}.{}", turn.at, part.word()), why));
        let item = match (turn.speaker, part) {
            (Speaker::Assistant, Part::Text(text)) => {
                said.push(PartJson::OutputText { text });
                continue;
            }
            (_, Part::Text(text)) => {
                said.push(PartJson::InputText { text });
                continue;
            }
            (Speaker::Assistant, Part::Refusal(refusal)) => {
                said.push(PartJson::Refusal { refusal });
                continue;
            }
            (Speaker::User, Part::Image(_) | Part::File(_) | Part::Audio(_)) => {
                match write_media(part) {
                    Some(part) => said.push(part),
                    None => loss("responses cannot take it in this form"),
                }
                continue;
            }
            (Speaker::User, Part::Result(result)) => write_result(turn, result, losses),
            (Speaker::Assistant, Part::Call(call)) => {
                let (call_id, name) = (&*call.id, &*call.name);
                let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
                ItemJson::FunctionCall { call_id, name, arguments }
            }
            (_, Part::Thinking { .. } | Part::SealedThinking(_)) => match write_thoughts(part) {
                Some(item) => item,
                None => {
                    let why = "thoughts without this provider's seal cannot be sent back to it";
                    losses.push(Loss::harmless(format!("{}.thinking", turn.at), why));
                    continue;
                }
            },
            _ => {
                loss("responses have no place for it with this speaker");
                continue;
            }
        };
        say(&mut said, input);
        input.push(item);
    }
    say(&mut said, input);
}

fn write_thoughts(part: &Part) -> Option<ItemJson<'_>> {
    let (text, sealed) = match part {
        Part::Thinking { text, signature } => (Some(text.as_str()), signature.as_deref()?),
        Part::SealedThinking(sealed) => (None, sealed.as_str()),
        _ => return None,
    };
    let (id, encrypted_content) = unsealed(sealed)?;
    let summary = text.map(|text| SummaryJson::SummaryText { text }).into_iter().collect();
    Some(ItemJson::Reasoning { id, summary, encrypted_content })
}

fn write_result<'a>(turn: &Turn, result: &'a ToolResult, losses: &mut Vec<Loss>) -> ItemJson<'a> {
    if result.is_error {
        let why = "responses cannot mark that a tool failed";
        losses.push(Loss::harmless(format!("{}.is_error", turn.at), why));
    }
    let mut output = Vec::new();
    for part in &result.parts {
        match part {
            Part::Text(text) => output.push(PartJson::InputText { text }),
            _ => match write_media(part) {
                Some(part) => output.push(part),
                None => {
                    let why = "responses cannot take it in the result of a tool";
                    losses.push(Loss::new(format!("{}.{}", turn.at, part.word()), why));
                }
            },
        }
    }
    ItemJson::FunctionCallOutput { call_id: &result.id, output: content(output) }
}

/// A text alone is a string, which every server takes.
fn content(parts: Vec<PartJson<'_>>) -> ContentJson<'_> {
    match *parts {
        [PartJson::InputText { text } | PartJson::OutputText { text }] => ContentJson::Text(text),
        [] => ContentJson::Text(""),
        _ => ContentJson::Parts(parts),
    }
}

/// Nothing for what this dialect takes in another form only. Uploaded files are known to their provider alone.
fn write_media(part: &Part) -> Option<PartJson<'_>> {
    let data_url = |media_type: &str, base64: &str| format!("data:{media_type};base64,{base64}");
    Some(match part {
        Part::Image(Media { source, .. }) => {
            let image_url = match source {
                Source::Inline { media_type, base64 } => data_url(media_type, base64),
                Source::Url(url) => url.clone(),
                Source::Uploaded(_) => return None,
            };
            PartJson::InputImage { image_url, detail: "auto" }
        }
        Part::File(Media { source: Source::Inline { media_type, base64 }, name }) => {
            // Data needs a name, and the provider takes the kind of file from it.
            let otherwise = if media_type == "application/pdf" { "document.pdf" } else { "document" };
            let filename = Some(name.as_deref().unwrap_or(otherwise));
            PartJson::InputFile { filename, file_data: Some(data_url(media_type, base64)), file_url: None }
        }
        Part::File(Media { source: Source::Url(url), name }) => {
            PartJson::InputFile { filename: name.as_deref(), file_data: None, file_url: Some(url) }
        }
        _ => return None,
    })
}

fn write_tool((index, tool): (usize, &Tool)) -> Result<ToolJson<'_>, Wrong> {
    let raw = |schema| schema_source(schema, || format!("tools[{index}]"));
    Ok(ToolJson {
        r#type: "function",
        name: &tool.name,
        description: tool.description.as_deref(),
        parameters: tool.schema.as_deref().map(raw).transpose()?,
        strict: tool.strict.unwrap_or_default(),
    })
}

fn write_tool_choice(choice: &ToolChoice) -> ToolChoiceJson<'_> {
    match choice {
        ToolChoice::Auto => ToolChoiceJson::Word("auto"),
        ToolChoice::None => ToolChoiceJson::Word("none"),
        ToolChoice::Required => ToolChoiceJson::Word("required"),
        ToolChoice::Named(name) => ToolChoiceJson::Named { r#type: "function", name },
    }
}

fn write_format<'a>(conversation: &Conversation, format: &'a Format) -> Result<FormatJson<'a>, Wrong> {
    Ok(match format {
        Format::Text => FormatJson::Text,
        Format::Json => FormatJson::JsonObject,
        Format::Schema { name, schema, strict } => FormatJson::JsonSchema {
            // A schema must have a name here; it says nothing to the model.
            name: name.as_deref().unwrap_or("answer"),
            schema: schema_source(schema, || conversation.loss(Feature::Format, "").field)?,
            strict: *strict,
        },
    })
}

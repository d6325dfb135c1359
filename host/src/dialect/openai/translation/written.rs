//! A request for a chat completion, written for a target that speaks this dialect.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{CallJson, joined};
use crate::dialect::conversation::{
    Conversation, Feature, Format, Loss, Media, Part, Reasoning, Source, Speaker, Tool, ToolChoice, ToolResult, Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{NO_COUNTERPART, schema_source, written};

#[derive(Serialize)]
struct RequestJson<'a> {
    model: &'a str,
    messages: Vec<MessageJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoiceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Default, Serialize)]
struct MessageJson<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    content: Option<ContentJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
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
    Text { text: &'a str },
    ImageUrl { image_url: UrlJson<'a> },
    InputAudio { input_audio: AudioJson<'a> },
    File { file: FileJson<'a> },
}

#[derive(Serialize)]
struct UrlJson<'a> {
    url: Cow<'a, str>,
}

#[derive(Serialize)]
struct AudioJson<'a> {
    data: &'a str,
    format: &'static str,
}

#[derive(Serialize)]
struct FileJson<'a> {
    filename: &'a str,
    file_data: String,
}

#[derive(Serialize)]
struct ToolJson<'a> {
    r#type: &'static str,
    function: ToolFunctionJson<'a>,
}

#[derive(Serialize)]
struct ToolFunctionJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoiceJson<'a> {
    Word(&'static str),
    Named { r#type: &'static str, function: NameJson<'a> },
}

#[derive(Serialize)]
struct NameJson<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatJson<'a> {
    Text,
    JsonObject,
    JsonSchema { json_schema: SchemaJson<'a> },
}

#[derive(Serialize)]
struct SchemaJson<'a> {
    name: &'a str,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Write a request, for the model that the target calls `model`.
///
/// # Errors
/// When a schema is not JSON.
pub(crate) fn write_request(conversation: &Conversation, model: &str, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let from = conversation;
    if from.top_k.is_some() {
        losses.push(from.loss(Feature::TopK, NO_COUNTERPART));
    }
    let mut messages = Vec::new();
    from.turns.iter().for_each(|turn| write_turn(turn, &mut messages, losses));
    let tools = from.tools.iter().enumerate().map(write_tool).collect::<Result<Vec<_>, _>>()?;
    // Without tools providers refuse both, and neither says anything.
    let of_tools = !tools.is_empty();
    let request = RequestJson {
        model,
        messages: from.said(messages)?,
        tools,
        tool_choice: from.tool_choice.as_ref().filter(|_| of_tools).map(write_tool_choice),
        parallel_tool_calls: from.parallel_calls.filter(|_| of_tools),
        max_completion_tokens: from.tokens_max,
        temperature: from.temperature,
        top_p: from.top_p,
        seed: from.seed,
        presence_penalty: from.presence_penalty,
        frequency_penalty: from.frequency_penalty,
        stop: (!from.stop.is_empty()).then_some(&*from.stop),
        n: from.choices,
        response_format: from.format.as_ref().map(|format| write_format(from, format)).transpose()?,
        reasoning_effort: from.reasoning.as_ref().map(Reasoning::effort),
        user: from.user.as_deref(),
        stream: from.streaming,
        // The gateway counts tokens; a caller who has not asked is not told.
        stream_options: from.streaming.then_some(StreamOptions { include_usage: true }),
    };
    written(&request)
}

/// Results of tools are messages of their own, and stand before what else the user says in that turn.
fn write_turn<'a>(turn: &'a Turn, messages: &mut Vec<MessageJson<'a>>, losses: &mut Vec<Loss>) {
    let mut loss = |part: &Part, why| losses.push(Loss::new(format!("{}.{}", turn.at, part.word()), why));
    let (mut parts, mut refusals, mut tool_calls, mut has_results) = (Vec::new(), Vec::new(), Vec::new(), false);
    let mut harmless = Vec::new();
    for part in &turn.parts {
        match (turn.speaker, part) {
            (_, Part::Text(text)) => parts.push(PartJson::Text { text }),
            (Speaker::User, Part::Image(_) | Part::Audio(_) | Part::File(_)) => match write_media(part) {
                Some(part) => parts.push(part),
                None => loss(part, "chat completions cannot take it in this form"),
            },
            (Speaker::User, Part::Result(result)) => {
                has_results = true;
                if result.is_error {
                    let why = "chat completions cannot mark that a tool failed";
                    harmless.push(Loss::harmless(format!("{}.is_error", turn.at), why));
                }
                let left = result.parts.iter().filter(|part| !matches!(part, Part::Text(_)));
                left.for_each(|part| loss(part, "the result of a tool can only be text in chat completions"));
                messages.push(write_result(result));
            }
            (Speaker::Assistant, Part::Refusal(refusal)) => refusals.push(refusal.as_str()),
            (Speaker::Assistant, Part::Call(call)) => tool_calls.push(CallJson::whole(call)),
            (_, Part::Thinking { .. } | Part::SealedThinking(_)) => {
                let why = "thoughts cannot be sent back to this provider";
                harmless.push(Loss::harmless(format!("{}.thinking", turn.at), why));
            }
            (_, part) => loss(part, "chat completions have no place for it with this speaker"),
        }
    }
    losses.append(&mut harmless);
    if has_results && parts.is_empty() {
        return;
    }
    let is_silent = parts.is_empty() && !(refusals.is_empty() && tool_calls.is_empty());
    messages.push(MessageJson {
        role: match turn.speaker {
            Speaker::System => "system",
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        },
        name: turn.name.as_deref(),
        content: (!is_silent).then(|| content(parts)),
        refusal: joined(&refusals),
        tool_calls,
        tool_call_id: None,
    });
}

/// A text alone is a string, which every server takes.
fn content(parts: Vec<PartJson<'_>>) -> ContentJson<'_> {
    if let [PartJson::Text { text }] = *parts {
        return ContentJson::Text(text);
    }
    if parts.is_empty() { ContentJson::Text("") } else { ContentJson::Parts(parts) }
}

fn write_result(result: &ToolResult) -> MessageJson<'_> {
    let texts = result.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(PartJson::Text { text }),
        _ => None,
    });
    MessageJson {
        role: "tool",
        content: Some(content(texts.collect())),
        tool_call_id: Some(&result.id),
        ..MessageJson::default()
    }
}

/// Nothing for what this dialect takes in another form only. Uploaded files are known to their provider alone.
fn write_media(part: &Part) -> Option<PartJson<'_>> {
    Some(match part {
        Part::Image(Media { source, .. }) => PartJson::ImageUrl {
            image_url: UrlJson {
                url: match source {
                    Source::Url(url) => Cow::Borrowed(url.as_str()),
                    Source::Inline { media_type, base64 } => Cow::Owned(data_url(media_type, base64)),
                    Source::Uploaded(_) => return None,
                },
            },
        },
        Part::Audio(Media { source: Source::Inline { media_type, base64 }, .. }) => PartJson::InputAudio {
            input_audio: AudioJson {
                data: base64,
                format: match &**media_type {
                    "audio/wav" | "audio/wave" | "audio/x-wav" => "wav",
                    "audio/mpeg" | "audio/mp3" => "mp3",
                    _ => return None,
                },
            },
        },
        Part::File(Media { source: Source::Inline { media_type, base64 }, name }) => PartJson::File {
            file: FileJson {
                // OpenAI refuses data without a name, and takes the kind of file from it.
                filename: match name.as_deref() {
                    Some(name) => name,
                    None if media_type == "application/pdf" => "document.pdf",
                    None => "document",
                },
                file_data: data_url(media_type, base64),
            },
        },
        _ => return None,
    })
}

fn data_url(media_type: &str, base64: &str) -> String {
    format!("data:{media_type};base64,{base64}")
}

fn write_tool((index, tool): (usize, &Tool)) -> Result<ToolJson<'_>, Wrong> {
    let raw = |schema| schema_source(schema, || format!("tools[{index}]"));
    let function = ToolFunctionJson {
        name: &tool.name,
        description: tool.description.as_deref(),
        parameters: tool.schema.as_deref().map(raw).transpose()?,
        strict: tool.strict,
    };
    Ok(ToolJson { r#type: "function", function })
}

fn write_tool_choice(choice: &ToolChoice) -> ToolChoiceJson<'_> {
    match choice {
        ToolChoice::Auto => ToolChoiceJson::Word("auto"),
        ToolChoice::None => ToolChoiceJson::Word("none"),
        ToolChoice::Required => ToolChoiceJson::Word("required"),
        ToolChoice::Named(name) => ToolChoiceJson::Named { r#type: "function", function: NameJson { name } },
    }
}

fn write_format<'a>(conversation: &Conversation, format: &'a Format) -> Result<FormatJson<'a>, Wrong> {
    Ok(match format {
        Format::Text => FormatJson::Text,
        Format::Json => FormatJson::JsonObject,
        Format::Schema { name, schema, strict } => FormatJson::JsonSchema {
            json_schema: SchemaJson {
                // A schema must have a name here; it says nothing to the model.
                name: name.as_deref().unwrap_or("answer"),
                schema: schema_source(schema, || conversation.loss(Feature::Format, "").field)?,
                strict: *strict,
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn turn(speaker: Speaker, parts: Vec<Part>) -> Turn {
        Turn { speaker, name: None, parts, at: "messages[0]".to_owned() }
    }

    fn inline(media_type: &str, base64: &str) -> Source {
        Source::Inline { media_type: media_type.to_owned(), base64: base64.to_owned() }
    }

    fn named(losses: &[Loss]) -> Vec<(&str, bool)> {
        losses.iter().map(|loss| (loss.field.as_str(), loss.is_harmless)).collect()
    }

    fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
        Part::Result(ToolResult { id: id.to_owned(), name: None, parts, is_error })
    }

    fn write(conversation: &Conversation) -> (serde_json::Value, Vec<Loss>) {
        let mut losses = Vec::new();
        let body = write_request(conversation, "large", &mut losses).unwrap();
        (serde_json::from_slice(&body).unwrap(), losses)
    }

    #[test]
    fn results_stand_before_what_the_user_adds() {
        let image = Part::Image(Media { source: Source::Url("https://a/b.png".to_owned()), name: None });
        let parts = vec![
            text("and now?"),
            result("a", vec![text("sunny")], false),
            result("b", vec![image, text("rain"), text("wind")], true),
            result("c", Vec::new(), false),
        ];
        let conversation = Conversation { turns: vec![turn(Speaker::User, parts)], ..Conversation::default() };
        let (json, losses) = write(&conversation);
        let expected = serde_json::json!([
            {"role": "tool", "tool_call_id": "a", "content": "sunny"},
            {"role": "tool", "tool_call_id": "b",
                "content": [{"type": "text", "text": "rain"}, {"type": "text", "text": "wind"}]},
            {"role": "tool", "tool_call_id": "c", "content": ""},
            {"role": "user", "content": "and now?"},
        ]);
        assert_eq!(json["messages"], expected);
        assert_eq!(named(&losses), [("messages[0].image", false), ("messages[0].is_error", true)]);
    }

    #[test]
    fn what_this_dialect_has_no_word_for_is_named() {
        let file = |source| Part::File(Media { source, name: None });
        let seal = Part::Thinking { text: "hmm".to_owned(), signature: Some("seal".to_owned()) };
        let uploaded = || Source::Uploaded("file_1".to_owned());
        let refusal = || Part::Refusal("no".to_owned());
        let audio = |media_type| Part::Audio(Media { source: inline(media_type, "AA"), name: None });
        for (speaker, part, field, is_harmless) in [
            (Speaker::Assistant, seal, "messages[0].thinking", true),
            (Speaker::Assistant, Part::SealedThinking("AA".to_owned()), "messages[0].thinking", true),
            (Speaker::Assistant, file(inline("application/pdf", "AA")), "messages[0].file", false),
            (Speaker::Assistant, result("a", Vec::new(), false), "messages[0].result", false),
            (Speaker::User, file(uploaded()), "messages[0].file", false),
            (Speaker::User, file(Source::Url("https://a/b.pdf".to_owned())), "messages[0].file", false),
            (Speaker::User, Part::Image(Media { source: uploaded(), name: None }), "messages[0].image", false),
            (Speaker::User, audio("audio/flac"), "messages[0].audio", false),
            (Speaker::User, refusal(), "messages[0].refusal", false),
            (Speaker::System, audio("audio/wav"), "messages[0].audio", false),
        ] {
            let conversation = Conversation { turns: vec![turn(speaker, vec![part])], ..Conversation::default() };
            let (json, losses) = write(&conversation);
            assert_eq!(named(&losses), [(field, is_harmless)]);
            assert_eq!(json["messages"][0]["content"], "", "the turn stays where it was");
        }
        let fields = vec![(Feature::TopK, "top_k")];
        let (_, losses) = write(&Conversation { top_k: Some(4), fields, ..Conversation::asking() });
        assert_eq!(named(&losses), [("top_k", false)]);
    }

    #[test]
    fn only_what_is_asked_for_is_written() {
        let turns = vec![turn(Speaker::System, vec![text("be kind")]), turn(Speaker::User, vec![text("a"), text("b")])];
        let tool_choice = Some(ToolChoice::Required);
        let (json, losses) = write(&Conversation { turns, tool_choice, ..Conversation::default() });
        let expected = serde_json::json!({"model": "large", "stream": false, "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]});
        assert_eq!(json, expected);
        assert_eq!(losses, []);
    }

    #[test]
    fn thinking_is_asked_for_in_words() {
        for (reasoning, expected) in [
            (Reasoning::Off, "none"),
            (Reasoning::Effort("xhigh".to_owned()), "xhigh"),
            (Reasoning::Budget(0), "low"),
            (Reasoning::Budget(2_048), "low"),
            (Reasoning::Budget(2_049), "medium"),
            (Reasoning::Budget(8_192), "medium"),
            (Reasoning::Budget(u64::MAX), "high"),
            (Reasoning::Adaptive, "medium"),
        ] {
            let (json, _) = write(&Conversation { reasoning: Some(reasoning), ..Conversation::asking() });
            assert_eq!(json["reasoning_effort"], expected);
        }
    }

    #[test]
    fn a_schema_that_is_not_json_is_not_sent() {
        let schema = r#"{"a":1},"injected":{"b":2}"#.to_owned();
        let tool = Tool { name: "f".to_owned(), description: None, schema: Some(schema.clone()), strict: None };
        let format = Format::Schema { name: None, schema, strict: None };
        let wrong = |conversation: Conversation| write_request(&conversation, "m", &mut Vec::new()).unwrap_err().field;
        assert_eq!(wrong(Conversation { tools: vec![tool], ..Conversation::asking() }), "tools[0]");
        let fields = vec![(Feature::Format, "output_config.format")];
        let conversation = Conversation { format: Some(format), fields, ..Conversation::asking() };
        assert_eq!(wrong(conversation), "output_config.format");
    }
}

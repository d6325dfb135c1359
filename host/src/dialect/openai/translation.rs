//! Chat completions to and from a conversation in no provider's words, for where caller and target speak different
//! dialects. What is read here has passed the stricter readers next door; what cannot be said is told as a [`Loss`].

mod answer;
mod request;
mod stream;
mod written;

use std::borrow::Cow;

use serde::Serialize;

pub(in super::super) use answer::read_failure;
pub(crate) use answer::{parse_answer, parse_failure, write_answer, write_failure};
pub(crate) use request::parse_request;
pub(crate) use stream::{DeltaReader, DeltaWriter, write_failed};
pub(crate) use written::write_request;

use crate::chat::{Finish, Usage};
use crate::dialect::conversation::{APART, Call, Loss};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};
use crate::dialect::raw::Kind;

/// Whether a field says what would be so without it: leaving it out is no loss.
fn is_usual(field: &Given<'_>) -> bool {
    let value = field.value;
    match value.kind() {
        Kind::Null | Kind::Bool(false) => true,
        Kind::Bool(true) => false,
        Kind::Number => field.name == "top_logprobs" && value.source() == "0",
        Kind::String => {
            let text = value.text().unwrap_or_default();
            matches!((&*field.name, &*text), (_, "" | "auto") | ("service_tier", "default") | ("verbosity", "medium"))
        }
        Kind::Array => {
            let items = value.items();
            items.is_empty() || (field.name == "modalities" && items.iter().all(|item| item.source() == "\"text\""))
        }
        Kind::Object => value.fields().0.is_empty(),
    }
}

/// Whether a tool, a call or a choice of one is of a function; it is if it does not say.
fn is_function(object: &Object<'_>, losses: &mut Vec<Loss>) -> Result<bool, Wrong> {
    let Some(kind) = object.find("type") else { return Ok(true) };
    if matches!(&*kind.text()?, "" | "function") {
        return Ok(true);
    }
    losses.push(Loss::new(kind.path(), "only functions have a counterpart in the other dialect"));
    Ok(false)
}

/// A call of a function, or what a stream's event says of one: what it does not say is empty.
fn call(object: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Option<Call>, Wrong> {
    if !is_function(object, losses)? {
        return Ok(None);
    }
    let mut call = Call { id: String::new(), name: String::new(), arguments: String::new() };
    for field in &object.fields {
        match &*field.name {
            "type" | "index" => {}
            "id" => call.id = field.text()?,
            "function" => {
                for field in field.object()?.fields {
                    match &*field.name {
                        "name" => call.name = field.text()?,
                        // Some servers do not put the object into a string.
                        "arguments" if field.value.kind() == Kind::Object => {
                            call.arguments = field.value.source().to_owned()
                        }
                        "arguments" => call.arguments = field.text()?,
                        _ if is_usual(&field) => {}
                        _ => losses.push(field.loss()),
                    }
                }
            }
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    Ok(Some(call))
}

/// A call of a tool as it is written, or a piece of one in a stream.
#[derive(Serialize)]
struct CallJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: FunctionJson<'a>,
}

#[derive(Serialize)]
struct FunctionJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

impl<'a> CallJson<'a> {
    fn whole(call: &'a Call) -> Self {
        let Call { id, name, arguments } = call;
        CallJson { index: None, ..CallJson::begun(0, id, name, arguments) }
    }

    fn begun(index: u32, id: &'a str, name: &'a str, arguments: &'a str) -> Self {
        let function = FunctionJson { name: Some(name), arguments };
        Self { index: Some(index), id: Some(id), r#type: Some("function"), function }
    }

    fn piece(index: u32, arguments: &'a str) -> Self {
        Self { index: Some(index), id: None, r#type: None, function: FunctionJson { name: None, arguments } }
    }
}

#[derive(Serialize)]
pub(crate) struct UsageJson {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
    prompt_tokens_details: PromptJson,
    completion_tokens_details: CompletionJson,
}

#[derive(Serialize)]
struct PromptJson {
    cached_tokens: u32,
    /// Most providers of this dialect write to their caches without a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_tokens: Option<u32>,
}

#[derive(Serialize)]
struct CompletionJson {
    reasoning_tokens: u32,
}

impl From<Usage> for UsageJson {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptJson {
                cached_tokens: usage.cached_input_tokens,
                cache_write_tokens: Some(usage.cache_write_tokens).filter(|tokens| *tokens != 0),
            },
            completion_tokens_details: CompletionJson { reasoning_tokens: usage.reasoning_tokens },
        }
    }
}

fn finish_word(finish: Finish) -> &'static str {
    // The dialect has no word for other reasons, and SDKs know these words only.
    finish.word().unwrap_or("stop")
}

/// Texts that stood apart and have one place here; nothing if there are none.
fn joined<'a>(texts: &[&'a str]) -> Option<Cow<'a, str>> {
    match *texts {
        [] => None,
        [text] => Some(Cow::Borrowed(text)),
        _ => Some(Cow::Owned(texts.join(APART))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::conversation::{Conversation, Speaker};

    /// With everything that the dialect can say, as this gateway would write it.
    const GOLDEN: &str = r#"{
        "model": "large",
        "messages": [
            {"role": "system", "content": "you are a travel agent"},
            {"role": "user", "name": "Ann", "content": [
                {"type": "text", "text": "what is the weather here, and at home?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/rome.jpg"}},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                {"type": "file", "file": {"filename": "plan.pdf", "file_data": "data:application/pdf;base64,JVBE"}}]},
            {"role": "assistant", "content": "I look it up", "tool_calls": [
                {"id": "call_1", "type": "function",
                    "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}},
                {"id": "call_2", "type": "function",
                    "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            {"role": "tool", "tool_call_id": "call_2", "content": [
                {"type": "text", "text": "rain"}, {"type": "text", "text": "and wind"}]},
            {"role": "user", "content": "and who is to blame?"},
            {"role": "assistant", "content": null, "refusal": "I do not blame anybody"},
            {"role": "user", "content": "as JSON please"}],
        "tools": [
            {"type": "function", "function": {"name": "weather", "description": "of a city", "strict": true,
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},
            {"type": "function", "function": {"name": "now"}}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": true,
        "max_completion_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.25,
        "seed": -7,
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "stop": ["END"],
        "n": 2,
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "report", "schema": {"type": "object"}, "strict": true}},
        "reasoning_effort": "low",
        "user": "ann-17",
        "stream": true,
        "stream_options": {"include_usage": true}
    }"#;

    fn parsed(body: &[u8]) -> Conversation {
        let mut losses = Vec::new();
        let conversation = parse_request(body, &mut losses).unwrap();
        assert_eq!(losses, []);
        // They are in the order of the body.
        Conversation { fields: Vec::new(), ..conversation }
    }

    #[test]
    fn a_conversation_with_everything_comes_back_as_it_was() {
        let conversation = parsed(GOLDEN.as_bytes());
        let mut losses = Vec::new();
        let written = write_request(&conversation, "large", &mut losses).unwrap();
        assert_eq!(losses, []);
        let json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
        assert_eq!(json(&written), json(GOLDEN.as_bytes()));
        assert_eq!(parsed(&written), conversation);
    }

    #[test]
    fn results_of_parallel_calls_are_one_turn_of_the_user() {
        let turns = parsed(GOLDEN.as_bytes()).turns;
        let shape: Vec<_> = turns.iter().map(|turn| (turn.speaker, turn.at.as_str(), turn.parts.len())).collect();
        let expected = [
            (Speaker::System, "messages[0]", 1),
            (Speaker::User, "messages[1]", 5),
            (Speaker::Assistant, "messages[2]", 3),
            (Speaker::User, "messages[3]", 2),
            (Speaker::User, "messages[5]", 1),
            (Speaker::Assistant, "messages[6]", 1),
            (Speaker::User, "messages[7]", 1),
        ];
        assert_eq!(shape, expected);
    }

    #[test]
    fn a_schema_may_be_nested_as_deep_as_it_likes() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let schema = format!(r#"{{"default":{deep}}}"#);
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}],"unknown":{deep},"tools":[
                {{"type":"function","function":{{"name":"f","parameters":{schema}}}}}],
                "response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{schema}}}}}}}"#
        );
        let mut losses = Vec::new();
        let conversation = parse_request(body.as_bytes(), &mut losses).unwrap();
        assert_eq!(losses, [Loss::new("unknown", crate::dialect::given::NO_COUNTERPART)]);
        assert_eq!(conversation.tools[0].schema.as_ref(), Some(&schema));
        let written = write_request(&conversation, "m", &mut losses).unwrap();
        assert_eq!(parse_request(&written, &mut losses).unwrap().tools, conversation.tools);
    }
}

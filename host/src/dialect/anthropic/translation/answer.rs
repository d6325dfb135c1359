//! A whole message, and an error: read from targets of this dialect, and written in it for callers of another target.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::{BEYOND, BlockJson, NOT_AN_OBJECT, dropped, leave_out, read_content};
use crate::chat::{Finish, Usage};
use crate::dialect::anthropic::answer::{Counted, finish};
use crate::dialect::conversation::{Choice, Failure, Loss, Part, Reply};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Object, json_object, written};
use crate::dialect::raw::{Kind, Value};

/// Read a whole answer.
///
/// # Errors
/// What is missing or of the wrong type.
pub(crate) fn parse_answer(body: &[u8], losses: &mut Vec<Loss>) -> Result<Reply, Wrong> {
    let message = Object::of_body(body, "a message")?;
    // What has none is no message, whatever its status was.
    message.needed("content")?;
    let (mut reply, mut choice, mut left) = (Reply::default(), Choice::default(), Vec::new());
    for field in &message.fields {
        match &*field.name {
            "type" | "role" => {}
            "id" => reply.id = field.text()?,
            "model" => reply.model = field.text()?,
            "content" => choice.parts = read_content(field, &mut left)?,
            "stop_reason" => choice.finish = Some(finish(&field.text()?)),
            "stop_sequence" => choice.stopped_by = Some(field.text()?),
            "usage" => reply.usage = Counted::default().and(field.value),
            _ => leave_out(field, &mut left),
        }
    }
    losses.extend(dropped(left));
    reply.choices.push(choice);
    Ok(reply)
}

/// A message as it is written, whole or at the start of a stream.
#[derive(Serialize)]
pub(super) struct MessageJson<'a> {
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<BlockJson<'a>>,
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
    usage: UsageJson,
}

impl<'a> MessageJson<'a> {
    /// With nothing in it so far.
    pub(super) fn begun(id: &'a str, model: &'a str) -> Self {
        Self {
            id,
            r#type: "message",
            role: "assistant",
            model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: UsageJson::default(),
        }
    }
}

/// What was used, as this dialect counts: what was read from the provider's cache or written to it is not
/// part of the input.
#[derive(Default, Serialize)]
pub(super) struct UsageJson {
    input_tokens: u32,
    cache_creation_input_tokens: u32,
    cache_read_input_tokens: u32,
    output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetailsJson>,
}

#[derive(Serialize)]
struct OutputDetailsJson {
    thinking_tokens: u32,
}

impl From<Usage> for UsageJson {
    fn from(usage: Usage) -> Self {
        // Some servers count the cached part apart from the input; less than nothing it cannot be.
        Self {
            input_tokens: usage
                .input_tokens
                .saturating_sub(usage.cached_input_tokens)
                .saturating_sub(usage.cache_write_tokens),
            cache_creation_input_tokens: usage.cache_write_tokens,
            cache_read_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            output_tokens_details: Some(usage.reasoning_tokens)
                .filter(|tokens| *tokens > 0)
                .map(|thinking_tokens| OutputDetailsJson { thinking_tokens }),
        }
    }
}

/// Why an answer ended, and the text that ended it where one did.
pub(super) fn stop_reason(finish: Finish, stopped_by: Option<&str>) -> (&'static str, Option<&str>) {
    match finish {
        Finish::Stop if stopped_by.is_some() => ("stop_sequence", stopped_by),
        // The dialect has no word for other reasons that SDKs would not act upon.
        Finish::Stop | Finish::Other => ("end_turn", None),
        Finish::Length => ("max_tokens", None),
        Finish::ToolCalls => ("tool_use", None),
        Finish::ContentFilter => ("refusal", None),
    }
}

/// Write a whole answer.
///
/// # Errors
/// When a tool is called with arguments that are no JSON object, or there is nothing to write.
pub(crate) fn write_answer(reply: &Reply, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let Some(choice) = reply.choices.iter().find(|choice| choice.index == 0) else {
        return Err(Wrong::new("", "the answer has no choice 0"));
    };
    if reply.choices.len() > 1 {
        losses.push(Loss::harmless("choices", "the caller's dialect has one answer at a time"));
    }
    let mut content = Vec::new();
    for part in &choice.parts {
        content.extend(write_part(part, losses)?);
    }
    // As the API has it, and as callers send it back.
    content.sort_by_key(|block| !matches!(block, BlockJson::Thinking { .. } | BlockJson::RedactedThinking { .. }));
    let (reason, stop_sequence) = stop_reason(choice.finish.unwrap_or_default(), choice.stopped_by.as_deref());
    written(&MessageJson {
        content,
        stop_reason: Some(reason),
        stop_sequence,
        usage: reply.usage.map(UsageJson::from).unwrap_or_default(),
        ..MessageJson::begun(&reply.id, &reply.model)
    })
}

fn write_part<'a>(part: &'a Part, losses: &mut Vec<Loss>) -> Result<Option<BlockJson<'a>>, Wrong> {
    Ok(match part {
        Part::Text(text) | Part::Refusal(text) => (!text.is_empty()).then_some(BlockJson::Text { text }),
        Part::Thinking { text, signature } => {
            let signature = signature.as_deref().unwrap_or_default();
            Some(BlockJson::Thinking { thinking: text, signature })
        }
        Part::SealedThinking(data) => Some(BlockJson::RedactedThinking { data }),
        Part::Call(call) => {
            let input = json_object(&call.arguments).ok_or_else(|| Wrong::new("content", NOT_AN_OBJECT))?;
            Some(BlockJson::ToolUse { id: &call.id, name: &call.name, input })
        }
        Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Result(_) => {
            losses.push(Loss::harmless(part.word(), BEYOND));
            None
        }
    })
}

/// Read the body of an error response. What it does not say stays empty.
pub(crate) fn parse_failure(body: &[u8]) -> Failure {
    let body = Value::or_null(body);
    let error = body.fields().last("error").filter(|error| matches!(error.kind(), Kind::Object | Kind::String));
    let error = error.unwrap_or(body);
    let fields = error.fields();
    let said = |name: &str| fields.last(name).and_then(Value::text).map(|text| text.into_owned());
    // Some servers write the message alone.
    let message = said("message").or_else(|| error.text().map(|text| text.into_owned()));
    Failure::told(message, said)
}

/// The kinds of errors that this dialect knows.
const KINDS: &[&str] = &[
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "overloaded_error",
    "api_error",
];

/// Write the body of an error response. A kind that the dialect does not know follows from the status, as the API's
/// reference has it.
pub(crate) fn write_failure(status: StatusCode, failure: &Failure) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a> {
        r#type: &'static str,
        error: Inner<'a>,
    }
    #[derive(Serialize)]
    struct Inner<'a> {
        r#type: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        param: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
    }
    let otherwise = match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        // The first and 424 are Bedrock's: the model took too long, or failed.
        408 | 504 => "timeout_error",
        529 => "overloaded_error",
        424 | 500.. => "api_error",
        _ => "invalid_request_error",
    };
    let known = failure.kind.as_deref().filter(|kind| KINDS.contains(kind));
    let error = Inner {
        r#type: known.unwrap_or(otherwise),
        message: &failure.message,
        param: failure.field.as_deref(),
        code: failure.code.as_deref(),
    };
    // Serialising strings cannot fail.
    serde_json::to_vec(&Envelope { r#type: "error", error }).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::super::tests::spoilt;
    use super::*;
    use crate::dialect::conversation::{Call, Media, Source};

    /// As this gateway would write it.
    const GOLDEN: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"large","content":[
        {"type":"thinking","thinking":"hmm","signature":"seal"},
        {"type":"redacted_thinking","data":"AAAA"},
        {"type":"text","text":"I look it up"},
        {"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Rome"}},
        {"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":0,
        "cache_read_input_tokens":4,"output_tokens":7}}"#;

    fn read(body: &str) -> (Reply, Vec<Loss>) {
        let mut losses = Vec::new();
        (parse_answer(body.as_bytes(), &mut losses).unwrap(), losses)
    }

    fn write(reply: &Reply) -> (serde_json::Value, Vec<String>) {
        let mut losses = Vec::new();
        let body = write_answer(reply, &mut losses).unwrap();
        assert!(losses.iter().all(|loss| loss.is_harmless), "{losses:?}");
        (serde_json::from_slice(&body).unwrap(), losses.into_iter().map(|loss| loss.field).collect())
    }

    fn reply(parts: Vec<Part>) -> Reply {
        Reply { choices: vec![Choice { parts, ..Choice::default() }], ..Reply::default() }
    }

    fn call(arguments: &str) -> Part {
        Part::Call(Call { id: "toolu_1".to_owned(), name: "f".to_owned(), arguments: arguments.to_owned() })
    }

    #[test]
    fn an_answer_with_everything_comes_back_as_it_was() {
        let (reply, losses) = read(GOLDEN);
        assert_eq!(losses, []);
        let usage = Usage { input_tokens: 9, cached_input_tokens: 4, output_tokens: 7, ..Usage::default() };
        assert_eq!(reply.usage, Some(usage));
        assert_eq!(reply.choices[0].finish, Some(Finish::ToolCalls));
        assert_eq!(reply.choices[0].parts.len(), 5);
        let (json, losses) = write(&reply);
        assert_eq!(losses, Vec::<String>::new());
        assert_eq!(json, serde_json::from_str::<serde_json::Value>(GOLDEN).unwrap());
    }

    #[test]
    fn why_an_answer_ended_is_told_in_the_callers_words() {
        for (reason, finish, back) in [
            ("end_turn", Finish::Stop, "end_turn"),
            ("max_tokens", Finish::Length, "max_tokens"),
            ("model_context_window_exceeded", Finish::Length, "max_tokens"),
            ("tool_use", Finish::ToolCalls, "tool_use"),
            ("refusal", Finish::ContentFilter, "refusal"),
            ("pause_turn", Finish::Other, "end_turn"),
            ("of_old_age", Finish::Other, "end_turn"),
        ] {
            let (reply, _) = read(&format!(r#"{{"content":[],"stop_reason":"{reason}","stop_sequence":null}}"#));
            assert_eq!(reply.choices[0].finish, Some(finish), "{reason}");
            assert_eq!(write(&reply).0["stop_reason"], back, "{reason}");
        }
        let (reply, _) = read(r#"{"content":[],"stop_reason":"stop_sequence","stop_sequence":"END"}"#);
        assert_eq!(reply.choices[0].stopped_by.as_deref(), Some("END"));
        let (json, _) = write(&reply);
        assert_eq!(json["stop_reason"], "stop_sequence");
        assert_eq!(json["stop_sequence"], "END");
    }

    #[test]
    fn what_was_read_from_a_cache_and_written_to_it_is_input_too() {
        let body = r#"{"content":[],"usage":{"input_tokens":1,"cache_creation_input_tokens":2,
            "cache_read_input_tokens":4,"output_tokens":8,"output_tokens_details":{"thinking_tokens":5},
            "service_tier":"standard"}}"#;
        let usage = Usage {
            input_tokens: 7,
            cached_input_tokens: 4,
            cache_write_tokens: 2,
            output_tokens: 8,
            reasoning_tokens: 5,
        };
        assert_eq!(read(body).0.usage, Some(usage));
        let (json, _) = write(&read(body).0);
        assert_eq!(json["usage"]["output_tokens_details"]["thinking_tokens"], 5);
    }

    #[test]
    fn what_an_answer_says_beyond_the_callers_dialect_is_named_and_withholds_nothing() {
        let (reply, losses) = read(
            r#"{"stop_details":{"category":"a"},"container":null,"content":[
                {"type":"web_search_tool_result","tool_use_id":"a","content":[]},
                {"type":"text","text":"hi","citations":[{"cited_text":"b"}]}]}"#,
        );
        assert_eq!(reply.choices[0].parts, [Part::Text("hi".to_owned())]);
        let fields: Vec<_> = losses.iter().map(|loss| loss.field.as_str()).collect();
        assert_eq!(fields, ["stop_details", "content[0].type", "content[1].citations"]);
        assert!(losses.iter().all(|loss| loss.is_harmless));
    }

    #[test]
    fn thoughts_come_first_and_a_refusal_is_text() {
        let media = Media { source: Source::Url("https://example.com/a.png".to_owned()), name: None };
        let parts = vec![
            Part::Refusal("no".to_owned()),
            Part::Text(String::new()),
            Part::Image(media),
            Part::Thinking { text: "hmm".to_owned(), signature: None },
        ];
        let mut several = reply(parts);
        several.choices.push(Choice { index: 1, ..Choice::default() });
        let (json, losses) = write(&several);
        let expected = serde_json::json!([
            {"type": "thinking", "thinking": "hmm", "signature": ""},
            {"type": "text", "text": "no"}]);
        assert_eq!(json["content"], expected);
        assert_eq!(losses, ["choices", "image"]);
    }

    #[test]
    fn a_call_is_written_with_an_object_or_not_at_all() {
        assert_eq!(write(&reply(vec![call("")])).0["content"][0]["input"], serde_json::json!({}));
        for arguments in ["[1]", "{\"city\":", "null", "Rome"] {
            let wrong = write_answer(&reply(vec![call(arguments)]), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.message, NOT_AN_OBJECT, "{arguments}");
        }
        assert!(write_answer(&Reply::default(), &mut Vec::new()).is_err());
    }

    #[test]
    fn an_answer_that_is_none_is_refused_and_none_can_panic() {
        for (body, field) in [
            ("", ""),
            ("null", ""),
            ("[]", ""),
            ("{}", "content"),
            (r#"{"content":null}"#, "content"),
            (r#"{"content":3}"#, "content"),
            (r#"{"content":[],"id":3}"#, "id"),
            (r#"{"content":[],"stop_reason":{}}"#, "stop_reason"),
            (r#"{"content":[],"content":[]}"#, "content"),
        ] {
            let wrong = parse_answer(body.as_bytes(), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.field, field, "{body}: {}", wrong.message);
        }
        assert!(parse_answer(b"{\"content\":\"\xff\"}", &mut Vec::new()).is_err());
        for body in spoilt(GOLDEN) {
            if let Ok(reply) = parse_answer(body.as_bytes(), &mut Vec::new()) {
                write_answer(&reply, &mut Vec::new()).unwrap();
            }
        }
    }

    #[test]
    fn an_error_is_read_as_far_as_it_says_something() {
        for (body, message, kind) in [
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"},"request_id":"req_1"}"#,
                "busy",
                Some("overloaded_error"),
            ),
            (r#"{"error":"broken"}"#, "broken", None),
            (r#"{"message":"gone"}"#, "gone", None),
            (r#"{"type":"error","error":null}"#, "", Some("error")),
            (r#"{"error":{"message":{"a":1},"type":[]}}"#, "", None),
            ("<html>bad gateway</html>", "", None),
            ("\"unfinished", "", None),
            ("{\"error\"", "", None),
            ("", "", None),
        ] {
            let failure = parse_failure(body.as_bytes());
            assert_eq!((failure.message.as_str(), failure.kind.as_deref()), (message, kind), "{body}");
        }
        assert_eq!(parse_failure(b"\xff"), Failure::default());
    }

    #[test]
    fn the_kind_of_an_error_from_another_dialect_follows_from_its_status() {
        for (status, kind, expected) in [
            (400, None, "invalid_request_error"),
            (401, Some("invalid_api_key"), "authentication_error"),
            (402, None, "billing_error"),
            (403, None, "permission_error"),
            (404, None, "not_found_error"),
            (409, None, "conflict_error"),
            (413, None, "request_too_large"),
            (422, None, "invalid_request_error"),
            (429, Some("insufficient_quota"), "rate_limit_error"),
            (500, Some("server_error"), "api_error"),
            (503, None, "api_error"),
            (503, Some("overloaded_error"), "overloaded_error"),
            (408, None, "timeout_error"),
            (424, None, "api_error"),
            (504, None, "timeout_error"),
            (529, None, "overloaded_error"),
        ] {
            let kind = kind.map(str::to_owned);
            let failure = Failure { message: "a \"b\"".to_owned(), kind, ..Failure::default() };
            let body = write_failure(StatusCode::from_u16(status).unwrap(), &failure);
            let expected = format!(r#"{{"type":"error","error":{{"type":"{expected}","message":"a \"b\""}}}}"#);
            assert_eq!(body, expected, "{status}");
        }
    }

    #[test]
    fn an_error_keeps_its_code_and_field() {
        let failure = Failure {
            message: "no".to_owned(),
            kind: Some("api_error".to_owned()),
            code: Some("pii.blocked".to_owned()),
            field: Some("messages[0]".to_owned()),
            own: None,
        };
        assert_eq!(parse_failure(&write_failure(StatusCode::BAD_GATEWAY, &failure)), failure);
    }
}

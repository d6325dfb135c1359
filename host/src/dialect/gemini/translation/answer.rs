//! A whole answer, and an error: read from targets of this dialect, and written in it for callers of another target.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::super::answer::{finish, is_blocked, usage, with_calls};
use super::super::spelling::{Spelt, last};
use super::calls::new_id;
use super::{BEYOND, ContentJson, PartJson, What, dropped, leave_out, read_part, seal, wrapped};
use crate::chat::{Finish, Usage};
use crate::dialect::conversation::{Call, Choice, Failure, Loss, Part, Reply};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object, written};
use crate::dialect::raw::{Kind, Value};

/// Fields of an answer that say nothing which any caller would miss.
pub(super) const USUAL: &[&str] = &["createTime", "modelStatus", "safetyRatings", "avgLogprobs", "tokenCount"];

/// Read a whole answer.
///
/// # Errors
/// What is missing or of the wrong type.
pub(crate) fn parse_answer(body: &[u8], losses: &mut Vec<Loss>) -> Result<Reply, Wrong> {
    let answer = Spelt::new(Object::of_body(body, "an answer")?)?;
    let (mut reply, mut left) = (Reply::default(), Vec::new());
    for (name, field) in answer.fields() {
        match &*name {
            "responseId" => reply.id = field.text()?,
            "modelVersion" => reply.model = field.text()?,
            "usageMetadata" => reply.usage = usage(field.value),
            "candidates" => {
                for (candidate, position) in field.items()?.iter().zip(0..) {
                    reply.choices.push(read_candidate(candidate, position, &mut left)?);
                }
            }
            "promptFeedback" if is_blocked(field.value) => {}
            _ if USUAL.contains(&&*name) => {}
            _ => leave_out(field, &mut left),
        }
    }
    if reply.choices.is_empty() {
        // The prompt was blocked, which is an answer too.
        answer.find("promptFeedback").filter(|feedback| is_blocked(feedback.value)).map(|_| ()).ok_or_else(missing)?;
        reply.choices.push(Choice { finish: Some(Finish::ContentFilter), ..Choice::default() });
    }
    losses.extend(dropped(left));
    Ok(reply)
}

fn missing() -> Wrong {
    Wrong::new("candidates", "is missing or empty")
}

fn read_candidate(from: &Given<'_>, position: u32, left: &mut Vec<Loss>) -> Result<Choice, Wrong> {
    let from = Spelt::of(from)?;
    let mut choice = Choice { index: position, ..Choice::default() };
    for (name, field) in from.fields() {
        match &*name {
            "index" => choice.index = field.whole()?,
            "content" => choice.parts = read_content(&Spelt::of(field)?, left)?,
            "finishReason" => {
                let finish = finish(&field.text()?);
                left.extend(field.unknown_end(finish));
                choice.finish = Some(finish);
            }
            _ if USUAL.contains(&&*name) => {}
            _ => leave_out(field, left),
        }
    }
    let calls = choice.parts.iter().any(|part| matches!(part, Part::Call(_)));
    choice.finish = choice.finish.map(|finish| with_calls(finish, calls));
    Ok(choice)
}

fn read_content(content: &Spelt<'_>, left: &mut Vec<Loss>) -> Result<Vec<Part>, Wrong> {
    let mut parts = Vec::new();
    let list = content.find("parts").map(Given::items).transpose()?;
    for part in list.iter().flatten() {
        let said = read_part(part, left)?;
        if let Some(What::Thought(text)) = said.what {
            parts.push(Part::Thinking { text, signature: said.signature });
            continue;
        }
        if let Some(signature) = said.signature {
            seal(&mut parts, signature);
        }
        match said.what {
            None | Some(What::Thought(_)) => {}
            Some(What::Text(text)) => parts.extend((!text.is_empty()).then_some(Part::Text(text))),
            Some(What::Media(media)) => parts.push(media),
            Some(What::Call { id, name, arguments }) => {
                parts.push(Part::Call(Call { id: id.unwrap_or_else(new_id), name, arguments }));
            }
            Some(What::Response(response)) => left.push(Loss::harmless(response.path(), BEYOND)),
        }
    }
    Ok(parts)
}

/// An answer as it is written, whole or a part of a stream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerJson<'a> {
    pub(super) candidates: Vec<CandidateJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<UsageJson>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) model_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CandidateJson<'a> {
    pub(super) content: ContentJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'static str>,
    pub(super) index: u32,
}

impl<'a> CandidateJson<'a> {
    pub(super) fn new(index: u32, parts: Vec<PartJson<'a>>) -> Self {
        Self { content: ContentJson { role: Some("model"), parts }, finish_reason: None, index }
    }
}

/// What was used, as this dialect counts: thoughts are not part of what is said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageJson {
    prompt_token_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content_token_count: Option<u32>,
    candidates_token_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts_token_count: Option<u32>,
    total_token_count: u32,
}

impl From<Usage> for UsageJson {
    fn from(usage: Usage) -> Self {
        let some = |count: u32| (count > 0).then_some(count);
        Self {
            prompt_token_count: usage.input_tokens,
            cached_content_token_count: some(usage.cached_input_tokens),
            candidates_token_count: usage.output_tokens.saturating_sub(usage.reasoning_tokens),
            thoughts_token_count: some(usage.reasoning_tokens),
            total_token_count: usage.input_tokens.saturating_add(usage.output_tokens),
        }
    }
}

pub(super) fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        // Calls have no word of their own, and other reasons none that SDKs would not take for a failure.
        Finish::Stop | Finish::ToolCalls | Finish::Other => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::ContentFilter => "SAFETY",
    }
}

/// Write a whole answer.
///
/// # Errors
/// When a tool is called with arguments that are no JSON object.
pub(crate) fn write_answer(reply: &Reply, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let candidates = reply.choices.iter().map(|choice| write_choice(choice, losses)).collect::<Result<Vec<_>, _>>()?;
    written(&AnswerJson {
        candidates,
        usage_metadata: reply.usage.map(UsageJson::from),
        model_version: &reply.model,
        response_id: &reply.id,
    })
}

fn write_choice<'a>(choice: &'a Choice, losses: &mut Vec<Loss>) -> Result<CandidateJson<'a>, Wrong> {
    let (mut parts, mut sealed) = (Vec::new(), None);
    if choice.stopped_by.is_some() {
        losses.push(Loss::harmless("stop_sequence", "candidates do not say which text ended the answer"));
    }
    for part in &choice.parts {
        let written = match part {
            Part::Thinking { text, signature } => {
                parts.extend(sealed.take().map(PartJson::seal));
                parts.extend((!text.is_empty()).then(|| PartJson::thought(text)));
                sealed = signature.as_deref().map(wrapped).map(Cow::Owned);
                continue;
            }
            Part::Text(text) | Part::Refusal(text) if text.is_empty() => continue,
            Part::Text(text) | Part::Refusal(text) => PartJson::text(text),
            Part::Call(call) => PartJson::call(&call.id, &call.name, &call.arguments)?,
            Part::SealedThinking(_) | Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Result(_) => {
                losses.push(Loss::harmless(part.word(), BEYOND));
                continue;
            }
        };
        parts.push(PartJson { thought_signature: sealed.take(), ..written });
    }
    parts.extend(sealed.map(PartJson::seal));
    let finish_reason = Some(finish_reason(choice.finish.unwrap_or_default()));
    Ok(CandidateJson { finish_reason, ..CandidateJson::new(choice.index, parts) })
}

/// Read the body of an error response. What it does not say stays empty.
pub(crate) fn parse_failure(body: &[u8]) -> Failure {
    let body = Value::or_null(body);
    // Without events, the server writes a list of one.
    let body = body.items().first().copied().unwrap_or(body);
    let error = body.fields().last("error").filter(|error| matches!(error.kind(), Kind::Object | Kind::String));
    read_failure(error.unwrap_or(body))
}

/// What `error` says: an object, or the message alone.
pub(super) fn read_failure(error: Value<'_>) -> Failure {
    let fields = error.fields();
    let own = |value: Option<Value<'_>>| value.and_then(Value::text).map(|text| text.into_owned());
    let details = last(&fields, "details").map(Value::items).unwrap_or_default();
    let detail = |name: &str| details.iter().find_map(|detail| last(&detail.fields(), name));
    let violation = detail("fieldViolations").and_then(|list| list.items().first().copied());
    Failure {
        message: own(last(&fields, "message")).or_else(|| own(Some(error))).unwrap_or_default(),
        kind: own(last(&fields, "status")),
        code: own(detail("reason")),
        field: violation.and_then(|violation| own(last(&violation.fields(), "field"))),
        own: None,
    }
}

/// The words of the API for a status.
fn status_word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        501 => "UNIMPLEMENTED",
        502 | 503 | 529 => "UNAVAILABLE",
        408 | 504 => "DEADLINE_EXCEEDED",
        // The first is Bedrock's: the model failed.
        424 | 500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

/// The status of an error in the middle of a stream, whose response had another: as the words of other dialects have it.
pub(super) fn status_of(failure: &Failure) -> StatusCode {
    match failure.kind.as_deref().unwrap_or_default() {
        "invalid_request_error" | "guardrail_denied" | "INVALID_ARGUMENT" => StatusCode::BAD_REQUEST,
        "authentication_error" => StatusCode::UNAUTHORIZED,
        "permission_error" => StatusCode::FORBIDDEN,
        "not_found_error" => StatusCode::NOT_FOUND,
        "rate_limit_error" | "insufficient_quota" => StatusCode::TOO_MANY_REQUESTS,
        "overloaded_error" | "guardrail_failed" => StatusCode::SERVICE_UNAVAILABLE,
        "timeout_error" | "timeout" => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// Write the body of an error response. The code stands where the API has its own reasons.
pub(crate) fn write_failure(status: StatusCode, failure: &Failure) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a> {
        error: Inner<'a>,
    }
    #[derive(Serialize)]
    struct Inner<'a> {
        code: u16,
        message: &'a str,
        status: &'static str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        details: Vec<DetailJson<'a>>,
    }
    #[derive(Serialize)]
    #[serde(tag = "@type")]
    enum DetailJson<'a> {
        #[serde(rename = "type.googleapis.com/google.rpc.ErrorInfo")]
        ErrorInfo { reason: &'a str, domain: &'static str },
        #[serde(rename = "type.googleapis.com/google.rpc.BadRequest", rename_all = "camelCase")]
        BadRequest { field_violations: [ViolationJson<'a>; 1] },
    }
    #[derive(Serialize)]
    struct ViolationJson<'a> {
        field: &'a str,
        description: &'a str,
    }
    let message = failure.message.as_str();
    let info = failure.code.as_deref().map(|reason| DetailJson::ErrorInfo { reason, domain: "sluicegate" });
    let violation =
        |field| DetailJson::BadRequest { field_violations: [ViolationJson { field, description: message }] };
    let details = info.into_iter().chain(failure.field.as_deref().map(violation)).collect();
    let error = Inner { code: status.as_u16(), message, status: status_word(status), details };
    // Serialising strings cannot fail.
    serde_json::to_vec(&Envelope { error }).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::spoilt::spoilt;

    /// As this gateway would write it.
    const GOLDEN: &str = r#"{"candidates":[
        {"content":{"role":"model","parts":[{"text":"hmm","thought":true},{"text":"I look it up"},
            {"functionCall":{"id":"a","name":"weather","args":{"city":"Rome"}},"thoughtSignature":"c2VhbA=="},
            {"functionCall":{"id":"b","name":"now","args":{}}}]},"finishReason":"STOP","index":0},
        {"content":{"role":"model","parts":[{"text":"no"}]},"finishReason":"MAX_TOKENS","index":1}],
        "usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,"candidatesTokenCount":5,
            "thoughtsTokenCount":2,"totalTokenCount":16},
        "modelVersion":"gemini-3-pro","responseId":"abc"}"#;

    fn read(body: &str) -> (Reply, Vec<String>) {
        let mut losses = Vec::new();
        let reply = parse_answer(body.as_bytes(), &mut losses).unwrap();
        assert!(losses.iter().all(|loss| loss.is_harmless), "{losses:?}");
        (reply, losses.into_iter().map(|loss| loss.field).collect())
    }

    fn write(reply: &Reply) -> serde_json::Value {
        serde_json::from_slice(&write_answer(reply, &mut Vec::new()).unwrap()).unwrap()
    }

    fn json(body: &[u8]) -> serde_json::Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn an_answer_with_everything_comes_back_as_it_was() {
        let (reply, losses) = read(GOLDEN);
        assert_eq!(losses, Vec::<String>::new());
        let usage = Usage {
            input_tokens: 9,
            cached_input_tokens: 4,
            cache_write_tokens: 0,
            output_tokens: 7,
            reasoning_tokens: 2,
        };
        assert_eq!(reply.usage, Some(usage));
        let finishes: Vec<_> = reply.choices.iter().map(|choice| choice.finish).collect();
        assert_eq!(finishes, [Some(Finish::ToolCalls), Some(Finish::Length)]);
        let mut expected = json(GOLDEN.as_bytes());
        // Whose seal it is, nobody knows any more.
        expected["candidates"][0]["content"]["parts"][2]["thoughtSignature"] = wrapped("c2VhbA==").into();
        assert_eq!(write(&reply), expected);
    }

    #[test]
    fn calls_without_an_id_get_one() {
        let (reply, _) = read(
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"f"}}]}}]}"#,
        );
        let ids = reply.choices[0].parts.iter().map(|part| match part {
            Part::Call(call) => call.id.clone(),
            other => panic!("{other:?}"),
        });
        let ids: Vec<String> = ids.collect();
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.starts_with("call_")), "{ids:?}");
    }

    #[test]
    fn a_blocked_prompt_is_an_answer_that_was_filtered() {
        let (reply, _) = read(r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"modelVersion":"m"}"#);
        assert_eq!(reply.choices[0].finish, Some(Finish::ContentFilter));
        assert_eq!(write(&reply)["candidates"][0]["finishReason"], "SAFETY");
    }

    #[test]
    fn why_an_answer_ended_is_told_in_the_callers_words() {
        for (reason, finish, back) in [
            ("STOP", Finish::Stop, "STOP"),
            ("MAX_TOKENS", Finish::Length, "MAX_TOKENS"),
            ("SAFETY", Finish::ContentFilter, "SAFETY"),
            ("PROHIBITED_CONTENT", Finish::ContentFilter, "SAFETY"),
            ("MALFORMED_FUNCTION_CALL", Finish::Other, "STOP"),
            ("OF_OLD_AGE", Finish::Other, "STOP"),
        ] {
            let (reply, _) = read(&format!(r#"{{"candidates":[{{"finishReason":"{reason}"}}]}}"#));
            assert_eq!(reply.choices[0].finish, Some(finish), "{reason}");
            assert_eq!(write(&reply)["candidates"][0]["finishReason"], back, "{reason}");
        }
    }

    #[test]
    fn what_an_answer_says_beyond_the_callers_dialect_is_named_and_withholds_nothing() {
        let (reply, losses) = read(
            r#"{"candidates":[{"content":{"parts":[{"text":"hi"},{"executableCode":{"code":"1"}}]},
                "groundingMetadata":{"webSearchQueries":["a"]},"safetyRatings":[{"category":"a"}]}]}"#,
        );
        assert_eq!(reply.choices[0].parts, [Part::Text("hi".to_owned())]);
        assert_eq!(losses, ["candidates[0].content.parts[1].executableCode", "candidates[0].groundingMetadata"]);
    }

    #[test]
    fn a_call_is_written_with_an_object_or_not_at_all() {
        let reply = |arguments: &str| {
            let call = Call { id: "a".to_owned(), name: "f".to_owned(), arguments: arguments.to_owned() };
            let choice = Choice { parts: vec![Part::Call(call)], ..Choice::default() };
            Reply { choices: vec![choice], ..Reply::default() }
        };
        let args = &write(&reply(""))["candidates"][0]["content"]["parts"][0]["functionCall"]["args"];
        assert_eq!(*args, serde_json::json!({}));
        for arguments in ["[1]", "{\"city\":", "null", "Rome"] {
            assert!(write_answer(&reply(arguments), &mut Vec::new()).is_err(), "{arguments}");
        }
    }

    #[test]
    fn an_answer_that_is_none_is_refused_and_none_can_panic() {
        for (body, field) in [
            ("", ""),
            ("[]", ""),
            ("{}", "candidates"),
            (r#"{"candidates":[]}"#, "candidates"),
            (r#"{"candidates":[3]}"#, "candidates[0]"),
            (r#"{"candidates":[{"index":-1}]}"#, "candidates[0].index"),
            (r#"{"candidates":[{"content":{"parts":[{"text":3}]}}]}"#, "candidates[0].content.parts[0].text"),
            (r#"{"candidates":[{"finishReason":"a","finish_reason":"b"}]}"#, "candidates[0].finish_reason"),
        ] {
            let wrong = parse_answer(body.as_bytes(), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.field, field, "{body}: {}", wrong.message);
        }
        for body in spoilt(GOLDEN) {
            if let Ok(reply) = parse_answer(body.as_bytes(), &mut Vec::new()) {
                write_answer(&reply, &mut Vec::new()).unwrap();
            }
        }
    }

    #[test]
    fn an_error_is_read_and_written_in_googles_shape() {
        // As the API answers to a key that it does not know.
        let theirs = br#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID",
                "domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}},
            {"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents"}]}]}}]"#;
        let [kind, code, field] = ["INVALID_ARGUMENT", "API_KEY_INVALID", "contents"].map(|word| Some(word.to_owned()));
        let failure = Failure { message: "API key not valid.".to_owned(), kind, code, field, own: None };
        assert_eq!(parse_failure(theirs), failure);
        let ours = write_failure(StatusCode::BAD_REQUEST, &failure);
        assert_eq!(parse_failure(&ours), failure);
        let ours = json(&ours);
        assert_eq!(ours["error"]["code"], 400);
        assert_eq!(ours["error"]["details"][0]["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
        for (body, message) in [("", ""), ("3", ""), (r#"{"error":"broken"}"#, "broken"), (r#"{"message":"a"}"#, "a")] {
            assert_eq!(parse_failure(body.as_bytes()).message, message, "{body}");
        }
        for (status, word) in [
            (401, "UNAUTHENTICATED"),
            (424, "INTERNAL"),
            (429, "RESOURCE_EXHAUSTED"),
            (500, "INTERNAL"),
            (413, "INVALID_ARGUMENT"),
        ] {
            let body = write_failure(StatusCode::from_u16(status).unwrap(), &Failure::default());
            assert_eq!(json(&body)["error"]["status"], word, "{status}");
        }
    }
}

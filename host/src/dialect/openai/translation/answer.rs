//! A whole chat completion and an error, to and from what they say.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::request::spoken;
use super::{CallJson, UsageJson, finish_word, is_usual, joined};
use crate::dialect::conversation::{Choice, Failure, Loss, Part, Reply};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object, written};
use crate::dialect::openai::answer::{finish, usage};
use crate::dialect::raw::{Kind, Value};
use crate::moment::Moment;

/// Read a whole answer.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn parse_answer(body: &[u8], losses: &mut Vec<Loss>) -> Result<Reply, Wrong> {
    let mut reply = Reply::default();
    let mut left = Vec::new();
    for field in Object::of_body(body, "a chat completion")?.fields {
        match &*field.name {
            "id" => reply.id = field.text()?,
            "model" => reply.model = field.text()?,
            "choices" => {
                for (position, choice) in (0..).zip(field.items()?) {
                    reply.choices.push(read_choice(&choice, position, &mut left)?);
                }
            }
            "usage" => reply.usage = usage(field.value),
            "object" | "created" | "system_fingerprint" | "service_tier" => {}
            _ if is_usual(&field) => {}
            _ => left.push(field.loss()),
        }
    }
    if reply.choices.is_empty() {
        return Err(Wrong::new("choices", "is missing or empty"));
    }
    losses.extend(left.into_iter().map(Loss::unasked));
    Ok(reply)
}

fn read_choice(from: &Given<'_>, position: u32, left: &mut Vec<Loss>) -> Result<Choice, Wrong> {
    let mut choice = Choice { index: position, ..Choice::default() };
    for field in from.object()?.fields {
        match &*field.name {
            "index" => choice.index = field.whole()?,
            "message" => choice.parts = spoken(&field.object()?, left)?,
            "finish_reason" => {
                // Some servers write "" for null.
                let reason = field.text()?;
                choice.finish = (!reason.is_empty()).then(|| finish(&reason));
            }
            _ if is_usual(&field) => {}
            _ => left.push(field.loss()),
        }
    }
    Ok(choice)
}

#[derive(Serialize)]
struct AnswerJson<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageJson>,
}

#[derive(Serialize)]
struct ChoiceJson<'a> {
    index: u32,
    message: MessageJson<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct MessageJson<'a> {
    role: &'static str,
    content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallJson<'a>>,
}

/// Write a whole answer.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn write_answer(reply: &Reply, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let answer = AnswerJson {
        id: &reply.id,
        object: "chat.completion",
        created: Moment::now().seconds(),
        model: &reply.model,
        choices: reply.choices.iter().map(|choice| write_choice(choice, losses)).collect(),
        usage: reply.usage.map(UsageJson::from),
    };
    written(&answer)
}

fn write_choice<'a>(choice: &'a Choice, losses: &mut Vec<Loss>) -> ChoiceJson<'a> {
    const SEALED: &str = "chat completions have no place for what only the provider can read";
    let (mut texts, mut thoughts, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    let mut tool_calls = Vec::new();
    for part in &choice.parts {
        match part {
            Part::Text(text) => texts.push(text.as_str()),
            Part::Thinking { text, signature } => {
                thoughts.extend(Some(text.as_str()).filter(|text| !text.is_empty()));
                losses.extend(signature.as_ref().map(|_| Loss::harmless("thinking.signature", SEALED)));
            }
            Part::SealedThinking(_) => losses.push(Loss::harmless("thinking", SEALED)),
            Part::Refusal(text) => refusals.push(text.as_str()),
            Part::Call(call) => tool_calls.push(CallJson::whole(call)),
            Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Result(_) => {
                losses.push(Loss::new(part.word(), "chat completions have no place for it in an answer"));
            }
        }
    }
    if choice.stopped_by.is_some() {
        losses.push(Loss::harmless("stop_sequence", "chat completions do not say which text ended the answer"));
    }
    ChoiceJson {
        index: choice.index,
        message: MessageJson {
            role: "assistant",
            content: joined(&texts),
            reasoning_content: joined(&thoughts),
            refusal: joined(&refusals),
            tool_calls,
        },
        logprobs: None,
        finish_reason: finish_word(choice.finish.unwrap_or_default()),
    }
}

/// Read the body of an error response, in any of the shapes that providers of this dialect have for it.
pub(crate) fn parse_failure(body: &[u8]) -> Failure {
    let body = Value::or_null(body);
    // Gemini's server writes a list of one.
    let body = body.items().first().copied().unwrap_or(body);
    let error = body.fields().last("error").filter(|error| matches!(error.kind(), Kind::Object | Kind::String));
    read_failure(error.unwrap_or(body))
}

/// What `error` says: an object, or the message alone.
pub(in super::super::super) fn read_failure(error: Value<'_>) -> Failure {
    let fields = error.fields();
    let said = |name: &str| {
        let value = fields.last(name)?;
        match value.kind() {
            // Some servers write the status as the code.
            Kind::Number => Some(value.source().to_owned()),
            _ => value.text().map(Cow::into_owned),
        }
    };
    let message = said("message").or_else(|| said("detail")).or_else(|| error.text().map(Cow::into_owned));
    Failure::told(message, said)
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

/// The kinds of errors that this dialect knows.
const KINDS: &[&str] = &[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "insufficient_quota",
    "server_error",
];

/// Write the body of an error response.
pub(crate) fn write_failure(status: StatusCode, failure: &Failure) -> Bytes {
    let kind = match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        // Bedrock's: the model took too long, or failed.
        408 | 424 | 500.. => "server_error",
        _ => "invalid_request_error",
    };
    failure_json(failure, kind).into()
}

/// An error whose kind is `otherwise` if it is a provider's of a kind that this dialect does not know.
pub(super) fn failure_json(failure: &Failure, otherwise: &str) -> Vec<u8> {
    let known = failure.kind.as_deref().filter(|kind| KINDS.contains(kind));
    let known = failure.own.as_ref().map(|own| own.kind.as_str()).or(known);
    let error = Inner {
        message: &failure.message,
        r#type: known.unwrap_or(otherwise),
        param: failure.field.as_deref(),
        code: failure.code.as_deref(),
    };
    // Serialising strings cannot fail.
    serde_json::to_vec(&Envelope { error }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::super::super::conversation::{Call, Media, Source};
    use super::*;
    use crate::chat::{Finish, Usage};

    fn read(body: &str) -> (Reply, Vec<Loss>) {
        let mut losses = Vec::new();
        (parse_answer(body.as_bytes(), &mut losses).unwrap(), losses)
    }

    fn written(reply: &Reply) -> (serde_json::Value, Vec<Loss>) {
        let mut losses = Vec::new();
        let body = write_answer(reply, &mut losses).unwrap();
        (serde_json::from_slice(&body).unwrap(), losses)
    }

    fn thinking(text: &str, signature: Option<&str>) -> Part {
        Part::Thinking { text: text.to_owned(), signature: signature.map(str::to_owned) }
    }

    fn reply() -> Reply {
        let call = Call { id: "call_1".to_owned(), name: "weather".to_owned(), arguments: "{}".to_owned() };
        Reply {
            id: "chatcmpl-1".to_owned(),
            model: "large".to_owned(),
            choices: vec![
                Choice {
                    index: 0,
                    parts: vec![thinking("hmm", None), Part::Text("I look it up".to_owned()), Part::Call(call)],
                    finish: Some(Finish::ToolCalls),
                    stopped_by: None,
                },
                Choice {
                    index: 1,
                    parts: vec![Part::Refusal("no".to_owned())],
                    finish: Some(Finish::Stop),
                    stopped_by: None,
                },
            ],
            usage: Some(Usage {
                input_tokens: 9,
                cached_input_tokens: 4,
                cache_write_tokens: 3,
                output_tokens: 5,
                reasoning_tokens: 2,
            }),
        }
    }

    #[test]
    fn an_answer_is_read_with_all_that_it_says() {
        let body = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"large",
            "system_fingerprint":"fp","service_tier":"default","choices":[
            {"index":0,"logprobs":null,"finish_reason":"tool_calls","message":{"role":"assistant","annotations":[],
                "tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{}"}}],
                "content":"I look it up","refusal":null,"reasoning":"hmm","reasoning_content":"hmm"}},
            {"index":1,"finish_reason":"stop","message":{"role":"assistant","content":null,"refusal":"no"}}],
            "usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,
                "prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":3},
                "completion_tokens_details":{"reasoning_tokens":2}}}"#;
        assert_eq!(read(body), (reply(), Vec::new()));
    }

    #[test]
    fn an_answer_is_written_as_it_would_be_read() {
        let (json, losses) = written(&reply());
        assert_eq!(losses, []);
        assert_eq!(read(&json.to_string()), (reply(), Vec::new()));
        assert!(json["created"].as_u64().unwrap() > 1_700_000_000);
        assert_eq!(json["object"], "chat.completion");
        assert_eq!(json["usage"]["total_tokens"], 14);
        assert_eq!(json["choices"][0]["message"]["refusal"], serde_json::Value::Null);
        assert_eq!(json["choices"][1]["message"]["content"], serde_json::Value::Null);
        assert_eq!(json["choices"][1]["message"].get("tool_calls"), None);
    }

    #[test]
    fn what_an_answer_cannot_say_is_named() {
        let media = Media { source: Source::Url("https://example.com/a.png".to_owned()), name: None };
        let choice = Choice {
            parts: vec![
                thinking("", Some("seal")),
                Part::SealedThinking("AAAA".to_owned()),
                Part::Text("a".to_owned()),
                Part::Image(media),
                Part::Text("b".to_owned()),
            ],
            stopped_by: Some("END".to_owned()),
            ..Choice::default()
        };
        let (json, losses) = written(&Reply { choices: vec![choice], ..Reply::default() });
        let losses: Vec<_> = losses.iter().map(|loss| (loss.field.as_str(), loss.is_harmless)).collect();
        let expected = [("thinking.signature", true), ("thinking", true), ("image", false), ("stop_sequence", true)];
        assert_eq!(losses, expected);
        assert_eq!(json["choices"][0]["message"]["content"], "a\n\nb");
        assert_eq!(json["choices"][0]["message"].get("reasoning_content"), None);
        assert_eq!(json["choices"][0]["finish_reason"], "stop");
    }

    #[test]
    fn what_a_provider_adds_is_named_and_harms_nobody() {
        let (reply, losses) = read(
            r#"{"x_groq":{"id":"a"},"choices":[{"content_filter_results":{"hate":{}},"finish_reason":"",
                "message":{"content":"hi","annotations":[{"url":"b"}]}}]}"#,
        );
        assert_eq!(reply.choices[0].parts, [Part::Text("hi".to_owned())]);
        assert_eq!(reply.choices[0].finish, None);
        let fields: Vec<_> = losses.iter().map(|loss| loss.field.as_str()).collect();
        assert_eq!(fields, ["x_groq", "choices[0].content_filter_results", "choices[0].message.annotations"]);
        assert!(losses.iter().all(|loss| loss.is_harmless));
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        for (body, field) in [
            ("", ""),
            ("[]", ""),
            ("{}", "choices"),
            (r#"{"choices":[]}"#, "choices"),
            (r#"{"choices":{}}"#, "choices"),
            (r#"{"choices":[3]}"#, "choices[0]"),
            (r#"{"choices":[{"index":-1}]}"#, "choices[0].index"),
            (r#"{"choices":[{"index":4294967296}]}"#, "choices[0].index"),
            (r#"{"choices":[{"message":[]}]}"#, "choices[0].message"),
            (r#"{"choices":[{"message":{"content":3}}]}"#, "choices[0].message.content"),
            (r#"{"choices":[{"message":{"tool_calls":[{}]}}]}"#, "choices[0].message.tool_calls[0].function.name"),
            (r#"{"choices":[{"finish_reason":3}]}"#, "choices[0].finish_reason"),
            (r#"{"choices":[{}],"choices":[{}]}"#, "choices"),
        ] {
            let wrong = parse_answer(body.as_bytes(), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.field, field, "{body}: {}", wrong.message);
        }
        assert!(parse_answer(b"{\"id\":\"\xff\"}", &mut Vec::new()).is_err());
    }

    #[test]
    fn an_error_is_read_in_all_its_shapes() {
        let failure = |message: &str, kind: Option<&str>, code: Option<&str>, field: Option<&str>| {
            let [kind, code, field] = [kind, code, field].map(|word| word.map(str::to_owned));
            Failure { message: message.to_owned(), kind, code, field, own: None }
        };
        let openai = r#"{"error":{"message":"no key","type":"authentication_error","param":null,"code":"bad_key"}}"#;
        let vllm = r#"{"object":"error","message":"too long","type":"BadRequestError","param":"messages","code":400}"#;
        for (body, expected) in [
            (openai, failure("no key", Some("authentication_error"), Some("bad_key"), None)),
            (vllm, failure("too long", Some("BadRequestError"), Some("400"), Some("messages"))),
            (r#"[{"error":{"code":404,"message":"gone"}}]"#, failure("gone", None, Some("404"), None)),
            (r#"{"error":"broken"}"#, failure("broken", None, None, None)),
            (r#"{"detail":"not found"}"#, failure("not found", None, None, None)),
            (r#"{"error":null}"#, Failure::default()),
            (r#"{"error":{"message":{"a":1},"type":[]}}"#, Failure::default()),
            ("<html>bad gateway</html>", Failure::default()),
            ("{\"error\"", Failure::default()),
            ("", Failure::default()),
        ] {
            assert_eq!(parse_failure(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(parse_failure(b"\xff"), Failure::default());
    }

    #[test]
    fn the_kind_of_an_error_from_another_dialect_follows_from_its_status() {
        for (status, kind, expected) in [
            (400, Some("invalid_request_error"), "invalid_request_error"),
            (401, None, "authentication_error"),
            (403, None, "permission_error"),
            (404, Some("not_found_error"), "invalid_request_error"),
            (413, Some("request_too_large"), "invalid_request_error"),
            (429, Some("insufficient_quota"), "insufficient_quota"),
            (429, None, "rate_limit_error"),
            (408, None, "server_error"),
            (424, None, "server_error"),
            (529, Some("overloaded_error"), "server_error"),
        ] {
            let failure =
                Failure { message: "a \"b\"".to_owned(), kind: kind.map(str::to_owned), ..Failure::default() };
            let body = write_failure(StatusCode::from_u16(status).unwrap(), &failure);
            let expected =
                format!(r#"{{"error":{{"message":"a \"b\"","type":"{expected}","param":null,"code":null}}}}"#);
            assert_eq!(body, expected);
        }
    }
}

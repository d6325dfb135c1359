//! A plan as an answer of Google's Gemini API, whole or as events.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::plan::{Call, Cut, Said, Say};
use super::pieces::{Piece, Pieces};
use super::{Asked, MODELS, choice_text, mix};

/// What seals the thoughts that are made up here.
const SIGNATURE: &str = "c2FuZGJveA==";

fn finish_reason(say: &Say) -> &str {
    match (&say.finish, &say.said) {
        (Some(reason), _) => reason,
        (None, Said::Refusal(_)) => "SAFETY",
        (None, Said::Text(_)) if say.too_long => "MAX_TOKENS",
        (None, Said::Text(_) | Said::Calls(_)) => "STOP",
    }
}

fn usage(say: &Say, asked: &Asked) -> Value {
    let usage = asked.usage(say);
    json!({"promptTokenCount": usage.prompt, "cachedContentTokenCount": usage.cached,
        "candidatesTokenCount": usage.completion.saturating_sub(usage.reasoning),
        "thoughtsTokenCount": usage.reasoning, "totalTokenCount": usage.prompt.saturating_add(usage.completion)})
}

/// What stands behind the candidates of an answer.
fn rest(asked: &Asked, usage: &Value) -> String {
    let id = format!("{:016x}{:08x}", asked.hash, mix(asked.hash, 2) >> 32);
    let model = Value::from(asked.model.as_str());
    format!("\"usageMetadata\":{usage},\"modelVersion\":{model},\"responseId\":\"{id}\"}}")
}

/// A part of text. Written by hand: half a surrogate pair is valid JSON, and no value that serde could hold.
fn text(piece: &Piece<'_>, thought: bool) -> String {
    let piece = serde_json::to_string(piece).unwrap_or_default();
    if thought { format!("{{\"text\":{piece},\"thought\":true}}") } else { format!("{{\"text\":{piece}}}") }
}

/// One whose function is called with anything but an object cannot be written. The first is sealed.
fn call(index: usize, call: &Call) -> Result<String, Failure> {
    let args = serde_json::from_str::<Value>(&call.arguments).ok().filter(Value::is_object);
    let args = args.ok_or_else(|| Failure::on_demand(500, None, Some("The arguments are no object.")))?;
    let mut part = json!({"functionCall": {"name": call.name, "args": args}});
    if let Some(fields) = part.as_object_mut().filter(|_| index == 0) {
        fields.insert("thoughtSignature".to_owned(), SIGNATURE.into());
    }
    Ok(part.to_string())
}

/// An alternative with these parts, and why it ended if it did.
fn candidate(choice: u32, parts: &str, finish: Option<&str>) -> String {
    let finish = finish.map(|reason| format!("\"finishReason\":{},", Value::from(reason))).unwrap_or_default();
    format!("{{\"content\":{{\"parts\":[{parts}],\"role\":\"model\"}},{finish}\"index\":{choice}}}")
}

/// The answer as one JSON document.
pub(in super::super) fn contents(say: &Say, asked: &Asked) -> Result<Vec<u8>, Failure> {
    let mut candidates = Vec::new();
    for choice in 0..asked.choices {
        let mut parts = Vec::new();
        if !say.reasoning.is_empty() {
            parts.push(text(&Piece::Text(say.reasoning.as_str().into()), true));
        }
        match &say.said {
            Said::Text(words) => parts.push(text(&Piece::whole(choice_text(words, say, choice), say.escape), false)),
            Said::Refusal(words) => parts.push(text(&Piece::Text(words.as_str().into()), false)),
            Said::Calls(calls) => {
                for (index, one) in calls.iter().enumerate() {
                    parts.push(call(index, one)?);
                }
            }
        }
        candidates.push(candidate(choice, &parts.join(","), Some(finish_reason(say))));
    }
    let rest = rest(asked, &usage(say, asked));
    Ok(format!("{{\"candidates\":[{}],{rest}", candidates.join(",")).into_bytes())
}

/// The events of an answer but for the last, and the last.
pub(in super::super) fn contents_events(
    say: &Say,
    asked: &Asked,
    cut: Cut,
) -> Result<(VecDeque<Bytes>, Bytes), Failure> {
    let rest = rest(asked, &usage(say, asked));
    let event = |candidate: String| Bytes::from(format!("data: {{\"candidates\":[{candidate}],{rest}\r\n\r\n"));
    let (mut events, mut ends) = (VecDeque::new(), Vec::new());
    for choice in 0..asked.choices {
        let mut add = |part: &str| events.push_back(event(candidate(choice, part, None)));
        let mut pieces = Pieces::new(say.reasoning.clone(), say.escape, cut);
        while let Some(piece) = pieces.next() {
            add(&text(&piece, true));
        }
        match &say.said {
            Said::Text(words) | Said::Refusal(words) => {
                let words = choice_text(words, say, choice).into_owned();
                let mut pieces = Pieces::new(words, say.escape, cut);
                while let Some(piece) = pieces.next() {
                    add(&text(&piece, false));
                }
            }
            Said::Calls(calls) => {
                for (index, one) in calls.iter().enumerate() {
                    add(&call(index, one)?);
                }
            }
        }
        ends.push(candidate(choice, "{\"text\":\"\"}", Some(finish_reason(say))));
    }
    let last = event(ends.join(","));
    Ok((events, last))
}

/// `GET /v1beta/models`
pub(in super::super) fn contents_models() -> Vec<u8> {
    let models = MODELS.map(|name| {
        json!({"name": format!("models/{name}"), "displayName": name,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent"]})
    });
    json!({"models": models}).to_string().into_bytes()
}

/// An error in Google's shape.
pub(in super::super) fn contents_failure(status: u16, message: &str) -> Vec<u8> {
    let word = match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": message, "status": word}}).to_string().into_bytes()
}

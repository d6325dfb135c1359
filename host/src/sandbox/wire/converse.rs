//! Answers in the form of Amazon Bedrock's Converse, whole and as binary frames.

use std::collections::VecDeque;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::plan::{Call, Cut, Said, Say};
use super::pieces::{Piece, Pieces};
use super::{Asked, choice_text};

fn stop_reason(say: &Say) -> &str {
    match (&say.finish, &say.said) {
        (Some(reason), _) => reason,
        (None, Said::Calls(_)) => "tool_use",
        (None, Said::Refusal(_)) => "content_filtered",
        (None, Said::Text(_)) if say.too_long => "max_tokens",
        (None, Said::Text(_)) => "end_turn",
    }
}

fn usage(say: &Say, asked: &Asked) -> Value {
    let usage = asked.usage(say);
    json!({"inputTokens": usage.prompt.saturating_sub(usage.cached), "outputTokens": usage.completion,
        "totalTokens": usage.prompt.saturating_add(usage.completion), "cacheReadInputTokens": usage.cached})
}

fn input(call: &Call) -> Result<Value, Failure> {
    let input = serde_json::from_str::<Value>(&call.arguments).ok().filter(Value::is_object);
    input.ok_or_else(|| Failure::on_demand(500, None, Some("The arguments are no object.")))
}

/// A piece of text as JSON. Half a surrogate pair is valid there, and no value that serde could hold.
fn source(piece: &Piece<'_>) -> String {
    serde_json::to_string(piece).unwrap_or_default()
}

/// The answer as one JSON document.
pub(in super::super) fn converse(say: &Say, asked: &Asked) -> Result<Vec<u8>, Failure> {
    let mut blocks = Vec::new();
    if !say.reasoning.is_empty() {
        let text = Value::from(say.reasoning.as_str());
        blocks.push(format!(
            "{{\"reasoningContent\":{{\"reasoningText\":{{\"text\":{text},\"signature\":\"c2VhbA==\"}}}}}}"
        ));
    }
    match &say.said {
        Said::Text(words) => {
            let text = source(&Piece::whole(choice_text(words, say, 0), say.escape));
            blocks.push(format!("{{\"text\":{text}}}"));
        }
        Said::Refusal(words) => blocks.push(json!({"text": words}).to_string()),
        Said::Calls(calls) => {
            for (index, call) in calls.iter().enumerate() {
                let id = asked.call_id(0, index);
                blocks
                    .push(json!({"toolUse": {"toolUseId": id, "name": call.name, "input": input(call)?}}).to_string());
            }
        }
    }
    let (reason, usage) = (Value::from(stop_reason(say)), usage(say, asked));
    Ok(format!(
        "{{\"output\":{{\"message\":{{\"role\":\"assistant\",\"content\":[{}]}}}},\"stopReason\":{reason},\
         \"usage\":{usage},\"metrics\":{{\"latencyMs\":1}}}}",
        blocks.join(",")
    )
    .into_bytes())
}

/// The frames of an answer but for the last, and the last.
pub(in super::super) fn converse_frames(
    say: &Say,
    asked: &Asked,
    cut: Cut,
) -> Result<(VecDeque<Bytes>, Bytes), Failure> {
    let mut frames = VecDeque::from([frame("messageStart", "{\"role\":\"assistant\",\"p\":\"abcdefghij\"}")?]);
    let mut block = 0_u32;
    let mut add = |frames: &mut VecDeque<Bytes>, text: String, field: [&str; 2]| -> Result<(), Failure> {
        let mut pieces = Pieces::new(text, say.escape, cut);
        while let Some(piece) = pieces.next() {
            let delta = format!("{}{}{}", field[0], source(&piece), field[1]);
            frames.push_back(delta_frame(block, &delta)?);
        }
        frames.push_back(frame("contentBlockStop", &json!({"contentBlockIndex": block}).to_string())?);
        block = block.saturating_add(1);
        Ok(())
    };
    if !say.reasoning.is_empty() {
        add(&mut frames, say.reasoning.clone(), ["{\"reasoningContent\":{\"text\":", "}}"])?;
    }
    match &say.said {
        Said::Text(words) => add(&mut frames, choice_text(words, say, 0).into_owned(), ["{\"text\":", "}"])?,
        Said::Refusal(words) => add(&mut frames, words.clone(), ["{\"text\":", "}"])?,
        Said::Calls(calls) => {
            for (index, call) in calls.iter().enumerate() {
                let number = index.saturating_add(usize::from(!say.reasoning.is_empty()));
                let start = json!({"toolUse": {"toolUseId": asked.call_id(0, index), "name": call.name}});
                let start = json!({"contentBlockIndex": number, "start": start});
                frames.push_back(frame("contentBlockStart", &start.to_string())?);
                add(&mut frames, call.arguments.clone(), ["{\"toolUse\":{\"input\":", "}}"])?;
            }
        }
    }
    frames.push_back(frame("messageStop", &json!({"stopReason": stop_reason(say)}).to_string())?);
    let last = json!({"usage": usage(say, asked), "metrics": {"latencyMs": 1}});
    Ok((frames, frame("metadata", &last.to_string())?))
}

fn delta_frame(block: u32, delta: &str) -> Result<Bytes, Failure> {
    frame("contentBlockDelta", &format!("{{\"contentBlockIndex\":{block},\"delta\":{delta},\"p\":\"abcd\"}}"))
}

fn frame(event: &str, payload: &str) -> Result<Bytes, Failure> {
    let header = |name: &'static str, value: &str| Header::new(name, HeaderValue::String(value.to_owned().into()));
    let message = Message::new(payload.to_owned())
        .add_header(header(":event-type", event))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", "event"));
    let mut frame = Vec::new();
    write_message_to(&message, &mut frame)
        .map_err(|_| Failure::on_demand(500, None, Some("The frame is too long.")))?;
    Ok(frame.into())
}

/// An error in Amazon's shape.
pub(in super::super) fn converse_failure(message: &str) -> Vec<u8> {
    json!({"message": message}).to_string().into_bytes()
}

/// What its header says of the kind of an error.
pub(in super::super) fn converse_kind(status: u16) -> &'static str {
    match status {
        403 | 401 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        400..=499 => "ValidationException",
        _ => "InternalServerException",
    }
}

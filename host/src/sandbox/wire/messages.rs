//! A plan as a message of Anthropic's API, whole or as events.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::plan::{Cut, Said, Say};
use super::pieces::{Piece, Pieces};
use super::{Asked, choice_text, mix};

/// What seals the thoughts that are made up here.
const SIGNATURE: &str = "c2FuZGJveA==";

fn stop_reason(say: &Say) -> &str {
    match (&say.finish, &say.said) {
        (Some(reason), _) => reason,
        (None, Said::Calls(_)) => "tool_use",
        (None, Said::Refusal(_)) => "refusal",
        (None, Said::Text(_)) if say.too_long => "max_tokens",
        (None, Said::Text(_)) => "end_turn",
    }
}

fn usage(say: &Say, asked: &Asked) -> Value {
    let usage = asked.usage(say);
    json!({"input_tokens": usage.prompt.saturating_sub(usage.cached), "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached, "output_tokens": usage.completion})
}

fn head(asked: &Asked) -> Value {
    let id = format!("msg_{:016x}{:08x}", asked.hash, mix(asked.hash, 1) >> 32);
    json!({"id": id, "type": "message", "role": "assistant", "model": asked.model, "content": [],
        "stop_reason": null, "stop_sequence": null})
}

/// The answer as one JSON document. One whose tool is called with anything but an object cannot be written.
pub(in super::super) fn message(say: &Say, asked: &Asked) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    if !say.reasoning.is_empty() {
        content.push(json!({"type": "thinking", "thinking": say.reasoning, "signature": SIGNATURE}));
    }
    match &say.said {
        Said::Text(text) => {
            let text = Piece::whole(choice_text(text, say, 0), say.escape);
            content.push(json!({"type": "text", "text": text}));
        }
        Said::Refusal(text) => content.push(json!({"type": "text", "text": text})),
        Said::Calls(calls) => {
            for (index, call) in calls.iter().enumerate() {
                let input = serde_json::from_str::<Value>(&call.arguments).ok().filter(Value::is_object);
                let input = input.ok_or_else(|| Failure::on_demand(500, None, Some("The arguments are no object.")))?;
                let id = asked.call_id(0, index).replace("call_", "toolu_");
                content.push(json!({"type": "tool_use", "id": id, "name": call.name, "input": input}));
            }
        }
    }
    let mut message = head(asked);
    if let Some(fields) = message.as_object_mut() {
        fields.insert("content".to_owned(), content.into());
        fields.insert("stop_reason".to_owned(), stop_reason(say).into());
        fields.insert("usage".to_owned(), usage(say, asked));
    }
    Ok(message.to_string().into_bytes())
}

/// The events of a message but for the last, and the last.
pub(in super::super) fn message_events(say: Say, asked: &Asked, cut: Cut) -> (VecDeque<Bytes>, Bytes) {
    let mut events = Events::default();
    let mut message = head(asked);
    let (reason, used) = (stop_reason(&say).to_owned(), usage(&say, asked));
    if let Some(fields) = message.as_object_mut() {
        let input = json!({"input_tokens": used.get("input_tokens"), "output_tokens": 1});
        fields.insert("usage".to_owned(), input);
    }
    events.push("message_start", json!({"message": message}));
    events.push("ping", json!({}));
    if !say.reasoning.is_empty() {
        let thinking = json!({"type": "thinking", "thinking": "", "signature": ""});
        events.block(thinking, Pieces::new(say.reasoning, say.escape, cut), "thinking_delta", "thinking", true);
    }
    let text = json!({"type": "text", "text": ""});
    match say.said {
        Said::Text(words) | Said::Refusal(words) => {
            events.block(text, Pieces::new(words, say.escape, cut), "text_delta", "text", false);
        }
        Said::Calls(calls) => {
            for (index, call) in calls.into_iter().enumerate() {
                let id = asked.call_id(0, index).replace("call_", "toolu_");
                let block = json!({"type": "tool_use", "id": id, "name": call.name, "input": {}});
                let pieces = Pieces::new(call.arguments, say.escape, cut);
                events.block(block, pieces, "input_json_delta", "partial_json", false);
            }
        }
    }
    events.push("message_delta", json!({"delta": {"stop_reason": reason, "stop_sequence": null}, "usage": used}));
    (events.all, event("message_stop", json!({})))
}

#[derive(Default)]
struct Events {
    all: VecDeque<Bytes>,
    blocks: usize,
}

impl Events {
    fn push(&mut self, kind: &str, fields: Value) {
        self.all.push_back(event(kind, fields));
    }

    fn block(&mut self, block: Value, mut pieces: Pieces, kind: &str, field: &str, sealed: bool) {
        let index = self.blocks;
        self.blocks += 1;
        self.push("content_block_start", json!({"index": index, "content_block": block}));
        while let Some(piece) = pieces.next() {
            // Written by hand: half a surrogate pair is valid JSON, and no value that serde could hold.
            let piece = serde_json::to_string(&piece).unwrap_or_default();
            let data = format!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\
                 \"delta\":{{\"type\":\"{kind}\",\"{field}\":{piece}}}}}\n\n"
            );
            self.all.push_back(data.into());
        }
        if sealed {
            let seal = json!({"index": index, "delta": {"type": "signature_delta", "signature": SIGNATURE}});
            self.push("content_block_delta", seal);
        }
        self.push("content_block_stop", json!({"index": index}));
    }
}

fn event(kind: &str, mut fields: Value) -> Bytes {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("type".to_owned(), kind.into());
    }
    format!("event: {kind}\ndata: {fields}\n\n").into()
}

/// An error in Anthropic's shape.
pub(in super::super) fn failure(status: u16, message: &str) -> Vec<u8> {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}}).to_string().into_bytes()
}

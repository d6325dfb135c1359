//! A plan as one of OpenAI's Responses, whole or as events.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::failure::Failure;
use super::super::plan::{Cut, Escape, Said, Say};
use super::pieces::{Piece, Pieces};
use super::{Asked, CREATED, mix};

/// What seals the thoughts that are made up here.
const SEAL: &str = "c2FuZGJveA==";

/// The response with this status and these items. Literals are written by hand: half a surrogate pair is valid JSON, and
/// no value that serde could hold.
fn response(asked: &Asked, status: &str, reason: Option<&str>, output: &[String], usage: &Value) -> String {
    let id = format!("resp_{:016x}{:08x}", asked.hash, mix(asked.hash, 1) >> 32);
    let details = reason.map(|reason| json!({"reason": reason}));
    let head = json!({"id": id, "object": "response", "created_at": CREATED, "status": status, "error": null,
        "incomplete_details": details, "instructions": null, "metadata": {}, "model": asked.model,
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": usage});
    let head = head.to_string();
    let head = head.strip_suffix('}').unwrap_or_default();
    format!("{head},\"output\":[{}]}}", output.join(","))
}

fn usage(say: &Say, asked: &Asked) -> Value {
    let usage = asked.usage(say);
    json!({"input_tokens": usage.prompt, "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion, "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt.saturating_add(usage.completion)})
}

/// The status of the response, and why it is not complete.
fn ending(say: &Say) -> (&'static str, Option<&str>) {
    match &say.finish {
        Some(reason) => ("incomplete", Some(reason)),
        None if say.too_long => ("incomplete", Some("max_output_tokens")),
        None => ("completed", None),
    }
}

/// An item and the text in it: what stands in front of its literal, and behind it.
struct Item {
    kind: Kind,
    /// The item, with `@` where its content is.
    frame: String,
    text: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Reasoning,
    Text,
    Refusal,
    Call,
}

impl Kind {
    /// The name of its events, and of the field in which the last of them has all of the text.
    fn events(self) -> (&'static str, &'static str) {
        match self {
            Self::Reasoning => ("reasoning_summary_text", "text"),
            Self::Text => ("output_text", "text"),
            Self::Refusal => ("refusal", "refusal"),
            Self::Call => ("function_call_arguments", "arguments"),
        }
    }

    /// The name of the events of its part, and the field with the part's number.
    fn part(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Reasoning => Some(("reasoning_summary_part", "summary_index")),
            Self::Text | Self::Refusal => Some(("content_part", "content_index")),
            Self::Call => None,
        }
    }

    /// A part with this literal.
    fn written(self, literal: &str) -> String {
        match self {
            Self::Reasoning => format!("{{\"type\":\"summary_text\",\"text\":{literal}}}"),
            Self::Text => {
                format!("{{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":{literal}}}")
            }
            Self::Refusal => format!("{{\"type\":\"refusal\",\"refusal\":{literal}}}"),
            Self::Call => literal.to_owned(),
        }
    }
}

impl Item {
    /// With the text, or without it as at the beginning.
    fn written(&self, escape: Escape, is_whole: bool) -> String {
        let frame = self.frame.replace("\"@status\"", if is_whole { "\"completed\"" } else { "\"in_progress\"" });
        let content = match (is_whole, self.kind.part()) {
            (true, _) => self.kind.written(&literal(&self.text, escape)),
            (false, Some(_)) => String::new(),
            (false, None) => "\"\"".to_owned(),
        };
        frame.replacen("\"@\"", &content, 1)
    }
}

fn literal(text: &str, escape: Escape) -> String {
    serde_json::to_string(&Piece::whole(text.into(), escape)).unwrap_or_default()
}

fn items(say: &Say, asked: &Asked) -> Vec<Item> {
    let mut items = Vec::new();
    let id = |prefix: &str, index: usize| asked.call_id(0, index.saturating_add(100)).replace("call", prefix);
    if !say.reasoning.is_empty() {
        let frame = json!({"id": id("rs", 0), "type": "reasoning", "summary": ["@"], "encrypted_content": SEAL});
        items.push(Item { kind: Kind::Reasoning, frame: frame.to_string(), text: say.reasoning.clone() });
    }
    let message = |kind, text: &String| {
        let frame =
            json!({"id": id("msg", 1), "type": "message", "status": "@status", "role": "assistant", "content": ["@"]});
        Item { kind, frame: frame.to_string(), text: text.clone() }
    };
    match &say.said {
        Said::Text(text) => items.push(message(Kind::Text, text)),
        Said::Refusal(text) => items.push(message(Kind::Refusal, text)),
        Said::Calls(calls) => {
            for (index, call) in calls.iter().enumerate() {
                let frame = json!({"id": id("fc", index.saturating_add(2)), "type": "function_call", "status": "@status",
                    "call_id": asked.call_id(0, index), "name": call.name, "arguments": "@"});
                items.push(Item { kind: Kind::Call, frame: frame.to_string(), text: call.arguments.clone() });
            }
        }
    }
    items
}

/// The answer as one JSON document.
pub(in super::super) fn whole(say: &Say, asked: &Asked) -> Result<Vec<u8>, Failure> {
    let items: Vec<String> = items(say, asked).iter().map(|item| item.written(say.escape, true)).collect();
    let (status, reason) = ending(say);
    Ok(response(asked, status, reason, &items, &usage(say, asked)).into_bytes())
}

/// The events of a response but for the last, and the last.
pub(in super::super) fn events(say: Say, asked: &Asked, cut: Cut) -> (VecDeque<Bytes>, Bytes) {
    let mut events = Events::default();
    let begun = response(asked, "in_progress", None, &[], &Value::Null);
    for kind in ["response.created", "response.in_progress"] {
        events.push(kind, json!({}), &[("response", &begun)]);
    }
    let items = items(&say, asked);
    let mut output = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        events.item(index, &item, say.escape, cut);
        output.push(item.written(say.escape, true));
    }
    let (status, reason) = ending(&say);
    let ended = response(asked, status, reason, &output, &usage(&say, asked));
    let kind = if status == "completed" { "response.completed" } else { "response.incomplete" };
    events.push(kind, json!({}), &[("response", &ended)]);
    let last = events.all.pop_back().unwrap_or_default();
    (events.all, last)
}

#[derive(Default)]
struct Events {
    all: VecDeque<Bytes>,
}

impl Events {
    /// An event with these fields, and others whose values are written already.
    fn push(&mut self, kind: &str, fields: Value, written: &[(&str, &str)]) {
        let mut all = Map::new();
        all.insert("type".to_owned(), kind.into());
        all.insert("sequence_number".to_owned(), self.all.len().into());
        if let Value::Object(fields) = fields {
            all.extend(fields);
        }
        let head = Value::Object(all).to_string();
        let head = head.strip_suffix('}').unwrap_or_default();
        let written: String = written.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
        self.all.push_back(format!("event: {kind}\ndata: {head}{written}}}\n\n").into());
    }

    fn item(&mut self, index: usize, item: &Item, escape: Escape, cut: Cut) {
        let at = json!({"output_index": index});
        self.push("response.output_item.added", at.clone(), &[("item", &item.written(escape, false))]);
        let id = serde_json::from_str::<Value>(&item.frame).ok().and_then(|frame| frame.get("id").cloned());
        let mut about = json!({"item_id": id, "output_index": index});
        if let (Some((_, number)), Some(about)) = (item.kind.part(), about.as_object_mut()) {
            about.insert(number.to_owned(), 0.into());
        }
        if let Some((kind, _)) = item.kind.part() {
            let part = item.kind.written("\"\"");
            self.push(&format!("response.{kind}.added"), about.clone(), &[("part", &part)]);
        }
        let (kind, field) = item.kind.events();
        let mut pieces = Pieces::new(item.text.clone(), escape, cut);
        while let Some(piece) = pieces.next() {
            let piece = serde_json::to_string(&piece).unwrap_or_default();
            self.push(&format!("response.{kind}.delta"), about.clone(), &[("delta", &piece), ("logprobs", "[]")]);
        }
        let literal = literal(&item.text, escape);
        self.push(&format!("response.{kind}.done"), about.clone(), &[(field, &literal), ("logprobs", "[]")]);
        if let Some((kind, _)) = item.kind.part() {
            let part = item.kind.written(&literal);
            self.push(&format!("response.{kind}.done"), about, &[("part", &part)]);
        }
        self.push("response.output_item.done", at, &[("item", &item.written(escape, true))]);
    }
}

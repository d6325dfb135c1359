//! From a plan to OpenAI's JSON and events, with the fields that clients do not know of.
//!
//! Everything is written through structs, never maps, so that the order of the keys is the provider's.

mod completions;
mod contents;
mod converse;
mod events;
mod json;
mod messages;
mod pieces;
mod responses;

use std::borrow::Cow;

use super::failure::Failure;
use super::plan::{Call, Plan, Said, Say, Usage};
use super::request::Request;

pub(super) use completions::{events as text_events, whole as text};
pub(super) use contents::{contents, contents_events, contents_failure, contents_models};
pub(super) use converse::{converse, converse_failure, converse_frames, converse_kind};
pub(super) use events::Events;
use json::{Choice, Completion, Function, Message, Model, Models, ToolCall};
pub(super) use messages::{failure, message, message_events};
use pieces::Piece;
pub(super) use responses::{events as response_events, whole as response};

/// 15 June 2025, always: an answer says the same tomorrow.
const CREATED: u64 = 1_750_000_000;
const FINGERPRINT: &str = "fp_5a9db0c5a9";
const TIER: &str = "default";
/// What `garbage` answers: neither events, nor JSON, nor UTF-8.
pub(super) const GARBAGE: &[u8] = b"<html><body>\xff\xfe Bad gateway?</body>\ndata {\"id\": \"chatcmpl-\n\n\0";
/// The models that are listed. Others work too.
const MODELS: [&str; 6] =
    ["sandbox", "sandbox-slow", "sandbox-repeat", "sandbox-fail-503", "sandbox-die-after-3", "sandbox-stall-after-3"];

/// What a response says of the request, and how it was asked for.
pub(super) struct Asked {
    pub(super) stream: bool,
    usage: bool,
    choices: u32,
    model: String,
    id: String,
    hash: u64,
    prompt: u64,
    cached: u64,
}

impl Asked {
    pub(super) fn new(request: &Request<'_>, hash: u64, plan: &Plan) -> Result<Self, Failure> {
        let usage_always = matches!(plan, Plan::Say(say) if say.usage_always);
        let stream = request.stream.unwrap_or(false);
        let usage = request.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false);
        let usage = !stream || usage || usage_always;
        let (mut prompt, mut cached) = (0, 0);
        // Counting is most of the work on a long request, so it is done only where it shows.
        for message in request.messages.iter().filter(|_| usage) {
            cached = prompt;
            prompt = words(&message.text()?).saturating_add(prompt);
        }
        let id = format!("chatcmpl-{hash:016x}{:013x}", hash.rotate_left(24) >> 12);
        let choices = request.n.unwrap_or(1);
        Ok(Self { stream, usage, choices, model: request.model.to_string(), id, hash, prompt, cached })
    }

    /// Tokens of the request.
    pub(super) fn prompt_tokens(&self) -> u64 {
        self.prompt
    }

    fn usage(&self, say: &Say) -> Usage {
        let one = match &say.said {
            Said::Text(text) | Said::Refusal(text) => words(text),
            Said::Calls(calls) => calls.iter().map(|call| words(&call.arguments).saturating_add(1)).sum(),
        };
        let choices = u64::from(self.choices);
        let reasoning = words(&say.reasoning).saturating_mul(choices);
        let completion = one.saturating_mul(choices).saturating_add(reasoning);
        say.usage.unwrap_or(Usage { prompt: self.prompt, completion, cached: self.cached, reasoning })
    }

    fn call_id(&self, choice: u32, call: usize) -> String {
        let place = u64::from(choice).wrapping_mul(1 << 32).wrapping_add(u64::try_from(call).unwrap_or_default());
        format!("call_{:016x}", mix(self.hash, place.wrapping_add(1)))
    }
}

/// What a body is known by: equal bodies have equal answers. Not for secrets.
pub(super) fn hash(body: &[u8]) -> u64 {
    let (words, rest) = body.as_chunks::<8>();
    let hash = words.iter().fold(body.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

fn mix(hash: u64, word: u64) -> u64 {
    let hash = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash ^ (hash >> 29)
}

/// A word is a token here.
fn words(text: &str) -> u64 {
    text.split_ascii_whitespace().fold(0, |count, _| count + 1)
}

fn finish_reason(say: &Say) -> &str {
    match (&say.finish, &say.said) {
        (Some(reason), _) => reason,
        (None, Said::Calls(_)) => "tool_calls",
        (None, _) if say.too_long => "length",
        (None, _) => "stop",
    }
}

/// The text of a choice: after the first they say which they are.
fn choice_text<'a>(text: &'a str, say: &Say, choice: u32) -> Cow<'a, str> {
    match choice.checked_add(1) {
        Some(number) if number > 1 && !say.exact => Cow::Owned(format!("{text} (choice {number})")),
        _ => Cow::Borrowed(text),
    }
}

/// The answer as one JSON document.
pub(super) fn completion(say: &Say, asked: &Asked) -> Vec<u8> {
    let calls: &[Call] = if let Said::Calls(calls) = &say.said { calls } else { &[] };
    let choices = (0..asked.choices).map(|choice| Choice {
        index: choice,
        message: Message {
            role: "assistant",
            content: match &say.said {
                Said::Text(text) => Some(Piece::whole(choice_text(text, say, choice), say.escape)),
                Said::Refusal(_) | Said::Calls(_) => None,
            },
            reasoning_content: Some(&*say.reasoning).filter(|reasoning| !reasoning.is_empty()),
            refusal: if let Said::Refusal(why) = &say.said { Some(why) } else { None },
            tool_calls: (0..)
                .zip(calls)
                .map(|(index, call)| ToolCall {
                    index: None,
                    id: Some(asked.call_id(choice, index).into()),
                    r#type: Some("function"),
                    function: Function { name: Some(&call.name), arguments: Piece::Text((&*call.arguments).into()) },
                })
                .collect(),
            annotations: [],
        },
        logprobs: None,
        finish_reason: finish_reason(say),
    });
    let document = Completion {
        id: &asked.id,
        object: "chat.completion",
        created: CREATED,
        model: &asked.model,
        choices: choices.collect(),
        usage: asked.usage(say).into(),
        service_tier: TIER,
        system_fingerprint: FINGERPRINT,
    };
    // Writing strings and numbers to memory cannot fail.
    serde_json::to_vec(&document).unwrap_or_default()
}

/// `GET /v1/models`
pub(super) fn models() -> Vec<u8> {
    let data = MODELS.map(Model::new).into();
    serde_json::to_vec(&Models { object: "list", data }).unwrap_or_default()
}

/// `GET /v1/models/ID`, for the models of this server.
pub(super) fn model(id: &str) -> Option<Vec<u8>> {
    let known = id == "sandbox" || id.starts_with("sandbox-");
    known.then(|| serde_json::to_vec(&Model::new(id)).unwrap_or_default())
}

impl<'a> Model<'a> {
    fn new(id: &'a str) -> Self {
        Self { id, object: "model", created: CREATED, owned_by: "sluicegate" }
    }
}

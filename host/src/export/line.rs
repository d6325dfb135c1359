//! One line: a conversation in the form that most tools for training read, whichever dialect it was held in.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{findings, score};
use crate::chat::Word;
use crate::dialect::{Address, Dialect, Translation, Wire};
use crate::feedback::Feedback;
use crate::ledger::{Captured, Did, Said};
use crate::moment::Moment;

/// An object of JSON.
pub(super) type Line = Value;

/// A conversation, and its answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conversation {
    /// What was said before the answer, in OpenAI's form.
    messages: Vec<Value>,
    /// The tools that might have been called.
    tools: Option<Value>,
    /// What the caller has begun the answer with.
    begun: String,
    /// The answer, as such a message; nothing if there is no text of it.
    answer: Option<Value>,
    /// Why it ended, if the provider has said so.
    finish: Option<Word>,
}

/// The text of a message, if it is nothing else.
fn content(message: &Value) -> Option<&str> {
    message.get("content").and_then(Value::as_str)
}

/// Whether a message is the beginning of the answer.
fn is_begun(message: &Value) -> bool {
    let is_assistants = message.get("role").and_then(Value::as_str) == Some("assistant");
    is_assistants && content(message).is_some() && message.get("tool_calls").is_none()
}

/// Why the first of several answers has ended: in the last attempt, or the kept one.
fn finish(one: &Captured) -> Option<Word> {
    let mut attempts = one.entry.details.steps.iter().rev().filter_map(|step| match &step.did {
        Did::Attempt(asked) => Some(asked),
        Did::Plugin(_) | Did::Lookup { .. } | Did::Embedding { .. } | Did::Wait => None,
    });
    let details = &one.entry.details;
    attempts.next().map_or(&details.finishes, |asked| &asked.finishes).first().cloned()
}

impl Conversation {
    /// The conversation of an exchange.
    ///
    /// # Errors
    /// Why it cannot be said in that form.
    pub(super) fn of(one: &Captured) -> Result<Self, &'static str> {
        let body = one.texts.request.as_deref().ok_or("its request is not kept")?;
        let mut request = request(one, body).ok_or("its request cannot be said in OpenAI's form")?;
        let Some(Value::Array(mut messages)) = request.remove("messages") else {
            return Err("its request cannot be said in OpenAI's form");
        };
        let tools = request.remove("tools").filter(|tools| tools.as_array().is_some_and(|tools| !tools.is_empty()));
        // An answer that the caller has begun is one with what the model has gone on with.
        let begun = messages.pop_if(|last| is_begun(last)).and_then(|last| content(&last).map(str::to_owned));
        let mut this = Self { messages, tools, begun: begun.unwrap_or_default(), answer: None, finish: finish(one) };
        this.answer = answer(&one.texts.answer).map(|answer| this.whole(answer));
        Ok(this)
    }

    /// An answer with what its caller has begun it with, unless that is in it.
    fn whole(&self, mut answer: Value) -> Value {
        let said = content(&answer).unwrap_or_default();
        if !said.starts_with(&self.begun) {
            let whole = [&self.begun, said].concat();
            if let Some(content) = answer.get_mut("content") {
                *content = whole.into();
            }
        }
        answer
    }

    /// The answer, also one that was cut off, or a refusal: another one may be better than that.
    fn any_answer(&self) -> Result<&Value, &'static str> {
        self.answer.as_ref().ok_or("its answer is not kept")
    }

    /// An answer that a model may learn from.
    fn answer(&self) -> Result<&Value, &'static str> {
        let answer = self.any_answer()?;
        match self.finish.as_deref() {
            _ if answer.get("refusal").is_some() => Err("its answer is a refusal"),
            Some("length") => Err("its answer was cut off"),
            _ => Ok(answer),
        }
    }
}

fn request(one: &Captured, body: &str) -> Option<Map<String, Value>> {
    let dialect = Dialect::named(&one.texts.dialect)?;
    let translated = match dialect {
        Dialect::OpenAi => None,
        Dialect::Anthropic | Dialect::Gemini | Dialect::Responses | Dialect::Completions => {
            let model = Some(one.entry.model.to_string());
            let address = Address { model, streaming: Some(one.entry.streaming), ..Address::default() };
            let (wire, mut losses) = (Wire::Dialect(Dialect::OpenAi), Vec::new());
            let (_, body) = Translation::of_request(dialect, wire, body.as_bytes(), &address, &mut losses).ok()?;
            Some(body)
        }
    };
    let body = translated.unwrap_or_else(|| Bytes::copy_from_slice(body.as_bytes()));
    serde_json::from_slice(&body).ok()
}

/// The first of several answers, as a message.
fn answer(said: &[Said]) -> Option<Value> {
    let of = |channel: &'static str| said.iter().filter(move |said| said.channel == channel && said.choice == 0);
    let content: String = of("content").map(|said| said.text.as_str()).collect();
    let call = |(number, said): (usize, &Said)| {
        let function = json!({"name": said.name.as_deref().unwrap_or_default(), "arguments": said.text});
        json!({"id": format!("call_{number}"), "type": "function", "function": function})
    };
    let calls: Vec<Value> = (1..).zip(of("tool-arguments")).map(call).collect();
    let refusal: String = of("refusal").map(|said| said.text.as_str()).collect();
    match (content.is_empty(), calls.is_empty()) {
        (true, true) if !refusal.is_empty() => Some(json!({"role": "assistant", "content": null, "refusal": refusal})),
        (true, true) => None,
        (false, true) => Some(message(&content)),
        (true, false) => Some(json!({"role": "assistant", "content": null, "tool_calls": calls})),
        (false, false) => Some(json!({"role": "assistant", "content": content, "tool_calls": calls})),
    }
}

fn message(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

/// For fine-tuning.
///
/// # Errors
/// When there is no answer.
pub(super) fn chat(conversation: &Conversation, corrected: Option<&str>) -> Result<Line, &'static str> {
    let answer = match corrected {
        Some(corrected) => conversation.whole(message(corrected)),
        None => conversation.answer()?.clone(),
    };
    let messages: Vec<&Value> = conversation.messages.iter().chain([&answer]).collect();
    Ok(with_tools(json!({ "messages": messages }), conversation))
}

/// For preference tuning, where an answer was mended.
///
/// # Errors
/// When there is no answer, or it was that already.
pub(super) fn corrected(conversation: &Conversation, corrected: &str) -> Result<Line, &'static str> {
    pair(conversation, &conversation.whole(message(corrected)), conversation.any_answer()?)
}

/// For preference tuning, where one answer is better than another to the same.
///
/// # Errors
/// When that is not so.
pub(super) fn preferred(chosen: &Conversation, rejected: &Conversation) -> Result<Line, &'static str> {
    if chosen.messages != rejected.messages {
        return Err("the other exchange asks something else");
    }
    pair(chosen, chosen.answer()?, rejected.any_answer()?)
}

fn pair(conversation: &Conversation, chosen: &Value, rejected: &Value) -> Result<Line, &'static str> {
    if chosen == rejected {
        return Err("both answers are the same");
    }
    let line = json!({"prompt": conversation.messages, "chosen": [chosen], "rejected": [rejected]});
    Ok(with_tools(line, conversation))
}

fn with_tools(mut line: Value, conversation: &Conversation) -> Line {
    if let (Some(tools), Value::Object(fields)) = (&conversation.tools, &mut line) {
        fields.insert("tools".to_owned(), tools.clone());
    }
    line
}

#[derive(Serialize)]
struct Evaluation<'a> {
    id: &'a str,
    began: String,
    model: &'a str,
    target: Option<&'a str>,
    input: Input<'a>,
    answer: Option<&'a Value>,
    finish: Option<&'a str>,
    findings: Vec<Found<'a>>,
    score: Option<f64>,
    feedback: Vec<Told<'a>>,
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
    cost_usd: f64,
    seconds: f64,
}

#[derive(Serialize)]
struct Input<'a> {
    messages: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a Value>,
}

#[derive(Serialize)]
struct Found<'a> {
    plugin: &'a str,
    rule: &'a str,
    count: usize,
}

#[derive(Serialize)]
struct Told<'a> {
    source: &'static str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    is_corrected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_over: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    is_regenerated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    regenerated_by: Option<&'a str>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(truth: &bool) -> bool {
    !truth
}

impl<'a> From<&'a Feedback> for Told<'a> {
    fn from(feedback: &'a Feedback) -> Self {
        let opinion = &feedback.opinion;
        Self {
            source: feedback.source.word(),
            at: feedback.at().to_string(),
            score: opinion.score.map(crate::feedback::Score::value),
            comment: opinion.comment.as_deref(),
            is_corrected: opinion.is_corrected,
            corrected: opinion.corrected.as_deref(),
            preferred_over: opinion.preferred_over.as_deref(),
            is_regenerated: opinion.is_regenerated,
            regenerated_by: opinion.regenerated_by.as_deref(),
        }
    }
}

/// For evaluation: all that is known of it.
pub(super) fn evaluation(one: &Captured, conversation: &Conversation) -> Line {
    let entry = &one.entry;
    let found = |((plugin, rule), count)| Found { plugin, rule, count };
    let line = Evaluation {
        id: &entry.id,
        began: Moment::from_seconds(entry.began_ms / 1_000).to_string(),
        model: &entry.model,
        target: entry.target.as_deref(),
        input: Input { messages: &conversation.messages, tools: conversation.tools.as_ref() },
        answer: conversation.answer.as_ref(),
        finish: conversation.finish.as_deref(),
        findings: findings(one).into_iter().map(found).collect(),
        score: score(one).map(crate::feedback::Score::value),
        feedback: one.feedback.iter().map(Told::from).collect(),
        input_tokens: entry.usage.map(|usage| usage.input_tokens),
        output_tokens: entry.usage.map(|usage| usage.output_tokens),
        cost_usd: entry.known_cost().dollars(),
        seconds: entry.took.as_secs_f64(),
    };
    serde_json::to_value(&line).unwrap_or_default()
}

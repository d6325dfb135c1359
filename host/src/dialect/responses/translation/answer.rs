//! A whole response, to and from what it says; and responses and their items as they are written, also in events.

use bytes::Bytes;
use serde::Serialize;

use super::item::{Item as Read, read_item};
use super::seal;
use crate::chat::{Finish, Usage};
use crate::dialect::conversation::{Call, Choice, Loss, Part, Reply};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Object, written};
use crate::dialect::openai::translation::read_failure;
use crate::dialect::responses::answer::{finish, usage};
use crate::moment::Moment;

/// Read a whole answer.
///
/// # Errors
/// What is wrong with which field, or that the provider has failed.
pub(crate) fn parse_answer(body: &[u8], losses: &mut Vec<Loss>) -> Result<Reply, Wrong> {
    let response = Object::of_body(body, "a response")?;
    if response.text("status")?.as_deref() == Some("failed") {
        let failure = response.find("error").map(|error| read_failure(error.value)).unwrap_or_default();
        return Err(Wrong::new("error", failure.code.unwrap_or_else(|| "the response has failed".to_owned())));
    }
    let (mut reply, mut left) = (Reply::default(), Vec::new());
    let mut choice =
        Choice { finish: Some(finish(|name| response.find(name).map(|field| field.value))), ..Choice::default() };
    for item in response.needed("output")?.items()? {
        let item = read_item(&item.object()?, seal, &mut left)?;
        choice.parts.extend(item.map(|Read { parts, .. }| parts).unwrap_or_default());
    }
    for field in &response.fields {
        match &*field.name {
            "id" => reply.id = field.text()?,
            "model" => reply.model = field.text()?,
            "usage" => reply.usage = usage(field.value),
            _ => {}
        }
    }
    // What else it says repeats the request, or is about the response and not of it.
    losses.extend(left.into_iter().map(Loss::unasked));
    reply.choices.push(choice);
    Ok(reply)
}

/// A response as it is written, whole or in events.
#[derive(Serialize)]
pub(super) struct ResponseJson<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    background: bool,
    error: Option<ErrorJson<'a>>,
    incomplete_details: Option<ReasonJson>,
    instructions: Option<()>,
    max_output_tokens: Option<()>,
    metadata: EmptyJson,
    model: &'a str,
    output: Vec<ItemJson<'a>>,
    parallel_tool_calls: bool,
    previous_response_id: Option<()>,
    reasoning: ReasoningJson,
    store: bool,
    temperature: Option<()>,
    text: TextJson,
    tool_choice: &'static str,
    tools: [(); 0],
    top_p: Option<()>,
    truncation: &'static str,
    usage: Option<UsageJson>,
    user: Option<()>,
}

#[derive(Serialize)]
struct EmptyJson {}

#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct ReasonJson {
    reason: &'static str,
}

#[derive(Serialize)]
struct ReasoningJson {
    effort: Option<()>,
    summary: Option<()>,
}

#[derive(Serialize)]
struct TextJson {
    format: FormatJson,
}

#[derive(Serialize)]
struct FormatJson {
    r#type: &'static str,
}

impl<'a> ResponseJson<'a> {
    /// With nothing in it so far. What the request said is not said again.
    pub(super) fn begun(id: &'a str, model: &'a str, created_at: u64) -> Self {
        Self {
            id,
            object: "response",
            created_at,
            status: "in_progress",
            background: false,
            error: None,
            incomplete_details: None,
            instructions: None,
            max_output_tokens: None,
            metadata: EmptyJson {},
            model,
            output: Vec::new(),
            parallel_tool_calls: true,
            previous_response_id: None,
            reasoning: ReasoningJson { effort: None, summary: None },
            store: false,
            temperature: None,
            text: TextJson { format: FormatJson { r#type: "text" } },
            tool_choice: "auto",
            tools: [],
            top_p: None,
            truncation: "disabled",
            usage: None,
            user: None,
        }
    }

    /// The same, with what it says and what that used.
    pub(super) fn saying(self, output: Vec<ItemJson<'a>>, usage: Option<Usage>) -> Self {
        Self { output, usage: usage.map(UsageJson::from), ..self }
    }

    /// The same when the provider has failed.
    pub(super) fn failed(self, code: &'a str, message: &'a str) -> Self {
        Self { status: "failed", error: Some(ErrorJson { code, message }), ..self }
    }

    /// The same at its end.
    pub(super) fn ended(self, finish: Finish) -> Self {
        let (status, reason) = ending(finish);
        Self { status, incomplete_details: reason.map(|reason| ReasonJson { reason }), ..self }
    }
}

/// The status of a response, and why it is incomplete if it is.
pub(super) fn ending(finish: Finish) -> (&'static str, Option<&'static str>) {
    match finish {
        // That tools are to be called is seen by the items.
        Finish::Stop | Finish::ToolCalls | Finish::Other => ("completed", None),
        Finish::Length => ("incomplete", Some("max_output_tokens")),
        Finish::ContentFilter => ("incomplete", Some("content_filter")),
    }
}

#[derive(Serialize)]
struct UsageJson {
    input_tokens: u32,
    input_tokens_details: InputJson,
    output_tokens: u32,
    output_tokens_details: OutputJson,
    total_tokens: u32,
}

#[derive(Serialize)]
struct InputJson {
    cached_tokens: u32,
    cache_write_tokens: u32,
}

#[derive(Serialize)]
struct OutputJson {
    reasoning_tokens: u32,
}

impl From<Usage> for UsageJson {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            input_tokens_details: InputJson {
                cached_tokens: usage.cached_input_tokens,
                cache_write_tokens: usage.cache_write_tokens,
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: OutputJson { reasoning_tokens: usage.reasoning_tokens },
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
        }
    }
}

/// An item of an output, before it is written.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) is: Is,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Is {
    Message(Vec<Said>),
    /// Without a summary they are nothing but the seal.
    Thoughts {
        summary: Option<String>,
        seal: Option<String>,
    },
    Call(Call),
}

/// A part of a message.
#[derive(Debug)]
pub(super) enum Said {
    Text(String),
    Refusal(String),
}

impl Item {
    /// The item number `index` of the response `response`.
    pub(super) fn new(is: Is, response: &str, index: usize) -> Self {
        let prefix = match is {
            Is::Message(_) => "msg",
            Is::Thoughts { .. } => "rs",
            Is::Call(_) => "fc",
        };
        // The provider takes names of up to 64 characters back.
        let name: String = response.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        Self { id: format!("{prefix}_{name}{index}"), is }
    }

    pub(super) fn json(&self, status: &'static str) -> ItemJson<'_> {
        let id = self.id.as_str();
        match &self.is {
            Is::Message(parts) => {
                ItemJson::Message { id, status, role: "assistant", content: parts.iter().map(Said::json).collect() }
            }
            Is::Thoughts { summary, seal } => ItemJson::Reasoning {
                id,
                summary: summary.iter().map(|text| PartJson::SummaryText { text }).collect(),
                encrypted_content: seal.as_deref(),
            },
            Is::Call(Call { id: call_id, name, arguments }) => {
                ItemJson::FunctionCall { id, status, call_id, name, arguments }
            }
        }
    }
}

impl Said {
    pub(super) fn json(&self) -> PartJson<'_> {
        match self {
            Self::Text(text) => PartJson::OutputText { text, annotations: [], logprobs: [] },
            Self::Refusal(refusal) => PartJson::Refusal { refusal },
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ItemJson<'a> {
    Message {
        id: &'a str,
        status: &'static str,
        role: &'static str,
        content: Vec<PartJson<'a>>,
    },
    FunctionCall {
        id: &'a str,
        status: &'static str,
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    Reasoning {
        id: &'a str,
        summary: Vec<PartJson<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PartJson<'a> {
    OutputText { text: &'a str, annotations: [(); 0], logprobs: [(); 0] },
    Refusal { refusal: &'a str },
    SummaryText { text: &'a str },
}

/// Write a whole answer.
///
/// # Errors
/// When there is nothing to write.
pub(crate) fn write_answer(reply: &Reply, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let Some(choice) = reply.choices.iter().find(|choice| choice.index == 0) else {
        return Err(Wrong::new("", "the answer has no choice 0"));
    };
    if reply.choices.len() > 1 {
        losses.push(Loss::harmless("choices", "the caller's dialect has one answer at a time"));
    }
    if choice.stopped_by.is_some() {
        losses.push(Loss::harmless("stop_sequence", "responses do not say which text ended them"));
    }
    let items = items(reply, choice, losses);
    let finish = choice.finish.unwrap_or_default();
    let (status, _) = ending(finish);
    let last = items.len().saturating_sub(1);
    // The others were complete before it began.
    let output =
        items.iter().enumerate().map(|(index, item)| item.json(if index == last { status } else { "completed" }));
    let response =
        ResponseJson::begun(&reply.id, &reply.model, Moment::now().seconds()).saying(output.collect(), reply.usage);
    written(&response.ended(finish))
}

fn items(reply: &Reply, choice: &Choice, losses: &mut Vec<Loss>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for part in &choice.parts {
        let said = match part {
            Part::Text(text) => Said::Text(text.clone()),
            Part::Refusal(text) => Said::Refusal(text.clone()),
            _ => {
                let is = match part {
                    Part::Thinking { text, signature } => {
                        Is::Thoughts { summary: Some(text.clone()), seal: signature.clone() }
                    }
                    Part::SealedThinking(seal) => Is::Thoughts { summary: None, seal: Some(seal.clone()) },
                    Part::Call(call) => Is::Call(call.clone()),
                    _ => {
                        losses.push(Loss::harmless(part.word(), "responses have no place for it in an answer"));
                        continue;
                    }
                };
                items.push(Item::new(is, &reply.id, items.len()));
                continue;
            }
        };
        match items.last_mut() {
            Some(Item { is: Is::Message(parts), .. }) => parts.push(said),
            _ => items.push(Item::new(Is::Message(vec![said]), &reply.id, items.len())),
        }
    }
    items
}

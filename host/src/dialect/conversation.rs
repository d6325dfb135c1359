//! A conversation in no provider's words: what a request, an answer and the events of a stream say, on the way from
//! one dialect to another. Where caller and target speak the same dialect, none of this is used: the bytes stay as they
//! came.
//!
//! Each dialect reads its own JSON to these and writes these as its own JSON. What it reads has passed the guardrails
//! already; a writer adds no text of its own. What the other side has no word for is never lost in silence: readers and
//! writers tell it as a [`Loss`].

use std::collections::{BTreeSet, HashMap};

use http::StatusCode;

use super::given::json_object;
use super::{ErrorWords, Wrong};
use crate::chat::{Finish, Usage};

/// A request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conversation {
    /// What the caller calls the model.
    pub(crate) model: String,
    pub(crate) streaming: bool,
    /// Whether the caller wants to know the usage in a stream, where it has to be asked for.
    pub(crate) streams_usage: bool,
    /// In order. Instructions of the application are turns of [`Speaker::System`], usually the first.
    pub(crate) turns: Vec<Turn>,
    /// What the caller's dialect calls the list of them.
    pub(crate) list: &'static str,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: Option<ToolChoice>,
    /// Whether the model may call several tools at once.
    pub(crate) parallel_calls: Option<bool>,
    pub(crate) tokens_max: Option<u64>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<u64>,
    pub(crate) seed: Option<i64>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) frequency_penalty: Option<f64>,
    /// Texts before which the answer stops.
    pub(crate) stop: Vec<String>,
    /// How many alternative answers.
    pub(crate) choices: Option<u32>,
    pub(crate) format: Option<Format>,
    pub(crate) reasoning: Option<Reasoning>,
    /// The application's name for the person who asks.
    pub(crate) user: Option<String>,
    /// What the caller's dialect calls the features that the request uses, for saying that the other has none.
    pub(crate) fields: Vec<(Feature, &'static str)>,
}

impl Conversation {
    /// What a dialect makes of the turns, if it is anything: empty texts are left out, and what it has no word for is, too.
    ///
    /// # Errors
    /// When nothing is left, which no provider answers.
    pub(crate) fn said<T>(&self, messages: Vec<T>) -> Result<Vec<T>, Wrong> {
        match messages.is_empty() {
            true => {
                Err(Wrong::new(self.list, "says nothing that can be said in the provider's dialect; send some text"))
            }
            false => Ok(messages),
        }
    }

    /// One in which somebody says something.
    #[cfg(test)]
    pub(crate) fn asking() -> Self {
        let parts = vec![Part::Text("what is the tide".to_owned())];
        let turn = Turn { speaker: Speaker::User, name: None, parts, at: "messages[0]".to_owned() };
        Self { turns: vec![turn], ..Self::default() }
    }

    /// A feature of this request that the other side has no word for.
    pub(crate) fn loss(&self, feature: Feature, why: &'static str) -> Loss {
        let field = self.fields.iter().find(|(known, _)| *known == feature).map_or("", |(_, field)| field);
        Loss::new(field, why)
    }
}

/// What one speaker says at a time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) speaker: Speaker,
    /// The speaker's own name, where the dialect has one.
    pub(crate) name: Option<String>,
    pub(crate) parts: Vec<Part>,
    /// Where it stands in the caller's request, as `messages[2]`, for saying what cannot be translated.
    pub(crate) at: String,
}

/// Who speaks. Results of tools are parts of a user's turn, whoever sends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    System,
    User,
    Assistant,
}

/// A part of what is said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Image(Media),
    Audio(Media),
    File(Media),
    /// What the model thought aloud, and the provider's seal on it, without which it does not take it back.
    Thinking {
        text: String,
        signature: Option<String>,
    },
    /// Thoughts that only the provider can read.
    SealedThinking(String),
    Refusal(String),
    Call(Call),
    Result(ToolResult),
}

impl Part {
    /// What it is, as the last name of a path, so that an operator can allow to leave it out.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Audio(_) => "audio",
            Self::File(_) => "file",
            Self::Thinking { .. } | Self::SealedThinking(_) => "thinking",
            Self::Refusal(_) => "refusal",
            Self::Call(_) => "call",
            Self::Result(_) => "result",
        }
    }
}

/// A picture, a sound, a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Media {
    pub(crate) source: Source,
    /// A file's name.
    pub(crate) name: Option<String>,
}

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// In the request, as Base64, with their media type.
    Inline {
        media_type: String,
        base64: String,
    },
    Url(String),
    /// Sent to the provider before, under this name.
    Uploaded(String),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON, as the model wrote it: it may be none.
    pub(crate) arguments: String,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolResult {
    /// The id of the call.
    pub(crate) id: String,
    /// The tool's name, where the dialect says it; the call has it too.
    pub(crate) name: Option<String>,
    pub(crate) parts: Vec<Part>,
    pub(crate) is_error: bool,
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// JSON Schema of the arguments, as it was written; nothing for a tool without arguments.
    pub(crate) schema: Option<String>,
    /// Whether the model is held to the schema.
    pub(crate) strict: Option<bool>,
}

/// Which tools the model may or must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    Auto,
    None,
    /// Any, but at least one.
    Required,
    /// This one.
    Named(String),
}

/// What form the answer must have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Text,
    /// Any JSON object.
    Json,
    /// JSON that satisfies a schema.
    Schema {
        name: Option<String>,
        schema: String,
        strict: Option<bool>,
    },
}

/// How much the model is to think before it answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reasoning {
    Off,
    /// In words, as `low`, `medium`, `high`.
    Effort(String),
    /// In tokens at most.
    Budget(u64),
    /// As much as the model finds right.
    Adaptive,
}

/// Steps of effort in tokens, about where OpenAI's models are.
const LOW_TOKENS_MAX: u64 = 2_048;
const MEDIUM_TOKENS_MAX: u64 = 8_192;

impl Reasoning {
    /// As effort in OpenAI's words.
    pub(crate) fn effort(&self) -> &str {
        match self {
            Self::Off => "none",
            Self::Effort(effort) => effort,
            Self::Budget(..=LOW_TOKENS_MAX) => "low",
            Self::Budget(..=MEDIUM_TOKENS_MAX) | Self::Adaptive => "medium",
            Self::Budget(_) => "high",
        }
    }
}

/// Between texts of an answer that were apart, where one text is all there is: no guardrail saw them as one.
pub(crate) const APART: &str = "\n\n";

/// The texts of a stream, where the other side has one text for what stands in several places here: guardrails look at
/// what stands in one place as one.
#[derive(Debug)]
pub(crate) struct Apart<P>(HashMap<u32, P>);

impl<P> Default for Apart<P> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<P: PartialEq> Apart<P> {
    /// A piece of the text of a choice that stands in this place; nothing if it is empty.
    pub(crate) fn piece(&mut self, choice: u32, place: P, text: String) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        let is_elsewhere = self.0.get(&choice).is_some_and(|before| *before != place);
        self.0.insert(choice, place);
        Some(if is_elsewhere { [APART, &text].concat() } else { text })
    }
}

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reply {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Option<Usage>,
}

/// One of several alternative answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    pub(crate) index: u32,
    pub(crate) parts: Vec<Part>,
    pub(crate) finish: Option<Finish>,
    /// Which of the texts of `stop` ended it.
    pub(crate) stopped_by: Option<String>,
}

impl Reply {
    /// What the events of a stream say that is this answer.
    pub(crate) fn into_deltas(self, losses: &mut Vec<Loss>) -> Vec<Delta> {
        let mut deltas = vec![Delta::Begin { id: self.id, model: self.model }];
        for Choice { index: choice, parts, finish, stopped_by } in self.choices {
            let (mut texts, mut thoughts, mut calls) = (Apart::default(), Apart::default(), 0);
            for (place, part) in parts.into_iter().enumerate() {
                match part {
                    Part::Text(text) => {
                        deltas.extend(texts.piece(choice, place, text).map(|text| Delta::Text { choice, text }));
                    }
                    Part::Thinking { text, signature } => {
                        let text = thoughts.piece(choice, place, text);
                        deltas.extend(text.map(|text| Delta::Thinking { choice, text }));
                        deltas.extend(signature.map(|signature| Delta::Signature { choice, signature }));
                    }
                    Part::SealedThinking(data) => deltas.push(Delta::SealedThinking { choice, data }),
                    Part::Refusal(text) => deltas.push(Delta::Refusal { choice, text }),
                    Part::Call(Call { id, name, arguments }) => {
                        deltas.push(Delta::Call { choice, index: calls, id, name });
                        deltas.push(Delta::Arguments { choice, index: calls, json: arguments });
                        calls += 1;
                    }
                    Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Result(_) => {
                        losses.push(Loss::harmless(part.word(), "cannot be told in a stream"));
                    }
                }
            }
            let finish = finish.unwrap_or(Finish::Stop);
            deltas.push(Delta::Finish { choice, finish, stopped_by });
        }
        deltas.extend(self.usage.map(Delta::Usage));
        deltas.push(Delta::End);
        deltas
    }

    /// Leave out calls of tools of which the end was cut off with the answer, for dialects that have no word for half of one.
    pub(crate) fn without_cut_calls(&mut self, losses: &mut Vec<Loss>) {
        for choice in self.choices.iter_mut().filter(|choice| choice.finish == Some(Finish::Length)) {
            let before = choice.parts.len();
            let is_cut = |part: &Part| matches!(part, Part::Call(call) if json_object(&call.arguments).is_none());
            choice.parts.retain(|part| !is_cut(part));
            if choice.parts.len() < before {
                losses.push(Loss::harmless("call", "was cut off with the answer"));
            }
        }
    }
}

/// What an event of a stream adds to the answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Delta {
    /// The answer begins.
    Begin {
        id: String,
        model: String,
    },
    Text {
        choice: u32,
        text: String,
    },
    Thinking {
        choice: u32,
        text: String,
    },
    /// The seal on the thoughts so far.
    Signature {
        choice: u32,
        signature: String,
    },
    SealedThinking {
        choice: u32,
        data: String,
    },
    Refusal {
        choice: u32,
        text: String,
    },
    /// A call of a tool begins. `index` counts the calls of the choice, from 0.
    Call {
        choice: u32,
        index: u32,
        id: String,
        name: String,
    },
    /// A piece of the arguments of that call, which is JSON when all are strung together.
    Arguments {
        choice: u32,
        index: u32,
        json: String,
    },
    Finish {
        choice: u32,
        finish: Finish,
        stopped_by: Option<String>,
    },
    Usage(Usage),
    /// The provider has failed in the middle.
    Failed(Failure),
    /// A sign of life.
    Ping,
    /// The dialect's last word.
    End,
}

/// An error as a provider or the gateway tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// The kind, in the words of the dialect that it comes from.
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    /// The field of the request that is meant.
    pub(crate) field: Option<String>,
    /// There if it is the gateway's own error.
    pub(crate) own: Option<Own>,
}

impl Failure {
    /// An error in the fields that OpenAI's dialects and Anthropic's have for it.
    pub(crate) fn told(message: Option<String>, said: impl Fn(&str) -> Option<String>) -> Self {
        let message = message.unwrap_or_default();
        Self { message, kind: said("type"), code: said("code"), field: said("param"), own: None }
    }
}

/// What is known of the gateway's own errors alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) status: StatusCode,
    /// The kind, in the gateway's words, which no dialect knows but those in which it is said as it is.
    pub(crate) kind: String,
}

impl From<ErrorWords<'_>> for Failure {
    fn from(words: ErrorWords<'_>) -> Self {
        let ErrorWords { status, message, kind, field, code } = words;
        Self {
            message: message.to_owned(),
            kind: None,
            code: Some(code.to_owned()),
            field: field.map(str::to_owned),
            own: Some(Own { status, kind: kind.to_owned() }),
        }
    }
}

/// Something that one side said and the other has no word for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The field, by its path in what was read: `messages[2].content[0].cache_control`, `logit_bias`.
    pub field: String,
    /// Why it cannot be said, for the caller.
    pub why: &'static str,
    /// It changes nothing that anybody would notice: it may be left out without asking.
    pub is_harmless: bool,
}

impl Loss {
    pub(crate) fn new(field: impl Into<String>, why: &'static str) -> Self {
        Self { field: field.into(), why, is_harmless: false }
    }

    pub(crate) fn harmless(field: impl Into<String>, why: &'static str) -> Self {
        Self { field: field.into(), why, is_harmless: true }
    }

    /// What a provider adds to its answers is left out without asking: nobody has asked for it.
    pub(crate) fn unasked(self) -> Self {
        Self { is_harmless: true, ..self }
    }
}

/// Fields of a stream that are told as lost: one provider may add another with each event.
pub(crate) const LOSSES_MAX: usize = 100;

/// The losses of a stream that were told, each once and so many at most.
#[derive(Debug, Default)]
pub(crate) struct Told(BTreeSet<String>);

impl Told {
    /// Those that were not told yet.
    pub(crate) fn further(&mut self, losses: impl Iterator<Item = Loss>) -> impl Iterator<Item = Loss> {
        losses.filter(|loss| self.0.len() < LOSSES_MAX && self.0.insert(loss.field.clone()))
    }
}

/// What a request may say beside its turns and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    ToolChoice,
    ParallelCalls,
    TokensMax,
    Temperature,
    TopP,
    TopK,
    Seed,
    PresencePenalty,
    FrequencyPenalty,
    Stop,
    Choices,
    Format,
    Reasoning,
    User,
}

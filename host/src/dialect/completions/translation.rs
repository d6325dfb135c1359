//! Completions to a conversation in no provider's words, and back, for targets that know conversations alone. The way from a
//! conversation to completions is not there: nobody could say how a base model marks who speaks.

use bytes::Bytes;
use serde::Serialize;

use crate::chat::{Finish, Usage};
use crate::dialect::conversation::{
    APART, Choice, Conversation, Delta, Feature, Loss, Part, Reply, Speaker, Told, Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, NO_COUNTERPART, Object, written};
use crate::dialect::openai;
use crate::dialect::openai::translation::UsageJson;
use crate::dialect::raw::Kind;
use crate::moment::Moment;

/// What the features of a request are called here.
const FEATURES: &[(Feature, &str)] = &[
    (Feature::TokensMax, "max_tokens"),
    (Feature::Temperature, "temperature"),
    (Feature::TopP, "top_p"),
    (Feature::Seed, "seed"),
    (Feature::PresencePenalty, "presence_penalty"),
    (Feature::FrequencyPenalty, "frequency_penalty"),
    (Feature::Stop, "stop"),
    (Feature::Choices, "n"),
    (Feature::User, "user"),
];

/// Read a request: the text is what the user says.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn parse_request(body: &[u8], losses: &mut Vec<Loss>) -> Result<Conversation, Wrong> {
    let mut to = Conversation::default();
    let mut best_of = None;
    for field in Object::of_body(body, "a request to go on")?.fields {
        match &*field.name {
            "model" => to.model = field.text()?,
            "prompt" => to.turns = vec![read_prompt(&field, losses)?],
            "stream" => to.streaming = field.flag()?,
            "stream_options" => {
                for option in field.object()?.fields {
                    match &*option.name {
                        "include_usage" => to.streams_usage = option.flag()?,
                        _ => losses.push(option.harmless(NO_COUNTERPART)),
                    }
                }
            }
            "max_tokens" => to.tokens_max = Some(field.whole()?),
            "temperature" => to.temperature = Some(field.number()?),
            "top_p" => to.top_p = Some(field.number()?),
            "seed" => to.seed = Some(field.whole()?),
            "presence_penalty" => to.presence_penalty = Some(field.number()?).filter(|penalty| *penalty != 0.0),
            "frequency_penalty" => to.frequency_penalty = Some(field.number()?).filter(|penalty| *penalty != 0.0),
            "stop" if field.value.kind() == Kind::String => to.stop = vec![field.text()?],
            "stop" => to.stop = field.texts()?,
            "n" => to.choices = Some(field.whole::<u32>()?).filter(|choices| *choices != 1),
            "best_of" => best_of = Some(field.whole::<u32>()?),
            "user" => to.user = Some(field.text()?),
            "suffix" if field.text()?.is_empty() => {}
            "echo" if !field.flag()? => {}
            "logit_bias" if field.object()?.fields.is_empty() => {}
            _ => losses.push(field.loss()),
        }
        to.fields.extend(FEATURES.iter().filter(|(_, name)| field.name == *name));
    }
    // Without a choice among more than are wanted, it says the same as `n`.
    if best_of.is_some_and(|best_of| best_of != to.choices.unwrap_or(1)) {
        losses.push(Loss::new("best_of", NO_COUNTERPART));
    }
    if to.model.is_empty() {
        return Err(Wrong::new("model", "is missing; name a model, see GET /v1/models"));
    }
    if to.turns.is_empty() {
        return Err(Wrong::new("prompt", "is missing; send a text or a list of texts"));
    }
    Ok(to)
}

fn read_prompt(prompt: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Turn, Wrong> {
    let mut texts = match prompt.value.kind() {
        Kind::String => vec![prompt.text()?],
        _ => prompt.texts()?,
    };
    if texts.len() > 1 {
        losses.push(Loss::new("prompt", "has several texts, and a conversation goes on with one: the first"));
        texts.truncate(1);
    }
    let parts = texts.into_iter().map(Part::Text).collect();
    Ok(Turn { speaker: Speaker::User, name: None, parts, at: "prompt".to_owned() })
}

#[derive(Serialize)]
struct AnswerJson<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [ChoiceJson<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageJson>,
}

#[derive(Serialize)]
struct ChoiceJson<'a> {
    text: &'a str,
    index: u32,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

const OBJECT: &str = "text_completion";
const NO_PLACE: &str = "completions have no place for it in an answer";

fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::ToolCalls | Finish::Other => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
    }
}

/// Write a whole answer.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn write_answer(reply: &Reply, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let texts: Vec<String> = reply.choices.iter().map(|choice| said(choice, losses)).collect();
    let choice = |(choice, text): (&Choice, _)| ChoiceJson {
        text,
        index: choice.index,
        logprobs: None,
        finish_reason: Some(finish_word(choice.finish.unwrap_or_default())),
    };
    let choices: Vec<ChoiceJson<'_>> =
        reply.choices.iter().zip(texts.iter().map(String::as_str)).map(choice).collect();
    written(&AnswerJson {
        id: &reply.id,
        object: OBJECT,
        created: Moment::now().seconds(),
        model: &reply.model,
        choices: &choices,
        usage: reply.usage.map(UsageJson::from),
    })
}

/// All that a choice says in words: a refusal is text, where it has no field of its own.
fn said(choice: &Choice, losses: &mut Vec<Loss>) -> String {
    let mut texts = Vec::new();
    for part in &choice.parts {
        match part {
            Part::Text(text) | Part::Refusal(text) => texts.push(text.as_str()),
            Part::Thinking { .. } | Part::SealedThinking(_) => losses.push(Loss::harmless("thinking", NO_PLACE)),
            Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Call(_) | Part::Result(_) => {
                losses.push(Loss::new(part.word(), NO_PLACE));
            }
        }
    }
    texts.join(APART)
}

/// Writes events one after the other.
#[derive(Debug, Default)]
pub(crate) struct DeltaWriter {
    with_usage: bool,
    id: String,
    model: String,
    created: u64,
    usage: Option<Usage>,
    told: Told,
}

impl DeltaWriter {
    /// For a caller who has asked for the usage, or has not.
    pub(crate) fn new(with_usage: bool) -> Self {
        Self { with_usage, ..Self::default() }
    }

    /// Add the events that say `delta` to `out`.
    pub(crate) fn write(&mut self, delta: &Delta, out: &mut Vec<u8>, losses: &mut Vec<Loss>) {
        match delta {
            Delta::Begin { id, model } => {
                (self.id, self.model, self.created) = (id.clone(), model.clone(), Moment::now().seconds());
            }
            Delta::Text { choice, text } | Delta::Refusal { choice, text } => {
                self.choice(*choice, text, None, out);
            }
            Delta::Thinking { .. } | Delta::Signature { .. } | Delta::SealedThinking { .. } => {
                losses.extend(self.told.further([Loss::harmless("thinking", NO_PLACE)].into_iter()));
            }
            Delta::Call { .. } | Delta::Arguments { .. } => {
                losses.extend(self.told.further([Loss::new("call", NO_PLACE)].into_iter()));
            }
            Delta::Finish { choice, finish, .. } => self.choice(*choice, "", Some(finish_word(*finish)), out),
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Failed(failure) => openai::translation::write_failed(failure, out),
            Delta::Ping => out.extend_from_slice(b": \n\n"),
            Delta::End => {
                if let Some(usage) = self.usage.filter(|_| self.with_usage) {
                    self.event(&[], Some(usage), out);
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
        }
    }

    fn choice(&self, index: u32, text: &str, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        self.event(&[ChoiceJson { text, index, logprobs: None, finish_reason }], None, out);
    }

    fn event(&self, choices: &[ChoiceJson<'_>], usage: Option<Usage>, out: &mut Vec<u8>) {
        let event = AnswerJson {
            id: &self.id,
            object: OBJECT,
            created: self.created,
            model: &self.model,
            choices,
            usage: usage.map(UsageJson::from),
        };
        out.extend_from_slice(b"data: ");
        // Serialising strings and numbers cannot fail.
        out.extend_from_slice(&serde_json::to_vec(&event).unwrap_or_default());
        out.extend_from_slice(b"\n\n");
    }
}

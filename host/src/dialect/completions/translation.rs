//! Completions to a conversation in no provider's words, and back, for targets that know conversations alone. The way from a
//! conversation to completions is not there: nobody could say how a base model marks who speaks.

use bytes::Bytes;
use serde::Serialize;

use crate::chat::{Finish, Usage};
use crate::dialect::conversation::{
    APART, Apart, Choice, Conversation, Delta, Feature, Loss, Part, Reply, Speaker, Told, Turn,
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
    let choices: Vec<ChoiceJson<'_>> = reply.choices.iter().zip(texts.iter().map(String::as_str)).map(choice).collect();
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
    /// Words and refusals are one text here.
    text: Apart<bool>,
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
                let is_refusal = matches!(delta, Delta::Refusal { .. });
                if let Some(text) = self.text.piece(*choice, is_refusal, text.clone()) {
                    self.choice(*choice, &text, None, out);
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::conversation::{Call, Failure};

    fn read(fields: &str) -> (Conversation, Vec<(String, bool)>) {
        let mut losses = Vec::new();
        let conversation = parse_request(format!(r#"{{"model":"m",{fields}}}"#).as_bytes(), &mut losses).unwrap();
        (conversation, losses.into_iter().map(|loss| (loss.field, loss.is_harmless)).collect())
    }

    #[test]
    fn a_text_is_what_the_user_says() {
        let (read, losses) = read(
            r#""prompt":["once upon"],"stream":true,"stream_options":{"include_usage":true},"max_tokens":5,"temperature":0.5,
            "top_p":0.25,"seed":-7,"presence_penalty":0.5,"frequency_penalty":-0.5,"stop":"END","n":2,"best_of":2,"user":"ann",
            "suffix":"","echo":false,"logit_bias":{},"logprobs":null"#,
        );
        assert_eq!(losses, []);
        let parts = vec![Part::Text("once upon".to_owned())];
        let turn = Turn { speaker: Speaker::User, name: None, parts, at: "prompt".to_owned() };
        let expected = Conversation {
            model: "m".to_owned(),
            streaming: true,
            streams_usage: true,
            turns: vec![turn],
            tokens_max: Some(5),
            temperature: Some(0.5),
            top_p: Some(0.25),
            seed: Some(-7),
            presence_penalty: Some(0.5),
            frequency_penalty: Some(-0.5),
            stop: vec!["END".to_owned()],
            choices: Some(2),
            user: Some("ann".to_owned()),
            ..Conversation::default()
        };
        assert_eq!(read.loss(Feature::Choices, "").field, "n");
        assert_eq!(Conversation { fields: Vec::new(), ..read }, expected);
    }

    #[test]
    fn what_a_conversation_has_no_word_for_is_named() {
        for (fields, lost) in [
            (r#""prompt":["a","b"]"#, "prompt"),
            (r#""prompt":"a","suffix":"b""#, "suffix"),
            (r#""prompt":"a","echo":true"#, "echo"),
            (r#""prompt":"a","best_of":3"#, "best_of"),
            (r#""prompt":"a","n":2,"best_of":3"#, "best_of"),
            (r#""prompt":"a","logprobs":0"#, "logprobs"),
            (r#""prompt":"a","logit_bias":{"5":1}"#, "logit_bias"),
            (r#""prompt":"a","new":1"#, "new"),
        ] {
            let (read, losses) = read(fields);
            assert_eq!(losses, [(lost.to_owned(), false)], "{fields}");
            assert_eq!(read.turns[0].parts, [Part::Text("a".to_owned())], "{fields}");
        }
        assert_eq!(read(r#""prompt":"a","stream_options":{"x":1}"#).1, [("stream_options.x".to_owned(), true)]);
    }

    #[test]
    fn an_answer_is_what_is_said_in_it() {
        let thought = Part::Thinking { text: "hmm".to_owned(), signature: None };
        let parts = vec![thought, Part::Text("a".to_owned()), Part::Refusal("b".to_owned())];
        let choice = Choice { index: 1, parts, finish: Some(Finish::Length), stopped_by: None };
        let usage = Some(Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() });
        let reply = Reply { id: "r".to_owned(), model: "m".to_owned(), choices: vec![choice], usage };
        let mut losses = Vec::new();
        let body = write_answer(&reply, &mut losses).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(losses, [Loss::harmless("thinking", NO_PLACE)]);
        assert_eq!((&body["id"], &body["object"], &body["model"]), (&"r".into(), &OBJECT.into(), &"m".into()));
        let choices = serde_json::json!([{"text": "a\n\nb", "index": 1, "logprobs": null, "finish_reason": "length"}]);
        assert_eq!(body["choices"], choices);
        assert_eq!(body["usage"]["total_tokens"], 5);
    }

    #[test]
    fn a_stream_says_texts_and_nothing_else() {
        let text = |text: &str| Delta::Text { choice: 0, text: text.to_owned() };
        let Call { id, name, .. } = Call { id: "c".to_owned(), name: "f".to_owned(), arguments: String::new() };
        let deltas = [
            Delta::Begin { id: "r".to_owned(), model: "m".to_owned() },
            Delta::Thinking { choice: 0, text: "hmm".to_owned() },
            text("a"),
            text("b"),
            Delta::Call { choice: 0, index: 0, id, name },
            Delta::Ping,
            Delta::Usage(Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() }),
            Delta::Finish { choice: 0, finish: Finish::ContentFilter, stopped_by: None },
            Delta::End,
        ];
        for with_usage in [true, false] {
            let (mut writer, mut out, mut losses) = (DeltaWriter::new(with_usage), Vec::new(), Vec::new());
            deltas.iter().for_each(|delta| writer.write(delta, &mut out, &mut losses));
            let out = String::from_utf8(out).unwrap();
            let events: Vec<&str> = out.split_terminator("\n\n").collect();
            assert_eq!(events.len(), 5 + usize::from(with_usage), "{out}");
            assert_eq!((events[2], events.last()), (": ", Some(&"data: [DONE]")));
            let choice = |event: &str| {
                let event: serde_json::Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
                (event["choices"][0]["text"].clone(), event["choices"][0]["finish_reason"].clone())
            };
            assert_eq!(choice(events[0]), ("a".into(), serde_json::Value::Null));
            assert_eq!(choice(events[3]), ("".into(), "content_filter".into()));
            assert_eq!(out.contains("total_tokens"), with_usage);
            let lost: Vec<_> = losses.iter().map(|loss| loss.field.as_str()).collect();
            assert_eq!(lost, ["thinking", "call"]);
        }
        let (mut writer, mut out) = (DeltaWriter::default(), Vec::new());
        for delta in [
            Delta::Text { choice: 0, text: "ada@".to_owned() },
            Delta::Refusal { choice: 0, text: "example".to_owned() },
            Delta::Refusal { choice: 0, text: ".com".to_owned() },
        ] {
            writer.write(&delta, &mut out, &mut Vec::new());
        }
        let text = String::from_utf8(out).unwrap();
        let said: Vec<_> = text.split(r#""text":"#).skip(1).map(|rest| rest.split(',').next().unwrap()).collect();
        assert_eq!(said, [r#""ada@""#, r#""\n\nexample""#, r#"".com""#]);
        let (mut writer, mut out) = (DeltaWriter::default(), Vec::new());
        let failure = Failure { message: "no".to_owned(), ..Failure::default() };
        writer.write(&Delta::Failed(failure), &mut out, &mut Vec::new());
        assert!(String::from_utf8(out).unwrap().contains(r#""message":"no""#));
    }
}

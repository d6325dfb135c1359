//! From one dialect to another, where caller and target speak different ones. What comes in here has passed the
//! guardrails; nothing is added to it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::conversation::{Choice, Conversation, Delta, Failure, Loss, Part, Reply};
use super::document::Wrong;
use super::kept::Heard;
use super::raw::Value;
use super::sse::{Cutter, tidy};
use super::{
    Address, Dialect, ErrorWords, Wire, anthropic, bedrock, completions, count, embeddings, gemini, openai, responses,
};
use crate::chat::{Finish, Task, Usage};

/// The way back from a target to a caller who speaks another dialect.
#[derive(Clone, Debug)]
pub struct Translation {
    target: Wire,
    caller: Dialect,
    /// What the target calls the model, for answers that do not say it.
    model: Arc<str>,
    /// The caller wants to know the usage in a stream.
    streams_usage: bool,
    of: Of,
}

/// What comes back.
#[derive(Clone, Debug)]
enum Of {
    Conversation,
    Models,
    Vectors(embeddings::Wanted),
    Count,
}

impl Translation {
    /// A request of `caller`'s dialect in `target`'s, and the way back.
    ///
    /// # Errors
    /// What cannot be said at all. What is only left out is in `losses`.
    pub fn of_request(
        caller: Dialect,
        target: Wire,
        body: &[u8],
        address: &Address,
        losses: &mut Vec<Loss>,
    ) -> Result<(Self, Bytes), Wrong> {
        let (mut conversation, of) = match address.task {
            Task::Converse => (read(caller, body, address, losses)?, Of::Conversation),
            Task::CountTokens => (anthropic::translation::parse_count(body, losses)?, Of::Count),
            Task::Embed => {
                let (wanted, body) = embeddings::write_request(body, losses)?;
                let of = Of::Vectors(wanted);
                return Ok((Self { target, caller, model: "".into(), streams_usage: false, of }, body));
            }
        };
        conversation.list = match caller {
            Dialect::OpenAi | Dialect::Anthropic => "messages",
            Dialect::Gemini => "contents",
            Dialect::Responses => "input",
            Dialect::Completions => "prompt",
        };
        let model = &conversation.model;
        let mut body = match target {
            Wire::Dialect(Dialect::OpenAi) => openai::translation::write_request(&conversation, model, losses)?,
            Wire::Dialect(Dialect::Anthropic) => anthropic::translation::write_request(&conversation, model, losses)?,
            Wire::Dialect(Dialect::Gemini) => gemini::translation::write_request(&conversation, model, losses)?,
            Wire::Dialect(Dialect::Responses) => responses::translation::write_request(&conversation, model, losses)?,
            Wire::Bedrock => bedrock::translation::write_request(&conversation, model, losses)?,
            // Only who speaks it is passed on in it.
            Wire::Dialect(Dialect::Completions) => {
                return Err(Wrong::new("", "nothing is translated to completions"));
            }
        };
        if let Of::Count = of {
            body = count::write_request(target, model, &body)?;
        }
        let (model, streams_usage) = (model.as_str().into(), conversation.streams_usage);
        Ok((Self { target, caller, model, streams_usage, of }, body))
    }

    /// The way back of a conversation that was not translated on its way.
    pub(crate) fn back_from(target: Wire, caller: Dialect, model: &str, streams_usage: bool) -> Self {
        Self { target, caller, model: model.into(), streams_usage, of: Of::Conversation }
    }

    /// The way back to a caller who has asked in the simplest way.
    #[cfg(test)]
    pub(super) fn back(caller: Dialect, target: Wire) -> Self {
        Self::back_from(target, caller, "m", true)
    }

    /// The way back of a list of models.
    pub(crate) fn of_models(caller: Dialect, target: Dialect) -> Option<Self> {
        (caller.family() != target.family()).then(|| Self {
            target: Wire::Dialect(target),
            caller,
            model: "".into(),
            streams_usage: false,
            of: Of::Models,
        })
    }

    /// A complete answer or an error of the target, for the caller. What is left out is in `losses`.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub fn answer(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        losses: &mut Vec<Loss>,
    ) -> Result<Bytes, Wrong> {
        if !status.is_success() {
            let failure = match self.target {
                Wire::Dialect(Dialect::OpenAi | Dialect::Responses | Dialect::Completions) => {
                    openai::translation::parse_failure(body)
                }
                Wire::Dialect(Dialect::Anthropic) => anthropic::translation::parse_failure(body),
                Wire::Dialect(Dialect::Gemini) => gemini::translation::parse_failure(body),
                Wire::Bedrock => bedrock::translation::parse_failure(headers, body),
            };
            return Ok(match self.caller {
                Dialect::OpenAi | Dialect::Responses | Dialect::Completions => {
                    openai::translation::write_failure(status, &failure)
                }
                Dialect::Anthropic => anthropic::translation::write_failure(status, &failure),
                Dialect::Gemini => gemini::translation::write_failure(status, &failure),
            });
        }
        match &self.of {
            Of::Models => return Ok(self.models(body)),
            Of::Vectors(wanted) => return embeddings::translate_answer(body, wanted, losses),
            Of::Count => return count::translate_answer(self.target, body),
            Of::Conversation => {}
        }
        let reply = self.reply(body, losses)?;
        match self.caller {
            Dialect::OpenAi => openai::translation::write_answer(&reply, losses),
            Dialect::Anthropic => anthropic::translation::write_answer(&reply, losses),
            Dialect::Gemini => gemini::translation::write_answer(&reply, losses),
            Dialect::Responses => responses::translation::write_answer(&reply, losses),
            Dialect::Completions => completions::translation::write_answer(&reply, losses),
        }
    }

    /// A complete answer of the target, as the events of a stream for the caller. What is left out is in `losses`.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub(crate) fn answer_as_events(&self, body: &[u8], losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
        let (mut events, mut out) = (self.events(), Vec::new());
        for delta in self.reply(body, losses)?.into_deltas(losses) {
            events.write(&delta, &mut out, losses)?;
        }
        Ok(out.into())
    }

    /// What a complete answer of the target says, as far as the caller's dialect has words for it.
    pub(super) fn reply(&self, body: &[u8], losses: &mut Vec<Loss>) -> Result<Reply, Wrong> {
        let mut reply = match self.target {
            Wire::Dialect(Dialect::OpenAi | Dialect::Completions) => openai::translation::parse_answer(body, losses)?,
            Wire::Dialect(Dialect::Anthropic) => anthropic::translation::parse_answer(body, losses)?,
            Wire::Dialect(Dialect::Gemini) => gemini::translation::parse_answer(body, losses)?,
            Wire::Dialect(Dialect::Responses) => responses::translation::parse_answer(body, losses)?,
            Wire::Bedrock => bedrock::translation::parse_answer(body, losses)?,
        };
        if reply.model.is_empty() {
            self.model.as_ref().clone_into(&mut reply.model);
        }
        if matches!(self.caller, Dialect::Anthropic | Dialect::Gemini) {
            reply.without_cut_calls(losses);
        }
        Ok(reply)
    }

    /// Most dialects have the same place for the names.
    fn models(&self, body: &[u8]) -> Bytes {
        let list = Value::or_null(body).fields();
        let (list_of, name_of) = match self.target {
            Wire::Dialect(Dialect::OpenAi | Dialect::Responses | Dialect::Completions | Dialect::Anthropic) => {
                ("data", "id")
            }
            Wire::Dialect(Dialect::Gemini) => ("models", "name"),
            // It has no list of models at the address where it answers.
            Wire::Bedrock => ("modelSummaries", "modelId"),
        };
        let models = list.last(list_of).map(Value::items).unwrap_or_default();
        let names = models.into_iter().filter_map(|model| model.fields().last(name_of).and_then(Value::text));
        let names: Vec<String> = names.map(|name| gemini::bare(&name).to_owned()).collect();
        self.caller.models_body(names.iter().map(String::as_str))
    }

    /// For the events of a stream of the target.
    pub(crate) fn events(&self) -> Events {
        Events {
            cutter: Cutter::new(usize::MAX),
            reader: match self.target {
                Wire::Dialect(Dialect::OpenAi | Dialect::Completions) => {
                    Reader::OpenAi(openai::translation::DeltaReader::default())
                }
                Wire::Dialect(Dialect::Anthropic) => Reader::Anthropic(anthropic::translation::DeltaReader::default()),
                Wire::Dialect(Dialect::Gemini) => Reader::Gemini(gemini::translation::DeltaReader::default()),
                Wire::Dialect(Dialect::Responses) => Reader::Responses(responses::translation::DeltaReader::default()),
                Wire::Bedrock => Reader::Bedrock(bedrock::translation::DeltaReader::default()),
            },
            writer: match self.caller {
                Dialect::OpenAi => Writer::OpenAi(openai::translation::DeltaWriter::new(self.streams_usage)),
                Dialect::Anthropic => Writer::Anthropic(anthropic::translation::DeltaWriter::default()),
                Dialect::Gemini => Writer::Gemini(gemini::translation::DeltaWriter::default()),
                Dialect::Responses => Writer::Responses(responses::translation::DeltaWriter::default()),
                Dialect::Completions => {
                    Writer::Completions(completions::translation::DeltaWriter::new(self.streams_usage))
                }
            },
            model: self.model.clone(),
            own: None,
            heard: None,
            is_over: false,
        }
    }
}

/// An answer that no model gave, in OpenAI's form. It took no tokens.
///
/// # Errors
/// When it cannot be said in JSON.
pub(crate) fn own_answer(exchange: &str, model: &str, text: &str) -> Result<Bytes, Wrong> {
    let choice = Choice { parts: vec![Part::Text(text.to_owned())], finish: Some(Finish::Stop), ..Choice::default() };
    let reply = Reply {
        id: format!("chatcmpl-{exchange}"),
        model: model.to_owned(),
        choices: vec![choice],
        usage: Some(Usage::default()),
    };
    openai::translation::write_answer(&reply, &mut Vec::new())
}

/// Translates the events of a stream, one after the other.
#[derive(Debug)]
pub(crate) struct Events {
    cutter: Cutter,
    reader: Reader,
    writer: Writer,
    model: Arc<str>,
    /// The gateway's own error, with which the stream ends.
    own: Option<Failure>,
    /// All that was said, where somebody listens.
    heard: Option<Heard>,
    is_over: bool,
}

#[derive(Debug)]
enum Reader {
    OpenAi(openai::translation::DeltaReader),
    Anthropic(anthropic::translation::DeltaReader),
    Gemini(gemini::translation::DeltaReader),
    Responses(responses::translation::DeltaReader),
    Bedrock(bedrock::translation::DeltaReader),
}

#[derive(Debug)]
enum Writer {
    OpenAi(openai::translation::DeltaWriter),
    Anthropic(anthropic::translation::DeltaWriter),
    Gemini(gemini::translation::DeltaWriter),
    Responses(responses::translation::DeltaWriter),
    Completions(completions::translation::DeltaWriter),
}

/// What a caller of this dialect asks in a conversation.
pub(super) fn read(
    caller: Dialect,
    body: &[u8],
    address: &Address,
    losses: &mut Vec<Loss>,
) -> Result<Conversation, Wrong> {
    match caller {
        Dialect::OpenAi => openai::translation::parse_request(body, losses),
        Dialect::Anthropic => anthropic::translation::parse_request(body, losses),
        Dialect::Gemini => gemini::translation::parse_request(body, address, losses),
        Dialect::Responses => responses::translation::parse_request(body, losses),
        Dialect::Completions => completions::translation::parse_request(body, losses),
    }
}

impl Events {
    /// The same, and all that is said is heard.
    pub(super) fn listening(self) -> Self {
        Self { heard: Some(Heard::default()), ..self }
    }

    /// Whether what was heard is nothing for others.
    pub(super) fn has_failed(&self) -> bool {
        self.heard.as_ref().is_some_and(Heard::has_failed)
    }

    /// Whether what was heard has come to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.heard.as_ref().is_some_and(Heard::is_whole)
    }

    /// What was heard, where somebody listened.
    pub(super) fn heard(self) -> Option<Heard> {
        self.heard
    }

    /// The caller's events for bytes of the target's stream.
    ///
    /// # Errors
    /// Why they cannot be said.
    pub(crate) fn translate(&mut self, bytes: &[u8], losses: &mut Vec<Loss>) -> Result<Vec<u8>, Wrong> {
        let mut out = Vec::new();
        self.cutter.push(bytes);
        while let Ok(Some(event)) = self.cutter.next() {
            self.event(&event, &mut out, losses)?;
        }
        Ok(out)
    }

    /// The same for the last of them, which the gateway has written with this error in the target's words.
    ///
    /// # Errors
    /// As [`translate`](Events::translate).
    pub(crate) fn translate_ending(
        &mut self,
        bytes: &[u8],
        error: ErrorWords<'_>,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Wrong> {
        self.own = Some(error.into());
        self.translate(bytes, losses)
    }

    /// The end of the stream: what is left of it, and the dialect's last word if it is not out.
    ///
    /// # Errors
    /// As [`translate`](Events::translate).
    pub(crate) fn end(&mut self, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Wrong> {
        let mut out = Vec::new();
        let rest = self.cutter.rest();
        if !rest.is_empty() {
            self.event(&rest, &mut out, losses)?;
        }
        let mut deltas = Vec::new();
        if let Reader::Gemini(reader) = &mut self.reader {
            reader.end(&mut deltas);
        }
        deltas.push(Delta::End);
        deltas.iter().try_for_each(|delta| self.write(delta, &mut out, losses))?;
        Ok(out)
    }

    fn event(&mut self, event: &Bytes, out: &mut Vec<u8>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        let (event, data) = tidy(event);
        let data = data.and_then(|place| event.get(place)).and_then(|data| std::str::from_utf8(data).ok());
        let Some(data) = data else {
            return self.write(&Delta::Ping, out, losses);
        };
        let mut deltas = Vec::new();
        match &mut self.reader {
            Reader::OpenAi(reader) => reader.read(data, &mut deltas, losses)?,
            Reader::Anthropic(reader) => reader.read(data, &mut deltas, losses)?,
            Reader::Gemini(reader) => reader.read(data, &mut deltas, losses)?,
            Reader::Responses(reader) => reader.read(data, &mut deltas, losses)?,
            Reader::Bedrock(reader) => reader.read(data, &mut deltas, losses)?,
        }
        for delta in &mut deltas {
            match (delta, &self.own) {
                (Delta::Begin { model, .. }, _) if model.is_empty() => self.model.as_ref().clone_into(model),
                // The target's dialect may have no word for its kind.
                (Delta::Failed(failure), Some(own)) => failure.clone_from(own),
                _ => {}
            }
        }
        deltas.iter().try_for_each(|delta| self.write(delta, out, losses))
    }

    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        if self.is_over {
            return Ok(());
        }
        self.is_over = matches!(delta, Delta::End | Delta::Failed(_));
        if let Some(heard) = &mut self.heard {
            heard.add(delta);
        }
        match &mut self.writer {
            Writer::OpenAi(writer) => writer.write(delta, out),
            Writer::Anthropic(writer) => writer.write(delta, out),
            Writer::Gemini(writer) => writer.write(delta, out)?,
            Writer::Responses(writer) => writer.write(delta, out),
            Writer::Completions(writer) => writer.write(delta, out, losses),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_cut_off_with_the_answer_is_left_out_where_half_of_one_cannot_be_said() {
        let cut = r#"{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"length","message":{"role":"assistant",
            "content":"I look","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
                {"id":"b","type":"function","function":{"name":"f","arguments":"{\"a\": \"lon"}}]}}]}"#;
        for (caller, has_both) in
            [(Dialect::Anthropic, false), (Dialect::Gemini, false), (Dialect::Responses, true), (Dialect::OpenAi, true)]
        {
            let mut losses = Vec::new();
            let way = Translation::back(caller, Wire::Dialect(Dialect::OpenAi));
            let answer = way.answer(StatusCode::OK, &HeaderMap::new(), cut.as_bytes(), &mut losses).unwrap();
            let answer = String::from_utf8(answer.to_vec()).unwrap();
            assert!(answer.contains("I look"), "{answer}");
            assert_eq!(answer.contains("lon"), has_both, "{answer}");
            assert_eq!(losses.iter().any(|loss| loss.field == "call" && loss.is_harmless), !has_both, "{losses:?}");
        }
        let broken = cut.replace("\"length\"", "\"tool_calls\"");
        let way = Translation::back(Dialect::Anthropic, Wire::Dialect(Dialect::OpenAi));
        assert!(way.answer(StatusCode::OK, &HeaderMap::new(), broken.as_bytes(), &mut Vec::new()).is_err());
    }

    #[test]
    fn a_whole_answer_says_as_events_what_it_says_as_a_whole() {
        let whole = r#"{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant",
            "content":"I look","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
                {"id":"b","type":"function","function":{"name":"g","arguments":"{\"b\":2}"}}]}}],
            "usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;
        for caller in [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini, Dialect::Responses] {
            let mut losses = Vec::new();
            let way = Translation::back(caller, Wire::Dialect(Dialect::OpenAi));
            let events = way.answer_as_events(whole.as_bytes(), &mut losses).unwrap();
            let mut back = Translation::back(Dialect::OpenAi, Wire::Dialect(caller)).events();
            let mut said = back.translate(&events, &mut losses).unwrap();
            said.extend(back.end(&mut losses).unwrap());
            let said = String::from_utf8(said).unwrap();
            for word in ["\"I look\"", "\"name\":\"f\"", "\"name\":\"g\"", "tool_calls", "\"total_tokens\":12"] {
                assert!(said.contains(word), "{caller:?} {word}: {said}");
            }
            assert!(said.contains(r#"{\"a\":1}"#) && said.contains(r#"{\"b\":2}"#), "{caller:?}: {said}");
            assert_eq!(said.matches("[DONE]").count(), 1, "{caller:?}: {said}");
            assert_eq!(losses, [], "{caller:?}");
        }
    }

    #[test]
    fn where_nothing_is_left_to_say_the_callers_field_is_named() {
        let address = Address { task: Task::Converse, model: Some("m".to_owned()), streaming: Some(false) };
        for (caller, body, field) in [
            (Dialect::OpenAi, r#"{"model":"m","messages":[{"role":"user","content":""}]}"#, "messages"),
            (Dialect::OpenAi, r#"{"model":"m","messages":[{"role":"system","content":"be kind"}]}"#, "messages"),
            (Dialect::Responses, r#"{"model":"m","instructions":"be kind","input":""}"#, "input"),
            (Dialect::Responses, r#"{"model":"m","input":[{"type":"reasoning","summary":[]}]}"#, "input"),
            (Dialect::Gemini, r#"{"contents":[{"role":"user","parts":[{"text":""}]}]}"#, "contents"),
            (Dialect::Completions, r#"{"model":"m","prompt":""}"#, "prompt"),
        ] {
            let target = Wire::Dialect(Dialect::Anthropic);
            let refused = Translation::of_request(caller, target, body.as_bytes(), &address, &mut Vec::new());
            assert_eq!(refused.map(|_| ()).map_err(|wrong| wrong.field), Err(field.to_owned()), "{body}");
        }
    }
}

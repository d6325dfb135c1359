//! The events of a streamed chat completion, to and from what they add to the answer.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::answer::{failure_json, read_failure};
use super::request::{read_part, read_parts};
use super::{CallJson, UsageJson, call, finish_word, is_usual};
use crate::chat::Usage;
use crate::dialect::conversation::{Apart, Delta, Failure, Loss, Part, Told};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};
use crate::dialect::openai::answer::{finish, usage};
use crate::dialect::pieces::LANES_MAX;
use crate::dialect::raw::Kind;
use crate::moment::Moment;

/// Reads events one after the other. No character is split over two of them any more: the reader before this one has
/// mended that.
#[derive(Debug, Default)]
pub(crate) struct DeltaReader {
    has_begun: bool,
    /// Calls of tools, by their choice and the provider's number.
    calls: HashMap<(u32, u32), OpenCall>,
    /// How many calls of each choice have begun.
    counts: HashMap<u32, u32>,
    /// By the name of the field.
    thinking: Apart<&'static str>,
    text: Apart<Place>,
    refusal: Apart<Place>,
    told: Told,
}

/// Where words stand: in a field of their own, or in this part of a list.
type Place = Option<u32>;

#[derive(Debug, Default)]
struct OpenCall {
    id: String,
    /// Our number, once the call has begun. Providers' numbers need not begin at 0, nor be without gaps.
    index: Option<u32>,
}

impl DeltaReader {
    /// Read the data of one event.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub(crate) fn read(&mut self, data: &str, out: &mut Vec<Delta>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        let data = data.trim();
        if data == "[DONE]" {
            out.push(Delta::End);
            return Ok(());
        }
        let event = Object::of_body(data.as_bytes(), "an event of a chat completion")?;
        self.begin(&event, out)?;
        let mut left = Vec::new();
        for field in &event.fields {
            match &*field.name {
                "choices" => {
                    for (position, choice) in (0..).zip(field.items()?) {
                        self.choice(&choice, position, out, &mut left)?;
                    }
                }
                "usage" => out.extend(usage(field.value).map(Delta::Usage)),
                "error" => out.push(Delta::Failed(read_failure(field.value))),
                "id" | "model" | "object" | "created" | "system_fingerprint" | "service_tier" | "obfuscation" => {}
                _ if is_usual(field) => {}
                _ => left.push(field.loss()),
            }
        }
        losses.extend(self.told.further(left.into_iter().map(Loss::unasked)));
        Ok(())
    }

    /// The answer begins with the first event that says something of it: some servers send others before.
    fn begin(&mut self, event: &Object<'_>, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        let says = |field: &Given<'_>| matches!(&*field.name, "choices" | "usage") && !is_usual(field);
        if self.has_begun || !event.fields.iter().any(says) {
            return Ok(());
        }
        self.has_begun = true;
        let (id, model) = (text(event, "id")?, text(event, "model")?);
        out.push(Delta::Begin { id: id.unwrap_or_default(), model: model.unwrap_or_default() });
        Ok(())
    }

    fn choice(
        &mut self,
        from: &Given<'_>,
        position: u32,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        let from = from.object()?;
        let choice = from.find("index").map_or(Ok(position), Given::whole)?;
        for field in &from.fields {
            match &*field.name {
                "index" | "finish_reason" => {}
                "delta" => self.delta(&field.object()?, choice, out, left)?,
                _ if is_usual(field) => {}
                _ => left.push(field.loss()),
            }
        }
        // Behind what the same event may still add. Some servers write "" for null.
        if let Some(reason) = text(&from, "finish_reason")? {
            out.push(Delta::Finish { choice, finish: finish(&reason), stopped_by: None });
        }
        Ok(())
    }

    /// Whatever the order of the fields, thoughts come before words and words before calls.
    fn delta(
        &mut self,
        delta: &Object<'_>,
        choice: u32,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        // Some servers tell the same thoughts under both names.
        let (mut name, mut thought) = ("reasoning_content", text(delta, "reasoning_content")?);
        if thought.is_none() {
            (name, thought) = ("reasoning", text(delta, "reasoning")?);
        }
        let thought = thought.and_then(|text| self.thinking.piece(choice, name, text));
        out.extend(thought.map(|text| Delta::Thinking { choice, text }));
        if let Some(content) = delta.find("content") {
            self.content(content, choice, out, left)?;
        }
        let refusal = text(delta, "refusal")?.and_then(|text| self.refusal.piece(choice, None, text));
        out.extend(refusal.map(|text| Delta::Refusal { choice, text }));
        if let Some(calls) = delta.find("tool_calls") {
            for (position, item) in (0..).zip(calls.items()?) {
                self.call(&item.object()?, choice, position, out, left)?;
            }
        }
        for field in &delta.fields {
            match &*field.name {
                "role" | "content" | "refusal" | "reasoning_content" | "reasoning" | "tool_calls" => {}
                _ if is_usual(field) => {}
                _ => left.push(field.loss()),
            }
        }
        Ok(())
    }

    /// A string, or a list of parts.
    fn content(
        &mut self,
        content: &Given<'_>,
        choice: u32,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        let mut parts = Vec::new();
        match content.value.kind() {
            Kind::Array => {
                for (position, item) in (0..).zip(content.items()?) {
                    let item = item.object()?;
                    let index = item.find("index").and_then(|index| index.value.number());
                    parts.extend(read_part(&item, left)?.map(|part| (Some(index.unwrap_or(position)), part)));
                }
            }
            _ => parts.extend(read_parts(content, left)?.into_iter().map(|part| (None, part))),
        }
        for (place, part) in parts {
            match part {
                Part::Text(text) => {
                    let text = self.text.piece(choice, place, text);
                    out.extend(text.map(|text| Delta::Text { choice, text }));
                }
                Part::Refusal(text) => {
                    let text = self.refusal.piece(choice, place, text);
                    out.extend(text.map(|text| Delta::Refusal { choice, text }));
                }
                _ => left.push(content.loss()),
            }
        }
        Ok(())
    }

    fn call(
        &mut self,
        from: &Object<'_>,
        choice: u32,
        position: u32,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        let number = from.find("index").map_or(Ok(position), Given::whole)?;
        let Some(said) = call(from, left)? else { return Ok(()) };
        if self.calls.len() >= LANES_MAX && !self.calls.contains_key(&(choice, number)) {
            return Err(Wrong::new("", "the answer has too many calls of tools"));
        }
        let open = self.calls.entry((choice, number)).or_default();
        // Some servers say id and name with each event, and some of them another id each time: the first counts.
        if open.index.is_none() && open.id.is_empty() {
            open.id = said.id;
        }
        let index = match open.index {
            Some(index) => index,
            None if said.name.is_empty() && said.arguments.is_empty() => return Ok(()),
            None if said.name.is_empty() => {
                return Err(Wrong::new("", "a call of a tool has arguments before it has a name"));
            }
            None => {
                let count = self.counts.entry(choice).or_default();
                let index = *count;
                *count = count.saturating_add(1);
                open.index = Some(index);
                out.push(Delta::Call { choice, index, id: open.id.clone(), name: said.name });
                index
            }
        };
        if !said.arguments.is_empty() {
            out.push(Delta::Arguments { choice, index, json: said.arguments });
        }
        Ok(())
    }
}

/// The text of a field; nothing if it is empty.
fn text(from: &Object<'_>, name: &str) -> Result<Option<String>, Wrong> {
    Ok(from.text(name)?.filter(|text| !text.is_empty()))
}

/// Writes events one after the other.
#[derive(Debug, Default)]
pub(crate) struct DeltaWriter {
    with_usage: bool,
    id: String,
    model: String,
    created: u64,
    /// Choices whose speaker has been told.
    begun: BTreeSet<u32>,
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct ChunkJson<'a> {
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
    index: u32,
    delta: DeltaJson<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct DeltaJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallJson<'a>; 1]>,
}

impl DeltaWriter {
    /// For a caller who has asked for the usage, or has not.
    pub(crate) fn new(with_usage: bool) -> Self {
        Self { with_usage, ..Self::default() }
    }

    /// Add the events that say `delta` to `out`. Seals on thoughts have no place in this dialect and mean nothing to
    /// its callers.
    pub(crate) fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        let empty = DeltaJson::default();
        match delta {
            Delta::Begin { id, model } => {
                (self.id, self.model, self.created) = (id.clone(), model.clone(), Moment::now().seconds());
            }
            Delta::Text { choice, text } => self.choice(*choice, DeltaJson { content: Some(text), ..empty }, out),
            Delta::Thinking { choice, text } => {
                self.choice(*choice, DeltaJson { reasoning_content: Some(text), ..empty }, out);
            }
            Delta::Signature { .. } | Delta::SealedThinking { .. } => {}
            Delta::Refusal { choice, text } => self.choice(*choice, DeltaJson { refusal: Some(text), ..empty }, out),
            Delta::Call { choice, index, id, name } => {
                let tool_calls = Some([CallJson::begun(*index, id, name, "")]);
                self.choice(*choice, DeltaJson { tool_calls, ..empty }, out);
            }
            Delta::Arguments { choice, index, json } => {
                let tool_calls = Some([CallJson::piece(*index, json)]);
                self.choice(*choice, DeltaJson { tool_calls, ..empty }, out);
            }
            Delta::Finish { choice, finish, .. } => self.said(*choice, empty, Some(finish_word(*finish)), out),
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Failed(failure) => write_failed(failure, out),
            Delta::Ping => out.extend_from_slice(b": \n\n"),
            Delta::End => {
                if let Some(usage) = self.usage.filter(|_| self.with_usage) {
                    self.chunk(&[], Some(usage), out);
                }
                event(b"[DONE]", out);
            }
        }
    }

    fn choice(&mut self, index: u32, delta: DeltaJson<'_>, out: &mut Vec<u8>) {
        self.said(index, delta, None, out);
    }

    fn said(&mut self, index: u32, delta: DeltaJson<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        let role = self.begun.insert(index).then_some("assistant");
        let delta = DeltaJson { role, ..delta };
        self.chunk(&[ChoiceJson { index, delta, logprobs: None, finish_reason }], None, out);
    }

    fn chunk(&self, choices: &[ChoiceJson<'_>], usage: Option<Usage>, out: &mut Vec<u8>) {
        let chunk = ChunkJson {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            usage: usage.map(UsageJson::from),
        };
        // Serialising strings and numbers cannot fail.
        event(&serde_json::to_vec(&chunk).unwrap_or_default(), out);
    }
}

/// The event of an error.
pub(crate) fn write_failed(failure: &Failure, out: &mut Vec<u8>) {
    event(&failure_json(failure, "server_error"), out);
}

/// One event. JSON as it is written here has no line breaks.
fn event(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Finish;
    use crate::dialect::conversation::LOSSES_MAX;

    fn read(events: &[&str]) -> (Vec<Delta>, Vec<String>) {
        let (mut reader, mut out, mut losses) = (DeltaReader::default(), Vec::new(), Vec::new());
        events.iter().for_each(|event| reader.read(event, &mut out, &mut losses).unwrap());
        assert!(losses.iter().all(|loss| loss.is_harmless));
        (out, losses.into_iter().map(|loss| loss.field).collect())
    }

    /// What is read of these choices' events, behind the beginning.
    fn choices(choices: &[&str]) -> Vec<Delta> {
        let events: Vec<String> = choices.iter().map(|choice| format!(r#"{{"choices":[{choice}]}}"#)).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        read(&events).0.split_off(1)
    }

    fn write(with_usage: bool, deltas: &[Delta]) -> String {
        let (mut writer, mut out) = (DeltaWriter::new(with_usage), Vec::new());
        deltas.iter().for_each(|delta| writer.write(delta, &mut out));
        String::from_utf8(out).unwrap()
    }

    /// The data of events.
    fn data(stream: &str) -> Vec<&str> {
        stream.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect()
    }

    fn begin() -> Delta {
        Delta::Begin { id: "chatcmpl-1".to_owned(), model: "large".to_owned() }
    }

    fn said(text: &str) -> Delta {
        Delta::Text { choice: 0, text: text.to_owned() }
    }

    /// Guardrails look at each for itself.
    #[test]
    fn what_stands_in_different_fields_and_parts_stays_apart() {
        let thought = |text: &str| Delta::Thinking { choice: 0, text: text.to_owned() };
        let deltas = choices(&[
            r#"{"index":0,"delta":{"reasoning_content":"ada@"}}"#,
            r#"{"index":0,"delta":{"reasoning":"example"}}"#,
            r#"{"index":0,"delta":{"reasoning":".com"}}"#,
            r#"{"index":0,"delta":{"content":"ada@"}}"#,
            r#"{"index":1,"delta":{"content":"the other"}}"#,
            r#"{"index":0,"delta":{"content":[{"type":"text","text":"exam"}]}}"#,
            r#"{"index":0,"delta":{"content":[{"type":"text","text":"ple"}]}}"#,
            r#"{"index":0,"delta":{"content":[{"type":"text","index":4,"text":".com"}]}}"#,
            r#"{"index":0,"delta":{"content":".org"}}"#,
        ]);
        let other = Delta::Text { choice: 1, text: "the other".to_owned() };
        let words = [said("ada@"), other, said("\n\nexam"), said("ple"), said("\n\n.com"), said("\n\n.org")];
        let thoughts = [thought("ada@"), thought("\n\nexample"), thought(".com")];
        assert_eq!(deltas, [&thoughts[..], &words].concat());
    }

    fn begun(index: u32, id: &str, name: &str) -> Delta {
        Delta::Call { choice: 0, index, id: id.to_owned(), name: name.to_owned() }
    }

    fn arguments(index: u32, json: &str) -> Delta {
        Delta::Arguments { choice: 0, index, json: json.to_owned() }
    }

    fn finished(choice: u32, finish: Finish) -> Delta {
        Delta::Finish { choice, finish, stopped_by: None }
    }

    fn answer() -> Vec<Delta> {
        vec![
            begin(),
            Delta::Thinking { choice: 0, text: "hmm".to_owned() },
            said("I look \"it\" up\n"),
            Delta::Refusal { choice: 1, text: "no".to_owned() },
            begun(0, "call_1", "weather"),
            arguments(0, "{\"city\":"),
            begun(1, "call_2", "now"),
            arguments(0, "\"Rome\"}"),
            arguments(1, "{}"),
            finished(0, Finish::ToolCalls),
            finished(1, Finish::ContentFilter),
            Delta::Usage(Usage {
                input_tokens: 9,
                cached_input_tokens: 4,
                output_tokens: 5,
                reasoning_tokens: 2,
                ..Usage::default()
            }),
            Delta::End,
        ]
    }

    #[test]
    fn a_stream_that_is_written_reads_as_it_was() {
        let stream = write(true, &answer());
        assert_eq!(read(&data(&stream)), (answer(), Vec::new()));
    }

    #[test]
    fn each_event_is_one_of_the_dialect() {
        let stream = write(true, &answer());
        let events = data(&stream);
        assert_eq!(events.last(), Some(&"[DONE]"));
        let json = |event: &&str| serde_json::from_str::<serde_json::Value>(event).unwrap();
        let chunks: Vec<_> = events[..events.len() - 1].iter().map(json).collect();
        for chunk in &chunks {
            assert_eq!(chunk["id"], "chatcmpl-1");
            assert_eq!(chunk["object"], "chat.completion.chunk");
            assert_eq!(chunk["model"], "large");
            assert!(chunk["created"].as_u64().unwrap() > 1_700_000_000);
        }
        let roles: Vec<_> = chunks.iter().map(|chunk| chunk["choices"][0]["delta"]["role"].is_string()).collect();
        assert_eq!(roles, [true, false, true, false, false, false, false, false, false, false, false]);
        let call = serde_json::json!([
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]);
        assert_eq!(chunks[3]["choices"][0]["delta"]["tool_calls"], call);
        let usage = chunks.last().unwrap();
        assert_eq!(usage["choices"], serde_json::json!([]));
        assert_eq!(usage["usage"]["total_tokens"], 14);
    }

    #[test]
    fn the_usage_is_for_those_who_asked() {
        let usage = [begin(), Delta::Usage(Usage::default()), Delta::End];
        assert_eq!(write(false, &usage), "data: [DONE]\n\n");
        assert_eq!(data(&write(true, &usage)).len(), 2);
        assert_eq!(write(true, &[begin(), Delta::End]), "data: [DONE]\n\n");
    }

    #[test]
    fn signs_of_life_and_failures_are_written() {
        let failure = Failure {
            message: "too\nbusy".to_owned(),
            kind: Some("overloaded_error".to_owned()),
            ..Failure::default()
        };
        let seal = Delta::Signature { choice: 0, signature: "AAAA".to_owned() };
        let sealed = Delta::SealedThinking { choice: 0, data: "AAAA".to_owned() };
        let error = r#"{"error":{"message":"too\nbusy","type":"server_error","param":null,"code":null}}"#;
        let deltas = [Delta::Ping, seal, sealed, Delta::Failed(failure)];
        assert_eq!(write(true, &deltas), format!(": \n\ndata: {error}\n\n"));
    }

    #[test]
    fn a_stream_begins_with_the_first_event_of_the_answer() {
        let (deltas, losses) = read(&[
            r#"{"id":"","model":"","choices":[],"prompt_filter_results":[{"a":1}]}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"model":"large","id":"chatcmpl-1"}"#,
            r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":""}]}"#,
            r#"{"id":"chatcmpl-1","choices":[{"index":0,"finish_reason":"stop","delta":{"content":"!"}}]}"#,
            "[DONE]",
        ]);
        assert_eq!(deltas, [begin(), said("hi"), said("!"), finished(0, Finish::Stop), Delta::End]);
        assert_eq!(losses, ["prompt_filter_results"]);
    }

    #[test]
    fn a_call_begins_once_whatever_the_provider_says_again() {
        let call = |call: &str| format!(r#"{{"delta":{{"tool_calls":[{call}]}}}}"#);
        let many = u32::MAX;
        let events = [
            call(&format!(r#"{{"index":{many},"id":"a","type":"function","function":{{"name":"f","arguments":""}}}}"#)),
            call(&format!(r#"{{"index":{many},"id":"b","function":{{"name":"f","arguments":"{{"}}}}"#)),
            call(r#"{"index":7,"id":"c"}"#),
            call(r#"{"index":7,"id":null,"type":"","function":{"name":"g","arguments":{"x": 1}}}"#),
            call(&format!(r#"{{"index":{many},"function":{{"arguments":"}}"}}}}"#)),
            call(r#"{"index":8,"type":"custom","custom":{"name":"h","input":"x"}}"#),
        ];
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let expected =
            [begun(0, "a", "f"), arguments(0, "{"), begun(1, "c", "g"), arguments(1, "{\"x\": 1}"), arguments(0, "}")];
        assert_eq!(choices(&events), expected);
    }

    #[test]
    fn thoughts_come_first_and_once() {
        let thinking = |text: &str| Delta::Thinking { choice: 0, text: text.to_owned() };
        let deltas = choices(&[
            r#"{"delta":{"content":"a","reasoning":"b","reasoning_content":"b"}}"#,
            r#"{"delta":{"reasoning_content":"","reasoning":"c"}}"#,
            r#"{"delta":{"content":[{"type":"text","text":"d"}],"reasoning":null}}"#,
        ]);
        assert_eq!(deltas, [thinking("b"), said("a"), thinking("\n\nc"), said("\n\nd")]);
    }

    #[test]
    fn a_field_without_counterpart_is_told_once() {
        let event = r#"{"x":{"y":1},"choices":[{"delta":{"z":1},"logprobs":{"content":[]}}]}"#;
        let (_, losses) = read(&[event, event]);
        assert_eq!(losses, ["x", "choices[0].delta.z", "choices[0].logprobs"]);
        let events: Vec<String> = (0..LOSSES_MAX + 1).map(|number| format!(r#"{{"x{number}":1}}"#)).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        assert_eq!(read(&events).1.len(), LOSSES_MAX);
    }

    #[test]
    fn a_failure_in_the_middle_is_read() {
        let (deltas, _) = read(&[r#"{"error":{"message":"too busy","code":503}}"#]);
        let failure = Failure { message: "too busy".to_owned(), code: Some("503".to_owned()), ..Failure::default() };
        assert_eq!(deltas, [Delta::Failed(failure)]);
    }

    #[test]
    fn an_event_that_is_none_is_refused() {
        for event in [
            "",
            "{",
            "[]",
            "3",
            r#"{"choices":{}}"#,
            r#"{"choices":[3]}"#,
            r#"{"choices":[{"index":-1}]}"#,
            r#"{"choices":[{"index":4294967296}]}"#,
            r#"{"choices":[{"delta":[]}]}"#,
            r#"{"choices":[{"delta":{"content":3}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":{}}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":"0"}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"content":"a","content":"b"}}]}"#,
            r#"{"id":3,"choices":[{}]}"#,
        ] {
            let read = DeltaReader::default().read(event, &mut Vec::new(), &mut Vec::new());
            assert!(read.is_err(), "{event}");
        }
    }

    #[test]
    fn the_calls_of_an_answer_have_a_limit() {
        let mut reader = DeltaReader::default();
        let mut read = |index: usize| {
            let call = format!(r#"{{"index":{index},"id":"a","function":{{"name":"f"}}}}"#);
            let event = format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{call}]}}}}]}}"#);
            reader.read(&event, &mut Vec::new(), &mut Vec::new())
        };
        assert!((0..LANES_MAX).all(|index| read(index).is_ok()));
        assert!(read(LANES_MAX).is_err());
        assert!(read(0).is_ok(), "a call that is known goes on");
    }
}

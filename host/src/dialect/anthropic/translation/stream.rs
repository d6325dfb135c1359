//! The events of a streamed message: what each adds to the answer, and an answer written as such events. Callers of
//! this dialect expect blocks one after the other; in others, calls of tools may come interleaved.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;

use super::answer::{MessageJson, UsageJson, parse_failure, stop_reason, write_failure};
use super::{BlockJson, dropped, leave_out};
use crate::chat::{Finish, Usage};
use crate::dialect::anthropic::answer::{Counted, finish};
use crate::dialect::conversation::{Apart, Delta, Failure, Loss, Told};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object, json_object};
use crate::dialect::pieces::LANES_MAX;

/// Reads events one after the other. No character is split over two of them any more: the reader before this one has
/// mended that.
#[derive(Debug, Default)]
pub(crate) struct DeltaReader {
    usage: Counted,
    /// The calls of tools whose blocks are open: the number of the call by that of the block.
    calls: BTreeMap<u32, u32>,
    calls_begun: u32,
    /// By the number of the block.
    text: Apart<u32>,
    thinking: Apart<u32>,
    told: Told,
}

impl DeltaReader {
    /// Read the data of one event.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub(crate) fn read(&mut self, data: &str, out: &mut Vec<Delta>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        let event = Object::of_body(data.as_bytes(), "an event")?;
        let kind = event.needed("type")?;
        let mut left = Vec::new();
        match &*kind.text()? {
            "message_start" => self.message(&event.needed("message")?.object()?, out, &mut left)?,
            "content_block_start" => {
                self.block(block(&event)?, &event.needed("content_block")?.object()?, out, &mut left)?;
            }
            "content_block_delta" => self.delta(block(&event)?, &event.needed("delta")?.object()?, out, &mut left)?,
            "content_block_stop" => {
                self.calls.remove(&block(&event)?);
            }
            "message_delta" => {
                self.usage(event.find("usage"), out);
                self.end(&event.needed("delta")?.object()?, out, &mut left)?;
            }
            "message_stop" => out.push(Delta::End),
            "ping" => out.push(Delta::Ping),
            "error" => out.push(Delta::Failed(parse_failure(data.as_bytes()))),
            // There may be more kinds of events one day.
            _ => left.push(kind.loss()),
        }
        losses.extend(self.told.further(dropped(left)));
        Ok(())
    }

    fn message(&mut self, message: &Object<'_>, out: &mut Vec<Delta>, left: &mut Vec<Loss>) -> Result<(), Wrong> {
        let (mut id, mut model) = (String::new(), String::new());
        for field in &message.fields {
            match &*field.name {
                "id" => id = field.text()?,
                "model" => model = field.text()?,
                "type" | "role" | "content" | "usage" | "stop_reason" | "stop_sequence" => {}
                _ => leave_out(field, left),
            }
        }
        out.push(Delta::Begin { id, model });
        self.usage(message.find("usage"), out);
        Ok(())
    }

    /// It is told at the beginning and at the end, the second time perhaps in part.
    fn usage(&mut self, said: Option<&Given<'_>>, out: &mut Vec<Delta>) {
        if let Some(said) = said {
            out.extend(self.usage.and(said.value).map(Delta::Usage));
        }
    }

    fn block(
        &mut self,
        number: u32,
        block: &Object<'_>,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        let kind = block.needed("type")?;
        match &*kind.text()? {
            "text" => {
                let text = self.text.piece(0, number, text(block, "text")?);
                out.extend(text.map(|text| Delta::Text { choice: 0, text }));
            }
            "thinking" => {
                let thought = self.thinking.piece(0, number, text(block, "thinking")?);
                out.extend(thought.map(|text| Delta::Thinking { choice: 0, text }));
                signature(text(block, "signature")?, out);
            }
            "redacted_thinking" => {
                let data = block.needed("data")?.text()?;
                out.push(Delta::SealedThinking { choice: 0, data });
            }
            "tool_use" => self.call(number, block, out)?,
            _ => {
                left.push(kind.loss());
                return Ok(());
            }
        }
        let known = ["type", "text", "thinking", "signature", "data", "id", "name", "input"];
        for field in block.beyond(&known) {
            leave_out(field, left);
        }
        Ok(())
    }

    fn call(&mut self, number: u32, block: &Object<'_>, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        let index = self.calls_begun;
        if usize::try_from(index).map_or(true, |begun| begun >= LANES_MAX) {
            return Err(Wrong::new("", "the answer has too many calls of tools"));
        }
        self.calls_begun = index.saturating_add(1);
        self.calls.insert(number, index);
        let id = block.needed("id")?.text()?;
        let name = block.needed("name")?.text()?;
        out.push(Delta::Call { choice: 0, index, id, name });
        // An empty one says that the arguments are still to come.
        let input = block.find("input").map(Given::source).transpose()?.filter(|input| !is_empty_object(input));
        out.extend(input.map(|json| Delta::Arguments { choice: 0, index, json }));
        Ok(())
    }

    fn delta(
        &mut self,
        number: u32,
        delta: &Object<'_>,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        let kind = delta.needed("type")?;
        match &*kind.text()? {
            "text_delta" => {
                let text = self.text.piece(0, number, text(delta, "text")?);
                out.extend(text.map(|text| Delta::Text { choice: 0, text }));
            }
            "thinking_delta" => {
                let thought = self.thinking.piece(0, number, text(delta, "thinking")?);
                out.extend(thought.map(|text| Delta::Thinking { choice: 0, text }));
            }
            "signature_delta" => signature(text(delta, "signature")?, out),
            "input_json_delta" => {
                let json = text(delta, "partial_json")?;
                // Arguments of the provider's own tools belong to no call.
                let index = self.calls.get(&number).filter(|_| !json.is_empty());
                out.extend(index.map(|index| Delta::Arguments { choice: 0, index: *index, json }));
            }
            _ => left.push(kind.loss()),
        }
        Ok(())
    }

    fn end(&mut self, delta: &Object<'_>, out: &mut Vec<Delta>, left: &mut Vec<Loss>) -> Result<(), Wrong> {
        let (mut reason, mut stopped_by) = (None, None);
        for field in &delta.fields {
            match &*field.name {
                "stop_reason" => reason = Some(field.text()?),
                "stop_sequence" => stopped_by = Some(field.text()?),
                _ => leave_out(field, left),
            }
        }
        out.extend(reason.map(|reason| Delta::Finish { choice: 0, finish: finish(&reason), stopped_by }));
        Ok(())
    }
}

/// The number of the block that an event is about.
fn block(event: &Object<'_>) -> Result<u32, Wrong> {
    event.needed("index")?.whole()
}

/// The text of a field; empty if it is not there.
fn text(from: &Object<'_>, name: &str) -> Result<String, Wrong> {
    Ok(from.text(name)?.unwrap_or_default())
}

fn signature(signature: String, out: &mut Vec<Delta>) {
    if !signature.is_empty() {
        out.push(Delta::Signature { choice: 0, signature });
    }
}

fn is_empty_object(json: &str) -> bool {
    json.strip_prefix('{').and_then(|json| json.strip_suffix('}')).is_some_and(|inner| inner.trim().is_empty())
}

/// Writes events one after the other. A block that is over cannot be opened again: a call of a tool that begins while
/// another one's arguments are not complete waits until they are, or until the end.
#[derive(Debug, Default)]
pub(crate) struct DeltaWriter {
    has_begun: bool,
    /// The number of the block that is open, or else of the next one.
    number: u32,
    open: Option<Open>,
    /// Of the call that is open.
    nesting: Nesting,
    /// Calls whose arguments are not complete, by their index.
    waiting: BTreeMap<u32, Waiting>,
    /// Calls whose arguments are complete, and which have no block yet.
    ready: BTreeMap<u32, Waiting>,
    usage: Option<Usage>,
    finish: Option<(Finish, Option<String>)>,
}

/// What the open block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Refusal,
    Thinking,
    SealedThinking,
    /// A call, with its index.
    Call(u32),
}

#[derive(Debug, Default)]
struct Waiting {
    id: String,
    name: String,
    json: String,
    nesting: Nesting,
}

/// How deep in brackets a JSON is that comes in pieces.
#[derive(Debug, Default)]
struct Nesting {
    depth: u32,
    in_string: bool,
    is_escaped: bool,
    /// All brackets are closed.
    is_over: bool,
}

impl Nesting {
    fn follow(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_string => self.is_escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth = self.depth.saturating_add(1),
                b'}' | b']' if !self.in_string => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_over = self.depth == 0;
                }
                _ => {}
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum EventJson<'a> {
    MessageStart { message: MessageJson<'a> },
    ContentBlockStart { index: u32, content_block: &'a BlockJson<'a> },
    ContentBlockDelta { index: u32, delta: DeltaJson<'a> },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: EndJson<'a>, usage: UsageJson },
    MessageStop,
    Ping,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum DeltaJson<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

#[derive(Serialize)]
struct EndJson<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

impl EventJson<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        // Serialising strings and numbers cannot fail.
        event(self.name(), &serde_json::to_vec(self).unwrap_or_default(), out);
    }
}

/// JSON as it is written here has no line breaks.
fn event(name: &str, data: &[u8], out: &mut Vec<u8>) {
    let pieces: [&[u8]; 5] = [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"];
    pieces.iter().for_each(|piece| out.extend_from_slice(piece));
}

impl DeltaWriter {
    /// Add the events that say `delta` to `out`. The dialect has one answer at a time: those of others are left out.
    pub(crate) fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Begin { id, model } => self.begin(id, model, out),
            Delta::Text { choice: 0, text } => self.say(Open::Text, text, out),
            Delta::Refusal { choice: 0, text } => self.say(Open::Refusal, text, out),
            Delta::Thinking { choice: 0, text } => {
                if !text.is_empty() {
                    self.think(out);
                    self.add(DeltaJson::Thinking { thinking: text }, out);
                }
            }
            // It seals all thoughts of its block, so that others are in another one.
            Delta::Signature { choice: 0, signature } => {
                self.think(out);
                self.add(DeltaJson::Signature { signature }, out);
                self.close(out);
            }
            Delta::SealedThinking { choice: 0, data } => {
                self.close(out);
                self.start(Open::SealedThinking, &BlockJson::RedactedThinking { data }, out);
                self.stop(out);
            }
            Delta::Call { choice: 0, index, id, name } => self.call(*index, id, name, out),
            Delta::Arguments { choice: 0, index, json } => self.arguments(*index, json, out),
            Delta::Finish { choice: 0, finish, stopped_by } => self.finish = Some((*finish, stopped_by.clone())),
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Failed(failure) => self.fail(failure, out),
            Delta::Ping => EventJson::Ping.write(out),
            Delta::End => {
                self.end(out);
                EventJson::MessageStop.write(out);
            }
            Delta::Text { .. }
            | Delta::Refusal { .. }
            | Delta::Thinking { .. }
            | Delta::Signature { .. }
            | Delta::SealedThinking { .. }
            | Delta::Call { .. }
            | Delta::Arguments { .. }
            | Delta::Finish { .. } => {}
        }
    }

    fn begin(&mut self, id: &str, model: &str, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            EventJson::MessageStart { message: MessageJson::begun(id, model) }.write(out);
        }
    }

    /// Both kinds of text are text here, but no guardrail saw them as one.
    fn say(&mut self, what: Open, text: &str, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.open(what, &BlockJson::Text { text: "" }, out);
            self.add(DeltaJson::Text { text }, out);
        }
    }

    fn think(&mut self, out: &mut Vec<u8>) {
        self.open(Open::Thinking, &BlockJson::Thinking { thinking: "", signature: "" }, out);
    }

    /// Go on with the block, or begin it.
    fn open(&mut self, what: Open, block: &BlockJson<'_>, out: &mut Vec<u8>) {
        if self.open != Some(what) {
            self.close(out);
            self.start(what, block, out);
        }
    }

    fn start(&mut self, what: Open, block: &BlockJson<'_>, out: &mut Vec<u8>) {
        self.begin("", "", out);
        EventJson::ContentBlockStart { index: self.number, content_block: block }.write(out);
        self.open = Some(what);
    }

    fn add(&self, delta: DeltaJson<'_>, out: &mut Vec<u8>) {
        EventJson::ContentBlockDelta { index: self.number, delta }.write(out);
    }

    /// End the open block, if there is one.
    fn stop(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            EventJson::ContentBlockStop { index: self.number }.write(out);
            self.number = self.number.saturating_add(1);
        }
    }

    /// End the open block, and write the calls that have only waited for that.
    fn close(&mut self, out: &mut Vec<u8>) {
        self.stop(out);
        for (index, call) in std::mem::take(&mut self.ready) {
            self.whole_call(index, &call, out);
        }
    }

    fn call(&mut self, index: u32, id: &str, name: &str, out: &mut Vec<u8>) {
        match self.open {
            // Said twice.
            Some(Open::Call(open)) if open == index => {}
            Some(Open::Call(_)) if !self.nesting.is_over => {
                let call = || Waiting { id: id.to_owned(), name: name.to_owned(), ..Waiting::default() };
                self.waiting.entry(index).or_insert_with(call);
            }
            _ => {
                self.close(out);
                self.start_call(index, id, name, out);
            }
        }
    }

    fn start_call(&mut self, index: u32, id: &str, name: &str, out: &mut Vec<u8>) {
        // The arguments are told in pieces. Nothing is an empty object.
        let Some(input) = json_object("") else { return };
        self.start(Open::Call(index), &BlockJson::ToolUse { id, name, input }, out);
        self.nesting = Nesting::default();
    }

    fn whole_call(&mut self, index: u32, call: &Waiting, out: &mut Vec<u8>) {
        self.start_call(index, &call.id, &call.name, out);
        if !call.json.is_empty() {
            self.add(DeltaJson::InputJson { partial_json: &call.json }, out);
        }
        self.stop(out);
    }

    fn arguments(&mut self, index: u32, json: &str, out: &mut Vec<u8>) {
        if self.open == Some(Open::Call(index)) {
            self.nesting.follow(json);
            if !json.is_empty() {
                self.add(DeltaJson::InputJson { partial_json: json }, out);
            }
            return;
        }
        let Some(call) = self.waiting.get_mut(&index) else { return };
        call.json.push_str(json);
        call.nesting.follow(json);
        if call.nesting.is_over {
            self.ready.extend(self.waiting.remove_entry(&index));
        }
    }

    /// Everything but the last word. What was used may be told behind the reason to end, so that both wait until here.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin("", "", out);
        self.close(out);
        for (index, call) in std::mem::take(&mut self.waiting) {
            self.whole_call(index, &call, out);
        }
        let (finish, stopped_by) = self.finish.take().unwrap_or_default();
        let (stop_reason, stop_sequence) = stop_reason(finish, stopped_by.as_deref());
        let usage = self.usage.map(UsageJson::from).unwrap_or_default();
        EventJson::MessageDelta { delta: EndJson { stop_reason, stop_sequence }, usage }.write(out);
    }

    /// The error follows whatever was said. Only a reason to end that has come before it goes out first: callers look
    /// there for why the gateway has denied the rest.
    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        if self.finish.is_some() {
            self.end(out);
        }
        let status = failure.own.as_ref().map_or(StatusCode::BAD_GATEWAY, |own| own.status);
        event("error", &write_failure(status, failure), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::spoilt;
    use super::*;

    /// As the API sends it.
    const STREAM: &[&str] = &[
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"large",
            "content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,
            "cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hmm"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"seal"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"AAAA"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"I look \"it\" up\n"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,
            "content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\"Rome\"}"}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},
            "usage":{"output_tokens":7}}"#,
        r#"{"type":"message_stop"}"#,
    ];

    fn read(events: &[&str]) -> (Vec<Delta>, Vec<String>) {
        let (mut reader, mut out, mut losses) = (DeltaReader::default(), Vec::new(), Vec::new());
        events.iter().for_each(|event| reader.read(event, &mut out, &mut losses).unwrap());
        assert!(losses.iter().all(|loss| loss.is_harmless), "{losses:?}");
        (out, losses.into_iter().map(|loss| loss.field).collect())
    }

    fn write(deltas: &[Delta]) -> String {
        let (mut writer, mut out) = (DeltaWriter::default(), Vec::new());
        deltas.iter().for_each(|delta| writer.write(delta, &mut out));
        String::from_utf8(out).unwrap()
    }

    /// The data of events, each of which has its own name.
    fn data(stream: &str) -> Vec<serde_json::Value> {
        let events = stream.split_terminator("\n\n").map(|event| {
            let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["type"], name);
            data
        });
        events.collect()
    }

    /// Events in short: the blocks with what is in them, as `0 text[hi]`, and the other events by their names. Fails
    /// where blocks are not one after the other, numbered from 0.
    fn shape(stream: &str) -> Vec<String> {
        let (mut shape, mut open, mut next): (Vec<String>, Option<String>, u64) = (Vec::new(), None, 0);
        for event in data(stream) {
            let kind = event["type"].as_str().unwrap();
            if kind.starts_with("content_block") {
                assert_eq!(event["index"], next, "{stream}");
            }
            match kind {
                "content_block_start" => {
                    assert_eq!(open, None, "{stream}");
                    let block = &event["content_block"];
                    let what = block["id"].as_str().or(block["type"].as_str()).unwrap();
                    open = Some(format!("{next} {what}["));
                }
                "content_block_delta" => {
                    let delta = &event["delta"];
                    let pieces = ["text", "thinking", "partial_json", "signature"].map(|name| delta[name].as_str());
                    open.as_mut().unwrap().extend(pieces.into_iter().flatten());
                }
                "content_block_stop" => {
                    shape.push(open.take().unwrap() + "]");
                    next += 1;
                }
                _ => {
                    let reason = event["delta"]["stop_reason"].as_str().map(|reason| format!(" {reason}"));
                    shape.push(kind.to_owned() + &reason.unwrap_or_default());
                }
            }
        }
        shape.extend(open);
        shape
    }

    fn begin() -> Delta {
        Delta::Begin { id: "msg_1".to_owned(), model: "large".to_owned() }
    }

    fn said(text: &str) -> Delta {
        Delta::Text { choice: 0, text: text.to_owned() }
    }

    fn thought(text: &str) -> Delta {
        Delta::Thinking { choice: 0, text: text.to_owned() }
    }

    fn sealed(signature: &str) -> Delta {
        Delta::Signature { choice: 0, signature: signature.to_owned() }
    }

    fn begun(index: u32) -> Delta {
        Delta::Call { choice: 0, index, id: format!("call_{index}"), name: "weather".to_owned() }
    }

    fn arguments(index: u32, json: &str) -> Delta {
        Delta::Arguments { choice: 0, index, json: json.to_owned() }
    }

    fn finished(finish: Finish) -> Delta {
        Delta::Finish { choice: 0, finish, stopped_by: None }
    }

    fn used(input_tokens: u32, output_tokens: u32) -> Delta {
        Delta::Usage(Usage { input_tokens, cached_input_tokens: 4, output_tokens, ..Usage::default() })
    }

    /// The deltas of [`STREAM`].
    fn answer() -> Vec<Delta> {
        vec![
            begin(),
            used(9, 1),
            Delta::Ping,
            thought("hmm"),
            sealed("seal"),
            Delta::SealedThinking { choice: 0, data: "AAAA".to_owned() },
            said("I look \"it\" up\n"),
            Delta::Call { choice: 0, index: 0, id: "toolu_1".to_owned(), name: "weather".to_owned() },
            arguments(0, "{\"city\":"),
            arguments(0, "\"Rome\"}"),
            used(9, 7),
            finished(Finish::ToolCalls),
            Delta::End,
        ]
    }

    #[test]
    fn a_stream_is_read_with_all_that_it_says() {
        let (deltas, losses) = read(STREAM);
        assert_eq!(deltas, answer());
        assert_eq!(losses, Vec::<String>::new());
    }

    #[test]
    fn a_stream_is_written_as_the_api_would_send_it() {
        let stream = write(&answer());
        let expected = [
            "message_start",
            "ping",
            "0 thinking[hmmseal]",
            "1 redacted_thinking[]",
            "2 text[I look \"it\" up\n]",
            "3 toolu_1[{\"city\":\"Rome\"}]",
            "message_delta tool_use",
            "message_stop",
        ];
        assert_eq!(shape(&stream), expected);
        let events = data(&stream);
        let zero = serde_json::json!({"input_tokens": 0, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0, "output_tokens": 0});
        let message = serde_json::json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "large",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": zero});
        assert_eq!(events[0]["message"], message);
        let usage = serde_json::json!({"input_tokens": 5, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4, "output_tokens": 7});
        assert_eq!(events[events.len() - 2]["usage"], usage);
        assert!(stream.starts_with("event: message_start\ndata: {\"type\":\"message_start\","), "{stream}");
        assert!(stream.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{stream}");
    }

    #[test]
    fn what_is_written_reads_as_it_was() {
        let events = data(&write(&answer()));
        let events: Vec<String> = events.iter().map(ToString::to_string).collect();
        let (read, _) = read(&events.iter().map(String::as_str).collect::<Vec<_>>());
        let is_text = |delta: &&Delta| !matches!(delta, Delta::Usage(_));
        assert!(read.iter().filter(is_text).eq(answer().iter().filter(is_text)), "{read:?}");
        assert_eq!(read[read.len() - 3], used(9, 7));
    }

    #[test]
    fn calls_come_one_after_the_other_however_they_were_interleaved() {
        let turns = |deltas: Vec<Delta>| {
            let shape = shape(&write(&[vec![begin()], deltas, vec![Delta::End]].concat()));
            shape[1..shape.len() - 2].to_vec()
        };
        let in_order =
            vec![begun(0), arguments(0, "{\"a\":"), arguments(0, "1}"), begun(1), arguments(1, "{}"), said("b")];
        assert_eq!(turns(in_order), ["0 call_0[{\"a\":1}]", "1 call_1[{}]", "2 text[b]"]);
        let interleaved = vec![
            begun(0),
            begun(1),
            begun(2),
            arguments(1, "{\"b\":"),
            arguments(0, "{\"a\":\"}{\\\"\","),
            arguments(1, "[1]}"),
            arguments(2, "{"),
            arguments(0, "\"c\":2}"),
        ];
        let blocks = ["0 call_0[{\"a\":\"}{\\\"\",\"c\":2}]", "1 call_1[{\"b\":[1]}]", "2 call_2[{]"];
        assert_eq!(turns(interleaved.clone()), blocks);
        // What is complete does not wait for the end.
        let with_text = [interleaved, vec![said("d"), arguments(2, "}")]].concat();
        assert_eq!(turns(with_text), [blocks[0], blocks[1], "2 text[d]", "3 call_2[{}]"]);
        assert_eq!(turns(vec![begun(0), begun(0), begun(1), begun(1)]), ["0 call_0[]", "1 call_1[]"]);
        assert_eq!(turns(vec![arguments(7, "{}"), said("a")]), ["0 text[a]"]);
    }

    #[test]
    fn a_call_is_told_while_it_is_made() {
        let (mut writer, mut out) = (DeltaWriter::default(), Vec::new());
        for (delta, expected) in [
            (begin(), 1),
            (begun(0), 1),
            (arguments(0, "{}"), 1),
            // The one is over, the other begins.
            (begun(1), 2),
            (arguments(1, "{"), 1),
            (begun(2), 0),
        ] {
            out.clear();
            writer.write(&delta, &mut out);
            assert_eq!(data(std::str::from_utf8(&out).unwrap()).len(), expected, "{delta:?}");
        }
    }

    #[test]
    fn thoughts_behind_a_seal_are_in_another_block() {
        let deltas =
            [begin(), thought("a"), thought("b"), sealed("1"), thought("c"), sealed("2"), sealed("3"), Delta::End];
        let blocks = ["0 thinking[ab1]", "1 thinking[c2]", "2 thinking[3]"];
        assert_eq!(shape(&write(&deltas))[1..4], blocks);
    }

    #[test]
    fn why_it_ended_and_what_was_used_wait_for_the_end() {
        for (deltas, reason) in [
            (vec![], "end_turn"),
            (vec![finished(Finish::Stop), used(9, 7)], "end_turn"),
            (vec![used(9, 7), finished(Finish::Length)], "max_tokens"),
            (vec![finished(Finish::ToolCalls)], "tool_use"),
            (vec![finished(Finish::ContentFilter)], "refusal"),
            (vec![finished(Finish::Other)], "end_turn"),
        ] {
            let shape = shape(&write(&[vec![begin(), said("a")], deltas, vec![Delta::End]].concat()));
            let end = format!("message_delta {reason}");
            assert_eq!(shape, ["message_start", "0 text[a]", &*end, "message_stop"]);
        }
        let stopped = Delta::Finish { choice: 0, finish: Finish::Stop, stopped_by: Some("END".to_owned()) };
        let events = data(&write(&[begin(), stopped, Delta::End]));
        assert_eq!(events[1]["delta"], serde_json::json!({"stop_reason": "stop_sequence", "stop_sequence": "END"}));
    }

    #[test]
    fn a_stream_that_says_nothing_is_a_message_all_the_same() {
        assert_eq!(shape(&write(&[Delta::End])), ["message_start", "message_delta end_turn", "message_stop"]);
        assert_eq!(shape(&write(&[said("a")])), ["message_start", "0 text[a"]);
    }

    #[test]
    fn only_the_first_of_several_answers_is_written() {
        let other = |text: &str| Delta::Text { choice: 1, text: text.to_owned() };
        let refusal = Delta::Refusal { choice: 0, text: "no".to_owned() };
        let call = Delta::Call { choice: 1, index: 0, id: "call_0".to_owned(), name: "f".to_owned() };
        let end = Delta::Finish { choice: 1, finish: Finish::Length, stopped_by: None };
        let deltas = [begin(), other("x"), said("a"), call, refusal, said(""), end, Delta::End];
        let expected = ["message_start", "0 text[a]", "1 text[no]", "message_delta end_turn", "message_stop"];
        assert_eq!(shape(&write(&deltas)), expected);
    }

    #[test]
    fn an_error_follows_whatever_was_said() {
        let failure = || {
            let kind = Some("overloaded_error".to_owned());
            Delta::Failed(Failure { message: "busy".to_owned(), kind, ..Failure::default() })
        };
        let stream = write(&[begin(), said("a"), failure()]);
        assert_eq!(shape(&stream), ["message_start", "error", "0 text[a"]);
        assert!(stream.ends_with(
            "event: error\ndata: {\"type\":\"error\",\
             \"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n"
        ));
        let denied = [begin(), said("a"), finished(Finish::ContentFilter), failure()];
        assert_eq!(shape(&write(&denied)), ["message_start", "0 text[a]", "message_delta refusal", "error"]);
        let (deltas, _) = read(&[r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#]);
        assert_eq!(deltas, [failure()]);
    }

    #[test]
    fn texts_of_several_blocks_stay_apart() {
        let (deltas, _) = read(&[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"a"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"c"}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"d"}}"#,
        ]);
        assert_eq!(deltas, [said("a"), said("b"), said("\n\nc"), said("d")]);
        let piece = |block: u32, text: &str| {
            format!(
                r#"{{"type":"content_block_delta","index":{block},"delta":{{"type":"text_delta","text":"{text}"}}}}"#
            )
        };
        let (deltas, _) = read(&[&*piece(0, "ada"), &piece(1, "@example"), &piece(0, ".com")]);
        assert_eq!(deltas, [said("ada"), said("\n\n@example"), said("\n\n.com")]);
    }

    #[test]
    fn what_has_no_counterpart_is_named_once() {
        let citation = r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}}"#;
        let (deltas, losses) = read(&[
            citation,
            citation,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"a"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":null,"stop_details":{"category":"a"}}}"#,
            r#"{"type":"of_the_future"}"#,
        ]);
        assert_eq!(deltas, []);
        assert_eq!(losses, ["delta.type", "content_block.type", "delta.stop_details", "type"]);
    }

    #[test]
    fn an_event_that_is_wrong_is_refused_with_the_field() {
        for (event, field) in [
            ("", ""),
            ("[]", ""),
            ("{}", "type"),
            (r#"{"type":3}"#, "type"),
            (r#"{"type":"message_start"}"#, "message"),
            (r#"{"type":"message_start","message":[]}"#, "message"),
            (r#"{"type":"message_start","message":{"id":1}}"#, "message.id"),
            (r#"{"type":"content_block_stop"}"#, "index"),
            (r#"{"type":"content_block_stop","index":-1}"#, "index"),
            (r#"{"type":"content_block_stop","index":4294967296}"#, "index"),
            (r#"{"type":"content_block_start","index":0}"#, "content_block"),
            (r#"{"type":"content_block_start","index":0,"content_block":{}}"#, "content_block.type"),
            (r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use"}}"#, "content_block.id"),
            (r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":3}}"#, "delta.text"),
            (r#"{"type":"message_delta"}"#, "delta"),
            (r#"{"type":"message_delta","delta":{"stop_reason":3}}"#, "delta.stop_reason"),
            (r#"{"type":"ping","type":"ping"}"#, "type"),
        ] {
            let wrong = DeltaReader::default().read(event, &mut Vec::new(), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.field, field, "{event}: {}", wrong.message);
        }
    }

    #[test]
    fn no_stream_can_panic_or_grow_without_end() {
        for event in STREAM.iter().flat_map(|event| spoilt(event)) {
            let (mut reader, mut writer, mut out) = (DeltaReader::default(), DeltaWriter::default(), Vec::new());
            for event in [STREAM[0], &event, &event, STREAM[3], STREAM[13]] {
                let mut deltas = Vec::new();
                let _ = reader.read(event, &mut deltas, &mut Vec::new());
                deltas.iter().for_each(|delta| writer.write(delta, &mut out));
            }
        }
        let mut reader = DeltaReader::default();
        let call = |block: u32| {
            format!(
                r#"{{"type":"content_block_start","index":{block},
                    "content_block":{{"type":"tool_use","id":"a","name":"f","input":{{"a":1}}}}}}"#
            )
        };
        let blocks = (0..u32::MAX).rev().take(LANES_MAX);
        for block in blocks {
            reader.read(&call(block), &mut Vec::new(), &mut Vec::new()).unwrap();
        }
        assert!(reader.read(&call(u32::MAX), &mut Vec::new(), &mut Vec::new()).is_err());
        let mut writer = DeltaWriter::default();
        let far = [begun(u32::MAX), begun(0), arguments(u32::MAX, "]]}}"), arguments(0, "\\\""), Delta::End];
        far.iter().for_each(|delta| writer.write(delta, &mut Vec::new()));
    }
}

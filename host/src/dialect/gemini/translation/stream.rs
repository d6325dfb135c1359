//! The events of a streamed answer: what each adds to it, and an answer written as such events. Here a call is whole in its
//! event, and why an answer ended is in the last: both wait until they are known.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::answer::{finish, is_blocked, usage, with_calls};
use super::super::spelling::Spelt;
use super::answer::{
    AnswerJson, CandidateJson, USUAL, UsageJson, finish_reason, read_failure, status_of, write_failure,
};
use super::calls::new_id;
use super::{BEYOND, PartJson, What, dropped, leave_out, read_part, wrapped};
use crate::chat::{Finish, Usage};
use crate::dialect::conversation::{APART, Delta, Failure, Loss, Told};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object, json_object};
use crate::dialect::pieces::LANES_MAX;

/// Bytes of arguments that wait to be complete, as many as a whole answer may have by default.
const ARGUMENTS_BYTES_MAX: usize = 16 << 20;

/// Reads events one after the other. No character is split over two of them any more: the reader before this one has
/// mended that.
#[derive(Debug, Default)]
pub(crate) struct DeltaReader {
    has_begun: bool,
    /// How many functions each choice has called so far.
    calls: BTreeMap<u32, u32>,
    /// Why choices have ended. Some models say it with each event: the last one counts.
    finished: BTreeMap<u32, Finish>,
    told: Told,
}

impl DeltaReader {
    /// Read the data of one event.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub(crate) fn read(&mut self, data: &str, out: &mut Vec<Delta>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        let event = Spelt::new(Object::of_body(data.as_bytes(), "an event of an answer")?)?;
        if let Some(error) = event.find("error") {
            self.end(out);
            out.push(Delta::Failed(read_failure(error.value)));
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            let text = |name: &str| Ok(event.text(name)?.unwrap_or_default());
            out.push(Delta::Begin { id: text("responseId")?, model: text("modelVersion")? });
        }
        let mut left = Vec::new();
        for (name, field) in event.fields() {
            match &*name {
                "responseId" | "modelVersion" => {}
                "candidates" => {
                    for (candidate, position) in field.items()?.iter().zip(0..) {
                        self.candidate(candidate, position, out, &mut left)?;
                    }
                }
                "usageMetadata" => out.extend(usage(field.value).map(Delta::Usage)),
                "promptFeedback" if is_blocked(field.value) => {
                    self.finished.insert(0, Finish::ContentFilter);
                }
                _ if USUAL.contains(&&*name) => {}
                _ => leave_out(field, &mut left),
            }
        }
        losses.extend(self.told.further(dropped(left)));
        Ok(())
    }

    /// The stream is over: why, for each choice.
    pub(crate) fn end(&mut self, out: &mut Vec<Delta>) {
        let finished = std::mem::take(&mut self.finished).into_iter();
        out.extend(finished.map(|(choice, finish)| Delta::Finish { choice, finish, stopped_by: None }));
    }

    fn candidate(
        &mut self,
        from: &Given<'_>,
        position: u32,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        let from = Spelt::of(from)?;
        let choice = from.find("index").map_or(Ok(position), Given::whole)?;
        for (name, field) in from.fields() {
            match &*name {
                "index" | "finishReason" => {}
                "content" => {
                    let content = Spelt::of(field)?;
                    let parts = content.find("parts").map(Given::items).transpose()?;
                    parts.iter().flatten().try_for_each(|part| self.part(part, choice, out, left))?;
                }
                _ if USUAL.contains(&&*name) => {}
                _ => leave_out(field, left),
            }
        }
        let reason = from.text("finishReason")?;
        if let Some(reason) = reason.filter(|reason| !matches!(&**reason, "" | "FINISH_REASON_UNSPECIFIED")) {
            if self.finished.len() >= LANES_MAX {
                return Err(Wrong::new("", "the answer has too many alternatives"));
            }
            let finish = finish(&reason);
            left.extend(from.find("finishReason").and_then(|reason| reason.unknown_end(finish)));
            self.finished.insert(choice, with_calls(finish, self.calls.contains_key(&choice)));
        }
        Ok(())
    }

    fn part(&mut self, part: &Given<'_>, choice: u32, out: &mut Vec<Delta>, left: &mut Vec<Loss>) -> Result<(), Wrong> {
        let said = read_part(part, left)?;
        let signature = said.signature.map(|signature| Delta::Signature { choice, signature });
        if let Some(What::Thought(text)) = said.what {
            out.push(Delta::Thinking { choice, text });
            out.extend(signature);
            return Ok(());
        }
        out.extend(signature);
        match said.what {
            None | Some(What::Thought(_)) => {}
            Some(What::Text(text)) => out.extend((!text.is_empty()).then_some(Delta::Text { choice, text })),
            Some(What::Call { id, name, arguments }) => {
                let all: usize = self.calls.len();
                let index = self.calls.entry(choice).or_default();
                let number = *index;
                if all > LANES_MAX || usize::try_from(number).map_or(true, |calls| calls >= LANES_MAX) {
                    return Err(Wrong::new("", "the answer has too many calls of tools"));
                }
                *index = number.saturating_add(1);
                out.push(Delta::Call { choice, index: number, id: id.unwrap_or_else(new_id), name });
                out.push(Delta::Arguments { choice, index: number, json: arguments });
            }
            Some(What::Media(_) | What::Response(_)) => left.push(Loss::harmless(part.path(), BEYOND)),
        }
        Ok(())
    }
}

/// Writes events one after the other.
#[derive(Debug, Default)]
pub(crate) struct DeltaWriter {
    id: String,
    model: String,
    choices: BTreeMap<u32, Open>,
    /// Bytes of arguments that wait.
    waiting_bytes: usize,
    usage: Option<Usage>,
}

/// What is known of a choice and not written yet.
#[derive(Debug, Default)]
struct Open {
    /// Stands on the part that follows.
    seal: Option<String>,
    /// Calls by their index.
    calls: BTreeMap<u32, Waiting>,
    finish: Option<Finish>,
    /// The kind of text that was said last.
    said: Option<Kind>,
}

#[derive(Debug)]
struct Waiting {
    id: String,
    name: String,
    json: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
}

impl DeltaWriter {
    /// Add the events that say `delta` to `out`. Thoughts that only the provider can read have no place here; signs of
    /// life neither, since the API's own SDKs would take them for an event.
    ///
    /// # Errors
    /// When a tool is called with arguments that are no JSON object.
    pub(crate) fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) -> Result<(), Wrong> {
        match delta {
            Delta::Begin { id, model } => (self.id, self.model) = (id.clone(), model.clone()),
            Delta::Text { choice, text } => self.say(*choice, Kind::Text, text, out)?,
            Delta::Refusal { choice, text } => self.say(*choice, Kind::Refusal, text, out)?,
            Delta::Thinking { choice, text } => {
                if !text.is_empty() {
                    self.calls(*choice, false, out)?;
                    self.unsealed(*choice, out);
                    self.event(*choice, PartJson::thought(text), out);
                }
            }
            Delta::Signature { choice, signature } => {
                self.calls(*choice, false, out)?;
                self.unsealed(*choice, out);
                self.open(*choice).seal = Some(wrapped(signature));
            }
            Delta::Call { choice, index, id, name } => {
                self.calls(*choice, false, out)?;
                let waiting = || Waiting { id: id.clone(), name: name.clone(), json: String::new() };
                self.open(*choice).calls.entry(*index).or_insert_with(waiting);
            }
            Delta::Arguments { choice, index, json } => {
                self.waiting_bytes = self.waiting_bytes.saturating_add(json.len());
                if self.waiting_bytes > ARGUMENTS_BYTES_MAX {
                    let message = format!("the arguments of tool calls are longer than {ARGUMENTS_BYTES_MAX} bytes");
                    return Err(Wrong::new("", message));
                }
                if let Some(call) = self.open(*choice).calls.get_mut(index) {
                    call.json.push_str(json);
                }
            }
            Delta::Finish { choice, finish, .. } => {
                self.calls(*choice, true, out)?;
                self.open(*choice).finish = Some(*finish);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Failed(failure) => self.fail(failure, out),
            Delta::End => self.end(out)?,
            Delta::SealedThinking { .. } | Delta::Ping => {}
        }
        Ok(())
    }

    fn open(&mut self, choice: u32) -> &mut Open {
        self.choices.entry(choice).or_default()
    }

    /// Both kinds of text are text here, but no guardrail saw them as one.
    fn say(&mut self, choice: u32, kind: Kind, text: &str, out: &mut Vec<u8>) -> Result<(), Wrong> {
        if text.is_empty() {
            return Ok(());
        }
        self.calls(choice, false, out)?;
        let open = self.open(choice);
        let is_apart = open.said.replace(kind).is_some_and(|before| before != kind);
        let seal = open.seal.take();
        let text = if is_apart { [APART, text].concat() } else { text.to_owned() };
        self.event(choice, PartJson { thought_signature: seal.map(Cow::Owned), ..PartJson::text(&text) }, out);
        Ok(())
    }

    /// Write the calls whose arguments are complete, or with `all` those that are not.
    fn calls(&mut self, choice: u32, all: bool, out: &mut Vec<u8>) -> Result<(), Wrong> {
        let open = self.open(choice);
        let complete = |call: &Waiting| !call.json.trim().is_empty() && json_object(&call.json).is_some();
        let ready: Vec<u32> =
            open.calls.iter().filter(|(_, call)| all || complete(call)).map(|(index, _)| *index).collect();
        for index in ready {
            let open = self.open(choice);
            let Some(call) = open.calls.remove(&index) else { continue };
            let seal = open.seal.take();
            self.waiting_bytes = self.waiting_bytes.saturating_sub(call.json.len());
            let part = PartJson::call(&call.id, &call.name, &call.json)?;
            self.event(choice, PartJson { thought_signature: seal.map(Cow::Owned), ..part }, out);
        }
        Ok(())
    }

    /// A seal that nothing has followed stands alone.
    fn unsealed(&mut self, choice: u32, out: &mut Vec<u8>) {
        if let Some(seal) = self.open(choice).seal.take() {
            self.event(choice, PartJson::seal(seal.into()), out);
        }
    }

    fn event(&self, choice: u32, part: PartJson<'_>, out: &mut Vec<u8>) {
        self.answer(vec![CandidateJson::new(choice, vec![part])], None, out);
    }

    fn answer(&self, candidates: Vec<CandidateJson<'_>>, usage_metadata: Option<UsageJson>, out: &mut Vec<u8>) {
        let answer = AnswerJson { candidates, usage_metadata, model_version: &self.model, response_id: &self.id };
        // Serialising strings and numbers cannot fail.
        event(&serde_json::to_vec(&answer).unwrap_or_default(), out);
    }

    /// What was used may be told behind why it ended, so that both wait until here.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Wrong> {
        for choice in self.choices.keys().copied().collect::<Vec<_>>() {
            self.calls(choice, true, out)?;
            self.unsealed(choice, out);
        }
        self.finish(out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let choices = std::mem::take(&mut self.choices);
        let candidates = choices.iter().map(|(choice, open)| CandidateJson {
            finish_reason: Some(finish_reason(open.finish.unwrap_or_default())),
            ..CandidateJson::new(*choice, Vec::new())
        });
        self.answer(candidates.collect(), self.usage.map(UsageJson::from), out);
    }

    /// The error follows whatever was said. Only a reason to end that has come before it goes out first: callers look
    /// there for why the gateway has denied the rest.
    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.choices.retain(|_, open| open.finish.is_some());
        if !self.choices.is_empty() {
            self.finish(out);
        }
        let status = failure.own.as_ref().map_or_else(|| status_of(failure), |own| own.status);
        event(&write_failure(status, failure), out);
    }
}

/// One event. JSON as it is written here has no line breaks.
fn event(data: &[u8], out: &mut Vec<u8>) {
    let pieces: [&[u8]; 3] = [b"data: ", data, b"\n\n"];
    pieces.iter().for_each(|piece| out.extend_from_slice(piece));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::spoilt::spoilt;

    /// As the API sends it, but for ids that it would make.
    const STREAM: &[&str] = &[
        r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"},"index":0}],
            "usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"large","responseId":"r1"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"I look \"it\" up\n"}],"role":"model"},"index":0}],
            "modelVersion":"large","responseId":"r1"}"#,
        r#"{"candidates":[{"content":{"parts":[
            {"functionCall":{"id":"a","name":"weather","args":{"city":"Rome"}},"thoughtSignature":"c2VhbA=="}],
            "role":"model"},"index":0}],"modelVersion":"large","responseId":"r1"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],
            "usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5,"thoughtsTokenCount":2,
            "totalTokenCount":16},"modelVersion":"large","responseId":"r1"}"#,
    ];

    fn read(events: &[&str]) -> (Vec<Delta>, Vec<String>) {
        let (mut reader, mut out, mut losses) = (DeltaReader::default(), Vec::new(), Vec::new());
        events.iter().for_each(|event| reader.read(event, &mut out, &mut losses).unwrap());
        reader.end(&mut out);
        assert!(losses.iter().all(|loss| loss.is_harmless), "{losses:?}");
        (out, losses.into_iter().map(|loss| loss.field).collect())
    }

    fn try_write(deltas: &[Delta]) -> Result<String, Wrong> {
        let (mut writer, mut out) = (DeltaWriter::default(), Vec::new());
        deltas.iter().try_for_each(|delta| writer.write(delta, &mut out))?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// The events that are written.
    fn write(deltas: &[Delta]) -> Vec<serde_json::Value> {
        let stream = try_write(deltas).unwrap();
        let events = stream.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
        events.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    fn parts(events: &[serde_json::Value]) -> Vec<serde_json::Value> {
        let parts = events.iter().filter_map(|event| event["candidates"][0]["content"]["parts"].as_array());
        parts.flatten().cloned().collect()
    }

    fn said(text: &str) -> Delta {
        Delta::Text { choice: 0, text: text.to_owned() }
    }

    fn call(index: u32) -> Delta {
        Delta::Call { choice: 0, index, id: format!("id {index}"), name: "f".to_owned() }
    }

    fn arguments(index: u32, json: &str) -> Delta {
        Delta::Arguments { choice: 0, index, json: json.to_owned() }
    }

    fn finish(finish: Finish) -> Delta {
        Delta::Finish { choice: 0, finish, stopped_by: None }
    }

    #[test]
    fn a_stream_is_read_with_all_that_it_says() {
        let (deltas, losses) = read(STREAM);
        assert_eq!(losses, Vec::<String>::new());
        let usage = |output_tokens, reasoning_tokens| {
            Delta::Usage(Usage {
                input_tokens: 9,
                cached_input_tokens: 0,
                cache_write_tokens: 0,
                output_tokens,
                reasoning_tokens,
            })
        };
        let expected = [
            Delta::Begin { id: "r1".to_owned(), model: "large".to_owned() },
            Delta::Thinking { choice: 0, text: "hm".to_owned() },
            usage(0, 0),
            said("I look \"it\" up\n"),
            Delta::Signature { choice: 0, signature: "c2VhbA==".to_owned() },
            Delta::Call { choice: 0, index: 0, id: "a".to_owned(), name: "weather".to_owned() },
            arguments(0, "{\"city\":\"Rome\"}"),
            usage(7, 2),
            finish(Finish::ToolCalls),
        ];
        assert_eq!(deltas, expected);
    }

    #[test]
    fn a_stream_comes_back_as_it_was() {
        let (mut deltas, _) = read(STREAM);
        deltas.push(Delta::End);
        let written = write(&deltas);
        let theirs: Vec<serde_json::Value> = STREAM.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        // Empty texts say nothing, and whose seal it is, nobody knows any more.
        let mut spoken = parts(&theirs);
        spoken.retain(|part| part["text"] != "");
        spoken.last_mut().unwrap()["thoughtSignature"] = wrapped("c2VhbA==").into();
        assert_eq!(parts(&written), spoken);
        let last = written.last().unwrap();
        assert_eq!(last["usageMetadata"], theirs[3]["usageMetadata"]);
        assert_eq!((&last["candidates"][0]["finishReason"], &last["responseId"]), (&"STOP".into(), &"r1".into()));
    }

    #[test]
    fn calls_are_written_whole_also_when_they_came_interleaved() {
        let deltas = [
            call(0),
            arguments(0, "{\"a\":"),
            call(1),
            arguments(1, "{}"),
            arguments(0, "1}"),
            said("and"),
            call(2),
            finish(Finish::ToolCalls),
            Delta::End,
        ];
        let parts = parts(&write(&deltas));
        let call = |id: &str, args: serde_json::Value| serde_json::json!({"functionCall": {"id": id, "name": "f", "args": args}});
        let [nothing, a] = [serde_json::json!({}), serde_json::json!({"a": 1})];
        let expected =
            [call("id 0", a), call("id 1", nothing.clone()), serde_json::json!({"text": "and"}), call("id 2", nothing)];
        assert_eq!(parts, expected);
    }

    #[test]
    fn arguments_that_are_no_object_cannot_be_written() {
        for json in ["[1]", "{\"a\":", "Rome"] {
            assert!(try_write(&[call(0), arguments(0, json), finish(Finish::ToolCalls)]).is_err(), "{json}");
            assert!(try_write(&[call(0), arguments(0, json), Delta::End]).is_err(), "{json}");
        }
    }

    #[test]
    fn arguments_may_wait_to_the_limit_and_not_a_byte_more() {
        let filled = |bytes: usize| {
            let json = format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
            assert_eq!(json.len(), bytes);
            try_write(&[call(0), arguments(0, &json), finish(Finish::ToolCalls), Delta::End])
        };
        assert!(filled(ARGUMENTS_BYTES_MAX).is_ok());
        assert!(filled(ARGUMENTS_BYTES_MAX + 1).is_err());
    }

    #[test]
    fn a_seal_stands_on_the_part_that_follows_or_alone() {
        let seal = |signature: &str| Delta::Signature { choice: 0, signature: signature.to_owned() };
        let thinking = Delta::Thinking { choice: 0, text: "hm".to_owned() };
        let parts = parts(&write(&[thinking, seal("a"), said("hi"), seal("b"), seal("c"), Delta::End]));
        let [a, b, c] = ["a", "b", "c"].map(wrapped);
        let expected = serde_json::json!([{"text": "hm", "thought": true}, {"text": "hi", "thoughtSignature": a},
            {"text": "", "thoughtSignature": b}, {"text": "", "thoughtSignature": c}]);
        assert_eq!(serde_json::Value::from(parts), expected);
    }

    #[test]
    fn a_refusal_is_text_apart_from_what_was_said() {
        let refusal = Delta::Refusal { choice: 0, text: "no".to_owned() };
        let parts = parts(&write(&[said("yes"), refusal, Delta::End]));
        assert_eq!(serde_json::Value::from(parts), serde_json::json!([{"text": "yes"}, {"text": "\n\nno"}]));
    }

    #[test]
    fn an_error_is_the_last_word_and_a_reason_to_end_stands_before_it() {
        let failure = Failure {
            message: "refused".to_owned(),
            kind: Some("guardrail_denied".to_owned()),
            code: Some("pii.blocked".to_owned()),
            ..Failure::default()
        };
        let events = write(&[said("a"), finish(Finish::ContentFilter), Delta::Failed(failure.clone())]);
        assert_eq!(events[1]["candidates"][0]["finishReason"], "SAFETY");
        assert_eq!((&events[2]["error"]["code"], events.len()), (&400.into(), 3));
        assert_eq!(events[2]["error"]["details"][0]["reason"], "pii.blocked");
        let events = write(&[said("a"), Delta::Failed(failure)]);
        assert_eq!(events.len(), 2);
    }

    #[test]
    fn signs_of_life_are_no_events() {
        assert_eq!(try_write(&[Delta::Ping]).unwrap(), "");
    }

    #[test]
    fn a_reason_in_each_event_counts_once_and_a_blocked_prompt_is_one() {
        let stop = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#;
        let (deltas, _) = read(&[stop, stop]);
        assert_eq!(deltas[1..], [said("a"), said("a"), finish(Finish::Stop)]);
        let (deltas, _) = read(&[r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#]);
        assert_eq!(deltas[1..], [finish(Finish::ContentFilter)]);
    }

    #[test]
    fn what_has_no_counterpart_is_told_once() {
        let event = r#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]},
            "groundingMetadata":{"a":1}}]}"#;
        let (_, losses) = read(&[event, event]);
        assert_eq!(losses, ["candidates[0].content.parts[0]", "candidates[0].groundingMetadata"]);
    }

    #[test]
    fn calls_are_counted_to_a_limit_and_no_event_can_panic() {
        let event = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#;
        let (mut reader, mut out, mut losses) = (DeltaReader::default(), Vec::new(), Vec::new());
        for _ in 0..LANES_MAX {
            reader.read(event, &mut out, &mut losses).unwrap();
        }
        assert!(reader.read(event, &mut out, &mut losses).is_err());
        for event in STREAM.iter().flat_map(|event| spoilt(event)) {
            let (mut reader, mut out) = (DeltaReader::default(), Vec::new());
            if reader.read(&event, &mut out, &mut Vec::new()).is_ok() {
                reader.end(&mut out);
                out.push(Delta::End);
                let _ = try_write(&out);
            }
        }
    }
}

//! The events of a streamed chat completion.

use std::collections::HashMap;

use bytes::Bytes;

use super::super::document::{Wrong, checked_event, shown, unrepeated};
use super::super::pieces::{Halves, LANES_MAX, Pieces};
use super::super::raw::{Field, Fields, Kind, Value};
use super::super::sse::{Event, Lane, Unit, tidy};
use super::answer::{finish, usage};
use super::head::Head;
use crate::chat::{Channel, Opaque};

/// Reads events one after the other, and keeps what one needs to know of those before.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    halves: Halves,
    /// What the tools of calls are called, by choice and index.
    tools: HashMap<(u32, u32), String>,
    pub(super) head: Head,
    /// The gateway has asked for the usage, and the caller has not.
    pub(crate) is_stripped: bool,
}

impl EventReader {
    /// The source of the fields that all events of this stream share.
    pub(crate) fn head(&self) -> String {
        self.head.source()
    }

    /// Read one event as it was cut out of the stream.
    ///
    /// # Errors
    /// Why nothing of it can be passed on.
    pub(crate) fn read(&mut self, raw: &Bytes) -> Result<Event, Wrong> {
        let (raw, data) = tidy(raw);
        let Some(place) = data else { return Ok(Event::without_data(raw)) };
        let mut event = Event::new(raw.clone());
        let whole = std::str::from_utf8(&raw).map_err(|_| Wrong::new("", "an event is not UTF-8"))?;
        let data = whole.get(place).unwrap_or_default().trim();
        if data == "[DONE]" {
            event.done = true;
            return Ok(event);
        }
        let data = checked_event(data)?;
        let Self { halves, tools, head, is_stripped } = self;
        let mut found = Found { pieces: Pieces { whole, halves, event: &mut event }, tools };
        if data.kind() != Kind::Object {
            found.pieces.anything("", data, 0)?;
        }
        let fields = data.fields();
        unrepeated(&fields)?;
        for (index, field) in fields.0.iter().enumerate() {
            match &*field.name() {
                "choices" => found.each("choices", field.value, 0, Found::choice)?,
                "usage" => {
                    found.pieces.event.usage = usage(field.value);
                    if let Some(place) = fields.with_comma(index, whole).filter(|_| *is_stripped && is_null(field)) {
                        found.pieces.event.strip(place);
                    }
                    found.pieces.unknown("", field, 0)?;
                }
                "error" => {
                    if field.value.kind() != Kind::Null {
                        found.pieces.event.fails(Some(field.value));
                    }
                    found.pieces.unknown("", field, 0)?;
                }
                name => {
                    if head.note(name, field.value) {
                        found.pieces.event.is_named(name, field.value);
                    }
                    found.pieces.unknown("", field, 0)?;
                }
            }
        }
        let tells_usage = || fields.last("usage").is_some_and(|usage| usage.kind() == Kind::Object);
        if *is_stripped && tells_usage() && !event.failed && has_no_choices(&fields) {
            // Whatever else is in it goes nowhere, so nobody has to look at it.
            let usage = event.usage;
            event = Event::new(raw);
            (event.is_unasked, event.usage) = (true, usage);
        }
        Ok(event)
    }
}

fn is_null(field: &Field<'_>) -> bool {
    field.value.kind() == Kind::Null
}

/// As in the event with nothing but the usage.
fn has_no_choices(fields: &Fields<'_>) -> bool {
    fields.last("choices").is_some_and(|choices| choices.kind() == Kind::Array && choices.items().is_empty())
}

struct Found<'a> {
    pieces: Pieces<'a>,
    tools: &'a mut HashMap<(u32, u32), String>,
}

impl Found<'_> {
    /// Each object of a list, with its place in it. What is neither is text all the same, wherever a stranger put it.
    fn each(
        &mut self,
        at: &str,
        list: Value<'_>,
        choice: u32,
        mut item: impl FnMut(&mut Self, Value<'_>, u32) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        if list.kind() != Kind::Array {
            return self.pieces.anything(at, list, choice);
        }
        list.items().into_iter().zip(0..).try_for_each(|(value, position)| match value.kind() {
            Kind::Object => item(self, value, position),
            _ => self.pieces.anything(at, value, choice),
        })
    }

    fn choice(&mut self, choice: Value<'_>, position: u32) -> Result<(), Wrong> {
        let fields = choice.fields();
        let index = index(&fields, position)?;
        let texts = fields.0.iter().filter(|field| matches!(&*field.name(), "delta" | "message" | "text"));
        if texts.filter(|field| field.value.kind() != Kind::Null).count() > 1 {
            return Err(Wrong::new("", "a choice has its text in two places"));
        }
        for field in &fields.0 {
            match &*field.name() {
                "delta" | "message" if field.value.kind() == Kind::Object => {
                    let fields = field.value.fields();
                    unrepeated(&fields)?;
                    fields.0.iter().try_for_each(|field| self.delta(index, field))?;
                }
                "text" => self.pieces.piece(index, Channel::Content, "", field.value, None)?,
                "finish_reason" => {
                    // Some servers write "" for null.
                    if let Some(reason) = field.value.text().filter(|reason| !reason.is_empty()) {
                        self.pieces.event.finished.push((index, finish(&reason)));
                    }
                    self.pieces.unknown("choice", field, index)?;
                }
                "logprobs" if field.value.kind() == Kind::Object => {
                    self.pieces.event.shadow(index, field.value.place(self.pieces.whole));
                }
                _ => self.pieces.unknown("choice", field, index)?,
            }
        }
        Ok(())
    }

    fn delta(&mut self, choice: u32, field: &Field<'_>) -> Result<(), Wrong> {
        let name = field.name();
        let channel = match &*name {
            "content" => Channel::Content,
            "refusal" => Channel::Refusal,
            "reasoning_content" | "reasoning" => Channel::Reasoning,
            "tool_calls" => {
                let at = "delta.tool_calls";
                return self
                    .each(at, field.value, choice, |found, call, position| found.tool_call(choice, call, position));
            }
            "function_call" => return self.function(choice, 0, "function_call", field.value),
            "audio" if field.value.kind() == Kind::Object => return self.audio(choice, field.value),
            _ => return self.pieces.unknown("delta", field, choice),
        };
        match field.value.kind() {
            // The two names of reasoning are the same text, told twice: each is a lane.
            Kind::String if channel == Channel::Reasoning => {
                self.pieces.piece(choice, channel, &name, field.value, None)
            }
            Kind::String => self.pieces.piece(choice, channel, "", field.value, None),
            _ => self.pieces.unknown("delta", field, choice),
        }
    }

    /// Speech, and what is said in it.
    fn audio(&mut self, choice: u32, audio: Value<'_>) -> Result<(), Wrong> {
        let fields = audio.fields();
        unrepeated(&fields)?;
        for field in &fields.0 {
            match &*field.name() {
                "data" => self.pieces.event.opaque.push(Opaque::Audio),
                "transcript" => self.pieces.piece(choice, Channel::Content, "audio", field.value, None)?,
                _ => self.pieces.unknown("delta.audio", field, choice)?,
            }
        }
        Ok(())
    }

    fn tool_call(&mut self, choice: u32, call: Value<'_>, position: u32) -> Result<(), Wrong> {
        let fields = call.fields();
        let index = index(&fields, position)?;
        let part = format!("call {index}");
        if fields.0.iter().filter(|field| matches!(&*field.name(), "function" | "custom")).count() > 1 {
            return Err(Wrong::new("", "a tool call has its text in two places"));
        }
        for field in &fields.0 {
            match &*field.name() {
                "function" | "custom" => self.function(choice, index, &part, field.value)?,
                "id" => {
                    self.pieces.event.calls(field.value);
                    self.pieces.unknown(&part, field, choice)?;
                }
                _ => self.pieces.unknown(&part, field, choice)?,
            }
        }
        Ok(())
    }

    fn function(&mut self, choice: u32, index: u32, part: &str, value: Value<'_>) -> Result<(), Wrong> {
        if value.kind() != Kind::Object {
            return self.pieces.anything(part, value, choice);
        }
        let fields = value.fields();
        unrepeated(&fields)?;
        if fields.0.iter().filter(|field| matches!(&*field.name(), "arguments" | "input")).count() > 1 {
            return Err(Wrong::new("", "a tool call has its arguments in two places"));
        }
        for field in &fields.0 {
            match &*field.name() {
                "name" if field.value.kind() == Kind::String => {
                    self.called(choice, index, &field.value.text().unwrap_or_default());
                    let lane = Lane { choice, channel: Channel::Name, part: part.to_owned() };
                    self.pieces.add(
                        lane,
                        Unit::Either,
                        field.value.source(),
                        field.value.place(self.pieces.whole),
                        None,
                    )?;
                }
                "arguments" | "input" => {
                    let name = self.tools.get(&(choice, index)).cloned();
                    self.pieces.piece(choice, Channel::ToolArguments, part, field.value, name)?;
                }
                _ => self.pieces.unknown(part, field, choice)?,
            }
        }
        Ok(())
    }

    /// Remember what the tool of a call is called, as far as that is shown.
    fn called(&mut self, choice: u32, index: u32, name: &str) {
        let tools = &mut *self.tools;
        if name.is_empty() || (tools.len() >= LANES_MAX && !tools.contains_key(&(choice, index))) {
            return;
        }
        let known = tools.entry((choice, index)).or_default();
        // Some servers say it with each event.
        if known != name {
            *known = shown(&format!("{known}{}", shown(name)));
        }
    }
}

/// The number of a choice or a tool call: what it says, or its place in the list.
///
/// # Errors
/// When it says anything else, or has a field twice: another reader might take it for another.
fn index(fields: &Fields<'_>, position: u32) -> Result<u32, Wrong> {
    unrepeated(fields)?;
    match fields.last("index").filter(|index| index.kind() != Kind::Null) {
        None => Ok(position),
        Some(index) => index.number().ok_or_else(|| Wrong::new("", "an index is not a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn read(events: &[&str]) -> Vec<(Lane, String)> {
        let mut reader = EventReader::default();
        let read = |event: &&str| reader.read(&Bytes::from(format!("data: {event}\n\n"))).unwrap().pieces;
        events.iter().flat_map(read).map(|piece| (piece.lane, piece.text)).collect()
    }

    #[test]
    fn texts_of_choices_channels_and_tool_calls_are_told_apart() {
        let lanes = read(&[
            r#"{"choices":[{"index":1,"delta":{"role":"assistant","content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"x","type":"function","function":{"name":"f","arguments":"{"}}],"reasoning_content":"r","extra":"e"}}]}"#,
        ]);
        let expected: Vec<_> = [
            (1, Channel::Content, "", "b"),
            (0, Channel::Content, "", "a"),
            (0, Channel::Name, "call 1", "f"),
            (0, Channel::ToolArguments, "call 1", "{"),
            (0, Channel::Reasoning, "reasoning_content", "r"),
            (0, Channel::Other, "delta.extra", "e"),
        ]
        .into_iter()
        .map(|(choice, channel, part, text)| (Lane { choice, channel, part: part.to_owned() }, text.to_owned()))
        .collect();
        assert_eq!(lanes, expected);
    }

    #[test]
    fn an_event_is_the_same_bytes_unless_a_text_of_it_changed() {
        let raw = Bytes::from_static(
            b"data: {\"choices\":[{\"delta\":{\"content\":\"a \\u0062 c\"},\"logprobs\":{\"content\":[]}}], \"x\":1.0}\n\n",
        );
        let event = EventReader::default().read(&raw).unwrap();
        assert_eq!(event.write(&["a b c".to_owned()], &BTreeSet::new()), raw);
        assert_eq!(
            event.write(&["a b X".to_owned()], &BTreeSet::from([0])),
            "data: {\"choices\":[{\"delta\":{\"content\":\"a \\u0062 X\"},\"logprobs\":null}], \"x\":1.0}\n\n"
        );
    }

    fn stripped(event: &str) -> (Event, String) {
        let mut reader = EventReader { is_stripped: true, ..EventReader::default() };
        let event = reader.read(&Bytes::from(format!("data: {event}\n\n"))).unwrap();
        let texts: Vec<String> = event.pieces.iter().map(|piece| piece.text.clone()).collect();
        let written = event.write(&texts, &BTreeSet::new());
        (event, String::from_utf8(written.to_vec()).unwrap())
    }

    #[test]
    fn a_null_that_nobody_asked_for_is_taken_out() {
        for (came, goes) in [
            (r#"{"id":"c","choices":[],"usage":null}"#, r#"{"id":"c","choices":[]}"#),
            (r#"{"id": "c", "usage": null, "choices": []}"#, r#"{"id": "c", "choices": []}"#),
            (r#"{ "usage" : null , "choices":[]}"#, r#"{ "choices":[]}"#),
            (r#"{"usage":null}"#, "{}"),
            (
                r#"{"choices":[{"delta":{"content":"\u0061"}}],"usage":null,"x":1.0}"#,
                r#"{"choices":[{"delta":{"content":"\u0061"}}],"x":1.0}"#,
            ),
        ] {
            let (event, written) = stripped(came);
            assert!(!event.is_unasked, "{came}");
            assert_eq!(written, format!("data: {goes}\n\n"));
            let as_it_came = EventReader::default().read(&Bytes::from(format!("data: {came}\n\n"))).unwrap();
            assert_eq!(as_it_came.pieces.len(), event.pieces.len());
        }
    }

    #[test]
    fn the_event_with_the_usage_alone_is_read_and_goes_nowhere() {
        let (event, _) = stripped(
            r#"{"id":"c","choices":[],"note":"a b","usage":{"prompt_tokens":3,"completion_tokens":4,"note":"c d"}}"#,
        );
        assert!(event.is_unasked && event.pieces.is_empty());
        assert_eq!(event.usage.map(|usage| (usage.input_tokens, usage.output_tokens)), Some((3, 4)));
        for stays in [
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}"#,
            r#"{"choices":[],"prompt_filter_results":[]}"#,
            r#"{"usage":{"prompt_tokens":3}}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3},"error":{"message":"m"}}"#,
        ] {
            let (event, written) = stripped(stays);
            assert!(!event.is_unasked, "{stays}");
            assert_eq!(written, format!("data: {stays}\n\n"));
        }
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        for choice in [
            r#"{"index":0,"delta":{"content":"a","content":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a"},"text":"b"}"#,
            r#"{"index":0,"delta":{"content":"a"},"message":{"content":"b"}}"#,
            r#"{"index":1.0,"delta":{"content":"a"}}"#,
            r#"{"index":-1,"delta":{"content":"a"}}"#,
            r#"{"index":0,"index":1,"delta":{"content":"a"}}"#,
            r#"{"delta":{"tool_calls":[{"index":0,"custom":{"input":"a"},"function":{"arguments":"b"}}]}}"#,
            r#"{"delta":{"tool_calls":[{"function":{"arguments":"a","input":"b"}}]}}"#,
            r#"{"delta":{"x":{"y":"a","y":"b"}}}"#,
        ] {
            let raw = Bytes::from(format!("data: {{\"choices\":[{choice}]}}\n\n"));
            assert!(EventReader::default().read(&raw).is_err(), "{choice}");
        }
    }

    #[test]
    fn texts_that_the_dialect_does_not_know_go_on_where_they_stood() {
        let lanes = read(&[
            r#"{"choices":[{"delta":{"parts":[{"x":"a b","text":"c d"},{"index":7,"text":"e f"}]},"note":"g h"}]}"#,
            r#"{"choices":[{"delta":{"parts":[{"text":"c d"}],"audio":{"data":"UklGRi","transcript":"i"}}}],"top":["j k"]}"#,
        ]);
        let lanes: Vec<(&str, &str)> = lanes.iter().map(|(lane, text)| (lane.part.as_str(), text.as_str())).collect();
        let expected = [
            ("delta.parts[0].x", "a b"),
            ("delta.parts[0].text", "c d"),
            ("delta.parts[7].text", "e f"),
            ("choice.note", "g h"),
            ("delta.parts[0].text", "c d"),
            ("audio", "i"),
            (".top[0]", "j k"),
        ];
        assert_eq!(lanes, expected);
    }

    #[test]
    fn what_goes_with_each_piece_is_short() {
        let mut reader = EventReader::default();
        let name = "n".repeat(1_000);
        let call = format!(r#"{{"index":0,"function":{{"name":"{name}","arguments":"a"}}}}"#);
        let raw = Bytes::from(format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{call}]}}}}]}}\n\n"));
        for _ in 0..3 {
            let pieces = reader.read(&raw).unwrap().pieces;
            assert!(pieces.iter().filter_map(|piece| piece.name.as_ref()).all(|name| name.len() <= 256));
        }
    }

    #[test]
    fn a_character_split_over_two_events_is_whole_in_the_second() {
        let texts = read(&[
            r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
            r#"{"choices":[{"delta":{"content":"\ude00"}}]}"#,
        ]);
        let texts: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["", "\u{1f600}"]);
    }
}

//! The events of a streamed chat completion.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use super::super::document::{Of, Texts, Wrong};
use super::super::raw::{Field, Kind, Value};
use super::super::sse::{Event, Lane, Piece, tidy};
use super::super::text::decode_piece;
use super::answer::{finish, usage};
use super::head::Head;
use crate::chat::{Channel, Role};

/// Reads events one after the other, and keeps what one needs to know of those before.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    /// First halves of characters that end the last piece of a lane.
    halves: HashMap<Lane, u16>,
    /// What the tools of calls are called, by choice and index.
    tools: HashMap<(u32, u32), String>,
    pub(super) head: Head,
}

/// Lanes of one stream: choices, tool calls, fields that the dialect does not know.
const LANES_MAX: usize = 1_000;

impl EventReader {
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
        serde_json::from_str::<&serde_json::value::RawValue>(data)
            .map_err(|error| Wrong::new("", format!("an event is not JSON: {error}")))?;
        let mut found = Found { whole, reader: self, event: &mut event };
        if Value(data).kind() != Kind::Object {
            found.anything("", "", Value(data), 0)?;
        }
        for field in &Value(data).fields().0 {
            match &*field.name() {
                "choices" => found.each("", "choices", field.value, 0, Found::choice)?,
                "usage" => {
                    found.event.usage = usage(field.value);
                    found.unknown("", field, 0)?;
                }
                "error" => {
                    found.event.failed = field.value.kind() != Kind::Null;
                    found.unknown("", field, 0)?;
                }
                name => {
                    found.reader.head.note(name, field.value);
                    found.unknown("", field, 0)?;
                }
            }
        }
        Ok(event)
    }
}

struct Found<'a> {
    whole: &'a str,
    reader: &'a mut EventReader,
    event: &'a mut Event,
}

impl Found<'_> {
    /// Each object of a list. What is neither is text all the same, wherever a stranger put it.
    fn each(
        &mut self,
        at: &str,
        name: &str,
        list: Value<'_>,
        choice: u32,
        mut item: impl FnMut(&mut Self, Value<'_>) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        if list.kind() != Kind::Array {
            return self.anything(at, name, list, choice);
        }
        list.items().into_iter().try_for_each(|value| match value.kind() {
            Kind::Object => item(self, value),
            _ => self.anything(at, name, value, choice),
        })
    }

    fn choice(&mut self, choice: Value<'_>) -> Result<(), Wrong> {
        let fields = choice.fields();
        let index = fields.last("index").and_then(Value::number).unwrap_or_default();
        for field in &fields.0 {
            match &*field.name() {
                "delta" | "message" if field.value.kind() == Kind::Object => {
                    field.value.fields().0.iter().try_for_each(|field| self.delta(index, field))?;
                }
                "text" => self.piece(index, Channel::Content, "", field.value, None)?,
                "finish_reason" => {
                    // Some servers write "" for null.
                    if let Some(reason) = field.value.text().filter(|reason| !reason.is_empty()) {
                        self.event.finished.push((index, finish(&reason)));
                    }
                    self.unknown("choice", field, index)?;
                }
                "logprobs" if field.value.kind() == Kind::Object => {
                    self.event.shadow(field.value.place(self.whole));
                }
                _ => self.unknown("choice", field, index)?,
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
                return self
                    .each("delta", "tool_calls", field.value, choice, |found, call| found.tool_call(choice, call));
            }
            "function_call" => return self.function(choice, 0, "function_call", field.value),
            _ => return self.unknown("delta", field, choice),
        };
        match field.value.kind() {
            // The two names of reasoning are the same text, told twice: each is a lane.
            Kind::String if channel == Channel::Reasoning => self.piece(choice, channel, &name, field.value, None),
            Kind::String => self.piece(choice, channel, "", field.value, None),
            _ => self.unknown("delta", field, choice),
        }
    }

    fn tool_call(&mut self, choice: u32, call: Value<'_>) -> Result<(), Wrong> {
        let fields = call.fields();
        let index = fields.last("index").and_then(Value::number).unwrap_or_default();
        for field in &fields.0 {
            match &*field.name() {
                "function" | "custom" => self.function(choice, index, &format!("call {index}"), field.value)?,
                _ => self.unknown(&format!("call {index}"), field, choice)?,
            }
        }
        Ok(())
    }

    fn function(&mut self, choice: u32, index: u32, part: &str, value: Value<'_>) -> Result<(), Wrong> {
        if value.kind() != Kind::Object {
            return self.anything(part, "function", value, choice);
        }
        for field in &value.fields().0 {
            match &*field.name() {
                "name" => {
                    if let Some(name) = field.value.text().filter(|name| !name.is_empty())
                        && self.reader.tools.len() < LANES_MAX
                    {
                        self.reader.tools.entry((choice, index)).or_default().push_str(&name);
                    }
                    self.piece(choice, Channel::Name, part, field.value, None)?;
                }
                "arguments" | "input" => {
                    let name = self.reader.tools.get(&(choice, index)).cloned();
                    self.piece(choice, Channel::ToolArguments, part, field.value, name)?;
                }
                _ => self.unknown(part, field, choice)?,
            }
        }
        Ok(())
    }

    fn piece(
        &mut self,
        choice: u32,
        channel: Channel,
        part: &str,
        value: Value<'_>,
        name: Option<String>,
    ) -> Result<(), Wrong> {
        if value.kind() != Kind::String {
            return self.anything(part, channel.word(), value, choice);
        }
        let place = value.place(self.whole);
        self.add(Lane { choice, channel, part: part.to_owned() }, value.0, place, name)
    }

    fn add(&mut self, lane: Lane, literal: &str, place: Range<usize>, name: Option<String>) -> Result<(), Wrong> {
        let before = self.reader.halves.remove(&lane);
        let decoded = decode_piece(literal, before);
        if let Some(half) = decoded.half {
            if self.reader.halves.len() >= LANES_MAX {
                return Err(Wrong::new("", "the answer has too many texts"));
            }
            self.reader.halves.insert(lane.clone(), half);
        }
        if !decoded.text.is_empty() || decoded.halved {
            let mut piece = Piece::new(lane, Role::Assistant, decoded.text, place, decoded.halved);
            piece.name = name;
            self.event.add(piece);
        }
        Ok(())
    }

    /// A field that the dialect does not know: its key, if that is more than a name, and its value.
    fn unknown(&mut self, at: &str, field: &Field<'_>, choice: u32) -> Result<(), Wrong> {
        self.texts(at, &field.name(), choice, |texts, of| texts.field(field, of))
    }

    /// A value that is not what the dialect knows in that place.
    fn anything(&mut self, at: &str, name: &str, value: Value<'_>, choice: u32) -> Result<(), Wrong> {
        self.texts(at, name, choice, |texts, of| texts.anything(value, of))
    }

    /// Texts of which the dialect knows nothing are told apart by where they are.
    fn texts(
        &mut self,
        at: &str,
        name: &str,
        choice: u32,
        collect: impl FnOnce(&mut Texts<'_>, &Of) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let mut texts = Texts::new(self.whole);
        let channel = if name == "reasoning_details" { Channel::Reasoning } else { Channel::Other };
        collect(&mut texts, &Of { choice, ..Of::new(Role::Assistant, channel) })?;
        for (index, place) in texts.places.into_iter().enumerate() {
            let name = name.get(..name.floor_char_boundary(64)).unwrap_or_default();
            let lane = Lane { choice, channel, part: format!("{at}.{name}.{index}") };
            let literal = self.whole.get(place.clone()).unwrap_or_default();
            self.add(lane, literal, place, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
            (0, Channel::Other, "delta.extra.0", "e"),
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
        assert_eq!(event.write(&["a b c".to_owned()]), raw);
        assert_eq!(
            event.write(&["a b X".to_owned()]),
            "data: {\"choices\":[{\"delta\":{\"content\":\"a \\u0062 X\"},\"logprobs\":null}], \"x\":1.0}\n\n"
        );
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

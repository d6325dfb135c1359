//! The events of a streamed answer. Each is an answer of its own, with the parts that are new.

use std::collections::HashMap;

use bytes::Bytes;

use super::super::document::{Wrong, checked_event, shown};
use super::super::pieces::{Halves, LANES_MAX, Pieces};
use super::super::raw::{Field, Fields, Kind, Value};
use super::super::sse::{Event, Lane, Unit, tidy};
use super::answer::{finish, is_blocked, usage, with_calls};
use super::part::{is_sealed, is_thought, opaque};
use super::spelling::{last, unrepeated, usual};
use crate::chat::{Channel, Finish, Opaque};

/// Reads events one after the other, and keeps what one needs to know of those before.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    halves: Halves,
    /// How many functions each choice has called so far.
    calls: HashMap<u32, usize>,
    /// An event was read before, and they all say where they come from.
    has_begun: bool,
}

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
        let data = checked_event(data)?;
        let Self { halves, calls, has_begun } = self;
        let is_first = !std::mem::replace(has_begun, true);
        let mut found = Found { pieces: Pieces { whole, halves, event: &mut event }, calls, is_first };
        if data.kind() != Kind::Object {
            found.pieces.anything("", data, 0)?;
        }
        let fields = data.fields();
        unrepeated(&fields)?;
        fields.0.iter().try_for_each(|field| found.field(field))?;
        Ok(event)
    }
}

struct Found<'a> {
    pieces: Pieces<'a>,
    calls: &'a mut HashMap<u32, usize>,
    is_first: bool,
}

impl Found<'_> {
    fn field(&mut self, field: &Field<'_>) -> Result<(), Wrong> {
        match (&*usual(field), field.value.kind()) {
            ("candidates", Kind::Array) => {
                return field.value.items().into_iter().zip(0..).try_for_each(|(item, position)| match item.kind() {
                    Kind::Object => self.candidate(&item.fields(), position),
                    _ => self.pieces.anything("candidates", item, 0),
                });
            }
            ("usageMetadata", _) => self.pieces.event.usage = usage(field.value),
            ("error", kind) if kind != Kind::Null => self.pieces.event.fails(Some(field.value)),
            // Then there are no candidates, and this is the end.
            ("promptFeedback", _) if is_blocked(field.value) => {
                self.pieces.event.finished.push((0, Finish::ContentFilter));
            }
            (name, _) if self.is_first => self.pieces.event.is_named(name, field.value),
            _ => {}
        }
        self.pieces.unknown("", field, 0)
    }

    fn candidate(&mut self, fields: &Fields<'_>, position: u32) -> Result<(), Wrong> {
        unrepeated(fields)?;
        let choice = match last(fields, "index").filter(|index| index.kind() != Kind::Null) {
            None => position,
            Some(index) => index.number().ok_or_else(|| Wrong::new("", "an index is not a whole number"))?,
        };
        for field in &fields.0 {
            match (&*usual(field), field.value.kind()) {
                ("content", Kind::Object) => self.content(&field.value.fields(), choice)?,
                ("logprobsResult", Kind::Object) => {
                    self.pieces.event.shadow(choice, field.value.place(self.pieces.whole));
                }
                _ => self.pieces.unknown("candidate", field, choice)?,
            }
        }
        let reason = last(fields, "finishReason").and_then(Value::text);
        if let Some(reason) = reason.filter(|reason| !matches!(&**reason, "" | "FINISH_REASON_UNSPECIFIED")) {
            let calls = self.calls.get(&choice).is_some_and(|calls| *calls > 0);
            self.pieces.event.finished.push((choice, with_calls(finish(&reason), calls)));
        }
        Ok(())
    }

    fn content(&mut self, fields: &Fields<'_>, choice: u32) -> Result<(), Wrong> {
        unrepeated(fields)?;
        for field in &fields.0 {
            if (&*usual(field), field.value.kind()) != ("parts", Kind::Array) {
                self.pieces.unknown("content", field, choice)?;
                continue;
            }
            for part in field.value.items() {
                match part.kind() {
                    Kind::Object => self.part(&part.fields(), choice)?,
                    _ => self.pieces.anything("parts", part, choice)?,
                }
            }
        }
        Ok(())
    }

    fn part(&mut self, fields: &Fields<'_>, choice: u32) -> Result<(), Wrong> {
        unrepeated(fields)?;
        let of_text = if is_thought(fields) { Channel::Reasoning } else { Channel::Content };
        for field in &fields.0 {
            let value = field.value;
            match (&*usual(field), value.kind()) {
                ("text", _) => self.pieces.piece(choice, of_text, "", value, None)?,
                ("thoughtSignature", Kind::String) => {
                    if is_sealed(value) {
                        self.pieces.event.opaque.push(Opaque::Sealed);
                    }
                }
                ("inlineData" | "fileData", Kind::Object) => self.data(&value.fields(), choice)?,
                ("functionCall", Kind::Object) => self.call(&value.fields(), choice)?,
                _ => self.pieces.unknown("part", field, choice)?,
            }
        }
        Ok(())
    }

    fn data(&mut self, fields: &Fields<'_>, choice: u32) -> Result<(), Wrong> {
        unrepeated(fields)?;
        fields.0.iter().try_for_each(|field| match (&*usual(field), field.value.kind()) {
            ("data" | "fileUri", Kind::String) => {
                self.pieces.event.opaque.push(opaque(fields));
                Ok(())
            }
            _ => self.pieces.unknown("part.data", field, choice),
        })
    }

    /// A call is whole in its event, and has its own texts; one without a name goes on with the one before.
    fn call(&mut self, fields: &Fields<'_>, choice: u32) -> Result<(), Wrong> {
        unrepeated(fields)?;
        let called = last(fields, "name").and_then(Value::text).map(|name| shown(&name));
        let calls = self.calls.entry(choice).or_default();
        if called.is_some() || *calls == 0 {
            *calls += 1;
        }
        if *calls > LANES_MAX {
            return Err(Wrong::new("", "the answer has too many calls of tools"));
        }
        let part = format!("call {}", calls.saturating_sub(1));
        if let Some(id) = last(fields, "id") {
            self.pieces.event.calls(id);
        }
        for field in &fields.0 {
            let value = field.value;
            let place = value.place(self.pieces.whole);
            let lane = |channel| Lane { choice, channel, part: part.clone() };
            match (&*usual(field), value.kind()) {
                ("name", Kind::String) => {
                    self.pieces.add(lane(Channel::Name), Unit::Either, value.source(), place, None)?;
                }
                ("args", Kind::Object | Kind::Array) => {
                    self.pieces.json(lane(Channel::ToolArguments), value, called.clone());
                }
                _ => self.pieces.unknown(&part, field, choice)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::chat::Usage;

    fn event(data: &str) -> Bytes {
        format!("data: {}\r\n\r\n", data.replace('\n', " ")).into()
    }

    #[test]
    fn texts_of_channels_and_calls_are_told_apart() {
        let mut reader = EventReader::default();
        let mut found = Vec::new();
        let mut opaque = Vec::new();
        for data in [
            r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"}}],"responseId":"r"}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"hi"},
                {"functionCall":{"name":"f","args":{"a":"b"},"id":"x"},"thoughtSignature":"c2ln"},
                {"function_call":{"name":"g","args":{}}}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":4}}}]},"index":1}]}"#,
        ] {
            let event = reader.read(&event(data)).unwrap();
            opaque.extend(event.opaque.iter().copied());
            found
                .extend(event.pieces.into_iter().map(|p| (p.lane.choice, p.lane.channel, p.lane.part, p.text, p.name)));
        }
        let expected = [
            (0, Channel::Reasoning, "", "hm", None),
            (0, Channel::Content, "", "hi", None),
            (0, Channel::Name, "call 0", "f", None),
            (0, Channel::ToolArguments, "call 0", "{\"a\":\"b\"}", Some("f")),
            (0, Channel::Name, "call 1", "g", None),
            (0, Channel::ToolArguments, "call 1", "{}", Some("g")),
            (1, Channel::Name, "call 0", "f", None),
            (1, Channel::ToolArguments, "call 0", "{\"a\":4}", Some("f")),
        ];
        let expected = expected.map(|(choice, channel, part, text, name): (u32, _, &str, &str, Option<&str>)| {
            (choice, channel, part.to_owned(), text.to_owned(), name.map(str::to_owned))
        });
        assert_eq!(found, expected);
        assert_eq!(opaque, [Opaque::Sealed]);
    }

    #[test]
    fn pieces_of_arguments_are_one_text() {
        let mut reader = EventReader::default();
        let mut read = |call: &str| {
            let event = event(&format!(r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{call}}}]}}}}]}}"#));
            let texts = reader.read(&event).unwrap().pieces.into_iter();
            texts.filter(|piece| piece.unit == Unit::Either).map(|piece| (piece.lane.part, piece.text)).next_back()
        };
        let piece = |text: &str| format!(r#"{{"partialArgs":[{{"stringValue":"{text}"}}],"willContinue":true}}"#);
        assert_eq!(read(r#"{"name":"f","willContinue":true}"#), Some(("call 0".to_owned(), "f".to_owned())));
        let lane = "call 0.partialArgs[0].stringValue".to_owned();
        assert_eq!(read(&piece("sec ")), Some((lane.clone(), "sec ".to_owned())));
        assert_eq!(read(&piece("ret ")), Some((lane, "ret ".to_owned())));
    }

    #[test]
    fn the_end_is_known_and_what_was_used() {
        let mut reader = EventReader::default();
        let last = reader.read(&event(
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],
                "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"thoughtsTokenCount":5}}"#,
        ));
        let last = last.unwrap();
        assert_eq!(last.finished, [(0, Finish::ToolCalls)]);
        let usage = Usage {
            input_tokens: 3,
            cached_input_tokens: 0,
            cache_write_tokens: 0,
            output_tokens: 9,
            reasoning_tokens: 5,
        };
        assert_eq!(last.usage, Some(usage));
        let blocked = reader.read(&event(r#"{"promptFeedback":{"blockReason":"OTHER"}}"#)).unwrap();
        assert_eq!(blocked.finished, [(0, Finish::ContentFilter)]);
        assert!(reader.read(&event(r#"{"error":{"code":503,"message":"busy"}}"#)).unwrap().failed);
        let unspecified = r#"{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#;
        assert_eq!(reader.read(&event(unspecified)).unwrap().finished, []);
    }

    #[test]
    fn edited_arguments_stay_an_object_whatever_becomes_of_them() {
        let data = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{ "to" : "ann" }}}]}}]}"#;
        let event = EventReader::default().read(&event(data)).unwrap();
        for (edited, expected) in [("{ \"to\" : \"[NAME]\" }", "{ \"to\" : \"[NAME]\" }"), ("{ \"to", "\"{ \\\"to\"")] {
            let texts = ["f".to_owned(), edited.to_owned()];
            let written = event.write(&texts, &BTreeSet::new());
            let expected = format!("data: {}\r\n\r\n", data.replace("{ \"to\" : \"ann\" }", expected));
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        for data in [
            r#"{"candidates":[{"content":{"parts":[{"text":"a","text":"b"}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{},"function_call":{}}]}}]}"#,
            r#"{"candidates":[{"finishReason":"STOP","finish_reason":"SAFETY"}]}"#,
            r#"{"candidates":[{"index":-1,"content":{"parts":[{"text":"a"}]}}]}"#,
            r#"{"candidates":[],"candidates":[]}"#,
            r#"{"candidates":"#,
        ] {
            assert!(EventReader::default().read(&event(data)).is_err(), "{data}");
        }
    }

    #[test]
    fn calls_are_counted_to_a_limit() {
        let read = |calls: usize| {
            let parts = vec![r#"{"functionCall":{"name":"f"}}"#; calls].join(",");
            EventReader::default().read(&event(&format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}}}}]}}"#)))
        };
        assert!(read(LANES_MAX).is_ok());
        assert!(read(LANES_MAX + 1).is_err());
    }
}

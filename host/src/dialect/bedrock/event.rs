//! The events of a streamed answer, as `frames.rs` writes them: objects with the name of the event as their one field.

use std::collections::HashMap;

use bytes::Bytes;

use super::super::document::{Wrong, checked_event, shown, unrepeated};
use super::super::pieces::{Halves, LANES_MAX, Pieces};
use super::super::raw::{Field, Fields, Kind, Value};
use super::super::sse::{Event, Lane, Unit, tidy};
use super::EXCEPTION;
use super::answer::{finish, is_sealed, usage};
use crate::chat::{Channel, Opaque};

/// Random letters in each event, so that nobody learns from the lengths of frames. They are never passed on.
const PADDING: &str = "p";

/// Reads events one after the other, and keeps what one needs to know of those before.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    halves: Halves,
    /// What the tools of calls are called, by block.
    tools: HashMap<u32, String>,
}

/// The part of the lanes of a block.
fn part(block: u32) -> String {
    format!("block {block}")
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
        let Self { halves, tools } = self;
        let mut found = Found { pieces: Pieces { whole, halves, event: &mut event }, tools };
        if data.kind() != Kind::Object {
            found.pieces.anything("", data, 0)?;
        }
        let fields = data.fields();
        unrepeated(&fields)?;
        fields.0.iter().try_for_each(|field| found.event(field))?;
        Ok(event)
    }
}

struct Found<'a> {
    pieces: Pieces<'a>,
    tools: &'a mut HashMap<u32, String>,
}

impl Found<'_> {
    fn event(&mut self, named: &Field<'_>) -> Result<(), Wrong> {
        let name = named.name();
        self.pieces.event.failed |= name.ends_with(EXCEPTION);
        self.pieces.event.blames_request |= name == "validationException";
        if named.value.kind() != Kind::Object {
            return self.pieces.unknown("", named, 0);
        }
        let fields = named.value.fields();
        unrepeated(&fields)?;
        match &*name {
            "contentBlockStart" | "contentBlockDelta" | "contentBlockStop" => return self.block(&name, &fields),
            "metadata" => {
                self.pieces.event.usage = fields.last("usage").and_then(usage);
                self.pieces.event.done = true;
            }
            "messageStop" => {
                let reason = fields.last("stopReason").and_then(Value::text).filter(|reason| !reason.is_empty());
                self.pieces.event.finished.extend(reason.map(|reason| (0, finish(&reason))));
            }
            _ => {}
        }
        self.rest(&name, &fields)
    }

    /// Fields that nobody here knows.
    fn rest(&mut self, at: &str, fields: &Fields<'_>) -> Result<(), Wrong> {
        let mut said = fields.0.iter().filter(|field| !field.is(PADDING));
        said.try_for_each(|field| self.pieces.unknown(at, field, 0))
    }

    /// An event about one block.
    fn block(&mut self, name: &str, fields: &Fields<'_>) -> Result<(), Wrong> {
        let index = fields.last("contentBlockIndex").and_then(Value::number);
        let index = index.ok_or_else(|| Wrong::new("", "a block has no index that is a whole number"))?;
        match name {
            "contentBlockStart" => self.pieces.event.opens = Some(index),
            "contentBlockStop" => self.pieces.event.closes = Some((index, part(index))),
            _ => {}
        }
        for field in fields.0.iter().filter(|field| !field.is(PADDING)) {
            match &*field.name() {
                "start" | "delta" if field.value.kind() == Kind::Object => {
                    let fields = field.value.fields();
                    unrepeated(&fields)?;
                    fields.0.iter().try_for_each(|field| self.piece(index, field))?;
                }
                _ => self.pieces.unknown(&part(index), field, 0)?,
            }
        }
        Ok(())
    }

    /// What a block says is told by the name of its field.
    fn piece(&mut self, index: u32, field: &Field<'_>) -> Result<(), Wrong> {
        match (&*field.name(), field.value.kind()) {
            ("text", _) => self.pieces.piece(0, Channel::Content, &part(index), field.value, None),
            ("reasoningContent", Kind::Object) => self.each(index, field, Self::reasoning),
            ("toolUse", Kind::Object) => self.each(index, field, Self::call),
            _ => self.pieces.unknown(&part(index), field, 0),
        }
    }

    fn each(
        &mut self,
        index: u32,
        of: &Field<'_>,
        read: fn(&mut Self, u32, &Field<'_>) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let fields = of.value.fields();
        unrepeated(&fields)?;
        fields.0.iter().try_for_each(|field| read(self, index, field))
    }

    fn reasoning(&mut self, index: u32, field: &Field<'_>) -> Result<(), Wrong> {
        match (&*field.name(), field.value.kind()) {
            ("text", _) => self.pieces.piece(0, Channel::Reasoning, &part(index), field.value, None),
            ("signature" | "redactedContent", Kind::String) => {
                if is_sealed(field.value) {
                    self.pieces.event.opaque.push(Opaque::Sealed);
                }
                Ok(())
            }
            _ => self.pieces.unknown(&part(index), field, 0),
        }
    }

    fn call(&mut self, index: u32, field: &Field<'_>) -> Result<(), Wrong> {
        let value = field.value;
        match (&*field.name(), value.kind()) {
            ("input", _) => {
                let name = self.tools.get(&index).cloned();
                self.pieces.piece(0, Channel::ToolArguments, &part(index), value, name)
            }
            ("name", Kind::String) => {
                if self.tools.len() < LANES_MAX {
                    self.tools.insert(index, shown(&value.text().unwrap_or_default()));
                }
                let lane = Lane { choice: 0, channel: Channel::Name, part: part(index) };
                let place = value.place(self.pieces.whole);
                self.pieces.add(lane, Unit::Either, value.source(), place, None)
            }
            _ => self.pieces.unknown(&part(index), field, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Finish, Usage};

    fn event(data: &str) -> Bytes {
        format!("data: {data}\n\n").into()
    }

    #[test]
    fn texts_of_blocks_and_channels_are_told_apart_and_padding_is_none() {
        let mut reader = EventReader::default();
        let (mut found, mut opaque) = (Vec::new(), Vec::new());
        for data in [
            r#"{"messageStart":{"role":"assistant","p":"abcd efgh"}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}},"p":"ab cd"}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}}"#,
            r#"{"contentBlockStop":{"contentBlockIndex":0}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"text":"hi"}}}"#,
            r#"{"contentBlockStart":{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"a\":4"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":3,"delta":{"citation":{"title":"a b"}}}}"#,
        ] {
            let event = reader.read(&event(data)).unwrap();
            opaque.extend(event.opaque.iter().copied());
            let pieces = event.pieces.iter();
            found.extend(pieces.map(|p| (p.lane.channel, p.lane.part.clone(), p.text.clone(), p.name.clone())));
        }
        let expected = [
            (Channel::Reasoning, "block 0", "hm", None),
            (Channel::Content, "block 1", "hi", None),
            (Channel::Name, "block 2", "f", None),
            (Channel::ToolArguments, "block 2", "{\"a\":4", Some("f")),
            (Channel::Other, "block 3.citation.title", "a b", None),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(channel, part, text, name)| (channel, part.to_owned(), text.to_owned(), name.map(str::to_owned)))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(opaque, [Opaque::Sealed]);
    }

    #[test]
    fn the_end_is_known_and_what_was_used_and_an_error() {
        let mut reader = EventReader::default();
        let mut read = |data: &str| reader.read(&event(data)).unwrap();
        let stop = read(r#"{"messageStop":{"stopReason":"max_tokens"}}"#);
        assert_eq!((&*stop.finished, stop.done), (&[(0, Finish::Length)][..], false));
        let last = read(r#"{"metadata":{"usage":{"inputTokens":3,"outputTokens":4},"metrics":{"latencyMs":1}}}"#);
        let usage = Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() };
        assert_eq!((last.usage, last.done), (Some(usage), true));
        let failed = read(r#"{"modelStreamErrorException":{"message":"it broke"}}"#);
        assert_eq!((failed.failed, failed.pieces[0].text.as_str()), (true, "it broke"));
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        for data in [
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"text":"a","text":"b"}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"toolUse":{"input":"a","input":"b"}}}}"#,
            r#"{"contentBlockDelta":{"delta":{"text":"a"}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":-1,"delta":{"text":"a"}}}"#,
            r#"{"metadata":{},"metadata":{}}"#,
            r#"{"metadata":"#,
        ] {
            assert!(EventReader::default().read(&event(data)).is_err(), "{data}");
        }
    }
}

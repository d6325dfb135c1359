//! The events of a streamed message.

use std::collections::HashMap;

use bytes::Bytes;

use super::super::document::{Wrong, checked_event, shown, unrepeated};
use super::super::pieces::{Halves, LANES_MAX, Pieces};
use super::super::raw::{Field, Fields, Kind, Value};
use super::super::sse::{Event, Lane, Unit, kind, tidy};
use super::answer::{Counted, finish};
use crate::chat::{Channel, Opaque};

/// Reads events one after the other, and keeps what one needs to know of those before.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    halves: Halves,
    /// What the tools of calls are called, by block.
    tools: HashMap<u32, String>,
    usage: Counted,
    /// The block that the caller has seen the beginning of, and not the end.
    pub(super) open: Option<u32>,
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
        let (names, data) = whole.split_at_checked(place.start).unwrap_or_default();
        let data = data.trim();
        let data = checked_event(data)?;
        let fields = data.fields();
        unrepeated(&fields)?;
        let kind = kind(names, &fields)?;
        let Self { halves, tools, usage, .. } = self;
        let mut found = Found { pieces: Pieces { whole, halves, event: &mut event }, tools, usage };
        match &*kind {
            "content_block_start" | "content_block_delta" | "content_block_stop" => found.block(&kind, &fields)?,
            _ if data.kind() != Kind::Object => found.pieces.anything("", data, 0)?,
            _ => found.message(&kind, &fields)?,
        }
        Ok(event)
    }

    /// An event has gone out to the caller.
    pub(crate) fn has_left(&mut self, event: &Event) {
        if event.opens.is_some() {
            self.open = event.opens;
        }
        if event.closes.is_some() {
            self.open = None;
        }
    }
}

struct Found<'a> {
    pieces: Pieces<'a>,
    tools: &'a mut HashMap<u32, String>,
    usage: &'a mut Counted,
}

impl Found<'_> {
    /// An event about the message as a whole.
    fn message(&mut self, kind: &str, fields: &Fields<'_>) -> Result<(), Wrong> {
        self.pieces.event.done = kind == "message_stop";
        if kind == "error" {
            self.pieces.event.fails(fields.last("error"));
        }
        for field in &fields.0 {
            match &*field.name() {
                "message" | "delta" if field.value.kind() == Kind::Object => {
                    let fields = field.value.fields();
                    unrepeated(&fields)?;
                    fields.0.iter().try_for_each(|field| self.about(field))?;
                }
                _ => self.about(field)?,
            }
        }
        Ok(())
    }

    fn about(&mut self, field: &Field<'_>) -> Result<(), Wrong> {
        match &*field.name() {
            "usage" => {
                self.pieces.event.usage = self.usage.and(field.value);
            }
            "stop_reason" => {
                if let Some(reason) = field.value.text().filter(|reason| !reason.is_empty()) {
                    self.pieces.event.finished.push((0, finish(&reason)));
                }
            }
            // Once, in the event that begins the message.
            name => self.pieces.event.is_named(name, field.value),
        }
        self.pieces.unknown("message", field, 0)
    }

    /// An event about one block.
    fn block(&mut self, kind: &str, fields: &Fields<'_>) -> Result<(), Wrong> {
        let index = fields.last("index").and_then(Value::number);
        let index = index.ok_or_else(|| Wrong::new("", "a block has no index that is a whole number"))?;
        match kind {
            "content_block_start" => self.pieces.event.opens = Some(index),
            "content_block_stop" => self.pieces.event.closes = Some((index, part(index))),
            _ => {}
        }
        for field in &fields.0 {
            match &*field.name() {
                "content_block" | "delta" if field.value.kind() == Kind::Object => {
                    let fields = field.value.fields();
                    unrepeated(&fields)?;
                    fields.0.iter().try_for_each(|field| self.piece(index, field))?;
                }
                _ => self.pieces.unknown(&part(index), field, 0)?,
            }
        }
        Ok(())
    }

    /// What a field of a block holds is told by its name, whatever type the block claims to have.
    fn piece(&mut self, index: u32, field: &Field<'_>) -> Result<(), Wrong> {
        let part = part(index);
        let value = field.value;
        match (&*field.name(), value.kind()) {
            ("text", _) => self.pieces.piece(0, Channel::Content, &part, value, None),
            ("thinking", _) => self.pieces.piece(0, Channel::Reasoning, &part, value, None),
            ("partial_json", _) => {
                let name = self.tools.get(&index).cloned();
                self.pieces.piece(0, Channel::ToolArguments, &part, value, name)
            }
            ("signature" | "data", Kind::String) => {
                if value.text().is_some_and(|text| !text.is_empty()) {
                    self.pieces.event.opaque.push(Opaque::Sealed);
                }
                Ok(())
            }
            ("name", Kind::String) => {
                if self.tools.len() < LANES_MAX {
                    self.tools.insert(index, shown(&value.text().unwrap_or_default()));
                }
                let lane = Lane { choice: 0, channel: Channel::Name, part };
                let place = value.place(self.pieces.whole);
                self.pieces.add(lane, Unit::Either, value.source(), place, None)
            }
            // Of no other block is it said here.
            ("id", Kind::String) => {
                self.pieces.event.calls(value);
                self.pieces.unknown(&part, field, 0)
            }
            _ => self.pieces.unknown(&part, field, 0),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::chat::{Finish, Usage};

    fn event(kind: &str, rest: &str) -> Bytes {
        format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n").into()
    }

    #[test]
    fn texts_of_blocks_and_channels_are_told_apart() {
        let mut reader = EventReader::default();
        let events = [
            event(
                "content_block_start",
                r#","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}"#,
            ),
            event("content_block_delta", r#","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}"#),
            event("content_block_delta", r#","index":0,"delta":{"type":"signature_delta","signature":"EqQBCg=="}"#),
            event("content_block_start", r#","index":1,"content_block":{"type":"text","text":""}"#),
            event("content_block_delta", r#","index":1,"delta":{"type":"text_delta","text":"hi"}"#),
            event(
                "content_block_start",
                r#","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}"#,
            ),
            event("content_block_delta", r#","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\":4"}"#),
        ];
        let mut found = Vec::new();
        let mut opaque = Vec::new();
        for raw in &events {
            let event = reader.read(raw).unwrap();
            opaque.extend(event.opaque.iter().copied());
            let named = |piece: &crate::dialect::sse::Piece| {
                (piece.lane.channel, piece.lane.part.clone(), piece.text.clone(), piece.name.clone())
            };
            found.extend(event.pieces.iter().map(named));
        }
        let expected = [
            (Channel::Reasoning, "block 0", "hm", None),
            (Channel::Content, "block 1", "hi", None),
            (Channel::Name, "block 2", "f", None),
            (Channel::ToolArguments, "block 2", "{\"a\":4", Some("f")),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(channel, part, text, name)| (channel, part.to_owned(), text.to_owned(), name.map(str::to_owned)))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(opaque, [Opaque::Sealed]);
    }

    #[test]
    fn usage_adds_up_over_events_and_the_end_is_known() {
        let mut reader = EventReader::default();
        let usage = r#""usage":{"input_tokens":3,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}"#;
        let begin = reader.read(&event("message_start", &format!(r#","message":{{"id":"msg_1",{usage}}}"#))).unwrap();
        assert_eq!(begin.usage.map(|usage| (usage.input_tokens, usage.cached_input_tokens)), Some((10, 5)));
        let end = event("message_delta", r#","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}"#);
        let end = reader.read(&end).unwrap();
        assert_eq!(end.usage.map(|usage| (usage.input_tokens, usage.output_tokens)), Some((10, 9)));
        assert_eq!(end.finished, [(0, Finish::Length)]);
        assert!(reader.read(&event("message_stop", "")).unwrap().done);
        assert!(reader.read(&event("error", r#","error":{"type":"overloaded_error"}"#)).unwrap().failed);
        // Some leave out what is zero; until both are said, nothing is.
        let mut reader = EventReader::default();
        let begin = reader.read(&event("message_start", r#","message":{"usage":{"input_tokens":3}}"#)).unwrap();
        let end = reader.read(&event("message_delta", r#","delta":{},"usage":{"output_tokens":9}"#)).unwrap();
        let both = Usage { input_tokens: 3, output_tokens: 9, ..Usage::default() };
        assert_eq!((begin.usage, end.usage), (None, Some(both)));
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        for raw in [
            "event: ping\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"a\"}}\n\n"
                .to_owned(),
            "data: {\"type\":\"ping\",\"type\":\"ping\"}\n\n".to_owned(),
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n\n".to_owned(),
            "data: {\"type\":\"content_block_delta\",\"index\":-1,\"delta\":{\"text\":\"a\"}}\n\n".to_owned(),
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"a\",\"text\":\"b\"}}\n\n"
                .to_owned(),
            "data: {\"type\":\n\n".to_owned(),
        ] {
            assert!(EventReader::default().read(&Bytes::from(raw.clone())).is_err(), "{raw}");
        }
    }
}

//! The events of a streamed response. What deltas say in pieces comes again as a whole, in up to four later events.

use std::collections::HashMap;

use bytes::Bytes;

use super::super::document::{Wrong, checked_event, is_name, shown, unrepeated};
use super::super::openai::head::Head;
use super::super::pieces::{Halves, LANES_MAX, Pieces};
use super::super::raw::{Field, Fields, Kind, Value};
use super::super::sse::{Event, kind, tidy};
use super::answer::{finish, usage};
use super::item::{has_items, sealed};
use crate::chat::{Channel, Opaque};

/// The lane of what is said about the response as a whole: nobody strings that together.
const ABOUT: &str = "response";

/// Reads events one after the other, and keeps what one needs to know of those before.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    halves: Halves,
    /// What the tools of calls are called, by the index of the item.
    tools: HashMap<u32, String>,
    pub(super) head: Head,
    /// The response has begun.
    pub(super) has_begun: bool,
    /// Of the last event.
    pub(super) sequence_number: u32,
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
        if data == "[DONE]" {
            event.done = true;
            return Ok(event);
        }
        let data = checked_event(data)?;
        let fields = data.fields();
        unrepeated(&fields)?;
        let kind = kind(names, &fields)?;
        event.done = matches!(&*kind, "response.completed" | "response.incomplete");
        if matches!(&*kind, "response.failed" | "error") {
            let whole = fields.last("response").map_or(data, |response| response);
            event.fails(whole.fields().last("error").or(Some(whole)));
        }
        if let Some(number) = fields.last("sequence_number").and_then(Value::number) {
            self.sequence_number = self.sequence_number.max(number);
        }
        let Self { halves, tools, head, has_begun, .. } = self;
        let (stem, is_whole) = stem(&kind);
        let mut found = Found {
            pieces: Pieces { whole, halves, event: &mut event },
            tools,
            head,
            has_begun,
            item: index(&fields, "output_index")?,
            part: part(&fields)?,
            channel: channel(stem),
            is_whole,
            is_known: is_known(&kind),
        };
        match data.kind() {
            Kind::Object => fields.0.iter().try_for_each(|field| found.field(field))?,
            _ => found.pieces.anything("", data, 0)?,
        }
        Ok(event)
    }
}

/// What an event is about, and whether it says a text as a whole that was said in pieces.
fn stem(kind: &str) -> (&str, bool) {
    let kind = kind.strip_prefix("response.").unwrap_or(kind);
    match kind.rsplit_once('.') {
        Some((stem, "done")) => (stem, true),
        Some((stem, "delta" | "added")) => (stem, false),
        _ => (kind, matches!(kind, "completed" | "incomplete" | "failed")),
    }
}

/// The kind of text of an event.
fn channel(stem: &str) -> Channel {
    match stem {
        "output_text" | "audio.transcript" | "audio_transcript" => Channel::Content,
        "refusal" => Channel::Refusal,
        _ if stem.starts_with("reasoning") => Channel::Reasoning,
        "function_call_arguments" | "custom_tool_call_input" | "mcp_call_arguments" | "code_interpreter_call_code" => {
            Channel::ToolArguments
        }
        _ => Channel::Other,
    }
}

/// Whether all readers know the event, and so that its other fields are no pieces of anything.
fn is_known(kind: &str) -> bool {
    matches!(
        stem(kind).0,
        "created"
            | "queued"
            | "in_progress"
            | "completed"
            | "incomplete"
            | "failed"
            | "error"
            | "output_item"
            | "content_part"
            | "output_text"
            | "output_text.annotation"
            | "refusal"
            | "reasoning_summary_part"
            | "reasoning_summary_text"
            | "reasoning_text"
            | "function_call_arguments"
            | "custom_tool_call_input"
    )
}

/// A number by which texts are told apart.
///
/// # Errors
/// When it is none: another reader might take it for another.
fn index(fields: &Fields<'_>, name: &str) -> Result<Option<u32>, Wrong> {
    match fields.last(name).filter(|index| index.kind() != Kind::Null) {
        None => Ok(None),
        Some(index) => index.number().map(Some).ok_or_else(|| Wrong::new("", format!("{name} is not a whole number"))),
    }
}

/// What the lane of an event's text is called.
fn part(fields: &Fields<'_>) -> Result<String, Wrong> {
    let mut part = item_part(index(fields, "output_index")?.unwrap_or_default());
    for (name, word) in [("content_index", "content"), ("summary_index", "summary"), ("command_index", "command")] {
        if let Some(index) = index(fields, name)? {
            part = inner_part(&part, word, index);
        }
    }
    Ok(part)
}

fn item_part(item: u32) -> String {
    format!("item {item}")
}

fn inner_part(item: &str, word: &str, index: u32) -> String {
    format!("{item} {word} {index}")
}

struct Found<'a> {
    pieces: Pieces<'a>,
    tools: &'a mut HashMap<u32, String>,
    head: &'a mut Head,
    has_begun: &'a mut bool,
    item: Option<u32>,
    part: String,
    channel: Channel,
    is_whole: bool,
    is_known: bool,
}

impl Found<'_> {
    /// What a field holds is told by its name, whatever type the event claims to have.
    fn field(&mut self, field: &Field<'_>) -> Result<(), Wrong> {
        let value = field.value;
        let part = self.part.clone();
        match (&*field.name(), value.kind()) {
            ("type" | "item_id", Kind::String) if value.text().is_some_and(|text| is_name(&text)) => Ok(()),
            ("delta", Kind::String) => {
                let name = self.item.and_then(|item| self.tools.get(&item).cloned());
                self.pieces.piece(0, self.channel, &part, value, name)
            }
            ("text" | "refusal" | "arguments" | "input" | "code" | "transcript" | "command", Kind::String) => {
                self.pieces.again(self.channel, &part, value)
            }
            ("response", Kind::Object) => self.response(&value.fields()),
            ("item", Kind::Object) => self.item(self.item.unwrap_or_default(), &value.fields()),
            ("part", Kind::Object) => {
                let channel = if self.channel == Channel::Reasoning { self.channel } else { Channel::Content };
                self.content_part(&part, channel, &value.fields())
            }
            ("logprobs", Kind::Array) => {
                if has_items(value) {
                    self.pieces.event.shadow(0, value.place(self.pieces.whole));
                }
                Ok(())
            }
            ("partial_image_b64", Kind::String) => {
                self.pieces.event.opaque(Opaque::Image);
                Ok(())
            }
            _ if self.is_known => self.pieces.field_alone(ABOUT, field),
            _ => self.pieces.unknown(&part, field, 0),
        }
    }

    fn response(&mut self, fields: &Fields<'_>) -> Result<(), Wrong> {
        unrepeated(fields)?;
        *self.has_begun = true;
        if self.is_whole {
            self.pieces.event.finished.push((0, finish(|name| fields.last(name))));
        }
        for field in &fields.0 {
            match (&*field.name(), field.value.kind()) {
                ("output", Kind::Array) => {
                    for (index, item) in (0..).zip(field.value.items()) {
                        match item.kind() {
                            Kind::Object => self.item(index, &item.fields())?,
                            _ => self.pieces.alone(ABOUT, item)?,
                        }
                    }
                }
                (name, _) => {
                    if name == "usage" {
                        self.pieces.event.usage = usage(field.value);
                    }
                    if self.head.note(name, field.value) {
                        self.pieces.event.is_named(name, field.value);
                    }
                    self.pieces.field_alone(ABOUT, field)?;
                }
            }
        }
        Ok(())
    }

    /// An item as it begins or as a whole.
    fn item(&mut self, index: u32, fields: &Fields<'_>) -> Result<(), Wrong> {
        unrepeated(fields)?;
        let kind = fields.last("type").and_then(Value::text).unwrap_or_default();
        let part = item_part(index);
        for field in &fields.0 {
            let value = field.value;
            match (&*field.name(), value.kind()) {
                ("content", Kind::Array) => {
                    let channel = if kind == "reasoning" { Channel::Reasoning } else { Channel::Content };
                    self.parts(&part, "content", channel, value)?;
                }
                ("summary", Kind::Array) => self.parts(&part, "summary", Channel::Reasoning, value)?,
                ("arguments" | "input" | "code", Kind::String) => {
                    self.said(Channel::ToolArguments, &part, value, index)?
                }
                ("name", Kind::String) => {
                    if self.tools.len() < LANES_MAX {
                        self.tools.insert(index, shown(&value.text().unwrap_or_default()));
                    }
                    self.pieces.alone_on(Channel::Name, &part, |texts, of| texts.text(value, of))?;
                }
                ("encrypted_content", Kind::String) => sealed(&mut self.pieces.event.opaque, value),
                ("call_id", Kind::String) => {
                    self.pieces.event.calls(value);
                    self.pieces.field_alone(&part, field)?;
                }
                ("result", Kind::String) if kind == "image_generation_call" => self.pieces.event.opaque(Opaque::Image),
                _ => self.pieces.field_alone(&part, field)?,
            }
        }
        Ok(())
    }

    fn parts(&mut self, item: &str, word: &str, channel: Channel, list: Value<'_>) -> Result<(), Wrong> {
        for (index, value) in (0..).zip(list.items()) {
            match value.kind() {
                Kind::Object => self.content_part(&inner_part(item, word, index), channel, &value.fields())?,
                _ => self.pieces.alone(item, value)?,
            }
        }
        Ok(())
    }

    fn content_part(&mut self, part: &str, channel: Channel, fields: &Fields<'_>) -> Result<(), Wrong> {
        unrepeated(fields)?;
        let kind = fields.last("type").and_then(Value::text).unwrap_or_default();
        let channel = if kind == "reasoning_text" { Channel::Reasoning } else { channel };
        for field in &fields.0 {
            let value = field.value;
            match (&*field.name(), value.kind()) {
                ("text" | "transcript", Kind::String) => self.said(channel, part, value, 0)?,
                ("refusal", Kind::String) => self.said(Channel::Refusal, part, value, 0)?,
                ("logprobs", Kind::Array) => {
                    if has_items(value) {
                        self.pieces.event.shadow(0, value.place(self.pieces.whole));
                    }
                }
                _ => self.pieces.field_alone(part, field)?,
            }
        }
        Ok(())
    }

    /// A text that is whole, or the beginning of one that goes on.
    fn said(&mut self, channel: Channel, part: &str, value: Value<'_>, item: u32) -> Result<(), Wrong> {
        if self.is_whole {
            return self.pieces.again(channel, part, value);
        }
        let name = self.tools.get(&item).cloned().filter(|_| channel == Channel::ToolArguments);
        self.pieces.piece(0, channel, part, value, name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sse::{Lane, Unit};
    use super::*;

    fn read(events: &[&str]) -> Vec<Event> {
        let mut reader = EventReader::default();
        let read = |event: &&str| reader.read(&Bytes::from(format!("data: {event}\n\n"))).unwrap();
        events.iter().map(read).collect()
    }

    fn wrong(event: &str) -> String {
        EventReader::default().read(&Bytes::from(event.to_owned())).unwrap_err().message
    }

    #[test]
    fn a_text_is_known_again_wherever_it_is_said() {
        let events = read(&[
            r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":2,"delta":"a"}"#,
            r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":2,"text":"a"}"#,
            r#"{"type":"response.content_part.done","output_index":1,"content_index":2,"part":{"type":"output_text","text":"a"}}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{},{},{"text":"a"}]}}"#,
            r#"{"type":"response.completed","response":{"status":"completed","output":[{},{"content":[{},{},{"text":"a"}]}]}}"#,
        ]);
        let lane = Lane { choice: 0, channel: Channel::Content, part: "item 1 content 2".to_owned() };
        let said: Vec<_> = events.iter().map(|event| (event.pieces[0].lane.clone(), event.pieces[0].unit)).collect();
        assert_eq!(said[0], (lane.clone(), Unit::Piece));
        assert_eq!(said[1..], vec![(lane, Unit::Again); 4]);
        assert!(events[4].done && events.iter().all(|event| event.pieces.len() == 1));
    }

    #[test]
    fn other_texts_have_their_kind() {
        let events = read(&[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","name":"f","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{"}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"name":"f","arguments":"{"}}"#,
            r#"{"type":"response.reasoning_summary_text.delta","output_index":1,"summary_index":0,"delta":"a","obfuscation":"xyz 1"}"#,
            r#"{"type":"response.reasoning_summary_part.done","output_index":1,"summary_index":0,"part":{"text":"a"}}"#,
            r#"{"type":"response.refusal.done","output_index":2,"content_index":0,"refusal":"no"}"#,
            r#"{"type":"response.brand_new.delta","output_index":3,"delta":"b"}"#,
            r#"{"type":"response.created","response":{"id":"r","instructions":"be kind","output":[]}}"#,
        ]);
        let pieces = events.iter().flat_map(|event| &event.pieces);
        let said: Vec<_> = pieces
            .map(|piece| (piece.lane.channel, piece.lane.part.as_str(), piece.unit, piece.text.as_str()))
            .collect();
        let expected = [
            (Channel::Name, "item 0", Unit::Whole, "f"),
            (Channel::ToolArguments, "item 0", Unit::Piece, "{"),
            (Channel::Name, "item 0", Unit::Whole, "f"),
            (Channel::ToolArguments, "item 0", Unit::Again, "{"),
            (Channel::Reasoning, "item 1 summary 0", Unit::Piece, "a"),
            (Channel::Other, "response", Unit::Whole, "xyz 1"),
            (Channel::Reasoning, "item 1 summary 0", Unit::Again, "a"),
            (Channel::Refusal, "item 2 content 0", Unit::Again, "no"),
            (Channel::Other, "item 3", Unit::Piece, "b"),
            (Channel::Other, "response", Unit::Whole, "be kind"),
        ];
        assert_eq!(said, expected);
        assert_eq!(events[1].pieces[0].name.as_deref(), Some("f"));
    }

    #[test]
    fn what_two_readers_might_not_agree_on_is_refused() {
        assert!(wrong("event: response.created\ndata: {\"type\":\"response.completed\"}\n\n").contains("two types"));
        assert!(wrong("data: {\"type\":\"error\",\"type\":\"ping\"}\n\n").contains("twice"));
        assert!(wrong("data: {\"output_index\":-1,\"delta\":\"a\"}\n\n").contains("output_index"));
        assert!(
            wrong("data: {\"response\":{\"output\":[{\"content\":[{\"text\":\"a\",\"text\":\"b\"}]}]}}\n\n")
                .contains("twice")
        );
        assert!(wrong("data: nonsense\n\n").contains("not JSON"));
    }

    #[test]
    fn what_cannot_be_looked_into_is_named() {
        let events = read(&[
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","encrypted_content":"c2VhbA=="}}"#,
            r#"{"type":"response.image_generation_call.partial_image","output_index":0,"partial_image_b64":"aGk="}"#,
            r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a","logprobs":[{"token":"a"}]}"#,
        ]);
        let opaque: Vec<_> = events.iter().flat_map(|event| event.opaque.clone()).collect();
        assert_eq!(opaque, [Opaque::Sealed, Opaque::Image, Opaque::Logprobs]);
    }
}

//! The texts of one event: pieces of lanes where the dialect knows the field, text by its path where it does not.

use std::collections::HashMap;
use std::ops::Range;

use super::document::{Of, Texts, Wrong};
use super::raw::{Field, Kind, Value};
use super::sse::{Event, Lane, Piece, Unit};
use super::text::decode_piece;
use crate::chat::{Channel, Role};

/// Lanes of one stream: choices, tool calls, fields that the dialect does not know.
pub(super) const LANES_MAX: usize = 1_000;

/// First halves of characters that end the last piece of a lane.
#[derive(Debug, Default)]
pub(super) struct Halves(HashMap<Lane, u16>);

/// Collects the texts of an event.
pub(super) struct Pieces<'a> {
    pub(super) whole: &'a str,
    pub(super) halves: &'a mut Halves,
    pub(super) event: &'a mut Event,
}

impl Pieces<'_> {
    /// The next piece of a lane.
    pub(super) fn piece(
        &mut self,
        choice: u32,
        channel: Channel,
        part: &str,
        value: Value<'_>,
        name: Option<String>,
    ) -> Result<(), Wrong> {
        if value.kind() != Kind::String {
            return self.anything(&format!("{part}.{}", channel.word()), value, choice);
        }
        let place = value.place(self.whole);
        self.add(Lane { choice, channel, part: part.to_owned() }, Unit::Piece, value.source(), place, name)
    }

    /// All of a lane, said once more.
    pub(super) fn again(&mut self, channel: Channel, part: &str, value: Value<'_>) -> Result<(), Wrong> {
        let Some(text) = value.text() else { return self.alone(part, value) };
        if !text.is_empty() {
            let lane = Lane { choice: 0, channel, part: part.to_owned() };
            self.event.add(Piece::new(lane, Unit::Again, text.into_owned(), value.place(self.whole), false));
        }
        Ok(())
    }

    /// Texts that nobody strings together with those of other events.
    pub(super) fn alone(&mut self, part: &str, value: Value<'_>) -> Result<(), Wrong> {
        self.alone_on(Channel::Other, part, |texts, of| texts.anything(value, of))
    }

    /// The same for a field: its key, if that is more than a name, and its value.
    pub(super) fn field_alone(&mut self, part: &str, field: &Field<'_>) -> Result<(), Wrong> {
        self.alone_on(Channel::Other, part, |texts, of| texts.field(field, of))
    }

    /// Texts that nobody strings together share a lane, however many places they stand in.
    pub(super) fn alone_on(
        &mut self,
        channel: Channel,
        part: &str,
        collect: impl FnOnce(&mut Texts<'_>, &Of) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let mut texts = Texts::of_stream(self.whole, String::new());
        collect(&mut texts, &Of::new(Role::Assistant, channel))?;
        for (segment, place) in texts.segments.into_iter().zip(texts.places) {
            let lane = Lane { choice: 0, channel, part: part.to_owned() };
            self.event.add(Piece::new(lane, Unit::Whole, segment.text, place, false));
        }
        Ok(())
    }

    /// A text at `place`, whose source is `literal`.
    pub(super) fn add(
        &mut self,
        lane: Lane,
        unit: Unit,
        literal: &str,
        place: Range<usize>,
        name: Option<String>,
    ) -> Result<(), Wrong> {
        let before = self.halves.0.remove(&lane);
        let decoded = decode_piece(literal, before);
        if let Some(half) = decoded.half {
            if self.halves.0.len() >= LANES_MAX {
                return Err(Wrong::new("", "the answer has too many texts"));
            }
            self.halves.0.insert(lane.clone(), half);
        }
        if !decoded.text.is_empty() || decoded.halved {
            let mut piece = Piece::new(lane, unit, decoded.text, place, decoded.halved);
            piece.name = name;
            self.event.add(piece);
        }
        Ok(())
    }

    /// JSON that stands as it is, whole in itself.
    pub(super) fn json(&mut self, lane: Lane, value: Value<'_>, name: Option<String>) {
        let place = value.place(self.whole);
        let mut piece = Piece::new(lane, Unit::Whole, value.source().to_owned(), place, false);
        (piece.name, piece.is_json) = (name, true);
        self.event.add(piece);
    }

    /// A field that the dialect does not know: its key, if that is more than a name, and its value.
    pub(super) fn unknown(&mut self, at: &str, field: &Field<'_>, choice: u32) -> Result<(), Wrong> {
        self.texts(at, &field.name(), choice, |texts, of| texts.field(field, of))
    }

    /// A value that is not what the dialect knows in that place.
    pub(super) fn anything(&mut self, at: &str, value: Value<'_>, choice: u32) -> Result<(), Wrong> {
        self.texts(at, "", choice, |texts, of| texts.anything(value, of))
    }

    /// Texts of which the dialect knows nothing are told apart by where they are.
    fn texts(
        &mut self,
        at: &str,
        name: &str,
        choice: u32,
        collect: impl FnOnce(&mut Texts<'_>, &Of) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let mut texts = Texts::of_stream(self.whole, at.to_owned());
        let channel = if name == "reasoning_details" { Channel::Reasoning } else { Channel::Other };
        // Random letters, so that nobody learns from the lengths of events.
        let unit = if name == "obfuscation" { Unit::Whole } else { Unit::Either };
        collect(&mut texts, &Of { choice, ..Of::new(Role::Assistant, channel) })?;
        for (part, place) in texts.paths.into_iter().zip(texts.places) {
            let literal = self.whole.get(place.clone()).unwrap_or_default();
            self.add(Lane { choice, channel, part }, unit, literal, place, None)?;
        }
        Ok(())
    }
}

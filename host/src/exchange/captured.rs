//! What was said in an exchange, where the operator wants that to be kept: as the guardrails let it pass, and without what
//! is put back for the caller alone.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::chat::Segment;
use crate::dialect::Lane;

/// What was said.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    /// The request, as the caller's dialect has it; nothing if it is longer than may be kept.
    pub request: Option<Bytes>,
    /// The texts of the answer.
    pub answer: Vec<Segment>,
    /// Something was longer than may be kept, and is not here.
    pub is_cut: bool,
    /// Which text of the answer goes on in which lane of its stream.
    lanes: BTreeMap<Lane, usize>,
    answer_bytes: usize,
}

impl Captured {
    /// Bytes of all of it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.request.as_ref().map_or(0, Bytes::len) + self.answer_bytes
    }

    pub(super) fn asks(&mut self, request: Bytes, bytes_max: usize) {
        match request.len() <= bytes_max {
            true => self.request = Some(request),
            false => self.is_cut = true,
        }
    }

    /// Another answer than the one before, of which nothing has reached the caller.
    pub(super) fn answers_anew(&mut self) {
        self.answer.clear();
        self.lanes.clear();
        self.answer_bytes = 0;
    }

    pub(super) fn answers(&mut self, segments: &[Segment], bytes_max: usize) {
        self.answers_anew();
        for segment in segments.iter().filter(|segment| !segment.text.is_empty()) {
            if self.has_room(segment.text.len(), bytes_max) {
                self.answer.push(segment.clone());
            }
        }
    }

    pub(super) fn goes_on(&mut self, lane: &Lane, text: &str, bytes_max: usize, new: impl FnOnce() -> Segment) {
        if text.is_empty() || !self.has_room(text.len(), bytes_max) {
            return;
        }
        let known = self.lanes.get(lane).and_then(|place| self.answer.get_mut(*place));
        match known {
            Some(segment) => segment.text.push_str(text),
            None => {
                self.lanes.insert(lane.clone(), self.answer.len());
                self.answer.push(Segment { text: text.to_owned(), ..new() });
            }
        }
    }

    /// Once something had no room, nothing behind it has: what is kept is a beginning.
    fn has_room(&mut self, bytes: usize, bytes_max: usize) -> bool {
        self.is_cut |= self.answer_bytes.saturating_add(bytes) > bytes_max;
        if !self.is_cut {
            self.answer_bytes += bytes;
        }
        !self.is_cut
    }
}

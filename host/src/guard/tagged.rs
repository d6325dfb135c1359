//! A text that remembers which pieces of which events it came in, through edits.

use std::collections::VecDeque;

use crate::chat::{Edit, apply};

/// Names a piece: the event's number, and which of its texts.
pub(super) type PieceId = (u64, usize);

/// A text, and where in it pieces end. Behind the last end stands the beginning of a piece that goes on elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tagged {
    pub(super) text: String,
    ends: VecDeque<(PieceId, usize)>,
}

impl Tagged {
    /// Add a whole piece.
    pub(super) fn push(&mut self, piece: PieceId, text: &str) {
        self.text.push_str(text);
        self.ends.push_back((piece, self.text.len()));
    }

    /// Add what comes behind.
    pub(super) fn append(&mut self, behind: Self) {
        let offset = self.text.len();
        self.text.push_str(&behind.text);
        self.ends.extend(behind.ends.into_iter().map(|(piece, end)| (piece, end + offset)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.ends.is_empty()
    }

    /// Take the first `bytes` off, with the pieces that end in them. `bytes` lies on a character boundary.
    pub(super) fn take(&mut self, bytes: usize) -> Self {
        let behind = self.text.split_off(bytes.min(self.text.len()));
        let text = std::mem::replace(&mut self.text, behind);
        let split = self.ends.partition_point(|(_, end)| *end <= bytes);
        let behind = self.ends.split_off(split);
        let ends = std::mem::replace(&mut self.ends, behind);
        self.ends.iter_mut().for_each(|(_, end)| *end -= bytes);
        Self { text, ends }
    }

    /// Take the pieces off that end here.
    pub(super) fn take_whole(&mut self) -> Self {
        self.take(self.ends.back().map_or(0, |(_, end)| *end))
    }

    pub(super) fn take_all(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Apply sorted edits. A replacement belongs to the piece in which its span begins.
    pub(super) fn edit(&mut self, edits: &[Edit]) {
        if edits.is_empty() {
            return;
        }
        for (_, end) in &mut self.ends {
            *end = moved(*end, edits);
        }
        self.text = apply(&self.text, edits);
    }

    /// The texts of the pieces that end here, and the beginning of the one that does not.
    pub(super) fn pieces(self) -> (Vec<(PieceId, String)>, String) {
        let mut at = 0;
        let mut pieces = Vec::with_capacity(self.ends.len());
        for (piece, end) in self.ends {
            pieces.push((piece, self.text.get(at..end).unwrap_or_default().to_owned()));
            at = end;
        }
        (pieces, self.text.get(at..).unwrap_or_default().to_owned())
    }

    /// The texts of the pieces when no other follows: what was written behind the end of the last belongs to it.
    pub(super) fn last_pieces(self) -> Vec<(PieceId, String)> {
        let (mut pieces, rest) = self.pieces();
        if let Some((_, last)) = pieces.last_mut() {
            last.push_str(&rest);
        }
        pieces
    }
}

/// Where an offset lies once the edits are applied.
fn moved(offset: usize, edits: &[Edit]) -> usize {
    let mut removed = 0;
    let mut added = 0;
    for edit in edits {
        if edit.span.start >= offset {
            break;
        }
        // An offset inside the span moves behind the replacement.
        removed += edit.span.end.min(offset) - edit.span.start;
        added += edit.replacement.len();
    }
    offset + added - removed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(pieces: &[&str]) -> Tagged {
        let mut tagged = Tagged::default();
        for (index, piece) in pieces.iter().enumerate() {
            tagged.push((0, index), piece);
        }
        tagged
    }

    fn edit(start: usize, end: usize, replacement: &str) -> Edit {
        Edit { span: start..end, replacement: replacement.to_owned(), restore: false }
    }

    fn texts(tagged: Tagged) -> Vec<String> {
        tagged.pieces().0.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_replacement_goes_to_the_piece_where_its_span_begins() {
        let mut text = tagged(&["my na", "me is J", "ohn", "."]);
        text.edit(&[edit(11, 15, "[NAME]")]);
        assert_eq!(texts(text), ["my na", "me is [NAME]", "", "."]);
    }

    #[test]
    fn an_edit_that_begins_at_a_cut_belongs_to_the_next_piece() {
        let mut text = tagged(&["ab", "cd"]);
        text.edit(&[edit(2, 3, "XX")]);
        assert_eq!(texts(text), ["ab", "XXd"]);
    }

    #[test]
    fn what_is_written_behind_the_end_belongs_to_the_last_piece() {
        let mut text = tagged(&["ab", "cd"]);
        text.edit(&[edit(4, 4, "!")]);
        assert_eq!(text.last_pieces(), [((0, 0), "ab".to_owned()), ((0, 1), "cd!".to_owned())]);
    }

    #[test]
    fn a_piece_ends_with_its_last_byte() {
        let mut text = tagged(&["ab", "cd"]);
        let first = text.take(3);
        assert_eq!(first.clone().pieces(), (vec![((0, 0), "ab".to_owned())], "c".to_owned()));
        let mut joined = first;
        joined.append(text);
        assert_eq!(joined, tagged(&["ab", "cd"]));
    }
}

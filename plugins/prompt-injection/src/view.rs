//! A rewritten text that knows where each of its bytes stood in the original.

use std::ops::Range;

/// What hid a text from the eye or from a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disguise {
    /// Invisible characters inside words.
    Invisible,
    /// Letters of another script inside Latin words.
    LookAlike,
    /// Fullwidth, mathematical, circled letters: harmless alone.
    Styled,
    Leet,
    Spaced,
    Rot13,
    Reversed,
    Base64,
    Hex,
    Tags,
    Selectors,
}

impl Disguise {
    /// The rule, and the weight that the disguise of a signal adds to the signal.
    pub(crate) fn rule(self) -> (&'static str, f32) {
        match self {
            Self::Invisible => ("invisible.zero-width", 0.5),
            Self::LookAlike => ("look-alike", 0.5),
            Self::Styled => ("look-alike.styled", 0.4),
            Self::Leet => ("encoded.leet", 0.5),
            Self::Spaced => ("encoded.spaced", 0.5),
            Self::Rot13 => ("encoded.rot13", 0.6),
            Self::Reversed => ("encoded.reversed", 0.6),
            Self::Base64 => ("encoded.base64", 0.6),
            Self::Hex => ("encoded.hex", 0.6),
            Self::Tags => ("invisible.tags", 0.8),
            Self::Selectors => ("invisible.selectors", 0.75),
        }
    }
}

/// The rewritten text and its map.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) text: String,
    /// For each byte of `text`, where what it stands for begins and ends in the original.
    origins: Vec<(u32, u32)>,
    /// Where in `text` something was undone, in ascending order.
    pub(crate) disguises: Vec<(usize, Disguise)>,
}

impl View {
    pub(crate) fn push(&mut self, character: char, origin: &Range<usize>) {
        self.text.push(character);
        // Windows are far below 4 GiB: the contract counts in `u32`.
        let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.origins.resize(self.text.len(), (bound(origin.start), bound(origin.end)));
    }

    /// A whole text that stands for one place of the original, as a decoded run does.
    pub(crate) fn note(&mut self, disguise: Disguise) {
        self.disguises.push((self.text.len(), disguise));
    }

    /// Part of a text ends here: no match reaches over it.
    pub(crate) fn divide(&mut self) {
        let end = self.origins.last().map_or(0, |origin| origin.1 as usize);
        // A control character is in no class that a gap allows.
        self.push('\u{1}', &(end..end));
    }

    /// Where a range of `text` stands in the original.
    pub(crate) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let covered = self.origins.get(range.clone()).unwrap_or_default();
        let start = covered.iter().map(|origin| origin.0).min().unwrap_or(0);
        let end = covered.iter().map(|origin| origin.1).max().unwrap_or(start);
        start as usize..end as usize
    }

    /// What was undone within a range.
    pub(crate) fn disguise_in(&self, range: &Range<usize>) -> Option<Disguise> {
        let first = self.disguises.partition_point(|(at, _)| *at < range.start);
        self.disguises.get(first).filter(|(at, _)| *at < range.end).map(|(_, disguise)| *disguise)
    }

    /// The last thing undone before or at a place: the layer that it lies in, where a view is made of layers.
    pub(crate) fn layer_at(&self, at: usize) -> Option<Disguise> {
        let after = self.disguises.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1).and_then(|last| self.disguises.get(last)).map(|(_, disguise)| *disguise)
    }

    /// Append another view from its last character to its first.
    pub(crate) fn append_reversed(&mut self, other: &View) {
        self.divide();
        self.note(Disguise::Reversed);
        for (at, character) in other.text.char_indices().rev() {
            let origin = other.origin(&(at..at + character.len_utf8()));
            self.push(character, &origin);
        }
        self.divide();
    }

    /// Append another view with its bytes rewritten one by one.
    pub(crate) fn append_rewritten(&mut self, other: &View, disguise: Disguise, rewrite: impl Fn(char) -> char) {
        self.divide();
        self.note(disguise);
        for (at, character) in other.text.char_indices() {
            let origin = other.origin(&(at..at + character.len_utf8()));
            self.push(rewrite(character), &origin);
        }
        self.divide();
    }
}

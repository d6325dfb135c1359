//! Reading from one place of a text, and noticing when the answer would take more text than there is.
//!
//! That is how a guardrail knows what to hold back: a rule that read past the end of an unfinished text has not
//! decided yet, and a rule that did not cannot be changed by what follows. No rule says anything about holding.

use std::cell::Cell;

use super::view::View;

/// One place of a text, where a match may start, and what stands around it.
///
/// Indices are those of the text as the rules read it: the one that [`places`](super::Rules::places) saw. A rule
/// asks for what it needs, byte by byte, and for nothing beyond: what it has read past the end of an unfinished text
/// is held back.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    start: usize,
    /// What lies before is out of sight.
    behind: usize,
    /// The text counts as ended here.
    limit: usize,
    open: bool,
    wants_more: Cell<bool>,
}

impl<'a> Reader<'a> {
    /// How far back of its start a rule may look, in bytes of the text as it was written; what lies further back is
    /// out of sight. The host gives up to 256 bytes of context, three of which may go for a character boundary; the
    /// rest is left for an escape that the context begins inside of.
    pub const BEHIND_BYTES_MAX: usize = 200;

    /// Read from `start`, at most up to `limit`; `open` when more text is to come.
    pub(super) fn new(view: &'a View<'_>, start: usize, limit: usize, open: bool) -> Self {
        let behind = view.index_of(view.raw_start(start).saturating_sub(Self::BEHIND_BYTES_MAX));
        Self { bytes: view.text().as_bytes(), start, behind, limit, open, wants_more: Cell::new(false) }
    }

    /// Where a match would start.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// Whether a rule read past the end of a text that is not finished.
    pub(super) fn wants_more(&self) -> bool {
        self.wants_more.get()
    }

    /// The byte at `index`; none behind the end.
    #[inline]
    #[must_use]
    pub fn at(&self, index: usize) -> Option<u8> {
        if index >= self.limit {
            return None;
        }
        let byte = self.bytes.get(index).copied();
        if byte.is_none() && self.open {
            self.wants_more.set(true);
        }
        byte
    }

    /// The byte before `index`, if it is within sight.
    #[inline]
    #[must_use]
    pub fn before(&self, index: usize) -> Option<u8> {
        let last = index.checked_sub(1).filter(|last| *last >= self.behind)?;
        self.bytes.get(last).copied()
    }

    /// Whether the byte at `index` satisfies `belongs`.
    #[must_use]
    pub fn is(&self, index: usize, belongs: impl Fn(u8) -> bool) -> bool {
        self.at(index).is_some_and(belongs)
    }

    /// Whether `literal` stands at `index`. Reads no further than the first difference.
    #[must_use]
    pub fn has(&self, index: usize, literal: &[u8]) -> bool {
        literal.iter().enumerate().all(|(offset, byte)| self.at(index + offset) == Some(*byte))
    }

    /// Whether `literal` stands at `index`, its ASCII letters in any case.
    #[must_use]
    pub fn has_any_case(&self, index: usize, literal: &[u8]) -> bool {
        let same = |at: usize, byte: u8| self.at(at).is_some_and(|read| read.eq_ignore_ascii_case(&byte));
        literal.iter().enumerate().all(|(offset, byte)| same(index + offset, *byte))
    }

    /// The end of the bytes from `index` that satisfy `belongs`, at most `count_max` of them.
    #[must_use]
    pub fn run(&self, index: usize, count_max: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let mut end = index;
        while end - index < count_max && self.is(end, &belongs) {
            end += 1;
        }
        end
    }

    /// The bytes of `from..to`. They must have been read before, by [`run`](Self::run) for example: this does not
    /// notice when there are fewer of them yet.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// The first index within sight, [`BEHIND_BYTES_MAX`](Self::BEHIND_BYTES_MAX) before the start.
    #[must_use]
    pub fn behind(&self) -> usize {
        self.behind
    }

    /// Whether the text counts as ended at `index`, although it may go on: what reaches further is longer than
    /// [`REACH_BYTES_MAX`](super::Rules::REACH_BYTES_MAX).
    #[must_use]
    pub fn is_limit(&self, index: usize) -> bool {
        index >= self.limit
    }

    /// Whether a letter, a digit or an underscore stands before `index`. The letter of a `\n`, `\t` or `\r` in the
    /// source of a program is none: it belongs to the backslash before it, and nothing starts inside of the two.
    #[must_use]
    pub fn word_before(&self, index: usize) -> bool {
        let escaped = |index: usize| index > 0 && self.before(index) == Some(b'\\');
        match self.before(index) {
            Some(b'n' | b't' | b'r') if escaped(index - 1) => false,
            Some(b'\\') => self.is(index, |byte| matches!(byte, b'n' | b't' | b'r')),
            Some(byte) if byte.is_ascii() => is_word(byte),
            Some(_) => index >= 2 && self.before(index - 1).is_some_and(is_latin_lead),
            None => false,
        }
    }

    /// Whether a letter, a digit or an underscore stands at `index`.
    #[must_use]
    pub fn word_at(&self, index: usize) -> bool {
        self.is(index, |byte| is_word(byte) || is_latin_lead(byte))
    }
}

/// Whether `byte` is a letter, a digit or an underscore of ASCII.
#[must_use]
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether `byte` is the first of the two bytes of a letter from U+00C0 to U+024F: Latin with accents.
#[must_use]
pub fn is_latin_lead(byte: u8) -> bool {
    (0xC3..=0xC9).contains(&byte)
}

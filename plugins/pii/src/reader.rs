//! Reading from one place of a text, and noticing when the answer would take more text than there is.
//!
//! That is how the plugin knows what to hold back: a rule that read past the end of an unfinished text has not
//! decided yet, and a rule that did not cannot be changed by what follows. No rule says anything about holding.

use std::cell::Cell;

use crate::view::View;

/// How far back a rule may look, in raw bytes. The host gives up to 256 bytes of context, three of which may go
/// for a character boundary; the rest is left for an escape that the context begins inside of.
pub(crate) const BEHIND_BYTES_MAX: usize = 200;

/// One place of a text, where a match may start.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
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
    /// Read from `start`, at most up to `limit`; `open` when more text is to come.
    pub(crate) fn new(view: &'a View<'_>, start: usize, limit: usize, open: bool) -> Self {
        let behind = view.index_of(view.raw_start(start).saturating_sub(BEHIND_BYTES_MAX));
        Self { bytes: view.text().as_bytes(), start, behind, limit, open, wants_more: Cell::new(false) }
    }

    /// Where a match would start.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Whether a rule read past the end of a text that is not finished.
    pub(crate) fn wants_more(&self) -> bool {
        self.wants_more.get()
    }

    /// The byte at `index`.
    pub(crate) fn at(&self, index: usize) -> Option<u8> {
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
    pub(crate) fn before(&self, index: usize) -> Option<u8> {
        let last = index.checked_sub(1).filter(|last| *last >= self.behind)?;
        self.bytes.get(last).copied()
    }

    /// Whether the byte at `index` satisfies `belongs`.
    pub(crate) fn is(&self, index: usize, belongs: impl Fn(u8) -> bool) -> bool {
        self.at(index).is_some_and(belongs)
    }

    /// Whether `literal` stands at `index`. Reads no further than the first difference.
    pub(crate) fn has(&self, index: usize, literal: &[u8]) -> bool {
        literal.iter().enumerate().all(|(offset, byte)| self.at(index + offset) == Some(*byte))
    }

    /// Whether `literal`, in lower case, stands at `index` in any case of ASCII.
    pub(crate) fn has_any_case(&self, index: usize, literal: &[u8]) -> bool {
        let same = |at: usize, byte: u8| self.at(at).is_some_and(|read| read.eq_ignore_ascii_case(&byte));
        literal.iter().enumerate().all(|(offset, byte)| same(index + offset, *byte))
    }

    /// The end of the bytes from `index` that satisfy `belongs`, at most `count_max` of them.
    pub(crate) fn run(&self, index: usize, count_max: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let mut end = index;
        while end - index < count_max && self.is(end, &belongs) {
            end += 1;
        }
        end
    }

    /// The bytes of `from..to`, which were read before.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// How far back from the start the text is within sight.
    pub(crate) fn behind(&self) -> usize {
        self.behind
    }

    /// Whether the text counts as ended at `index` although it goes on.
    pub(crate) fn is_limit(&self, index: usize) -> bool {
        index >= self.limit
    }

    /// Whether a letter, a digit or an underscore stands before `index`. The letter of a `\n`, `\t` or `\r` in the
    /// source of a program is none: it belongs to the backslash before it, and nothing starts inside of the two.
    pub(crate) fn word_before(&self, index: usize) -> bool {
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
    pub(crate) fn word_at(&self, index: usize) -> bool {
        self.is(index, |byte| is_word(byte) || is_latin_lead(byte))
    }
}

/// A letter, a digit or an underscore of ASCII.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The first of the two bytes of a letter from U+00C0 to U+024F: Latin with accents.
pub(crate) fn is_latin_lead(byte: u8) -> bool {
    (0xC3..=0xC9).contains(&byte)
}

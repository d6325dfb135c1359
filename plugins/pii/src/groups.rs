//! Digits in groups: what cards, telephone numbers and social security numbers look like.

use sluicegate_plugin::scan::Reader;

/// One more than the longest card number has, so that a longer one is noticed.
const DIGITS_MAX: usize = 20;

/// A complete group of digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// How many digits there are up to its end.
    pub(crate) digits: usize,
    /// Where it ends in the text.
    pub(crate) end: usize,
    /// What stands between it and the next group; empty behind the last.
    pub(crate) separator: &'static [u8],
}

/// The groups of digits from one place on, up to [`DIGITS_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Groups {
    digits: Vec<u8>,
    groups: Vec<Group>,
}

impl Groups {
    /// The groups of a number at the reader's place, behind `+`, `(` or `+(`.
    pub(crate) fn find(reader: &Reader<'_>) -> Option<Self> {
        let start = reader.start();
        let plus = usize::from(reader.has(start, b"+"));
        let at = start + plus + usize::from(reader.has(start + plus, b"("));
        let begins = if at == start { begins_number(reader, at) } else { is_digit(reader, at) };
        begins.then(|| Self::read(reader, at))
    }

    fn read(reader: &Reader<'_>, at: usize) -> Self {
        let mut all = Self { digits: Vec::with_capacity(DIGITS_MAX), groups: Vec::with_capacity(8) };
        let mut at = at;
        loop {
            let end = reader.run(at, DIGITS_MAX - all.digits.len(), |byte| byte.is_ascii_digit());
            all.digits.extend_from_slice(reader.slice(at, end));
            if all.digits.len() == DIGITS_MAX {
                return all;
            }
            let separator = separator(reader, end);
            all.groups.push(Group { digits: all.digits.len(), end, separator });
            if separator.is_empty() {
                return all;
            }
            at = end + separator.len();
        }
    }

    /// The first `count` digits.
    pub(crate) fn digits(&self, count: usize) -> &[u8] {
        self.digits.get(..count).unwrap_or_default()
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many digits the group at `index` has.
    pub(crate) fn length(&self, index: usize) -> Option<usize> {
        let before = index.checked_sub(1).and_then(|last| self.groups.get(last)).map_or(0, |group| group.digits);
        self.groups.get(index).map(|group| group.digits - before)
    }

    /// Whether the groups begin with such lengths.
    pub(crate) fn has_shape(&self, lengths: &[usize]) -> bool {
        lengths.iter().enumerate().all(|(index, length)| self.length(index) == Some(*length))
    }

    /// The last group with which there are at most `digits_max` digits.
    pub(crate) fn last_within(&self, digits_max: usize) -> Option<Group> {
        self.groups.iter().rev().find(|group| group.digits <= digits_max).copied()
    }
}

impl Group {
    /// Whether the number goes on without a space: `-`, `.` or `/` and another group.
    pub(crate) fn is_joined(self) -> bool {
        matches!(self.separator, b"-" | b"." | b"/")
    }
}

/// What stands between the group that ends at `at` and the next one; nothing if there is none. A full stop and a
/// space is the end of a sentence.
fn separator(reader: &Reader<'_>, at: usize) -> &'static [u8] {
    let choices: &[&'static [u8]] = match reader.at(at) {
        Some(b' ') => &[b" ", b" (", b" - ", b" / "],
        Some(b')') => &[b")", b") ", b")-"],
        Some(b'-') => &[b"-"],
        Some(b'.') => &[b"."],
        Some(b'/') => &[b"/"],
        _ => &[],
    };
    let fits = |separator: &&&[u8]| reader.has(at, separator) && is_digit(reader, at + separator.len());
    choices.iter().find(fits).copied().unwrap_or_default()
}

/// Whether the digits at `start` may begin a number: not in the middle of a longer one, and in a group of a length
/// that comes first. It spares tables of numbers the closer look.
fn begins_number(reader: &Reader<'_>, start: usize) -> bool {
    if goes_on_before(reader, start) {
        return false;
    }
    let length = reader.run(start, 3, |byte| byte.is_ascii_digit()) - start;
    match (reader.at(start), length) {
        // `1-555-234-5678`, `1 (555) 234-5678`
        (Some(b'1'), 1) => reader.is(start + 2, |byte| byte == b'(' || byte >= b'2'),
        (Some(b'0'), length) => length >= 2,
        (_, length) => length == 3,
    }
}

/// Whether the digit at `start` is in the middle of a longer number, such as a fraction or a date.
pub(crate) fn goes_on_before(reader: &Reader<'_>, start: usize) -> bool {
    reader.before(start).is_some_and(|byte| matches!(byte, b'-' | b'.' | b'/'))
        && reader.before(start - 1).is_some_and(|byte| byte.is_ascii_digit())
}

fn is_digit(reader: &Reader<'_>, at: usize) -> bool {
    reader.is(at, |byte| byte.is_ascii_digit())
}

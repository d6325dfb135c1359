//! Dates of birth: a date with a word of birth before or behind it.

use sluicegate_plugin::scan::{Reader, is_word};

use crate::date;
use crate::groups::goes_on_before;

/// How far behind a birth word its date may begin: `born in Stuttgart, Germany, on `.
const GAP_AFTER_BYTES_MAX: usize = 40;
/// How far behind a date its birth word may begin: ` is the day when she was `.
const GAP_BEFORE_BYTES_MAX: usize = 24;
const WORD_BYTES_MAX: usize = 16;

/// Where a date may begin, seen from its birth word.
pub(crate) const BEFORE_BYTES_MAX: usize = date::BYTES_MAX + GAP_BEFORE_BYTES_MAX;
/// The expression may match the beginning of a longer word.
pub(crate) const AFTER_BYTES_MAX: usize = GAP_AFTER_BYTES_MAX + WORD_BYTES_MAX;

/// Birth words, in lower case. Each is a whole word, and none is a part of another with a boundary inside.
const WORDS: [&str; 26] = [
    "born",
    "birth",
    "birthday",
    "birthdate",
    "dob",
    "d.o.b",
    "geboren",
    "geb.",
    "geburtsdatum",
    "geburtstag",
    "geboortedatum",
    "naissance",
    "né le",
    "née le",
    "nacido",
    "nacida",
    "nacimiento",
    "nato il",
    "nata il",
    "nascita",
    "nascido",
    "nascida",
    "nascimento",
    "född",
    "født",
    "生年月日",
];

/// Those that may be written with a stop behind them, which then ends no sentence.
const ABBREVIATIONS: [&str; 2] = ["dob", "d.o.b"];

/// How the words begin: most places are dismissed by that.
const FIRST_BYTES: &[u8] = b"bdgnf\xE7";

/// What finds the words, and perhaps more.
pub(crate) fn pattern() -> String {
    format!("(?i)(?:{})", WORDS.map(|word| word.replace('.', r"\.")).join("|"))
}

/// The end of the date of birth at the reader's place.
pub(crate) fn end(reader: &Reader<'_>) -> Option<usize> {
    let start = reader.start();
    if goes_on_before(reader, start) {
        return None;
    }
    let end = date::end(reader, start).filter(|end| end - start <= date::BYTES_MAX)?;
    (is_announced(reader, start) || is_explained(reader, end)).then_some(end)
}

/// Whether a birth word stands shortly before the date.
fn is_announced(reader: &Reader<'_>, start: usize) -> bool {
    let earliest = start.saturating_sub(GAP_AFTER_BYTES_MAX + WORD_BYTES_MAX).max(reader.behind());
    (earliest..start).any(|at| {
        word(reader, at).is_some_and(|word| {
            let end = at + word.len();
            let stop = ABBREVIATIONS.contains(&word).then_some(end);
            end <= start
                && start - end <= GAP_AFTER_BYTES_MAX
                && !(end..start).any(|at| Some(at) != stop && breaks(reader, at))
        })
    })
}

/// Whether a birth word stands shortly behind the date.
fn is_explained(reader: &Reader<'_>, end: usize) -> bool {
    (end..=end + GAP_BEFORE_BYTES_MAX)
        .take_while(|at| reader.at(*at).is_some() && !breaks(reader, *at))
        .any(|at| word(reader, at).is_some())
}

/// Whether a sentence or a paragraph ends at `at`.
fn breaks(reader: &Reader<'_>, at: usize) -> bool {
    match reader.at(at) {
        Some(b'!' | b'?' | b';') => true,
        Some(b'.') => reader.is(at + 1, |byte| byte.is_ascii_whitespace()),
        Some(b'\n') => reader.has(at + 1, b"\n"),
        _ => false,
    }
}

/// The birth word at `at`.
fn word(reader: &Reader<'_>, at: usize) -> Option<&'static str> {
    let begins = reader.is(at, |byte| FIRST_BYTES.contains(&byte.to_ascii_lowercase()));
    if !begins || reader.before(at).is_some_and(is_word) {
        return None;
    }
    let ends = |end: usize| reader.before(end).is_some_and(|byte| !is_word(byte)) || !reader.word_at(end);
    let fits = |word: &str| reader.has_any_case(at, word.as_bytes()) && ends(at + word.len());
    WORDS.into_iter().find(|word| fits(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_longer_than_the_bound() {
        assert!(WORDS.iter().all(|word| word.len() <= WORD_BYTES_MAX));
    }

    #[test]
    fn every_word_begins_with_one_of_the_first_bytes() {
        assert!(WORDS.iter().all(|word| word.bytes().next().is_some_and(|byte| FIRST_BYTES.contains(&byte))));
    }
}

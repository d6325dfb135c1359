//! JSON string literals: from their source to text and back, keeping every byte that need not change.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::memchr;
use serde::Deserializer;
use serde::de::{Error, Visitor};

/// The text of a string literal. Halves of a surrogate pair that stand alone become U+FFFD, for guardrails to look
/// at; the source is forwarded as it came unless it is edited.
pub(super) fn decode(literal: &str) -> Cow<'_, str> {
    let Some(inner) = inner(literal) else { return Cow::Borrowed("") };
    if !has_escape(inner) {
        return Cow::Borrowed(inner);
    }
    match serde_json::from_str::<String>(literal) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Owned(decode_halves(literal, None).text),
    }
}

fn has_escape(inner: &str) -> bool {
    memchr(b'\\', inner.as_bytes()).is_some()
}

/// A piece of a text that goes on in the next event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// The first half of a surrogate pair that the text ended with.
    pub(super) half: Option<u16>,
    /// The literal holds half a character that belongs to its neighbour: it cannot be forwarded as it is
    /// once one of the two is edited.
    pub(super) halved: bool,
}

/// The text of a piece, which may begin with the second half of a character of which `before` is the first.
pub(super) fn decode_piece(literal: &str, before: Option<u16>) -> Decoded {
    if before.is_none() {
        match inner(literal) {
            Some(inner) if !has_escape(inner) => {
                return Decoded { text: inner.to_owned(), ..Decoded::default() };
            }
            _ => {}
        }
        if let Ok(text) = serde_json::from_str::<String>(literal) {
            return Decoded { text, ..Decoded::default() };
        }
    }
    decode_halves(literal, before)
}

fn decode_halves(literal: &str, before: Option<u16>) -> Decoded {
    let mut units: Vec<u16> = before.into_iter().collect();
    units.extend(wide(&bytes(literal)));
    let half = units.last().copied().filter(|unit| (0xD800..0xDC00).contains(unit));
    if half.is_some() {
        units.pop();
    }
    Decoded { text: String::from_utf16_lossy(&units), half, halved: half.is_some() || before.is_some() }
}

/// serde_json gives strings with unpaired surrogates as bytes, in the generalised UTF-8 of WTF-8.
fn bytes(literal: &str) -> Vec<u8> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
    serde_json::Deserializer::from_str(literal).deserialize_bytes(Bytes).unwrap_or_default()
}

/// UTF-16 of generalised UTF-8.
fn wide(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    for chunk in bytes.chunk_by(|_, next| next & 0xC0 == 0x80) {
        match (std::str::from_utf8(chunk), chunk) {
            (Ok(text), _) => units.extend(text.encode_utf16()),
            (Err(_), [a, b, c]) => {
                units.push((u16::from(a & 0x0F) << 12) | (u16::from(b & 0x3F) << 6) | u16::from(c & 0x3F));
            }
            _ => units.push(0xFFFD),
        }
    }
    units
}

/// What stands between the quotes of a literal.
pub(super) fn inner(literal: &str) -> Option<&str> {
    literal.strip_prefix('"')?.strip_suffix('"')
}

/// A text as a string literal.
pub(super) fn encode(text: &str) -> String {
    // Serialising a string cannot fail.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

/// What to put where in the source of a literal, so that its text becomes `new`: the least that does it, so that
/// escapes elsewhere keep their spelling.
pub(super) fn change(literal: &str, new: &str) -> (Range<usize>, String) {
    let old = decode(literal);
    let prefix = common(old.chars(), new.chars());
    let (old_rest, new_rest) = (old.get(prefix..).unwrap_or_default(), new.get(prefix..).unwrap_or_default());
    let suffix = common(old_rest.chars().rev(), new_rest.chars().rev());
    let start = source_offset(literal, prefix);
    let end = source_offset(literal, old.len() - suffix);
    let replacement = new_rest.get(..new_rest.len() - suffix).unwrap_or_default();
    match (start, end, inner(&encode(replacement))) {
        (Some(start), Some(end), Some(source)) => (start..end, source.to_owned()),
        // Unpaired surrogates in the source: write the literal anew.
        _ => (0..literal.len(), encode(new)),
    }
}

fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// Where in the source of a literal the byte of its text stands.
fn source_offset(literal: &str, text_offset: usize) -> Option<usize> {
    let source = literal.as_bytes();
    let (mut at, mut text) = (1, 0);
    while text < text_offset {
        let (source_bytes, text_bytes) = match source.get(at)? {
            b'\\' => escape(source.get(at + 1..)?)?,
            // Bytes of a character written as it is count one each on both sides.
            _ => (1, 1),
        };
        at += source_bytes;
        text += text_bytes;
    }
    (text == text_offset).then_some(at)
}

/// How long an escape is in the source, and in the text. Nothing for half a surrogate pair.
fn escape(after_backslash: &[u8]) -> Option<(usize, usize)> {
    if *after_backslash.first()? != b'u' {
        return Some((2, 1));
    }
    let unit = |hex: &[u8]| u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok();
    let first = unit(after_backslash.get(1..5)?)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((6, character.len_utf8()));
    }
    let second = after_backslash.get(5..11)?.strip_prefix(b"\\u").and_then(unit)?;
    let pair = char::decode_utf16([first, second]).next()?.ok()?;
    Some((12, pair.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn changed(literal: &str, new: &str, expected: &str) {
        let (range, replacement) = change(literal, new);
        let mut source = literal.to_owned();
        source.replace_range(range, &replacement);
        assert_eq!(source, expected);
        assert_eq!(decode(&source), new);
    }

    #[test]
    fn a_change_keeps_the_spelling_of_everything_else() {
        changed(r#""plain text""#, "plain test", r#""plain test""#);
        changed(r#""caf\u00e9 john \/ x""#, "café [NAME] / x", r#""caf\u00e9 [NAME] \/ x""#);
        changed(r#""\ud83d\ude00 a \u0041""#, "\u{1f600} b A", r#""\ud83d\ude00 b \u0041""#);
        changed(r#""say \"hi\"""#, "say \"ho\"", r#""say \"ho\"""#);
        changed(r#""""#, "new\n", r#""new\n""#);
        changed(r#""gone""#, "", r#""""#);
    }

    #[test]
    fn a_lone_half_of_a_pair_is_readable_and_a_change_of_it_is_valid() {
        assert_eq!(decode(r#""a\ud83d b""#), "a\u{fffd} b");
        changed(r#""a\ud83d b""#, "a b", r#""a b""#);
    }

    #[test]
    fn a_character_split_over_two_pieces_belongs_to_the_second() {
        let first = decode_piece(r#""hi \ud83d""#, None);
        assert_eq!((first.text.as_str(), first.half), ("hi ", Some(0xD83D)));
        let second = decode_piece(r#""\ude00!""#, first.half);
        assert_eq!((second.text.as_str(), second.half), ("\u{1f600}!", None));
        assert!(first.halved && second.halved);
    }

    #[test]
    fn a_half_that_is_never_completed_becomes_a_replacement_character() {
        assert_eq!(decode_piece(r#""x""#, Some(0xD83D)).text, "\u{fffd}x");
    }
}

//! Text cut into pieces, as JSON strings.

use std::borrow::Cow;
use std::fmt::Write;
use std::vec;

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::plan::{Cut, Escape};

/// A JSON string: as serde writes it, or written here.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Piece<'a> {
    Text(Cow<'a, str>),
    Raw(Box<RawValue>),
}

impl<'a> Piece<'a> {
    pub(super) fn whole(text: Cow<'a, str>, escape: Escape) -> Self {
        match escape {
            Escape::No => Self::Text(text),
            Escape::Whole | Escape::Split => Piece::escaped(text.encode_utf16()),
        }
    }

    /// Everything beyond printable ASCII as `\uXXXX`. Halves of a surrogate pair are possible here alone: they are valid
    /// JSON, but no text that Rust could hold.
    fn escaped(units: impl Iterator<Item = u16>) -> Self {
        let mut json = String::from('"');
        for unit in units {
            match u8::try_from(unit) {
                Ok(ascii @ b' '..=b'~') if !matches!(ascii, b'"' | b'\\') => json.push(char::from(ascii)),
                // Writing to a string cannot fail.
                _ => write!(json, "\\u{unit:04x}").unwrap_or_default(),
            }
        }
        json.push('"');
        RawValue::from_string(json).map_or(Self::Text(Cow::Borrowed("")), Self::Raw)
    }
}

/// The pieces of a text, one after the other.
pub(super) enum Pieces {
    Text { text: String, at: usize, number: usize, cut: Cut },
    Escaped(vec::IntoIter<Vec<u16>>),
}

impl Pieces {
    pub(super) fn new(text: String, escape: Escape, cut: Cut) -> Self {
        match escape {
            Escape::No => Self::Text { text, at: 0, number: 0, cut },
            Escape::Whole => {
                let mut pieces = Self::Text { text, at: 0, number: 0, cut };
                let mut units = Vec::new();
                while let Some(Piece::Text(text)) = pieces.next() {
                    units.push(text.encode_utf16().collect());
                }
                Self::Escaped(units.into_iter())
            }
            Escape::Split => Self::Escaped(split(&text, cut).into_iter()),
        }
    }

    pub(super) fn is_spent(&self) -> bool {
        match self {
            Self::Text { text, at, .. } => *at >= text.len(),
            Self::Escaped(units) => units.as_slice().is_empty(),
        }
    }

    pub(super) fn next(&mut self) -> Option<Piece<'_>> {
        match self {
            Self::Text { text, at, number, cut } => {
                let rest = text.get(*at..).filter(|rest| !rest.is_empty())?;
                let end = rest.char_indices().nth(cut.size(*number)).map_or(rest.len(), |(end, _)| end);
                *at = at.saturating_add(end);
                *number = number.wrapping_add(1);
                rest.get(..end).map(|piece| Piece::Text(Cow::Borrowed(piece)))
            }
            Self::Escaped(units) => units.next().map(|units| Piece::escaped(units.into_iter())),
        }
    }
}

/// UTF-16 in pieces of the usual sizes, and a cut within every surrogate pair.
fn split(text: &str, cut: Cut) -> Vec<Vec<u16>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    for unit in text.encode_utf16() {
        piece.push(unit);
        if (0xD800..0xDC00).contains(&unit) || piece.len() >= cut.size(pieces.len()) {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::plan::{Cut, Escape};
    use super::Pieces;

    fn cut(text: &str, escape: Escape, cut: usize) -> Vec<String> {
        let mut pieces = Pieces::new(text.to_owned(), escape, Cut::exactly(cut));
        std::iter::from_fn(|| pieces.next().map(|piece| serde_json::to_string(&piece).unwrap())).collect()
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("a\"éd😀", Escape::No, 2), [r#""a\"""#, r#""éd""#, r#""😀""#]);
        assert_eq!(cut("", Escape::No, 2), [""; 0]);
    }

    #[test]
    fn escapes_and_splits_surrogate_pairs() {
        assert_eq!(cut("a\n😀b", Escape::Whole, 3), [r#""a\u000a\ud83d\ude00""#, r#""b""#]);
        assert_eq!(cut("a😀b", Escape::Split, 3), [r#""a\ud83d""#, r#""\ude00b""#]);
    }
}

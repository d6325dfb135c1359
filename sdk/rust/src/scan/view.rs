//! The text as the rules read it: JSON escapes decoded, full-width and other digits as `0-9`, odd spaces and
//! hyphens as plain ones, lone zero-width characters left out. Every byte remembers where it came from, so
//! that an edit goes into the text as it was written.
//!
//! Each step looks at a few characters only, so that a text reads the same wherever a window begins.

use std::borrow::Cow;
use std::ops::Range;

/// A run of more backslashes than this is no escape. Without a bound the first backslash of a run could lie
/// before the window, and whether the last one escapes something would depend on the cut.
const BACKSLASHES_MAX: usize = 32;

/// A text as the rules read it.
#[derive(Debug)]
pub(super) struct View<'a> {
    text: Cow<'a, str>,
    /// For every byte of `text`, the raw bytes of its character; `None` when the text is as it was written.
    origins: Option<Vec<Range<usize>>>,
    /// How much of the raw text was read. What follows is the beginning of an escape.
    read: usize,
}

impl<'a> View<'a> {
    /// Read `raw`; with `json`, as the source of a JSON string. When more text is to come (`open`), an escape
    /// that is cut off at the end is left for the next window.
    pub(super) fn new(raw: &'a str, json: bool, open: bool) -> Self {
        let escaped = json && raw.contains('\\');
        let foreign = !raw.is_ascii() && raw.chars().any(|c| fold(c, false) != Some(c));
        if !escaped && !foreign {
            return Self { text: Cow::Borrowed(raw), origins: None, read: raw.len() };
        }
        let mut writer = Writer::default();
        let mut at = 0;
        while let Some(character) = raw.get(at..).and_then(|rest| rest.chars().next()) {
            if escaped && character == '\\' {
                match backslashes(raw, at, open, &mut writer) {
                    Some(next) => at = next,
                    None => break,
                }
            } else {
                let next = at + character.len_utf8();
                writer.push(character, at..next);
                at = next;
            }
        }
        Self { text: Cow::Owned(writer.text), origins: Some(writer.origins), read: at }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How many raw bytes were read; less than all when the text ends inside an escape.
    pub(super) fn raw_read(&self) -> usize {
        self.read
    }

    /// Where the character at `index` begins in the raw text.
    pub(super) fn raw_start(&self, index: usize) -> usize {
        match &self.origins {
            Some(origins) => origins.get(index).map_or(self.read, |origin| origin.start),
            None => index.min(self.read),
        }
    }

    /// Where the character before `index` ends in the raw text.
    pub(super) fn raw_end(&self, index: usize) -> usize {
        match &self.origins {
            Some(origins) => index.checked_sub(1).and_then(|last| origins.get(last)).map_or(0, |origin| origin.end),
            None => index.min(self.read),
        }
    }

    /// The first index whose character begins at `raw` or later.
    pub(super) fn index_of(&self, raw: usize) -> usize {
        match &self.origins {
            Some(origins) => origins.partition_point(|origin| origin.start < raw),
            None => raw.min(self.text.len()),
        }
    }

    /// The first index whose character ends later than `raw`; past every index when there is none.
    pub(super) fn index_past(&self, raw: usize) -> usize {
        let index = match &self.origins {
            Some(origins) => origins.partition_point(|origin| origin.end <= raw),
            None => raw.min(self.text.len()),
        };
        if index < self.text.len() { index } else { usize::MAX }
    }
}

#[derive(Default)]
struct Writer {
    text: String,
    origins: Vec<Range<usize>>,
    after_zero_width: bool,
}

impl Writer {
    fn push(&mut self, character: char, origin: Range<usize>) {
        let folded = fold(character, self.after_zero_width);
        self.after_zero_width = is_zero_width(character);
        let Some(folded) = folded else { return };
        self.text.push(folded);
        self.origins.extend(std::iter::repeat_n(origin, folded.len_utf8()));
    }
}

/// Write what the backslashes at `at` and the character behind them stand for (RFC 8259, section 7), and give
/// the place behind that; `None` when that takes more text.
fn backslashes(raw: &str, at: usize, open: bool, writer: &mut Writer) -> Option<usize> {
    let rest = raw.get(at..)?;
    let run = rest.bytes().take_while(|byte| *byte == b'\\').count();
    if run > BACKSLASHES_MAX {
        (at..at + run).for_each(|place| writer.push('\\', place..place + 1));
        return Some(at + run);
    }
    if open && run == rest.len() {
        return None;
    }
    let (escape, length) = if run % 2 == 1 { escape(rest.get(run..)?, open)? } else { (None, 0) };
    (0..run / 2).for_each(|pair| writer.push('\\', at + 2 * pair..at + 2 * pair + 2));
    let last = at + run - run % 2;
    match escape {
        Some(character) => writer.push(character, last..at + run + length),
        None if run % 2 == 1 => writer.push('\\', last..at + run),
        None => {}
    }
    Some(at + run + length)
}

/// The character that `rest`, behind a backslash, stands for, and how many bytes of `rest` it takes. An unknown
/// escape is no escape. The outer `None`: that takes more text.
fn escape(rest: &str, open: bool) -> Option<(Option<char>, usize)> {
    let character = match rest.chars().next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('b' | 'f') => ' ',
        Some(same @ ('"' | '/')) => same,
        Some('u') => {
            let digits = rest.bytes().skip(1).take(4).take_while(u8::is_ascii_hexdigit).count();
            if open && rest.len() == 1 + digits && digits < 4 {
                return None;
            }
            let code = rest.get(1..5).filter(|_| digits == 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            // Half of a surrogate pair is not a character that any rule looks for.
            return Some(code.map_or((None, 0), |code| (char::from_u32(code).or(Some('\u{FFFD}')), 5)));
        }
        _ => return Some((None, 0)),
    };
    Some((Some(character), 1))
}

/// Matches a character that is read as another one: all that [`fold`] knows.
pub(super) const FOLDED: &str = r"[\u{AD}\u{A0}\u{660}-\u{669}\u{6F0}-\u{6F9}\u{966}-\u{96F}\u{2000}-\u{200D}\u{2010}-\u{2013}\u{202F}\u{205F}\u{2060}\u{2212}\u{3000}\u{FE63}\u{FEFF}\u{FF01}-\u{FF5E}]";

/// What a character is read as; `None` for nothing at all.
fn fold(character: char, after_zero_width: bool) -> Option<char> {
    let digit_of = |zero: u32| char::from_digit(u32::from(character) - zero, 10);
    match character {
        '\u{0}'..='\u{9F}' => Some(character),
        // Only a lone one is skipped: what stands before a long row of them may lie before the window.
        _ if is_zero_width(character) => after_zero_width.then_some(character),
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0),
        '\u{660}'..='\u{669}' => digit_of(0x660),
        '\u{6F0}'..='\u{6F9}' => digit_of(0x6F0),
        '\u{966}'..='\u{96F}' => digit_of(0x966),
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => Some(' '),
        // Models write phone numbers with U+2011. The long dashes are punctuation between words.
        '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{FE63}' => Some('-'),
        _ => Some(character),
    }
}

fn is_zero_width(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(raw: &str, json: bool, open: bool) -> (String, usize) {
        let view = View::new(raw, json, open);
        (view.text().to_owned(), view.raw_read())
    }

    #[test]
    fn escapes_are_decoded_on_demand_only() {
        let raw = r#"a\u0040b\n\\n\"\/\x\ud83d!"#;
        assert_eq!(read(raw, true, false).0, "a@b\n\\n\"/\\x\u{FFFD}!");
        assert_eq!(read(raw, false, false).0, raw);
    }

    #[test]
    fn a_cut_off_escape_waits_for_the_rest() {
        for raw in ["ab\\", "ab\\u", "ab\\u00", "ab\\\\\\u004"] {
            assert_eq!(read(raw, true, true), ("ab".to_owned(), 2), "{raw}");
            assert_eq!(read(raw, true, false).1, raw.len(), "{raw}");
        }
        assert_eq!(read("ab\\u00g", true, true), ("ab\\u00g".to_owned(), 7));
    }

    #[test]
    fn spans_lead_back_to_the_raw_text() {
        let raw = "x\\u00e9１\u{200B}2";
        let view = View::new(raw, true, false);
        assert_eq!(view.text(), "xé12");
        let at = view.text().find('1').unwrap();
        assert_eq!(&raw[view.raw_start(at)..view.raw_end(at + 1)], "１");
        assert_eq!(&raw[view.raw_start(at)..view.raw_end(at + 2)], "１\u{200B}2");
        assert_eq!(view.index_of(1), 1);
        assert_eq!(view.index_of(2), at);
        assert_eq!(view.index_past(7), at);
        assert_eq!(view.index_past(raw.len()), usize::MAX);
    }

    #[test]
    fn the_expression_matches_what_is_folded_and_nothing_else() {
        let expression = regex::Regex::new(FOLDED).unwrap();
        for character in '\u{0}'..=char::MAX {
            let folded = fold(character, false) != Some(character);
            assert_eq!(expression.is_match(character.encode_utf8(&mut [0; 4])), folded, "{character:?}");
        }
    }

    #[test]
    fn zero_width_characters_are_skipped_one_by_one() {
        assert_eq!(read("1\u{200B}2\u{200B}\u{200B}3", false, false).0, "12\u{200B}3");
    }

    #[test]
    fn a_long_run_of_backslashes_escapes_nothing() {
        let long = format!("{}n", "\\".repeat(33));
        assert_eq!(read(&long, true, false).0, long);
    }
}

//! E-mail addresses as people write them: RFC 5321 without quoted parts and address literals.

use sluicegate_plugin::scan::{Reader, is_latin_lead, is_word};

/// RFC 5321, section 4.5.3.1.1.
pub(crate) const LOCAL_BYTES_MAX: usize = 64;
/// RFC 1035, section 2.3.4.
const LABEL_BYTES_MAX: usize = 63;
/// More labels are no address that is in use, and each of them is read again for each word before the `@`.
const LABELS_MAX: usize = 6;

/// The end of the address at the reader's place.
pub(crate) fn end(reader: &Reader<'_>) -> Option<usize> {
    let start = reader.start();
    let at = reader.run(start, LOCAL_BYTES_MAX, is_local);
    if !reader.has(at, b"@") || reader.before(at) == Some(b'.') {
        return None;
    }
    domain(reader, at + 1)
}

/// The end of the longest domain at `at`: two labels or more, of which the last begins with two letters.
fn domain(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let mut label = at;
    let mut end = None;
    for index in 0..LABELS_MAX {
        let label_end = self::label(reader, label)?;
        if index > 0 {
            end = top(reader, label).or(end);
        }
        if !reader.has(label_end, b".") || !reader.is(label_end + 1, is_letter_or_digit) {
            break;
        }
        label = label_end + 1;
    }
    end
}

/// The end of the label at `at`. A hyphen belongs to it when a letter or a digit follows.
fn label(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let mut end = at;
    while end - at < LABEL_BYTES_MAX {
        let letter = reader.is(end, is_letter_or_digit);
        let hyphen =
            end > at && reader.has(end, b"-") && reader.is(end + 1, |byte| is_letter_or_digit(byte) || byte == b'-');
        if !letter && !hyphen {
            break;
        }
        end += 1;
    }
    (end > at).then_some(end)
}

/// The end of the top-level domain at `at`: letters, or an internationalised name in its ASCII form. What stands
/// behind a hyphen is the sentence's: `a@example.com-account`.
fn top(reader: &Reader<'_>, at: usize) -> Option<usize> {
    if reader.has_any_case(at, b"xn--") {
        return Some(reader.run(at, LABEL_BYTES_MAX, |byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    }
    let end = reader.run(at, LABEL_BYTES_MAX, |byte| byte.is_ascii_alphabetic());
    (end - at >= 2 && !reader.is(end, |byte| byte.is_ascii_digit() || is_latin_lead(byte))).then_some(end)
}

/// The characters of `atom` in RFC 5321 that addresses are made of, and Latin letters with accents (RFC 6531).
fn is_local(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'%' | b'+' | b'-' | b'\'') || is_latin(byte)
}

fn is_letter_or_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_latin(byte)
}

/// Either byte of a Latin letter with an accent. What follows its first byte can only be its second.
fn is_latin(byte: u8) -> bool {
    is_latin_lead(byte) || (0x80..0xC0).contains(&byte)
}

//! Private keys as text: PEM (RFC 7468), OpenSSH's and PGP's (RFC 9580, section 6.2) armour.
//!
//! A block is one match from its first to its last line, so it must be held back until its end is there. A
//! window cannot show that it begins inside of a key: what it sees there is base64 like any other, a certificate's
//! for example. So a block is not masked line by line, and one that does not end within the plugin's reach is
//! refused: the rest of it would pass unnoticed.

use sluicegate_plugin::scan::{Match, Reader};

use crate::rule::Rule;

pub(crate) const PATTERN: &str = "-----BEGIN ";

const LABEL_BYTES_MAX: usize = 40;
/// A shorter body is an explanation: the shortest key in use, Ed25519 as PKCS #8, has 64.
const BODY_BYTES_MIN: usize = 40;
/// A line of a body has 64 or 70 or 76, one of some words has fewer.
const LINE_BYTES_MIN: usize = 24;
/// Quotes, plus signs and indentation between two lines of a literal in a program.
const GAP_BYTES_MAX: usize = 64;
const ARMOUR_HEADER_BYTES_MAX: usize = 200;
const ARMOUR_HEADERS_MAX: usize = 8;

/// The key at the reader's place.
pub(crate) fn find(reader: &Reader<'_>) -> Option<Match<Rule>> {
    let start = reader.start();
    if !reader.has(start, PATTERN.as_bytes()) {
        return None;
    }
    let label_end = label(reader, start + PATTERN.len())?;
    let label = reader.slice(start, label_end);
    if !label.ends_with(b"PRIVATE KEY-----") && !label.ends_with(b"PRIVATE KEY BLOCK-----") {
        return None;
    }
    let (end, rule) = body(reader, label_end)?;
    Some(Match { rule, end, score: 1.0 })
}

/// The end of a label and the dashes behind it.
fn label(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let end =
        reader.run(at, LABEL_BYTES_MAX, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    reader.has(end, b"-----").then_some(end + 5)
}

/// The end of the body and of the line that closes it. A body that breaks off ends there.
fn body(reader: &Reader<'_>, at: usize) -> Option<(usize, Rule)> {
    let (mut at, mut length, mut headers) = (at, 0, 0);
    loop {
        let line = gap(reader, at);
        if let Some(end) = close(reader, line) {
            return (length >= BODY_BYTES_MIN).then_some((end, Rule::PrivateKey));
        }
        let line_end = reader.run(line, usize::MAX, is_base64);
        if reader.is_limit(line_end) {
            return (length + line_end - line >= BODY_BYTES_MIN).then_some((line_end, Rule::PrivateKeyTooLong));
        }
        if let Some(end) = header(reader, line).filter(|_| headers < ARMOUR_HEADERS_MAX) {
            (at, headers) = (end, headers + 1);
            continue;
        }
        let is_last = || close(reader, gap(reader, line_end)).is_some() || reader.at(line_end).is_none();
        if line_end == line || (line_end - line < LINE_BYTES_MIN && !is_last()) {
            return (length >= BODY_BYTES_MIN).then_some((at, Rule::PrivateKey));
        }
        length += line_end - line;
        at = line_end;
    }
}

/// The end of `-----END ...-----` at `at`.
fn close(reader: &Reader<'_>, at: usize) -> Option<usize> {
    reader.has(at, b"-----END ").then(|| label(reader, at + 9))?
}

/// The end of what stands between two lines: line ends as such or escaped, once or more, and what a program's
/// source has around them.
fn gap(reader: &Reader<'_>, at: usize) -> usize {
    let mut end = at;
    while end - at < GAP_BYTES_MAX {
        end += match reader.at(end) {
            Some(byte) if byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b'>' | b'\\') => 1,
            Some(b'n' | b'r' | b't') if reader.before(end) == Some(b'\\') => 1,
            Some(b'+') if reader.before(end).is_some_and(|byte| byte.is_ascii_whitespace()) => 1,
            _ => break,
        };
    }
    end
}

/// The end of a line like `DEK-Info: AES-128-CBC,0123` or `Version: GnuPG v2` at `at`.
fn header(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let name = reader.run(at, LABEL_BYTES_MAX, |byte| byte.is_ascii_alphabetic() || byte == b'-');
    if name == at || !reader.has(name, b": ") {
        return None;
    }
    let is_header = |byte: u8| !matches!(byte, b'\n' | b'\r' | b'\\');
    Some(reader.run(name, ARMOUR_HEADER_BYTES_MAX, is_header))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

//! JSON web tokens: signed ones of three parts (RFC 7515), encrypted ones of five (RFC 7516).

use serde_json::{Map, Value};
use sluicegate_plugin::scan::{Match, Reader, is_word};

use crate::rule::Rule;

/// `{"` in base64url.
pub(crate) const PATTERN: &str = "eyJ";

/// A header is `{"alg":"RS256","kid":"..."}`, with the certificates of `x5c` at the very worst.
const HEADER_BYTES_MAX: usize = 2_048;
/// An HMAC of SHA-256, the shortest signature in use, has 43.
const SIGNATURE_BYTES_MIN: usize = 32;

/// The token at the reader's place. One that is longer than the plugin's reach is found up to there.
pub(crate) fn find(reader: &Reader<'_>) -> Option<Match<Rule>> {
    let start = reader.start();
    let before = reader.before(start).is_some_and(|byte| matches!(byte, b'.' | b'-'));
    if !reader.has(start, PATTERN.as_bytes()) || before || reader.word_before(start) {
        return None;
    }
    let header_end = part(reader, start, HEADER_BYTES_MAX);
    if !reader.has(header_end, b".") || !is_header(reader.slice(start, header_end)) {
        return None;
    }
    let end = rest(reader, header_end + 1)?;
    Some(Match { rule: Rule::Jwt, end, score: 1.0 })
}

/// The end of the parts behind the header.
fn rest(reader: &Reader<'_>, payload: usize) -> Option<usize> {
    let payload_end = part(reader, payload, usize::MAX);
    if reader.is_limit(payload_end) {
        return Some(payload_end);
    }
    if !reader.has(payload_end, b".") {
        return None;
    }
    let third_end = part(reader, payload_end + 1, usize::MAX);
    let encrypted = || {
        let fourth = reader.has(third_end, b".").then_some(third_end + 1)?;
        let fourth_end = part(reader, fourth, usize::MAX);
        let fifth = (fourth_end > fourth && reader.has(fourth_end, b".")).then_some(fourth_end + 1)?;
        let fifth_end = part(reader, fifth, usize::MAX);
        (fifth_end > fifth).then_some(fifth_end)
    };
    let signed = payload_end > payload && third_end - payload_end > SIGNATURE_BYTES_MIN;
    encrypted().or_else(|| (signed || reader.is_limit(third_end)).then_some(third_end))
}

fn part(reader: &Reader<'_>, at: usize, count_max: usize) -> usize {
    reader.run(at, count_max, |byte| is_word(byte) || byte == b'-')
}

/// Whether this is a header: a JSON object that names its algorithm.
fn is_header(encoded: &[u8]) -> bool {
    let header = decoded(encoded).and_then(|json| serde_json::from_slice::<Map<String, Value>>(&json).ok());
    header.is_some_and(|header| header.contains_key("alg"))
}

/// Decode base64url without padding (RFC 4648, section 5).
fn decoded(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let (mut bits, mut count) = (0_u32, 0);
    for byte in encoded {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_its_algorithm() {
        assert!(is_header(b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"));
        assert!(!is_header(b"eyJ0eXAiOiJKV1QifQ"));
        assert!(!is_header(b"eyJhbGci"));
        assert!(!is_header(b"eyJ+"));
    }
}

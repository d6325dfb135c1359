//! Values whose name says what they are: `aws_secret_access_key = ...`, `AccountKey=...;`, `Password=...;`,
//! `"api_key": "..."`, `Authorization: Bearer ...`. Of the assignment only the value is the match.

use sluicegate_plugin::scan::{Match, Reader, is_word};

use crate::rule::Rule;
use crate::shape::{is_key, is_placeholder};

/// The end of a name, and what stands between name and value.
pub(crate) const PATTERN: &str =
    r#"(?i-u:key|secret|token|password|passwd|pwd|bearer)\\?["'`]?[ \t]{0,3}(?::=|=>|[:= \t])[ \t]{0,3}\\?["'`]?"#;

/// How such names end, as in [`PATTERN`].
const ENDS: [&[u8]; 7] = [b"key", b"secret", b"token", b"password", b"passwd", b"pwd", b"bearer"];
const SPACES_MAX: usize = 3;
const NAME_BYTES_MAX: usize = 64;
const PASSWORD_BYTES_MIN: usize = 6;
const PASSWORD_BYTES_MAX: usize = 128;
const KEY_BYTES_MIN: usize = 20;
const KEY_BYTES_MAX: usize = 256;
/// 30 bytes in base64: AWS, "AWS security credentials".
const AWS_SECRET_BYTES: usize = 40;

/// The value at the reader's place.
pub(crate) fn find(reader: &Reader<'_>) -> Option<Match<Rule>> {
    let name = Name::before(reader)?;
    let (rule, end) = if name.ends_with(&["secretaccesskey", "awssecretkey"]) {
        (Rule::AwsSecret, aws_secret(reader)?)
    } else if name.ends_with(&["accountkey", "sharedaccesskey"]) {
        (Rule::Azure, azure_key(reader)?)
    } else if name.ends_with(&["password", "passwd", "pwd"]) {
        password(reader, &name)?
    } else if name.ends_with(&["key", "secret", "token", "bearer"]) {
        (Rule::Assigned, key(reader)?)
    } else {
        return None;
    };
    Some(Match { rule, end, score: if rule == Rule::Assigned { 0.7 } else { 0.9 } })
}

/// The name of a value.
struct Name {
    /// In lower case, without `_`, `-` and `.`.
    plain: String,
    /// In capitals: an environment variable.
    capital: bool,
    /// The value is in quotes.
    quoted: bool,
    /// Nothing but `=` stands between name and value.
    tight: bool,
    /// The assignment follows a `;`.
    listed: bool,
}

impl Name {
    /// The name of the value at the reader's place.
    fn before(reader: &Reader<'_>) -> Option<Self> {
        let start = reader.start();
        let after_quote = skip_quote(reader, start);
        let operator_end = skip_spaces(reader, after_quote);
        let operator = skip_operator(reader, operator_end);
        let end = skip_quote(reader, skip_spaces(reader, operator));
        let mut begin = end;
        while end - begin < NAME_BYTES_MAX && reader.before(begin).is_some_and(is_name) {
            begin -= 1;
        }
        let name = reader.slice(begin, end);
        // Only `Bearer` goes without an operator.
        let assigns = operator < operator_end || (name.eq_ignore_ascii_case(b"bearer") && operator_end < after_quote);
        if !assigns || !ENDS.iter().any(|word| ends_with(name, word)) {
            return None;
        }
        let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
        Some(Self {
            plain: letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect(),
            capital: !name.iter().any(u8::is_ascii_lowercase),
            quoted: after_quote < start,
            tight: end + 1 == start && reader.before(start) == Some(b'='),
            listed: reader.before(skip_spaces(reader, begin)) == Some(b';'),
        })
    }

    fn ends_with(&self, ends: &[&str]) -> bool {
        ends.iter().any(|end| self.plain.ends_with(end))
    }
}

fn aws_secret(reader: &Reader<'_>) -> Option<usize> {
    let start = reader.start();
    let end = reader.run(start, AWS_SECRET_BYTES + 1, |byte| is_base64(byte) && byte != b'=');
    (end - start == AWS_SECRET_BYTES && is_key(reader.slice(start, end))).then_some(end)
}

/// 32 or 64 bytes in base64, with their padding.
fn azure_key(reader: &Reader<'_>) -> Option<usize> {
    let start = reader.start();
    let end = reader.run(start, KEY_BYTES_MAX, is_base64);
    (end - start >= 44 && reader.before(end) == Some(b'=')).then_some(end)
}

/// `...;Password=...;` is a connection string's; `PASSWORD=...` and anything in quotes are settings.
fn password(reader: &Reader<'_>, name: &Name) -> Option<(Rule, usize)> {
    let start = reader.start();
    let belongs = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b';' | b'"' | b'\'' | b'`' | b'\\' | b'&');
    let end = reader.run(start, PASSWORD_BYTES_MAX, belongs);
    let value = reader.slice(start, end);
    if std::str::from_utf8(value).is_err() || is_placeholder(value) {
        return None;
    }
    if name.tight && (name.listed || reader.has(end, b";")) {
        return Some((Rule::ConnectionString, end));
    }
    let is_chosen = value.len() >= PASSWORD_BYTES_MIN && !value.iter().all(u8::is_ascii_alphabetic);
    let is_literal = !value.iter().any(|byte| matches!(byte, b'(' | b')' | b'{' | b'}' | b'[' | b']'));
    let is_set = name.quoted || (name.tight && name.capital);
    (is_set && is_chosen && is_literal).then_some((Rule::Assigned, end))
}

fn key(reader: &Reader<'_>) -> Option<usize> {
    let start = reader.start();
    let end =
        reader.run(start, KEY_BYTES_MAX + 1, |byte| is_base64(byte) || is_word(byte) || matches!(byte, b'-' | b'~'));
    let fits = (KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&(end - start)) && is_key(reader.slice(start, end));
    (fits && !reader.is(end, |byte| matches!(byte, b'(' | b'['))).then_some(end)
}

/// The place before `=`, `:`, `:=` or `=>`.
fn skip_operator(reader: &Reader<'_>, index: usize) -> usize {
    let before = |index: usize| if index > 0 { reader.before(index) } else { None };
    match reader.before(index) {
        Some(b'=') => index - 1 - usize::from(before(index - 1) == Some(b':')),
        Some(b'>') if before(index - 1) == Some(b'=') => index - 2,
        Some(b':') => index - 1,
        _ => index,
    }
}

fn ends_with(name: &[u8], word: &[u8]) -> bool {
    name.len().checked_sub(word.len()).and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// The place before a quote, and the backslash that escapes it, before `index`.
fn skip_quote(reader: &Reader<'_>, index: usize) -> usize {
    if !reader.before(index).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`')) {
        return index;
    }
    index - 1 - usize::from(reader.before(index - 1) == Some(b'\\'))
}

fn skip_spaces(reader: &Reader<'_>, index: usize) -> usize {
    let mut start = index;
    while index - start < SPACES_MAX && reader.before(start).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        start -= 1;
    }
    start
}

fn is_name(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'-' | b'.')
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

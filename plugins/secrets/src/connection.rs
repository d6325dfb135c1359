//! Passwords in connection strings of the form `scheme://user:password@host` (RFC 3986, section 3.2.1). Of the
//! string only the password is the match.

use sluicegate_plugin::scan::{Match, Reader};

use crate::rule::Rule;
use crate::shape::is_placeholder;

pub(crate) const PATTERN: &str = "://";
pub(crate) const USER_BYTES_MAX: usize = 64;
const PASSWORD_BYTES_MAX: usize = 256;

/// The password at the reader's place.
pub(crate) fn find(reader: &Reader<'_>) -> Option<Match<Rule>> {
    let start = reader.start();
    if reader.before(start) != Some(b':') || !follows_user(reader, start - 1) {
        return None;
    }
    let run = reader.run(start, PASSWORD_BYTES_MAX, is_password);
    // A password may have an `@` of its own: the last one counts.
    let is_end = |at: &usize| reader.has(*at, b"@") && reader.is(at + 1, is_host);
    let end = (start..run).rev().find(is_end)?;
    let password = reader.slice(start, end);
    (!is_placeholder(password)).then_some(Match { rule: Rule::ConnectionString, end, score: 0.9 })
}

/// Whether `scheme://user` stands before `colon`. The user may be empty.
fn follows_user(reader: &Reader<'_>, colon: usize) -> bool {
    let mut user = colon;
    while colon - user <= USER_BYTES_MAX && reader.before(user).is_some_and(is_user) {
        user -= 1;
    }
    let before = |back: usize| user.checked_sub(back).and_then(|index| reader.before(index));
    colon - user <= USER_BYTES_MAX
        && [before(0), before(1), before(2)] == [Some(b'/'), Some(b'/'), Some(b':')]
        && before(3).is_some_and(|byte| byte.is_ascii_alphanumeric())
}

fn is_user(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'@' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
}

fn is_password(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\') || !byte.is_ascii()
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'[' | b'$' | b'{' | b'_')
}

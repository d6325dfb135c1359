//! IP addresses, version 4 and 6. Loopback, unspecified, multicast and reserved ones point to nobody and stay.

use std::net::{Ipv4Addr, Ipv6Addr};

use sluicegate_plugin::scan::Reader;

/// The longest text of an address: eight groups, the last two as four numbers.
const BYTES_MAX: usize = 45;
/// Slices (`1::20`) and C++ names (`ab::c1`) have fewer digits than an address that is in use.
const HEX_DIGITS_MIN: usize = 5;

/// The end of the address at the reader's place.
pub(crate) fn end(reader: &Reader<'_>) -> Option<usize> {
    if reader.word_before(reader.start()) || reader.before(reader.start()) == Some(b'.') {
        return None;
    }
    v4(reader).or_else(|| v6(reader))
}

fn v4(reader: &Reader<'_>) -> Option<usize> {
    let text = text(reader, |byte| byte.is_ascii_digit() || byte == b'.')?;
    is_v4(text).then_some(reader.start() + text.len())
}

fn v6(reader: &Reader<'_>) -> Option<usize> {
    if reader.before(reader.start()) == Some(b':') {
        return None;
    }
    let text = text(reader, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))?;
    is_v6(text).then_some(reader.start() + text.len())
}

/// The characters of an address at the reader's place; a full stop or a colon at the end is the sentence's.
fn text<'a>(reader: &Reader<'a>, belongs: impl Fn(u8) -> bool) -> Option<&'a str> {
    let start = reader.start();
    let end = reader.run(start, BYTES_MAX + 2, belongs);
    let text = std::str::from_utf8(reader.slice(start, end)).ok()?;
    (!reader.word_at(end)).then(|| text.trim_end_matches(['.', ':']))
}

fn is_v4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok_and(|address| !address.is_loopback() && (1..224).contains(&address.octets()[0]))
}

/// RFC 4291, section 2.2.
fn is_v6(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    digits >= HEX_DIGITS_MIN
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.parse::<Ipv6Addr>().is_ok_and(|address| !address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_somebody() {
        for text in ["8.8.8.8", "192.168.0.1", "10.0.0.255"] {
            assert!(is_v4(text), "{text}");
        }
        for text in ["2001:db8::1", "fe80::1ff:fe23:4567:890a", "::ffff:192.0.2.1", "2001:0db8:0:0:0:0:0:1"] {
            assert!(is_v6(text), "{text}");
        }
    }

    #[test]
    fn addresses_of_nobody() {
        for text in ["127.0.0.1", "0.0.0.0", "255.255.255.0", "224.0.0.1", "1.2.3", "1.2.3.256", "01.2.3.4"] {
            assert!(!is_v4(text), "{text}");
        }
        for text in ["::", "::1", "1::20", "a::b", "ff02::1:ff00", "12:30:45", "dead::beef::1"] {
            assert!(!is_v6(text), "{text}");
        }
    }
}

//! International bank account numbers (ISO 13616).

use sluicegate_plugin::scan::{Reader, is_word};

/// Countries and the lengths of their numbers: the SWIFT IBAN Registry.
#[rustfmt::skip]
const LENGTHS: [(&[u8; 2], usize); 88] = [
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26),
    (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20),
    (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24),
    (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25),
    (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20),
];

/// The end of the number at the reader's place: letters in any case, in one piece or with single spaces or
/// hyphens.
pub(crate) fn end(reader: &Reader<'_>) -> Option<usize> {
    let start = reader.start();
    if !(start..start + 2).all(|index| reader.is(index, |byte| byte.is_ascii_alphabetic()))
        || !(start + 2..start + 4).all(|index| reader.is(index, |byte| byte.is_ascii_digit()))
    {
        return None;
    }
    let length = length(reader.slice(start, start + 2))?;
    let mut characters = Vec::with_capacity(length);
    let mut at = start;
    while characters.len() < length {
        match reader.at(at)? {
            byte if byte.is_ascii_alphanumeric() => characters.push(byte),
            b' ' | b'-' if reader.before(at).is_some_and(is_word) => {}
            _ => return None,
        }
        at += 1;
    }
    (is_valid(&characters) && !reader.word_at(at)).then_some(at)
}

fn length(country: &[u8]) -> Option<usize> {
    let country = country.to_ascii_uppercase();
    LENGTHS.iter().find(|(code, _)| country == *code).map(|(_, length)| *length)
}

/// The check of ISO 13616 (ISO 7064, MOD 97-10): the first four characters go to the end, letters count from
/// A = 10, and the number leaves 1 when divided by 97.
fn is_valid(characters: &[u8]) -> bool {
    let (Some(head), Some(tail)) = (characters.get(..4), characters.get(4..)) else { return false };
    let rest = tail.iter().chain(head).try_fold(0, |rest, byte| {
        let value = char::from(*byte).to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    rest == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_registry_are_valid() {
        for number in [
            "DE89370400440532013000",
            "GB29NWBK60161331926819",
            "FR1420041010050500013M02606",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "NL91ABNA0417164300",
            "CH9300762011623852957",
        ] {
            assert!(is_valid(number.as_bytes()), "{number}");
            assert_eq!(length(number.get(..2).unwrap_or_default().as_bytes()), Some(number.len()), "{number}");
        }
    }

    #[test]
    fn a_changed_character_is_noticed() {
        assert!(!is_valid(b"DE89370400440532013001"));
        assert!(!is_valid(b"DE98370400440532013000"));
    }

    #[test]
    fn countries_are_sorted_and_known() {
        assert!(LENGTHS.is_sorted());
        assert_eq!(length(b"de"), Some(22));
        assert_eq!(length(b"IN"), None);
    }
}

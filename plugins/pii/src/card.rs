//! Payment card numbers (ISO/IEC 7812).

use sluicegate_plugin::scan::Reader;

use crate::groups::Groups;

/// The end of the card number at the reader's place: digits in one piece, or in groups of three to seven with
/// the same separator throughout.
pub(crate) fn end(reader: &Reader<'_>, groups: &Groups) -> Option<usize> {
    let start = reader.start();
    if !reader.is(start, |byte| byte.is_ascii_digit()) {
        return None;
    }
    let separator = groups.groups().first()?.separator;
    let grouped = |index: usize| matches!(groups.length(index), Some(3..=7));
    let whole = |index: usize| {
        index == 0
            || (matches!(separator, b" " | b"-")
                && (0..=index).all(grouped)
                && groups.groups().iter().take(index).all(|group| group.separator == separator))
    };
    let is_card = |(index, digits): (usize, usize)| whole(index) && is_number(groups.digits(digits));
    let (_, group) = groups.groups().iter().enumerate().rev().find(|(index, group)| is_card((*index, group.digits)))?;
    (!reader.word_at(group.end)).then_some(group.end)
}

/// Whether the digits are of a length and a range that an issuer uses, with the right check digit.
pub(crate) fn is_number(digits: &[u8]) -> bool {
    (13..=19).contains(&digits.len()) && is_issued(digits) && luhn(digits)
}

/// The ranges of the larger networks, as they publish them: the issuer identification numbers of ISO/IEC 7812-1.
fn is_issued(digits: &[u8]) -> bool {
    let prefix = digits.iter().take(4).fold(0, |number, digit| number * 10 + u32::from(digit.wrapping_sub(b'0')));
    let length = digits.len();
    match prefix {
        // Visa
        4000..=4999 => matches!(length, 13 | 16 | 19),
        // Mastercard
        5100..=5599 | 2221..=2720 => length == 16,
        // American Express
        3400..=3499 | 3700..=3799 => length == 15,
        // Diners Club
        3000..=3059 | 3090..=3099 | 3600..=3699 | 3800..=3999 => length >= 14,
        // JCB; Mir
        3528..=3589 | 2200..=2204 => length >= 16,
        // Discover, UnionPay, RuPay
        6000..=6099 | 6200..=6299 | 6440..=6599 | 8100..=8299 => length >= 16,
        // Maestro
        5000..=5099 | 5600..=5899 | 6304 | 6390 | 6700..=6799 => true,
        _ => false,
    }
}

/// The check digit of ISO/IEC 7812-1, annex B: every second digit from the right counts twice.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            let doubled = if place % 2 == 1 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_that_the_networks_publish_for_tests_are_valid() {
        for number in [
            "4111111111111111",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "6200000000000005",
        ] {
            assert!(is_number(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn a_wrong_digit_length_or_issuer_is_none() {
        for number in
            ["4111111111111112", "411111111111111", "1111111111111117", "0000000000000000", "9999999999999995"]
        {
            assert!(!is_number(number.as_bytes()), "{number}");
        }
    }
}

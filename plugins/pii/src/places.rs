//! Where to look: the host's regular expressions, each a superset of what its rules find, in ASCII classes that
//! make small automata.
//!
//! Expressions of one set match independently; the matches of one do not overlap. So each is made such that a
//! match cannot swallow the start of another candidate: the test `the_patterns_and_the_tail_miss_nothing` holds
//! them to it.

use std::ops::Range;

use sluicegate_plugin::{Patterns, scan};

use crate::email::LOCAL_BYTES_MAX;
use crate::{birth, date};

/// Seven digits, at most three separators between two: telephone numbers, cards, social security numbers.
const DIGITS: &str = r"[0-9](?:[ ()./-]{0,3}[0-9]){6,}";
const AT: &str = "@";
const IPV4: &str = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]";
const IPV6: &str = ":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*";
const IBAN: &str = r"(?-u:\b)[A-Za-z]{2}[0-9]{2}";

/// All expressions; [`places`] knows the first six by their index. The others show that a text is not as harmless as it
/// looks: behind a whole date a word of birth may follow.
pub(crate) fn patterns() -> Result<Patterns, String> {
    let [folded, escaped] = scan::UNLIKE;
    Patterns::compile(&[DIGITS, AT, IPV4, IPV6, IBAN, &birth::pattern(), &date::pattern(), folded, escaped])
}

/// The local part of an address, the beginning of a number or of a date: what may become a match before one of the
/// patterns shows it.
pub(crate) fn tail() -> String {
    let word = r"[A-Za-z0-9_.%+'\u{80}-\u{24F}-]{1,64}";
    let number = r"[+(]{0,2}[0-9][0-9 ()./-]{0,40}|[+(]{1,2}|1(?s:.)|[0-9A-Fa-f:.]{1,47}";
    format!("{word}|{number}|{}", date::beginning())
}

/// Where matches may start.
pub(crate) fn places(patterns: &Patterns, text: &str) -> Vec<Range<usize>> {
    let place = |found: sluicegate_plugin::patterns::Match| {
        let Range { start, end } = found.span.range();
        let (before, end) = match found.expression {
            // `+`, `(`, or both.
            0 => (2, end),
            1 => (LOCAL_BYTES_MAX, start),
            // The first number has up to three digits, the first group up to four.
            2 => (2, start + 1),
            3 => (4, start + 1),
            4 => (0, start + 1),
            5 => (birth::BEFORE_BYTES_MAX, end + birth::AFTER_BYTES_MAX),
            _ => return None,
        };
        Some(start.saturating_sub(before)..end)
    };
    patterns.find(text).into_iter().filter_map(place).collect()
}

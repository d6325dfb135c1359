//! Where to look: the host's regular expressions, each a superset of what its rules find, in ASCII classes that
//! make small automata.
//!
//! Expressions of one set match independently; the matches of one do not overlap. So each is made such that a
//! match cannot swallow the start of another candidate: the test `the_patterns_and_the_tail_miss_nothing` holds
//! them to it.

use std::ops::Range;

use sluicegate_plugin::Patterns;

use crate::birth;
use crate::email::LOCAL_BYTES_MAX;

/// Seven digits, at most three separators between two: telephone numbers, cards, social security numbers.
const DIGITS: &str = r"[0-9](?:[ ()./-]{0,3}[0-9]){6,}";
const AT: &str = "@";
const IPV4: &str = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]";
const IPV6: &str = ":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*";
const IBAN: &str = r"(?-u:\b)[A-Za-z]{2}[0-9]{2}";

/// All expressions; [`places`] knows them by their index.
pub(crate) fn patterns() -> Result<Patterns, String> {
    Patterns::compile(&[DIGITS, AT, IPV4, IPV6, IBAN, &birth::pattern()])
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
            _ => (birth::BEFORE_BYTES_MAX, end + birth::AFTER_BYTES_MAX),
        };
        start.saturating_sub(before)..end
    };
    patterns.find(text).into_iter().map(place).collect()
}

//! Where to look: the host's regular expressions, each a superset of what its rules find.
//!
//! Expressions of one set match independently; the matches of one do not overlap. So each is made such that a
//! match cannot swallow the start of another candidate: the test `the_patterns_and_the_tail_miss_nothing` holds
//! them to it.

use std::ops::Range;

use sluicegate_plugin::{Patterns, scan};

use crate::{assigned, connection, jwt, pem, token};

/// All expressions; [`places`] knows the first four by their index. The others show that a text is not as harmless as it
/// looks.
pub(crate) fn patterns() -> Result<Patterns, String> {
    let tokens = format!("{}|{}", token::pattern(), jwt::PATTERN);
    let [folded, escaped] = scan::UNLIKE;
    Patterns::compile(&[tokens.as_str(), pem::PATTERN, connection::PATTERN, assigned::PATTERN, folded, escaped])
}

/// A word may be the beginning of any mark that the expressions find: the longest is `hooks.slack.com/`.
pub(crate) const TAIL: &str = "[A-Za-z0-9_./-]{1,16}";

/// Where matches may start.
pub(crate) fn places(patterns: &Patterns, text: &str) -> Vec<Range<usize>> {
    let place = |found: sluicegate_plugin::patterns::Match| {
        let Range { start, end } = found.span.range();
        match found.expression {
            0 | 1 => Some(start..start + 1),
            2 => Some(end..end + connection::USER_BYTES_MAX + 2),
            3 => Some(start..end + 1),
            _ => None,
        }
    };
    patterns.find(text).into_iter().filter_map(place).collect()
}

//! Where to look: the host's regular expressions, each a superset of what its rules find.
//!
//! Expressions of one set match independently; the matches of one do not overlap. So each is made such that a
//! match cannot swallow the start of another candidate: the test `the_patterns_and_the_tail_miss_nothing` holds
//! them to it.

use std::ops::Range;

use sluicegate_plugin::Patterns;

use crate::{assigned, connection, jwt, pem, token};

/// All expressions; [`places`] knows them by their index.
pub(crate) fn patterns() -> Result<Patterns, String> {
    let tokens = format!("{}|{}", token::pattern(), jwt::PATTERN);
    Patterns::compile(&[tokens.as_str(), pem::PATTERN, connection::PATTERN, assigned::PATTERN])
}

/// Where matches may start.
pub(crate) fn places(patterns: &Patterns, text: &str) -> Vec<Range<usize>> {
    let place = |found: sluicegate_plugin::patterns::Match| {
        let Range { start, end } = found.span.range();
        match found.expression {
            0 | 1 => start..start + 1,
            2 => end..end + connection::USER_BYTES_MAX + 2,
            _ => start..end + 1,
        }
    };
    patterns.find(text).into_iter().map(place).collect()
}

//! Hits, and how they add up to a score.

use std::ops::Range;

/// One signal at one place.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// The same signal twice is no stronger than once; hits with different keys add up.
    pub(crate) key: usize,
    pub(crate) rule: &'static str,
    /// From 0 to 1, with role, channel and mitigations taken into account.
    pub(crate) weight: f32,
    /// In the original text.
    pub(crate) span: Range<usize>,
}

/// Signals add up within two neighbouring blocks of that many bytes. Over a whole log or book, weak
/// signals that have nothing to do with each other would add up to an alarm.
const BLOCK_BYTES: usize = 1024;

/// The score of the worst neighbourhood: `1 - prod(1 - weight)` over its signals.
pub(crate) fn combined(hits: &[Hit]) -> f32 {
    let mut sorted: Vec<&Hit> = hits.iter().collect();
    sorted.sort_by_key(|hit| hit.span.start);
    let block = |hit: &Hit| hit.span.start / BLOCK_BYTES;
    let mut worst = 0.0_f32;
    let mut rest = sorted.as_slice();
    while let Some(first) = rest.first() {
        let here = block(first);
        let near = rest.iter().take_while(|hit| block(hit) <= here + 1);
        worst = worst.max(1.0 - near_misses(near.copied()));
        let passed = rest.iter().take_while(|hit| block(hit) == here).count();
        rest = rest.get(passed..).unwrap_or_default();
    }
    worst
}

/// The chance that none of the signals means what it seems to, were they independent.
fn near_misses<'a>(hits: impl Iterator<Item = &'a Hit>) -> f32 {
    let mut strongest: Vec<(usize, f32)> = Vec::new();
    for hit in hits {
        match strongest.iter_mut().find(|(key, _)| *key == hit.key) {
            Some((_, weight)) => *weight = weight.max(hit.weight),
            None => strongest.push((hit.key, hit.weight)),
        }
    }
    strongest.iter().map(|(_, weight)| 1.0 - weight).product()
}

/// Each rule with its strongest weight, strongest first.
pub(crate) fn strongest(hits: &[Hit]) -> Vec<(&'static str, f32)> {
    let mut rules: Vec<(&'static str, f32)> = Vec::new();
    for hit in hits {
        match rules.iter_mut().find(|(rule, _)| *rule == hit.rule) {
            Some((_, weight)) => *weight = weight.max(hit.weight),
            None => rules.push((hit.rule, hit.weight)),
        }
    }
    rules.sort_by(|a, b| b.1.total_cmp(&a.1));
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(key: usize, weight: f32, start: usize) -> Hit {
        Hit { key, rule: "override", weight, span: start..start + 1 }
    }

    #[test]
    fn different_signals_add_up_and_equal_ones_do_not() {
        assert!((combined(&[hit(1, 0.5, 0), hit(2, 0.5, 9)]) - 0.75).abs() < 1e-6);
        assert!((combined(&[hit(1, 0.5, 0), hit(1, 0.4, 9)]) - 0.5).abs() < 1e-6);
        assert!(combined(&[]).abs() < 1e-6);
    }

    #[test]
    fn what_is_far_apart_does_not_add_up() {
        assert!((combined(&[hit(1, 0.5, 0), hit(2, 0.5, 5 * BLOCK_BYTES)]) - 0.5).abs() < 1e-6);
        assert!((combined(&[hit(1, 0.5, 1000), hit(2, 0.5, 2000)]) - 0.75).abs() < 1e-6);
    }
}

//! The signals: what is looked for, and what each of them weighs.

mod data;
mod delimiter;
mod extraction;
mod languages;
mod overriding;
mod role_play;
pub(crate) mod words;

use crate::{mitigation, signals::words::expand};
use sluicegate_plugin::Patterns;
use std::ops::Range;

/// One kind of phrase.
#[derive(Debug)]
pub(crate) struct Signal {
    /// Stands in findings; stable over versions.
    pub(crate) rule: &'static str,
    /// The weight in what a person says, from 0 to 1. From the default threshold on, a signal refuses alone.
    pub(crate) said: f32,
    /// The weight in data: tool results, passages, tool definitions.
    pub(crate) data: f32,
    /// The first pass looks for these in the raw text; each match of `pattern` contains one of them. Letters alone are
    /// a stem, which is found in leetspeak too; anything else is a piece of an expression. A signal without
    /// any only counts beside others.
    pub(crate) gate: &'static [&'static str],
    /// What to look for in normalised text; see [`words`] for the notation.
    pub(crate) pattern: &'static str,
}

/// All signals, in the order of the expressions in the set.
pub(crate) fn all() -> impl Iterator<Item = &'static Signal> {
    let tables = [
        overriding::SIGNALS,
        languages::SIGNALS,
        role_play::SIGNALS,
        extraction::SIGNALS,
        delimiter::SIGNALS,
        data::SIGNALS,
    ];
    tables.into_iter().flatten()
}

/// The expressions of all signals, then those of the mitigations.
fn expressions() -> Vec<String> {
    let mitigations = mitigation::PATTERNS.iter().map(|(_, pattern)| *pattern);
    all().map(|signal| signal.pattern).chain(mitigations).map(expand).collect()
}

/// The set of all signals and mitigations.
#[derive(Debug)]
pub(crate) struct Signals {
    set: Patterns,
    signals: Vec<&'static Signal>,
}

/// A match in a view.
pub(crate) enum Matched {
    /// A signal: its number and what it is.
    Signal(usize, &'static Signal),
    /// Something that puts signals into another light.
    Mitigation(mitigation::Kind),
}

impl Signals {
    pub(crate) fn compile() -> Result<Self, String> {
        let signals: Vec<&'static Signal> = all().collect();
        Ok(Self { set: Patterns::compile(&expressions())?, signals })
    }

    /// All matches in normalised text.
    pub(crate) fn find(&self, text: &str) -> Vec<(Matched, Range<usize>)> {
        let matches = self.set.find(text);
        matches
            .iter()
            .filter_map(|found| {
                let range = found.span.start as usize..found.span.end as usize;
                let mitigation = || {
                    let index = found.expression.checked_sub(self.signals.len())?;
                    mitigation::PATTERNS.get(index).map(|(kind, _)| Matched::Mitigation(*kind))
                };
                let signal = self.signals.get(found.expression).map(|signal| Matched::Signal(found.expression, signal));
                signal.or_else(mitigation).map(|matched| (matched, range))
            })
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_probabilities_and_rules_are_stable() {
        let rules = ["override", "role-play", "extraction", "delimiter", "exfiltration", "indirect", "encoded.order"];
        for signal in all() {
            assert!((0.0..=0.95).contains(&signal.said) && (0.0..=0.95).contains(&signal.data), "{}", signal.pattern);
            assert!(rules.contains(&signal.rule), "{}", signal.rule);
        }
    }

    /// The host bounds an expression at 2 MB, a set at 8 MB and 256 expressions, and the work of `configure`.
    #[test]
    fn the_set_fits_into_the_bounds_of_the_host() {
        let expressions = expressions();
        for expression in &expressions {
            regex::RegexBuilder::new(expression).size_limit(2 << 20).build().unwrap();
        }
        regex::RegexSetBuilder::new(&expressions).size_limit(8 << 20).build().unwrap();
        assert!(expressions.len() <= 256);
        assert!(expressions.iter().map(String::len).sum::<usize>() < 200_000);
    }
}

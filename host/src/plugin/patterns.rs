//! Regular expressions on behalf of guests: compiled once, when a plugin is configured, and run natively.

use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

/// Sets that one plugin may compile.
pub(super) const SETS_MAX: usize = 64;
/// Expressions in one set.
pub(super) const EXPRESSIONS_MAX: usize = 256;
/// Bytes of one compiled expression, and of its lazily built automaton: the defaults of the crate are 10 MB
/// and 2 MB; a plugin has many expressions.
const SIZE_BYTES_MAX: usize = 2 << 20;
/// Nested groups in one expression; the default of the crate.
const NEST_MAX: u32 = 250;
/// Fuel for a byte of an expression to compile: some microseconds, at about three units a nanosecond.
pub(super) const COMPILE_BYTE_FUEL: u64 = 20_000;

/// Fuel for a byte scanned by the whole set at once, which is how most texts are found to match nothing.
const SET_BYTE_FUEL: u64 = 10;
/// Fuel for a byte scanned again for one expression of which the set said that it matches.
const EXPRESSION_BYTE_FUEL: u64 = 5;
/// Fuel for a match: it is copied into the guest.
const MATCH_FUEL: u64 = 100;

/// A compiled set.
#[derive(Debug)]
pub(super) struct Set {
    source: Vec<String>,
    /// Says in one pass which of them match at all.
    any: Regex,
    each: Vec<Regex>,
}

/// Where an expression of a set matched, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) expression: u32,
}

impl Set {
    /// # Errors
    /// What is wrong with which expression, for the author.
    pub(super) fn compile(expressions: &[String]) -> Result<Self, String> {
        let each = expressions.iter().enumerate().map(|(index, expression)| {
            builder(SIZE_BYTES_MAX, WhichCaptures::Implicit, MatchKind::LeftmostFirst)
                .build(expression)
                .map_err(|error| format!("expression {index}: {}", words(&error)))
        });
        let each: Vec<Regex> = each.collect::<Result<_, _>>()?;
        let any = builder(SIZE_BYTES_MAX * 4, WhichCaptures::None, MatchKind::All)
            .build_many(expressions)
            .map_err(|error| format!("the expressions together: {}", words(&error)))?;
        Ok(Self { source: expressions.to_vec(), any, each })
    }

    pub(super) fn is_of(&self, expressions: &[String]) -> bool {
        self.source == expressions
    }

    /// All matches by start, then by expression, and the fuel that finding them is worth; nothing when
    /// that is more than `fuel_max`.
    pub(super) fn find(&self, text: &str, fuel_max: u64) -> Option<(Vec<Found>, u64)> {
        let bytes = u64::try_from(text.len()).ok()?;
        let mut fuel = bytes.checked_mul(SET_BYTE_FUEL).filter(|fuel| *fuel <= fuel_max)?;
        let mut found = Vec::new();
        let mut matching = PatternSet::new(self.each.len());
        self.any.which_overlapping_matches(&Input::new(text), &mut matching);
        for index in matching.iter().map(|pattern| pattern.as_usize()) {
            fuel = fuel.checked_add(bytes * EXPRESSION_BYTE_FUEL).filter(|fuel| *fuel <= fuel_max)?;
            for matched in self.each.get(index)?.find_iter(text) {
                fuel = fuel.checked_add(MATCH_FUEL).filter(|fuel| *fuel <= fuel_max)?;
                found.push(Found {
                    start: u32::try_from(matched.start()).ok()?,
                    end: u32::try_from(matched.end()).ok()?,
                    expression: u32::try_from(index).ok()?,
                });
            }
        }
        found.sort_unstable_by_key(|found| (found.start, found.expression));
        Some((found, fuel))
    }
}

/// The syntax and the guarantees of the crate `regex`, without what only its groups need: a set of a hundred
/// expressions takes a third of the memory.
fn builder(size_bytes_max: usize, captures: WhichCaptures, kind: MatchKind) -> meta::Builder {
    let mut builder = meta::Builder::new();
    builder.syntax(syntax::Config::new().nest_limit(NEST_MAX)).configure(
        meta::Config::new()
            .match_kind(kind)
            .which_captures(captures)
            .nfa_size_limit(Some(size_bytes_max))
            .hybrid_cache_capacity(size_bytes_max)
            .onepass(false)
            .backtrack(false)
            .dfa(false),
    );
    builder
}

/// What is wrong with an expression, in one sentence.
fn words(error: &meta::BuildError) -> String {
    match error.syntax_error() {
        // Its words are the expression, a line of arrows below it, and at the end the sentence.
        Some(syntax) => {
            let words = syntax.to_string();
            let sentence = words.lines().last().unwrap_or_default();
            sentence.strip_prefix("error: ").unwrap_or(sentence).to_owned()
        }
        None if error.size_limit().is_some() => format!("it is larger than {SIZE_BYTES_MAX} bytes when compiled"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(expressions: &[&str]) -> Set {
        Set::compile(&expressions.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn matches_come_by_start_then_by_expression() {
        let (found, _) = set(&["b+", "a", "ab"]).find("abba", u64::MAX).unwrap();
        let found: Vec<_> = found.iter().map(|f| (f.start, f.end, f.expression)).collect();
        assert_eq!(found, [(0, 1, 1), (0, 2, 2), (1, 3, 0), (3, 4, 1)]);
    }

    #[test]
    fn the_price_depends_on_the_text_alone_and_is_never_exceeded() {
        let set = set(&["x", "y"]);
        let (_, fuel) = set.find("aaaa", u64::MAX).unwrap();
        assert_eq!(fuel, 4 * SET_BYTE_FUEL);
        assert!(set.find("aaaa", fuel).is_some());
        assert!(set.find("aaaa", fuel - 1).is_none());
        let (_, fuel) = set.find("axaa", u64::MAX).unwrap();
        assert_eq!(fuel, 4 * (SET_BYTE_FUEL + EXPRESSION_BYTE_FUEL) + MATCH_FUEL);
    }

    #[test]
    fn an_expression_that_explodes_is_refused_with_its_number() {
        let error = Set::compile(&["a".to_owned(), "((a{1000}){1000}){1000}".to_owned()]).unwrap_err();
        assert!(error.starts_with("expression 1: "), "{error}");
    }
}

//! A set of regular expressions on behalf of a guest, run natively and priced in fuel.

use regex_automata::PatternSet;
use regex_automata::meta::Regex;

use super::expression::{Any, one};

/// Fuel for a byte scanned by the whole set at once, which is how most texts are found to match nothing.
pub(super) const SET_BYTE_FUEL: u64 = 10;
/// Fuel for a byte scanned again for one expression of which the set said that it matches.
const EXPRESSION_BYTE_FUEL: u64 = 5;
/// Fuel for a match: it is copied into the guest.
const MATCH_FUEL: u64 = 100;

/// A compiled set.
#[derive(Debug)]
pub(super) struct Set {
    source: Vec<String>,
    any: Any,
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
        let each = expressions
            .iter()
            .enumerate()
            .map(|(index, source)| one(source).map_err(|wrong| format!("expression {index}: {wrong}")))
            .collect::<Result<_, _>>()?;
        let any = Any::new(expressions).map_err(|wrong| format!("the expressions together: {wrong}"))?;
        Ok(Self { source: expressions.to_vec(), any, each })
    }

    pub(super) fn is_of(&self, expressions: &[String]) -> bool {
        self.source == expressions
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = &str> {
        self.source.iter().map(String::as_str)
    }

    /// Whether any of the expressions matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.any.is_match(text)
    }

    /// All matches by start, then by expression, and the fuel that finding them is worth; nothing when
    /// that is more than `fuel_max`.
    pub(super) fn find(&self, text: &str, fuel_max: u64) -> Option<(Vec<Found>, u64)> {
        let bytes = u64::try_from(text.len()).ok()?;
        let mut fuel = bytes.checked_mul(SET_BYTE_FUEL).filter(|fuel| *fuel <= fuel_max)?;
        let mut found = Vec::new();
        let mut matching = PatternSet::new(self.each.len());
        self.any.which(text, &mut matching);
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

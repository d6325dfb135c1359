//! Text that a plugin need not be called for: it said so when it was configured, and the host looks itself.

use std::sync::Arc;

use regex_automata::meta::Regex;

use super::expression::one;
use super::set::{SET_BYTE_FUEL, Set};

/// What a plugin need not be called for.
#[derive(Debug)]
pub(super) struct Prefilter {
    triggers: Arc<Set>,
    tail: Option<Tail>,
}

/// What is held back of a window that is let pass.
#[derive(Debug)]
struct Tail {
    source: String,
    at_the_end: Regex,
}

impl Prefilter {
    /// # Errors
    /// What is wrong with the tail, for the author.
    pub(super) fn new(triggers: Arc<Set>, tail: Option<&str>) -> Result<Self, String> {
        let tail = tail.map(Tail::new).transpose().map_err(|wrong| format!("the tail: {wrong}"))?;
        Ok(Self { triggers, tail })
    }

    pub(super) fn triggers(&self) -> &Arc<Set> {
        &self.triggers
    }

    /// The expression for what is held back.
    pub(super) fn tail(&self) -> Option<&str> {
        self.tail.as_ref().map(|tail| tail.source.as_str())
    }

    pub(super) fn is_of(&self, triggers: &Arc<Set>, tail: Option<&str>) -> bool {
        Arc::ptr_eq(&self.triggers, triggers) && self.tail() == tail
    }

    /// The fuel that looking through so much text is worth.
    pub(super) fn price(bytes: usize) -> u64 {
        u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(SET_BYTE_FUEL)
    }

    /// How much of a window that is let pass is held back; nothing if the plugin has to look at it. Its text need not
    /// be looked through when it is known to be `untriggered`.
    pub(super) fn hold(&self, text: &str, context: usize, is_final: bool, untriggered: bool) -> Option<usize> {
        let tail = if is_final { None } else { Some(self.tail.as_ref()?) };
        if !untriggered && self.triggers.is_match(text) {
            return None;
        }
        let held = tail.and_then(|tail| tail.at_the_end.find(text)).map_or(0, |found| found.len());
        Some(held.min(text.len().saturating_sub(context)))
    }
}

impl Tail {
    fn new(source: &str) -> Result<Self, String> {
        // Alone first: what is wrong with it is said of the author's words.
        one(source)?;
        Ok(Self { source: source.to_owned(), at_the_end: one(&format!("(?:{source})\\z"))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefilter(tail: Option<&str>) -> Prefilter {
        let triggers = Set::compile(&["@".to_owned(), "[0-9]{3}".to_owned()]).unwrap();
        Prefilter::new(Arc::new(triggers), tail).unwrap()
    }

    #[test]
    fn what_triggers_comes_to_the_plugin() {
        let prefilter = prefilter(Some("[a-z]+"));
        for text in ["a@b", "123", "x 1234 y"] {
            assert_eq!(prefilter.hold(text, 0, true, false), None);
            assert_eq!(prefilter.hold(text, 0, false, false), None);
        }
        assert_eq!(prefilter.hold("a 12 b", 0, true, false), Some(0));
    }

    #[test]
    fn what_is_known_not_to_trigger_is_not_looked_through() {
        assert_eq!(prefilter(None).hold("a@b", 0, true, true), Some(0));
        assert_eq!(prefilter(Some("[a-z]+")).hold("a@b", 0, false, true), Some(1));
    }

    #[test]
    fn the_longest_end_that_is_a_tail_is_held_back_but_for_what_was_released() {
        let prefilter = prefilter(Some("b|[a-z]+|é"));
        assert_eq!(prefilter.hold("one two", 0, false, false), Some(3));
        assert_eq!(prefilter.hold("one two", 6, false, false), Some(1));
        assert_eq!(prefilter.hold("one ", 0, false, false), Some(0));
        assert_eq!(prefilter.hold("one é", 0, false, false), Some("é".len()));
    }

    #[test]
    fn without_a_tail_only_what_is_final_is_let_pass() {
        assert_eq!(prefilter(None).hold("one", 0, false, false), None);
        assert_eq!(prefilter(None).hold("one", 0, true, false), Some(0));
    }

    #[test]
    fn what_is_wrong_with_a_tail_is_said_of_the_authors_words() {
        let wrong = Tail::new("a)|(b").unwrap_err();
        assert_eq!(wrong, "unopened group");
    }
}

//! How expressions of guests are compiled: the syntax and the guarantees of the crate `regex`, without what nobody
//! asks for here.

use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

/// Bytes of one compiled expression, and of its lazily built automaton: the defaults of the crate are 10 MB
/// and 2 MB; a plugin has many expressions.
const SIZE_BYTES_MAX: usize = 2 << 20;
/// The same for the expressions of a set together.
const SET_BYTES_MAX: usize = 4 * SIZE_BYTES_MAX;
/// Nested groups in one expression; the default of the crate.
const NEST_MAX: u32 = 250;
/// When a lazily built automaton is given up for the one that needs no building: as the crate does it in
/// [`meta`].
const CLEARED_MAX: usize = 3;
const STATE_BYTES_MIN: usize = 10;

fn syntax() -> syntax::Config {
    syntax::Config::new().nest_limit(NEST_MAX)
}

/// Finds where an expression matches. Without what only groups need, a hundred of them take a third of the memory.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub(super) fn one(expression: &str) -> Result<Regex, String> {
    let config = meta::Config::new()
        .which_captures(WhichCaptures::Implicit)
        .nfa_size_limit(Some(SIZE_BYTES_MAX))
        .hybrid_cache_capacity(SIZE_BYTES_MAX)
        .onepass(false)
        .backtrack(false)
        .dfa(false);
    meta::Builder::new().syntax(syntax()).configure(config).build(expression).map_err(|error| words(&error))
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

/// What one search at a time works with.
type Caches<C> = Pool<C, Box<dyn Fn() -> C + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// Says in one pass which of many expressions match at all: how most texts are found to match nothing.
#[derive(Debug)]
pub(super) struct Any {
    quick: Quick,
    /// Never gives up, and is slower.
    sure: PikeVM,
    caches: Caches<pikevm::Cache>,
}

impl Any {
    /// # Errors
    /// Why they cannot be compiled together.
    pub(super) fn new(expressions: &[String]) -> Result<Self, String> {
        let nfa = together(expressions)?;
        let quick = Quick::of(nfa.clone())?;
        let config = PikeVM::config().match_kind(MatchKind::All);
        let sure = PikeVM::builder().configure(config).build_from_nfa(nfa).map_err(|error| error.to_string())?;
        let caches = {
            let sure = sure.clone();
            Caches::new(Box::new(move || sure.create_cache()) as _)
        };
        Ok(Self { quick, sure, caches })
    }

    /// Whether any of them matches in `text`.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let surely = || self.sure.is_match(&mut self.caches.get(), text);
        self.quick.is_match(text).unwrap_or_else(surely)
    }

    /// Put those that match in `text` into `matching`.
    pub(super) fn which(&self, text: &str, matching: &mut PatternSet) {
        if self.quick.which(text, matching).is_none() {
            self.sure.which_overlapping_matches(&mut self.caches.get(), &Input::new(text), matching);
        }
    }
}

/// The part of [`Any`] that gives up on what would not be quick: Unicode word boundaries beside other than ASCII text,
/// and texts for which the automaton has to be built anew all the time. It reads forwards only, so it has half the
/// automata that finding a place takes, and they are built as texts need them.
#[derive(Debug)]
pub(super) struct Quick {
    automaton: DFA,
    caches: Caches<dfa::Cache>,
}

impl Quick {
    /// # Errors
    /// Why they cannot be compiled together.
    pub(super) fn new<S: AsRef<str>>(expressions: &[S]) -> Result<Self, String> {
        Self::of(together(expressions)?)
    }

    fn of(nfa: NFA) -> Result<Self, String> {
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            .cache_capacity(SET_BYTES_MAX)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(CLEARED_MAX))
            .minimum_bytes_per_state(Some(STATE_BYTES_MIN));
        let automaton = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|error| error.to_string())?;
        let caches = {
            let automaton = automaton.clone();
            Caches::new(Box::new(move || automaton.create_cache()) as _)
        };
        Ok(Self { automaton, caches })
    }

    /// Whether any of them matches in `text`; nothing if it gives up.
    pub(super) fn is_match(&self, text: &str) -> Option<bool> {
        let input = Input::new(text).earliest(true);
        self.automaton.try_search_fwd(&mut self.caches.get(), &input).ok().map(|found| found.is_some())
    }

    /// Put those that match in `text` into `matching`; some of them, and nothing, if it gives up.
    fn which(&self, text: &str, matching: &mut PatternSet) -> Option<()> {
        self.automaton.try_which_overlapping_matches(&mut self.caches.get(), &Input::new(text), matching).ok()
    }
}

fn together<S: AsRef<str>>(expressions: &[S]) -> Result<NFA, String> {
    let config = NFA::config().which_captures(WhichCaptures::None).nfa_size_limit(Some(SET_BYTES_MAX));
    let nfa = NFA::compiler().syntax(syntax()).configure(config).build_many(expressions);
    nfa.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(expressions: &[&str]) -> Any {
        Any::new(&expressions.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn which(any: &Any, text: &str) -> Vec<usize> {
        let mut matching = PatternSet::new(any.sure.get_nfa().pattern_len());
        any.which(text, &mut matching);
        matching.iter().map(|pattern| pattern.as_usize()).collect()
    }

    #[test]
    fn every_expression_counts_wherever_the_others_match() {
        let any = any(&["abc", "b", "x", "c$"]);
        assert_eq!(which(&any, "abc"), [0, 1, 3]);
        assert!(any.is_match("abc") && !any.is_match("aaa"));
    }

    #[test]
    fn what_the_quick_automaton_cannot_do_the_sure_one_does() {
        let any = any(&[r"\bword\b", "é"]);
        assert_eq!(which(&any, "a word, naïve"), [0]);
        assert_eq!(which(&any, "swords é"), [1]);
        assert!(any.is_match("naïve word") && !any.is_match("naïve words"));
    }
}

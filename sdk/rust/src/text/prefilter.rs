//! Text that a guardrail need not be called for.

use super::{Verdict, Window};
use crate::{Patterns, TextGuardrail};

/// What the gateway may let pass without calling the guardrail: a window in which none of the triggers matches is
/// allowed, without findings. It must be what [`inspect`](TextGuardrail::inspect) would have said; tests that play a
/// [`stream`](super::stream) hold the guardrail to that.
#[derive(Clone, Copy, Debug)]
pub struct Prefilter<'a> {
    triggers: &'a Patterns,
    tail: Option<&'a str>,
}

impl<'a> Prefilter<'a> {
    /// Windows in which none of these patterns matches are let pass, if they are final.
    #[must_use]
    pub fn new(triggers: &'a Patterns) -> Self {
        Self { triggers, tail: None }
    }

    /// Let windows pass that are not final too, and hold back the longest end that the regular expression `tail`
    /// matches as a whole: what may be the beginning of something that triggers. Without a match nothing is held back.
    #[must_use]
    pub fn with_tail(self, tail: &'a str) -> Self {
        Self { tail: Some(tail), ..self }
    }
}

/// Tell the host. For [`export!`](crate::export).
///
/// # Errors
/// What is wrong with the tail.
pub fn install<G: TextGuardrail>(guardrail: &G) -> Result<(), String> {
    let Some(Prefilter { triggers, tail }) = guardrail.prefilter() else { return Ok(()) };
    triggers.prefilter(tail)
}

/// What the gateway does with a window: the prefilter's verdict, or the guardrail's. For tests.
///
/// # Panics
/// When the prefilter lets pass what the guardrail would not, or holds back less.
#[allow(clippy::panic)]
pub(super) fn inspect<G: TextGuardrail>(guardrail: &G, window: &Window) -> Verdict {
    let verdict = guardrail.inspect(window);
    #[cfg(not(target_arch = "wasm32"))]
    if let Some(hold) = native::hold(guardrail, window) {
        let same = Verdict { hold: 0, ..verdict.clone() } == Verdict::allow() && crate::bytes(verdict.hold) <= hold;
        assert!(same, "the prefilter lets {window:?} pass and holds {hold} bytes back; the guardrail says {verdict:?}");
        return Verdict::allow().with_hold(hold);
    }
    verdict
}

/// The host's part, for tests of plugins.
#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use regex::Regex;

    use super::{Prefilter, TextGuardrail, Window};

    thread_local! {
        /// A test asks for thousands of windows.
        static TAILS: RefCell<HashMap<String, Regex>> = RefCell::default();
    }

    /// How much of a window that is let pass is held back.
    #[allow(clippy::expect_used)]
    pub(super) fn hold<G: TextGuardrail>(guardrail: &G, window: &Window) -> Option<usize> {
        let Prefilter { triggers, tail } = guardrail.prefilter()?;
        let text = window.text.as_str();
        if (!window.final_ && tail.is_none()) || triggers.is_match(text) {
            return None;
        }
        let Some(tail) = tail.filter(|_| !window.final_) else { return Some(0) };
        let held = TAILS.with_borrow_mut(|tails| {
            let compile = || Regex::new(&format!("(?:{tail})\\z")).expect("the tail is a regular expression");
            tails.entry(tail.to_owned()).or_insert_with(compile).find(text).map_or(0, |held| held.len())
        });
        Some(held.min(text.len() - window.context_len()))
    }
}

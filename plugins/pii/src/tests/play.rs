//! Streams played through a plugin: what every plugin that sifts is held to.

use std::ops::Range;

use sluicegate_plugin::TextGuardrail;
use sluicegate_plugin::text::{Window, stream};

use crate::reader::Reader;
use crate::sift::{Match, Rules, sift};

/// The context that the host gives.
const CONTEXT_BYTES: usize = 256;

/// Whether what is released and found does not depend on the chunks.
#[track_caller]
pub(super) fn same<G: Rules + TextGuardrail>(guardrail: &G, like: &Window, chunks: &[&str]) {
    let text = chunks.concat();
    let whole = stream(guardrail, like, &[text.as_str()], CONTEXT_BYTES);
    let streamed = stream(guardrail, like, chunks, CONTEXT_BYTES);
    assert_eq!(streamed.denied, whole.denied, "{chunks:?}");
    if whole.denied.is_none() {
        assert_eq!(streamed.released, whole.released, "{chunks:?}");
        assert_eq!(streamed.findings, whole.findings, "{chunks:?}");
    }
    assert!(streamed.held_bytes_max <= G::REACH_BYTES_MAX, "{} held of {text:?}", streamed.held_bytes_max);
}

/// The same rules without the patterns in front of them.
struct Everywhere<'a, G>(&'a G);

impl<G: Rules> Rules for Everywhere<'_, G> {
    type Rule = G::Rule;
    const REACH_BYTES_MAX: usize = G::REACH_BYTES_MAX;
    const TAIL_BYTES: usize = usize::MAX;

    fn places(&self, text: &str) -> Vec<Range<usize>> {
        std::iter::once(0..text.len()).collect()
    }

    fn find(&self, reader: &Reader<'_>) -> Option<Match<G::Rule>> {
        self.0.find(reader)
    }
}

/// Whether the patterns let nothing pass that the rules would find, and the tail nothing that they wait for.
#[track_caller]
pub(super) fn nothing_missed<G: Rules<Rule: std::fmt::Debug>>(guardrail: &G, text: &str) {
    for final_ in [true, false] {
        let window = Window { final_, ..Window::answer(text) };
        let (sifted, all) = (sift(guardrail, &window), sift(&Everywhere(guardrail), &window));
        assert_eq!(sifted.found, all.found, "{text:?}");
        assert_eq!(sifted.hold, all.hold, "{text:?}");
    }
}

pub(super) fn characters(text: &str) -> Vec<&str> {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect()
}

/// Knuth's linear congruential generator: the same texts in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    /// Up to `count_max` of the fragments, one after the other.
    pub(super) fn text<S: AsRef<str>>(&mut self, fragments: &[S], count_max: usize) -> String {
        (0..self.below(count_max)).map(|_| fragments[self.below(fragments.len())].as_ref()).collect()
    }

    /// The text in pieces of up to `bytes_max` bytes.
    pub(super) fn cut<'a>(&mut self, text: &'a str, bytes_max: usize) -> Vec<&'a str> {
        let (mut chunks, mut rest, longest) = (Vec::new(), text, 1 + self.below(bytes_max));
        while !rest.is_empty() {
            let mut at = (1 + self.below(longest)).min(rest.len());
            while !rest.is_char_boundary(at) {
                at += 1;
            }
            let (chunk, behind) = rest.split_at(at);
            chunks.push(chunk);
            rest = behind;
        }
        chunks
    }
}
